package queue

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// TestSnooze: a snoozed job comes back after its time, with every attempt left.
func TestSnooze(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		const nap = 300 * time.Millisecond
		var began []time.Time
		var attempts []int
		q := b.open(t, Options{Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			began, attempts = append(began, time.Now()), append(attempts, j.Attempt)
			if len(began) < 3 {
				return river.JobSnooze(nap)
			}
			return nil
		})})
		insertOK(t, q, withOpts(task{}, river.InsertOpts{MaxAttempts: 1}))
		if d := drainOK(t, q, time.Minute); d.Completed != 1 || d.Left != 0 {
			t.Errorf("%+v", d)
		}
		if diff := cmp.Diff([]int{1, 1, 1}, attempts); diff != "" {
			t.Fatalf("attempts: -want +got:\n%s", diff)
		}
		if first, second := began[1].Sub(began[0]), began[2].Sub(began[1]); first < nap || second < nap {
			t.Errorf("came back after %s and %s, want %s or more", first, second, nap)
		}
	})
}

// TestPeriodic: one leader inserts by the schedule, though two queues have it.
func TestPeriodic(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		ran := make(chan int, 100)
		hourly := func() *river.PeriodicJob {
			return river.NewPeriodicJob(river.PeriodicInterval(time.Hour),
				func() (river.JobArgs, *river.InsertOpts) { return task{N: 1}, nil }, &river.PeriodicJobOpts{RunOnStart: true})
		}
		often := func() *river.PeriodicJob {
			return river.NewPeriodicJob(river.PeriodicInterval(time.Second),
				func() (river.JobArgs, *river.InsertOpts) { return task{N: 2}, &river.InsertOpts{UniqueOpts: Unique()} }, nil)
		}
		workers := func() *river.Workers {
			return doing(func(_ context.Context, j *river.Job[task]) error { ran <- j.Args.N; return nil })
		}
		for range 2 {
			startOK(t, b.open(t, Options{Workers: workers(), Periodic: []*river.PeriodicJob{hourly(), often()}}))
		}
		count := map[int]int{}
		for count[2] < 2 {
			count[recv(t, ran, "a periodic job")]++
		}
		if count[1] != 1 {
			t.Errorf("the hourly one ran %d times", count[1])
		}
	})
}

// TestStopGraceful: what runs finishes with its context whole, and no more than
// what runs.
func TestStopGraceful(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began, release := make(chan struct{}, 2), make(chan struct{})
		q := b.open(t, Options{Concurrency: 1, Workers: doing(func(ctx context.Context, _ *river.Job[task]) error {
			began <- struct{}{}
			<-release
			return ctx.Err()
		})})
		insertOK(t, q, job(task{N: 1}), job(task{N: 2}))
		shift, _, err := q.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		recv(t, began, "the job")
		stopped := make(chan error, 1)
		go func() { stopped <- q.Stop(context.Background()) }()
		recv(t, shift.told, "the stop to begin")
		close(release)
		if err := recv(t, stopped, "the stop"); err != nil {
			t.Error(err)
		}
		// The second may have begun just before River was told.
		done, waiting := b.jobsIn(t, rivertype.JobStateCompleted), b.jobsIn(t, rivertype.JobStateAvailable)
		if done != 1+len(began) || waiting != 1-len(began) {
			t.Errorf("%d completed and %d waiting, and %d more had begun", done, waiting, len(began))
		}
	})
}

// TestStopHard: when patience ends, the contexts of jobs do; a job that returns is
// back in the queue with its attempts, and can run at once.
func TestStopHard(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began := make(chan int, 2)
		var again atomic.Bool
		q := b.open(t, Options{Workers: doing(func(ctx context.Context, j *river.Job[task]) error {
			began <- j.Attempt
			if again.Swap(true) {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})})
		insertOK(t, q, job(task{}))
		startOK(t, q)
		recv(t, began, "the job")
		ended, end := context.WithCancel(t.Context())
		end()
		if err := q.Stop(ended); err != nil {
			t.Error(err)
		}
		if n := b.jobsIn(t, rivertype.JobStateAvailable); n != 1 {
			t.Fatalf("%d jobs wait, want the one that was interrupted", n)
		}
		if d := drainOK(t, q, 0); d.Completed != 1 || recv(t, began, "the job again") != 1 {
			t.Errorf("%+v", d)
		}
	})
}

