package tracing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// collector takes in what is sent by OTLP over HTTP.
type collector struct {
	mu    sync.Mutex
	got   bytes.Buffer
	paths []string
}

func collect(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	return c
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths = append(c.paths, r.Method+" "+r.URL.Path)
	c.got.Write(body)
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String()
}

// TestNone: without being opened nothing is sent, and everything may be called.
func TestNone(t *testing.T) {
	c := collect(t)
	var none *Tracing
	none.Called(t.Context(), "GET", "/user", 200, time.Second)
	if none.Tracer() != nil || none.Jobs() != nil || none.Close(t.Context()) != nil {
		t.Error("there is something of none")
	}
	if len(c.paths) > 0 {
		t.Errorf("sent: %v", c.paths)
	}
}

// TestSent: what is opened sends to where the variables say, at the latest when it is
// closed, and under the name that they give.
func TestSent(t *testing.T) {
	c := collect(t)
	t.Setenv("OTEL_SERVICE_NAME", "cxm-of-acme")
	tr, err := Open(t.Context(), "v7", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tr.Called(t.Context(), "GET", "/projects/:id/issues", 200, time.Second)
	tr.Called(nil, "GET", "/of/nobody", 200, time.Second) //nolint:staticcheck // calls that were made without a context
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.paths, "POST /v1/traces") {
		t.Errorf("sent to %v", c.paths)
	}
	for _, want := range []string{"GET /projects/:id/issues", "cxm-of-acme", "v7"} {
		if !strings.Contains(c.text(), want) {
			t.Errorf("%q was not sent", want)
		}
	}
	if strings.Contains(c.text(), "/of/nobody") {
		t.Error("a call that belongs to nothing was sent")
	}
}

// TestAway: a collector that is away is logged, and stops nothing.
func TestAway(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	var log bytes.Buffer
	tr, err := Open(t.Context(), "v7", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	tr.Called(t.Context(), "GET", "/user", 200, time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := tr.Close(ctx); !strings.Contains(log.String(), "traces could not be sent") {
		t.Errorf("logged %q (%v)", log.String(), err)
	}
}

// TestSpans: a span has a method, a route, a kind and a result, and nothing that
// somebody wrote: not the text of an error, not what a job is about.
func TestSpans(t *testing.T) {
	const secret = "glpat-of-somebody"
	spans := tracetest.NewInMemoryExporter()
	tr, err := newTracing(t.Context(), "v7", sdk.WithSyncer(spans))
	if err != nil {
		t.Fatal(err)
	}
	tr.Called(t.Context(), "GET", "/user", 0, time.Second)
	tr.Called(t.Context(), "PUT", "/projects/:id/issues/:iid", 200, time.Second)
	work := tr.Jobs()[0].(rivertype.WorkerMiddleware).Work //nolint:forcetypeassert // it is one
	job := &rivertype.JobRow{ID: 7, Kind: "step", Attempt: 2, EncodedArgs: []byte(`{"said":"` + secret + `"}`), Metadata: []byte(secret)}
	inner := errors.New("said " + secret)
	for _, each := range []error{nil, inner, river.JobSnooze(time.Second)} {
		if got := work(t.Context(), job, func(ctx context.Context) error {
			tr.Called(ctx, "GET", "/within", 403, 0)
			return each
		}); !errors.Is(got, each) {
			t.Errorf("%v came out as %v", each, got)
		}
	}
	var said []string
	var last tracetest.SpanStub
	for _, s := range spans.GetSpans() {
		line := s.Name + " " + s.Status.Code.String()
		for _, a := range s.Attributes {
			if !slices.Contains([]string{"http.request.method", "url.template", "http.response.status_code", "cxm.job.kind", "cxm.job.id", "cxm.job.attempt", "cxm.job.result"}, string(a.Key)) {
				t.Errorf("%s has the attribute %s", s.Name, a.Key)
			}
			if strings.Contains(a.Value.String(), secret) {
				t.Errorf("%s says what a job is about: %v", s.Name, a)
			}
			if a.Key == "cxm.job.result" {
				line += " " + a.Value.AsString()
			}
		}
		if strings.Contains(s.Status.Description, secret) || len(s.Events) > 0 {
			t.Errorf("%s says what went wrong: %+v", s.Name, s)
		}
		if s.Name == "job step" && last.Name == "GET /within" && last.Parent.SpanID() != s.SpanContext.SpanID() {
			t.Error("a call of a job is not below it")
		}
		said, last = append(said, line), s
	}
	want := []string{
		"GET /user " + codes.Error.String(), "PUT /projects/:id/issues/:iid " + codes.Unset.String(),
		"GET /within Error", "job step Unset", "GET /within Error", "job step Error", "GET /within Error", "job step Unset later",
	}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}
