package people

import (
	"context"
	"errors"
	"time"

	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/store/db"
)

// How often what was used last is written at most, and how long it is remembered
// from where somebody signed in.
const (
	seenEvery = 5 * time.Minute
	usedEvery = time.Hour
	addresses = 90 * 24 * time.Hour
)

// Begin keeps a session that begins, with the hash of its value. The error is
// signin.ErrWrong when the person was disabled meanwhile, or has another password or
// other roles than the session's generation had.
func (s *Store) Begin(ctx context.Context, in signin.Session, digest string) (signin.Session, error) {
	err := s.save(ctx, "session", "beginning a session", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.PersonSignsIn(ctx, at(in.BegunAt), in.Person, in.Generation)
		if err := absent(rows, err, signin.ErrWrong); err != nil {
			return err
		}
		in.ID, err = q.AddSession(ctx, db.AddSessionParams{
			PersonID: in.Person, Generation: in.Generation, Hash: digest, Method: in.Method, Address: in.Address, Agent: in.Agent,
			BegunAt: at(in.BegunAt), EndsAt: at(in.EndsAt),
		})
		if err != nil || in.Address == "" {
			return err
		}
		return errors.Join(
			q.SeeAddress(ctx, in.Person, signin.AddressKey(in.Address), at(in.BegunAt)),
			q.PruneAddresses(ctx, in.Person, at(in.BegunAt.Add(-addresses))),
		)
	})
	in.SeenAt = in.BegunAt
	return in, err
}

// Session is the one with the hash, and whose it is. The error is
// signin.ErrNotKnown. Whether it still counts is for the caller.
func (s *Store) Session(ctx context.Context, digest string) (signin.Session, signin.Person, error) {
	var out signin.Session
	var p signin.Person
	err := s.read(ctx, "reading a session", func(q *db.Queries) error {
		r, err := q.SessionByHash(ctx, digest)
		if err := absent(1, err, signin.ErrNotKnown); err != nil {
			return err
		}
		out = toSession(r)
		p, err = person(ctx, q, r.PersonID)
		return err
	})
	return out, p, err
}

func toSession(r db.Session) signin.Session {
	return signin.Session{
		ID: r.ID, Person: r.PersonID, Generation: r.Generation, Method: r.Method, Address: r.Address, Agent: r.Agent,
		BegunAt: r.BegunAt.Time, SeenAt: r.SeenAt.Time, EndsAt: r.EndsAt.Time,
	}
}

// Seen keeps that a session is used, once in a few minutes.
func (s *Store) Seen(ctx context.Context, in signin.Session, now time.Time) error {
	if now.Sub(in.SeenAt) < seenEvery {
		return nil
	}
	return s.save(ctx, "seen", "keeping that a session is used", func(ctx context.Context, q *db.Queries) error {
		return q.SeeSession(ctx, at(now), in.ID, at(now.Add(-seenEvery)))
	})
}

// Sessions lists those of a person, the latest first, also such as are over.
func (s *Store) Sessions(ctx context.Context, id int64) ([]signin.Session, error) {
	var out []signin.Session
	err := s.read(ctx, "listing sessions", func(q *db.Queries) error {
		rows, err := q.SessionsOfPerson(ctx, id)
		for _, r := range rows {
			out = append(out, toSession(r))
		}
		return err
	})
	return out, err
}

// End ends one session of a person. The error is signin.ErrNotKnown when they have no
// such session.
func (s *Store) End(ctx context.Context, person, session int64) error {
	return s.save(ctx, "end session", "ending a session", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.DropSession(ctx, person, session)
		return absent(rows, err, signin.ErrNotKnown)
	})
}

// EndAll ends all sessions of a person but one (0: all), and says how many.
func (s *Store) EndAll(ctx context.Context, person, but int64) (n int64, err error) {
	err = s.save(ctx, "end sessions", "ending sessions", func(ctx context.Context, q *db.Queries) error {
		n, err = q.DropSessions(ctx, person, but)
		return err
	})
	return n, err
}

