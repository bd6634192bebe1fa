package journey

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"cxm/internal/app/apptest"
)

const (
	catalogue = "/settings/integrations"
	byToken   = "GitLab AI Agent (Personal Access Token)"
)

// from waits for what can be clicked with a text in the part of the page that has a
// heading, and clicks on it.
func (b *bed) from(heading, text string) {
	b.Helper()
	b.mark(fmt.Sprintf(`(() => {
		const is = (e, text) => e.textContent.trim().replace(/\s+/g, " ") === text;
		const part = [...document.querySelectorAll("h2")].find(e => is(e, %q))?.closest(".card");
		return part && [...part.querySelectorAll("button, a")].find(e => is(e, %q) && e.checkVisibility());
	})()`, heading, text))
	b.press()
}

// mark waits until an expression finds an element, and marks it as named does.
func (b *bed) mark(expression string) {
	b.Helper()
	b.until(fmt.Sprintf(`(() => {
		document.querySelectorAll("[data-journey]").forEach(e => e.removeAttribute("data-journey"));
		const found = %s;
		found?.setAttribute("data-journey", "");
		return Boolean(found);
	})()`, expression))
}

// pick types into the combobox with a label, or for "" clicks on it, and then on an option
// that it offers.
func (b *bed) pick(label, typed, option string) {
	b.Helper()
	if typed == "" {
		b.named("field", label)
		b.press()
	} else {
		b.fill(label, typed)
	}
	b.mark(fmt.Sprintf(`[...document.querySelectorAll("[role=listbox]:not([hidden]) [role=option]:not([aria-disabled])")].find(e => e.textContent === %q)`, option))
	b.press()
	b.until(fmt.Sprintf(`[...document.querySelectorAll("label")].find(e => e.innerText === %q).control.value === %q`, label, option))
}

