// Package tenants keeps which tenants an installation has.
//
// What always holds: a tenant is never removed, since its findings, issues and audit
// log stay; a name is never changed, since everything of it carries the name.
package tenants

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// First is the tenant that every installation has, with or without a row: who
// needs only one needs no other.
const First = "default"

// Tenant is a company or a department that has cxm for itself.
type Tenant struct {
	Name     string // its own in the installation: lower-case letters, digits and hyphens
	Title    string // for people; empty: the name
	MadeAt   time.Time
	Disabled bool // nothing is done for it, and nothing of it is lost
}

// ErrTaken says that there is a tenant of that name.
var ErrTaken = errors.New("there is a tenant of that name")

// UnknownError says that there is no such tenant, or that it is disabled.
type UnknownError struct {
	Name     string
	Disabled bool
}

// Error says so, with what to do.
func (e *UnknownError) Error() string {
	if e.Disabled {
		return fmt.Sprintf("the tenant %q is disabled: `cxm tenant enable %s` lets it go on", e.Name, e.Name)
	}
	return fmt.Sprintf("there is no tenant %q: `cxm tenant list` shows those there are, `cxm tenant add` makes one", e.Name)
}

var form = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName says what is wrong with a name; nil: it can be used.
func CheckName(name string) error {
	if !form.MatchString(name) {
		return fmt.Errorf("%.80q is no name of a tenant: use up to 63 lower-case letters, digits and hyphens, such as acme", name)
	}
	return nil
}

// Store is the tenants of one installation.
type Store struct{ base *database.DB }

// New is the tenants of a database.
func New(base *database.DB) *Store { return &Store{base} }

// All lists them by name.
func (s *Store) All(ctx context.Context) ([]Tenant, error) {
	var out []Tenant
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		rows, err := db.New(tx).Tenants(ctx)
		for _, r := range rows {
			out = append(out, toTenant(r))
		}
		return err
	})
	if !slices.ContainsFunc(out, func(t Tenant) bool { return t.Name == First }) {
		out = append(out, Tenant{Name: First})
		slices.SortFunc(out, func(a, b Tenant) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out, wrap("listing the tenants", err)
}

// Open is the tenant of that name, one that is not disabled. The error is
// *UnknownError.
func (s *Store) Open(ctx context.Context, name string) (Tenant, error) {
	var out Tenant
	err := s.base.Read(ctx, func(tx db.DBTX) error {
		var err error
		if out, err = find(ctx, db.New(tx), name); err == nil && out.Disabled {
			err = &UnknownError{Name: name, Disabled: true}
		}
		return err
	})
	return out, wrap("looking for a tenant", err)
}

// Add makes a tenant. The error is ErrTaken when there is one of that name.
func (s *Store) Add(ctx context.Context, t Tenant) error {
	if err := CheckName(t.Name); err != nil {
		return err
	}
	return s.save(ctx, t.Name, "adding a tenant", func(ctx context.Context, q *db.Queries) error {
		n, err := q.AddTenant(ctx, t.Name, t.Title, db.Time{Time: t.MadeAt})
		if err == nil && (n == 0 || t.Name == First) {
			err = fmt.Errorf("%w: %s", ErrTaken, t.Name)
		}
		if err != nil {
			return err
		}
		return audit.Note(ctx, line("tenant.added", t))
	})
}

// Disable says whether nothing is to be done for a tenant. The error is
// *UnknownError.
func (s *Store) Disable(ctx context.Context, name string, disabled bool) error {
	return s.save(ctx, name, "changing a tenant", func(ctx context.Context, q *db.Queries) error {
		t, err := find(ctx, q, name)
		if err != nil {
			return err
		}
		action := "tenant.enabled"
		if disabled {
			action = "tenant.disabled"
		}
		if err := q.SaveTenant(ctx, db.SaveTenantParams{Name: t.Name, Title: t.Title, MadeAt: db.Time{Time: t.MadeAt}, Disabled: disabled}); err != nil {
			return err
		}
		return audit.Note(ctx, line(action, t))
	})
}

// find is the tenant of that name, disabled or not.
func find(ctx context.Context, q *db.Queries, name string) (Tenant, error) {
	rows, err := q.TenantOf(ctx, name)
	switch {
	case err != nil:
		return Tenant{}, err
	case len(rows) > 0:
		return toTenant(rows[0]), nil
	case name == First:
		return Tenant{Name: First}, nil
	}
	return Tenant{}, &UnknownError{Name: name}
}

func line(action string, t Tenant) audit.Line {
	return audit.Line{Action: action, Object: audit.Object{Kind: "tenant", ID: t.Name, Name: t.Title}}
}

// save writes, with a line in the log of the tenant itself.
func (s *Store) save(ctx context.Context, tenant, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: "tenant", Tenant: tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func toTenant(r db.Tenant) Tenant {
	return Tenant{Name: r.Name, Title: r.Title, MadeAt: r.MadeAt.Time, Disabled: r.Disabled}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
