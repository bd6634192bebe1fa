package intake

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/regroup"
)

// What waits is written when it is this much: enough to write it in order, and
// to send it together one day, and little to hold.
const (
	maxWaiting     = 512
	maxWaitingSize = 1 << 20 // bytes
)

// placed is a finding on its way into the database.
type placed struct {
	row      db.PutFindingParams
	places   []regroup.Place
	revision int64
	body     string
	search   string
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
	in.puts[key] = placed{row: row, places: regroup.Places(p), revision: p.Revision, body: body, search: searchable(p.Finding)}
	in.size += len(body) - len(was.body)
	if len(in.puts) < maxWaiting && in.size < maxWaitingSize {
		return nil
	}
	return in.flush(ctx)
}

// maxSearch bounds what a finding is searched by, in bytes.
const maxSearch = 1000

// searchable is what lists find a finding by: its title and where it is, in lower
// case, as both databases can hold it.
func searchable(f *finding.Finding) string {
	text := strings.Join([]string{f.Title, f.ResourceID, f.ResourceName, f.SubAccountID, f.SubAccountName, f.ServiceName, f.RegionID}, " ")
	text = strings.ToLower(text[:min(len(text), maxSearch)])
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}

func (in *Intake) row(p rule.Placed) db.PutFindingParams {
	f, saved := p.Finding, p.Finding.EstimatedMonthlySavings
	first := ""
	if key := f.FirstKey(); key != f.FindingKey {
		first = string(key)
	}
	return db.PutFindingParams{
		Tenant: in.tenant, ScopeID: in.scope, FindingKey: string(f.FindingKey), FirstKey: first, GroupKey: string(p.Group), Also: int64(len(p.Also)),
		Kind: string(f.Kind), Account: f.SubAccountID, Severity: int64(f.SeverityID),
		Detection: string(p.Sighting.Detection), Absences: int64(p.Sighting.Absences),
		Digest: p.Sighting.Digest.String(), Since: db.Time{Time: p.Sighting.Since},
		Savings:       sql.NullString{String: saved.Decimal.String(), Valid: saved.Valid},
		SavingsMicros: sql.NullInt64{Int64: money.Micros(saved.Decimal), Valid: saved.Valid},
		Currency:      f.BillingCurrency,
	}
}

// begin waits for the pull's turn to write.
func (in *Intake) begin(ctx context.Context) error {
	if in.writing {
		return nil
	}
	in.writing = true
	if err := regroup.Turn(ctx, in.q, in.tenant); err != nil {
		return err
	}
	var err error
	in.state, err = regroup.Now(ctx, in.q, in.tenant)
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
	waiting := slices.SortedFunc(maps.Values(in.puts), func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.row.GroupKey, b.row.GroupKey), cmp.Compare(a.row.FindingKey, b.row.FindingKey))
	})
	if err := in.write(ctx, waiting); err != nil {
		return err
	}
	clear(in.puts)
	in.size = 0
	return nil
}

// write writes the groups before the findings that refer to them, then what the
// findings say.
func (in *Intake) write(ctx context.Context, all []placed) error {
	was, err := in.places(ctx, all)
	if err != nil {
		return err
	}
	var rows []db.PutFindingParams
	var places []regroup.Place
	for _, p := range all {
		rows, places = append(rows, p.row), append(places, p.places...)
	}
	if err := in.move.Open(ctx, places); err != nil {
		return err
	}
	ids, err := in.q.PutFindings(ctx, rows)
	if err != nil {
		return err
	}
	return in.follow(ctx, all, was, ids)
}

// follow writes what refers to findings that are written.
func (in *Intake) follow(ctx context.Context, all []placed, was map[string][]regroup.Place, ids map[string]int64) error {
	var bodies []db.PutBodyParams
	for _, p := range all {
		id := ids[p.row.FindingKey]
		if p.revision != in.state.Revision && (in.behind == 0 || id < in.behind) {
			in.behind = id
		}
		if err := in.move.Move(ctx, id, was[p.row.FindingKey], p.places); err != nil {
			return err
		}
		bodies = append(bodies, db.PutBodyParams{FindingID: id, Tenant: in.tenant, Body: p.body, Search: p.search})
	}
	return in.q.PutBodies(ctx, bodies)
}

// places are the groups that findings are in so far, by key; none: it is new.
func (in *Intake) places(ctx context.Context, all []placed) (map[string][]regroup.Place, error) {
	var keys []string
	for _, p := range all {
		keys = append(keys, p.row.FindingKey)
	}
	known, err := in.q.FindingPlaces(ctx, in.tenant, keys)
	if err != nil {
		return nil, err
	}
	out := map[string][]regroup.Place{}
	for _, key := range keys { // in their order, so that the same is refused every time
		was, ok := known[key]
		if !ok {
			continue
		}
		if err := in.mayPut(ctx, key, was.ScopeID); err != nil {
			return nil, err
		}
		if out[key], err = in.move.Was(ctx, was.ID, regroup.Place{Group: was.GroupKey}, was.Also); err != nil {
			return nil, err
		}
	}
	return out, nil
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
	was, err := in.q.Miss(ctx, db.MissParams{
		Tenant: in.tenant, FindingKey: string(key),
		Detection: string(s.Detection), Absences: int64(s.Absences), Digest: s.Digest.String(), Since: db.Time{Time: s.Since},
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("finding %s: %w", key, db.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", key, err)
	}
	places, err := in.move.Was(ctx, was.ID, regroup.Place{Group: was.GroupKey}, was.Also)
	in.move.Touch(places)
	return err
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
