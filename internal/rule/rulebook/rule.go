package rulebook

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/rulebook/condition"
	"cxm/internal/rule/rulebook/pattern"
)

// Event is something that happens, and that a rule may be about.
type Event string

// The events. The first four happen to findings. The others happen to cxm itself:
// they come as findings whose source is OwnSource, with a source rule for each.
const (
	Opened   Event = "opened"   // reported for the first time
	Changed  Event = "changed"  // beyond the rule's thresholds
	Resolved Event = "resolved" // proved absent
	Reopened Event = "reopened" // there again after it was resolved

	TokenExpiring Event = "token-expiring" // and was not rotated so far
	ReviewDue     Event = "review-due"     // of what the account may do in GitLab
	Digest        Event = "digest"         // issues wait in a project, under a budget that asks to tell of them; only a rule that names it acts on it
	SourceFailed  Event = "source-failed"  // it delivers nothing that can be taken in, nothing whole, or nothing at all
)

// OwnSource is the source of findings about cxm itself.
const OwnSource = finding.OwnSystem

func events() []Event {
	return append(findingEvents(), TokenExpiring, ReviewDue, SourceFailed, Digest)
}

// ownRule is the source rule of the findings of an event about cxm itself.
func ownRule(e Event) string {
	switch e {
	case TokenExpiring:
		return "cxm.token.expiry"
	case ReviewDue:
		return "cxm.access.review"
	case Digest:
		return finding.BacklogRule
	case SourceFailed:
		return "cxm.source.failed"
	}
	return ""
}

func findingEvents() []Event { return []Event{Opened, Changed, Resolved, Reopened} }

// IssueType is GitLab's issue_type.
type IssueType string

// The types of issues. The empty one is PlainIssue.
const (
	PlainIssue IssueType = "issue"
	Incident   IssueType = "incident"
	Task       IssueType = "task"
)

// Close says who closes what is proved absent.
type Close string

// Who closes. The empty one is Auto.
const (
	Auto   Close = "auto"   // cxm does
	Manual Close = "manual" // people do; cxm says in the issue that it is gone
)

// Rule is one rule, its defaults filled in. What a file does not say is the zero
// value. It is not to be changed.
type Rule struct {
	Name        string
	Description string
	Line        int     // of the file; 0: built in
	Events      []Event // none: every one
	When        string  // the condition as it was written; empty: every finding
	Ignore      string  // why no issue is made; empty: one is
	Continue    bool    // later rules may match, too

	Route        Route
	GroupBy      []string // normalised and sorted; none: as rule.Set groups
	Checklist    bool     // one issue of many resources lists them with boxes
	Parent       *Parent  // lists the issues; nil: nothing does
	Owner        pattern.Pattern
	Template     string
	Labels       []pattern.Pattern // in addition to cxm's own
	Assignees    []string          // usernames without @
	Milestone    string
	Due          time.Duration // after the issue is made; 0: none
	Weight       *int          // nil: none
	Confidential bool
	IssueType    IssueType
	Thresholds   Thresholds
	Policy       Policy
	Budget       []string // names of budgets

	condition *condition.Condition // nil: every finding
}

// Route is where the issues of a rule go.
type Route struct {
	Integration string          // name or number; empty: the default one
	Project     pattern.Pattern // path or number; empty: the integration's own project
	Fallback    pattern.Pattern // where Project cannot be filled in; empty: the integration's own project
	OnChange    rule.OnChange   // empty: move
}

// Thresholds are how far a saving must move before an issue is edited for it.
type Thresholds struct {
	Share   *decimal.Decimal           // of what the issue shows, 0.1 is 10 %; nil: as without a rule
	Amounts map[string]decimal.Decimal // per month, by currency; a currency that is not there: as without a rule
}

// Policy is how cautious decisions are about the issues of a rule. Nil: as without
// a rule, see plan.Policy.
type Policy struct {
	Close        Close // empty: auto
	ReopenWindow *time.Duration
	Growth       *decimal.Decimal // at least 1
	Calm         *time.Duration
	Recreate     *bool
	MaxRepeats   *int
}

// On says whether the rule acts when something happens to a finding: a rule that
// names no event of findings acts on each.
func (r *Rule) On(e Event) bool {
	named := false
	for _, each := range r.Events {
		if each == e {
			return true
		}
		named = named || !own(each)
	}
	return !named && !own(e)
}

func own(e Event) bool {
	return e != Opened && e != Changed && e != Resolved && e != Reopened
}

// heeds says whether the rule's events let it look at a finding, and if not, why.
func (r *Rule) heeds(f *finding.Finding) (bool, string) {
	if _, digest := finding.BacklogOf(f); digest && !slices.Contains(r.Events, Digest) {
		return false, "it does not name the event digest"
	}
	if len(r.Events) == 0 {
		return true, ""
	}
	ours := f.SourceSystem == OwnSource
	for _, e := range r.Events {
		if ours && ownRule(e) == f.SourceRuleID || !ours && !own(e) {
			return true, ""
		}
	}
	if ours {
		return false, "it is not about the event " + f.SourceRuleID
	}
	return false, "it is about events of cxm itself"
}

// matches says whether the rule is about a finding. With an error it is not: its
// condition could not be evaluated.
func (r *Rule) matches(s *condition.Subject, f *finding.Finding) (bool, error) {
	if ok, _ := r.heeds(f); !ok {
		return false, nil
	}
	if r.condition == nil {
		return true, nil
	}
	return r.condition.Matches(s)
}
