package attention

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

// Window is what is counted: the issues of a scope that were made after a moment,
// or with a zero Since those open now. What may have been made counts as made. It
// can be compared: Since is UTC.
type Window struct {
	Scope
	Since time.Time
}

// Ask is what one new issue asks for, or one that is moved into a project.
type Ask struct {
	Project  int64  // where it is made, or goes; never 0
	Team     string // whose it is; empty: nobody's
	Savings  decimal.NullDecimal
	Currency string
	Severity finding.Severity
	Known    bool     // it takes the place of an issue there is, so no minimum is asked of it
	Moved    bool     // the issue exists: it takes room in its new project alone
	Free     bool     // it asks for nobody's attention: nothing bounds it, and it is not counted
	Budgets  []Budget // that it stands under
}

// Outcome is what becomes of an Ask.
type Outcome string

// The outcomes.
const (
	Goes  Outcome = ""
	Waits Outcome = "waits"             // for its turn: it is asked again
	Below Outcome = "below the minimum" // until it is worth more, or the minimum is less
)

// Answer is the outcome of an Ask. The zero value: it goes.
type Answer struct {
	Outcome  Outcome
	Project  int64 // that was asked for, and the severity it was asked with
	Severity finding.Severity
	Budget   string    // the name of the one that says so
	Reason   string    // for people; empty: it goes
	Next     time.Time // when it can go at the earliest, as far as the calendar says; zero: not known
	Digest   bool      // it waits under a budget that asks for a digest of what does
}

// Scopes are where it counts once it is made.
func (a *Ask) Scopes() []Scope {
	if a.Free {
		return nil
	}
	out := []Scope{{Per: Project, Project: a.Project}}
	if a.Moved {
		return out
	}
	if a.Team != "" {
		out = append(out, Scope{Per: Team, Team: a.Team})
	}
	return append(out, Scope{Per: All})
}

// under lists the budgets that bound it.
func (a *Ask) under(yield func(*Budget) bool) {
	if a.Free {
		return
	}
	for i := range a.Budgets {
		if b := &a.Budgets[i]; !b.exempts(a.Severity) && !yield(b) {
			return
		}
	}
}

// bounds are the numbers that bound it under one budget, as of now.
func (a *Ask) bounds(b *Budget, now time.Time) []bound {
	for _, s := range a.Scopes() {
		if s.Per == b.per() {
			return b.bounds(s, now)
		}
	}
	return nil // it is no team's, or is only moved
}

// Windows are what has to be counted to answer it, each once.
func (a *Ask) Windows(now time.Time) []Window {
	var out []Window
	seen := map[Window]bool{}
	for b := range a.under {
		for _, bound := range a.bounds(b, now) {
			if !seen[bound.window] {
				seen[bound.window] = true
				out = append(out, bound.window)
			}
		}
	}
	return out
}

// bound is one number of a budget.
type bound struct {
	window Window
	most   int
	unit   string    // "a day"; empty: open at once
	ends   time.Time // when the window does; zero: not known
}

// bounds are the numbers of a budget in a scope, as of now.
func (b *Budget) bounds(s Scope, now time.Time) []bound {
	var out []bound
	cal := &b.Calendar
	if b.Open > 0 {
		out = append(out, bound{window: Window{Scope: s}, most: b.Open})
	}
	if b.PerHour > 0 {
		out = append(out, bound{window: Window{s, now.Add(-time.Hour).Round(0).UTC()}, most: b.PerHour, unit: "an hour"})
	}
	if b.PerDay > 0 {
		day := dateOf(now.In(cal.zone()))
		out = append(out, bound{Window{s, from(cal.begin(day))}, b.PerDay, "a day", cal.begin(day.plus(1))})
	}
	if b.PerWeek > 0 {
		monday := cal.monday(now)
		out = append(out, bound{Window{s, from(cal.begin(monday))}, b.PerWeek, "a week", cal.begin(monday.plus(7))})
	}
	return out
}

// from is the Since of a window that begins at a moment, which is within it:
// times are kept in microseconds.
func from(begin time.Time) time.Time { return begin.Add(-time.Microsecond).UTC() }

