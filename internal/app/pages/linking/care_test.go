package linking_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/pages/linking"
	"cxm/internal/sandbox"
)

// connected is a bed that is connected, and looked at by somebody.
func connected(t *testing.T) *bed {
	t.Helper()
	b := newBed(t)
	b.Connect(b.ServiceAccount("cxm-integration"))
	return b
}

const integration = "/settings/integrations/1"

// TestCare does everything that can be done with an integration.
func TestCare(t *testing.T) {
	t.Parallel()
	b := connected(t)
	calls := len(b.GitLab.Calls())
	b.want(b.get(integration), 200, "It was not tested since cxm was started", "")
	b.want(b.get("/settings/integrations"), 200, "acme/platform as cxm-integration", "")
	if n := len(b.GitLab.Calls()) - calls; n != 0 {
		t.Errorf("the pages made %d calls of GitLab", n)
	}
	a := b.send(integration + "/test")
	events := b.live(integration + "/live")
	if !strings.Contains(events, "event: next\ndata: "+integration+"\n") {
		t.Errorf("the test told %s", events)
	}
	b.want(b.settled(a), 200, "The connection works, with", "It was not tested")
	b.want(b.get(integration), 200, "GET /user", "No call was made lately")

	b.want(b.get(integration+"/rotate"), 200, "GitLab makes a new token", "")
	b.want(b.get(integration), 200, "cxm rotates it", "Rotated last")
	b.want(b.send(integration+"/rotate"), 200, "The token was rotated: the new one works until", "")
	b.want(b.get(integration), 200, "Rotated last", "")
	b.want(b.send(integration+"/schedule", "days", "x"), 422, "write a number of days", "")
	b.want(b.send(integration+"/schedule", "days", "30"), 200, "every 30 days", "")
	b.want(b.get(integration+"/schedule"), 200, "Days between two rotations", "")

	b.want(b.send(integration+"/replace", "token", "with space"), 422, "white space inside", "with space")
	b.want(b.send(integration+"/replace", "token", "glpat-aaaaaaaaaaaaaaaaaaaa"), 422, "Not done yet", "glpat-aaaa")
	token := b.NewToken()
	b.want(b.send(integration+"/replace", "token", token), 200, "The token was replaced", token)

	b.want(b.get(integration+"/edit"), 200, "Each change is verified with GitLab", "")
	b.want(b.send(integration+"/edit", "project", b.project(), "labels", "", "route", "stay"), 200, "Changed.", "")
	b.want(b.send(integration+"/edit", "project", b.project(), "labels", "finops", "assignee", "cxm-integration"), 200, "finops", "")
	b.want(b.send(integration+"/edit", "project", b.project(), "labels", "finops", "assignee", "cxm-integration"), 200, "Nothing was changed: everything was so already", "")
	b.want(b.send(integration+"/edit", "project", b.project(), "labels", "finops", "assignee", "nobody-there"), 422, "Default assignee: Looking for the user", "")
	b.want(b.send(integration+"/edit", "path", "acme/nothing"), 422, "Not done yet", "")
	if text := b.get(integration + "/repositories?q=plat").text; !strings.Contains(text, "acme/platform") {
		t.Errorf("repositories: %s", text)
	}

	b.want(b.get(integration+"/review"), 200, "Nobody has reviewed the access yet", "")
	b.want(b.send(integration+"/review", "note", "looked at all"), 200, "The review is recorded", "")
	b.want(b.get(integration+"/review"), 200, "looked at all", "")
	b.want(b.send(integration+"/owners", "owners", "nobody"), 422, "nobody", "")
	b.want(b.send(integration+"/owners", "owners", "platform-team@example.com"), 200, "platform-team@example.com", "")

	b.want(b.get(integration+"/webhooks"), 200, "All of the group acme", "")
	b.want(b.send(integration+"/webhooks", "url", "http://cxm.example.com"), 422, "has no TLS", "")
	b.want(b.send(integration+"/webhooks", "url", "https://cxm.example.com"), 200, "GitLab tells cxm from now on", "")
	b.want(b.get(integration+"/webhooks/1"), 200, "is deleted in GitLab", "")
	b.want(b.send(integration+"/webhooks/2"), 404, "is not here", "")
	b.want(b.send(integration+"/webhooks/1"), 200, "is removed", "")

	b.want(b.get(integration+"/disconnect"), 200, "0 open issues stay as they are", "")
	b.want(b.send(integration+"/disconnect", "revoke", "yes"), 200, "GitLab has revoked the token", "")
	b.want(b.get(integration), 404, "is not here", "")
	b.want(b.get("/settings/integrations"), 200, "available", "acme/platform as")
}

