package store

import (
	"context"
	"fmt"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/intake"
)

// Ingest takes in one pull of p.Source and p.Scope, all of it or nothing. It
// hands fill what is remembered of the scope and two doors: Put for findings
// that are new or say something else than before, Miss for changed sightings of
// findings that were not in the pull. The pull that fill returns is stored (its
// source and scope are p's) and returned with its ID. The groups that were
// touched become dirty; a finding that moves to another group touches both. A
// pull that changes nothing writes one row. fill's error is returned as it is.
//
// fill runs within the transaction: while it runs nobody else writes, and it
// must not use the store itself. A finding belongs to the scope that put it
// last; but what is in the scope of a configured source stays there, and such a
// source gets no other scope's: Put of one, or the pull's end, is a
// *rule.ClaimError, and nothing is kept.
func (s *Store) Ingest(ctx context.Context, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	return s.ingest(ctx, s.Taking(), p, fill)
}

// ingest takes in a pull, of deliveries if there are any.
func (s *Store) ingest(ctx context.Context, t *Taking, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	var refused error
	err := s.exclusive(ctx, "ingest", func(tx db.DBTX) error {
		in, err := intake.Open(ctx, tx, s.tenant, p)
		if err != nil {
			return err
		}
		if err := t.take(ctx, tx); err != nil {
			return err
		}
		if t.some {
			in.Only(t.only)
		}
		known, err := in.Doors(ctx)
		if err != nil {
			return err
		}
		filled, err := fill(known)
		if err != nil {
			refused = err
			return err
		}
		filled.Source, filled.Scope = p.Source, p.Scope
		p, err = in.Close(ctx, filled)
		return err
	})
	switch {
	case refused != nil:
		return finding.Pull{}, refused
	case err != nil:
		return finding.Pull{}, wrap(fmt.Sprintf("taking in %s of scope %q", p.Source, p.Scope), err)
	}
	return p, nil
}
