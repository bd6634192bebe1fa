package people

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"cxm/internal/signin"
	"cxm/internal/store/db"
)

// Federated is what became of somebody whom a provider proved.
type Federated struct {
	Person  signin.Person
	Added   bool // they are new here
	Linked  bool // they are known by this identity from now on
	Changed bool // the provider's groups gave them other roles
}

// Federate finds the person whom a provider proved, or adds them, and keeps the roles
// that its groups give, in one transaction. Who is known by issuer and subject is
// that person, whatever the address; else who has the same address, if the provider
// vouches for it. The error is signin.ErrNoGroup, after which the provider's groups
// give no role any more, or signin.ErrUnverified.
func (s *Store) Federate(ctx context.Context, id signin.Identity, now time.Time) (Federated, error) {
	var out Federated
	var refused, err error
	for range 3 { // who comes for the first time twice at once is found the second time
		err = s.save(ctx, "identity", "keeping who signed in", func(ctx context.Context, q *db.Queries) (err error) {
			out, refused, err = federate(ctx, q, id, now)
			return err
		})
		if !errors.Is(err, errRaced) {
			break
		}
	}
	return out, errors.Join(err, refused)
}

// federate returns a refusal beside the error, since what it wrote is kept.
func federate(ctx context.Context, q *db.Queries, id signin.Identity, now time.Time) (out Federated, refused, err error) {
	p, known, err := found(ctx, q, id)
	switch {
	case errors.Is(err, signin.ErrUnverified):
		return out, err, nil
	case err != nil:
		return out, nil, err
	case len(id.Grants) == 0 && (!known || p.ID == 0):
		return out, signin.ErrNoGroup, nil
	}
	if p.ID == 0 {
		p.ID, err = q.AddPerson(ctx, newcomer(id, now))
		if err := absent(1, err, errRaced); err != nil {
			return out, nil, err
		}
		out.Added = true
	}
	if !known {
		rows, err := q.AddIdentity(ctx, db.AddIdentityParams{Issuer: id.Issuer, Subject: id.Subject, PersonID: p.ID, LinkedAt: at(now)})
		if err := absent(rows, err, errRaced); err != nil {
			return out, nil, err
		}
		out.Linked = true
	}
	if out.Changed, err = replace(ctx, q, p.ID, from(p.Grants, id.Issuer), id.Grants, now); err != nil {
		return out, nil, err
	}
	if len(id.Grants) == 0 {
		refused = signin.ErrNoGroup
	}
	if err := errors.Join(rename(ctx, q, p, id), q.SeeIdentity(ctx, at(now), id.Issuer, id.Subject)); err != nil {
		return out, nil, err
	}
	out.Person, err = person(ctx, q, p.ID)
	return out, refused, err
}

// errRaced says that the same identity is linked by somebody else at this moment.
var errRaced = errors.New("the same person signs in twice at this moment for the first time: try again")

// found is the person an identity is of; without an ID: nobody yet. known says that
// the identity itself is kept.
func found(ctx context.Context, q *db.Queries, id signin.Identity) (p signin.Person, known bool, err error) {
	kept, err := q.Identity(ctx, id.Issuer, id.Subject)
	if err == nil {
		p, err = person(ctx, q, kept.PersonID)
		return p, true, err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return p, false, err
	}
	r, err := q.PersonByEmail(ctx, signin.EmailKey(id.Email))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, false, nil
	case err != nil:
		return p, false, err
	case !id.Verified:
		return p, false, signin.ErrUnverified
	}
	p, err = withRoles(ctx, q, r)
	return p, false, err
}

// newcomer is somebody new. An address that nobody vouches for is not kept: it would
// let them pass for somebody else who comes later.
func newcomer(id signin.Identity, now time.Time) db.AddPersonParams {
	out := db.AddPersonParams{Name: id.Name, CreatedAt: at(now)}
	if id.Verified {
		out.Email, out.EmailKey = id.Email, signin.EmailKey(id.Email)
	}
	return out
}

// rename keeps what the provider calls somebody who is known by it alone. An address
// that somebody else has stays theirs.
func rename(ctx context.Context, q *db.Queries, p signin.Person, id signin.Identity) error {
	if p.Generation == 0 || !p.Password.Empty() {
		return nil // new, or an admin keeps them
	}
	to := db.SavePersonParams{ID: p.ID, Email: p.Email, EmailKey: signin.EmailKey(p.Email), Name: p.Name}
	if id.Name != "" {
		to.Name = id.Name
	}
	if id.Verified && signin.EmailKey(id.Email) != to.EmailKey {
		if _, err := q.PersonByEmail(ctx, signin.EmailKey(id.Email)); errors.Is(err, sql.ErrNoRows) {
			to.Email, to.EmailKey = id.Email, signin.EmailKey(id.Email)
		} else if err != nil {
			return err
		}
	}
	if to.Name == p.Name && to.Email == p.Email {
		return nil
	}
	return q.SavePerson(ctx, to)
}

// from are the roles of one origin.
func from(all []signin.Grant, origin string) []signin.Grant {
	return slices.DeleteFunc(slices.Clone(all), func(g signin.Grant) bool { return g.Origin != origin })
}

// replace turns the roles that somebody has of one origin into others, and ends
// their sessions if that changed anything.
func replace(ctx context.Context, q *db.Queries, id int64, have, want []signin.Grant, now time.Time) (changed bool, err error) {
	for _, g := range have {
		if !slices.ContainsFunc(want, func(w signin.Grant) bool { return w.Tenant == g.Tenant && w.Origin == g.Origin }) {
			changed = true
			if _, err := q.DropTenantRole(ctx, g.Tenant, id, g.Origin); err != nil {
				return false, err
			}
		}
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			changed = true
			if err := grant(ctx, q, id, w, now); err != nil {
				return false, err
			}
		}
	}
	if !changed {
		return false, nil
	}
	return true, errors.Join(q.NextGeneration(ctx, id), end(ctx, q, id))
}
