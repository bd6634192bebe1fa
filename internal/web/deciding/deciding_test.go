package deciding_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/deciding"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// house is all that the area asks, and what it was asked.
type house struct {
	role     role.Role
	asked    []api.NewFindingDecision
	filters  []api.StandingFilter
	standing []api.StandingDecision
	refused  *door.Problem
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	who := signin.Who{Person: signin.Person{ID: 1, Name: "Engineer", Grants: []signin.Grant{{Tenant: "acme", Role: h.role}}}, Limit: role.Whole()}
	return site.Guest{Who: who, Tenant: "acme", Person: ui.Person{Role: string(h.role)}, API: &api.Tenant{Findings: found{}, Deciding: h}}, true, nil
}

func (h *house) Decide(_ context.Context, key string, d api.NewFindingDecision) (api.FindingDecision, error) {
	if h.asked = append(h.asked, d); h.refused != nil {
		return api.FindingDecision{}, h.refused
	}
	return api.FindingDecision{ID: 1, Finding: key, Decided: api.Decided{Decision: d.Decision, InEffect: true}}, nil
}

func (h *house) Of(context.Context, string, api.Slice) ([]api.FindingDecision, api.Cursor, error) {
	return []api.FindingDecision{{ID: 1, Decided: api.Decided{Decision: "snoozed", Reason: new("later <b>on</b>"), By: "ada", Until: new(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC))}}}, api.Cursor{}, nil
}

func (h *house) Standing(_ context.Context, f api.StandingFilter, s api.Slice) ([]api.StandingDecision, api.Cursor, error) {
	h.filters = append(h.filters, f)
	var out []api.StandingDecision
	for _, d := range h.standing {
		if s.After.ID == 0 || d.ID < s.After.ID {
			out = append(out, d)
		}
	}
	if len(out) > 3 {
		return out[:3], api.Cursor{ID: out[2].ID}, nil
	}
	return out, api.Cursor{}, nil
}

// found knows one finding.
type found struct{ others }

// others are the operations that the area does not ask for.
type others interface{ api.Findings }

func (found) Finding(_ context.Context, key string) (api.Finding, error) {
	if key != "v1:one" {
		return api.Finding{}, &door.Problem{Status: http.StatusNotFound, Detail: "there is no finding of that key"}
	}
	return api.Finding{Key: key, Title: "Upgrade vol-1"}, nil
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

// ask asks the site; nil values: by GET.
func (h *house) ask(t *testing.T, path string, values url.Values) *httptest.ResponseRecorder {
	t.Helper()
	s, err := site.New(site.Parts{Door: h, Overviews: nothing{}, Findings: nothing{}, Integrations: nothing{}, Log: slog.New(slog.DiscardHandler), Areas: []site.Area{deciding.Area()}})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, path, nil)
	if values != nil {
		req = httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

const at = "/findings/v1:one/decision"

// TestDecide: a decision is sent as it was typed, and leads back to the finding; what
// is wrong stands at its field, with what was typed.
func TestDecide(t *testing.T) {
	h := &house{role: role.Member}
	if w := h.ask(t, at, nil); w.Code != 200 || !strings.Contains(w.Body.String(), "Upgrade vol-1") || !strings.Contains(w.Body.String(), "later &lt;b&gt;on&lt;/b&gt;") || !strings.Contains(w.Body.String(), "until 2027-01-02") {
		t.Errorf("%d:\n%s", w.Code, w.Body)
	}
	w := h.ask(t, at, url.Values{"decision": {"snoozed"}, "until": {"2027-01-02"}, "reason": {"later"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/findings/v1:one" || len(h.asked) != 1 || h.asked[0] != (api.NewFindingDecision{Decision: "snoozed", Until: "2027-01-02", Reason: "later"}) {
		t.Errorf("%d to %q: %+v", w.Code, w.Header().Get("Location"), h.asked)
	}
	h.ask(t, at, url.Values{"decision": {"undecided"}, "until": {"2027-01-02"}})
	if last := h.asked[len(h.asked)-1]; last.Until != "" {
		t.Errorf("the day that stood in the field is sent with what has none: %+v", last)
	}
	h.refused = &door.Problem{Status: 422, Detail: "no", Errors: []door.Place{{Location: "body.until", Message: "the end is past: choose a later one"}}}
	w = h.ask(t, at, url.Values{"decision": {"exception"}, "until": {"2001-01-01"}, "reason": {"typed <i>"}})
	for _, want := range []string{"The end is past: choose a later one.", `value="2001-01-01"`, "typed &lt;i&gt;", `<option value="exception" selected>`} {
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, without %s:\n%s", w.Code, want, w.Body)
		}
	}
	h.refused = &door.Problem{Status: 422, Detail: "not at this time"}
	if w = h.ask(t, at, url.Values{"decision": {"exception"}}); !strings.Contains(w.Body.String(), "Not at this time.") {
		t.Errorf("%d:\n%s", w.Code, w.Body)
	}
	h.refused = &door.Problem{Status: 404, Detail: "there is no finding of that key"}
	for _, values := range []url.Values{nil, {"decision": {"accepted"}}} {
		if w = h.ask(t, "/findings/v1:two/decision", values); w.Code != http.StatusNotFound && w.Code != http.StatusSeeOther || w.Header().Get("Location") == "/findings/v1:two" {
			t.Errorf("another finding: %d", w.Code)
		}
	}
}

// TestWhoDecides: who only looks decides nothing.
func TestWhoDecides(t *testing.T) {
	h := &house{role: role.Viewer}
	for _, values := range []url.Values{nil, {"decision": {"accepted"}}} {
		if w := h.ask(t, at, values); w.Code != http.StatusForbidden || len(h.asked) > 0 {
			t.Errorf("a viewer: %d", w.Code)
		}
	}
	if w := h.ask(t, "/findings/decisions", nil); w.Code != 200 {
		t.Errorf("a viewer sees the decisions: %d", w.Code)
	}
}

// TestList: the list has every page of what stands, and each filter asks for its part.
func TestList(t *testing.T) {
	h := &house{role: role.Viewer}
	if w := h.ask(t, "/findings/decisions", nil); !strings.Contains(w.Body.String(), "Nothing was decided yet") {
		t.Errorf("nothing:\n%s", w.Body)
	}
	for i := range int64(8) {
		h.standing = append(h.standing, api.StandingDecision{Title: "Upgrade vol-" + string(rune('a'+i)), FindingDecision: api.FindingDecision{ID: 8 - i, Finding: "v1:x", Decided: api.Decided{Decision: "exception", InEffect: true, Review: i == 0}}})
	}
	w := h.ask(t, "/findings/decisions", nil)
	if n := strings.Count(w.Body.String(), "Upgrade vol-"); n != 8 || strings.Count(w.Body.String(), "look again") != 1 {
		t.Errorf("%d decisions:\n%s", n, w.Body)
	}
	for query, want := range map[string]api.StandingFilter{"": {}, "?decision=snoozed": {Decision: "snoozed"}, "?decision=nonsense": {}, "?review=1": {Review: true}} {
		h.filters = nil
		if h.ask(t, "/findings/decisions"+query, nil); h.filters[0] != want {
			t.Errorf("%q asks for %+v", query, h.filters[0])
		}
	}
}
