// Package sources keeps the places that may deliver over HTTP, what proves them,
// and what they delivered lately.
//
// What always holds: every row and every query carries a tenant; a token is here as
// a hash only; what is accepted is kept together with the job that takes it in, or
// not at all; an event that was accepted is not accepted again for as long as it is
// remembered.
package sources

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"cxm/internal/audit"
	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Errors that callers tell apart, with errors.Is.
var (
	// ErrNotFound: this tenant has no such source.
	ErrNotFound = errors.New("there is no such source: see `cxm source list`")
	// ErrNoDelivery: this tenant has no such delivery that was refused.
	ErrNoDelivery = errors.New("there is no such delivery that was refused: see `cxm source refused`")
	// ErrTaken: another source has the name, or delivers into the same scope.
	ErrTaken = errors.New("another source has this name, or delivers into this scope: see `cxm source list`, and choose another --scope")
)

// Source is a place that may deliver.
type Source struct {
	ID          int64
	Name        string // the last part of its address
	Type        string // the format
	Scope       string // that it delivers into; its own
	Options     string // how to read what it delivers, as the caller wrote it
	Rate        int64  // what it may deliver a second; 0: what the program allows
	Token       []byte // SHA-256 of its token
	TokenAt     time.Time
	Former      []byte // of the token before; nil: none
	FormerUntil time.Time
	Enabled     bool
	CreatedAt   time.Time
	UsedAt      time.Time // the last delivery that was authentic; zero: none yet
	Counts
}

// Counts are deliveries by what became of them, and the events in those that were
// accepted.
type Counts struct {
	Accepted int64
	Events   int64
	Repeated int64 // events that were known
	Refused  int64 // not authentic, not readable, or too many
}

// Zero says that nothing was counted.
func (c Counts) Zero() bool { return c == Counts{} }

// Delivered adds, within a transaction, the job that takes in what waits of a type
// and scope.
type Delivered func(ctx context.Context, tx database.Tx, tenant, source, scope string) error

// Store is one tenant's sources.
type Store struct {
	db        *database.DB
	tenant    string
	delivered Delivered
	packers   sync.Pool // of *parcel.Packer
}

// New is the part of the database that belongs to the tenant. Without delivered,
// nothing can be accepted.
func New(d *database.DB, tenant string, delivered Delivered) *Store {
	return &Store{db: d, tenant: tenant, delivered: delivered}
}

// Sources lists the tenant's sources by name.
func (s *Store) Sources(ctx context.Context) ([]Source, error) {
	var out []Source
	err := s.read(ctx, "listing the sources", func(q *db.Queries) error {
		rows, err := q.Sources(ctx, s.tenant)
		for _, r := range rows {
			out = append(out, toSource(r))
		}
		return err
	})
	return out, err
}

// Source is the one of that name. The error is ErrNotFound.
func (s *Store) Source(ctx context.Context, name string) (Source, error) {
	var out Source
	err := s.read(ctx, fmt.Sprintf("source %q", name), func(q *db.Queries) error {
		row, err := q.SourceNamed(ctx, s.tenant, name)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		out = toSource(row)
		return err
	})
	return out, err
}

// Add stores a source, enabled. The error is ErrTaken.
func (s *Store) Add(ctx context.Context, in Source) (Source, error) {
	err := s.write(ctx, fmt.Sprintf("adding source %q", in.Name), func(ctx context.Context, q *db.Queries) error {
		var err error
		in.ID, err = q.AddSource(ctx, db.AddSourceParams{
			Tenant: s.tenant, Name: in.Name, Type: in.Type, Scope: in.Scope, Options: in.Options, Rate: in.Rate,
			Token: in.Token, TokenAt: db.Time{Time: in.TokenAt}, CreatedAt: db.Time{Time: in.CreatedAt},
		})
		if errors.Is(err, sql.ErrNoRows) {
			return ErrTaken
		}
		if err != nil {
			return err
		}
		return noteSource(ctx, "source.added", in.Name, audit.Values{"type": in.Type, "scope": in.Scope, "options": in.Options})
	})
	in.Enabled = true
	return in, err
}

