// Package board holds what lists of findings are filtered, ordered and summed up by,
// in memory, and keeps it up to date with the database: a hundred thousand findings
// take some 80 MB while somebody looks at them.
//
// What always holds: a snapshot never changes, so that a number and the list behind
// it are the same; what it says was so at one moment; amounts are exact and those in
// different currencies never added; a resource that several sources claim counts
// once; texts that are shown are read from the database.
package board

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cxm/internal/finding"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Whose says whose a finding is that a rule put where it is, as far as can be told
// without asking anybody; empty: it cannot.
type Whose func(rule string, f finding.Finding) string

// Options are what a board needs.
type Options struct {
	Tenant string
	Clock  func() time.Time
	// Whose goes by the rules in force, which are of a revision. Optional.
	Whose func(context.Context) (Whose, int64, error)
}

// Of how many findings what changed is read while somebody waits. Of more, how much
// longer a snapshot serves than it takes to read what changed, and how old it may be
// at most.
const (
	few    = 10_000
	pauses = 4
	oldest = 30 * time.Second
	idle   = 30 * time.Minute // then it forgets what it holds
)

// Board is the findings of one tenant. It is safe for concurrent use.
type Board struct {
	base    *database.DB
	tenant  string
	options Options

	now    atomic.Pointer[Snapshot]
	read   atomic.Int64 // when that was last known to be up to date, as Unix nanoseconds
	idle   *time.Timer  // forgets what is held
	behind atomic.Bool  // somebody reads what changed, and nobody waits for it
	mu     sync.Mutex   // of who reads
	held   *held        // guarded by mu
}

// New makes a board that has read nothing yet.
func New(base *database.DB, o Options) *Board {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Whose == nil {
		o.Whose = func(context.Context) (Whose, int64, error) { return nobody, 0, nil }
	}
	b := &Board{base: base, tenant: o.Tenant, options: o}
	b.idle = time.AfterFunc(idle, b.Drop)
	return b
}

func nobody(string, finding.Finding) string { return "" }

// Size is how many findings are held.
func (b *Board) Size() int {
	if s := b.now.Load(); s != nil {
		return len(s.rows)
	}
	return 0
}

// Drop forgets what is held: it is read again when somebody asks.
func (b *Board) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = nil
	b.now.Store(nil)
}

// Snapshot is how the findings are. What changed meanwhile is read at once where
// there are few; else it is read while the one from before serves, for half a minute
// at most.
func (b *Board) Snapshot(ctx context.Context) (*Snapshot, error) {
	b.idle.Reset(idle)
	s, age := b.now.Load(), time.Since(time.Unix(0, b.read.Load()))
	switch {
	case s == nil || len(s.rows) <= few || age > oldest:
		return b.latest(ctx)
	case age < pauses*s.took:
		return s, nil
	}
	if b.behind.CompareAndSwap(false, true) {
		go func() {
			defer b.behind.Store(false)
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
			defer cancel()
			_, _ = b.latest(ctx) // who asks after half a minute is told
		}()
	}
	return s, nil
}

// latest is a snapshot of how the findings are now.
func (b *Board) latest(ctx context.Context) (*Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	whose, revision, err := b.options.Whose(ctx)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	s := b.now.Load()
	err = b.base.Read(ctx, func(tx db.DBTX) error {
		q := db.New(tx)
		now, err := b.mark(ctx, q, revision)
		if err != nil {
			return err
		}
		if s != nil && s.mark == now && s.Holds(b.options.Clock()) {
			return nil
		}
		s, err = b.take(ctx, tx, q, now, whose)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what lists are made from: %w", err)
	}
	if s != b.now.Load() {
		s.took = time.Since(begun) // nobody else has it yet
	}
	b.now.Store(s)
	b.read.Store(time.Now().UnixNano())
	return s, nil
}

// take reads what changed, and makes a snapshot.
func (b *Board) take(ctx context.Context, tx db.DBTX, q *db.Queries, now mark, whose Whose) (*Snapshot, error) {
	h := b.held
	b.held = nil // half of a change is nothing to go on from
	if h == nil {
		h = newHeld()
	}
	if err := b.update(ctx, tx, h, now, whose); err != nil {
		return nil, err
	}
	issues, err := h.briefs(ctx, q, b.tenant)
	if err != nil {
		return nil, err
	}
	said, err := standing(ctx, q, b.tenant)
	if err != nil {
		return nil, err
	}
	b.held = h
	return h.snapshot(issues, said, b.options.Clock()), nil
}
