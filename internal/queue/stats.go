package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Count says how many jobs of one kind are in one state.
type Count struct {
	Kind  string
	State rivertype.JobState
	Jobs  int
}

// Stats is how the queue is doing. Finished jobs are counted for as long as they
// are kept: completed and cancelled ones for a day, discarded ones for a week.
type Stats struct {
	// Counts are ordered by kind and state; there is none of zero.
	Counts []Count
	// OldestWaiting is the age of the oldest job that waits to run (guarantee G2
	// of the design: it is a metric): since it was inserted, through all its
	// retries and snoozes, or since the time for which it was first meant. Zero
	// when none waits. Jobs that run do not wait.
	OldestWaiting time.Duration
	// OldestKind is the kind of that job.
	OldestKind string
	// Oldest is OldestWaiting of each kind of which a job waits.
	Oldest map[string]time.Duration
}

// Jobs is how many jobs are in the state, of all kinds.
func (s Stats) Jobs(state rivertype.JobState) int {
	n := 0
	for _, each := range s.Counts {
		if each.State == state {
			n += each.Jobs
		}
	}
	return n
}

// countJobs groups the jobs, each group with the time since which its oldest has
// waited. A job that was never tried and is not due yet does not wait.
const countJobs = `
	select kind, cast(state as text), count(*),
		min(case when attempted_at is not null then created_at when scheduled_at <= $1 then scheduled_at end)
	from river_job
	group by kind, state
	order by 1, 2`

// Stats counts the jobs and looks for the one that has waited longest. It reads
// the whole table of jobs.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	now := q.now()
	err := q.db.query(ctx, countJobs, []any{q.db.stamp(now)}, func(read scan) error {
		var c Count
		var since moment
		if err := read(&c.Kind, &c.State, &c.Jobs, &since); err != nil {
			return err
		}
		s.add(c, since, now)
		return nil
	})
	if err != nil {
		return Stats{}, fmt.Errorf("counting jobs: %w", err)
	}
	return s, nil
}

func (s *Stats) add(c Count, since moment, now time.Time) {
	s.Counts = append(s.Counts, c)
	if since.IsZero() || !waits(c.State) {
		return
	}
	age := max(now.Sub(since.Time), time.Nanosecond)
	if s.Oldest == nil {
		s.Oldest = map[string]time.Duration{}
	}
	s.Oldest[c.Kind] = max(s.Oldest[c.Kind], age)
	if age > s.OldestWaiting {
		s.OldestWaiting, s.OldestKind = age, c.Kind
	}
}

func waits(state rivertype.JobState) bool {
	switch state {
	case rivertype.JobStateAvailable, rivertype.JobStateRetryable, rivertype.JobStateScheduled:
		return true
	default:
		return false
	}
}

// anyDue finds a job that runs or is to be run by a time; each part stops at the
// first it finds in River's index of states, so that asking again and again costs
// next to nothing.
const anyDue = `
	select case when
		exists (select 1 from river_job where state = 'running') or
		exists (select 1 from river_job where state = 'available' and scheduled_at <= $1) or
		exists (select 1 from river_job where state = 'retryable' and scheduled_at <= $1) or
		exists (select 1 from river_job where state = 'scheduled' and scheduled_at <= $1)
	then 1 else 0 end`

func (q *Queue) due(ctx context.Context, by time.Time) (bool, error) {
	var due int
	err := q.db.query(ctx, anyDue, []any{q.db.stamp(by)}, func(read scan) error { return read(&due) })
	if err != nil {
		return false, fmt.Errorf("looking for a job that is due: %w", err)
	}
	return due != 0, nil
}

const countLeft = `
	select count(*), min(case when state <> 'running' then scheduled_at end)
	from river_job
	where state in ('available', 'retryable', 'running', 'scheduled')`

// left counts the jobs that are not finished; next is when the first of those that
// wait is to run, zero when none waits.
func (q *Queue) left(ctx context.Context) (jobs int, next time.Time, err error) {
	var first moment
	err = q.db.query(ctx, countLeft, nil, func(read scan) error { return read(&jobs, &first) })
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting the jobs that are left: %w", err)
	}
	return jobs, first.Time, nil
}

const countEnded = `
	select cast(state as text), count(*)
	from river_job
	where state in ('cancelled', 'completed', 'discarded') and finalized_at >= $1
	group by state`

// ended counts the jobs that ended at or after since.
func (q *Queue) ended(ctx context.Context, since time.Time) (map[rivertype.JobState]int, error) {
	ended := map[rivertype.JobState]int{}
	err := q.db.query(ctx, countEnded, []any{q.db.stamp(since)}, func(read scan) error {
		var state rivertype.JobState
		var n int
		if err := read(&state, &n); err != nil {
			return err
		}
		ended[state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting the jobs that ended: %w", err)
	}
	return ended, nil
}