// noteSource adds to the audit log what became of a source; its token is no part of
// it.
func noteSource(ctx context.Context, action, name string, after audit.Values) error {
	return audit.Note(ctx, audit.Line{Action: action, Object: audit.Object{Kind: "source", ID: name, Name: name}, After: audit.Of(after)})
}

// Rotate gives a source another token; the one it had works until then. The error is
// ErrNotFound.
func (s *Store) Rotate(ctx context.Context, name string, token []byte, at, until time.Time) error {
	return s.write(ctx, fmt.Sprintf("giving source %q another token", name), func(ctx context.Context, q *db.Queries) error {
		err := one(q.RotateSource(ctx, db.RotateSourceParams{
			FormerUntil: db.Time{Time: until}, Token: token, TokenAt: db.Time{Time: at}, Tenant: s.tenant, Name: name,
		}))
		if err != nil {
			return err
		}
		return noteSource(ctx, "source.token_rotated", name, audit.Values{"former_until": until})
	})
}

// Enable lets a source deliver, or not. The error is ErrNotFound.
func (s *Store) Enable(ctx context.Context, name string, enabled bool) error {
	return s.write(ctx, fmt.Sprintf("switching source %q", name), func(ctx context.Context, q *db.Queries) error {
		if err := one(q.EnableSource(ctx, enabled, s.tenant, name)); err != nil {
			return err
		}
		return noteSource(ctx, "source.switched", name, audit.Values{"enabled": enabled})
	})
}

// Remove forgets a source. What it delivered stays, in a scope that is nobody's from
// then on. The error is ErrNotFound.
func (s *Store) Remove(ctx context.Context, name string) error {
	in, err := s.Source(ctx, name)
	if err == nil {
		err = s.Enable(ctx, name, false)
	}
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		more, err = s.forget(ctx, in.ID, farFuture)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, fmt.Sprintf("removing source %q", name), func(ctx context.Context, q *db.Queries) error {
		// What a process that did not know yet accepted meanwhile goes along.
		if _, err := q.PurgeSourceEvents(ctx, db.PurgeSourceEventsParams{Tenant: s.tenant, SourceID: in.ID, Before: farFuture, Most: 1 << 30}); err != nil {
			return err
		}
		if err := one(q.DeleteSource(ctx, s.tenant, in.ID)); err != nil {
			return err
		}
		return noteSource(ctx, "source.removed", name, nil)
	})
}

// Count adds to what is counted of a source. A used that is zero keeps the one there
// is.
func (s *Store) Count(ctx context.Context, id int64, more Counts, used time.Time) error {
	return s.write(ctx, "counting deliveries", func(ctx context.Context, q *db.Queries) error {
		return q.CountSource(ctx, db.CountSourceParams{
			Accepted: more.Accepted, Events: more.Events, Repeated: more.Repeated, Refused: more.Refused,
			UsedAt: db.Time{Time: used}, Tenant: s.tenant, ID: id,
		})
	})
}

func toSource(r db.Source) Source {
	return Source{
		ID: r.ID, Name: r.Name, Type: r.Type, Scope: r.Scope, Options: r.Options, Rate: r.Rate,
		Token: r.Token, TokenAt: r.TokenAt.Time, Former: r.Former, FormerUntil: r.FormerUntil.Time, Enabled: r.Enabled,
		CreatedAt: r.CreatedAt.Time, UsedAt: r.UsedAt.Time, Counts: Counts{r.Accepted, r.Events, r.Repeated, r.Refused},
	}
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.db.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

func (s *Store) write(ctx context.Context, doing string, f func(context.Context, *db.Queries) error) error {
	return wrap(doing, s.db.Write(ctx, database.Change{Point: "source", Tenant: s.tenant, Do: func(ctx context.Context, tx db.DBTX) error {
		return f(ctx, db.New(tx))
	}}))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// one turns "no row changed" into ErrNotFound.
func one(rows int64, err error) error {
	if err == nil && rows == 0 {
		return ErrNotFound
	}
	return err
}

// none turns "no rows" into no error.
func none(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
