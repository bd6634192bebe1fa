package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// routedTo is an issue that the rules had sent to a project.
func routedTo(project int64) func(*issue.Tracked) {
	return func(t *issue.Tracked) { t.Routed = project }
}

// refused is an issue whose move to project 8 GitLab refused.
func refused(at time.Time) func(*issue.Tracked) {
	return func(t *issue.Tracked) { *t = t.Moving(8, at).Unmoved("Unable to move", at) }
}

// movedHere is an issue that cxm moved to project 8, and what GitLab made of it.
func movedHere(change func(*issue.Observed)) func(*issue.Tracked) {
	return func(t *issue.Tracked) {
		o := t.Observed
		o.ProjectID = 8
		change(&o)
		*t = t.Moving(8, day1).Moved(o, true)
	}
}

// inside changes a word in cxm's block.
func inside(was, now string) func(*issue.Observed) {
	return func(o *issue.Observed) { o.Description = strings.ReplaceAll(o.Description, was, now) }
}

// TestDecideRoute has a case for every row about routes of the table at
// plan.Decide. The rules send the issue to project 8; it was made in project 7.
func TestDecideRoute(t *testing.T) {
	present := group(member("aws", "43.08", finding.Present, 0))
	dearer := group(member("aws", "60", finding.Present, 0))
	gone := group(member("aws", "43.08", finding.Absent, 2))
	moving := func(t *issue.Tracked) { *t = t.Moving(8, day1) }
	cases := map[string]struct {
		group    rule.Group
		edit     []func(*issue.Tracked)
		onChange rule.OnChange
		shut     string
		verb     plan.Verb
		reason   string
		routed   int64 // what is remembered though nothing is written; 0: nothing
		later    bool
		to       int64
	}{
		"its route changed":                {group: present, verb: plan.Move, reason: "it belongs in acme/shop now", to: 8, later: true},
		"its route changed, and news":      {group: dearer, verb: plan.Move, to: 8, later: true},
		"closed for a new one":             {group: present, onChange: rule.CloseAndLink, verb: plan.Move, reason: "a new one there takes its place", to: 8, later: true},
		"it stays":                         {group: present, onChange: rule.Stay, verb: plan.Nothing, reason: "says what it should"},
		"it stays, and is kept true":       {group: dearer, onChange: rule.Stay, verb: plan.Update},
		"a person moved it":                {group: present, edit: []func(*issue.Tracked){see(func(o *issue.Observed) { o.ProjectID = 9 })}, verb: plan.Nothing, reason: "says what it should", routed: 8},
		"a person moved it there":          {group: present, edit: []func(*issue.Tracked){see(func(o *issue.Observed) { o.ProjectID = 8 })}, verb: plan.Nothing, routed: 8},
		"nobody knows where it was sent":   {group: present, edit: []func(*issue.Tracked){routedTo(0)}, verb: plan.Nothing, routed: 8},
		"a person took the block away":     {group: present, edit: []func(*issue.Tracked){see(func(o *issue.Observed) { o.Description = "mine" })}, verb: plan.Nothing, reason: "removed cxm's block"},
		"gone":                             {group: gone, verb: plan.Close, reason: "missing from 2"},
		"its move is in doubt":             {group: present, edit: []func(*issue.Tracked){moving}, verb: plan.Nothing, reason: "its move to project 8 is in doubt", later: true},
		"its move is in doubt, and gone":   {group: gone, edit: []func(*issue.Tracked){moving}, verb: plan.Nothing, reason: "in doubt", later: true},
		"its move was refused":             {group: present, edit: []func(*issue.Tracked){refused(day1.Add(-59 * time.Minute))}, verb: plan.Nothing, reason: "held: it belongs in acme/shop now, and cannot go there: Unable to move", later: true},
		"its move was refused, and news":   {group: dearer, edit: []func(*issue.Tracked){refused(day1)}, verb: plan.Update, later: true},
		"its move was refused an hour ago": {group: present, edit: []func(*issue.Tracked){refused(day1.Add(-time.Hour))}, verb: plan.Move, to: 8, later: true},
		"nothing can go there":             {group: present, shut: "archived", verb: plan.Nothing, reason: "cannot go there: archived", later: true},
		"nothing can go there, by a link":  {group: present, onChange: rule.CloseAndLink, shut: "archived", verb: plan.Nothing, reason: "cannot go there: archived", later: true},
		"closed for a new one, not made":   {group: present, edit: []func(*issue.Tracked){closedByCxm(day1)}, onChange: rule.CloseAndLink, verb: plan.Create, reason: "belongs in acme/shop now, and is closed"},
		"back, and it is to be moved":      {group: present, edit: []func(*issue.Tracked){closedByCxm(day1)}, verb: plan.Reopen, later: true},
		"back, and nothing can go there":   {group: present, edit: []func(*issue.Tracked){closedByCxm(day1)}, onChange: rule.CloseAndLink, shut: "archived", verb: plan.Reopen, later: true},
		"back after the window":            {group: present, edit: []func(*issue.Tracked){closedByCxm(day1.Add(-31 * 24 * time.Hour))}, verb: plan.Create, reason: "31 days after #12 was closed"},
		"closed by a person":               {group: present, edit: []func(*issue.Tracked){see(closedByPerson)}, onChange: rule.CloseAndLink, verb: plan.Nothing, reason: "a person closed"},
		"labels that did not come along":   {group: present, edit: []func(*issue.Tracked){movedHere(func(o *issue.Observed) { o.Labels = nil })}, verb: plan.Update, reason: "labels did not come along"},
		"GitLab rewrote the block":         {group: present, edit: []func(*issue.Tracked){movedHere(inside("vol-", "acme/shop#"))}, verb: plan.Nothing, reason: "says what it should"},
		"edited inside, then moved":        {group: present, edit: []func(*issue.Tracked){see(inside("vol-", "mine-")), movedHere(func(*issue.Observed) {})}, verb: plan.Update, reason: "somebody edited inside"},
		"edited inside, then rewritten":    {group: present, edit: []func(*issue.Tracked){see(inside("vol-", "#")), movedHere(inside("#", "acme/shop#"))}, verb: plan.Update, reason: "somebody edited inside"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			policy := plan.DefaultPolicy()
			if c.onChange != "" {
				policy.OnRoute = c.onChange
			}
			want := issue.Render(c.group)
			want.Route = rule.Route{Project: 8, Path: "acme/shop"}
			was := existing(present, c.edit...)
			steps := plan.Decide(policy, plan.Case{Now: day1, Group: c.group, Want: want, Have: []issue.Tracked{was}, Shut: c.shut})
			if len(steps) != 1 || steps[0].Verb != c.verb || !strings.Contains(steps[0].Reason, c.reason) {
				t.Fatalf("steps = %+v, want %s …%q…", steps, c.verb, c.reason)
			}
			s := steps[0]
			if s.Later != c.later || s.To != c.to || s.Links() != (c.verb == plan.Move && c.onChange == rule.CloseAndLink) {
				t.Errorf("later %t, to %d, links %t", s.Later, s.To, s.Links())
			}
			if kept := s.Keep != nil && c.verb == plan.Nothing && s.Keep.Routed == c.routed; kept != (c.routed != 0) {
				t.Errorf("keep = %+v", s.Keep)
			}
			if c.verb == plan.Create && (s.Project != 8 || !strings.Contains(s.Status, "https://gitlab.example.com/12") || s.Keep == nil || s.Keep.Phase != issue.Retired) {
				t.Errorf("the new one: project %d, %q, keep %+v", s.Project, s.Status, s.Keep)
			}
		})
	}
}

