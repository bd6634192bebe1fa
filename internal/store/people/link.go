package people

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/store/db"
)

// Attempt counts an attempt to sign in for each key, unless one of them has to wait:
// then it says until when, and nothing is counted. The counting comes before the
// password is looked at, so that many attempts at once are all counted.
func (s *Store) Attempt(ctx context.Context, keys []signin.Key, now time.Time) (until time.Time, err error) {
	err = s.save(ctx, "attempt", "counting the attempt to sign in", func(ctx context.Context, q *db.Queries) error {
		until = time.Time{}
		counted := make([]signin.Throttle, len(keys))
		for i, k := range keys {
			r, err := q.TakeThrottle(ctx, k.Name, at(now))
			if err != nil {
				return err
			}
			t, may := k.Bound.Try(toThrottle(r), now)
			if !may {
				until = t.Until
				return nil
			}
			counted[i] = t
		}
		for i, k := range keys {
			if err := keep(ctx, q, k.Name, counted[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return until, err
}

// Settle takes back what an attempt counted that was right. The failures of an
// account are forgotten by that, those of an address are not: somebody who has one
// account guesses at others.
func (s *Store) Settle(ctx context.Context, keys []signin.Key, now time.Time) error {
	return s.save(ctx, "settle", "settling the attempt to sign in", func(ctx context.Context, q *db.Queries) error {
		for _, k := range keys {
			r, err := q.TakeThrottle(ctx, k.Name, at(now))
			if err != nil {
				return err
			}
			t := toThrottle(r)
			if t.Failures, t.Until = max(0, t.Failures-1), (time.Time{}); !k.Shared {
				t.Failures = 0
			}
			if err := keep(ctx, q, k.Name, t); err != nil {
				return err
			}
		}
		return nil
	})
}

func toThrottle(r db.SigninThrottle) signin.Throttle {
	return signin.Throttle{Failures: int(r.Failures), Until: r.UntilAt.Time, Last: r.LastAt.Time}
}

func keep(ctx context.Context, q *db.Queries, key string, t signin.Throttle) error {
	return q.SaveThrottle(ctx, db.SaveThrottleParams{Key: key, Failures: int64(t.Failures), UntilAt: at(t.Until), LastAt: at(t.Last)})
}

// Known says whether the person signed in from an address before.
func (s *Store) Known(ctx context.Context, person int64, address string) (yes bool, err error) {
	err = s.read(ctx, "reading from where somebody signed in", func(q *db.Queries) error {
		_, err := q.KnownAddress(ctx, person, signin.AddressKey(address))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		yes = err == nil
		return err
	})
	return yes, err
}

// Standing says how far the installation is set up: how many look after it, and
// whether a link to set it up is open.
func (s *Store) Standing(ctx context.Context, now time.Time) (admins int64, open bool, err error) {
	err = s.read(ctx, "reading how far cxm is set up", func(q *db.Queries) error {
		var links int64
		if admins, err = q.InstallationAdmins(ctx); err != nil {
			return err
		}
		links, err = q.CountSetupLinks(ctx, at(now))
		open = links > 0
		return err
	})
	return admins, open, err
}

// AddLink keeps a link with the hash of its value, in the place of those before of
// the same person. A link to set up takes the place of an open one only with again;
// made is false where that stays.
func (s *Store) AddLink(ctx context.Context, l signin.Link, digest string, again bool) (made bool, err error) {
	err = s.save(ctx, "link", "keeping the link", func(ctx context.Context, q *db.Queries) error {
		var err error
		switch {
		case l.Person != 0:
			err = q.DropLinksOfPerson(ctx, l.Person)
		case again:
			err = q.DropSetupLinks(ctx, at(l.EndsAt.Add(time.Hour)))
		default:
			err = q.DropSetupLinks(ctx, at(l.MadeAt))
		}
		if err != nil {
			return err
		}
		rows, err := q.AddSignInLink(ctx, db.AddSignInLinkParams{
			Kind: string(l.Kind), PersonID: l.Person, Hash: digest, MadeBy: l.MadeBy, MadeAt: at(l.MadeAt), EndsAt: at(l.EndsAt),
		})
		made = rows > 0
		return err
	})
	return made, err
}

// Link is the one with the hash. The error is signin.ErrLink. Whether it may still be
// used is for the caller.
func (s *Store) Link(ctx context.Context, digest string) (signin.Link, error) {
	var out signin.Link
	err := s.read(ctx, "reading a link", func(q *db.Queries) error {
		r, err := q.SignInLinkByHash(ctx, digest)
		out = signin.Link{ID: r.ID, Kind: signin.LinkKind(r.Kind), Person: r.PersonID, MadeBy: r.MadeBy, MadeAt: r.MadeAt.Time, EndsAt: r.EndsAt.Time, UsedAt: r.UsedAt.Time}
		return absent(1, err, signin.ErrLink)
	})
	return out, err
}

// use spends a link, within the transaction that does what it is for.
func use(ctx context.Context, q *db.Queries, l signin.Link, now time.Time) error {
	rows, err := q.UseSignInLink(ctx, at(now), l.ID)
	return absent(rows, err, signin.ErrLink)
}

// SetUp spends a link to set up and makes the person an admin of the tenant and of
// the installation, all in one transaction. Who has the address already becomes that
// too, with the new password, and is not disabled any more. The error is
// signin.ErrLink when the link was spent meanwhile.
func (s *Store) SetUp(ctx context.Context, l signin.Link, p signin.Person, tenant string, now time.Time) (signin.Person, error) {
	p.Installation, p.CreatedAt, p.Grants = true, now, []signin.Grant{{Tenant: tenant, Role: role.Admin}}
	var out signin.Person
	err := s.save(ctx, "set up", "setting up", func(ctx context.Context, q *db.Queries) error {
		if err := use(ctx, q, l, now); err != nil {
			return err
		}
		id, err := add(ctx, q, p)
		if errors.Is(err, signin.ErrTaken) {
			id, err = promote(ctx, q, p, now)
		}
		if err == nil {
			out, err = person(ctx, q, id)
		}
		return err
	})
	return out, err
}

// promote gives somebody who is there what p has.
func promote(ctx context.Context, q *db.Queries, p signin.Person, now time.Time) (int64, error) {
	there, err := q.PersonByEmail(ctx, signin.EmailKey(p.Email))
	if err != nil {
		return 0, err
	}
	if _, err := q.DisablePerson(ctx, db.Time{}, there.ID); err != nil {
		return 0, err
	}
	if _, err := q.SaveInstallation(ctx, true, there.ID); err != nil {
		return 0, err
	}
	for _, g := range p.Grants {
		if err := grant(ctx, q, there.ID, g, now); err != nil {
			return 0, err
		}
	}
	return there.ID, setPassword(ctx, q, there.ID, p.Password)
}

// Reset spends a link and keeps the hash of the password that its person chose, which
// ends their sessions. The error is signin.ErrLink when the link was spent meanwhile.
func (s *Store) Reset(ctx context.Context, l signin.Link, hash credential.Secret, now time.Time) error {
	return s.save(ctx, "reset", "keeping the new password", func(ctx context.Context, q *db.Queries) error {
		if err := use(ctx, q, l, now); err != nil {
			return err
		}
		return setPassword(ctx, q, l.Person, hash)
	})
}
