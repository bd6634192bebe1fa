package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/sandbox/hook"
)

// receiver is somebody who is told; it answers with status.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
		w.Header().Set("X-Answer", "yes")
		w.Header().Set("Location", "/elsewhere") // for those who follow redirects
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, "thanks")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

// bench is a desk with one hook and a clock of its own.
type bench struct {
	*hook.Desk
	t   *testing.T
	to  *receiver
	own hook.Owner
	hook.Hook
	mu  sync.Mutex
	now time.Time
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func set(t *testing.T, change func(*hook.Options, *hook.Hook)) *bench {
	t.Helper()
	b := &bench{t: t, to: receive(t), own: hook.Owner{ProjectID: 7}, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	o := hook.Options{Clock: b.clock, Agent: "GitLab/19.3.0", Workers: 2, Timeout: 10 * time.Second}
	h := hook.Draft()
	h.URL, h.Events["issues_events"] = b.to.URL, true
	if change != nil {
		change(&o, &h)
	}
	b.Desk = hook.NewDesk(o)
	t.Cleanup(b.Desk.Close)
	var err error
	if b.Hook, err = b.Add(b.own, h); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) send(body string) {
	b.Send(hook.Message{Kind: hook.Issue, Body: []byte(body), Instance: "https://gitlab.example.com"}, b.own)
}

func (b *bench) settle() {
	b.t.Helper()
	if err := b.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) status() string {
	h, _ := b.Desk.Hook(b.own, b.ID)
	return b.Status(h)
}

func TestSignature(t *testing.T) {
	// The example of the Standard Webhooks specification.
	got := hook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestHeaders(t *testing.T) {
	b := set(t, func(_ *hook.Options, h *hook.Hook) {
		h.Token, h.SigningToken = "secret-word", "whsec_"+strings.Repeat("A", 43)+"="
		h.Headers = []hook.Pair{{"X-Team", "finops"}, {"X-Gitlab-Event", "Mine"}, {"webhook-id", "mine"}}
	})
	b.send(`{"a":1}`)
	b.settle()
	h, log := b.to.got[0].Header, b.Logs(b.ID)[0]
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitLab/19.3.0", "X-Gitlab-Event": "Issue Hook",
		"X-Gitlab-Instance": "https://gitlab.example.com", "X-Gitlab-Token": "secret-word", "X-Team": "finops",
		"Webhook-Timestamp": "1772445600", "Webhook-Id": h.Get("Idempotency-Key"),
		"Webhook-Signature": hook.Sign(b.SigningToken, h.Get("Webhook-Id"), "1772445600", []byte(`{"a":1}`)),
	} {
		if got := h.Get(name); got != want || got == "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if h.Get("X-Gitlab-Webhook-UUID") == h.Get("X-Gitlab-Event-UUID") || len(h.Get("X-Gitlab-Event-UUID")) != 36 {
		t.Errorf("uuids: %v", h)
	}
	shown := log.RequestHeaders
	if shown["X-Gitlab-Token"] != "[REDACTED]" || shown["X-Team"] != "[REDACTED]" || shown["X-Gitlab-Event"] != "Issue Hook" {
		t.Errorf("history shows %v", shown)
	}
	if log.ResponseHeaders["X-Answer"] != "yes" || log.ResponseBody != "thanks" || log.Status != "200" || string(log.Data) != `{"a":1}` {
		t.Errorf("history: %+v", log)
	}
}

func TestSecretsGoOnlyWhereTheyAreSet(t *testing.T) {
	b := set(t, nil)
	b.send("{}")
	b.settle()
	for _, name := range []string{"X-Gitlab-Token", "Webhook-Signature"} {
		if got, sent := b.to.got[0].Header[name]; sent {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestAutoDisable: the fourth failure in a row is a minute's rest, each further
// one twice the last, at most a day; the fortieth is the end.
func TestAutoDisable(t *testing.T) {
	b := set(t, nil)
	b.to.answer(http.StatusInternalServerError)
	for range 3 {
		b.send("{}")
		b.settle()
	}
	if got := b.status(); got != hook.Executable {
		t.Fatalf("after three failures: %s", got)
	}
	rests := []time.Duration{}
	for range 36 {
		b.send("{}")
		b.settle()
		h, _ := b.Desk.Hook(b.own, b.ID)
		if b.status() != hook.TemporarilyDisabled {
			t.Fatalf("after %d failures: %s", h.Failures, b.status())
		}
		rests = append(rests, h.DisabledUntil.Sub(b.clock()))
		told := len(b.to.told())
		b.send("{}") // it rests, so this is never told
		b.settle()
		if len(b.to.told()) != told {
			t.Fatal("a resting hook was called")
		}
		b.pass(rests[len(rests)-1] + time.Millisecond)
		if b.status() != hook.Executable {
			t.Fatalf("rested, but %s", b.status())
		}
	}
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
	if diff := cmp.Diff(want, rests[:4]); diff != "" {
		t.Error(diff)
	}
	if rests[10] != 1024*time.Minute || rests[11] != 24*time.Hour || rests[35] != 24*time.Hour {
		t.Errorf("rests: %v", rests)
	}
	b.send("{}")
	b.settle()
	b.pass(1000 * time.Hour)
	if b.status() != hook.Disabled {
		t.Errorf("after forty failures: %s", b.status())
	}
	if d := b.Deliveries(); d[len(d)-2].State != hook.Skipped || d[len(d)-2].Reason != "Hook disabled" {
		t.Errorf("%+v", d[len(d)-2])
	}
	b.to.answer(http.StatusOK)
	if l, err := b.Test(t.Context(), b.ID, hook.Message{Kind: hook.Issue, Body: []byte("{}")}); err != nil || !l.OK() {
		t.Fatal(l, err)
	}
	if h, _ := b.Desk.Hook(b.own, b.ID); b.status() != hook.Executable || h.Failures != 0 {
		t.Errorf("after a good test: %s, %d failures", b.status(), h.Failures)
	}
}

func TestSuccessResetsTheCount(t *testing.T) {
	b := set(t, nil)
	for _, status := range []int{500, 404, 500, 302, 500, 500, 500} {
		b.to.answer(status)
		b.send("{}")
		b.settle()
	}
	if h, _ := b.Desk.Hook(b.own, b.ID); h.Failures != 3 || b.status() != hook.Executable {
		t.Errorf("%d failures, %s", h.Failures, b.status())
	}
	if got := len(b.to.told()); got != 7 {
		t.Errorf("told %d times: nothing is tried again, redirects are not followed", got)
	}
}

func TestKeepFailing(t *testing.T) {
	b := set(t, func(o *hook.Options, _ *hook.Hook) { o.KeepFailing = true })
	b.to.answer(http.StatusInternalServerError)
	for range 50 {
		b.send("{}")
	}
	b.settle()
	if len(b.to.told()) != 50 || b.status() != hook.Executable {
		t.Errorf("told %d times, %s", len(b.to.told()), b.status())
	}
}

// TestHold: held deliveries go in the order somebody chooses.
func TestHold(t *testing.T) {
	b := set(t, nil)
	b.Hold(true)
	for i := range 5 {
		b.send(fmt.Sprint(i + 1))
	}
	b.settle() // held ones do not count
	if got := b.to.told(); len(got) != 0 {
		t.Fatalf("held, but told %v", got)
	}
	if err := b.Release(t.Context(), 4, 9); err == nil || !strings.Contains(err.Error(), "delivery 9") {
		t.Errorf("unknown id: %v", err)
	}
	if err := b.Release(t.Context(), 4, 2); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(t.Context(), 2); err == nil {
		t.Error("released twice")
	}
	if err := b.Repeat(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := b.Repeat(t.Context(), 1); err == nil {
		t.Error("repeated what was not sent")
	}
	if err := b.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"4", "2", "4", "1", "3", "5"}, b.to.told()); diff != "" {
		t.Error(diff)
	}
	ids := map[string]int{}
	for _, r := range b.to.got {
		ids[r.Header.Get("webhook-id")]++
	}
	if len(ids) != 5 || ids[b.to.got[0].Header.Get("webhook-id")] != 2 {
		t.Errorf("webhook-ids %v", ids)
	}
	b.send("6")
	b.Hold(false)
	b.settle()
	if got := b.to.told(); got[len(got)-1] != "6" {
		t.Errorf("let go, but told %v", got)
	}
}

func TestLose(t *testing.T) {
	b := set(t, nil)
	b.Lose(true)
	b.send("lost")
	b.Lose(false)
	b.send("told")
	b.settle()
	if diff := cmp.Diff([]string{"told"}, b.to.told()); diff != "" {
		t.Error(diff)
	}
	if d := b.Deliveries(); d[0].State != hook.Lost || d[1].State != hook.Sent || len(b.Logs(b.ID)) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestResend(t *testing.T) {
	b := set(t, nil)
	b.to.answer(http.StatusBadGateway)
	b.send(`{"n":1}`)
	b.settle()
	first := b.Logs(b.ID)[0]
	if again, err := b.Resend(t.Context(), first); err != nil || again.Key != first.Key || again.Status != "502" {
		t.Errorf("%+v, %v", again, err)
	}
	if got := b.to.told(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("told %v", got)
	}
	h, _ := b.Desk.Hook(b.own, b.ID)
	h.URL += "/elsewhere"
	if _, err := b.Change(h); err != nil {
		t.Fatal(err)
	}
	var refused hook.Refusal
	if _, err := b.Resend(t.Context(), first); !errors.As(err, &refused) || !strings.Contains(err.Error(), "URL has changed") {
		t.Errorf("to another address: %v", err)
	}
}

// TestNobodyThere: what gets no answer is an internal error in the history.
func TestNobodyThere(t *testing.T) {
	b := set(t, nil)
	b.to.Close()
	b.send("{}")
	b.settle()
	l := b.Logs(b.ID)[0]
	if l.Status != "internal error" || l.OK() || l.Fault == "" || !l.Within("server_failure") {
		t.Errorf("%+v", l)
	}
}

func TestTimeout(t *testing.T) {
	gone := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the caller go
		<-r.Context().Done()
		close(gone)
	}))
	defer slow.Close()
	b := set(t, func(o *hook.Options, h *hook.Hook) { o.Timeout, h.URL = 20*time.Millisecond, slow.URL })
	b.send("{}")
	b.settle()
	<-gone
	if l := b.Logs(b.ID)[0]; l.Status != "internal error" {
		t.Errorf("%+v", l)
	}
}

// TestClose: deliveries under way are ended, those that wait are lost, nothing
// is left running.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	called := make(chan struct{}, 10)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		called <- struct{}{}
		<-r.Context().Done()
	}))
	b := set(t, func(_ *hook.Options, h *hook.Hook) { h.URL = stuck.URL })
	b.Hold(true)
	b.send("held")
	b.Hold(false)
	b.send("2")
	b.send("3")
	<-called
	<-called // both workers are at it
	b.Close()
	b.Close()
	b.send("late")
	if err := b.Release(t.Context()); err != nil {
		t.Error(err)
	}
	states := []hook.State{}
	for _, d := range b.Deliveries() {
		states = append(states, d.State)
	}
	if diff := cmp.Diff([]hook.State{hook.Sent, hook.Sent, hook.Lost, hook.Lost}, states); diff != "" {
		t.Error(diff)
	}
	stuck.Close()
	b.to.Close()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// Close closes the desk; the embedded hook has no such method.
