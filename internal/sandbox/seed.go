package sandbox

import (
	"fmt"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
)

// Seed names what a sandbox holds at its start.
type Seed string

// The seeds.
const (
	// SeedEmpty holds the administrator root alone.
	SeedEmpty Seed = "empty"
	// SeedDemo holds, beside root, the users platform-admin (Owner of the
	// group acme) and engineer (Developer), the Premium group acme, its
	// projects platform and shop, both with a README, and a few labels.
	SeedDemo Seed = "demo"
)

func (s *Server) seed() (err error) {
	s.world.Do(func() {
		var root *people.User
		if root, err = s.seedRoot(); err != nil {
			return
		}
		switch s.opts.Seed {
		case SeedEmpty:
		case SeedDemo:
			err = s.seedDemo(root)
		default:
			err = fmt.Errorf("seed %q is unknown; use %q or %q", s.opts.Seed, SeedEmpty, SeedDemo)
		}
	})
	return err
}

func (s *Server) seedRoot() (*people.User, error) {
	root, err := s.world.AddUser(people.Account{Username: "root", Name: "Administrator", Email: "root@example.com", Admin: true})
	if err != nil {
		return nil, err
	}
	s.world.Grants.SetPassword(root.ID, s.opts.Password)
	_, err = s.world.People.Adopt(root, people.Grant{Name: "administrator", Scopes: people.Scopes()}, s.token)
	return root, err
}

func (s *Server) seedDemo(root *people.User) error {
	acme, err := s.world.Places.AddGroup(root, nil, place.Namespace{Name: "Acme", Path: "acme"})
	if err != nil {
		return err
	}
	acme.Plan = place.Premium
	for _, who := range []struct {
		username, name string
		role           place.Role
	}{{"platform-admin", "Platform admin", place.Owner}, {"engineer", "Engineer", place.Developer}} {
		u, err := s.world.AddUser(people.Account{Username: who.username, Name: who.name, Email: who.username + "@example.com"})
		if err != nil {
			return err
		}
		s.world.Grants.SetPassword(u.ID, s.opts.Password)
		if _, err := s.world.Places.Invite(root, u, place.Site{Group: acme}, place.Member{Role: who.role}); err != nil {
			return err
		}
	}
	for _, name := range []string{"Platform", "Shop"} {
		if err := s.seedProject(root, acme, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) seedProject(root *people.User, acme *place.Namespace, name string) error {
	p, err := s.world.Places.AddProject(acme, root.ID, place.Project{
		Name: name, Path: place.Slug(name), DefaultBranch: "main", HasReadme: true,
	})
	if err != nil {
		return err
	}
	if err := s.repos.Create(p, root.Name, root.Email); err != nil {
		return err
	}
	for _, l := range []catalog.Label{
		{Title: "finops", Color: "#009966"}, {Title: "bug", Color: "#cc338b"},
		{Title: "priority::high", Color: "#dc143c"}, {Title: "priority::low", Color: "#6699cc"},
	} {
		if _, err := s.world.Catalog.AddLabel(catalog.Home{Project: p}, l); err != nil {
			return err
		}
	}
	return nil
}
