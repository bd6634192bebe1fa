package app

import (
	"context"

	"cxm/internal/reconcile"
)

// Start looks at GitLab, plans what changed, and leaves the steps to the queue. What
// the brakes hold becomes a run that waits for Approve.
func (a *App) Start(ctx context.Context, integrationID int64) (reconcile.Shared, error) {
	e, err := a.engine(ctx, integrationID, false, nil)
	if err != nil {
		return reconcile.Shared{}, err
	}
	defer a.Sure(ctx, e.Integration)
	if err := a.assign(ctx); err != nil {
		return reconcile.Shared{}, err
	}
	return e.Share(ctx)
}
