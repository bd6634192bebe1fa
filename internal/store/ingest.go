package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/finding"
	"cxm/internal/money"
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
	var refused error
	err := s.db.write.exclusive(ctx, func(tx db.DBTX) error {
		in, err := openIntake(ctx, tx, s.tenant, p)
		if err != nil {
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
}

func openIntake(ctx context.Context, tx db.DBTX, tenant string, p finding.Pull) (*intake, error) {
	q := db.New(tx)
	scope, err := q.EnterScope(ctx, tenant, p.Source, p.Scope)
	if err != nil {
		return nil, err
	}
	return &intake{tenant: tenant, scope: scope, at: p.ReceivedAt, tx: tx, q: q}, nil
}

// remembered is what the source's reader is given to compare with.
func (in *intake) remembered(ctx context.Context) (rule.Intake, error) {
	known, err := in.known(ctx)
	if err != nil {
		return rule.Intake{}, err
	}
	names, err := in.q.PresentAccounts(ctx, in.tenant, in.scope)
	if err != nil {
		return rule.Intake{}, err
	}
	accounts := make(map[string]bool, len(names))
	for _, name := range names {
		accounts[name] = true
	}
	return rule.Intake{
		Known: known, Accounts: accounts,
		Put:  func(p rule.Placed) error { return in.put(ctx, p) },
		Miss: func(key finding.Key, s finding.Sighting) error { return in.miss(ctx, key, s) },
	}, nil
}

// sightings is not among the queries of sqlc, which gathers all rows before it
// hands out the first: this is the one query whose rows are as many as a scope
// has findings, in every pull.
const sightings = `select finding_key, detection, absences, digest, since from findings where tenant = $1 and scope_id = $2`

func (in *intake) known(ctx context.Context) (map[finding.Key]finding.Sighting, error) {
	rows, err := in.tx.QueryContext(ctx, sightings, in.tenant, in.scope)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[finding.Key]finding.Sighting{}
	for rows.Next() {
		var key, detection, digest string
		var s finding.Sighting
		var since db.Time
		if err := rows.Scan(&key, &detection, &s.Absences, &digest, &since); err != nil {
			return nil, err
		}
		if s.Digest, err = finding.ParseDigest(digest); err != nil {
			return nil, fmt.Errorf("finding %s in the database: %w", key, err)
		}
		s.Detection, s.Since = finding.Detection(detection), since.Time
		known[finding.Key(key)] = s
	}
	return known, rows.Err()
}

// put writes the group before the finding that refers to it, then what the
// finding says, and tells the group it moved away from.
func (in *intake) put(ctx context.Context, p rule.Placed) error {
	key := p.Finding.FindingKey
	body, err := encode(p.Finding)
	if err != nil {
		return fmt.Errorf("finding %s cannot be stored: %w", key, err)
	}
	was, err := in.q.FindingPlace(ctx, in.tenant, string(key))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := in.q.PutGroup(ctx, in.tenant, string(p.Group), p.Rule); err != nil {
		return err
	}
	id, err := in.q.PutFinding(ctx, in.row(p))
	if err != nil {
		return err
	}
	if err := in.q.PutBody(ctx, id, in.tenant, body); err != nil {
		return err
	}
	if was.GroupKey == "" || was.GroupKey == string(p.Group) {
		return nil
	}
	return in.q.LeaveGroup(ctx, db.LeaveGroupParams{
		Tenant: in.tenant, GroupKey: was.GroupKey, FindingID: reference(id), LeftAt: db.Time{Time: in.at},
	})
}

func (in *intake) row(p rule.Placed) db.PutFindingParams {
	f, saved := p.Finding, p.Finding.EstimatedMonthlySavings
	return db.PutFindingParams{
		Tenant: in.tenant, ScopeID: in.scope, FindingKey: string(f.FindingKey), GroupKey: string(p.Group),
		Kind: string(f.Kind), Account: f.SubAccountID, Severity: int64(f.SeverityID),
		Detection: string(p.Sighting.Detection), Absences: int64(p.Sighting.Absences),
		Digest: p.Sighting.Digest.String(), Since: db.Time{Time: p.Sighting.Since},
		Savings:       sql.NullString{String: saved.Decimal.String(), Valid: saved.Valid},
		SavingsMicros: sql.NullInt64{Int64: money.Micros(saved.Decimal), Valid: saved.Valid},
		Currency:      f.BillingCurrency,
	}
}

func (in *intake) miss(ctx context.Context, key finding.Key, s finding.Sighting) error {
	group, err := in.q.Miss(ctx, db.MissParams{
		Tenant: in.tenant, FindingKey: string(key),
		Detection: string(s.Detection), Absences: int64(s.Absences), Digest: s.Digest.String(), Since: db.Time{Time: s.Since},
	})
	if err = one(1, err, ErrNotFound); err != nil {
		return fmt.Errorf("finding %s: %w", key, err)
	}
	return in.q.TouchGroup(ctx, in.tenant, group)
}

// close writes the pull itself.
func (in *intake) close(ctx context.Context, p finding.Pull) (finding.Pull, error) {
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
