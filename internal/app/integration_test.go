package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
)

// severed fails every create before it leaves, as a network does that is down.
type severed struct{ next http.RoundTripper }

func (s severed) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to host")}
	}
	return s.next.RoundTrip(r)
}

// connectAgain connects the project with a token, and says as which integration.
func (b *bed) connectAgain(url, token string) (app.Connected, error) {
	b.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		b.Fatal(err)
	}
	return b.app.ConnectGitLab(b.Context(), app.Connect{URL: url, Token: secret, Project: "acme/platform"})
}

// newToken makes another token for the service account.
func (b *bed) newToken() string {
	b.Helper()
	in, err := b.app.Integration(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	return b.tokenFor(in.Account.ID)
}

func (b *bed) tokenFor(account int64) string {
	b.Helper()
	made := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", account), map[string]any{"name": "again", "scopes": []string{"api"}})
	return made["token"].(string)
}

// Disconnecting ends what is planned and forgets the token; connecting again goes
// on with the same issues, whatever happened to them meanwhile.
func TestDisconnectAndConnectAgain(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.aws(disk(1, "10"), disk(2, "10"), disk(3, "10"))
		b.want("+++")
		planned := b.planUnsent(disk(1, "10"), disk(2, "10"), disk(3, "10"), disk(4, "10"))
		in, err := b.app.Integration(b.Context(), 0)
		if err != nil {
			b.Fatal(err)
		}
		l, err := b.app.Leaving(b.Context(), 0)
		if err != nil || l.Open != 3 || l.Runs != 1 || l.Token.Name != "cxm" {
			b.Fatalf("leaving %+v, %v", l, err)
		}
		next := b.newToken()
		done, err := b.app.Disconnect(b.Context(), 0, false)
		if err != nil || done.Revoked || done.Steps != 1 || done.Runs != 1 || len(done.Remarks) > 0 {
			b.Fatalf("disconnected %+v, %v", done, err)
		}
		b.ended(in.ID, planned)
		if _, err := b.app.Plan(b.Context(), 0); !errors.Is(err, app.ErrNotConnected) {
			b.Errorf("planning without a connection: %v", err)
		}

		first, second := b.about(1), b.about(2)
		b.edit(first.IID, map[string]any{"state_event": "close"})
		b.edit(second.IID, map[string]any{"title": "as people call it"})
		b.aws(disk(1, "10"), disk(2, "10"), disk(5, "10")) // 3 is gone, 4 too before it was made
		b.aws(disk(1, "10"), disk(2, "10"), disk(5, "10"))
		b.work()

		c, err := b.connectAgain(b.url, next)
		if err != nil || c.Integration.ID != in.ID || !c.Integration.CreatedAt.Equal(in.CreatedAt) {
			b.Fatalf("connected again as %+v, %v", c.Integration, err)
		}
		if verbs, report := b.apply(); !report.Whole() || sorted(verbs) != "+-" {
			b.Errorf("steps %q, %+v", verbs, report)
		}
		b.want("")
		if n := len(b.issues("acme%2Fplatform")); n != 4 {
			b.Errorf("%d issues, want 4", n)
		}
		if got := b.about(1); got.State != "closed" {
			b.Error("what a person closed meanwhile is open again")
		}
		if got := b.about(2); got.Title != "as people call it" {
			b.Errorf("the title is %q", got.Title)
		}
	})
}

func sorted(text string) string {
	letters := []byte(text)
	slices.Sort(letters)
	return string(letters)
}

// planUnsent takes in a snapshot and plans a shared run of which nothing can be
// sent; its steps come back.
func (b *bed) planUnsent(items ...string) []plan.Entry {
	b.Helper()
	b.reopened(func(c *app.Config) { c.Transport = severed{http.DefaultTransport} })
	b.aws(items...)
	if w := b.work(); w.Left == 0 {
		b.Fatal("no job is left")
	}
	b.reopened(func(c *app.Config) { c.Transport = nil })
	runs, err := b.app.Runs(b.Context(), 1)
	if err != nil || len(runs) != 1 || runs[0].State != plan.Running {
		b.Fatalf("runs %+v, %v", runs, err)
	}
	_, steps, err := b.app.RunOf(b.Context(), runs[0].ID)
	if err != nil || len(steps) == 0 || steps[0].Outcome != plan.Planned {
		b.Fatalf("steps %+v, %v", steps, err)
	}
	return steps
}

