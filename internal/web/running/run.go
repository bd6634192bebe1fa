package running

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// The outcomes of a step (docs/api.md).
const (
	Planned  = "planned"
	Intended = "intended"
	Done     = "done"
	Failed   = "failed"
	InDoubt  = "in doubt"
	Skipped  = "skipped"
	Adopted  = "adopted"
	Dropped  = "dropped"
)

// Entry is a step of a run, as the journal has it.
type Entry struct {
	ID      int64
	Run     int64
	Seq     int
	Verb    string // create, update, close, reopen or move
	Reason  string
	Title   string
	Group   string
	Issue   int64 // cxm's own number; 0: there is none yet
	URL     string
	Outcome string
	Trouble string
	Sent    string // short
	Calls   int
	Wrote   time.Time
	Ended   time.Time
}

// Tally counts the steps of a run by outcome.
type Tally map[string]int

// RunData is what the page of a run is made from.
type RunData struct {
	Run      Run
	Tally    Tally   // for how far it is
	Outcomes Tally   // of what is in the journal
	Latest   []Entry // the last steps that were taken, the latest first
	Wrong    []Entry // what failed or is in doubt, the first few
	Waits    []string
	Undone   int64  // the run that took it back; 0: none
	After    bool   // it was rejected, and can be approved after all
	Begun    string // what was asked for and is under way, in words; empty: nothing
	Trouble  string // why what was asked for failed; empty: it did not
	Ending   bool   // its steps are taken, and what else there is to say of it is not known yet
	Remarks  []string
	Beside   int64 // the run in which what the brakes kept from it waits; 0: none
	Steps    []Entry
	Outcome  string // that the steps are filtered by
	Next     string // where their next page begins
	May      func(role.Permission) bool
	Now      time.Time
}

// RunPage is one run.
type RunPage struct {
	Progress Progress
	Live     string // where its parts come from while it goes on; empty: it is over
	Again    string // the page itself
	Notices  []ui.Notice
	Facts    []ui.Fact
	Wrong    []Row
	Filters  []View
	Rows     []Row
	Empty    string // why there are no steps to see
	Pager    ui.Pager
	Files    []ui.Link
}

// Template is the template's name.
func (RunPage) Template() string { return "running-run" }

// View is a choice among lists.
type View struct {
	ui.Link
	Current bool
}

// Progress is how far a run is. It is sent anew while it goes on.
type Progress struct {
	Summary page.Summary
	Begun   bool // steps were taken, or are to be: else the summary says it all
	Percent int
	Figures []ui.Figure
	Latest  []Row
	Waits   []string // what it waits for
}

// Row is a step in a list.
type Row struct {
	Verb    string
	Title   string
	URL     string // of the step
	Badge   ui.Badge
	Reason  string
	Trouble string
	Next    string // what to do about it
	Issue   ui.Link
	Tracker string // GitLab's address of the issue
	At      time.Time
}

// going says that something is under way that changes the page.
func (d RunData) going() bool { return d.Run.State == Running || d.Begun != "" || d.Ending }

// NewRun is the page of a run.
func NewRun(at ui.Place, d RunData) RunPage {
	out := RunPage{
		Progress: NewProgress(d), Again: runAt(d.Run.ID), Facts: runFacts(d), Rows: stepRows(d.Steps), Pager: cursored(at, len(d.Steps), d.Next, at.Values.Get("after") == "", "step", "steps"),
		Files: []ui.Link{{Text: "Download the journal as CSV", URL: runAt(d.Run.ID) + "/journal.csv"}, {Text: "As JSON Lines", URL: runAt(d.Run.ID) + "/journal.jsonl"}},
	}
	if d.going() {
		out.Live = runAt(d.Run.ID) + "/live"
	} else {
		out.Wrong = stepRows(d.Wrong)
	}
	out.Notices = runNotices(d)
	for _, o := range []string{"", Done, Failed, InDoubt, Skipped, Planned} {
		if o == "" || d.Outcomes[o] > 0 || o == d.Outcome {
			text := "All"
			if o != "" {
				text = fmt.Sprintf("%s: %s", o, plain(d.Outcomes[o]))
			}
			out.Filters = append(out.Filters, View{ui.Link{Text: text, URL: outcomeAt(d.Run.ID, o)}, o == d.Outcome})
		}
	}
	if len(d.Steps) == 0 {
		out.Empty = "No step has been written down yet."
		if d.Outcome != "" {
			out.Empty = "No step ended like that."
		}
	}
	return out
}

