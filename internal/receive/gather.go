package receive

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// What is stored together at most. A group's bytes bound how long others wait for
// the database.
const (
	groupDeliveries = 256
	groupBytes      = 2 << 20
)

// gatherer has deliveries that arrive while others are being stored share the next
// transaction: the more arrive, the less each costs. Whoever gets the turn stores all
// that waits.
type gatherer struct {
	inbox   Inbox
	turn    chan struct{} // holds one value while someone has the turn
	mu      sync.Mutex
	waiting []*pending // guarded by mu
}

func newGatherer(in Inbox) *gatherer { return &gatherer{inbox: in, turn: make(chan struct{}, 1)} }

// pending is one delivery and, once done is closed, what became of it.
type pending struct {
	delivery Delivery
	size     int
	out      Outcome
	err      error
	done     chan struct{}
}

// errUnsettled is the outcome of deliveries whose group ended in a panic.
var errUnsettled = errors.New("the delivery was given up")

// accept stores a delivery and returns once it is durable.
func (g *gatherer) accept(ctx context.Context, d Delivery) (Outcome, error) {
	p := &pending{delivery: d, err: errUnsettled, done: make(chan struct{})}
	for _, e := range d.Events {
		p.size += len(e.Text)
	}
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	g.mu.Unlock()
	for {
		select {
		case <-p.done:
			return p.out, p.err
		default:
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			if g.withdraw(p) {
				return Outcome{}, ctx.Err()
			}
			<-p.done
		case g.turn <- struct{}{}:
			g.lead(ctx)
		}
	}
}

// withdraw takes back what nobody has begun to store.
func (g *gatherer) withdraw(p *pending) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, p)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// next takes what waits the longest, within the bounds of a group.
func (g *gatherer) next() []*pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < len(g.waiting) && n < groupDeliveries && (n == 0 || size+g.waiting[n].size <= groupBytes) {
		size += g.waiting[n].size
		n++
	}
	some := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return some
}

// lead stores a group and gives the turn back.
func (g *gatherer) lead(ctx context.Context) {
	defer func() { <-g.turn }()
	some := g.next()
	if len(some) == 0 {
		return
	}
	in := make([]Delivery, len(some))
	for i, p := range some {
		in[i] = p.delivery
		defer close(p.done)
	}
	// The end of the leader's time is not that of the others.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), slowest)
	defer cancel()
	out, err := g.inbox.Accept(bounded, in)
	if err == nil && len(out) != len(in) {
		err = errUnsettled
	}
	for i, p := range some {
		if p.err = err; err == nil {
			p.out = out[i]
		}
	}
}
