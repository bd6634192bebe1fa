// Package decisions keeps what people decided about findings.
//
// What always holds: every row and every query carries the tenant; a decision is
// about a finding, whatever key and group that has by now; of each finding at most
// one stands, and the earlier ones are kept as they were; a decision is kept together
// with its line in the audit log, and with the mark that its groups changed.
package decisions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"cxm/internal/audit"
	"cxm/internal/finding"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is one tenant's part.
type Store struct {
	base   *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string) *Store { return &Store{base: base, tenant: tenant} }

// Decision is one that was made.
type Decision struct {
	ID int64
	finding.Decided
	Standing bool // it was the last about its finding
}

// Standing is one that stands, with what it is about.
type Standing struct {
	Decision
	Finding   finding.Finding
	Detection finding.Detection
}

// Decide keeps what people decided about a finding, as settled (finding.Decided.Settled),
// and marks its groups as changed. The error is db.ErrNotFound when there is no such
// finding. To take back what was never decided does nothing.
func (s *Store) Decide(ctx context.Context, key finding.Key, d finding.Decided) (Decision, error) {
	out := Decision{Decided: d, Standing: true}
	err := s.write(ctx, "decide", "keeping the decision about finding "+key.Short(), func(ctx context.Context, q *db.Queries) error {
		at, was, err := s.last(ctx, q, key)
		if err != nil {
			return err
		}
		if d.Decision == finding.Undecided && was.Decision == finding.Undecided {
			out.Decided = was
			audit.Quiet(ctx)
			return nil
		}
		if err := q.EndDecision(ctx, s.tenant, at.ID); err != nil {
			return err
		}
		out.ID, err = q.AddDecision(ctx, db.AddDecisionParams{
			Tenant: s.tenant, FindingID: at.ID, Decision: string(d.Decision), Reason: d.Reason, Author: d.By,
			MadeAt: db.Time{Time: d.At}, Until: db.Time{Time: d.Until},
		})
		if err != nil {
			return err
		}
		if err := s.touch(ctx, q, at); err != nil {
			return err
		}
		return note(ctx, key, was, d)
	})
	return out, err
}

// last is where a finding is, and what stands of it.
func (s *Store) last(ctx context.Context, q *db.Queries, key finding.Key) (db.FindingPlaceRow, finding.Decided, error) {
	was := finding.Decided{Decision: finding.Undecided}
	at, err := q.FindingPlace(ctx, s.tenant, string(key))
	if err != nil {
		return at, was, absent(err, key)
	}
	rows, err := q.DecisionsOf(ctx, db.DecisionsOfParams{Tenant: s.tenant, FindingID: at.ID, Before: math.MaxInt64, Page: 1})
	if len(rows) > 0 {
		was = decided(rows[0])
	}
	return at, was, err
}

// touch marks the groups of a finding as changed, in the order of their keys.
func (s *Store) touch(ctx context.Context, q *db.Queries, at db.FindingPlaceRow) error {
	groups := []string{at.GroupKey}
	if at.Also > 0 {
		also, err := q.DecidedGroups(ctx, s.tenant, at.ID)
		if err != nil {
			return err
		}
		groups = append(groups, also...)
	}
	slices.Sort(groups)
	for _, group := range slices.Compact(groups) {
		if err := q.TouchGroup(ctx, s.tenant, group); err != nil {
			return err
		}
	}
	return nil
}

// note adds to the audit log what was decided.
func note(ctx context.Context, key finding.Key, was, is finding.Decided) error {
	return audit.Note(ctx, audit.Line{
		Action: "finding.decided", Object: audit.Object{Kind: "finding", ID: string(key)}, Why: is.Reason,
		Before: facts(was), After: facts(is),
	})
}

func facts(d finding.Decided) audit.Facts {
	out := audit.Values{"decision": string(d.Decision)}
	if !d.Until.IsZero() {
		out["until"] = d.Until.UTC().Format(time.RFC3339)
	}
	return audit.Of(out)
}

// Of lists what was decided about a finding, the latest first, those made before one
// (0: all), at most so many. The error is db.ErrNotFound.
func (s *Store) Of(ctx context.Context, key finding.Key, before int64, most int) ([]Decision, error) {
	var out []Decision
	err := s.read(ctx, "reading the decisions about finding "+key.Short(), func(q *db.Queries) error {
		at, err := q.FindingPlace(ctx, s.tenant, string(key))
		if err != nil {
			return absent(err, key)
		}
		rows, err := q.DecisionsOf(ctx, db.DecisionsOfParams{Tenant: s.tenant, FindingID: at.ID, Before: behind(before), Page: page(most)})
		for _, r := range rows {
			out = append(out, Decision{ID: r.ID, Decided: decided(r), Standing: r.Standing})
		}
		return err
	})
	return out, err
}

// Standing lists what stands, the latest first, those made before one (0: all), at
// most so many; of an empty decision: whatever was decided. Whether its time has
// passed is for the caller to see.
func (s *Store) Standing(ctx context.Context, of finding.Decision, before int64, most int) ([]Standing, error) {
	var out []Standing
	err := s.read(ctx, "reading the decisions that stand", func(q *db.Queries) error {
		rows, err := q.StandingDecisions(ctx, db.StandingDecisionsParams{Tenant: s.tenant, Before: behind(before), Decision: string(of), Page: page(most)})
		if err != nil {
			return err
		}
		for _, r := range rows {
			one := Standing{Detection: finding.Detection(r.Detection), Decision: Decision{ID: r.ID, Standing: true, Decided: finding.Decided{
				Decision: finding.Decision(r.Decision), Reason: r.Reason, By: r.Author, At: r.MadeAt.Time, Until: r.Until.Time,
			}}}
			if err := db.Decode(r.Body, &one.Finding, "body of finding", r.FindingKey); err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func behind(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

func page(most int) int32 { return int32(min(max(most, 1), 1000)) }

func decided(r db.Decision) finding.Decided {
	return finding.Decided{Decision: finding.Decision(r.Decision), Reason: r.Reason, By: r.Author, At: r.MadeAt.Time, Until: r.Until.Time}
}

// absent is db.ErrNotFound for a finding that is not there.
func absent(err error, key finding.Key) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("finding %s: %w", key.Short(), db.ErrNotFound)
	}
	return err
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
