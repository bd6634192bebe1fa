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
	all   *installation
	board *observe.Board
	told  bool // of a trouble that lasts; of keep's goroutine once that runs
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu sync.RWMutex
	of map[int64]*App // by webhook; guarded by mu
}

// desk takes webhooks, if there is a listener for them; else it is nil.
func (a *App) desk(ctx context.Context, o WorkOptions) *desk {
	if o.Listen == "" {
		return nil
	}
	d := &desk{all: a.installation, board: &observe.Board{}, of: map[int64]*App{}}
	d.tell(d.refresh(ctx))
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.done.Go(func() { d.keep(running) })
	return d
}

// mounts are what the desk serves.
func (d *desk) mounts() []serve.Mount {
	if d == nil {
		return nil
	}
	receiver := observe.NewReceiver(observe.Config{
		Hooks: d.board, Inbox: d, Tally: d.board, Clock: d.all.config.Clock, Logger: d.all.config.Logger,
	})
	return []serve.Mount{{Pattern: observe.Route, Handler: receiver, Limits: serve.Limits{Body: -1}}}
}

// close waits for everything of the desk, once no more webhooks come.
func (d *desk) close(ctx context.Context) error {
	if d == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
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
		d.all.config.Logger.Error("webhooks may be refused: what cxm knows of them in memory is not up to date", "error", err)
	}
	d.told = err != nil
}

// refresh reads the webhooks of all tenants that may deliver.
func (d *desk) refresh(ctx context.Context) error {
	open, of := map[string]observe.Hook{}, map[int64]*App{}
	err := d.all.each(ctx, func(a *App) error {
		mine, err := a.openHooks(ctx)
		for endpoint, h := range mine {
			open[endpoint], of[h.ID] = h, a
		}
		return err
	})
	d.mu.Lock()
	d.of = of
	d.mu.Unlock()
	d.board.Set(open)
	return err
}

// openHooks are the webhooks of the tenant that may deliver. One whose secret cannot
// be opened may not, and does not keep the others.
func (a *App) openHooks(ctx context.Context) (map[string]observe.Hook, error) {
	all, err := a.Hooks.Hooks(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	integrations, err := a.Store.Integrations(ctx)
	if err != nil {
		return nil, err
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
		secret, err := a.Sealer.OpenHook(a.Tenant, h.Endpoint, h.Sealed)
		if err != nil {
			trouble = errors.Join(trouble, fmt.Errorf("webhook %d: %w: or run `cxm webhook remove` and `cxm webhook add`", h.ID, err))
			continue
		}
		open[h.Endpoint] = observe.Hook{ID: h.ID, Integration: h.Integration, Account: account, Secret: secret, Signing: h.Signing}
	}
	return open, trouble
}

// whose is the tenant of a webhook; nil: it was removed.
func (d *desk) whose(hook int64) *App {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.of[hook]
}

// Accept implements observe.Inbox.
func (d *desk) Accept(ctx context.Context, h observe.Hook, what observe.Delivery) (bool, error) {
	a := d.whose(h.ID)
	if a == nil {
		return false, fmt.Errorf("webhook %d was removed", h.ID)
	}
	return a.Hooks.Accept(ctx, hooks.Delivery{
		Integration: h.Integration, Keys: what.Keys, ReceivedAt: what.ReceivedAt, Project: what.Project,
		News: hooks.News{IID: what.IID, ChangedAt: what.ChangedAt, Marked: what.Marked},
	})
}

// store stores what was counted. What cannot be stored is counted no more: it is
// for people to look at, and nothing hangs on it.
func (d *desk) store(ctx context.Context) error {
	var err error
	for id, t := range d.board.Take() {
		a := d.whose(id)
		if a == nil {
			continue
		}
		err = errors.Join(err, a.Hooks.Count(ctx, id, hooks.Counts{
			Accepted: t.Counts[observe.Accepted], Repeated: t.Counts[observe.Repeated],
			Ignored: t.Counts[observe.Ignored], Refused: t.Counts[observe.Refused],
		}, t.Seen))
	}
	return err
}
