package site

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/api/door"
	"cxm/internal/money"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// house is everything that a site asks, with what a case makes of it.
type house struct {
	nobody   bool
	role     role.Role // empty: none in the tenant
	trouble  error
	doorway  error
	asked    []string
	exported []page.FindingRow
}

func (h *house) Guest(*http.Request) (Guest, bool, error) {
	if h.nobody {
		return Guest{}, false, h.doorway
	}
	who := signin.Who{Person: signin.Person{ID: 1, Name: "Engineer"}, Limit: role.Whole()}
	if h.role != "" {
		who.Person.Grants = []signin.Grant{{Tenant: "acme", Role: h.role}}
	}
	return Guest{Who: who, Tenant: "acme", Person: ui.Person{Name: "Engineer", Role: string(h.role)}}, true, h.doorway
}

func (h *house) note(what string, g Guest) error {
	if g.Tenant != "acme" {
		return errors.New("asked for another tenant")
	}
	h.asked = append(h.asked, what)
	return h.trouble
}

func (h *house) Overview(_ context.Context, g Guest) (page.OverviewData, error) {
	return page.OverviewData{}, h.note("overview", g)
}

func (h *house) Findings(_ context.Context, g Guest, at ui.Place) (page.FindingsData, error) {
	return page.FindingsData{}, h.note("findings "+at.Values.Encode(), g)
}

func (h *house) Finding(_ context.Context, g Guest, key string) (page.FindingData, error) {
	return page.FindingData{Row: page.FindingRow{Key: key, Title: "The volume"}, May: true}, h.note("finding "+key, g)
}

func (h *house) Export(_ context.Context, g Guest, at ui.Place, keep func(page.FindingRow) error) error {
	for _, f := range h.exported {
		if err := keep(f); err != nil {
			return err
		}
	}
	return h.note("export "+at.Values.Encode(), g)
}

func (h *house) Connected(_ context.Context, g Guest) ([]page.Connected, error) {
	return nil, h.note("connected", g)
}

func (h *house) Integration(_ context.Context, g Guest, _ int64) (page.IntegrationData, error) {
	return page.IntegrationData{Project: ui.Link{Text: "acme/platform"}, May: true, TokenState: "active"}, h.note("integration", g)
}

