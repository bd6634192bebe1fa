package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// monday is when the tests of budgets plan: 2026-11-23 at 09:00 UTC.
func monday() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// wanted is a create with its own group.
func wanted(name, savings, currency string, budgets ...attention.Budget) plan.Step {
	s := plan.Step{Verb: plan.Create, Reason: "because", Title: name, Group: rule.NewGroupKey(name), Currency: currency, Want: &issue.Desired{Budgets: budgets}}
	if savings != "" {
		s.Savings = money.Known(decimal.RequireFromString(savings))
	}
	return s
}

// goes lists the titles of what is created, and waits with its reasons what is not.
func goes(p plan.Plan) (goes, waits []string) {
	for _, s := range p.Steps {
		if s.Verb == plan.Create || s.Verb == plan.Move {
			goes = append(goes, s.Title)
		} else {
			waits = append(waits, s.Title+": "+s.Reason)
		}
	}
	slices.Sort(goes)
	return goes, waits
}

// TestCapTurns holds who goes first when few can.
func TestCapTurns(t *testing.T) {
	limits := func(perHour int, campaigns ...attention.Campaign) plan.Limits {
		return plan.Limits{Now: monday(), Home: 7, Caps: plan.Caps{PerHour: perHour}, Campaigns: campaigns}
	}
	gp3 := attention.Campaign{Name: "gp3", From: attention.Date{Year: 2026, Month: 11, Day: 23}, To: attention.Date{Year: 2026, Month: 11, Day: 30}, Rules: []string{"volumes"}}
	later := gp3
	later.From.Day = 24
	volume := wanted("volume", "1", "USD")
	volume.Rule = "volumes"
	unknown := wanted("unknown volume", "", "")
	unknown.Rule = "volumes"
	moved := wanted("moved", "0", "USD")
	moved.Verb, moved.To, moved.Have = plan.Move, 7, &issue.Tracked{ID: 1}
	severe := wanted("severe", "", "")
	severe.Want.Severity = finding.Critical
	mixed := []plan.Step{
		wanted("yen 1", "90000", "JPY"), wanted("yen 2", "80000", "JPY"), wanted("yen 3", "70000", "JPY"),
		wanted("dollar 1", "500", "USD"), wanted("dollar 2", "400", "USD"), wanted("alert", "", ""), severe, volume, unknown,
	}
	for _, c := range []struct {
		name   string
		limits plan.Limits
		steps  []plan.Step
		want   string
	}{
		{"of each currency the best", limits(2), mixed, "dollar 1, yen 1"},
		{"then the second", limits(4), mixed, "dollar 1, dollar 2, yen 1, yen 2"},
		{"what is not known comes last, the most severe first", limits(7), mixed, "dollar 1, dollar 2, severe, volume, yen 1, yen 2, yen 3"},
		{"a campaign first, and what of it is not known before others", limits(3, gp3), mixed, "unknown volume, volume, yen 1"},
		{"one that has not begun", limits(2, later), mixed, "dollar 1, yen 1"},
		{"a move before all", limits(1, gp3), append(slices.Clone(mixed), moved), "moved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			went, waits := goes(plan.Cap(plan.New(slices.Clone(c.steps), 0), c.limits, nil))
			if got := strings.Join(went, ", "); got != c.want || len(went)+len(waits) != len(c.steps) {
				t.Errorf("goes: %s; want %s; %d wait", got, c.want, len(waits))
			}
		})
	}
}

