package intake

import (
	"context"

	"cxm/internal/finding"
	"cxm/internal/rule"
)

// holder is whose a scope is.
type holder struct{ source, scope, name string }

// mayPut refuses a finding that another scope holds, where either is a configured
// source's.
func (in *Intake) mayPut(ctx context.Context, key string, was int64) error {
	if was == in.scope {
		return nil
	}
	theirs, err := in.holder(ctx, was)
	if err != nil {
		return err
	}
	ours, err := in.holder(ctx, in.scope)
	if err != nil || theirs.name == "" && ours.name == "" {
		return err
	}
	return &rule.ClaimError{Key: finding.Key(key), Source: theirs.name, Type: theirs.source, Scope: theirs.scope}
}

func (in *Intake) holder(ctx context.Context, scope int64) (holder, error) {
	if known, ok := in.holders[scope]; ok {
		return known, nil
	}
	row, err := in.q.ScopeHolder(ctx, in.tenant, scope)
	if err != nil {
		return holder{}, err
	}
	in.holders[scope] = holder{source: row.Source, scope: row.Scope, name: row.Name}
	return in.holders[scope], nil
}
