package reconcile

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// overOthers has a ruling know where an issue is that lists others.
func (e *Engine) overOthers(r Ruling, have []issue.Tracked) Ruling {
	at := r.Route.Project
	for _, t := range have {
		if t.Phase == issue.Live || t.Phase == issue.Lost {
			at = t.Observed.ProjectID
		}
	}
	r.Look.Parent = &issue.Parent{Integration: e.Integration.ID, Instance: e.Integration.URL, Project: at}
	return r
}

// beneath says of the steps about an issue that lists others which of these there
// are.
func (e *Engine) beneath(g rule.Group, steps []plan.Step) []plan.Step {
	made, not := g.Made(e.Integration.ID)
	for i := range steps {
		steps[i].Beneath = &plan.Beneath{Made: made, Not: not}
	}
	return steps
}

// each takes steps with several writes in flight.
func (a *applying) each(ctx context.Context, steps []plan.Step, take func(ctx context.Context, seq int, s plan.Step) error) error {
	var group errgroup.Group
	group.SetLimit(3 * a.Workers) // while some wait for GitLab, others write to the store
	for _, s := range steps {
		if ctx.Err() != nil || a.stopped() != nil {
			break
		}
		a.seq++
		seq := a.seq
		group.Go(func() error { return take(ctx, seq, s) })
	}
	return group.Wait()
}

// takeParent takes a step about an issue that lists others, once these were
// written: it says what became of them. What is no longer to be done is skipped.
func (a *applying) takeParent(ctx context.Context, seq int, s plan.Step) error {
	g, have, err := a.Findings.Group(ctx, s.Group)
	if err != nil {
		return fmt.Errorf("reading the group of an issue that lists others: %w", err)
	}
	for _, now := range a.decide(ctx, g, have) {
		if now.Target() == s.Target() && !now.Vain() {
			return a.take(ctx, seq, now)
		}
	}
	a.tell(s, plan.Skipped, nil)
	return nil
}