func (b *bench) Close() { b.Desk.Close() }

func TestSettleEnds(t *testing.T) {
	called := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(called)
		<-r.Context().Done()
	}))
	defer stuck.Close()
	b := set(t, func(_ *hook.Options, h *hook.Hook) { h.URL = stuck.URL })
	b.send("{}")
	<-called
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Settle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("settled with a delivery under way: %v", err)
	}
	b.Close()
}

// TestChain: a receiver that writes back with the chain of what it was told is
// not told of it again.
func TestChain(t *testing.T) {
	b := set(t, nil)
	b.send("1")
	b.settle()
	m := hook.Message{Kind: hook.Issue, Body: []byte("2"), Chain: b.to.got[0].Header.Get("X-Gitlab-Event-UUID")}
	b.Send(m, b.own)
	b.settle()
	if d := b.Deliveries(); d[1].State != hook.Skipped || d[1].Reason != "Recursive webhook blocked" {
		t.Errorf("%+v", d[1])
	}
	m.Chain = "11111111-2222-4333-8444-555555555555"
	b.Send(m, b.own)
	b.settle()
	if got := b.to.told(); len(got) != 2 || b.to.got[1].Header.Get("X-Gitlab-Event-UUID") != m.Chain {
		t.Errorf("told %v", got)
	}
}

