package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
)

// Shared is what Share did.
type Shared struct {
	Looked Looked
	Run    plan.Run        // whose steps are to be carried out; ID 0: nothing is to be done
	Waits  plan.Run        // what the brakes held; ID 0: nothing
	Blind  map[int64]error // projects that could not be looked at, and why: nothing is done in them
	Open   bool            // nothing was done: an earlier run is under way, plan again when it is finished
}

// Share looks at the tracker, plans what changed, and commits the steps as
// planned, for Carry to take one by one in any process. While a shared run is
// under way neither is done.
func (e *Engine) Share(ctx context.Context) (Shared, error) {
	if open, err := e.underWay(ctx); err != nil || open {
		return Shared{Open: open}, err
	}
	var out Shared
	var err error
	if out.Looked, out.Blind, err = e.lookAround(ctx); err != nil {
		return out, fmt.Errorf("looking at GitLab: %w", err)
	}
	p, err := e.Plan(ctx, false)
	if err != nil {
		return out, err
	}
	p = p.Without(e.Integration.Project.ID, out.Blind)
	if len(out.Blind) == 0 { // else what waits for a person would seem to be no longer to be done
		if out.Waits, err = e.hold(ctx, p.Held); err != nil {
			return out, err
		}
	}
	if err := e.settle(ctx, p); err != nil {
		return out, err
	}
	out.Run, err = e.share(ctx, p)
	if e.Stale(err) {
		return Shared{Open: true}, nil
	}
	return out, err
}

func (e *Engine) share(ctx context.Context, p plan.Plan) (plan.Run, error) {
	var entries []plan.Entry
	for i, s := range p.Changes() {
		entries = append(entries, s.Begin(0, i+1))
	}
	if len(entries) == 0 {
		return plan.Run{}, nil
	}
	if err := e.admit(ctx, p); err != nil {
		return plan.Run{}, err
	}
	run, _, err := e.Journal.BeginRun(ctx, plan.Run{
		Integration: e.Integration.ID, State: plan.Running, Shared: true, StartedAt: e.Clock().UTC(), Steps: len(entries),
	}, entries)
	if err != nil {
		return run, fmt.Errorf("planning a run to share: %w", err)
	}
	return run, nil
}

// abandoned is how long a shared run may take before it is given up and planned
// anew: longer than the largest takes at GitLab's limits, and than any outage
// that is not a catastrophe.
const abandoned = 48 * time.Hour

// underWay says that a shared run is not finished. One whose last step was
// recorded by a process that died then is finished here.
func (e *Engine) underWay(ctx context.Context) (bool, error) {
	open, err := e.Runs.OpenRuns(ctx, e.Integration.ID)
	if err != nil {
		return false, fmt.Errorf("looking for a run under way: %w", err)
	}
	for _, r := range open {
		if !r.Shared || r.State != plan.Running {
			continue
		}
		done, err := e.Runs.EndRun(ctx, r.ID, e.Clock().UTC())
		if err == nil && !done && e.Clock().Sub(r.StartedAt) > abandoned {
			r.State, r.FinishedAt, done = plan.Finished, e.Clock().UTC(), true
			err = e.Journal.FinishRun(ctx, r, "not carried out within two days: planned anew")
		}
		if err != nil {
			return false, fmt.Errorf("finishing run %d: %w", r.ID, err)
		}
		if !done {
			return true, nil
		}
	}
	return false, nil
}

// Carried is what became of one step of a shared run.
type Carried struct {
	Outcome  plan.Outcome
	Again    time.Duration // not zero: it is still to be taken; come back after this long
	Trouble  error         // nil: none
	Finished bool          // it was the run's last step
}

// Carry takes one planned step of a shared run, if it is still to be done. It
// may be called again for the same entry, also when the process that took the
// step died: nothing is sent a second time before it was looked up.
func (e *Engine) Carry(ctx context.Context, id int64) (Carried, error) {
	entry, err := e.Runs.Entry(ctx, id)
	if err != nil {
		return Carried{}, fmt.Errorf("reading a planned step: %w", err)
	}
	done := Carried{Outcome: entry.Outcome}
	switch entry.Outcome {
	case plan.Planned:
		done, err = e.carryPlanned(ctx, entry)
	case plan.Intended:
		done, err = e.carryIntended(ctx, entry)
	}
	if err != nil || done.Again > 0 {
		return done, err
	}
	done.Finished, err = e.Runs.EndRun(context.WithoutCancel(ctx), entry.Run, e.Clock().UTC())
	return done, err
}

