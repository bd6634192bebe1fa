package pages

import (
	"context"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"cxm/internal/app/apptest"
	"cxm/internal/app/auditing"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// wants fails unless a page answered so, with these texts.
func (b *bed) wants(r reply, status int, texts ...string) reply {
	b.Helper()
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(r.text), text) {
			b.Errorf("%q is not there (%d to %s): %s", text, r.status, r.to, r.text)
		}
	}
	if r.status != status {
		b.Fatalf("it answers %d to %s, not %d: %s", r.status, r.to, status, r.text)
	}
	return r
}

var shownOnce = regexp.MustCompile(`<pre id="value"[^>]*><code>([^<]+)</code>`)

// secret is what a page shows this once.
func (b *bed) secret(r reply) string {
	b.Helper()
	m := shownOnce.FindStringSubmatch(r.text)
	if m == nil {
		b.Fatalf("it shows no secret: %s", r.text)
	}
	return html.UnescapeString(m[1])
}

// number is the id of somebody by their address.
func (b *bed) number(email string) string {
	b.Helper()
	p, err := b.App.People.Find(b.Context(), email)
	if err != nil {
		b.Fatal(err)
	}
	return "/settings/people/" + itoa(p.ID)
}

func itoa(n int64) string {
	out := ""
	for ; n > 0; n /= 10 {
		out = string(rune('0'+n%10)) + out
	}
	return out
}

func TestPeoplePages(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := &bed{Bed: databases.Bed(t, database())}
		b.serve(b.App)
		admin := b.admits(b.App, "admin@example.com", role.Admin)
		invited := b.wants(b.post(admin, "/settings/people/invite", "email", "engineer@example.com", "name", "", "role", "member"), 200, "engineer@example.com is invited as member")
		link := strings.TrimPrefix(b.secret(invited), b.url+"/reset?link=")
		if _, p, err := b.App.People.Link(t.Context(), signin.LinkReset, credential.NewSecret(link)); err != nil || p.Email != "engineer@example.com" {
			t.Fatalf("the link is of %+v: %v", p, err)
		}
		engineer := b.number("engineer@example.com")
		b.wants(b.get(admin, "/settings/people"), 200, "engineer@example.com", "admin@example.com", "never")

		// The only admin stays one, and who they are is told.
		me := b.number("admin@example.com")
		b.wants(b.get(admin, me), 200, "is the only admin of this tenant")
		b.wants(b.post(admin, me+"/role", "role", "viewer"), 303)
		b.wants(b.post(admin, me+"/disable"), 303)
		b.wants(b.get(admin, "/settings/people"), 200) // still in, and an admin
		b.wants(b.post(admin, engineer+"/role", "role", "admin"), 303)
		second := b.admits(b.App, "second@example.com", role.Admin)
		b.wants(b.post(second, engineer+"/disable"), 303)
		b.wants(b.get(admin, engineer), 200, "disabled", "Let them in again")
		if _, err := b.App.People.SignIn(t.Context(), "engineer@example.com", credential.NewSecret("x"), desk.From{}); !errors.Is(err, signin.ErrWrong) {
			t.Errorf("who is disabled: %v", err)
		}
		b.wants(b.post(second, engineer+"/enable"), 303)
		b.wants(b.post(second, me+"/sign-out"), 303)
		if r := b.get(admin, "/settings/people"); r.status != http.StatusSeeOther || !strings.HasPrefix(r.to, "/signin") {
			t.Errorf("who was signed out sees %d", r.status)
		}
		b.wants(b.post(second, engineer+"/role", "role", "none"), 303)
		b.wants(b.get(second, engineer), 404)

		// Who has a role elsewhere too is not for this tenant's admins to keep out.
		if err := b.App.AddTenant(t.Context(), "other", ""); err != nil {
			t.Fatal(err)
		}
		other, err := b.App.Of(t.Context(), "other")
		if err != nil {
			t.Fatal(err)
		}
		b.admits(other, "both@example.com", role.Viewer)
		b.admits(b.App, "both@example.com", role.Member)
		both := b.number("both@example.com")
		if r := b.wants(b.get(second, both), 200, "also works in a tenant whose people you do not look after"); strings.Contains(r.text, "Make a link") {
			t.Error("it offers what is refused")
		}
		for _, word := range []string{"/link", "/disable", "/sign-out"} {
			b.wants(b.post(second, both+word), 303)
		}
		if p, err := b.App.People.Find(t.Context(), "both@example.com"); err != nil || !p.DisabledAt.IsZero() {
			t.Errorf("%+v, %v", p, err)
		}
		b.admits(other, "stranger@example.com", role.Admin)
		b.wants(b.get(second, b.number("stranger@example.com")), 404)
	})
}

