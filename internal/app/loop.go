package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/app/backlog"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/store"
	"cxm/internal/store/route"
	"cxm/internal/store/scopes"
)

// Names of the loop that callers of App need.
type (
	// Delivery is what Ingest and Inspect are asked to read.
	Delivery = reconcile.Delivery
	// Progress is how far an Apply has come.
	Progress = reconcile.Progress
	// Report is what became of a plan.
	Report = reconcile.Report
	// Call is one call to GitLab, as Config.Observe hears of it.
	Call = rest.Sent
)

// Planned is a plan with what was learned on the way to it.
type Planned struct {
	Integration integration.Integration
	Plan        plan.Plan
	Looked      reconcile.Looked
	Waits       plan.Run // the run in which what Plan holds waits already; ID 0: it does not yet
	Rejected    plan.Run // the run in which a person said no to what Plan holds; ID 0: nobody did
}

// Plan looks at GitLab and says what Apply would do. It uses a client that
// refuses every write.
func (a *App) Plan(ctx context.Context, integrationID int64) (Planned, error) {
	e, err := a.engine(ctx, integrationID, true, nil, watched)
	if err != nil {
		return Planned{}, err
	}
	defer a.Sure(ctx, e.Integration)
	if err := a.assign(ctx); err != nil {
		return Planned{}, err
	}
	a.knowCode(ctx, e.Integration)
	return planned(ctx, e)
}

// watched says that a person sees the plan before it is carried out, and so what a
// new source asks for.
func watched(c *reconcile.Config) { c.Brakes.Admit = true }

func planned(ctx context.Context, e *reconcile.Engine) (Planned, error) {
	looked, err := e.Look(ctx)
	if err != nil {
		return Planned{}, err
	}
	p, err := e.Plan(ctx, true)
	if err != nil {
		return Planned{}, err
	}
	waits, err := e.Waiting(ctx)
	if waits.Digest != p.Held.Digest() {
		waits = plan.Run{}
	}
	if err != nil {
		return Planned{}, err
	}
	rejected, err := e.Rejected(ctx, p.Held)
	return Planned{Integration: e.Integration, Plan: p, Looked: looked, Waits: waits, Rejected: rejected}, err
}

// Apply looks at GitLab, plans, asks, and carries the plan out step for step.
// ask sees the plan first; when it answers false nothing is done. What the
// brakes hold is not asked about: it becomes a run that waits for Approve.
func (a *App) Apply(ctx context.Context, integrationID int64, ask func(Planned) (bool, error), progress func(reconcile.Progress)) (Planned, reconcile.Report, error) {
	e, err := a.engine(ctx, integrationID, false, progress, watched)
	if err != nil {
		return Planned{}, reconcile.Report{}, err
	}
	defer a.Sure(ctx, e.Integration)
	if err := a.assign(ctx); err != nil {
		return Planned{}, reconcile.Report{}, err
	}
	a.knowCode(ctx, e.Integration)
	p, err := planned(ctx, e)
	if err != nil {
		return p, reconcile.Report{}, err
	}
	if len(p.Plan.Changes()) > 0 {
		asked := a.Clock()
		if yes, err := ask(p); err != nil || !yes {
			return p, reconcile.Report{}, err
		}
		if a.Clock().Sub(asked) > patience {
			if _, err := e.Look(ctx); err != nil {
				return p, reconcile.Report{}, err
			}
		}
	}
	report, err := e.Apply(ctx, p.Plan)
	return p, report, err
}

// patience is how long a question may stand before GitLab is looked at again:
// issues that people edited meanwhile are then skipped by their revision.
const patience = 10 * time.Second

// engine wires one integration's loop.
func (a *App) engine(ctx context.Context, id int64, readOnly bool, progress func(reconcile.Progress), change ...func(*reconcile.Config)) (*reconcile.Engine, error) {
	in, err := a.Integration(ctx, id)
	if err != nil {
		return nil, err
	}
	client, err := a.Open(ctx, in, readOnly)
	if err != nil {
		return nil, err
	}
	book, revision, err := a.books.read(ctx)
	if err != nil {
		return nil, err
	}
	tracker, err := a.tracker(ctx, in, client)
	if err != nil {
		return nil, err
	}
	installation, err := a.Store.Installation(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the installation's name: %w", err)
	}
	c := reconcile.Config{
		Integration: in, Installation: installation, Tracker: tracker, Finder: client,
		Findings: a.Store, Journal: a.Store, Memory: a.Store, Runs: a.Store, Census: a.Store, Watch: a.Store, Newcomers: scopes.New(a.DB.Base(), a.Tenant),
		Policy: a.Policy(), Brakes: *a.Brakes, Caps: a.Caps,
		Stale: stale, Clock: a.Clock, Workers: a.Workers, Settle: a.Settle, Progress: progress,
	}
	c.Policy.OnRoute, c.Policy.Recreate = route.Changes(in), a.Recreate
	c.Renamed = a.renamed(in, client)
	if revision != 0 {
		all, err := a.Store.Integrations(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the integrations: %w", err)
		}
		r := a.ruler(book, in, all, client)
		c.Ruler, c.Campaigns = r, r.Campaigns()
		if book.Digests() {
			c.Backlogs = backlog.New(a.Core, in.ID, installation)
		}
	}
	for _, f := range change {
		f(&c)
	}
	return reconcile.New(c)
}

// stale says that another process was faster.
func stale(err error) bool {
	return errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrCapped) || errors.Is(err, store.ErrUnderWay) || errors.Is(err, store.ErrAlreadyIntended)
}
