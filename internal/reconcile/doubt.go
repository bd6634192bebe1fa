package reconcile

import (
	"context"
	"errors"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// doubts looks up the creates whose answer was lost. It waits until GitLab's
// silence means something, and returns a plan for those proved absent.
func (a *applying) doubts(ctx context.Context) (plan.Plan, error) {
	open, err := a.Memory.Unsettled(ctx, a.Integration.ID)
	if err != nil || len(open) == 0 {
		return plan.Plan{}, err
	}
	looked, err := a.lookUp(ctx)
	if err == nil && looked.InDoubt > 0 {
		wait := a.silence(open)
		a.Progress(Progress{Done: a.finished, Total: a.total, Waiting: wait})
		if err := a.Sleep(ctx, wait); err != nil {
			return plan.Plan{}, err
		}
		_, err = a.lookUp(ctx)
	}
	if trouble, ok := errors.AsType[*issue.Trouble](err); ok {
		a.report.Halted = "creates are in doubt, and they could not be looked up: " + trouble.Error()
		return plan.Plan{}, nil
	}
	if err != nil {
		return plan.Plan{}, err
	}
	return a.again(ctx, open)
}

// lookUp looks and counts what became of creates in doubt.
func (a *applying) lookUp(ctx context.Context) (Looked, error) {
	looked, err := a.Look(ctx)
	a.report.Adopted += looked.Adopted
	a.report.Dropped += looked.Dropped
	return looked, err
}

// silence is how long the last of the creates in doubt must still be waited for:
// never longer than silence takes, also when the clock was set back meanwhile.
func (a *applying) silence(open []issue.Tracked) time.Duration {
	var last time.Time
	for _, t := range open {
		if t.SentAt.After(last) {
			last = t.SentAt
		}
	}
	return min(max(0, last.Add(a.Settle).Sub(a.Clock())), a.Settle) + time.Millisecond
}

// again plans the creates of groups whose create was proved absent.
func (a *applying) again(ctx context.Context, open []issue.Tracked) (plan.Plan, error) {
	p, err := a.decideAll(ctx, false)
	if err != nil {
		return plan.Plan{}, err
	}
	doubtful := map[rule.GroupKey]bool{}
	for _, t := range open {
		doubtful[t.Group] = true
	}
	var steps []plan.Step
	for _, s := range p.Changes() {
		if s.Verb == plan.Create && doubtful[s.Group] {
			steps = append(steps, s)
		}
	}
	return plan.New(steps, p.Unchanged), nil
}