func TestTokenPages(t *testing.T) {
	b := &bed{Bed: databases.Bed(t, "")}
	b.serve(b.App)
	admin, viewer := b.admits(b.App, "admin@example.com", role.Admin), b.admits(b.App, "viewer@example.com", role.Viewer)
	made := b.wants(b.post(admin, "/settings/api-tokens/new", "name", "of the tenant", "scope-read", "yes", "role", "viewer", "days", "30"), 200, "the tenant, as viewer", b.url+"/v1/me")
	value := credential.NewSecret(b.secret(made))
	who, err := b.App.People.Authenticate(t.Context(), value)
	if err != nil || who.Token.Name != "of the tenant" || who.Person.ID != 0 {
		t.Fatalf("%+v, %v", who, err)
	}
	at := "/settings/api-tokens/" + itoa(who.Token.ID)
	if r := b.wants(b.get(admin, at), 200, "of the tenant"); strings.Contains(r.text, value.Reveal()) {
		t.Error("the token is shown again")
	}
	b.wants(b.get(viewer, at), 404)
	b.wants(b.post(viewer, at+"/revoke"), 404)
	b.wants(b.get(viewer, "/settings/api-tokens"), 200)
	own := b.wants(b.post(viewer, "/settings/api-tokens/new", "name", "mine", "scope-read", "yes", "days", "7"), 200)
	if who, err := b.App.People.Authenticate(t.Context(), credential.NewSecret(b.secret(own))); err != nil || who.Person.Email != "viewer@example.com" {
		t.Errorf("%+v, %v", who, err)
	}
	b.wants(b.post(viewer, "/settings/api-tokens/new", "name", "more", "scope-read", "yes", "role", "admin", "days", "7"), 422)
	b.wants(b.post(admin, at+"/revoke"), 303)
	if _, err := b.App.People.Authenticate(t.Context(), value); !errors.Is(err, signin.ErrNotKnown) {
		t.Errorf("a revoked token: %v", err)
	}
	b.wants(b.get(admin, at), 200, "revoked")
}

func TestSourcePages(t *testing.T) {
	b := newBed(t, "")
	admin := b.admits(b.App, "admin@example.com", role.Admin)
	b.wants(b.get(admin, "/settings/sources"), 200, "Nothing delivers yet", "cxm ingest")
	b.wants(b.post(admin, "/settings/add-source", "name", "Alerts", "type", "alertmanager"), 422, "is no name for a source")
	b.wants(b.post(admin, "/settings/add-source", "name", "alerts", "type", "jira"), 422, "is not a source type")
	first := b.secret(b.wants(b.post(admin, "/settings/add-source", "name", "alerts", "type", "alertmanager"), 200, b.url+"/v1/hooks/alerts", "curl -sS -H"))
	b.wants(b.post(admin, "/settings/add-source", "name", "alerts", "type", "alertmanager"), 422)
	second := b.secret(b.wants(b.post(admin, "/settings/sources/alerts/rotate", "overlap", "24"), 200, "works on for a day"))
	if first == second || !strings.HasPrefix(second, "cxms_") {
		t.Errorf("%q, then %q", first, second)
	}
	b.wants(b.get(admin, "/settings/sources/alerts"), 200, "until then it works too")
	b.wants(b.post(admin, "/settings/sources/alerts/disable"), 303)
	b.wants(b.get(admin, "/settings/sources"), 200, "disabled")
	b.wants(b.post(admin, "/settings/sources/alerts/enable"), 303)
	b.AWS(apptest.Disks(0, 2)...)
	b.wants(b.get(admin, "/settings/sources"), 200, "aws-cost-optimization-hub", "ok")
	b.wants(b.post(admin, "/settings/sources/alerts/remove"), 303)
	b.wants(b.get(admin, "/settings/sources/alerts"), 404)
}

