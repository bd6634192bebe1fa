package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
)

// TestServeReady: the program is ready once the queue is worked, and not any more
// when it is told to stop, while requests are still answered; metrics and profiles
// are at the operators' listener alone.
func TestServeReady(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	a := b.open(t.TempDir(), func(c *app.Config) { c.Metrics = true })
	ctx, stop := context.WithCancel(t.Context())
	at, ended := make(chan string, 2), make(chan error, 1)
	told := func(addr net.Addr) { at <- "http://" + addr.String() }
	go func() {
		ended <- a.Serve(ctx, app.WorkOptions{Every: time.Hour, Front: app.Front{
			Listen: "127.0.0.1:0", Listening: told, Status: "127.0.0.1:0", Showing: told, Pprof: true, Drain: time.Second,
		}}, 20*time.Second)
	}()
	public, status := <-at, <-at
	look := func(address string) (int, string) {
		got, err := http.Get(address)
		if err != nil {
			return 0, err.Error()
		}
		defer got.Body.Close()
		text, _ := io.ReadAll(got.Body)
		return got.StatusCode, string(text)
	}
	until := func(want int) string {
		for deadline := time.Now().Add(20 * time.Second); ; {
			code, text := look(public + "/readyz")
			if code == want || time.Now().After(deadline) {
				return text
			}
		}
	}
	if text := until(200); !strings.Contains(text, `"database":"ok","migrations":"ok","queue":"ok"`) {
		t.Errorf("%s", text)
	}
	for path, codes := range map[string][2]int{"/metrics": {404, 200}, "/debug/pprof/": {404, 200}, "/readyz": {200, 200}, "/healthz": {200, 200}} {
		for i, address := range []string{public, status} {
			if code, _ := look(address + path); code != codes[i] {
				t.Errorf("%s%s answers %d", address, path, code)
			}
		}
	}
	shown := func() bool {
		_, text := look(status + "/metrics")
		return strings.Contains(text, `http_route="/readyz"`) && strings.Contains(text, "cxm_queue_jobs{") // those of the schedule, and not at once
	}
	for deadline := time.Now().Add(30 * time.Second); !shown(); {
		if time.Now().After(deadline) {
			t.Fatal("the metrics lack requests, or jobs")
		}
	}
	stop()
	if text := until(503); !strings.Contains(text, "stopping") {
		t.Errorf("%s", text)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
