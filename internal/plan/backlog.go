package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Backlog is what waits for its turn in one project for one team.
type Backlog struct {
	Project int64
	Team    string       // empty: no team's
	Lines   []Line       // those whose turn comes first, first
	Reasons []Reason     // why they wait, the most frequent first
	Oldest  time.Time    // since when the oldest is known; zero: of none it is
	Next    time.Time    // when the next can go at the earliest; zero: not known
	Savings money.Totals // per month, of all of them
	Unknown int          // of how many the saving is not known
}

// Line is one issue that waits, for people. Title is as the would be;
// what a finding says is in it, so it is foreign text.
type Line struct {
	Group    rule.GroupKey
	Title    string
	Savings  decimal.NullDecimal // per month; null: unknown
	Currency string
	Since    time.Time // when it appeared; zero: not known
	Why      string
	Next     time.Time // when it can go at the earliest; zero: not known
}

// Reason is why so many wait.
type Reason struct {
	Why   string
	Count int
}

// Backlogs lists what waits under budgets in a plan over all groups, or over those
// that changed, as what waits is always among them: ordered by project and team.
// What is below a minimum does not wait, and is not among it.
func Backlogs(p Plan, l Limits) []Backlog {
	type place struct {
		project int64
		team    string
	}
	at := map[place]*Backlog{}
	for _, s := range l.waiting(p) {
		key := place{s.Answer.Project, s.Team}
		if at[key] == nil {
			at[key] = &Backlog{Project: key.project, Team: key.team, Savings: money.Totals{}}
		}
		at[key].add(s)
	}
	out := make([]Backlog, 0, len(at))
	for _, b := range at {
		slices.SortStableFunc(b.Reasons, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why)) })
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b Backlog) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Team, b.Team))
	})
	return out
}

// Digests lists by project what waits there under budgets that ask for a digest, of
// all its teams, in the order in which it will go.
func Digests(p Plan, l Limits) map[int64][]Line {
	out := map[int64][]Line{}
	for _, s := range l.waiting(p) {
		if s.Answer.Digest {
			out[s.Answer.Project] = append(out[s.Answer.Project], s.line())
		}
	}
	return out
}

// free says that a step asks for nobody's attention: no cap, budget or brake holds
// it.
func (s Step) free() bool { return s.Want != nil && s.Want.Free }

// With is the plan with other steps in the place of those about the groups, which
// were decided on anew. No cap, budget or brake bounds them.
func (p Plan) With(steps []Step, groups []rule.GroupKey) Plan {
	kept := slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return slices.Contains(groups, s.Group) })
	out := New(append(kept, steps...), p.Unchanged)
	out.Held, out.Capped, out.Below = p.Held, p.Capped, p.Below
	return out
}

// waiting lists the steps that wait for their turn, in the order of Cap.
func (l Limits) waiting(p Plan) []Step {
	asked := map[int]bool{}
	for i, s := range p.Steps {
		asked[i] = s.Answer.Outcome == attention.Waits
	}
	var out []Step
	for _, i := range l.turns(p, func(i int) bool { return asked[i] }) {
		out = append(out, p.Steps[i])
	}
	return out
}

func (s Step) line() Line {
	return Line{Group: s.Group, Title: s.Title, Savings: s.Savings, Currency: s.Currency, Since: s.Since, Why: s.Reason, Next: s.Answer.Next}
}

// add puts a step that waits behind the others.
func (b *Backlog) add(s Step) {
	b.Lines = append(b.Lines, s.line())
	if b.Savings.Add(s.Counts()); !s.Savings.Valid {
		b.Unknown++
	}
	b.Oldest, b.Next = earlier(b.Oldest, s.Since), earlier(b.Next, s.Answer.Next)
	for i := range b.Reasons {
		if b.Reasons[i].Why == s.Reason {
			b.Reasons[i].Count++
			return
		}
	}
	b.Reasons = append(b.Reasons, Reason{s.Reason, 1})
}

// earlier is the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// since is when the first of a group's present members appeared; zero: not known.
func since(g rule.Group) time.Time {
	var first time.Time
	for i := range g.Members {
		m := &g.Members[i]
		if at := m.Sighting.Since; m.Sighting.Detection == finding.Present && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
