package log_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/api"
	"cxm/internal/integration/check"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/log"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// house is all that the area asks.
type house struct {
	role   role.Role
	lines  []api.AuditLine
	report api.AuditReport
	health log.Health
	checks []check.Result
	asked  []api.AuditFilter
	tested []int64
	span   [2]time.Time
	broken error // of the checks, and of the export
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	who := signin.Who{Person: signin.Person{ID: 1, Name: "Engineer", Grants: []signin.Grant{{Tenant: "acme", Role: h.role}}}, Limit: role.Whole()}
	return site.Guest{Who: who, Tenant: "acme", Person: ui.Person{Role: string(h.role)}, API: &api.Tenant{Audit: h, Exports: h}}, true, nil
}

func (h *house) Lines(_ context.Context, by api.AuditFilter, s api.Slice) ([]api.AuditLine, api.Cursor, error) {
	h.asked = append(h.asked, by)
	var out []api.AuditLine
	for _, l := range h.lines {
		if s.After.ID == 0 || l.Sequence < s.After.ID {
			out = append(out, l)
		}
	}
	if len(out) > s.Size {
		return out[:s.Size], api.Cursor{ID: out[s.Size-1].Sequence}, nil
	}
	return out, api.Cursor{}, nil
}

func (h *house) Verify(context.Context) (api.AuditReport, error) { return h.report, nil }

func (h *house) Export(_ context.Context, w io.Writer, format string, since, until time.Time) (api.AuditHead, error) {
	h.span = [2]time.Time{since, until}
	_, err := io.WriteString(w, "the log as "+format)
	return api.AuditHead{}, errors.Join(err, h.broken)
}

func (h *house) Health(_ context.Context, g site.Guest) (log.Health, error) {
	if g.Tenant != "acme" {
		return log.Health{}, errors.New("asked for another tenant")
	}
	return h.health, nil
}

func (h *house) Test(_ context.Context, g site.Guest, id int64) ([]check.Result, error) {
	if g.Tenant != "acme" {
		return nil, errors.New("asked for another tenant")
	}
	h.tested = append(h.tested, id)
	return h.checks, h.broken
}

// nothing is what the site asks beside the area.
type nothing struct{}

func (nothing) Overview(context.Context, site.Guest) (page.OverviewData, error) {
	return page.OverviewData{}, nil
}

func (nothing) Findings(context.Context, site.Guest, ui.Place) (page.FindingsData, error) {
	return page.FindingsData{}, nil
}

func (nothing) Finding(context.Context, site.Guest, string) (page.FindingData, error) {
	return page.FindingData{}, site.ErrMissing
}

func (nothing) Export(context.Context, site.Guest, ui.Place, func(page.FindingRow) error) error {
	return nil
}

func (nothing) Connected(context.Context, site.Guest) ([]page.Connected, error) { return nil, nil }

func (nothing) Integration(context.Context, site.Guest, int64) (page.IntegrationData, error) {
	return page.IntegrationData{}, site.ErrMissing
}

func (h *house) ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	s, err := site.New(site.Parts{Door: h, Overviews: nothing{}, Findings: nothing{}, Integrations: nothing{}, Log: slog.New(slog.DiscardHandler), Areas: []site.Area{log.New(log.Parts{Healths: h})}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func newHouse(r role.Role, lines int) *house {
	h := &house{role: r, health: log.Health{At: noon(), Connections: []log.Connection{{ID: 1, Name: "acme/platform", State: "active"}}}}
	for n := range lines {
		h.lines = append(h.lines, api.AuditLine{
			Sequence: int64(lines - n), At: new(noon()), Actor: api.AuditActor{Kind: "person", Name: new("engineer@example.com")}, Action: "rules.applied",
			Object: api.AuditObject{Kind: "rules", ID: new("12")}, Before: json.RawMessage(`{"revision":11}`), After: json.RawMessage(`{"revision":12}`), Hash: "4be1",
		})
	}
	h.report = api.AuditReport{Whole: true, Lines: 3, First: 1, Last: 3, Hash: "4be1"}
	return h
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		path     string
		role     role.Role
		lines    int
		status   int
		has, not string
	}{
		{"/settings/audit", role.Admin, 3, 200, "/settings/audit/2", "Next</a>"},
		{"/settings/audit", role.Admin, 120, 200, "?before=71", ""},
		{"/settings/audit?before=71&actor=x", role.Admin, 120, 200, "?actor=x&amp;before=21", ""},
		{"/settings/audit", role.Admin, 0, 200, "The log is empty", ""},
		{"/settings/audit?actor=x", role.Admin, 0, 200, "There are no such lines", ""},
		{"/settings/audit?since=2026-11-01&page=3", role.Admin, 3, 200, "/settings/audit.csv?since=2026-11-01\"", ""},
		{"/settings/audit?since=yesterday", role.Admin, 3, 200, "is no day", "/settings/audit/2"},
		{"/settings/audit?object=issue", role.Admin, 3, 200, "write KIND/ID", "/settings/audit/2"},
		{"/settings/audit", role.Member, 3, 403, "Your role does not allow this", "engineer@example.com"},
		{"/settings/audit/2", role.Admin, 3, 200, "class=\"added\">&#43; revision: 12", ""},
		{"/settings/audit/2", role.Admin, 3, 200, "object=rules%2F12", ""},
		{"/settings/audit/9", role.Admin, 3, 404, "This line is not here", ""},
		{"/settings/audit/0", role.Admin, 3, 404, "This line is not here", ""},
		{"/settings/audit/x", role.Admin, 3, 404, "This line is not here", ""},
		{"/settings/audit/2", role.Viewer, 3, 403, "", "revision"},
		{"/settings/audit/verification", role.Admin, 3, 200, "are as they were written", ""},
		{"/settings/audit/verification", role.Viewer, 3, 403, "", "are as they were"},
		{"/settings/status", role.Viewer, 0, 200, "Nothing needs anybody", "Run the checks"},
		{"/settings/status", role.Member, 0, 200, "Run the checks", ""},
	} {
		w := newHouse(c.role, c.lines).ask(t, http.MethodGet, c.path)
		text := w.Body.String()
		if w.Code != c.status || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s as %s: %d, want %d with %q, without %q:\n%s", c.path, c.role, w.Code, c.status, c.has, c.not, text)
		}
	}
}

