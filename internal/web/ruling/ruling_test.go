package ruling

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/money"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// house is everything that the area asks, with what a case makes of it.
type house struct {
	role      role.Role
	revisions []api.Revision // the latest last
	invalid   *api.Validation
	trouble   error // of a preview
	refuse    error // of an apply
	racing    bool  // somebody is quicker, between the look and the apply
	previews  []Preview
	suggested []api.Suggestion
	done      []string
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	who := signin.Who{Person: signin.Person{ID: 1, Name: "Engineer", Email: "engineer@example.com"}, Limit: role.Whole()}
	if h.role != "" {
		who.Person.Grants = []signin.Grant{{Tenant: "acme", Role: h.role}}
	}
	return site.Guest{Who: who, Tenant: "acme", Person: ui.Person{Name: "Engineer", Role: string(h.role)}, API: &api.Tenant{Findings: listed{}, Rules: h, Revisions: h, Suggestions: h, Attention: h, Integrations: h}}, true, nil
}

func (h *house) Rules(context.Context) (api.Revision, error) {
	if len(h.revisions) == 0 {
		return api.Revision{}, nil
	}
	return h.revisions[len(h.revisions)-1], nil
}

func (h *house) apply(what string, c api.RulesChange) (api.Revision, error) {
	if h.racing {
		h.add("version: 1\n# theirs\n")
		return api.Revision{}, &door.Problem{Status: http.StatusPreconditionFailed, Detail: "overtaken"}
	}
	if h.refuse != nil {
		return api.Revision{}, h.refuse
	}
	h.done = append(h.done, what+" by "+c.Author+": "+c.Note)
	h.add(c.Text)
	return h.Rules(context.Background())
}

func (h *house) add(text string) {
	n, at, who := int64(len(h.revisions)+1), time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), "other@example.com"
	h.revisions = append(h.revisions, api.Revision{Number: n, Text: &text, Author: &who, At: &at})
}

func (h *house) Apply(_ context.Context, c api.RulesChange) (api.Revision, error) {
	return h.apply("apply "+c.Text, c)
}

func (h *house) Validate(context.Context, string) (api.Validation, error) {
	if h.invalid != nil {
		return *h.invalid, nil
	}
	return api.Validation{Valid: true}, nil
}

func (h *house) Preview(context.Context, int64, string) (api.Preview, error) { panic("not asked") }

func (h *house) Revisions(context.Context, int) ([]api.Revision, error) { return h.revisions, nil }

func (h *house) Revision(_ context.Context, n int64) (api.Revision, error) {
	if n < 1 || n > int64(len(h.revisions)) {
		return api.Revision{}, &door.Problem{Status: http.StatusNotFound, Detail: "none"}
	}
	return h.revisions[n-1], nil
}

func (h *house) Rollback(_ context.Context, n int64, c api.RulesChange) (api.Revision, error) {
	c.Text = deref(h.revisions[n-1].Text)
	return h.apply("rollback", c)
}

func (h *house) Suggestions(context.Context, bool) ([]api.Suggestion, error) {
	return h.suggested, nil
}

func (h *house) Accept(_ context.Context, n int64, by, note string) (api.Revision, error) {
	return h.apply("accept", api.RulesChange{Text: deref(h.suggested[0].Text), Author: by, Note: note})
}

func (h *house) Dismiss(_ context.Context, n int64, by, reason string) (api.Suggestion, error) {
	h.done = append(h.done, "dismiss "+by+": "+reason)
	return h.suggested[0], nil
}

func (h *house) Backlog(context.Context, int64) ([]api.Backlog, error) { return nil, h.trouble }

func (h *house) Campaigns(context.Context) ([]api.Campaign, error) { return nil, nil }

func (h *house) Integrations(context.Context) ([]api.Integration, error) {
	return []api.Integration{{ID: 1}}, nil
}

func (h *house) Integration(context.Context, int64) (api.Integration, error) {
	return api.Integration{}, nil
}
func (h *house) Test(context.Context, int64) ([]api.Check, error) { return nil, nil }

