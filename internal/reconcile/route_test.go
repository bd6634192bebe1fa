package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// reroute sends issues to project 8 from now on.
func reroute(c *plan.Policy, project *int64, onChange rule.OnChange) {
	c.OnRoute, *project = onChange, 8
}

// TestMoveInDoubt: whatever becomes of a move whose answer is lost, it is never
// sent again before the old issue was asked, and one issue is open in the end.
func TestMoveInDoubt(t *testing.T) {
	first := func(call string) func(string) bool {
		n := 0
		return func(c string) bool {
			if c == call {
				n++
			}
			return c == call && n == 1
		}
	}
	cases := map[string]struct {
		lose, drop, unlisted bool
		lag                  time.Duration
		moves                int
	}{
		"carried out":                        {lose: true, moves: 1},
		"carried out, and the search lags":   {lose: true, lag: 20 * time.Second, moves: 1},
		"carried out, and the search sleeps": {lose: true, lag: time.Hour, moves: 1},
		"carried out, and no look lists it":  {lose: true, unlisted: true, moves: 1},
		"never carried out":                  {drop: true, moves: 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newTown()
			e, s := newTownLoop(t, w)
			report(t, s, w, 1, "7")
			pass(t, e)
			reroute(&e.Policy, &e.Integration.Project.ID, rule.Move)
			if w.lag, w.unlisted = c.lag, c.unlisted; c.lose {
				w.lose = first("move 8")
			}
			if c.drop {
				w.drop = first("move 8")
			}
			if got := pass(t, e); got != ">" {
				t.Fatalf("steps = %q", got)
			}
			for i := range 5 {
				if got := pass(t, e); strings.Contains(got, "+") || got == ">" && w.count("those 7") == 0 {
					t.Fatalf("steps = %q after %v", got, w.calls)
				}
				if i < 2 && w.count("move") != 1 {
					t.Errorf("it is sent again %s after it was not answered", time.Duration(i)*settled/2)
				}
				if lost, err := s.Lost(t.Context(), e.Integration.ID, 7); err != nil || i < 2 && len(lost) != 0 {
					t.Errorf("it is given up %s after it was not answered: %+v, %v", time.Duration(i)*settled/2, lost, err)
				}
				w.forward(settled / 2)
			}
			w.forward(2 * time.Hour)
			pass(t, e)
			pass(t, e)
			if w.open(7) != 0 || w.open(8) != 1 || w.count("move") != c.moves || w.count("create") != 1 {
				t.Errorf("%d open there, %d here, calls %v", w.open(8), w.open(7), w.calls)
			}
			if got := pass(t, e); got != "" {
				t.Errorf("steps = %q after all is settled", got)
			}
			report(t, s, w, 1, "70")
			if got := pass(t, e); got != "~" || w.count("change 8") == 0 {
				t.Errorf("steps = %q: the issue is not known where it is", got)
			}
		})
	}
}

// TestMoveRefused: what GitLab refuses is held and said, not tried again and
// again, and the issue is kept true where it is.
func TestMoveRefused(t *testing.T) {
	for _, kind := range []issue.TroubleKind{issue.Invalid, issue.NotFound} {
		t.Run(string(kind), func(t *testing.T) { moveRefused(t, kind) })
	}
}

func moveRefused(t *testing.T, kind issue.TroubleKind) {
	t.Helper()
	w := newTown()
	w.kind = kind
	w.refuse = "Unable to move. You have insufficient permissions."
	e, s := newTownLoop(t, w)
	report(t, s, w, 1, "7")
	pass(t, e)
	reroute(&e.Policy, &e.Integration.Project.ID, rule.Move)
	p, err := e.Plan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if dirty := p.Count(plan.Move); dirty != 0 {
		t.Fatalf("%d groups are looked at though nobody marked them", dirty)
	}
	pass(t, e)
	if lost, err := s.Lost(t.Context(), e.Integration.ID, 7); err != nil || len(lost) != 0 {
		t.Errorf("it is lost though it is only not moved: %+v, %v", lost, err)
	}
	for i := range 20 {
		report(t, s, w, 1, []string{"70", "7"}[i%2])
		if got := pass(t, e); got != "~" {
			t.Fatalf("steps = %q", got)
		}
		w.forward(2 * time.Minute)
	}
	p, err = e.Plan(t.Context(), true)
	if err != nil || len(p.Steps) != 1 || !strings.Contains(p.Steps[0].Reason, "held: it belongs in acme/platform now, and cannot go there: ") || !strings.Contains(p.Steps[0].Reason, "Give it a role") {
		t.Errorf("plan = %+v, %v", p.Steps, err)
	}
	if n := w.count("move"); n != 1 {
		t.Errorf("%d moves were tried within an hour", n)
	}
	w.forward(time.Hour)
	w.refuse = ""
	if got := pass(t, e); got != ">" || w.open(8) != 1 || w.open(7) != 0 {
		t.Errorf("steps = %q, %d open there, %d here", got, w.open(8), w.open(7))
	}
}

