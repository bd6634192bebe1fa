package regroup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cxm/internal/store/db"
)

// Stage is how far the findings of a tenant are assigned under the rules in force.
type Stage string

// The stages, in their order. Another revision of the rules begins them anew.
const (
	Assign Stage = "assign"  // findings are put into their groups
	Open   Stage = "inherit" // issues are handed on, but for closed ones
	Closed Stage = "closed"  // closed ones are, where no open one was
	Clean  Stage = "clean"   // what left which group is forgotten
	Done   Stage = "done"
)

// State is how far it has come. Position is the finding or issue up to which the
// stage is done.
type State struct {
	Revision int64 // of the rules; 0: the built-in ones
	Stage    Stage
	Position int64
}

// Now is how far a tenant has come.
func Now(ctx context.Context, q *db.Queries, tenant string) (State, error) {
	r, err := q.RuleState(ctx, tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return State{Stage: Done}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading how far the findings are assigned: %w", err)
	}
	return State{Revision: r.Revision, Stage: Stage(r.Stage), Position: r.Position}, nil
}

// Save commits how far it has come. Whoever does has had its turn (Turn).
func (s State) Save(ctx context.Context, q *db.Queries, tenant string) error {
	return q.SetRuleState(ctx, db.SetRuleStateParams{Tenant: tenant, Revision: s.Revision, Stage: string(s.Stage), Position: s.Position})
}

// Behind is the state after findings from id on were stored under other rules:
// they are to be assigned again.
func (s State) Behind(id int64) State {
	if s.Stage != Assign || id <= s.Position {
		s.Position = id - 1
	}
	s.Stage = Assign
	return s
}

// Turn waits until no other transaction of the tenant writes findings or rules,
// and keeps others from it until this one ends. It is the scope without a name:
// no source has it, and who enters it holds it.
func Turn(ctx context.Context, q *db.Queries, tenant string) error {
	_, err := q.EnterScope(ctx, tenant, "", "")
	return err
}