func (e *Engine) carryPlanned(ctx context.Context, entry plan.Entry) (Carried, error) {
	a, step, err := e.find(ctx, entry)
	if err != nil {
		return Carried{}, err
	}
	if step != nil && step.Have != nil && e.looks.old(step.Have.Observed.ProjectID, e.Clock()) {
		if err := e.lookAgain(ctx, step.Have.Observed.ProjectID); err != nil {
			return Carried{Outcome: plan.Planned, Again: later(err), Trouble: err}, nil
		}
		if a, step, err = e.find(ctx, entry); err != nil {
			return Carried{}, err
		}
	}
	if step == nil {
		entry.Outcome, entry.Trouble, entry.EndedAt = plan.Skipped, "no longer to be done when its turn came", e.Clock().UTC()
		return Carried{Outcome: plan.Skipped}, e.Journal.Record(ctx, entry, issue.Tracked{}, 0)
	}
	if err := a.take(ctx, entry.Seq, *step); err != nil {
		return Carried{}, err
	}
	return a.carried(), nil
}

// find decides again about the group of a planned step. The step is nil when it
// is no longer to be done.
func (e *Engine) find(ctx context.Context, entry plan.Entry) (*applying, *plan.Step, error) {
	g, have, err := e.Findings.Group(ctx, entry.Group)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the group of a planned step: %w", err)
	}
	a := e.applying(plan.Run{ID: entry.Run})
	a.shared, a.planned[entry.Target()] = true, entry
	var step *plan.Step
	for _, s := range e.decide(ctx, g, have) {
		if s.Verb != plan.Nothing {
			a.left[s.Group]++
		}
		if s.Target() == entry.Target() && !s.Vain() {
			step = &s
		}
	}
	return a, step, nil
}

// patience is how old a look may be when a step writes to an issue: what people
// wrote since would be written over. A queue may hold a step for hours.
const patience = 10 * time.Second

// lookAgain looks at a project if the last look is old. Of many steps that need it
// at once, one looks.
func (e *Engine) lookAgain(ctx context.Context, project int64) error {
	e.looks.turn.Lock()
	defer e.looks.turn.Unlock()
	if !e.looks.old(project, e.Clock()) {
		return nil
	}
	_, err := e.glance(ctx, project)
	return err
}

// looks is when each project was last looked at, on cxm's clock.
type looks struct {
	turn sync.Mutex // held while one looks
	mu   sync.Mutex
	at   map[int64]time.Time // guarded by mu
}

func (l *looks) done(project int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[project] = at
}

func (l *looks) old(project int64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.at[project]).Abs() > patience
}

// carried is what became of the only step.
func (a *applying) carried() Carried {
	c := Carried{Outcome: a.ended.Outcome, Trouble: a.ended.Trouble}
	if c.Outcome == plan.Planned {
		c.Again = later(c.Trouble)
	}
	return c
}

// later is when to try a step again that was not sent, or was refused because it
// was too much.
func later(err error) time.Duration {
	held := (*heldError)(nil)
	trouble := (*issue.Trouble)(nil)
	switch {
	case errors.As(err, &held):
		return held.after
	case errors.As(err, &trouble) && trouble.After > 0:
		return trouble.After
	}
	return 30 * time.Second
}

// Later is when to try again what could not be looked at: when the first of the
// reasons may have passed.
func Later(blind map[int64]error) time.Duration {
	soonest := time.Hour
	for _, err := range blind {
		soonest = min(soonest, later(err))
	}
	return soonest
}

// passing says that a step failed without anything having been carried out, for
// a reason that passes: it can be taken again as it is.
func passing(err error) bool {
	held := (*heldError)(nil)
	trouble := (*issue.Trouble)(nil)
	return errors.As(err, &held) ||
		errors.As(err, &trouble) && (trouble.Kind == issue.Unsent || trouble.Kind == issue.Limited)
}

// carryIntended deals with a step that a process took which did not live to
// record its end. A create is looked up until it is settled; of a change nothing
// more can be known, and the next plan sees what the issue says.
func (e *Engine) carryIntended(ctx context.Context, entry plan.Entry) (Carried, error) {
	if entry.Verb != plan.Create {
		entry.Outcome, entry.Trouble, entry.EndedAt = plan.InDoubt, "the process that took it ended before the answer came", e.Clock().UTC()
		return Carried{Outcome: plan.InDoubt}, e.Journal.Record(ctx, entry, issue.Tracked{}, 0)
	}
	if _, err := e.Look(ctx); err != nil {
		return Carried{}, err
	}
	now, err := e.Runs.Entry(ctx, entry.ID)
	if err != nil {
		return Carried{}, fmt.Errorf("reading a step in doubt: %w", err)
	}
	if now.Outcome == plan.Intended {
		return Carried{Outcome: plan.Intended, Again: e.Settle}, nil
	}
	return Carried{Outcome: now.Outcome}, nil
}
