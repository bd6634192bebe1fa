package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/app/ruling"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Preview is what other rules would do with everything that is stored, compared
// with those in force.
type Preview struct {
	Integration integration.Integration
	Steps       []plan.Step // under the other rules, where they differ; in the plan's order, and then what budgets let go or keep otherwise
	Gone        []plan.Step // that the rules in force would take, and the other ones not
	Totals      []PreviewTotal
	Waits       int // creates among Steps that a budget holds back
}

// PreviewTotal is the same for one project.
type PreviewTotal struct {
	Project string // its path, or its number where the path is not known
	Verbs   map[plan.Verb]int
	Savings money.Totals // per month, of what is created
}

// PreviewRules compares rules with those in force. It reads GitLab, and writes
// nothing anywhere. Integration 0 is the only one there is.
func (a *App) PreviewRules(ctx context.Context, integrationID int64, file string, text []byte) (Preview, error) {
	book, err := ruling.Compile(file, text)
	if err != nil {
		return Preview{}, err
	}
	if err := a.assign(ctx); err != nil {
		return Preview{}, err
	}
	was, err := a.engine(ctx, integrationID, true, nil)
	if err != nil {
		return Preview{}, err
	}
	in := was.Integration
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return Preview{}, fmt.Errorf("reading the integrations: %w", err)
	}
	client, err := a.Open(ctx, in, true)
	if err != nil {
		return Preview{}, err
	}
	is, err := a.engine(ctx, in.ID, true, nil, func(c *reconcile.Config) {
		r := a.ruler(book, in, all, client)
		c.Ruler, c.Campaigns = r, r.Campaigns()
	})
	if err != nil {
		return Preview{}, err
	}
	if _, err := was.Look(ctx); err != nil {
		return Preview{}, err
	}
	groups := func(ctx context.Context, yield func(rule.Group, []issue.Tracked) error) error {
		return a.Store.Groups(ctx, true, yield)
	}
	differences, coming, err := ruling.Preview(ctx, groups, book, was, is)
	if err != nil {
		return Preview{}, fmt.Errorf("comparing the rules: %w", err)
	}
	return a.previewed(ctx, was, is, differences, coming)
}

// previewed orders and sums up. Coming is made under both rules.
func (a *App) previewed(ctx context.Context, was, is *reconcile.Engine, differences, coming []ruling.Difference) (Preview, error) {
	out := Preview{Integration: is.Integration}
	before, after, both := creates(differences, coming)
	var steps []plan.Step
	for _, d := range differences {
		if d.Is.Verb == "" || d.Is.Verb == plan.Nothing {
			out.Gone = append(out.Gone, d.Was)
			continue
		}
		steps = append(steps, d.Is)
	}
	steps = plan.Parents(plan.New(steps, 0), func(key rule.GroupKey) bool { return both[key] }).Changes()
	p, err := is.Bound(ctx, plan.New(slices.Concat(steps, after), 0), nil)
	if err != nil {
		return out, err
	}
	then, err := was.Bound(ctx, plan.New(before, 0), nil)
	if err != nil {
		return out, err
	}
	turned := turns(p, then, both)
	out.Steps = append(slices.DeleteFunc(slices.Clone(p.Steps), func(s plan.Step) bool { return both[s.Group] }), turned...)
	for _, s := range out.Steps {
		if s.Answer.Outcome == attention.Waits {
			out.Waits++
		}
	}
	goes := slices.DeleteFunc(turned, func(s plan.Step) bool { return s.Verb != plan.Create })
	out.Totals = totals(append(worth(steps, p), goes...), is.Integration)
	return out, nil
}

