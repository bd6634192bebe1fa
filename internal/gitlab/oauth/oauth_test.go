package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab/oauth"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
	"cxm/internal/sandbox/oauth/browser"
)

const redirect = "http://127.0.0.1:7171/callback"

// bed is a sandbox below /gitlab, with an application.
type bed struct {
	t       *testing.T
	server  *sandbox.Server
	url     string
	options oauth.Options
}

func newBed(t *testing.T, confidential bool) bed {
	t.Helper()
	var server *sandbox.Server
	front := httptest.NewServer(http.StripPrefix("/gitlab", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) })))
	t.Cleanup(front.Close)
	base := front.URL + "/gitlab"
	server, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	b := bed{t, server, base, oauth.Options{URL: base, Redirect: redirect}}
	form := url.Values{"name": {"cxm"}, "redirect_uri": {redirect}, "scopes": {"api read_user"}, "confidential": {fmt.Sprint(confidential)}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v4/applications", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("PRIVATE-TOKEN", server.AdminToken())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		UID    string `json:"application_id"`
		Secret string `json:"secret"`
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.UID == "" {
		t.Fatal(err, res.Status)
	}
	b.options.Application = made.UID
	if confidential {
		b.options.Key = credential.NewSecret(made.Secret)
	}
	return b
}

