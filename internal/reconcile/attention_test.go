package reconcile_test

import (
	"testing"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// TestSentAgainWithinCaps: GitLab refuses a create until another process has used
// up what the hour holds, so it is not sent again, and the next plan says that it
// waits. Nothing of it is left to count.
func TestSentAgainWithinCaps(t *testing.T) {
	tracker := &lateTracker{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	e, s := newLoop(t, tracker)
	e.Caps = plan.Caps{PerHour: 1}
	capped := s.Capped(e.Caps, tracker.clock)
	e.Journal = capped
	e.Nonce = func() string { return "first" }
	take(t, s, tracker.clock)
	tracker.again = func() {
		tracker.forward(61 * time.Minute)
		run, _, err := s.BeginRun(t.Context(), plan.Run{StartedAt: tracker.clock()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		other := issue.Intend(e.Integration.ID, 7, "other", issue.Desired{Group: rule.NewGroupKey("other")}, "")
		other.SentAt = tracker.clock()
		entry, row, err := capped.Intend(t.Context(), plan.Entry{Run: run.ID, Verb: plan.Create}, other)
		if err != nil {
			t.Fatal(err)
		}
		row.Phase, row.Observed.IID, row.Observed.State, entry.Outcome = issue.Live, 99, issue.Closed, plan.Done
		if err := s.Record(t.Context(), entry, row, 0); err != nil {
			t.Fatal(err)
		}
	}
	if verbs := pass(t, e); verbs != "+" || tracker.open() != 0 {
		t.Fatalf("%q was planned, and %d are open", verbs, tracker.open())
	}
	if rows, err := s.Find(t.Context(), e.Integration.ID, 7, nil, []string{"first"}); err != nil || len(rows) != 1 || rows[0].Phase != issue.Dropped || rows[0].SentAt.Hour() != 9 {
		t.Errorf("it counts when it was not sent: %+v (%v)", rows, err)
	}
	tracker.again = nil
	e.Nonce = func() string { return "second" }
	if verbs := pass(t, e); verbs != "" {
		t.Errorf("%q was planned though the hour is used up", verbs)
	}
	if open, err := s.Unsettled(t.Context(), e.Integration.ID); err != nil || len(open) != 0 {
		t.Errorf("in doubt: %+v (%v)", open, err)
	}
	tracker.forward(61 * time.Minute)
	if verbs := pass(t, e); verbs != "+" || tracker.open() != 1 {
		t.Errorf("%q was planned, and %d are open", verbs, tracker.open())
	}
}
