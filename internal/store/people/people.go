// Package people keeps who uses cxm: people and their roles, sessions, API tokens,
// links that work once, and how often somebody failed to sign in.
//
// What always holds: people are over the tenants, and every role and API token is
// of one; no value of a session, token or link is here, only its hash; whoever loses
// a role, changes their password or is disabled has no session afterwards, also none
// that begins at the same moment; somebody always looks after the installation, once
// anybody does, and a tenant keeps its last admin, unless a provider's groups say
// otherwise.
package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is the people of an installation. It is safe for concurrent use.
type Store struct{ base *database.DB }

// New is the part of the database that is about people.
func New(base *database.DB) *Store { return &Store{base: base} }

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) save(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: point, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// absent is instead when there is no row, or none was changed.
func absent(rows int64, err, instead error) error {
	if errors.Is(err, sql.ErrNoRows) || err == nil && rows == 0 {
		return instead
	}
	return err
}

func at(t time.Time) db.Time { return db.Time{Time: t} }

// Add keeps a new person with their password's hash and the roles that an admin
// gives, and returns them with their ID. The error is signin.ErrTaken when somebody
// has the address.
func (s *Store) Add(ctx context.Context, p signin.Person) (signin.Person, error) {
	var out signin.Person
	err := s.save(ctx, "person", "adding a person", func(ctx context.Context, q *db.Queries) error {
		id, err := add(ctx, q, p)
		if err == nil {
			out, err = person(ctx, q, id)
		}
		return err
	})
	return out, err
}

func add(ctx context.Context, q *db.Queries, p signin.Person) (int64, error) {
	id, err := q.AddPerson(ctx, db.AddPersonParams{
		Email: p.Email, EmailKey: signin.EmailKey(p.Email), Name: p.Name, Password: p.Password.Reveal(),
		Installation: p.Installation, CreatedAt: at(p.CreatedAt),
	})
	if err := absent(1, err, signin.ErrTaken); err != nil {
		return 0, err
	}
	for _, g := range p.Grants {
		if err := grant(ctx, q, id, g, p.CreatedAt); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func grant(ctx context.Context, q *db.Queries, id int64, g signin.Grant, now time.Time) error {
	return q.SetTenantRole(ctx, db.SetTenantRoleParams{Tenant: g.Tenant, PersonID: id, Origin: g.Origin, Role: string(g.Role), SetAt: at(now)})
}

// Person is the one with the ID. The error is signin.ErrNobody.
func (s *Store) Person(ctx context.Context, id int64) (signin.Person, error) {
	var p signin.Person
	err := s.read(ctx, "reading a person", func(q *db.Queries) (err error) {
		p, err = person(ctx, q, id)
		return err
	})
	return p, err
}

// ByEmail is the one with the address, however it is written. The error is
// signin.ErrNobody.
func (s *Store) ByEmail(ctx context.Context, email string) (signin.Person, error) {
	var p signin.Person
	err := s.read(ctx, "reading a person", func(q *db.Queries) error {
		r, err := q.PersonByEmail(ctx, signin.EmailKey(email))
		if err := absent(1, err, signin.ErrNobody); err != nil {
			return err
		}
		p, err = withRoles(ctx, q, r)
		return err
	})
	return p, err
}

func person(ctx context.Context, q *db.Queries, id int64) (signin.Person, error) {
	r, err := q.Person(ctx, id)
	if err := absent(1, err, signin.ErrNobody); err != nil {
		return signin.Person{}, err
	}
	return withRoles(ctx, q, r)
}

func withRoles(ctx context.Context, q *db.Queries, r db.Person) (signin.Person, error) {
	all, err := grants(ctx, q, []db.Person{r})
	return toPerson(r, all[r.ID]), err
}

// grants are the roles of people who come in the order of their IDs.
func grants(ctx context.Context, q *db.Queries, all []db.Person) (map[int64][]signin.Grant, error) {
	if len(all) == 0 {
		return nil, nil
	}
	rows, err := q.RolesOfPeople(ctx, all[0].ID, all[len(all)-1].ID)
	out := map[int64][]signin.Grant{}
	for _, r := range rows {
		out[r.PersonID] = append(out[r.PersonID], signin.Grant{Tenant: r.Tenant, Role: role.Role(r.Role), Origin: r.Origin})
	}
	return out, err
}

func toPerson(r db.Person, g []signin.Grant) signin.Person {
	return signin.Person{
		ID: r.ID, Email: r.Email, Name: r.Name, Password: credential.NewSecret(r.Password), Installation: r.Installation, Generation: r.Generation,
		CreatedAt: r.CreatedAt.Time, DisabledAt: r.DisabledAt.Time, SignedInAt: r.SignedInAt.Time, Grants: g,
	}
}

// List lists people in the order of their IDs, from the one behind after: those with
// a role in the tenant, or with an empty one all.
func (s *Store) List(ctx context.Context, tenant string, after int64, most int) ([]signin.Person, error) {
	var out []signin.Person
	err := s.read(ctx, "listing people", func(q *db.Queries) error {
		limit := int32(min(most, 1<<20))
		var rows []db.Person
		var err error
		if tenant == "" {
			rows, err = q.People(ctx, after, limit)
		} else {
			rows, err = q.PeopleOfTenant(ctx, after, tenant, limit)
		}
		if err != nil {
			return err
		}
		all, err := grants(ctx, q, rows)
		for _, r := range rows {
			out = append(out, toPerson(r, all[r.ID]))
		}
		return err
	})
	return out, err
}

// SetPassword keeps the hash of another password, and ends all sessions and links of
// the person.
func (s *Store) SetPassword(ctx context.Context, id int64, hash credential.Secret) error {
	return s.save(ctx, "password", "changing the password", func(ctx context.Context, q *db.Queries) error {
		return setPassword(ctx, q, id, hash)
	})
}

func setPassword(ctx context.Context, q *db.Queries, id int64, hash credential.Secret) error {
	rows, err := q.SavePassword(ctx, hash.Reveal(), id)
	if err := absent(rows, err, signin.ErrNobody); err != nil {
		return err
	}
	return errors.Join(end(ctx, q, id), q.DropLinksOfPerson(ctx, id))
}

// end ends all sessions. Those that begin at this moment are over too, since the
// person's generation was raised.
func end(ctx context.Context, q *db.Queries, id int64) error {
	_, err := q.DropSessions(ctx, id, 0)
	return err
}

// Rename keeps another name. The error is signin.ErrNobody.
func (s *Store) Rename(ctx context.Context, id int64, name string) error {
	return s.save(ctx, "name", "changing the name", func(ctx context.Context, q *db.Queries) error {
		p, err := q.Person(ctx, id)
		if err := absent(1, err, signin.ErrNobody); err != nil {
			return err
		}
		return q.SavePerson(ctx, db.SavePersonParams{ID: id, Email: p.Email, EmailKey: p.EmailKey, Name: name})
	})
}

// Rehash keeps another hash of the same password, unless the password has changed.
func (s *Store) Rehash(ctx context.Context, id int64, was, is credential.Secret) error {
	return s.save(ctx, "rehash", "hashing the password anew", func(ctx context.Context, q *db.Queries) error {
		_, err := q.Rehash(ctx, is.Reveal(), id, was.Reveal())
		return err
	})
}

// SetRole gives a role in a tenant as an admin does, or takes it away when it is
// empty, and ends the person's sessions when that changed anything. The error is
// signin.ErrLastAdmin when the tenant would have no admin any more.
func (s *Store) SetRole(ctx context.Context, id int64, tenant string, r role.Role, now time.Time) error {
	return s.save(ctx, "role", "changing a role", func(ctx context.Context, q *db.Queries) error {
		if r != role.Admin {
			if err := q.LockTenantAdmins(ctx, tenant); err != nil {
				return err
			}
		}
		p, err := person(ctx, q, id)
		if err != nil {
			return err
		}
		var want []signin.Grant
		if r != "" {
			want = []signin.Grant{{Tenant: tenant, Role: r}}
		}
		var have []signin.Grant
		for _, g := range p.Grants {
			if g.Tenant == tenant && g.Origin == "" {
				have = append(have, g)
			}
		}
		if r != role.Admin {
			kept := slices.DeleteFunc(slices.Clone(p.Grants), func(g signin.Grant) bool { return slices.Contains(have, g) })
			if err := alone(ctx, q, p, signin.Person{Grants: kept}, tenant); err != nil {
				return err
			}
		}
		_, err = replace(ctx, q, id, have, want, now)
		return err
	})
}

// SetInstallation says whether the person looks after the installation, and ends
// their sessions. The error is signin.ErrLastAdmin when nobody would.
func (s *Store) SetInstallation(ctx context.Context, id int64, yes bool) error {
	return s.save(ctx, "installation", "changing who looks after the installation", func(ctx context.Context, q *db.Queries) error {
		if err := others(ctx, q, id, !yes); err != nil {
			return err
		}
		rows, err := q.SaveInstallation(ctx, yes, id)
		return errors.Join(absent(rows, err, signin.ErrNobody), end(ctx, q, id))
	})
}

// Disable keeps since when the person may not come in, or with the zero time that
// they may again, and ends their sessions. The error is signin.ErrLastAdmin when
// nobody would look after the installation, or a tenant would have no admin any more.
func (s *Store) Disable(ctx context.Context, id int64, since time.Time) error {
	return s.save(ctx, "disable", "changing whether the person is disabled", func(ctx context.Context, q *db.Queries) error {
		if err := leaves(ctx, q, id, !since.IsZero()); err != nil {
			return err
		}
		if err := others(ctx, q, id, !since.IsZero()); err != nil {
			return err
		}
		rows, err := q.DisablePerson(ctx, at(since), id)
		return errors.Join(absent(rows, err, signin.ErrNobody), end(ctx, q, id), q.DropLinksOfPerson(ctx, id))
	})
}

// others sees that somebody else looks after the installation, where a person who
// does leaves.
func others(ctx context.Context, q *db.Queries, id int64, leaves bool) error {
	if !leaves {
		return nil
	}
	admins, err := q.LockInstallationAdmins(ctx)
	if err != nil {
		return err
	}
	p, err := q.Person(ctx, id)
	if err := absent(1, err, signin.ErrNobody); err != nil {
		return err
	}
	if p.Installation && p.DisabledAt.IsZero() && admins < 2 {
		return signin.ErrLastAdmin
	}
	return nil
}

// leaves sees that every tenant of which a person is an admin has another one, where
// they leave. Tenants are locked in the order of their names, and before the people.
func leaves(ctx context.Context, q *db.Queries, id int64, gone bool) error {
	if !gone {
		return nil
	}
	p, err := person(ctx, q, id)
	if err != nil {
		return err
	}
	for _, tenant := range p.Tenants() {
		if err := q.LockTenantAdmins(ctx, tenant); err != nil {
			return err
		}
		if p, err = person(ctx, q, id); err != nil { // as it is now
			return err
		}
		if err := alone(ctx, q, p, signin.Person{}, tenant); err != nil {
			return err
		}
	}
	return nil
}

func admin(p signin.Person, tenant string) bool {
	return p.DisabledAt.IsZero() && slices.Contains(p.Roles(tenant), role.Admin)
}

// alone is signin.ErrLastAdmin where a person who is an admin of the tenant would not
// be any more, and nobody else is.
func alone(ctx context.Context, q *db.Queries, was, is signin.Person, tenant string) error {
	if !admin(was, tenant) || admin(is, tenant) {
		return nil
	}
	others, err := q.OtherTenantAdmins(ctx, tenant, was.ID)
	if err == nil && others == 0 {
		err = &signin.LastAdminError{Tenant: tenant}
	}
	return err
}
