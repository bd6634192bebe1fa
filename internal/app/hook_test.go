package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/gitlab/rest"
	"cxm/internal/sandbox"
)

const hooksRoute = "/api/v4/projects/*/hooks"

// hooksThere lists the webhooks that GitLab has in the project.
func (b *bed) hooksThere() (urls []string) {
	b.Helper()
	status, got := b.call(http.MethodGet, projectRoute+"/hooks", nil)
	var all []struct {
		ID     int64
		URL    string
		Signs  bool `json:"signing_token_present"`
		Token  bool `json:"token_present"`
		Issues bool `json:"issues_events"`
		Push   bool `json:"push_events"`
	}
	if err := json.Unmarshal(got, &all); err != nil || status != http.StatusOK {
		b.Fatalf("listing the webhooks answered %d %s", status, got)
	}
	for _, h := range all {
		urls = append(urls, fmt.Sprintf("%s signs=%t token=%t issues=%t push=%t", h.URL, h.Signs, h.Token, h.Issues, h.Push))
	}
	return urls
}

func (b *bed) addHook(r app.WebhookRequest) app.Webhook {
	b.Helper()
	w, err := b.app.AddWebhook(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func webhook() app.WebhookRequest { return app.WebhookRequest{URL: "https://cxm.example.com/base/"} }

// TestAddWebhook: however an attempt ends, the next one finds what it made.
func TestAddWebhook(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"works":                {Method: http.MethodGet, Path: "/none"},
		"answer lost":          {Method: http.MethodPost, Path: hooksRoute, Times: 1, Cut: sandbox.CutAfter},
		"never arrived":        {Method: http.MethodPost, Path: hooksRoute, Times: 1, Cut: sandbox.CutBefore},
		"half an answer":       {Method: http.MethodPost, Path: hooksRoute, Times: 1, Cut: sandbox.CutHalf},
		"fails after the fact": {Method: http.MethodPost, Path: hooksRoute, Times: 1, Status: 502, Commit: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.gitlab.Inject(fault)
			first, err := b.app.AddWebhook(b.Context(), webhook())
			if (err == nil) != (name == "works") {
				t.Fatalf("%+v, %v", first, err)
			}
			if err != nil && !strings.Contains(err.Error(), "Run the same again") {
				t.Errorf("the error names no next step: %v", err)
			}
			if err != nil {
				all, err := b.app.Webhooks(b.Context(), true)
				if err != nil || len(all) != 1 || !strings.Contains(all[0].Trouble, "cxm webhook add") {
					t.Errorf("in between: %+v, %v", all, err)
				}
			}
			w := b.addHook(webhook())
			if again := b.addHook(webhook()); again.ID != w.ID || again.URL != w.URL || again.GitLabID != w.GitLabID {
				t.Errorf("again: %+v, first %+v", again, w)
			}
			want := []string{w.URL + " signs=true token=false issues=true push=false"}
			if got := b.hooksThere(); !slices.Equal(got, want) || w.Trouble != "" || w.Alert != "executable" {
				t.Errorf("GitLab has %q, want %q; %+v", got, want, w)
			}
			moved := b.addHook(app.WebhookRequest{URL: "https://new.example.com"})
			if got := b.hooksThere(); moved.ID != w.ID || len(got) != 1 || got[0] != moved.URL+" signs=true token=false issues=true push=false" {
				t.Errorf("after it moved GitLab has %q", got)
			}
		})
	}
}

// A webhook that nobody remembers, as after a restored backup, is taken over.
func TestAddWebhookTakesOver(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	old := b.addHook(webhook())
	other := b.open(t.TempDir())
	was := b.app
	b.app = other
	b.connect(b.serviceAccountNamed("cxm-again"))
	w := b.addHook(webhook())
	if got := b.hooksThere(); len(got) != 1 || w.GitLabID != old.GitLabID || w.URL != old.URL {
		t.Errorf("GitLab has %q; %+v", got, w)
	}
	b.app = was
	if b.addHook(webhook()).URL != w.URL {
		t.Error("the address changed")
	}
}

