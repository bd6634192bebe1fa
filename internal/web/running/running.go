// Package running is the pages of plans and runs: what the next run would do, what
// runs did and do, and what waits for a person.
//
// What always holds: looking starts nothing; what takes longer than a request is begun
// by a form and watched on a page, and goes on when nobody looks; what is carried out
// is what was shown (its digest is sent along), or nothing is.
package running

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() fs.FS { return files }

// Runs has the runs of a tenant. What is not there is site.ErrMissing, what is refused
// a *site.Refusal.
type Runs interface {
	Runs(r *http.Request, g site.Guest, f Filter) (RunsData, error)
	Run(r *http.Request, g site.Guest, id int64) (RunData, error)
	// Approve begins to carry out what waits, and Reject says no to it. What is wrong
	// with why is a *BadReason.
	Approve(r *http.Request, g site.Guest, id int64) error
	Reject(r *http.Request, g site.Guest, id int64, why string) error
}

// BadReason says what is wrong with the reason that somebody gave.
type BadReason struct{ Text string }

// Error is the text, for who typed the reason.
func (b *BadReason) Error() string { return b.Text }

// Steps has the journals of runs.
type Steps interface {
	// Steps are those of one page, in the order of the plan, and where the next one
	// begins; empty: nowhere.
	Steps(r *http.Request, g site.Guest, run int64, outcome, after string) ([]Entry, string, error)
	Step(r *http.Request, g site.Guest, run, entry int64) (StepData, error)
	// Each hands out all steps of a run in the order of the plan, until keep fails.
	Each(r *http.Request, g site.Guest, run int64, keep func(Entry) error) error
}

// Plans makes plans, and has them carried out.
type Plans interface {
	// Plan is how far the plan of an integration is; 0: of the only one there is.
	Plan(r *http.Request, g site.Guest, integration int64) (PlanData, error)
	Make(r *http.Request, g site.Guest, integration int64) error
	Apply(r *http.Request, g site.Guest, integration int64, digest string) error
}

// Undos takes runs back.
type Undos interface {
	// Undo is how far the plan of it is.
	Undo(r *http.Request, g site.Guest, run int64) (UndoData, error)
	Look(r *http.Request, g site.Guest, run int64) error
	Carry(r *http.Request, g site.Guest, run int64, digest string) error
}

// Parts are what the area asks. All of them are required.
type Parts struct {
	Runs  Runs
	Steps Steps
	Plans Plans
	Undos Undos
	Clock func() time.Time
	Pause time.Duration // between two looks at what is being watched; 0: a second
}

type area struct{ Parts }

const (
	runsAt = "/runs"
	planAt = "/runs/plan"
)

func runsLink() ui.Link { return ui.Link{Text: "Plans and runs", URL: runsAt} }

// New is the area.
func New(parts Parts) site.Area {
	a := &area{parts}
	if a.Pause <= 0 {
		a.Pause = time.Second
	}
	list := ui.Link{Text: "Show all runs", URL: runsAt}
	runs := site.View{
		At: page.AtRuns, Title: "Plans and runs", Lead: "What cxm did in GitLab, what it is doing, and what waits for a person.",
		What: "The runs", May: "see runs", Needs: role.Read, List: list, Make: a.runs,
	}
	one := runs
	one.Title, one.Lead, one.What, one.Trail = "Run", "", "This run", []ui.Link{runsLink()}
	plan := one
	plan.Title, plan.What, plan.List = "The plan", "The plan", ui.Link{Text: "Show the plan", URL: planAt}
	of := func(v site.View, needs role.Permission, may string, shown func(*http.Request, site.Guest, *ui.Shell) (page.Page, error)) site.View {
		v.Needs, v.May, v.Make = needs, may, shown
		return v
	}
	form := func(v site.View, do func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error)) site.Form {
		return site.Form{View: v, Do: do}
	}
	read := func(shown func(*http.Request, site.Guest, *ui.Shell) (page.Page, error)) site.View {
		return of(one, role.Read, "see runs", shown)
	}
	approve, reject := of(one, role.Approve, "approve runs", nil), of(one, role.Approve, "reject runs", nil)
	undo, apply, planning := of(one, role.Undo, "undo runs", nil), of(plan, role.Apply, "have a plan carried out", nil), of(plan, role.Plan, "make plans", nil)
	return site.Area{
		Templates: files,
		Views: map[string]site.View{
			runsAt: runs, planAt: of(plan, role.Read, "see plans", a.plan),
			"/runs/{id}": read(a.run), "/runs/{id}/journal": read(a.journal), "/runs/{id}/steps/{step}": read(a.step), "/runs/{id}/undo": read(a.undo),
		},
		Leads: map[string]site.Form{ // what is not to be asked or watched any more leads to where it says why
			planAt + "/apply": form(apply, a.askApply), planAt + "/progress": form(of(plan, role.Read, "see plans", nil), a.planOn),
			"/runs/{id}/approve": form(approve, a.askApprove), "/runs/{id}/reject": form(reject, a.askReject),
			"/runs/{id}/undo/apply": form(undo, a.askUndo), "/runs/{id}/undo/progress": form(read(nil), a.undoOn),
		},
		Forms: map[string]site.Form{
			planAt: form(planning, a.makePlan), planAt + "/apply": form(apply, a.applyPlan),
			"/runs/{id}/approve": form(approve, a.approve), "/runs/{id}/reject": form(reject, a.reject),
			"/runs/{id}/undo": form(of(one, role.Plan, "make plans", nil), a.lookUndo), "/runs/{id}/undo/apply": form(undo, a.carryUndo),
		},
		Files: map[string]site.File{
			"/runs/{id}/journal.csv":   {View: read(nil), Write: a.asCSV},
			"/runs/{id}/journal.jsonl": {View: read(nil), Write: a.asLines},
		},
		Live: map[string]site.Live{
			planAt + "/live":       {View: read(nil), Send: a.planLive},
			"/runs/{id}/live":      {View: read(nil), Send: a.runLive},
			"/runs/{id}/undo/live": {View: read(nil), Send: a.undoLive},
		},
	}
}

// number is a number of the address; there is nothing at another one.
func number(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, site.ErrMissing
	}
	return n, nil
}

// chosen is the integration that the address or a form names; 0: none.
func chosen(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.FormValue("integration"), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func runAt(id int64) string { return runsAt + "/" + strconv.FormatInt(id, 10) }

func planOf(integration int64) string {
	if integration == 0 {
		return planAt
	}
	return planAt + "?" + url.Values{"integration": {strconv.FormatInt(integration, 10)}}.Encode()
}
