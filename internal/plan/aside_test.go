package plan_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// decided is a member that people decided about on day one.
func decided(m rule.Member, d finding.Decision, until time.Time) rule.Member {
	m.Decided = finding.Decided{Decision: d, Reason: "a test system", By: "ada", At: day1, Until: until}
	return m
}

// decideAt is what is decided about a group at a moment.
func decideAt(p plan.Policy, now time.Time, g rule.Group, have ...issue.Tracked) []plan.Step {
	g = g.AsOf(now)
	return plan.Decide(p, plan.Case{Now: now, Group: g, Want: issue.Render(g), Have: have})
}

// TestDecideAside: what people set aside gets no issue, and one that is there says so
// and is left to people; with the end of a decision all is as before.
func TestDecideAside(t *testing.T) {
	end := day1.AddDate(0, 1, 0)
	here := func(source string) rule.Member { return member(source, "43.08", finding.Present, 0) }
	open, snoozed := group(here("aws")), group(decided(here("aws"), finding.Snoozed, end))
	excepted, accepted := group(decided(here("aws"), finding.Exception, time.Time{})), group(decided(here("aws"), finding.Accepted, time.Time{}))
	one, both := group(decided(here("aws"), finding.Exception, time.Time{}), here("acme")), group(here("aws"), here("acme"))
	gone := group(decided(member("aws", "43.08", finding.Absent, 2), finding.Exception, time.Time{}))
	much := group(decided(member("aws", "900", finding.Present, 0), finding.Exception, time.Time{}))
	rest := group(decided(here("aws"), finding.Exception, time.Time{}), member("acme", "43.08", finding.Absent, 2))
	told := existing(snoozed.AsOf(day1))
	for name, c := range map[string]struct {
		group  rule.Group
		at     time.Time
		have   []issue.Tracked
		policy func(*plan.Policy)
		verb   plan.Verb
		reason string
		later  bool
	}{
		"accepted":                  {group: accepted, verb: plan.Create},
		"snoozed, no issue":         {group: snoozed, verb: plan.Nothing, reason: "no issue is made of it: people set it aside, snoozed until 2026-04-01", later: true},
		"the snooze is over":        {group: snoozed, at: end, verb: plan.Create, reason: "no issue says so yet"},
		"excepted, no issue":        {group: excepted, verb: plan.Nothing, reason: "excepted without an end by ada: a test system"},
		"excepted, open":            {group: excepted, have: []issue.Tracked{existing(open)}, verb: plan.Update, reason: "what it says changed"},
		"snoozed, open":             {group: snoozed, have: []issue.Tracked{existing(open)}, verb: plan.Update, later: true},
		"told":                      {group: snoozed, have: []issue.Tracked{told}, verb: plan.Nothing, reason: "its issue says so, and is for people to close", later: true},
		"told, and over":            {group: snoozed, at: end, have: []issue.Tracked{told}, verb: plan.Update},
		"closed by cxm, back":       {group: excepted, have: []issue.Tracked{existing(open, closedByCxm(day1))}, verb: plan.Nothing, reason: "closed, and not reopened: people set it aside"},
		"closed by a person, grown": {group: much, have: []issue.Tracked{existing(open, see(closedByPerson))}, verb: plan.Nothing, reason: "not reopened"},
		"closed by a person, over":  {group: snoozed, at: end, have: []issue.Tracked{existing(open, see(closedByPerson))}, verb: plan.Nothing, reason: "a person closed"},
		"gone, open":                {group: gone, have: []issue.Tracked{existing(open)}, verb: plan.Close},
		"one of two, no issue":      {group: one, verb: plan.Create, reason: "acme reports it"},
		"one of two, open":          {group: one, have: []issue.Tracked{existing(both)}, verb: plan.Update},
		"what is left is gone":      {group: rest, have: []issue.Tracked{existing(both)}, verb: plan.Update},
		"not listed, made again":    {group: excepted, have: []issue.Tracked{existing(open, inPhase(issue.Lost), func(t *issue.Tracked) { t.Missing = plan.Confirmed })}, policy: func(p *plan.Policy) { p.Recreate = true }, verb: plan.Nothing, reason: "held"},
		"its create is in doubt":    {group: excepted, have: []issue.Tracked{existing(open, inPhase(issue.InDoubt))}, verb: plan.Nothing, reason: "in doubt"},
	} {
		t.Run(name, func(t *testing.T) {
			p, at := plan.DefaultPolicy(), c.at
			if at.IsZero() {
				at = day1
			}
			if c.policy != nil {
				c.policy(&p)
			}
			steps := decideAt(p, at, c.group, c.have...)
			if len(steps) != 1 || steps[0].Verb != c.verb || !strings.Contains(steps[0].Reason, c.reason) || steps[0].Later != c.later {
				t.Errorf("%+v; want %s …%q…, later %v", steps, c.verb, c.reason, c.later)
			}
		})
	}
	s := decideAt(plan.DefaultPolicy(), end, snoozed, told)[0]
	if s.Change.Description == nil || strings.Contains(*s.Change.Description, "Set aside") {
		t.Errorf("the snooze is over, and the issue says still: %+v", s.Change)
	}
}

