package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/db"
)

// hooks are what others want to hear of transactions.
type hooks struct {
	failpoint func(string)
	changed   func(context.Context, Tx, string) error
	sign      func(tenant string) *audit.Signer
	clock     func() time.Time
}

func (o Options) hooks() hooks {
	h := hooks{failpoint: o.Failpoint, changed: o.Changed, sign: o.Sign, clock: o.Clock}
	if h.failpoint == nil {
		h.failpoint = func(string) {}
	}
	return h
}

func (h hooks) before(c Change) { h.failpoint(c.Point + ": before commit") }

func (h hooks) after(c Change) { h.failpoint(c.Point + ": after commit") }

// run makes a change within an open transaction, tells of it where it marked
// groups, and at last adds to the audit log what was noted on the way. with hands
// the transaction out.
func (h hooks) run(ctx context.Context, on db.DBTX, c Change, with func(func(Tx) error) error) error {
	seen := &watched{DBTX: on}
	ctx, notes := audit.Collect(ctx)
	if err := c.Do(ctx, seen); err != nil {
		return err
	}
	if err := h.follow(ctx, c, seen, with); err != nil {
		return err
	}
	return h.note(ctx, on, c, seen, notes)
}

// follow adds the jobs that follow from a change.
func (h hooks) follow(ctx context.Context, c Change, seen *watched, with func(func(Tx) error) error) error {
	changed := seen.marked && h.changed != nil
	if !changed && c.Then == nil {
		return nil
	}
	return with(func(tx Tx) error {
		var err error
		if c.Then != nil {
			err = c.Then(ctx, tx)
		}
		if err == nil && changed {
			err = h.changed(ctx, tx, c.Tenant)
		}
		if err != nil {
			return fmt.Errorf("adding the job that follows: %w", err)
		}
		return nil
	})
}

// watched notices statements that mark groups as changed, and those that the
// audit log must know of: it knows them by their text, so that no writer of a
// query can forget to say so (TestMarksAreNoticed, TestEveryWriteIsJudged).
type watched struct {
	db.DBTX
	marked  bool
	audited string // the first query that the log must know of; empty: none
}

// notice looks at a statement that is about to run.
func (w *watched) notice(text string) {
	w.marked = w.marked || marks(text)
	if name := queryName(text); w.audited == "" && audited(name) {
		w.audited = name
	}
}

// marks says whether a statement marks groups as changed.
func marks(text string) bool {
	return strings.Contains(text, "dirty = true") || strings.Contains(text, "insert into finding_groups")
}

// ExecContext runs a statement that gives no rows.
func (w *watched) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	w.notice(text)
	return w.DBTX.ExecContext(ctx, text, args...)
}

// QueryContext runs a statement that gives rows.
func (w *watched) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	w.notice(text)
	return w.DBTX.QueryContext(ctx, text, args...)
}

// QueryRowContext runs a statement that gives one row.
func (w *watched) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	w.notice(text)
	return w.DBTX.QueryRowContext(ctx, text, args...)
}

// PrepareContext returns the statement for a text, taken as run.
func (w *watched) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	w.notice(text)
	return w.DBTX.PrepareContext(ctx, text)
}
