package app_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"cxm/internal/app"
)

// TestTraces: unless they are switched on nothing is sent; then the jobs of a run and
// its calls to GitLab are, and no token, no address and no word of a finding.
func TestTraces(t *testing.T) {
	b := newBed(t)
	var mu sync.Mutex
	var got bytes.Buffer
	var paths []string
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got.Write(body)
		paths = append(paths, r.URL.Path)
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	token := b.shared().NewToken()
	b.connect(token)
	run := func(traces *app.Tracing, n int) {
		t.Helper()
		b.aws(disks(0, n)...)
		b.reopened(func(c *app.Config) { c.Tracing = traces })
		if _, err := b.app.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run(nil, 2)
	if len(paths) > 0 || b.posts() != 2 {
		t.Fatalf("without traces: %v", paths)
	}
	traces, err := app.OpenTracing(t.Context(), "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(traces, 4)
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(paths, "/v1/traces") {
		t.Fatalf("sent to %v", paths)
	}
	for _, want := range []string{"job ", "POST /projects/", "cxm.job.kind", "url.template"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q was not sent", want)
		}
	}
	for _, secret := range []string{token, b.url, "glpat-", "PRIVATE-TOKEN", "Bearer ", "vol-0", "acme", "Upgrade"} {
		if strings.Contains(got.String(), secret) {
			t.Errorf("%q was sent", secret)
		}
	}
}
