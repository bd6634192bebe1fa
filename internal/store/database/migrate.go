package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"cxm/internal/store/migrations"
)

// attempts is how often migrating starts over when another process migrates the
// same SQLite file at the same time. Each waits for the other's transaction, so
// that one attempt per migration and one more is enough.
const attempts = 5

// lockID names the lock that keeps migrations of one PostgreSQL database apart:
// "cxm" and a number of ours, in one 64-bit number.
const lockID = 0x63786d_0001

// Versions are the version of the schema a database has (0: it has none) and the
// one this program knows.
type Versions struct {
	Has   int64 `json:"has"`
	Knows int64 `json:"knows"`
}

// provider applies the steps of this kind of database.
func (d *DB) provider() (*goose.Provider, error) {
	dialect, files := goose.DialectSQLite3, migrations.SQLite
	if d.pool != nil {
		dialect, files = goose.DialectPostgres, migrations.PostgreSQL
	}
	steps, err := files()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, d.sql, steps)
}

// migrate brings the schema up to the version, or to the newest for 0. It is
// safe to run in several processes at once.
func (d *DB) migrate(ctx context.Context, version int64) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	if left, err := d.left(ctx, provider, version); left == 0 || err != nil {
		return err
	}
	if d.pool != nil {
		return d.locked(ctx, func() error { return d.up(ctx, provider, version) })
	}
	for range attempts {
		if err = d.up(ctx, provider, version); err == nil {
			return nil
		}
	}
	return err
}

// left is the version to upgrade to, 0 when nothing is to be done.
func (d *DB) left(ctx context.Context, provider *goose.Provider, version int64) (int64, error) {
	v, err := d.versions(ctx, provider)
	if err != nil {
		return 0, err
	}
	if v.Has > v.Knows {
		return 0, fmt.Errorf("%w (its schema has version %d, this cxm knows %d)", ErrNewerSchema, v.Has, v.Knows)
	}
	if version == 0 {
		version = v.Knows
	}
	if v.Has >= version {
		return 0, nil
	}
	return version, nil
}

// up applies the migrations that the database lacks.
func (d *DB) up(ctx context.Context, provider *goose.Provider, version int64) error {
	left, err := d.left(ctx, provider, version)
	if left == 0 || err != nil {
		return err
	}
	if _, err := provider.UpTo(ctx, left); err != nil {
		return fmt.Errorf("upgrading its schema to version %d: %w", left, err)
	}
	return nil
}

// locked runs f while no other process runs it on this database. The lock ends
// with the connection at the latest.
func (d *DB) locked(ctx context.Context, f func() error) error {
	conn, err := d.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", int64(lockID)); err != nil {
		return fmt.Errorf("waiting for another process to upgrade its schema: %w", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", int64(lockID)) //nolint:errcheck // the end of the connection unlocks too
	return f()
}

// Versions says which schema the database has, and which this program knows.
func (d *DB) Versions(ctx context.Context) (Versions, error) {
	provider, err := d.provider()
	if err != nil {
		return Versions{}, err
	}
	return d.versions(ctx, provider)
}

// versions changes nothing, other than goose's own way to ask.
func (d *DB) versions(ctx context.Context, provider *goose.Provider) (Versions, error) {
	var v Versions
	for _, source := range provider.ListSources() {
		v.Knows = max(v.Knows, source.Version)
	}
	exists := "select count(*) from sqlite_schema where type = 'table' and name = 'goose_db_version'"
	if d.pool != nil {
		exists = "select count(*) from pg_class where oid = to_regclass('goose_db_version')"
	}
	var tables int
	var has sql.NullInt64
	err := d.sql.QueryRowContext(ctx, exists).Scan(&tables)
	if err == nil && tables > 0 {
		err = d.sql.QueryRowContext(ctx, "select max(version_id) from goose_db_version").Scan(&has)
	}
	if err != nil {
		return v, fmt.Errorf("reading its schema version (is it a database of cxm?): %w", d.explain(err))
	}
	v.Has = has.Int64
	return v, nil
}