// ended fails unless the jobs of the steps end quietly, and the journal says why.
func (b *bed) ended(integration int64, steps []plan.Entry) {
	b.Helper()
	var log bytes.Buffer
	b.app.Logger = slog.New(slog.NewTextHandler(&log, nil))
	before := len(b.gitlab.Calls())
	for _, s := range steps {
		if err := b.app.WorkStep(b.Context(), integration, s.ID); err != nil {
			b.Errorf("the job of a step ends with %v", err)
		}
	}
	if err := b.app.WorkHook(b.Context(), integration, 1); err != nil {
		b.Errorf("the job of a webhook ends with %v", err)
	}
	if n := strings.Count(log.String(), "is not connected any more"); n != len(steps)+1 {
		b.Errorf("the reason was logged %d times: %s", n, log.String())
	}
	if n := len(b.gitlab.Calls()); n != before {
		b.Errorf("%d calls were made", n-before)
	}
	r, now, err := b.app.RunOf(b.Context(), steps[0].Run)
	if err != nil || r.State != plan.Finished || now[0].Outcome != plan.Skipped || !strings.Contains(now[0].Trouble, "disconnected") {
		b.Errorf("the journal says %+v %+v, %v", r, now, err)
	}
}

// What waits for approval is not approved any more once nobody is connected.
func TestDisconnectEndsWhatWaits(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 20)...)
	b.work()
	b.aws(disk(0, "10"))
	b.aws(disk(0, "10"))
	b.work()
	runs, err := b.app.Runs(b.Context(), 1)
	if err != nil || len(runs) != 1 || runs[0].State != plan.Waiting {
		b.Fatalf("runs %+v, %v", runs, err)
	}
	if done, err := b.app.Disconnect(b.Context(), 0, false); err != nil || done.Runs != 1 {
		b.Fatalf("%+v, %v", done, err)
	}
	if _, err := b.app.Approve(b.Context(), runs[0].ID, "platform-admin", nil); err == nil {
		b.Error("it can be approved")
	}
	if w := b.work(); w.Left != 0 {
		b.Errorf("jobs are left: %+v", w)
	}
}

// A project is known by the issues in it, also when the instance got another
// address between two connections, so that none is made twice.
func TestConnectAgainAtAnotherAddress(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.aws(disk(1, "10"), disk(2, "10"))
		b.want("++")
		in, _ := b.app.Integration(b.Context(), 0)
		next, moved := b.newToken(), strings.Replace(b.url, "127.0.0.1", "localhost", 1)
		if _, err := b.connectAgain(moved, next); err == nil || !strings.Contains(err.Error(), "cxm integration edit --integration") {
			b.Errorf("while it is connected: %v", err)
		}
		if _, err := b.app.Disconnect(b.Context(), 0, false); err != nil {
			b.Fatal(err)
		}
		c, err := b.connectAgain(moved, next)
		if err != nil || c.Integration.ID != in.ID || c.Integration.URL != moved {
			b.Fatalf("connected as %+v, %v", c.Integration, err)
		}
		b.aws(disk(1, "10"), disk(2, "10"), disk(3, "10"))
		b.want("+")
	})
}

