package plan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
)

// TestUndo holds the table above Undo, and every reason to leave an issue alone.
func TestUndo(t *testing.T) {
	present := group(member("a", "10", finding.Present, 0))
	was := existing(present)
	now := existing(present, see(func(o *issue.Observed) { o.Title = "changed" }))
	stamp := now.Observed.UpdatedAt
	for name, c := range map[string]struct {
		verb  plan.Verb
		edit  func(*plan.Entry, *issue.Tracked)
		gone  bool
		want  plan.Verb // empty: it is kept
		state issue.State
		says  string
	}{
		"a create is closed":         {verb: plan.Create, want: plan.Close, state: issue.Closed, says: "undoes the create of run 7"},
		"an update is written back":  {verb: plan.Update, want: plan.Update, says: "undoes the update of run 7"},
		"a close is reopened":        {verb: plan.Close, want: plan.Reopen, state: issue.Opened, says: "undoes the close of run 7"},
		"a reopened one is closed":   {verb: plan.Reopen, want: plan.Close, state: issue.Closed, says: "undoes the reopen of run 7"},
		"somebody touched it":        {verb: plan.Update, edit: func(e *plan.Entry, _ *issue.Tracked) { e.Stamp = e.Stamp.Add(-time.Second) }, says: "somebody touched the issue since"},
		"its answer was lost":        {verb: plan.Update, edit: func(e *plan.Entry, _ *issue.Tracked) { e.Outcome = plan.InDoubt }, says: "answer was lost"},
		"it was adopted":             {verb: plan.Create, edit: func(e *plan.Entry, _ *issue.Tracked) { e.Outcome, e.Stamp = plan.Adopted, time.Time{} }, says: "answer was lost"},
		"it failed":                  {verb: plan.Close, edit: func(e *plan.Entry, _ *issue.Tracked) { e.Outcome = plan.Failed }, says: "nothing was done: failed"},
		"it was never taken":         {verb: plan.Close, edit: func(e *plan.Entry, _ *issue.Tracked) { e.Outcome = plan.Planned }, says: "nothing was done: planned"},
		"it cannot be seen":          {verb: plan.Close, edit: func(_ *plan.Entry, t *issue.Tracked) { t.Phase = issue.Lost }, says: "cannot be seen"},
		"nothing is known of it":     {verb: plan.Close, gone: true, says: "cannot be seen"},
		"another one took its place": {verb: plan.Close, edit: func(_ *plan.Entry, t *issue.Tracked) { t.Phase = issue.Retired }, says: "another issue"},
	} {
		t.Run(name, func(t *testing.T) {
			own, _ := issue.Own(was.Observed.Description, was.Nonce)
			e := plan.Entry{Verb: c.verb, Issue: now.ID, Group: now.Group, Outcome: plan.Done, Stamp: stamp, Before: plan.Before{
				Title: was.Observed.Title, Block: own.Text, AddedLabels: []string{"new"}, RemovedLabels: []string{"old"},
			}}
			tracked := now
			if c.edit != nil {
				c.edit(&e, &tracked)
			}
			have := map[int64]issue.Tracked{tracked.ID: tracked}
			if c.gone {
				have = nil
			}
			p, kept := plan.Undo(plan.Run{ID: 7}, []plan.Entry{e}, have, day1)
			if c.want == "" {
				if len(p.Steps) != 0 || len(kept) != 1 || !strings.Contains(kept[0].Why, c.says) {
					t.Fatalf("steps %+v, kept %+v", p.Steps, kept)
				}
				return
			}
			if len(p.Steps) != 1 || len(kept) != 0 {
				t.Fatalf("steps %+v, kept %+v", p.Steps, kept)
			}
			s := p.Steps[0]
			if s.Verb != c.want || s.Change.State != c.state || s.Reason != c.says || !s.Undoes {
				t.Errorf("step %s %q changes %+v", s.Verb.Word(), s.Reason, s.Change)
			}
			if c.verb != plan.Create && (s.Change.Title == nil || *s.Change.Title != was.Observed.Title || len(s.Change.AddLabels) != 1 || len(s.Change.RemoveLabels) != 1) {
				t.Errorf("it brings back %+v", s.Change)
			}
		})
	}
}

// TestWithout holds that nothing is done, or held, in a project that could not be
// looked at, and that it is said why.
func TestWithout(t *testing.T) {
	steps := append(many(plan.Create, 2), many(plan.Close, 20)...)
	for i := range steps {
		steps[i].Project = int64(7 + i%2)
	}
	p := plan.Brake(plan.New(steps, 0), plan.Brakes{CloseShare: 20, CloseFloor: 3, Creates: 5}, 30)
	got := p.Without(7, map[int64]error{8: errors.New("it answers 404")})
	if n := got.Count(plan.Create); n != 1 || len(got.Held.Steps) != 10 {
		t.Errorf("%d creates go, %d closes are held", n, len(got.Held.Steps))
	}
	for _, s := range got.Steps {
		if s.Project == 8 && (s.Verb != plan.Nothing || !s.Later || !strings.Contains(s.Reason, "it answers 404")) {
			t.Errorf("%s %s", s.Verb.Word(), s.Reason)
		}
	}
}