// ask sends one request and says what came back, and what was logged.
func ask(t *testing.T, h *house, r *http.Request) (w *httptest.ResponseRecorder, logged string) {
	t.Helper()
	var log bytes.Buffer
	s, err := New(Parts{Door: h, Overviews: h, Findings: h, Integrations: h, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w, log.String()
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func TestPages(t *testing.T) {
	inside := errors.New("secret table is missing")
	for _, c := range []struct {
		name, path string
		house      house
		status     int
		has, not   string
	}{
		{"overview", "/", house{role: role.Admin}, 200, "Nothing was delivered yet", "cannot"},
		{"findings", "/findings?q=x", house{role: role.Admin}, 200, `value="x"`, ""},
		{"finding", "/findings/v1:a%2Fb", house{role: role.Admin}, 200, "Record the decision", ""},
		{"finding, only looking", "/findings/v1:a", house{role: role.Viewer}, 200, "The volume", "Record the decision"},
		{"catalogue", "/settings/integrations", house{role: role.Admin}, 200, "/settings/integrations/connect/gitlab-token", ""},
		{"catalogue, only looking", "/settings/integrations", house{role: role.Viewer}, 200, "GitLab AI Agent", "/connect/gitlab-token"},
		{"integration", "/settings/integrations/1", house{role: role.Admin}, 200, "Rotate now", ""},
		{"integration, only looking", "/settings/integrations/1", house{role: role.Viewer}, 200, "acme/platform", "Rotate now"},
		{"no role", "/findings", house{}, 403, "You work in no tenant", ""},
		{"not there", "/findings/x", house{role: role.Admin, trouble: ErrMissing}, 404, "This finding is not here", ""},
		{"no number", "/settings/integrations/x", house{role: role.Admin}, 404, "This integration is not here", ""},
		{"no page", "/nowhere", house{role: role.Admin}, 404, "This page is not here", ""},
		{"broken", "/findings", house{role: role.Admin, trouble: inside}, 500, "could not be read", "secret table"},
		{"GitLab refused", "/findings", house{role: role.Admin, trouble: &door.Problem{Status: 502, Detail: "listing issues: forbidden. Give the account a role"}}, 502, "Listing issues: forbidden. Give the account a role.", "inside cxm"},
		{"broken door", "/findings", house{doorway: inside}, 500, "Your session", "secret table"},
	} {
		w, logged := ask(t, &c.house, get(c.path))
		text := w.Body.String()
		if w.Code != c.status || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: %d, want %d with %q, without %q: %s", c.name, w.Code, c.status, c.has, c.not, text)
		}
		if (c.status == 500) != strings.Contains(logged, "secret table") {
			t.Errorf("%s: logged %q", c.name, logged)
		}
		if c.status == 403 && len(c.house.asked) > 0 {
			t.Errorf("%s: asked for %v before the role was looked at", c.name, c.house.asked)
		}
	}
}

// TestNobody is sent to the sign-in from every page, and learns nothing.
func TestNobody(t *testing.T) {
	for _, path := range []string{"/", "/findings?q=a&sort=-saving", "/findings/x", "/findings.csv", "/settings/integrations", "/settings/integrations/1", "/nowhere"} {
		h := &house{nobody: true, role: role.Viewer}
		w, _ := ask(t, h, get(path))
		if want := "/signin?next=" + url.QueryEscape(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %s, want %s", path, w.Code, w.Header().Get("Location"), want)
		}
		if len(h.asked) > 0 {
			t.Errorf("%s: asked for %v", path, h.asked)
		}
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"/findings?q=a": "/findings?q=a", "": "/", "findings": "/", "//evil.example.com": "/", "/\\evil.example.com": "/", "https://evil.example.com/": "/",
		"/\t/evil.example.com": "/", "javascript:x": "/", "/%zz": "/",
	} {
		if got := Local(next); got != want {
			t.Errorf("Local(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestExport(t *testing.T) {
	h := &house{role: role.Viewer, exported: []page.FindingRow{
		{Key: "v1:a", Title: `=HYPERLINK("x")`, Owner: "-2+3", Saving: money.Known(decimal.RequireFromString("1204.505")), Currency: "USD", Seen: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)},
		{Key: "v1:b", Title: "a, \"b\"\nc"},
	}}
	w, _ := ask(t, h, get("/findings.csv?kind=cost"))
	want := "key,title,resource,kind,status,account,owner,saving_per_month,currency,issue,last_seen\n" +
		"v1:a,\"'=HYPERLINK(\"\"x\"\")\",,,new,,'-2+3,1204.505,USD,,2026-11-23T09:00:00Z\n" +
		"v1:b,\"a, \"\"b\"\"\nc\",,,new,,,,,,\n"
	if got := w.Body.String(); got != want || h.asked[0] != "export kind=cost" {
		t.Errorf("got\n%s\nwant\n%s\nasked %v", got, want, h.asked)
	}
}

// TestExportCut ends an export that failed so that nobody takes it for whole.
func TestExportCut(t *testing.T) {
	h := &house{role: role.Viewer, exported: make([]page.FindingRow, 1000), trouble: errors.New("cut")}
	s, err := New(Parts{Door: h, Overviews: h, Findings: h, Integrations: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	answer, err := server.Client().Get(server.URL + "/findings.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("half of the export looked like all of it")
	}
}

func TestTheme(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/theme", strings.NewReader("theme=dark"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Referer", "http://example.com/findings?q=a")
	h := &house{role: role.Viewer}
	w, _ := ask(t, h, r)
	if w.Header().Get("Location") != "/findings?q=a" {
		t.Errorf("led to %s", w.Header().Get("Location"))
	}
	next := get("/findings")
	for _, c := range w.Result().Cookies() {
		next.AddCookie(c)
	}
	if w, _ := ask(t, h, next); !strings.Contains(w.Body.String(), `data-theme="dark"`) {
		t.Error("the choice was not kept")
	}
	next = get("/findings")
	next.AddCookie(&http.Cookie{Name: themeCookie, Value: "x\"><b>"})
	if w, _ := ask(t, h, next); strings.Contains(w.Body.String(), "data-theme") {
		t.Error("a theme that there is none of was taken")
	}
}
