package running

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// house is all that the area asks, with what a case makes of it.
type house struct {
	role  role.Role
	runs  RunsData
	run   RunData
	plan  []PlanData // what each look finds; the last one stays
	undo  UndoData
	steps []Entry
	asked []string
	no    error // refuses what is asked for
}

func (h *house) Guest(*http.Request) (site.Guest, bool, error) {
	who := signin.Who{Person: signin.Person{ID: 1, Name: "Engineer"}, Limit: role.Whole()}
	if h.role != "" {
		who.Person.Grants = []signin.Grant{{Tenant: "acme", Role: h.role}}
	}
	return site.Guest{Who: who, Tenant: "acme", Person: ui.Person{Name: "Engineer", Role: string(h.role)}}, true, nil
}

func (h *house) note(what string) error {
	h.asked = append(h.asked, what)
	return h.no
}

type parts struct{ *house }

func (h parts) Runs(_ *http.Request, _ site.Guest, f Filter) (RunsData, error) {
	h.asked = append(h.asked, "runs "+f.State+" "+f.After)
	return h.runs, nil
}

func (h parts) Run(_ *http.Request, _ site.Guest, id int64) (RunData, error) {
	if id != h.run.Run.ID {
		return RunData{}, site.ErrMissing
	}
	return h.run, nil
}

func (h parts) Approve(*http.Request, site.Guest, int64) error { return h.note("approve") }
func (h parts) Reject(_ *http.Request, _ site.Guest, _ int64, why string) error {
	return h.note("reject " + strings.TrimSpace(why))
}

func (h parts) Steps(_ *http.Request, _ site.Guest, _ int64, outcome, after string) ([]Entry, string, error) {
	h.asked = append(h.asked, "steps "+outcome+" "+after)
	return h.steps, "", nil
}

func (h parts) Step(_ *http.Request, _ site.Guest, _, id int64) (StepData, error) {
	for _, e := range h.steps {
		if e.ID == id {
			return StepData{Entry: e, Before: "a\nb", After: "a\nc", Known: true}, nil
		}
	}
	return StepData{}, site.ErrMissing
}

func (h parts) Each(_ *http.Request, _ site.Guest, _ int64, keep func(Entry) error) error {
	for _, e := range h.steps {
		if err := keep(e); err != nil {
			return err
		}
	}
	return h.no
}

func (h parts) Plan(*http.Request, site.Guest, int64) (PlanData, error) {
	d := h.plan[0]
	if len(h.plan) > 1 {
		h.plan = h.plan[1:]
	}
	return d, nil
}
func (h parts) Make(*http.Request, site.Guest, int64) error { return h.note("make") }
func (h parts) Apply(_ *http.Request, _ site.Guest, _ int64, digest string) error {
	return h.note("apply " + digest)
}
func (h parts) Undo(*http.Request, site.Guest, int64) (UndoData, error) { return h.undo, nil }
func (h parts) Look(*http.Request, site.Guest, int64) error             { return h.note("look") }
func (h parts) Carry(_ *http.Request, _ site.Guest, _ int64, digest string) error {
	return h.note("carry " + digest)
}

