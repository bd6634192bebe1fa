package plan_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// listed is a group of two disks with what the first saves, and its issue, as a
// look with a checklist has it.
func listed(savings string, second finding.Detection) (rule.Group, issue.Desired) {
	a, b := member("aws", savings, finding.Present, 0), member("acme", "5", second, 0)
	b.Finding.ResourceID = "vol-0123456789abcdef1"
	if second == finding.Absent {
		b.Sighting.Absences = 2
	}
	g := group(a, b)
	want, err := issue.RenderAs(g, issue.Look{Checklist: true})
	if err != nil {
		panic(err)
	}
	return g, want
}

// withList is the issue that cxm made, after people edited its description.
func withList(g rule.Group, want issue.Desired, edit func(string) string) issue.Tracked {
	marker := mark
	marker.Group = g.Key
	draft := issue.Compose(want, marker, "")
	t := issue.Intend(1, 7, marker.Nonce, want, "")
	t.ID, t.Rev = 11, 1
	t = t.Wrote(want, "", true, issue.Observed{
		ID: 101, ProjectID: 7, IID: 12, WebURL: "https://gitlab.example.com/12", Title: draft.Title, Description: draft.Description, Labels: draft.Labels,
		State: issue.Opened, CreatedAt: day1, UpdatedAt: day1,
	})
	see(func(o *issue.Observed) { o.Description = edit(o.Description) })(&t)
	return t
}

func tickFirst(text string) string { return strings.Replace(text, "- [ ] ", "- [x] ", 1) }

// TestTicks: ticks inside cxm's block are people's, no edit of what cxm wrote, and
// outlive every write of cxm's.
func TestTicks(t *testing.T) {
	g, want := listed("10", finding.Present)
	decide := func(g rule.Group, want issue.Desired, have issue.Tracked) plan.Step {
		t.Helper()
		steps := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: g, Want: want, Have: []issue.Tracked{have}})
		if len(steps) != 1 {
			t.Fatalf("%d steps", len(steps))
		}
		return steps[0]
	}
	ticked := withList(g, want, tickFirst)
	if s := decide(g, want, ticked); s.Verb != plan.Nothing || s.Reason != "says what it should" {
		t.Errorf("a tick: %s %s", s.Verb, s.Reason)
	}
	all := withList(g, want, func(text string) string { return strings.ReplaceAll(text, "- [ ] ", "- [x] ") })
	if s := decide(g, want, all); s.Verb != plan.Nothing {
		t.Errorf("every line ticked: %s %s", s.Verb, s.Reason)
	}

	dearer, more := listed("90", finding.Present)
	s := decide(dearer, more, ticked)
	if s.Verb != plan.Update || s.Change.Description == nil || strings.Count(*s.Change.Description, "- [x] `vol-0123456789abcdef0`") != 1 || strings.Count(*s.Change.Description, "- [x] ") != 1 || !strings.Contains(*s.Change.Description, "90.00 USD") {
		t.Fatalf("an update: %s, %v", s.Reason, s.Change)
	}
	after := ticked.Wrote(more, "", true, issue.Observed{ID: 101, ProjectID: 7, IID: 12, Title: more.Title, Description: *s.Change.Description, Labels: more.Labels, State: issue.Opened, UpdatedAt: day1})
	if after.Written.Repeats != 0 {
		t.Errorf("a tick counts as an edit that cxm undid: %d repeats", after.Written.Repeats)
	}
	if s := decide(dearer, more, after); s.Verb != plan.Nothing {
		t.Errorf("after the update: %s %s", s.Verb, s.Reason)
	}

	less, fewer := listed("10", finding.Absent)
	s = decide(less, fewer, ticked)
	if s.Verb != plan.Update || strings.Count(*s.Change.Description, "- [x] `vol-0123456789abcdef0`") != 1 || strings.Count(*s.Change.Description, "- [x] ~~`vol-0123456789abcdef1`") != 1 {
		t.Errorf("one of two is gone: %s\n%v", s.Reason, *s.Change.Description)
	}

	edited := withList(g, want, func(text string) string { return strings.Replace(tickFirst(text), "saves 10.00", "saves 99.00", 1) })
	s = decide(g, want, edited)
	if s.Verb != plan.Update || !strings.Contains(s.Reason, "somebody edited inside") || *s.Change.Description != ticked.Observed.Description {
		t.Errorf("an edit besides the tick: %s %s", s.Verb, s.Reason)
	}
}

// TestTicksGoAlong: an issue that takes the place of one in another project is
// ticked as that was.
func TestTicksGoAlong(t *testing.T) {
	g, want := listed("10", finding.Present)
	policy := plan.DefaultPolicy()
	policy.OnRoute = rule.CloseAndLink
	was := withList(g, want, tickFirst)
	was.Routed, was.Written.State, was.Observed.State = 7, issue.Closed, issue.Closed
	was.Observed.ClosedAt = day1
	want.Route = rule.Route{Project: 8}
	steps := plan.Decide(policy, plan.Case{Now: day1, Group: g, Want: want, Have: []issue.Tracked{was}})
	if len(steps) != 1 || steps[0].Verb != plan.Create || !strings.Contains(steps[0].Want.Body, "- [x] `vol-0123456789abcdef0`") {
		t.Errorf("steps = %+v", steps)
	}
}

// TestSeveralResources: what a group of several resources is worth is their sum,
// each counted once, and that is what decides.
func TestSeveralResources(t *testing.T) {
	g, want := listed("10", finding.Present)
	if !want.Savings.Decimal.Equal(decimal.NewFromInt(15)) || want.Currency != "USD" {
		t.Errorf("worth %v %s", want.Savings, want.Currency)
	}
	g.Members[0].Finding.EstimatedMonthlySavings = money.Unknown()
	if amount, _ := g.Savings(); !amount.Valid || amount.Decimal.GreaterThan(decimal.NewFromInt(10)) {
		t.Errorf("worth %v", amount)
	}
}
