// Package flight bounds how many writes to a tracker are under way at once.
//
// What always holds: no more places are taken than there are; of those that wait
// for one, the lowest turn gets the next that is free; who gives up waiting leaves
// no place taken.
package flight

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// Places are for writes under way at once. They are safe for many goroutines.
type Places struct {
	mu      sync.Mutex
	free    int
	waiting []*waiter // by turn, then in the order they came
}

// New makes n places; n is at least 1.
func New(n int) *Places { return &Places{free: n} }

// Place is that of one write, which takes it at most once at a time. It is for
// one goroutine at a time.
type Place struct {
	from *Places
	held bool
}

// Place is one that is not taken yet.
func (p *Places) Place() Place { return Place{from: p} }

// Take waits for the place; one that is held is kept. The error is the context's.
func (p *Place) Take(ctx context.Context, turn int) error {
	if p.held {
		return nil
	}
	w := p.from.enter(turn)
	select {
	case <-w.ready:
		p.held = true
		return nil
	case <-ctx.Done():
		p.from.abandon(w)
		return ctx.Err()
	}
}

// Release gives the place back; one that is not held stays so.
func (p *Place) Release() {
	if p.held {
		p.held = false
		p.from.put()
	}
}

func (p *Places) enter(turn int) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &waiter{turn: turn, ready: make(chan struct{})}
	at, _ := slices.BinarySearchFunc(p.waiting, turn+1, func(w *waiter, turn int) int { return cmp.Compare(w.turn, turn) })
	p.waiting = slices.Insert(p.waiting, at, w)
	p.serve()
	return w
}

func (p *Places) put() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	p.serve()
}

// abandon is for a waiter that gave up, and may have got its place meanwhile.
func (p *Places) abandon(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.waiting, w); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		return
	}
	p.free++
	p.serve()
}

// serve hands out what is free; the caller holds the lock.
func (p *Places) serve() {
	for ; p.free > 0 && len(p.waiting) > 0; p.free-- {
		close(p.waiting[0].ready)
		p.waiting = slices.Delete(p.waiting, 0, 1)
	}
}

type waiter struct {
	turn  int
	ready chan struct{} // closed when it has its place
}
