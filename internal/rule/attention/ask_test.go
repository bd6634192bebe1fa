package attention

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

func amount(value, currency string) Amount {
	return Amount{decimal.RequireFromString(value), currency}
}

func saves(value string) decimal.NullDecimal {
	if value == "" {
		return money.Unknown()
	}
	return money.Known(decimal.RequireFromString(value))
}

// TestAnswer holds what people are told, on Monday 2026-11-23 at 10:00 in Berlin.
func TestAnswer(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	now := utc(t, "2026-11-23T09:00Z")
	daily := Budget{Name: "daily", Per: Team, PerDay: 3, Calendar: Calendar{Zone: berlin}}
	office := Calendar{Zone: berlin, Days: weekdays(), Quiet: []Hours{hours("18:00", "08:00")}}
	asks := func(change func(*Ask), budgets ...Budget) Ask {
		a := Ask{Project: 7, Team: "payments", Savings: saves("20"), Currency: "USD", Severity: finding.High, Budgets: budgets}
		if change != nil {
			change(&a)
		}
		return a
	}
	for _, c := range []struct {
		name string
		used int // in every window
		ask  Ask
		want string
		next string
	}{
		{"no budget", 99, asks(nil), "", ""},
		{"room", 2, asks(nil, daily), "", ""},
		{"full", 3, asks(nil, daily), "waits its turn: at most 3 new issues a day for team payments; the next can be made on Tuesday 2026-11-24 00:00 Europe/Berlin", "2026-11-23T23:00Z"},
		{"more than full", 4, asks(nil, Budget{PerWeek: 1}), "waits its turn: at most 1 new issue a week in this project; the next can be made on Monday 2026-11-30 00:00 UTC", "2026-11-30T00:00Z"},
		{"the next day is in office hours", 3, asks(nil, daily, Budget{Calendar: office}), "waits its turn: at most 3 new issues a day for team payments; the next can be made on Tuesday 2026-11-24 08:00 Europe/Berlin", "2026-11-24T07:00Z"},
		{"an hour", 5, asks(nil, Budget{PerHour: 5}), "waits its turn: at most 5 new issues an hour in this project", ""},
		{"a day is longer than an hour", 5, asks(nil, Budget{PerHour: 5, PerDay: 5}), "waits its turn: at most 5 new issues a day in this project; the next can be made on Tuesday 2026-11-24 00:00 UTC", "2026-11-24T00:00Z"},
		{"only people end it", 5, asks(nil, Budget{PerWeek: 5}, Budget{Per: All, Open: 5}), "waits its turn: at most 5 open issues at once in all", ""},
		{"nobody's team", 99, asks(func(a *Ask) { a.Team = "" }, daily), "", ""},
		{"a move takes room in its project alone", 5, asks(func(a *Ask) { a.Moved = true }, daily, Budget{Per: All, Open: 1}), "", ""},
		{"and there it does", 5, asks(func(a *Ask) { a.Moved = true }, Budget{Open: 5}), "waits its turn: at most 5 open issues at once in this project", ""},
		{"severe enough", 99, asks(nil, Budget{PerDay: 1, Except: finding.High, MinSavings: amount("50", "USD"), Calendar: Calendar{Quiet: []Hours{hours("00:00", "23:00")}}}), "", ""},
		{"not severe enough", 99, asks(nil, Budget{Open: 1, Except: finding.Critical}), "waits its turn: at most 1 open issue at once in this project", ""},
		{"below the minimum", 0, asks(nil, Budget{MinSavings: amount("20.01", "USD")}), "below the minimum: it saves 20.00 USD, and at least 20.01 USD a month are asked for", ""},
		{"the minimum", 0, asks(nil, Budget{MinSavings: amount("20", "USD")}), "", ""},
		{"below the minimum before anything else", 99, asks(nil, daily, Budget{MinSavings: amount("21", "USD")}), "below the minimum: it saves 20.00 USD, and at least 21.00 USD a month are asked for", ""},
		{"not known", 0, asks(func(a *Ask) { a.Savings = saves("") }, Budget{MinSavings: amount("21", "USD")}), "", ""},
		{"not known, and that is not enough", 0, asks(func(a *Ask) { a.Savings = saves("") }, Budget{MinSavings: amount("21", "USD"), UnknownFails: true}), "below the minimum: what it saves is not known, and at least 21.00 USD a month are asked for", ""},
		{"another currency", 0, asks(nil, Budget{MinSavings: amount("5000", "JPY")}), "", ""},
		{"another currency, and that is not enough", 0, asks(nil, Budget{MinSavings: amount("5000", "JPY"), UnknownFails: true}), "below the minimum: what it saves is in USD, which is not compared, and at least 5,000 JPY a month are asked for", ""},
		{"it takes the place of one there is", 0, asks(func(a *Ask) { a.Known = true }, Budget{MinSavings: amount("21", "USD")}), "", ""},
		{"in a freeze", 0, asks(nil, Budget{Calendar: Calendar{Freezes: []Freeze{{day("2026-11-20"), day("2026-11-30"), "audit"}}}}), "waits its turn: frozen from 2026-11-20 to 2026-11-30: audit; the next can be made on Tuesday 2026-12-01 00:00 UTC", "2026-12-01T00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.ask.Answer(now, func(Window) int { return c.used })
			if diff := cmp.Diff(c.want, got.Reason); diff != "" {
				t.Error(diff)
			}
			if (got.Outcome == Goes) != (c.want == "") {
				t.Errorf("outcome %q", got.Outcome)
			}
			if want := (time.Time{}); c.next == "" && !got.Next.Equal(want) || c.next != "" && !got.Next.Equal(utc(t, c.next)) {
				t.Errorf("next %v, want %s", got.Next, c.next)
			}
		})
	}
}

