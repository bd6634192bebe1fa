package store

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/db"
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
// last.
func (s *Store) Ingest(ctx context.Context, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	return s.ingest(ctx, 0, p, fill)
}

// ingest takes in a pull, of a delivery unless that is 0.
func (s *Store) ingest(ctx context.Context, delivery int64, p finding.Pull, fill func(rule.Intake) (finding.Pull, error)) (finding.Pull, error) {
	var refused error
	err := s.exclusive(ctx, "ingest", func(tx db.DBTX) error {
		in, err := openIntake(ctx, tx, s.tenant, p)
		if err != nil {
			return err
		}
		if err := take(ctx, in.q, s.tenant, delivery); err != nil {
			return err
		}
		known, err := in.remembered(ctx)
		if err != nil {
			return err
		}
		filled, err := fill(known)
		if err != nil {
			refused = err
			return err
		}
		filled.Source, filled.Scope = p.Source, p.Scope
		p, err = in.close(ctx, filled)
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

// intake is one open pull.
type intake struct {
	tenant string
	scope  int64
	at     time.Time // when the pull was received
	tx     db.DBTX
	q      *db.Queries
	roll   *finding.Roll

	puts    map[finding.Key]placed // that wait to be written
	size    int                    // bytes of what waits
	touched map[rule.GroupKey]change
	writing bool
}

func openIntake(ctx context.Context, tx db.DBTX, tenant string, p finding.Pull) (*intake, error) {
	q := db.New(tx)
	scope, err := q.EnterScope(ctx, tenant, p.Source, p.Scope)
	if err != nil {
		return nil, err
	}
	return &intake{
		tenant: tenant, scope: scope, at: p.ReceivedAt, tx: tx, q: q, roll: finding.NewRoll(),
		puts: map[finding.Key]placed{}, touched: map[rule.GroupKey]change{},
	}, nil
}

// remembered is what the source's reader is given to compare with.
func (in *intake) remembered(ctx context.Context) (rule.Intake, error) {
	accounts, err := in.read(ctx)
	return rule.Intake{
		Known: in.roll, Accounts: accounts,
		Put:   func(p rule.Placed) error { return in.put(ctx, p) },
		Miss:  func(key finding.Key, s finding.Sighting) error { return in.miss(ctx, key, s) },
		Rekey: func(former, key finding.Key) (bool, error) { return in.rekey(ctx, former, key) },
	}, err
}

// sightings is not among the queries of sqlc, which gathers all rows before it
// hands out the first: this is the one query whose rows are as many as a scope
// has findings, in every pull. Since is left out, as a pull that changes nothing
// has no use for it.
const sightings = `select finding_key, digest, detection, absences, account from findings where tenant = $1 and scope_id = $2`

// read fills the roll, and lists the accounts of what is present.
func (in *intake) read(ctx context.Context) (accounts map[string]bool, err error) {
	rows, err := in.tx.QueryContext(ctx, sightings, in.tenant, in.scope)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	accounts = map[string]bool{}
	var key, digest, detection, account string
	for rows.Next() {
		var s finding.Sighting
		if err := rows.Scan(&key, &digest, &detection, &s.Absences, &account); err != nil {
			return nil, err
		}
		s.Detection = finding.Detection(detection)
		if s.Digest, err = finding.ParseDigest(digest); err == nil {
			err = in.roll.Remember(finding.Key(key), s)
		}
		if err != nil {
			return nil, fmt.Errorf("finding %.80s in the database: %w", key, err)
		}
		if s.Detection == finding.Present && !accounts[account] {
			accounts[account] = true
		}
	}
	return accounts, rows.Err()
}

// close writes what still waits, and the pull itself.
func (in *intake) close(ctx context.Context, p finding.Pull) (finding.Pull, error) {
	if err := in.flush(ctx); err != nil {
		return p, err
	}
	if err := in.mark(ctx); err != nil {
		return p, err
	}
	reasons, err := encode(p.Reasons)
	if err != nil {
		return p, err
	}
	files, err := encode(p.Files)
	if err != nil {
		return p, err
	}
	p.ID, err = in.q.AddPull(ctx, db.AddPullParams{
		Tenant: in.tenant, ScopeID: in.scope, ReceivedAt: db.Time{Time: p.ReceivedAt}, Complete: p.Complete,
		Reasons: reasons, Files: files, Added: int64(p.New), Changed: int64(p.Changed), Unchanged: int64(p.Unchanged),
		Absent: int64(p.Absent), Missing: int64(p.Missing), Skipped: int64(p.Skipped),
	})
	return p, err
}