// TestStopHurried: a second, impatient stop ends what the first waits for, and a
// start meanwhile waits for both.
func TestStopHurried(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began := make(chan struct{}, 10)
		q := b.open(t, Options{Workers: doing(func(ctx context.Context, _ *river.Job[task]) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})})
		insertOK(t, q, job(task{}))
		shift, _, err := q.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		recv(t, began, "the job")
		results := make(chan error, 2)
		go func() { results <- q.Stop(context.Background()) }()
		recv(t, shift.told, "the stop to begin")
		over, end := context.WithCancel(t.Context())
		end()
		if err := q.Start(over); !errors.Is(err, context.Canceled) {
			t.Errorf("started while it stops: %v", err)
		}
		go func() { results <- q.Start(context.Background()) }()
		if err := q.Stop(over); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := recv(t, results, "the first stop, and the start"); err != nil {
				t.Error(err)
			}
		}
		recv(t, began, "the job in the second shift")
		if err := q.Stop(over); err != nil {
			t.Error(err)
		}
	})
}

// TestStopLeavesTheStubborn: a job that ignores its context does not keep the
// process from ending.
func TestStopLeavesTheStubborn(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began, release := make(chan struct{}, 1), make(chan struct{})
		q := b.open(t, Options{Workers: doing(func(context.Context, *river.Job[task]) error {
			began <- struct{}{}
			<-release
			return nil
		})})
		q.hardStop = 50 * time.Millisecond
		insertOK(t, q, job(task{}))
		startOK(t, q)
		recv(t, began, "the job")
		ended, end := context.WithCancel(t.Context())
		end()
		if err := q.Stop(ended); err == nil || !strings.Contains(err.Error(), "taken up again") {
			t.Errorf("got %v", err)
		}
		close(release)
		until(t, "River to end", func() bool { return b.jobsIn(t, rivertype.JobStateRunning) == 0 })
	})
}

func TestStartWithoutWorkers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		if err := q.Start(t.Context()); !errors.Is(err, errInsertOnly) {
			t.Errorf("got %v", err)
		}
		if err := q.Stop(t.Context()); err != nil {
			t.Errorf("stopping what does not work: %v", err)
		}
	})
}

// TestDrain: what there is to say of every end that a job can come to.
func TestDrain(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{MaxBackoff: 200 * time.Millisecond, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			switch j.Args.Name {
			case "panics":
				panic("out of range")
			case "fails":
				return errors.New("not found")
			case "gives up":
				return river.JobCancel(errors.New("of no use"))
			case "recovers":
				if j.Attempt < 3 {
					return errors.New("not yet")
				}
			case "naps":
				return river.JobSnooze(time.Hour)
			}
			return nil
		})})
		insertOK(t, q, job(task{Name: "earlier"}))
		if d := drainOK(t, q, 0); d.Completed != 1 {
			t.Errorf("first: %+v", d)
		}
		twice := river.InsertOpts{MaxAttempts: 2}
		insertOK(t, q, withOpts(task{Name: "panics"}, twice), withOpts(task{Name: "fails"}, twice), job(task{Name: "gives up"}),
			job(task{Name: "recovers"}), job(task{Name: "naps"}), job(task{Name: "fine"}))
		d := drainOK(t, q, time.Minute)
		if until := time.Until(d.Next); until < 55*time.Minute || until > time.Hour {
			t.Errorf("the next is due in %s, want an hour", until)
		}
		failures := map[string]Failure{}
		for _, f := range d.Failures {
			name := taskOf(t, f.Args).Name
			f.Args = nil
			failures[name] = f
		}
		want := map[string]Failure{
			"panics":   {Kind: "task", Attempts: 2, Error: "out of range"},
			"fails":    {Kind: "task", Attempts: 2, Error: "not found"},
			"gives up": {Kind: "task", Attempts: 1, Error: "JobCancelError: of no use"},
		}
		if diff := cmp.Diff(want, failures); diff != "" {
			t.Errorf("failures: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(Drained{Completed: 2, Discarded: 2, Cancelled: 1, Left: 1}, d, cmpopts.IgnoreFields(Drained{}, "Failures", "Next")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestDrainHorizon: what is due beyond the horizon is left.
func TestDrainHorizon(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{Workers: nothing()})
		soon, late := time.Now().Add(2*time.Second), time.Now().Add(time.Hour)
		insertOK(t, q, withOpts(task{N: 1}, river.InsertOpts{ScheduledAt: soon}), withOpts(task{N: 2}, river.InsertOpts{ScheduledAt: late}))
		if d := drainOK(t, q, 0); d.Completed != 0 || d.Left != 2 {
			t.Errorf("nothing is due: %+v", d)
		}
		if d := drainOK(t, q, time.Minute); d.Completed != 1 || d.Left != 1 || time.Now().Before(soon) {
			t.Errorf("one is due within a minute: %+v", d)
		}
	})
}

