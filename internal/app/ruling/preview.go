package ruling

import (
	"cmp"
	"context"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// Decider decides about a group under some rules.
type Decider interface {
	Decide(ctx context.Context, g rule.Group, have []issue.Tracked) []plan.Step
}

// Groups reads every group with its issues, again and again.
type Groups func(ctx context.Context, yield func(rule.Group, []issue.Tracked) error) error

// Difference is what other rules would do otherwise with one group.
type Difference struct {
	Was plan.Step // under the rules in force; Verb empty: nothing was decided about such a group
	Is  plan.Step // under the other ones; Verb empty: there is no such group any more
}

// Preview compares what two sets of rules would do with everything stored. Nothing
// is written. Groups whose findings stay together are decided on as they are read;
// the others are held in memory until it is known where their findings go. Coming are
// the creates that are the same under both, without the texts of the issues: budgets
// may let them go at other times.
func Preview(ctx context.Context, groups Groups, other *Compiled, was, is Decider) (differences, coming []Difference, err error) {
	p := &previewing{
		ctx: ctx, book: other, was: was, is: is, moving: map[rule.GroupKey]bool{}, into: map[rule.GroupKey]*gathered{},
		have: map[rule.GroupKey][]issue.Tracked{}, made: map[rule.GroupKey]map[int64]rule.ChildIssue{},
	}
	if err := groups(ctx, func(g rule.Group, have []issue.Tracked) error { p.mark(g, have); return nil }); err != nil {
		return nil, nil, err
	}
	if err := groups(ctx, p.take); err != nil {
		return nil, nil, err
	}
	p.regroup()
	return p.out, p.coming, nil
}

type previewing struct {
	ctx    context.Context
	book   *Compiled
	was    Decider
	is     Decider
	moving map[rule.GroupKey]bool // findings leave it, or come to it
	old    []rule.Group           // of these, those that have findings
	empty  []rule.Group           // and those that have none now
	have   map[rule.GroupKey][]issue.Tracked
	made   map[rule.GroupKey]map[int64]rule.ChildIssue // what a parent lists of each group
	into   map[rule.GroupKey]*gathered
	coming []Difference
	out    []Difference
}

// mark finds out which groups do not stay as they are. What a parent lists may be
// otherwise even where its findings stay.
func (p *previewing) mark(g rule.Group, have []issue.Tracked) {
	p.list(g.Key, have)
	if g.Left != nil {
		return
	}
	if g.Parent {
		p.moving[g.Key] = true
	}
	for i := range g.Members {
		stays := false
		for _, a := range p.book.Assign(&g.Members[i].Finding) {
			if a.Group == g.Key {
				stays = true
			} else {
				p.moving[a.Group] = true
			}
		}
		if !stays {
			p.moving[g.Key] = true
		}
	}
}

// take decides about a group that stays, and holds the others.
func (p *previewing) take(g rule.Group, have []issue.Tracked) error {
	switch {
	case g.Left != nil && p.moving[g.Key]:
		p.empty = append(p.empty, g)
		p.have[g.Key] = have
	case g.Left != nil:
		p.compare(g, g, have, have)
	case !p.moving[g.Key]:
		p.compare(g, p.ruled(g), have, have)
		for _, m := range g.Members {
			p.send(m)
		}
	default:
		p.old = append(p.old, g)
		p.have[g.Key] = have
	}
	return nil
}

// send puts a finding of a group that stays into those that do not.
func (p *previewing) send(m rule.Member) {
	for _, a := range p.book.Assign(&m.Finding) {
		if p.moving[a.Group] {
			p.add(a, m)
		}
	}
}

// ruled is the group with the rule that keeps it together under the other rules.
func (p *previewing) ruled(g rule.Group) rule.Group {
	lead := g.Lead().Finding
	for _, a := range p.book.Assign(&lead) {
		if a.Group == g.Key {
			g.Rule, g.Ignored = a.Rule, a.Excuse()
			if a.Ignored {
				g.Rule = ""
			}
		}
	}
	return g
}

// compare keeps what the other rules would do otherwise.
func (p *previewing) compare(was, is rule.Group, had, have []issue.Tracked) {
	before, after := first(p.was.Decide(p.ctx, was, had)), first(p.is.Decide(p.ctx, is, have))
	p.keep(before, after)
}

func (p *previewing) keep(before, after plan.Step) {
	switch {
	case !same(before, after):
		p.out = append(p.out, Difference{Was: before, Is: after})
	case after.Verb == plan.Create:
		p.coming = append(p.coming, Difference{Was: untold(before), Is: untold(after)})
	}
}

// untold is a create without the text of its issue, of which there may be very many.
func untold(s plan.Step) plan.Step {
	want := *s.Want
	want.Body = ""
	s.Want = &want
	return s
}

// first is the step that speaks for the group.
func first(steps []plan.Step) plan.Step {
	for _, s := range steps {
		if s.Have == nil || s.Have.Phase != issue.Duplicate {
			return s
		}
	}
	return plan.Step{}
}

func same(a, b plan.Step) bool {
	switch {
	case a.Verb != b.Verb:
		return a.Verb == "" && b.Verb == plan.Nothing || b.Verb == "" && a.Verb == plan.Nothing
	case a.Verb == plan.Nothing || a.Verb == "":
		return true
	case a.Want == nil || b.Want == nil:
		return a.Want == b.Want && a.To == b.To && a.Project == b.Project
	}
	return a.To == b.To && a.Project == b.Project && a.Want.Title == b.Want.Title && a.Want.Body == b.Want.Body && slices.Equal(a.Want.Labels, b.Want.Labels)
}

// regroup puts the findings of the held groups together anew, hands issues on as
// the store would, and decides.
func (p *previewing) regroup() {
	stays := map[rule.GroupKey]bool{}
	for _, g := range p.old {
		for _, m := range g.Members {
			for _, a := range p.book.Assign(&m.Finding) {
				p.add(a, m)
				stays[g.Key] = stays[g.Key] || a.Group == g.Key
			}
		}
	}
	handed := p.handOn(stays)
	p.drop()
	p.remake(handed)
}

// handOn gives the issues of groups that do not stay to where their findings go.
func (p *previewing) handOn(stays map[rule.GroupKey]bool) map[rule.GroupKey][]issue.Tracked {
	handed := map[rule.GroupKey][]issue.Tracked{}
	slices.SortStableFunc(p.old, func(a, b rule.Group) int { return seniority(p.have[a.Key], p.have[b.Key]) })
	for _, g := range p.old {
		have := p.have[g.Key]
		if stays[g.Key] || !active(have) {
			continue
		}
		heir, ok := p.heir(g)
		if !ok || active(p.have[heir]) || handed[heir] != nil {
			p.compare(g, p.emptied(g, heir), have, have)
			continue
		}
		handed[heir] = have
		p.list(heir, have)
	}
	return handed
}

// drop keeps what would have been made and is not.
func (p *previewing) drop() {
	for _, g := range p.old {
		if p.into[g.Key] == nil && !active(p.have[g.Key]) {
			if before := first(p.was.Decide(p.ctx, g, p.have[g.Key])); before.Verb != "" && before.Verb != plan.Nothing {
				p.out = append(p.out, Difference{Was: before})
			}
		}
	}
}

// remake decides about the groups as they are put together anew.
func (p *previewing) remake(handed map[rule.GroupKey][]issue.Tracked) {
	before := map[rule.GroupKey]rule.Group{}
	for _, g := range slices.Concat(p.old, p.empty) {
		before[g.Key] = g
	}
	for key, g := range p.into {
		have := p.have[key]
		if given := handed[key]; given != nil {
			have = slices.Concat(given, have)
		}
		var was plan.Step
		if old, ok := before[key]; ok {
			was = first(p.was.Decide(p.ctx, old, p.have[key]))
		}
		p.keep(was, first(p.is.Decide(p.ctx, g.whole(p.made), have)))
	}
}

func (p *previewing) add(a rule.Assignment, m rule.Member) {
	g := p.into[a.Group]
	if g == nil {
		g = &gathered{group: rule.Group{Key: a.Group, Rule: a.Rule, Ignored: a.Excuse(), Parent: a.Parent()}, in: map[finding.Key]bool{}}
		if a.Ignored {
			g.group.Rule = ""
		}
		p.into[a.Group] = g
	}
	g.add(a.Child, m)
}

// heir is the group that the lead of one goes to; not ok: a parent's issue goes to a
// parent alone, and there is none.
func (p *previewing) heir(g rule.Group) (key rule.GroupKey, ok bool) {
	lead := g.Lead().Finding
	for _, a := range p.book.Assign(&lead) {
		if a.Parent() == g.Parent {
			return a.Group, true
		}
	}
	return "", false
}

// seniority is the order in which issues are handed on: open ones first, then the
// oldest.
func seniority(a, b []issue.Tracked) int {
	rank := func(have []issue.Tracked) (closed, id int64) {
		for _, t := range have {
			if t.Phase == issue.Live || t.Phase == issue.Intended || t.Phase == issue.InDoubt || t.Phase == issue.Lost {
				if t.Observed.State == issue.Closed {
					closed = 1
				}
				return closed, t.ID
			}
		}
		return 2, 0
	}
	closedA, idA := rank(a)
	closedB, idB := rank(b)
	return cmp.Or(cmp.Compare(closedA, closedB), cmp.Compare(idA, idB))
}

// emptied is a group that all findings left.
func (p *previewing) emptied(g rule.Group, heir rule.GroupKey) rule.Group {
	lead := g.Lead()
	lead.Sighting.Detection = finding.Absent
	g.Members, g.Children, g.Left = []rule.Member{lead}, nil, &rule.Elsewhere{Group: heir}
	return g
}

// active says that an issue speaks for the group.
func active(have []issue.Tracked) bool {
	return slices.ContainsFunc(have, func(t issue.Tracked) bool {
		return t.Phase == issue.Intended || t.Phase == issue.InDoubt || t.Phase == issue.Live || t.Phase == issue.Lost
	})
}
