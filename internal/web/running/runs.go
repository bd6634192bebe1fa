package running

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// The states of a run (docs/operations.md). A run that was rejected is superseded.
const (
	Running    = "running"
	Waiting    = "waiting"
	Finished   = "finished"
	Superseded = "superseded"
)

// Filter says which runs; what is zero lets everything through.
type Filter struct {
	Integration int64
	State       string
	After       string // where the page begins
}

// Run is one run.
type Run struct {
	ID          int64
	Integration string // the path of its project; empty: it is gone
	State       string
	Why         string // it waits, or waited; empty: no brake held it
	Queued      bool   // its steps are taken one by one by the queue
	Undoes      int64  // the run that it takes back; 0: none
	ApprovedBy  string
	ApprovedAt  time.Time
	RejectedBy  string
	Rejection   string // why
	Started     time.Time
	Finished    time.Time // zero: it is not
	Steps       int
	Done        int
	Failed      int
	InDoubt     int
	Skipped     int
}

// Integration is one connection, to choose.
type Integration struct {
	ID   int64
	Text string // the path of its project
}

// RunsData is what the list is made from.
type RunsData struct {
	Waiting      []Run // those that wait for a person, whatever the filters are
	Rows         []Run // of one page, the latest first
	Next         string
	Integrations []Integration
	May          func(role.Permission) bool
	Now          time.Time
}

// RunList is the list of the runs.
type RunList struct {
	Waiting []Waits
	Filters []ui.Field
	Path    string
	Clear   string
	Table   ui.Table
	Pager   ui.Pager
	Empty   *ui.Empty
}

// Template is the template's name.
func (RunList) Template() string { return "running-runs" }

// Waits is a run that waits for a person.
type Waits struct {
	Run     ui.Link
	Where   string
	Why     string
	Since   time.Time
	Actions []ui.Action
}

// NewRuns is the list at a place: "integration" and "state" filter it, "after" is
// where the page begins.
func NewRuns(at ui.Place, d RunsData) RunList {
	out := RunList{Path: at.Path, Filters: runFilters(at, d.Integrations), Table: runTable(d)}
	for _, r := range d.Waiting {
		out.Waiting = append(out.Waiting, Waits{
			Run: ui.Link{Text: fmt.Sprintf("Run %d", r.ID), URL: runAt(r.ID)}, Where: r.Integration,
			Why: sentence(r.Why), Since: r.Started, Actions: waitActions(r, d.May),
		})
	}
	if at.Values.Get("integration") != "" || at.Values.Get("state") != "" {
		out.Clear = at.Path
	}
	first := at.Values.Get("after") == ""
	out.Pager = cursored(at, len(d.Rows), d.Next, first, "run", "runs")
	switch {
	case len(d.Rows) > 0:
	case out.Clear != "" || !first:
		out.Empty = &ui.Empty{Title: "No run is like that", Text: "Take the filters away to see every run.", Action: &ui.Action{Text: "Show all runs", URL: at.Path}}
	case len(d.Integrations) == 0:
		out.Filters, out.Empty = nil, unconnected(d.May)
	default:
		out.Filters = nil // there is nothing to choose from
		out.Empty = &ui.Empty{Title: "There was no run yet", Text: "A run carries out a plan. Make a plan first: it says what would be done, and why, and writes nothing to GitLab."}
	}
	return out
}

// unconnected says that there is no integration to plan for.
func unconnected(may func(role.Permission) bool) *ui.Empty {
	e := &ui.Empty{Title: "Nothing is connected yet", Text: "cxm makes plans for a GitLab project. Connect one, and plans and runs appear here."}
	if may(role.IntegrationsWrite) {
		e.Action = &ui.Action{Text: "Connect GitLab", URL: "/settings/integrations", Kind: "primary"}
	}
	return e
}

func waitActions(r Run, may func(role.Permission) bool) []ui.Action {
	out := []ui.Action{{Text: "Look at it", URL: runAt(r.ID)}}
	if may(role.Approve) {
		out = append(out, ui.Action{Text: "Approve", URL: runAt(r.ID) + "/approve", Dialog: true}, ui.Action{Text: "Reject", URL: runAt(r.ID) + "/reject", Dialog: true})
	}
	return out
}

func runFilters(at ui.Place, integrations []Integration) []ui.Field {
	state := ui.Field{Form: "filter", Name: "state", Label: "State", Type: "select", Options: []ui.Option{{Text: "Any"}}}
	for _, s := range []string{Waiting, Running, Finished, Superseded} {
		state.Options = append(state.Options, ui.Option{Value: s, Text: s, Selected: s == at.Values.Get("state")})
	}
	in := ui.Field{Form: "filter", Name: "integration", Label: "Integration", Type: "select", Options: []ui.Option{{Text: "Any"}}}
	for _, i := range integrations {
		id := strconv.FormatInt(i.ID, 10)
		in.Options = append(in.Options, ui.Option{Value: id, Text: i.Text, Selected: id == at.Values.Get("integration")})
	}
	return []ui.Field{in, state}
}

