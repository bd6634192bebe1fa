package views_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
	"cxm/internal/store/views"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

func onBoth(t *testing.T, test func(t *testing.T, mine, theirs *views.Store)) {
	run := func(t *testing.T, o store.Options) {
		t.Parallel()
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		test(t, views.New(db.Base(), "mine"), views.New(db.Base(), "theirs"))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// TestViews are their person's alone, each name once.
func TestViews(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *views.Store) {
		save := func(s *views.Store, person int64, name, query string) error {
			return s.Save(t.Context(), person, name, query, noon())
		}
		list := func(s *views.Store, person int64) (out string) {
			all, err := s.Views(t.Context(), person)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range all {
				out += v.Name + "=" + v.Query + ";"
			}
			return out
		}
		for _, err := range []error{save(mine, 1, "b", "q=1"), save(mine, 1, " a\n\x00 x ", "q=2"), save(mine, 1, "b", "q=3"), save(mine, 2, "b", "q=4"), save(theirs, 1, "b", "q=5")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := list(mine, 1) + list(mine, 2) + list(theirs, 1); got != "a x=q=2;b=q=3;b=q=4;b=q=5;" {
			t.Errorf("kept is %s", got)
		}
		for name, err := range map[string]error{
			"no name": save(mine, 1, " ", "q=1"), "a long name": save(mine, 1, strings.Repeat("ä", views.LongestName+1), "q=1"), "a long query": save(mine, 1, "c", strings.Repeat("q", 3000)),
		} {
			if fault, ok := errors.AsType[*views.Fault](err); !ok || fault.Text == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		all, err := mine.Views(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []error{mine.Drop(t.Context(), 2, all[0].ID), theirs.Drop(t.Context(), 1, all[0].ID)} {
			if !errors.Is(other, store.ErrNotFound) {
				t.Errorf("somebody else removes it: %v", other)
			}
		}
		if err := mine.Drop(t.Context(), 1, all[0].ID); err != nil || list(mine, 1) != "b=q=3;" {
			t.Errorf("%s (%v)", list(mine, 1), err)
		}
		for i := range views.Most - 1 {
			if err := save(mine, 1, fmt.Sprint(i), "q=1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := save(mine, 1, "one too many", "q=1"); err == nil {
			t.Error("there is no bound")
		}
		if err := save(mine, 1, "b", "q=9"); err != nil {
			t.Errorf("one that is there cannot be changed: %v", err)
		}
	})
}

// TestDays keeps the last that was known of each day, and not for ever.
func TestDays(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *views.Store) {
		day := func(ago int, amounts money.Totals) {
			at := noon().AddDate(0, 0, -ago)
			if err := mine.Record(t.Context(), views.Day{Day: at.Format(time.DateOnly), Open: amounts, Working: money.Totals{"USD": decimal.New(1, 0)}, At: at}); err != nil {
				t.Fatal(err)
			}
		}
		exact := decimal.RequireFromString("123.12000000000002")
		day(2000, money.Totals{"USD": exact})
		day(1, money.Totals{"USD": exact, "EUR": exact})
		day(0, money.Totals{"EUR": exact})
		day(0, money.Totals{"USD": exact})
		all, err := mine.Days(t.Context(), time.Time{})
		if err != nil || len(all) != 2 || len(all[0].Open) != 2 || all[0].Working["USD"].String() != "1" || len(all[1].Open) != 1 || !all[1].Open["USD"].Equal(exact) || !all[1].At.Equal(noon()) {
			t.Errorf("%+v (%v)", all, err)
		}
		if since, _ := mine.Days(t.Context(), noon()); len(since) != 1 {
			t.Errorf("%d days", len(since))
		}
		if other, err := theirs.Days(t.Context(), time.Time{}); err != nil || len(other) != 0 {
			t.Errorf("another tenant has %+v (%v)", other, err)
		}
	})
}