// creates are what would be made under the rules in force, what is made under both as
// the other ones make it, and the groups of these.
func creates(differences, coming []ruling.Difference) (before, after []plan.Step, both map[rule.GroupKey]bool) {
	both = map[rule.GroupKey]bool{}
	for _, d := range differences {
		if d.Was.Verb == plan.Create {
			before = append(before, d.Was)
		}
	}
	for _, d := range coming {
		before, after = append(before, d.Was), append(after, d.Is)
		both[d.Is.Group] = true
	}
	return before, after, both
}

// turns are the steps of is about what is made under both rules, as far as budgets let
// it go under one of them and not under the other.
func turns(is, was plan.Plan, both map[rule.GroupKey]bool) (out []plan.Step) {
	went := map[rule.GroupKey]plan.Step{}
	for _, s := range was.Steps {
		went[s.Group] = s
	}
	for _, s := range is.Steps {
		before := went[s.Group]
		if !both[s.Group] || before.Verb == s.Verb {
			continue
		}
		if s.Verb == plan.Create {
			s.Reason = "made at once; under the rules in force it " + strings.Replace(before.Reason, "below the minimum", "is below the minimum", 1)
		} else {
			s.Reason += "; under the rules in force it is made at once"
		}
		out = append(out, s)
	}
	return out
}

// worth are the steps without those that a budget keeps for what they are worth: they
// have no turn that comes.
func worth(steps []plan.Step, bounded plan.Plan) []plan.Step {
	below := map[rule.GroupKey]bool{}
	for _, s := range bounded.Steps {
		below[s.Group] = s.Answer.Outcome == attention.Below
	}
	return slices.DeleteFunc(slices.Clone(steps), func(s plan.Step) bool { return below[s.Group] })
}

// totals sums steps up by project.
func totals(steps []plan.Step, in integration.Integration) []PreviewTotal {
	by := map[string]*PreviewTotal{}
	for _, s := range steps {
		name := fmt.Sprint(s.Into(in.Project.ID))
		switch {
		case s.Want != nil && s.Want.Route.Path != "" && (s.Verb == plan.Create || s.Verb == plan.Move):
			name = s.Want.Route.Path
		case s.Into(in.Project.ID) == in.Project.ID:
			name = in.Project.Path
		}
		t := by[name]
		if t == nil {
			t = &PreviewTotal{Project: name, Verbs: map[plan.Verb]int{}, Savings: money.Totals{}}
			by[name] = t
		}
		t.Verbs[s.Verb]++
		if s.Verb == plan.Create {
			t.Savings.Add(s.Counts())
		}
	}
	out := make([]PreviewTotal, 0, len(by))
	for _, t := range by {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b PreviewTotal) int { return cmp.Compare(a.Project, b.Project) })
	return out
}

// Backlog lists what waits for its turn under budgets, by project and team.
func (a *App) Backlog(ctx context.Context, integrationID int64) (integration.Integration, []plan.Backlog, error) {
	if err := a.assign(ctx); err != nil {
		return integration.Integration{}, nil, err
	}
	e, err := a.engine(ctx, integrationID, true, nil, func(c *reconcile.Config) { c.Backlogs = nil })
	if err != nil {
		return integration.Integration{}, nil, err
	}
	p, err := e.Plan(ctx, true)
	if err != nil {
		return e.Integration, nil, err
	}
	return e.Integration, plan.Backlogs(p, e.Limits()), nil
}

// Campaigning is how far a campaign has come.
type Campaigning = ruling.Campaigning

// Campaigns says how far the campaigns of the rules have come. It asks nothing of
// GitLab.
func (a *App) Campaigns(ctx context.Context) ([]Campaigning, error) {
	if err := a.assign(ctx); err != nil {
		return nil, err
	}
	book, err := a.Book(ctx)
	if err != nil {
		return nil, err
	}
	all := book.Campaigns()
	if len(all) == 0 {
		return nil, nil
	}
	return ruling.Campaigns(ctx, all, func(ctx context.Context, yield func(rule.Group, []issue.Tracked) error) error {
		return a.Store.Groups(ctx, true, yield)
	}, a.Clock())
}
