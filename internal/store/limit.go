package store

import (
	"context"
	"errors"
	"time"

	"cxm/internal/issue"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/store/db"
)

// Turn lets one caller after the other, over all processes, see what is stored
// of a bucket and the time of the clock they share, and say what to store
// instead. It is what limit.Ledger asks for. An empty text: nothing is stored
// yet. take may be called again when the transaction has to be; it must not use
// the store.
//
// The clock is PostgreSQL's, and with SQLite, whose processes run on one
// machine, that machine's. The rows carry no tenant: a limit belongs to an
// account on an instance, which tenants may share. Their names are hashes, so
// that a row tells nobody whose limit it is.
func (d *DB) Turn(ctx context.Context, bucket string, take func(was string, now time.Time) (is string)) error {
	return wrap("taking a share of the limits of GitLab", d.save(ctx, "turn", "", func(ctx context.Context, q *db.Queries) error {
		was, err := q.TakeTurn(ctx, bucket)
		if err != nil {
			return err
		}
		now, err := d.clock(ctx, q)
		if err != nil {
			return err
		}
		return q.EndTurn(ctx, take(was, now), bucket)
	}))
}

// clock is the time that all processes on this database agree about.
func (d *DB) clock(ctx context.Context, q *db.Queries) (time.Time, error) {
	if d.Pool() == nil {
		return time.Now(), nil
	}
	now, err := q.Clock(ctx)
	return now.Time, err
}

// Breakers lists the breakers of an integration.
func (s *Store) Breakers(ctx context.Context, integrationID int64) (breaker.Set, error) {
	var out breaker.Set
	err := s.query(ctx, "reading the breakers", func(q *db.Queries) error {
		rows, err := q.Breakers(ctx, s.tenant, integrationID)
		for _, r := range rows {
			out = append(out, toBreaker(r))
		}
		return err
	})
	return out, err
}

// SaveBreaker stores a breaker of an integration and returns it as it is stored.
// The error is ErrStale when somebody else stored it since it was read: then it
// is theirs to call the tracker.
func (s *Store) SaveBreaker(ctx context.Context, integrationID int64, b breaker.Breaker) (breaker.Breaker, error) {
	if b.Target == "" || b.Class == "" {
		return b, errors.New("storing a breaker: it names no target or no class")
	}
	err := s.save(ctx, "storing the breaker of "+b.Target, func(ctx context.Context, q *db.Queries) error {
		if b.Rev == 0 {
			rows, err := q.AddBreaker(ctx, addBreaker(s.tenant, integrationID, b))
			return one(rows, err, ErrStale)
		}
		rows, err := q.SaveBreaker(ctx, saveBreaker(s.tenant, integrationID, b))
		return one(rows, err, ErrStale)
	})
	if err != nil {
		return b, err
	}
	b.Rev++
	return b, nil
}

func toBreaker(r db.Breaker) breaker.Breaker {
	return breaker.Breaker{
		Target: r.Target, Class: issue.TroubleKind(r.Class), Failures: int(r.Failures),
		OpenedAt: r.OpenedAt.Time, RetryAt: r.RetryAt.Time, ProbeUntil: r.ProbeUntil.Time,
		Told: r.Told, Trouble: r.Trouble, Rev: r.Rev,
	}
}

func addBreaker(tenant string, integrationID int64, b breaker.Breaker) db.AddBreakerParams {
	return db.AddBreakerParams{
		Tenant: tenant, IntegrationID: integrationID, Target: b.Target, Class: string(b.Class), Failures: int64(b.Failures),
		OpenedAt: db.Time{Time: b.OpenedAt}, RetryAt: db.Time{Time: b.RetryAt}, ProbeUntil: db.Time{Time: b.ProbeUntil},
		Told: b.Told, Trouble: b.Trouble,
	}
}

func saveBreaker(tenant string, integrationID int64, b breaker.Breaker) db.SaveBreakerParams {
	return db.SaveBreakerParams{
		Tenant: tenant, IntegrationID: integrationID, Target: b.Target, Class: string(b.Class), Failures: int64(b.Failures),
		OpenedAt: db.Time{Time: b.OpenedAt}, RetryAt: db.Time{Time: b.RetryAt}, ProbeUntil: db.Time{Time: b.ProbeUntil},
		Told: b.Told, Trouble: b.Trouble, Rev: b.Rev,
	}
}