// serviceAccountNamed is another account that writes.
func (b *bed) serviceAccountNamed(name string) string {
	b.Helper()
	account := b.admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": name})
	b.admin(http.MethodPost, projectRoute+"/members", map[string]any{"user_id": account["id"], "access_level": 40})
	token := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%v/personal_access_tokens", account["id"]),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.clock.now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return token["token"].(string)
}

// unsigned is a GitLab where signing tokens are switched off: it does not know the
// field.
type unsigned struct{}

func (unsigned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && strings.Contains(r.URL.Path, "/hooks") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.Replace(body, []byte(`"signing_token"`), []byte(`"another_field"`), 1)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Where GitLab does not sign, it sends the secret along, and cxm takes that.
func TestWebhookWithoutSignatures(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.app = b.open(b.dir, func(c *app.Config) { c.Transport = unsigned{} })
	front := b.listening()
	w := b.addHook(app.WebhookRequest{URL: front, InsecureHTTP: true})
	if got := b.hooksThere(); w.Signing || len(got) != 1 || !strings.Contains(got[0], "signs=false token=true") {
		t.Fatalf("GitLab has %q; %+v", got, w)
	}
	b.admin(http.MethodPost, projectRoute+"/issues", map[string]any{"title": "something to make an event of"})
	b.tested(w.ID)
}

// listening serves at an address that it returns.
func (b *bed) listening() string {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- b.app.Serve(ctx, app.WorkOptions{Every: time.Hour, Listen: "127.0.0.1:0", Listening: func(a net.Addr) { at <- "http://" + a.String() }}, 20*time.Second)
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("serving: %v", err)
		}
		b.gitlab.Close()
	})
	select {
	case address := <-at:
		return address
	case err := <-ended:
		ended <- err
		b.Fatal(err)
		return ""
	}
}

// tested tests a webhook until the process that serves has heard of it.
func (b *bed) tested(id int64) app.Webhook {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		w, err := b.app.TestWebhook(b.Context(), id)
		if err == nil {
			return w
		}
		b.clock.forward(time.Minute) // GitLab allows five tests a minute
		select {
		case <-tick.C:
		case <-late:
			b.Fatalf("the test never succeeds: %v", err)
		}
	}
}

// TestServeListens: the listener says that it is up, refuses strangers, and ends
// with the rest; an address that is taken is an error at once.
func TestServeListens(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	address := b.listening()
	for path, want := range map[string]int{"/healthz": 200, "/v1/hooks/gitlab/nobody": 405, "/other": 404} {
		got, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, got.StatusCode, want)
		}
	}
	got, err := http.Post(address+"/v1/hooks/gitlab/nobody", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger is answered %d", got.StatusCode)
	}
	err = b.open(t.TempDir()).Serve(b.Context(), app.WorkOptions{Listen: strings.TrimPrefix(address, "http://")}, time.Second)
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("an address that is taken: %v", err)
	}
}

// Who may not make webhooks is told what it takes, and nothing is left behind.
func TestWebhookRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request app.WebhookRequest
		fault   sandbox.Fault
		want    string
	}{
		"role":        {webhook(), sandbox.Fault{Method: http.MethodGet, Path: hooksRoute, Status: 403, Body: `{"message":"403 Forbidden"}`}, "Maintainer"},
		"group":       {app.WebhookRequest{URL: "https://cxm.example.com", Group: "acme"}, sandbox.Fault{Path: "/none"}, "Owner"},
		"local":       {webhook(), sandbox.Fault{Method: http.MethodPost, Path: hooksRoute, Status: 422, Body: `{"error":"Invalid url given"}`}, "Outbound requests"},
		"no TLS":      {app.WebhookRequest{URL: "http://cxm.example.com"}, sandbox.Fault{Path: "/none"}, "--insecure-http"},
		"no host":     {app.WebhookRequest{URL: "cxm.example.com"}, sandbox.Fault{Path: "/none"}, "is not an address"},
		"with a user": {app.WebhookRequest{URL: "https://a:b@cxm.example.com"}, sandbox.Fault{Path: "/none"}, "leave out user names"},
		"both":        {app.WebhookRequest{URL: "https://cxm.example.com", Group: "acme", Project: "acme/platform"}, sandbox.Fault{Path: "/none"}, "either"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.gitlab.Inject(c.fault)
			_, err := b.app.AddWebhook(b.Context(), c.request)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that says %q", err, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "whsec_") {
				t.Errorf("the error shows the secret: %v", err)
			}
			if all, err := b.app.Webhooks(b.Context(), false); name != "local" && (err != nil || len(all) != 0) {
				t.Errorf("left behind: %+v, %v", all, err)
			}
		})
	}
}