// TestLabelsThatAreThere: labels that cxm is not known to have written, and that the issue
// has, are not written again, and are cxm's from then on.
func TestLabelsThatAreThere(t *testing.T) {
	g := group(member("aws", "43.08", finding.Present, 0))
	want := issue.Render(g)
	was := existing(g, func(t *issue.Tracked) { t.Written.Labels = nil }, see(func(o *issue.Observed) { o.Labels = append([]string{"ours"}, want.Labels...) }))
	steps := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: want, Have: []issue.Tracked{was}})
	if len(steps) != 1 || steps[0].Verb != plan.Nothing || steps[0].Keep == nil || !slices.Equal(steps[0].Keep.Written.Labels, want.Labels) {
		t.Fatalf("steps = %+v", steps)
	}
	see(func(o *issue.Observed) { o.Labels = []string{"ours"} })(steps[0].Keep)
	if steps = plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: want, Have: []issue.Tracked{*steps[0].Keep}}); steps[0].Verb != plan.Nothing {
		t.Errorf("a person took them away: %+v", steps)
	}
}

// TestReturns: what is heard of a group whose issue a person closed is counted,
// once each, and shown with the next edit that has another reason.
func TestReturns(t *testing.T) {
	at := func(savings, digest string) rule.Group {
		g := group(member("aws", savings, finding.Present, 0))
		g.Members[0].Sighting.Digest = finding.Digest([]byte(strings.Repeat(digest, 16)))
		return g
	}
	was := existing(at("43.08", "0"), see(closedByPerson))
	for _, digest := range []string{"0", "0", "1", "1", "2", "3"} {
		g := at("43.08", digest)
		steps := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: issue.Render(g), Have: []issue.Tracked{was}})
		if len(steps) != 1 || steps[0].Verb != plan.Nothing {
			t.Fatalf("steps = %+v", steps)
		}
		if steps[0].Keep != nil {
			was = *steps[0].Keep
		}
	}
	if was.Returns.Times != 3 {
		t.Errorf("it is said to have come back %d times, want 3", was.Returns.Times)
	}
	for name, c := range map[string]struct {
		g    rule.Group
		edit func(*issue.Observed)
	}{"grown": {at("90", "3"), func(*issue.Observed) {}}, "reopened by a person, and news": {at("60", "3"), reopenedByPerson}} {
		now := was
		see(c.edit)(&now)
		s := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: c.g, Want: issue.Render(c.g), Have: []issue.Tracked{now}})[0]
		if s.Change.Description == nil || !strings.Contains(*s.Change.Description, "While it was closed, something new was reported 3 times.") {
			t.Errorf("%s: %s says %+v", name, s.Verb, s.Change)
		}
		if after := now.Wrote(*s.Want, s.Status, false, now.Observed); after.Returns != (issue.Returns{}) {
			t.Errorf("%s: it is counted on: %+v", name, after.Returns)
		}
	}
}