func (b *bed) project() string {
	b.Helper()
	return fmt.Sprint(b.Admin(http.MethodGet, apptest.ProjectRoute, nil)["id"])
}

// TestRefused tells what GitLab did not do, and that nothing was done.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := connected(t)
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodDelete, Path: "/api/v4/personal_access_tokens/self", Status: 403, Body: `{"message":"403 Forbidden"}`, Times: 1})
	b.want(b.send(integration+"/disconnect", "revoke", "yes"), 422, "Nothing was disconnected", "")
	b.want(b.get(integration), 200, "acme/platform", "")
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodPost, Path: "/api/v4/personal_access_tokens/self/rotate", Status: 403, Body: `{"message":"403 Forbidden"}`, Times: 1})
	b.want(b.send(integration+"/rotate"), 422, "Not done yet", "inside cxm")
	b.GitLab.Inject(sandbox.Fault{Method: http.MethodGet, Path: "/api/v4/*", Status: 401, Body: `{"message":"401 Unauthorized"}`, Times: 50})
	b.want(b.settled(b.send(integration+"/test")), 200, "failed", "The connection works")
	b.want(b.get("/settings/integrations"), 200, "needs attention", "")
}

// TestRoles shows and does what each role allows.
func TestRoles(t *testing.T) {
	t.Parallel()
	b := connected(t)
	viewer, member := b.as(map[string]string{"X-Role": "viewer"}), b.as(map[string]string{"X-Role": "member"})
	viewer.want(viewer.get(integration), 200, "acme/platform", "Test now")
	viewer.want(viewer.get(integration), 200, "acme/platform", "Review the access")
	a := member.want(member.get(integration), 200, "Test now", "Rotate now")
	member.want(a, 200, "Review the access", "Who looks after it")
	for _, path := range []string{"/rotate", "/replace", "/schedule", "/edit", "/reach", "/disconnect", "/owners", "/webhooks", "/webhooks/1"} {
		for _, who := range []*bed{viewer, member} {
			who.want(who.get(integration+path), 403, "Your role does not allow this", "")
			who.want(who.send(integration+path), 403, "Your role does not allow this", "")
		}
	}
	viewer.want(viewer.send(integration+"/test"), 403, "Your role does not allow this", "")
	viewer.want(viewer.send(integration+"/review"), 403, "Your role does not allow this", "")
	member.want(member.settled(member.send(integration+"/test")), 200, "The connection works", "")
}

// TestOthers asks for another tenant's integration.
func TestOthers(t *testing.T) {
	t.Parallel()
	b := connected(t)
	if err := b.App.AddTenant(b.Context(), "other", "Other"); err != nil {
		t.Fatal(err)
	}
	other := b.as(map[string]string{"X-Tenant": "other"})
	other.want(other.get("/settings/integrations"), 200, "available", "acme/platform as")
	for _, path := range []string{"", "/rotate", "/replace", "/schedule", "/edit", "/reach", "/disconnect", "/review", "/owners", "/webhooks"} {
		other.want(other.get(integration+path), 404, "", "acme/platform")
		if path != "" {
			other.want(other.send(integration+path, "token", "x", "days", "1"), 404, "", "acme/platform")
		}
	}
	other.want(other.send(integration+"/test"), 404, "", "")
	if text := other.get(integration + "/repositories").text; strings.Contains(text, "acme") {
		t.Errorf("it lists %s", text)
	}
}

