package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// TestInsertTx: a job lives and dies with the rows that need it.
func TestInsertTx(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		ran := make(chan int, 10)
		q := b.open(t, Options{Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			ran <- j.Args.N
			return nil
		})})
		for n, end := range []string{"rollback", "commit"} {
			tx, exec, commit, rollback := b.begin(t)
			if err := exec("insert into ours values ($1, 0, 'row')", n); err != nil {
				t.Fatal(err)
			}
			if _, err := q.InsertTx(t.Context(), tx, job(task{N: n})); err != nil {
				t.Fatal(err)
			}
			finish := map[string]func() error{"rollback": rollback, "commit": commit}[end]
			if err := finish(); err != nil {
				t.Fatal(err)
			}
			if got := b.count(t, "select count(*) from river_job"); got != n {
				t.Errorf("after %s: %d jobs, want %d", end, got, n)
			}
		}
		if d := drainOK(t, q, 0); d.Completed != 1 || len(ran) != 1 || <-ran != 1 {
			t.Errorf("the job that was committed and no other should have run: %+v", d)
		}
		if got := b.count(t, "select count(*) from ours"); got != 1 {
			t.Errorf("%d rows of ours, want 1", got)
		}
	})
}

func TestInsertTxRefusesAForeignTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		if _, err := q.InsertTx(t.Context(), Tx{}, job(task{})); err == nil || !strings.Contains(err.Error(), "set Tx.") {
			t.Errorf("got %v", err)
		}
	})
}

// TestUniqueRace: however many insert it at once, one job comes of it.
func TestUniqueRace(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{Workers: nothing()})
		var added, skipped int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				jobs := []river.InsertManyParams{unique(task{N: 1}), unique(task{N: 2})}
				if i%2 == 0 { // in both orders: a deadlock must not come through
					slices.Reverse(jobs)
				}
				results, err := q.Insert(context.Background(), jobs...)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, r := range results {
					if r.UniqueSkippedAsDuplicate {
						skipped++
					} else {
						added++
					}
				}
			})
		}
		all.Wait()
		if added != 2 || skipped != 98 || b.count(t, "select count(*) from river_job") != 2 {
			t.Errorf("added %d and skipped %d, want 2 and 98", added, skipped)
		}
	})
}

// TestUniqueWhileRunning: work that comes up while the job for it runs gets
// another job, once, however many run.
func TestUniqueWhileRunning(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		began, release := make(chan int64), make(chan struct{})
		q := b.open(t, Options{Concurrency: 3, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			began <- j.ID
			<-release
			return nil
		})})
		startOK(t, q)
		var ids []int64
		for n := range 3 {
			added := insertOK(t, q, unique(task{N: 1}))[0]
			if added.UniqueSkippedAsDuplicate {
				t.Fatalf("the insert beside %d that run was swallowed by one in state %s", n, added.Job.State)
			}
			ids = append(ids, recv(t, began, "the job to begin"))
		}
		waiting := insertOK(t, q, unique(task{N: 1}), unique(task{N: 2}))
		if waiting[0].UniqueSkippedAsDuplicate || waiting[1].UniqueSkippedAsDuplicate {
			t.Fatalf("swallowed by jobs that run: %+v", waiting)
		}
		again := insertOK(t, q, unique(task{N: 1}), unique(task{N: 1}))
		for _, r := range again {
			if !r.UniqueSkippedAsDuplicate || r.Job.ID != waiting[0].Job.ID {
				t.Errorf("one waits already, yet %+v", r)
			}
		}
		close(release)
		for range 2 {
			ids = append(ids, recv(t, began, "the one that waited"))
		}
		if d := drainOK(t, q, 0); d.Left != 0 || b.jobsIn(t, rivertype.JobStateCompleted) != 5 {
			t.Errorf("%v ran, %+v", ids, d)
		}
	})
}

