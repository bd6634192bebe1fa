package app

import (
	"context"
	"fmt"

	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
)

// Approve lets a run go that a brake held, and carries out those of its steps
// that are still to be done. By is who says so, and is kept.
func (a *App) Approve(ctx context.Context, run int64, by string, progress func(reconcile.Progress)) (reconcile.Report, error) {
	e, err := a.engineOf(ctx, run, progress)
	if err != nil {
		return reconcile.Report{}, err
	}
	return e.Approve(ctx, run, by)
}

// Reject ends a run that waits, since a person does not want what it would do: by is
// who says so, why is kept in one line and told. The same steps do not wait again until
// something about them changes. The error is store.ErrNotWaiting, store.ErrNotFound, or
// what is wrong with why.
func (a *App) Reject(ctx context.Context, run int64, by, why string) error {
	why, err := plan.ReadRejection(why)
	if err != nil {
		return err
	}
	if _, _, err := a.Store.Run(ctx, run); err != nil {
		return fmt.Errorf("finding run %d: %w", run, err)
	}
	return a.Store.RejectRun(ctx, run, by, why, a.Clock().UTC())
}

// Undo is what undoing a run would do, or did.
type Undo struct {
	Integration integration.Integration
	Run         int64
	Plan        plan.Plan
	Kept        []plan.Kept // what is left as it is, and why
}

// Undo looks at GitLab and reverts what a run did where nobody has touched it
// since. ask sees what would be done first; when it answers false nothing is.
func (a *App) Undo(ctx context.Context, run int64, ask func(Undo) (bool, error), progress func(reconcile.Progress)) (Undo, reconcile.Report, error) {
	e, err := a.engineOf(ctx, run, progress)
	if err != nil {
		return Undo{}, reconcile.Report{}, err
	}
	u, err := e.PlanUndo(ctx, run)
	if err != nil {
		return Undo{}, reconcile.Report{}, err
	}
	out := Undo{Integration: e.Integration, Run: run, Plan: u.Plan, Kept: u.Kept}
	if yes, err := ask(out); err != nil || !yes {
		return out, reconcile.Report{}, err
	}
	report, err := e.Undo(ctx, run, u)
	return out, report, err
}

// engineOf wires the loop of the integration a run belongs to.
func (a *App) engineOf(ctx context.Context, run int64, progress func(reconcile.Progress)) (*reconcile.Engine, error) {
	r, _, err := a.Store.Run(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("finding run %d (cxm runs lists them): %w", run, err)
	}
	if r.Integration == 0 {
		return nil, fmt.Errorf("run %d was made by an earlier version of cxm, which did not write down what undoing needs", run)
	}
	return a.engine(ctx, r.Integration, false, progress)
}

// Runs lists the last runs, the latest first.
func (a *App) Runs(ctx context.Context, limit int) ([]plan.Run, error) {
	return a.Store.Runs(ctx, limit)
}

// RunOf is a run with its journal, in the order of its plan.
func (a *App) RunOf(ctx context.Context, id int64) (plan.Run, []plan.Entry, error) {
	return a.Store.Run(ctx, id)
}
