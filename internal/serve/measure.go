package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Metrics count the requests of all servers of a program, by the conventions of
// OpenTelemetry for HTTP servers as Prometheus writes them.
type Metrics struct {
	seconds *prometheus.HistogramVec
	active  *prometheus.GaugeVec
	refused *prometheus.CounterVec
}

// NewMetrics makes the metrics; in nil: they are shown nowhere.
func NewMetrics(in prometheus.Registerer) *Metrics {
	m := &Metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_server_request_duration_seconds", Help: "Time from the header of a request to its answer, by listener, method, route and status.",
			Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		}, []string{"listener", "http_request_method", "http_route", "http_response_status_code"}),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "http_server_active_requests", Help: "Requests that are being answered."}, []string{"listener"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cxm_http_connections_refused_total", Help: "Connections closed since their address had too many at once.",
		}, []string{"listener"}),
	}
	if in != nil {
		m.seconds, m.active, m.refused = registered(in, m.seconds), registered(in, m.active), registered(in, m.refused)
	}
	return m
}

// registered is a metric, or the one that was registered in its place before.
func registered[T prometheus.Collector](in prometheus.Registerer, metric T) T {
	err := in.Register(metric)
	if before, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := before.ExistingCollector.(T); ok {
			return same
		}
	}
	return metric
}

// begin counts a request that begins; what it returns counts its end.
func (m *Metrics) begin(listener string) func(r *http.Request, status int, took time.Duration) {
	active := m.active.WithLabelValues(listener)
	active.Inc()
	return func(r *http.Request, status int, took time.Duration) {
		active.Dec()
		m.seconds.WithLabelValues(listener, known(r.Method), route(r), strconv.Itoa(status)).Observe(took.Seconds())
	}
}

// trace begins the span of a request. It goes on with somebody else's trace only
// when that comes through a proxy that is trusted: anybody could write one.
func (o *Options) trace(r *http.Request, v Visit) (ctx context.Context, span trace.Span) {
	ctx = r.Context()
	if o.Tracer == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	if contains(o.Trusted, addrOf(r.RemoteAddr)) {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return o.Tracer.Start(ctx, known(r.Method), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", known(r.Method)), attribute.String("cxm.request.id", v.ID), attribute.String("cxm.listener", o.Name),
	))
}

// endSpan ends the span of a request, named by its route.
func endSpan(span trace.Span, r *http.Request, status int) {
	if !span.IsRecording() {
		return
	}
	span.SetName(known(r.Method) + " " + route(r))
	span.SetAttributes(attribute.String("http.route", route(r)), attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
