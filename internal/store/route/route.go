// Package route keeps where the issues of an integration go, and what happens to
// those that are elsewhere.
//
// What always holds: every row and every query carries a tenant; a route changes
// together with the mark on every group that it is about, or not at all.
package route

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cxm/internal/audit"
	"cxm/internal/integration"
	"cxm/internal/rule"
	"cxm/internal/store/connections"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// ErrTaken says that another integration of the tenant has the project.
var ErrTaken = errors.New("another integration has this project on this instance: see cxm status")

// Store is one tenant's routes.
type Store struct {
	db     *database.DB
	tenant string
}

// New is the part of the database that belongs to a tenant.
func New(d *database.DB, tenant string) *Store { return &Store{db: d, tenant: tenant} }

// Set sends the issues of an integration to its Project from now on, and says
// with its OnRoute what happens to those that were sent elsewhere. All groups
// that have an issue are marked as changed. The error is db.ErrNotFound or
// ErrTaken.
func (s *Store) Set(ctx context.Context, in integration.Integration) error {
	err := s.write(ctx, "route", func(ctx context.Context, q *db.Queries) error {
		switch id, err := q.IntegrationAt(ctx, s.tenant, in.URL, in.Project.ID); {
		case err == nil && id != in.ID:
			return ErrTaken
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		}
		before, err := q.Integration(ctx, s.tenant, in.ID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		rows, err := q.SetRoute(ctx, db.SetRouteParams{
			Tenant: s.tenant, ID: in.ID, ProjectID: in.Project.ID, ProjectPath: in.Project.Path, ProjectWebURL: in.Project.WebURL,
			AccessLevel: int64(in.Project.AccessLevel), OnRouteChange: in.OnRoute,
		})
		if err == nil && rows == 0 {
			err = db.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := noteRoute(ctx, before.Integration, in); err != nil {
			return err
		}
		return q.TouchRouted(ctx, s.tenant, in.ID)
	})
	if err != nil {
		return fmt.Errorf("changing the route of integration %d: %w", in.ID, err)
	}
	return nil
}

// noteRoute adds a change of a route to the audit log.
func noteRoute(ctx context.Context, before db.Integration, in integration.Integration) error {
	was, is := audit.Changed(
		audit.Values{"project": before.ProjectPath, "project_id": before.ProjectID, "on_change": before.OnRouteChange},
		audit.Values{"project": in.Project.Path, "project_id": in.Project.ID, "on_change": in.OnRoute},
	)
	if was == is {
		audit.Quiet(ctx)
		return nil
	}
	return audit.Note(ctx, audit.Line{Action: "integration.rerouted", Object: connections.Object(in.ID, in.URL), Before: was, After: is})
}

// Rename stores how the integration's project is called by now, if it still is
// its project.
func (s *Store) Rename(ctx context.Context, id int64, p integration.Project) error {
	err := s.write(ctx, "rename", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.SetProjectPath(ctx, db.SetProjectPathParams{Tenant: s.tenant, ID: id, ProjectID: p.ID, ProjectPath: p.Path, ProjectWebURL: p.WebURL})
		if err != nil || rows == 0 {
			audit.Quiet(ctx)
			return err
		}
		return audit.Note(ctx, audit.Line{
			Action: "integration.renamed", Object: connections.Object(id, p.WebURL), After: audit.Of(audit.Values{"project": p.Path, "project_id": p.ID}),
			Why: "GitLab says that the project is called so by now",
		})
	})
	if err != nil {
		return fmt.Errorf("storing the path of project %d: %w", p.ID, err)
	}
	return nil
}

// Changes says what happens to issues of an integration whose route changes.
func Changes(in integration.Integration) rule.OnChange {
	if c, err := rule.ParseOnChange(in.OnRoute); err == nil {
		return c
	}
	return rule.Stay // what a newer cxm stored: nothing is done that was not asked for
}

func (s *Store) write(ctx context.Context, point string, f func(context.Context, *db.Queries) error) error {
	return s.db.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}})
}
