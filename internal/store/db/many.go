package db

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// lots are how many rows one statement writes: few lengths, so that statements
// which write many have few texts, each of which is prepared once and kept.
func lots() []int { return []int{64, 16, 4, 1} }

// PutFindings is PutFinding of many, each of another key, with few statements. It
// returns the ids by key.
func (q *Queries) PutFindings(ctx context.Context, all []PutFindingParams) (map[string]int64, error) {
	ids := make(map[string]int64, len(all))
	err := inLots(all, putFinding, func(p PutFindingParams) []any {
		return []any{
			p.Tenant, p.ScopeID, p.FindingKey, p.FirstKey, p.GroupKey, p.Also, p.Kind, p.Account, p.Detection, p.Absences,
			p.Digest, p.Since, p.Severity, p.Savings, p.SavingsMicros, p.Currency,
		}
	}, func(text string, args []any) error {
		var id int64
		var key string
		return q.each(ctx, text, args, []any{&id, &key}, func() { ids[key] = id })
	})
	return ids, err
}

// AddGroups is AddGroup of many, each of another key, with few statements. It
// returns those that are new.
func (q *Queries) AddGroups(ctx context.Context, all []AddGroupParams) (map[string]bool, error) {
	added := make(map[string]bool, len(all))
	err := inLots(all, addGroup, func(p AddGroupParams) []any {
		return []any{p.Tenant, p.GroupKey, p.Rule, p.Ignored, p.Parent}
	}, func(text string, args []any) error {
		var key string
		return q.each(ctx, text, args, []any{&key}, func() { added[key] = true })
	})
	return added, err
}

// PutBodies is PutBody of many, each of another finding, with few statements.
func (q *Queries) PutBodies(ctx context.Context, all []PutBodyParams) error {
	return inLots(all, putBody, func(p PutBodyParams) []any {
		return []any{p.FindingID, p.Tenant, p.Body, p.Search}
	}, func(text string, args []any) error {
		_, err := q.db.ExecContext(ctx, text, args...)
		return err
	})
}

// each calls got for every row, once its columns are read.
func (q *Queries) each(ctx context.Context, text string, args, columns []any, got func()) error {
	rows, err := q.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return err
		}
		got()
	}
	return rows.Err()
}

// inLots runs a statement that writes one row for many.
func inLots[T any](all []T, one string, args func(T) []any, run func(text string, args []any) error) error {
	for _, size := range lots() {
		for ; len(all) >= size; all = all[size:] {
			var values []any
			for _, row := range all[:size] {
				values = append(values, args(row)...)
			}
			if err := run(many(one, size, len(values)/size), values); err != nil {
				return err
			}
		}
	}
	return nil
}

// many is a statement that inserts one row, of so many parameters, for several rows.
func many(one string, rows, width int) string {
	head, rest, _ := strings.Cut(one, "values (")
	row, tail, _ := strings.Cut(rest, ")\non conflict")
	parts := make([]string, rows)
	for i := range parts {
		parts[i] = "(" + shifted(row, i*width) + ")"
	}
	return head + "values " + strings.Join(parts, ",") + "\non conflict" + tail
}

// shifted is a text whose parameters count from further on.
func shifted(text string, by int) string {
	parts := strings.Split(text, "$")
	for i, part := range parts[1:] {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		n, _ := strconv.Atoi(part[:digits]) // digits alone
		parts[i+1] = strconv.Itoa(n+by) + part[digits:]
	}
	return strings.Join(parts, "$")
}

// FindingsPlace is where a finding is so far.
type FindingsPlace struct {
	ID       int64
	GroupKey string
	Also     int64
	ScopeID  int64
}

// FindingPlaces says where findings are so far, by key; one that is new is not among
// them.
func (q *Queries) FindingPlaces(ctx context.Context, tenant string, keys []string) (map[string]FindingsPlace, error) {
	out := map[string]FindingsPlace{}
	for some := range slices.Chunk(keys, MostListed) {
		args := []any{tenant}
		for _, key := range Padded(some) {
			args = append(args, key)
		}
		var key string
		var p FindingsPlace
		text := PlacesOfFindings + Parameters(2, len(args)-1) + ")"
		if err := q.each(ctx, text, args, []any{&key, &p.ID, &p.GroupKey, &p.Also, &p.ScopeID}, func() { out[key] = p }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PlacesOfFindings is the beginning of the statement of FindingPlaces.
const PlacesOfFindings = `-- name: FindingPlaces :many
select finding_key, id, group_key, also, scope_id from findings where tenant = $1 and finding_key in (`