// TestUniqueLocksNoneThatRun: who inserts beside a job that runs keeps nobody from
// writing that it is completed, until whenever the transaction ends.
func TestUniqueLocksNoneThatRun(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		if b.Postgres == nil {
			return // one writes at a time
		}
		began, release := make(chan int64), make(chan struct{})
		q := b.open(t, Options{Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			began <- j.ID
			<-release
			return nil
		})})
		defer close(release)
		startOK(t, q)
		insertOK(t, q, unique(task{N: 1}))
		id := recv(t, began, "the job to begin")
		tx, _, _, rollback := b.begin(t)
		defer rollback()
		if _, err := q.InsertTx(t.Context(), tx, unique(task{N: 1}), unique(task{N: 2})); err != nil {
			t.Fatal(err)
		}
		b.exec(t, "select 1 from river_job where id = $1 for update nowait", id)
	})
}

// TestUniqueBeyondTheSeats: there is always room for work.
func TestUniqueBeyondTheSeats(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		const running = seats + 2
		began, release := make(chan int64), make(chan struct{})
		q := b.open(t, Options{Concurrency: running, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			began <- j.ID
			<-release
			return nil
		})})
		startOK(t, q)
		for n := range running {
			if r := insertOK(t, q, unique(task{}))[0]; r.UniqueSkippedAsDuplicate {
				t.Fatalf("swallowed beside %d that run", n)
			}
			recv(t, began, "the job to begin")
		}
		close(release)
	})
}

// TestUniqueWaitsForTheTransaction: a job that waits may stand in for new work
// only if it begins after the work can be seen.
func TestUniqueWaitsForTheTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		seen := make(chan int, 1)
		q := b.open(t, Options{Workers: doing(func(ctx context.Context, _ *river.Job[task]) error {
			var n int
			err := b.sql.QueryRowContext(ctx, "select count(*) from ours").Scan(&n)
			seen <- n
			return err
		})})
		waiting := insertOK(t, q, unique(task{}), job(canary{}))[0]
		tx, exec, commit, _ := b.begin(t)
		if err := exec("insert into ours values (1, 0, 'row')"); err != nil {
			t.Fatal(err)
		}
		results, err := q.InsertTx(t.Context(), tx, unique(task{}))
		if err != nil || !results[0].UniqueSkippedAsDuplicate || results[0].Job.ID != waiting.Job.ID {
			t.Fatalf("the job that waits should stand in: %+v, %v", results, err)
		}
		if b.Postgres != nil { // on SQLite nothing at all runs beside the transaction
			startOK(t, q)
			until(t, "the canary", func() bool { return b.jobsIn(t, rivertype.JobStateCompleted) == 1 })
			if len(seen) > 0 {
				t.Fatalf("the job ran before the transaction ended, and saw %d rows", <-seen)
			}
		}
		if err := commit(); err != nil {
			t.Fatal(err)
		}
		startOK(t, q)
		if n := recv(t, seen, "the job"); n != 1 {
			t.Errorf("the job saw %d rows, want the one of the transaction", n)
		}
	})
}

// TestUniqueStates: what waits for a retry or a time stands in, what is finished
// does not.
func TestUniqueStates(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{MaxBackoff: time.Hour, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			switch j.Args.Name {
			case "snoozed":
				return river.JobSnooze(time.Hour)
			case "failed", "retryable":
				return errors.New("failed")
			case "cancelled":
				return river.JobCancel(errors.New("of no use"))
			case "discarded":
				panic("failed for good")
			}
			return nil
		})})
		far := river.InsertOpts{UniqueOpts: Unique(), ScheduledAt: time.Now().Add(time.Hour)}
		once := river.InsertOpts{UniqueOpts: Unique(), MaxAttempts: 1}
		insertOK(t, q, unique(task{Name: "snoozed"}), withOpts(task{Name: "scheduled"}, far), unique(task{Name: "completed"}),
			unique(task{Name: "retryable"}), unique(task{Name: "failed"}), unique(task{Name: "cancelled"}), withOpts(task{Name: "discarded"}, once))
		drainOK(t, q, 0)
		// A first failure waits for a second only, which River counts as available.
		retryable := insertOK(t, q, unique(task{Name: "retryable"}))[0].Job.ID
		b.exec(t, "update river_job set state = 'retryable' where id = $1", retryable)
		for name, stands := range map[string]bool{"snoozed": true, "scheduled": true, "retryable": true, "failed": true, "completed": false, "cancelled": false, "discarded": false} {
			r := insertOK(t, q, unique(task{Name: name}))[0]
			if r.UniqueSkippedAsDuplicate != stands {
				t.Errorf("%s: stands in for new work: %t, want %t", name, r.UniqueSkippedAsDuplicate, stands)
			}
		}
	})
}

