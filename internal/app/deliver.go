package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/source"
	"cxm/internal/store"
)

// Accept keeps a delivery for the queue to take in: once it returns, nothing of
// it can be lost. What is in it is looked at then, not now.
func (a *App) Accept(ctx context.Context, d Delivery) (id int64, err error) {
	options, err := json.Marshal(d.Options)
	if err != nil {
		return 0, fmt.Errorf("keeping how to read a delivery: %w", err)
	}
	kept := store.Delivery{Source: string(d.Type), Scope: cmp.Or(d.Scope, "default"), Options: string(options), ReceivedAt: a.Clock().UTC()}
	for _, in := range d.Inputs {
		body, err := io.ReadAll(in.Reader)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", in.Name, err)
		}
		kept.Parts = append(kept.Parts, store.Part{Name: in.Name, Body: body})
	}
	kept, err = a.Store.Accept(ctx, kept)
	return kept.ID, err
}

// puller works pullJobs.
type puller struct {
	river.WorkerDefaults[pullJob]
	*hall
}

// Timeout is more than the largest delivery takes.
func (w *puller) Timeout(*river.Job[pullJob]) time.Duration { return 30 * time.Minute }

// Work takes in all that waits, and looks how the source fares.
func (w *puller) Work(ctx context.Context, job *river.Job[pullJob]) error {
	shop, err := w.shop(ctx, job.Args.Tenant)
	if err != nil {
		return err
	}
	if err := shop.app.TakeIn(ctx, source.Type(job.Args.Source), job.Args.Scope); err != nil {
		return err
	}
	return shop.app.WatchSource(ctx, job.Args.Source, job.Args.Scope)
}
