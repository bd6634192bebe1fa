package plan_test

import (
	"strings"
	"testing"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// TestDecideRegrouped has a case for every row at plan.Decide about groups that
// rules took their findings from, or make no issue of.
func TestDecideRegrouped(t *testing.T) {
	const there = "https://gitlab.example.com/99"
	present := group(member("aws", "43.08", finding.Present, 0))
	left := group(member("aws", "43.08", finding.Absent, 0))
	left.Left = &rule.Elsewhere{Group: rule.NewGroupKey("other"), Issues: map[int64]string{1: there, 2: "https://gitlab.example.com/1"}}
	nowhere := left
	nowhere.Left = &rule.Elsewhere{Group: rule.NewGroupKey("other")}
	with := func(d finding.Detection, absences int) rule.Group {
		g := group(member("aws", "43.08", d, absences))
		g.Ignored = "less than 5 USD"
		return g
	}
	ignored, unknown, gone := with(finding.Present, 0), with(finding.Unknown, 0), with(finding.Absent, 2)
	for name, c := range map[string]struct {
		group  rule.Group
		have   []issue.Tracked
		verb   plan.Verb
		reason string
	}{
		"its findings left":                       {left, []issue.Tracked{existing(present)}, plan.Close, "its findings are in another issue now: " + there},
		"its findings left for no issue":          {nowhere, []issue.Tracked{existing(present)}, plan.Close, "its findings are in another issue now"},
		"its findings left, reopened by a person": {left, []issue.Tracked{existing(present, closedByCxm(day1), see(reopenedByPerson))}, plan.Nothing, "theirs to close"},
		"its findings left, closed":               {left, []issue.Tracked{existing(present, closedByCxm(day1))}, plan.Nothing, "its issue is closed"},
		"its findings left, no issue":             {left, nil, "", ""},
		"ignored":                                 {ignored, nil, plan.Nothing, "no rule makes an issue of it: less than 5 USD"},
		"ignored, not in the last snapshots":      {with(finding.Present, 1), nil, plan.Nothing, "no rule makes an issue of it"},
		"ignored and gone":                        {gone, nil, "", ""},
		"ignored, open":                           {ignored, []issue.Tracked{existing(present)}, plan.Close, "no rule makes an issue of it any more: less than 5 USD"},
		"ignored, unknown, open":                  {unknown, []issue.Tracked{existing(present)}, plan.Close, "no rule makes an issue of it any more"},
		"ignored and gone, open":                  {gone, []issue.Tracked{existing(present)}, plan.Close, "missing from 2 complete snapshots"},
		"ignored, reopened by cxm just now":       {ignored, []issue.Tracked{existing(present, reopenedByCxm(day1))}, plan.Close, "no rule makes an issue of it any more"},
		"ignored, reopened by a person":           {ignored, []issue.Tracked{existing(present, closedByCxm(day1), see(reopenedByPerson))}, plan.Nothing, "theirs to close"},
		"ignored, closed by cxm":                  {ignored, []issue.Tracked{existing(present, closedByCxm(day1.Add(-time.Hour)))}, plan.Nothing, "its issue is closed"},
		"ignored, closed long ago":                {ignored, []issue.Tracked{existing(present, closedByCxm(day1.AddDate(-1, 0, 0)))}, plan.Nothing, "its issue is closed"},
		"ignored, in doubt":                       {ignored, []issue.Tracked{existing(present, inPhase(issue.InDoubt))}, plan.Nothing, "in doubt"},
		"ignored, lost":                           {ignored, []issue.Tracked{existing(present, inPhase(issue.Lost), func(t *issue.Tracked) { t.Missing = 9 })}, plan.Nothing, "cannot be seen"},
		"ignored, a late duplicate":               {ignored, []issue.Tracked{existing(present, inPhase(issue.Duplicate))}, plan.Close, "no rule makes an issue of it any more"},
	} {
		policy := plan.DefaultPolicy()
		policy.Recreate = true
		steps := plan.Decide(policy, plan.Case{Now: day1, Group: c.group, Want: issue.Render(c.group), Have: c.have})
		if c.verb == "" {
			if len(steps) > 0 {
				t.Errorf("%s: %+v", name, steps)
			}
			continue
		}
		if len(steps) != 1 || steps[0].Verb != c.verb || !strings.Contains(steps[0].Reason, c.reason) {
			t.Errorf("%s: %+v", name, steps)
			continue
		}
		if s := steps[0]; s.Verb == plan.Close && (s.Change.State != issue.Closed || !strings.Contains(*s.Change.Description, plan.ClosedWords+" on 2026-03-01: "+s.Reason+".")) {
			t.Errorf("%s: the issue would say %+v", name, s.Change)
		}
	}
}

// TestDecideRenamesMarker: an issue that another group had is named anew with the
// next write.
func TestDecideRenamesMarker(t *testing.T) {
	before := group(member("aws", "43.08", finding.Present, 0))
	now := group(member("aws", "90", finding.Present, 0))
	now.Key = rule.NewGroupKey("another")
	steps := plan.Decide(plan.DefaultPolicy(), plan.Case{Now: day1, Group: now, Want: issue.Render(now), Have: []issue.Tracked{existing(before)}})
	if len(steps) != 1 || steps[0].Verb != plan.Update {
		t.Fatalf("%+v", steps)
	}
	own, ok := issue.Own(*steps[0].Change.Description, mark.Nonce)
	if !ok || own.Marker.Group != now.Key {
		t.Errorf("the marker names %s", own.Marker.Group)
	}
}