func TestTemplate(t *testing.T) {
	payload := `{"object_kind":"issue","object_attributes":{"title":"a \"b\"","id":3},"labels":[{"id":1}]}`
	whole := `{"kind":"{{object_kind}}","title":"{{object_attributes.title}}","id":{{object_attributes.id}},"labels":{{labels}},"no":{{nothing}}}`
	for template, want := range map[string]string{
		whole:                        `{"kind":"issue","title":"a \"b\"","id":3,"labels":[{"id":1}],"no":null}`,
		`{"broken":{{object_kind}}}`: "",
		`{"open":"{{object_kind"}`:   `{"open":"{{object_kind"}`,
	} {
		b := set(t, func(_ *hook.Options, h *hook.Hook) { h.Template = template })
		b.send(payload)
		b.settle()
		got := strings.Join(b.to.told(), "")
		if got != want || want != "" && !json.Valid([]byte(got)) {
			t.Errorf("%s\ngives %s\nwant  %s", template, got, want)
		}
		if l := b.Logs(b.ID)[0]; want == "" && (l.Status != "internal error" || l.Data != nil) {
			t.Errorf("%+v", l)
		}
	}
}

func TestVariables(t *testing.T) {
	b := set(t, func(_ *hook.Options, h *hook.Hook) {
		h.URL += "/{team}/x?key={key}"
		h.Variables = []hook.Pair{{"team", "finops"}, {"key", "k-1"}}
	})
	b.send("{}")
	b.settle()
	if got := b.to.got[0].URL.String(); got != "/finops/x?key=k-1" {
		t.Errorf("called %s", got)
	}
	if l := b.Logs(b.ID)[0]; strings.Contains(l.URL, "k-1") {
		t.Errorf("the history shows %s", l.URL)
	}
}

