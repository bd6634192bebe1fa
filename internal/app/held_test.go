package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/audit"
	"cxm/internal/plan"
	"cxm/internal/store"
)

func disks(from, to int) []string { return apptest.Disks(from, to) }

// reopened opens the same data directory with other settings.
func (b *bed) reopened(change func(*app.Config)) {
	b.Helper()
	b.shared().Reopen(change)
	b.app = b.App
}

// states counts the project's issues.
func (b *bed) states() (open, closed int) {
	for _, i := range b.issues("acme%2Fplatform") {
		if i.State == "opened" {
			open++
		} else {
			closed++
		}
	}
	return open, closed
}

// TestManyClosesWaitForAPerson holds the brake of G3: closes beyond the share
// wait as one run, everything else goes on, and approval carries out what is
// still true.
func TestManyClosesWaitForAPerson(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 20)...)
	b.want(strings.Repeat("+", 20))
	left := append(disks(15, 20), disk(30, "99"))
	b.aws(left...)
	b.apply() // one snapshot proves nothing; the new one is created
	b.aws(left...)
	b.writes.take()
	verbs, report := b.apply()
	if verbs != "" || report.Waits.ID == 0 || report.Whole() || b.writes.take() != 0 {
		t.Fatalf("steps %q, waits %+v", verbs, report.Waits)
	}
	if want := "it would close 15 of 21 open issues, more than 20 %"; report.Waits.Why != want {
		t.Errorf("it says %q, want %q", report.Waits.Why, want)
	}
	run := report.Waits.ID
	if _, again := b.apply(); again.Waits.ID != run {
		t.Errorf("the same plan waits as run %d too", again.Waits.ID)
	}
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || len(p.Plan.Held.Steps) != 15 || p.Waits.ID != run {
		t.Fatalf("the plan holds %d and names run %d (%v)", len(p.Plan.Held.Steps), p.Waits.ID, err)
	}
	// One of the fifteen is back before anybody approves: it must stay open.
	b.aws(append(left, disk(3, "10"))...)
	approved, err := b.app.Approve(b.Context(), run, "platform-admin", nil)
	if err != nil || approved.Run.Done != 14 || approved.Run.Skipped != 1 {
		t.Fatalf("approved: %+v, %v", approved.Run, err)
	}
	if open, closed := b.states(); open != 7 || closed != 14 {
		t.Errorf("%d open, %d closed", open, closed)
	}
	if b.about(3).State != "opened" {
		t.Error("what came back was closed")
	}
	if _, err := b.app.Approve(b.Context(), run, "platform-admin", nil); err == nil || !strings.Contains(err.Error(), "is finished and waits for nobody") {
		t.Errorf("a second approval: %v", err)
	}
	r, entries, err := b.app.RunOf(b.Context(), run)
	if err != nil || r.ApprovedBy != "platform-admin" || r.State != plan.Finished || len(entries) != 15 {
		t.Errorf("run %+v with %d entries (%v)", r, len(entries), err)
	}
	b.want("")
}

