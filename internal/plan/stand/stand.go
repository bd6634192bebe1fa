// Package stand says where one finding stands on its way to an issue: through
// which stages it came, at which one it is, and what it waits for.
//
// What always holds: it is a pure function of what the database knows; the first
// thing in the way is the one that is named, with its mend.
package stand

import (
	"fmt"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// Stage is where a finding is. The names are stable.
type Stage string

// The stages, in the order in which they are passed.
const (
	NotReceived  Stage = "not received"  // no source has ever reported it
	Unread       Stage = "unread"        // deliveries wait to be taken in, and it may be in one
	Absent       Stage = "absent"        // proved gone
	Missing      Stage = "missing"       // not in the last delivery, and not proved gone
	Unknown      Stage = "unknown"       // its source does not say
	NotConnected Stage = "not connected" // there is no tracker
	InDoubt      Stage = "in doubt"      // its create was sent, and the answer lost
	Lost         Stage = "lost"          // its issue cannot be seen any more
	NoAccess     Stage = "no access"     // the token is of no use
	Held         Stage = "held"          // a run with its step waits for a person
	Running      Stage = "running"       // a run with its step is under way
	Broken       Stage = "broken"        // the tracker or the project is left alone for a while
	Capped       Stage = "capped"        // it waits its turn
	SetAside     Stage = "set aside"     // people snoozed or excepted it
	Failed       Stage = "failed"        // the last try was refused
	Planned      Stage = "planned"       // the next run makes or changes its issue
	Resting      Stage = "resting"       // its issue is as a person or the rules want it, and closed
	Settled      Stage = "settled"       // nothing is to be done, and there is no issue
	HasIssue     Stage = "issue"         // there is an open one
)

// Case is all that is known of one finding in one integration.
type Case struct {
	Now       time.Time
	Finding   finding.Finding
	Sighting  finding.Sighting
	Decided   finding.Decided // what people said about it
	Source    string
	Scope     string
	Last      finding.Pull // of its scope; ID 0: not known
	Complete  time.Time    // when its scope was last delivered whole; zero: never
	Rule      string       // that put it into its group
	Changed   bool         // the group changed since it was last settled
	Group     rule.Group
	Connected bool

	Step    plan.Step      // what is to be done about the group (plan.Decide); an empty Verb: nothing at all
	Current *issue.Tracked // the issue that speaks for the group; nil: none

	NoAccess string // why the token cannot be used; empty: it can
	HeldBy   int64  // the run that holds the step; 0: none
	HeldWhy  string
	RunsIn   int64  // the run that is carrying it out; 0: none
	Broken   string // why the tracker is left alone; empty: it is not
	Capped   string // why there is no room for another issue; empty: there is
	Past     *plan.Entry
}

// Stand is where the finding is.
type Stand struct {
	Path   []string // what it came through, in order
	Stage  Stage
	Answer string
	Mend   string // empty: nothing is to be done
	URL    string // of its issue; empty: none
}

// Of says where a finding stands.
func Of(c Case) Stand {
	s := Stand{Path: path(c)}
	if t := c.Current; t != nil {
		s.URL = t.Observed.WebURL
	}
	s.Stage, s.Answer, s.Mend = where(c)
	return s
}

// path tells what the finding came through.
func path(c Case) []string {
	out := []string{fmt.Sprintf("reported by %s, scope %s", c.Source, c.Scope)}
	switch p := c.Last; {
	case p.ID == 0:
	case p.Complete:
		out = append(out, "last delivery on "+at(p.ReceivedAt)+": complete")
	default:
		last := "never"
		if !c.Complete.IsZero() {
			last = "on " + at(c.Complete)
		}
		out = append(out, fmt.Sprintf("last delivery on %s: not complete (%s), complete last %s", at(p.ReceivedAt), first(p.Reasons), last))
	}
	if c.Last.Skipped > 0 {
		out = append(out, fmt.Sprintf("%d records of that delivery were left out", c.Last.Skipped))
	}
	out = append(out, string(c.Sighting.Detection)+since(c.Sighting), "rule "+c.Rule)
	if decided := decided(c); decided != "" {
		out = append(out, decided)
	}
	if n := len(c.Group.Members); n > 1 {
		return append(out, fmt.Sprintf("group %s, with %d other findings", c.Group.Key.Short(), n-1))
	}
	return append(out, "group "+c.Group.Key.Short()+", alone")
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func since(s finding.Sighting) string {
	if s.Since.IsZero() {
		return ""
	}
	return " since " + at(s.Since)
}

func first(reasons []string) string {
	if len(reasons) == 0 {
		return "no reason is known"
	}
	return reasons[0]
}

// where finds the first thing in the way.
func where(c Case) (stage Stage, answer, mend string) {
	t := c.Current
	switch {
	case !c.Connected:
		return NotConnected, "cxm is not connected to GitLab", "Run `cxm connect gitlab`"
	case t != nil && (t.Phase == issue.Intended || t.Phase == issue.InDoubt):
		return InDoubt, "its issue was asked for, and GitLab's answer was lost: cxm looks for it before it asks again", "Run `cxm run`, or leave it to `cxm serve`"
	case t != nil && t.Phase == issue.Lost:
		return Lost, fmt.Sprintf("its issue #%d cannot be seen any more: it was deleted, or hidden from the account; cxm makes no second one by itself", t.Observed.IID), "Look at `cxm doctor`: the account may have lost its role"
	case c.Sighting.Detection != finding.Absent && c.Decided.Aside(c.Now):
		return SetAside, aside(c), "Take the decision back if it is to be worked on: `cxm finding decide " + c.Finding.FindingKey.Short() + " --decision undecided`"
	case c.Step.Verb == "" || c.Step.Verb == plan.Nothing:
		return idle(c)
	}
	if stage, answer, mend = waits(c); stage != "" {
		return stage, answer, mend
	}
	return Planned, planned(c), "Run `cxm apply`, or `cxm run`"
}

// decided says what people decided about the finding; empty: nothing.
func decided(c Case) string {
	switch {
	case c.Decided.Decision == "" || c.Decided.Decision == finding.Undecided:
		return ""
	case c.Decided.Now(c.Now) == finding.Undecided:
		return c.Decided.Says() + " (that has passed)"
	}
	return c.Decided.Says()
}

// aside says what became of the issue of a finding that people set aside.
func aside(c Case) string {
	text := "people set it aside, " + c.Decided.Says()
	switch t := c.Current; {
	case t == nil || t.Observed.State != issue.Opened:
		return text
	case c.Group.AsOf(c.Now).Shelved:
		return text + fmt.Sprintf("; its issue #%d says so, and stays open until people close it", t.Observed.IID)
	default:
		return text + fmt.Sprintf("; issue #%d is about the other findings of its group", t.Observed.IID)
	}
}

// idle is where a finding stands for which nothing is to be done now.
func idle(c Case) (stage Stage, answer, mend string) {
	t := c.Current
	switch {
	case t != nil && t.Observed.State == issue.Opened:
		return HasIssue, "there is an issue: " + c.Step.Reason, ""
	case c.Sighting.Detection == finding.Absent:
		return Absent, "it is gone" + since(c.Sighting) + ", so there is nothing to make an issue of", ""
	case c.Sighting.Detection == finding.Unknown:
		return Unknown, "its source does not say whether it is there", "Take in a complete delivery of " + c.Source
	case t != nil:
		return Resting, fmt.Sprintf("its issue #%d is closed: %s", t.Observed.IID, c.Step.Reason), "Reopen the issue in GitLab if it shall be worked on"
	case c.Sighting.Absences > 0:
		return Missing, fmt.Sprintf("%s: it was missing from the last %d complete deliveries", c.Step.Reason, c.Sighting.Absences), "Nothing has to be done: the next delivery decides"
	}
	return Settled, c.Step.Reason, ""
}

// waits says what keeps a step from being taken; an empty stage: nothing does.
func waits(c Case) (stage Stage, answer, mend string) {
	switch {
	case c.NoAccess != "":
		return NoAccess, "GitLab refuses cxm's token (" + c.NoAccess + "), so nothing is sent", "Run `cxm doctor`, then `cxm token replace`"
	case c.Broken != "":
		return Broken, c.Broken, "Mend what the words name (`cxm doctor`); cxm tries again by itself"
	case c.RunsIn != 0:
		return Running, fmt.Sprintf("run %d is under way, and it is a step of it", c.RunsIn), fmt.Sprintf("Leave it to `cxm serve`, or run `cxm run`; `cxm runs %d` shows how far it is", c.RunsIn)
	case c.HeldBy != 0:
		return Held, fmt.Sprintf("run %d holds it until somebody has looked: %s", c.HeldBy, c.HeldWhy), fmt.Sprintf("`cxm runs %d` shows it, `cxm approve %d` lets it go", c.HeldBy, c.HeldBy)
	case c.Step.Verb == plan.Create && c.Capped != "":
		return Capped, "it waits its turn: " + c.Capped + " in this project", "Close issues, wait, or raise the cap (--cap-hour, --cap-open)"
	case c.Past != nil && c.Past.Outcome == plan.Failed:
		return Failed, fmt.Sprintf("GitLab refused the last try, on %s: %s", at(c.Past.EndedAt), c.Past.Trouble), "Mend what the words name (`cxm doctor`), then run `cxm apply`"
	}
	return "", "", ""
}

// planned says what the next run does.
func planned(c Case) string {
	what := map[plan.Verb]string{
		plan.Create: "creates its issue", plan.Reopen: "reopens its issue", plan.Update: "updates its issue",
		plan.Close: "closes its issue", plan.Move: "moves its issue",
	}[c.Step.Verb]
	text := "the next run " + what + ": " + c.Step.Reason
	if p := c.Past; p != nil && p.Outcome == plan.Skipped && p.Trouble != "" {
		text += " (skipped on " + at(p.EndedAt) + ": " + p.Trouble + ")"
	}
	return text
}