// ask sends one request; a body makes it a form.
func ask(t *testing.T, h *house, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	p := parts{h}
	s, err := site.New(site.Parts{
		Door: h, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Areas: []site.Area{New(Parts{Runs: p, Steps: p, Plans: p, Undos: p, Clock: noon, Pause: time.Millisecond})},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// full is a house in which there is everything.
func full(r role.Role) *house {
	waits := Run{ID: 7, Integration: "acme/platform", State: Waiting, Why: "it would close 15 of 21 open issues", Steps: 15}
	step := Entry{ID: 3, Run: 7, Seq: 1, Verb: "close", Reason: "proved gone", Title: `=a <b>disk</b>`, Outcome: Failed, Trouble: "forbidden", Issue: 5, URL: "https://gitlab.example.com/a/-/issues/5"}
	return &house{
		role: r, runs: RunsData{Waiting: []Run{waits}, Rows: []Run{waits}, Integrations: []Integration{{1, "acme/platform"}}},
		run: RunData{Run: waits, Tally: Tally{Planned: 15}, Outcomes: Tally{Planned: 15}}, steps: []Entry{step},
		plan: []PlanData{{Integrations: []Integration{{1, "acme/platform"}}, Chosen: 1, State: Made, Digest: "d1", Changes: map[string][]Change{"create": {{Verb: "create", Title: "A disk", Reason: "present"}}}}},
		undo: UndoData{Run: 7, State: Made, Digest: "d2", Steps: []Change{{Title: "A disk"}}},
	}
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		path     string
		role     role.Role
		change   func(*house)
		status   int
		has, not string
	}{
		{"/runs", role.Member, nil, 200, `/runs/7/approve`, ""},
		{"/runs", role.Member, nil, 200, `action="/runs/plan?integration=1"`, ""},
		{"/runs", role.Viewer, nil, 200, "It would close 15 of 21 open issues.", "/approve"},
		{"/runs", "", nil, 403, "you cannot see runs", ""},
		{"/runs", role.Viewer, func(h *house) { h.runs = RunsData{} }, 200, "Nothing is connected yet", "Make a plan</button>"},
		{"/runs/7", role.Member, nil, 200, "&lt;b&gt;disk", "<b>disk"},
		{"/runs/7", role.Member, nil, 200, "/runs/7/reject", "data-live"},
		{"/runs/7", role.Viewer, nil, 200, "waits for a person", "/runs/7/reject"},
		{"/runs/7", role.Viewer, func(h *house) { h.run.Run.State = Running }, 200, `data-live="/runs/7/live"`, ""},
		{"/runs/7", role.Viewer, func(h *house) { h.run.Run.State = Running }, 200, "Show how far it is", ""},
		{"/runs/7", role.Member, func(h *house) { h.run.Run.State, h.run.Run.Done = Finished, 3 }, 200, "/runs/7/undo", "/approve"},
		{"/runs/8", role.Admin, nil, 404, "This run is not here", ""},
		{"/runs/x", role.Admin, nil, 404, "This run is not here", ""},
		{"/runs/7/steps/3", role.Viewer, nil, 200, "Nothing is known to have changed", ""},
		{"/runs/7/steps/3", role.Viewer, func(h *house) { h.steps[0].Outcome = Done }, 200, `<span class="added">&#43; c`, ""},
		{"/runs/7/steps/4", role.Viewer, nil, 404, "not here", ""},
		{"/runs/7/approve", role.Member, nil, 200, "The run keeps your name", ""},
		{"/runs/7/approve", role.Viewer, nil, 403, "approve runs", "keeps your name"},
		{"/runs/7/reject", role.Viewer, nil, 403, "reject runs", ""},
		{"/runs/plan", role.Member, nil, 200, "/runs/plan/apply?digest=d1", ""},
		{"/runs/plan", role.Viewer, nil, 200, "1 issue would be created", "/runs/plan/apply"},
		{"/runs/plan/apply?digest=d1", role.Member, nil, 200, `name="digest" value="d1"`, ""},
		{"/runs/plan/apply?digest=d1", role.Viewer, nil, 403, "", `value="d1"`},
		{"/runs/7/undo", role.Member, nil, 200, "/runs/7/undo/apply?digest=d2", ""},
		{"/runs/7/undo", role.Viewer, nil, 200, "1 issue would be as before", "/undo/apply"},
		{"/runs/7/undo/apply?digest=d2", role.Member, nil, 200, `class="button danger"`, ""},
	} {
		h := full(c.role)
		if c.change != nil {
			c.change(h)
		}
		w := ask(t, h, c.path, nil)
		text := w.Body.String()
		if w.Code != c.status || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s as %q: %d, want %d with %q, without %q:\n%s", c.path, c.role, w.Code, c.status, c.has, c.not, text)
		}
		for _, what := range h.asked {
			if strings.Contains("make apply approve reject carry look", strings.Fields(what)[0]) {
				t.Errorf("looking at %s did %q", c.path, what)
			}
		}
	}
}

func TestForms(t *testing.T) {
	refused := &site.Refusal{Text: "Nothing was begun."}
	for _, c := range []struct {
		path   string
		form   url.Values
		role   role.Role
		no     error
		status int
		to     string
		did    string
		has    string
	}{
		{"/runs/plan?integration=1", url.Values{}, role.Member, nil, 303, "/runs/plan?integration=1", "make", ""},
		{"/runs/plan?integration=1", url.Values{}, role.Member, refused, 303, "/runs/plan", "make", ""},
		{"/runs/plan", url.Values{}, "", nil, 403, "", "", "you cannot make plans"},
		{"/runs/plan/apply", url.Values{"integration": {"1"}, "digest": {"d1"}}, role.Member, nil, 303, "/runs/plan/progress?integration=1", "apply d1", ""},
		{"/runs/plan/apply", url.Values{"integration": {"1"}, "digest": {"d1"}}, role.Member, refused, 303, "/runs/plan?integration=1", "apply d1", ""},
		{"/runs/plan/apply", url.Values{"digest": {"d1"}}, role.Viewer, nil, 403, "", "", "carried out"},
		{"/runs/7/approve", url.Values{}, role.Member, nil, 303, "/runs/7", "approve", ""},
		{"/runs/7/approve", url.Values{}, role.Viewer, nil, 403, "", "", ""},
		{"/runs/7/approve", url.Values{}, role.Member, errors.New("secret"), 500, "", "approve", "could not be changed"},
		{"/runs/7/reject", url.Values{"reason": {" not now "}}, role.Member, nil, 303, "/runs/7", "reject not now", ""},
		{"/runs/7/reject", url.Values{"reason": {"<b>"}}, role.Member, &BadReason{"say more"}, 422, "", "reject <b>", "say more"},
		{"/runs/7/reject", url.Values{"reason": {"<b>"}}, role.Member, &BadReason{"say more"}, 422, "", "reject <b>", "&lt;b&gt;</textarea>"},
		{"/runs/7/reject", url.Values{"reason": {"x"}}, role.Viewer, nil, 403, "", "", ""},
		{"/runs/7/undo", url.Values{}, role.Member, nil, 303, "/runs/7/undo", "look", ""},
		{"/runs/7/undo/apply", url.Values{"digest": {"d2"}}, role.Member, nil, 303, "/runs/7/undo/progress", "carry d2", ""},
		{"/runs/7/undo/apply", url.Values{"digest": {"d2"}}, role.Member, refused, 303, "/runs/7/undo", "carry d2", ""},
		{"/runs/7/undo/apply", url.Values{"digest": {"d2"}}, role.Viewer, nil, 403, "", "", ""},
		{"/runs/x/approve", url.Values{}, role.Member, nil, 404, "", "", ""},
	} {
		h := full(c.role)
		h.no = c.no
		w := ask(t, h, c.path, c.form)
		if w.Code != c.status || w.Header().Get("Location") != c.to || strings.Join(h.asked, ",") != c.did || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %v as %s: %d to %q did %q, want %d to %q and %q, with %q:\n%s", c.path, c.form, c.role, w.Code, w.Header().Get("Location"), h.asked, c.status, c.to, c.did, c.has, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Error("what went wrong inside is told")
		}
	}
}

