package lists

import (
	"context"
	"slices"

	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// named reads findings by their ids: nothing is joined but what they say, so that
// both databases look each up by its key whatever they believe of the tables.
const named = `select f.id, f.finding_key, f.group_key, f.detection, f.absences, f.digest, f.since, b.body
from findings f
cross join finding_bodies b
where b.finding_id = f.id and b.tenant = f.tenant and f.tenant = $1 and f.id in (`

// Named reads findings by their ids, those that exist.
func (s *Store) Named(ctx context.Context, ids []int64) (map[int64]rule.Member, error) {
	out := make(map[int64]rule.Member, len(ids))
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		return s.each(ctx, tx, named, ids, func(scan func(...any) error) error {
			var id int64
			var r db.MembersRow
			err := scan(&id, &r.FindingKey, &r.GroupKey, &r.Detection, &r.Absences, &r.Digest, &r.Since, &r.Body)
			if err == nil {
				out[id], err = value.Member(r)
			}
			return err
		})
	})
	return out, err
}

// each runs a statement that ends with a list of ids, and hands out its rows.
func (s *Store) each(ctx context.Context, tx db.DBTX, statement string, ids []int64, row func(scan func(...any) error) error) error {
	for part := range slices.Chunk(ids, db.MostListed) {
		args := []any{s.tenant}
		for _, id := range db.Padded(part) {
			args = append(args, id)
		}
		if err := rows(ctx, tx, statement+db.Parameters(2, len(args)-1)+")", args, row); err != nil {
			return err
		}
	}
	return nil
}

func rows(ctx context.Context, tx db.DBTX, statement string, args []any, row func(scan func(...any) error) error) error {
	found, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := row(found.Scan); err != nil {
			return err
		}
	}
	return found.Err()
}

// Brief is where an issue is.
type Brief struct {
	ID, IID int64
	URL     string // in the tracker; empty: it was not seen there yet
}

// Briefs says where issues are, by cxm's own number of each; those that exist.
func (s *Store) Briefs(ctx context.Context, ids []int64) (map[int64]Brief, error) {
	out := make(map[int64]Brief, len(ids))
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		return s.each(ctx, tx, `select i.id, i.iid, i.observed from issues i where i.tenant = $1 and i.id in (`, ids, func(scan func(...any) error) error {
			var b Brief
			var observed string
			var o issue.Observed
			err := scan(&b.ID, &b.IID, &observed)
			if err == nil {
				err = db.Decode(observed, &o, "what was seen of issue", b.ID)
			}
			b.URL = o.WebURL
			out[b.ID] = b
			return err
		})
	})
	return out, err
}