// TestRecreate: an issue that is not listed any more is made again where that is
// the policy, once two looks have said so.
func TestRecreate(t *testing.T) {
	g := group(member("aws", "43.08", finding.Present, 0))
	policy := plan.DefaultPolicy()
	policy.Recreate = true
	for missing, want := range map[int]plan.Verb{1: plan.Nothing, 2: plan.Create} {
		was := existing(g, inPhase(issue.Lost), func(t *issue.Tracked) { t.Missing = missing })
		s := plan.Decide(policy, plan.Case{Now: day1, Group: g, Want: issue.Render(g), Have: []issue.Tracked{was}})[0]
		if s.Verb != want || want == plan.Create && (s.Keep == nil || s.Keep.Phase != issue.Retired || !strings.Contains(s.Status, "Takes the place of")) {
			t.Errorf("missing in %d looks: %+v", missing, s)
		}
	}
}

// TestBrakeMoves: moves count as closes, and wait together with them.
func TestBrakeMoves(t *testing.T) {
	steps := append(many(plan.Move, 3), many(plan.Close, 2)...)
	for i := range steps[3:] {
		steps[3+i].Have.ID += 10
	}
	got := plan.Brake(plan.New(append(steps, many(plan.Update, 1)...), 0), plan.Brakes{CloseShare: 20, CloseFloor: 4}, 20)
	if len(got.Held.Steps) != 5 || len(got.Steps) != 1 || got.Held.Reason() != "it would close 2 and move 3 of 20 open issues, more than 20 %" {
		t.Errorf("held: %d, %q", len(got.Held.Steps), got.Held.Reason())
	}
	got = plan.Brake(plan.New(many(plan.Move, 5), 0), plan.Brakes{CloseShare: 20, CloseFloor: 4}, 20)
	if got.Held.Reason() != "it would move 5 of 20 open issues, more than 20 %" {
		t.Error(got.Held.Reason())
	}
}