// TestRejected: what a person said no to does not wait again as it is, is not done,
// waits anew once something else is held, and can be approved after all before that.
func TestRejected(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.reopened(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 3} })
	b.aws(disks(0, 8)...)
	_, report := b.apply()
	run := report.Waits.ID
	if run == 0 {
		t.Fatal("nothing waits")
	}
	ctx := audit.With(b.Context(), audit.Actor{Kind: audit.Person, Name: "platform-admin"})
	if err := b.app.Reject(ctx, run, "platform-admin", "these disks are for a test"); err != nil {
		t.Fatal(err)
	}
	if err := b.app.Reject(ctx, run, "somebody", "too"); !errors.Is(err, store.ErrNotWaiting) {
		t.Errorf("a second rejection: %v", err)
	}
	r, entries, err := b.app.RunOf(b.Context(), run)
	if err != nil || !r.Rejected() || r.RejectedBy != "platform-admin" || r.Rejection != "these disks are for a test" || r.Skipped != 8 || r.FinishedAt.IsZero() {
		t.Errorf("%+v (%v)", r, err)
	}
	for _, e := range entries {
		if e.Outcome != plan.Skipped || e.Trouble != "rejected by platform-admin: these disks are for a test" {
			t.Errorf("%+v", e)
		}
	}
	_, again := b.apply()
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || again.Waits.ID != 0 || p.Rejected.ID != run || p.Waits.ID != 0 || b.posts() != 0 {
		t.Fatalf("it waits again as run %d, the plan says %+v (%v)", again.Waits.ID, p.Rejected, err)
	}
	b.aws(disks(0, 9)...)
	_, other := b.apply()
	if other.Waits.ID == run || other.Waits.Steps != 9 {
		t.Fatalf("with one more it does not wait: %+v", other.Waits)
	}
	if _, err := b.app.Approve(b.Context(), run, "platform-admin", nil); err == nil || !strings.Contains(err.Error(), "waits for nobody") {
		t.Errorf("what something else took the place of was approved: %v", err)
	}
	if err := b.app.Reject(ctx, other.Waits.ID, "platform-admin", "later"); err != nil {
		t.Fatal(err)
	}
	done, err := b.app.Approve(b.Context(), other.Waits.ID, "platform-admin", nil)
	if err != nil || done.Run.Done != 9 || b.posts() != 9 {
		t.Fatalf("approved after all: %+v, %v", done.Run, err)
	}
	r, entries, err = b.app.RunOf(b.Context(), other.Waits.ID)
	if err != nil || r.State != plan.Finished || r.Rejected() || len(entries) != 9 || entries[0].Outcome != plan.Done || entries[0].Trouble != "" {
		t.Errorf("%+v, %+v (%v)", r, entries[0], err)
	}
}

// A run that waits for what is no longer to be done does not wait any more.
func TestWhatWaitedIsSuperseded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 20)...)
	b.want(strings.Repeat("+", 20))
	b.aws(disk(0, "10"))
	b.aws(disk(0, "10"))
	_, report := b.apply()
	if report.Waits.ID == 0 {
		t.Fatal("nothing waits")
	}
	b.aws(disks(0, 20)...)
	b.want("")
	if _, err := b.app.Approve(b.Context(), report.Waits.ID, "platform-admin", nil); err == nil || !strings.Contains(err.Error(), "superseded") {
		t.Errorf("approving what is superseded: %v", err)
	}
	if open, closed := b.states(); open != 20 || closed != 0 {
		t.Errorf("%d open, %d closed", open, closed)
	}
}

// Two who approve at once carry the run out once.
func TestApprovedOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.reopened(func(c *app.Config) { c.Brakes = &plan.Brakes{CloseShare: 100, Creates: 3} })
	b.aws(disks(0, 8)...)
	_, report := b.apply()
	if report.Waits.Steps != 8 {
		t.Fatalf("waits: %+v", report.Waits)
	}
	var wait sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wait.Go(func() { _, errs[i] = b.app.Approve(b.Context(), report.Waits.ID, "somebody", nil) })
	}
	wait.Wait()
	if won := slices.Index(errs, nil); won < 0 || slices.Index(errs[won+1:], nil) >= 0 {
		t.Errorf("not one of them won: %v", errs)
	}
	if posts := b.posts(); posts != 8 {
		t.Errorf("%d creates for 8 findings", posts)
	}
}

// TestUndo brings back what a run changed, keeps what somebody touched since, and
// what was undone stays undone.
func TestUndo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disks(0, 6)...)
	b.want("++++++")
	before := map[int]issueView{}
	for i := range 6 {
		before[i] = b.about(i)
	}
	// One run updates two, closes two, and creates two.
	next := []string{disk(0, "90"), disk(1, "90"), disk(2, "10"), disk(5, "10"), disk(7, "10"), disk(8, "10")}
	b.aws(next...)
	b.apply()
	b.edit(b.about(8).IID, map[string]any{"labels": "seen-by-engineer"})
	b.aws(next...)
	_, closing := b.apply()
	runs, err := b.app.Runs(b.Context(), 10)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%d runs (%v)", len(runs), err)
	}
	b.undo(runs[1].ID, "~~-", map[string]string{"000008 from": "somebody touched the issue since"})
	b.undo(closing.Run.ID, "^^", nil)
	for i := range 6 {
		if now := b.about(i); now.Title != before[i].Title || now.Description != before[i].Description || now.State != "opened" {
			t.Errorf("disk %d is not as before: %+v\nwant %+v", i, now, before[i])
		}
	}
	if b.about(7).State != "closed" || b.about(8).State != "opened" {
		t.Error("the created one that nobody touched should be closed, the other open")
	}
	b.want("") // nothing that was undone is done again
	b.aws(append(next[1:], disk(0, "500"))...)
	b.want("~") // until the finding says something else
}

