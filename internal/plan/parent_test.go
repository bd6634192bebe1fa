package plan_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// listing is a step about an issue that lists others.
func listing(verb plan.Verb, saves int64, made int, not ...rule.GroupKey) plan.Step {
	s := saving(verb, "parent", saves)
	s.Beneath = &plan.Beneath{Made: made, Not: not}
	return s
}

func saving(verb plan.Verb, group rule.GroupKey, saves int64) plan.Step {
	return plan.Step{Verb: verb, Group: group, Savings: money.Known(decimal.NewFromInt(saves)), Currency: "USD", Want: &issue.Desired{}, Reason: string(group)}
}

// TestParents says when an issue that lists others is made.
func TestParents(t *testing.T) {
	waits := saving(plan.Create, "a", 5)
	waits.Verb, waits.Answer, waits.Want = plan.Nothing, attention.Answer{Outcome: attention.Waits}, nil
	for name, c := range map[string]struct {
		steps  []plan.Step
		coming func(rule.GroupKey) bool
		want   plan.Verb
	}{
		"one is made in the plan":    {[]plan.Step{listing(plan.Create, 5, 0, "a", "b"), saving(plan.Create, "b", 5)}, nil, plan.Create},
		"one is there":               {[]plan.Step{listing(plan.Create, 5, 1, "a")}, nil, plan.Create},
		"one is made besides":        {[]plan.Step{listing(plan.Create, 5, 0, "a")}, func(key rule.GroupKey) bool { return key == "a" }, plan.Create},
		"none":                       {[]plan.Step{listing(plan.Create, 5, 0, "a"), saving(plan.Create, "b", 5)}, func(rule.GroupKey) bool { return false }, plan.Nothing},
		"one waits under a budget":   {[]plan.Step{listing(plan.Create, 5, 0, "a"), waits}, nil, plan.Nothing},
		"one changes, and lists all": {[]plan.Step{listing(plan.Update, 5, 0, "a")}, nil, plan.Update},
	} {
		in := plan.New(c.steps, 3)
		in.Capped, in.Held = 7, plan.Held{Why: []string{"x"}}
		p := plan.Parents(in, c.coming)
		for _, s := range p.Steps {
			if s.Beneath != nil && (s.Verb != c.want || s.Later || s.Verb == plan.Nothing && s.Want != nil) {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if len(p.Steps) != len(c.steps) || p.Capped != 7 || len(p.Held.Why) != 1 || p.Unchanged != 3 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestParentsLast: what lists others is written after all else, and adds nothing to a
// sum.
func TestParentsLast(t *testing.T) {
	p := plan.New([]plan.Step{listing(plan.Close, 90, 1), listing(plan.Create, 80, 1), saving(plan.Update, "a", 1), saving(plan.Create, "b", 2), saving(plan.Nothing, "c", 3)}, 0)
	got := ""
	totals := money.Totals{}
	for _, s := range p.Steps {
		got += string(s.Verb) + string(s.Group) + " "
		totals.Add(s.Counts())
	}
	if want := "+b ~a -parent +parent =c "; got != want || totals.Show() != "6.00 USD" {
		t.Errorf("%s, %s", got, totals.Show())
	}
	rest, parents := plan.Apart(p.Changes())
	if len(rest) != 2 || len(parents) != 2 {
		t.Errorf("%d and %d", len(rest), len(parents))
	}
	held := listing(plan.Nothing, 80, 0)
	held.Answer = attention.Answer{Outcome: attention.Waits, Project: 1}
	other := saving(plan.Nothing, "a", 5)
	other.Answer = held.Answer
	if b := plan.Backlogs(plan.New([]plan.Step{held, other}, 0), plan.Limits{}); len(b) != 1 || b[0].Savings.Show() != "5.00 USD" || len(b[0].Lines) != 2 {
		t.Errorf("%+v", b)
	}
	if !listing(plan.Create, 1, 0, "a").Vain() || listing(plan.Create, 1, 1).Vain() || listing(plan.Close, 1, 0).Vain() || saving(plan.Create, "a", 1).Vain() {
		t.Error("what is in vain")
	}
}
