package reconcile

import (
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
)

// TestDecideIsDecide: leaving the body out until it is needed decides nothing
// differently, whatever the group says now, said before, and people made of it.
func TestDecideIsDecide(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	verbs := map[plan.Verb]int{}
	all := []plan.Verb{plan.Create, plan.Update, plan.Close, plan.Reopen, plan.Nothing}
	missing := func(v plan.Verb) bool { return verbs[v] == 0 }
	for round := 0; round < 50 && (round == 0 || slices.ContainsFunc(all, missing)); round++ { // cases are drawn until every verb came up
		rapid.Check(t, func(t *rapid.T) {
			was, is := drawGroup(t), drawGroup(t)
			if rapid.Bool().Draw(t, "same") {
				is = was
			}
			c := plan.Case{Now: now, Group: is, Want: issue.Render(is)}
			for range rapid.IntRange(0, 2).Draw(t, "issues") {
				c.Have = append(c.Have, drawIssue(t, was, now))
			}
			want := plan.Decide(plan.DefaultPolicy(), c)
			got := decide(plan.DefaultPolicy(), plan.Case{Now: now, Have: c.Have}, is, Ruling{Route: c.Want.Route})
			for i := range want {
				verbs[want[i].Verb]++
				if want[i].Verb == plan.Nothing {
					want[i].Have = slim(want[i].Have)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-with the body +without):\n%s", diff)
			}
		})
	}
	for _, v := range all {
		if missing(v) {
			t.Errorf("no case came to %s", v.Word())
		}
	}
}

// TestEmptiedBlock: a block whose body a person took out is no more what an
// outline says than what the issue should say.
func TestEmptiedBlock(t *testing.T) {
	f := finding.Finding{FindingKey: finding.NewKey("test"), Kind: finding.Custom, SourceSystem: "test", Title: "Look", Detection: finding.Present}
	g := rule.Group{Key: rule.NewGroupKey("a"), Version: 1, Members: []rule.Member{{Finding: f, Sighting: finding.Sighting{Detection: finding.Present}}}}
	want := issue.Render(g)
	mark := issue.Marker{Installation: strings.Repeat("0", 16), Group: g.Key, Nonce: strings.Repeat("a", 26)}
	draft := issue.Compose(want, mark, "")
	o := issue.Observed{ID: 1, ProjectID: 7, IID: 2, Title: draft.Title, Description: draft.Description, Labels: draft.Labels, State: issue.Opened}
	tracked := issue.Intend(1, 7, mark.Nonce, want, "").Wrote(want, "", true, o)
	empty := want
	empty.Body = ""
	o.Description = empty.Block(mark, "")
	steps := decide(plan.DefaultPolicy(), plan.Case{Have: []issue.Tracked{tracked.Seen(o)}}, g, Ruling{})
	if len(steps) != 1 || steps[0].Verb != plan.Update || *steps[0].Change.Description != draft.Description {
		t.Errorf("the steps are %+v", steps)
	}
}

// drawGroup is a group of one or two claims about a disk.
func drawGroup(t *rapid.T) rule.Group {
	g := rule.Group{Key: rule.NewGroupKey("disk"), Version: 3}
	for i := range rapid.IntRange(1, 2).Draw(t, "members") {
		f := finding.Finding{
			FindingKey: finding.NewKey("test", string(rune('a'+i))), Kind: finding.Cost, SourceSystem: "test", ResourceID: "disk",
			Title: rapid.SampledFrom([]string{"Delete disk", "Stop disk"}).Draw(t, "title"), Detection: finding.Present,
			SeverityID:              finding.Severity(rapid.IntRange(0, 6).Draw(t, "severity")),
			EstimatedMonthlySavings: money.Known(decimal.NewFromInt(rapid.SampledFrom([]int64{10, 11, 30}).Draw(t, "savings"))), BillingCurrency: "USD",
		}
		g.Members = append(g.Members, rule.Member{Finding: f, Sighting: finding.Sighting{
			Detection: rapid.SampledFrom([]finding.Detection{finding.Present, finding.Present, finding.Absent, finding.Unknown}).Draw(t, "detection"),
			Absences:  rapid.IntRange(0, 1).Draw(t, "absences"),
		}})
	}
	return g
}

// drawIssue is an issue that cxm wrote for the group, after people had their way
// with it.
func drawIssue(t *rapid.T, g rule.Group, now time.Time) issue.Tracked {
	want := issue.Render(g)
	mark := issue.Marker{Installation: strings.Repeat("0", 16), Group: g.Key, Nonce: strings.Repeat("a", 26)}
	draft := issue.Compose(want, mark, "")
	state := rapid.SampledFrom([]issue.State{issue.Opened, issue.Closed}).Draw(t, "state")
	o := issue.Observed{ID: 101, ProjectID: 7, IID: 12, Title: draft.Title, Description: draft.Description, Labels: draft.Labels, State: state, CreatedAt: now.AddDate(0, -2, 0), UpdatedAt: now.AddDate(0, -1, 0)}
	if state == issue.Closed {
		o.ClosedAt = now.AddDate(0, 0, -rapid.IntRange(1, 60).Draw(t, "closed"))
	}
	tracked := issue.Intend(1, 7, mark.Nonce, want, "").Wrote(want, "", true, o)
	tracked.ID = 11
	switch rapid.IntRange(0, 4).Draw(t, "people") {
	case 0: // took the block away
		o.Description = "mine"
	case 1: // emptied it
		want.Body = ""
		o.Description = want.Block(mark, "")
	case 2: // wrote into it
		o.Description = "before\n" + strings.Replace(draft.Description, "disk", "our disk", 1) + "\nafter"
	case 3: // the other state
		o.State = rapid.SampledFrom([]issue.State{issue.Opened, issue.Closed}).Draw(t, "now")
	}
	tracked = tracked.Seen(o)
	tracked.Phase = rapid.SampledFrom([]issue.Phase{issue.Live, issue.Live, issue.Live, issue.InDoubt, issue.Lost, issue.Retired, issue.Duplicate, issue.Intended}).Draw(t, "phase")
	tracked.Written.Repeats = rapid.IntRange(0, 2).Draw(t, "repeats")
	return tracked
}
