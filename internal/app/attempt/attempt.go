// Package attempt keeps what people began in a browser and have not ended yet.
//
// What always holds: it is in memory alone, for a while, and for whoever began it: by
// another person, session or tenant it is not found; how much one person can have is
// bounded, and the oldest goes first.
package attempt

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// Owner is who began something, and where.
type Owner struct {
	Person, Session int64
	Tenant          string
}

// Desk keeps attempts. Make one with New; it is safe for concurrent use.
type Desk[T any] struct {
	life  time.Duration
	most  int // of one owner
	ended func(T)

	mu   sync.Mutex
	kept []kept[T] // the oldest first; guarded by mu
}

type kept[T any] struct {
	id    string
	owner Owner
	value T
	until *time.Timer
}

// New makes a desk that forgets an attempt after life, or when its owner has more than
// most of them. ended is called with what is forgotten; nil: nobody is told.
func New[T any](life time.Duration, most int, ended func(T)) *Desk[T] {
	return &Desk[T]{life: life, most: most, ended: ended}
}

// Add keeps an attempt, and says by which name it is found again.
func (d *Desk[T]) Add(o Owner, v T) (id string) {
	id = rand.Text()
	d.mu.Lock()
	d.kept = append(d.kept, kept[T]{id, o, v, time.AfterFunc(d.life, func() { d.Drop(o, id) })})
	var over []string
	for _, k := range d.kept {
		if k.owner == o {
			over = append(over, k.id)
		}
	}
	d.mu.Unlock()
	for len(over) > d.most {
		d.Drop(o, over[0])
		over = over[1:]
	}
	return id
}

// Find is the owner's attempt of that name; not ok: there is none, or no longer.
func (d *Desk[T]) Find(o Owner, id string) (v T, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.at(o, id); i >= 0 {
		return d.kept[i].value, true
	}
	return v, false
}

// All are the owner's attempts, the oldest first.
func (d *Desk[T]) All(o Owner) []T {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []T
	for _, k := range d.kept {
		if k.owner == o {
			out = append(out, k.value)
		}
	}
	return out
}

// Drop forgets an attempt.
func (d *Desk[T]) Drop(o Owner, id string) {
	d.mu.Lock()
	i := d.at(o, id)
	if i < 0 {
		d.mu.Unlock()
		return
	}
	gone := d.kept[i]
	gone.until.Stop()
	d.kept = slices.Delete(d.kept, i, i+1)
	d.mu.Unlock()
	if d.ended != nil {
		d.ended(gone.value)
	}
}

// at is where an attempt is; -1: there is none. d.mu is held.
func (d *Desk[T]) at(o Owner, id string) int {
	return slices.IndexFunc(d.kept, func(k kept[T]) bool { return k.owner == o && k.id == id })
}

// Watched is a value that changes while others look at it. Make one with Watch; it is
// safe for concurrent use. What is in the value is not changed in place.
type Watched[T any] struct {
	mu      sync.Mutex
	now     T
	changed chan struct{} // closed when now is another
}

// Watch begins with a value.
func Watch[T any](v T) *Watched[T] { return &Watched[T]{now: v, changed: make(chan struct{})} }

// Now is the value, and what is closed once it is another.
func (w *Watched[T]) Now() (T, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.changed
}

// Change makes it another, and is the value then.
func (w *Watched[T]) Change(f func(*T)) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.now)
	close(w.changed)
	w.changed = make(chan struct{})
	return w.now
}