// check waits until a check on the page has an outcome.
func (b *bed) check(name, outcome string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.getElementById("check-" + %q)?.querySelector(".badge").textContent === %q`, name, outcome))
}

// send clicks on what sends a form, and waits for the page that follows.
func (b *bed) send(text string) {
	b.Helper()
	script[bool](b, `window.journeyWasHere = true`)
	b.click(text)
	b.until(`window.journeyWasHere === undefined && document.readyState === "complete"`)
}

// gate is another address of the bed's GitLab, which answers nothing below a path while
// it is shut.
type gate struct {
	url string

	mu   sync.Mutex
	shut chan struct{} // nil: it is open; guarded by mu
}

// gate makes one that is open.
func (b *bed) gate(path string) *gate {
	b.Helper()
	g := &gate{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, path) {
			g.pass(r)
		}
		b.GitLab.ServeHTTP(w, r)
	}))
	g.url = server.URL
	b.Cleanup(server.Close)
	b.Cleanup(g.open)
	return g
}

func (g *gate) pass(r *http.Request) {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut == nil {
		return
	}
	select {
	case <-shut:
	case <-r.Context().Done():
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// nothingKept fails when an integration is left.
func (b *bed) nothingKept() {
	b.Helper()
	if all, err := b.App.Details(b.Context()); err != nil || len(all) > 0 {
		b.Errorf("something was kept: %+v, %v", all, err)
	}
}

// TestConnect goes the way of an admin: from the catalogue over the dialog, the test as it
// goes on and the choice of a repository to the integration; and issues are as was said.
func TestConnect(t *testing.T) {
	t.Parallel()
	b := open(t)
	token := b.ServiceAccount("cxm-integration")
	gitlab := b.gate("/api/v4/personal_access_tokens")
	gitlab.close()
	b.setUp()
	b.click("Connect GitLab")
	b.at(catalogue)
	b.from(byToken, "Connect")
	b.until(`document.querySelector("dialog[open] h2")?.textContent === "Connect ` + byToken + `"`)
	b.click("Close")
	b.until(`!document.querySelector("dialog")`)
	b.from(byToken, "Connect")
	b.fill("GitLab Instance URL", gitlab.url)
	b.fill("Personal Access Token", token)
	if at := script[string](b, `location.pathname`); at != catalogue {
		t.Errorf("the dialog is at %s", at)
	}
	b.click("Save")
	b.at(catalogue + "/connect/attempts/")
	b.check("instance.gitlab", "ok")
	b.check("token.accepted", "waiting")
	b.see("Testing: ")
	gitlab.open()
	b.see("The connection works", "Where issues go")
	b.pick("Namespace Path (optional)", "ac", "acme")
	b.pick("Repository", "PLAT", "acme/platform")
	b.fill("Labels (optional)", "finops, disk work")
	b.fill("Default assignee (optional)", "nobody-there")
	b.click("Make new issues confidential")
	b.click("Activate")
	b.see("Not done yet", "nobody-there")
	b.nothingKept()
	b.fill("Default assignee (optional)", "engineer")
	b.click("Activate")
	b.at(catalogue + "/1")
	b.see("Connected: issues go to acme/platform", "The connection works", "finops, disk work", "engineer", "confidential", "a service account")
	if strings.Contains(script[string](b, `document.documentElement.outerHTML`), token) {
		t.Error("the page has the token in it")
	}
	b.visit(catalogue)
	b.see("acme/platform as cxm-integration")
	b.quiet()

	b.AWS(apptest.Disk(1, "10"))
	b.Apply()
	var made []struct {
		Labels       []string
		Confidential bool
		Assignee     struct{ Username string }
	}
	b.List(apptest.ProjectRoute+"/issues", &made)
	if len(made) != 1 || !made[0].Confidential || made[0].Assignee.Username != "engineer" || !strings.Contains(strings.Join(made[0].Labels, ","), "disk work") {
		t.Errorf("GitLab has the issues %+v", made)
	}
}

// trouble is a fault that people make when they connect, and what they are told.
type trouble struct {
	name, url, token string
	fields           []string // more of the form: labels and what is typed there
	check            string   // that fails; empty: the form itself says what is wrong
	says             []string
}

// TestTroubles connects with each fault that people make: each is told with its cause and
// what to do next, and nothing is kept.
func TestTroubles(t *testing.T) {
	t.Parallel()
	b := open(t)
	all := b.troubles()
	b.setUp()
	for _, c := range all {
		b.visit(catalogue + "/connect/gitlab-token")
		b.fill("GitLab Instance URL", c.url)
		b.fill("Personal Access Token", c.token)
		for i := 0; i < len(c.fields); i += 2 {
			b.fill(c.fields[i], c.fields[i+1])
		}
		b.click("Save")
		b.see(c.says...)
		if c.check != "" {
			b.at(catalogue + "/connect/attempts/")
			b.check(c.check, "failed")
			b.see("Nothing was kept", "Next:", "Test again", "Back to the form")
		} else {
			b.see("Not done yet")
		}
		if b.unseen("Activate"); c.token != "" && strings.Contains(script[string](b, `document.documentElement.outerHTML + location.href`), c.token) {
			t.Errorf("%s: the token is in the page", c.name)
		}
		if t.Failed() {
			t.Fatalf("%s: %s", c.name, b.text())
		}
	}
	b.nothingKept()
	b.quiet()
}

// troubles makes what is wrong in GitLab, and lists it. It puts the clock forward.
func (b *bed) troubles() []trouble {
	b.Helper()
	good := b.ServiceAccount("cxm-integration")
	account := b.UserID("cxm-integration")
	made := func(days int, scopes ...string) map[string]any {
		return b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", account),
			map[string]any{"name": "another", "scopes": scopes, "expires_at": b.Clock.Now().AddDate(0, 0, days).Format(time.DateOnly)})
	}
	narrow, expired, revoked := made(90, "read_user"), made(1, "api"), made(90, "api")
	b.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/personal_access_tokens/%v", revoked["id"]), nil)
	blocked := b.ServiceAccount("blocked-one")
	b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/users/%d/block", b.UserID("blocked-one")), nil)
	b.Clock.Forward(48 * time.Hour)

	answer := func(f http.HandlerFunc) string {
		server := httptest.NewServer(f)
		b.Cleanup(server.Close)
		return server.URL
	}
	title := func(text string) string {
		return answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>%s</title>", text)
		})
	}
	moved := answer(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, b.URL+r.URL.Path, http.StatusMovedPermanently)
	})
	down := answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	private := httptest.NewTLSServer(b.GitLab)
	b.Cleanup(private.Close)
	const wrong = "glpat-aaaaaaaaaaaaaaaaaaaa"
	return []trouble{
		{"no address", "", good, nil, "", []string{"the GitLab instance URL is empty"}},
		{"an address for git", "git@gitlab.com:acme/platform.git", good, nil, "", []string{"is an address for git"}},
		{"no token", b.URL, "", nil, "", []string{"the token is empty"}},
		{"spaces in the token", b.URL, good + " ", nil, "", []string{"white space behind it"}},
		{"no certificate", b.URL, good, []string{"Certificate of a private authority (optional)", "no PEM"}, "", []string{"no certificate"}},
		{"a password in the proxy", b.URL, good, []string{"Proxy (optional)", "http://user:pw@proxy.example.com"}, "", []string{"carries a user name or password"}},
		{"a wrong token", b.URL, wrong, nil, "token.accepted", []string{"GitLab does not know this token", "create a new one at"}},
		{"a runner's token", b.URL, "glrt-aaaaaaaaaaaaaaaaaaaa", nil, "token.kind", []string{"such tokens cannot create issues"}},
		{"an expired token", b.URL, fmt.Sprint(expired["token"]), nil, "token.expiry", []string{"The token has expired"}},
		{"a revoked token", b.URL, fmt.Sprint(revoked["token"]), nil, "token.revoked", []string{"The token was revoked"}},
		{"a scope missing", b.URL, fmt.Sprint(narrow["token"]), nil, "token.scopes", []string{"lacks the scope api"}},
		{"a blocked account", b.URL, blocked, nil, "account.state", []string{"The account is blocked", "An administrator can unblock it"}},
		{"nobody listening", "http://127.0.0.1:1", good, nil, "instance.tcp", []string{"nothing listens at this port", "Check the port"}},
		{"an unknown host", "http://gitlab.invalid", good, nil, "instance.dns", []string{"gitlab.invalid"}},
		{"a private authority", private.URL, good, nil, "instance.tls", []string{"Get the"}},
		{"no TLS", strings.Replace(b.URL, "http:", "https:", 1), good, nil, "instance.tls", []string{"does not speak TLS"}},
		{"the proxy down", b.URL, good, []string{"Proxy (optional)", "http://127.0.0.1:1"}, "instance.proxy", []string{"The proxy does not answer"}},
		{"another product", title("Wiki"), good, nil, "instance.gitlab", []string{`A page titled "Wiki" answers`}},
		{"a sign-in before it", title("Sign in to Example"), good, nil, "instance.gitlab", []string{"Let cxm's machine pass that sign-in"}},
		{"an address that moved", moved, good, nil, "instance.gitlab", []string{"The instance answers at " + b.URL, "Use that as the instance URL"}},
		{"GitLab down", down, good, nil, "instance.gitlab", []string{"does not work at the moment", "try again later"}},
	}
}

// TestPrivateAuthority connects with the certificate of an authority of one's own.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	b := open(t)
	private := httptest.NewTLSServer(b.GitLab)
	t.Cleanup(private.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: private.Certificate().Raw}))
	token := b.ServiceAccount("cxm-integration")
	b.setUp()
	b.visit(catalogue + "/connect/gitlab-token")
	b.fill("GitLab Instance URL", private.URL)
	b.fill("Personal Access Token", token)
	b.do(chromedp.SetValue(chromedp.CSS(b.named("field", "Certificate of a private authority (optional)")), ca)) // as one pastes
	b.click("Save")
	b.see("The connection works")
	b.check("instance.tls", "ok")
	b.pick("Repository", "", "acme/platform")
	b.click("Activate")
	b.at(catalogue + "/1")
	b.see("Connected: issues go to acme/platform")
	b.quiet()
}

// TestNoRole connects with an account that was let in nowhere, and then where it can do
// too little.
func TestNoRole(t *testing.T) {
	t.Parallel()
	b := open(t)
	account := b.Admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})["id"]
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%v/personal_access_tokens", account), map[string]any{"name": "cxm", "scopes": []string{"api"}})
	b.setUp()
	b.visit(catalogue + "/connect/gitlab-token")
	b.fill("GitLab Instance URL", b.URL)
	b.fill("Personal Access Token", fmt.Sprint(made["token"]))
	b.click("Save")
	b.see("The connection works")
	b.see("cxm-integration is a member of no project", "with the role Maintainer")
	b.Admin(http.MethodPost, apptest.ProjectRoute+"/members", map[string]any{"user_id": account, "access_level": 10})
	b.send("Test again")
	b.see("Where issues go")
	b.unseen("member of no project")
	b.fill("Repository", "plat")
	b.see("acme/platform (not usable: the role is too low")
	b.Admin(http.MethodPut, fmt.Sprintf("%s/members/%v", apptest.ProjectRoute, account), map[string]any{"access_level": 40})
	b.pick("Repository", "platf", "acme/platform")
	b.click("Activate")
	b.at(catalogue + "/1")
	b.see("Connected: issues go to acme/platform")
	b.quiet()
}