// outcomeAt is the page with the steps of one outcome.
func outcomeAt(run int64, o string) string {
	if o == "" {
		return runAt(run)
	}
	return runAt(run) + "?" + url.Values{"outcome": {o}}.Encode()
}

func runNotices(d RunData) []ui.Notice {
	var out []ui.Notice
	switch r := d.Run; {
	case d.Begun != "":
		out = append(out, ui.Notice{Text: d.Begun, Tone: ui.Info})
	case r.State == Waiting:
		out = append(out, ui.Notice{Text: "It waits for a person, since " + r.Why + ". Nothing of it is done until somebody approves it. cxm looks again before it begins: what is no longer to be done is left out.", Tone: ui.Warn})
	case r.RejectedBy != "" && r.State == Superseded:
		text := r.RejectedBy + " said no to it: " + sentence(r.Rejection)
		if d.After {
			text += " The same steps do not wait again until something about them changes. It can be approved after all."
		}
		out = append(out, ui.Notice{Text: text, Tone: ui.Neutral})
	case r.State == Superseded:
		out = append(out, ui.Notice{Text: "It waited, and what it would have done was no longer to be done when a later plan was made. Nothing of it was done.", Tone: ui.Neutral})
	}
	if d.Trouble != "" {
		out = append(out, ui.Notice{Text: sentence(d.Trouble), Tone: ui.Bad})
	}
	for _, r := range d.Remarks {
		out = append(out, ui.Notice{Text: sentence(r), Tone: ui.Warn})
	}
	return out
}

func runFacts(d RunData) []ui.Fact {
	r := d.Run
	out := []ui.Fact{{Name: "Integration", Text: r.Integration}}
	if r.Integration == "" {
		out[0].Text = "not known any more"
	}
	if r.Why != "" && r.State != Waiting { // of what waits it is said above
		out = append(out, ui.Fact{Name: "Held, since", Text: r.Why})
	}
	switch {
	case r.ApprovedBy != "":
		out = append(out, ui.Fact{Name: "Approved by", Text: r.ApprovedBy}, ui.Fact{Name: "Approved", Time: r.ApprovedAt})
	case r.RejectedBy != "":
		out = append(out, ui.Fact{Name: "Rejected by", Text: r.RejectedBy})
	case r.Why == "":
		out = append(out, ui.Fact{Name: "Approved by", Text: "nobody had to"})
	}
	if r.Queued {
		out = append(out, ui.Fact{Name: "Carried out", Text: "by the queue, step by step"})
	}
	if r.Undoes != 0 {
		out = append(out, ui.Fact{Name: "Takes back", Text: fmt.Sprintf("run %d", r.Undoes), URL: runAt(r.Undoes)})
	}
	if d.Beside != 0 {
		out = append(out, ui.Fact{Name: "Held back", Text: fmt.Sprintf("run %d", d.Beside), URL: runAt(d.Beside), Detail: "waits for approval"})
	}
	if d.Undone != 0 {
		out = append(out, ui.Fact{Name: "Taken back by", Text: fmt.Sprintf("run %d", d.Undone), URL: runAt(d.Undone)})
	}
	out = append(out, ui.Fact{Name: "Planned", Time: r.Started})
	if !r.Finished.IsZero() {
		out = append(out, ui.Fact{Name: "Ended", Time: r.Finished})
	}
	if t := took(r, d.Now); t != "" {
		out = append(out, ui.Fact{Name: "Took", Text: t})
	}
	return out
}

