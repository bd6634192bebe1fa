// Package setting reads the settings of budgets, calendars, campaigns and owners
// out of a rules file.
//
// What always holds: what it reads is what the packages that use it accept; the
// names of the file are decided here, and stand nowhere else.
package setting

import (
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule/attention"
	"cxm/internal/rule/rulebook/fact"
	"cxm/internal/rule/rulebook/form"
)

// Budget is one as it is read: its calendar and its name are put in later.
type Budget struct {
	Settings attention.Budget
	Calendar string // by name
	Node     *form.Node
}

const most = 1_000_000

// Budgets reads how much is asked of people.
func Budgets() form.Value[Budget] {
	return form.Object(
		form.At("per", form.Choice(attention.Project, attention.Team, attention.All), func(b *Budget) *attention.Per { return &b.Settings.Per }, "Whose attention it bounds: each project's (which is meant when it is left out), each team's, or everybody's together."),
		form.At("per_hour", form.Whole(0, most), func(b *Budget) *int { return &b.Settings.PerHour }, "New issues within any 60 minutes. 0: no bound."),
		form.At("per_day", form.Whole(0, most), func(b *Budget) *int { return &b.Settings.PerDay }, "New issues in one day. 0: no bound."),
		form.At("per_week", form.Whole(0, most), func(b *Budget) *int { return &b.Settings.PerWeek }, "New issues in one week, which begins on Monday. 0: no bound."),
		form.At("open", form.Whole(0, most), func(b *Budget) *int { return &b.Settings.Open }, "Issues open at once. 0: no bound."),
		form.At("min_savings", amounts(), func(b *Budget) *attention.Amount { return &b.Settings.MinSavings }, "What saves less a month becomes no issue."),
		form.At("unknown_savings", words(map[string]bool{"pass": false, "fail": true}), func(b *Budget) *bool { return &b.Settings.UnknownFails }, "Whether what has no saving in the currency of min_savings becomes an issue: pass, or fail."),
		form.At("calendar", form.Text(), func(b *Budget) *string { return &b.Calendar }, "The name of a calendar that says when issues may be made."),
		form.At("digest", form.Bool(), func(b *Budget) *bool { return &b.Settings.Digest }, "Each project keeps one issue that tells of what waits there under this budget."),
		form.At("except", Severities(), func(b *Budget) *finding.Severity { return &b.Settings.Except }, "Findings as severe as this are not bounded."),
	).Then(func(n *form.Node, b *Budget) { b.Node = n })
}

func amounts() form.Value[attention.Amount] {
	return form.Parsed(form.Money(), func(a form.Amount) (attention.Amount, error) {
		return attention.Amount{Value: a.Value, Currency: a.Currency}, nil
	})
}

// words is one of a few words that stand for something.
func words[T any](meaning map[string]T) form.Value[T] {
	var known []string
	for word := range meaning {
		known = append(known, word)
	}
	slices.Sort(known)
	return form.Parsed(form.Choice(known...), func(word string) (T, error) { return meaning[word], nil })
}

// Severities reads the name of a severity that is known.
func Severities() form.Value[finding.Severity] {
	var names []string
	for s := finding.Informational; s <= finding.Fatal; s++ {
		names = append(names, strings.ToLower(s.String()))
	}
	return form.Parsed(form.Choice(names...), func(name string) (finding.Severity, error) {
		s, _ := fact.ParseSeverity(name)
		return s, nil
	})
}

// Calendars reads when issues may be made.
func Calendars() form.Value[attention.Calendar] {
	zone := form.Parsed(form.Text(), attention.ParseZone)
	days := map[string]time.Weekday{}
	for d := time.Sunday; d <= time.Saturday; d++ {
		days[strings.ToLower(d.String())] = d
	}
	return form.Object(
		form.At("time_zone", zone, func(c *attention.Calendar) **time.Location { return &c.Zone }, "The time zone of days and hours, such as Europe/Berlin; left out, UTC."),
		form.At("working_days", form.Some(words(days)), func(c *attention.Calendar) *[]time.Weekday { return &c.Days }, "The days on which issues are made; left out, every day."),
		form.At("quiet", form.Some(hours()), func(c *attention.Calendar) *[]attention.Hours { return &c.Quiet }, "Hours of every day in which none is made, over midnight too."),
		form.At("freezes", form.Some(freezes()), func(c *attention.Calendar) *[]attention.Freeze { return &c.Freezes }, "Days on which none is made."),
	).Then(func(n *form.Node, c *attention.Calendar) {
		for _, f := range (attention.Budget{Calendar: *c}).Faults() {
			n.Under(strings.ToLower(strings.TrimPrefix(f.Field, "Calendar."))).Wrong(f.Mend, "%s", f.Message)
		}
	})
}

func hours() form.Value[attention.Hours] {
	clock := form.Parsed(form.Text(), attention.ParseClock)
	return form.Object(
		form.At("from", clock, func(h *attention.Hours) *attention.Clock { return &h.From }, "The time at which they begin, such as 22:00.").Required(),
		form.At("to", clock, func(h *attention.Hours) *attention.Clock { return &h.To }, "The time at which they end.").Required(),
	)
}

func dates() form.Value[attention.Date] { return form.Parsed(form.Text(), attention.ParseDate) }

func freezes() form.Value[attention.Freeze] {
	return form.Object(
		form.At("from", dates(), func(f *attention.Freeze) *attention.Date { return &f.From }, "The first day, such as 2026-12-20.").Required(),
		form.At("to", dates(), func(f *attention.Freeze) *attention.Date { return &f.To }, "The last day.").Required(),
		form.At("reason", form.Text(), func(f *attention.Freeze) *string { return &f.Reason }, "Why, for people."),
	)
}

// Campaign is one as it is read: its name is put in later.
type Campaign struct {
	Settings attention.Campaign
	Node     *form.Node
}

// Campaigns reads a set of issues with a goal.
func Campaigns() form.Value[Campaign] {
	return form.Object(
		form.At("from", dates(), func(c *Campaign) *attention.Date { return &c.Settings.From }, "The first day, such as 2026-12-01.").Required(),
		form.At("to", dates(), func(c *Campaign) *attention.Date { return &c.Settings.To }, "The last day.").Required(),
		form.At("time_zone", form.Parsed(form.Text(), attention.ParseZone), func(c *Campaign) **time.Location { return &c.Settings.Zone }, "The time zone of its days; left out, UTC."),
		form.At("rules", form.Some(form.Text()), func(c *Campaign) *[]string { return &c.Settings.Rules }, "The rules whose issues are the campaign's.").Required(),
		form.At("goal", goals(), func(c *Campaign) *attention.Goal { return &c.Settings.Goal }, "What is to be reached: an amount saved per month such as 5000 USD, or a number of issues. Left out: all of its issues."),
	).Then(func(n *form.Node, c *Campaign) { c.Node = n })
}

func goals() form.Value[attention.Goal] {
	money, issues := amounts(), form.Whole(1, most)
	schema := form.Schema{"anyOf": []form.Schema{money.Schema, issues.Schema}}
	return form.Value[attention.Goal]{Schema: schema, Read: func(n *form.Node, into *attention.Goal) {
		if n.Texts() {
			money.Read(n, &into.Savings)
			return
		}
		issues.Read(n, &into.Issues)
	}}
}
