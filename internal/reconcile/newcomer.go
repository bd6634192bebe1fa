package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cxm/internal/plan"
	"cxm/internal/rule"
)

// newcomers are the groups whose sources are new.
func (e *Engine) newcomers(ctx context.Context) (map[rule.GroupKey][]plan.Newcomer, error) {
	if e.Newcomers == nil {
		return nil, nil
	}
	fresh, err := e.Newcomers.Newcomers(ctx)
	if err != nil {
		return nil, fmt.Errorf("planning: %w", err)
	}
	return fresh, nil
}

// marked says of creates which new source they come from.
func marked(steps []plan.Step, from []plan.Newcomer) []plan.Step {
	if len(from) == 0 {
		return steps
	}
	var names []string
	for _, n := range from {
		names = append(names, n.Source)
	}
	for i := range steps {
		if steps[i].Verb == plan.Create {
			steps[i].New = strings.Join(names, " and ")
		}
	}
	return steps
}

// admit lets the first run of sources go whose issues are about to be made: a
// person said so, or nobody wanted to be asked.
func (e *Engine) admit(ctx context.Context, p plan.Plan) error {
	if e.Newcomers == nil || p.Count(plan.Create) == 0 {
		return nil
	}
	fresh, err := e.newcomers(ctx)
	if err != nil || len(fresh) == 0 {
		return err
	}
	scopes := map[int64]bool{}
	for _, s := range p.Steps {
		if s.Verb != plan.Create {
			continue
		}
		for _, n := range fresh[s.Group] {
			scopes[n.Scope] = true
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	return e.Newcomers.Admit(ctx, slices.Sorted(maps.Keys(scopes)), e.Clock().UTC())
}