func TestDisconnectAndRevoke(t *testing.T) {
	t.Parallel()
	self := "/api/v4/personal_access_tokens/self"
	works := func(b *bed, token string) bool {
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+self, nil)
		req.Header.Set("PRIVATE-TOKEN", token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	for name, c := range map[string]struct {
		fault   *sandbox.Fault
		revoked bool
	}{
		"answered":          {nil, true},
		"the answer lost":   {&sandbox.Fault{Method: http.MethodDelete, Path: self, Cut: sandbox.CutAfter, Times: 1}, true},
		"never carried out": {&sandbox.Fault{Method: http.MethodDelete, Path: self, Cut: sandbox.CutBefore, Times: 1}, false},
		"refused":           {&sandbox.Fault{Method: http.MethodDelete, Path: self, Status: 403, Body: `{"message":"403 Forbidden"}`, Times: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			token := b.newToken()
			if _, err := b.connectAgain(b.url, token); err != nil {
				t.Fatal(err)
			}
			if c.fault != nil {
				b.gitlab.Inject(*c.fault)
			}
			done, err := b.app.Disconnect(b.Context(), 0, true)
			if (err == nil) != c.revoked || done.Revoked && err == nil != c.revoked || works(b, token) == c.revoked {
				t.Errorf("%+v, %v", done, err)
			}
			if _, err := b.app.Integration(b.Context(), 0); errors.Is(err, app.ErrNotConnected) != c.revoked {
				t.Errorf("whether it is connected: %v", err)
			}
		})
	}
}

// A token that another integration needs is not revoked.
func TestDisconnectSharedToken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	group := b.admin(http.MethodGet, "/api/v4/groups/acme", nil)["id"]
	other := b.admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": "other", "namespace_id": group})
	in, _ := b.app.Integration(b.Context(), 0)
	b.admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%v/members", other["id"]), map[string]any{"user_id": in.Account.ID, "access_level": 40})
	token := b.newToken()
	secret, _ := app.CleanToken(token)
	for _, project := range []string{"acme/platform", "acme/other"} {
		if _, err := b.app.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: secret, Project: project}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.app.Disconnect(b.Context(), in.ID, true); err == nil || !strings.Contains(err.Error(), "integration 2 uses it too") {
		t.Errorf("revoking a shared token: %v", err)
	}
	if _, err := b.app.Disconnect(b.Context(), in.ID, false); err != nil {
		t.Error(err)
	}
	if _, err := b.app.Disconnect(b.Context(), 2, true); err != nil {
		t.Error(err)
	}
	gone, err := b.app.Gone(b.Context())
	if err != nil || len(gone) != 2 {
		t.Errorf("%+v, %v", gone, err)
	}
}

// What issues are given when they are made is given once, and not looked after.
func TestGiven(t *testing.T) {
	onBoth(t, func(b *bed) {
		in, _ := b.app.Integration(b.Context(), 0)
		out, err := b.app.EditIntegration(b.Context(), 0, app.Edit{Issues: &app.Given{Labels: []string{"our-own", "team::cloud"}, Assignee: "@" + in.Account.Username, Confidential: true}})
		if err != nil || len(out.Remarks) != 2 || out.Issues.AssigneeID != in.Account.ID {
			b.Fatalf("%+v, %v", out, err)
		}
		b.aws(disk(1, "10"))
		b.want("+")
		made := b.admin(http.MethodGet, fmt.Sprintf("%s/issues/%d", projectRoute, b.about(1).IID), nil)
		labels := fmt.Sprint(made["labels"])
		if made["confidential"] != true || !strings.Contains(labels, "our-own") || !strings.Contains(labels, "team::cloud") || !strings.Contains(fmt.Sprint(made["assignees"]), in.Account.Username) {
			b.Errorf("made with %v, %v, %v", made["confidential"], labels, made["assignees"])
		}
		b.edit(b.about(1).IID, map[string]any{"remove_labels": "our-own", "assignee_ids": []int{0}, "confidential": false})
		b.aws(disk(1, "90"))
		b.want("~")
		now := b.admin(http.MethodGet, fmt.Sprintf("%s/issues/%d", projectRoute, b.about(1).IID), nil)
		if labels := fmt.Sprint(now["labels"]); now["confidential"] != false || strings.Contains(labels, "our-own") || !strings.Contains(labels, "team::cloud") {
			b.Errorf("what people changed came back: %v, %v", now["confidential"], labels)
		}
		for want, g := range map[string]app.Given{"is empty, holds a comma": {Labels: []string{"a,b"}}, "no such user": {Assignee: "nobody-of-that-name"}} {
			if _, err := b.app.EditIntegration(b.Context(), 0, app.Edit{Issues: &g}); err == nil || !strings.Contains(err.Error(), want) {
				b.Errorf("%+v: %v", g, err)
			}
		}
		if d, err := b.app.Detail(b.Context(), 0); err != nil || len(d.Issues.Labels) != 2 {
			b.Errorf("a refused edit changed something: %+v, %v", d.Issues, err)
		}
	})
}

