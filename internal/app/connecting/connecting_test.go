package connecting_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/sandbox"
)

// A project is known by the issues in it, also when the instance got another
// address between two connections, so that none is made twice.
func TestConnectAgainAtAnotherAddress(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "10"))
		b.Want("++")
		in, _ := b.App.Integration(b.Context(), 0)
		next, moved := b.NewToken(), strings.Replace(b.URL, "127.0.0.1", "localhost", 1)
		if _, err := b.ConnectAgain(moved, next); err == nil || !strings.Contains(err.Error(), "cxm integration edit --integration") {
			b.Errorf("while it is connected: %v", err)
		}
		if _, err := b.App.Disconnect(b.Context(), 0, false); err != nil {
			b.Fatal(err)
		}
		c, err := b.ConnectAgain(moved, next)
		if err != nil || c.Integration.ID != in.ID || c.Integration.URL != moved {
			b.Fatalf("connected as %+v, %v", c.Integration, err)
		}
		b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "10"), apptest.Disk(3, "10"))
		b.Want("+")
	})
}

func TestDisconnectAndRevoke(t *testing.T) {
	t.Parallel()
	self := "/api/v4/personal_access_tokens/self"
	works := func(b *bed, token string) bool {
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, b.URL+self, nil)
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
			token := b.NewToken()
			if _, err := b.ConnectAgain(b.URL, token); err != nil {
				t.Fatal(err)
			}
			if c.fault != nil {
				b.GitLab.Inject(*c.fault)
			}
			done, err := b.App.Disconnect(b.Context(), 0, true)
			if (err == nil) != c.revoked || done.Revoked && err == nil != c.revoked || works(b, token) == c.revoked {
				t.Errorf("%+v, %v", done, err)
			}
			if _, err := b.App.Integration(b.Context(), 0); errors.Is(err, app.ErrNotConnected) != c.revoked {
				t.Errorf("whether it is connected: %v", err)
			}
		})
	}
}

