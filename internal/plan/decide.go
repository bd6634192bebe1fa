package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
)

// ClosedWords begin the status of an issue that cxm closed. A block that holds
// them was written together with the closing.
const ClosedWords = "**Closed by cxm**"

// Policy is how cautious decisions are. The zero value is not usable: start
// from DefaultPolicy.
type Policy struct {
	ReopenWindow time.Duration    // since GitLab's closed_at; at its very end the same issue still comes back
	Growth       decimal.Decimal  // a saving this many times the one last shown reopens what a person closed
	Thresholds   issue.Thresholds // how far an amount must move before an issue is edited for it
	MaxRepeats   int              // times the same text is written again after somebody changed it
	Proof        int              // complete snapshots in a row that prove absence; for the words only
	Calm         time.Duration    // after cxm reopened an issue, its last write must be this old before it is closed again; 0: no wait
	Manual       bool             // people close what is gone; cxm says in the issue that it is
	OnRoute      rule.OnChange    // what happens to an open issue whose route changed; empty: it is moved
	Recreate     bool             // an issue that GitLab does not list any more is made again, instead of held
	Retry        time.Duration    // after a move was refused, so long nothing is moved again
}

// DefaultPolicy is what a new installation does.
func DefaultPolicy() Policy {
	return Policy{
		ReopenWindow: 30 * 24 * time.Hour,
		Growth:       decimal.NewFromInt(2),
		Thresholds:   issue.DefaultThresholds(),
		MaxRepeats:   1,
		Proof:        2,
		Calm:         time.Hour,
		OnRoute:      rule.Move,
		Retry:        time.Hour,
	}
}

// Case is everything one decision depends on.
type Case struct {
	Now    time.Time // the tracker's clock
	Group  rule.Group
	Want   issue.Desired
	Have   []issue.Tracked // every issue of the group, in the order they were made
	Shut   string          // why the project of Want.Route takes no issue now; empty: it does, as far as is known
	Astray string          // why it is not known where its issue belongs: none is made or moved until it is; empty: it is known
}

// Decide says what is to be done about one group.
//
//	detection  the issue cxm has                        step
//	---------  ---------------------------------------  -----------------------------------------
//	present    none                                     + create
//	present    none, and missing from a snapshot since  = wait for proof
//	present    none, and where it belongs is not known  = held
//	present    create in doubt                          = look it up first
//	present    cannot be seen                           = hold: 404 is not deleted
//	present    not listed any more, by policy           + create, naming the earlier issue
//	present    open, and its route changed              > move, or close it for a new one there
//	present    open, a person moved it elsewhere        = theirs to route
//	present    open, its move was refused               = hold, and keep it true where it is
//	present    open, says the same                      =
//	present    open, people ticked lines of a list      =
//	present    open, says something else                ~ update cxm's block, title and labels
//	present    open, people edited inside the block     ~ update, at most MaxRepeats times
//	present    open, people removed the block           = leave the description to them
//	present    closed by cxm, missing from a snapshot   = wait for proof
//	present    closed by cxm, inside the window         ^ reopen
//	present    closed by cxm, after the window          + create, naming the earlier issue
//	present    closed by cxm, for one in another project + create there, naming the earlier issue
//	present    closed by a person                       = theirs to reopen
//	present    closed by a person, grown since          ^ reopen
//	absent     open                                     - close
//	absent     open, and people close it by policy      ~ say that it is gone
//	absent     open, reopened by cxm just now           = wait: what flaps is quiet
//	absent     open, reopened by a person               = theirs to close
//	absent     closed, in doubt, unseen                 =
//	absent     open, its findings are in another one    - close, naming that
//	absent     none                                     (no step at all)
//	ignored    none                                     = no rule makes an issue of it
//	ignored    open                                     - close: the rules say so, its source need not
//	ignored    open, reopened by a person               = theirs to close
//	ignored    closed                                   = never reopened
//	set aside  none, or closed                          = until people or the clock say otherwise
//	set aside  open                                     ~ say so: theirs to close
//	set aside  not listed any more, by policy           = hold
//	any        its move is in doubt                     = look it up first
//	unknown    any                                      = nothing is known
//	any        another one whose create came late       - close the duplicate, besides the above
//
// Set aside is what is present, and all of it snoozed or excepted by people
// (rule.Group.Shelved). A group of which only a part is set aside is decided on as if
// that were not there, but for its text, which tells of it. While an end is set to
// any of it, the group is looked at again.
//
// Every step carries its reason. The order of Group.Members and Have does not
// matter beyond what their doc comments promise.
func Decide(p Policy, c Case) []Step {
	d := decider{Policy: p, Case: c, before: c.Have}
	d.Have = d.routed()
	var steps []Step
	for i := range d.Have {
		if s, ok := d.duplicate(&d.Have[i]); ok {
			steps = append(steps, s)
		}
	}
	if s, ok := d.main(); ok {
		steps = append(steps, d.kept(d.timed(s)))
	}
	return steps
}

