package journey

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const byOAuth = "GitLab AI Agent"

// agreeing leads to GitLab's page, as the bot user who signs in there the first time.
func (b *bed) agreeing(heading, id, secret string) {
	b.Helper()
	there := b.elsewhere()
	b.visit(catalogue)
	b.from(byOAuth, heading)
	b.see("A service account cannot sign in", b.url+catalogue+"/oauth/callback")
	b.fill("GitLab Instance URL", there)
	b.fill("Application ID (optional)", id)
	b.fill("Application secret (optional)", secret)
	b.click("Go on to GitLab")
	b.see("Sign in as a bot user, and not as yourself")
	b.click("Go on to " + strings.TrimPrefix(there, "http://"))
}

// elsewhere is GitLab at a host of another name: to a browser it is another site.
func (b *bed) elsewhere() string { return strings.Replace(b.URL, "127.0.0.1", "localhost", 1) }

// TestOAuth connects by signing in to GitLab and agreeing there: first by refusing, of
// which nothing is kept.
func TestOAuth(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := b.Admin(http.MethodPost, "/api/v4/applications", map[string]any{"name": "cxm", "redirect_uri": b.url + catalogue + "/oauth/callback", "scopes": "api", "confidential": true})
	id, secret := fmt.Sprint(made["application_id"]), fmt.Sprint(made["secret"])
	b.setUp()

	b.visit(catalogue + "/connect/gitlab-oauth")
	b.fill("GitLab Instance URL", b.elsewhere())
	b.click("Go on to GitLab")
	b.see("Not done yet", "register one in GitLab")

	b.agreeing("Connect", id, secret)
	b.fill("Username", "platform-admin")
	b.fill("Password", b.GitLab.Password())
	b.click("Sign in")
	b.see("cxm asks to act on GitLab as platform-admin")
	b.click("Deny")
	b.see("GitLab did not let cxm in, and nothing was kept")
	b.nothingKept()

	b.agreeing("Connect", id, secret)
	b.click("Authorize cxm")
	b.at(catalogue + "/connect/attempts/")
	if at := script[string](b, `location.href`); strings.Contains(at, "code=") {
		t.Errorf("the code is in the address: %s", at)
	}
	b.see("The connection works")
	b.pick("Repository", "", "acme/platform")
	b.click("Activate")
	b.at(catalogue + "/1")
	b.see("Connected: issues go to acme/platform", "an account that somebody signed in with", "cxm acts as whoever agreed")
	b.quiet()

	b.agreeing("Connect another", "", "") // the application is known by now, and the person has agreed
	b.see("The connection works")
	b.quiet()
}
