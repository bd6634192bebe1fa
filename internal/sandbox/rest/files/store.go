// Package files serves a project's repository: branches, files, the tree and
// commits, read from real git objects.
package files

import (
	"fmt"

	"cxm/internal/sandbox/repo"
	"cxm/internal/sandbox/world/place"
)

// Store keeps the repository of each project that has one. The world's lock
// guards it, as it guards the projects.
type Store struct {
	now  func() repo.Signature
	byID map[int64]*repo.Repository // project id → repository
}

// NewStore makes an empty store. clock stamps the commits it makes.
func NewStore(stamp func() repo.Signature) *Store {
	return &Store{now: stamp, byID: map[int64]*repo.Repository{}}
}

// Create makes a project's repository with a README on its default branch.
func (s *Store) Create(p *place.Project, authorName, authorEmail string) error {
	by := s.now()
	by.Name, by.Email = authorName, authorEmail
	r, err := repo.New(p.DefaultBranch, "# "+p.Name+"\n", by)
	if err != nil {
		return fmt.Errorf("make the repository of project %d: %w", p.ID, err)
	}
	s.byID[p.ID] = r
	return nil
}

// Drop forgets a project's repository.
func (s *Store) Drop(projectID int64) { delete(s.byID, projectID) }

// Readme gives the README on a project's default branch, "" for none.
func (s *Store) Readme(p *place.Project) string {
	r := s.byID[p.ID]
	if r == nil {
		return ""
	}
	f, err := r.File("HEAD", "README.md")
	if err != nil {
		return ""
	}
	return string(f.Content)
}

// of gives a project's repository, an empty one made at the first use.
func (s *Store) of(p *place.Project) (*repo.Repository, error) {
	if r := s.byID[p.ID]; r != nil {
		return r, nil
	}
	r, err := repo.New(p.DefaultBranch, "", s.now())
	if err != nil {
		return nil, fmt.Errorf("make the repository of project %d: %w", p.ID, err)
	}
	s.byID[p.ID] = r
	return r, nil
}
