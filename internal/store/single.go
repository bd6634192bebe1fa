package store

import (
	"context"
	"fmt"

	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
)

// Group is one group as Groups yields it, dirty or not. The error is ErrNotFound.
func (s *Store) Group(ctx context.Context, key rule.GroupKey) (rule.Group, []issue.Tracked, error) {
	var g grouped
	err := s.query(ctx, "reading group "+key.Short(), func(q *db.Queries) error {
		head, err := q.GroupHead(ctx, s.tenant, string(key))
		if err = one(1, err, fmt.Errorf("group %s: %w", key.Short(), ErrNotFound)); err != nil {
			return err
		}
		found, err := groupReader{q: q, tenant: s.tenant, all: true}.fill(ctx, []db.GroupsAfterRow{db.GroupsAfterRow(head)})
		if err == nil {
			g = found[0]
		}
		return err
	})
	return g.group, g.issues, err
}
