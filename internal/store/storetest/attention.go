package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule/attention"
	"cxm/internal/store"
)

func budgets() []scenario {
	return []scenario{
		{"budgets are exact however many create at once", budgetsExact},
		{"budgets of projects, teams and all are exact together", budgetsTogether},
		{"a day of a budget is one of its time zone", budgetDays},
		{"budgets hold by calendar, severity and minimum", budgetsRefuse},
		{"what is sent again is asked again", budgetsAgain},
		{"windows are counted", countsWindows},
	}
}

// whose is where and whose an issue is.
type whose struct {
	in      integration.Integration
	project int64
	team    string
	at      time.Time
}

// asked intends to create the issue of disk number i within budgets.
func (b *bench) asked(r plan.Run, i int, w whose, budgets ...attention.Budget) (plan.Entry, issue.Tracked, error) {
	t := toCreate(w.in, i)
	t.Observed.ProjectID, t.Team, t.SentAt = w.project, w.team, w.at
	return b.IntendNew(b.ctx, creation(r, i), t, attention.Ask{Project: w.project, Team: w.team, Budgets: budgets})
}

// rush has so many ask at once, over two openings of the tenant, and counts.
func (b *bench) rush(r plan.Run, from, n int, w func(i int) whose, budgets ...attention.Budget) (won, lost int) {
	b.Helper()
	second := &bench{T: b.T, ctx: b.ctx, db: b.db, Store: b.db.Tenant("default")}
	return b.race(n, func(i int) error {
		on := b
		if i%2 == 1 {
			on = second
		}
		_, _, err := on.asked(r, from+i, w(i), budgets...)
		return err
	}, store.ErrCapped)
}

func budgetsExact(b *bench) {
	in, r := b.connect(1), b.begin()
	day := time.Hour * 24
	for n, c := range []struct {
		budget attention.Budget
		first  int           // of the first 16
		after  time.Duration // of the second 16
		second int
	}{
		{attention.Budget{PerHour: 5}, 5, time.Hour, 5},
		{attention.Budget{PerDay: 5}, 5, 11 * time.Hour, 0},
		{attention.Budget{PerDay: 5}, 5, 12 * time.Hour, 5},
		{attention.Budget{PerWeek: 5}, 5, 6 * day, 5}, // noon is on a Saturday
		{attention.Budget{PerWeek: 5}, 5, day, 0},
		{attention.Budget{Open: 5}, 5, 99 * day, 0},
		{attention.Budget{PerHour: 7, PerDay: 6, PerWeek: 5, Open: 6}, 5, 6 * day, 1},
	} {
		for p, per := range []attention.Per{attention.Project, attention.Team} {
			c.budget.Per = per
			id := 1000*n + 100*p
			w := whose{in: in, project: int64(id + 1), team: fmt.Sprint(id), at: noon()}
			won, lost := b.rush(r, id, 16, func(int) whose { return w }, c.budget)
			b.same(fmt.Sprint("first of ", per, n), []int{c.first, 16 - c.first}, []int{won, lost})
			w.at = w.at.Add(c.after)
			won, lost = b.rush(r, id+20, 16, func(int) whose { return w }, c.budget)
			b.same(fmt.Sprint("second of ", per, n), []int{c.second, 16 - c.second}, []int{won, lost})
		}
	}
}

