package sourcing

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"cxm/internal/receive"
	"cxm/internal/store/sources"
)

// What of a reception is done how often, and kept for how long.
const (
	// refreshEvery is how soon a source that was added, switched or given another
	// token is known to the other processes.
	refreshEvery = 2 * time.Second
	forgetEvery  = time.Minute
	// An event that comes again within this time, and before so many others of its
	// source, has one effect.
	remembered     = 7 * 24 * time.Hour
	mostRemembered = 1_000_000
	// So much may wait to be taken in before nothing more is accepted.
	mostWaiting      = 100_000
	mostWaitingBytes = 512 << 20
)

// Reception is the http.Handler behind receive.Patterns, as long as Run runs.
type Reception struct {
	*receive.Receiver
	sourcer *Sourcer
	board   *receive.Board
	waiting atomic.Int64 // deliveries, as of the last count and accepted since
	bytes   atomic.Int64 // likewise
	told    bool         // of a trouble that lasts
}

var _ http.Handler = (*Reception)(nil)

// Reception takes what the sources deliver over HTTP. The caller mounts it and lets
// it Run.
func (s *Sourcer) Reception(ctx context.Context) (*Reception, error) {
	r := &Reception{sourcer: s, board: &receive.Board{}}
	r.Receiver = receive.New(receive.Config{Sources: r.board, Inbox: r, Tally: r.board, Full: r.full, Clock: s.Clock, Logger: s.Logger})
	return r, errors.Join(r.refresh(ctx), r.weigh(ctx))
}

// Run keeps what the reception has in memory up to date until ctx ends, and stores
// what it counted.
func (r *Reception) Run(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			r.tell(r.count(context.WithoutCancel(ctx)))
			return
		case <-tick.C:
		}
		err := errors.Join(r.count(ctx), r.refresh(ctx), r.weigh(ctx))
		if time.Since(last) > forgetEvery {
			last = time.Now()
			err = errors.Join(err, r.forget(ctx))
		}
		if ctx.Err() == nil {
			r.tell(err)
		}
	}
}

// tell logs a trouble once.
func (r *Reception) tell(err error) {
	if err != nil && !r.told {
		r.sourcer.Logger.Error("what cxm has in memory of the sources that deliver is not up to date", "error", err)
	}
	r.told = err != nil
}

// refresh reads which sources may deliver. One that cannot be read may not, and does
// not keep the others.
func (r *Reception) refresh(ctx context.Context) error {
	kept, err := r.sourcer.Configured.Sources(ctx)
	if err != nil {
		return err
	}
	var all []receive.Source
	now := r.sourcer.Clock()
	for _, one := range kept {
		in, wrong := read(one)
		if wrong != nil {
			err = errors.Join(err, wrong)
			continue
		}
		all = append(all, receive.Source{
			ID: in.ID, Name: in.Name, Type: in.Type, Options: in.Options, Enabled: in.Enabled, Rate: int(in.Rate), Tokens: tokens(one, now),
		})
	}
	r.board.Set(all)
	return err
}

// tokens are those that prove a source now.
func tokens(s sources.Source, now time.Time) []receive.Hash {
	var out []receive.Hash
	if len(s.Token) == len(receive.Hash{}) {
		out = append(out, receive.Hash(s.Token))
	}
	if len(s.Former) == len(receive.Hash{}) && now.Before(s.FormerUntil) {
		out = append(out, receive.Hash(s.Former))
	}
	return out
}

// Accept implements receive.Inbox.
func (r *Reception) Accept(ctx context.Context, in []receive.Delivery) ([]receive.Outcome, error) {
	kept, err := r.sourcer.deliveries(ctx, in)
	if err != nil {
		return nil, err
	}
	out := make([]receive.Outcome, len(kept))
	for i, o := range kept {
		out[i] = receive.Outcome{ID: o.ID, Repeated: o.Repeated, Gone: o.Gone}
		if o.ID != 0 {
			r.waiting.Add(1)
		}
	}
	return out, nil
}

// deliveries stores what was received.
func (s *Sourcer) deliveries(ctx context.Context, in []receive.Delivery) ([]sources.Outcome, error) {
	all := make([]sources.Delivery, len(in))
	for i, d := range in {
		all[i] = sources.Delivery{Source: d.Source.ID, Name: d.Source.Name, ReceivedAt: d.ReceivedAt}
		for _, e := range d.Events {
			all[i].Events = append(all[i].Events, sources.Event{Digest: sources.Digest(e.Digest), Text: e.Text})
		}
	}
	return s.Configured.Accept(ctx, all)
}

// full says that so much waits that nothing more is to be accepted.
func (r *Reception) full() bool {
	return r.waiting.Load() >= mostWaiting || r.bytes.Load() >= mostWaitingBytes
}

// weigh counts what waits.
func (r *Reception) weigh(ctx context.Context) error {
	load, err := r.sourcer.Configured.Load(ctx)
	if err == nil {
		r.waiting.Store(load.Deliveries)
		r.bytes.Store(load.Bytes)
	}
	return err
}

// count stores what was counted. What cannot be stored is counted no more: it is for
// people to look at, and nothing hangs on it.
func (r *Reception) count(ctx context.Context) error {
	var err error
	for id, t := range r.board.Take() {
		err = errors.Join(err, r.sourcer.Configured.Count(ctx, id, sources.Counts{
			Accepted: t.Accepted, Events: t.Events, Repeated: t.Repeated, Refused: t.Refused,
		}, t.Used))
	}
	return err
}

// forget forgets the events that came long ago, or before very many others.
func (r *Reception) forget(ctx context.Context) error {
	all, err := r.sourcer.Configured.Sources(ctx)
	for _, one := range all {
		err = errors.Join(err, r.sourcer.Configured.Forget(ctx, one.ID, r.sourcer.Clock().Add(-remembered), mostRemembered))
	}
	return err
}