// decider is one decision in the making.
type decider struct {
	Policy
	Case
	before []issue.Tracked // Have as it is stored
}

// step starts a step about an issue (nil: about none).
func (d *decider) step(v Verb, t *issue.Tracked, reason string, args ...any) Step {
	s := Step{
		Verb: v, Reason: fmt.Sprintf(reason, args...), Group: d.Group.Key, Kind: d.Want.Kind, Title: d.Want.Title,
		Savings: d.Want.Savings, Currency: d.Want.Currency, Have: t, Version: d.Group.Version,
		Team: d.Want.Team, Rule: d.Group.Rule, Since: since(d.Group),
	}
	if t != nil {
		s.Project = t.Observed.ProjectID
		if t.Observed.Title != "" {
			s.Title = t.Observed.Title
		}
	}
	if v != Nothing {
		s.Want = &d.Want
	}
	return s
}

// current is the issue that speaks for the group, nil when there is none. A
// create that appeared late speaks when no other does.
func (d *decider) current() *issue.Tracked {
	for i := range d.Have {
		switch d.Have[i].Phase {
		case issue.Intended, issue.InDoubt, issue.Live, issue.Lost:
			return &d.Have[i]
		}
	}
	for i := range d.Have {
		if d.Have[i].Phase == issue.Duplicate && d.Have[i].Observed.State == issue.Opened {
			return &d.Have[i]
		}
	}
	return nil
}

// earlier is the last issue that spoke for the group before, nil when none did.
func (d *decider) earlier() *issue.Tracked {
	for i := range slices.Backward(d.Have) {
		if d.Have[i].Phase == issue.Retired {
			return &d.Have[i]
		}
	}
	return nil
}

func (d *decider) duplicate(t *issue.Tracked) (Step, bool) {
	if t.Phase != issue.Duplicate || t == d.current() || t.Observed.State != issue.Opened || t.Written.State == issue.Closed {
		return Step{}, false
	}
	other := "another issue"
	if now := d.current(); now != nil && now.Observed.IID != 0 {
		other = reference(*now, t.Observed.ProjectID)
	}
	s := d.step(Close, t, "a duplicate of %s: GitLab carried out this create long after it had gone unanswered", other)
	s.Status = fmt.Sprintf(ClosedWords+": a duplicate of %s.", other)
	s.Change = issue.Change{State: issue.Closed}
	return s, true
}

func (d *decider) main() (Step, bool) {
	t := d.current()
	detection := d.Group.Detection()
	switch {
	case t == nil && detection == finding.Absent:
		return Step{}, false
	case t == nil && d.Group.Ignored != "":
		return d.step(Nothing, nil, "no rule makes an issue of it: %s", d.Group.Ignored), true
	case t == nil && d.Group.Shelved:
		return d.step(Nothing, nil, "no issue is made of it: %s", d.shelved()), true
	case t == nil && detection == finding.Present:
		return d.none(), true
	case t == nil:
		return d.step(Nothing, nil, "the source does not say whether it is there"), true
	case t.Phase == issue.Intended || t.Phase == issue.InDoubt:
		return d.step(Nothing, t, "its create is in doubt: GitLab's answer was lost, so cxm looks before it tries again"), true
	case t.Phase == issue.Lost && d.Recreate && t.Missing >= Confirmed && detection == finding.Present && d.Group.Ignored == "" && !d.Group.Shelved:
		return d.replace(t, "%s is not listed any more, and missing issues are made again", reference(*t, 0)), true
	case t.Phase == issue.Lost:
		return d.step(Nothing, t, "%s cannot be seen any more (deleted, hidden, or the account lost its role): held, never made again by itself", reference(*t, 0)), true
	case t.Move.InDoubt():
		s := d.step(Nothing, t, "its move to project %d is in doubt: GitLab's answer was lost, so cxm looks before it tries again", t.Move.To)
		s.Later = true
		return s, true
	case d.Group.Ignored != "" && detection != finding.Absent:
		return d.unwanted(t), true
	case detection == finding.Present && t.Observed.State == issue.Opened:
		return d.placed(t), true
	case detection == finding.Present:
		return d.closed(t), true
	case detection == finding.Absent && t.Observed.State == issue.Opened:
		return d.gone(t), true
	case detection == finding.Absent:
		return d.step(Nothing, t, "gone, and its issue is closed"), true
	}
	return d.step(Nothing, t, "the source does not say whether it is there"), true
}

