package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/store/db"
	"cxm/internal/store/regroup"
	"cxm/internal/store/value"
)

// Intend writes down that a step is about to be taken, before the tracker hears
// of it: the journal's entry as plan.Intended (with an ID the one that was
// planned), and the issue's row. It returns both as they are stored.
//
// Without an ID the issue is to be created: its row is made as issue.Intended.
// The error is ErrAlreadyIntended when its group has an issue already that
// exists or may exist, ErrCapped when the caps have no room, and ErrStale when
// all findings left the group. With an ID its row is saved and gets its next Rev,
// so that of two who intend to change the same issue one gets ErrStale. While
// findings are being assigned to other groups everybody gets ErrStale: what was
// decided about groups that are half filled must not be done.
func (s *Store) Intend(ctx context.Context, e plan.Entry, t issue.Tracked) (plan.Entry, issue.Tracked, error) {
	return s.intendBy(ctx, e, t, func(ctx context.Context, q *db.Queries) (issue.Tracked, error) { return s.intend(ctx, q, t) })
}

// intendBy writes the entry of an intent, and with intend its issue.
func (s *Store) intendBy(ctx context.Context, e plan.Entry, t issue.Tracked, intend func(context.Context, *db.Queries) (issue.Tracked, error)) (plan.Entry, issue.Tracked, error) {
	var entry plan.Entry
	var row issue.Tracked
	err := s.saveAs(ctx, "intend", fmt.Sprintf("writing the intent to %s the issue of group %s", e.Verb.Word(), t.Group.Short()), func(ctx context.Context, q *db.Queries) error {
		var err error
		if row, err = intend(ctx, q); err != nil {
			return err
		}
		entry = e
		entry.Issue, entry.Group, entry.Outcome, entry.EndedAt = row.ID, row.Group, plan.Intended, time.Time{}
		if entry.ID != 0 {
			err = s.saveEntry(ctx, q, entry)
		} else {
			entry, err = s.addEntry(ctx, q, entry)
		}
		if err != nil {
			return err
		}
		return noteStep(ctx, entry, row)
	})
	if err != nil {
		return plan.Entry{}, issue.Tracked{}, err
	}
	return entry, row, nil
}

func (s *Store) intend(ctx context.Context, q *db.Queries, t issue.Tracked) (issue.Tracked, error) {
	if t.ID == 0 {
		return s.intendNew(ctx, q, t, attention.Ask{})
	}
	if err := s.assigned(ctx, q); err != nil {
		return t, err
	}
	return s.saveIssue(ctx, q, t)
}

// intendNew adds the row of an issue that is to be created, if there is room.
func (s *Store) intendNew(ctx context.Context, q *db.Queries, t issue.Tracked, ask attention.Ask) (issue.Tracked, error) {
	if err := s.assigned(ctx, q); err != nil {
		return t, err
	}
	if heir, err := s.heir(ctx, q, t.Group); err != nil || heir != t.Group {
		return t, cmp.Or(err, fmt.Errorf("the findings of group %s are in another group by now: %w", t.Group.Short(), ErrStale))
	}
	if err := s.room(ctx, q, t, ask); err != nil {
		return t, err
	}
	t.Phase = issue.Intended
	return s.addIssue(ctx, q, t)
}

// assigned refuses while findings are being put into other groups.
func (s *Store) assigned(ctx context.Context, q *db.Queries) error {
	state, err := regroup.Now(ctx, q, s.tenant)
	if err == nil && state.Stage != regroup.Done {
		err = fmt.Errorf("the findings are being put into the groups of rules revision %d, and nothing is decided before that is done: %w", state.Revision, ErrStale)
	}
	return err
}

// heir is the group that the findings of a group are in by now: itself, unless
// all of them left it.
func (s *Store) heir(ctx context.Context, q *db.Queries, group rule.GroupKey) (rule.GroupKey, error) {
	heir, err := q.Heir(ctx, s.tenant, string(group))
	if errors.Is(err, sql.ErrNoRows) {
		return group, nil
	}
	return rule.GroupKey(heir.GroupKey), err
}

// adopter is the group that an issue whose marker names a group speaks for: the
// heir of that, but for a parent's, whose issue lists others and stays its own.
func (s *Store) adopter(ctx context.Context, q *db.Queries, group rule.GroupKey) (rule.GroupKey, error) {
	head, err := q.GroupHead(ctx, s.tenant, string(group))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return group, nil
	case err != nil || head.Parent:
		return group, err
	}
	return s.heir(ctx, q, group)
}

// CountOpen is how many issues of an integration are open, as far as cxm knows.
func (s *Store) CountOpen(ctx context.Context, integrationID int64) (int, error) {
	var n int64
	err := s.query(ctx, "counting the open issues", func(q *db.Queries) error {
		var err error
		n, err = q.CountOpen(ctx, s.tenant, integrationID)
		return err
	})
	return int(n), err
}

