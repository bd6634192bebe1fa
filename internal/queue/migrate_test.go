package queue

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMigrateAtOnce: several processes (pools of their own) start at once on an
// empty database.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		processes int
		address   func(t *testing.T) string
	}{
		"SQLite":     {2, func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "queue.db") }},
		"PostgreSQL": {3, func(t *testing.T) string { return postgres.database(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := c.address(t)
			beds := make([]*bed, c.processes)
			for i := range beds {
				b, closeAll, err := openBed(address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(closeAll)
				beds[i] = b
			}
			if _, err := Open(t.Context(), Options{Handle: beds[0].Handle}); !errors.Is(err, ErrNoSchema) {
				t.Errorf("opened before it was migrated: %v", err)
			}
			var all sync.WaitGroup
			for _, b := range beds {
				all.Go(func() {
					if err := Migrate(t.Context(), b.Handle); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if err := Migrate(t.Context(), beds[0].Handle); err != nil {
				t.Errorf("once more: %v", err)
			}
			beds[0].open(t, Options{})
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		b.exec(t, "insert into river_migration (line, version) values ('main', 99)")
		if err := Migrate(t.Context(), b.Handle); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "99") {
			t.Errorf("Migrate: %v", err)
		}
		if _, err := Open(t.Context(), Options{Handle: b.Handle}); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	t.Parallel()
	b := newSQLite(t)
	many := newSQLite(t)
	many.SQLite.SetMaxOpenConns(4)
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"no database", Options{}, "exactly one"},
		{"readers' pool", Options{Handle: many.Handle}, "4 connections"},
		{"rescue too early", Options{Handle: b.Handle, JobTimeout: time.Minute, Rescue: time.Minute}, "longer than JobTimeout"},
		{"negative", Options{Handle: b.Handle, Concurrency: -1}, "negative"},
	} {
		if _, err := Open(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	o := Options{JobTimeout: time.Hour}.withDefaults()
	if o.Rescue != time.Hour+time.Minute || o.Concurrency != 16 || o.config().RescueStuckJobsAfter != o.Rescue || o.config().JobTimeout != time.Hour {
		t.Errorf("defaults: %+v", o)
	}
}
