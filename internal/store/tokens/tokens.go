// Package tokens keeps the tokens of integrations, their rotations and the keys
// that seal them.
//
// What always holds: at most one token of an integration is in use, and at most
// one rotation of a token is open, over all processes; a rotation is written down
// before its request; a token comes to a state only as credential.Next says, and
// each time is kept; a token is stored sealed, by the key that seals now, and the
// value of one that was superseded is dropped.
package tokens

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Errors that callers tell apart, with errors.Is.
var (
	// ErrUnderWay: the token is being rotated.
	ErrUnderWay = errors.New("this token is being rotated by another process: look again in a minute with `cxm token status`")
	// ErrStale: somebody else decided about it since it was read.
	ErrStale = errors.New("another process decided about this token meanwhile: look again with `cxm token status`")
	// ErrKey: the token was sealed by a key that does not seal any more.
	ErrKey = errors.New("the keys were changed by `cxm secrets rekey` meanwhile: run the same again")
)

// Store is one tenant's tokens.
type Store struct {
	db     *database.DB
	tenant string
}

// New returns the tokens of a tenant.
func New(d *database.DB, tenant string) *Store { return &Store{d, tenant} }

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.db.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

// write makes one durable change; point names its commit (database.Options.Failpoint).
func (s *Store) write(ctx context.Context, point, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.db.Write(ctx, database.Change{Point: point, Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// absent turns "no rows" and "no row changed" into an error of its own.
func absent(rows int64, err, none error) error {
	if errors.Is(err, sql.ErrNoRows) || err == nil && rows == 0 {
		return none
	}
	return err
}

// InUse is the token that the integration acts with, or acted with until it was
// refused. The error is db.ErrNotFound (store.ErrNotFound).
func (s *Store) InUse(ctx context.Context, integration int64) (credential.Stored, error) {
	var out credential.Stored
	err := s.read(ctx, "reading the token in use", func(q *db.Queries) error {
		r, err := q.TokenInUse(ctx, s.tenant, integration)
		if err = absent(1, err, db.ErrNotFound); err != nil {
			return err
		}
		out, err = Read(r)
		return err
	})
	return out, err
}

// All lists the tokens that the integration ever had, the first one first.
func (s *Store) All(ctx context.Context, integration int64) ([]credential.Stored, error) {
	var out []credential.Stored
	err := s.read(ctx, "reading the tokens", func(q *db.Queries) error {
		rows, err := q.Tokens(ctx, s.tenant, integration)
		if err == nil {
			out, err = readAll(rows)
		}
		return err
	})
	return out, err
}

// Event is a state that a token came to.
type Event struct {
	Row    int64 // of the token
	At     time.Time
	State  credential.State
	Reason string // for people
}

// Events lists what became of the integration's tokens, in its order.
func (s *Store) Events(ctx context.Context, integration int64) ([]Event, error) {
	var out []Event
	err := s.read(ctx, "reading the history of the tokens", func(q *db.Queries) error {
		rows, err := q.TokenEvents(ctx, s.tenant, integration)
		for _, r := range rows {
			out = append(out, Event{Row: r.TokenRow, At: r.At.Time, State: credential.State(r.State), Reason: r.Reason})
		}
		return err
	})
	return out, err
}

// Saw keeps what GitLab answered about a token that it accepts; what, beside its
// facts, that changes of the token's state is returned.
func (s *Store) Saw(ctx context.Context, was credential.Stored, facts credential.Token, now time.Time) (credential.Stored, error) {
	is := was
	err := s.write(ctx, "token seen", "keeping what GitLab says of the token", func(ctx context.Context, q *db.Queries) error {
		is = was
		is.Token, is.VerifiedAt = facts, now
		scopes, err := db.Encode(facts.Scopes)
		if err != nil {
			return err
		}
		rows, err := q.DescribeToken(ctx, db.DescribeTokenParams{
			Tenant: s.tenant, ID: was.Row, TokenID: facts.ID, TokenName: facts.Name, Scopes: scopes,
			MadeAt: db.Time{Time: facts.MadeAt}, ExpiresAt: db.Time{Time: facts.ExpiresAt}, VerifiedAt: db.Time{Time: now},
		})
		if err = absent(rows, err, db.ErrNotFound); err != nil || was.State == credential.Active {
			return err
		}
		m := mover{q: q, tenant: s.tenant, now: now}
		if err := m.move(ctx, &is, credential.Accepted, ""); err != nil || !is.InUse {
			return err
		}
		return m.move(ctx, &is, credential.Taken, "")
	})
	return is, err
}

// Met keeps an event that a token met, with what GitLab said. Changed says that
// its state is another one by now, and that this call made it so: of several
// processes that meet the same, one is told so.
func (s *Store) Met(ctx context.Context, was credential.Stored, e credential.Event, said string, now time.Time) (is credential.Stored, changed bool, err error) {
	err = s.write(ctx, "token met", "keeping what became of the token", func(ctx context.Context, q *db.Queries) error {
		is = was
		m := mover{q: q, tenant: s.tenant, now: now}
		err := m.move(ctx, &is, e, said)
		changed = err == nil && is.State != was.State
		return err
	})
	if errors.Is(err, ErrStale) {
		return was, false, nil
	}
	return is, changed, err
}

// Refused is Met for a token that GitLab refused a request of. While a rotation of
// it is open, it is that rotation which took its access, and nothing is kept: the
// error is ErrUnderWay then, and ErrStale when another has taken its place meanwhile.
func (s *Store) Refused(ctx context.Context, url string, was credential.Stored, said string, now time.Time) (is credential.Stored, changed bool, err error) {
	err = s.write(ctx, "token met", "keeping that GitLab refuses the token", func(ctx context.Context, q *db.Queries) error {
		is = was
		_, err := q.OpenRotation(ctx, s.tenant, target(url, was.ID))
		if err == nil {
			return ErrUnderWay
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		err = mover{q: q, tenant: s.tenant, now: now}.move(ctx, &is, credential.Refused, said)
		changed = err == nil && is.State != was.State
		return err
	})
	return is, changed, err
}

// Tell says whether people are to be told now that so many days are left: true
// for one caller alone.
func (s *Store) Tell(ctx context.Context, row int64, days int) (first bool, err error) {
	err = s.write(ctx, "token told", "keeping who was told of an expiry", func(ctx context.Context, q *db.Queries) error {
		rows, err := q.TellExpiry(ctx, int64(days), s.tenant, row)
		first = rows > 0
		return err
	})
	return first && err == nil, err
}

// mover moves tokens from state to state within a transaction.
type mover struct {
	q      *db.Queries
	tenant string
	now    time.Time
}

// move lets a token meet an event, and keeps it when that changes its state. The
// error is ErrStale when it is not in the state any more in which it was read.
func (m mover) move(ctx context.Context, t *credential.Stored, e credential.Event, detail string) error {
	to, why, ok := credential.Next(t.State, e)
	if !ok || to == t.State {
		audit.Quiet(ctx)
		return nil
	}
	was := t.State
	t.State, t.Reason = to, why
	if detail != "" {
		t.Reason += ": " + detail
	}
	switch to {
	case credential.Superseded:
		t.InUse, t.Sealed, t.EndedAt = false, nil, m.now
	case credential.Revoked, credential.Lost:
		t.EndedAt = m.now
	case credential.Active:
		t.InUse, t.EndedAt = true, time.Time{}
	default:
		t.EndedAt = time.Time{}
	}
	rows, err := m.q.MoveToken(ctx, db.MoveTokenParams{
		Tenant: m.tenant, ID: t.Row, Was: string(was), State: string(to), InUse: t.InUse, Reason: t.Reason,
		EndedAt: db.Time{Time: t.EndedAt}, VerifiedAt: db.Time{Time: t.VerifiedAt}, Sealed: bytesOf(t.Sealed),
	})
	if err = absent(rows, err, ErrStale); err != nil {
		return err
	}
	return m.tell(ctx, *t, was)
}

// tell writes down a state that a token came to, in its history and in the audit
// log. was is the one before; empty: it is new.
func (m mover) tell(ctx context.Context, t credential.Stored, was credential.State) error {
	if err := noteToken(ctx, t, was); err != nil {
		return err
	}
	return m.q.AddTokenEvent(ctx, db.AddTokenEventParams{
		Tenant: m.tenant, IntegrationID: t.Integration, TokenRow: t.Row, At: db.Time{Time: m.now}, State: string(t.State), Reason: t.Reason,
	})
}

// add stores a token that is new to the store, and sets its row.
func (m mover) add(ctx context.Context, t *credential.Stored) error {
	scopes, err := db.Encode(t.Scopes)
	if err != nil {
		return err
	}
	t.AddedAt = m.now
	t.Row, err = m.q.AddToken(ctx, db.AddTokenParams{
		Tenant: m.tenant, IntegrationID: t.Integration, State: string(t.State), InUse: t.InUse, Sealed: bytesOf(t.Sealed),
		TokenID: t.ID, TokenName: t.Name, Scopes: scopes, MadeAt: db.Time{Time: t.MadeAt}, ExpiresAt: db.Time{Time: t.ExpiresAt},
		AddedAt: db.Time{Time: m.now}, VerifiedAt: db.Time{Time: t.VerifiedAt}, Reason: t.Reason, RotationID: t.Rotation,
	})
	if err != nil {
		return err
	}
	return m.tell(ctx, *t, "")
}

// Put gives the integration a token that a person brought and GitLab accepted,
// within the transaction of q; the one it had is superseded. The same token
// again changes nothing but what is known of it. The error is ErrKey when
// another key seals by now.
func Put(ctx context.Context, q *db.Queries, tenant string, integration int64, sealed []byte, tok credential.Token, now time.Time) error {
	if err := SealedByNow(ctx, q, tenant, sealed); err != nil {
		return err
	}
	m := mover{q: q, tenant: tenant, now: now}
	if err := q.AddTokenCare(ctx, tenant, integration, int64(credential.Every/(24*time.Hour))); err != nil {
		return err
	}
	r, err := q.TokenInUse(ctx, tenant, integration)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		old, err := Read(r)
		if err != nil {
			return err
		}
		if err := m.move(ctx, &old, credential.Replaced, ""); err != nil {
			return err
		}
	}
	return m.add(ctx, &credential.Stored{
		Token: tok, Integration: integration, State: credential.Active, InUse: true, Sealed: sealed, VerifiedAt: now,
		Reason: "a person gave it, and GitLab accepts it",
	})
}

// Forget drops the token in use of an integration that is disconnected, within
// the transaction of q.
func Forget(ctx context.Context, q *db.Queries, tenant string, integration int64, now time.Time) error {
	r, err := q.TokenInUse(ctx, tenant, integration)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := Read(r)
	if err != nil {
		return err
	}
	return mover{q: q, tenant: tenant, now: now}.move(ctx, &t, credential.Replaced, "the integration was disconnected")
}

// SealedByNow holds the keys still until the transaction of q ends. The error is
// ErrKey when what is to be stored was sealed by one that does not seal any more.
func SealedByNow(ctx context.Context, q *db.Queries, tenant string, sealed []byte) error {
	if len(sealed) == 0 {
		return errors.New("the sealed token is empty: seal it first")
	}
	id, ok := credential.KeyOf(sealed)
	if !ok {
		return nil
	}
	if _, err := q.Keyset(ctx, tenant); errors.Is(err, sql.ErrNoRows) {
		return nil // nothing was rekeyed yet
	}
	rows, err := q.HoldKey(ctx, tenant, int64(id))
	return absent(rows, err, ErrKey)
}

// Read is a row as credential knows it.
func Read(r db.Token) (credential.Stored, error) {
	t := credential.Stored{
		Token: credential.Token{ID: r.TokenID, Name: r.TokenName, ExpiresAt: r.ExpiresAt.Time, MadeAt: r.MadeAt.Time},
		Row:   r.ID, Integration: r.IntegrationID, State: credential.State(r.State), InUse: r.InUse, Sealed: r.Sealed,
		AddedAt: r.AddedAt.Time, VerifiedAt: r.VerifiedAt.Time, EndedAt: r.EndedAt.Time, Reason: r.Reason,
		Rotation: r.RotationID, Told: int(r.ToldDays),
	}
	return t, db.Decode(r.Scopes, &t.Scopes, "scopes of token row", r.ID)
}

func readAll(rows []db.Token) ([]credential.Stored, error) {
	out := make([]credential.Stored, 0, len(rows))
	for _, r := range rows {
		t, err := Read(r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// bytesOf is never null.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
