package webhooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/gitlab/rest"
	"cxm/internal/sandbox"
)

const hooksRoute = "/api/v4/projects/*/hooks"

// hooksThere lists the webhooks that GitLab has in the project.
func (b *bed) hooksThere() (urls []string) {
	b.Helper()
	status, got := b.Call(http.MethodGet, apptest.ProjectRoute+"/hooks", nil)
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
	w, err := b.App.AddWebhook(b.Context(), r)
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
			b.GitLab.Inject(fault)
			first, err := b.App.AddWebhook(b.Context(), webhook())
			if (err == nil) != (name == "works") {
				t.Fatalf("%+v, %v", first, err)
			}
			if err != nil && !strings.Contains(err.Error(), "Run the same again") {
				t.Errorf("the error names no next step: %v", err)
			}
			if err != nil {
				all, err := b.App.Webhooks(b.Context(), true)
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
	other := b.Open(t.TempDir())
	was := b.App
	b.App = other
	b.Connect(b.ServiceAccount("cxm-again"))
	w := b.addHook(webhook())
	if got := b.hooksThere(); len(got) != 1 || w.GitLabID != old.GitLabID || w.URL != old.URL {
		t.Errorf("GitLab has %q; %+v", got, w)
	}
	b.App = was
	if b.addHook(webhook()).URL != w.URL {
		t.Error("the address changed")
	}
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
	b.App = b.Open(b.Dir, func(c *app.Config) { c.Transport = unsigned{} })
	front := b.Listening()
	w := b.addHook(app.WebhookRequest{URL: front, InsecureHTTP: true})
	if got := b.hooksThere(); w.Signing || len(got) != 1 || !strings.Contains(got[0], "signs=false token=true") {
		t.Fatalf("GitLab has %q; %+v", got, w)
	}
	b.Admin(http.MethodPost, apptest.ProjectRoute+"/issues", map[string]any{"title": "something to make an event of"})
	b.tested(w.ID)
}

// tested tests a webhook until the process that serves has heard of it.
func (b *bed) tested(id int64) app.Webhook {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		w, err := b.App.TestWebhook(b.Context(), id)
		if err == nil {
			return w
		}
		b.Clock.Forward(time.Minute) // GitLab allows five tests a minute
		select {
		case <-tick.C:
		case <-late:
			b.Fatalf("the test never succeeds: %v", err)
		}
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
			b.GitLab.Inject(c.fault)
			_, err := b.App.AddWebhook(b.Context(), c.request)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that says %q", err, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "whsec_") {
				t.Errorf("the error shows the secret: %v", err)
			}
			if all, err := b.App.Webhooks(b.Context(), false); name != "local" && (err != nil || len(all) != 0) {
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
	t.Cleanup(b.GitLab.Close)
	w := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true})
	refreshed := func() app.Webhook {
		t.Helper()
		all, err := b.App.Webhooks(b.Context(), true)
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0]
	}
	if _, err := b.App.TestWebhook(b.Context(), w.ID); err == nil || !strings.Contains(err.Error(), "create an issue") {
		t.Errorf("a test of an empty project: %v", err)
	}
	b.Admin(http.MethodPost, apptest.ProjectRoute+"/issues", map[string]any{"title": "something to make an event of"})
	if _, err := b.App.TestWebhook(b.Context(), w.ID); err == nil {
		t.Error("a test that cxm did not answer succeeds")
	}
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: hooksRoute + "/*", Times: 4, Status: 503})
	if _, err := b.App.Webhooks(b.Context(), true); err == nil {
		t.Error("GitLab is down, and nobody says so")
	}
	if all, err := b.App.Webhooks(b.Context(), false); err != nil || all[0].Trouble != "" {
		t.Errorf("that GitLab is down is taken for a trouble of the webhook: %+v, %v", all, err)
	}
	b.Admin(http.MethodPut, fmt.Sprintf("%s/hooks/%d", apptest.ProjectRoute, w.GitLabID), map[string]any{"url": "https://elsewhere.example.com"})
	if got := refreshed(); !strings.Contains(got.Trouble, "changed its address") {
		t.Errorf("after its address was changed: %+v", got)
	}
	if got := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true}); got.Trouble != "" || len(b.hooksThere()) != 1 {
		t.Errorf("after it was made again: %+v, %q", got, b.hooksThere())
	}
	b.Admin(http.MethodDelete, fmt.Sprintf("%s/hooks/%d", apptest.ProjectRoute, w.GitLabID), nil)
	if got := refreshed(); !strings.Contains(got.Trouble, "does not have it any more") {
		t.Errorf("after it was deleted in GitLab: %+v", got)
	}
	if got := b.addHook(app.WebhookRequest{URL: receiver.URL, InsecureHTTP: true}); got.ID != w.ID || got.Trouble != "" || len(b.hooksThere()) != 1 {
		t.Errorf("after it was made again: %+v", got)
	}
	if err := b.App.RemoveWebhook(b.Context(), w.ID); err != nil || len(b.hooksThere()) != 0 {
		t.Errorf("removing it: %v; GitLab has %q", err, b.hooksThere())
	}
	if err := b.App.RemoveWebhook(b.Context(), w.ID); err == nil {
		t.Error("it is removed twice")
	}
}

// The secret of a webhook is nowhere in the clear: not in the database, not in
// what cxm says.
func TestWebhookSecretIsSealed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var secret string
	b.App = b.Open(b.Dir, func(c *app.Config) {
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
