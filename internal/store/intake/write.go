package intake

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/store/db"
)

// What waits is written when it is this much: enough to write it in order, and
// to send it together one day, and little to hold.
const (
	maxWaiting     = 512
	maxWaitingSize = 1 << 20 // bytes
)

// placed is a finding on its way into the database.
type placed struct {
	row  db.PutFindingParams
	rule string
	body string
}

// change is what became of a group.
type change struct {
	rule string // that its last finding came by; "": as it was
	left int64  // the finding that moved away; 0: none
}

// put lets a finding wait to be written. A key that comes again replaces what
// waits.
func (in *Intake) put(ctx context.Context, p rule.Placed) error {
	key := p.Finding.FindingKey
	body, err := db.Encode(p.Finding)
	if err != nil {
		return fmt.Errorf("finding %s cannot be stored: %w", key, err)
	}
	row, was := in.row(p), in.puts[key]
	if row.Since.IsZero() {
		row.Since = was.row.Since
	}
	in.puts[key] = placed{row: row, rule: p.Rule, body: body}
	in.size += len(body) - len(was.body)
	if len(in.puts) < maxWaiting && in.size < maxWaitingSize {
		return nil
	}
	return in.flush(ctx)
}

func (in *Intake) row(p rule.Placed) db.PutFindingParams {
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

// begin waits for the pull's turn to write, which is whose the scope without a
// name is: no source has it, and who enters it holds it until the end.
func (in *Intake) begin(ctx context.Context) error {
	if in.writing {
		return nil
	}
	in.writing = true
	_, err := in.q.EnterScope(ctx, in.tenant, "", "")
	return err
}

// flush writes what waits, in the order of its groups.
func (in *Intake) flush(ctx context.Context) error {
	if len(in.puts) == 0 {
		return nil
	}
	if err := in.begin(ctx); err != nil {
		return err
	}
	for _, p := range slices.SortedFunc(maps.Values(in.puts), func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.row.GroupKey, b.row.GroupKey), cmp.Compare(a.row.FindingKey, b.row.FindingKey))
	}) {
		if err := in.write(ctx, p); err != nil {
			return err
		}
	}
	clear(in.puts)
	in.size = 0
	return nil
}

// write writes the group before the finding that refers to it, then what the
// finding says.
func (in *Intake) write(ctx context.Context, p placed) error {
	was, err := in.q.FindingPlace(ctx, in.tenant, p.row.FindingKey)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	added, err := in.q.AddGroup(ctx, in.tenant, p.row.GroupKey, p.rule)
	if err != nil {
		return err
	}
	if added == 0 {
		in.touch(p.row.GroupKey, change{rule: p.rule})
	}
	id, err := in.q.PutFinding(ctx, p.row)
	if err != nil {
		return err
	}
	if was.GroupKey != "" && was.GroupKey != p.row.GroupKey {
		in.touch(was.GroupKey, change{left: id})
	}
	return in.q.PutBody(ctx, id, in.tenant, p.body)
}

// touch remembers that something about a group changed.
func (in *Intake) touch(group string, t change) {
	was := in.touched[rule.GroupKey(group)]
	in.touched[rule.GroupKey(group)] = change{rule: cmp.Or(t.rule, was.rule), left: cmp.Or(t.left, was.left)}
}

// mark tells the groups that they changed.
func (in *Intake) mark(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(in.touched)) {
		t := in.touched[key]
		params := db.MarkGroupParams{Tenant: in.tenant, GroupKey: string(key), Rule: sql.NullString{String: t.rule, Valid: t.rule != ""}}
		if t.left != 0 {
			params.LeftFinding, params.LeftAt = sql.NullInt64{Int64: t.left, Valid: true}, db.Time{Time: in.at}
		}
		if err := in.q.MarkGroup(ctx, params); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) miss(ctx context.Context, key finding.Key, s finding.Sighting) error {
	if _, waits := in.puts[key]; waits {
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	if err := in.begin(ctx); err != nil {
		return err
	}
	group, err := in.q.Miss(ctx, db.MissParams{
		Tenant: in.tenant, FindingKey: string(key),
		Detection: string(s.Detection), Absences: int64(s.Absences), Digest: s.Digest.String(), Since: db.Time{Time: s.Since},
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("finding %s: %w", key, db.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", key, err)
	}
	in.touch(group, change{})
	return nil
}

// rekey puts what the scope holds under a former key under its key.
func (in *Intake) rekey(ctx context.Context, former, key finding.Key) (bool, error) {
	if !in.roll.Rename(former, key) {
		return false, nil
	}
	if err := in.begin(ctx); err != nil {
		return false, err
	}
	rows, err := in.q.Rekey(ctx, db.RekeyParams{Tenant: in.tenant, ScopeID: in.scope, Former: string(former), FindingKey: string(key)})
	if err == nil && rows == 0 { // the key is in another scope
		in.roll.Rename(key, former)
	}
	return rows > 0, err
}