// Prune drops what nobody needs any more: sessions that are over, attempts that do
// not count.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	return s.save(ctx, "prune people", "dropping sessions that are over", func(ctx context.Context, q *db.Queries) error {
		return errors.Join(q.PruneSessions(ctx, at(now)), q.PruneThrottles(ctx, at(now.Add(-48*time.Hour))))
	})
}

// AddToken keeps an API token with the hash of its value.
func (s *Store) AddToken(ctx context.Context, t signin.Token, digest string) (signin.Token, error) {
	scopes, err := db.Encode(t.Scopes)
	if err != nil {
		return t, err
	}
	err = s.save(ctx, "api token", "keeping the API token", func(ctx context.Context, q *db.Queries) error {
		t.ID, err = q.AddAPIToken(ctx, db.AddAPITokenParams{
			Tenant: t.Tenant, PersonID: t.Person, Role: string(t.Role), Name: t.Name, Hint: t.Hint, Hash: digest, Scopes: scopes,
			MadeBy: t.MadeBy, MadeAt: at(t.MadeAt), EndsAt: at(t.EndsAt),
		})
		return err
	})
	return t, err
}

// Token is the one with the hash, and whose it is; zero: the tenant's. The error is
// signin.ErrNotKnown. Whether it still counts is for the caller.
func (s *Store) Token(ctx context.Context, digest string) (signin.Token, signin.Person, error) {
	var t signin.Token
	var p signin.Person
	err := s.read(ctx, "reading an API token", func(q *db.Queries) error {
		r, err := q.APITokenByHash(ctx, digest)
		if err := absent(1, err, signin.ErrNotKnown); err != nil {
			return err
		}
		if t, err = toToken(r); err == nil && t.Person != 0 {
			p, err = person(ctx, q, t.Person)
		}
		return err
	})
	return t, p, err
}

// Used keeps that an API token is used, once in an hour.
func (s *Store) Used(ctx context.Context, t signin.Token, now time.Time) error {
	if !t.UsedAt.IsZero() && now.Sub(t.UsedAt) < usedEvery {
		return nil
	}
	return s.save(ctx, "used", "keeping that an API token is used", func(ctx context.Context, q *db.Queries) error {
		return q.UseAPIToken(ctx, at(now), t.ID, at(now.Add(-usedEvery)))
	})
}

// Tokens lists the API tokens of a tenant in the order of their IDs, from the one
// behind after, also such as do not count any more.
func (s *Store) Tokens(ctx context.Context, tenant string, after int64, most int) ([]signin.Token, error) {
	var out []signin.Token
	err := s.read(ctx, "listing API tokens", func(q *db.Queries) error {
		rows, err := q.APITokens(ctx, tenant, after, int32(min(most, 1<<20)))
		for _, r := range rows {
			t, bad := toToken(r)
			if bad != nil {
				return bad
			}
			out = append(out, t)
		}
		return err
	})
	return out, err
}

// Revoke ends an API token of a tenant. The error is signin.ErrNotKnown when there is
// none that counts.
func (s *Store) Revoke(ctx context.Context, tenant string, id int64, now time.Time) error {
	return s.save(ctx, "revoke", "revoking the API token", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.RevokeAPIToken(ctx, at(now), tenant, id)
		return absent(rows, err, signin.ErrNotKnown)
	})
}

func toToken(r db.ApiToken) (signin.Token, error) {
	t := signin.Token{
		ID: r.ID, Tenant: r.Tenant, Person: r.PersonID, Role: role.Role(r.Role), Name: r.Name, Hint: r.Hint, MadeBy: r.MadeBy,
		MadeAt: r.MadeAt.Time, EndsAt: r.EndsAt.Time, UsedAt: r.UsedAt.Time, RevokedAt: r.RevokedAt.Time,
	}
	return t, db.Decode(r.Scopes, &t.Scopes, "scopes of API token", r.ID)
}
