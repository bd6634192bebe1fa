package rule_test

import (
	"testing"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
)

// TestAsOf: what is set aside leaves the group while it is, and what is left decides
// whether all of it is shelved.
func TestAsOf(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	end := now.Add(time.Hour)
	const present, absent, unknown = finding.Present, finding.Absent, finding.Unknown
	open, no := finding.Decided{}, finding.Decided{Decision: finding.Exception}
	later, over := finding.Decided{Decision: finding.Snoozed, Until: end}, finding.Decided{Decision: finding.Snoozed, Until: now}
	yes := finding.Decided{Decision: finding.Accepted}
	type member struct {
		detection finding.Detection
		decided   finding.Decided
	}
	for name, c := range map[string]struct {
		members []member
		left    int // members
		aside   int
		shelved bool
		ends    bool
	}{
		"undecided":              {[]member{{present, open}}, 1, 0, false, false},
		"accepted":               {[]member{{present, yes}}, 1, 0, false, false},
		"excepted":               {[]member{{present, no}}, 1, 1, true, false},
		"snoozed":                {[]member{{present, later}}, 1, 1, true, true},
		"its time has passed":    {[]member{{present, over}}, 1, 0, false, false},
		"not known to be there":  {[]member{{unknown, no}}, 1, 1, true, false},
		"gone":                   {[]member{{absent, no}}, 1, 0, false, false},
		"one of two":             {[]member{{present, no}, {present, open}}, 1, 1, false, false},
		"both":                   {[]member{{present, no}, {present, later}}, 2, 2, true, true},
		"what is left is gone":   {[]member{{present, no}, {absent, open}}, 2, 1, true, false},
		"one of three, one gone": {[]member{{present, later}, {absent, no}, {present, open}}, 2, 1, false, true},
	} {
		g := rule.Group{Key: rule.NewGroupKey("a")}
		for i, m := range c.members {
			g.Members = append(g.Members, rule.Member{Finding: finding.Finding{FindingKey: finding.NewKey("a", string(rune('a'+i)))}, Sighting: finding.Sighting{Detection: m.detection}, Decided: m.decided})
		}
		got := g.AsOf(now)
		if _, ends := got.Until(); len(got.Members) != c.left || len(got.Aside) != c.aside || got.Shelved != c.shelved || ends != c.ends {
			t.Errorf("%s: %d members, %d aside, shelved %v, ends %v", name, len(got.Members), len(got.Aside), got.Shelved, ends)
		}
		if len(g.Members) != len(c.members) || g.Aside != nil {
			t.Errorf("%s: the group itself was changed", name)
		}
		if again := got.AsOf(end); len(again.Aside) != len(got.Aside) && c.aside > 0 {
			t.Errorf("%s: asked again it is another group", name)
		}
	}
}