// TestShut: nothing is moved or closed for a project that takes no issues, also
// when that is found out only between the plan and the step.
func TestShut(t *testing.T) {
	for _, onChange := range []rule.OnChange{rule.Move, rule.CloseAndLink} {
		t.Run(string(onChange), func(t *testing.T) {
			w := newTown()
			e, s := newTownLoop(t, w)
			report(t, s, w, 5, "7")
			pass(t, e)
			w.shut[8] = "archived"
			reroute(&e.Policy, &e.Integration.Project.ID, onChange)
			before := len(w.calls)
			if got := pass(t, e); got != "" || w.open(7) != 5 {
				t.Errorf("steps = %q, %d open", got, w.open(7))
			}
			if n := w.count("takes"); n != 1 {
				t.Errorf("the project was asked for %d times: %v", n, w.calls[before:])
			}
			w.forward(time.Minute)
			w.shut[8] = ""
			p, err := e.Plan(t.Context(), true)
			if err != nil || p.Count(plan.Move) != 5 {
				t.Fatalf("plan = %+v, %v", p.Steps, err)
			}
			w.forward(time.Minute)
			w.shut[8] = "archived"
			got, err := e.Apply(t.Context(), p)
			if err != nil || got.Whole() || w.open(7) != 5 {
				t.Errorf("report = %+v, %v; %d open", got, err, w.open(7))
			}
			w.forward(2 * time.Hour)
			w.shut[8] = ""
			if got := pass(t, e); got != ">>>>>" || w.open(7) != 0 || w.open(8) != 5 {
				t.Errorf("steps = %q, %d open there, %d here", got, w.open(8), w.open(7))
			}
			if got := pass(t, e); got != "" {
				t.Errorf("steps = %q once all is there", got)
			}
		})
	}
}

// TestLinkOrder: the old issue is closed before the new one is made, and what
// fails in between is made up for.
func TestLinkOrder(t *testing.T) {
	w := newTown()
	e, s := newTownLoop(t, w)
	report(t, s, w, 1, "7")
	pass(t, e)
	reroute(&e.Policy, &e.Integration.Project.ID, rule.CloseAndLink)
	w.before = func(call string) {
		if call == "create 8" && w.open(7) != 0 {
			t.Error("the new issue is made while the old one is open")
		}
	}
	w.drop = func(call string) bool { return call == "change 7" }
	pass(t, e)
	if w.count("create 8") != 0 {
		t.Errorf("a new issue is made though the old one was not closed: %v", w.calls)
	}
	w.drop = func(string) bool { return false }
	w.forward(time.Minute)
	if got := pass(t, e); got != ">" || w.open(7) != 0 || w.open(8) != 1 {
		t.Errorf("steps = %q, %d open there, %d here: %v", got, w.open(8), w.open(7), w.calls)
	}
	runs, err := s.Runs(t.Context(), 1)
	if err != nil || runs[0].Steps != 2 || runs[0].Done != 2 {
		t.Errorf("run = %+v, %v", runs, err)
	}
	if got := pass(t, e); got != "" {
		t.Errorf("steps = %q", got)
	}
}

// TestLinkHalfway: what is left of a close-and-link is planned though nothing about
// the group changes any more.
func TestLinkHalfway(t *testing.T) {
	w := newTown()
	e, s := newTownLoop(t, w)
	report(t, s, w, 1, "7")
	pass(t, e)
	reroute(&e.Policy, &e.Integration.Project.ID, rule.CloseAndLink)
	w.before = func(call string) {
		if call == "change 7" {
			w.shut[8] = "archived"
		}
	}
	pass(t, e)
	if w.open(7)+w.open(8) != 0 || w.count("create 8") != 1 {
		t.Fatalf("calls = %v", w.calls)
	}
	w.shut[8] = ""
	w.forward(time.Hour)
	p, err := e.Plan(t.Context(), false)
	if err != nil || p.Count(plan.Create) != 1 || p.Steps[0].Project != 8 {
		t.Errorf("plan = %+v, %v", p.Steps, err)
	}
}