func budgetsTogether(b *bench) {
	in, other, r := b.connect(1), b.connect(2), b.begin()
	teams := []string{"payments", "search", ""}
	var mu sync.Mutex
	made := map[string]int{}
	won, lost := b.race(48, func(i int) error {
		w := whose{in: in, project: int64(1 + i%4), team: teams[i%3], at: noon()}
		if i%5 == 0 {
			w.in = other // a team, and everybody, is one over all integrations
		}
		_, _, err := b.asked(r, i, w, attention.Budget{PerDay: 6}, attention.Budget{Per: attention.Team, PerDay: 4}, attention.Budget{Per: attention.All, PerDay: 10, Open: 11})
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			made[fmt.Sprint("project ", w.in.ID, w.project)]++
			made["team "+w.team]++
		}
		return err
	}, store.ErrCapped)
	b.same("won and lost", []int{10, 38}, []int{won, lost})
	for what, n := range made {
		if most := map[bool]int{true: 6, false: 4}[strings.HasPrefix(what, "project")]; n > most && what != "team " {
			b.Errorf("%s has %d", what, n)
		}
	}
	// What stands under no budget is made, and counts for those that do.
	if _, _, err := b.asked(r, 100, whose{in: in, project: 1, at: noon()}); err != nil {
		b.Error(err)
	}
	if _, _, err := b.asked(r, 101, whose{in: in, project: 9, at: noon()}, attention.Budget{Per: attention.All, PerDay: 11}); !errors.Is(err, store.ErrCapped) {
		b.Errorf("the eleventh is not counted: %v", err)
	}
	apart := &bench{T: b.T, ctx: b.ctx, db: b.db, Store: b.db.Tenant("another")}
	elsewhere := apart.connect(1)
	if _, _, err := apart.asked(apart.begin(), 1, whose{in: elsewhere, project: 1, team: "payments", at: noon()}, attention.Budget{Per: attention.All, Open: 1}, attention.Budget{Per: attention.Team, Open: 1}); err != nil {
		b.Errorf("tenants share a budget: %v", err)
	}
}

func budgetDays(b *bench) {
	in, r := b.connect(1), b.begin()
	berlin, err := attention.ParseZone("Europe/Berlin")
	b.ok(err)
	daily := attention.Budget{PerDay: 1, Calendar: attention.Calendar{Zone: berlin}}
	midnight := time.Date(2026, 10, 25, 22, 0, 0, 0, time.UTC).Add(time.Hour) // behind a day of 25 hours
	for i, c := range []struct {
		at   time.Time
		goes bool
	}{
		{midnight.Add(-25 * time.Hour), true},
		{midnight.Add(-24 * time.Hour), false},
		{midnight.Add(-time.Microsecond), false},
		{midnight, true},
		{midnight.Add(24*time.Hour - time.Microsecond), false},
	} {
		_, _, err := b.asked(r, i, whose{in: in, project: 1, at: c.at}, daily)
		if goes := err == nil; goes != c.goes || !goes && !errors.Is(err, store.ErrCapped) {
			b.Errorf("at %v: %v", c.at, err)
		}
	}
}

func budgetsRefuse(b *bench) {
	in, r := b.connect(1), b.begin()
	quiet := attention.Budget{Except: finding.Critical, Calendar: attention.Calendar{Quiet: []attention.Hours{{From: attention.Clock{Hour: 11}, To: attention.Clock{Hour: 13}}}}}
	full := attention.Budget{PerDay: 1, Except: finding.Critical}
	w := whose{in: in, project: 1, at: noon()}
	_, _, err := b.asked(r, 1, w, quiet)
	if !errors.Is(err, store.ErrCapped) || !strings.Contains(err.Error(), "quiet hours from 11:00 to 13:00; the next can be made on Saturday 2026-03-14 13:00 UTC") {
		b.Errorf("in quiet hours: %v", err)
	}
	if _, _, err = b.asked(r, 2, w, full); err != nil {
		b.Error(err)
	}
	for i, severity := range []finding.Severity{finding.Critical, finding.High} {
		t := toCreate(in, 3+i)
		t.Observed.ProjectID = 1
		_, _, err := b.IntendNew(b.ctx, creation(r, 3+i), t, attention.Ask{Project: 1, Severity: severity, Budgets: []attention.Budget{quiet, full}})
		if errors.Is(err, store.ErrCapped) != (severity == finding.High) {
			b.Errorf("severity %s: %v", severity, err)
		}
	}
	// The tenant's caps hold besides, and what is refused leaves nothing behind.
	capped := &bench{T: b.T, ctx: b.ctx, db: b.db, Store: b.Capped(plan.Caps{Open: 2}, noon)}
	if _, _, err := capped.asked(r, 9, w); !errors.Is(err, store.ErrCapped) {
		b.Errorf("beyond the caps: %v", err)
	}
	b.same("issues", 2, len(b.unsettled(in.ID)))
	b.same("entries", 2, len(b.journal(r.ID)))
}

