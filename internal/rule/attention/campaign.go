package attention

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// Campaign is a set of findings with a goal, for a while: while it runs its issues
// go before others.
type Campaign struct {
	Name     string
	From, To Date           // the first day and the last
	Zone     *time.Location // of the days; nil: UTC
	Rules    []string       // names of the rules whose issues are its
	Goal     Goal
}

// Goal is what a campaign wants to reach: an amount saved per month, a number of
// issues done, or with neither all of its issues.
type Goal struct {
	Savings Amount
	Issues  int
}

// State is where in its time a campaign is.
type State string

// The states.
const (
	Coming State = "coming"
	Runs   State = "running"
	Ended  State = "ended"
)

func (c *Campaign) calendar() *Calendar { return &Calendar{Zone: c.Zone} }

// State is where in its time the campaign is.
func (c Campaign) State(now time.Time) State {
	switch cal := c.calendar(); {
	case now.Before(cal.begin(c.From)):
		return Coming
	case now.Before(cal.begin(c.To.plus(1))):
		return Runs
	}
	return Ended
}

// Covers says that a moment lies within the campaign's days.
func (c Campaign) Covers(at time.Time) bool { return c.State(at) == Runs }

// Holds says that issues of the rule are the campaign's.
func (c Campaign) Holds(rule string) bool { return rule != "" && slices.Contains(c.Rules, rule) }

// First says that issues of the rule go before others now, and for which campaign.
func First(campaigns []Campaign, rule string, now time.Time) (name string, ok bool) {
	for _, c := range campaigns {
		if c.Holds(rule) && c.State(now) == Runs {
			return c.Name, true
		}
	}
	return "", false
}

// Tally is what has become of a campaign's issues.
type Tally struct {
	Done, Left               int          // issues: proved done, and those open or waiting
	DoneSavings, LeftSavings money.Totals // per month, of each
}

// Progress is how far a campaign has come.
type Progress struct {
	State   State
	Done    int
	Left    int
	Percent int  // of the goal, from 0 to 100, rounded down
	Reached bool // the goal is
	OnTrack bool // as much of the goal is reached as of its time has passed
	Words   string
}

// Progress says how far the campaign has come, and once it has ended what it
// reached. A goal in money counts amounts in its own currency alone.
func (c Campaign) Progress(t Tally, now time.Time) Progress {
	p := Progress{State: c.State(now), Done: t.Done, Left: t.Left}
	done, goal, what := c.toGoal(t)
	if goal.IsPositive() {
		p.Percent = int(decimal.Min(done.Mul(decimal.NewFromInt(100)).Div(goal), decimal.NewFromInt(100)).Floor().IntPart())
	} else {
		p.Percent = 100 // there is nothing to do
	}
	p.Percent = max(p.Percent, 0)
	p.Reached = done.GreaterThanOrEqual(goal)
	passed, all := c.passed(now)
	p.OnTrack = p.Reached || p.State != Ended && done.Mul(decimal.NewFromInt(int64(all))).GreaterThanOrEqual(goal.Mul(decimal.NewFromInt(int64(passed))))
	p.Words = c.words(p, what)
	return p
}

// toGoal is how much of which goal is done, and both in words.
func (c Campaign) toGoal(t Tally) (done, goal decimal.Decimal, what string) {
	if m := c.Goal.Savings; m.Value.IsPositive() {
		done := t.DoneSavings[m.Currency]
		return done, m.Value, fmt.Sprintf("%s of %s a month", money.Show(done, m.Currency), money.Show(m.Value, m.Currency))
	}
	most := c.Goal.Issues
	if most <= 0 {
		most = t.Done + t.Left
	}
	return decimal.NewFromInt(int64(t.Done)), decimal.NewFromInt(int64(most)), fmt.Sprintf("%d of %d issues", t.Done, most)
}

// passed is how much of the campaign's time has passed, of how much.
func (c Campaign) passed(now time.Time) (passed, all time.Duration) {
	cal := c.calendar()
	begin, end := cal.begin(c.From), cal.begin(c.To.plus(1))
	all = end.Sub(begin)
	return min(max(0, now.Sub(begin)), all), all
}

// words tell of a campaign in one sentence.
func (c Campaign) words(p Progress, what string) string {
	text, left := fmt.Sprintf("%s (%d %%)", what, p.Percent), fmt.Sprintf("%d issues left", p.Left)
	if p.Left == 1 {
		left = "1 issue left"
	}
	switch {
	case p.State == Coming:
		return fmt.Sprintf("begins on %s: %s", c.From, text)
	case p.State == Ended && p.Reached:
		return fmt.Sprintf("ended on %s and reached its goal: %s", c.To, text)
	case p.State == Ended:
		return fmt.Sprintf("ended on %s short of its goal: %s, %s", c.To, text, left)
	case p.Reached:
		return fmt.Sprintf("has reached its goal: %s", text)
	case p.OnTrack:
		return fmt.Sprintf("on track until %s: %s, %s", c.To, text, left)
	}
	return fmt.Sprintf("behind its time, which ends on %s: %s, %s", c.To, text, left)
}

// Faults lists what is wrong with a campaign; none: it can be used.
func (c Campaign) Faults() []Fault {
	var out []Fault
	if strings.TrimSpace(c.Name) == "" {
		out = append(out, Fault{"Name", "the campaign has no name", "give it one"})
	}
	if c.To.before(c.From) {
		out = append(out, Fault{"To", fmt.Sprintf("it ends on %s, before it begins on %s", c.To, c.From), "set its first day, then its last"})
	}
	if len(c.Rules) == 0 {
		out = append(out, Fault{"Rules", "no rule is named, so no issue is the campaign's", "name at least one rule"})
	}
	if c.Goal.Issues < 0 {
		out = append(out, Fault{"Goal.Issues", fmt.Sprintf("%d is below zero", c.Goal.Issues), "use a number of issues"})
	}
	switch m := c.Goal.Savings; {
	case m.Value.IsNegative():
		out = append(out, Fault{"Goal.Savings", m.Value.String() + " is below zero", "use an amount per month"})
	case m.Value.IsPositive() && m.Currency == "":
		out = append(out, Fault{"Goal.Savings", "the amount has no currency, and amounts in different ones are never added", "add an ISO 4217 code such as USD"})
	case m.Value.IsPositive() && c.Goal.Issues > 0:
		out = append(out, Fault{"Goal", "it names both an amount and a number of issues", "keep one of them"})
	}
	return out
}