// TestCapBudgets holds that a step needs room everywhere, and what becomes of it.
func TestCapBudgets(t *testing.T) {
	team := attention.Budget{Name: "team", Per: attention.Team, PerDay: 1}
	all := attention.Budget{Name: "all", Per: attention.All, PerDay: 2, Except: finding.Critical}
	least := attention.Budget{Name: "least", MinSavings: attention.Amount{Value: decimal.NewFromInt(10), Currency: "USD"}}
	of := func(team string, s plan.Step) plan.Step { s.Team = team; return s }
	again := wanted("again", "1", "USD", least)
	again.Keep = &issue.Tracked{ID: 4}
	severe := wanted("severe", "1", "USD", all)
	severe.Want.Severity = finding.Fatal
	p := plan.New([]plan.Step{
		of("a", wanted("a1", "100", "USD", team, all)), of("a", wanted("a2", "90", "USD", team, all)), of("b", wanted("b1", "80", "USD", team, all)),
		of("", wanted("nobody's", "70", "USD", team, all)), of("c", wanted("c1", "60", "USD", team, all)), wanted("small", "9.99", "USD", least), again, severe,
		wanted("free", "1", "USD"),
	}, 5)
	p.Held.Why = []string{"kept"}
	used := map[attention.Window]int{}
	limits := plan.Limits{Now: monday(), Home: 7}
	for _, w := range limits.Windows(p) {
		if w.Team == "b" {
			used[w] = 1
		}
	}
	got := plan.Cap(p, limits, used)
	went, waits := goes(got)
	if diff := cmp.Diff([]string{"a1", "again", "free", "nobody's", "severe"}, went); diff != "" {
		t.Error(diff)
	}
	const day = "; the next can be made on Tuesday 2026-11-24 00:00 UTC"
	want := []string{
		"a2: waits its turn: at most 1 new issue a day for team a" + day, "b1: waits its turn: at most 1 new issue a day for team b" + day,
		"small: below the minimum: it saves 9.99 USD, and at least 10.00 USD a month are asked for",
	}
	if left := slices.DeleteFunc(slices.Clone(waits), func(w string) bool { return strings.HasPrefix(w, "c1") }); !cmp.Equal(want, left) {
		t.Error(cmp.Diff(want, left))
	}
	if got.Capped != 3 || got.Below != 1 || got.Unchanged != 5 || got.Held.Reason() != "kept" {
		t.Errorf("%d wait, %d are below, %d unchanged, held %q", got.Capped, got.Below, got.Unchanged, got.Held.Reason())
	}
	for _, s := range got.Steps {
		if s.Verb == plan.Nothing && (s.Later != (s.Title != "small") || s.Want != nil || s.Answer.Reason != s.Reason || s.Answer.Project != 7) {
			t.Errorf("%+v", s)
		}
	}
}

// TestDecideSaysWhose holds that a step says whose attention it asks for, since
// when, and by which rule; and that its issue says so, then and when it is written
// anew.
func TestDecideSaysWhose(t *testing.T) {
	first := member("aws", "43.08", finding.Present, 0)
	gone := member("old", "43.08", finding.Absent, 2)
	gone.Sighting.Since = day1.Add(-99 * time.Hour)
	late := member("gcp", "43.08", finding.Present, 0)
	first.Sighting.Since, late.Sighting.Since = day1.Add(-time.Hour), day1
	g := group(gone, late, first)
	g.Rule = "volumes"
	want := issue.Render(g)
	want.Team = "payments"
	c := plan.Case{Now: day1, Group: g, Want: want}
	s := plan.Decide(plan.DefaultPolicy(), c)[0]
	if s.Verb != plan.Create || s.Team != "payments" || s.Rule != "volumes" || !s.Since.Equal(day1.Add(-time.Hour)) {
		t.Errorf("step: %s, team %q, rule %q, since %v", s.Verb.Word(), s.Team, s.Rule, s.Since)
	}
	tracked := issue.Intend(1, 7, "nonce", *s.Want, "")
	if tracked.Team != "payments" {
		t.Errorf("an intent of team %q", tracked.Team)
	}
	want.Team = "search"
	if now := tracked.Wrote(want, "", true, issue.Observed{State: issue.Opened}); now.Team != "search" {
		t.Errorf("written for team search it is %q's", now.Team)
	}
}

// TestCapMoves: a move takes room in the project it goes to.
func TestCapMoves(t *testing.T) {
	steps := many(plan.Move, 3)
	for i := range steps {
		steps[i].Project, steps[i].To = 7, 8
	}
	limits := plan.Limits{Home: 7, Caps: plan.Caps{Open: 5}, Now: monday()}
	in := func(project int64) attention.Window {
		return attention.Window{Scope: attention.Scope{Per: attention.Project, Project: project}}
	}
	got := plan.Cap(plan.New(append(steps, many(plan.Create, 1)...), 0), limits, map[attention.Window]int{in(7): 2, in(8): 3})
	if got.Count(plan.Move) != 2 || got.Count(plan.Create) != 1 || got.Capped != 1 {
		t.Errorf("plan = %+v", got.Steps)
	}
	for _, s := range got.Steps {
		if s.Answer.Outcome == attention.Waits && (s.Project != 7 || s.Answer.Project != 8) {
			t.Errorf("a move that waits is in project %d and goes to %d", s.Project, s.Answer.Project)
		}
	}
}

