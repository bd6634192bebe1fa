package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// onBoth runs a test on both databases; open opens a new one with options.
func onBoth(t *testing.T, test func(t *testing.T, open func(store.Options) *store.DB)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, func(o store.Options) *store.DB {
			o.Path = t.TempDir() + "/cxm.db"
			return openURL(t, o)
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := postgres.Server(t)
		test(t, func(o store.Options) *store.DB {
			o.URL = server.Database(t)
			return openURL(t, o)
		})
	})
}

// within runs a statement in a transaction that was lent.
func within(ctx context.Context, tx store.Tx, statement string) error {
	if (tx.SQL == nil) == (tx.PGX == nil) {
		return errors.New("not exactly one of the two is set")
	}
	if tx.SQL != nil {
		_, err := tx.SQL.ExecContext(ctx, statement)
		return err
	}
	_, err := tx.PGX.Exec(ctx, statement)
	return err
}

// jobs counts the rows of the table that stands for the queue's.
func jobs(t *testing.T, d *store.DB) (n int) {
	t.Helper()
	var err error
	if d.Pool() != nil {
		err = d.Pool().QueryRow(t.Context(), "select count(*) from jobs").Scan(&n)
	} else {
		err = d.SQL().QueryRowContext(t.Context(), "select count(*) from jobs").Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func withJobs(t *testing.T, d *store.DB) {
	t.Helper()
	var err error
	if d.Pool() != nil {
		_, err = d.Pool().Exec(t.Context(), "create table jobs (id bigint generated always as identity, tenant text)")
	} else {
		_, err = d.SQL().ExecContext(t.Context(), "create table jobs (id integer primary key, tenant text)")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestChanged: whatever makes a group dirty tells of it, within its transaction,
// so that a job is stored exactly when its cause is; what does not is silent.
func TestChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(store.Options) *store.DB) {
		var mu sync.Mutex
		var refuse error
		var told []string
		d := open(store.Options{Changed: func(ctx context.Context, tx store.Tx, tenant string) error {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, tenant)
			return errors.Join(within(ctx, tx, "insert into jobs (tenant) values ('"+tenant+"')"), refuse)
		}})
		withJobs(t, d)
		s := d.Tenant("acme")
		in, r := furnish(t, s)
		g := rule.NewGroupKey("adopted")
		f := sample(1)
		acts := []struct {
			name  string
			marks bool
			act   func() error
		}{
			{"ingest of something", true, func() error { return take(t, s, assign(&f)) }},
			{"ingest of nothing", false, func() error { return take(t, s) }},
			{"touch", true, func() error { return s.Touch(t.Context(), []rule.GroupKey{assign(&f).Group}) }},
			{"settle", false, func() error { return s.Settle(t.Context(), 0, map[rule.GroupKey]int64{assign(&f).Group: 1}) }},
			{"adopt", true, func() error {
				_, err := s.Adopt(t.Context(), issue.Tracked{Integration: in, Group: g, Nonce: "n", Observed: issue.Observed{ProjectID: 1, IID: 7}})
				return err
			}},
			{"observe", true, func() error {
				seen, err := s.Find(t.Context(), in, 1, []int64{7}, nil)
				return errors.Join(err, s.Observe(t.Context(), in, 1, seen, time.Now()))
			}},
			{"observe nothing", false, func() error { return s.Observe(t.Context(), in, 1, nil, time.Now()) }},
			{"intend", false, func() error {
				_, _, err := s.Intend(t.Context(), plan.Entry{Run: r, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("x"), Nonce: "x"})
				return err
			}},
		}
		sentinel := errors.New("the queue is full")
		for _, a := range acts {
			if a.marks { // the change goes with the job
				told, refuse = nil, sentinel
				before := jobs(t, d)
				if err := a.act(); !errors.Is(err, sentinel) || jobs(t, d) != before {
					t.Errorf("%s, refused: %v, and %d jobs became %d", a.name, err, before, jobs(t, d))
				}
			}
			told, refuse = nil, nil
			before := jobs(t, d)
			if err := a.act(); err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
			want := map[bool][]string{true: {"acme"}}[a.marks]
			if !slices.Equal(told, want) || jobs(t, d)-before != len(want) {
				t.Errorf("%s told %v, not %v, and left %d jobs", a.name, told, want, jobs(t, d)-before)
			}
		}
	})
}

