package plan

import (
	"fmt"
	"slices"
	"time"

	"cxm/internal/issue"
	"cxm/internal/rule"
)

// Kept is a step that is not undone, and why.
type Kept struct {
	Entry Entry
	Why   string
}

// Undo lists the steps that bring back what a run changed, in the reverse of its
// order, and what is left as it is: only an issue that nobody has touched since
// is changed back, which GitLab's updated_at tells. Have are the issues of the
// entries by their row, as they were just seen.
//
//	the run did   undo
//	-----------   -----------------------------------------------------------
//	+ create      close it; it stays closed as if a person had closed it
//	~ update      write the text, title and labels of before
//	- close       reopen it with the text of before; it stays open likewise
//	^ reopen      close it with the text of before; it stays closed likewise
//	> move        move it back; it stays there as if a person had moved it
//
// Of an issue that was closed for a new one in another project neither is touched,
// but where the new one was never made: then the old one is reopened.
//
// What is undone is not done again by the next run: cxm remembers it as what a
// person chose.
func Undo(run Run, entries []Entry, have map[int64]issue.Tracked, now time.Time) (Plan, []Kept) {
	var p Plan
	var kept []Kept
	linked, moved, last := map[rule.GroupKey]bool{}, map[int64]bool{}, map[int64]time.Time{}
	for _, e := range entries {
		linked[e.Group] = linked[e.Group] || e.Before.Linked && e.Outcome == Done
		moved[e.Issue] = moved[e.Issue] || e.Verb == Move && e.Outcome == Done && !e.Before.Linked
		if e.Stamp.After(last[e.Issue]) {
			last[e.Issue] = e.Stamp
		}
	}
	for _, e := range slices.Backward(entries) {
		t, known := have[e.Issue]
		if moved[e.Issue] && e.Outcome == Done { // what a move left to be done in the same run is part of it
			e.Stamp = last[e.Issue]
		}
		why := untouched(e, t, known)
		if why == "" && e.Verb == Create && linked[e.Group] {
			why = "it took the place of an issue in another project, which the same run closed: reopen that one by hand if it is to come back"
		}
		if why != "" {
			kept = append(kept, Kept{e, why})
			continue
		}
		if moved[e.Issue] && e.Verb == Update {
			continue
		}
		p.Steps = append(p.Steps, undo(run, e, t, now))
	}
	slices.Reverse(kept)
	return p, kept
}

// untouched says why an entry is not undone, "" when it is.
func untouched(e Entry, t issue.Tracked, known bool) string {
	switch {
	case e.Outcome == Failed || e.Outcome == Skipped || e.Outcome == Dropped || e.Outcome == Planned:
		return "nothing was done: " + string(e.Outcome)
	case e.Outcome != Done || e.Stamp.IsZero():
		return "GitLab's answer was lost, so it is not known what the issue said then"
	case !known || t.Phase == issue.Lost:
		return "the issue cannot be seen any more"
	case !t.Observed.UpdatedAt.Equal(e.Stamp):
		return fmt.Sprintf("somebody touched the issue since, on %s", t.Observed.UpdatedAt.UTC().Format(time.DateTime))
	case t.Phase != issue.Live:
		return "another issue has taken its place"
	}
	return ""
}

func undo(run Run, e Entry, t issue.Tracked, now time.Time) Step {
	s := Step{
		Verb: Update, Reason: fmt.Sprintf("undoes the %s of run %d", e.Verb.Word(), run.ID), Group: e.Group, Title: t.Observed.Title,
		Savings: t.Written.Savings, Currency: t.Written.Currency, Project: t.Observed.ProjectID, Have: &t, Status: e.Before.Status, Undoes: true,
	}
	switch {
	case e.Verb == Move && !e.Before.Linked:
		s.Verb, s.To, s.Status, s.Want = Move, e.Before.Project, t.Written.Status, &issue.Desired{}
		return s
	case e.Verb == Create || e.Verb == Reopen:
		s.Verb, s.Change.State = Close, issue.Closed
	case e.Verb == Close || e.Verb == Move:
		s.Verb, s.Change.State = Reopen, issue.Opened
	}
	if e.Verb == Move {
		t.Routed = e.Before.To // it is there, as far as the rules go
	}
	if e.Verb == Create {
		s.Status = fmt.Sprintf("**Closed by cxm** on %s: run %d was undone. It stays closed until somebody reopens it.", now.UTC().Format(time.DateOnly), run.ID)
		own, _ := issue.Own(t.Observed.Description, t.Nonce)
		s.write(t, own.WithStatus(s.Status))
		return s
	}
	s.write(t, e.Before.Block)
	if e.Before.Title != t.Observed.Title {
		s.Change.Title = &e.Before.Title
	}
	s.Change.AddLabels, s.Change.RemoveLabels = e.Before.RemovedLabels, e.Before.AddedLabels
	return s
}

// write puts a block where cxm's block is.
func (s *Step) write(t issue.Tracked, block string) {
	if block == "" {
		return
	}
	if text, err := issue.Splice(t.Observed.Description, t.Nonce, block); err == nil && text != t.Observed.Description {
		s.Change.Description = &text
	}
}
