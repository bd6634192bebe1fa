// Package queue runs durable jobs on River (riverqueue.com), in the database that
// holds everything else: SQLite or PostgreSQL.
//
// River is used as it is. This package hides only that River is generic over the
// type of a transaction, and fixes the settings that matter.
//
// What always holds:
//
//   - A job inserted with InsertTx exists exactly when the transaction commits.
//   - A job runs at least once, and may run again although it finished: River
//     writes completions in batches (every 50 ms), so a crash loses the last of
//     them; so does a database that stays away for long. Every job must look
//     before it acts.
//   - Of a unique job at most one waits for a place of its own; one that runs
//     already does not stand in for work that came later (see Unique).
//   - Job ids are no names: SQLite gives the id of a deleted job to a new one.
//     Keep none beyond the job's life.
//
// On SQLite there is one connection that writes, and every call here that is not
// given a transaction needs it: inside a transaction use InsertTx alone. Keep
// transactions short; a transaction that inserted a unique job holds up the jobs
// that have the same arguments until it ends.
//
// After a crash the leader's lease (about 15 seconds) has to run out before
// another process schedules retries and periodic jobs and rescues the jobs of the
// dead one. Plain jobs go on without a leader.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// The priorities of jobs that lead to calls to a tracker, in the order in which
// they run (guarantee G10 of the design: close, create by value, update, comment).
// Jobs of one priority run in the order of their insertion, so creates that are
// inserted by falling value run by falling value.
const (
	// PriorityClose is for closing: it takes work off people at once.
	PriorityClose = 1
	// PriorityCreate is for creating; insert the most valuable first.
	PriorityCreate = 2
	// PriorityReopen is for reopening, which is creating what was there before.
	PriorityReopen = 2
	// PriorityUpdate is for bringing what an issue says up to date.
	PriorityUpdate = 3
	// PriorityComment is for comments and all that can wait for everything else.
	PriorityComment = 4
)

// What Options mean by zero.
const (
	defaultConcurrency = 16
	defaultTimeout     = 2 * time.Minute
	rescueMargin       = time.Minute
	defaultAttempts    = 100
	defaultBackoff     = 15 * time.Minute
	defaultCooldown    = 10 * time.Millisecond
	// hardStop is how long jobs have to return once their contexts have ended.
	hardStop = 10 * time.Second
	// patience is how long Insert waits for SQLite's one writing connection:
	// longer than any write takes, shorter than a person waits for a program
	// that is stuck.
	patience = 30 * time.Second
	// fewestConns: one connection listens, one migrates under another's lock,
	// and the rest fetches and completes jobs.
	fewestConns = 4
)

// Handle is the database of a queue; exactly one field is set. The queue never
// closes it, and it must stay open until the queue is stopped.
type Handle struct {
	// SQLite is the pool of the one connection that writes, opened with
	// _txlock=immediate: another process may write to the same file, and a
	// transaction that reads first would find at its first write that it is
	// too late.
	SQLite *sql.DB
	// Postgres needs at least four connections.
	Postgres *pgxpool.Pool
}

// Options say how a queue works. Zero values mean what the comments say.
type Options struct {
	Handle

	// Workers holds a worker for every kind of job (river.AddWorker). Nil: this
	// process only inserts jobs.
	Workers *river.Workers
	// Periodic are the jobs that come by a schedule, inserted by whichever
	// process leads. A schedule lives in the leader's memory and begins again
	// with each new one, so a rare job needs RunOnStart and has to see for itself
	// whether it is due. A periodic job that is unique is left out while its
	// predecessor runs.
	Periodic []*river.PeriodicJob

	// Concurrency is how many jobs run at once in this process. Zero: 16, since
	// jobs wait for a tracker most of the time, and its limits come first.
	Concurrency int
	// JobTimeout ends the context of a job that runs for longer; a worker's own
	// Timeout goes before it. Zero: 2 minutes, which is longer than any one call
	// to a tracker may take. Work that takes longer belongs into several jobs.
	JobTimeout time.Duration
	// Rescue is how long after its start a job counts as that of a dead process,
	// to be run again. It must be longer than JobTimeout, or jobs that are alive
	// run twice. Zero: JobTimeout and a minute; River's own default would park
	// the jobs of a crashed process for an hour. It is looked for every 30
	// seconds.
	Rescue time.Duration
	// MaxAttempts is how often a failing job is tried before it is discarded.
	// Zero: 100, which at MaxBackoff is a day; River's 25 would give up after
	// five hours, and an outage may be longer. Snoozing uses up no attempt.
	MaxAttempts int
	// MaxBackoff bounds the wait before the next attempt, which grows with the
	// fourth power of the failures (1 s, 16 s, 81 s, ...). Zero: 15 minutes, so
	// that work goes on soon after an outage has ended; unbounded, a tenth
	// failure would wait for three hours.
	MaxBackoff time.Duration
	// FetchCooldown is the shortest time between two looks for new jobs. Zero:
	// 10 ms; River's 100 ms would be the ceiling of the throughput.
	FetchCooldown time.Duration

	// Middleware is put around every job, and every insert, behind the queue's own.
	Middleware []rivertype.Middleware

	// Logger gets what River has to say. Nil: nobody does; River's own default
	// is standard output, which belongs to what a command prints.
	Logger *slog.Logger
	// Clock is for tests; nil is the time it is. River asks it for the times it
	// writes, but not for when to look, nor for which jobs to rescue: one that is
	// behind the real time has running jobs rescued.
	Clock rivertype.TimeGenerator
	// Prompt is for tests: maintenance begins at once, not after a random part of
	// a second that keeps replicas apart.
	Prompt bool
}