func runTable(d RunsData) ui.Table {
	t := ui.Table{Caption: "Runs", Columns: []ui.Column{{Label: "Run"}, {Label: "State"}, {Label: "Steps"}, {Label: "Decided by"}, {Label: "Started"}, {Label: "Took", Number: true}}}
	for _, r := range d.Rows {
		by := ui.Cell{Text: decider(r)}
		if !r.ApprovedAt.IsZero() {
			by.Sub = r.ApprovedAt.UTC().Format("2006-01-02 15:04 UTC")
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: fmt.Sprintf("Run %d", r.ID), URL: runAt(r.ID), Sub: about(r)},
			{Badges: []ui.Badge{r.Badge()}},
			{Text: counts(r), Sub: troubles(r)},
			by, {Time: r.Started}, {Text: took(r, d.Now)},
		})
	}
	return t
}

// Badge is the run's state in a word.
func (r Run) Badge() ui.Badge {
	switch {
	case r.State == Waiting:
		return ui.Badge{Text: "waits for approval", Tone: ui.Warn}
	case r.State == Running:
		return ui.Badge{Text: "running", Tone: ui.Info}
	case r.RejectedBy != "" && r.State == Superseded:
		return ui.Badge{Text: "rejected", Tone: ui.Neutral}
	case r.State == Superseded:
		return ui.Badge{Text: "superseded", Tone: ui.Neutral}
	case r.Failed > 0:
		return ui.Badge{Text: "finished with failures", Tone: ui.Bad}
	case r.InDoubt > 0:
		return ui.Badge{Text: "finished, in doubt", Tone: ui.Warn}
	}
	return ui.Badge{Text: "finished", Tone: ui.Good}
}

// decider is who let a run go, or who did not.
func decider(r Run) string {
	switch {
	case r.ApprovedBy != "":
		return r.ApprovedBy
	case r.RejectedBy != "":
		return r.RejectedBy
	case r.State == Waiting:
		return "nobody yet"
	case r.State == Superseded:
		return "nobody"
	}
	return "nobody had to"
}

// about is what is special about a run, in short.
func about(r Run) string {
	var out []string
	if r.Integration != "" {
		out = append(out, r.Integration)
	}
	if r.Undoes != 0 {
		out = append(out, fmt.Sprintf("takes run %d back", r.Undoes))
	}
	if r.Queued {
		out = append(out, "by the queue")
	}
	return strings.Join(out, ", ")
}

func counts(r Run) string {
	if r.State == Waiting || r.State == Running && r.Done == 0 || r.State == Superseded {
		return counted(r.Steps, "step", "steps")
	}
	return fmt.Sprintf("%s of %s done", plain(r.Done), plain(r.Steps))
}

// troubles is what did not go well, in short; empty: nothing.
func troubles(r Run) string {
	var out []string
	for _, c := range []struct {
		n    int
		word string
	}{{r.Failed, "failed"}, {r.InDoubt, "in doubt"}, {r.Skipped, "skipped"}} {
		if c.n > 0 && r.State != Superseded {
			out = append(out, plain(c.n)+" "+c.word)
		}
	}
	return strings.Join(out, ", ")
}

// took is how long a run has taken.
func took(r Run, now time.Time) string {
	switch {
	case r.State == Waiting || r.Started.IsZero():
		return ""
	case r.Finished.IsZero():
		return "so far " + lasting(now.Sub(from(r)))
	case r.State == Superseded:
		return ""
	}
	return lasting(r.Finished.Sub(from(r)))
}

// from is when the steps of a run began to be taken.
func from(r Run) time.Time {
	if r.ApprovedAt.After(r.Started) {
		return r.ApprovedAt
	}
	return r.Started
}

func (a *area) runs(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	at := ui.Place{Path: runsAt, Values: r.URL.Query()}
	d, err := a.Runs.Runs(r, g, Filter{Integration: chosen(r), State: at.Values.Get("state"), After: at.Values.Get("after")})
	if err != nil {
		return nil, err
	}
	d.May, d.Now = g.May, a.Clock()
	shell.Actions = RunsActions(d.Integrations, g.May)
	return NewRuns(at, d), nil
}

// RunsActions are what can be done on the list as a whole.
func RunsActions(integrations []Integration, may func(role.Permission) bool) []ui.Action {
	switch {
	case len(integrations) == 0 || !may(role.Plan):
		return nil
	case len(integrations) == 1:
		return []ui.Action{{Text: "Make a plan", URL: planOf(integrations[0].ID), Kind: "primary", Post: true}}
	}
	return []ui.Action{{Text: "Make a plan", URL: planAt, Kind: "primary"}}
}
