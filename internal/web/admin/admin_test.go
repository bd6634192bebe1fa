package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/admin"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// house is all that the area asks, and what it was asked.
type house struct {
	who      signin.Who
	tenant   string
	person   admin.Person
	sources  []api.Source
	refused  []api.RefusedDelivery
	tokens   []api.Token
	tenants  []api.TenantInfo
	asked    []string
	trouble  error // of what changes something
	existing bool  // who is invited is there already
}

func newHouse(r role.Role, installation bool) *house {
	h := &house{tenant: "acme", who: signin.Who{Person: signin.Person{ID: 1, Email: "platform-admin@example.com", Installation: installation}, Limit: role.Whole()}}
	if r != "" {
		h.who.Person.Grants = []signin.Grant{{Tenant: "acme", Role: r}}
	}
	h.person = admin.Person{Person: api.Person{ID: 2, Email: new("engineer@example.com"), Name: "Engineer", Role: new(role.Member), Given: []api.GivenBy{{Role: role.Member}}}}
	h.sources = []api.Source{{Name: "scanner", Type: "cloudevents", Scope: "production", Path: "/v1/events", Enabled: true}}
	h.refused = []api.RefusedDelivery{{ID: 7, Source: "alertmanager", Scope: "clusters", Why: "alerts[3] is no object"}}
	h.tokens = []api.Token{{ID: 5, Name: "nightly export", Hint: "cxmt_0001", PersonID: new(int64(1)), Scopes: []role.Scope{role.ScopeRead}, EndsAt: new(noon().Add(24 * 30 * time.Hour))}}
	h.tenants = []api.TenantInfo{{Name: "acme", Title: "acme"}, {Name: "data", Title: "Data", Disabled: true}}
	return h
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func (h *house) do(format string, args ...any) error {
	h.asked = append(h.asked, fmt.Sprintf(format, args...))
	return h.trouble
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	g := site.Guest{Who: h.who, Person: ui.Person{Name: "Platform admin", Role: "admin"}}
	if len(h.who.Person.Grants) > 0 {
		g.Tenant, g.API = h.tenant, &api.Tenant{Sources: feeders{h}, Deliveries: feeders{h}}
	}
	return g, h.who.Known(), nil
}

func (h *house) Overview(context.Context, site.Guest) (page.OverviewData, error) {
	return page.OverviewData{}, nil
}

func (h *house) Findings(context.Context, site.Guest, ui.Place) (page.FindingsData, error) {
	return page.FindingsData{}, nil
}

func (h *house) Finding(context.Context, site.Guest, string) (page.FindingData, error) {
	return page.FindingData{}, site.ErrMissing
}

func (h *house) Export(context.Context, site.Guest, ui.Place, func(page.FindingRow) error) error {
	return nil
}

func (h *house) Connected(context.Context, site.Guest) ([]page.Connected, error) { return nil, nil }

func (h *house) Integration(context.Context, site.Guest, int64) (page.IntegrationData, error) {
	return page.IntegrationData{}, site.ErrMissing
}

type folk struct{ *house }

func (f folk) People(_ context.Context, _ signin.Who, tenant string, s api.Slice) ([]api.Person, api.Cursor, error) {
	if tenant != "acme" {
		return nil, api.Cursor{}, errors.New("asked for the people of " + tenant)
	}
	if s.After.ID > 0 {
		return nil, api.Cursor{}, nil
	}
	return []api.Person{{ID: 1, Email: new("platform-admin@example.com"), Role: new(role.Admin), Given: []api.GivenBy{{Role: role.Admin, Origin: new("https://login.example.com")}}}, f.person.Person}, api.Cursor{ID: 2}, nil
}

func (f folk) Invite(_ context.Context, _ signin.Who, tenant string, n api.Invite) (api.Person, bool, error) {
	if !strings.Contains(n.Email, "@") {
		return api.Person{}, false, &door.Problem{Status: 422, Detail: "this is no address", Errors: []door.Place{{Message: "this is no address", Location: "body"}}}
	}
	return api.Person{ID: 9, Email: &n.Email, Name: n.Name}, !f.existing, f.do("invite %s as %s to %s", n.Email, n.Role, tenant)
}

func (f folk) SetRole(_ context.Context, _ signin.Who, tenant string, id int64, r role.Role) (api.Person, error) {
	return f.person.Person, f.do("role of %d in %s: %s", id, tenant, r)
}

func (f folk) Sessions(context.Context, signin.Who) ([]api.Session, error) { return nil, nil }

func (f folk) EndSession(context.Context, signin.Who, int64) error { return nil }

type nurse struct{ *house }

func (n nurse) Person(_ context.Context, g site.Guest, id int64) (admin.Person, error) {
	if g.Tenant != "acme" || id != n.person.ID {
		return admin.Person{}, site.ErrMissing
	}
	return n.person, nil
}

func (n nurse) Link(_ context.Context, g site.Guest, id int64) (admin.Link, error) {
	return admin.Link{Path: credential.NewSecret("/reset?link=cxml_secret"), EndsAt: noon()}, n.do("link for %d in %s", id, g.Tenant)
}

func (n nurse) Disable(_ context.Context, _ site.Guest, id int64, yes bool) error {
	return n.do("disable %d: %t", id, yes)
}

func (n nurse) SignOut(_ context.Context, _ site.Guest, id int64) error {
	return n.do("sign out %d", id)
}

type mint struct{ *house }

func (m mint) Tokens(_ context.Context, _ signin.Who, tenant string, s api.Slice) ([]api.Token, api.Cursor, error) {
	for _, t := range m.tokens {
		if tenant == "acme" && t.ID > s.After.ID {
			return []api.Token{t}, api.Cursor{}, nil
		}
	}
	return nil, api.Cursor{}, nil
}

func (m mint) Mint(_ context.Context, _ signin.Who, tenant string, n api.NewToken) (api.Token, credential.Secret, error) {
	return api.Token{ID: 6, Name: n.Name, Scopes: n.Scopes}, credential.NewSecret("cxmt_value"), m.do("mint %s in %s: %v, %d days, role %q", n.Name, tenant, n.Scopes, n.Days, n.Role)
}

func (m mint) Revoke(_ context.Context, _ signin.Who, tenant string, id int64) error {
	return m.do("revoke %d in %s", id, tenant)
}

type feeders struct{ *house }

func (f feeders) Sources(context.Context) ([]api.Source, error) { return f.sources, nil }

func (f feeders) Add(_ context.Context, s api.AddSource) (api.Source, credential.Secret, error) {
	if s.Name == "My Scanner" {
		return api.Source{}, credential.Secret{}, &door.Problem{Status: 422, Detail: "no name", Errors: []door.Place{{Message: "it is no name for a source", Location: "body.name"}}}
	}
	return api.Source{Name: s.Name, Type: s.Type, Scope: s.Scope, Path: "/v1/hooks/" + s.Name}, credential.NewSecret("cxms_value"), f.do("add %s of %s, rate %d", s.Name, s.Type, s.Rate)
}

func (f feeders) Rotate(_ context.Context, name string, overlap time.Duration) (api.Source, credential.Secret, error) {
	return f.sources[0], credential.NewSecret("cxms_value"), f.do("rotate %s, overlap %s", name, overlap)
}

func (f feeders) Enable(_ context.Context, name string, yes bool) error {
	return f.do("enable %s: %t", name, yes)
}

func (f feeders) Remove(_ context.Context, name string) error { return f.do("remove %s", name) }

func (f feeders) Scopes(context.Context) ([]api.Scope, error) { return nil, nil }

func (f feeders) Pulls(context.Context, string, string, api.Slice) ([]api.Pull, api.Cursor, error) {
	return nil, api.Cursor{}, nil
}

func (f feeders) Refused(context.Context, int) ([]api.RefusedDelivery, error) { return f.refused, nil }

func (f feeders) Discard(_ context.Context, id int64) error { return f.do("discard %d", id) }

type list struct{ *house }

func (l list) Tenant(context.Context, string) (*api.Tenant, error) { return nil, nil }

func (l list) All(context.Context) ([]api.TenantInfo, error) { return l.tenants, nil }

func (l list) Add(_ context.Context, name, title string) error {
	if name != strings.ToLower(name) {
		return &door.Problem{Status: 422, Detail: "no name", Errors: []door.Place{{Message: "it is no name of a tenant", Location: "body.name"}}}
	}
	return l.do("add tenant %s, %q", name, title)
}

func (l list) Disable(_ context.Context, name string, yes bool) error {
	return l.do("disable tenant %s: %t", name, yes)
}

// serve is the site with the area alone.
func (h *house) serve(t *testing.T) http.Handler {
	t.Helper()
	s, err := site.New(site.Parts{Door: h, Overviews: h, Findings: h, Integrations: h, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Areas: []site.Area{admin.New(admin.Parts{
		People: folk{h}, Care: nurse{h}, Tokens: mint{h}, Tenants: list{h}, Clock: noon, Products: []ui.Option{{Value: "alertmanager", Text: "alertmanager"}, {Value: "cloudevents", Text: "cloudevents"}},
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.serve(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// post sends a form; what follows it are the notice and where it leads.
func (h *house) post(t *testing.T, path string, values ...string) (w *httptest.ResponseRecorder, told string) {
	t.Helper()
	sent := url.Values{}
	for i := 0; i < len(values); i += 2 {
		sent.Set(values[i], values[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "https://cxm.example.com"+path, strings.NewReader(sent.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://cxm.example.com")
	w = httptest.NewRecorder()
	s := h.serve(t)
	s.ServeHTTP(w, r)
	next := httptest.NewRequest(http.MethodGet, "/settings/api-tokens", nil)
	for _, c := range w.Result().Cookies() {
		next.AddCookie(c)
	}
	shown := httptest.NewRecorder()
	s.ServeHTTP(shown, next)
	_, told, _ = strings.Cut(shown.Body.String(), `class="notices"`)
	told, _, _ = strings.Cut(told, "</div>")
	return w, told
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		path         string
		role         role.Role
		installation bool
		status       int
		has, not     string
	}{
		{"/settings/people", role.Admin, false, 200, "/settings/people/invite", ""},
		{"/settings/people", role.Admin, false, 200, "the groups of login.example.com", ""},
		{"/settings/people", role.Admin, false, 200, "?after=2", ""},
		{"/settings/people", role.Member, false, 403, "Your role does not allow this", "engineer@example.com"},
		{"/settings/people", "", true, 403, "", "engineer@example.com"},
		{"/settings/people/2", role.Admin, false, 200, "Make a link", ""},
		{"/settings/people/3", role.Admin, false, 404, "This person is not here", ""},
		{"/settings/people/x", role.Admin, false, 404, "This person is not here", ""},
		{"/settings/people/2/disable", role.Admin, false, 200, "Their API tokens do not count", ""},
		{"/settings/people/2/sign-out", role.Admin, false, 200, "Every session of theirs ends", ""},
		{"/settings/people/invite", role.Admin, false, 200, "Address", ""},
		{"/settings/people/invite", role.Viewer, false, 403, "", "Address</label>"},
		{"/settings/api-tokens", role.Viewer, false, 200, "nightly export", ""},
		{"/settings/api-tokens/5", role.Viewer, false, 200, "/settings/api-tokens/5/revoke", ""},
		{"/settings/api-tokens/6", role.Viewer, false, 404, "This API token is not here", ""},
		{"/settings/api-tokens/new", role.Admin, false, 200, "the tenant, as member", ""},
		{"/settings/api-tokens/new", role.Viewer, false, 200, "scope-read", "the tenant, as member"},
		{"/settings/api-tokens/new", role.Viewer, false, 200, "", "scope-audit"},
		{"/settings/api-tokens/new", role.Admin, false, 200, "scope-audit", "scope-installation"},
		{"/settings/sources", role.Admin, false, 200, "/settings/add-source", ""},
		{"/settings/sources", role.Viewer, false, 200, "alerts[3] is no object", "/settings/add-source"},
		{"/settings/sources", role.Viewer, false, 200, "", "Discard"},
		{"/settings/sources/scanner", role.Admin, false, 200, "Rotate the token", ""},
		{"/settings/sources/scanner", role.Viewer, false, 200, "/v1/events", "Rotate the token"},
		{"/settings/sources/other", role.Admin, false, 404, "This source is not here", ""},
		{"/settings/sources/scanner/rotate", role.Admin, false, 200, "not at all: it leaked", ""},
		{"/settings/sources/scanner/remove", role.Member, false, 403, "", "Its token does not work"},
		{"/settings/add-source", role.Member, false, 403, "", "Add the source"},
		{"/settings/deliveries/7/discard", role.Admin, false, 200, "Discard delivery 7", ""},
		{"/settings/deliveries/8/discard", role.Admin, false, 404, "This delivery is not here", ""},
		{"/installation/tenants", role.Admin, false, 403, "", "/installation/tenants/data"},
		{"/installation/tenants", "", true, 200, "/installation/tenants/data", "Findings</span>"},
		{"/installation/tenants/data", "", true, 200, "Enable", "Name an admin"},
		{"/installation/tenants/acme", "", true, 200, "Name an admin", ""},
		{"/installation/tenants/none", "", true, 404, "This tenant is not here", ""},
		{"/installation/tenants/acme/disable", "", true, 200, "nothing is taken in, planned or written", ""},
		{"/settings/sources", "", true, 403, "", "scanner"},
	} {
		w := newHouse(c.role, c.installation).get(t, c.path)
		text := w.Body.String()
		if w.Code != c.status || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s as %q, %t: %d, want %d with %q, without %q:\n%s", c.path, c.role, c.installation, w.Code, c.status, c.has, c.not, text)
		}
	}
}

// form is what is sent, and what is to come of it.
type form struct {
	path   string
	values []string
	status int
	to     string
	asked  string // that was done, in order; empty: nothing
	has    string // in the page, or in the notice on the next one
}

func TestForms(t *testing.T) {
	for _, f := range []form{
		{"/settings/people/invite", []string{"email", "new@example.com", "role", "member"}, 200, "", "invite new@example.com as member to acme; link for 9 in acme", "https://cxm.example.com/reset?link=cxml_secret"},
		{"/settings/people/invite", []string{"email", "new", "role", "member"}, 422, "", "", `value="new"`},
		{"/settings/people/invite", []string{"email", "new", "role", "member"}, 422, "", "", "this is no address"},
		{"/settings/people/invite", []string{"email", "", "role", "member"}, 422, "", "", "it is missing"},
		{"/settings/people/invite", []string{"email", "new@example.com", "role", "installation"}, 422, "", "", "is no role"},
		{"/settings/people/2/role", []string{"role", "admin"}, 303, "/settings/people/2", "role of 2 in acme: admin", "is now: admin"},
		{"/settings/people/2/role", []string{"role", "none"}, 303, "/settings/people", "role of 2 in acme: ", "has no role in this tenant any more"},
		{"/settings/people/2/role", []string{"role", "owner"}, 422, "", "", "is no role"},
		{"/settings/people/3/role", []string{"role", "admin"}, 404, "", "", "This person is not here"},
		{"/settings/people/2/link", nil, 200, "", "link for 2 in acme", "cxml_secret"},
		{"/settings/people/2/disable", nil, 303, "/settings/people/2", "disable 2: true", "is kept out"},
		{"/settings/people/2/enable", nil, 303, "/settings/people/2", "disable 2: false", "may sign in again"},
		{"/settings/people/2/sign-out", nil, 303, "/settings/people/2", "sign out 2", "is signed out"},
		{"/settings/people/3/sign-out", nil, 404, "", "", "not here"},
		{"/settings/api-tokens/new", []string{"name", "export", "scope-read", "yes", "scope-audit", "yes", "days", "30"}, 200, "", `mint export in acme: [read audit], 30 days, role ""`, "cxmt_value"},
		{"/settings/api-tokens/new", []string{"name", "pipeline", "scope-ingest", "yes", "role", "member", "days", "90"}, 200, "", `mint pipeline in acme: [ingest], 90 days, role "member"`, "curl -sS -H &#34;Authorization: Bearer $CXM_TOKEN&#34; https://cxm.example.com/v1/me"},
		{"/settings/api-tokens/new", []string{"name", "export", "days", "30"}, 422, "", "", "choose one scope or several"},
		{"/settings/api-tokens/new", []string{"name", " ", "scope-read", "yes", "days", "30"}, 422, "", "", "say what the token is for"},
		{"/settings/api-tokens/new", []string{"name", "x", "scope-everything", "yes", "days", "30"}, 422, "", "", "choose one scope or several"},
		{"/settings/api-tokens/5/revoke", nil, 303, "/settings/api-tokens", "revoke 5 in acme", "is revoked"},
		{"/settings/api-tokens/6/revoke", nil, 404, "", "", "not here"},
		{"/settings/add-source", []string{"name", "alerts", "type", "alertmanager", "rate", "20"}, 200, "", "add alerts of alertmanager, rate 20", "https://cxm.example.com/v1/hooks/alerts"},
		{"/settings/add-source", []string{"name", "My Scanner", "type", "alertmanager"}, 422, "", "", "it is no name for a source"},
		{"/settings/add-source", []string{"name", "alerts", "type", "alertmanager", "rate", "-1"}, 422, "", "", "this is no number of events"},
		{"/settings/sources/scanner/rotate", []string{"overlap", "24"}, 200, "", "rotate scanner, overlap 24h0m0s", "cxms_value"},
		{"/settings/sources/scanner/rotate", []string{"overlap", "0"}, 200, "", "rotate scanner, overlap 0s", "does not work any more"},
		{"/settings/sources/scanner/rotate", []string{"overlap", "9999"}, 422, "", "", "choose how long"},
		{"/settings/sources/scanner/disable", nil, 303, "/settings/sources/scanner", "enable scanner: false", "may not deliver any more"},
		{"/settings/sources/scanner/enable", nil, 303, "/settings/sources/scanner", "enable scanner: true", "may deliver"},
		{"/settings/sources/scanner/remove", nil, 303, "/settings/sources", "remove scanner", "is gone"},
		{"/settings/sources/other/remove", nil, 404, "", "", "not here"},
		{"/settings/deliveries/7/discard", nil, 303, "/settings/sources", "discard 7", "is forgotten"},
		{"/settings/deliveries/8/discard", nil, 404, "", "", "not here"},
		{"/installation/add-tenant", []string{"name", "finance", "title", "Finance"}, 303, "/installation/tenants/finance", `add tenant finance, "Finance"`, "is added"},
		{"/installation/add-tenant", []string{"name", "Finance"}, 422, "", "", "it is no name of a tenant"},
		{"/installation/tenants/acme/admin", []string{"email", "new@example.com"}, 200, "", "invite new@example.com as admin to acme; link for 9 in acme", "cxml_secret"},
		{"/installation/tenants/data/admin", []string{"email", "new@example.com"}, 303, "/installation/tenants", "", "is disabled: enable it first"},
		{"/installation/tenants/none/admin", []string{"email", "new@example.com"}, 404, "", "", "not here"},
		{"/installation/tenants/acme/disable", nil, 303, "/installation/tenants/acme", "disable tenant acme: true", "Nothing is done for acme"},
		{"/installation/tenants/data/enable", nil, 303, "/installation/tenants/data", "disable tenant data: false", "works for data again"},
	} {
		newHouse(role.Admin, true).check(t, f)
	}
}

func (h *house) check(t *testing.T, f form) {
	t.Helper()
	w, told := h.post(t, f.path, f.values...)
	text := w.Body.String()
	if f.status == http.StatusSeeOther {
		text = told
	}
	if w.Code != f.status || w.Header().Get("Location") != f.to || strings.Join(h.asked, "; ") != f.asked || !strings.Contains(text, f.has) {
		t.Errorf("%s %v: %d to %q, did %q; want %d to %q, %q, and %q in:\n%s", f.path, f.values, w.Code, w.Header().Get("Location"), h.asked, f.status, f.to, f.asked, f.has, text)
	}
}

// TestKept: who may not do a thing by their role does not do it by sending the form.
func TestKept(t *testing.T) {
	area := admin.New(admin.Parts{})
	for pattern, f := range area.Forms {
		path := strings.NewReplacer("{id}", "2", "{name}", "scanner").Replace(pattern)
		for _, r := range []role.Role{role.Viewer, role.Member} {
			h := newHouse(r, false)
			if strings.HasPrefix(pattern, "/settings/api-tokens/") {
				continue // everybody has their own
			}
			if w, _ := h.post(t, path); w.Code != http.StatusForbidden || len(h.asked) > 0 {
				t.Errorf("%s as %s: %d, did %q", path, r, w.Code, h.asked)
			}
		}
		h := newHouse(role.Admin, false)
		if w, _ := h.post(t, path); strings.HasPrefix(pattern, "/installation/") && (w.Code != http.StatusForbidden || len(h.asked) > 0) {
			t.Errorf("%s as an admin of a tenant: %d, did %q", path, w.Code, h.asked)
		}
		if f.Needs == "" || f.Open || f.Own {
			t.Errorf("%s needs nothing", pattern)
		}
	}
}

// TestOnce: what is shown once is in the page that answers the form, and in nothing
// that is kept or sent on.
func TestOnce(t *testing.T) {
	for path, values := range map[string][]string{
		"/settings/people/2/link": nil, "/settings/api-tokens/new": {"name", "x", "scope-read", "yes", "days", "30"},
		"/settings/add-source": {"name", "alerts", "type", "alertmanager"}, "/settings/sources/scanner/rotate": {"overlap", "24"},
		"/settings/people/invite": {"email", "new@example.com", "role", "member"}, "/installation/tenants/acme/admin": {"email", "new@example.com"},
	} {
		h := newHouse(role.Admin, true)
		w, told := h.post(t, path, values...)
		secret := "_value"
		if strings.Contains(w.Body.String(), "cxml_") {
			secret = "cxml_secret"
		}
		if w.Code != 200 || !strings.Contains(w.Body.String(), secret) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v, %s", path, w.Code, w.Header(), w.Body)
		}
		for name, header := range w.Header() {
			if strings.Contains(fmt.Sprint(header), secret) {
				t.Errorf("%s: the header %s has it", path, name)
			}
		}
		if strings.Contains(told, secret) {
			t.Errorf("%s: the next page says it again", path)
		}
	}
}

// TestAlone keeps the only admin where they are, in words.
func TestAlone(t *testing.T) {
	for path, values := range map[string][]string{"/settings/people/2/role": {"role", "viewer"}, "/settings/people/2/disable": nil} {
		h := newHouse(role.Admin, false)
		h.person.Alone = true
		w, told := h.post(t, path, values...)
		if w.Code != http.StatusSeeOther || len(h.asked) > 0 || !strings.Contains(told, "is the only admin of this tenant. Give somebody else that role first. Nothing was changed.") {
			t.Errorf("%s: %d, did %q, told %s", path, w.Code, h.asked, told)
		}
	}
	h := newHouse(role.Admin, false)
	h.person.Self = true
	if _, told := h.post(t, "/settings/people/2/disable"); len(h.asked) > 0 || !strings.Contains(told, "You cannot disable yourself") {
		t.Errorf("did %q, told %s", h.asked, told)
	}
	h = newHouse(role.Admin, false)
	h.person.Beyond = "They also work elsewhere."
	if text := h.get(t, "/settings/people/2").Body.String(); !strings.Contains(text, "They also work elsewhere.") || strings.Contains(text, "Make a link") {
		t.Errorf("it offers what is refused: %s", text)
	}
}

// TestBroken: what goes wrong inside is not said, and what is refused is.
func TestBroken(t *testing.T) {
	h := newHouse(role.Admin, true)
	h.trouble = errors.New("secret table is missing")
	if w, _ := h.post(t, "/settings/sources/scanner/remove"); w.Code != 500 || strings.Contains(w.Body.String(), "secret table") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	h = newHouse(role.Admin, true)
	h.trouble = &door.Problem{Status: http.StatusConflict, Detail: "there is a source of that name: choose another"}
	if w, _ := h.post(t, "/settings/add-source", "name", "alerts", "type", "alertmanager"); w.Code != 422 || !strings.Contains(w.Body.String(), "choose another") || !strings.Contains(w.Body.String(), `value="alerts"`) {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	h = newHouse(role.Admin, true)
	h.existing = true
	h.check(t, form{"/settings/people/invite", []string{"email", "new@example.com", "role", "viewer"}, 303, "/settings/people/9", "invite new@example.com as viewer to acme", "was there already; their role is viewer now"})
}

// TestAddress: what is shown to be copied has the address that the operator gave,
// and never one that another site put into the request.
func TestAddress(t *testing.T) {
	h := newHouse(role.Admin, true)
	r := httptest.NewRequest(http.MethodPost, "/settings/people/2/link", nil)
	r.Host = "cxm.example.com"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "https://evil.example.com")
	w := httptest.NewRecorder()
	h.serve(t).ServeHTTP(w, r)
	if text := w.Body.String(); strings.Contains(text, "evil") || !strings.Contains(text, "http://cxm.example.com/reset?link=") {
		t.Errorf("%s", text)
	}
}
