package store

import (
	"context"
	"fmt"

	"cxm/internal/plan"
	"cxm/internal/store/db"
)

// BeginRun stores a run and returns it with its ID.
func (s *Store) BeginRun(ctx context.Context, r plan.Run) (plan.Run, error) {
	err := s.save(ctx, "beginning a run", func(ctx context.Context, q *db.Queries) error {
		var err error
		r.ID, err = q.AddRun(ctx, db.AddRunParams{
			Tenant: s.tenant, StartedAt: db.Time{Time: r.StartedAt}, FinishedAt: db.Time{Time: r.FinishedAt},
			Steps: int64(r.Steps), Done: int64(r.Done), Failed: int64(r.Failed), InDoubt: int64(r.InDoubt), Skipped: int64(r.Skipped),
		})
		return err
	})
	if err != nil {
		return plan.Run{}, err
	}
	return r, nil
}

// FinishRun stores how a run ended. The error is ErrNotFound.
func (s *Store) FinishRun(ctx context.Context, r plan.Run) error {
	return s.save(ctx, fmt.Sprintf("finishing run %d", r.ID), func(ctx context.Context, q *db.Queries) error {
		rows, err := q.SaveRun(ctx, db.SaveRunParams{
			Tenant: s.tenant, ID: r.ID, StartedAt: db.Time{Time: r.StartedAt}, FinishedAt: db.Time{Time: r.FinishedAt},
			Steps: int64(r.Steps), Done: int64(r.Done), Failed: int64(r.Failed), InDoubt: int64(r.InDoubt), Skipped: int64(r.Skipped),
		})
		return one(rows, err, ErrNotFound)
	})
}

// Runs lists the last runs, at most limit, the latest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]plan.Run, error) {
	var out []plan.Run
	err := s.query(ctx, "listing the runs", func(q *db.Queries) error {
		rows, err := q.LastRuns(ctx, s.tenant, int32(limit))
		for _, r := range rows {
			out = append(out, toRun(r))
		}
		return err
	})
	return out, err
}

// Journal lists the entries of a run in the order of its plan.
func (s *Store) Journal(ctx context.Context, run int64) ([]plan.Entry, error) {
	var out []plan.Entry
	err := s.query(ctx, fmt.Sprintf("reading the journal of run %d", run), func(q *db.Queries) error {
		rows, err := q.Entries(ctx, s.tenant, run)
		for _, r := range rows {
			out = append(out, toEntry(r))
		}
		return err
	})
	return out, err
}
