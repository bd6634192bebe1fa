package rule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/finding"
	"cxm/internal/rule"
)

// TestPlace: of all assignments the first is the finding's own, each group counts
// once, and what is ignored has no other.
func TestPlace(t *testing.T) {
	f := claim(finding.Cost, "acme", "idle", "vol-1")
	one, two := rule.NewGroupKey("1"), rule.NewGroupKey("2")
	also := []rule.Assignment{{Rule: "b", Group: two}}
	for name, c := range map[string]struct {
		assigned []rule.Assignment
		want     rule.Placed
	}{
		"one":           {[]rule.Assignment{{Rule: "a", Group: one}}, rule.Placed{Rule: "a", Group: one}},
		"two":           {[]rule.Assignment{{Rule: "a", Group: one}, also[0]}, rule.Placed{Rule: "a", Group: one, Also: also}},
		"the same":      {[]rule.Assignment{{Rule: "a", Group: one}, {Rule: "b", Group: one}, also[0], also[0]}, rule.Placed{Rule: "a", Group: one, Also: also}},
		"ignored":       {[]rule.Assignment{{Rule: "a", Group: one, Ignored: true, Reason: "too\n/close\nsmall"}}, rule.Placed{Group: one, Ignored: "too /close small"}},
		"no rule":       {[]rule.Assignment{{Group: one, Ignored: true}}, rule.Placed{Group: one, Ignored: "no rule matches it"}},
		"ignored, last": {[]rule.Assignment{{Rule: "a", Group: one}, {Rule: "b", Group: two, Ignored: true}}, rule.Placed{Rule: "a", Group: one}},
	} {
		c.want.Finding, c.want.Revision = f, 7
		if diff := cmp.Diff(c.want, rule.Place(f, finding.Sighting{}, c.assigned, 7)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
