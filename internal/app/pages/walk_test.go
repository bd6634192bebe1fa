package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/auditing"
	"cxm/internal/app/sourcing"
	"cxm/internal/audit"
	"cxm/internal/sandbox"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
	"cxm/internal/source"
	"cxm/internal/web/site"
)

// walked is a tenant with something of everything, and another that has nothing of it.
type walked struct {
	*bed
	other    *app.App
	admin    string              // a session of the first tenant's
	stranger string              // of the other's
	marks    []string            // what stands in the pages of the first tenant alone
	names    map[string][]string // that there are in the first tenant, by the names of wildcards
}

func newWalked(t *testing.T) *walked {
	w := &walked{bed: &bed{Bed: databases.Bed(t, "")}}
	w.GitLab.SetLimits(sandbox.Limits{TrimTexts: true})
	w.Connect(w.ServiceAccount("first-account"))
	w.serve(w.App)
	var err error
	if err = w.App.AddTenant(t.Context(), "other", ""); err != nil {
		t.Fatal(err)
	}
	if w.other, err = w.App.Of(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	w.admin = w.admits(w.App, "first-admin@example.com", role.Admin)
	w.fill()
	w.stranger = w.admits(w.other, "stranger@example.com", role.Admin)
	w.marks = []string{
		"first-admin@example.com", "first-engineer@example.com", "first-source", "first-scope", "first-token", "first-account", "123456789012",
		"vol-0000", // acme/platform is an example on pages, and so no mark; the address of its GitLab is one
		strings.TrimPrefix(w.URL, "http://"),
	}
	return w
}

// fill puts something of everything into the first tenant.
func (w *walked) fill() {
	w.Helper()
	ctx, by := w.Context(), signin.Operator("test")
	if _, _, err := w.App.AddSource(ctx, sourcing.Request{Name: "first-source", Type: source.Alertmanager, Scope: "first-scope"}); err != nil {
		w.Fatal(err)
	}
	if _, _, err := w.App.People.Add(ctx, by, desk.Newcomer{Email: "first-engineer@example.com", Tenant: w.App.Tenant, Role: role.Member}); err != nil {
		w.Fatal(err)
	}
	if _, _, err := w.App.People.MintToken(ctx, by, desk.Asked{Tenant: w.App.Tenant, Role: role.Viewer, Name: "first-token", Scopes: []role.Scope{role.ScopeRead}}); err != nil {
		w.Fatal(err)
	}
	w.AWS(apptest.Disks(0, 3)...)
	w.Want("+++")
	w.AWS(append(apptest.Disks(0, 3), apptest.Disk(3, "44"))...)
	t, err := w.pages.tenants.Tenant(ctx, w.App.Tenant)
	if err != nil {
		w.Fatal(err)
	}
	found, _, err := t.Findings.Findings(ctx, api.FindingFilter{}, api.Slice{Size: 50})
	if err != nil || len(found) != 4 {
		w.Fatalf("%d findings, %v", len(found), err)
	}
	keys := []string{}
	for _, f := range found {
		keys = append(keys, f.Key)
	}
	w.names = map[string][]string{"key": keys[:2], "name": {"first-source", w.App.Tenant}, "group": keys[:1]}
}

// numbers are those of things of the first tenant, which begin at 1.
func numbers() []string { return []string{"1", "2", "3"} }

var wildcard = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// paths are the addresses of a pattern, with all that there is in the first tenant.
func (w *walked) paths(pattern string) []string {
	pattern = strings.TrimSuffix(pattern, "{$}")
	out := []string{pattern}
	for _, m := range wildcard.FindAllStringSubmatch(pattern, -1) {
		values := append(slices.Clone(w.names[m[1]]), numbers()...)
		var filled []string
		for _, path := range out {
			for _, v := range values {
				filled = append(filled, strings.Replace(path, m[0], url.PathEscape(v), 1))
			}
		}
		out = filled
	}
	return out
}

// TestLockedOut opens every page that there is, whoever made it, as another tenant's
// admin and as nobody: nothing of the first tenant is on any of them.
func TestLockedOut(t *testing.T) {
	w := newWalked(t)
	seen := map[string]bool{}
	routes := site.Routes(w.areas)
	for _, pattern := range routes {
		for _, path := range w.paths(pattern) {
			mine := w.get(w.admin, path)
			for _, m := range w.marks {
				seen[m] = seen[m] || strings.Contains(mine.text, m)
			}
			if mine.status >= 500 {
				t.Errorf("%s breaks: %d", path, mine.status)
			}
			if theirs := w.get(w.stranger, path); theirs.status >= 500 || theirs.status == http.StatusUnauthorized {
				t.Errorf("%s breaks for another tenant: %d", path, theirs.status)
			} else {
				w.clean("another tenant's admin", path, theirs)
			}
			nobody := w.get("", path)
			w.clean("nobody", path, nobody)
			if nobody.status == http.StatusOK && strings.Contains(nobody.text, `class="side"`) || nobody.status >= 500 {
				t.Errorf("nobody gets %d from %s: %s", nobody.status, path, nobody.text)
			}
		}
	}
	if len(routes) < 30 {
		t.Errorf("only %d routes were walked", len(routes))
	}
	for _, m := range w.marks {
		if !seen[m] {
			t.Errorf("%q is on no page of the first tenant's admin either: it proves nothing", m)
		}
	}
}

func (w *walked) clean(who, path string, r reply) {
	w.Helper()
	for _, m := range w.marks {
		if strings.Contains(r.text+fmt.Sprint(r.header), m) && !strings.Contains(path, m) {
			w.Errorf("%s reads %q at %s (%d):\n%s", who, m, path, r.status, around(r.text, m))
		}
	}
}

// around is where something stands.
func around(text, what string) string {
	i := strings.Index(text, what)
	if i < 0 {
		return "in a header"
	}
	return text[max(0, i-200):min(len(text), i+200)]
}

// TestNothingChanged sends every form about things of the first tenant as another
// tenant's admin and as nobody: the first tenant's audit log, to which every change
// adds a line, has no new one.
func TestNothingChanged(t *testing.T) {
	w := newWalked(t)
	before := w.lines()
	sent := 0
	for _, area := range w.areas {
		for pattern := range area.Forms {
			if !wildcard.MatchString(pattern) {
				continue // it names nothing, and is about the guest's own tenant
			}
			for _, path := range w.paths(pattern) {
				sent++
				for who, session := range map[string]string{"another tenant's admin": w.stranger, "nobody": ""} {
					r := w.post(session, path, "role", "none", "overlap", "0", "confirm", "yes", "reason", "a try", "email", "stranger@example.com")
					w.clean(who, path, r)
					if r.status >= 500 {
						t.Errorf("%s as %s breaks: %d", path, who, r.status)
					}
				}
			}
		}
	}
	if sent < 20 {
		t.Errorf("only %d forms were sent", sent)
	}
	if after := w.lines(); len(after) != len(before) {
		t.Errorf("the first tenant was changed: %+v", after[:len(after)-len(before)])
	}
}

func (w *walked) lines() []audit.Line {
	w.Helper()
	out, err := w.App.AuditLines(w.Context(), auditing.Filter{Most: 1000})
	if err != nil {
		w.Fatal(err)
	}
	return out
}
