// Package lists reads what there is in pages, for the API and the pages.
//
// What always holds: every query carries the tenant; a page is bounded; the next one
// begins behind the last row of the one before, so that what comes or goes meanwhile
// neither repeats a row nor leaves one out that was there all along.
package lists

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// Most is the largest page, and usual the one when nobody says how large.
const (
	Most  = 500
	usual = 50
)

// Store is one tenant's part.
type Store struct {
	base   *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(base *database.DB, tenant string) *Store { return &Store{base: base, tenant: tenant} }

// Page says which rows: Size of them behind After. The zero value is the first page.
type Page struct {
	After Cursor
	Size  int // 0: 50; at most Most
}

func (p Page) size() int32 { return int32(min(cmp.Or(max(p.Size, 0), usual), Most)) }

// before is the row that a list runs backwards from.
func (p Page) before() int64 { return cmp.Or(p.After.ID, math.MaxInt64) }

// Cursor is the last row of a page. The zero value stands before the first row, and
// is what the last page ends with.
type Cursor struct {
	ID    int64
	Worth int64  // of a list by worth, in millionths; -1: unknown
	Key   string // of a list by key
}

// Zero says that there is nothing behind.
func (c Cursor) Zero() bool { return c == Cursor{} }

// Finding is one finding with where it is.
type Finding struct {
	ID int64
	rule.Member
	Group   rule.GroupKey
	Rule    string // that put it there; empty: none makes an issue of it
	Ignored string // why none does; empty: one does
	Source  string // the type of the source
	Scope   string
}

// FindingFilter says which findings; what is empty lets everything through.
type FindingFilter struct {
	Kind      finding.Kind
	Detection finding.Detection
	Account   string // its id
	Source    string // the type
	Scope     string
	Rule      string
	Search    string // in its title, resource, account, service and region, letter case aside
	ByWorth   bool   // the largest saving first; else the oldest
}

// Findings lists findings, and where the next page begins.
func (s *Store) Findings(ctx context.Context, f FindingFilter, p Page) ([]Finding, Cursor, error) {
	var out []Finding
	var last Cursor
	err := s.read(ctx, "listing findings", func(q *db.Queries) error {
		rows, err := s.findings(ctx, q, f, p)
		if err != nil {
			return err
		}
		for _, r := range rows {
			one, err := toFinding(db.ListFindingsRow{
				ID: r.ID, FindingKey: r.FindingKey, GroupKey: r.GroupKey, Detection: r.Detection, Absences: r.Absences, Digest: r.Digest, Since: r.Since,
				Source: r.Source, Scope: r.Scope, Rule: r.Rule, Ignored: r.Ignored, Body: r.Body,
				Decision: r.Decision, DecidedWhy: r.DecidedWhy, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt, DecidedUntil: r.DecidedUntil,
			})
			if err != nil {
				return err
			}
			out, last = append(out, one), Cursor{ID: r.ID, Worth: r.Worth}
		}
		return nil
	})
	return out, next(len(out), p, last), err
}

// findings reads a page in the order that is asked for.
func (s *Store) findings(ctx context.Context, q *db.Queries, f FindingFilter, p Page) ([]db.ListFindingsByWorthRow, error) {
	if f.ByWorth {
		below := p.After.Worth
		if p.After.Zero() {
			below = math.MaxInt64
		}
		return q.ListFindingsByWorth(ctx, db.ListFindingsByWorthParams{
			Tenant: s.tenant, Below: sql.NullInt64{Int64: below, Valid: true}, After: p.After.ID, Kind: string(f.Kind), Detection: string(f.Detection), Account: f.Account,
			Source: f.Source, Scope: f.Scope, Rule: f.Rule, Search: pattern(f.Search), Page: p.size(),
		})
	}
	rows, err := q.ListFindings(ctx, db.ListFindingsParams{
		Tenant: s.tenant, After: p.After.ID, Kind: string(f.Kind), Detection: string(f.Detection), Account: f.Account,
		Source: f.Source, Scope: f.Scope, Rule: f.Rule, Search: pattern(f.Search), Page: p.size(),
	})
	out := make([]db.ListFindingsByWorthRow, len(rows))
	for i, r := range rows {
		out[i] = db.ListFindingsByWorthRow{
			ID: r.ID, FindingKey: r.FindingKey, GroupKey: r.GroupKey, Detection: r.Detection, Absences: r.Absences, Digest: r.Digest, Since: r.Since,
			Source: r.Source, Scope: r.Scope, Rule: r.Rule, Ignored: r.Ignored, Body: r.Body,
			Decision: r.Decision, DecidedWhy: r.DecidedWhy, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt, DecidedUntil: r.DecidedUntil,
		}
	}
	return out, err
}

// pattern finds a text anywhere; empty: everything.
func pattern(text string) string {
	if text = strings.ToLower(strings.TrimSpace(text)); text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, "\x00", "").Replace(strings.ToValidUTF8(text, "")) + "%"
}

// Finding is one finding by its key. The error is database.ErrNotFound when there is
// none.
func (s *Store) Finding(ctx context.Context, key finding.Key) (Finding, error) {
	var out Finding
	err := s.read(ctx, "reading a finding", func(q *db.Queries) error {
		rows, err := q.OneFinding(ctx, s.tenant, string(key))
		if err == nil && len(rows) == 0 {
			err = fmt.Errorf("finding %.80s: %w", key, db.ErrNotFound)
		}
		if err != nil {
			return err
		}
		out, err = toFinding(db.ListFindingsRow(rows[0]))
		return err
	})
	return out, err
}

