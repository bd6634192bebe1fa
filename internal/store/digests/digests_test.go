package digests_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/store"
	"cxm/internal/store/digests"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// onBoth runs a test on both databases, with two tenants that have an integration
// each.
func onBoth(t *testing.T, test func(t *testing.T, db *store.DB, in, other int64)) {
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
		test(t, db, connect("mine"), connect("theirs"))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// TestKnown: each integration knows its own, however often they are kept.
func TestKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB, in, other int64) {
		mine, theirs := digests.New(db.Base(), "mine"), digests.New(db.Base(), "theirs")
		want := map[int64]rule.GroupKey{7: rule.NewGroupKey("7"), 8: rule.NewGroupKey("8")}
		for range 2 {
			if err := mine.Add(t.Context(), in, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := mine.Known(t.Context(), in)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if got, err := theirs.Known(t.Context(), other); len(got) > 0 || err != nil {
			t.Errorf("the other tenant knows %v, %v", got, err)
		}
	})
}

// TestNotCounted: the issues of digests are in no window, also after they were made
// and closed again, and those of others are.
func TestNotCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB, in, other int64) {
		s := db.Tenant("mine")
		digest := rule.NewGroupKey("digest")
		if err := digests.New(db.Base(), "theirs").Add(t.Context(), other, map[int64]rule.GroupKey{7: rule.NewGroupKey("a")}); err != nil {
			t.Fatal(err)
		}
		if err := digests.New(db.Base(), "mine").Add(t.Context(), in, map[int64]rule.GroupKey{7: digest}); err != nil {
			t.Fatal(err)
		}
		r, _, err := s.BeginRun(t.Context(), plan.Run{Integration: in, State: plan.Running, StartedAt: noon()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		intend := func(group rule.GroupKey, ask attention.Ask) error {
			tracked := issue.Tracked{Integration: in, Group: group, Nonce: string(group), SentAt: noon()}
			tracked.Observed.ProjectID = 7
			_, _, err := s.IntendNew(t.Context(), plan.Entry{Run: r.ID, Verb: plan.Create, WroteAt: noon()}, tracked, ask)
			return err
		}
		full := []attention.Budget{{Open: 1, PerDay: 1}, {Per: attention.All, Open: 1, PerDay: 1}}
		if err := intend(rule.NewGroupKey("a"), attention.Ask{Budgets: full}); err != nil {
			t.Fatal(err)
		}
		if err := intend(digest, attention.Ask{Budgets: full, Free: true}); err != nil {
			t.Errorf("a digest is kept by a budget: %v", err)
		}
		if err := intend(rule.NewGroupKey("b"), attention.Ask{Budgets: full}); err == nil {
			t.Error("the budget keeps nothing")
		}
		var windows []attention.Window
		for _, scope := range []attention.Scope{{Per: attention.Project, Project: 7}, {Per: attention.All}} {
			windows = append(windows, attention.Window{Scope: scope}, attention.Window{Scope: scope, Since: noon().Add(-time.Hour)})
		}
		used, err := s.Used(t.Context(), in, windows)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range windows {
			if used[w] != 1 {
				t.Errorf("%+v holds %d", w, used[w])
			}
		}
	})
}
