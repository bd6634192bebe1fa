// Package flight bounds how many writes to a tracker are under way at once.
//
// What always holds: no more places are taken than there are; of those that wait
// for one, the lowest turn gets the next that is free; who gives up waiting leaves
// no place taken.
package flight

import (
	"container/heap"
	"context"
	"sync"
)

// Places are for writes under way at once. They are safe for many goroutines.
type Places struct {
	mu      sync.Mutex
	free    int
	waiting queue
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
	heap.Push(&p.waiting, w)
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
	if w.at >= 0 {
		heap.Remove(&p.waiting, w.at)
		return
	}
	p.free++
	p.serve()
}

// serve hands out what is free; the caller holds the lock.
func (p *Places) serve() {
	for ; p.free > 0 && len(p.waiting) > 0; p.free-- {
		close(heap.Pop(&p.waiting).(*waiter).ready)
	}
}

type waiter struct {
	turn  int
	at    int // in the queue; -1: it has its place
	ready chan struct{}
}

// queue is a heap of waiters, the lowest turn on top.
type queue []*waiter

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].turn < q[j].turn }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].at, q[j].at = i, j }

func (q *queue) Push(x any) {
	w := x.(*waiter)
	w.at = len(*q)
	*q = append(*q, w)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	w.at, *q = -1, (*q)[:last]
	return w
}
