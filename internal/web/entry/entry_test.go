package entry

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

const (
	good   = "blue kettle seven walls"
	secret = "secret table is missing"
)

// house is everything that the area asks, with what a case makes of it.
type house struct {
	known  bool
	role   role.Role // empty: none in any tenant
	err    error     // of what is asked
	fresh  bool      // nothing is connected yet
	done   []string
	others []signin.Session
	status api.Summary
	has    []api.Integration
}

func now() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) }

func (h *house) person() signin.Person {
	p := signin.Person{ID: 1, Name: "Engineer", Email: "engineer@example.com", Password: credential.NewSecret("hash")}
	if h.role != "" {
		p.Grants = []signin.Grant{{Tenant: "acme", Role: h.role}, {Tenant: "retail", Role: role.Viewer}}
	}
	return p
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	if !h.known {
		return site.Guest{}, false, nil
	}
	g := site.Guest{
		Who: signin.Who{Person: h.person(), Session: h.current(), Limit: role.Whole()}, Person: ui.Person{Name: "Engineer", Role: string(h.role)},
	}
	if h.role != "" {
		g.Tenant, g.Tenants, g.API = "acme", []string{"acme", "retail"}, &api.Tenant{Integrations: h, Status: h, Deliveries: h}
	}
	return g, true, nil
}

func (h *house) current() signin.Session {
	return signin.Session{ID: 7, Person: 1, Method: signin.MethodPassword, Address: "192.0.2.7", Agent: "Firefox/1 (Linux)", BegunAt: now(), SeenAt: now(), EndsAt: now().Add(time.Hour)}
}

func (h *house) note(format string, a ...any) error {
	h.done = append(h.done, fmt.Sprintf(format, a...))
	return h.err
}

func (h *house) open() Opened {
	return Opened{Value: signin.Mint(signin.ValueSession), Session: signin.Session{ID: 8, EndsAt: now().Add(time.Hour)}, Person: h.person()}
}

func (h *house) SignIn(_ context.Context, address string, password credential.Secret, _ From) (Opened, error) {
	return h.open(), h.note("sign in %s %s", address, password.Reveal())
}

func (h *house) Link(_ context.Context, kind signin.LinkKind, value credential.Secret) (signin.Link, signin.Person, error) {
	if value.Reveal() != "cxml_x" {
		return signin.Link{}, signin.Person{}, signin.Link{}.Trouble(kind, now())
	}
	return signin.Link{ID: 1, Kind: kind}, h.person(), nil
}

func (h *house) SetUp(_ context.Context, link credential.Secret, n Newcomer, _ From) (Opened, error) {
	return h.open(), h.note("set up %s %s %s %s", link.Reveal(), n.Address, n.Name, n.Password.Reveal())
}

func (h *house) Reset(_ context.Context, link, password credential.Secret, _ From) error {
	return h.note("reset %s %s", link.Reveal(), password.Reveal())
}

func (h *house) Sessions(context.Context, signin.Who) ([]signin.Session, error) {
	return append(slices.Clone(h.others), h.current()), nil
}

func (h *house) End(_ context.Context, who signin.Who, session int64) error {
	return h.note("end %d of %d", session, who.Person.ID)
}

func (h *house) ChangePassword(_ context.Context, who signin.Who, was, is credential.Secret) error {
	return h.note("change %d %s %s", who.Person.ID, was.Reveal(), is.Reveal())
}

func (h *house) Rename(_ context.Context, who signin.Who, name string) error {
	return h.note("rename %d %s", who.Person.ID, name)
}

func (h *house) Begins(context.Context, signin.Person) bool { return h.fresh }

func (h *house) Providers() []Provider {
	return []Provider{{Name: "sso", Title: "the company account"}}
}

func (h *house) Begin(_ *http.Request, name string) (string, credential.Secret, error) {
	return "https://id.example.com/authorize?x=y", credential.NewSecret("attempt"), h.note("begin %s", name)
}

func (h *house) Finish(_ *http.Request, name string, attempt credential.Secret, answer url.Values, _ From) (Opened, error) {
	return h.open(), h.note("finish %s %s %s", name, attempt.Reveal(), answer.Get("code"))
}