// none decides about a present group without an issue.
func (d *decider) none() Step {
	if missed := d.missed(); missed != "" {
		return d.step(Nothing, nil, "no issue while it is %s", missed)
	}
	if d.Astray != "" {
		return d.astray()
	}
	s := d.step(Create, nil, "%s, and no issue says so yet", d.reported())
	s.Project = d.Want.Route.Project
	if was := d.earlier(); was != nil {
		s.Status = fmt.Sprintf("Reported before in %s, which is closed.", reference(*was, cmp.Or(s.Project, was.Observed.ProjectID)))
	}
	return s
}

// missed says how often every present member was missing lately, or "" when at
// least one was there.
func (d *decider) missed() string {
	most := 0
	for _, m := range d.Group.Present() {
		if m.Sighting.Absences == 0 {
			return ""
		}
		most = max(most, m.Sighting.Absences)
	}
	return fmt.Sprintf("missing from %d of %d complete snapshots in a row", most, d.Proof)
}

// reported names the sources behind the present members.
func (d *decider) reported() string {
	if _, ok := d.Group.Backlog(); ok {
		return "findings wait for their turn"
	}
	var names []string
	for _, m := range d.Group.Present() {
		names = append(names, m.Finding.SourceSystem)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 1 {
		return names[0] + " reports it"
	}
	return fmt.Sprintf("%d sources report it", len(names))
}

// open decides about a present group whose issue is open.
func (d *decider) open(t *issue.Tracked) Step {
	own, marked := issue.Own(t.Observed.Description, t.Nonce)
	reason, repeat := d.differs(t, own.Text)
	switch {
	case !marked:
		return d.agreed(d.step(Nothing, t, "a person removed cxm's block, so the description is theirs"))
	case reason == "":
		reason = "says what it should"
		if missed := d.missed(); missed != "" {
			reason = missed
		}
		if d.Group.Shelved {
			reason = d.shelved() + "; its issue says so, and is for people to close"
		}
		return d.agreed(d.step(Nothing, t, "%s", reason))
	case repeat && t.Written.Repeats >= d.MaxRepeats:
		return d.agreed(d.step(Nothing, t, "cxm wrote the same text %d times and it was changed again each time: left alone", t.Written.Repeats+1))
	}
	s := d.step(Update, t, "%s", reason)
	s.Status = returned(t.Written.Status, t.Returns)
	s.Change = d.change(t, s.Status)
	switch {
	case !s.Change.Empty():
		return s
	case crowded(own.Text):
		return d.agreed(d.step(Nothing, t, "there is no room in the description for what cxm has to say, and it says so"))
	}
	return d.silent(t, own.Text, reason)
}

// differs says why an open issue must be edited, "" when it need not be, and
// whether the edit would write what was written before.
func (d *decider) differs(t *issue.Tracked, block string) (reason string, repeat bool) {
	was := t.Written
	if d.Want.Severity != was.Severity && !d.priced(was) {
		return fmt.Sprintf("severity is %s, was %s", d.Want.Severity, was.Severity), false
	}
	if moved, why := issue.Significant(was.Savings, d.Want.Savings, was.Currency, d.Want.Currency, d.Thresholds); moved {
		return why, false
	}
	if d.Want.Digest != was.Digest {
		return "what it says changed", false
	}
	if d.Want.Severity == was.Severity && slices.ContainsFunc(d.Want.Labels, func(label string) bool { return !slices.Contains(was.Labels, label) }) {
		return "labels did not come along to its project", false
	}
	if crowded(block) {
		return "there may be room for what cxm has to say", false
	}
	if block != was.Block && issue.Unticked(block) != issue.Unticked(was.Block) {
		return "somebody edited inside cxm's block; text outside of it stays", true
	}
	return "", false
}

// priced says that the saving is known now as before. The severity of such an
// opportunity follows from the amount, and would flap with an amount that
// jitters around a threshold; the amount itself has thresholds of its own.
func (d *decider) priced(was issue.Written) bool {
	return d.Want.Savings.Valid && was.Savings.Valid && d.Want.Currency == was.Currency
}

// closed decides about a present group whose issue is closed.
func (d *decider) closed(t *issue.Tracked) Step {
	if d.Group.Shelved {
		return d.step(Nothing, t, "closed, and not reopened: %s", d.shelved())
	}
	if t.Override == issue.Closed {
		grown := d.grown(shown(t))
		if grown == "" {
			return d.heard(d.step(Nothing, t, "a person closed %s: it stays closed until they reopen it or it grows", reference(*t, t.Observed.ProjectID)))
		}
		return d.reopen(t, "a person closed it, but "+grown)
	}
	age := d.Now.Sub(t.Observed.ClosedAt)
	strayed := d.strayed(t)
	missed := d.missed()
	switch {
	case missed != "":
		return d.step(Nothing, t, "closed, and not reopened while it is %s", missed)
	case strayed && d.OnRoute == rule.CloseAndLink && d.Shut == "":
		return d.replace(t, "%s belongs in %s now, and is closed", reference(*t, 0), d.there())
	case age <= d.ReopenWindow:
		s := d.reopen(t, d.reported()+" again, "+days(age)+" after it was closed")
		s.Later = strayed // then it is to be moved
		return s
	}
	s := d.replace(t, "%s again, %s after %s was closed", d.reported(), days(age), reference(*t, t.Observed.ProjectID))
	s.Status = fmt.Sprintf("Reported before in %s, which was closed %s ago.", reference(*t, s.Project), days(age))
	return s
}

// reopened begins the status of an issue that cxm reopened. It is how a later
// decision knows, since an issue's status stays until its state changes.
const reopened = "**Reopened by cxm**"

func (d *decider) reopen(t *issue.Tracked, reason string) Step {
	s := d.step(Reopen, t, "%s", reason)
	s.Status = returned(fmt.Sprintf(reopened+" on %s: %s.", d.Now.UTC().Format(time.DateOnly), reason), t.Returns)
	s.Change = d.change(t, s.Status)
	s.Change.State = issue.Opened
	return s
}

// gone decides about an absent group whose issue is open.
func (d *decider) gone(t *issue.Tracked) Step {
	if t.Written.State == issue.Closed && t.Override == issue.Opened {
		return d.step(Nothing, t, "gone, but a person reopened it: theirs to close")
	}
	reason := d.proof()
	if d.Group.Left != nil {
		reason = d.regrouped(t)
	}
	if d.restless(t) {
		s := d.step(Nothing, t, "%s, but it was reopened lately: closed once nothing has happened for %d minutes", reason, int(d.Calm.Minutes()))
		s.Later = true // it is looked at again though nothing about it changes
		return s
	}
	if d.Manual && d.Group.Left == nil {
		return d.told(t, reason)
	}
	return d.close(t, reason)
}

// close closes an issue and says why in it.
func (d *decider) close(t *issue.Tracked, reason string) Step {
	s := d.step(Close, t, "%s", reason)
	s.Status = fmt.Sprintf(ClosedWords+" on %s: %s.", d.Now.UTC().Format(time.DateOnly), reason)
	s.Change = d.change(t, s.Status)
	s.Change.State = issue.Closed
	return s
}

// restless says that an issue came back only just now. Closing it at once would
// open and close it with every turn of a thing that flaps.
func (d *decider) restless(t *issue.Tracked) bool {
	return strings.HasPrefix(t.Written.Status, reopened) && d.Now.Sub(t.Written.At) < d.Calm
}

// proof says how the absence of every member was proved.
func (d *decider) proof() string {
	if _, ok := d.Group.Backlog(); ok {
		return "nothing waits for its turn here any more"
	}
	for _, m := range d.Group.Members {
		if m.Sighting.Absences > 0 {
			return fmt.Sprintf("missing from %d complete snapshots in a row", m.Sighting.Absences)
		}
	}
	return "its source says that it is resolved"
}

// change is what an edit of the issue sends: cxm's block in the description, with
// what people ticked in it, a title nobody else changed, and the labels cxm has
// not set before.
func (d *decider) change(t *issue.Tracked, status string) issue.Change {
	var c issue.Change
	if own, ok := issue.Own(t.Observed.Description, t.Nonce); ok {
		if text, fits := d.fitted(t, own, status); fits {
			c.Description = &text
		}
	}
	if t.Observed.Title == t.Written.Title && d.Want.Title != t.Observed.Title && d.Group.Detection() == finding.Present {
		c.Title = &d.Want.Title
	}
	for _, label := range d.Want.Labels {
		if !slices.Contains(t.Written.Labels, label) && !slices.Contains(t.Observed.Labels, label) {
			c.AddLabels = append(c.AddLabels, label)
		}
	}
	for _, label := range t.Written.Labels {
		if !slices.Contains(d.Want.Labels, label) && slices.Contains(t.Observed.Labels, label) {
			c.RemoveLabels = append(c.RemoveLabels, label)
		}
	}
	return c
}

// reference writes a GitLab reference to an issue as seen from a project: short
// inside its own project, the address elsewhere.
func reference(t issue.Tracked, project int64) string {
	if t.Observed.ProjectID == project || t.Observed.WebURL == "" {
		return fmt.Sprintf("#%d", t.Observed.IID)
	}
	return t.Observed.WebURL
}

// days shows an age to a person.
func days(age time.Duration) string {
	switch n := int(age.Hours() / 24); {
	case age < time.Hour:
		return "less than an hour"
	case n < 1:
		return fmt.Sprintf("%d hours", int(age.Hours()))
	case n == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
