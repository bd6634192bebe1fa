// Package plan compares what issues should say with what they say and lists
// the steps between the two, in order, each with its reason.
//
// What always holds: no I/O, no clock, no randomness; the same input in any
// order gives the same bytes; what a plan prints is what apply does, step for
// step. See Decide for the table of cases.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Verb is what a step does. Its value is the symbol that people see.
type Verb string

// The verbs.
const (
	Create  Verb = "+"
	Update  Verb = "~"
	Close   Verb = "-"
	Reopen  Verb = "^"
	Move    Verb = ">"
	Nothing Verb = "="
)

// Word is the verb's English name.
func (v Verb) Word() string {
	switch v {
	case Create:
		return "create"
	case Update:
		return "update"
	case Close:
		return "close"
	case Reopen:
		return "reopen"
	case Move:
		return "move"
	}
	return "nothing"
}

// order is the rank a verb is carried out in: what is proved gone is closed
// first, then work that is back, then work that goes elsewhere, then new work,
// then news about known work.
func (v Verb) order() int {
	return slices.Index([]Verb{Close, Reopen, Move, Create, Update, Nothing}, v)
}

// Step is one change to the tracker, or the reason why there is none.
type Step struct {
	Verb     Verb
	Reason   string // why, for people; never empty
	Group    rule.GroupKey
	Kind     finding.Kind
	Title    string              // what the issue is or will be called
	Savings  decimal.NullDecimal // per month; null: unknown
	Currency string
	Project  int64            // where; 0: the integration's project
	To       int64            // Move: the project it goes to; 0: it stays
	Want     *issue.Desired   // what it should say; nil for Nothing
	Status   string           // the sentence about the issue's state in its block
	Have     *issue.Tracked   // the issue it changes; nil for Create
	Change   issue.Change     // Update, Close, Reopen: exactly what is sent; Move: see Links
	Keep     *issue.Tracked   // what to remember of Have though nothing is sent; nil: as it is
	Version  int64            // the group's version this was decided on
	Later    bool             // something is left to be done after it, so the group is looked at again
	Team     string           // whose attention it asks for; empty: no team's
	Rule     string           // that put the group together; empty: none, or not known
	Since    time.Time        // when the first of what is present appeared; zero: not known
	Answer   attention.Answer // why it waits under a budget, or never goes; zero: no budget keeps it
	Beneath  *Beneath         // of an issue that lists others: these; nil: it lists none
	New      string           // Create: the source that all its findings came from, whose first run nobody let go yet; empty: there is none
	Undoes   bool             // it brings back what was before a run, because a person asked for it
	Said     string           // what it sends, of a step that another cxm decided on and that has no Want and no Change; empty: see Sends
}

// Plan is the ordered steps of one run.
type Plan struct {
	Steps     []Step
	Unchanged int  // groups that were not even looked at, since nothing about them changed
	Held      Held // what waits for a person, and is not among Steps
	Capped    int  // creates and moves among Steps that wait for their turn under a budget
	Below     int  // creates among Steps that are worth less than a budget's minimum
}

// Links says of a Move that it closes the issue with Change, for a new one to be
// made in the project To that names it, rather than have the tracker move it.
func (s Step) Links() bool { return s.Verb == Move && s.Change.State == issue.Closed }

// Sends names what the step sends: "title, block, closed", "to project 12".
func (s Step) Sends() string {
	switch {
	case s.Said != "":
		return s.Said
	case s.Links():
		return fmt.Sprintf("%s, a new issue in project %d", s.Change.Summary(), s.To)
	case s.Verb == Move:
		return fmt.Sprintf("to project %d", s.To)
	}
	return s.Change.Summary()
}

// New puts steps in the order they are carried out: close, reopen, move, create and
// update by falling value, then the same for issues that list others, then what is
// left alone; ties by group key and
// issue. Steps whose saving is unknown come after those whose saving is known.
func New(steps []Step, unchanged int) Plan {
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(
			rank(a, b),
			cmp.Compare(b.worth(), a.worth()),
			cmp.Compare(b.severity(), a.severity()),
			cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.iid(), b.iid()),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
	return Plan{Steps: steps, Unchanged: unchanged}
}

// worth is the saving in millionths, for ordering only: amounts of different
// currencies are compared by number since no rate is known here.
func (s Step) worth() int64 {
	if !s.Savings.Valid {
		return -1
	}
	return money.Micros(s.Savings.Decimal)
}

func (s Step) severity() finding.Severity {
	if s.Want == nil {
		return s.Answer.Severity
	}
	return s.Want.Severity
}

func (s Step) iid() int64 {
	if s.Have == nil {
		return 0
	}
	return s.Have.Observed.IID
}

// Changes lists the steps that write, in order.
func (p Plan) Changes() []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Verb != Nothing {
			out = append(out, s)
		}
	}
	return out
}

// Count is the number of steps with the verb.
func (p Plan) Count(v Verb) int {
	n := 0
	for _, s := range p.Steps {
		if s.Verb == v {
			n++
		}
	}
	return n
}

// Without leaves for later what is to be done in the projects named: what their
// issues say is not known. Home is the project of steps that name none.
func (p Plan) Without(home int64, projects map[int64]error) Plan {
	if len(projects) == 0 {
		return p
	}
	later := func(steps []Step) []Step {
		var out []Step
		for _, s := range steps {
			if why := cmp.Or(projects[s.At(home)], projects[s.To]); why != nil {
				s = s.wait("its project could not be looked at: " + why.Error())
			}
			out = append(out, s)
		}
		return out
	}
	p.Steps, p.Held.Steps = later(p.Steps), slices.DeleteFunc(later(p.Held.Steps), func(s Step) bool { return s.Verb == Nothing })
	return p
}
