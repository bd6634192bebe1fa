// Package errand does what people asked for in a browser and takes longer than a
// request may: it goes on when nobody looks, and who comes back finds how far it is.
//
// What always holds: of one name one is under way at a time; how many are under way,
// and how many are remembered, is bounded; all of them end before the desk does.
package errand

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	life  = 30 * time.Minute // for which the end of one is remembered
	kept  = 64               // that are remembered
	going = 8                // under way at a time
)

// Desk keeps errands. Make one with New; it is safe for concurrent use.
type Desk struct {
	clock func() time.Time
	ctx   context.Context // ends with the desk
	end   context.CancelFunc
	wait  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	all    []*entry // the one that began first is first; guarded by mu
}

type entry struct {
	name string
	Errand
	done chan struct{}
}

// Errand is one, as far as it is.
type Errand struct {
	What         string // is being done, in words
	By           string // who asked for it
	Given        any    // what who began it wants to find again
	Began, Ended time.Time
	Err          error // why it failed; nil: it did not, or is under way
	Result       any   // of what was done; nil while it is under way
}

// Going says that it is under way.
func (e Errand) Going() bool { return e.Ended.IsZero() && !e.Began.IsZero() }

var (
	// ErrBusy says that one of the same name is under way.
	ErrBusy = errors.New("the same is under way already: wait for its end")
	// ErrFull says that too many are under way.
	ErrFull = errors.New("cxm is busy with what others asked for: wait a minute, then try again")
	// ErrClosed says that the program ends.
	ErrClosed = errors.New("cxm is about to stop: try again when it has been started anew")
)

// New makes a desk. Its owner closes it.
func New(clock func() time.Time) *Desk {
	ctx, end := context.WithCancel(context.Background())
	return &Desk{clock: clock, ctx: ctx, end: end}
}

// Begin has something done under a name, and does not wait for it. What ctx carries
// goes along; that it ends does not stop what was begun, but the end of the desk does.
func (d *Desk) Begin(ctx context.Context, name string, e Errand, do func(context.Context) (any, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	under := 0
	for _, other := range d.all {
		if other.Going() && other.name == name {
			return ErrBusy
		}
		if other.Going() {
			under++
		}
	}
	switch {
	case d.closed:
		return ErrClosed
	case under >= going:
		return ErrFull
	}
	d.all = slices.DeleteFunc(d.all, func(other *entry) bool { return other.name == name })
	e.Began, e.Ended, e.Err, e.Result = d.clock(), time.Time{}, nil, nil
	one := &entry{name: name, Errand: e, done: make(chan struct{})}
	d.all = append(d.all, one)
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(d.ctx, cancel)
	d.wait.Go(func() {
		defer func() { stop(); cancel() }()
		d.finish(one, func() (any, error) { return do(own) })
	})
	return nil
}

// finish does it and writes down how it ended. A panic is its own end, not that of the
// program.
func (d *Desk) finish(one *entry, do func() (any, error)) {
	var result any
	err := errors.New("it did not end well")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it broke off: %v", p)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		one.Ended, one.Err, one.Result = d.clock(), err, result
		close(one.done)
	}()
	result, err = do()
}

// forget drops what ended long ago, and the oldest of too many. d.mu is held.
func (d *Desk) forget() {
	now := d.clock()
	d.all = slices.DeleteFunc(d.all, func(e *entry) bool { return !e.Going() && now.Sub(e.Ended) > life })
	for over := len(d.all) - kept + 1; over > 0; over-- {
		i := slices.IndexFunc(d.all, func(e *entry) bool { return !e.Going() })
		if i < 0 {
			return
		}
		d.all = slices.Delete(d.all, i, i+1)
	}
}

// At is the errand of a name, and what is closed when it has ended; not ok: there is
// none, or no longer.
func (d *Desk) At(name string) (e Errand, ended <-chan struct{}, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	for _, one := range d.all {
		if one.name == name {
			return one.Errand, one.done, true
		}
	}
	return Errand{}, nil, false
}

// Drop forgets an errand that has ended.
func (d *Desk) Drop(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = slices.DeleteFunc(d.all, func(e *entry) bool { return e.name == name && !e.Going() })
}

// Close has all that is under way stop, and waits for that until ctx ends.
func (d *Desk) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.end()
	done := make(chan struct{})
	go func() { d.wait.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("what was begun in a browser did not stop in time: the journal says how far it came")
	}
}
