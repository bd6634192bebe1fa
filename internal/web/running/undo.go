package running

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Kept is what is left as it is when a run is taken back.
type Kept struct {
	Title, URL, Why string
}

// UndoData is how far the taking back of a run is.
type UndoData struct {
	Run     int64
	Refused string // why it cannot be taken back; empty: it can
	State   string // as of a plan
	By      string
	Since   time.Time
	Trouble string
	Changed bool
	Digest  string
	Steps   []Change
	Kept    []Kept
	Undoing int64 // the run that takes it back; 0: not known yet, or there was nothing
	Remarks []string
	May     func(role.Permission) bool
}

// Undo is what taking a run back would do.
type Undo struct {
	Live    string
	Again   string
	Notices []ui.Notice
	Empty   *ui.Empty
	Next    *ui.Link
	Section *Section
	Rest    string // how many steps more there are
	Kept    []Kept
	More    string
}

// Template is the template's name.
func (Undo) Template() string { return "running-undo" }

func undoAt(run int64) string { return runAt(run) + "/undo" }

// NewUndo is the page.
func NewUndo(d UndoData) Undo {
	out := Undo{Again: undoAt(d.Run)}
	since := d.Since.UTC().Format("15:04 UTC")
	switch {
	case d.Refused != "":
		out.Empty = &ui.Empty{Title: "This run cannot be taken back", Text: sentence(d.Refused), Action: &ui.Action{Text: "Back to the run", URL: runAt(d.Run)}}
	case d.State == NoPlan:
		out.Empty = &ui.Empty{Title: "See first what it would do", Text: "cxm looks at GitLab and shows what taking the run back would change, and what is left as it is since somebody touched it. Nothing is written."}
		if d.May(role.Plan) {
			out.Empty.Action = &ui.Action{Text: "Show what it would do", URL: out.Again, Kind: "primary", Post: true}
		}
	case d.State == Making:
		out.Live = out.Again + "/live"
		out.Notices = []ui.Notice{{Text: "cxm looks at what the issues say now, since " + since + ". Nothing is written to GitLab.", Tone: ui.Info}}
	case d.State == Applying:
		out.Live, out.Again = out.Again+"/live", undoProgress(d.Run)
		out.Notices = []ui.Notice{{Text: "The run is being taken back. " + d.By + " asked for it at " + since + ". It goes on when this page is closed.", Tone: ui.Info}}
	case d.State == Broken:
		out.Notices = []ui.Notice{{Text: sentence(d.Trouble), Tone: ui.Bad}}
	case d.State == Applied:
		out.ended(d)
	default:
		out.shown(d)
	}
	return out
}

func (u *Undo) ended(d UndoData) {
	u.Notices = []ui.Notice{{Text: fmt.Sprintf("Run %d was taken back.", d.Run), Tone: ui.Good}}
	if d.Undoing == 0 {
		u.Notices[0] = ui.Notice{Text: "There was nothing to take back.", Tone: ui.Neutral}
	} else {
		u.Next = &ui.Link{Text: fmt.Sprintf("See run %d", d.Undoing), URL: runAt(d.Undoing)}
	}
	for _, r := range d.Remarks {
		u.Notices = append(u.Notices, ui.Notice{Text: sentence(r), Tone: ui.Warn})
	}
}

func (u *Undo) shown(d UndoData) {
	if d.Changed {
		u.Notices = append(u.Notices, ui.Notice{Text: "Something had changed since you looked, so nothing was done. This is what it would do now.", Tone: ui.Warn})
	}
	if n := len(d.Steps); n > 0 {
		u.Section = &Section{ID: "undone", Title: counted(n, "issue would be as before", "issues would be as before"), Steps: planSteps(d.Steps[:min(n, pageSize)])}
		if n > pageSize {
			u.Rest = "And " + plain(n-pageSize) + " more."
		}
	} else {
		u.Notices = append(u.Notices, ui.Notice{Text: "There is nothing to take back: see below what is left as it is, and why.", Tone: ui.Neutral})
	}
	for _, k := range d.Kept[:min(len(d.Kept), pageSize)] {
		k.Why = sentence(k.Why)
		u.Kept = append(u.Kept, k)
	}
	if n := len(d.Kept) - pageSize; n > 0 {
		u.More = "And " + plain(n) + " more that are left as they are."
	}
}

// UndoShell is what stands around the page.
func UndoShell(shell *ui.Shell, d UndoData) {
	shell.Title = fmt.Sprintf("Take run %d back", d.Run)
	shell.Trail = []ui.Link{runsLink(), {Text: fmt.Sprintf("Run %d", d.Run), URL: runAt(d.Run)}}
	if d.State == Made && len(d.Steps) > 0 && d.May(role.Undo) {
		shell.Actions = []ui.Action{{Text: "Undo", URL: undoAt(d.Run) + "/apply?digest=" + d.Digest, Kind: "danger", Dialog: true}}
	}
	if (d.State == Made || d.State == Broken || d.State == Applied) && d.Refused == "" && d.May(role.Plan) {
		shell.Actions = append(shell.Actions, ui.Action{Text: "Look again", URL: undoAt(d.Run), Post: true})
	}
}

func (a *area) undoData(r *http.Request, g site.Guest) (UndoData, error) {
	id, err := number(r, "id")
	if err != nil {
		return UndoData{}, err
	}
	d, err := a.Undos.Undo(r, g, id)
	d.May = g.May
	return d, err
}

func (a *area) undo(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	d, err := a.undoData(r, g)
	if err != nil {
		return nil, err
	}
	UndoShell(shell, d)
	return NewUndo(d), nil
}

func (a *area) lookUndo(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	id, err := number(r, "id")
	if err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: undoAt(id)}, a.Undos.Look(r, g, id)
}

