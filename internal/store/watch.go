package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"cxm/internal/issue"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// Moving lists the issues of a project whose move to another one may or may not
// have been carried out, ordered by ID.
func (s *Store) Moving(ctx context.Context, integrationID, projectID int64) ([]issue.Tracked, error) {
	var out []issue.Tracked
	err := s.query(ctx, "listing the issues whose move is in doubt", func(q *db.Queries) error {
		rows, err := q.MovingIssues(ctx, s.tenant, integrationID, projectID)
		if err != nil {
			return err
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, err
}

// Unchecked lists up to 100 open issues of a project, those first of which it was
// made sure longest ago that they are there; none where all of them were since
// before.
func (s *Store) Unchecked(ctx context.Context, integrationID, projectID int64, before time.Time) ([]issue.Tracked, error) {
	var out []issue.Tracked
	err := s.query(ctx, "listing the issues that were not seen for long", func(q *db.Queries) error {
		oldest, err := q.OldestCheck(ctx, s.tenant, integrationID, projectID)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !oldest.Before(before) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := q.OldestChecked(ctx, s.tenant, integrationID, projectID)
		if err != nil {
			return err
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, err
}

// Checked stores when it was made sure of issues, by their rows, that they are
// there. It changes nothing else of them.
func (s *Store) Checked(ctx context.Context, ids []int64, at time.Time) error {
	return s.save(ctx, "storing which issues were seen", func(ctx context.Context, q *db.Queries) error {
		for _, id := range ids {
			if err := q.CheckIssue(ctx, db.Time{Time: at}, s.tenant, id); err != nil {
				return err
			}
		}
		return nil
	})
}