func (h *house) Integrations(context.Context) ([]api.Integration, error) { return h.has, h.err }
func (h *house) Integration(context.Context, int64) (api.Integration, error) {
	return api.Integration{}, nil
}
func (h *house) Test(context.Context, int64) ([]api.Check, error) { return nil, nil }
func (h *house) Webhooks(context.Context) ([]api.Webhook, error)  { return nil, nil }
func (h *house) Status(context.Context) (api.Summary, error)      { return h.status, nil }
func (h *house) Scopes(context.Context) ([]api.Scope, error)      { return nil, nil }
func (h *house) Discard(context.Context, int64) error             { return nil }
func (h *house) Refused(context.Context, int) ([]api.RefusedDelivery, error) {
	return nil, nil
}
func (h *house) Pulls(context.Context, string, string, api.Slice) ([]api.Pull, api.Cursor, error) {
	return nil, api.Cursor{}, nil
}

// ask sends one request.
func (h *house) ask(t *testing.T, r *http.Request) (w *httptest.ResponseRecorder, logged string) {
	t.Helper()
	var log bytes.Buffer
	s, err := site.New(site.Parts{Door: h, Log: slog.New(slog.NewTextHandler(&log, nil)), Areas: []site.Area{New(Parts{Desk: h, Own: h, Providers: h, Clock: now})}})
	if err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w, log.String()
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func post(path string, pairs ...string) *http.Request {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func set(w *httptest.ResponseRecorder, name string) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func TestSignIn(t *testing.T) {
	for _, c := range []struct {
		name              string
		house             house
		address, password string
		next              string
		status            int
		to                string // where it leads
		has               string // what the page says
	}{
		{"good", house{}, " engineer@example.com ", good, "/findings?q=a", 303, "/findings?q=a", ""},
		{"no next", house{}, "engineer@example.com", good, "", 303, "/", ""},
		{"first time", house{fresh: true}, "engineer@example.com", good, "/", 303, "/welcome", ""},
		{"first time, to a page", house{fresh: true}, "engineer@example.com", good, "/issues", 303, "/issues", ""},
		{"led away", house{}, "engineer@example.com", good, "https://evil.example.com/", 303, "/", ""},
		{"led away, too", house{}, "engineer@example.com", good, "//evil.example.com", 303, "/", ""},
		{"wrong", house{err: signin.ErrWrong}, "engineer@example.com", good, "/issues", 422, "", "The address or the password is not right."},
		{"throttled", house{err: signin.Throttled{Until: now().Add(90 * time.Second)}}, "engineer@example.com", good, "", 429, "", "try again in 90 seconds, at 09:31:30 UTC"},
		{"busy", house{err: ErrBusy}, "engineer@example.com", good, "", 503, "", "Many people sign in"},
		{"broken", house{err: errors.New(secret)}, "engineer@example.com", good, "", 500, "", "Something went wrong inside cxm"},
		{"no address", house{}, "", good, "", 422, "", "write your e-mail address"},
		{"no password", house{}, "engineer@example.com", "", "", 422, "", "write your password"},
	} {
		w, logged := c.house.ask(t, post("/signin", "address", c.address, "password", c.password, "next", c.next))
		text := w.Body.String()
		if w.Code != c.status || w.Header().Get("Location") != c.to || !strings.Contains(text, c.has) {
			t.Errorf("%s: %d to %q, want %d to %q with %q: %s", c.name, w.Code, w.Header().Get("Location"), c.status, c.to, c.has, text)
		}
		if strings.Contains(text, good) || strings.Contains(text, secret) || strings.Contains(logged, good) {
			t.Errorf("%s: the page or the log says too much: %s", c.name, logged)
		}
		if (set(w, "cxm_session") != nil) != (c.status == 303) {
			t.Errorf("%s: the cookies are %v", c.name, w.Result().Cookies())
		}
		if c.status == 422 && c.address != "" && !strings.Contains(text, `value="engineer@example.com"`) {
			t.Errorf("%s: the address that was typed is lost", c.name)
		}
		if c.status == 422 && c.next != "" && !strings.Contains(text, `value="/issues"`) {
			t.Errorf("%s: where they wanted to go is lost", c.name)
		}
	}
}

// TestCookie is one that no script reads, and over TLS one of this host alone.
func TestCookie(t *testing.T) {
	r := post("/signin", "address", "engineer@example.com", "password", good)
	h := &house{}
	w, _ := h.ask(t, r)
	if c := set(w, "cxm_session"); c == nil || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 3600 || c.Domain != "" {
		t.Errorf("without TLS: %+v", c)
	}
	r = post("/signin", "address", "engineer@example.com", "password", good)
	r.TLS = &tls.ConnectionState{}
	w, _ = h.ask(t, r)
	if c := set(w, "__Host-cxm_session"); c == nil || !c.HttpOnly || !c.Secure || c.Path != "/" || c.Domain != "" || set(w, "cxm_session") != nil {
		t.Errorf("with TLS: %+v", w.Result().Cookies())
	}
}

// TestInside is somebody who is signed in already.
func TestInside(t *testing.T) {
	for path, want := range map[string]string{
		"/signin?next=/issues": "/issues", "/signin": "/", "/signin?next=https://evil.example.com": "/", "/signin?next=%2Fsignin": "/signin",
		"/signin/oidc/sso?next=/issues": "/issues",
	} {
		h := &house{known: true, role: role.Viewer}
		if w, _ := h.ask(t, get(path)); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || len(h.done) > 0 {
			t.Errorf("%s: %d to %q, %v", path, w.Code, w.Header().Get("Location"), h.done)
		}
	}
	h := &house{known: true, role: role.Viewer}
	if _, _ = h.ask(t, post("/signin", "address", "other@example.com", "password", good)); !slices.Contains(h.done, "end 7 of 1") {
		t.Errorf("the session before goes on: %v", h.done)
	}
	h = &house{known: true, role: role.Viewer}
	w, _ := h.ask(t, post("/signout"))
	if c := set(w, "cxm_session"); c == nil || c.MaxAge >= 0 || w.Header().Get("Location") != "/signin" || !slices.Equal(h.done, []string{"end 7 of 1"}) {
		t.Errorf("signed out: %v, %v", w.Result().Cookies(), h.done)
	}
	h = &house{}
	if w, _ := h.ask(t, post("/signout")); w.Header().Get("Location") != "/signin" || len(h.done) > 0 {
		t.Errorf("nobody signs out: %d, %v", w.Code, h.done)
	}
}

func TestPage(t *testing.T) {
	w, _ := (&house{}).ask(t, get("/signin?next=/issues%3Fq%3Da"))
	if text := w.Body.String(); w.Code != 200 || !strings.Contains(text, `href="/signin/oidc/sso?next=%2Fissues%3Fq%3Da"`) || !strings.Contains(text, `autocomplete="current-password"`) {
		t.Errorf("%d: %s", w.Code, text)
	}
}

func TestLinks(t *testing.T) {
	all := func(more ...string) []string {
		return append([]string{"link", "cxml_x", "name", "Platform admin", "address", "platform-admin@example.com", "password", good}, more...)
	}
	for _, c := range []struct {
		name   string
		house  house
		r      *http.Request
		status int
		to     string
		has    string
		done   string
	}{
		{"set up", house{}, get("/setup?link=cxml_x"), 200, "", "You are the first here", ""},
		{"set up, signed in", house{known: true, role: role.Viewer}, get("/setup?link=cxml_x"), 200, "", "You are the first here", ""},
		{"no link", house{}, get("/setup"), 410, "", "Have another one printed where cxm runs (cxm setup-link).", ""},
		{"another link", house{}, get("/setup?link=cxml_y"), 410, "", "This link does not work", ""},
		{"done", house{fresh: true}, post("/setup", all()...), 303, "/welcome", "", "set up cxml_x platform-admin@example.com Platform admin " + good},
		{"used meanwhile", house{err: fmt.Errorf("%w: it was used already; ask", signin.ErrLink)}, post("/setup", all()...), 410, "", "It was used already.", "set up"},
		{"another", house{}, post("/setup", all("link", "cxml_y")...), 410, "", "This link does not work", ""},
		{"no name", house{}, post("/setup", all("name", " ")...), 422, "", "the name is empty", ""},
		{"no address", house{}, post("/setup", all("address", "platform-admin")...), 422, "", "is no e-mail address", ""},
		{"no password", house{}, post("/setup", all("password", "")...), 422, "", "at least 12 characters", ""},
		{"easy", house{err: &Fault{"password", "the password is easy: choose another"}}, post("/setup", all()...), 422, "", "the password is easy", "set up"},
		{"busy", house{err: ErrBusy}, post("/setup", all()...), 503, "", "Many people sign in", "set up"},
		{"broken", house{err: errors.New(secret)}, post("/setup", all()...), 500, "", "Something went wrong inside cxm", "set up"},
		{"reset", house{}, get("/reset?link=cxml_x"), 200, "", "For engineer@example.com.", ""},
		{"no reset", house{}, get("/reset?link=cxml_y"), 410, "", "Ask an admin for another one (cxm people reset-link).", ""},
		{"chosen", house{}, post("/reset", "link", "cxml_x", "password", good), 303, "/signin", "", "reset cxml_x " + good},
		{"chose nothing", house{}, post("/reset", "link", "cxml_x"), 422, "", "at least 12 characters", ""},
		{"chose an easy one", house{err: &Fault{"password", "the password is easy: choose another"}}, post("/reset", "link", "cxml_x", "password", good), 422, "", "the password is easy", "reset"},
	} {
		w, _ := c.house.ask(t, c.r)
		text, done := w.Body.String(), strings.Join(c.house.done, "; ")
		if w.Code != c.status || w.Header().Get("Location") != c.to || !strings.Contains(text, c.has) || !strings.HasPrefix(done, c.done) || c.done == "" && done != "" {
			t.Errorf("%s: %d to %q, did %q, want %d to %q with %q, %q: %s", c.name, w.Code, w.Header().Get("Location"), done, c.status, c.to, c.has, c.done, text)
		}
		if strings.Contains(text, good) || strings.Contains(text, secret) {
			t.Errorf("%s: the page says too much", c.name)
		}
		if entered := set(w, "cxm_session") != nil; entered != (c.name == "done") {
			t.Errorf("%s: the cookies are %v", c.name, w.Result().Cookies())
		}
		if strings.Contains(text, `id="nav"`) {
			t.Errorf("%s: it is a page of who is signed in", c.name)
		}
	}
}

func TestProviders(t *testing.T) {
	h := &house{}
	w, _ := h.ask(t, get("/signin/oidc/sso?next=/issues"))
	c := set(w, "cxm_signin")
	if w.Header().Get("Location") != "https://id.example.com/authorize?x=y" || c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Fatalf("to %q with %+v", w.Header().Get("Location"), c)
	}
	for _, each := range []struct {
		name   string
		err    error
		status int
		to     string
		has    string
	}{
		{"good", nil, 303, "/issues", ""},
		{"no group", signin.ErrNoGroup, 403, "", "None of your groups has a role here"},
		{"unverified", signin.ErrUnverified, 403, "", "Your address is not verified"},
		{"kept out", signin.ErrWrong, 403, "", "The company account knows you, but an admin of cxm keeps this account out."},
		{"lost", &Failure{Kind: Lost}, 400, "", "Begin again, and finish it in this browser."},
		{"denied", &Failure{Kind: Denied, Detail: "access_denied <b>"}, 403, "", "It said: access_denied &lt;b&gt;."},
		{"unproved", &Failure{Kind: Unproved}, 403, "", "proves nothing"},
		{"unreachable", &Failure{Kind: Unreachable}, 502, "", "The company account cannot be reached"},
		{"unprotected", &Failure{Kind: Unprotected}, 409, "", "server.public_url"},
		{"broken", errors.New(secret), 500, "", "Something went wrong inside cxm"},
	} {
		h := &house{err: each.err}
		r := get("/signin/oidc/sso/callback?code=c0de&state=x")
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		w, _ := h.ask(t, r)
		text := w.Body.String()
		if w.Code != each.status || w.Header().Get("Location") != each.to || !strings.Contains(text, each.has) || strings.Contains(text, secret) {
			t.Errorf("%s: %d to %q, want %d with %q: %s", each.name, w.Code, w.Header().Get("Location"), each.status, each.has, text)
		}
		if !slices.Equal(h.done, []string{"finish sso attempt c0de"}) {
			t.Errorf("%s: did %v", each.name, h.done)
		}
		if gone := set(w, "cxm_signin"); gone == nil || gone.MaxAge >= 0 {
			t.Errorf("%s: the attempt is kept: %v", each.name, w.Result().Cookies())
		}
		if (set(w, "cxm_session") != nil) != (each.err == nil) {
			t.Errorf("%s: the cookies are %v", each.name, w.Result().Cookies())
		}
		if each.err != nil && each.status != 500 && !strings.Contains(text, `href="/signin/oidc/sso?next=%2Fissues"`) {
			t.Errorf("%s: it does not say where to begin again", each.name)
		}
	}
	for _, path := range []string{"/signin/oidc/other", "/signin/oidc/other/callback?code=c0de"} {
		if w, _ := (&house{}).ask(t, get(path)); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	forged := get("/signin/oidc/sso/callback?code=c0de")
	forged.AddCookie(&http.Cookie{Name: "cxm_signin", Value: "attempt~" + "aHR0cHM6Ly9ldmlsLmV4YW1wbGUuY29tLw"}) // https://evil.example.com/
	if w, _ := (&house{}).ask(t, forged); w.Header().Get("Location") != "/" {
		t.Errorf("a forged cookie leads to %q", w.Header().Get("Location"))
	}
	if c := attempt(get("/"), credential.NewSecret("attempt"), "/"+strings.Repeat("x", 5000)); len(c.Value) > 100 {
		t.Errorf("the cookie has %d bytes", len(c.Value))
	}
}

func TestAccount(t *testing.T) {
	phone := signin.Session{ID: 6, Person: 1, Method: "sso", Address: "2001:db8::7", Agent: "Safari/1 iPhone", BegunAt: now()}
	for _, c := range []struct {
		name   string
		house  house
		r      *http.Request
		status int
		to     string
		has    string
		done   string
	}{
		{"shown", house{known: true, role: role.Viewer, others: []signin.Session{phone}}, get("/account"), 200, "", "Safari on an iPhone", ""},
		{"without a role", house{known: true}, get("/account"), 200, "", "You have no role in any tenant", ""},
		{"nobody", house{}, get("/account"), 303, "/signin?next=%2Faccount", "", ""},
		{"nobody changes it", house{}, post("/account/password", "was", good, "is", good), 303, "/signin?next=%2F", "", ""},
		{"changed", house{known: true}, post("/account/password", "was", "old", "is", good), 303, "/signin?next=%2Faccount", "", "change 1 old " + good},
		{"not theirs", house{known: true, err: signin.ErrWrong}, post("/account/password", "was", "old", "is", good), 422, "", "this is not your password", "change"},
		{"easy", house{known: true, err: &Fault{"is", "it is easy: choose another"}}, post("/account/password", "was", "old", "is", good), 422, "", "it is easy: choose another", "change"},
		{"throttled", house{known: true, err: signin.Throttled{Until: now()}}, post("/account/password", "was", "old", "is", good), 429, "", "09:30:00 UTC", "change"},
		{"renamed", house{known: true}, post("/account/name", "name", " Ada "), 303, "/account", "", "rename 1 Ada"},
		{"no name", house{known: true}, post("/account/name", "name", " "), 422, "", "the name is empty", ""},
		{"named by a provider", house{known: true, err: signin.Refused("your name is as your provider says")}, post("/account/name", "name", "Ada"), 303, "/account", "", "rename 1 Ada"},
		{"nobody renames", house{}, post("/account/name", "name", "Ada"), 303, "/signin?next=%2F", "", ""},
		{"nothing typed", house{known: true}, post("/account/password"), 422, "", "write the password that you have now", ""},
		{"ended", house{known: true}, post("/account/session/end", "session", "6"), 303, "/account", "", "end 6 of 1"},
		{"not theirs to end", house{known: true, err: signin.ErrNotKnown}, post("/account/session/end", "session", "99"), 303, "/account", "", "end 99 of 1"},
		{"this one ended", house{known: true}, post("/account/session/end", "session", "7"), 303, "/signin", "", "end 7 of 1"},
		{"no number", house{known: true}, post("/account/session/end", "session", "x"), 404, "", "Your account is not here", ""},
		{"others ended", house{known: true, others: []signin.Session{phone}}, post("/account/sessions/end"), 303, "/account", "", "end 6 of 1"},
		{"broken", house{known: true, err: errors.New(secret)}, post("/account/session/end", "session", "6"), 500, "", "Your account could not be changed", "end"},
	} {
		w, _ := c.house.ask(t, c.r)
		text, done := w.Body.String(), strings.Join(c.house.done, "; ")
		if w.Code != c.status || w.Header().Get("Location") != c.to || !strings.Contains(text, c.has) || !strings.HasPrefix(done, c.done) || c.done == "" && done != "" {
			t.Errorf("%s: %d to %q, did %q, want %d to %q with %q, %q: %s", c.name, w.Code, w.Header().Get("Location"), done, c.status, c.to, c.has, c.done, text)
		}
		if strings.Contains(text, good) || strings.Contains(text, secret) || strings.Contains(text, `"hash"`) {
			t.Errorf("%s: the page says too much", c.name)
		}
	}
}

// TestRetryAfter: who is to wait is told for how long, in the header too (RFC 9110,
// section 10.2.3), and never to come back too early.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		path  string
		want  string
		words string
	}{
		{"a moment", signin.Throttled{Until: now().Add(1200 * time.Millisecond)}, "/signin", "2", "in 2 seconds, at 09:30:01 UTC"},
		{"over by now", signin.Throttled{Until: now()}, "/signin", "1", "in 1 second, at"},
		{"long", signin.Throttled{Until: now().Add(15 * time.Minute)}, "/account/password", "900", "in 15 minutes, at 09:45:00 UTC"},
		{"busy", ErrBusy, "/signin", "5", "in some seconds"},
		{"wrong", signin.ErrWrong, "/signin", "", "is not right"},
	} {
		h := house{err: c.err, known: c.path != "/signin"}
		w, _ := h.ask(t, post(c.path, "address", "engineer@example.com", "password", good, "was", "old", "is", good))
		if got := w.Header().Get("Retry-After"); got != c.want || !strings.Contains(w.Body.String(), c.words) {
			t.Errorf("%s: %d, Retry-After %q, want %q with %q: %s", c.name, w.Code, got, c.want, c.words, w.Body)
		}
	}
}

