// Package database opens the database, SQLite or PostgreSQL, and runs
// transactions on it.
//
// What always holds: a transaction is kept whole, and is on disk when the call
// returns, or nothing of it is kept, with one exception that has an error of its
// own (ErrUncertain); the schema is the one that this program knows, and is
// changed by one process at a time; no password is ever part of an error.
package database

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"cxm/internal/audit"
	"cxm/internal/plan"
	"cxm/internal/store/db"
)

// Errors that callers tell apart, with errors.Is.
const (
	// ErrNewerSchema: a newer cxm wrote the database.
	ErrNewerSchema = Trouble("the database was written by a newer version of cxm: run that version, or restore a backup made before the upgrade")
	// ErrAbsent: there is no such file.
	ErrAbsent = Trouble("there is no database yet: cxm makes it on first use")
	// ErrUncertain: the connection broke while PostgreSQL was told to commit. What
	// was to be written is there whole, or not at all.
	ErrUncertain = Trouble("the connection broke before PostgreSQL said whether it kept what was being written: run the same again, it reads first what is there")
	// ErrUnreachable: there is no connection to PostgreSQL. Nothing was written.
	ErrUnreachable = Trouble("there is no connection to PostgreSQL: see that it runs and can be reached, then run the same again; nothing was written")
)

// Trouble is what went wrong, with the next step.
type Trouble string

// Error is the text.
func (t Trouble) Error() string { return string(t) }

// Options say where the database is: exactly one of Path and URL.
type Options struct {
	Path string // SQLite file, made (mode 0600) when absent; its folder must exist
	URL  string // postgres:// or postgresql://, as libpq reads it

	// Failpoint is called by name right before and right after every commit, for
	// tests that end the process there: "intend: before commit". Optional.
	Failpoint func(point string)
	// Changed is called within every transaction that marked a group of the tenant
	// as changed, before it is committed, so that the job which must follow is
	// stored together with its cause. Its error takes the change back. It may be
	// called again when the transaction is tried again, and must not use the store.
	// Optional.
	Changed func(ctx context.Context, tx Tx, tenant string) error
	// Delivered is called within every transaction that stores a delivery,
	// likewise. Optional.
	Delivered func(ctx context.Context, tx Tx, tenant, source, scope string) error
	// Planned is called within every transaction that stores the steps of a shared
	// run, likewise. Optional.
	Planned func(ctx context.Context, tx Tx, tenant string, integration int64, steps []plan.Entry) error
	// Sign is what signs a tenant's audit log; nil, and nil from it: nothing is
	// signed now. It is called within transactions and must not use the store.
	// Optional.
	Sign func(tenant string) *audit.Signer
	// Clock dates the lines of the audit log. Optional: time.Now.
	Clock func() time.Time
}

// Tx is an open transaction as a library sees it that adds rows of its own:
// exactly one is set. Who gets one neither commits it nor rolls it back.
type Tx struct {
	SQL *sql.Tx // SQLite
	PGX pgx.Tx  // PostgreSQL
}

// Change is one transaction that writes.
type Change struct {
	Point  string // names its commit for Options.Failpoint
	Tenant string // whose rows; for Options.Changed
	// Do makes the change, with the context it is given: that is where it notes
	// lines of the audit log (audit.Note). It may be called again after an attempt
	// that left nothing behind: it must not rely on what an earlier call set.
	Do func(context.Context, db.DBTX) error
	// Then adds the jobs that follow from it, in the same transaction. Like Do it
	// may be called again. Optional.
	Then func(ctx context.Context, tx Tx) error
}

// kind is what differs between SQLite and PostgreSQL.
type kind interface {
	read(ctx context.Context, f func(db.DBTX) error) error
	write(ctx context.Context, c Change) error
	alone(ctx context.Context, c Change) error
	close() error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	kind
	name string
	sql  *sql.DB
	pool *pgxpool.Pool
}

// Open opens the database, makes it when it is absent, and brings its schema up
// to date. The error is ErrNewerSchema when a newer cxm wrote it.
func Open(ctx context.Context, o Options) (*DB, error) { return OpenAt(ctx, o, 0) }

// OpenAt is Open with a schema of the version given, if the database has no later
// one; 0 is the newest.
func OpenAt(ctx context.Context, o Options, version int64) (*DB, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.URL == "" {
		if err := touch(o.Path); err != nil {
			return nil, wrap("opening the database "+o.Path, err)
		}
	}
	d, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, version); err != nil {
		return nil, wrap("opening the database "+d.name, errors.Join(err, d.Close()))
	}
	return d, nil
}

// Connect opens a database that exists, with the schema it has. The error is
// ErrAbsent when the file does not exist.
func Connect(ctx context.Context, o Options) (*DB, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.URL != "" {
		return openPostgres(ctx, o)
	}
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, wrap("opening the database "+o.Path, ErrAbsent)
	}
	return openSQLite(o)
}

func (o Options) check() error {
	if (o.Path == "") == (o.URL == "") {
		return errors.New("opening the database: name either a SQLite file or a PostgreSQL URL")
	}
	return nil
}

// Read runs f on one consistent state of the database, without ever waiting for
// a writer.
func (d *DB) Read(ctx context.Context, f func(db.DBTX) error) error { return d.read(ctx, f) }

// Write makes a change that takes moments. On SQLite it may share its
// transaction, but not its fate, with others that wait at the same time; on
// PostgreSQL it is tried again when it collided with another.
func (d *DB) Write(ctx context.Context, c Change) error { return d.write(ctx, c) }

// WriteAlone makes a change in a transaction of its own, once: for one that
// takes long, or reads a stream that cannot be read again. The end of ctx rolls
// it back.
func (d *DB) WriteAlone(ctx context.Context, c Change) error { return d.alone(ctx, c) }

// Close waits for what is being written and closes the database.
func (d *DB) Close() error { return d.close() }

// Name says which database it is, without its password: a path, or
// "PostgreSQL HOST:PORT/DATABASE".
func (d *DB) Name() string { return d.name }

// SQL is SQLite's one connection that writes; nil on PostgreSQL. Who takes it
// while a transaction of theirs is open waits for themselves.
func (d *DB) SQL() *sql.DB {
	if d.pool != nil {
		return nil
	}
	return d.sql
}

// Pool is the connections to PostgreSQL; nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }
