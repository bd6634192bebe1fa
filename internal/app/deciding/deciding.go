// Package deciding takes in what people decide about findings: that one is to be
// done, can wait until a day, or is not to be done.
//
// What always holds: a decision has an author, and an exception a reason; nothing is
// sent to GitLab, the next plan acts on it; what was decided before is kept.
package deciding

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"cxm/internal/app/core"
	"cxm/internal/audit"
	"cxm/internal/finding"
	"cxm/internal/store/decisions"
	"cxm/internal/store/why"
)

// Decider decides for one tenant. It is safe for concurrent use.
type Decider struct {
	base *core.Core
	kept *decisions.Store
}

// New makes one.
func New(base *core.Core) *Decider {
	return &Decider{base: base, kept: decisions.New(base.DB.Base(), base.Tenant)}
}

// Decided is a finding with what was decided about it.
type Decided struct {
	Finding   finding.Finding
	Detection finding.Detection
	decisions.Decision
}

// NotOneError says that what people wrote names no finding, or several.
type NotOneError struct {
	Asked string
	Many  []finding.Finding // some of those that it may mean; none: there is no such finding
}

// Error says how many there are, and how to name one.
func (e *NotOneError) Error() string {
	if len(e.Many) == 0 {
		return fmt.Sprintf("there is no finding whose key begins with %.80q: `cxm doctor --why RESOURCE` tells the keys of what was found at a resource", e.Asked)
	}
	var keys []string
	for _, f := range e.Many {
		keys = append(keys, strings.TrimPrefix(string(f.FindingKey), "v1:"))
	}
	return fmt.Sprintf("%.80q is how several findings begin: write more of the key (%s)", e.Asked, strings.Join(keys, ", "))
}

var keyStart = regexp.MustCompile(`^(v1:)?[0-9a-f]{4,64}$`)

// FindingNamed is the finding whose key people wrote, or how it begins, with what
// stands of it. The error is a *NotOneError.
func (d *Decider) FindingNamed(ctx context.Context, asked string) (Decided, error) {
	text := strings.ToLower(strings.TrimSpace(asked))
	if !keyStart.MatchString(text) {
		return Decided{}, &NotOneError{Asked: asked}
	}
	found, err := why.New(d.base.DB.Base(), d.base.Tenant).From(ctx, "v1:"+strings.TrimPrefix(text, "v1:"), 4)
	switch {
	case err != nil:
		return Decided{}, err
	case len(found) != 1:
		bad := &NotOneError{Asked: asked}
		for _, f := range found {
			bad.Many = append(bad.Many, f.Finding)
		}
		return Decided{}, bad
	}
	one := found[0]
	one.Decided.Decision = cmp.Or(one.Decided.Decision, finding.Undecided)
	return Decided{Finding: one.Finding, Detection: one.Sighting.Detection, Decision: decisions.Decision{Decided: one.Decided, Standing: true}}, nil
}

// DecideFinding records what people decided about a finding, by the actor of ctx.
// The error is a *finding.Fault for what is wrong with the decision, or a
// *NotOneError.
func (d *Decider) DecideFinding(ctx context.Context, asked string, what finding.Decided) (Decided, error) {
	out, err := d.FindingNamed(ctx, asked)
	if err != nil {
		return out, err
	}
	actor := audit.From(ctx)
	what.By = cmp.Or(strings.TrimSpace(actor.Name), string(actor.Kind))
	if what, err = what.Settled(d.base.Clock()); err != nil {
		return out, err
	}
	out.Decision, err = d.kept.Decide(ctx, out.Finding.FindingKey, what)
	return out, err
}

// FindingDecisions lists what was decided about a finding, the latest first, those
// before one (0: all), at most so many.
func (d *Decider) FindingDecisions(ctx context.Context, key finding.Key, before int64, most int) ([]decisions.Decision, error) {
	return d.kept.Of(ctx, key, before, most)
}

// StandingDecisions lists the decisions that stand, the latest first, those before
// one (0: all), at most so many; of an empty decision: all. A snooze or an exception
// whose time has passed stands until somebody decides otherwise, and has no effect.
func (d *Decider) StandingDecisions(ctx context.Context, of finding.Decision, before int64, most int) ([]decisions.Standing, error) {
	return d.kept.Standing(ctx, of, before, most)
}