func (b bed) client(change ...func(*oauth.Options)) *oauth.Client {
	b.t.Helper()
	o := b.options
	for _, f := range change {
		f(&o)
	}
	c, err := oauth.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// code has the engineer agree.
func (b bed) code(c *oauth.Client, verifier credential.Secret) string {
	b.t.Helper()
	p := browser.Person{Username: "engineer", Password: b.server.Password()}
	to, err := p.Decide(b.t.Context(), c.AuthorizeURL("the state", oauth.Challenge(verifier)), true)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("state") != "the state" {
		b.t.Fatal(to, err)
	}
	return u.Query().Get("code")
}

func (b bed) grant(c *oauth.Client) credential.Grant {
	b.t.Helper()
	verifier := oauth.Verifier()
	g, err := c.Exchange(b.t.Context(), b.code(c, verifier), verifier)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

func (b bed) works(g credential.Grant) bool {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+"/api/v4/user", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.Access.Reveal())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func nothing() error { return nil }

func TestGrantIsMadeRefreshedAndRevoked(t *testing.T) {
	for _, confidential := range []bool{true, false} {
		b := newBed(t, confidential)
		c := b.client()
		first := b.grant(c)
		if !b.works(first) || first.Lifetime != 2*time.Hour || time.Until(first.ExpiresAt) < time.Hour || first.ID >= 0 || first.Scopes[0] != "api" {
			t.Errorf("first: %+v", first)
		}
		if err := oauth.Allowed(first); err != nil {
			t.Error(err)
		}
		begun := 0
		second, err := c.Refresh(t.Context(), first, func() error { begun++; return nil })
		if err != nil || begun != 1 {
			t.Fatal(err, begun)
		}
		if b.works(first) || !b.works(second) || second.ID != first.ID || second.Refresh.Equal(first.Refresh) {
			t.Error("the pair was not changed for another")
		}
		if _, err := c.Refresh(t.Context(), first, nothing); !oauth.Is(err, oauth.BadGrant) || !strings.Contains(err.Error(), "connect again") {
			t.Errorf("used twice: %v", err)
		}
		if err := c.Revoke(t.Context(), second); err != nil || b.works(second) {
			t.Errorf("revoked: %v", err)
		}
		if err := c.Revoke(t.Context(), second); err != nil {
			t.Errorf("revoked twice: %v", err)
		}
	}
}

func TestFailuresAreToldApart(t *testing.T) {
	b := newBed(t, true)
	verifier := oauth.Verifier()
	code := b.code(b.client(), verifier)
	for _, c := range []struct {
		name   string
		change func(*oauth.Options)
		code   string
		verify credential.Secret
		fault  oauth.Fault
		words  string
	}{
		{"an unknown application", func(o *oauth.Options) { o.Application = "nobody" }, code, verifier, oauth.BadClient, "Application ID"},
		{"a wrong secret", func(o *oauth.Options) { o.Key = credential.NewSecret("gloas-wrong-secret") }, code, verifier, oauth.BadClient, "secret"},
		{"no secret", func(o *oauth.Options) { o.Key = credential.Secret{} }, code, verifier, oauth.BadClient, "a confidential application needs its secret"},
		{"another redirect", func(o *oauth.Options) { o.Redirect = "https://evil.example.com/" }, code, verifier, oauth.BadGrant, "run the command again"},
		{"another verifier", func(*oauth.Options) {}, code, oauth.Verifier(), oauth.BadGrant, "run the command again"},
		{"another code", func(*oauth.Options) {}, "guessed-code", verifier, oauth.BadGrant, "run the command again"},
		{"no relative root", func(o *oauth.Options) { o.URL = strings.TrimSuffix(o.URL, "/gitlab") }, code, verifier, oauth.NotGitLab, "relative root"},
		{"nobody there", func(o *oauth.Options) { o.URL = "http://127.0.0.1:1" }, code, verifier, oauth.Unsent, "is up"},
	} {
		_, err := b.client(c.change).Exchange(t.Context(), c.code, c.verify)
		if !oauth.Is(err, c.fault) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, secret := range []string{c.code, c.verify.Reveal(), "gloas-"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret: %v", c.name, err)
			}
		}
	}
	if _, err := b.client().Exchange(t.Context(), code, verifier); err != nil {
		t.Errorf("and after all that the code still does: %v", err)
	}
}

func TestReturnedErrors(t *testing.T) {
	if err := oauth.Returned(url.Values{"code": {"x"}}, "gitlab.com"); err != nil {
		t.Error(err)
	}
	for name, fault := range map[string]oauth.Fault{"access_denied": oauth.Denied, "invalid_scope": oauth.Refused, "unauthorized_client": oauth.BadClient, "odd": oauth.Refused} {
		err := oauth.Returned(url.Values{"error": {name}, "error_description": {"because\nof this"}}, "gitlab.com")
		if !oauth.Is(err, fault) || !strings.Contains(err.Error(), "because of this") || !strings.Contains(err.Error(), "gitlab.com") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefreshAnswersLost holds every answer to what it proves of the old pair.
func TestRefreshAnswersLost(t *testing.T) {
	const token = "/gitlab/oauth/token"
	for _, c := range []struct {
		name  string
		fault sandbox.Fault
		want  oauth.Fault
		kind  issue.TroubleKind
		works bool // the old pair
	}{
		{"500 and nothing happened", sandbox.Fault{Status: 500, Body: "oops"}, oauth.Doubtful, issue.Doubtful, true},
		{"502 after it was committed", sandbox.Fault{Status: 502, Body: "<html>", Commit: true}, oauth.Doubtful, issue.Doubtful, false},
		{"cut before", sandbox.Fault{Cut: sandbox.CutBefore}, oauth.Doubtful, issue.Doubtful, true},
		{"cut after", sandbox.Fault{Cut: sandbox.CutAfter}, oauth.Doubtful, issue.Doubtful, false},
		{"cut in the middle", sandbox.Fault{Cut: sandbox.CutHalf}, oauth.Doubtful, issue.Doubtful, false},
		{"a page instead", sandbox.Fault{Status: 200, Body: "<html>sign in", Header: http.Header{"Content-Type": {"text/html"}}}, oauth.Doubtful, issue.Doubtful, true},
		{"half a pair", sandbox.Fault{Status: 200, Body: `{"access_token":"secret-half","token_type":"Bearer"}`}, oauth.Doubtful, issue.Doubtful, true},
		{"too many", sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, oauth.Limited, issue.Limited, true},
		{"a redirect", sandbox.Fault{Status: 307, Header: http.Header{"Location": {"https://evil.example.com/steal"}}}, oauth.NotGitLab, issue.Moved, true},
		{"a proxy's page", sandbox.Fault{Status: 403, Body: "<html>no"}, oauth.NotGitLab, issue.NotFound, true},
	} {
		b := newBed(t, true)
		client := b.client()
		g := b.grant(client)
		c.fault.Path, c.fault.Times = strings.TrimPrefix(token, "/gitlab"), 1
		b.server.Inject(c.fault)
		b.server.ResetCalls()
		_, err := client.Refresh(t.Context(), g, nothing)
		if !oauth.Is(err, c.want) || !rest.Is(err, c.kind) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, secret := range []string{g.Refresh.Reveal(), g.Access.Reveal(), "gloas-", "secret-half"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret: %v", c.name, err)
			}
		}
		if n := len(b.server.Calls()); n != 1 {
			t.Errorf("%s: %d requests", c.name, n)
		}
		if b.works(g) != c.works {
			t.Errorf("%s: the old pair works: %v", c.name, !c.works)
		}
	}
}

func TestRefreshWaitsForItsIntent(t *testing.T) {
	b := newBed(t, false)
	c := b.client()
	g := b.grant(c)
	b.server.ResetCalls()
	stop := errors.New("not written down")
	_, err := c.Refresh(t.Context(), g, func() error { return stop })
	if !errors.Is(err, stop) || !oauth.Is(err, oauth.Unsent) || len(b.server.Calls()) != 0 {
		t.Errorf("%v, %d requests", err, len(b.server.Calls()))
	}
}

// TestRedirectsCarryNothing has an instance that sends the request elsewhere.
func TestRedirectsCarryNothing(t *testing.T) {
	var stolen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	defer thief.Close()
	front := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusPermanentRedirect))
	defer front.Close()
	c, err := oauth.New(oauth.Options{URL: front.URL, Application: "app"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exchange(context.Background(), "the-code", oauth.Verifier())
	if !oauth.Is(err, oauth.NotGitLab) || stolen.Load() {
		t.Errorf("%v, stolen %v", err, stolen.Load())
	}
	if err := c.Revoke(context.Background(), credential.Grant{Refresh: credential.NewSecret("r")}); !oauth.Is(err, oauth.NotGitLab) || stolen.Load() {
		t.Errorf("%v, stolen %v", err, stolen.Load())
	}
}

func TestNewNeedsAnApplication(t *testing.T) {
	if _, err := oauth.New(oauth.Options{URL: "gitlab.com"}); err == nil || !strings.Contains(err.Error(), "register an application") {
		t.Error(err)
	}
	if _, err := oauth.New(oauth.Options{URL: "ftp://gitlab.com", Application: "a"}); err == nil {
		t.Error("a URL of another scheme was taken")
	}
	c, err := oauth.New(oauth.Options{URL: "gitlab.com", Application: " app ", Redirect: redirect})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(c.AuthorizeURL("s", "challenge"))
	q := u.Query()
	if err != nil || u.Host != "gitlab.com" || u.Path != "/oauth/authorize" || q.Get("client_id") != "app" || q.Get("scope") != "api" ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") != "challenge" || q.Get("response_type") != "code" || q.Get("redirect_uri") != redirect {
		t.Error(u)
	}
}

// spy sees what the transport is handed.
type spy struct{ bodies []bool }

func (s *spy) RoundTrip(req *http.Request) (*http.Response, error) {
	s.bodies = append(s.bodies, req.GetBody != nil)
	return nil, errors.New("no network here")
}

// TestNothingCanSendAgain: net/http repeats a request whose body it can have again.
func TestNothingCanSendAgain(t *testing.T) {
	s := &spy{}
	c, err := oauth.New(oauth.Options{URL: "gitlab.com", Application: "app", Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	g := credential.Grant{Refresh: credential.NewSecret("r")}
	_, err = c.Refresh(t.Context(), g, nothing)
	if !oauth.Is(err, oauth.Doubtful) { // a transport that tells nothing is not believed
		t.Error(err)
	}
	_ = c.Revoke(t.Context(), g)
	_, _ = c.Exchange(t.Context(), "code", oauth.Verifier())
	if len(s.bodies) != 3 || s.bodies[0] || s.bodies[1] || s.bodies[2] {
		t.Errorf("bodies to be had again: %v", s.bodies)
	}
}