func budgetsAgain(b *bench) {
	in, r := b.connect(1), b.begin()
	daily := attention.Budget{Per: attention.All, PerDay: 2}
	w := whose{in: in, project: 1, at: noon()}
	e, first, err := b.asked(r, 1, w, daily)
	b.ok(err)
	_, _, err = b.asked(r, 2, w, daily)
	b.ok(err)
	again := func(at time.Time) error {
		t := first
		t.SentAt = at
		got, row, err := b.IntendNew(b.ctx, e, t, attention.Ask{Project: 1, Budgets: []attention.Budget{daily}})
		if err == nil {
			b.same("rev", first.Rev+1, row.Rev)
			b.same("entry", e.ID, got.ID)
			first = row
		}
		return err
	}
	b.ok(again(noon().Add(time.Minute))) // it does not count against itself
	w.at = noon().Add(24 * time.Hour)
	for i := 3; i < 5; i++ {
		_, _, err = b.asked(r, i, w, daily)
		b.ok(err)
	}
	if err := again(w.at.Add(time.Minute)); !errors.Is(err, store.ErrCapped) {
		b.Errorf("sent again on a day that is full: %v", err)
	}
	b.same("the row", first.SentAt, b.unsettled(in.ID)[0].SentAt)
	b.ok(again(w.at.Add(24 * time.Hour)))
	b.same("the row", first.SentAt, b.unsettled(in.ID)[0].SentAt)
	first.Rev--
	if err := again(w.at.Add(25 * time.Hour)); !errors.Is(err, store.ErrStale) {
		b.Errorf("a row that was written since: %v", err)
	}
}

func countsWindows(b *bench) {
	in, r := b.connect(1), b.begin()
	for i := range 6 {
		e, t, err := b.asked(r, i, whose{in: in, project: int64(1 + i/4), team: []string{"a", "b"}[i%2], at: noon().Add(time.Duration(i) * time.Minute)})
		b.ok(err)
		e.Outcome = plan.Done
		t.Phase, t.Observed.IID, t.Observed.State = issue.Live, int64(i+1), issue.Opened
		switch i {
		case 0:
			t.Observed.State = issue.Closed
		case 1:
			t.Phase = issue.Dropped
		case 2:
			t.Phase, t.Observed.State = issue.InDoubt, ""
		case 3:
			t.Team = "a"
		}
		b.ok(b.Record(b.ctx, e, t, 0))
	}
	window := func(per attention.Per, project int64, team string, minutes int) attention.Window {
		w := attention.Window{Scope: attention.Scope{Per: per, Project: project, Team: team}}
		if minutes >= 0 {
			w.Since = noon().Add(time.Duration(minutes) * time.Minute)
		}
		return w
	}
	want := map[attention.Window]int{
		window(attention.Project, 1, "", -1): 2, window(attention.Project, 1, "", 0): 2, window(attention.Project, 2, "", 3): 2, window(attention.Project, 3, "", 0): 0,
		window(attention.Team, 0, "a", -1): 3, window(attention.Team, 0, "a", 2): 2, window(attention.Team, 0, "b", -1): 1, window(attention.Team, 0, "b", 0): 1, window(attention.Team, 0, "", -1): 0,
		window(attention.All, 0, "", -1): 4, window(attention.All, 0, "", 0): 4, window(attention.All, 0, "", 5): 0,
	}
	var windows []attention.Window
	for w := range want {
		windows = append(windows, w)
	}
	got, err := b.Used(b.ctx, in.ID, windows)
	b.ok(err)
	b.same("windows", want, got)
}
