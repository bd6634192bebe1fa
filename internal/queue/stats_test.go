package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// stoppedClock is a clock that shows what it is set to.
type stoppedClock struct{ at time.Time }

func (c *stoppedClock) Now() time.Time       { return c.at }
func (c *stoppedClock) NowOrNil() *time.Time { return &c.at }

func TestStatsCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			switch j.Args.Name {
			case "snoozed":
				return river.JobSnooze(time.Hour)
			case "cancelled":
				return river.JobCancel(errors.New("of no use"))
			case "failed":
				return errors.New("failed")
			}
			return nil
		})})
		if s, err := q.Stats(t.Context()); err != nil || len(s.Counts) != 0 || s.OldestWaiting != 0 {
			t.Errorf("of nothing: %+v, %v", s, err)
		}
		insertOK(t, q, job(canary{}), job(task{}), job(task{Name: "snoozed"}), job(task{Name: "cancelled"}),
			withOpts(task{Name: "failed"}, river.InsertOpts{MaxAttempts: 1}))
		drainOK(t, q, 0)
		insertOK(t, q, job(canary{}), job(canary{}))
		s, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []Count{
			{"canary", rivertype.JobStateAvailable, 2},
			{"canary", rivertype.JobStateCompleted, 1},
			{"task", rivertype.JobStateCancelled, 1},
			{"task", rivertype.JobStateCompleted, 1},
			{"task", rivertype.JobStateDiscarded, 1},
			{"task", rivertype.JobStateScheduled, 1},
		}
		if diff := cmp.Diff(want, s.Counts); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if s.Jobs(rivertype.JobStateCompleted) != 2 || s.Jobs(rivertype.JobStateRunning) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestStatsOldest: the age goes on through snoozes, and begins when the job was
// first meant to run.
func TestStatsOldest(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		begin := time.Now().UTC().Truncate(time.Hour).Add(24 * time.Hour) // see Options.Clock
		clock := &stoppedClock{begin}
		q := b.open(t, Options{Clock: clock, Workers: doing(func(context.Context, *river.Job[task]) error {
			return river.JobSnooze(10 * time.Hour)
		})})
		oldest := func(after time.Duration, age time.Duration, kind string) {
			t.Helper()
			clock.at = begin.Add(after)
			s, err := q.Stats(t.Context())
			if err != nil || s.OldestWaiting != age || s.OldestKind != kind {
				t.Errorf("after %s: %s of kind %q, want %s of kind %q (%v)", after, s.OldestWaiting, s.OldestKind, age, kind, err)
			}
		}
		insertOK(t, q, withOpts(canary{}, river.InsertOpts{ScheduledAt: begin.Add(2 * time.Hour)}))
		oldest(time.Hour, 0, "")
		oldest(3*time.Hour, time.Hour, "canary")
		insertOK(t, q, job(task{})) // at three hours; snoozed at four for ten
		oldest(4*time.Hour, 2*time.Hour, "canary")
		b.exec(t, "delete from river_job where kind = 'canary'")
		drainOK(t, q, 0)
		if b.jobsIn(t, rivertype.JobStateScheduled) != 1 {
			t.Fatal("the task was not snoozed")
		}
		oldest(5*time.Hour, 2*time.Hour, "task")
	})
}
