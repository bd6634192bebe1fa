// Package why reads what is known of single findings and of what their sources
// delivered: what an answer to "why is there no issue for this?" needs beside
// what the loop itself reads.
//
// What always holds: every query carries a tenant; nothing is written.
package why

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/finding"
	"cxm/internal/rule"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is what one tenant's findings tell.
type Store struct {
	db     *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(d *database.DB, tenant string) *Store { return &Store{db: d, tenant: tenant} }

// Found is a finding as it is stored.
type Found struct {
	Finding  finding.Finding
	Sighting finding.Sighting // its Digest is left out
	Decided  finding.Decided
	Group    rule.GroupKey
	Source   string // that delivered it last
	Scope    string
}

// From lists the findings whose key begins with prefix, at most so many, in the
// order of their keys.
func (s *Store) From(ctx context.Context, prefix string, most int) ([]Found, error) {
	var out []Found
	err := s.read(ctx, "looking for the finding "+prefix, func(q *db.Queries) error {
		rows, err := q.FindingsFrom(ctx, db.FindingsFromParams{Tenant: s.tenant, First: prefix, Behind: prefix + "~", Page: int32(min(most, 1000))})
		for _, r := range rows {
			f := Found{
				Sighting: finding.Sighting{Detection: finding.Detection(r.Detection), Absences: int(r.Absences), Since: r.Since.Time},
				Decided:  finding.Decided{Decision: finding.Decision(r.Decision), Reason: r.DecidedWhy, By: r.DecidedBy, At: r.DecidedAt.Time, Until: r.DecidedUntil.Time},
				Group:    rule.GroupKey(r.GroupKey), Source: r.Source, Scope: r.Scope,
			}
			if err := db.Decode(r.Body, &f.Finding, "body of finding", r.FindingKey); err != nil {
				return err
			}
			out = append(out, f)
		}
		return err
	})
	return out, err
}

// State is what the loop thinks of a group.
type State struct {
	Rule  string // that put the findings together
	Dirty bool   // it changed since it was last settled
}

// Group is the state of a group. The error is db.ErrNotFound.
func (s *Store) Group(ctx context.Context, key rule.GroupKey) (State, error) {
	var out State
	err := s.read(ctx, "reading the state of group "+key.Short(), func(q *db.Queries) error {
		r, err := q.GroupState(ctx, s.tenant, string(key))
		if errors.Is(err, sql.ErrNoRows) {
			return db.ErrNotFound
		}
		out = State{Rule: r.Rule, Dirty: r.Dirty}
		return err
	})
	return out, err
}

// Scope names a part of the world that a source covers.
type Scope struct{ Source, Scope string }

// Complete tells when each scope was last delivered whole; those that never were
// are left out.
func (s *Store) Complete(ctx context.Context) (map[Scope]time.Time, error) {
	out := map[Scope]time.Time{}
	err := s.read(ctx, "reading the complete deliveries", func(q *db.Queries) error {
		rows, err := q.CompletePulls(ctx, s.tenant)
		for _, r := range rows {
			out[Scope{r.Source, r.Scope}] = r.ReceivedAt.Time
		}
		return err
	})
	return out, err
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	if err := s.db.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
