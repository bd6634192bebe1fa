package stand_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/plan/stand"
	"cxm/internal/rule"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// created is a finding whose issue is to be created.
func created() stand.Case {
	return stand.Case{
		Now: noon(), Connected: true, Source: "aws-cost-optimization-hub", Scope: "default", Rule: "default",
		Sighting: finding.Sighting{Detection: finding.Present, Since: noon()},
		Last:     finding.Pull{ID: 1, Complete: true, ReceivedAt: noon()}, Group: rule.Group{Key: rule.NewGroupKey("a"), Members: make([]rule.Member, 1)},
		Step: plan.Step{Verb: plan.Create, Reason: "reported, and no issue says so yet"},
	}
}

func tracked(phase issue.Phase, state issue.State) *issue.Tracked {
	return &issue.Tracked{Phase: phase, Observed: issue.Observed{IID: 12, State: state, WebURL: "https://gitlab.example.com/acme/platform/-/issues/12"}}
}

func excepted() finding.Decided {
	return finding.Decided{Decision: finding.Exception, By: "ada", At: noon(), Reason: "a test system"}
}

// shelved is a group all of which is set aside.
func shelved() rule.Group {
	return rule.Group{Members: []rule.Member{{Sighting: finding.Sighting{Detection: finding.Present}, Decided: excepted()}}}
}

func TestOf(t *testing.T) {
	nothing := plan.Step{Verb: plan.Nothing, Reason: "as the rules say"}
	for _, c := range []struct {
		want   stand.Stage
		change func(*stand.Case)
		says   string
	}{
		{stand.Planned, func(*stand.Case) {}, "creates its issue"},
		{stand.Planned, func(c *stand.Case) {
			c.Step.Verb, c.Current = plan.Reopen, tracked(issue.Live, issue.Closed)
		}, "reopens its issue"},
		{stand.Planned, func(c *stand.Case) {
			c.Past = &plan.Entry{Outcome: plan.Skipped, Trouble: "the issue changed since the plan", EndedAt: noon()}
		}, "changed since the plan"},
		{stand.NotConnected, func(c *stand.Case) { c.Connected = false }, "connect gitlab"},
		{stand.InDoubt, func(c *stand.Case) { c.Current = tracked(issue.InDoubt, "") }, "answer was lost"},
		{stand.InDoubt, func(c *stand.Case) { c.Current = tracked(issue.Intended, "") }, "answer was lost"},
		{stand.Lost, func(c *stand.Case) { c.Current = tracked(issue.Lost, issue.Opened) }, "#12 cannot be seen"},
		{stand.NoAccess, func(c *stand.Case) { c.NoAccess = "Token was revoked" }, "cxm token replace"},
		{stand.Held, func(c *stand.Case) { c.HeldBy, c.HeldWhy = 8, "it would create 300 issues" }, "cxm approve 8"},
		{stand.Running, func(c *stand.Case) { c.RunsIn = 9 }, "run 9 is under way"},
		{stand.Broken, func(c *stand.Case) { c.Broken = "project 3 failed" }, "project 3 failed"},
		{stand.Broken, func(c *stand.Case) { c.RunsIn, c.Broken = 9, "project 3 failed" }, "project 3 failed"}, // its run waits for that
		{stand.Capped, func(c *stand.Case) { c.Capped = "at most 5 new ones an hour" }, "at most 5"},
		{stand.Failed, func(c *stand.Case) {
			c.Past = &plan.Entry{Outcome: plan.Failed, Trouble: "403 Forbidden", EndedAt: noon()}
		}, "403 Forbidden"},
		{stand.Planned, func(c *stand.Case) {
			c.Step.Verb, c.Capped, c.Current = plan.Reopen, "at most 5 new ones an hour", tracked(issue.Live, issue.Closed)
		}, "reopens"}, // caps are about new issues
		{stand.HasIssue, func(c *stand.Case) { c.Step, c.Current = nothing, tracked(issue.Live, issue.Opened) }, "there is an issue"},
		{stand.Resting, func(c *stand.Case) { c.Step, c.Current = nothing, tracked(issue.Live, issue.Closed) }, "#12 is closed: as the rules say"},
		{stand.SetAside, func(c *stand.Case) { c.Step, c.Decided = nothing, excepted() }, "people set it aside, excepted without an end by ada: a test system Take the decision back"},
		{stand.SetAside, func(c *stand.Case) {
			c.Decided, c.Group, c.Current = excepted(), shelved(), tracked(issue.Live, issue.Opened)
		}, "its issue #12 says so, and stays open until people close it"},
		{stand.SetAside, func(c *stand.Case) {
			c.Step, c.Decided, c.Current = nothing, excepted(), tracked(issue.Live, issue.Opened)
		}, "#12 is about the other findings of its group"},
		{stand.SetAside, func(c *stand.Case) {
			c.Step, c.Decided, c.Current = nothing, excepted(), tracked(issue.Live, issue.Closed)
		}, "a test system"},
		{stand.Lost, func(c *stand.Case) { c.Decided, c.Current = excepted(), tracked(issue.Lost, issue.Opened) }, "cannot be seen"},
		{stand.Absent, func(c *stand.Case) { c.Step, c.Decided, c.Sighting.Detection = plan.Step{}, excepted(), finding.Absent }, "it is gone"},
		{stand.Planned, func(c *stand.Case) { c.Decided = finding.Decided{Decision: finding.Snoozed, Until: noon()} }, "creates its issue"},
		{stand.Absent, func(c *stand.Case) { c.Step, c.Sighting.Detection = plan.Step{}, finding.Absent }, "it is gone since 2026-03-14"},
		{stand.Unknown, func(c *stand.Case) { c.Step, c.Sighting.Detection = nothing, finding.Unknown }, "does not say"},
		{stand.Missing, func(c *stand.Case) { c.Step, c.Sighting.Absences = nothing, 1 }, "missing from the last 1"},
		{stand.Settled, func(c *stand.Case) { c.Step = nothing }, "as the rules say"},
	} {
		x := created()
		c.change(&x)
		got := stand.Of(x)
		if got.Stage != c.want || !strings.Contains(got.Answer+" "+got.Mend, c.says) {
			t.Errorf("%q: %q, %s; want %q with %q", c.want, got.Stage, got.Answer+" -> "+got.Mend, c.want, c.says)
		}
		if (got.URL != "") != (x.Current != nil) {
			t.Errorf("%q: the issue's address is %q", c.want, got.URL)
		}
	}
}

func TestPath(t *testing.T) {
	c := created()
	c.Last.Complete, c.Last.Reasons, c.Last.Skipped, c.Complete = false, []string{"a page is missing"}, 2, noon().AddDate(0, 0, -3)
	c.Group.Members = make([]rule.Member, 3)
	c.Decided = finding.Decided{Decision: finding.Snoozed, By: "ada", Until: noon()}
	got := strings.Join(stand.Of(c).Path, "\n")
	for _, want := range []string{"snoozed until 2026-03-14 12:00 UTC by ada (that has passed)", "scope default", "not complete (a page is missing), complete last on 2026-03-11", "2 records", "present since 2026-03-14", "rule default", "with 2 other findings"} {
		if !strings.Contains(got, want) {
			t.Errorf("the path has no %q:\n%s", want, got)
		}
	}
}
