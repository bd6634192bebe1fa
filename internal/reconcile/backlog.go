package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cxm/internal/finding"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// Backlogs is told of what waits under budgets.
type Backlogs interface {
	// Take takes in what waits in a plan as findings of cxm's own, one for each
	// project, where people should know of it. It returns the groups of those that
	// changed. Now is the tracker's clock.
	Take(ctx context.Context, p plan.Plan, l plan.Limits, now time.Time) ([]rule.GroupKey, error)
}

// always is longer than any issue stays closed: what waits in a project is told in
// one issue.
const always = 100 * 365 * 24 * time.Hour

// told tells of what waits in a plan, and adds the steps about the issues that say
// so: whoever sees the plan sees them, too. While another run is carried out nothing
// is told: what waits was counted while issues were made, and may be counted twice.
func (e *Engine) told(ctx context.Context, p plan.Plan) (plan.Plan, error) {
	if e.Backlogs == nil {
		return p, nil
	}
	if others, err := e.carriedOut(ctx); err != nil || others {
		return p, err
	}
	changed, err := e.Backlogs.Take(ctx, e.familiar(p), e.Limits(), e.now())
	if err != nil {
		return p, fmt.Errorf("telling of what waits: %w", err)
	}
	if len(changed) == 0 {
		return p, nil
	}
	var steps []plan.Step
	for _, key := range changed {
		g, have, err := e.Findings.Group(ctx, key)
		if err != nil {
			return p, fmt.Errorf("telling of what waits: %w", err)
		}
		steps = append(steps, e.decide(ctx, g, have)...)
	}
	return p.With(steps, changed), nil
}

// carriedOut says that a run that is shared is carried out now. (One that a person
// applies may have died, and stay as it is.)
func (e *Engine) carriedOut(ctx context.Context) (bool, error) {
	open, err := e.Runs.OpenRuns(ctx, e.Integration.ID)
	if err != nil {
		return false, fmt.Errorf("looking for a run under way: %w", err)
	}
	return slices.ContainsFunc(open, func(r plan.Run) bool { return r.Shared && r.State == plan.Running }), nil
}

// familiar is the plan without what a person has yet to look at, since its source is
// new.
func (e *Engine) familiar(p plan.Plan) plan.Plan {
	if !e.Brakes.Admit {
		p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s plan.Step) bool { return s.New != "" })
	}
	return p
}

// telling is what holds for an issue that tells of what waits: it is in the project
// that it is about, is one for good, and asks for nobody's attention. The rule that
// names it gives it labels and settings, and nothing else.
func (r Ruling) telling(of finding.Backlog, base Ruling) Ruling {
	out := base
	if of.Project != base.Route.Project {
		out.Route = rule.Route{Project: of.Project}
	}
	out.Route.Reason = "it tells of what waits in this project"
	out.Look.Labels, out.Given, out.Free = r.Look.Labels, r.Given, true
	out.Policy.ReopenWindow = always
	return out
}