func TestFilters(t *testing.T) {
	h := newHouse(role.Admin, 1)
	h.ask(t, http.MethodGet, "/settings/audit?actor=engineer@example.com&action=rules&object=issue/12&since=2026-11-01&until=2026-11-02T10:00:00Z")
	want := []api.AuditFilter{{Actor: "engineer@example.com", Action: "rules", Kind: "issue", ID: "12", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)}}
	if diff := cmp.Diff(want, h.asked); diff != "" {
		t.Error(diff)
	}
}

func TestDownload(t *testing.T) {
	for _, c := range []struct {
		path   string
		role   role.Role
		status int
		want   string
		kind   string
	}{
		{"/settings/audit.jsonl", role.Admin, 200, "the log as jsonl", "application/x-ndjson"},
		{"/settings/audit.csv?since=2026-11-01", role.Admin, 200, "the log as csv", "text/csv; charset=utf-8"},
		{"/settings/audit.csv?since=x", role.Admin, 400, "is no day", "text/plain; charset=utf-8"},
		{"/settings/audit.csv", role.Member, 403, "your role does not allow this", "text/plain; charset=utf-8"},
	} {
		h := newHouse(c.role, 0)
		w := h.ask(t, http.MethodGet, c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s: %d, %v, %s", c.path, w.Code, w.Header(), w.Body)
		}
		if since := h.span[0]; strings.Contains(c.path, "2026") && since != time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%s: from %v", c.path, since)
		}
	}
}

func TestChecks(t *testing.T) {
	h := newHouse(role.Member, 0)
	result := func(asks string, o check.Outcome, m check.Mend) check.Result {
		return check.Result{Check: check.Check{Name: asks, Asks: asks}, Verdict: check.Verdict{Outcome: o, Mend: m}}
	}
	h.checks = []check.Result{
		result("Is it there?", check.OK, check.Mend{}), result("Is it old?", check.Warning, check.Mend{Text: "Renew it"}),
		result("Is it known?", check.Failed, check.Mend{Text: "Copy it again", Step: check.Step{Kind: check.ReplaceToken}}), result("Is it?", check.NotChecked, check.Mend{}),
	}
	w := h.ask(t, http.MethodPost, "/settings/status")
	text := w.Body.String()
	for _, want := range []string{"1 check failed", "Copy it again and give cxm the token with Replace, below Token", "Renew it", "1 ended well, 1 could not be run", "Run the checks again"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not there: %s", want, text)
		}
	}
	if w.Code != 200 || len(h.tested) != 1 || strings.Index(text, "Copy it again") > strings.Index(text, "Renew it") {
		t.Errorf("%d, tested %v, or a warning stands before what failed", w.Code, h.tested)
	}
	h.broken = errors.New("secret table is missing")
	if text := h.ask(t, http.MethodPost, "/settings/status").Body.String(); !strings.Contains(text, "did not come to an end") || strings.Contains(text, "secret table") {
		t.Errorf("%s", text)
	}
	h = newHouse(role.Viewer, 0)
	if w := h.ask(t, http.MethodPost, "/settings/status"); w.Code != 403 || len(h.tested) > 0 {
		t.Errorf("a viewer ran the checks: %d", w.Code)
	}
}

// TestDiff: what was and what is stand together by name, whatever is in them.
func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		want                []string
	}{
		{"nothing", "", "", nil},
		{"changed", `{"a":1,"b":"x"}`, `{"a":1,"b":"y","c":null}`, []string{"  a: 1", "- b: x", "+ b: y", "+ c: nothing"}},
		{"made", "", `{"a":true}`, []string{"+ a: yes"}},
		{"gone", `{"a":false}`, "", []string{"- a: no"}},
		{"deep", `{"a":{"b":["x","y"]}}`, `{"a":{"b":["x"]}}`, []string{"- a.b: x, y", "+ a.b: x"}},
		{"several lines", `{"a":"one\ntwo"}`, `{}`, []string{"- a: one", "-   two"}},
		{"large numbers", `{"a":12345678901234567890}`, `{"a":12345678901234567891}`, []string{"- a: 12345678901234567890", "+ a: 12345678901234567891"}},
		{"an object in a text", `{"a":"{\"b\":1}","c":"{no"}`, ``, []string{"- a.b: 1", "- c: {no"}},
		{"no object", `"x"`, ``, []string{"- x"}},
	} {
		var got []string
		if d := log.NewLine(api.AuditLine{Before: json.RawMessage(c.before), After: json.RawMessage(c.after)}).Diff; d != nil {
			for _, l := range d.Lines {
				got = append(got, l.Op+" "+l.Text)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}
