package linking_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/sandbox/oauth/browser"
)

const tokenForm = "/settings/integrations/connect/gitlab-token"

// TestConnect goes the way of an admin: address and token, the test, namespace and
// repository, and the integration's page.
func TestConnect(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	token := b.ServiceAccount("cxm-integration")
	b.want(b.get("/settings/integrations"), 200, "GitLab AI Agent (Personal Access Token) available", "")
	a := b.send(tokenForm, "url", b.URL, "token", token)
	if !strings.HasPrefix(a.path, "/settings/integrations/connect/attempts/") {
		t.Fatalf("led to %s: %s", a.path, plain(a.text))
	}
	at := a.path
	events := b.live(at + "/live")
	if !strings.Contains(events, "check-token.accepted") || !strings.Contains(events, "event: next\ndata: "+at) {
		t.Errorf("the test told %s", events)
	}
	a = b.want(b.settled(a), 200, "The connection works", "check failed")
	b.want(a, 200, "acme/platform", "Testing")
	var found struct {
		Options []struct{ Value, Text string }
		More    bool
	}
	for path, want := range map[string]string{
		"/namespaces?q=ac": "acme", "/repositories?q=&within=acme": "acme/platform", "/repositories?q=PLAT": "acme/platform", "/repositories?q=nothing-like-it": "",
	} {
		if err := json.Unmarshal([]byte(b.get(at+path).text), &found); err != nil {
			t.Fatal(err)
		}
		if want == "" && len(found.Options) > 0 || want != "" && (len(found.Options) == 0 || found.Options[0].Text != want) {
			t.Errorf("%s: %+v", path, found)
		}
	}
	b.want(b.get(at+"?nq=acme&namespace=acme&q=plat"), 200, "Show what matches", "")
	b.want(b.send(at+"/project", "namespace", "acme"), 200, "choose the repository where issues go", "")
	project := fmt.Sprint(b.Admin(http.MethodGet, apptest.ProjectRoute, nil)["id"])
	a = b.want(b.send(at+"/project", "namespace", "acme", "project", project, "labels", "finops, cost ", "confidential", "yes"), 200, "Connected: issues go to acme/platform", token)
	if a.path != "/settings/integrations/1" {
		t.Errorf("led to %s", a.path)
	}
	b.want(a, 200, "finops, cost", "")
	b.want(a, 200, "a service account", "")
	b.want(a, 200, "The connection works", "It was not tested")
	b.want(b.get("/settings/integrations"), 200, "acme/platform as cxm-integration", "needs attention")
	b.want(b.get(at), 200, "It is connected", "Activate")
}

// TestFaults connects with each fault that people make, and is told its cause.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	good := b.ServiceAccount("cxm-integration")
	narrow := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", b.UserID("cxm-integration")), map[string]any{"name": "narrow", "scopes": []string{"read_user"}})["token"].(string)
	for name, c := range map[string]struct {
		fields []string
		status int
		says   string
	}{
		"no address":       {[]string{"url", "", "token", good}, 422, "the GitLab instance URL is empty"},
		"not an address":   {[]string{"url", "git@gitlab.com:acme/platform.git", "token", good}, 422, "is an address for git"},
		"no token":         {[]string{"url", b.URL}, 422, "the token is empty"},
		"spaces in it":     {[]string{"url", b.URL, "token", good + " "}, 422, "white space behind it"},
		"no certificate":   {[]string{"url", b.URL, "token", good, "ca_file", "no PEM"}, 422, "no certificate"},
		"no proxy":         {[]string{"url", b.URL, "token", good, "proxy", "http://user:pw@proxy.example.com"}, 422, "carries a user name or password"},
		"wrong token":      {[]string{"url", b.URL, "token", "glpat-aaaaaaaaaaaaaaaaaaaa"}, 200, "Does GitLab know the token? failed"},
		"scope missing":    {[]string{"url", b.URL, "token", narrow}, 200, "Has it the scopes it needs? failed"},
		"nobody listening": {[]string{"url", "http://127.0.0.1:1", "token", good}, 200, "Does the port take connections? failed"},
		"no GitLab":        {[]string{"url", b.url + "/assets", "token", good}, 200, "Is it GitLab that answers? failed"},
	} {
		a := b.settled(b.send(tokenForm, c.fields...))
		b.want(a, c.status, c.says, good)
		if c.status == 200 {
			b.want(a, 200, "Next:", "Activate")
		}
		if strings.Contains(a.text, good) || strings.Contains(a.text, narrow) || strings.Contains(a.path, "glpat") {
			t.Errorf("%s: the token is in the page or its address", name)
		}
	}
	if all, err := b.App.Details(b.Context()); err != nil || len(all) > 0 {
		t.Errorf("something was kept: %v, %v", all, err)
	}
}

