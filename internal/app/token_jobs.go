package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/app/tokencare"
	"cxm/internal/queue"
)

const (
	// tokenEvery is the time between two looks at what is due.
	tokenEvery = time.Hour
	// heldPause is how long work waits, each time, for a token that can be used.
	heldPause = time.Minute
)

// tokenJob looks after the tokens of a tenant: what is not due yet is left alone.
type tokenJob struct {
	Tenant string `json:"tenant"`
}

// Kind names the job in the queue.
func (tokenJob) Kind() string { return "token" }

// InsertOpts makes it unique. What fails is looked at by the next one.
func (tokenJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique(), MaxAttempts: 1}
}

// tokenKeeper works tokenJobs.
type tokenKeeper struct {
	river.WorkerDefaults[tokenJob]
	*hall
}

// Timeout is more than a rotation takes, with the wait for an answer that is lost.
func (w *tokenKeeper) Timeout(*river.Job[tokenJob]) time.Duration { return 10 * time.Minute }

// Work looks after every token, review and source, and keeps what can be saved today. The trouble of one keeps no other, and is told
// here: it is looked at again within the hour.
func (w *tokenKeeper) Work(ctx context.Context, job *river.Job[tokenJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	return errors.Join(shop.app.CareForTokens(ctx), shop.app.RemindReviews(ctx), shop.app.WatchSources(ctx), shop.app.RecordDay(ctx))
}

// Names of what looks after tokens that callers need.
type (
	// TokenStatus is the token of an integration, and what cxm does about it.
	TokenStatus = tokencare.TokenStatus
	// TokenEvent is something that happened to a token.
	TokenEvent = tokencare.TokenEvent
	// Replacement is a token that a person gives an integration.
	Replacement = tokencare.Replacement
	// HeldError says that GitLab refuses the token of an integration, so that its
	// work waits until there is another one.
	HeldError = tokencare.HeldError
)
