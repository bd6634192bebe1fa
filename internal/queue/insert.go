package queue

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivershared/uniquestates"
	"github.com/riverqueue/river/rivertype"
)

const (
	// batch bounds how many jobs one statement inserts.
	batch = 1000
	// seats is how many jobs with the same arguments can run, each at a place of
	// its own, before the next is inserted without being unique.
	seats = 8
	// tries is how often Insert begins again when PostgreSQL broke its
	// transaction off in favour of another.
	tries = 10
)

// Unique is for jobs of which one is enough for everything that has come up until
// it starts, such as "bring this project up to date": jobs are the same when their
// kind and arguments are (or the arguments tagged `river:"unique"`).
//
// While such a job waits (available, scheduled, snoozed, to be retried), inserting
// it again adds nothing, and the one that waits does not start before the
// transaction that tried has ended: it sees what that transaction wrote. While it
// runs, it may have looked already, so inserting it again adds one that runs after
// it or beside it: jobs that must not run side by side need a lock of their own.
// Once it is finished in any way, it counts no more.
//
// After one was inserted beside one that ran, two may wait for a while. A job that
// waits keeps its priority and its time: what is scheduled for tomorrow swallows
// what should run now, so do not schedule unique jobs far ahead.
func Unique() river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByState: unfinished()}
}

// unfinished are the states of jobs that have work to do. River demands running;
// places sees to it that such a job swallows nothing.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// Insert adds jobs, all or none, in a transaction of its own. The results are in
// the order of the jobs and say of each whether it was added, or which one waits
// in its stead. On SQLite it needs the one writing connection: within a
// transaction use InsertTx, or it fails after 30 seconds.
func (q *Queue) Insert(ctx context.Context, jobs ...river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	for try := 1; ; try++ {
		var results []*rivertype.JobInsertResult
		err := q.db.transact(ctx, q.patience, func(tx Tx) error {
			var err error
			results, err = q.insertAll(ctx, tx, jobs)
			return err
		})
		switch {
		case err == nil:
			return results, nil
		case !brokenOff(err) || try == tries:
			return nil, fmt.Errorf("inserting jobs: %w", err)
		}
	}
}

// InsertTx adds jobs in a transaction of the caller's: they exist exactly when it
// commits. It is the natural way: work and the job that tells of it belong
// together. The ids follow the order of the jobs, apart from unique ones whose
// like is running; so jobs of one priority run in this order. On PostgreSQL the
// error may be one after which the transaction must be done again (40001, 40P01).
// Insert last: on PostgreSQL a unique job that waits is locked until the
// transaction ends, and one that ran cannot be written off as done.
func (q *Queue) InsertTx(ctx context.Context, tx Tx, jobs ...river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	results, err := q.insertAll(ctx, tx, jobs)
	if err != nil {
		return nil, fmt.Errorf("inserting jobs: %w", err)
	}
	return results, nil
}

// brokenOff says that the transaction would have succeeded alone: a
// serialization failure or a deadlock (PostgreSQL, appendix A).
func brokenOff(err error) bool {
	var broken *pgconn.PgError
	return errors.As(err, &broken) && (broken.Code == "40001" || broken.Code == "40P01")
}

// insertAll tries to insert every job at its first place that no running job has,
// then those whose place was taken by a job that has begun since at the next one, and
// so on.
func (q *Queue) insertAll(ctx context.Context, tx Tx, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	results := make([]*rivertype.JobInsertResult, len(jobs))
	open := make([]int, len(jobs))
	for i := range jobs {
		open[i] = i
	}
	for place := 0; len(open) > 0; place++ {
		var running []int
		for some := range slices.Chunk(open, batch) {
			at := seating{first: place, running: func(ctx context.Context, keys [][]byte) (map[string]bool, error) { return q.db.running(ctx, tx, keys) }}
			if err := q.insertSome(context.WithValue(ctx, seatingKey{}, at), tx, jobs, some, results); err != nil {
				return nil, err
			}
		}
		for _, i := range open {
			if results[i].UniqueSkippedAsDuplicate && results[i].Job.State == rivertype.JobStateRunning {
				running = append(running, i)
			}
		}
		open = running
	}
	return results, nil
}

