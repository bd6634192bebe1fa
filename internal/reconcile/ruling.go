package reconcile

import (
	"context"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Ruler says what the rules in force say.
type Ruler interface {
	// Rule rules on the issue of a group in the engine's integration. Base is what
	// holds without rules.
	Rule(ctx context.Context, g rule.Group, base Ruling) Ruling
}

// Ruling is what the rules say about the issue of one group.
type Ruling struct {
	Route   rule.Route
	Away    string // the issue belongs to another integration, which; empty: to this one
	Astray  string // why it is not known where it belongs; empty: it is
	Look    issue.Look
	Team    string
	Policy  plan.Policy
	Budgets []attention.Budget
	Given   issue.Given
	Deaf    map[plan.Verb]bool // what the rule does not act on; nil: it acts on everything
	Free    bool               // it asks for nobody's attention: no cap, budget or brake holds it, and it is not counted
}

// ruling is what holds for a group: without rules, the integration's project, the
// built-in look and the engine's policy.
func (e *Engine) ruling(ctx context.Context, g rule.Group) Ruling {
	base := Ruling{
		Route:  rule.Route{Project: e.Integration.Project.ID, Path: e.Integration.Project.Path, Reason: "the integration's project"},
		Policy: e.Policy,
	}
	if e.Ruler == nil {
		return base
	}
	r := e.Ruler.Rule(ctx, g, base)
	if b, ok := g.Backlog(); ok {
		return r.telling(b, base)
	}
	return r
}

// Decide is what a plan decides about one group with its issues, caps and brakes
// apart.
func (e *Engine) Decide(ctx context.Context, g rule.Group, have []issue.Tracked) []plan.Step {
	return e.decide(ctx, g, have)
}

// Bound leaves for later, of a plan made elsewhere, what caps and budgets have no
// room for. Coming says which groups get an issue besides the plan; nil: none does.
func (e *Engine) Bound(ctx context.Context, p plan.Plan, coming func(rule.GroupKey) bool) (plan.Plan, error) {
	return e.cap(ctx, p, coming)
}

// heard takes back what the rule does not act on. Duplicates are closed whatever
// the rule says.
func (r Ruling) heard(name string, steps []plan.Step) []plan.Step {
	for i, s := range steps {
		if r.Deaf[s.Verb] && (s.Have == nil || s.Have.Phase != issue.Duplicate) {
			steps[i] = s.Unasked(name)
		}
	}
	return steps
}

// dress completes what an issue should say.
func (r Ruling) dress(d issue.Desired) issue.Desired {
	d.Route, d.Team, d.Budgets, d.Given, d.Free = r.Route, r.Team, r.Budgets, r.Given, r.Free
	return d
}