// TestUndoMove brings an issue back and leaves it there.
func TestUndoMove(t *testing.T) {
	w := newTown()
	e, s := newTownLoop(t, w)
	report(t, s, w, 1, "7")
	pass(t, e)
	reroute(&e.Policy, &e.Integration.Project.ID, rule.Move)
	w.issues[0].Labels = nil // so that the move is all there is to undo
	pass(t, e)
	runs, err := s.Runs(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	u, err := e.PlanUndo(t.Context(), runs[0].ID)
	if err != nil || len(u.Plan.Steps) != 1 || u.Plan.Steps[0].Verb != plan.Move || len(u.Kept) != 0 {
		t.Fatalf("undo = %+v, %v", u, err)
	}
	if r, err := e.Undo(t.Context(), runs[0].ID, u); err != nil || !r.Whole() || w.open(7) != 1 || w.open(8) != 0 {
		t.Errorf("report = %+v, %v; %d open here, %d there", r, err, w.open(7), w.open(8))
	}
	for range 2 {
		if got := pass(t, e); strings.Contains(got, ">") {
			t.Errorf("what was undone is done again: %q", got)
		}
	}
}

// TestChangeLooksAgain: a step that waited looks before it writes, and leaves an
// issue that a person changed meanwhile to the next plan.
func TestChangeLooksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		waits  time.Duration
		edited bool
		looks  int
		writes int
	}{
		"at once":            {0, false, 0, 1},
		"late":               {11 * time.Second, false, 1, 1},
		"late, and edited":   {11 * time.Second, true, 1, 0},
		"at once, by chance": {9 * time.Second, false, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown()
			e, s := newTownLoop(t, w)
			report(t, s, w, 1, "7")
			pass(t, e)
			report(t, s, w, 1, "70")
			if _, err := e.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			p, err := e.Plan(t.Context(), true)
			if err != nil || p.Count(plan.Update) != 1 {
				t.Fatalf("plan = %+v, %v", p.Steps, err)
			}
			w.forward(c.waits)
			if c.edited {
				w.issues[0].Description, w.issues[0].UpdatedAt = "We know.\n\n"+w.issues[0].Description, w.clock()
			}
			looks, writes := w.count("look"), w.count("change")
			if _, err := e.Apply(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if l, n := w.count("look")-looks, w.count("change")-writes; l != c.looks || n != c.writes {
				t.Errorf("%d looks and %d writes, want %d and %d", l, n, c.looks, c.writes)
			}
			if got := pass(t, e); c.edited && (got != "~" || !strings.HasPrefix(w.issues[0].Description, "We know.")) {
				t.Errorf("steps = %q, and the issue says %q", got, w.issues[0].Description)
			}
		})
	}
}

// TestCheck: that a person deleted an issue is noticed within a day, told once two
// looks have said so, and costs about one call a day for a hundred issues.
func TestCheck(t *testing.T) {
	const n, every = 120, 30 * time.Minute // more than one list of a hundred; a look reads them all
	w := newTown()
	e, s := newTownLoop(t, w)
	report(t, s, w, n, "7")
	pass(t, e)
	deleted := w.issues[17].ID
	w.hidden = func(o *issue.Observed) bool { return o.ID == deleted }
	looked := func() (lost int) {
		l, err := e.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l.Lost
	}
	lostAt := -1
	const days, day = 3, int(24 * time.Hour / every)
	for i := range days * day {
		w.forward(every)
		if looked() > 0 {
			if lostAt >= 0 {
				t.Error("it is told twice")
			}
			lostAt = i
		}
		if i == day/2 && w.count("those") != 0 {
			t.Errorf("%d calls within the first half day", w.count("those"))
		}
	}
	if lostAt < 0 || lostAt > day+1 {
		t.Errorf("the deletion was noticed at look %d of %d a day", lostAt, day)
	}
	// Each look asks once more for what is lost: those are counted out.
	if calls := w.count("those") - (days*day - 1 - lostAt); calls > days*(n/100+1)+1 {
		t.Errorf("%d calls in %d days for %d issues", calls, days, n)
	}
	lost, err := s.Lost(t.Context(), e.Integration.ID, 7)
	if err != nil || len(lost) != 1 || lost[0].Missing != plan.Confirmed || !strings.Contains(lost[0].Trouble, "deleted, or hidden") {
		t.Errorf("lost = %+v, %v", lost, err)
	}
	w.hidden = func(*issue.Observed) bool { return false }
	looked()
	if lost, err = s.Lost(t.Context(), e.Integration.ID, 7); err != nil || len(lost) != 0 {
		t.Errorf("it can be seen again: %+v, %v", lost, err)
	}
}

// TestCheckOnce: an issue that one list leaves out is not lost.
func TestCheckOnce(t *testing.T) {
	w := newTown()
	e, s := newTownLoop(t, w)
	report(t, s, w, 3, "7")
	pass(t, e)
	w.forward(25 * time.Hour)
	w.hidden = func(o *issue.Observed) bool { return o.ID == 2 }
	for i := range 3 {
		if _, err := e.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.hidden = func(*issue.Observed) bool { return false }
		w.forward(2 * time.Minute)
		rows, err := s.Find(t.Context(), e.Integration.ID, 7, []int64{2}, nil)
		if err != nil || rows[0].Phase != issue.Live || rows[0].Missing != map[bool]int{true: 1, false: 0}[i == 0] {
			t.Errorf("after look %d: %s, missing %d, %v", i, rows[0].Phase, rows[0].Missing, err)
		}
	}
}
