package plan

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/rule"
)

// Beneath is what there is of the issues that an issue lists.
type Beneath struct {
	Made int             // so many there are
	Not  []rule.GroupKey // groups whose issues there are not
}

// above ranks what lists others behind everything it may list, so that it is
// written last.
func (s Step) above() int {
	if s.Beneath != nil && s.Verb != Nothing {
		return 1
	}
	return 0
}

// rank is the order of steps by what they do: what is left alone stands last.
func rank(a, b Step) int {
	nothing := func(s Step) int {
		if s.Verb == Nothing {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(nothing(a), nothing(b)),
		cmp.Compare(a.above(), b.above()),
		cmp.Compare(a.Verb.order(), b.Verb.order()),
	)
}

// Parents leaves out the issues that would list none: an issue that lists others
// comes with the first of these. Coming says that the issue of a group is made
// besides the plan; it may be nil.
func Parents(p Plan, coming func(rule.GroupKey) bool) Plan {
	made := map[rule.GroupKey]bool{}
	parents := false
	for _, s := range p.Steps {
		if s.Verb == Create {
			made[s.Group] = true
			parents = parents || s.Beneath != nil
		}
	}
	if !parents {
		return p
	}
	steps := make([]Step, len(p.Steps))
	for i, s := range p.Steps {
		if s.Verb == Create && s.early(func(key rule.GroupKey) bool { return made[key] || coming != nil && coming(key) }) {
			s = s.wait("it comes with the first of the issues that it lists, and none is there yet")
			s.Later = false // it is decided on again when one is made
		}
		steps[i] = s
	}
	out := New(steps, p.Unchanged)
	out.Held, out.Capped, out.Below = p.Held, p.Capped, p.Below
	return out
}

// Vain says that a step would make an issue that lists none, as none is there.
func (s Step) Vain() bool {
	return s.Verb == Create && s.early(func(rule.GroupKey) bool { return false })
}

// Counts is what a sum over steps adds of it: nothing for an issue that lists others,
// whose saving is that of the issues it lists.
func (s Step) Counts() (amount decimal.NullDecimal, currency string) {
	if s.Beneath != nil {
		return money.Unknown(), ""
	}
	return s.Savings, s.Currency
}

// early says that a step makes an issue that would list none.
func (s Step) early(made func(rule.GroupKey) bool) bool {
	return s.Beneath != nil && s.Beneath.Made == 0 && !slices.ContainsFunc(s.Beneath.Not, made)
}

// Apart divides steps into those about issues that list others, and the rest, each
// in its order.
func Apart(steps []Step) (rest, parents []Step) {
	for _, s := range steps {
		if s.above() > 0 {
			parents = append(parents, s)
		} else {
			rest = append(rest, s)
		}
	}
	return rest, parents
}
