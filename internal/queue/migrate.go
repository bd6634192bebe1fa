package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// ErrNewerSchema says that the tables of the queue were made by a newer cxm.
var ErrNewerSchema = errors.New("the queue's tables are of a newer version of cxm: run that version, or restore a backup made by this one")

// ErrNoSchema says that the tables of the queue are not there, or old.
var ErrNoSchema = errors.New("the queue's tables are missing or of an older version: migrate the database first (cxm database migrate)")

const (
	// migrationLock is the advisory lock under which one process at a time
	// migrates: "cxmqueue" as a number.
	migrationLock = 0x63786d7175657565
	// again is how long to wait before asking for the lock again.
	again = 100 * time.Millisecond
)

// Migrate makes River's tables, or brings them up to date, and is done at once
// when they are. Any number of processes may do so at the same time. A schema that
// is newer than this program is refused with ErrNewerSchema.
func Migrate(ctx context.Context, h Handle) error {
	if err := h.validate(); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	if err := h.migrate(ctx); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	return nil
}

func (h Handle) migrate(ctx context.Context) error {
	if h.SQLite != nil {
		return migrateSQLite(ctx, h)
	}
	return migratePostgres(ctx, h)
}

// migrateSQLite does all of it in one transaction, which on SQLite is the lock
// and costs nothing else: its migrations can all be rolled back.
func migrateSQLite(ctx context.Context, h Handle) error {
	m, err := h.migrator()
	if err != nil {
		return err
	}
	return transactSQLite(ctx, h.SQLite, patience, func(tx Tx) error {
		pending, err := m.pending(ctx, tx)
		if err != nil || !pending {
			return err
		}
		return m.upTx(ctx, tx)
	})
}

// migratePostgres holds a session's lock around migrations that each have their
// own transaction, since some cannot share one. It asks for the lock again and
// again instead of waiting inside a statement: a statement that waits keeps an
// index from being built concurrently.
func migratePostgres(ctx context.Context, h Handle) error {
	m, err := h.migrator()
	if err != nil {
		return err
	}
	conn, err := h.Postgres.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := lock(ctx, conn.Conn()); err != nil {
		return err
	}
	pending, err := m.pending(ctx, Tx{})
	if err == nil && pending {
		err = m.up(ctx)
	}
	_, unlocked := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", int64(migrationLock))
	return errors.Join(err, unlocked)
}

func lock(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		var mine bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&mine); err != nil || mine {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// check says whether this program can work with the tables as they are.
func check(ctx context.Context, h Handle) error {
	m, err := h.migrator()
	if err != nil {
		return err
	}
	pending, err := m.pending(ctx, Tx{})
	if err == nil && pending {
		err = ErrNoSchema
	}
	return err
}

// migrator is River's, without the type of its transactions.
type migrator struct {
	newest int
	// version is the newest migration in the database; 0: none. Without a
	// transaction it is read outside of one.
	version func(context.Context, Tx) (int, error)
	up      func(context.Context) error
	upTx    func(context.Context, Tx) error
}

func (h Handle) migrator() (migrator, error) {
	if h.SQLite != nil {
		return newMigrator(riversqlite.New(h.SQLite), func(tx Tx) (*sql.Tx, bool) { return tx.SQL, tx.SQL != nil })
	}
	return newMigrator(riverpgxv5.New(h.Postgres), func(tx Tx) (pgx.Tx, bool) { return tx.PGX, tx.PGX != nil })
}

func newMigrator[T any](d riverdriver.Driver[T], in func(Tx) (T, bool)) (migrator, error) {
	m, err := rivermigrate.New(d, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return migrator{}, err
	}
	all := m.AllVersions()
	return migrator{
		newest: all[len(all)-1].Version,
		version: func(ctx context.Context, tx Tx) (int, error) {
			if tx, ok := in(tx); ok {
				return version(ctx, d.UnwrapExecutor(tx))
			}
			return version(ctx, d.GetExecutor())
		},
		up: func(ctx context.Context) error {
			_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
			return err
		},
		upTx: func(ctx context.Context, tx Tx) error {
			in, _ := in(tx)
			_, err := m.MigrateTx(ctx, in, rivermigrate.DirectionUp, nil) //nolint:staticcheck // deprecated for what PostgreSQL cannot do in one transaction
			return err
		},
	}, nil
}

// version asks for what River's migrator refuses to say when it is newer.
func version(ctx context.Context, e riverdriver.Executor) (int, error) {
	there, err := e.TableExists(ctx, &riverdriver.TableExistsParams{Table: "river_migration"})
	if err != nil || !there {
		return 0, err
	}
	done, err := e.MigrationGetByLine(ctx, &riverdriver.MigrationGetByLineParams{Line: riverdriver.MigrationLineMain})
	newest := 0
	for _, each := range done {
		newest = max(newest, each.Version)
	}
	return newest, err
}

// pending says whether there are migrations to run.
func (m migrator) pending(ctx context.Context, tx Tx) (bool, error) {
	there, err := m.version(ctx, tx)
	if err != nil {
		return false, fmt.Errorf("reading the version of the queue's tables: %w", err)
	}
	if there > m.newest {
		return false, fmt.Errorf("%w (version %d; this program knows %d)", ErrNewerSchema, there, m.newest)
	}
	return there < m.newest, nil
}