// TestUnfit chooses repositories and defaults that do not work.
func TestUnfit(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	token := b.ServiceAccount("cxm-integration")
	group := b.Admin(http.MethodGet, "/api/v4/groups/acme", nil)["id"]
	made := func(name string, more map[string]any, level int) {
		body := map[string]any{"name": name, "namespace_id": group}
		maps.Copy(body, more)
		p := b.Admin(http.MethodPost, "/api/v4/projects", body)
		if level > 0 {
			b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/projects/%v/members", p["id"]), map[string]any{"user_id": b.UserID("cxm-integration"), "access_level": level})
		}
	}
	made("without", map[string]any{"issues_access_level": "disabled"}, 40)
	made("low", nil, 10)
	made("hidden", map[string]any{"visibility": "private"}, 0)
	at := b.settled(b.send(tokenForm, "url", b.URL, "token", token)).path
	for project, want := range map[string]string{
		"acme/without": "Are issues enabled? failed", "acme/hidden": "Is the project there, as it is named? failed", "acme/platforn": "Did you mean acme/platform?",
	} {
		b.want(b.settled(b.send(at+"/project", "project", project)), 200, want, "Connected")
	}
	if text := b.get(at + "/repositories?q=low").text; !strings.Contains(text, "the role is too low") || !strings.Contains(text, `"disabled":true`) {
		t.Errorf("a repository that is no use is offered: %s", text)
	}
	b.want(b.settled(b.send(at+"/project", "project", "acme/platform", "assignee", "nobody-there")), 200, "Default assignee: looking for the user", "Connected")
	b.want(b.settled(b.send(at+"/project", "project", "acme/platform", "labels", strings.Repeat("x", 256))), 200, "Labels: the label", "Connected")
	b.want(b.settled(b.send(at+"/project", "project", "ACME/Platform")), 200, "Connected: issues go to acme/platform", "")
}

// TestLetInNowhere: an account that is a member of nothing has nothing to choose, and the
// page says what to do.
func TestLetInNowhere(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	account := b.Admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})["id"]
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%v/personal_access_tokens", account), map[string]any{"name": "cxm", "scopes": []string{"api"}})
	a := b.settled(b.send(tokenForm, "url", b.URL, "token", fmt.Sprint(made["token"])))
	b.want(a, 200, "cxm-integration is a member of no project", "check failed")
	b.want(a, 200, "invite the account with the role Maintainer", "")
}

// TestAttemptsAreTheirs of who began them alone.
func TestAttemptsAreTheirs(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if err := b.App.AddTenant(b.Context(), "other", "Other"); err != nil {
		t.Fatal(err)
	}
	at := b.settled(b.send(tokenForm, "url", b.URL, "token", b.ServiceAccount("cxm-integration"))).path
	for name, header := range map[string]map[string]string{"another person": {"X-Person": "2"}, "another tenant": {"X-Tenant": "other"}} {
		other := b.as(header)
		for _, path := range []string{"", "/namespaces", "/repositories"} {
			if a := other.get(at + path); a.status != 404 {
				t.Errorf("%s sees %s: %d", name, path, a.status)
			}
		}
		if a := other.send(at+"/project", "project", "acme/platform"); a.status != 404 {
			t.Errorf("%s activates it: %d", name, a.status)
		}
	}
	viewer := b.as(map[string]string{"X-Role": "viewer"})
	for _, path := range []string{tokenForm, at, "/settings/integrations/service-account", "/welcome/sandbox"} {
		viewer.want(viewer.get(path), 403, "Your role does not allow this", "")
	}
	viewer.want(viewer.send(tokenForm, "url", b.URL, "token", "x"), 403, "Your role does not allow this", "")
}

// TestPublicReach: a server that may connect to the internet alone says so.
func TestPublicReach(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *app.Config) { c.Reach.Public = true })
	a := b.settled(b.send(tokenForm, "url", b.URL, "token", b.ServiceAccount("cxm-integration")))
	b.want(a, 200, "CXM_ALLOW_PRIVATE", "Activate")
}

// TestOAuth signs in to the sandbox as a bot user would, and agrees.
func TestOAuth(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const form = "/settings/integrations/connect/gitlab-oauth"
	b.want(b.get(form), 200, b.url+"/settings/integrations/oauth/callback", "")
	b.want(b.send(form, "url", b.URL), 422, "register one in GitLab", "")
	made := b.Admin(http.MethodPost, "/api/v4/applications", map[string]any{"name": "cxm", "redirect_uri": b.url + "/settings/integrations/oauth/callback", "scopes": "api", "confidential": true})
	id, secret := fmt.Sprint(made["application_id"]), fmt.Sprint(made["secret"])
	a := b.want(b.send(form, "url", b.URL, "application_id", id, "application_secret", secret), 200, "Go on to ", secret)
	link := between(t, a.text, `href="`+b.URL+`/oauth/authorize`, `"`)
	back := b.agree(b.URL + "/oauth/authorize" + strings.ReplaceAll(link, "&amp;", "&"))
	b.as(map[string]string{"X-Person": "2"}).want(b.as(map[string]string{"X-Person": "2"}).get(back), 200, "belongs to no question of yours", "")
	forged := strings.Replace(back, "state=", "state=x", 1)
	b.want(b.get(forged), 200, "belongs to no question of yours", "")
	a = b.settled(b.get(back))
	b.want(a, 200, "The connection works", "check failed")
	if strings.Contains(a.path, "code=") {
		t.Errorf("the code is in the address: %s", a.path)
	}
	b.want(b.get(back), 200, "was taken already", "")
	a = b.want(b.settled(b.send(a.path+"/project", "project", "acme/platform")), 200, "an account that somebody signed in with", "")
	b.want(b.get("/settings/integrations"), 200, "acme/platform as", "")
	b.want(b.send(form, "url", b.URL), 200, "Go on to ", "") // the application is known now
}

func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	got, _, end := strings.Cut(rest, to)
	if !ok || !end {
		t.Fatalf("no %q in %s", from, plain(text))
	}
	return got
}

// agree is what somebody does on GitLab's page: it is the path that GitLab leads back to.
func (b *bed) agree(page string) string {
	b.Helper()
	person := &browser.Person{Username: "root", Password: b.GitLab.Password()}
	to, err := person.Decide(b.Context(), page, true)
	if err != nil {
		b.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || b.url != u.Scheme+"://"+u.Host {
		b.Fatalf("GitLab leads to %s, %v", to, err)
	}
	return u.RequestURI()
}
