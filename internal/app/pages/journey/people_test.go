package journey

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/pages"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/oidc/oidctest"
	"cxm/internal/signin/role"
)

const chosen = "seven green boats wait"

// first clicks on what a table names first.
func (b *bed) first() {
	b.Helper()
	b.mark(`document.querySelector("tbody th a")`)
	b.press()
}

// joins gives somebody a role in the program's tenant, and the password.
func (b *bed) joins(a *app.App, address string, r role.Role) {
	b.Helper()
	by := signin.Operator("test")
	p, _, err := a.People.Add(b.Context(), by, desk.Newcomer{Email: address, Tenant: a.Tenant, Role: r})
	b.must(err)
	b.must(a.People.SetPassword(b.Context(), by, p.ID, credential.NewSecret(chosen)))
}

// shown is what the page shows this once.
func (b *bed) shown() string {
	b.Helper()
	b.until(`document.querySelector("#value")`)
	return script[string](b, `document.querySelector("#value").innerText.trim()`)
}

// TestInvite: somebody is invited, chooses a password in their own browser, signs in
// and sees what a viewer may; the link does not work twice.
func TestInvite(t *testing.T) {
	t.Parallel()
	b := connected(t)
	b.AWS(apptest.Disk(1, "10"))
	b.visit("/settings/people")
	b.dialog("Invite somebody", "Invite somebody")
	b.fill("Address", "viewer@example.com")
	b.fill("Name (optional)", "Vera")
	b.choose("Role", "viewer: looks")
	b.click("Invite")
	b.see("viewer@example.com is invited as viewer", "It is shown this once")
	link := strings.TrimPrefix(b.shown(), b.url)
	b.click("Back to the people")
	b.see("viewer@example.com", "never")

	b.profile()
	b.visit(link)
	b.fill("Password", "short")
	b.click("Set the password")
	b.see("Not done yet")
	b.fill("Password", chosen)
	b.click("Set the password")
	b.at("/signin")
	b.visit(link)
	b.unseen("Set the password")
	b.signIn("viewer@example.com", chosen)
	b.see("Overview", "Vera")
	for path, hidden := range map[string]string{
		"/runs": "Make a plan", "/runs/plan": "Make a plan", "/settings/integrations": "Connect", "/settings/rules": "Preview", "/settings/sources": "Add a source",
	} {
		b.visit(path)
		if n := script[int](b, fmt.Sprintf(`[...document.querySelectorAll("main a, main button")].filter(e => e.innerText === %q).length`, hidden)); n > 0 {
			t.Errorf("a viewer is offered %q at %s", hidden, path)
		}
	}
	b.visit("/findings")
	b.first()
	b.see("What it is about")
	b.unseen("Record the decision")
	b.visit("/settings/people")
	b.see("As viewer you cannot")
	b.unseen("platform-admin@example.com")
	b.quiet()
}

// TestAPIToken: a token is made, shown once, used, and revoked.
func TestAPIToken(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.setUp()
	b.visit("/settings/api-tokens")
	b.click("Make one")
	b.at("/settings/api-tokens/new")
	b.fill("Name", "nightly export")
	b.choose("Good for", "30 days")
	b.click("Make the API token")
	b.see("The API token is made", "It is shown this once")
	token := b.shown()
	if status, text := b.asks(token, "/v1/me"); status != http.StatusOK || !strings.Contains(text, adminAddress) {
		t.Errorf("/v1/me answers %d: %s", status, text)
	}
	b.click("Back to the API tokens")
	b.at("/settings/api-tokens")
	b.see("nightly export", "valid")
	b.click("nightly export")
	b.see("Made by")
	b.unseen(token)
	b.dialog("Revoke", "Revoke nightly export")
	b.click("Revoke")
	b.see("The API token nightly export is revoked.")
	if status, text := b.asks(token, "/v1/me"); status != http.StatusUnauthorized {
		t.Errorf("a revoked token is answered %d: %s", status, text)
	}
	b.quiet()
}

// TestProvider: somebody comes by their company's provider, has the role that their
// group gives, and has no password to change.
func TestProvider(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t)
	company := pages.Provider{Title: "the company account"}
	company.Name, company.Issuer, company.Client, company.Secret = "company", idp.URL, oidctest.Client, credential.NewSecret(oidctest.Secret)
	company.Map = []pages.Mapping{{Group: "cloud", Tenant: "default", Role: role.Member}}
	b := open(t, func(b *bed) { b.options.Providers = []pages.Provider{company} })
	b.setUp()
	b.profile()
	b.visit("/account")
	b.at("/signin?next=%2Faccount")
	b.click("Sign in with the company account")
	b.at("/account")
	b.see("engineer@example.com", "member", "You have no password here")
	b.visit("/settings/people")
	b.see("As member you cannot")

	b.profile()
	idp.Person = map[string]any{"sub": "2", "email": "guest@example.com", "groups": []string{"staff"}}
	b.visit("/signin")
	b.click("Sign in with the company account")
	b.see("None of your groups has a role here")
	b.visit("/findings")
	b.at("/signin?")
	b.quiet()
}

// TestOtherTenant: an admin of another tenant sees nothing of this one, by no address.
func TestOtherTenant(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.AWS(apptest.Disks(1, 3)...)
	b.Want("++")
	b.visit("/findings")
	b.first()
	b.at("/findings/")
	b.see("Its issue")
	finding := script[string](b, `location.pathname`)
	b.must(b.App.AddTenant(t.Context(), "other", ""))
	other, err := b.App.Of(t.Context(), "other")
	b.must(err)
	b.joins(other, "stranger@example.com", role.Admin)

	b.profile()
	b.signIn("stranger@example.com", chosen)
	b.at("/welcome")
	for _, path := range []string{finding, "/issues/1", "/runs/1", "/settings/integrations/1", "/settings/people/1"} {
		b.visit(path)
		b.see("is not here")
	}
	for _, path := range []string{"/", "/findings", "/issues", "/runs", "/settings/people", "/settings/audit", "/settings/sources", "/settings/integrations"} {
		b.visit(path)
		b.see("stranger@example.com")
		for _, secret := range []string{"vol-0000", adminAddress, "cxm-integration"} {
			b.unseen(secret)
		}
	}
	b.quiet()
}

// TestAudit: the log says who did what, and that nobody changed it.
func TestAudit(t *testing.T) {
	t.Parallel()
	b := connected(t, idle)
	b.joins(b.App, "engineer@example.com", role.Member)
	b.AWS(apptest.Disks(1, 3)...)
	b.profile()
	b.signIn("engineer@example.com", chosen)
	b.see("Overview")
	b.planned()
	b.dialog("Apply this plan", "Apply this plan?")
	b.click("Apply")
	b.see("All of it was done.")

	b.profile()
	b.signIn(adminAddress, adminPassword)
	b.see("Overview")
	b.visit("/settings/audit")
	b.fill("Who", "engineer@example.com")
	b.click("Show")
	b.at("/settings/audit?")
	b.see("engineer@example.com", "issue.create.begun")
	b.unseen(adminAddress)
	b.visit("/settings/audit?action=issue")
	b.see("issue.created", "engineer@example.com")
	b.click("Verify")
	b.at("/settings/audit/verification")
	b.see("are as they were written.")
	b.quiet()
}
