package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/regroup"
)

// ErrOtherRevision says that other rules are in force than findings were to be
// assigned under.
var ErrOtherRevision = errors.New("other rules are in force by now: read them, and assign under those")

// Assigned says how far the findings are assigned.
type Assigned struct {
	Revision int64 // under which they are, or are to be; 0: the built-in rules
	Done     bool  // all are; before that nothing may be planned
	Stage    regroup.Stage
	Position int64 // the finding or issue up to which the stage is done
}

// Assigned says how far the findings are assigned under the rules in force. They
// are not when Reassign was not run to its end since rules were applied, or since
// a pull was stored that had been read under earlier ones.
func (s *Store) Assigned(ctx context.Context) (Assigned, error) {
	var out Assigned
	err := s.read(ctx, "reading how far the findings are assigned", func(q *db.Queries) error {
		state, err := regroup.Now(ctx, q, s.tenant)
		out = Assigned{Revision: state.Revision, Done: state.Stage == regroup.Done, Stage: state.Stage, Position: state.Position}
		return err
	})
	return out, err
}

// Reassign puts every finding into the groups that the rules of a revision say,
// and hands the issues of groups that all findings left to where these are now:
// of several that could go to one group the oldest that is open, else the oldest,
// and none to a group that has one. It goes on where another run of it ended, and several may run at once. Each
// transaction is about so many findings at most; what is as it should be is not
// written. The error is ErrOtherRevision when the revision is not in force.
func (s *Store) Reassign(ctx context.Context, revision int64, assign func(*finding.Finding) []rule.Assignment, batch int) error {
	batch = max(batch, 1)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done := false
		err := s.write(ctx, "reassign", "assigning findings to their groups", func(ctx context.Context, q *db.Queries) error {
			b := reassignment{q: q, tenant: s.tenant, move: regroup.New(q, s.tenant), assign: assign, size: batch}
			var err error
			done, err = b.run(ctx, revision)
			if err != nil {
				return err
			}
			return b.move.Mark(ctx, s.clock())
		})
		if err != nil || done {
			return err
		}
	}
}

// reassignment is one transaction of a Reassign.
type reassignment struct {
	q      *db.Queries
	tenant string
	move   *regroup.Mover
	assign func(*finding.Finding) []rule.Assignment
	size   int
}

// run does as much as one transaction may, and says whether nothing is left.
func (b *reassignment) run(ctx context.Context, revision int64) (done bool, err error) {
	if err := regroup.Turn(ctx, b.q, b.tenant); err != nil {
		return false, err
	}
	state, err := regroup.Now(ctx, b.q, b.tenant)
	if err != nil {
		return false, err
	}
	if state.Revision != revision {
		return false, fmt.Errorf("%w (revision %d is, not %d)", ErrOtherRevision, state.Revision, revision)
	}
	if state.Stage == regroup.Done {
		return true, nil
	}
	stage, next := b.findings, regroup.Open
	switch state.Stage {
	case regroup.Open:
		stage, next = b.open, regroup.Closed
	case regroup.Closed:
		stage, next = b.closed, regroup.Clean
	case regroup.Clean:
		stage, next = b.clean, regroup.Done
	}
	rows, last, err := stage(ctx, state.Position)
	if err != nil {
		return false, err
	}
	state.Position = last
	if rows < b.size {
		state.Stage, state.Position = next, 0
	}
	return false, state.Save(ctx, b.q, b.tenant)
}

// findings assigns the findings behind one.
func (b *reassignment) findings(ctx context.Context, after int64) (rows int, last int64, err error) {
	page, err := b.q.AssignedAfter(ctx, b.tenant, after, int32(b.size))
	for _, r := range page {
		if err := b.one(ctx, r); err != nil {
			return 0, 0, fmt.Errorf("finding %s: %w", r.FindingKey, err)
		}
		after = r.ID
	}
	return len(page), after, err
}

// one assigns one finding.
func (b *reassignment) one(ctx context.Context, r db.AssignedAfterRow) error {
	var f finding.Finding
	if err := db.Decode(r.Body, &f, "body of finding", r.FindingKey); err != nil {
		return err
	}
	f.FindingKey = finding.Key(r.FindingKey)
	if r.FirstKey != "" {
		f.FormerKeys = []finding.Key{finding.Key(r.FirstKey)}
	}
	was, err := b.move.Was(ctx, r.ID, regroup.Place{Group: r.GroupKey, Rule: r.Rule, Ignored: r.Ignored}, r.Also)
	if err != nil {
		return err
	}
	now := regroup.Places(rule.Place(&f, finding.Sighting{}, b.assign(&f), 0))
	if slices.Equal(was, now) {
		return nil
	}
	if err := b.move.Open(ctx, now); err != nil {
		return err
	}
	also := int64(len(now) - 1)
	if now[0].Group != r.GroupKey || also != r.Also {
		if err := b.q.Regroup(ctx, db.RegroupParams{Tenant: b.tenant, ID: r.ID, GroupKey: now[0].Group, Also: also}); err != nil {
			return err
		}
	}
	return b.move.Move(ctx, r.ID, was, now)
}

// open hands on the issues behind one that are not closed, the oldest first.
func (b *reassignment) open(ctx context.Context, after int64) (rows int, last int64, err error) {
	return b.issues(ctx, after, func(state string) bool { return state != string(issue.Closed) })
}

// closed hands on those that are, where a group has no other by now. Which are may
// have changed since the open ones had their turn, so it looks at all.
func (b *reassignment) closed(ctx context.Context, after int64) (rows int, last int64, err error) {
	return b.issues(ctx, after, func(string) bool { return true })
}

func (b *reassignment) issues(ctx context.Context, after int64, meant func(state string) bool) (rows int, last int64, err error) {
	page, err := b.q.ActiveIssuesAfter(ctx, b.tenant, after, int32(b.size))
	for _, r := range page {
		if r.LeftBySome && meant(r.State) {
			if err := b.move.Inherit(ctx, regroup.Handed{Row: r.ID, Integration: r.IntegrationID, Group: r.GroupKey}); err != nil {
				return 0, 0, fmt.Errorf("the issue in row %d: %w", r.ID, err)
			}
		}
		after = r.ID
	}
	return len(page), after, err
}

// clean forgets what left which group.
func (b *reassignment) clean(ctx context.Context, _ int64) (rows int, last int64, err error) {
	last, err = b.q.RegroupingsEnd(ctx, b.tenant, int32(b.size))
	if err != nil || last == 0 {
		return 0, 0, err
	}
	return b.size, 0, b.q.DropRegroupings(ctx, b.tenant, last)
}