// TestWindows holds that what is counted is asked for once.
func TestWindows(t *testing.T) {
	now := utc(t, "2026-11-23T09:00Z").In(zone(t, "Europe/Berlin"))
	a := Ask{Project: 7, Team: "payments", Budgets: []Budget{{PerDay: 1}, {PerDay: 2, PerHour: 9}, {Per: Team, Open: 3}, {Per: All, PerDay: 1, Except: finding.Low}, {}}}
	project := Scope{Per: Project, Project: 7}
	want := []Window{
		{project, utc(t, "2026-11-23T00:00Z").Add(-time.Microsecond)}, {project, utc(t, "2026-11-23T08:00Z")},
		{Scope{Per: Team, Team: "payments"}, time.Time{}}, {Scope{Per: All}, utc(t, "2026-11-23T00:00Z").Add(-time.Microsecond)},
	}
	if diff := cmp.Diff(want, a.Windows(now)); diff != "" {
		t.Error(diff)
	}
	a.Severity = finding.Low
	if got := a.Windows(now); len(got) != 3 {
		t.Errorf("what is exempt counts %v", got)
	}
}

// TestCampaign holds how a campaign stands in its time: 1 to 10 November in Berlin.
func TestCampaign(t *testing.T) {
	c := Campaign{Name: "gp3", From: day("2026-11-01"), To: day("2026-11-10"), Zone: zone(t, "Europe/Berlin"), Rules: []string{"volumes"}}
	money1 := c
	money1.Goal.Savings = amount("1000", "USD")
	ten := c
	ten.Goal.Issues = 10
	tally := func(done, left int, saved string) Tally {
		return Tally{Done: done, Left: left, DoneSavings: money.Totals{"USD": decimal.RequireFromString(saved), "EUR": decimal.NewFromInt(9999)}}
	}
	for _, k := range []struct {
		name, now string
		c         Campaign
		t         Tally
		want      Progress
	}{
		{"before it", "2026-10-31T22:59Z", ten, tally(0, 12, "0"), Progress{Coming, 0, 12, 0, false, true, "begins on 2026-11-01: 0 of 10 issues (0 %)"}},
		{"half its time", "2026-11-05T23:00Z", ten, tally(5, 7, "0"), Progress{Runs, 5, 7, 50, false, true, "on track until 2026-11-10: 5 of 10 issues (50 %), 7 issues left"}},
		{"a moment later", "2026-11-05T23:01Z", ten, tally(5, 7, "0"), Progress{Runs, 5, 7, 50, false, false, "behind its time, which ends on 2026-11-10: 5 of 10 issues (50 %), 7 issues left"}},
		{"reached", "2026-11-02T12:00Z", ten, tally(11, 1, "0"), Progress{Runs, 11, 1, 100, true, true, "has reached its goal: 11 of 10 issues (100 %)"}},
		{"its last moment", "2026-11-10T22:59Z", ten, tally(9, 1, "0"), Progress{Runs, 9, 1, 90, false, false, "behind its time, which ends on 2026-11-10: 9 of 10 issues (90 %), 1 issue left"}},
		{"over", "2026-11-10T23:00Z", ten, tally(9, 1, "0"), Progress{Ended, 9, 1, 90, false, false, "ended on 2026-11-10 short of its goal: 9 of 10 issues (90 %), 1 issue left"}},
		{"over and reached", "2026-11-10T23:00Z", ten, tally(10, 0, "0"), Progress{Ended, 10, 0, 100, true, true, "ended on 2026-11-10 and reached its goal: 10 of 10 issues (100 %)"}},
		{"money of its currency", "2026-11-02T12:00Z", money1, tally(3, 1, "999.99"), Progress{Runs, 3, 1, 99, false, true, "on track until 2026-11-10: 999.99 USD of 1,000.00 USD a month (99 %), 1 issue left"}},
		{"all of them", "2026-11-09T12:00Z", c, tally(3, 1, "0"), Progress{Runs, 3, 1, 75, false, false, "behind its time, which ends on 2026-11-10: 3 of 4 issues (75 %), 1 issue left"}},
		{"none at all", "2026-11-09T12:00Z", c, tally(0, 0, "0"), Progress{Runs, 0, 0, 100, true, true, "has reached its goal: 0 of 0 issues (100 %)"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			if diff := cmp.Diff(k.want, k.c.Progress(k.t, utc(t, k.now))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if name, ok := First([]Campaign{c}, "volumes", utc(t, "2026-11-02T12:00Z")); !ok || name != "gp3" {
		t.Errorf("%q goes first: %v", name, ok)
	}
	if _, ok := First([]Campaign{c}, "volumes", utc(t, "2026-11-10T23:00Z")); ok {
		t.Error("a campaign that ended goes first")
	}
	if _, ok := First([]Campaign{c}, "", utc(t, "2026-11-02T12:00Z")); ok {
		t.Error("what no rule put together goes first")
	}
}