// Queue inserts jobs and works them. It is safe for concurrent use.
type Queue struct {
	db     backend
	clock  rivertype.TimeGenerator // nil: the time it is
	rescue time.Duration
	// insertOnly: it has no workers.
	insertOnly bool
	patience   time.Duration
	hardStop   time.Duration

	mu    sync.Mutex
	shift *shift // nil: it does not work
}

// Open returns a queue that does not work yet. The database must have been
// prepared by Migrate; the error of one that was not says so.
func Open(ctx context.Context, o Options) (*Queue, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("opening the queue: %w", err)
	}
	if err := check(ctx, o.Handle); err != nil {
		return nil, fmt.Errorf("opening the queue: %w", err)
	}
	b, err := o.open(o.config())
	if err != nil {
		return nil, fmt.Errorf("opening the queue: %w", err)
	}
	return &Queue{db: b, clock: o.Clock, rescue: o.Rescue, patience: patience, hardStop: hardStop, insertOnly: o.Workers == nil}, nil
}

func (o Options) withDefaults() Options {
	orElse(&o.Concurrency, defaultConcurrency)
	orElse(&o.JobTimeout, defaultTimeout)
	orElse(&o.Rescue, o.JobTimeout+rescueMargin)
	orElse(&o.MaxAttempts, defaultAttempts)
	orElse(&o.MaxBackoff, defaultBackoff)
	orElse(&o.FetchCooldown, defaultCooldown)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

func (o Options) validate() error {
	switch {
	case o.Concurrency < 0 || o.JobTimeout < 0 || o.MaxAttempts < 0 || o.MaxBackoff < 0 || o.FetchCooldown < 0:
		return errors.New("an option is negative: leave it at zero for its default")
	case o.Rescue <= o.JobTimeout:
		return fmt.Errorf("the option Rescue (%s) must be longer than JobTimeout (%s), or jobs that are alive run twice", o.Rescue, o.JobTimeout)
	case o.Workers == nil && len(o.Periodic) > 0:
		return errors.New("periodic jobs need Workers: a process that only inserts has no schedule")
	}
	return o.Handle.validate()
}

func (h Handle) validate() error {
	switch {
	case (h.SQLite == nil) == (h.Postgres == nil):
		return errors.New("exactly one of SQLite and Postgres must be given")
	case h.SQLite != nil && h.SQLite.Stats().MaxOpenConnections != 1:
		return fmt.Errorf("the SQLite pool may open %d connections (0: any number): give the pool of the one that writes", h.SQLite.Stats().MaxOpenConnections)
	case h.Postgres != nil && h.Postgres.Config().MaxConns < fewestConns:
		return fmt.Errorf("the PostgreSQL pool has %d connections: give it %d or more (pool_max_conns in the URL)", h.Postgres.Config().MaxConns, fewestConns)
	}
	return nil
}

// config is River's form of the options.
func (o Options) config() *river.Config {
	c := &river.Config{
		FetchCooldown:        o.FetchCooldown,
		JobTimeout:           o.JobTimeout,
		Logger:               o.Logger,
		MaxAttempts:          o.MaxAttempts,
		Middleware:           append([]rivertype.Middleware{&places{}}, o.Middleware...),
		PeriodicJobs:         o.Periodic,
		RescueStuckJobsAfter: o.Rescue,
		RetryPolicy:          &bounded{most: o.MaxBackoff, clock: o.Clock},
		Test:                 river.TestConfig{Time: o.Clock},
		TestOnly:             o.Prompt,
		Workers:              o.Workers,
	}
	if o.Workers != nil {
		c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Concurrency}}
	}
	return c
}

func (q *Queue) now() time.Time { return now(q.clock) }

func now(clock rivertype.TimeGenerator) time.Time {
	if clock == nil {
		return time.Now()
	}
	return clock.Now()
}
