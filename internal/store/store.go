// Package store keeps what cxm knows: findings and their groups, the issues made
// of them, the journal of every step, and the connections to trackers.
//
// What always holds: every row and every query carries a tenant; what a method
// writes is on disk, whole, when it returns, and nothing of it is when it
// returns an error; an intent to create an issue is unique per group before the
// tracker hears of it; no method calls anything but the database while it holds
// a transaction, Ingest's fill apart. Times are kept in UTC, cut to
// microseconds. There is one set of queries (queries/, made into db/ by sqlc)
// for all databases; only the migrations differ.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/plan"
	"cxm/internal/store/db"
)

// Errors that callers tell apart, with errors.Is.
var (
	// ErrAlreadyIntended: the group has an issue already, or one is being made.
	ErrAlreadyIntended = errors.New("the group already has an issue, or one is being created: plan again")
	// ErrStale: the row was written by someone else since it was read.
	ErrStale = errors.New("the issue was changed by another process since it was read: read it again")
	// ErrNotFound: this tenant has no such row.
	ErrNotFound = errors.New("not found")
	// ErrNotWaiting: the run does not wait for anybody.
	ErrNotWaiting = errors.New("the run does not wait for approval: it was approved, or a later plan took its place (see cxm plan)")
	// ErrCapped: the caps have no room for another issue.
	ErrCapped = errors.New("the project has as many new or open issues as its caps allow: it waits its turn")
	// ErrConnected: the tenant has an integration with this URL and project.
	ErrConnected = errors.New("this project is connected already: update that integration")
	// ErrNewerSchema: a newer cxm wrote the database.
	ErrNewerSchema = errors.New("the database was written by a newer version of cxm: run that version, or restore a backup made before the upgrade")
)

// Options say where the database is.
type Options struct {
	Path string // SQLite file, made (mode 0600) when absent; its folder must exist
}

// DB is an open database. It is safe for concurrent use, also by several
// processes on one machine.
type DB struct {
	write *writer
	read  *kept
}

// Open opens the database, makes it when it is absent, and brings its schema up
// to date. The error is ErrNewerSchema when a newer cxm wrote it.
func Open(ctx context.Context, o Options) (*DB, error) { return openSQLite(ctx, o.Path) }

// Close waits for what is being written and closes the database.
func (d *DB) Close() error { return errors.Join(d.read.close(), d.write.kept.close()) }

// Tenant is the part of the database that belongs to name. A tenant exists as
// soon as something is stored for it.
func (d *DB) Tenant(name string) *Store { return &Store{db: d, tenant: name} }

// Store is one tenant's part of the database.
type Store struct {
	db     *DB
	tenant string
	caps   plan.Caps
	clock  func() time.Time // of the caps
}

// Capped is the same part of the database with caps that no Intend may break,
// however many processes create issues at once; clock tells which hour it is.
func (s *Store) Capped(c plan.Caps, clock func() time.Time) *Store {
	capped := *s
	capped.caps, capped.clock = c, clock
	return &capped
}

// query runs f on one consistent state of the database, without ever waiting
// for a writer.
func (s *Store) query(ctx context.Context, doing string, f func(*db.Queries) error) error {
	s.db.read.catchUp(ctx)
	tx, err := s.db.read.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return wrap(doing, err)
	}
	defer tx.Rollback() // nothing was written
	return wrap(doing, f(db.New(s.db.read.in(tx))))
}

// save runs f in one durable transaction: all of it or nothing.
func (s *Store) save(ctx context.Context, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.db.write.do(ctx, f))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// one turns "no rows" and "no row changed" into absent.
func one(rows int64, err error, absent error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && rows == 0:
		return absent
	}
	return err
}
