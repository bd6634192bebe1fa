// Package audit keeps the audit log: its lines, the signatures over them, and what
// is left of lines that retention removed.
//
// What always holds: every row and every query carries the tenant; a line is only
// added, and never changed (the database refuses both as well); lines go only once
// a signed seal stands for them, and only when those that go are as they were
// written.
package audit

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/audit/chain"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Store is one tenant's log.
type Store struct {
	base   *database.DB
	tenant string
	clock  func() time.Time
}

// New is the log of a tenant.
func New(base *database.DB, tenant string, clock func() time.Time) *Store {
	return &Store{base: base, tenant: tenant, clock: clock}
}

// Add adds lines about what changes nothing else in the database, such as a
// sign-in that failed.
func (s *Store) Add(ctx context.Context, lines ...audit.Line) error {
	return s.write(ctx, "adding to the audit log", func(ctx context.Context, _ *db.Queries) error { return audit.Note(ctx, lines...) })
}

// Filter says which lines are listed; what is empty is any.
type Filter struct {
	Before   int64     // only lines with a smaller sequence: where the list before ended; 0: from the last one on
	Actor    string    // its name
	Action   string    // its first words: "token" is all that begins with "token."
	Kind, ID string    // of the object; both or none
	Since    time.Time // not before
	Until    time.Time // before
	Most     int       // 0: a hundred
}

const (
	usual = 100
	most  = 1000
	last  = int64(1) << 62
)

// far is later than any line.
func far() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

func (f Filter) params(tenant string) db.AuditLinesBeforeParams {
	p := db.AuditLinesBeforeParams{
		Tenant: tenant, Before: f.Before, Actor: f.Actor, ActionFrom: f.Action, ActionUntil: f.Action + "\U0010ffff",
		Since: db.Time{Time: f.Since}, Until: db.Time{Time: f.Until}, Page: int32(max(1, min(f.Most, most))),
	}
	if f.Before == 0 {
		p.Before = last
	}
	if f.Since.IsZero() {
		p.Since.Time = time.Unix(0, 0).UTC()
	}
	if f.Until.IsZero() {
		p.Until.Time = far()
	}
	if f.Most == 0 {
		p.Page = usual
	}
	return p
}

// List lists lines, the latest first.
func (s *Store) List(ctx context.Context, f Filter) ([]audit.Line, error) {
	var out []audit.Line
	err := s.read(ctx, "reading the audit log", func(q *db.Queries) error {
		p := f.params(s.tenant)
		var rows []db.AuditLine
		var err error
		if f.Kind != "" {
			rows, err = q.AuditLinesOf(ctx, db.AuditLinesOfParams{
				Tenant: p.Tenant, ObjectKind: f.Kind, ObjectID: f.ID, Before: p.Before, Actor: p.Actor,
				ActionFrom: p.ActionFrom, ActionUntil: p.ActionUntil, Since: p.Since, Until: p.Until, Page: p.Page,
			})
		} else {
			rows, err = q.AuditLinesBefore(ctx, p)
		}
		for _, r := range rows {
			out = append(out, toLine(r))
		}
		return err
	})
	return out, err
}

// toLine is a row as audit knows it. What cannot be a line becomes one that no
// check takes for sound.
func toLine(r db.AuditLine) audit.Line {
	l := audit.Line{
		Tenant: r.Tenant, Sequence: r.Sequence, At: r.At.Time, Actor: audit.Actor{Kind: audit.ActorKind(r.ActorKind), Name: r.ActorName},
		Action: r.Action, Object: audit.Object{Kind: r.ObjectKind, ID: r.ObjectID, Name: r.ObjectName},
		Before: audit.Facts(r.FactsBefore), After: audit.Facts(r.FactsAfter), Why: r.Why, Run: r.RunID, Request: r.RequestID,
	}
	var err, other error
	l.Previous, err = audit.ParseHash(r.PreviousHash)
	l.Hash, other = audit.ParseHash(r.Hash)
	if err != nil || other != nil || r.PreviousHash == "" || r.Hash == "" || r.FactsBefore == "" || r.FactsAfter == "" {
		l.Before = "damaged"
	}
	return l
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.base.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.base.Write(ctx, database.Change{Point: "audit", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Head is the end of the log; a Sequence of 0: nothing is in it yet.
func (s *Store) Head(ctx context.Context) (audit.Head, error) {
	h := audit.Head{Tenant: s.tenant}
	err := s.read(ctx, "reading the end of the audit log", func(q *db.Queries) error {
		var err error
		h, err = head(ctx, q, s.tenant)
		return err
	})
	h.At = s.clock().UTC()
	return h, err
}

// Anchor signs the last line, unless it was signed. Not ok: there was nothing to
// sign.
func (s *Store) Anchor(ctx context.Context, signer *audit.Signer) (h audit.Head, ok bool, err error) {
	err = s.write(ctx, "signing the audit log", func(ctx context.Context, q *db.Queries) error {
		var err error
		if h, err = chain.Take(ctx, q, s.tenant); err != nil {
			return err
		}
		h.At = s.clock().UTC()
		if ok = h.Sequence > h.Anchored; !ok {
			return nil
		}
		if err := chain.Anchor(ctx, q, signer, &h, h.At); err != nil {
			return err
		}
		return chain.Save(ctx, q, h)
	})
	return h, ok && err == nil, err
}

// Key is a key that signs, sealed.
type Key struct {
	ID     string
	Public []byte
	Sealed []byte
	MadeAt time.Time
}

// Keys lists them.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	var out []Key
	err := s.read(ctx, "reading the keys that sign the audit log", func(q *db.Queries) error {
		rows, err := q.AuditKeys(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, Key{ID: r.KeyID, Public: r.PublicKey, Sealed: r.Sealed, MadeAt: r.MadeAt.Time})
		}
		return err
	})
	return out, err
}

// AddKey stores a key that signs from now on, and says so in the log. sealedBy is
// called within the transaction, and its error takes everything back: it sees to
// it that the key which sealed it still does.
func (s *Store) AddKey(ctx context.Context, k Key, sealedBy func(context.Context, *db.Queries) error) error {
	return s.write(ctx, "storing a key that signs the audit log", func(ctx context.Context, q *db.Queries) error {
		if err := sealedBy(ctx, q); err != nil {
			return err
		}
		if err := q.AddAuditKey(ctx, db.AddAuditKeyParams{Tenant: s.tenant, KeyID: k.ID, PublicKey: k.Public, Sealed: k.Sealed, MadeAt: db.Time{Time: k.MadeAt}}); err != nil {
			return err
		}
		return audit.Note(ctx, audit.Line{Action: "audit.key_made", Object: audit.Object{Kind: "audit key", ID: k.ID}})
	})
}
