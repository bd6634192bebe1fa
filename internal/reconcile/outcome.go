package reconcile

import (
	"context"
	"errors"
	"fmt"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
)

// finish records what became of a step, in the journal and in the report. The
// error is about the store.
func (a *applying) finish(ctx context.Context, e plan.Entry, t issue.Tracked, s plan.Step, trouble error) error {
	if s.Verb != plan.Move || t.Move.Refused == "" { // else it is this issue that cannot go there
		a.trip(ctx, a.about(s), trouble) // before anything is recorded: the others are under way
	}
	e.Outcome, t = a.outcome(s.Verb, t, trouble)
	if a.shared && passing(trouble) && !a.Stale(trouble) {
		e.Outcome = plan.Planned
	}
	e.EndedAt, e.WebURL = a.Clock().UTC(), t.Observed.WebURL
	if trouble != nil {
		e.Trouble = trouble.Error()
	}
	if e.ID != 0 {
		if err := a.record(context.WithoutCancel(ctx), e, t, a.settles(s, e.Outcome)); err != nil {
			return a.broken(fmt.Errorf("recording what became of %q: %w", s.Title, err))
		}
	}
	a.tell(s, e.Outcome, trouble)
	return nil
}

// broken stops the run, since cxm's own store does not work.
func (a *applying) broken(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Halted = err.Error()
	return err
}

// record commits an entry and its issue. When another process has taken in the
// issue meanwhile, what it saw is newer, and only the entry is committed.
func (a *applying) record(ctx context.Context, e plan.Entry, t issue.Tracked, settled int64) error {
	err := a.Journal.Record(ctx, e, t, settled)
	if a.Stale(err) {
		return a.Journal.Record(ctx, e, issue.Tracked{}, 0)
	}
	return err
}

// settles is the version of the group that is settled once this step is
// recorded: all of its steps are done. 0: something is left.
func (a *applying) settles(s plan.Step, o plan.Outcome) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o != plan.Done {
		return 0
	}
	if a.left[s.Group]--; a.left[s.Group] > 0 || s.Later {
		return 0
	}
	return s.Version
}

// outcome says what a failed or successful call means for the step and for what
// is remembered of its issue.
func (a *applying) outcome(v plan.Verb, t issue.Tracked, err error) (plan.Outcome, issue.Tracked) {
	var trouble *issue.Trouble
	creating := t.Phase == issue.Intended
	switch {
	case err == nil:
		return plan.Done, t
	case a.Stale(err):
		return plan.Skipped, t
	case errors.Is(err, errStopped):
		t.Pending = ""
		if creating {
			t.Phase = issue.Dropped
		}
		return plan.Skipped, t
	case errors.As(err, &trouble) && trouble.Kind == issue.Doubtful:
		if creating {
			t.Phase = issue.InDoubt
		}
		t.Trouble = err.Error()
		return plan.InDoubt, t
	case errors.As(err, &trouble) && trouble.Kind == issue.NotFound && !creating && v != plan.Move:
		t.Phase, t.Missing, t.Pending = issue.Lost, t.Missing+1, ""
	case creating:
		t.Phase = issue.Dropped
	default:
		t.Pending = ""
	}
	t.Trouble = err.Error()
	return plan.Failed, t
}

// tell puts a step's end in the report.
func (a *applying) tell(s plan.Step, o plan.Outcome, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finished++
	switch o {
	case plan.Done:
		a.report.Run.Done++
	case plan.Failed:
		a.report.Run.Failed++
	case plan.InDoubt:
		a.report.Run.InDoubt++
	default:
		a.report.Run.Skipped++
	}
	a.heldBack(err)
	a.ended = Failure{s, o, err}
	if err != nil && !errors.Is(err, errStopped) {
		a.report.Failures = append(a.report.Failures, Failure{s, o, err})
	}
	a.Progress(Progress{Done: a.finished, Total: a.total, Step: s, Outcome: o})
}

// trip tells the gate how a call ended, and stops the run when the tracker as a
// whole is broken: the token is refused, it cannot be reached, it only fails.
func (a *applying) trip(ctx context.Context, c breaker.Call, err error) {
	opened := a.gate.after(ctx, c, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range opened {
		if b.Target == breaker.Instance && a.report.Halted == "" {
			a.report.Halted = b.Trouble
		}
	}
}

// about is what a step's call is about.
func (a *applying) about(s plan.Step) breaker.Call {
	if s.Verb == plan.Move && !s.Links() {
		return breaker.Call{Project: s.To}
	}
	return breaker.Call{Project: s.At(a.Integration.Project.ID), Issue: s.Verb != plan.Create}
}

// heldBack counts a step that a breaker held back. The caller holds the lock.
func (a *applying) heldBack(err error) {
	held := (*heldError)(nil)
	if !errors.As(err, &held) {
		return
	}
	if a.report.Held == nil {
		a.report.Held = map[string]int{}
	}
	a.report.Held[held.reason]++
	if held.instance && a.report.Halted == "" {
		a.report.Halted = held.reason
	}
}

func (a *applying) dropped(labels []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, label := range labels {
		if !a.labels[label] {
			a.labels[label] = true
			a.report.Missing = append(a.report.Missing, label)
		}
	}
}