// TestDrainInterrupted: it says what was done, and the rest stays.
func TestDrainInterrupted(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began := make(chan struct{}, 2)
		q := b.open(t, Options{Concurrency: 1, Workers: doing(func(ctx context.Context, j *river.Job[task]) error {
			if j.Args.N == 0 {
				return nil
			}
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})})
		insertOK(t, q, job(task{N: 0}), job(task{N: 1}), job(task{N: 2}))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-began; cancel() }()
		d, err := q.Drain(ctx, 0)
		if !errors.Is(err, context.Canceled) || d.Completed != 1 || d.Left != 2 {
			t.Errorf("%+v, %v", d, err)
		}
		if n := b.jobsIn(t, rivertype.JobStateRunning); n != 0 {
			t.Errorf("%d jobs still run", n)
		}
	})
}

// TestDrainStopped: somebody else may stop the queue gracefully meanwhile.
func TestDrainStopped(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{Workers: nothing()})
		insertOK(t, q, withOpts(task{}, river.InsertOpts{ScheduledAt: time.Now().Add(time.Hour)}))
		startOK(t, q)
		ended := make(chan error, 1)
		go func() { _, err := q.Drain(context.Background(), 2*time.Hour); ended <- err }()
		if err := q.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Drain began before or after the stop; after it, it started the queue itself.
		until(t, "Drain to end", func() bool {
			if err := q.Stop(context.Background()); err != nil {
				t.Fatal(err)
			}
			return len(ended) == 1
		})
		if err := <-ended; !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPanic: it is an error of its job, and of nothing else.
func TestPanic(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{MaxBackoff: 100 * time.Millisecond, Concurrency: 1, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			if j.Args.N == 1 && j.Attempt == 1 {
				panic("boom")
			}
			return nil
		})})
		id := insertOK(t, q, job(task{N: 1}), job(task{N: 2}))[0].Job.ID
		if d := drainOK(t, q, time.Minute); d.Completed != 2 || d.Discarded != 0 {
			t.Errorf("%+v", d)
		}
		list, err := q.db.client.JobList(t.Context(), river.NewJobListParams().IDs(id).States(rivertype.JobStateCompleted))
		if err != nil || len(list.Jobs) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if errs := list.Jobs[0].Errors; len(errs) != 1 || errs[0].Error != "boom" || !strings.Contains(errs[0].Trace, "work_test.go") {
			t.Errorf("recorded: %+v", errs)
		}
	})
}

// TestJobTimeout: a job's context ends in time, and that is a failed attempt.
func TestJobTimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{JobTimeout: 100 * time.Millisecond, Workers: doing(func(ctx context.Context, _ *river.Job[task]) error {
			<-ctx.Done()
			return ctx.Err()
		})})
		insertOK(t, q, withOpts(task{}, river.InsertOpts{MaxAttempts: 1}))
		d := drainOK(t, q, 0)
		if d.Discarded != 1 || d.Failures[0].Error != context.DeadlineExceeded.Error() {
			t.Errorf("%+v", d)
		}
	})
}

// TestBackoff: longer and longer, and never longer than the bound.
func TestBackoff(t *testing.T) {
	t.Parallel()
	policy := &bounded{most: 15 * time.Minute}
	for _, c := range []struct {
		failures    int
		least, most time.Duration
	}{
		{0, 900 * time.Millisecond, 1100 * time.Millisecond},
		{1, 14 * time.Second, 18 * time.Second},
		{3, 230 * time.Second, 282 * time.Second},
		{4, 560 * time.Second, 690 * time.Second},
		{5, 13*time.Minute + 30*time.Second, 15 * time.Minute},
		{99, 13*time.Minute + 30*time.Second, 15 * time.Minute},
		{400, 13*time.Minute + 30*time.Second, 15 * time.Minute},
	} {
		for range 100 { // part of it is left to chance
			before := time.Now()
			at := policy.NextRetry(&rivertype.JobRow{Errors: make([]rivertype.AttemptError, c.failures)})
			if wait := at.Sub(before); wait < c.least-time.Second/20 || wait > c.most+time.Second {
				t.Fatalf("after %d failures: wait %s, want %s to %s", c.failures, wait, c.least, c.most)
			}
		}
	}
}

// TestAttempts: a job without options of its own is tried a hundred times.
func TestAttempts(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		if got := insertOK(t, q, job(task{}))[0].Job.MaxAttempts; got != 100 {
			t.Errorf("%d attempts", got)
		}
	})
}
