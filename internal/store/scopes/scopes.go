// Package scopes keeps what is known of each source and scope beyond its findings:
// whether its first run was let go, and how it fares.
//
// What always holds: every row and every query carries the tenant; a scope that was
// let go is never new again; nothing here reads a finding's body.
package scopes

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/plan"
	"cxm/internal/rule"
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

// Newcomers lists the groups all of whose findings came in scopes whose first run
// waits for a person, with those scopes. What cxm reports about itself comes in
// scopes that begin with "cxm-", and is never new.
func (s *Store) Newcomers(ctx context.Context) (map[rule.GroupKey][]plan.Newcomer, error) {
	out := map[rule.GroupKey][]plan.Newcomer{}
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		q := db.New(tx)
		first, err := q.Newcomers(ctx, s.tenant)
		if err != nil || len(first) == 0 {
			return err
		}
		also, err := q.AlsoNewcomers(ctx, s.tenant)
		for _, r := range first {
			out[rule.GroupKey(r.GroupKey)] = append(out[rule.GroupKey(r.GroupKey)], plan.Newcomer{Scope: r.ID, Source: name(r.Source, r.Scope)})
		}
		for _, r := range also {
			out[rule.GroupKey(r.GroupKey)] = append(out[rule.GroupKey(r.GroupKey)], plan.Newcomer{Scope: r.ID, Source: name(r.Source, r.Scope)})
		}
		return err
	})
	return out, wrap("looking for new sources", err)
}

// name is how people know a source and its scope.
func name(source, scope string) string {
	if scope == "" || scope == "default" {
		return source
	}
	return source + " (" + scope + ")"
}

// Admit commits that issues are made of what comes in the scopes.
func (s *Store) Admit(ctx context.Context, scopes []int64, at time.Time) error {
	return s.save(ctx, "admit", "letting the first run of a source go", func(ctx context.Context, q *db.Queries) error {
		for _, id := range scopes {
			if err := q.AdmitScope(ctx, db.Time{Time: at}, s.tenant, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Flag commits what cxm reported about a source and scope; empty: nothing is wrong
// with it any more.
func (s *Store) Flag(ctx context.Context, source, scope, flagged string) error {
	return s.save(ctx, "flag", "keeping what was reported about a source", func(ctx context.Context, q *db.Queries) error {
		id, err := q.EnterScope(ctx, s.tenant, source, scope)
		if err != nil {
			return err
		}
		return q.FlagScope(ctx, flagged, s.tenant, id)
	})
}

// Health is how one source and scope fares.
type Health struct {
	Source  string // the type of the source
	Scope   string
	Flagged string // what cxm reported about it; empty: nothing
	Pulls   []Pull // the last of them, the latest first; none: only refused deliveries, or none at all
	Refused Refusal
	Waiting bool // deliveries wait to be taken in: how it fares is not known before they are
}

// Pull is what is kept here of one delivery that was taken in.
type Pull struct {
	At       time.Time
	Complete bool
	Reasons  []string // why it was not complete
}

// Refusal is the last delivery that could not be taken in, and came after the last
// one that could; zero: there is none.
type Refusal struct {
	At  time.Time
	Why string
}

// Healths lists how every source and scope fares, by the last most of its pulls.
func (s *Store) Healths(ctx context.Context, most int) ([]Health, error) {
	var out []Health
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		q := db.New(tx)
		rows, err := q.Scopes(ctx, s.tenant)
		if err != nil {
			return err
		}
		for _, r := range rows {
			h, err := s.health(ctx, q, r, most)
			if err != nil {
				return err
			}
			out = append(out, h)
		}
		return nil
	})
	return out, wrap("reading how the sources fare", err)
}

// Health is how one source and scope fares, by the last most of its pulls.
func (s *Store) Health(ctx context.Context, source, scope string, most int) (Health, error) {
	var out Health
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		q := db.New(tx)
		rows, err := q.ScopeOf(ctx, s.tenant, source, scope)
		if err != nil {
			return err
		}
		row := db.Scope{Source: source, Scope: scope} // nothing of it was taken in yet
		if len(rows) > 0 {
			row = rows[0]
		}
		out, err = s.health(ctx, q, row, most)
		return err
	})
	return out, wrap("reading how a source fares", err)
}

func (s *Store) health(ctx context.Context, q *db.Queries, r db.Scope, most int) (Health, error) {
	h := Health{Source: r.Source, Scope: r.Scope, Flagged: r.Flagged}
	pulls, err := q.RecentPulls(ctx, s.tenant, r.ID, int32(most))
	if err != nil {
		return h, err
	}
	for _, row := range pulls {
		p := Pull{At: row.ReceivedAt.Time, Complete: row.Complete}
		if err := db.Decode(row.Reasons, &p.Reasons, "reasons of pull", row.ID); err != nil {
			return h, err
		}
		h.Pulls = append(h.Pulls, p)
	}
	last := time.Unix(0, 0)
	if len(h.Pulls) > 0 {
		last = h.Pulls[0].At
	}
	refused, err := q.RefusedSince(ctx, db.RefusedSinceParams{Tenant: s.tenant, Source: r.Source, Scope: r.Scope, After: db.Time{Time: last}})
	if err == nil && len(refused) > 0 {
		h.Refused = Refusal{At: refused[0].ReceivedAt.Time, Why: refused[0].Trouble}
	}
	if err != nil {
		return h, err
	}
	waiting, err := q.CountWaiting(ctx, s.tenant, r.Source, r.Scope)
	h.Waiting = waiting > 0
	return h, err
}

func (s *Store) save(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
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
