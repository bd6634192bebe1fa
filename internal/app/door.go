package app

import (
	"context"
	"sync"

	"cxm/internal/app/sourcing"
	"cxm/internal/receive"
	"cxm/internal/serve"
)

// largestDelivery bounds what one request of a source may deliver, in bytes; the
// receiver has its own bounds for each route.
const largestDelivery = 16 << 20

// door is where sources deliver while the queue is worked.
type door struct {
	reception *sourcing.Reception
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// door takes what sources deliver, if there is a listener for it; else it is nil.
func (a *App) door(ctx context.Context, o WorkOptions) (*door, error) {
	if o.Listen == "" {
		return nil, nil
	}
	r, err := sourcing.NewReception(ctx, a.sourcers, a.Clock, a.Logger)
	if r == nil {
		return nil, err
	}
	a.warn("some sources cannot deliver", err)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &door{reception: r, stop: stop}
	d.done.Go(func() { r.Run(running) })
	return d, nil
}

// sourcers does something for the sources of every tenant.
func (i *installation) sourcers(ctx context.Context, do func(*sourcing.Sourcer) error) error {
	return i.each(ctx, func(a *App) error { return do(a.Sourcer) })
}

// mounts are what the door serves.
func (d *door) mounts() []serve.Mount {
	if d == nil {
		return nil
	}
	var out []serve.Mount
	for _, pattern := range receive.Patterns() {
		out = append(out, serve.Mount{Pattern: pattern, Handler: d.reception, Limits: serve.Limits{Body: largestDelivery}})
	}
	return out
}

// close ends it, once nothing is delivered any more: what was counted is stored.
func (d *door) close() error {
	if d == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
	return nil
}

// welcome tells the operator of the link by which the first admin is made.
func (a *App) welcome(ctx context.Context, o WorkOptions) {
	if o.Listen == "" || o.Welcome == nil {
		return
	}
	value, made, open, err := a.People.FirstStart(ctx)
	switch {
	case err != nil:
		a.warn("no link to set up could be made", err)
	case made:
		o.Welcome(value)
	case open:
		a.Logger.Info("a link to set up is open: it was printed at an earlier start; `cxm setup-link` prints another")
	}
}
