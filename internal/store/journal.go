package store

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/plan"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// BeginRun stores a run with the steps it is going to take, or that wait for a
// person, and returns them with their IDs. A run that waits takes the place of
// those of its integration that waited before. The error is ErrUnderWay when it
// is shared, and another one of its integration is not finished.
func (s *Store) BeginRun(ctx context.Context, r plan.Run, steps []plan.Entry) (plan.Run, []plan.Entry, error) {
	stored := make([]plan.Entry, len(steps))
	c := database.Change{Point: "begin run", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		var err error
		r.ID, err = s.beginRun(ctx, db.New(tx), r, steps, stored)
		return err
	}}
	if r.Shared && s.db.planned != nil {
		c.Then = func(ctx context.Context, tx Tx) error { return s.db.planned(ctx, tx, s.tenant, r.Integration, stored) }
	}
	if err := s.db.base.Write(ctx, c); err != nil {
		return plan.Run{}, nil, wrap("beginning a run", err)
	}
	return r, stored, nil
}

// beginRun stores the run, and the steps into stored.
func (s *Store) beginRun(ctx context.Context, q *db.Queries, r plan.Run, steps, stored []plan.Entry) (int64, error) {
	if r.State == plan.Waiting {
		if err := q.SupersedeRuns(ctx, db.Time{Time: r.StartedAt}, s.tenant, r.Integration); err != nil {
			return 0, err
		}
	}
	id, err := q.AddRun(ctx, value.AddRun(s.tenant, r))
	if err = one(1, err, ErrUnderWay); err != nil {
		return 0, err
	}
	if r.Undoes != 0 {
		err := noteRun(ctx, "run.undone", r.Undoes, "", fmt.Sprintf("run %d undoes it", id), audit.Values{"undone_by_run": id, "steps": len(steps)})
		if err != nil {
			return 0, err
		}
	}
	for i, e := range steps {
		e.Run, e.Outcome = id, plan.Planned
		if stored[i], err = s.addEntry(ctx, q, e); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func (s *Store) addEntry(ctx context.Context, q *db.Queries, e plan.Entry) (plan.Entry, error) {
	row, err := value.AddEntry(s.tenant, e)
	if err == nil {
		e.ID, err = q.AddEntry(ctx, row)
	}
	return e, err
}

func (s *Store) saveEntry(ctx context.Context, q *db.Queries, e plan.Entry) error {
	row, err := value.SaveEntry(s.tenant, e)
	if err != nil {
		return err
	}
	rows, err := q.SaveEntry(ctx, row)
	return one(rows, err, fmt.Errorf("journal entry %d: %w", e.ID, ErrNotFound))
}

// FinishRun stores how a run ended; entries that are still planned were not
// taken, and why is written to them. The error is ErrNotFound.
func (s *Store) FinishRun(ctx context.Context, r plan.Run, why string) error {
	return s.save(ctx, fmt.Sprintf("finishing run %d", r.ID), func(ctx context.Context, q *db.Queries) error {
		if err := q.SkipPlanned(ctx, db.SkipPlannedParams{Tenant: s.tenant, RunID: r.ID, Trouble: why, EndedAt: db.Time{Time: r.FinishedAt}}); err != nil {
			return err
		}
		rows, err := q.SaveRun(ctx, value.SaveRun(s.tenant, r))
		return one(rows, err, ErrNotFound)
	})
}

// EndRun finishes a run that several processes share, at the time given, if all
// of its steps have an outcome; its numbers are counted from the journal. Done
// says that it is finished, now or before.
func (s *Store) EndRun(ctx context.Context, id int64, at time.Time) (done bool, err error) {
	err = s.save(ctx, fmt.Sprintf("finishing run %d", id), func(ctx context.Context, q *db.Queries) error {
		row, err := q.RunByID(ctx, s.tenant, id)
		if err = one(1, err, fmt.Errorf("run %d: %w", id, ErrNotFound)); err != nil {
			return err
		}
		r := value.Run(row)
		if done = r.State == plan.Finished; done || r.State != plan.Running {
			return nil
		}
		counts, err := q.CountOutcomes(ctx, s.tenant, id)
		if err != nil {
			return err
		}
		if done = tally(&r, counts); !done {
			return nil
		}
		r.State, r.FinishedAt = plan.Finished, at
		_, err = q.SaveRun(ctx, value.SaveRun(s.tenant, r))
		return err
	})
	return done, err
}

// tally counts outcomes into a run, and says whether every step has one.
func tally(r *plan.Run, counts []db.CountOutcomesRow) bool {
	r.Done, r.Failed, r.InDoubt, r.Skipped = 0, 0, 0, 0
	for _, c := range counts {
		switch n := int(c.Number); plan.Outcome(c.Outcome) {
		case plan.Planned, plan.Intended:
			return false
		case plan.Done, plan.Adopted:
			r.Done += n
		case plan.Failed:
			r.Failed += n
		case plan.InDoubt:
			r.InDoubt += n
		default:
			r.Skipped += n
		}
	}
	return true
}

// ApproveRun lets a run go that waits, or was rejected, as it was seen: what somebody
// rejects meanwhile stays. The error is ErrNotWaiting when somebody was faster, or
// the run does not wait.
func (s *Store) ApproveRun(ctx context.Context, seen plan.Run, by string, at time.Time) error {
	return s.save(ctx, fmt.Sprintf("approving run %d", seen.ID), func(ctx context.Context, q *db.Queries) error {
		rows, err := q.ApproveRun(ctx, db.ApproveRunParams{Tenant: s.tenant, ID: seen.ID, Seen: seen.RejectedBy, ApprovedBy: by, ApprovedAt: db.Time{Time: at}})
		if err = one(rows, err, ErrNotWaiting); err != nil {
			return err
		}
		return noteRun(ctx, "run.approved", seen.ID, by, "", nil)
	})
}

// RejectRun ends a run that waits, since a person does not want it. The error is
// ErrNotWaiting when somebody was faster, or the run does not wait.
func (s *Store) RejectRun(ctx context.Context, id int64, by, why string, at time.Time) error {
	return s.save(ctx, fmt.Sprintf("rejecting run %d", id), func(ctx context.Context, q *db.Queries) error {
		rows, err := q.RejectRun(ctx, db.RejectRunParams{Tenant: s.tenant, ID: id, RejectedBy: by, Rejection: why, FinishedAt: db.Time{Time: at}})
		if err = one(rows, err, ErrNotWaiting); err != nil {
			return err
		}
		if err := q.SkipPlanned(ctx, db.SkipPlannedParams{Tenant: s.tenant, RunID: id, Trouble: "rejected by " + by + ": " + why, EndedAt: db.Time{Time: at}}); err != nil {
			return err
		}
		return noteRun(ctx, "run.rejected", id, by, why, nil)
	})
}

// LastHeld is the run of an integration that waited last, or waits; ID 0: none ever
// did.
func (s *Store) LastHeld(ctx context.Context, integrationID int64) (plan.Run, error) {
	var r plan.Run
	err := s.query(ctx, "looking for the run that waited last", func(q *db.Queries) error {
		rows, err := q.LastHeld(ctx, s.tenant, integrationID)
		if len(rows) > 0 {
			r = value.Run(rows[0])
		}
		return err
	})
	return r, err
}

// Run is a run with the entries of its journal, in the order of its plan. The
// error is ErrNotFound.
func (s *Store) Run(ctx context.Context, id int64) (plan.Run, []plan.Entry, error) {
	var r plan.Run
	var entries []plan.Entry
	err := s.query(ctx, fmt.Sprintf("reading run %d", id), func(q *db.Queries) error {
		row, err := q.RunByID(ctx, s.tenant, id)
		if err = one(1, err, ErrNotFound); err != nil {
			return err
		}
		r = value.Run(row)
		entries, err = s.entries(ctx, q, id)
		return err
	})
	return r, entries, err
}

// OpenRuns lists the runs of an integration that wait or are under way, the
// oldest first.
func (s *Store) OpenRuns(ctx context.Context, integrationID int64) ([]plan.Run, error) {
	var out []plan.Run
	err := s.query(ctx, "listing the open runs", func(q *db.Queries) error {
		rows, err := q.OpenRuns(ctx, s.tenant, integrationID)
		for _, r := range rows {
			out = append(out, value.Run(r))
		}
		return err
	})
	return out, err
}

// Runs lists the last runs, at most limit, the latest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]plan.Run, error) {
	var out []plan.Run
	err := s.query(ctx, "listing the runs", func(q *db.Queries) error {
		rows, err := q.LastRuns(ctx, s.tenant, int32(limit))
		for _, r := range rows {
			out = append(out, value.Run(r))
		}
		return err
	})
	return out, err
}

// Journal lists the entries of a run in the order of its plan.
func (s *Store) Journal(ctx context.Context, run int64) ([]plan.Entry, error) {
	var out []plan.Entry
	err := s.query(ctx, fmt.Sprintf("reading the journal of run %d", run), func(q *db.Queries) error {
		var err error
		out, err = s.entries(ctx, q, run)
		return err
	})
	return out, err
}

func (s *Store) entries(ctx context.Context, q *db.Queries, run int64) ([]plan.Entry, error) {
	rows, err := q.Entries(ctx, s.tenant, run)
	if err != nil {
		return nil, err
	}
	var out []plan.Entry
	for _, r := range rows {
		e, err := value.Entry(r)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Entry is one entry of the journal. The error is ErrNotFound.
func (s *Store) Entry(ctx context.Context, id int64) (plan.Entry, error) {
	var e plan.Entry
	err := s.query(ctx, fmt.Sprintf("reading journal entry %d", id), func(q *db.Queries) error {
		row, err := q.EntryByID(ctx, s.tenant, id)
		if err = one(1, err, ErrNotFound); err != nil {
			return err
		}
		e, err = value.Entry(row)
		return err
	})
	return e, err
}