func TestUniqueTwiceInOneCall(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		results := insertOK(t, q, unique(task{N: 1}), job(task{N: 1}), unique(task{N: 2}), unique(task{N: 1}), job(task{N: 1}), unique(task{N: 2}))
		var skipped []bool
		for _, r := range results {
			skipped = append(skipped, r.UniqueSkippedAsDuplicate)
		}
		if diff := cmp.Diff([]bool{false, false, false, true, false, true}, skipped); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if results[3].Job.ID != results[0].Job.ID || results[5].Job.ID != results[2].Job.ID {
			t.Error("a repeat should point to the first")
		}
	})
}

func TestUniqueOverFinishedJobsIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		opts := river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}} // River's default counts completed ones
		if _, err := q.Insert(t.Context(), withOpts(task{}, opts)); err == nil || !strings.Contains(err.Error(), "queue.Unique") {
			t.Errorf("got %v", err)
		}
	})
}

// TestOrder: by priority, and within it as inserted.
func TestOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		const each = 25
		var got []task
		q := b.open(t, Options{Concurrency: 1, FetchCooldown: time.Millisecond, Workers: doing(func(_ context.Context, j *river.Job[task]) error {
			got = append(got, j.Args)
			return nil
		})})
		verbs := []struct {
			name     string
			priority int
		}{{"comment", PriorityComment}, {"create", PriorityCreate}, {"close", PriorityClose}, {"update", PriorityUpdate}}
		var jobs []river.InsertManyParams
		for n := range each {
			for _, v := range verbs {
				jobs = append(jobs, withOpts(task{N: n, Name: v.name}, river.InsertOpts{Priority: v.priority}))
			}
		}
		insertOK(t, q, jobs...)
		drainOK(t, q, 0)
		var want []task
		for _, name := range []string{"close", "create", "update", "comment"} {
			for n := range each {
				want = append(want, task{N: n, Name: name})
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestIDsFollowTheOrder: over many statements too.
func TestIDsFollowTheOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		jobs := make([]river.InsertManyParams, batch+100)
		for n := range jobs {
			jobs[n] = unique(task{N: n})
		}
		last := int64(0)
		for n, r := range insertOK(t, q, jobs...) {
			if r.Job.ID <= last || taskOf(t, r.Job.EncodedArgs).N != n {
				t.Fatalf("job %d has the id %d, after %d, and the arguments %s", n, r.Job.ID, last, r.Job.EncodedArgs)
			}
			last = r.Job.ID
		}
	})
}

// TestInsertInsideATransactionEnds: the mistake that would hang for ever on SQLite
// says what it is.
func TestInsertInsideATransactionEnds(t *testing.T) {
	t.Parallel()
	b := newSQLite(t)
	q := b.open(t, Options{})
	q.patience = 50 * time.Millisecond
	_, _, _, rollback := b.begin(t)
	if _, err := q.Insert(t.Context(), job(task{})); err == nil || !strings.Contains(err.Error(), "use InsertTx") {
		t.Errorf("got %v", err)
	}
	if err := rollback(); err != nil {
		t.Fatal(err)
	}
	insertOK(t, q, job(task{}))
}

func TestInsertNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		q := b.open(t, Options{})
		if results, err := q.Insert(t.Context()); err != nil || len(results) != 0 {
			t.Errorf("%v, %v", results, err)
		}
	})
}
