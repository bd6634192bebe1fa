package tokens

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/store/db"
)

// RotationState is how far a rotation has come.
type RotationState string

// The states of a rotation. The first two are open: no other rotation of the
// same token can begin.
const (
	Sent     RotationState = "sent"     // written down; from then on the request may have left
	Answered RotationState = "answered" // the new token is stored, and is to be verified and taken
	Done     RotationState = "done"     // cxm acts with the new token
	NotDone  RotationState = "not done" // GitLab did not carry it out: the old token works
	LostIt   RotationState = "lost"     // GitLab carried it out, and the answer never came
	Overrun  RotationState = "overrun"  // a person replaced the token meanwhile
)

// Rotation is one rotation of a token.
type Rotation struct {
	ID          int64
	Integration int64 // whose process began it; others may use the same token
	Row         int64 // of the token that is rotated
	Target      string
	State       RotationState
	BegunAt     time.Time
	UntilAt     time.Time // until then only who began it decides about it
}

// target names a token for all integrations that use it.
func target(url string, token int64) string { return fmt.Sprintf("%s#%d", url, token) }

// Begin writes a rotation down, before its request. The error is ErrUnderWay when
// one of the same token is open, and ErrStale when the token is not in use any
// more.
func (s *Store) Begin(ctx context.Context, url string, t credential.Stored, now, until time.Time) (Rotation, error) {
	r := Rotation{Integration: t.Integration, Row: t.Row, Target: target(url, t.ID), State: Sent, BegunAt: now, UntilAt: until}
	err := s.write(ctx, "rotation begun", "writing a rotation down", func(ctx context.Context, q *db.Queries) error {
		id, err := q.BeginRotation(ctx, db.BeginRotationParams{
			Tenant: s.tenant, IntegrationID: t.Integration, TokenRow: t.Row, Target: r.Target,
			BegunAt: db.Time{Time: now}, UntilAt: db.Time{Time: until},
		})
		if err = absent(1, err, ErrUnderWay); err != nil {
			return err
		}
		// Only now: a rotation that was open until a moment ago has put another
		// token in its place.
		used, err := q.TokenInUse(ctx, s.tenant, t.Integration)
		if err = absent(1, err, db.ErrNotFound); err != nil {
			return err
		}
		if used.ID != t.Row || used.State != string(credential.Active) {
			return ErrStale
		}
		r.ID = id
		return noteRotation(ctx, r, Sent, "")
	})
	return r, err
}

// Open is the open rotation of a token. Not ok: there is none.
func (s *Store) Open(ctx context.Context, url string, token int64) (r Rotation, ok bool, err error) {
	err = s.read(ctx, "looking for a rotation under way", func(q *db.Queries) error {
		row, err := q.OpenRotation(ctx, s.tenant, target(url, token))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		r = Rotation{
			ID: row.ID, Integration: row.IntegrationID, Row: row.TokenRow, Target: row.Target, State: RotationState(row.State),
			BegunAt: row.BegunAt.Time, UntilAt: row.UntilAt.Time,
		}
		return err
	})
	return r, ok, err
}

