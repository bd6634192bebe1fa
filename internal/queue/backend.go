package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// Tx is an open transaction of the caller's; exactly one field is set, the one
// that goes with the queue's database.
type Tx struct {
	SQL *sql.Tx // SQLite
	PGX pgx.Tx  // PostgreSQL
}

// client is what every river.Client does, whatever its transactions are.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
}

// backend is the part of a queue that knows which database it is on.
type backend struct {
	client client
	// insert adds jobs in a transaction.
	insert func(ctx context.Context, tx Tx, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	// running says which of the unique keys jobs have that run, as the transaction
	// sees them, and locks nothing.
	running func(ctx context.Context, tx Tx, keys [][]byte) (map[string]bool, error)
	// transact commits what f did, or nothing.
	transact func(ctx context.Context, wait time.Duration, f func(Tx) error) error
	// query runs a statement with $1, $2, ... and calls each for every row.
	query func(ctx context.Context, statement string, args []any, each func(scan) error) error
	// stamp is a time as the database compares it with River's.
	stamp func(time.Time) any
}

// scan reads the columns of one row.
type scan func(columns ...any) error

// rows is what database/sql and pgx have in common.
type rows interface {
	Next() bool
	Scan(columns ...any) error
	Err() error
}

func (h Handle) open(config *river.Config) (backend, error) {
	if h.SQLite != nil {
		return openSQLite(h.SQLite, config)
	}
	return openPostgres(h.Postgres, config)
}

func openSQLite(db *sql.DB, config *river.Config) (backend, error) {
	c, err := river.NewClient(riversqlite.New(db), config)
	if err != nil {
		return backend{}, err
	}
	return backend{
		client: c,
		insert: func(ctx context.Context, tx Tx, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
			return insert(ctx, c, tx.SQL, tx.PGX == nil && tx.SQL != nil, "SQL", jobs)
		},
		running: func(context.Context, Tx, [][]byte) (map[string]bool, error) {
			return nil, nil // nobody else writes: trying finds out, and holds up nobody
		},
		transact: func(ctx context.Context, wait time.Duration, f func(Tx) error) error {
			return transactSQLite(ctx, db, wait, f)
		},
		query: func(ctx context.Context, statement string, args []any, each func(scan) error) error {
			found, err := db.QueryContext(ctx, statement, args...) //nolint:rowserrcheck // walk checks it
			if err != nil {
				return err
			}
			defer found.Close()
			return walk(found, each)
		},
		stamp: func(t time.Time) any { return t.UTC().Round(time.Millisecond).Format(sqliteTime) },
	}, nil
}

func openPostgres(pool *pgxpool.Pool, config *river.Config) (backend, error) {
	c, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return backend{}, err
	}
	return backend{
		client: c,
		insert: func(ctx context.Context, tx Tx, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
			return insert(ctx, c, tx.PGX, tx.SQL == nil && tx.PGX != nil, "PGX", jobs)
		},
		running: runningPostgres,
		transact: func(ctx context.Context, _ time.Duration, f func(Tx) error) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return f(Tx{PGX: tx}) })
		},
		query: func(ctx context.Context, statement string, args []any, each func(scan) error) error {
			found, err := pool.Query(ctx, statement, args...)
			if err != nil {
				return err
			}
			defer found.Close()
			return walk(found, each)
		},
		stamp: func(t time.Time) any { return t },
	}, nil
}

// ofRunning reads by River's index of unique keys, whose conditions it repeats.
const ofRunning = `select unique_key from river_job
	where unique_key = any($1) and state = 'running'
	and unique_key is not null and unique_states is not null and river_job_state_in_bitmask(unique_states, state)`

func runningPostgres(ctx context.Context, tx Tx, keys [][]byte) (map[string]bool, error) {
	if tx.PGX == nil || len(keys) == 0 {
		return nil, nil // inserting says what is wrong
	}
	found, err := tx.PGX.Query(ctx, ofRunning, keys)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(found, pgx.RowTo[[]byte])
	out := make(map[string]bool, len(all))
	for _, key := range all {
		out[string(key)] = true
	}
	return out, err
}

func insert[T any](ctx context.Context, c *river.Client[T], tx T, ok bool, field string, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	if !ok {
		return nil, fmt.Errorf("the transaction is none of this queue's database: set Tx.%s, and nothing else", field)
	}
	return c.InsertManyTx(ctx, tx, jobs)
}

// transactSQLite waits for the one connection for no longer than wait: whoever
// calls while holding it in a transaction would wait for ever.
func transactSQLite(ctx context.Context, db *sql.DB, wait time.Duration, f func(Tx) error) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := db.Conn(waiting)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return fmt.Errorf("the writing connection was busy for %s: inside a transaction use InsertTx: %w", wait, err)
	}
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := f(Tx{SQL: tx}); err != nil {
		return errors.Join(err, rollback(tx), conn.Close())
	}
	return errors.Join(tx.Commit(), conn.Close())
}

// rollback takes it as done when the end of the context did it before.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func walk(found rows, each func(scan) error) error {
	for found.Next() {
		if err := each(found.Scan); err != nil {
			return err
		}
	}
	return found.Err()
}