// TestServiceAccount shows what it would do, and does it with an Owner's token.
func TestServiceAccount(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const form = "/settings/integrations/service-account"
	b.want(b.get(form+"?kind=bot"), 200, "cxm-integration-bot", "")
	b.want(b.get(form), 200, "api, read_user, read_repository, write_repository, self_rotate", "")
	fields := []string{"url", b.URL, "owner", b.GitLab.AdminToken(), "level", "group", "group", "acme", "project", "acme/platform", "username", "cxm-integration", "role", "maintainer", "days", "90"}
	b.want(b.send(form, append(fields, "owner", "")...), 422, "the token is empty", "")
	b.want(b.send(form, append(fields, "days", "1000")...), 422, "from 1 to 365", b.GitLab.AdminToken())
	b.want(b.settled(b.send(form, append(fields, "owner", "glpat-aaaaaaaaaaaaaaaaaaaa")...)), 200, "It came to no end", "Do this in GitLab")
	b.Writes.Take()
	a := b.settled(b.send(form, fields...))
	b.want(a, 200, "Make: service account cxm-integration", b.GitLab.AdminToken())
	if n := b.Writes.Take(); n != 0 {
		t.Fatalf("showing it wrote %d times", n)
	}
	other := b.as(map[string]string{"X-Person": "2"})
	other.want(other.send(a.path), 404, "", "")
	a = b.settled(b.send(a.path))
	b.want(a, 200, "Go on to acme/platform", "Do this in GitLab")
	b.want(b.get(integration), 200, "cxm-integration", "")
	b.Writes.Take()
	b.want(b.settled(b.send(a.path)), 200, "Go on to acme/platform", "")
	if n := b.Writes.Take(); n != 0 {
		t.Errorf("sent again it wrote %d times", n)
	}
}

// TestTrial tries cxm with a sandbox GitLab inside a server that may reach the internet
// alone, and ends it without a trace.
func TestTrial(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *app.Config) { c.Reach.Public, c.Brakes = true, nil })
	var asked int
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(private.Close)
	const path = "/welcome/sandbox"
	b.want(b.get(path), 200, "Start the sandbox", "")
	a := b.settled(b.send(path))
	b.want(a, 200, "Look at the first plan", "")
	if !strings.Contains(a.text, `href="/runs/`) {
		t.Errorf("it leads to no plan: %s", plain(a.text))
	}
	b.want(b.send(path), 200, "runs here already", "")
	all, err := b.App.Details(b.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	id := fmt.Sprintf("/settings/integrations/%d", all[0].Integration.ID)
	b.want(b.get(id), 200, "make-believe GitLab", "")
	b.want(b.settled(b.send(id+"/test")), 200, "The connection works", "")
	b.want(b.send(tokenForm, "url", "gitlab.com", "token", "glpat-x"), 200, "End it first", "")
	if _, err := b.App.Visit(b.Context(), app.Connect{URL: private.URL, Token: app.Pasted("glpat-x")}); err == nil || asked > 0 || !strings.Contains(err.Error(), "CXM_ALLOW_PRIVATE") {
		t.Errorf("the exception lets others through: %v, %d requests", err, asked)
	}
	p, err := b.App.Plan(b.Context(), all[0].Integration.ID)
	if err != nil || len(p.Plan.Changes()) != 6 {
		t.Errorf("the plan has %d steps: %v", len(p.Plan.Changes()), err)
	}
	present := func() (n int) {
		s, err := b.App.Status(b.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range s.Present {
			n += k
		}
		return n
	}
	if n := present(); n != 6 {
		t.Errorf("%d findings are present", n)
	}
	b.want(b.get(path+"/end"), 200, "resolved", "")
	b.want(b.send(path+"/end"), 200, "has ended", "")
	if n := present(); n != 0 {
		t.Errorf("%d findings are left", n)
	}
	if all, err := b.App.Details(b.Context()); err != nil || len(all) != 0 {
		t.Errorf("left connected: %+v, %v", all, err)
	}
	if got, err := http.Get(all[0].Integration.URL); err == nil {
		got.Body.Close()
		t.Error("the sandbox still runs")
	}
	b.want(b.get(path), 200, "Start the sandbox", "")
}

// TestTrialLeft: a process that died with a trial leaves nothing to the next.
func TestTrialLeft(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.settled(b.send("/welcome/sandbox"))
	if _, err := os.Stat(filepath.Join(b.App.DataDir, "sandbox.json")); err != nil {
		t.Fatal(err)
	}
	b.Reopen(func(*app.Config) {})
	linking.New(b.App, "").Tidy()
	all, err := b.App.Details(b.Context())
	s, failed := b.App.Status(b.Context())
	if err != nil || failed != nil || len(all) > 0 {
		t.Errorf("left %+v, %v, %v", all, err, failed)
	}
	for kind, n := range s.Present {
		if n > 0 {
			t.Errorf("%d findings of kind %s are left", n, kind)
		}
	}
	if _, err := os.Stat(filepath.Join(b.App.DataDir, "sandbox.json")); err == nil {
		t.Error("the note is left")
	}
}