// TestWithoutMoves: nothing goes to a project that could not be looked at.
func TestWithoutMoves(t *testing.T) {
	steps := many(plan.Move, 1)
	steps[0].Project, steps[0].To = 7, 8
	p := plan.Plan{Steps: steps}.Without(7, map[int64]error{8: &issue.Trouble{Said: "archived"}})
	if s := p.Steps[0]; s.Verb != plan.Nothing || !s.Later || s.To != 0 {
		t.Errorf("step = %+v", s)
	}
}

// TestUndoMoves: a move is undone by a move back, which is then as if a person had
// made it; of an issue closed for a new one neither is touched.
func TestUndoMoves(t *testing.T) {
	g := group(member("aws", "43.08", finding.Present, 0))
	moved := existing(g, func(t *issue.Tracked) {
		o := t.Observed
		o.ProjectID = 8
		*t = t.Moving(8, day1).Moved(o, true)
	})
	entry := plan.Entry{Verb: plan.Move, Group: g.Key, Issue: 11, Outcome: plan.Done, Stamp: day1, Before: plan.Before{Project: 7, To: 8}}
	undo := func(have issue.Tracked, entries ...plan.Entry) ([]plan.Step, []plan.Kept) {
		p, kept := plan.Undo(plan.Run{ID: 3}, entries, map[int64]issue.Tracked{11: have}, day1)
		return p.Steps, kept
	}
	steps, kept := undo(moved, entry)
	if len(steps) != 1 || steps[0].Verb != plan.Move || steps[0].To != 7 || steps[0].Project != 8 || !steps[0].Undoes || len(kept) != 0 {
		t.Fatalf("steps = %+v, kept %+v", steps, kept)
	}
	back := moved
	back.Observed.ProjectID = 7
	want := issue.Render(g)
	want.Route = rule.Route{Project: 8}
	if s := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: want, Have: []issue.Tracked{back}})[0]; s.Verb != plan.Nothing {
		t.Errorf("what was undone is done again: %+v", s)
	}
	touched := moved
	touched.Observed.UpdatedAt = day1.Add(time.Second)
	if steps, kept := undo(touched, entry); len(steps) != 0 || len(kept) != 1 || !strings.Contains(kept[0].Why, "somebody touched") {
		t.Errorf("steps = %+v, kept %+v", steps, kept)
	}
	linked := entry
	linked.Before.Linked = true
	after := plan.Entry{Verb: plan.Create, Group: g.Key, Issue: 11, Outcome: plan.Done, Stamp: day1}
	if steps, kept := undo(existing(g), linked, after); slices.ContainsFunc(steps, func(s plan.Step) bool { return s.Verb == plan.Close }) || !strings.Contains(kept[len(kept)-1].Why, "took the place") {
		t.Errorf("steps = %+v, kept %+v", steps, kept)
	}
	halfway := existing(g, closedByCxm(day1), routedTo(7))
	steps, _ = undo(halfway, linked)
	if len(steps) != 1 || steps[0].Verb != plan.Reopen || steps[0].Have.Routed != 8 {
		t.Errorf("steps = %+v", steps)
	}
}

// TestSends says what people read of a move.
func TestSends(t *testing.T) {
	text := "x"
	got := []string{
		plan.Step{Verb: plan.Move, To: 8}.Sends(),
		plan.Step{Verb: plan.Move, To: 8, Change: issue.Change{Description: &text, State: issue.Closed}}.Sends(),
		plan.Step{Verb: plan.Update, Change: issue.Change{Title: &text}}.Sends(),
	}
	if diff := cmp.Diff([]string{"to project 8", "block, closed, a new issue in project 8", "title"}, got); diff != "" {
		t.Error(diff)
	}
}