func TestTenant(t *testing.T) {
	w, _ := (&house{known: true, role: role.Viewer}).ask(t, post("/tenant", "tenant", "retail"))
	if c := set(w, TenantCookie); c == nil || c.Value != "retail" || !c.HttpOnly || w.Header().Get("Location") != "/" {
		t.Errorf("%d, %+v", w.Code, c)
	}
	for _, name := range []string{"other", "", "acme; x"} {
		if w, _ := (&house{known: true, role: role.Admin}).ask(t, post("/tenant", "tenant", name)); w.Code != http.StatusNotFound || set(w, TenantCookie) != nil {
			t.Errorf("%q: %d, %v", name, w.Code, w.Result().Cookies())
		}
	}
	if w, _ := (&house{known: true, role: role.Viewer}).ask(t, get("/account")); !strings.Contains(w.Body.String(), `<option selected>acme</option><option>retail</option>`) {
		t.Error("who works in two tenants cannot choose")
	}
}

func TestWelcome(t *testing.T) {
	some := []api.Integration{{ID: 3}}
	run := int64(4)
	for _, c := range []struct {
		name     string
		house    house
		status   int
		has, not string
	}{
		{"nothing", house{role: role.Admin}, 200, `href="/settings/integrations">Connect GitLab`, "Make the first plan<"},
		{"connected", house{role: role.Admin, has: some}, 200, `href="/settings/sources">Add a source`, "Connect GitLab</a>"},
		{"delivered", house{role: role.Member, has: some, status: api.Summary{Findings: api.FindingCounts{Cost: 1}}}, 200, `href="/runs/plan?integration=3">Make the first plan`, "Add a source</a>"},
		{"planned", house{role: role.Viewer, has: some, status: api.Summary{Findings: api.FindingCounts{Cost: 1}, LastRun: &run}}, 200, "Go to the overview", "Make the first plan</a>"},
		{"only looking", house{role: role.Viewer}, 200, "An admin of the tenant does that.", "Connect GitLab</a>"},
		{"no role", house{}, 403, "You work in no tenant", "Connect GitLab"},
		{"broken", house{role: role.Admin, err: errors.New(secret)}, 500, "The first steps could not be read", secret},
	} {
		c.house.known = true
		w, _ := c.house.ask(t, get("/welcome"))
		if text := w.Body.String(); w.Code != c.status || !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("%s: %d, want %d with %q, without %q: %s", c.name, w.Code, c.status, c.has, c.not, text)
		}
	}
}

// TestSteps: what is not done yet is done in order.
func TestSteps(t *testing.T) {
	for want, done := range map[string][3]bool{
		"current later later": {}, "done current later": {true}, "done done done": {true, true, true}, "current done later": {false, true, false},
	} {
		var got []string
		for _, s := range NewWelcome(WelcomeData{Connected: done[0], Delivered: done[1], Planned: done[2]}).Steps {
			got = append(got, s.State)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v: %v, want %s", done, got, want)
		}
	}
}

func TestBrowser(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":         "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                  "Chrome on Android",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                        "Firefox on Linux",
		"curl/8.5.0": "curl", "": "A browser that does not say which it is", "something": "something",
	} {
		if got := browser(agent); got != want {
			t.Errorf("%s: %s, want %s", agent, got, want)
		}
	}
}
