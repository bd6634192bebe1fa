// Package status shows how cxm is, as a page for people and as metrics for
// Prometheus. Both are made of one Report, so that they never say different things.
//
// What always holds: nothing here changes anything or asks GitLab; a report that
// cannot be made is said so, and is no empty page; names and units of metrics are
// those of Prometheus (seconds, timestamps, counters that end in _total).
package status

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Report is how cxm is.
type Report struct {
	Version  string
	At       time.Time
	Tokens   []Token
	Issues   []Count // by state: open, closed, in doubt, unseen
	Findings []Count // by kind, present ones; and "absent"
	Savings  []Amount
	Unknown  int // groups that save an unknown amount
	Scopes   []Scope
	Queue    Queue
	Troubles []string // in words for people: what is left alone for a while, what waits for somebody
}

// Token is the token of one integration; never its value.
type Token struct {
	Integration int64
	URL         string
	Account     string
	Project     string
	State       string    // of the credential: active, lost, ...
	ExpiresAt   time.Time // zero: never
	RotatesAt   time.Time // zero: cxm does not rotate it
	Note        string    // what is wrong, with the mend; empty: nothing
}

// Days is how many days the token still works, rounded up as `cxm token status`
// does, and false when it never expires. 0: it has expired.
func (t Token) Days(now time.Time) (days int, expires bool) {
	const day = 24 * time.Hour
	if t.ExpiresAt.IsZero() {
		return 0, false
	}
	return max(0, int((t.ExpiresAt.Sub(now)+day-1)/day)), true
}

// Count is how many there are of something.
type Count struct {
	Of     string
	Number int
}

// Amount is what present findings would save in one currency, per month.
type Amount struct {
	Currency string
	Value    string  // for people, exact
	Float    float64 // for Prometheus, which has nothing else
}

// Scope is what a source last said about one scope.
type Scope struct {
	Source, Scope string
	At            time.Time // of the last delivery
	Complete      bool      // that one was
	Why           string    // it was not
}

// Queue is what waits.
type Queue struct {
	Deliveries int // accepted, and not taken in yet
	Refused    int // kept for a person to look at
	Approvals  int // runs that a brake holds
}

// Reader makes a report.
type Reader func(context.Context) (Report, error)

// Board serves a report at / and the metrics at /metrics.
type Board struct {
	read     Reader
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// New serves what read says.
func New(read Reader) *Board {
	b := &Board{
		read: read, registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cxm_gitlab_requests_total", Help: "Requests sent to GitLab, by method, route and the status of the answer (0: there was none).",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cxm_gitlab_request_duration_seconds", Help: "Time until GitLab began to answer, by method and route.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
	}
	b.registry.MustRegister(b.calls, b.seconds, gauges{read}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return b
}

// Called counts a request to GitLab. Route is GitLab's, unfilled, so that there
// are few of them.
func (b *Board) Called(method, route, status string, took time.Duration) {
	b.calls.WithLabelValues(method, route, status).Inc()
	b.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// Register adds the board's routes.
func (b *Board) Register(mux *http.ServeMux) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, Registry: b.registry}))
	mux.HandleFunc("GET /{$}", b.page)
	mux.HandleFunc("GET /status.css", sheet)
}