func (a *area) askUndo(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.undoData(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	if d.State != Made || d.Digest != r.FormValue("digest") {
		return late(undoAt(d.Run), "It would do something else by now, or it is not known any more what. Look again first."), nil
	}
	shell.Title, shell.Trail = fmt.Sprintf("Take run %d back?", d.Run), []ui.Link{runsLink(), {Text: fmt.Sprintf("Run %d", d.Run), URL: runAt(d.Run)}}
	return site.Answer{Page: NewConfirmUndo(d)}, nil
}

// NewConfirmUndo asks before a run is taken back.
func NewConfirmUndo(d UndoData) page.Confirm {
	what := []string{counted(len(d.Steps), "issue is as before the run: what it created is closed, what it closed is open again.", "issues are as before the run: what it created is closed, what it closed is open again.")}
	if n := len(d.Kept); n > 0 {
		what = append(what, counted(n, "step is left as it is, since somebody touched the issue or nothing was done.", "steps are left as they are, since somebody touched the issues or nothing was done."))
	}
	what = append(what, "What is undone is remembered as what people chose: the next run does not do it again.", "If anything has changed since you looked, nothing is done.")
	return page.Confirm{What: what, Form: ui.Form{ID: "undo", Action: undoAt(d.Run) + "/apply", Submit: "Undo", Danger: true, Cancel: undoAt(d.Run), Fields: []ui.Field{{Name: "digest", Type: "hidden", Value: d.Digest}}}}
}

func (a *area) carryUndo(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	id, err := number(r, "id")
	if err != nil {
		return site.Answer{}, err
	}
	return led(undoProgress(id), undoAt(id), a.Undos.Carry(r, g, id, r.PostFormValue("digest")))
}

func (a *area) undoLive(r *http.Request, g site.Guest, out *web.Stream) error {
	for {
		d, err := a.undoData(r, g)
		switch {
		case err != nil || d.State == NoPlan:
			return out.Done() // it cannot be looked at any more
		case !d.watched():
			return out.Next(d.end())
		}
		if err := out.Part("running-since", Since{d.Since, a.Clock()}); err != nil {
			return err
		}
		if !a.pause(r.Context()) {
			return nil
		}
	}
}

func (a *area) askApprove(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.runData(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	if d.Run.State != Waiting && !d.After {
		return late(runAt(d.Run.ID), fmt.Sprintf("Run %d does not wait for anybody: it was approved or rejected, or a later plan took its place.", d.Run.ID)), nil
	}
	shell.Title = fmt.Sprintf("Approve run %d?", d.Run.ID)
	shell.Trail = []ui.Link{runsLink(), {Text: fmt.Sprintf("Run %d", d.Run.ID), URL: runAt(d.Run.ID)}}
	return site.Answer{Page: NewApprove(d)}, nil
}

// NewApprove asks before a run goes that waits.
func NewApprove(d RunData) page.Confirm {
	return page.Confirm{
		What: []string{
			"It was held, since " + d.Run.Why + ".",
			"cxm looks again, and takes those of its " + counted(d.Run.Steps, "step", "steps") + " that are still to be done in " + d.Run.Integration + ".",
			"The run keeps your name as that of who approved it.",
			"It can be undone, where nobody has touched an issue since.",
		},
		Form: ui.Form{ID: "approve", Action: runAt(d.Run.ID) + "/approve", Submit: "Approve", Cancel: runAt(d.Run.ID)},
	}
}

func (a *area) approve(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	id, err := number(r, "id")
	if err != nil {
		return site.Answer{}, err
	}
	return led(runAt(id), runAt(id), a.Runs.Approve(r, g, id))
}

func (a *area) askReject(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.runData(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	if d.Run.State != Waiting {
		return late(runAt(d.Run.ID), fmt.Sprintf("Run %d does not wait for anybody: it was approved or rejected, or a later plan took its place.", d.Run.ID)), nil
	}
	RejectShell(shell, d.Run)
	return site.Answer{Page: NewReject(d.Run, "", "")}, nil
}

// RejectShell is what stands around the question.
func RejectShell(shell *ui.Shell, run Run) {
	shell.Title, shell.Trail = fmt.Sprintf("Reject run %d?", run.ID), []ui.Link{runsLink(), {Text: fmt.Sprintf("Run %d", run.ID), URL: runAt(run.ID)}}
}

// NewReject asks why a run is rejected.
func NewReject(run Run, why, fault string) page.Confirm {
	return page.Confirm{
		What: []string{
			"Nothing of the run is done.",
			"The same steps do not wait again until something about them changes: another finding, another issue, another rule.",
			"Until then it can be approved after all.",
		},
		Form: ui.Form{ID: "reject", Action: runAt(run.ID) + "/reject", Submit: "Reject", Cancel: runAt(run.ID), Fields: []ui.Field{
			{Name: "reason", Label: "Reason", Type: "textarea", Value: why, Required: true, Error: fault, Hint: "Whoever sees the run can read it, and it is in the audit log."},
		}},
	}
}

func (a *area) reject(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	id, err := number(r, "id")
	if err != nil {
		return site.Answer{}, err
	}
	why := strings.ReplaceAll(r.PostFormValue("reason"), "\x00", "")
	err = a.Runs.Reject(r, g, id, why)
	if bad, ok := errors.AsType[*BadReason](err); ok {
		d, err := a.runData(r, g)
		RejectShell(shell, d.Run)
		return site.Answer{Page: NewReject(d.Run, why, bad.Text)}, err
	}
	if err != nil {
		return led("", runAt(id), err)
	}
	return site.Answer{To: runAt(id), Notice: ui.Notice{Text: fmt.Sprintf("Run %d was rejected. Nothing of it was done.", id), Tone: ui.Good}}, nil
}
