package issue

import (
	"slices"
	"strings"
)

// Person is a user of the tracker.
type Person struct {
	ID       int64
	Username string // without @
}

// Gave is what cxm gave an issue, and people may think better of.
type Gave struct {
	Known     bool    `json:",omitzero"` // false: it was made before this was remembered
	Owner     string  `json:",omitzero"` // whom its text names; empty: nobody
	Assignees []int64 `json:",omitzero"` // whom it was assigned to when it was made
}

// Verdict is what people made of what cxm gave an issue, as far as was seen. The
// empty one says nothing.
type Verdict string

// The verdicts.
const (
	Corrected Verdict = "corrected" // they gave it to somebody else, or moved it
	Kept      Verdict = "kept"      // they closed it as it was
)

// Verdict is what people made of it. A comment says nothing: the tracker counts
// them, and does not tell whose they are.
func (t Tracked) Verdict() Verdict {
	switch {
	case t.Phase != Live || t.Observed.MovedToID != 0:
		return ""
	case t.Relocated() != 0 || len(t.Reassigned()) > 0:
		return Corrected
	case t.Override == Closed && t.Gave.Known && t.asGiven():
		return Kept
	}
	return ""
}

// Relocated is the project that people moved it to; 0: it is where it was sent, or
// it is not known where that was.
func (t Tracked) Relocated() int64 {
	if t.Phase != Live || t.Routed == 0 || t.Move.InDoubt() || t.Observed.ProjectID == t.Routed {
		return 0
	}
	return t.Observed.ProjectID
}

// Reassigned is whom people gave it to instead of those that cxm gave it to; none:
// they did not, or it is not known. Whoever came to those is no correction, and
// neither is that the owner whom the text names took it.
func (t Tracked) Reassigned() []Person {
	if !t.Gave.Known || len(t.Gave.Assignees) > 0 && t.keptSome() {
		return nil
	}
	for _, p := range t.Observed.Assignees {
		if strings.EqualFold("@"+p.Username, t.Gave.Owner) {
			return nil
		}
	}
	return t.Observed.Assignees
}

// keptSome says that one whom cxm assigned it to still is.
func (t Tracked) keptSome() bool { return slices.ContainsFunc(t.Gave.Assignees, t.has) }

// asGiven says that all whom cxm assigned it to still are.
func (t Tracked) asGiven() bool {
	return !slices.ContainsFunc(t.Gave.Assignees, func(id int64) bool { return !t.has(id) })
}

func (t Tracked) has(id int64) bool {
	return slices.ContainsFunc(t.Observed.Assignees, func(p Person) bool { return p.ID == id })
}

// giving is what cxm has given t once it wrote d, and o is what the tracker
// answered. Whom an issue is assigned to of which that was not remembered, people
// may have chosen before: nothing is made of it.
func (t Tracked) giving(d Desired, o Observed) Gave {
	switch {
	case t.Phase == Intended:
		return Gave{Known: true, Owner: d.Owner, Assignees: assigned(o)}
	case t.Gave.Known || len(o.Assignees) == 0:
		return Gave{Known: true, Owner: d.Owner, Assignees: t.Gave.Assignees}
	}
	return t.Gave
}

func assigned(o Observed) []int64 {
	var out []int64
	for _, p := range o.Assignees {
		out = append(out, p.ID)
	}
	return out
}
