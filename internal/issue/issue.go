// Package issue is the GitLab issue as people see it: what it should say
// (Desired), what it says (Observed), and what cxm remembers having written.
//
// What always holds: cxm owns one marked block of a description and the labels
// it set itself, and keeps everything else byte for byte; whatever a finding
// says is text, never markup, a mention, a reference or a quick action; the
// same group renders to the same bytes.
package issue

import (
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Desired is what the issue of one group should say.
type Desired struct {
	Group    rule.GroupKey
	Route    rule.Route // where the issue belongs; a zero Project: anywhere
	Kind     finding.Kind
	Title    string              // at most 255 characters, no mention, one line
	Body     string              // inside the block: Markdown without the markers and the status
	Labels   []string            // sorted; the labels cxm sets at creation
	Savings  decimal.NullDecimal // shown in Title and Body, per month; null: unknown
	Currency string              // of Savings; empty when unknown
	Severity finding.Severity
	Digest   finding.Digest     // of what a person would act on: amounts and times left out
	Team     string             // whose attention it asks for; empty: no team's
	Owner    string             // whom its text names as the owner; empty: nobody
	Budgets  []attention.Budget // it stands under when it is made; none: it is made at once
	Free     bool               // it asks for nobody's attention: no cap, budget or brake holds it, and it is not counted
	Given    Given              // what it is given when it is made
	Unlisted []string           // keys of the lines that the checklist in Body has no room for; nil in an Outline
}

// State is GitLab's state of an issue.
type State string

// GitLab's two states of an issue (docs.gitlab.com/api/issues).
const (
	Opened State = "opened"
	Closed State = "closed"
)

// Observed is what a GitLab issue said when it was last seen.
type Observed struct {
	ID          int64 // unique in the instance
	ProjectID   int64
	IID         int64 // unique in the project
	WebURL      string
	Title       string
	Description string
	Labels      []string // sorted, as GitLab returns them
	State       State
	AuthorID    int64
	ClosedByID  int64    // 0: open, or GitLab does not say
	MovedToID   int64    // the id of the issue it was moved to; 0: not moved
	Assignees   []Person `json:",omitzero"` // whom it is assigned to
	CreatedAt   time.Time
	UpdatedAt   time.Time // GitLab's clock
	ClosedAt    time.Time // GitLab's clock; zero: open
	Settings    *Settings // what it was given when it was made; nil but in the answer to a create that asked for some
}

// Written is what cxm last wrote and GitLab confirmed. The zero value: nothing.
type Written struct {
	Title    string
	Block    string // with its markers, as GitLab returned it
	Labels   []string
	State    State
	Digest   finding.Digest
	Savings  decimal.NullDecimal
	Currency string
	Severity finding.Severity
	Status   string    // the sentence about the issue's state in the block; empty: none
	Repeats  int       // writes in a row of the same Digest that people or GitLab undid
	At       time.Time // GitLab's clock

	// Tried is what a later write said of which it is not known whether it was
	// carried out; nil: there was none. Where the block is not Block, it was.
	Tried *Shown
}

// Shown is what an issue says that people weigh.
type Shown struct {
	Savings  decimal.NullDecimal
	Currency string
	Severity finding.Severity
}

// Phase is how far the making of an issue has come.
type Phase string

// The phases of a tracked issue.
const (
	Intended Phase = "intended" // the intent is committed; the create may or may not have been sent
	InDoubt  Phase = "in doubt" // the create was sent and its answer lost: look it up before anything else
	Live     Phase = "live"     // it exists, and Observed says what it said when last seen
	Lost     Phase = "lost"     // it cannot be seen any more: deleted, hidden, or the role was taken away
	Dropped  Phase = "dropped"  // the create was proved never to have happened
	Retired  Phase = "retired"  // a later issue took its place

	// Duplicate is a create that was proved absent and appeared later all the
	// same: another issue speaks for the group, and this one is to be closed.
	Duplicate Phase = "duplicate"
)

// Tracked is one issue of cxm: its identity, what it said, what was written.
type Tracked struct {
	ID          int64 // cxm's own row; 0: not stored yet
	Integration int64
	Group       rule.GroupKey
	Nonce       string // in the marker; never reused
	Phase       Phase
	SentAt      time.Time // when the create was last sent, cxm's clock
	Observed    Observed  // until Live only ProjectID is set: where the create goes
	Written     Written
	Pending     State  // the state a change that is under way, or in doubt, puts it in; empty: none
	Override    State  // the state people chose against Written.State; empty: none
	Missing     int    // looks in a row that could not see it
	Rev         int64  // of the stored row; the store refuses a write based on an older one
	Trouble     string // why the last step on it failed; empty: none

	Team    string // whose attention it asks for; empty: no team's
	Gave    Gave
	Routed  int64 // the project the rules sent it to, wherever it is now; 0: not known, and then it is right where it is
	Move    Move
	Returns Returns
}