func TestURLs(t *testing.T) {
	for url, open := range map[string]bool{
		"http://cxm.example.com/hook": true, "https://93.184.216.34:8443/x": true,
		"": false, "cxm.example.com": false, "ftp://cxm.example.com": false, "http://": false, "http://{host}/": false, "http://x y/": false,
	} {
		for _, block := range []bool{false, true} {
			d := hook.NewDesk(hook.Options{Clock: time.Now, BlockLocal: block})
			if _, err := d.Add(hook.Owner{ProjectID: 1}, hook.Hook{URL: url}); (err == nil) != open {
				t.Errorf("%q: %v", url, err)
			}
		}
	}
	local := []string{"http://localhost:80", "http://LocalHost/", "http://127.0.0.1", "http://[::1]/", "http://10.0.0.1", "http://192.168.1.1", "http://169.254.169.254", "http://0.0.0.0", "http://[::ffff:127.0.0.1]/"}
	for _, url := range local {
		free, strict := hook.NewDesk(hook.Options{Clock: time.Now}), hook.NewDesk(hook.Options{Clock: time.Now, BlockLocal: true})
		if _, err := free.Add(hook.Owner{ProjectID: 1}, hook.Hook{URL: url}); err != nil {
			t.Errorf("%s is refused: %v", url, err)
		}
		if _, err := strict.Add(hook.Owner{ProjectID: 1}, hook.Hook{URL: url}); err == nil {
			t.Errorf("%s is not refused", url)
		}
	}
}

func TestHistoryIsSevenDays(t *testing.T) {
	b := set(t, nil)
	b.send("{}")
	b.settle()
	id := b.Logs(b.ID)[0].ID
	b.pass(7*24*time.Hour + time.Second)
	if got := b.Logs(b.ID); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if _, ok := b.Log(b.ID, id); !ok {
		t.Error("it cannot be found by its id")
	}
	b.Remove(b.ID)
	if _, ok := b.Log(b.ID, id); ok {
		t.Error("the history outlives the hook")
	}
}
