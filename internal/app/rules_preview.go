package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cxm/internal/app/ruling"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
)

// Preview is what other rules would do with everything that is stored, compared
// with those in force.
type Preview struct {
	Integration integration.Integration
	Steps       []plan.Step // under the other rules, where they differ; in the plan's order
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
	return a.previewed(ctx, is, differences, func(key rule.GroupKey) bool { return coming[key] })
}

// previewed orders and sums up. Coming says what is made under both rules.
func (a *App) previewed(ctx context.Context, is *reconcile.Engine, differences []ruling.Difference, coming func(rule.GroupKey) bool) (Preview, error) {
	out := Preview{Integration: is.Integration}
	var steps []plan.Step
	for _, d := range differences {
		if d.Is.Verb == "" || d.Is.Verb == plan.Nothing {
			out.Gone = append(out.Gone, d.Was)
			continue
		}
		steps = append(steps, d.Is)
	}
	steps = plan.Parents(plan.New(steps, 0), coming).Changes()
	p, err := is.Bound(ctx, plan.New(steps, 0), coming)
	if err != nil {
		return out, err
	}
	out.Steps, out.Waits = p.Steps, p.Capped
	out.Totals = totals(steps, is.Integration)
	return out, nil
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