// TestLive sends how far it is, and leads on when it has ended.
func TestLive(t *testing.T) {
	h := full(role.Viewer)
	made := h.plan[0]
	making, applying, begun := made, made, made
	making.State, applying.State, begun.State, begun.Run = Making, Applying, Applying, 9
	for _, c := range []struct {
		plan []PlanData
		want string
	}{
		{[]PlanData{making, making, made}, "event: next\ndata: /runs/plan?integration=1\n"},
		{[]PlanData{applying, begun}, "event: next\ndata: /runs/9\n"},
		{[]PlanData{{Chosen: 1}}, "event: done\n"},
		{[]PlanData{applying, {Chosen: 1, State: Applied, Run: 9}}, "event: next\ndata: /runs/9\n"},
	} {
		h.plan = c.plan
		if got := ask(t, h, "/runs/plan/live?integration=1", nil).Body.String(); !strings.HasSuffix(got, c.want+"\n") && !strings.Contains(got, c.want) {
			t.Errorf("%v sends %s", c.plan, got)
		}
	}
	h.run.Run.State, h.run.Tally = Running, Tally{Done: 3}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/runs/7/live", nil)
	p := parts{h}
	s, err := site.New(site.Parts{Door: h, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Areas: []site.Area{New(Parts{Runs: p, Steps: p, Plans: p, Undos: p, Clock: noon, Pause: time.Millisecond})}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if got := w.Body.String(); !strings.Contains(got, `id="running-progress"`) || !strings.Contains(got, "3 of 15 steps done, 12 to go.") || strings.Contains(got, "event: next") {
		t.Errorf("a run that goes on sends %s", got)
	}
	h.run.Run.State = Finished
	if got := ask(t, h, "/runs/7/live", nil).Body.String(); !strings.Contains(got, "event: next\ndata: /runs/7\n") {
		t.Errorf("a run that ended before its page began to watch sends %s", got)
	}
}

// TestOnward: what was carried out ends on the page of its run, however fast it is; and
// what is not done, or not to be asked any more, on the page that says why.
func TestOnward(t *testing.T) {
	plan := func(d PlanData) func(*house) {
		return func(h *house) {
			d.Chosen, d.Integrations = 1, h.runs.Integrations
			h.plan = []PlanData{d}
		}
	}
	undo := func(d UndoData) func(*house) {
		d.Run = 7
		return func(h *house) { h.undo = d }
	}
	over := func(h *house) { h.run.Run.State, h.undo.State, h.plan[0].State = Finished, Applied, Applied }
	for _, c := range []struct {
		path   string
		change func(*house)
		to     string // empty: it shows how far it is
	}{
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Applying}), ""},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Making}), ""},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Applying, Run: 9}), "/runs/9"},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Applied, Run: 9, Waits: 10}), "/runs/9"},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Applied, Waits: 10}), "/runs/10"},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Applied}), "/runs/plan?integration=1"},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Made, Changed: true, Waits: 10}), "/runs/plan?integration=1"},
		{"/runs/plan/progress?integration=1", plan(PlanData{State: Broken}), "/runs/plan?integration=1"},
		{"/runs/7/undo/progress", undo(UndoData{State: Applying}), ""},
		{"/runs/7/undo/progress", undo(UndoData{State: Applying, Undoing: 9}), "/runs/9"},
		{"/runs/7/undo/progress", undo(UndoData{State: Applied, Undoing: 9}), "/runs/9"},
		{"/runs/7/undo/progress", undo(UndoData{State: Made, Changed: true}), "/runs/7/undo"},
		{"/runs/plan/apply?digest=other", func(*house) {}, "/runs/plan?integration=1"},
		{"/runs/plan/apply?digest=d1", over, "/runs/plan?integration=1"},
		{"/runs/7/undo/apply?digest=other", func(*house) {}, "/runs/7/undo"},
		{"/runs/7/undo/apply?digest=d2", over, "/runs/7/undo"},
		{"/runs/7/approve", over, "/runs/7"},
		{"/runs/7/reject", over, "/runs/7"},
	} {
		h := full(role.Member)
		c.change(h)
		w := ask(t, h, c.path, nil)
		if got := w.Header().Get("Location"); got != c.to || len(h.asked) > 0 {
			t.Errorf("%s leads to %q, want %q, and did %q", c.path, got, c.to, h.asked)
		}
		if text := w.Body.String(); c.to == "" && (w.Code != 200 || !strings.Contains(text, "data-live") || !strings.Contains(text, "Show how far it is")) {
			t.Errorf("%s shows %d %s", c.path, w.Code, text)
		}
		if said := w.Header().Get("Set-Cookie"); strings.Contains(c.path, "/progress") == strings.Contains(said, "notice") {
			t.Errorf("%s tells %q", c.path, said)
		}
	}
}