func take(t *testing.T, s *store.Store, placed ...rule.Placed) error {
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: time.Now()}
	_, err := s.Ingest(t.Context(), p, func(in rule.Intake) (finding.Pull, error) {
		for _, one := range placed {
			if err := in.Put(one); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	return err
}

// TestLentTransaction: who borrows a transaction of PostgreSQL can nest, and
// cannot end it.
func TestLentTransaction(t *testing.T) {
	server := postgres.Server(t)
	var failed error
	d := openURL(t, store.Options{URL: server.Database(t), Changed: func(ctx context.Context, tx store.Tx, _ string) error {
		failed = func() error {
			if tx.PGX.Commit(ctx) == nil || tx.PGX.Rollback(ctx) == nil {
				return errors.New("it could be ended")
			}
			for i, end := range []string{"commit", "rollback"} {
				nested, err := tx.PGX.Begin(ctx)
				if err != nil {
					return err
				}
				deeper, err := nested.Begin(ctx)
				if err != nil {
					return err
				}
				if _, err := deeper.Exec(ctx, fmt.Sprintf("insert into jobs (tenant) values ('%d')", i)); err != nil {
					return err
				}
				if err := deeper.Commit(ctx); err != nil {
					return err
				}
				if end == "commit" {
					err = nested.Commit(ctx)
				} else {
					err = nested.Rollback(ctx)
				}
				if err != nil || nested.Commit(ctx) == nil {
					return fmt.Errorf("%s: %w", end, err)
				}
			}
			return nil
		}()
		return failed
	}})
	withJobs(t, d)
	f := sample(1)
	if err := take(t, d.Tenant("acme"), assign(&f)); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if n := jobs(t, d); n != 1 {
		t.Errorf("%d jobs were kept, not the one that was committed", n)
	}
}

// TestFailpoints: every commit is announced, and done when it is announced as
// done.
func TestFailpoints(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(store.Options) *store.DB) {
		var mu sync.Mutex
		var points []string
		d := open(store.Options{Failpoint: func(point string) {
			mu.Lock()
			defer mu.Unlock()
			points = append(points, point)
		}})
		s := d.Tenant("acme")
		in, r := furnish(t, s)
		points = nil
		e, row, err := s.Intend(t.Context(), plan.Entry{Run: r, Verb: plan.Create}, issue.Tracked{Integration: in, Group: rule.NewGroupKey("1"), Nonce: "n"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Record(t.Context(), e, row, 0); err != nil {
			t.Fatal(err)
		}
		if err := take(t, s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Adopt(t.Context(), issue.Tracked{Integration: 99, Nonce: "refused"}); err == nil {
			t.Error("an integration that does not exist")
		}
		want := []string{
			"intend: before commit", "intend: after commit", "record: before commit", "record: after commit",
			"ingest: before commit", "ingest: after commit",
		}
		if !slices.Equal(points, want) {
			t.Errorf("the points were %q, not %q", points, want)
		}
	})
}

// TestQueueHandles: the queue gets the handle of the database there is.
func TestQueueHandles(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(store.Options) *store.DB) {
		d := open(store.Options{})
		if (d.SQL() == nil) == (d.Pool() == nil) {
			t.Fatal("not exactly one of the two handles is there")
		}
		if handle := d.SQL(); handle != nil {
			if n := handle.Stats().MaxOpenConnections; n != 1 {
				t.Errorf("SQLite's handle has %d connections", n)
			}
		}
	})
}
