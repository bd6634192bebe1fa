package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/reconcile"
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
	*workshop
}

// Timeout is more than the largest delivery takes.
func (w *puller) Timeout(*river.Job[pullJob]) time.Duration { return 30 * time.Minute }

// Work takes in all that waits, one after the other. What cannot be taken in is
// refused, with the reason, and kept; the next is taken in all the same.
func (w *puller) Work(ctx context.Context, job *river.Job[pullJob]) error {
	for {
		d, err := w.app.Store.NextDelivery(ctx, job.Args.Source, job.Args.Scope)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.app.take(ctx, d); err != nil {
			return err
		}
	}
}

// take takes in one delivery, or refuses it.
func (a *App) take(ctx context.Context, d store.Delivery) error {
	in := reconcile.Delivery{Type: source.Type(d.Source), Scope: d.Scope, At: d.ReceivedAt}
	for _, p := range d.Parts {
		in.Inputs = append(in.Inputs, source.Input{Name: p.Name, Reader: bytes.NewReader(p.Body)})
	}
	if err := json.Unmarshal([]byte(d.Options), &in.Options); err != nil {
		return fmt.Errorf("reading how delivery %d is to be read: %w", d.ID, err)
	}
	p, err := a.Puller(ctx, a.Store.Taking(d.ID))
	if err != nil {
		return err
	}
	_, _, err = p.Pull(ctx, in)
	var refused *reconcile.RefusedError
	switch {
	case errors.Is(err, store.ErrTaken):
		return nil
	case errors.As(err, &refused):
		a.Logger.Warn("a delivery is refused", "delivery", d.ID, "source", d.Source, "scope", d.Scope, "why", err)
		if err := a.Store.Refuse(ctx, d.ID, err.Error()); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("taking in delivery %d: %w", d.ID, err)
	}
	return a.WatchSource(ctx, d.Source, d.Scope)
}