func TestLogPages(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		admin, viewer := b.admits(b.App, "admin@example.com", role.Admin), b.admits(b.App, "viewer@example.com", role.Viewer)
		b.wants(b.post(admin, "/settings/add-source", "name", "alerts", "type", "alertmanager"), 200)
		b.wants(b.get(viewer, "/settings/audit"), 403)
		b.wants(b.get(admin, "/settings/audit?action=source"), 200, "source.added", "admin@example.com")
		lines, err := b.App.AuditLines(t.Context(), auditing.Filter{Action: "source"})
		if err != nil || len(lines) != 1 || lines[0].Actor.Name != "admin@example.com" {
			t.Fatalf("%+v, %v", lines, err)
		}
		b.wants(b.get(admin, "/settings/audit/"+itoa(lines[0].Sequence)), 200, "+ options.IncludeAll: no", lines[0].Hash.String())
		b.wants(b.get(admin, "/settings/audit/verification"), 200, "are as they were written")
		for _, format := range auditing.Formats() {
			r := b.wants(b.get(admin, "/settings/audit."+format), 200, "source.added")
			if !strings.Contains(r.header.Get("Content-Disposition"), "audit-default."+format) {
				t.Errorf("%v", r.header)
			}
		}
		b.wants(b.get(viewer, "/settings/status"), 200, "acme/platform", "schema")
		b.wants(b.post(viewer, "/settings/status"), 403)
		b.wants(b.post(admin, "/settings/status"), 200, "The connection works", "ended well")
		b.Admin(http.MethodPut, apptest.ProjectRoute, map[string]any{"issues_access_level": "disabled"})
		b.wants(b.post(admin, "/settings/status"), 200, "failed", "Next:")
	})
}

func TestTenantPages(t *testing.T) {
	b := &bed{Bed: databases.Bed(t, "")}
	b.serve(b.App)
	ctx, by := t.Context(), signin.Operator("test")
	b.admits(b.App, "root@example.com", role.Viewer)
	p, err := b.App.People.Find(ctx, "root@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.App.People.SetInstallation(ctx, by, p.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.App.People.SetRole(ctx, by, p.ID, b.App.Tenant, ""); err != nil {
		t.Fatal(err)
	}
	in, err := b.App.People.SignIn(ctx, "root@example.com", credential.NewSecret("a long enough passphrase for a test"), desk.From{})
	if err != nil {
		t.Fatal(err)
	}
	root, admin := in.Value.Reveal(), b.admits(b.App, "admin@example.com", role.Admin)

	// Who works in no tenant sees to the tenants, and to nothing else.
	b.wants(b.get(root, "/installation/tenants"), 200, "default")
	for _, path := range []string{"/settings/people", "/settings/sources", "/settings/audit", "/settings/status", "/settings/api-tokens"} {
		b.wants(b.get(root, path), 403)
	}
	b.wants(b.get(admin, "/installation/tenants"), 403)
	b.wants(b.post(admin, "/installation/add-tenant", "name", "mine"), 403)
	b.wants(b.post(root, "/installation/add-tenant", "name", "No Name"), 422, "is no name of a tenant")
	if r := b.wants(b.post(root, "/installation/add-tenant", "name", "finance", "title", "Finance"), 303); r.to != "/installation/tenants/finance" {
		t.Errorf("led to %s", r.to)
	}
	b.wants(b.post(root, "/installation/add-tenant", "name", "finance"), 422, "there is a tenant of that name")
	b.wants(b.post(root, "/installation/tenants/finance/admin", "email", "head@example.com"), 200, "head@example.com is an admin of finance", "/reset?link=")
	b.wants(b.post(root, "/installation/tenants/finance/admin", "email", "admin@example.com"), 303)
	head, err := b.App.People.Find(ctx, "head@example.com")
	if err != nil || len(head.Grants) != 1 || head.Grants[0].Tenant != "finance" || head.Grants[0].Role != role.Admin {
		t.Errorf("%+v, %v", head, err)
	}
	b.wants(b.post(root, "/installation/tenants/finance/disable"), 303)
	if _, err := b.App.Of(context.WithoutCancel(ctx), "finance"); err == nil {
		t.Error("the tenant is not disabled")
	}
	b.wants(b.get(root, "/installation/tenants/finance"), 200, "nothing of it is lost")
	b.wants(b.post(root, "/installation/tenants/finance/enable"), 303)
}
