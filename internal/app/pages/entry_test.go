package pages

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/oidc/oidctest"
	"cxm/internal/signin/role"
)

const (
	pass  = "blue kettle seven walls"
	other = "green ladder under nine"
)

// served is cxm as cxm serve serves it, behind a proxy with TLS.
type served struct {
	*apptest.Bed
	url string
}

func serving(t *testing.T, o Options) *served {
	t.Helper()
	s := &served{Bed: databases.Bed(t, "")}
	mounts, err := Mounts(s.App, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	front := app.Front{Listen: "127.0.0.1:0", Listening: func(a net.Addr) { at <- "http://" + a.String() }}
	front.Server.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	go func() {
		ended <- s.App.Serve(ctx, app.WorkOptions{Every: time.Hour, Front: front, More: mounts}, 20*time.Second)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	s.url = <-at
	return s
}

// browser keeps cookies, and comes through the proxy unless plain says otherwise.
type browser struct {
	*served
	plain   bool
	address string
	cookies map[string]string
}

func (s *served) browser(address string) *browser {
	return &browser{served: s, address: address, cookies: map[string]string{}}
}

// does sends a form, or with no values asks for a page, and follows nothing.
func (b *browser) does(path string, values ...string) (status int, to, text string) {
	b.Helper()
	sent, method := url.Values{}, http.MethodGet
	for i := 0; i < len(values); i += 2 {
		sent.Set(values[i], values[i+1])
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(sent.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !b.plain {
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-For", "198.51.100.9, "+b.address) // the first anybody could have written
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		if c.Secure == b.plain {
			b.Errorf("%s: the cookie %s has Secure %t", path, c.Name, c.Secure)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(body)
}

// wants is does with what should come of it.
func (b *browser) wants(status int, to, has, path string, values ...string) {
	b.Helper()
	if got, at, text := b.does(path, values...); got != status || at != to || !strings.Contains(text, has) {
		b.Fatalf("%s: %d to %q, want %d to %q with %q: %s", path, got, at, status, to, has, text)
	}
}

func operator() signin.Who { return signin.Operator("test") }

func (s *served) joins(address string, r role.Role) signin.Person {
	s.Helper()
	p, _, err := s.App.People.Add(s.Context(), operator(), desk.Newcomer{Email: address, Tenant: s.App.Tenant, Role: r})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// TestWayIn goes from the link of the first start to signed out.
func TestWayIn(t *testing.T) {
	t.Parallel()
	s := serving(t, Options{})
	link, err := s.App.People.SetupLink(t.Context(), operator(), false)
	if err != nil {
		t.Fatal(err)
	}
	at := signin.LinkSetup.Path(link)
	b := s.browser("192.0.2.7")
	b.wants(303, "/signin?next=%2F", "", "/")
	b.wants(200, "", "You are the first here", at)
	b.wants(200, "", "You are the first here", at) // looking spends nothing
	form := []string{"link", link.Reveal(), "name", "Platform admin", "address", "platform-admin@example.com", "password"}
	b.wants(422, "", "characters", "/setup", append(form, "short")...)
	b.wants(422, "", "one of the most used", "/setup", append(form, "password1234")...)
	b.wants(303, "/welcome", "", "/setup", append(form, pass)...)
	b.wants(200, "", "Connect GitLab", "/welcome")
	b.wants(410, "", "It was used already.", at)
	value := b.cookies["__Host-cxm_session"]
	if value == "" {
		t.Fatalf("the cookies are %v", b.cookies)
	}
	who, err := s.App.People.Authenticate(t.Context(), credential.NewSecret(value))
	if err != nil || who.Session.Address != "192.0.2.7" || !who.Person.Installation {
		t.Errorf("%+v, %v", who, err)
	}
	for name, c := range map[string]*browser{
		"the name without TLS, over TLS": {served: s, address: "192.0.2.7", cookies: map[string]string{"cxm_session": value}},
		"the name of TLS, without":       {served: s, plain: true, cookies: map[string]string{"__Host-cxm_session": value}},
	} {
		if status, _, _ := c.does("/account"); status != http.StatusSeeOther {
			t.Errorf("%s: %d", name, status)
		}
	}
	b.wants(200, "", "this one", "/account")
	b.wants(303, "/", "", "/signin")
	b.wants(303, "/signin", "", "/signout", "x", "")
	again := s.browser("192.0.2.7")
	again.cookies["__Host-cxm_session"] = value
	again.wants(303, "/signin?next=%2Faccount", "", "/account")
}

// TestPasswords: chosen by a link, changed, guessed.
func TestPasswords(t *testing.T) {
	t.Parallel()
	s := serving(t, Options{})
	p := s.joins("engineer@example.com", role.Viewer)
	link, _, err := s.App.People.ResetLink(t.Context(), operator(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser("192.0.2.7")
	b.plain = true
	b.wants(200, "", "For engineer@example.com.", signin.LinkReset.Path(link))
	b.wants(422, "", "your own name or address", "/reset", "link", link.Reveal(), "password", "engineer@example.com")
	b.wants(303, "/signin", "", "/reset", "link", link.Reveal(), "password", pass)
	b.wants(200, "", "The password is set", "/signin")
	b.wants(410, "", "This link does not work", "/reset", "link", link.Reveal(), "password", other)
	b.wants(303, "/issues", "", "/signin", "address", "Engineer@example.com", "password", pass, "next", "/issues")
	phone := s.browser("192.0.2.8")
	phone.wants(303, "/", "", "/signin", "address", "engineer@example.com", "password", pass)
	b.wants(303, "/account", "", "/account/name", "name", "Ada of Acme")
	b.wants(200, "", "You are called Ada of Acme from now on.", "/account")
	b.wants(200, "", "Ada of Acme default, your account", "/account")
	b.wants(422, "", "this is not your password", "/account/password", "was", other, "is", other)
	b.wants(422, "", "at least 12", "/account/password", "was", pass, "is", "short")
	b.wants(303, "/signin?next=%2Faccount", "", "/account/password", "was", pass, "is", other)
	phone.wants(303, "/signin?next=%2Faccount", "", "/account")
	guesser := s.browser("203.0.113.5")
	_, _, unknown := guesser.does("/signin", "address", "nobody@example.com", "password", pass)
	_, _, wrong := guesser.does("/signin", "address", "engineer@example.com", "password", pass)
	if same := strings.ReplaceAll(unknown, "nobody@", "engineer@"); same != wrong {
		t.Errorf("it says which of both is wrong:\n%s\n%s", unknown, wrong)
	}
	status := 0
	for range 6 {
		status, _, _ = guesser.does("/signin", "address", "engineer@example.com", "password", "guess")
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("guessed on: %d", status)
	}
	b.wants(303, "/", "", "/signin", "address", "engineer@example.com", "password", other) // from where they always come
}

// TestSessionsEnd: one's own, and nobody else's.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := serving(t, Options{})
	in := func(address, from string) *browser {
		p := s.joins(address, role.Viewer)
		if err := s.App.People.SetPassword(t.Context(), operator(), p.ID, credential.NewSecret(pass)); err != nil {
			t.Fatal(err)
		}
		b := s.browser(from)
		b.wants(303, "/", "", "/signin", "address", address, "password", pass)
		return b
	}
	mine, theirs := in("engineer@example.com", "192.0.2.7"), in("other@example.com", "192.0.2.8")
	if _, _, text := theirs.does("/account"); strings.Contains(text, "192.0.2.7") {
		t.Error("somebody sees the sessions of others")
	}
	who, err := s.App.People.Authenticate(t.Context(), credential.NewSecret(theirs.cookies["__Host-cxm_session"]))
	if err != nil {
		t.Fatal(err)
	}
	mine.wants(303, "/account", "", "/account/session/end", "session", strconv.FormatInt(who.Session.ID, 10))
	mine.wants(200, "", "it is not yours", "/account")
	theirs.wants(200, "", "this one", "/account")
	phone := s.browser("192.0.2.9")
	phone.wants(303, "/", "", "/signin", "address", "engineer@example.com", "password", pass)
	mine.wants(303, "/account", "", "/account/sessions/end", "x", "")
	mine.wants(200, "", "One other session has ended.", "/account")
	phone.wants(303, "/signin?next=%2Faccount", "", "/account")
}

// TestChoice of a tenant: among those that one works in.
func TestChoice(t *testing.T) {
	t.Parallel()
	s := serving(t, Options{})
	for _, name := range []string{"retail", "secret"} {
		if err := s.App.AddTenant(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
	p := s.joins("engineer@example.com", role.Viewer)
	if _, err := s.App.People.SetRole(t.Context(), operator(), p.ID, "retail", role.Admin); err != nil {
		t.Fatal(err)
	}
	if err := s.App.People.SetPassword(t.Context(), operator(), p.ID, credential.NewSecret(pass)); err != nil {
		t.Fatal(err)
	}
	b := s.browser("192.0.2.7")
	b.wants(303, "/", "", "/signin", "address", "engineer@example.com", "password", pass)
	b.wants(200, "", "viewer in default", "/account")
	b.wants(303, "/", "", "/tenant", "tenant", "retail")
	b.wants(200, "", "admin in retail", "/account")
	b.wants(404, "", "This tenant is not here", "/tenant", "tenant", "secret")
	b.cookies["cxm_tenant"] = "secret"
	b.wants(200, "", "viewer in default", "/account")
	b.cookies["cxm_tenant"] = "retail"
	if err := s.App.DisableTenant(t.Context(), "retail", true); err != nil {
		t.Fatal(err)
	}
	b.wants(200, "", "viewer in default", "/account")
}

// TestProviderSignIn: by a provider, with every way in which it fails.
func TestProviderSignIn(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t)
	p := Provider{Title: "the company account"}
	p.Name, p.Issuer, p.Client, p.Secret = "company", idp.URL, oidctest.Client, credential.NewSecret(oidctest.Secret)
	p.Map = []Mapping{{Group: "cloud", Tenant: "default", Role: role.Member}, {Group: "cloud-admins", Tenant: "default", Role: role.Admin}}
	s := serving(t, Options{Providers: []Provider{p}})
	b := s.browser("192.0.2.7")
	b.wants(200, "", "Sign in with the company account", "/signin?next=/account")
	// comes goes to the provider, and says how it sends the browser back.
	comes := func(b *browser) string {
		t.Helper()
		status, to, text := b.does("/signin/oidc/company?next=/account")
		if status != http.StatusSeeOther || !strings.HasPrefix(to, idp.URL+"/authorize?") {
			t.Fatalf("%d to %q: %s", status, to, text)
		}
		answer, err := (&http.Transport{}).RoundTrip(request(t, to))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		back, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || back.Scheme != "https" || back.Host != strings.TrimPrefix(s.url, "http://") || back.Path != "/signin/oidc/company/callback" {
			t.Fatalf("%d back to %s, %v", answer.StatusCode, back, err)
		}
		return back.RequestURI()
	}
	b.wants(303, "/account", "", comes(b))
	b.wants(200, "", "engineer@example.com", "/account")
	b.wants(200, "", "your groups at "+idp.URL, "/account")
	b.wants(200, "", "You have no password here", "/account")
	if len(b.cookies) != 1 {
		t.Errorf("the cookies are %v", b.cookies)
	}
	stranger := s.browser("192.0.2.8")
	back := comes(stranger)
	thief := s.browser("203.0.113.5")
	thief.wants(400, "", "This sign-in was begun elsewhere", back)
	stranger.wants(303, "/account", "", back)

	fails := func(status int, has string, change func()) {
		t.Helper()
		idp.Person, idp.Denies = nil, ""
		b := s.browser("192.0.2.9")
		back := ""
		if change(); !idp.Down {
			back = comes(b)
		} else {
			back = "/signin/oidc/company"
		}
		b.wants(status, "", has, back)
		b.wants(303, "/signin?next=%2Faccount", "", "/account")
	}
	fails(403, "The company account did not let you in", func() { idp.Denies = "access_denied" })
	s.joins("taken@example.com", role.Viewer)
	fails(403, "Your address is not verified", func() {
		idp.Person = map[string]any{"sub": "7", "email": "taken@example.com", "email_verified": false}
	})
	fails(403, "proves nothing", func() { idp.Person = map[string]any{"aud": "somebody-else"} })
	fails(403, "None of your groups has a role here", func() { idp.Person = map[string]any{"groups": []string{"staff"}} })
	b.wants(303, "/signin?next=%2Faccount", "", "/account") // who has left the group is out everywhere
	found, err := s.App.People.Find(t.Context(), "engineer@example.com")
	if err != nil || len(found.Grants) > 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := s.App.People.Disable(t.Context(), operator(), found.ID, true); err != nil {
		t.Fatal(err)
	}
	fails(403, "keeps this account out", func() {})
	plain := s.browser("")
	plain.plain = true
	if status, to, _ := plain.does("/signin/oidc/company"); status != http.StatusSeeOther || !strings.Contains(to, url.QueryEscape(s.url+"/signin/oidc/company/callback")) {
		t.Errorf("on this machine: %d to %s", status, to)
	}
}

func request(t *testing.T, to string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestProviderAway: a provider that is down holds up its own sign-in; the address to
// come back to is the one that is configured, and one that has TLS.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t)
	idp.Down = true
	p := Provider{}
	p.Name, p.Issuer, p.Client, p.Map = "company", idp.URL, oidctest.Client, []Mapping{{Group: "cloud", Tenant: "default", Role: role.Member}}
	s := serving(t, Options{Providers: []Provider{p}, Public: "https://cxm.example.com/"})
	b := s.browser("192.0.2.7")
	b.wants(502, "", "Company cannot be reached", "/signin/oidc/company?next=/issues")
	b.wants(200, "", "E-mail address", "/signin")
	idp.Down = false
	s.Clock.Forward(10 * time.Second)
	if status, to, _ := b.does("/signin/oidc/company"); status != http.StatusSeeOther || !strings.Contains(to, url.QueryEscape("https://cxm.example.com/signin/oidc/company/callback")) {
		t.Errorf("%d to %s", status, to)
	}
	inside := &pages{app: s.App, log: s.App.Logger}
	r := request(t, "http://cxm.internal/signin/oidc/company")
	if got := inside.at(r); got != "http://cxm.internal" {
		t.Errorf("without a configured address it is %s", got)
	}
	p.Map = nil
	if _, err := Mounts(s.App, Options{Providers: []Provider{p}}); err == nil {
		t.Error("a provider that lets nobody in was taken")
	}
}