// TestBacklogs holds what people see of what waits.
func TestBacklogs(t *testing.T) {
	limits := plan.Limits{Now: monday(), Home: 7}
	open := attention.Budget{Open: 1}
	at := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	step := func(name, savings, currency, team string, since time.Time, budgets ...attention.Budget) plan.Step {
		s := wanted(name, savings, currency, budgets...)
		s.Team, s.Since = team, since
		return s
	}
	daily := attention.Budget{Per: attention.Team, PerDay: 1, Digest: true}
	elsewhere := step("elsewhere", "3", "USD", "b", at(9), open)
	elsewhere.Project = 8
	p := plan.New([]plan.Step{
		step("goes", "100", "USD", "a", at(1), open, daily), step("second", "90", "USD", "a", at(20), open, daily), step("third", "80", "EUR", "a", at(3), open, daily),
		step("unknown", "", "", "a", time.Time{}, daily), step("small", "1", "USD", "a", at(1), attention.Budget{MinSavings: attention.Amount{Value: decimal.NewFromInt(5), Currency: "USD"}}),
		elsewhere, step("b1", "7", "USD", "b", at(7), open),
	}, 0)
	eight := attention.Window{Scope: attention.Scope{Per: attention.Project, Project: 8}}
	capped := plan.Cap(p, limits, map[attention.Window]int{eight: 1})
	got := plan.Backlogs(capped, limits)
	if len(got) != 3 || got[0].Project != 7 || got[0].Team != "a" || got[1].Team != "b" || got[2].Project != 8 {
		t.Fatalf("backlogs: %+v", got)
	}
	a := got[0]
	var titles []string
	for _, l := range a.Lines {
		titles = append(titles, l.Title)
	}
	if diff := cmp.Diff([]string{"second", "third", "unknown"}, titles); diff != "" {
		t.Error(diff)
	}
	if !a.Oldest.Equal(at(3)) || a.Savings.Show() != "80.00 EUR, 90.00 USD" || a.Unknown != 1 || !a.Next.Equal(at(24)) {
		t.Errorf("oldest %v, savings %s, %d unknown, next %v", a.Oldest, a.Savings.Show(), a.Unknown, a.Next)
	}
	want := []plan.Reason{{Why: "waits its turn: at most 1 open issue at once in this project", Count: 2}, {Why: "waits its turn: at most 1 new issue a day for team a; the next can be made on Tuesday 2026-11-24 00:00 UTC", Count: 1}}
	if diff := cmp.Diff(want, a.Reasons); diff != "" {
		t.Error(diff)
	}
	digests := plan.Digests(capped, limits)
	lines := digests[7]
	if len(digests) != 1 || len(lines) != 3 || lines[0].Title != "second" || lines[2].Title != "unknown" || lines[0].Why == "" || !lines[0].Since.Equal(at(20)) {
		t.Errorf("digest: %+v", lines)
	}
}

// anyBudget draws one, mostly small.
func anyBudget(t *rapid.T) attention.Budget {
	n := func(name string) int { return rapid.IntRange(0, 4).Draw(t, name) }
	b := attention.Budget{
		Per:     rapid.SampledFrom([]attention.Per{"", attention.Project, attention.Team, attention.All}).Draw(t, "per"),
		PerHour: n("per hour"), PerDay: n("per day"), PerWeek: n("per week"), Open: n("open"),
		Except: rapid.SampledFrom([]finding.Severity{0, 0, finding.Critical}).Draw(t, "except"),
	}
	if rapid.Bool().Draw(t, "minimum") {
		b.MinSavings = attention.Amount{Value: decimal.NewFromInt(rapid.Int64Range(1, 5).Draw(t, "least")), Currency: "USD"}
		b.UnknownFails = rapid.Bool().Draw(t, "unknown fails")
	}
	if rapid.IntRange(0, 3).Draw(t, "calendar") == 0 {
		b.Calendar.Quiet = []attention.Hours{{From: attention.Clock{Hour: rapid.IntRange(0, 11).Draw(t, "from")}, To: attention.Clock{Hour: rapid.IntRange(12, 23).Draw(t, "to")}}}
	}
	return b
}

// inWorld is an issue that the test's world holds.
type inWorld struct {
	ask  attention.Ask
	at   time.Time
	open bool
}

// world is what was made in a property test, and counts as the store does.
type world []inWorld

func (w world) used(win attention.Window) int {
	n := 0
	for _, m := range w {
		if slices.Contains(m.ask.Scopes(), win.Scope) && (win.Since.IsZero() && m.open || !win.Since.IsZero() && m.at.After(win.Since)) {
			n++
		}
	}
	return n
}

