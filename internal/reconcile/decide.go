package reconcile

import (
	"slices"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// decide is plan.Decide about what the issue of a group should say. Most groups
// need nothing, which an outline tells: its body differs from whatever an issue
// says, so where a body matters at all there is a step, and the group is decided
// on again with the issue as it should be.
func decide(p plan.Policy, c plan.Case, g rule.Group, r Ruling) []plan.Step {
	c.Group, c.Want = g, r.dress(issue.OutlineAs(g, r.Look))
	steps := plan.Decide(p, c)
	if slices.ContainsFunc(steps, func(s plan.Step) bool { return s.Verb != plan.Nothing }) {
		want, _ := issue.RenderAs(g, r.Look) // a template that comes to nothing leaves the built-in words: its issue is there all the same
		c.Want = r.dress(want)
		steps = plan.Decide(p, c)
	}
	for i := range steps {
		if steps[i].Verb == plan.Nothing {
			steps[i].Have = slim(steps[i].Have)
		}
	}
	return steps
}

// slim is what a step that changes nothing keeps of its issue: all but the long
// texts, as a plan over all groups has a step for each.
func slim(t *issue.Tracked) *issue.Tracked {
	if t == nil {
		return nil
	}
	short := *t
	short.Observed.Description, short.Written.Block = "", ""
	return &short
}
