package plan

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"cxm/internal/issue"
	"cxm/internal/rule"
)

// RunState is how far a run has come.
type RunState string

// The states of a run.
const (
	Running    RunState = "running"    // or the process that carried it out died
	Waiting    RunState = "waiting"    // a brake holds it until a person approves it
	Finished   RunState = "finished"   // every step has an outcome
	Superseded RunState = "superseded" // it waited, and the world changed: a later plan took its place
)

// Run is one pass of the loop: a plan, and what became of it.
type Run struct {
	ID          int64
	Integration int64
	State       RunState
	Shared      bool   // its steps are taken one by one, by any process; one at a time per integration
	Why         string // why it waits; empty: no brake holds it
	Digest      string // of what waits, so that the same plan waits only once; empty: it never waited
	Undoes      int64  // the run this one reverts; 0: none
	ApprovedBy  string // who let a run go that waited; empty: nobody, or nobody had to
	ApprovedAt  time.Time
	RejectedBy  string // who said no to a run that waited; empty: nobody
	Rejection   string // why they did
	StartedAt   time.Time
	FinishedAt  time.Time // zero: not finished
	Steps       int       // planned changes
	Done        int
	Failed      int
	InDoubt     int
	Skipped     int // changed since the plan, or held
}

// Rejected says that a person said no to what waited in the run.
func (r Run) Rejected() bool { return r.RejectedBy != "" && r.State == Superseded }

// longestRejection is how many characters a reason may have.
const longestRejection = 1000

// ReadRejection is why somebody says no, in one line. The error says what is wrong
// with it.
func ReadRejection(why string) (string, error) {
	why = strings.Join(strings.Fields(strings.ToValidUTF8(why, "")), " ")
	switch n := utf8.RuneCountInString(why); {
	case n == 0:
		return "", errors.New("say why: whoever made it wait has to understand it")
	case n > longestRejection:
		return "", fmt.Errorf("the reason has %d characters: use at most %d", n, longestRejection)
	}
	return why, nil
}

// Outcome is what became of a step.
type Outcome string

// The outcomes. A step is written as Intended before it is taken; those of a run
// that waits, or that several processes share, are written as Planned before that.
const (
	Planned  Outcome = "planned"  // part of a run that waits, or whose turn has not come
	Intended Outcome = "intended" // written, perhaps taken: nobody recorded the end
	Done     Outcome = "done"
	Failed   Outcome = "failed"   // refused; nothing was changed
	InDoubt  Outcome = "in doubt" // the answer was lost
	Skipped  Outcome = "skipped"  // not taken: the issue changed since the plan
	Adopted  Outcome = "adopted"  // an earlier step in doubt, found to have been carried out
	Dropped  Outcome = "dropped"  // an earlier step in doubt, proved never carried out
)

// Entry is one line of the journal: a step, why, and what became of it.
type Entry struct {
	ID      int64
	Run     int64
	Seq     int // from 1, in the plan's order
	Verb    Verb
	Reason  string
	Group   rule.GroupKey
	Issue   int64 // cxm's row of the issue (issue.Tracked.ID); 0: none
	Outcome Outcome
	Trouble string // in words; empty when all went well
	Calls   int    // requests it took
	WroteAt time.Time
	EndedAt time.Time // zero while Intended
	Summary string    // what was sent, short: "title, block, state closed"
	WebURL  string
	Title   string    // of the issue
	Stamp   time.Time // GitLab's updated_at in its answer; zero: there was none
	Before  Before    // what undo brings back
}

// Before is what a step is about to change, as far as undoing it needs. The
// zero value is that of a create.
type Before struct {
	Title         string   // of the issue
	Block         string   // cxm's block, with its markers; empty: there was none
	Status        string   // the sentence about the issue's state in it
	AddedLabels   []string // by the step
	RemovedLabels []string // by the step
	Project       int64    // of a Move: where the issue was; 0: another verb
	To            int64    // of a Move: where it, or the one that takes its place, went
	Linked        bool     // of a Move: it was closed for another to take its place (Step.Links)
}

// Begin is the journal's entry of a step before it is taken. Seq counts from 1.
func (s Step) Begin(run int64, seq int) Entry {
	e := Entry{Run: run, Seq: seq, Verb: s.Verb, Reason: s.Reason, Group: s.Group, Outcome: Planned, Title: s.Title, Summary: "a new issue"}
	if s.Have == nil {
		return e
	}
	e.Issue, e.Summary, e.WebURL = s.Have.ID, s.Sends(), s.Have.Observed.WebURL
	own, _ := issue.Own(s.Have.Observed.Description, s.Have.Nonce)
	e.Before = Before{
		Title: s.Have.Observed.Title, Block: own.Text, Status: s.Have.Written.Status,
		AddedLabels: s.Change.AddLabels, RemovedLabels: s.Change.RemoveLabels,
	}
	if s.Verb == Move {
		e.Before.Project, e.Before.To, e.Before.Linked = s.Have.Observed.ProjectID, s.To, s.Links()
	}
	return e
}

// Target is what a step does to which issue of which group, whatever it writes:
// steps of two plans with the same target are the same to a person.
type Target struct {
	Verb  Verb
	Group rule.GroupKey
	Issue int64 // cxm's row; 0: to be created
}

// Target is what the step does to which issue.
func (s Step) Target() Target {
	if s.Have == nil || s.Verb == Create {
		return Target{s.Verb, s.Group, 0}
	}
	return Target{s.Verb, s.Group, s.Have.ID}
}

// Target is what the entry's step does, or did, to which issue.
func (e Entry) Target() Target {
	if e.Verb == Create {
		return Target{e.Verb, e.Group, 0}
	}
	return Target{e.Verb, e.Group, e.Issue}
}