// NewProgress is how far a run is.
func NewProgress(d RunData) Progress {
	t := d.Tally
	done, left := t[Done]+t[Adopted], d.Run.Steps-t[Done]-t[Adopted]-t[Failed]-t[InDoubt]-t[Skipped]-t[Dropped]
	p := Progress{Waits: d.Waits, Latest: stepRows(d.Latest), Summary: summary(d, done, max(left, 0))}
	if !d.begun() {
		return p
	}
	p.Begun = true
	if d.Run.Steps > 0 {
		p.Percent = min(100, (d.Run.Steps-max(left, 0))*100/d.Run.Steps)
	}
	p.Figures = []ui.Figure{{Label: "Steps", Quantities: []ui.Quantity{{Number: plain(d.Run.Steps)}}}}
	for _, f := range []struct {
		label string
		n     int
		tone  ui.Tone
	}{{"Done", done, ui.Good}, {"Failed", t[Failed], ui.Bad}, {"In doubt", t[InDoubt], ui.Warn}, {"Skipped", t[Skipped] + t[Dropped], ""}, {"To be done", max(left, 0), ""}} {
		if f.n == 0 {
			f.tone = ""
		}
		p.Figures = append(p.Figures, ui.Figure{Label: f.label, Quantities: []ui.Quantity{{Number: plain(f.n)}}, Tone: f.tone})
	}
	return p
}

// begun says that steps of it were taken, or are to be.
func (d RunData) begun() bool { return d.Run.State != Waiting && d.Run.State != Superseded }

func summary(d RunData, done, left int) page.Summary {
	of := fmt.Sprintf("%s of %s done", plain(done), counted(d.Run.Steps, "step", "steps"))
	switch t := d.Tally; {
	case d.Run.State == Waiting:
		return page.Summary{Text: "None of its " + counted(d.Run.Steps, "step", "steps") + " has been taken.", Tone: ui.Neutral}
	case d.Run.State == Superseded:
		return page.Summary{Text: "None of its " + counted(d.Run.Steps, "step", "steps") + " was taken.", Tone: ui.Neutral}
	case d.Run.State == Running && left > 0:
		return page.Summary{Text: of + ", " + plain(left) + " to go.", Tone: ui.Info}
	case d.Run.State == Running:
		return page.Summary{Text: of + ". It is coming to its end.", Tone: ui.Info}
	case t[Failed] > 0:
		return page.Summary{Text: of + ", and " + plain(t[Failed]) + " failed. The next run looks at those again.", Tone: ui.Bad}
	case t[InDoubt] > 0:
		return page.Summary{Text: of + ". GitLab's answer about " + plain(t[InDoubt]) + " was lost: the next run looks before it does anything.", Tone: ui.Warn}
	}
	if n := d.Tally[Skipped]; n > 0 {
		return page.Summary{Text: of + ". " + plain(n) + " were left for the next plan, since something had changed.", Tone: ui.Good}
	}
	return page.Summary{Text: "All of it was done.", Tone: ui.Good}
}

func stepRows(all []Entry) []Row {
	var out []Row
	for _, e := range all {
		out = append(out, NewRow(e))
	}
	return out
}

// NewRow is a step in a list.
func NewRow(e Entry) Row {
	row := Row{
		Verb: e.Verb, Title: e.Title, URL: fmt.Sprintf("%s/steps/%d", runAt(e.Run), e.ID), Badge: outcome(e.Outcome), Reason: sentence(e.Reason),
		Trouble: sentence(e.Trouble), Next: next(e), Tracker: e.URL, At: e.Ended,
	}
	if row.Title == "" {
		row.Title = "An issue without a title"
	}
	if row.At.IsZero() {
		row.At = e.Wrote
	}
	if e.Issue != 0 {
		row.Issue = ui.Link{Text: "Its issue", URL: "/issues/" + strconv.FormatInt(e.Issue, 10)}
	}
	return row
}

