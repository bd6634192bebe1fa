package lists

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/db"
	"cxm/internal/store/value"
)

// Run is a run without its journal. The error is database.ErrNotFound when there is
// none.
func (s *Store) Run(ctx context.Context, id int64) (plan.Run, error) {
	var out plan.Run
	err := s.read(ctx, fmt.Sprintf("reading run %d", id), func(q *db.Queries) error {
		row, err := q.RunByID(ctx, s.tenant, id)
		if errors.Is(err, sql.ErrNoRows) {
			err = db.ErrNotFound
		}
		out = value.Run(row)
		return err
	})
	return out, err
}

// Outcomes counts the steps of a run by what became of them so far.
func (s *Store) Outcomes(ctx context.Context, run int64) (map[plan.Outcome]int, error) {
	out := map[plan.Outcome]int{}
	err := s.read(ctx, "counting the steps of a run", func(q *db.Queries) error {
		rows, err := q.CountOutcomes(ctx, s.tenant, run)
		for _, r := range rows {
			out[plan.Outcome(r.Outcome)] = int(r.Number)
		}
		return err
	})
	return out, err
}

// Steps lists the steps of a run in the order of its plan, those with an outcome or
// with any. The cursor's Worth is the place in the plan.
func (s *Store) Steps(ctx context.Context, run int64, o plan.Outcome, p Page) ([]plan.Entry, Cursor, error) {
	out, err := s.entries(ctx, func(q *db.Queries) ([]db.Journal, error) {
		return q.RunSteps(ctx, db.RunStepsParams{Tenant: s.tenant, RunID: run, Seq: p.After.Worth, After: p.After.ID, Outcome: string(o), Page: p.size()})
	})
	var last Cursor
	if len(out) > 0 {
		last = Cursor{ID: out[len(out)-1].ID, Worth: int64(out[len(out)-1].Seq)}
	}
	return out, next(len(out), p, last), err
}

// Latest are the last n steps of a run that have an outcome, the latest first.
func (s *Store) Latest(ctx context.Context, run int64, n int) ([]plan.Entry, error) {
	return s.entries(ctx, func(q *db.Queries) ([]db.Journal, error) { return q.LatestSteps(ctx, s.tenant, run, int32(n)) })
}

// Behind are the first n steps about a group after one of them.
func (s *Store) Behind(ctx context.Context, group rule.GroupKey, entry int64, n int) ([]plan.Entry, error) {
	return s.entries(ctx, func(q *db.Queries) ([]db.Journal, error) {
		return q.GroupSteps(ctx, db.GroupStepsParams{Tenant: s.tenant, GroupKey: string(group), After: entry, Page: int32(n)})
	})
}

func (s *Store) entries(ctx context.Context, list func(*db.Queries) ([]db.Journal, error)) ([]plan.Entry, error) {
	var out []plan.Entry
	err := s.read(ctx, "listing the journal", func(q *db.Queries) error {
		rows, err := list(q)
		for _, r := range rows {
			e, bad := value.Entry(r)
			if err = cmp.Or(err, bad); err != nil {
				return err
			}
			out = append(out, e)
		}
		return err
	})
	return out, err
}

// Parents are the groups that stand over a group.
func (s *Store) Parents(ctx context.Context, group rule.GroupKey) ([]rule.GroupKey, error) {
	var out []rule.GroupKey
	err := s.read(ctx, "looking for the groups over a group", func(q *db.Queries) error {
		keys, err := q.ParentsOf(ctx, s.tenant, string(group))
		for _, key := range keys {
			out = append(out, rule.GroupKey(key))
		}
		return err
	})
	return out, err
}

// Order is what a list of issues is ordered by.
type Order string

// The orders.
const (
	Newest  Order = ""      // cxm's own number, the latest first
	ByWorth Order = "worth" // the largest saving first, the unknown ones last
	ByTitle Order = "title"
)

// IssueSearch says which issues, in which order; what is zero lets everything through.
type IssueSearch struct {
	IssueFilter
	Text  string // in title, number and address, letter case aside
	Order Order
}

// SearchIssues lists issues that were not dropped. IssueFilter.Group counts for
// nothing here.
func (s *Store) SearchIssues(ctx context.Context, f IssueSearch, p Page) ([]issue.Tracked, Cursor, error) {
	var out []issue.Tracked
	var last Cursor
	err := s.read(ctx, "listing issues", func(q *db.Queries) error {
		rows, err := s.searched(ctx, q, f, p)
		if err != nil || len(rows) == 0 {
			return err
		}
		r := rows[len(rows)-1]
		switch last.ID = r.ID; f.Order {
		case ByWorth:
			last.Worth = r.Worth
		case ByTitle:
			last.Key = r.Search
		}
		out, err = value.AllTracked(rows)
		return err
	})
	return out, next(len(out), p, last), err
}

func (s *Store) searched(ctx context.Context, q *db.Queries, f IssueSearch, p Page) ([]db.Issue, error) {
	n := db.SearchIssuesParams{
		Tenant: s.tenant, Before: p.before(), IntegrationID: f.Integration, ProjectID: f.Project, State: string(f.State),
		Phase: string(f.Phase), Team: f.Team, Search: pattern(f.Text), Page: p.size(),
	}
	switch f.Order {
	case ByWorth:
		below := p.After.Worth
		if p.After.Zero() {
			below = math.MaxInt64
		}
		return q.SearchIssuesByWorth(ctx, db.SearchIssuesByWorthParams{
			Tenant: n.Tenant, Below: below, Before: n.Before, IntegrationID: n.IntegrationID, ProjectID: n.ProjectID, State: n.State,
			Phase: n.Phase, Team: n.Team, Search: n.Search, Page: n.Page,
		})
	case ByTitle:
		return q.SearchIssuesByTitle(ctx, db.SearchIssuesByTitleParams{
			Tenant: n.Tenant, Behind: p.After.Key, After: p.After.ID, IntegrationID: n.IntegrationID, ProjectID: n.ProjectID, State: n.State,
			Phase: n.Phase, Team: n.Team, Search: n.Search, Page: n.Page,
		})
	}
	return q.SearchIssues(ctx, n)
}

// Choices are the teams and the projects that issues are of, at most 500 each.
func (s *Store) Choices(ctx context.Context) (teams []string, projects []Place, err error) {
	err = s.read(ctx, "listing teams and projects", func(q *db.Queries) error {
		var err error
		if teams, err = q.IssueTeams(ctx, s.tenant); err != nil {
			return err
		}
		rows, err := q.IssuePlaces(ctx, s.tenant)
		for _, r := range rows {
			projects = append(projects, Place{Integration: r.IntegrationID, Project: r.ProjectID})
		}
		return err
	})
	return teams, projects, err
}

// Place is a project that an integration has issues in.
type Place struct{ Integration, Project int64 }