func (h *house) Webhooks(context.Context) ([]api.Webhook, error) { return nil, nil }

// desk is the area's own.
type desk struct{ *house }

func (d desk) Book(_ context.Context, _ site.Guest, text string) (Book, error) {
	return Book{Rules: []Rule{{Name: "worth it", Line: 2, When: `kind == "cost"`}}, Choices: Choices{Labels: []string{"finops"}}}, nil
}

func (d desk) Choose(_ context.Context, _ site.Guest, text string, c Choices) (string, error) {
	return text + "# off " + strings.Join(c.Off, ",") + " labels " + strings.Join(c.Labels, "+") + " least " + c.Minimum + "\n", nil
}

func (d desk) Preview(context.Context, site.Guest, string) ([]Preview, error) {
	return d.previews, d.trouble
}

func (d desk) Try(_ context.Context, _ site.Guest, text string, f Specimen) ([]Tried, error) {
	switch {
	case f.Key == "v1:none":
		return nil, site.ErrMissing
	case f.Text == "{":
		return nil, &site.Refusal{Text: "this is no finding"}
	}
	return []Tried{{Title: "A volume " + f.Key, Issue: "Delete it", Body: "**bold**\n\n<script>alert(1)</script>" + text, Verdicts: []Verdict{{Rule: "worth it", Asked: true, Matched: true}}}}, nil
}

// nobody is the rest of the site.
type nobody struct{}

func (nobody) Overview(context.Context, site.Guest) (page.OverviewData, error) {
	return page.OverviewData{}, nil
}

// listed has one finding.
type (
	listed struct{ lists }
	lists  interface{ api.Findings }
)

func (listed) Findings(context.Context, api.FindingFilter, api.Slice) ([]api.Finding, api.Cursor, error) {
	return []api.Finding{{Key: "v1:3f0c9a12", Title: "Delete the unattached volume"}}, api.Cursor{}, nil
}

func (nobody) Findings(context.Context, site.Guest, ui.Place) (page.FindingsData, error) {
	return page.FindingsData{}, nil
}

func (nobody) Finding(context.Context, site.Guest, string) (page.FindingData, error) {
	return page.FindingData{}, nil
}

func (nobody) Export(context.Context, site.Guest, ui.Place, func(page.FindingRow) error) error {
	return nil
}
func (nobody) Connected(context.Context, site.Guest) ([]page.Connected, error) { return nil, nil }

func (nobody) Integration(context.Context, site.Guest, int64) (page.IntegrationData, error) {
	return page.IntegrationData{}, nil
}

