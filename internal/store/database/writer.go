package database

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"
)

// writer is the one connection that writes. Small writes that wait for it at the
// same time share a transaction, and so one wait for the disk: whoever gets the
// turn carries out all of them.
type writer struct {
	db      *sql.DB
	kept    *kept
	hooks   hooks
	turn    chan struct{} // holds one value while someone has the turn
	crowded bool          // the last turn carried out several jobs; guarded by turn
	mu      sync.Mutex
	waiting []*job // guarded by mu
}

func newWriter(db *sql.DB, h hooks) *writer {
	return &writer{db: db, kept: newKept(db), hooks: h, turn: make(chan struct{}, 1)}
}

// job is one small write and, once done is closed, its outcome.
type job struct {
	Change
	ctx  context.Context
	err  error
	done chan struct{}
}

// shared is how many jobs share a transaction at most.
const shared = 64

// errAborted is the outcome of jobs whose transaction ended in a panic.
var errAborted = errors.New("the transaction was given up")

// do makes a change, on this goroutine or another, and returns once it is on
// disk. Once it began, the end of ctx does not end it: what is interrupted takes
// the others' work with it.
func (w *writer) do(ctx context.Context, c Change) error {
	j := &job{Change: c, ctx: ctx, done: make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, j)
	w.mu.Unlock()
	for {
		select {
		case <-j.done:
			return j.err
		default:
		}
		select {
		case <-j.done:
		case <-ctx.Done():
			if w.withdraw(j) {
				return ctx.Err()
			}
			<-j.done
		case w.turn <- struct{}{}:
			if err := w.lead(ctx); err != nil && w.withdraw(j) {
				return err
			}
		}
	}
}

// withdraw takes back a job that nobody has begun.
func (w *writer) withdraw(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, j)
	if i < 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// take takes the jobs that wait the longest.
func (w *writer) take() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), shared)
	jobs := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	return jobs
}

// lead carries out what waits and gives the turn back. Its error says that the
// database could not be had; then no job was begun.
func (w *writer) lead(ctx context.Context) error {
	defer func() { <-w.turn }()
	if w.crowded {
		gather(ctx)
	}
	w.kept.catchUp(ctx)
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	jobs := w.take()
	w.crowded = len(jobs) > 1
	for _, j := range jobs {
		j.err = errAborted
		defer close(j.done)
	}
	if err := w.carryOut(tx, w.kept.in(tx), jobs); err != nil {
		for _, j := range jobs {
			j.err = err
		}
	}
	return nil
}

// gathering is how long a turn waits for company when the one before had some.
// A wait for the disk holds a processor (the driver's system calls do not tell
// the scheduler), so that few large transactions leave more for everyone else
// than many small ones.
const gathering = 2 * time.Millisecond

// gather lets jobs come together.
func gather(ctx context.Context) {
	timer := time.NewTimer(gathering)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// carryOut runs the jobs, each of them whole or not at all, and commits. After
// an error nothing of any was kept.
func (w *writer) carryOut(tx *sql.Tx, statements *prepared, jobs []*job) error {
	ctx := context.Background() // what is interrupted takes the others' work with it
	var kept []*job
	for _, j := range jobs {
		if _, err := statements.ExecContext(ctx, "savepoint job"); err != nil {
			return err
		}
		if j.err = w.hooks.run(context.WithoutCancel(j.ctx), statements, j.Change, lend(tx)); j.err != nil {
			if _, err := statements.ExecContext(ctx, "rollback to savepoint job"); err != nil {
				return errors.Join(err, j.err)
			}
		} else {
			kept = append(kept, j)
		}
		if _, err := statements.ExecContext(ctx, "release savepoint job"); err != nil {
			return err
		}
	}
	return w.commit(tx, kept)
}

func (w *writer) commit(tx *sql.Tx, kept []*job) error {
	if len(kept) == 0 {
		return nil
	}
	for _, j := range kept {
		w.hooks.before(j.Change)
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, j := range kept {
		w.hooks.after(j.Change)
	}
	return nil
}

// lend hands out SQLite's transaction.
func lend(tx *sql.Tx) func(func(Tx) error) error {
	return func(f func(Tx) error) error { return f(Tx{SQL: tx}) }
}

// exclusive makes a change in a transaction of its own, which the end of ctx
// rolls back.
func (w *writer) exclusive(ctx context.Context, c Change) error {
	w.kept.catchUp(ctx)
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := w.hooks.run(ctx, w.kept.in(tx), c, lend(tx)); err != nil {
		return err
	}
	w.hooks.before(c)
	if err := tx.Commit(); err != nil {
		return err
	}
	w.hooks.after(c)
	return nil
}
