package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cxm/internal/observe"
	"cxm/internal/serve"
	"cxm/internal/store/hooks"
)

// boardEvery is how often the webhooks in memory are brought up to date, and what
// was counted of them is stored: requests themselves never wait for that.
const boardEvery = 2 * time.Second

// desk takes webhooks while the queue is worked.
type desk struct {
	app   *App
	board *observe.Board
	told  bool // of a trouble that lasts; of keep's goroutine once that runs
	stop  context.CancelFunc
	all   sync.WaitGroup
}

// desk takes webhooks, if there is a listener for them; else it is nil.
func (a *App) desk(ctx context.Context, o WorkOptions) *desk {
	if o.Listen == "" {
		return nil
	}
	d := &desk{app: a, board: &observe.Board{}}
	d.tell(d.refresh(ctx))
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.all.Go(func() { d.keep(running) })
	return d
}

// mounts are what the desk serves.
func (d *desk) mounts() []serve.Mount {
	if d == nil {
		return nil
	}
	receiver := observe.NewReceiver(observe.Config{
		Hooks: d.board, Inbox: inbox{d.app.Hooks}, Tally: d.board, Clock: d.app.Clock, Logger: d.app.Logger,
	})
	return []serve.Mount{{Pattern: observe.Route, Handler: receiver, Limits: serve.Limits{Body: -1}}}
}

// close waits for everything of the desk, once no more webhooks come.
func (d *desk) close(ctx context.Context) error {
	if d == nil {
		return nil
	}
	d.stop()
	d.all.Wait()
	return d.store(context.WithoutCancel(ctx))
}

// keep brings the board up to date until ctx ends.
func (d *desk) keep(ctx context.Context) {
	tick := time.NewTicker(boardEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(d.store(ctx), d.refresh(ctx)); ctx.Err() == nil {
			d.tell(err)
		}
	}
}

// tell logs a trouble with the webhooks once.
func (d *desk) tell(err error) {
	if err != nil && !d.told {
		d.app.Logger.Error("webhooks may be refused: what cxm knows of them in memory is not up to date", "error", err)
	}
	d.told = err != nil
}

// refresh reads the webhooks that may deliver. One whose secret cannot be opened
// may not, and does not keep the others.
func (d *desk) refresh(ctx context.Context) error {
	all, err := d.app.Hooks.Hooks(ctx)
	if err != nil {
		return err
	}
	integrations, err := d.app.Store.Integrations(ctx)
	if err != nil {
		return err
	}
	accounts := map[int64]int64{}
	for _, in := range integrations {
		accounts[in.ID] = in.Account.ID
	}
	open, trouble := map[string]observe.Hook{}, error(nil)
	for _, h := range all {
		account, connected := accounts[h.Integration]
		if !connected {
			continue
		}
		secret, err := d.app.Sealer.OpenHook(d.app.Tenant, h.Endpoint, h.Sealed)
		if err != nil {
			trouble = errors.Join(trouble, fmt.Errorf("webhook %d: %w: or run `cxm webhook remove` and `cxm webhook add`", h.ID, err))
			continue
		}
		open[h.Endpoint] = observe.Hook{ID: h.ID, Integration: h.Integration, Account: account, Secret: secret, Signing: h.Signing}
	}
	d.board.Set(open)
	return trouble
}

// store stores what was counted. What cannot be stored is counted no more: it is
// for people to look at, and nothing hangs on it.
func (d *desk) store(ctx context.Context) error {
	var err error
	for id, t := range d.board.Take() {
		err = errors.Join(err, d.app.Hooks.Count(ctx, id, hooks.Counts{
			Accepted: t.Counts[observe.Accepted], Repeated: t.Counts[observe.Repeated],
			Ignored: t.Counts[observe.Ignored], Refused: t.Counts[observe.Refused],
		}, t.Seen))
	}
	return err
}
