package limit

import (
	"context"
	"sync"
	"time"
)

// share is a bucket's part of what several processes share. It asks the ledger
// for as many permits as there are callers waiting, a few at most, and hands
// them out: a process that is killed takes few of them with it.
type share struct {
	ledger Ledger
	name   string
	pace   pace
	most   int // permits in one lease

	mu      sync.Mutex
	callers int           // that want a permit
	hand    lease         // what is left of the last one
	asked   time.Time     // when it was asked for
	got     time.Time     // when it came: First counts from here
	shut    time.Time     // there is none before it
	asking  chan struct{} // closed when the one who asks has an answer; nil: nobody asks
}

func newShare(ledger Ledger, name string, perMinute int) *share {
	s := &share{ledger: ledger, name: name, pace: sharedPace(perMinute), most: min(max(1, perMinute/20), 50)}
	if perMinute <= 0 {
		s.most = plenty
	}
	return s
}

// permit lets one request go, from one moment to another.
type permit struct {
	from, to time.Time
	probe    bool
}

// take waits for a permit; whoever gets it waits until it is good.
func (s *share) take(ctx context.Context, b *Bucket, turn int) (permit, error) {
	s.enter(1)
	defer s.enter(-1)
	for {
		changed, mine := b.change(turn)
		p, next := s.reach(ctx, time.Now(), mine)
		switch {
		case next.late > 0:
			return permit{}, &LateError{What: b.what, Wait: next.late}
		case next.wait > 0:
			if err := b.wait(ctx, next.wait, changed); err != nil {
				return permit{}, err
			}
		case next.behind:
			if err := b.wait(ctx, 0, changed); err != nil {
				return permit{}, err
			}
		case next.busy != nil:
			if err := b.wait(ctx, 0, next.busy); err != nil {
				return permit{}, err
			}
		case next.ask:
			if err := s.ask(ctx); err != nil {
				return permit{}, err
			}
		default:
			return p, nil
		}
	}
}

func (s *share) enter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers += n
}

// next is what a caller without a permit does.
type next struct {
	wait time.Duration   // then look again
	late time.Duration   // give up: the context ends before there is room
	busy <-chan struct{} // somebody asks: wait for the answer
	ask  bool            // ask the ledger

	behind bool // somebody waits whose turn is earlier
}

// reach gives out a permit, or says what to do instead. Mine says that nobody
// waits whose turn is earlier.
func (s *share) reach(ctx context.Context, now time.Time, mine bool) (permit, next) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.peek(now); ok {
		if late := beyond(ctx, now, p.from); late > 0 {
			return permit{}, next{late: late}
		}
		if !mine {
			return permit{}, next{behind: true}
		}
		s.hand.count--
		s.hand.first += s.hand.every
		return p, next{}
	}
	switch {
	case now.Before(s.shut):
		return permit{}, next{wait: s.shut.Sub(now), late: beyond(ctx, now, s.got.Add(s.hand.first))}
	case s.asking != nil:
		return permit{}, next{busy: s.asking}
	}
	s.asking = make(chan struct{})
	return permit{}, next{ask: true}
}

// beyond is how long it is until a moment that the context does not live to
// see; 0: it does.
func beyond(ctx context.Context, now, moment time.Time) time.Duration {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(moment) {
		return moment.Sub(now)
	}
	return 0
}

// peek is the next permit in the hand that can still be used.
func (s *share) peek(now time.Time) (permit, bool) {
	for ; s.hand.count > 0; s.hand.count, s.hand.first = s.hand.count-1, s.hand.first+s.hand.every {
		due := max(s.hand.first, 0)
		p := permit{from: s.got.Add(due), to: s.asked.Add(due + lasting), probe: s.hand.probe}
		if now.Before(p.to) {
			return p, true
		}
		if s.hand.every == 0 {
			s.hand.count = 0
			break
		}
	}
	return permit{}, false
}

// ask leases permits for those who wait.
func (s *share) ask(ctx context.Context) error {
	s.mu.Lock()
	want, asked := min(max(s.callers, 1), s.most), time.Now()
	s.mu.Unlock()
	if s.pace.every == 0 {
		want = plenty
	}
	var l lease
	err := s.ledger.Turn(ctx, s.name, func(was string, now time.Time) string {
		b, leased := read(was).lease(now, s.pace, want)
		l = leased
		return b.String()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.asking)
	s.asking = nil
	if err != nil {
		return err
	}
	s.hand, s.asked, s.got = l, asked, time.Now()
	s.shut = s.got.Add(l.wait)
	return nil
}

// drop forgets what is in the hand: there is a pause, or it ended early.
func (s *share) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hand.count, s.shut = 0, time.Time{}
}

// record changes what the ledger keeps. It is done although the caller may have
// given up: others wait for it.
func (s *share) record(ctx context.Context, change func(book, time.Time) book) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer cancel()
	return s.ledger.Turn(ctx, s.name, func(was string, now time.Time) string {
		return change(read(was), now).String()
	})
}

// recording is how long a ledger is given to take down what was learned.
const recording = 10 * time.Second
