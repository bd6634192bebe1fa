// Package store keeps what cxm knows: findings and their groups, the issues made
// of them, the journal of every step, and the connections to trackers.
//
// What always holds: every row and every query carries a tenant, the shares of
// GitLab's limits apart, which belong to an account there (DB.Turn); what a method
// writes is on disk, whole, when it returns, and nothing of it is when it
// returns an error (ErrUncertain apart); an intent to create an issue is unique per group before the
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

	"github.com/jackc/pgx/v5/pgxpool"

	"cxm/internal/plan"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Errors that callers tell apart, with errors.Is.
var (
	// ErrAlreadyIntended: the group has an issue already, or one is being made.
	ErrAlreadyIntended = errors.New("the group already has an issue, or one is being created: plan again")
	// ErrStale: the row was written by someone else since it was read.
	ErrStale = errors.New("the issue was changed by another process since it was read: read it again")
	// ErrNotFound: this tenant has no such row.
	ErrNotFound = db.ErrNotFound
	// ErrNotWaiting: the run does not wait for anybody.
	ErrNotWaiting = errors.New("the run does not wait for approval: it was approved, or a later plan took its place (see cxm plan)")
	// ErrUnderWay: the integration has a shared run that is not finished.
	ErrUnderWay = errors.New("a run of this integration is under way: it is planned again when that is finished")
	// ErrCapped: caps or budgets have no room for another issue now.
	ErrCapped = errors.New("caps and budgets have no room for another issue now: it is planned again when they have")
	// ErrConnected: the tenant has an integration with this URL and project.
	ErrConnected = errors.New("this project is connected already: update that integration")
)

// Errors of the database itself.
const (
	// ErrNewerSchema: a newer cxm wrote the database.
	ErrNewerSchema = database.ErrNewerSchema
	// ErrUncertain: the connection to PostgreSQL broke during a commit. What was to
	// be written is there whole, or not at all: read before writing it again.
	ErrUncertain = database.ErrUncertain
	// ErrUnreachable: there is no connection to PostgreSQL. Nothing was written.
	ErrUnreachable = database.ErrUnreachable
)

type (
	// Options say where the database is.
	Options = database.Options
	// Tx is an open transaction, for a library that adds rows of its own.
	Tx = database.Tx
)

// DB is an open database. It is safe for concurrent use: by several processes on
// one machine on SQLite, by any on PostgreSQL.
type DB struct {
	base      *database.DB
	planned   func(ctx context.Context, tx Tx, tenant string, integration int64, steps []plan.Entry) error
	delivered func(ctx context.Context, tx Tx, tenant, source, scope string) error
}

// Open opens the database, makes it when it is absent, and brings its schema up
// to date. The error is ErrNewerSchema when a newer cxm wrote it.
func Open(ctx context.Context, o Options) (*DB, error) {
	base, err := database.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &DB{base: base, planned: o.Planned, delivered: o.Delivered}, nil
}

// Close waits for what is being written and closes the database.
func (d *DB) Close() error { return d.base.Close() }

// Name says which database it is, without its password.
func (d *DB) Name() string { return d.base.Name() }

// SQL is SQLite's one connection that writes, for the queue; nil on PostgreSQL.
// Who takes it while a transaction of theirs is open waits for themselves.
func (d *DB) SQL() *sql.DB { return d.base.SQL() }

// Pool is the connections to PostgreSQL, for the queue; nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.base.Pool() }

// Base is the database beneath, for the packages below this one that keep rows
// of their own.
func (d *DB) Base() *database.DB { return d.base }

// save makes one durable change: all of it or nothing. f may be called again
// after an attempt that left nothing behind.
func (d *DB) save(ctx context.Context, point, tenant string, f func(context.Context, *db.Queries) error) error {
	return d.base.Write(ctx, database.Change{Point: point, Tenant: tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}})
}

// Tenant is the part of the database that belongs to name. A tenant exists as
// soon as something is stored for it.
func (d *DB) Tenant(name string) *Store { return &Store{db: d, tenant: name, clock: time.Now} }

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
	return wrap(doing, s.db.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

// save runs f in one durable transaction: all of it or nothing. On PostgreSQL f
// may run again after an attempt that left nothing behind, so it works on copies
// of what it was given, and sets what it found out, it does not add to it.
func (s *Store) save(ctx context.Context, doing string, f func(context.Context, *db.Queries) error) error {
	return s.saveAs(ctx, doing, doing, f)
}

// saveAs is save with a name of one word for the commit (Options.Failpoint).
func (s *Store) saveAs(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.db.save(ctx, point, s.tenant, f))
}

// exclusive runs f in a durable transaction of its own, once: it may take long.
func (s *Store) exclusive(ctx context.Context, point string, f func(db.DBTX) error) error {
	return s.db.base.WriteAlone(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(_ context.Context, tx db.DBTX) error { return f(tx) }})
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
