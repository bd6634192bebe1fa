package reconcile

import (
	"context"
	"errors"
	"fmt"

	"cxm/internal/issue"
	"cxm/internal/plan"
)

// hold keeps what the brakes held as a run that waits for a person. The same
// steps wait once; other steps take the place of those that waited before.
func (e *Engine) hold(ctx context.Context, h plan.Held) (plan.Run, error) {
	waiting, err := e.Waiting(ctx)
	if err != nil {
		return plan.Run{}, err
	}
	if waiting.ID != 0 && waiting.Digest == h.Digest() {
		return waiting, nil
	}
	if len(h.Steps) == 0 {
		return plan.Run{}, e.supersede(ctx, waiting)
	}
	if said, err := e.Rejected(ctx, h); err != nil || said.ID != 0 {
		return plan.Run{}, errors.Join(err, e.supersede(ctx, waiting))
	}
	entries := make([]plan.Entry, len(h.Steps))
	for i, s := range h.Steps {
		entries[i] = s.Begin(0, i+1)
	}
	run, _, err := e.Journal.BeginRun(ctx, plan.Run{
		Integration: e.Integration.ID, State: plan.Waiting, Why: h.Reason(), Digest: h.Digest(), StartedAt: e.Clock().UTC(), Steps: len(entries),
	}, entries)
	if err != nil {
		return run, fmt.Errorf("holding a run for approval: %w", err)
	}
	return run, nil
}

// Waiting is the run that waits for approval; ID 0: none does.
func (e *Engine) Waiting(ctx context.Context) (plan.Run, error) {
	open, err := e.Runs.OpenRuns(ctx, e.Integration.ID)
	if err != nil {
		return plan.Run{}, fmt.Errorf("looking for a run that waits: %w", err)
	}
	for _, r := range open {
		if r.State == plan.Waiting {
			return r, nil
		}
	}
	return plan.Run{}, nil
}

// Rejected is the run in which a person said no to exactly what is held; ID 0:
// nobody did. The same steps for the same issues do not wait again then. Once other
// steps have waited since, they are asked about anew.
func (e *Engine) Rejected(ctx context.Context, h plan.Held) (plan.Run, error) {
	if len(h.Steps) == 0 {
		return plan.Run{}, nil
	}
	last, err := e.Census.LastHeld(ctx, e.Integration.ID)
	if err != nil {
		return plan.Run{}, fmt.Errorf("looking for what was rejected: %w", err)
	}
	if last.Rejected() && last.Digest == h.Digest() {
		return last, nil
	}
	return plan.Run{}, nil
}

// supersede ends a run that waited for what is no longer to be done.
func (e *Engine) supersede(ctx context.Context, waiting plan.Run) error {
	if waiting.ID == 0 {
		return nil
	}
	waiting.State, waiting.FinishedAt, waiting.Skipped = plan.Superseded, e.Clock().UTC(), waiting.Steps
	return e.Journal.FinishRun(ctx, waiting, "no longer to be done when a later run planned")
}

// Approve carries out the steps of a run that waits or was rejected, those that are still to be
// done: what changed since it was planned is left to the next plan. By is who
// says so.
func (e *Engine) Approve(ctx context.Context, id int64, by string) (Report, error) {
	run, planned, err := e.Runs.Run(ctx, id)
	if err != nil {
		return Report{}, fmt.Errorf("approving run %d: %w", id, err)
	}
	if run.Integration != e.Integration.ID {
		return Report{}, fmt.Errorf("approving run %d: it belongs to integration %d", id, run.Integration)
	}
	if err := e.approvable(ctx, run); err != nil {
		return Report{}, err
	}
	if _, err := e.Look(ctx); err != nil {
		return Report{}, err
	}
	all, err := e.decideAll(ctx, true)
	if err != nil {
		return Report{}, err
	}
	at := e.Clock().UTC()
	if err := e.Runs.ApproveRun(ctx, run, by, at); err != nil {
		return Report{}, err
	}
	run.State, run.ApprovedBy, run.ApprovedAt = plan.Running, by, at
	a := e.applying(run)
	a.seq = len(planned)
	for _, entry := range planned {
		a.planned[entry.Target()] = entry
	}
	p := plan.Only(all, planned)
	a.report.Run.Skipped = len(planned) - len(p.Steps)
	return a.carryOut(ctx, p)
}

// approvable says why a run cannot be approved. One that was rejected can be after
// all, as long as nothing else has waited since.
func (e *Engine) approvable(ctx context.Context, run plan.Run) error {
	if run.State == plan.Waiting {
		return nil
	}
	last, err := e.Census.LastHeld(ctx, e.Integration.ID)
	if err != nil {
		return fmt.Errorf("approving run %d: %w", run.ID, err)
	}
	if run.Rejected() && last.ID == run.ID {
		return nil
	}
	return fmt.Errorf("approving run %d: it is %s and waits for nobody: `cxm plan` says what waits", run.ID, run.State)
}

// Undone is what an undo would do, or did.
type Undone struct {
	Plan plan.Plan
	Kept []plan.Kept // what is left as it is, and why
}

// PlanUndo says what undoing a run would do. It writes nothing.
func (e *Engine) PlanUndo(ctx context.Context, id int64) (Undone, error) {
	run, entries, err := e.Runs.Run(ctx, id)
	if err != nil {
		return Undone{}, fmt.Errorf("undoing run %d: %w", id, err)
	}
	if run.Integration != e.Integration.ID {
		return Undone{}, fmt.Errorf("undoing run %d: it belongs to integration %d", id, run.Integration)
	}
	if run.State == plan.Waiting {
		return Undone{}, fmt.Errorf("undoing run %d: it waits for approval and has done nothing yet", id)
	}
	if _, err := e.Look(ctx); err != nil {
		return Undone{}, err
	}
	have, err := e.issues(ctx, entries)
	if err != nil {
		return Undone{}, fmt.Errorf("undoing run %d: %w", id, err)
	}
	p, kept := plan.Undo(run, entries, have, e.now())
	return Undone{Plan: p, Kept: kept}, nil
}

// issues are the issues of the entries, by their row.
func (e *Engine) issues(ctx context.Context, entries []plan.Entry) (map[int64]issue.Tracked, error) {
	var rows []int64
	for _, entry := range entries {
		if entry.Issue != 0 {
			rows = append(rows, entry.Issue)
		}
	}
	return e.Census.Issues(ctx, rows)
}

// Undo carries out what PlanUndo said.
func (e *Engine) Undo(ctx context.Context, id int64, u Undone) (Report, error) {
	if len(u.Plan.Steps) == 0 {
		return Report{}, nil
	}
	run, _, err := e.Journal.BeginRun(ctx, plan.Run{
		Integration: e.Integration.ID, State: plan.Running, Undoes: id, StartedAt: e.Clock().UTC(), Steps: len(u.Plan.Steps),
	}, nil)
	if err != nil {
		return Report{}, fmt.Errorf("starting the undoing of run %d: %w", id, err)
	}
	return e.applying(run).carryOut(ctx, u.Plan)
}
