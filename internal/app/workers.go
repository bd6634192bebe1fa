package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/app/tokencare"
	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/queue"
	"cxm/internal/reconcile"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/store"
	"cxm/internal/store/tenants"
)

// busy is how long a job waits that found an earlier run under way.
const busy = 2 * time.Second

// hall is what the workers of one process share: the queue, and a workshop for
// each tenant.
type hall struct {
	all   *installation
	queue *queue.Queue
	mu    sync.Mutex
	shops map[string]*workshop // by tenant; guarded by mu
}

// asleep is how long a job of a tenant that is disabled waits, each time.
const asleep = time.Hour

// shop is where the work of a tenant is done. What a disabled tenant has waits.
func (h *hall) shop(ctx context.Context, tenant string) (*workshop, error) {
	a, err := h.all.Of(ctx, tenant)
	if unknown := (*tenants.UnknownError)(nil); errors.As(err, &unknown) {
		if unknown.Disabled {
			return nil, river.JobSnooze(asleep)
		}
		return nil, river.JobCancel(err)
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shops[tenant] == nil {
		h.shops[tenant] = &workshop{app: a, queue: h.queue, open: map[int64]*opened{}}
	}
	return h.shops[tenant], nil
}

// workshop is where the work of one tenant is done: an engine per integration, so
// that all of its steps keep to the same limits.
type workshop struct {
	app   *App
	queue *queue.Queue
	mu    sync.Mutex
	open  map[int64]*opened // by integration; guarded by mu
}

// opened is an engine with what it was made of.
type opened struct {
	engine *reconcile.Engine
	in     integration.Integration
	sealed []byte
	rules  int64 // the revision it rules by
}

// engine is the engine of an integration, made anew when the integration or its
// token changed.
func (w *workshop) engine(ctx context.Context, id int64) (*reconcile.Engine, error) {
	in, sealed, _, err := w.app.Store.Integration(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, w.app.gone(id)
	}
	if err != nil {
		return nil, fmt.Errorf("reading integration %d: %w", id, err)
	}
	_, revision, err := w.app.books.read(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.open[id]; o != nil && o.in == in && bytes.Equal(o.sealed, sealed) && o.rules == revision {
		return o.engine, w.app.StillHeld(ctx, in)
	}
	e, err := w.app.engine(ctx, id, false, nil, func(c *reconcile.Config) { c.Breakers, c.Notice = w.app.Store, w.notice(in) })
	if err != nil {
		return nil, err
	}
	w.open[id] = &opened{engine: e, in: in, sealed: sealed, rules: revision}
	return e, nil
}

// notice says once that a target is left alone for a while.
func (w *workshop) notice(in integration.Integration) func(breaker.Breaker) {
	return func(b breaker.Breaker) {
		w.app.Notice(context.Background(), "cxm.work.held.v1", in.ID, fmt.Sprintf("cxm leaves %s of %s alone until %s, since it only fails: %s.", b.Target, in.URL, b.RetryAt.UTC().Format(time.RFC3339), b.Trouble),
			map[string]any{"integration": in.ID, "url": in.URL, "target": b.Target, "until": b.RetryAt.UTC()})
		w.app.Logger.Warn("cxm stops calling what only fails, and tries again by itself",
			"integration", in.ID, "url", in.URL, "target", b.Target, "until", b.RetryAt, "trouble", b.Trouble)
	}
}

// reconciler works reconcileJobs.
type reconciler struct {
	river.WorkerDefaults[reconcileJob]
	*hall
}

// Timeout is more than the largest plan takes.
func (w *reconciler) Timeout(*river.Job[reconcileJob]) time.Duration { return 30 * time.Minute }

// Work looks, plans and shares, integration by integration: the trouble of one
// does not keep the others.
func (w *reconciler) Work(ctx context.Context, job *river.Job[reconcileJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	if err := shop.app.assign(ctx); err != nil {
		return err
	}
	all, err := shop.app.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	var trouble error
	open, held := false, false
	for _, in := range all {
		if job.Args.Integration != 0 && job.Args.Integration != in.ID {
			continue
		}
		e, err := shop.engine(ctx, in.ID)
		if tokencare.IsHeld(err) {
			held = true
			continue
		}
		if isGone(err) {
			continue
		}
		if err != nil {
			trouble = errors.Join(trouble, err)
			continue
		}
		shared, err := e.Share(ctx)
		shop.app.Sure(ctx, e.Integration)
		open = open || shared.Open
		if err == nil {
			err = shop.follow(ctx, lookJob{Tenant: job.Args.Tenant, Integration: in.ID}, e, shared)
		}
		trouble = errors.Join(trouble, err)
	}
	if trouble == nil && open || stale(trouble) { // two that look at once: one of them looks again
		return river.JobSnooze(busy)
	}
	if trouble == nil && held {
		return river.JobSnooze(heldPause)
	}
	return trouble
}

// follow adds the looks that a plan left to be done.
func (w *workshop) follow(ctx context.Context, look lookJob, e *reconcile.Engine, s reconcile.Shared) error {
	var err error
	if s.Looked.InDoubt > 0 {
		err = w.lookLater(ctx, look, e.Settle)
	}
	if look.Blind = len(s.Blind) > 0; look.Blind {
		err = errors.Join(err, w.lookLater(ctx, look, reconcile.Later(s.Blind)))
	}
	return err
}

// lookLater adds a look for when it means something.
func (w *workshop) lookLater(ctx context.Context, look lookJob, after time.Duration) error {
	_, err := w.queue.Insert(ctx, river.InsertManyParams{
		Args: look, InsertOpts: &river.InsertOpts{ScheduledAt: time.Now().Add(after), Priority: queue.PriorityClose, UniqueOpts: queue.Unique()},
	})
	if err != nil {
		return fmt.Errorf("planning another look: %w", err)
	}
	return nil
}

// looker works lookJobs.
type looker struct {
	river.WorkerDefaults[lookJob]
	*hall
}

// Work leaves the look to a plan, which begins with one.
func (w *looker) Work(ctx context.Context, job *river.Job[lookJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	if job.Args.Project != 0 {
		return shop.unlessGone(ctx, job.Args.Integration, func() error { return shop.heed(ctx, job.Args) })
	}
	_, err = shop.queue.Insert(ctx, river.InsertManyParams{Args: reconcileJob{Tenant: job.Args.Tenant}})
	return err
}

// stepper works stepJobs.
type stepper struct {
	river.WorkerDefaults[stepJob]
	*hall
}

// Work carries the step out. What it could not do is in the journal, and planned
// again by the next plan: only what nobody decided is tried again here.
func (w *stepper) Work(ctx context.Context, job *river.Job[stepJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	e, err := shop.engine(ctx, job.Args.Integration)
	switch {
	case tokencare.IsHeld(err):
		return river.JobSnooze(heldPause)
	case isGone(err): // its entry in the journal says so
		return nil
	case err != nil:
		return err
	}
	c, err := e.Carry(ctx, job.Args.Entry)
	shop.app.Sure(ctx, e.Integration)
	switch {
	case err != nil:
		return err
	case c.Again > 0:
		return river.JobSnooze(c.Again)
	case c.Outcome == plan.InDoubt:
		return shop.lookLater(context.WithoutCancel(ctx), lookJob{Tenant: job.Args.Tenant, Integration: job.Args.Integration}, e.Settle)
	}
	return nil
}