// An instance at a new address is believed only when the token belongs to the
// same account there.
func TestEditURL(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	b.want("+")
	home, _ := url.Parse(b.url)
	impostor := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(home) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path == "/api/v4/user" {
				r.Body = io.NopCloser(strings.NewReader(`{"id":99999,"username":"somebody"}`))
				r.ContentLength = -1
				r.Header.Del("Content-Length")
			}
			return nil
		},
	})
	defer impostor.Close()
	stranger, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(stranger)
	defer other.Close()
	for at, want := range map[string]string{impostor.URL: "another GitLab", other.URL: "401", "ftp://gitlab.example.com": "scheme ftp", "http://127.0.0.1:1": "refused"} {
		if _, err := b.app.EditIntegration(b.Context(), 0, app.Edit{URL: at}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if in, _ := b.app.Integration(b.Context(), 0); in.URL != b.url {
		t.Fatalf("it is at %s", in.URL)
	}
	moved := strings.Replace(b.url, "127.0.0.1", "localhost", 1)
	out, err := b.app.EditIntegration(b.Context(), 0, app.Edit{URL: moved})
	if err != nil || out.Integration.URL != moved || len(out.Changed) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	b.aws(disk(1, "10"), disk(2, "10"))
	b.want("+")
	if out, err := b.app.EditIntegration(b.Context(), 0, app.Edit{URL: moved}); err != nil || len(out.Changed) != 0 {
		t.Errorf("the same again: %+v, %v", out.Changed, err)
	}
}

// Connecting again without a word about certificates and proxy leaves them.
func TestEditWay(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	hits := 0
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) { hits++ }})
	defer proxy.Close()
	out, err := b.app.EditIntegration(b.Context(), 0, app.Edit{Proxy: &proxy.URL})
	if err != nil || out.Network.Proxy != proxy.URL || hits == 0 {
		t.Fatalf("%+v, %v, %d requests", out, err, hits)
	}
	before := hits
	b.aws(disk(1, "10"))
	b.want("+")
	if hits == before {
		t.Error("the loop does not go through the proxy")
	}
	if _, err := b.connectAgain(b.url, b.newToken()); err != nil {
		t.Fatal(err)
	}
	if d, _ := b.app.Detail(b.Context(), 0); d.Network.Proxy != proxy.URL {
		t.Errorf("connecting again left %+v", d.Network)
	}
	bad, none := "not PEM", ""
	if _, err := b.app.EditIntegration(b.Context(), 0, app.Edit{CA: &bad}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("%v", err)
	}
	if out, err := b.app.EditIntegration(b.Context(), 0, app.Edit{Proxy: &none}); err != nil || out.Network.Proxy != "" {
		t.Errorf("%+v, %v", out.Network, err)
	}
	if _, err := b.app.EditIntegration(b.Context(), 0, app.Edit{}); err == nil || !strings.Contains(err.Error(), "nothing to change") {
		t.Errorf("%v", err)
	}
}

// A server connects to the internet alone, unless it is allowed more.
func TestReach(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	calls := len(b.gitlab.Calls())
	b.reopened(func(c *app.Config) { c.Reach.Public = true })
	if _, err := b.app.Plan(b.Context(), 0); err == nil || !strings.Contains(err.Error(), "CXM_ALLOW_PRIVATE") || len(b.gitlab.Calls()) != calls {
		t.Errorf("a server reaches this machine: %v", err)
	}
	allow, err := app.ParseAllowed("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	b.reopened(func(c *app.Config) { c.Reach.Allow = allow })
	b.want("+")
}
