package app

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/queue"
)

// round is work that comes back: its job is added for every tenant, those that are
// made later too.
type round string

// The rounds.
const (
	lookRound  round = "look"     // at GitLab for what people changed
	hookRound  round = "webhooks" // how they do
	tokenRound round = "tokens"   // and what else is due: reviews, sources that fail
	codeRound  round = "code"     // what is to be asked of it
	deskRound  round = "people"   // sessions that are over
)

// roundJob adds the jobs of a round.
type roundJob struct {
	Round round `json:"round"`
}

// Kind names the job in the queue.
func (roundJob) Kind() string { return "round" }

// InsertOpts makes it unique. What fails is done by the next one.
func (roundJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique(), MaxAttempts: 1}
}

// of is the round's job for a tenant; nil: it is about no tenant.
func (r round) of(tenant string) river.JobArgs {
	switch r {
	case lookRound:
		return reconcileJob{Tenant: tenant}
	case hookRound:
		return hookJob{Tenant: tenant}
	case tokenRound:
		return tokenJob{Tenant: tenant}
	case codeRound:
		return codeJob{Tenant: tenant}
	}
	return nil
}

// rounds are when each is made; look is the time between two looks at GitLab.
func rounds(look time.Duration) []*river.PeriodicJob {
	var out []*river.PeriodicJob
	for _, each := range []struct {
		round round
		every time.Duration
	}{{lookRound, look}, {hookRound, hookEvery}, {tokenRound, tokenEvery}, {codeRound, codeEvery}, {deskRound, tokenEvery}} {
		out = append(out, river.NewPeriodicJob(river.PeriodicInterval(each.every), func() (river.JobArgs, *river.InsertOpts) {
			return roundJob{Round: each.round}, nil
		}, &river.PeriodicJobOpts{RunOnStart: true}))
	}
	return out
}

// rounder works roundJobs.
type rounder struct {
	river.WorkerDefaults[roundJob]
	*hall
}

// Work adds a job for every tenant.
func (w *rounder) Work(ctx context.Context, job *river.Job[roundJob]) error {
	if job.Args.Round == deskRound {
		return w.all.prunePeople(ctx)
	}
	return w.all.each(ctx, func(a *App) error {
		_, err := w.queue.Insert(ctx, river.InsertManyParams{Args: job.Args.Round.of(a.Tenant)})
		return err
	})
}