// TestWebhookHealth: what is wrong in GitLab is told, and mended where that can be.
func TestWebhookHealth(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(receiver.Close)
	t.Cleanup(b.gitlab.Close)
	w := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true})
	refreshed := func() app.Webhook {
		t.Helper()
		all, err := b.app.Webhooks(b.Context(), true)
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0]
	}
	if _, err := b.app.TestWebhook(b.Context(), w.ID); err == nil || !strings.Contains(err.Error(), "create an issue") {
		t.Errorf("a test of an empty project: %v", err)
	}
	b.admin(http.MethodPost, projectRoute+"/issues", map[string]any{"title": "something to make an event of"})
	if _, err := b.app.TestWebhook(b.Context(), w.ID); err == nil {
		t.Error("a test that cxm did not answer succeeds")
	}
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: hooksRoute + "/*", Times: 4, Status: 503})
	if _, err := b.app.Webhooks(b.Context(), true); err == nil {
		t.Error("GitLab is down, and nobody says so")
	}
	if all, err := b.app.Webhooks(b.Context(), false); err != nil || all[0].Trouble != "" {
		t.Errorf("that GitLab is down is taken for a trouble of the webhook: %+v, %v", all, err)
	}
	b.admin(http.MethodPut, fmt.Sprintf("%s/hooks/%d", projectRoute, w.GitLabID), map[string]any{"url": "https://elsewhere.example.com"})
	if got := refreshed(); !strings.Contains(got.Trouble, "changed its address") {
		t.Errorf("after its address was changed: %+v", got)
	}
	if got := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true}); got.Trouble != "" || len(b.hooksThere()) != 1 {
		t.Errorf("after it was made again: %+v, %q", got, b.hooksThere())
	}
	b.admin(http.MethodDelete, fmt.Sprintf("%s/hooks/%d", projectRoute, w.GitLabID), nil)
	if got := refreshed(); !strings.Contains(got.Trouble, "does not have it any more") {
		t.Errorf("after it was deleted in GitLab: %+v", got)
	}
	if got := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true}); got.ID != w.ID || got.Trouble != "" || len(b.hooksThere()) != 1 {
		t.Errorf("after it was made again: %+v", got)
	}
	if err := b.app.RemoveWebhook(b.Context(), w.ID); err != nil || len(b.hooksThere()) != 0 {
		t.Errorf("removing it: %v; GitLab has %q", err, b.hooksThere())
	}
	if err := b.app.RemoveWebhook(b.Context(), w.ID); err == nil {
		t.Error("it is removed twice")
	}
}

// The secret of a webhook is nowhere in the clear: not in the database, not in
// what cxm says.
func TestWebhookSecretIsSealed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var secret string
	b.app = b.open(b.dir, func(c *app.Config) {
		c.Transport = rest.NewTransport()
		c.Transport = watching{c.Transport, func(body []byte) {
			var sent struct {
				Secret string `json:"signing_token"`
			}
			if json.Unmarshal(body, &sent) == nil && sent.Secret != "" {
				secret = sent.Secret
			}
		}}
	})
	w := b.addHook(webhook())
	if len(secret) != len("whsec_")+44 {
		t.Fatalf("the secret that was sent has %d characters", len(secret))
	}
	for _, text := range []string{string(w.Sealed), fmt.Sprintf("%+v %#v", w, w)} {
		if strings.Contains(text, secret) || strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
			t.Error("the secret is shown")
		}
	}
}

type watching struct {
	next http.RoundTripper
	see  func([]byte)
}

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		w.see(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return w.next.RoundTrip(r)
}