func (h *house) ask(t *testing.T, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	area := New(Parts{Desk: desk{h}, Language: Language{Schema: []byte(`{"type":"object"}`), Words: []Word{{Name: "kind"}}}, Clock: time.Now})
	s, err := site.New(site.Parts{Door: h, Overviews: nobody{}, Findings: nobody{}, Integrations: nobody{}, Areas: []site.Area{area}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func admin(texts ...string) *house {
	h := &house{role: role.Admin}
	for _, text := range texts {
		h.add(text)
	}
	return h
}

func (h *house) as(r role.Role) *house {
	h.role = r
	return h
}

func suggestion(text string) api.Suggestion {
	s := api.Suggestion{Number: 3, Says: "payments is @engineer", Seen: 2, Confidence: 80, Adds: &text}
	if text != "" {
		s.Text = &text
	}
	return s
}

func TestViews(t *testing.T) {
	two := func() *house { return admin("version: 1\n", "version: 1\n# two\n") }
	learned := two()
	learned.suggested = []api.Suggestion{suggestion("version: 1\n# three\n")}
	silent := two()
	silent.trouble = &door.Problem{Status: http.StatusBadGateway, Detail: "GitLab does not answer"}
	for _, c := range []struct {
		name, path string
		house      *house
		status     int
		has, not   string
	}{
		{"built in", "/settings/rules", admin(), 200, "the built-in rules hold", ""},
		{"in words", "/settings/rules", two(), 200, "Takes a finding if it is a cost opportunity.", ""},
		{"a form", "/settings/rules", two(), 200, `action="/settings/rules/choose"`, ""},
		{"only looking", "/settings/rules", two().as(role.Viewer), 200, "worth it", `action="/settings/rules/choose"`},
		{"no editor for who looks", "/settings/rules", two().as(role.Viewer), 200, "worth it", "/settings/rules/edit"},
		{"no role", "/settings/rules", two().as(""), 403, "You work in no tenant", "worth it"},
		{"editor", "/settings/rules/edit", two(), 200, "\nversion: 1\n# two\n</textarea>", ""},
		{"editor of nothing", "/settings/rules/edit", admin(), 200, "\nversion: 1\n</textarea>", ""},
		{"editor for a member", "/settings/rules/edit", two().as(role.Member), 200, "</textarea>", ""},
		{"editor for a viewer", "/settings/rules/edit", two().as(role.Viewer), 403, "you cannot write and preview rules", "</textarea>"},
		{"history", "/settings/rules/history", two(), 200, `href="/settings/rules/history/1"`, ""},
		{"no history", "/settings/rules/history", admin(), 200, "No rules were ever applied", ""},
		{"revision", "/settings/rules/history/1", two(), 200, "Preview going back", ""},
		{"revision for a member", "/settings/rules/history/1", two().as(role.Member), 200, "Digest", "Preview going back"},
		{"revision in force", "/settings/rules/history/2", two(), 200, "# two", "Preview going back"},
		{"no revision", "/settings/rules/history/9", two(), 404, "This revision is not here", ""},
		{"no number", "/settings/rules/history/x", two(), 404, "This revision is not here", ""},
		{"no suggestions", "/settings/rules/suggestions", two(), 200, "Nothing is suggested", ""},
		{"suggestions", "/settings/rules/suggestions", learned, 200, "Preview accepting it", ""},
		{"dismiss", "/settings/rules/suggestions/3/dismiss", learned, 200, "payments is @engineer", ""},
		{"dismiss none", "/settings/rules/suggestions/4/dismiss", learned, 404, "This suggestion is not here", ""},
		{"dismiss as a member", "/settings/rules/suggestions/3/dismiss", two().as(role.Member), 403, "you cannot change the rules", ""},
		{"backlog", "/settings/rules/backlog", two(), 200, "Nothing waits", ""},
		{"backlog without GitLab", "/settings/rules/backlog", silent, 200, "GitLab does not answer", "Nothing waits"},
		{"try", "/settings/rules/test", two(), 200, "A finding that cxm has", "The issue"},
		{"try a key", "/settings/rules/test?finding=v1:a", two(), 200, "A volume v1:a", "<script>alert"},
		{"try no key", "/settings/rules/test?finding=v1:none", two(), 200, "there is no finding of this key here", ""},
		{"try as a viewer", "/settings/rules/test", two().as(role.Viewer), 403, "you cannot write and preview rules", ""},
		{"download", "/settings/rules/rules.yaml", two().as(role.Viewer), 200, "version: 1\n# two\n", "<"},
		{"download an old one", "/settings/rules/history/1/rules.yaml", two().as(role.Viewer), 200, "version: 1\n", "two"},
		{"download none", "/settings/rules/history/7/rules.yaml", two(), 404, "", "version"},
		{"language", "/settings/rules/editor.json", two(), 200, `{"schema":{"type":"object"},"words":[{"name":"kind","doc":""}]}`, ""},
		{"language as a viewer", "/settings/rules/editor.json", two().as(role.Viewer), 403, "", "schema"},
	} {
		w := c.house.ask(t, http.MethodGet, c.path, nil)
		if text := w.Body.String(); w.Code != c.status || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: %d, want %d with %q, without %q: %s", c.name, w.Code, c.status, c.has, c.not, text)
		}
	}
}

func TestForms(t *testing.T) {
	from := url.Values{"text": {"version: 1\r\n# three\r\n"}, "from": {"2"}, "note": {"because"}}
	with := func(pairs ...string) url.Values {
		out := maps.Clone(from)
		for i := 0; i < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return out
	}
	wrong := &api.Validation{Problems: []api.RuleProblem{{Line: 2, Column: 3, Message: "is wrong here"}}}
	inForm := &api.Validation{Problems: []api.RuleProblem{{Line: 2, Column: 3, Field: new("budgets.everything.min_savings"), Message: "ten is not an amount"}}}
	for _, c := range []struct {
		name, path string
		change     func(*house)
		form       url.Values
		status     int
		has, not   string
		done       string
	}{
		{"check", "/edit", nil, from, 200, "reads well", "", ""},
		{"check what is wrong", "/edit", func(h *house) { h.invalid = wrong }, from, 200, `data-line="2" data-column="3"`, "", ""},
		{"check keeps what was written", "/edit", nil, from, 200, "\nversion: 1\n# three\n</textarea>", "", ""},
		{"check as a viewer", "/edit", func(h *house) { h.role = role.Viewer }, from, 403, "you cannot", "</textarea>", ""},
		{"preview", "/preview", nil, from, 200, `<button class="button primary">Apply</button>`, "", ""},
		{"preview carries the text", "/preview", nil, from, 200, "name=\"text\" value=\"version: 1\n# three\n\"", "", ""},
		{"preview shows the difference", "/preview", nil, from, 200, "+ # three", "", ""},
		{"preview as a member", "/preview", func(h *house) { h.role = role.Member }, from, 200, "Only an admin", "button primary\">Apply", ""},
		{"preview as a viewer", "/preview", func(h *house) { h.role = role.Viewer }, from, 403, "you cannot", "Apply", ""},
		{"preview of what is wrong", "/preview", func(h *house) { h.invalid = wrong }, from, 422, "is wrong here", "button primary\">Apply", ""},
		{"preview without GitLab", "/preview", func(h *house) { h.trouble = &door.Problem{Status: 502, Detail: "GitLab does not answer"} }, from, 422, "It could not be previewed, and nothing was changed. GitLab does not answer", "button primary\">Apply", ""},
		{"preview that breaks", "/preview", func(h *house) { h.trouble = errors.New("secret table") }, from, 500, "Something went wrong inside cxm", "secret table", ""},
		{"preview of what was overtaken", "/preview", nil, with("from", "1"), 409, "Revision 2 is in force by now", "button primary\">Apply", ""},
		{"preview of what is in force", "/preview", nil, with("text", "version: 1\n# two\n"), 200, "There is nothing to apply", "button primary\">Apply", ""},
		{"preview going back", "/preview", nil, url.Values{"of": {"1"}, "from": {"2"}}, 200, `name="of" value="1"`, "", ""},
		{"preview going back to none", "/preview", nil, url.Values{"of": {"7"}, "from": {"2"}}, 404, "not here", "", ""},
		{"preview of a suggestion", "/preview", nil, url.Values{"suggestion": {"3"}}, 200, "+ # suggested", "", ""},
		{"preview of no suggestion", "/preview", nil, url.Values{"suggestion": {"4"}}, 404, "not here", "", ""},
		{"apply", "/apply", nil, from, 303, "", "", "apply version: 1\n# three\n by engineer@example.com: because"},
		{"apply as a member", "/apply", func(h *house) { h.role = role.Member }, from, 403, "you cannot change the rules", "", ""},
		{"apply what was overtaken", "/apply", nil, with("from", "1"), 409, "Revision 2 is in force by now", "", ""},
		{"apply what is overtaken meanwhile", "/apply", func(h *house) { h.racing = true }, from, 409, "Revision 3 is in force by now", "", ""},
		{"apply what is refused", "/apply", func(h *house) { h.refuse = &door.Problem{Status: 422, Detail: "acme/x is not there"} }, from, 422, "Acme/x is not there", "", ""},
		{"apply keeps the text that is refused", "/apply", func(h *house) { h.refuse = &door.Problem{Status: 422, Detail: "no"} }, from, 422, "# three\n</textarea>", "", ""},
		{"apply going back", "/apply", nil, with("of", "1"), 303, "", "", "rollback by engineer@example.com: because"},
		{"apply a suggestion", "/apply", nil, with("suggestion", "3", "text", "version: 1\n# suggested\n"), 303, "", "", "accept by engineer@example.com: because"},
		{"apply another suggestion than was previewed", "/apply", nil, with("suggestion", "3"), 422, "The suggestion is another one by now", "", ""},
		{"choose", "/choose", nil, url.Values{"from": {"2"}, "on-cost": {"yes"}, "labels": {"a , b"}, "minimum": {" 10  USD"}}, 200, "+ # off system,custom,token-expiring,review-due,source-failed labels a+b least 10 USD", "", ""},
		{"choose a bad number", "/choose", nil, url.Values{"from": {"2"}, "per_day": {"many"}}, 422, "this is no number of issues", "# off", ""},
		{"choose what does not fit", "/choose", func(h *house) { h.invalid = inForm }, url.Values{"from": {"2"}, "minimum": {"ten"}}, 422, "No issue below a saving of: ten is not an amount", "# off", ""},
		{"choose on what was overtaken", "/choose", nil, url.Values{"from": {"1"}}, 409, "Revision 2 is in force by now", "", ""},
		{"choose as a viewer", "/choose", func(h *house) { h.role = role.Viewer }, url.Values{"from": {"2"}}, 403, "you cannot", "", ""},
		{"try", "/test", nil, url.Values{"sample": {"{}"}}, 200, "<strong>bold</strong>", "<script>alert", ""},
		{"try what is none", "/test", nil, url.Values{"sample": {"{"}}, 422, "This is no finding", "", ""},
		{"try nothing", "/test", nil, url.Values{"sample": {" "}}, 422, "paste an address or a key here", "", ""},
		{"try with the editor's file", "/test", nil, from, 200, "your file, which is not in force", "", ""},
		{"dismiss", "/suggestions/3/dismiss", nil, url.Values{"reason": {"a stand-in"}}, 303, "", "", "dismiss engineer@example.com: a stand-in"},
	} {
		h := admin("version: 1\n", "version: 1\n# two\n")
		h.suggested = []api.Suggestion{suggestion("version: 1\n# suggested\n")}
		if c.change != nil {
			c.change(h)
		}
		w := h.ask(t, http.MethodPost, "/settings/rules"+c.path, c.form)
		text := w.Body.String()
		if w.Code != c.status || !strings.Contains(unescaped(text), c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: %d, want %d with %q, without %q: %s", c.name, w.Code, c.status, c.has, c.not, text)
		}
		if got := strings.Join(h.done, "; "); got != c.done {
			t.Errorf("%s: did %q, want %q", c.name, got, c.done)
		}
	}
}

// unescaped is a page as people read it, about.
func unescaped(text string) string {
	return strings.NewReplacer("&#34;", `"`, "&#43;", "+", "&#39;", "'").Replace(text)
}

// TestLineEnds: browsers end lines as they like; the file keeps its own.
func TestLineEnds(t *testing.T) {
	for given, lines := range map[string]string{"version: 1\r\n# x\r\n": "crlf", "version: 1\n# x\n": "", "version: 1\n# no end": "", "\n\nversion: 1\n": ""} {
		h := admin(given)
		w := h.ask(t, http.MethodGet, "/settings/rules/edit", nil)
		if got := strings.Contains(w.Body.String(), `name="lines" value="crlf"`); got != (lines == "crlf") || !strings.Contains(w.Body.String(), ">\n"+given+"</textarea>") {
			t.Errorf("%q: %s", given, w.Body)
		}
		sent := strings.ReplaceAll(strings.ReplaceAll(given, "\r\n", "\n"), "\n", "\r\n")
		h.ask(t, http.MethodPost, "/settings/rules/apply", url.Values{"text": {sent + "# more\r\n"}, "lines": {lines}, "from": {"1"}})
		want := given + "# more\n"
		if lines == "crlf" {
			want = given + "# more\r\n"
		}
		if now, _ := h.Rules(t.Context()); deref(now.Text) != want {
			t.Errorf("%q became %q, want %q", given, deref(now.Text), want)
		}
	}
}

// TestInert: nothing of an issue's text runs, looks like the page's own, or is fetched.
func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"<script>alert(1)</script>x": "x", "<img src=x onerror=alert(1)>": "", "![a](https://example.com/a.png)": "", `<p id="main" class="button" style="x" onclick="x()">a</p>`: "<p>a</p>",
		"[a](javascript:alert(1))": "a", "[a](/settings/rules/apply)": "a", "[a](https://example.com/)": `<a href="https://example.com/" rel="nofollow noreferrer">a</a>`,
		"# Head": "<p><strong>Head</strong></p>", "<h1>Head</h1>": "Head", "- [x] done\n- [ ] not": "☑ done", "<form action=x><input name=text><button>b</button></form>": "b",
		"<svg><a xlink:href=javascript:alert(1)>x</a></svg>": "x", "<iframe src=//example.com></iframe>a": "a", "`<b>`": "<code>&lt;b&gt;</code>", "<style>*{}</style>a": "a", "<base href=//x>a": "a",
	} {
		got, err := Inert(text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(got), want) {
			t.Errorf("%q became %q, without %q", text, got, want)
		}
		for _, bad := range []string{"<script", "<img", "javascript:", "onclick", "style", "id=", "<h1", "<input", "<form", "<svg", "<iframe", "<base", `href="/`} {
			if strings.Contains(string(got), bad) {
				t.Errorf("%q became %q, with %q", text, got, bad)
			}
		}
	}
	if got, err := Inert(strings.Repeat("line\n\n", 100_000)); err != nil || len(got) > 4*mostBody {
		t.Errorf("a long one has %d bytes, %v", len(got), err)
	}
	if got, err := Inert(strings.Repeat("x", 100_000)); err != nil || len(got) > 4*mostBody {
		t.Errorf("a long line has %d bytes, %v", len(got), err)
	}
}

