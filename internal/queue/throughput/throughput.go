// Package throughput measures how many jobs a second the queue takes in and works,
// beside what the database does with the same rows and nothing else. The numbers
// of one run are to be compared with each other, as ratios: absolute ones say more
// about the machine.
package throughput

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"cxm/internal/queue"
)

const (
	// batch is how many rows one transaction inserts.
	batch = 1000
	// concurrency is more than the default, since these jobs wait for nothing.
	concurrency = 200
)

// Result is what a run measured.
type Result struct {
	Jobs int
	// Raw is the time for inserting the same rows, in the same transactions, into
	// a table without an index; Insert is that for inserting them as jobs; Work is
	// that for working them all, from the start of the queue to the last
	// completion that is written.
	Raw, Insert, Work time.Duration
}

// InsertRatio is how many times longer inserting jobs takes than inserting rows.
func (r Result) InsertRatio() float64 { return r.Insert.Seconds() / r.Raw.Seconds() }

// WorkRatio is how many times longer working jobs takes than inserting rows.
func (r Result) WorkRatio() float64 { return r.Work.Seconds() / r.Raw.Seconds() }

// PerSecond is the rate at which the jobs went through in d.
func (r Result) PerSecond(d time.Duration) float64 { return float64(r.Jobs) / d.Seconds() }

// idle is a job that does nothing.
type idle struct {
	N    int    `json:"n"`
	Name string `json:"name"`
}

// Kind implements river.JobArgs.
func (idle) Kind() string { return "idle" }

// Measure inserts and works so many jobs that do nothing. The database must be
// empty: the queue's tables are made in it.
func Measure(ctx context.Context, h queue.Handle, jobs int) (Result, error) {
	r := Result{Jobs: jobs}
	if err := queue.Migrate(ctx, h); err != nil {
		return r, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[idle]) error { return nil }))
	q, err := queue.Open(ctx, queue.Options{Handle: h, Workers: workers, Concurrency: concurrency})
	if err != nil {
		return r, err
	}
	if r.Raw, err = raw(ctx, h, jobs); err != nil {
		return r, fmt.Errorf("inserting rows: %w", err)
	}
	if r.Insert, err = insert(ctx, q, jobs); err != nil {
		return r, err
	}
	begin := time.Now()
	done, err := q.Drain(ctx, 0)
	r.Work = time.Since(begin)
	if err == nil && done.Completed != jobs {
		err = fmt.Errorf("%d of %d jobs were done", done.Completed, jobs)
	}
	return r, err
}

func insert(ctx context.Context, q *queue.Queue, jobs int) (time.Duration, error) {
	begin := time.Now()
	for from := 0; from < jobs; from += batch {
		var some []river.InsertManyParams
		for n := from; n < min(from+batch, jobs); n++ {
			some = append(some, river.InsertManyParams{Args: row(n)})
		}
		if _, err := q.Insert(ctx, some...); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

func row(n int) idle { return idle{N: n, Name: "example"} }

// raw inserts what the jobs consist of, each batch by one statement as the queue
// does.
func raw(ctx context.Context, h queue.Handle, jobs int) (time.Duration, error) {
	if err := table(ctx, h); err != nil {
		return 0, err
	}
	begin := time.Now()
	for from := 0; from < jobs; from += batch {
		rows := make([]idle, 0, batch)
		for n := from; n < min(from+batch, jobs); n++ {
			rows = append(rows, row(n))
		}
		if err := rawBatch(ctx, h, rows); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

func table(ctx context.Context, h queue.Handle) error {
	const create = "create table raw_job (kind text not null, args text not null)"
	if h.SQLite != nil {
		_, err := h.SQLite.ExecContext(ctx, create)
		return err
	}
	_, err := h.Postgres.Exec(ctx, create)
	return err
}

func rawBatch(ctx context.Context, h queue.Handle, rows []idle) error {
	text, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if h.SQLite != nil {
		return inTransaction(ctx, h.SQLite,
			"insert into raw_job select 'idle', value from json_each($1)", string(text))
	}
	return pgx.BeginFunc(ctx, h.Postgres, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into raw_job select 'idle', value from json_array_elements_text($1::json)", string(text))
		return err
	})
}

func inTransaction(ctx context.Context, db *sql.DB, statement string, args ...any) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
