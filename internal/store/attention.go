package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule/attention"
	"cxm/internal/store/db"
)

// IntendNew is Intend for an issue that is to be created within budgets: the error
// is ErrCapped, with the reason, when they or the caps keep it, or its calendar
// does. However many processes create issues at once, no number of a budget is
// exceeded: they count, and write what will be counted, one after the other. What
// is counted is SentAt.
//
// With an ID it is about to be sent again: its row is saved with its new SentAt,
// if the budgets allow that one.
func (s *Store) IntendNew(ctx context.Context, e plan.Entry, t issue.Tracked, ask attention.Ask) (plan.Entry, issue.Tracked, error) {
	return s.intendBy(ctx, e, t, func(ctx context.Context, q *db.Queries) (issue.Tracked, error) {
		if t.ID == 0 {
			return s.intendNew(ctx, q, t, ask)
		}
		saved, err := s.saveIssue(ctx, q, t)
		if err != nil {
			return t, err
		}
		return saved, s.room(ctx, q, t, ask)
	})
}

// room holds caps and budgets: who counts keeps others from creating in the scopes
// that it counts until its own intent is written. A row that is there already does
// not count against itself.
func (s *Store) room(ctx context.Context, q *db.Queries, t issue.Tracked, ask attention.Ask) error {
	ask.Project, ask.Team = t.Observed.ProjectID, t.Team
	if ask = s.caps.Within(ask); len(ask.Budgets) == 0 {
		return nil
	}
	now := t.SentAt
	if now.IsZero() {
		now = s.clock()
	}
	windows := ask.Windows(now)
	if err := s.enter(ctx, q, t.Integration, ask.Scopes(), windows); err != nil {
		return err
	}
	used, err := s.count(ctx, q, t.Integration, windows)
	if err != nil {
		return err
	}
	itself := 0
	if t.ID != 0 {
		itself = 1
	}
	answer := ask.Answer(now, func(w attention.Window) int { return used[w] - itself })
	if answer.Outcome != attention.Goes {
		return fmt.Errorf("%s: %w", answer.Reason, ErrCapped)
	}
	return nil
}

// enter holds what is counted until the transaction ends. All enter in the same
// order, so that none waits for one that waits for it.
func (s *Store) enter(ctx context.Context, q *db.Queries, integrationID int64, scopes []attention.Scope, windows []attention.Window) error {
	for _, scope := range scopes {
		if !slices.ContainsFunc(windows, func(w attention.Window) bool { return w.Scope == scope }) {
			continue
		}
		var err error
		switch scope.Per {
		case attention.Project:
			err = q.EnterProject(ctx, s.tenant, integrationID, scope.Project)
		case attention.Team:
			err = q.EnterCounter(ctx, s.tenant, "team "+scope.Team)
		case attention.All:
			err = q.EnterCounter(ctx, s.tenant, "all")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count counts windows. Projects are those of the integration; teams and
// everybody are the tenant's, over all of its integrations.
func (s *Store) count(ctx context.Context, q *db.Queries, integrationID int64, windows []attention.Window) (map[attention.Window]int, error) {
	out := make(map[attention.Window]int, len(windows))
	for _, w := range windows {
		n, err := s.countOne(ctx, q, integrationID, w)
		if err != nil {
			return nil, err
		}
		out[w] = int(n)
	}
	return out, nil
}

func (s *Store) countOne(ctx context.Context, q *db.Queries, integrationID int64, w attention.Window) (int64, error) {
	since, open := db.Time{Time: w.Since}, w.Since.IsZero()
	switch {
	case w.Per == attention.Project && open:
		return q.CountOpenIn(ctx, s.tenant, integrationID, w.Project)
	case w.Per == attention.Project:
		return q.CountCreated(ctx, db.CountCreatedParams{Tenant: s.tenant, IntegrationID: integrationID, ProjectID: w.Project, Since: since})
	case w.Per == attention.Team && open:
		return q.CountHeld(ctx, s.tenant, w.Team)
	case w.Per == attention.Team:
		return q.CountMade(ctx, s.tenant, since, w.Team)
	case open:
		return q.CountAllHeld(ctx, s.tenant)
	}
	return q.CountAllMade(ctx, s.tenant, since)
}

// Used is what windows hold, all at one moment.
func (s *Store) Used(ctx context.Context, integrationID int64, windows []attention.Window) (map[attention.Window]int, error) {
	var out map[attention.Window]int
	err := s.query(ctx, "counting new and open issues", func(q *db.Queries) error {
		var err error
		out, err = s.count(ctx, q, integrationID, windows)
		return err
	})
	return out, err
}

// Room is what a project has had of its caps since then.
func (s *Store) Room(ctx context.Context, integrationID, projectID int64, since time.Time) (plan.Room, error) {
	scope := attention.Scope{Per: attention.Project, Project: projectID}
	made, held := attention.Window{Scope: scope, Since: since.Round(0).UTC()}, attention.Window{Scope: scope}
	used, err := s.Used(ctx, integrationID, []attention.Window{made, held})
	return plan.Room{Created: used[made], Open: used[held]}, err
}
