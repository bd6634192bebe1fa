package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, f func(*bed)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(newBed(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); f(newBedOn(t, databases.PostgreSQL(t))) })
}

// work works the queue until it is empty; nothing may have failed for good.
func (b *bed) work() app.Worked {
	b.Helper()
	w, err := b.app.Run(b.Context())
	if err != nil || w.Discarded+w.Cancelled > 0 {
		b.Fatalf("working the queue: %+v, %v", w, err)
	}
	return w
}

// TestRunWorksTheQueue follows findings through the queue: what is taken in is a
// job at once, each step one call, and nothing to do is nothing done.
func TestRunWorksTheQueue(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.aws(disks(0, 30)...)
		b.work()
		if n := b.writes.take(); n != 30 {
			b.Fatalf("%d writes for 30 findings", n)
		}
		b.work()
		b.want("") // and neither has apply
		b.aws(append(disks(5, 30), disk(0, "50"), disk(40, "5"))...)
		b.work()
		b.aws(append(disks(5, 30), disk(0, "50"), disk(40, "5"))...)
		b.work()
		if n := b.writes.take(); n != 1+1+4 {
			b.Errorf("%d writes for one update, one create and four closes", n)
		}
		if open, closed := b.states(); open != 27 || closed != 4 {
			b.Errorf("%d open, %d closed", open, closed)
		}
		runs, err := b.app.Runs(b.Context(), 10)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range runs {
			if r.State != plan.Finished || !r.Shared || r.Done != r.Steps {
				b.Errorf("run %+v", r)
			}
		}
	})
}

// A step that GitLab refuses is not sent again and again.
func TestRunDoesNotSpin(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Status: 400, Body: `{"message":{"title":["is not to GitLab's taste"]}}`})
		b.aws(disks(0, 3)...)
		b.work()
		if n := b.writes.take(); n != 3 {
			b.Errorf("%d writes for three findings that are refused", n)
		}
	})
}

// Lost answers are looked up, and end in one issue each.
func TestRunAfterLostAnswers(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Cut: sandbox.CutAfter, Times: 2})
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Cut: sandbox.CutBefore, After: 2, Times: 2})
		b.aws(disks(0, 8)...)
		b.work()
		if open, closed := b.states(); open != 8 || closed != 0 {
			b.Errorf("%d open, %d closed", open, closed)
		}
		if posts := b.posts(); posts > 8+2 {
			b.Errorf("%d creates were sent", posts)
		}
		b.want("")
	})
}

// What the brakes hold waits for a person in the queue too, once.
func TestRunHoldsForApproval(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.aws(disks(0, 20)...)
		b.work()
		b.aws(disk(0, "10"))
		b.aws(disk(0, "10"))
		b.work()
		b.work()
		if open, _ := b.states(); open != 20 {
			b.Fatalf("%d open", open)
		}
		runs, err := b.app.Runs(b.Context(), 1)
		if err != nil || len(runs) != 1 || runs[0].State != plan.Waiting {
			b.Fatalf("runs %+v, %v", runs, err)
		}
		if _, err := b.app.Approve(b.Context(), runs[0].ID, "platform-admin", nil); err != nil {
			b.Fatal(err)
		}
		if open, _ := b.states(); open != 1 {
			b.Errorf("%d open after approval", open)
		}
	})
}

// A refused token stops the calls after a few, and all goes on by itself once it
// is right again.
func TestRunWhileTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 40)...)
	mend := b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Status: 401, Body: `{"message":"401 Unauthorized"}`})
	w := b.work()
	if n := b.writes.take(); n > 16 || w.Left == 0 {
		b.Errorf("%d writes with a refused token, %d jobs are left", n, w.Left)
	}
	mend()
	b.clock.forward(2 * time.Minute)
	b.apply() // by hand, which a breaker does not stop
	if open, _ := b.states(); open != 40 {
		b.Errorf("%d open", open)
	}
	if posts := b.posts(); posts > 40+16 {
		b.Errorf("%d creates were sent for 40 findings: %s", posts, strings.Repeat("-", 1))
	}
}

// TestDeliveriesAreTakenInOnce holds G2 for what is accepted: each delivery counts
// once and in its order, however often and by however many its job is worked,
// and one that is at fault is kept and does not stop the next.
func TestDeliveriesAreTakenInOnce(t *testing.T) {
	onBoth(t, func(b *bed) {
		accept := func(text string) {
			b.Helper()
			if _, err := b.app.Accept(b.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: "body", Reader: strings.NewReader(text)}}}); err != nil {
				b.Fatal(err)
			}
		}
		accept(snapshot(disk(1, "10"), disk(2, "10")))
		accept(`{"items":[`)
		accept(snapshot(disk(2, "10")))
		b.work()
		// Whether an issue was made of the first before the third came is a race.
		if open, closed := b.states(); open == 0 || closed != 0 {
			b.Errorf("%d open, %d closed: one complete snapshot without a finding proves nothing", open, closed)
		}
		b.work() // the job once more is not the snapshot once more
		accept(snapshot(disk(1, "10"), disk(2, "10")))
		second := b.open(b.dir)
		var wait sync.WaitGroup
		for _, a := range []*app.App{b.app, second} {
			wait.Go(func() {
				if _, err := a.Run(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		wait.Wait()
		b.apply() // two that look at once may leave a job to be tried again later
		if open, closed := b.states(); open != 2 || closed != 0 {
			b.Errorf("%d open, %d closed", open, closed)
		}
		s, err := b.app.Status(b.Context())
		if err != nil || s.Deliveries != 0 || s.Refused != 1 {
			b.Errorf("%d deliveries wait, %d are refused (%v)", s.Deliveries, s.Refused, err)
		}
	})
}

// What a person writes while a step waits for its turn is kept (G5): a step whose
// last look is old looks again before it writes.
func TestStepLooksAgainBeforeItWrites(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	b.work()
	was := b.about(1)
	var once sync.Once
	b.reopened(func(c *app.Config) {
		c.Failpoint = func(point string) {
			if point != "begin run: after commit" {
				return
			}
			once.Do(func() {
				b.clock.forward(time.Minute)
				b.call(http.MethodPut, fmt.Sprintf("%s/issues/%d", projectRoute, was.IID), map[string]any{"description": was.Description + "\n\nWe do this in May."})
			})
		}
	})
	b.aws(disk(1, "90"))
	b.work()
	if now := b.about(1); !strings.Contains(now.Description, "We do this in May.") || !strings.Contains(now.Title, "90.00") {
		t.Errorf("the issue says %q: %s", now.Title, now.Description)
	}
}
