package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// work carries out what is planned about groups that changed, as a worker does.
func work(t *testing.T, e *reconcile.Engine) plan.Plan {
	t.Helper()
	p, err := e.Plan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHeldIsPlannedAgain: a group whose issue cannot go where it belongs yet is
// planned again until it has, though nothing about the group changes.
func TestHeldIsPlannedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		savings string // what is reported meanwhile
		verb    plan.Verb
	}{"nothing to say": {"7", plan.Nothing}, "kept true where it is": {"70", plan.Update}} {
		t.Run(name, func(t *testing.T) {
			w := newTown()
			e, s := newTownLoop(t, w)
			report(t, s, w, 1, "7")
			pass(t, e)
			reroute(&e.Policy, &e.Integration.Project.ID, rule.Move)
			w.shut[8] = "archived"
			mark(t, s, e)
			report(t, s, w, 1, c.savings)
			for i, want := range []plan.Verb{c.verb, plan.Nothing, plan.Nothing} {
				if p := work(t, e); len(p.Steps) != 1 || p.Steps[0].Verb != want {
					t.Fatalf("plan %d = %+v, want %s", i, p.Steps, want)
				}
			}
			w.shut[8] = ""
			w.forward(time.Minute)
			if p := work(t, e); p.Count(plan.Move) != 1 || w.open(7) != 0 || w.open(8) != 1 {
				t.Errorf("plan = %+v, %d open there, %d here", p.Steps, w.open(8), w.open(7))
			}
			if p := work(t, e); len(p.Steps) != 0 {
				t.Errorf("it is where it belongs, and is planned again: %+v", p.Steps)
			}
		})
	}
}

// mark makes every group one that changed, as a new route does.
func mark(t *testing.T, s *store.Store, e *reconcile.Engine) {
	t.Helper()
	p, err := e.Plan(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var groups []rule.GroupKey
	for _, step := range p.Steps {
		groups = append(groups, step.Group)
	}
	if err := s.Touch(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
}

// TestMovedAsItIs: what GitLab makes of an issue that it moves is no edit of a
// person's where cxm moved it, and theirs where they did.
func TestMovedAsItIs(t *testing.T) {
	const ours, lost, theirs = "by cxm", "by cxm, and the answer is lost", "by a person"
	rewrite := func(text string) string { return strings.ReplaceAll(text, "EbsVolume", "acme/platform#1") }
	for name, c := range map[string]struct {
		by        string
		rewritten bool
		labelled  bool
		changes   int
	}{
		"ours, rewritten":                     {by: ours, rewritten: true, labelled: true},
		"ours, and the labels are lost":       {by: ours, changes: 1},
		"in doubt, rewritten":                 {by: lost, rewritten: true, labelled: true},
		"in doubt, and the labels are lost":   {by: lost, changes: 1},
		"a person's, and the labels are lost": {by: theirs},
		"a person's, rewritten":               {by: theirs, rewritten: true, labelled: true, changes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown()
			e, s := newTownLoop(t, w)
			report(t, s, w, 1, "7")
			pass(t, e)
			labels := len(w.issues[0].Labels)
			if w.labelled = c.labelled; c.rewritten {
				w.rewrite = rewrite
			}
			switch c.by {
			case theirs:
				if _, err := w.Move(t.Context(), 7, 1, 9, func() error { return nil }); err != nil {
					t.Fatal(err)
				}
			case lost:
				w.lose = func(call string) bool { return call == "move 8" }
				fallthrough
			default:
				reroute(&e.Policy, &e.Integration.Project.ID, rule.Move)
				pass(t, e)
			}
			for range 3 {
				pass(t, e)
				w.forward(time.Minute)
			}
			now := w.issues[1]
			if len(w.issues) != 2 || now.State != issue.Opened || c.rewritten && c.changes == 0 && !strings.Contains(now.Description, "acme/platform#1") {
				t.Fatalf("%d issues, the moved one is %+v", len(w.issues), now)
			}
			if n := w.count("change"); n != c.changes {
				t.Errorf("it was written to %d times, want %d: %v", n, c.changes, w.calls)
			}
			if came := c.labelled || c.by != theirs; came != (len(now.Labels) == labels) {
				t.Errorf("labels = %q, it had %d", now.Labels, labels)
			}
		})
	}
}
