package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"cxm/internal/observe"
	"cxm/internal/store/hooks"
)

// What a client may take of the listener.
const (
	mostClients   = 256
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	headerBytes   = 64 << 10
)

// boardEvery is how often the webhooks in memory are brought up to date, and what
// was counted of them is stored: requests themselves never wait for that.
const boardEvery = 2 * time.Second

// desk takes webhooks while the queue is worked.
type desk struct {
	app    *App
	board  *observe.Board
	server *http.Server
	failed chan error // the listener's end before its time
	told   bool       // of a trouble that lasts; of keep's goroutine once that runs
	stop   context.CancelFunc
	all    sync.WaitGroup
}

// listen opens the listener, if one is wanted; else it is nil.
func (a *App) listen(ctx context.Context, o WorkOptions) (*desk, error) {
	if o.Listen == "" {
		return nil, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening at --listen %s: %w: choose an address of this machine whose port is free, such as 127.0.0.1:8080", o.Listen, err)
	}
	d := &desk{app: a, board: &observe.Board{}, failed: make(chan error, 1)}
	d.tell(d.refresh(ctx))
	d.server = &http.Server{
		Handler: d.routes(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(a.Logger.Handler(), slog.LevelDebug),
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.all.Go(func() { d.keep(running) })
	d.all.Go(func() { d.failed <- d.server.Serve(netutil.LimitListener(listener, mostClients)) })
	if o.Listening != nil {
		o.Listening(listener.Addr())
	}
	a.Logger.Info("cxm listens for webhooks", "address", listener.Addr().String())
	return d, nil
}

func (d *desk) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(observe.Route, observe.NewReceiver(observe.Config{
		Hooks: d.board, Inbox: inbox{d.app.Hooks}, Tally: d.board, Clock: d.app.Clock, Logger: d.app.Logger,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`+"\n") // a caller that is gone needs no answer
	})
	return mux
}

// ended is told when the listener ends before its time; without one nothing is.
func (d *desk) ended() <-chan error {
	if d == nil {
		return nil
	}
	return d.failed
}

// close takes no more requests, lets those under way finish until ctx ends, and
// waits for everything of the desk.
func (d *desk) close(ctx context.Context) error {
	if d == nil {
		return nil
	}
	err := d.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("ending the listener: %w", err), d.server.Close())
	}
	d.stop()
	d.all.Wait()
	return errors.Join(err, d.store(context.WithoutCancel(ctx)))
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
