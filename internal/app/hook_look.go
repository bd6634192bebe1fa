package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/queue"
	"cxm/internal/store"
	"cxm/internal/store/hooks"
)

// gather is how long a look waits after a delivery: what else changes meanwhile,
// and what cxm's own call that caused it is answered, is then known to it.
const gather = time.Second

// heard adds the look that follows from a delivery. One that waits is enough for
// all of a project.
func (o *outbox) heard(tenant string) hooks.Look {
	return func(ctx context.Context, tx store.Tx, integration, project int64) error {
		if o.queue == nil {
			return errors.New("this program has no queue: a webhook needs one")
		}
		_, err := o.queue.InsertTx(ctx, queue.Tx(tx), river.InsertManyParams{
			Args:       lookJob{Tenant: tenant, Integration: integration, Project: project},
			InsertOpts: &river.InsertOpts{ScheduledAt: time.Now().Add(gather), Priority: queue.PriorityClose, UniqueOpts: queue.Unique()},
		})
		return err
	}
}

// heed leaves the look at a project to a plan of its integration, when what was
// delivered of it is worth one.
func (w *workshop) heed(ctx context.Context, look lookJob) error {
	for {
		news, err := w.app.Hooks.News(ctx, look.Integration, look.Project)
		if err != nil || len(news) == 0 {
			return err
		}
		worth, err := w.app.worth(ctx, look.Integration, look.Project, news)
		if err != nil {
			return fmt.Errorf("weighing what webhooks delivered: %w", err)
		}
		if worth {
			if _, err := w.queue.Insert(ctx, river.InsertManyParams{Args: reconcileJob{Tenant: look.Tenant, Integration: look.Integration}}); err != nil {
				return err
			}
		}
		if err := w.app.Hooks.Read(ctx, look.Integration, look.Project, news); err != nil || len(news) < hooks.Most {
			return err
		}
	}
}

// worth says whether one of the issues that deliveries named is to be looked at:
// one of cxm's that changed since cxm last saw it, or one that cxm does not know
// and that carries a marker. What cxm changed itself it knows from GitLab's
// answers, and so a delivery about it is worth nothing.
func (a *App) worth(ctx context.Context, id, project int64, news []hooks.News) (bool, error) {
	if near, err := a.near(ctx, id, project); err != nil || !near {
		return false, err
	}
	var iids []int64
	for _, n := range news {
		iids = append(iids, n.IID)
	}
	known, err := a.Store.Find(ctx, id, project, iids, nil)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(news, func(n hooks.News) bool {
		at := slices.IndexFunc(known, func(t issue.Tracked) bool { return t.Observed.IID == n.IID })
		if at < 0 {
			return n.Marked
		}
		t := known[at]
		return n.ChangedAt.IsZero() || n.ChangedAt.After(t.Observed.UpdatedAt) || t.Phase == issue.Lost
	}), nil
}

// near says that a project is the integration's, or holds issues of it: the loop
// looks at no other.
func (a *App) near(ctx context.Context, id, project int64) (bool, error) {
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(all, func(in integration.Integration) bool { return in.ID == id && in.Project.ID == project }) {
		return true, nil
	}
	projects, err := a.Store.Projects(ctx, id)
	return slices.Contains(projects, project), err
}