// TestBudgetsHold is the guarantee of budgets: over several plans, each carried out
// in any order and with others in between, and each intent asked again as the store
// asks, no number of any budget is exceeded by what stands under it, nothing is
// made while a calendar is quiet, nothing below a minimum, and nothing vanishes:
// every step is created, waits with a reason, or is below the minimum with one.
func TestBudgetsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budgets := []attention.Budget{anyBudget(t), anyBudget(t), anyBudget(t)}
		limits := plan.Limits{Home: 7, Caps: plan.Caps{PerHour: rapid.IntRange(0, 6).Draw(t, "caps")}, Now: monday()}
		var w world
		for round := range rapid.IntRange(1, 4).Draw(t, "rounds") {
			limits.Now = limits.Now.Add(time.Duration(rapid.IntRange(0, 40*60).Draw(t, "minutes")) * time.Minute)
			var steps []plan.Step
			for i := range rapid.IntRange(0, 12).Draw(t, "steps") {
				s := wanted(fmt.Sprint(round, " ", i), rapid.SampledFrom([]string{"", "1", "2", "3", "9"}).Draw(t, "saves"), rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency"))
				s.Project = rapid.SampledFrom([]int64{0, 7, 8}).Draw(t, "project")
				s.Team = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "team")
				s.Want.Severity = rapid.SampledFrom([]finding.Severity{finding.Low, finding.Fatal}).Draw(t, "severity")
				for _, b := range budgets {
					if rapid.Bool().Draw(t, "under") {
						s.Want.Budgets = append(s.Want.Budgets, b)
					}
				}
				steps = append(steps, s)
			}
			before := plan.New(steps, 0)
			used := map[attention.Window]int{}
			for _, win := range limits.Windows(before) {
				used[win] = w.used(win)
			}
			got := plan.Cap(before, limits, used)
			if len(got.Steps) != len(steps) || got.Count(plan.Create)+got.Capped+got.Below != len(steps) {
				t.Fatalf("of %d steps %d go, %d wait and %d are below the minimum", len(steps), got.Count(plan.Create), got.Capped, got.Below)
			}
			for _, s := range got.Steps {
				if kept := s.Verb == plan.Nothing; kept != (s.Answer.Outcome != attention.Goes) || kept && (s.Answer.Reason == "" || s.Later != (s.Answer.Outcome == attention.Waits)) {
					t.Fatalf("a step says nothing of why it is kept: %+v", s)
				}
			}
			for _, s := range rapid.Permutation(before.Steps).Draw(t, "order") { // what the plan kept is tried too: the intent is what holds
				if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
					continue
				}
				at := limits.Now.Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "late")) * time.Second)
				ask := limits.Caps.Within(s.Ask(limits.Home))
				if answer := ask.Answer(at, w.used); answer.Outcome == attention.Goes {
					w = append(w, inWorld{ask, at, rapid.IntRange(0, 3).Draw(t, "closed") > 0})
					holds(t, ask, at, w)
				}
			}
		}
	})
}

// holds checks by its own arithmetic what was just made.
func holds(t *rapid.T, a attention.Ask, at time.Time, w world) {
	for _, b := range a.Budgets {
		if b.Except != 0 && a.Severity >= b.Except {
			continue
		}
		day := at.Truncate(24 * time.Hour)
		week := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		for _, s := range a.Scopes() {
			if per := b.Per; s.Per != per && (per != "" || s.Per != attention.Project) {
				continue
			}
			count := func(ok func(inWorld) bool) (n int) {
				for _, m := range w {
					if slices.Contains(m.ask.Scopes(), s) && ok(m) {
						n++
					}
				}
				return n
			}
			for _, c := range []struct {
				what    string
				most, n int
			}{
				{"an hour", b.PerHour, count(func(m inWorld) bool { return m.at.After(at.Add(-time.Hour)) })},
				{"a day", b.PerDay, count(func(m inWorld) bool { return !m.at.Before(day) })},
				{"a week", b.PerWeek, count(func(m inWorld) bool { return !m.at.Before(week) })},
				{"open", b.Open, count(func(m inWorld) bool { return m.open })},
			} {
				if c.most > 0 && c.n > c.most {
					t.Fatalf("%d %s %s, at most %d", c.n, c.what, s.Words(), c.most)
				}
			}
		}
		if ok, _, why := attention.Allows(b.Calendar, at); !ok {
			t.Fatalf("made at %v: %s", at, why)
		}
		if m := b.MinSavings; m.Value.IsPositive() && a.Savings.Valid && a.Currency == m.Currency && a.Savings.Decimal.LessThan(m.Value) {
			t.Fatalf("made though it saves %s of %s", a.Savings.Decimal, m.Value)
		}
	}
}

