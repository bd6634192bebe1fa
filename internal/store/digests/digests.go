// Package digests keeps which groups are digests of what waits in a project.
//
// What always holds: every row and every query carries the tenant; a group is
// written down here before an issue can be made of it, so that no budget ever
// counts that issue.
package digests

import (
	"context"
	"fmt"

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

// Known are the digests of an integration by their project.
func (s *Store) Known(ctx context.Context, integration int64) (map[int64]rule.GroupKey, error) {
	out := map[int64]rule.GroupKey{}
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		rows, err := db.New(tx).Digests(ctx, s.tenant, integration)
		for _, r := range rows {
			out[r.ProjectID] = rule.GroupKey(r.GroupKey)
		}
		return err
	})
	return out, wrap("reading the digests", err)
}

// Add keeps which groups are the digests of projects. What is known already stays
// as it is.
func (s *Store) Add(ctx context.Context, integration int64, groups map[int64]rule.GroupKey) error {
	err := s.base.Write(ctx, database.Change{Point: "digests", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		for project, group := range groups {
			row := db.AddDigestParams{Tenant: s.tenant, IntegrationID: integration, ProjectID: project, GroupKey: string(group)}
			if err := db.New(tx).AddDigest(ctx, row); err != nil {
				return err
			}
		}
		return nil
	}})
	return wrap("keeping which groups are digests", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