// TestSaysOnce: what was not begun is said in one sentence, and no figures beside it.
func TestSaysOnce(t *testing.T) {
	for _, c := range []struct{ state, text string }{{Waiting, "None of its 40 steps has been taken."}, {Superseded, "None of its 40 steps was taken."}} {
		p := NewProgress(RunData{Run: Run{State: c.state, Steps: 40, Skipped: 40}, Tally: Tally{Skipped: 40}})
		if p.Summary.Text != c.text || p.Begun || len(p.Figures) > 0 {
			t.Errorf("%s: %+v", c.state, p)
		}
	}
}

// TestFiles: the journal can be taken away, and a spreadsheet runs nothing of it.
func TestFiles(t *testing.T) {
	h := full(role.Viewer)
	got := ask(t, h, "/runs/7/journal.csv", nil)
	want := "run,step,action,outcome,title,reason,trouble,sent,group,issue,url,wrote_at,ended_at\n7,1,close,failed,'=a <b>disk</b>,proved gone,forbidden,,,5,https://gitlab.example.com/a/-/issues/5,,\n"
	if got.Body.String() != want || got.Header().Get("Content-Disposition") != `attachment; filename="run-7.csv"` {
		t.Errorf("%s", got.Body)
	}
	if got := ask(t, h, "/runs/7/journal.jsonl", nil).Body.String(); got != `{"run":7,"seq":1,"action":"close","outcome":"failed","title":"=a <b>disk</b>","reason":"proved gone","trouble":"forbidden","group":"","issue_id":5,"url":"https://gitlab.example.com/a/-/issues/5"}`+"\n" {
		t.Errorf("%s", got)
	}
	if got := ask(t, h, "/runs/8/journal.csv", nil); got.Code != http.StatusNotFound {
		t.Errorf("of another run: %d", got.Code)
	}
	h.role = ""
	if got := ask(t, h, "/runs/7/journal.csv", nil); got.Code != http.StatusForbidden {
		t.Errorf("without a role: %d", got.Code)
	}
}

// TestPlanKinds: fifty of a kind are shown, the rest is counted, and a page shows them.
func TestPlanKinds(t *testing.T) {
	d := full(role.Member).plan[0]
	d.May = func(role.Permission) bool { return true }
	d.Changes = map[string][]Change{"update": make([]Change, 120)}
	for i := range d.Changes["update"] {
		d.Changes["update"][i] = Change{Verb: "update", Before: "a", After: "b"}
	}
	p := NewPlan(ui.Place{Path: planAt, Values: url.Values{"integration": {"1"}}}, d)
	if len(p.Sections) != 1 || len(p.Sections[0].Steps) != 50 || p.Sections[0].More.Text != "Show all 120" || p.Sections[0].More.URL != "/runs/plan?integration=1&kind=update" {
		t.Errorf("%+v", p.Sections)
	}
	p = NewPlan(ui.Place{Path: planAt, Values: url.Values{"integration": {"1"}, "kind": {"update"}, "page": {"3"}}}, d)
	if len(p.Sections[0].Steps) != 20 || p.Pager.From != 101 || p.Pager.Next != "" || p.Back == nil {
		t.Errorf("%+v", p)
	}
}