// Lost lists the issues of a project that could not be seen when they were last
// asked for, at most a thousand, ordered by ID.
func (s *Store) Lost(ctx context.Context, integrationID, projectID int64) ([]issue.Tracked, error) {
	var out []issue.Tracked
	err := s.query(ctx, "listing the issues that are out of sight", func(q *db.Queries) error {
		rows, err := q.LostIssues(ctx, s.tenant, integrationID, projectID)
		if err != nil {
			return err
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, err
}

// Issues lists tracked issues by their rows, those that exist.
func (s *Store) Issues(ctx context.Context, ids []int64) (map[int64]issue.Tracked, error) {
	out := map[int64]issue.Tracked{}
	err := s.query(ctx, "reading tracked issues", func(q *db.Queries) error {
		for _, id := range ids {
			row, err := q.IssueByID(ctx, s.tenant, id)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			if out[id], err = value.Tracked(row); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// addIssue stores a new row.
func (s *Store) addIssue(ctx context.Context, q *db.Queries, t issue.Tracked) (issue.Tracked, error) {
	row, err := value.AddIssue(s.tenant, t)
	if err != nil {
		return t, err
	}
	t.ID, err = q.AddIssue(ctx, row)
	t.Rev = 1
	return t, one(1, err, ErrAlreadyIntended)
}

// saveIssue stores a row that exists, if it is still as t was read.
func (s *Store) saveIssue(ctx context.Context, q *db.Queries, t issue.Tracked) (issue.Tracked, error) {
	row, err := value.SaveIssue(s.tenant, t)
	if err != nil {
		return t, err
	}
	rows, err := q.SaveIssue(ctx, row)
	t.Rev++
	return t, one(rows, err, fmt.Errorf("issue row %d: %w", t.ID, ErrStale))
}

// Record writes down what became of a step, after the tracker answered: the
// journal's entry (by its ID) and the whole issue, whose Rev rises by one. The
// error is ErrStale when t.Rev is not the row's, and then nothing is written. A
// t without an ID leaves the issue as it is. The group is settled (see Settle)
// when settled is its version; 0 leaves it as it is. Groups that stand over it
// become dirty: their issues list this one.
func (s *Store) Record(ctx context.Context, e plan.Entry, t issue.Tracked, settled int64) error {
	return s.saveAs(ctx, "record", fmt.Sprintf("recording the %s of the issue of group %s", e.Verb.Word(), t.Group.Short()), func(ctx context.Context, q *db.Queries) error {
		if t.ID != 0 {
			if _, err := s.saveIssue(ctx, q, t); err != nil {
				return err
			}
		}
		parents, err := s.over(ctx, q, t.Group)
		if err != nil {
			return err
		}
		if err := s.settleBeneath(ctx, q, t.Integration, e.Group, settled, parents[1:]); err != nil {
			return err
		}
		if err := s.saveEntry(ctx, q, e); err != nil {
			return err
		}
		return noteStep(ctx, e, t)
	})
}

// Adopt stores an issue that was found in the tracker and has no row: made by a
// request that was sent twice, or after the backup that was restored. It is
// issue.Live, or issue.Duplicate when its group has an active issue or its nonce
// has a row already. Where all findings left its group, it is an issue of the
// group that they are in now: its marker names the one from before. The group
// becomes dirty. The error is ErrStale when the issue has a row already: another
// process was faster.
func (s *Store) Adopt(ctx context.Context, t issue.Tracked) (issue.Tracked, error) {
	var adopted issue.Tracked
	err := s.saveAs(ctx, "adopt", "adopting the issue "+t.Observed.WebURL, func(ctx context.Context, q *db.Queries) error {
		var err error
		if adopted, err = s.adopt(ctx, q, t); err != nil {
			return err
		}
		touched, err := s.over(ctx, q, adopted.Group)
		if err != nil {
			return err
		}
		return s.touch(ctx, q, touched)
	})
	if err != nil {
		return issue.Tracked{}, err
	}
	return adopted, nil
}

func (s *Store) adopt(ctx context.Context, q *db.Queries, t issue.Tracked) (issue.Tracked, error) {
	at := db.IssueByIIDParams{Tenant: s.tenant, IntegrationID: t.Integration, ProjectID: t.Observed.ProjectID, IID: t.Observed.IID}
	if rows, err := q.IssueByIID(ctx, at); err != nil || len(rows) > 0 {
		return t, cmp.Or(err, ErrStale)
	}
	same, err := q.IssueByNonce(ctx, s.tenant, t.Integration, t.Nonce)
	if err != nil {
		return t, err
	}
	if t.Group, err = s.adopter(ctx, q, t.Group); err != nil {
		return t, err
	}
	t.Phase = issue.Live
	if len(same) == 0 {
		adopted, err := s.addIssue(ctx, q, t)
		if !errors.Is(err, ErrAlreadyIntended) {
			return adopted, err
		}
	}
	t.Phase = issue.Duplicate
	return s.addIssue(ctx, q, t)
}

// Unsettled lists the issues of an integration whose create may or may not have
// been carried out, ordered by ID.
func (s *Store) Unsettled(ctx context.Context, integrationID int64) ([]issue.Tracked, error) {
	var out []issue.Tracked
	err := s.query(ctx, "listing the issues in doubt", func(q *db.Queries) error {
		rows, err := q.Unsettled(ctx, s.tenant, integrationID)
		if err != nil {
			return err
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, err
}

// Find lists the tracked issues, of any phase, that are one of iids in the
// project or carry one of nonces, each once, ordered as asked for.
func (s *Store) Find(ctx context.Context, integrationID, projectID int64, iids []int64, nonces []string) ([]issue.Tracked, error) {
	var out []issue.Tracked
	err := s.query(ctx, "looking up tracked issues", func(q *db.Queries) error {
		rows, err := s.find(ctx, q, integrationID, projectID, iids, nonces)
		if err != nil {
			return err
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, err
}

// find asks for one issue at a time: a list in the statement has no form that
// both databases know, and a look-up in this process costs microseconds.
func (s *Store) find(ctx context.Context, q *db.Queries, integrationID, projectID int64, iids []int64, nonces []string) ([]db.Issue, error) {
	var out []db.Issue
	seen := map[int64]bool{}
	add := func(rows []db.Issue, err error) error {
		for _, r := range rows {
			if !seen[r.ID] {
				seen[r.ID] = true
				out = append(out, r)
			}
		}
		return err
	}
	for _, iid := range iids {
		by := db.IssueByIIDParams{Tenant: s.tenant, IntegrationID: integrationID, ProjectID: projectID, IID: iid}
		if err := add(q.IssueByIID(ctx, by)); err != nil {
			return nil, err
		}
	}
	for _, nonce := range nonces {
		if err := add(q.IssueByNonce(ctx, s.tenant, integrationID, nonce)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Observe stores what was seen of a project's issues, all of it or nothing:
// each issue (its Rev rises by one), that their groups changed, and the
// tracker's time up to which everything has now been seen. The error is
// ErrStale when any row was written since it was read.
func (s *Store) Observe(ctx context.Context, integrationID, projectID int64, seen []issue.Tracked, watermark time.Time) error {
	return s.saveAs(ctx, "observe", fmt.Sprintf("storing what was seen in project %d", projectID), func(ctx context.Context, q *db.Queries) error {
		var touched []rule.GroupKey
		for _, t := range seen {
			if _, err := s.saveIssue(ctx, q, t); err != nil {
				return err
			}
			if err := s.endEntries(ctx, q, t, watermark); err != nil {
				return err
			}
			touched = append(touched, t.Group)
		}
		touched, err := s.over(ctx, q, touched...)
		if err != nil {
			return err
		}
		if err := s.touch(ctx, q, touched); err != nil {
			return err
		}
		return q.SetWatermark(ctx, db.SetWatermarkParams{
			Tenant: s.tenant, IntegrationID: integrationID, ProjectID: projectID, SeenAt: db.Time{Time: watermark},
		})
	})
}

// endEntries says in the journal what a look found out about steps whose end
// nobody recorded.
func (s *Store) endEntries(ctx context.Context, q *db.Queries, t issue.Tracked, at time.Time) error {
	ended := plan.Adopted
	switch t.Phase {
	case issue.Intended, issue.InDoubt:
		return nil
	case issue.Dropped:
		ended = plan.Dropped
	}
	rows, err := q.EndEntries(ctx, db.EndEntriesParams{
		Tenant: s.tenant, IssueID: sql.NullInt64{Int64: t.ID, Valid: true}, Ended: string(ended), EndedAt: db.Time{Time: at},
	})
	if err != nil {
		return err
	}
	return noteEnded(ctx, rows, t)
}

// Projects lists the projects that hold issues of an integration, or are about
// to, in the order of their ids.
func (s *Store) Projects(ctx context.Context, integrationID int64) ([]int64, error) {
	var out []int64
	err := s.query(ctx, "listing the projects that hold issues", func(q *db.Queries) error {
		var err error
		out, err = q.Projects(ctx, s.tenant, integrationID)
		return err
	})
	return out, err
}

// Watermark is the tracker's time up to which everything in the project has
// been seen. Zero: never looked.
func (s *Store) Watermark(ctx context.Context, integrationID, projectID int64) (time.Time, error) {
	var at db.Time
	err := s.query(ctx, fmt.Sprintf("reading up to when project %d was seen", projectID), func(q *db.Queries) error {
		var err error
		at, err = q.Watermark(ctx, s.tenant, integrationID, projectID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return at.Time, err
}