// undo undoes a run and fails unless exactly these steps were taken, and these
// were kept for these reasons.
func (b *bed) undo(run int64, verbs string, kept map[string]string) {
	b.Helper()
	b.clock.forward(time.Second)
	b.writes.take()
	u, report, err := b.app.Undo(b.Context(), run, func(app.Undo) (bool, error) { return true, nil }, nil)
	if err != nil || !report.Whole() {
		b.Fatalf("undoing run %d: %v, %+v", run, err, report)
	}
	var got []string
	for _, s := range u.Plan.Steps {
		got = append(got, string(s.Verb))
	}
	slices.Sort(got)
	want := strings.Split(verbs, "")
	slices.Sort(want)
	if !slices.Equal(got, want) || b.writes.take() != len(want) {
		b.Errorf("undoing run %d took %v, want %v", run, got, want)
	}
	if len(u.Kept) != len(kept) {
		b.Errorf("kept: %+v", u.Kept)
	}
	for _, k := range u.Kept {
		found := false
		for about, why := range kept {
			found = found || strings.Contains(strings.ReplaceAll(k.Entry.Title, "\u2060", ""), about) && strings.HasPrefix(k.Why, why)
		}
		if !found {
			b.Errorf("kept %q: %s", k.Entry.Title, k.Why)
		}
	}
}

// Undoing an undo lets the next plan decide again.
func TestUndoOfAnUndo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	_, first := b.apply()
	b.undo(first.Run.ID, "-", nil)
	b.want("")
	runs, _ := b.app.Runs(b.Context(), 1)
	b.undo(runs[0].ID, "^", nil)
	b.want("")
	if i := b.about(1); i.State != "opened" || strings.Contains(i.Description, "was undone") {
		t.Errorf("the issue says %s", i.Description)
	}
	b.aws(disk(1, "99"))
	b.want("~")
}

// TestCaps holds that the caps are exact with sixteen writes in flight, over
// several processes and a restart, and that the most valuable go first.
func TestCaps(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	caps := func(c *app.Config) { c.Caps = plan.Caps{PerHour: 50} }
	b.reopened(caps)
	var items []string
	for i := range 200 {
		items = append(items, disk(i, fmt.Sprint(1000-i)))
	}
	b.aws(items...)
	second := b.open(b.dir, caps)
	var wait sync.WaitGroup
	for _, a := range []*app.App{b.app, second} {
		wait.Go(func() {
			if _, _, err := applyWith(b.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if posts := b.posts(); posts != 50 {
		t.Fatalf("%d creates in the first hour, the cap is 50", posts)
	}
	for i := range 50 {
		b.about(i) // fails when it is not there
	}
	b.reopened(caps)
	b.want("") // a restart does not begin another hour
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || p.Plan.Capped != 150 {
		t.Errorf("%d wait (%v)", p.Plan.Capped, err)
	}
	b.clock.forward(61 * time.Minute)
	b.want(strings.Repeat("+", 50))
}

// The cap on open issues frees a place when one is closed.
func TestCapOnOpenIssues(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.reopened(func(c *app.Config) { c.Caps = plan.Caps{Open: 3} })
	b.aws(disks(0, 5)...)
	b.want("+++")
	b.edit(b.about(0).IID, map[string]any{"state_event": "close"})
	b.want("+")
	b.want("")
	if status, _ := b.call(http.MethodGet, projectRoute+"/issues/5", nil); status != http.StatusNotFound {
		t.Errorf("a fifth issue answers %d", status)
	}
}
