package reviews_test

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/reviews"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// onBoth runs a test on both databases, with two tenants that have an integration
// each.
func onBoth(t *testing.T, test func(t *testing.T, mine, theirs *reviews.Store, in, other int64)) {
	run := func(t *testing.T, o store.Options) {
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		connect := func(tenant string) int64 {
			in, err := db.Tenant(tenant).AddIntegration(t.Context(), integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", CreatedAt: noon()},
				credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
			if err != nil {
				t.Fatal(err)
			}
			return in.ID
		}
		test(t, reviews.New(db.Base(), "mine"), reviews.New(db.Base(), "theirs"), connect("mine"), connect("theirs"))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

const url = "https://gitlab.example.com"

// TestBootstrap: what was begun goes on with the same nonce, what was carried
// through begins again with another.
func TestBootstrap(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *reviews.Store, in, _ int64) {
		ctx := t.Context()
		none, err := mine.Bootstrap(ctx, url, "cxm-integration")
		if err != nil || none != (reviews.Bootstrap{}) {
			t.Fatalf("nothing is %+v (%v)", none, err)
		}
		var begun [8]reviews.Bootstrap
		var wait sync.WaitGroup
		for i := range begun {
			wait.Go(func() {
				var err error
				if begun[i], err = mine.Begin(ctx, url, "CXM-Integration", noon()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for _, b := range begun {
			if b != begun[0] || b.Nonce == "" || !b.BegunAt.Equal(noon()) {
				t.Fatalf("of those that begin at once: %+v and %+v", b, begun[0])
			}
		}
		b := begun[0]
		b.Account, b.Integration, b.EndedAt = 7, in, noon().Add(time.Hour)
		if err := mine.Save(ctx, b); err != nil {
			t.Fatal(err)
		}
		if got, err := mine.Bootstrap(ctx, url, "cxm-INTEGRATION"); err != nil || got != b {
			t.Errorf("%+v (%v)", got, err)
		}
		again, err := mine.Begin(ctx, url, "cxm-integration", noon().Add(2*time.Hour))
		if err != nil || again.Nonce == b.Nonce || again.Account != 7 || !again.EndedAt.IsZero() {
			t.Errorf("again: %+v (%v)", again, err)
		}
		if got, err := theirs.Bootstrap(ctx, url, "cxm-integration"); err != nil || got.Nonce != "" {
			t.Errorf("another tenant sees %+v (%v)", got, err)
		}
		if err := theirs.Save(ctx, again); err == nil {
			t.Error("another tenant writes")
		}
		if err := mine.Save(ctx, b); err == nil {
			t.Error("an attempt that is over writes")
		}
	})
}

func TestReviews(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *reviews.Store, in, other int64) {
		ctx := t.Context()
		r := reviews.Review{
			Integration: in, At: noon(), By: "finops@example.com", Note: "it's; drop table",
			Reach: access.Reach{Account: "cxm", Admin: true, Scopes: []string{"api"},
				Groups:   []access.Place{{Group: true, ID: 1, Path: "acme", WebURL: url + "/groups/acme", Role: access.Owner}},
				Projects: []access.Place{{ID: 2, Path: "acme/platform", Role: access.Planner, Direct: true}}},
			Remarks: []access.Remark{{Severity: access.Warning, Place: "acme", Text: "too much"}},
		}
		first, err := mine.Add(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		r.At, r.Note = noon().Add(time.Hour), "later"
		second, err := mine.Add(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mine.Reviews(ctx, in, 9)
		if diff := cmp.Diff([]reviews.Review{second, first}, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if got, err := mine.Reviews(ctx, in, 1); err != nil || len(got) != 1 || got[0].ID != second.ID {
			t.Errorf("the last one is %v (%v)", got, err)
		}
		if got, err := theirs.Reviews(ctx, in, 9); err != nil || len(got) != 0 {
			t.Errorf("another tenant sees %v (%v)", got, err)
		}
		if _, err := theirs.Add(ctx, r); err == nil {
			t.Error("another tenant writes")
		}
		if got, err := theirs.Reviews(ctx, other, 9); err != nil || len(got) != 0 {
			t.Errorf("%v (%v)", got, err)
		}
	})
}

func TestOwners(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *reviews.Store, in, other int64) {
		ctx := t.Context()
		want := []string{"a@example.com", "b@example.com"}
		if err := errors.Join(mine.SetOwners(ctx, in, []string{"z@example.com"}, noon()), mine.SetOwners(ctx, in, want, noon()), theirs.SetOwners(ctx, other, []string{"theirs@example.com"}, noon())); err != nil {
			t.Fatal(err)
		}
		if err := theirs.SetOwners(ctx, in, nil, noon()); err != nil {
			t.Fatal(err)
		}
		got, err := mine.Owners(ctx, in)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if got, err := theirs.Owners(ctx, in); err != nil || len(got) != 0 {
			t.Errorf("another tenant sees %v (%v)", got, err)
		}
	})
}

// TestRemind: of all who remind at once one is the first, for each review anew.
func TestRemind(t *testing.T) {
	onBoth(t, func(t *testing.T, mine, theirs *reviews.Store, in, other int64) {
		ctx := t.Context()
		remind := func(due time.Time) (firsts int) {
			var wait sync.WaitGroup
			var mu sync.Mutex
			for range 8 {
				wait.Go(func() {
					first, err := mine.Remind(ctx, in, due)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if first {
						firsts++
					}
				})
			}
			wait.Wait()
			return firsts
		}
		at := func() time.Time {
			due, err := mine.Reminded(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			return due
		}
		if !at().IsZero() || remind(noon()) != 1 || remind(noon()) != 0 || !at().Equal(noon()) {
			t.Error("the first review is not told once")
		}
		if err := theirs.Forget(ctx, in, noon()); err != nil || at().IsZero() {
			t.Errorf("another tenant ends the reminder (%v)", err)
		}
		if err := mine.Forget(ctx, in, noon().Add(time.Hour)); err != nil || at().IsZero() {
			t.Errorf("the wrong reminder is ended (%v)", err)
		}
		if err := mine.Forget(ctx, in, noon()); err != nil || !at().IsZero() {
			t.Errorf("the reminder stays (%v)", err)
		}
		if remind(noon().AddDate(0, 3, 0)) != 1 || remind(noon()) != 0 {
			t.Error("the next review is not told once")
		}
	})
}
