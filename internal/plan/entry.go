package plan

import (
	"time"

	"cxm/internal/rule"
)

// Run is one pass of the loop that carried out a plan.
type Run struct {
	ID         int64
	StartedAt  time.Time
	FinishedAt time.Time // zero: still running, or the process died
	Steps      int       // planned changes
	Done       int
	Failed     int
	InDoubt    int
	Skipped    int // changed since the plan, or held
}

// Outcome is what became of a step.
type Outcome string

// The outcomes. A step is written as Intended before it is taken.
const (
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
	Title   string // of the issue
}