// Answer stores the new token of a rotation, before anything is done with it: for
// every integration that used the old one. seal is called within the transaction
// and must not use the store. The errors are ErrKey, after which it is called
// again with a token sealed anew, and ErrStale when somebody else decided about
// the rotation: then the new token is stored as superseded, for the record.
func (s *Store) Answer(ctx context.Context, r Rotation, url string, old int64, tok credential.Token, seal func(integration int64) ([]byte, error), now time.Time) error {
	return s.write(ctx, "token sealed", "storing the new token", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.EndRotation(ctx, db.EndRotationParams{Tenant: s.tenant, ID: r.ID, Was: string(Sent), State: string(Answered)})
		if err = absent(rows, err, ErrStale); err != nil {
			return err
		}
		if err := noteRotation(ctx, r, Answered, ""); err != nil {
			return err
		}
		same, err := q.SameTokens(ctx, s.tenant, old, url)
		if err != nil {
			return err
		}
		m := mover{q: q, tenant: s.tenant, now: now}
		for _, each := range same {
			sealed, err := seal(each.IntegrationID)
			if err == nil {
				err = SealedByNow(ctx, q, s.tenant, sealed)
			}
			if err == nil {
				err = m.add(ctx, &credential.Stored{
					Token: tok, Integration: each.IntegrationID, State: credential.New, Sealed: sealed, Rotation: r.ID, Reason: "GitLab answered a rotation with it",
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Made lists the tokens that a rotation brought: one for each integration that
// used the old one.
func (s *Store) Made(ctx context.Context, rotation int64) ([]credential.Stored, error) {
	var out []credential.Stored
	err := s.read(ctx, "reading what a rotation brought", func(q *db.Queries) error {
		rows, err := q.RotatedTokens(ctx, s.tenant, rotation)
		if err == nil {
			out, err = readAll(rows)
		}
		return err
	})
	return out, err
}

// Take has cxm act with the tokens that a rotation brought, now that GitLab
// accepts them, and drops the old one. Only who is first finds it to do: the
// error of others is ErrStale.
func (s *Store) Take(ctx context.Context, r Rotation, facts credential.Token, now time.Time) error {
	return s.write(ctx, "token taken", "taking the new token", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.EndRotation(ctx, db.EndRotationParams{Tenant: s.tenant, ID: r.ID, Was: string(Answered), State: string(Done), EndedAt: db.Time{Time: now}})
		if err = absent(rows, err, ErrStale); err != nil {
			return err
		}
		if err := noteRotation(ctx, r, Done, ""); err != nil {
			return err
		}
		made, err := q.RotatedTokens(ctx, s.tenant, r.ID)
		if err != nil {
			return err
		}
		m := mover{q: q, tenant: s.tenant, now: now}
		for _, row := range made {
			if err := m.take(ctx, row, facts); err != nil {
				return err
			}
		}
		return nil
	})
}

// take puts a token in the place of the one that the integration uses. Where a
// person was faster, theirs stays.
func (m mover) take(ctx context.Context, row db.Token, facts credential.Token) error {
	t, err := Read(row)
	if err != nil {
		return err
	}
	used, err := m.q.TokenInUse(ctx, m.tenant, t.Integration)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && used.AddedAt.After(t.AddedAt) {
		return m.move(ctx, &t, credential.Replaced, "a person gave another one meanwhile")
	}
	if err == nil {
		old, err := Read(used)
		if err == nil {
			err = m.move(ctx, &old, credential.Replaced, "it was rotated")
		}
		if err != nil {
			return err
		}
	}
	t.VerifiedAt = m.now
	if err := m.move(ctx, &t, credential.Accepted, ""); err != nil {
		return err
	}
	if err := m.move(ctx, &t, credential.Taken, ""); err != nil {
		return err
	}
	scopes, err := db.Encode(facts.Scopes)
	if err != nil {
		return err
	}
	_, err = m.q.DescribeToken(ctx, db.DescribeTokenParams{
		Tenant: m.tenant, ID: t.Row, TokenID: facts.ID, TokenName: facts.Name, Scopes: scopes,
		MadeAt: db.Time{Time: facts.MadeAt}, ExpiresAt: db.Time{Time: facts.ExpiresAt}, VerifiedAt: db.Time{Time: m.now},
	})
	return err
}

// End closes an open rotation: NotDone, LostIt or Overrun. Lost, it takes the
// token with it for every integration that uses it. trouble is for people. First
// says that this call closed it.
func (s *Store) End(ctx context.Context, r Rotation, state RotationState, url string, token int64, trouble string, now time.Time) (first bool, err error) {
	err = s.write(ctx, "rotation ended", "closing a rotation", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.EndRotation(ctx, db.EndRotationParams{
			Tenant: s.tenant, ID: r.ID, Was: string(r.State), State: string(state), EndedAt: db.Time{Time: now}, Trouble: trouble,
		})
		if first = rows > 0; err != nil || !first {
			audit.Quiet(ctx) // somebody else ended it
			return err
		}
		if err := noteRotation(ctx, r, state, trouble); err != nil || state != LostIt {
			return err
		}
		same, err := q.SameTokens(ctx, s.tenant, token, url)
		if err != nil {
			return err
		}
		for _, row := range same {
			t, err := Read(row)
			if err == nil {
				err = mover{q: q, tenant: s.tenant, now: now}.move(ctx, &t, credential.AnswerLost, "")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return first && err == nil, err
}