// TestAsideIsLeftAlone: whatever became of the issue of what is set aside, nothing is
// made, closed or reopened, and at most one edit says so.
func TestAsideIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var open, aside []rule.Member
		for i := range rapid.IntRange(1, 4).Draw(t, "members") {
			m := member(string(rune('a'+i)), rapid.SampledFrom([]string{"", "10", "500"}).Draw(t, "savings"), rapid.SampledFrom([]finding.Detection{finding.Present, finding.Absent}).Draw(t, "detection"), 0)
			if i == 0 {
				m.Sighting.Detection = finding.Present
			}
			open = append(open, m)
			until := rapid.SampledFrom([]time.Time{{}, day1.AddDate(0, 0, 60)}).Draw(t, "until")
			aside = append(aside, decided(m, rapid.SampledFrom([]finding.Decision{finding.Snoozed, finding.Exception}).Draw(t, "decision"), until))
		}
		var have []issue.Tracked
		if edit := rapid.SampledFrom([]func(*issue.Tracked){nil, func(*issue.Tracked) {}, closedByCxm(day1), see(closedByPerson), inPhase(issue.Lost), inPhase(issue.InDoubt), inPhase(issue.Dropped), inPhase(issue.Retired)}).Draw(t, "issue"); edit != nil {
			have = append(have, existing(group(open...), edit))
		}
		now := day1.AddDate(0, 0, rapid.IntRange(0, 50).Draw(t, "day"))
		for _, s := range decideAt(plan.DefaultPolicy(), now, group(aside...), have...) {
			if s.Verb != plan.Nothing && s.Verb != plan.Update {
				t.Fatalf("%s: %s", s.Verb, s.Reason)
			}
			if s.Verb == plan.Update && s.Change.State != "" {
				t.Fatalf("an update sets the state: %+v", s.Change)
			}
		}
		told := existing(group(aside...).AsOf(now))
		if s := decideAt(plan.DefaultPolicy(), now, group(aside...), told); len(s) != 1 || s[0].Verb != plan.Nothing {
			t.Fatalf("an issue that says so is edited again: %+v", s)
		}
	})
}

// TestPartlyAside: a group of which a part is set aside gets what it would get
// without that part.
func TestPartlyAside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all, rest []rule.Member
		for i := range rapid.IntRange(2, 5).Draw(t, "members") {
			m := member(string(rune('a'+i)), rapid.SampledFrom([]string{"", "10", "500"}).Draw(t, "savings"), finding.Present, 0)
			if i > 0 && rapid.Bool().Draw(t, "aside") {
				all = append(all, decided(m, finding.Exception, time.Time{}))
				continue
			}
			all, rest = append(all, m), append(rest, m)
		}
		got, want := decideAt(plan.DefaultPolicy(), day1, group(all...)), decideAt(plan.DefaultPolicy(), day1, group(rest...))
		if len(got) != 1 || len(want) != 1 || got[0].Verb != want[0].Verb || got[0].Reason != want[0].Reason || !got[0].Savings.Decimal.Equal(want[0].Savings.Decimal) || got[0].Title != want[0].Title {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	})
}
