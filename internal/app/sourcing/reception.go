package sourcing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
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
	each  Each
	board *receive.Board
	log   *slog.Logger

	mu sync.RWMutex
	of map[int64]*Sourcer // by source; guarded by mu

	waiting atomic.Int64 // deliveries, as of the last count and accepted since
	bytes   atomic.Int64 // likewise
	told    bool         // of a trouble that lasts
}

var _ http.Handler = (*Reception)(nil)

// Each does something for every tenant. The trouble of one keeps no other.
type Each func(ctx context.Context, do func(*Sourcer) error) error

// Reception takes what the sources of the tenant deliver over HTTP, see
// NewReception.
func (s *Sourcer) Reception(ctx context.Context) (*Reception, error) {
	return NewReception(ctx, func(_ context.Context, do func(*Sourcer) error) error { return do(s) }, s.Clock, s.Logger)
}

// NewReception takes what the sources of all tenants deliver over HTTP: a token says
// whose it is. The caller mounts it and lets it Run.
func NewReception(ctx context.Context, each Each, clock func() time.Time, log *slog.Logger) (*Reception, error) {
	r := &Reception{each: each, board: &receive.Board{}, log: log, of: map[int64]*Sourcer{}}
	r.Receiver = receive.New(receive.Config{Sources: r.board, Inbox: r, Tally: r.board, Full: r.full, Clock: clock, Logger: log})
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
		r.log.Error("what cxm has in memory of the sources that deliver is not up to date", "error", err)
	}
	r.told = err != nil
}

// refresh reads which sources may deliver. One that cannot be read may not, and does
// not keep the others.
func (r *Reception) refresh(ctx context.Context) error {
	var all []receive.Source
	of := map[int64]*Sourcer{}
	err := r.each(ctx, func(s *Sourcer) error {
		mine, err := s.receivable(ctx)
		for _, one := range mine {
			of[one.ID] = s
		}
		all = append(all, mine...)
		return err
	})
	r.mu.Lock()
	r.of = of
	r.mu.Unlock()
	r.board.Set(all)
	return err
}

// receivable lists the sources of the tenant that can be read.
func (s *Sourcer) receivable(ctx context.Context) ([]receive.Source, error) {
	kept, err := s.Configured.Sources(ctx)
	if err != nil {
		return nil, err
	}
	var all []receive.Source
	now := s.Clock()
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
	return all, err
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

// Accept implements receive.Inbox. What several tenants were sent is stored tenant
// by tenant: none waits for a fault of another.
func (r *Reception) Accept(ctx context.Context, in []receive.Delivery) ([]receive.Outcome, error) {
	out := make([]receive.Outcome, len(in))
	for sourcer, at := range r.sorted(in) {
		mine := make([]receive.Delivery, len(at))
		for i, n := range at {
			mine[i] = in[n]
		}
		if sourcer == nil { // its source was removed since it was proved
			for _, n := range at {
				out[n].Gone = true
			}
			continue
		}
		kept, err := sourcer.deliveries(ctx, mine)
		if err != nil {
			return nil, err
		}
		for i, o := range kept {
			out[at[i]] = receive.Outcome{ID: o.ID, Repeated: o.Repeated, Gone: o.Gone}
			if o.ID != 0 {
				r.waiting.Add(1)
			}
		}
	}
	return out, nil
}

// sorted says of deliveries whose they are, by their place.
func (r *Reception) sorted(in []receive.Delivery) map[*Sourcer][]int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := map[*Sourcer][]int{}
	for i, d := range in {
		out[r.of[d.Source.ID]] = append(out[r.of[d.Source.ID]], i)
	}
	return out
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
	var deliveries, bytes int64
	err := r.each(ctx, func(s *Sourcer) error {
		load, err := s.Configured.Load(ctx)
		deliveries, bytes = deliveries+load.Deliveries, bytes+load.Bytes
		return err
	})
	if err == nil {
		r.waiting.Store(deliveries)
		r.bytes.Store(bytes)
	}
	return err
}

// count stores what was counted. What cannot be stored is counted no more: it is for
// people to look at, and nothing hangs on it.
func (r *Reception) count(ctx context.Context) error {
	var err error
	for id, t := range r.board.Take() {
		r.mu.RLock()
		s := r.of[id]
		r.mu.RUnlock()
		if s == nil {
			continue
		}
		err = errors.Join(err, s.Configured.Count(ctx, id, sources.Counts{
			Accepted: t.Accepted, Events: t.Events, Repeated: t.Repeated, Refused: t.Refused,
		}, t.Used))
	}
	return err
}

// forget forgets the events that came long ago, or before very many others.
func (r *Reception) forget(ctx context.Context) error {
	return r.each(ctx, func(s *Sourcer) error {
		all, err := s.Configured.Sources(ctx)
		for _, one := range all {
			err = errors.Join(err, s.Configured.Forget(ctx, one.ID, s.Clock().Add(-remembered), mostRemembered))
		}
		return err
	})
}
