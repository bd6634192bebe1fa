package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/notify"
	"cxm/internal/sandbox"
)

// chat is where an operator has notices sent.
type chat struct {
	mu     sync.Mutex
	status int // of its answers; 0: 204
	told   []map[string]any
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var event map[string]any
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.told = append(c.told, event)
	w.WriteHeader(max(c.status, http.StatusNoContent))
}

func (c *chat) types() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, e := range c.told {
		out = append(out, e["type"].(string))
	}
	return out
}

// notified opens cxm with an address for notices.
func (b *bed) notified() *chat {
	b.Helper()
	c := &chat{}
	server := httptest.NewServer(c)
	b.Cleanup(server.Close)
	sender, err := notify.New(server.URL, "", nil, b.clock.now)
	if err != nil {
		b.Fatal(err)
	}
	b.app = b.open(b.dir, func(c *app.Config) { c.Notices = sender })
	return c
}

func (b *bed) run() {
	b.Helper()
	if _, err := b.app.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// TestNotices: the operator's address hears once of a token that expires soon, with
// what to do, and once of access that is lost.
func TestNotices(t *testing.T) {
	onBoth(t, func(b *bed) {
		heard := b.notified()
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: "/api/v4/personal_access_tokens/self/rotate", Status: 400, Body: `{"message":"400 Bad request - Rotation of legacy personal access tokens is disabled. Use a fine-grained token instead."}`})
		b.clock.forward(61 * 24 * time.Hour)
		for range 2 {
			b.run()
		}
		if got := heard.types(); !slices.Equal(got, []string{"cxm.token.expiring.v1"}) {
			b.Fatalf("told: %v", got)
		}
		if text := heard.told[0]["text"].(string); !strings.Contains(text, "in 29 days") || !strings.Contains(text, "cxm rotates it by itself on ") {
			b.Errorf("told %q", text)
		}
		b.clock.forward(40 * 24 * time.Hour)
		for range 2 {
			b.run()
		}
		lost := slices.DeleteFunc(heard.types(), func(kind string) bool { return kind != "cxm.access.lost.v1" })
		if len(lost) != 1 {
			b.Errorf("told: %v", heard.types())
		}
		raw, err := json.Marshal(heard.told)
		if err != nil || strings.Contains(string(raw), "glpat-") {
			b.Errorf("a token was told: %s", raw)
		}
	})
}

// TestNoticeRefused: an address that takes nothing holds no work up, and is not
// asked again.
func TestNoticeRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	heard := b.notified()
	heard.status = http.StatusGone
	b.clock.forward(61 * 24 * time.Hour)
	for range 2 {
		b.run()
	}
	if got := heard.types(); len(got) != 1 {
		t.Errorf("told: %v", got)
	}
	var refused *notify.RefusedError
	if _, err := b.app.TestNotice(b.Context()); !errors.As(err, &refused) {
		t.Errorf("err = %v", err)
	}
	if _, err := b.open(b.dir).TestNotice(b.Context()); !errors.Is(err, app.ErrNoAddress) {
		t.Errorf("err = %v", err)
	}
}

// TestStatusPage: while cxm serves, its page tells how long the token works and
// what needs somebody, and its metrics say the same to Prometheus.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.app = b.open(b.dir, func(c *app.Config) { c.Metrics, c.Version = true, "v1" })
	b.aws(disk(1, "100"))
	ctx, cancel := context.WithCancel(b.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- b.app.Serve(ctx, app.WorkOptions{Every: time.Hour, Front: app.Front{Status: "127.0.0.1:0", Showing: func(a net.Addr) { at <- "http://" + a.String() }}}, 20*time.Second)
	}()
	address := <-at
	for path, want := range map[string][]string{
		"/":        {"90 days left", "acme/platform", "100.00 USD", "aws-cost-optimization-hub"},
		"/metrics": {"cxm_token_expires_timestamp_seconds{", "cxm_token_active{", `cxm_savings_estimated_monthly{currency="USD",tenant="default"} 100`, `cxm_savings_per_month{currency="USD",state="open",tenant="default"} 100`, `cxm_savings_per_month{currency="USD",state="realised",tenant="default"} 0`, "cxm_gitlab_requests_total{"},
	} {
		b.until(func() bool {
			resp, err := http.Get(address + path)
			if err != nil {
				return false
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			return err == nil && resp.StatusCode == http.StatusOK && !slices.ContainsFunc(want, func(part string) bool { return !strings.Contains(string(body), part) })
		}, path)
	}
	if err := b.open(t.TempDir(), func(c *app.Config) { c.Metrics = true }).Serve(b.Context(), app.WorkOptions{Front: app.Front{Status: strings.TrimPrefix(address, "http://")}}, time.Second); err == nil || !strings.Contains(err.Error(), "--status-listen") {
		t.Errorf("an address that is taken: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// until waits for a condition.
func (b *bed) until(holds func() bool, what string) {
	b.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			b.Fatalf("%s never comes", what)
		}
	}
}