// A token that another integration needs is not revoked.
func TestDisconnectSharedToken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	group := b.Admin(http.MethodGet, "/api/v4/groups/acme", nil)["id"]
	other := b.Admin(http.MethodPost, "/api/v4/projects", map[string]any{"name": "other", "namespace_id": group})
	in, _ := b.App.Integration(b.Context(), 0)
	b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%v/members", other["id"]), map[string]any{"user_id": in.Account.ID, "access_level": 40})
	token := b.NewToken()
	secret, _ := app.CleanToken(token)
	for _, project := range []string{"acme/platform", "acme/other"} {
		if _, err := b.App.ConnectGitLab(b.Context(), app.Connect{URL: b.URL, Token: secret, Project: project}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.App.Disconnect(b.Context(), in.ID, true); err == nil || !strings.Contains(err.Error(), "integration 2 uses it too") {
		t.Errorf("revoking a shared token: %v", err)
	}
	if _, err := b.App.Disconnect(b.Context(), in.ID, false); err != nil {
		t.Error(err)
	}
	if _, err := b.App.Disconnect(b.Context(), 2, true); err != nil {
		t.Error(err)
	}
	gone, err := b.App.Gone(b.Context())
	if err != nil || len(gone) != 2 {
		t.Errorf("%+v, %v", gone, err)
	}
}

// What issues are given when they are made is given once, and not looked after.
func TestGiven(t *testing.T) {
	onBoth(t, func(b *bed) {
		in, _ := b.App.Integration(b.Context(), 0)
		out, err := b.App.EditIntegration(b.Context(), 0, app.Edit{Issues: &app.Given{Labels: []string{"our-own", "team::cloud"}, Assignee: "@" + in.Account.Username, Confidential: true}})
		if err != nil || len(out.Remarks) != 2 || out.Issues.AssigneeID != in.Account.ID {
			b.Fatalf("%+v, %v", out, err)
		}
		b.AWS(apptest.Disk(1, "10"))
		b.Want("+")
		made := b.Admin(http.MethodGet, fmt.Sprintf("%s/issues/%d", apptest.ProjectRoute, b.About(1).IID), nil)
		labels := fmt.Sprint(made["labels"])
		if made["confidential"] != true || !strings.Contains(labels, "our-own") || !strings.Contains(labels, "team::cloud") || !strings.Contains(fmt.Sprint(made["assignees"]), in.Account.Username) {
			b.Errorf("made with %v, %v, %v", made["confidential"], labels, made["assignees"])
		}
		b.Edit(b.About(1).IID, map[string]any{"remove_labels": "our-own", "assignee_ids": []int{0}, "confidential": false})
		b.AWS(apptest.Disk(1, "90"))
		b.Want("~")
		now := b.Admin(http.MethodGet, fmt.Sprintf("%s/issues/%d", apptest.ProjectRoute, b.About(1).IID), nil)
		if labels := fmt.Sprint(now["labels"]); now["confidential"] != false || strings.Contains(labels, "our-own") || !strings.Contains(labels, "team::cloud") {
			b.Errorf("what people changed came back: %v, %v", now["confidential"], labels)
		}
		for want, g := range map[string]app.Given{"is empty, holds a comma": {Labels: []string{"a,b"}}, "no such user": {Assignee: "nobody-of-that-name"}} {
			if _, err := b.App.EditIntegration(b.Context(), 0, app.Edit{Issues: &g}); err == nil || !strings.Contains(err.Error(), want) {
				b.Errorf("%+v: %v", g, err)
			}
		}
		if d, err := b.App.Detail(b.Context(), 0); err != nil || len(d.Issues.Labels) != 2 {
			b.Errorf("a refused edit changed something: %+v, %v", d.Issues, err)
		}
	})
}

// An instance at a new address is believed only when the token belongs to the
// same account there.
func TestEditURL(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.AWS(apptest.Disk(1, "10"))
	b.Want("+")
	home, _ := url.Parse(b.URL)
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
		if _, err := b.App.EditIntegration(b.Context(), 0, app.Edit{URL: at}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if in, _ := b.App.Integration(b.Context(), 0); in.URL != b.URL {
		t.Fatalf("it is at %s", in.URL)
	}
	moved := strings.Replace(b.URL, "127.0.0.1", "localhost", 1)
	out, err := b.App.EditIntegration(b.Context(), 0, app.Edit{URL: moved})
	if err != nil || out.Integration.URL != moved || len(out.Changed) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "10"))
	b.Want("+")
	if out, err := b.App.EditIntegration(b.Context(), 0, app.Edit{URL: moved}); err != nil || len(out.Changed) != 0 {
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
	out, err := b.App.EditIntegration(b.Context(), 0, app.Edit{Proxy: &proxy.URL})
	if err != nil || out.Network.Proxy != proxy.URL || hits == 0 {
		t.Fatalf("%+v, %v, %d requests", out, err, hits)
	}
	before := hits
	b.AWS(apptest.Disk(1, "10"))
	b.Want("+")
	if hits == before {
		t.Error("the loop does not go through the proxy")
	}
	if _, err := b.ConnectAgain(b.URL, b.NewToken()); err != nil {
		t.Fatal(err)
	}
	if d, _ := b.App.Detail(b.Context(), 0); d.Network.Proxy != proxy.URL {
		t.Errorf("connecting again left %+v", d.Network)
	}
	bad, none := "not PEM", ""
	if _, err := b.App.EditIntegration(b.Context(), 0, app.Edit{CA: &bad}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("%v", err)
	}
	if out, err := b.App.EditIntegration(b.Context(), 0, app.Edit{Proxy: &none}); err != nil || out.Network.Proxy != "" {
		t.Errorf("%+v, %v", out.Network, err)
	}
	if _, err := b.App.EditIntegration(b.Context(), 0, app.Edit{}); err == nil || !strings.Contains(err.Error(), "nothing to change") {
		t.Errorf("%v", err)
	}
}

// A server connects to the internet alone, unless it is allowed more.
func TestReach(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.AWS(apptest.Disk(1, "10"))
	calls := len(b.GitLab.Calls())
	b.Reopen(func(c *app.Config) { c.Reach.Public = true })
	if _, err := b.App.Plan(b.Context(), 0); err == nil || !strings.Contains(err.Error(), "CXM_ALLOW_PRIVATE") || len(b.GitLab.Calls()) != calls {
		t.Errorf("a server reaches this machine: %v", err)
	}
	allow, err := app.ParseAllowed("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	b.Reopen(func(c *app.Config) { c.Reach.Allow = allow })
	b.Want("+")
}