func TestConditionWords(t *testing.T) {
	for when, want := range map[string]string{
		`kind == "cost" && saves("50 USD")`:    "it is a cost opportunity and it saves at least 50 USD a month",
		`tag("a && b") == "c"`:                 "its tag a && b is c",
		`kind == "cost" || saves("50 USD")`:    "",
		`severity >= HIGH`:                     "its severity is HIGH or higher",
		`tag("x") == "$1" && region == "eu-1"`: "its tag x is $1 and its region is eu-1",
		`resource_type == "Ebs_Volume"`:        "its resource_type is Ebs_Volume",
		`(kind == "cost")`:                     "",
	} {
		if got := conditionWords(when); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
}

// TestMoney: amounts of several currencies are never added, over integrations either.
func TestMoney(t *testing.T) {
	steps := func(amount, currency string) Steps {
		return Steps{All: 1, Savings: money.Totals{currency: decimal.RequireFromString(amount)}, First: []Step{{Title: "x"}}}
	}
	h := admin("version: 1\n")
	h.previews = []Preview{{Project: "a", Come: steps("10", "USD"), Go: Steps{All: 70}}, {Project: "b", Come: steps("5.5", "EUR")}}
	for range 60 {
		h.previews[0].Go.First = append(h.previews[0].Go.First, Step{Title: "an idle disk", Reason: "why"})
	}
	text := h.ask(t, http.MethodPost, "/settings/rules/preview", url.Values{"text": {"version: 1\n# x\n"}, "from": {"1"}}).Body.String()
	if !strings.Contains(text, "5.50 EUR") || !strings.Contains(text, "10.00 USD") || strings.Contains(text, "15.50") {
		t.Errorf("the amounts are wrong: %s", text)
	}
	if n := strings.Count(text, "an idle disk<"); n != 50 || !strings.Contains(text, "and 20 issues more") {
		t.Errorf("%d issues are listed: %s", n, text)
	}
}
