package hooks

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/store/database"
	"cxm/internal/store/db"
)

// Delivery is what an authentic delivery points at.
type Delivery struct {
	Integration int64
	Keys        []string // what it is known by; another that shares one of them is the same
	ReceivedAt  time.Time
	Project     int64 // GitLab's ids
	News
}

// News is an issue that changed, as a delivery says.
type News struct {
	IID       int64
	ChangedAt time.Time // on GitLab's clock; zero: it did not say
	Marked    bool      // its text carries a marker of some cxm, or was not shown
}

// unsaid is the time of a change that did not say when it was.
func unsaid() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// Accept stores a delivery's keys, what it points at, and the job that looks, in
// one transaction. It says whether this was the first to have its keys: any other
// has no effect.
func (s *Store) Accept(ctx context.Context, d Delivery) (first bool, err error) {
	if s.look == nil {
		return false, errors.New("accepting a delivery: this program has no queue: it needs one")
	}
	codes := encode(d.Keys)
	err = s.db.Write(ctx, database.Change{
		Point: "hook", Tenant: s.tenant,
		Do: func(ctx context.Context, tx db.DBTX) error {
			var err error
			first, err = s.accept(ctx, db.New(tx), d, codes)
			return err
		},
		Then: func(ctx context.Context, tx database.Tx) error {
			if !first {
				return nil
			}
			return s.look(ctx, tx, d.Integration, d.Project)
		},
	})
	if err != nil {
		return false, fmt.Errorf("accepting a delivery: %w", err)
	}
	return first, nil
}

func (s *Store) accept(ctx context.Context, q *db.Queries, d Delivery, codes []string) (bool, error) {
	first := true
	for _, code := range codes {
		kept, err := q.KeepHookKey(ctx, db.KeepHookKeyParams{Tenant: s.tenant, IntegrationID: d.Integration, Code: code, ReceivedAt: db.Time{Time: d.ReceivedAt}})
		if err != nil {
			return false, err
		}
		first = first && kept == 1
	}
	if !first {
		return false, nil
	}
	if d.ChangedAt.IsZero() {
		d.ChangedAt = unsaid()
	}
	return true, q.AddHookNews(ctx, db.AddHookNewsParams{
		Tenant: s.tenant, IntegrationID: d.Integration, ProjectID: d.Project, IID: d.IID, ChangedAt: db.Time{Time: d.ChangedAt}, Marked: d.Marked,
	})
}

// encode makes keys of one size, in one order for all who write them.
func encode(keys []string) []string {
	var out []string
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		out = append(out, hex.EncodeToString(sum[:]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Most is how many News reads at once.
const Most = 1000

// News lists what was delivered of a project since Read was last called for it,
// at most Most of it.
func (s *Store) News(ctx context.Context, integration, project int64) ([]News, error) {
	var out []News
	err := s.read(ctx, "reading what webhooks delivered", func(q *db.Queries) error {
		rows, err := q.HookNews(ctx, db.HookNewsParams{Tenant: s.tenant, IntegrationID: integration, ProjectID: project, Most: Most})
		for _, r := range rows {
			n := News{IID: r.IID, ChangedAt: r.ChangedAt.Time, Marked: r.Marked}
			if n.ChangedAt.Equal(unsaid()) {
				n.ChangedAt = time.Time{}
			}
			out = append(out, n)
		}
		return err
	})
	return out, err
}

// Read takes news away that were looked at. What was delivered of them since they
// were read stays.
func (s *Store) Read(ctx context.Context, integration, project int64, news []News) error {
	return s.write(ctx, "news", "marking deliveries as read", func(ctx context.Context, q *db.Queries) error {
		for _, n := range news {
			if n.ChangedAt.IsZero() {
				n.ChangedAt = unsaid()
			}
			err := q.DropHookNews(ctx, db.DropHookNewsParams{Tenant: s.tenant, IntegrationID: integration, ProjectID: project, IID: n.IID, ChangedAt: db.Time{Time: n.ChangedAt}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Purge forgets the keys of deliveries that were received before.
func (s *Store) Purge(ctx context.Context, before time.Time) error {
	return s.write(ctx, "purge", "forgetting old deliveries", func(ctx context.Context, q *db.Queries) error {
		_, err := q.PurgeHookKeys(ctx, s.tenant, db.Time{Time: before})
		return err
	})
}

func (s *Store) read(ctx context.Context, doing string, f func(*db.Queries) error) error {
	return wrap(doing, s.db.Read(ctx, func(tx db.DBTX) error { return f(db.New(tx)) }))
}

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

// one says that no row changed.
func one(rows int64, err error) error {
	if err == nil && rows == 0 {
		return ErrNotFound
	}
	return err
}

// none lets "no rows" pass.
func none(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
