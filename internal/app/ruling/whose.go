package ruling

import (
	"context"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/rule/owner"
)

// Whose says whose a finding is that a rule put where it is, as the rule says, or as
// the finding itself does: nobody is asked. Rules without a chain leave it to the
// finding's tags. Empty: that is not known, or is not sure enough.
func (c *Compiled) Whose() func(rule string, f finding.Finding) string {
	r := &Ruler{book: c, deciders: owner.New(c.Ownership().Settings)}
	tags := owner.New(owner.Settings{Chain: owner.DefaultChain()[:1], People: c.Ownership().People})
	chained := len(c.Ownership().Chain) > 0
	return func(name string, f finding.Finding) string {
		of, known := c.Rule(name)
		if !known {
			return ""
		}
		g := rule.Group{Rule: name, Members: []rule.Member{{Finding: f, Sighting: finding.Sighting{Detection: f.Detection}}}}
		whose, _ := r.owner(context.Background(), of, g)
		if whose.Name == "" && !chained {
			whose = tags.Decide(owner.Of(&f))
		}
		if whose.Triage {
			return ""
		}
		return whose.Name
	}
}