func outcome(o string) ui.Badge {
	switch o {
	case Done, Adopted:
		return ui.Badge{Text: o, Tone: ui.Good}
	case Failed:
		return ui.Badge{Text: o, Tone: ui.Bad}
	case InDoubt:
		return ui.Badge{Text: o, Tone: ui.Warn}
	case Intended:
		return ui.Badge{Text: "being sent", Tone: ui.Info}
	}
	return ui.Badge{Text: o, Tone: ui.Neutral}
}

// next is what to do about a step that did not go well; empty: nothing.
func next(e Entry) string {
	switch e.Outcome {
	case Failed:
		return "Nothing was changed. Mend what GitLab says; the next run tries it again if it is still to be done."
	case InDoubt:
		return "Nothing to do: the next run looks whether it was carried out before it sends anything."
	}
	return ""
}

// runData is a run with one page of its steps.
func (a *area) runData(r *http.Request, g site.Guest) (RunData, error) {
	id, err := number(r, "id")
	if err != nil {
		return RunData{}, err
	}
	d, err := a.Runs.Run(r, g, id)
	if err != nil {
		return d, err
	}
	d.May, d.Now = g.May, a.Clock()
	return d, nil
}

func (a *area) run(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	d, err := a.runData(r, g)
	if err != nil {
		return nil, err
	}
	at := ui.Place{Path: runAt(d.Run.ID), Values: r.URL.Query()}
	if o := at.Values.Get("outcome"); slices.Contains([]string{Planned, Intended, Done, Failed, InDoubt, Skipped, Adopted, Dropped}, o) {
		d.Outcome = o
	}
	if d.Steps, d.Next, err = a.Steps.Steps(r, g, d.Run.ID, d.Outcome, at.Values.Get("after")); err != nil {
		return nil, err
	}
	RunShell(shell, d)
	return NewRun(at, d), nil
}

// RunShell is what stands around the page of a run.
func RunShell(shell *ui.Shell, d RunData) {
	badge := d.Run.Badge()
	shell.Title, shell.Badge = fmt.Sprintf("Run %d", d.Run.ID), &badge
	base := runAt(d.Run.ID)
	if d.Begun != "" {
		return
	}
	if d.Run.State == Waiting && d.May(role.Approve) {
		shell.Actions = []ui.Action{{Text: "Approve", URL: base + "/approve", Kind: "primary", Dialog: true}, {Text: "Reject", URL: base + "/reject", Dialog: true}}
	}
	if d.After && d.May(role.Approve) {
		shell.Actions = []ui.Action{{Text: "Approve after all", URL: base + "/approve", Dialog: true}}
	}
	if d.Run.State == Finished && d.Run.Done > 0 && d.May(role.Undo) {
		shell.Actions = append(shell.Actions, ui.Action{Text: "Undo", URL: base + "/undo"})
	}
}

// journal leads to the steps of a run, which are its journal.
func (a *area) journal(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	return a.run(r, g, shell)
}

// runLive sends how far a run is until it ends.
func (a *area) runLive(r *http.Request, g site.Guest, out *web.Stream) error {
	for {
		d, err := a.runData(r, g)
		if err != nil {
			return out.Done() // it cannot be looked at any more
		}
		if err := out.Part("running-progress", NewProgress(d)); err != nil {
			return err
		}
		if !d.going() { // only a page that was made before the end watches: its facts and journal are old
			return out.Next(runAt(d.Run.ID))
		}
		if !a.pause(r.Context()) {
			return nil
		}
	}
}

// pause waits until it is time to look again; false: nobody looks any more.
func (a *area) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(a.Pause):
		return true
	}
}