// insertSome inserts the jobs of the given numbers at places as the seating in ctx
// says.
func (q *Queue) insertSome(ctx context.Context, tx Tx, jobs []river.InsertManyParams, numbers []int, results []*rivertype.JobInsertResult) error {
	found, err := q.db.insert(ctx, tx, pick(jobs, numbers))
	var twice *repeated
	if !errors.As(err, &twice) {
		for i, result := range found {
			results[numbers[i]] = result
		}
		return err
	}
	if err := q.insertSome(ctx, tx, jobs, pick(numbers, twice.first), results); err != nil {
		return err
	}
	for later, earlier := range twice.of {
		same := *results[numbers[earlier]]
		same.UniqueSkippedAsDuplicate = true
		results[numbers[later]] = &same
	}
	return nil
}

func pick[T any](from []T, numbers []int) []T {
	picked := make([]T, len(numbers))
	for i, n := range numbers {
		picked[i] = from[n]
	}
	return picked
}

// seating says where unique jobs are to be tried.
type seating struct {
	first int // place
	// running says which of the keys jobs have that run. It locks nothing: a lock on
	// the row of a job that runs, held until the transaction ends, keeps River from
	// writing that jobs are completed, and both may wait for each other.
	running func(ctx context.Context, keys [][]byte) (map[string]bool, error)
}

// seatingKey is the key of the seating in a context.
type seatingKey struct{}

// places gives a unique job a place of its own beside those that run. River holds
// that a unique key is held by one unfinished job, running ones included; at the
// second place and after it the key is another one.
type places struct{ river.MiddlewareDefaults }

// InsertMany implements rivertype.JobInsertMiddleware.
func (*places) InsertMany(ctx context.Context, jobs []*rivertype.JobInsertParams, inner func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	finished := ^uniquestates.UniqueStatesToBitmask(unfinished())
	for _, job := range jobs {
		if job.UniqueStates&finished != 0 {
			return nil, fmt.Errorf("jobs of kind %q are unique among those that are finished too, which would swallow new work for a day: use queue.Unique", job.Kind)
		}
	}
	at, ours := ctx.Value(seatingKey{}).(seating)
	if !ours { // River's own inserts, by schedule
		return inner(ctx)
	}
	if err := at.seat(ctx, jobs); err != nil {
		return nil, err
	}
	if twice := repeats(jobs); twice != nil {
		return nil, twice
	}
	return inner(ctx)
}

// seat gives every unique job the key of the first place that no running job has.
func (at seating) seat(ctx context.Context, jobs []*rivertype.JobInsertParams) error {
	var keys [][]byte
	for _, job := range jobs {
		for place := at.first; place < seats && len(job.UniqueKey) > 0; place++ {
			keys = append(keys, keyAt(job.UniqueKey, place))
		}
	}
	if len(keys) == 0 && at.first == 0 {
		return nil // none is unique
	}
	running, err := at.running(ctx, keys)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if len(job.UniqueKey) > 0 {
			at.take(job, running)
		}
	}
	return nil
}

// take gives a job its place; beyond the last its key is nobody's.
func (at seating) take(job *rivertype.JobInsertParams, running map[string]bool) {
	for place := at.first; place < seats; place++ {
		if key := keyAt(job.UniqueKey, place); !running[string(key)] {
			job.UniqueKey = key
			return
		}
	}
	job.UniqueKey, job.UniqueStates = nil, 0
}

// keyAt is the key of a job's place.
func keyAt(key []byte, place int) []byte {
	if place == 0 {
		return key
	}
	at := sha256.Sum256(append(slices.Clone(key), byte(place)))
	return at[:]
}

// repeated says that some jobs of one statement are the same as earlier ones of
// it, which PostgreSQL refuses.
type repeated struct {
	first []int       // the jobs without their repeats
	of    map[int]int // a repeat -> the job it repeats
}

func (*repeated) Error() string { return "the same unique job was given twice" }

// repeats is nil when there are none.
func repeats(jobs []*rivertype.JobInsertParams) *repeated {
	at := map[string]int{}
	r := &repeated{of: map[int]int{}}
	for i, job := range jobs {
		first, again := at[string(job.UniqueKey)]
		switch {
		case again:
			r.of[i] = first
			continue
		case len(job.UniqueKey) > 0:
			at[string(job.UniqueKey)] = i
		}
		r.first = append(r.first, i)
	}
	if len(r.of) == 0 {
		return nil
	}
	return r
}