func toFinding(r db.ListFindingsRow) (Finding, error) {
	m, err := value.Member(db.MembersRow{
		GroupKey: r.GroupKey, FindingKey: r.FindingKey, Detection: r.Detection, Absences: r.Absences, Digest: r.Digest, Since: r.Since, Body: r.Body,
		Decision: r.Decision, DecidedWhy: r.DecidedWhy, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt, DecidedUntil: r.DecidedUntil,
	})
	return Finding{ID: r.ID, Member: m, Group: rule.GroupKey(r.GroupKey), Rule: r.Rule, Ignored: r.Ignored, Source: r.Source, Scope: r.Scope}, err
}

// Group is one group in brief.
type Group struct {
	Key      rule.GroupKey
	Rule     string
	Ignored  string
	Version  int64
	Dirty    bool // something about it changed since it was settled
	Findings int  // in it as their first group
}

// Groups lists groups by their key; of empty rule: all.
func (s *Store) Groups(ctx context.Context, of string, p Page) ([]Group, Cursor, error) {
	var out []Group
	err := s.read(ctx, "listing groups", func(q *db.Queries) error {
		rows, err := q.ListGroups(ctx, db.ListGroupsParams{Tenant: s.tenant, After: p.After.Key, Rule: of, Page: p.size()})
		for _, r := range rows {
			out = append(out, Group{Key: rule.GroupKey(r.GroupKey), Rule: r.Rule, Ignored: r.Ignored, Version: r.Version, Dirty: r.Dirty, Findings: int(r.Findings)})
		}
		return err
	})
	var last Cursor
	if len(out) > 0 {
		last.Key = string(out[len(out)-1].Key)
	}
	return out, next(len(out), p, last), err
}

// IssueFilter says which issues; what is zero lets everything through.
type IssueFilter struct {
	Integration int64
	Project     int64
	State       issue.State
	Phase       issue.Phase
	Team        string
	Group       rule.GroupKey
}

// Issues lists issues that were not dropped, the latest first.
func (s *Store) Issues(ctx context.Context, f IssueFilter, p Page) ([]issue.Tracked, Cursor, error) {
	var out []issue.Tracked
	err := s.read(ctx, "listing issues", func(q *db.Queries) error {
		rows, err := q.ListIssues(ctx, db.ListIssuesParams{
			Tenant: s.tenant, Before: p.before(), IntegrationID: f.Integration, ProjectID: f.Project, State: string(f.State),
			Phase: string(f.Phase), Team: f.Team, GroupKey: string(f.Group), Page: p.size(),
		})
		if err == nil {
			out, err = value.AllTracked(rows)
		}
		return err
	})
	return out, behind(out, p, func(t issue.Tracked) int64 { return t.ID }), err
}

// RunFilter says which runs; what is zero lets everything through.
type RunFilter struct {
	Integration int64
	State       plan.RunState
}

// Runs lists runs, the latest first.
func (s *Store) Runs(ctx context.Context, f RunFilter, p Page) ([]plan.Run, Cursor, error) {
	var out []plan.Run
	err := s.read(ctx, "listing runs", func(q *db.Queries) error {
		rows, err := q.ListRuns(ctx, db.ListRunsParams{Tenant: s.tenant, Before: p.before(), IntegrationID: f.Integration, State: string(f.State), Page: p.size()})
		for _, r := range rows {
			out = append(out, value.Run(r))
		}
		return err
	})
	return out, behind(out, p, func(r plan.Run) int64 { return r.ID }), err
}

// EntryFilter says which entries of the journal; what is zero lets everything
// through. Group goes before the others.
type EntryFilter struct {
	Group   rule.GroupKey
	Run     int64
	Outcome plan.Outcome
}

// Entries lists entries of the journal, the latest first.
func (s *Store) Entries(ctx context.Context, f EntryFilter, p Page) ([]plan.Entry, Cursor, error) {
	var out []plan.Entry
	err := s.read(ctx, "listing the journal", func(q *db.Queries) error {
		var rows []db.Journal
		var err error
		if f.Group != "" {
			rows, err = q.GroupEntries(ctx, db.GroupEntriesParams{Tenant: s.tenant, GroupKey: string(f.Group), Before: p.before(), Page: p.size()})
		} else {
			rows, err = q.ListEntries(ctx, db.ListEntriesParams{Tenant: s.tenant, Before: p.before(), RunID: f.Run, Outcome: string(f.Outcome), Page: p.size()})
		}
		for _, r := range rows {
			e, bad := value.Entry(r)
			if err = cmp.Or(err, bad); err != nil {
				return err
			}
			out = append(out, e)
		}
		return err
	})
	return out, behind(out, p, func(e plan.Entry) int64 { return e.ID }), err
}

// Pulls lists what was taken in, the latest first; of an empty source or scope: of
// every one.
func (s *Store) Pulls(ctx context.Context, source, scope string, p Page) ([]finding.Pull, Cursor, error) {
	var out []finding.Pull
	err := s.read(ctx, "listing pulls", func(q *db.Queries) error {
		rows, err := q.ListPulls(ctx, db.ListPullsParams{Tenant: s.tenant, Before: p.before(), Source: source, Scope: scope, Page: p.size()})
		for _, r := range rows {
			one, bad := value.Pull(db.LastPullsRow(r))
			if err = cmp.Or(err, bad); err != nil {
				return err
			}
			out = append(out, one)
		}
		return err
	})
	return out, behind(out, p, func(p finding.Pull) int64 { return p.ID }), err
}

// behind is where the page behind one begins that runs by id.
func behind[T any](rows []T, p Page, id func(T) int64) Cursor {
	var last Cursor
	if len(rows) > 0 {
		last.ID = id(rows[len(rows)-1])
	}
	return next(len(rows), p, last)
}

// next is where the next page begins: nowhere, when this one is not full.
func next(rows int, p Page, last Cursor) Cursor {
	if rows < int(p.size()) {
		return Cursor{}
	}
	return last
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	err := s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