// words says the number for people: "at most 3 new issues a day".
func (b *bound) words() string {
	s := "s"
	if b.most == 1 {
		s = ""
	}
	if b.unit == "" {
		return fmt.Sprintf("at most %d open issue%s at once", b.most, s)
	}
	return fmt.Sprintf("at most %d new issue%s %s", b.most, s, b.unit)
}

// Answer says whether it goes now; used is what each window holds already. Of
// several reasons to wait the one is told that lasts longest, and first of all one
// that only people can end.
func (a *Ask) Answer(now time.Time, used func(Window) int) Answer {
	var longest hold
	for b := range a.under {
		if small := b.small(a); small != "" {
			return Answer{Outcome: Below, Project: a.Project, Severity: a.Severity, Budget: b.Name, Reason: small}
		}
		if ok, until, why := Allows(b.Calendar, now); !ok {
			longest = longest.or(hold{b, why, until, until})
		}
		for _, reached := range a.bounds(b, now) {
			if used(reached.window) >= reached.most {
				longest = longest.or(reached.hold(b, now))
			}
		}
	}
	return a.waits(longest)
}

// small says that what the issue saves is less than the budget's minimum; empty:
// it is not.
func (b *Budget) small(a *Ask) string {
	m := b.MinSavings
	if a.Known || a.Moved || !m.Value.IsPositive() {
		return ""
	}
	least := money.Show(m.Value, m.Currency) + " a month are asked for"
	switch compared := a.Savings.Valid && a.Currency == m.Currency; {
	case compared && a.Savings.Decimal.LessThan(m.Value):
		return fmt.Sprintf("below the minimum: it saves %s, and at least %s", money.Show(a.Savings.Decimal, a.Currency), least)
	case compared || !b.UnknownFails:
		return ""
	case a.Savings.Valid:
		return fmt.Sprintf("below the minimum: what it saves is in %s, which is not compared, and at least %s", a.Currency, least)
	}
	return "below the minimum: what it saves is not known, and at least " + least
}

// hold is a reason to wait. The zero value is none.
type hold struct {
	by    *Budget
	why   string
	until time.Time // zero: not known
	last  time.Time // until, or about then; zero: nobody knows
}

// hold is the reason that a number is reached.
func (b *bound) hold(by *Budget, now time.Time) hold {
	h := hold{by: by, why: b.words() + " " + b.window.Words(), until: b.ends, last: b.ends}
	if b.ends.IsZero() && !b.window.Since.IsZero() {
		h.last = now.Add(time.Hour)
	}
	return h
}

// or is the one of two that lasts longer; of equals the first.
func (h hold) or(other hold) hold {
	if h.by == nil || !h.last.IsZero() && (other.last.IsZero() || other.last.After(h.last)) {
		return other
	}
	return h
}

// waits is the answer that tells of a hold, with the time at which every calendar
// lets it go.
func (a *Ask) waits(h hold) Answer {
	if h.by == nil {
		return Answer{}
	}
	out := Answer{Outcome: Waits, Project: a.Project, Severity: a.Severity, Budget: h.by.Name, Reason: "waits its turn: " + h.why, Digest: a.digest()}
	if h.until.IsZero() {
		return out
	}
	if out.Next = a.opens(h.until); !out.Next.IsZero() {
		out.Reason += "; the next can be made on " + h.by.Calendar.moment(out.Next)
	}
	return out
}

// digest says that one of the budgets that bound it asks for a digest.
func (a *Ask) digest() bool {
	for b := range a.under {
		if b.Digest {
			return true
		}
	}
	return false
}

// opens is the first moment from at on at which every calendar lets it go, in UTC;
// zero: none is found.
func (a *Ask) opens(at time.Time) time.Time {
	for range maxSteps {
		moved := false
		for b := range a.under {
			if ok, until, _ := Allows(b.Calendar, at); !ok {
				if until.IsZero() {
					return until
				}
				at, moved = until, true
			}
		}
		if !moved {
			return at.UTC()
		}
	}
	return time.Time{}
}
