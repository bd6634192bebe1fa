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
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Report is how cxm is.
type Report struct {
	Version string
	At      time.Time
	Jobs    []Jobs
	Oldest  map[string]time.Duration // how long the oldest job of a kind has waited; none of a kind: none waits
	Tenants []Tenant
}

// Tenant is how cxm is for one tenant.
type Tenant struct {
	Name     string
	Tokens   []Token
	Issues   []Count // by state: open, closed, in doubt, unseen
	Findings []Count // by kind, present ones; and "absent"
	Savings  []Amount
	States   []StateSavings // what can be saved and what became of it; working is part of open
	Unknown  int            // groups that save an unknown amount
	Scopes   []Scope
	Whole    []Whole // the last complete delivery of each scope that had one
	Queue    Queue
	Breakers []Breaker
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

// StateSavings is what findings in one state save a month in one currency.
type StateSavings struct {
	State string // open, working, merged, applied, realised
	Amount
}

// Scope is what a source last said about one scope.
type Scope struct {
	Source, Scope string
	At            time.Time // of the last delivery
	Complete      bool      // that one was
	Why           string    // it was not
}

// Whole is when a scope was last delivered complete: what absence is told from.
type Whole struct {
	Source, Scope string
	At            time.Time
}

// Queue is what waits.
type Queue struct {
	Deliveries int // accepted, and not taken in yet
	Refused    int // kept for a person to look at
	Approvals  int // runs that a brake holds
}

// Jobs are how many jobs of one kind are in one state.
type Jobs struct {
	Kind, State string
	Number      int
}

// Breaker is what is called, or left alone for a while since it only fails.
type Breaker struct {
	Integration int64
	Target      string // "instance", "project 7", …
	Open        bool   // it is left alone
}

// Reader makes a report.
type Reader func(context.Context) (Report, error)

// Board serves a report at / and the metrics at /metrics.
type Board struct {
	read     Reader
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	left     *prometheus.GaugeVec
}

// fresh is for how long a report serves whoever asks for metrics: several that
// scrape at once cost no more than one.
const fresh = 5 * time.Second

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
		left: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cxm_gitlab_ratelimit_remaining", Help: "Requests that GitLab's limit still allowed when it last said so, by instance and account.",
		}, []string{"instance", "account"}),
	}
	b.registry.MustRegister(b.calls, b.seconds, b.left, gauges{(&memo{read: read, now: time.Now}).report}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return b
}

// Registry is where others add metrics of theirs.
func (b *Board) Registry() prometheus.Registerer { return b.registry }

// Called counts a request to GitLab. Route is GitLab's, unfilled, so that there
// are few of them.
func (b *Board) Called(method, route, status string, took time.Duration) {
	b.calls.WithLabelValues(method, route, status).Inc()
	b.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// Left notes how many requests an instance still allows an account (its id; 0: not
// known yet) now.
func (b *Board) Left(instance string, account int64, requests int) {
	b.left.WithLabelValues(instance, strconv.FormatInt(account, 10)).Set(float64(requests))
}

// memo keeps a report for a moment. Who asks meanwhile waits for the same one.
type memo struct {
	read Reader
	now  func() time.Time

	mu   sync.Mutex
	at   time.Time // of the last that could be made
	last Report
}

func (m *memo) report(ctx context.Context) (Report, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.at.IsZero() && m.now().Sub(m.at) < fresh {
		return m.last, nil
	}
	r, err := m.read(ctx)
	if err == nil {
		m.last, m.at = r, m.now()
	}
	return r, err
}

// Register adds the board's routes.
func (b *Board) Register(mux *http.ServeMux) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, Registry: b.registry}))
	mux.HandleFunc("GET /{$}", b.page)
	mux.HandleFunc("GET /status.css", sheet)
}
