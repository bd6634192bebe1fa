package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/app/webhooks"
	"cxm/internal/queue"
)

// How often GitLab is asked how its webhooks do, and how long keys of deliveries
// are kept: GitLab shows its history, from which people send again, for two days.
const (
	hookEvery = 15 * time.Minute
	keysKept  = 3 * 24 * time.Hour
)

// hookJob asks GitLab how the tenant's webhooks do.
type hookJob struct {
	Tenant string `json:"tenant"`
}

// Kind names the job in the queue.
func (hookJob) Kind() string { return "webhooks" }

// InsertOpts makes it unique.
func (hookJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityComment, UniqueOpts: queue.Unique()}
}

// hookKeeper works hookJobs.
type hookKeeper struct {
	river.WorkerDefaults[hookJob]
	*hall
}

// Work checks every webhook, and forgets what was delivered long ago.
func (w *hookKeeper) Work(ctx context.Context, job *river.Job[hookJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	return errors.Join(shop.app.CheckWebhooks(ctx), shop.app.Hooks.Purge(ctx, shop.app.Clock().Add(-keysKept)))
}

// Names of what looks after webhooks that callers need.
type (
	// Webhook is a webhook through which GitLab tells cxm where to look.
	Webhook = webhooks.Webhook
	// WebhookRequest is what AddWebhook needs.
	WebhookRequest = webhooks.Request
)