// TestCapIsAll holds that what a plan lets go is let go when it is carried out at
// once, in whatever order: it was planned for room that there is.
func TestCapIsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		caps := plan.Caps{PerHour: rapid.IntRange(0, 6).Draw(t, "per hour"), Open: rapid.IntRange(0, 6).Draw(t, "open")}
		limits := plan.Limits{Home: 7, Caps: caps, Now: monday()}
		steps := append(many(plan.Create, rapid.IntRange(0, 30).Draw(t, "creates")), many(plan.Update, 2)...)
		for i := range steps {
			steps[i].Project = rapid.SampledFrom([]int64{0, 7, 8, 9}).Draw(t, "project")
		}
		before := plan.New(steps, 4)
		used := map[attention.Window]int{}
		for _, win := range limits.Windows(before) {
			used[win] = rapid.IntRange(0, 8).Draw(t, "used")
		}
		got := plan.Cap(before, limits, used)
		var order []plan.Step
		least, most := map[int64]int64{}, map[int64]int64{}
		for _, s := range got.Steps {
			switch p, value := s.At(7), s.Savings.Decimal.IntPart(); {
			case s.Verb == plan.Create:
				order, least[p] = append(order, s), value
			case s.Later:
				most[p] = max(most[p], value)
			}
		}
		for p := range least {
			if most[p] > least[p] {
				t.Fatalf("project %d creates one worth %d while one worth %d waits", p, least[p], most[p])
			}
		}
		if len(got.Steps) != len(before.Steps) || got.Unchanged != 4 || before.Count(plan.Create)-len(order) != got.Capped {
			t.Fatalf("%d steps of %d, %d wait", len(got.Steps), len(before.Steps), got.Capped)
		}
		taken := map[attention.Scope]int{}
		for _, s := range rapid.Permutation(order).Draw(t, "order") {
			ask := caps.Within(s.Ask(7))
			if answer := ask.Answer(limits.Now, func(w attention.Window) int { return used[w] + taken[w.Scope] }); answer.Outcome != attention.Goes {
				t.Fatalf("it was planned, and %s", answer.Reason)
			}
			for _, scope := range ask.Scopes() {
				taken[scope]++
			}
		}
	})
}

// TestFree: what asks for nobody's attention goes whatever the budgets and brakes
// say, and takes no room from others.
func TestFree(t *testing.T) {
	limits := plan.Limits{Home: 7, Caps: plan.Caps{PerHour: 1}, Now: monday()}
	free, other := wanted("a", "", "", attention.Budget{MinSavings: attention.Amount{Value: decimal.NewFromInt(5), Currency: "USD"}, UnknownFails: true}), wanted("b", "", "")
	free.Want.Free, free.Group, other.Group = true, "g1:a", "g1:b"
	got := plan.Cap(plan.New([]plan.Step{free, other}, 0), limits, map[attention.Window]int{})
	if got.Count(plan.Create) != 2 || got.Capped != 0 {
		t.Errorf("the plan is %+v", got.Steps)
	}
	hour := attention.Window{Scope: attention.Scope{Per: attention.Project, Project: 7}, Since: monday().Add(-time.Hour).UTC()}
	if got := plan.Cap(plan.New([]plan.Step{free, other}, 0), limits, map[attention.Window]int{hour: 1}); got.Count(plan.Create) != 1 || got.Capped != 1 || got.Changes()[0].Group != free.Group {
		t.Errorf("with no room left the plan is %+v", got.Steps)
	}
	third := wanted("c", "", "")
	third.Want.Free = true
	if got := plan.Brake(plan.New([]plan.Step{free, third, other}, 0), plan.Brakes{CloseShare: 100, Creates: 1}, 0); len(got.Held.Steps) != 0 {
		t.Errorf("held: %+v", got.Held)
	}
	closing := plan.Step{Verb: plan.Close, Want: free.Want, Group: free.Group}
	if got := plan.Brake(plan.New([]plan.Step{closing}, 0), plan.Brakes{}, 10); len(got.Held.Steps) != 0 {
		t.Errorf("held: %+v", got.Held)
	}
}
