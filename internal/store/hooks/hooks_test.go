package hooks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/store"
	"cxm/internal/store/database"
	"cxm/internal/store/hooks"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bench is the webhooks of a tenant that has one integration, and of another.
type bench struct {
	*testing.T
	*hooks.Store
	other       *hooks.Store
	integration int64
	looks       *atomic.Int64 // jobs that were added, in transactions that may not have been kept
	fail        *atomic.Bool  // no job can be added
}

// both runs a test on both databases.
func both(t *testing.T, f func(*bench)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		f(newBench(t, tables.New(t)))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		f(newBench(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}))
	})
}

func newBench(t *testing.T, o store.Options) *bench {
	t.Helper()
	d, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b := &bench{T: t, looks: &atomic.Int64{}, fail: &atomic.Bool{}}
	look := func(context.Context, database.Tx, int64, int64) error {
		if b.fail.Load() {
			return errors.New("no job can be added")
		}
		b.looks.Add(1)
		return nil
	}
	b.Store, b.other = hooks.New(d.Base(), "default", look), hooks.New(d.Base(), "other", look)
	for _, tenant := range []string{"other", "default"} {
		in, err := d.Tenant(tenant).AddIntegration(t.Context(), integration.Integration{URL: "https://gitlab.example.com", CreatedAt: noon()},
			credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
		if err != nil {
			t.Fatal(err)
		}
		b.integration = in.ID
	}
	return b
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) hook() hooks.Hook {
	return hooks.Hook{
		Integration: b.integration, Endpoint: "endpoint", Base: "https://cxm.example.com", Sealed: []byte{0, 1, 0xff}, Signing: true,
		Level: hooks.Project, TargetID: 3, Target: "acme/platform", CreatedAt: noon(),
	}
}

func (b *bench) one() hooks.Hook {
	b.Helper()
	all, err := b.Hooks(b.Context())
	if err != nil || len(all) != 1 {
		b.Fatalf("%d webhooks, %v", len(all), err)
	}
	return all[0]
}

// A webhook is kept as it was given; its target has one, and another tenant none.
func TestHooks(t *testing.T) {
	both(t, func(b *bench) {
		made, err := b.Add(b.Context(), b.hook())
		b.ok(err)
		if diff := cmp.Diff(made, b.one()); diff != "" || made.ID == 0 {
			b.Errorf("webhook %d is kept otherwise:\n%s", made.ID, diff)
		}
		again := b.hook()
		again.Endpoint = "another"
		if got, err := b.Add(b.Context(), again); err != nil || got.ID != made.ID || got.Endpoint != "endpoint" {
			b.Errorf("a second one of the same target: %+v, %v", got, err)
		}
		made.Base, made.Signing, made.Target, made.GitLabID = "https://new.example.com", false, "acme/moved", 77
		b.ok(b.Save(b.Context(), made))
		made.Alert, made.AlertUntil, made.CheckedAt, made.Trouble = "temporarily_disabled", noon().Add(time.Hour), noon(), "it does not answer"
		b.ok(b.Check(b.Context(), made))
		b.ok(b.Count(b.Context(), made.ID, hooks.Counts{Accepted: 1, Repeated: 2, Ignored: 3, Refused: 4}, noon()))
		b.ok(b.Count(b.Context(), made.ID, hooks.Counts{Refused: 1}, time.Time{}))
		made.SeenAt, made.Counts = noon(), hooks.Counts{Accepted: 1, Repeated: 2, Ignored: 3, Refused: 5}
		if diff := cmp.Diff(made, b.one()); diff != "" {
			b.Errorf("it is kept otherwise:\n%s", diff)
		}
		b.foreign(made)
		b.ok(b.Delete(b.Context(), made.ID))
		if _, err := b.Hook(b.Context(), made.ID); !errors.Is(err, hooks.ErrNotFound) {
			b.Errorf("a webhook that was deleted: %v", err)
		}
		if _, err := b.Add(b.Context(), hooks.Hook{Integration: b.integration}); err == nil {
			b.Error("a webhook without a secret is kept")
		}
	})
}

// foreign tries what another tenant must not be able to do.
func (b *bench) foreign(h hooks.Hook) {
	b.Helper()
	before := b.one()
	h.Trouble, h.Base = "foreign", "https://foreign.example.com"
	if all, err := b.other.Hooks(b.Context()); err != nil || len(all) != 0 {
		b.Errorf("another tenant sees %+v, %v", all, err)
	}
	for name, err := range map[string]error{"save": b.other.Save(b.Context(), h), "check": b.other.Check(b.Context(), h), "delete": b.other.Delete(b.Context(), h.ID)} {
		if !errors.Is(err, hooks.ErrNotFound) {
			b.Errorf("another tenant's %s: %v", name, err)
		}
	}
	b.ok(b.other.Count(b.Context(), h.ID, hooks.Counts{Accepted: 9}, noon()))
	if first, err := b.other.Tell(b.Context(), h.ID); err != nil || first {
		b.Errorf("another tenant is the first to tell: %t, %v", first, err)
	}
	b.ok(b.other.Purge(b.Context(), noon().Add(24*time.Hour)))
	if diff := cmp.Diff(before, b.one()); diff != "" {
		b.Errorf("another tenant changed it:\n%s", diff)
	}
}

// People are told once of a trouble, by whoever is first, and again when it comes
// anew.
func TestTell(t *testing.T) {
	both(t, func(b *bench) {
		h, err := b.Add(b.Context(), b.hook())
		b.ok(err)
		if first, err := b.Tell(b.Context(), h.ID); err != nil || first {
			b.Errorf("no trouble is told: %t, %v", first, err)
		}
		for _, trouble := range []string{"it is off", "it is off", "", "it is off"} {
			told := h.Trouble == "" && trouble != ""
			h.Trouble = trouble
			b.ok(b.Check(b.Context(), h))
			var firsts atomic.Int64
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					first, err := b.Tell(b.Context(), h.ID)
					if err != nil {
						b.Error(err)
					}
					if first {
						firsts.Add(1)
					}
				})
			}
			all.Wait()
			if n := firsts.Load(); (n == 1) != told || n > 1 {
				b.Errorf("with the trouble %q people were told %d times", trouble, n)
			}
		}
	})
}

func (b *bench) delivery(iid int64, changed time.Time, keys ...string) hooks.Delivery {
	return hooks.Delivery{Integration: b.integration, Project: 3, Keys: keys, ReceivedAt: noon(), News: hooks.News{IID: iid, ChangedAt: changed}}
}

// One of several deliveries that share a key is the first, however they come.
func TestAccept(t *testing.T) {
	both(t, func(b *bench) {
		var firsts atomic.Int64
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				first, err := b.Accept(b.Context(), b.delivery(1, noon(), "change", fmt.Sprint("delivery ", i/2)))
				if err != nil {
					b.Error(err)
				}
				if first {
					firsts.Add(1)
				}
			})
		}
		all.Wait()
		if firsts.Load() != 1 {
			b.Errorf("%d deliveries of one change were the first", firsts.Load())
		}
		b.looks.Store(0)
		for name, c := range map[string]struct {
			d     hooks.Delivery
			first bool
		}{
			"one key known": {b.delivery(1, noon(), "other change", "delivery 3"), false},
			"both new":      {b.delivery(1, noon(), "third change", "delivery 77"), true},
			"no keys":       {b.delivery(2, noon()), true},
		} {
			if first, err := b.Accept(b.Context(), c.d); err != nil || first != c.first {
				b.Errorf("%s: first is %t, %v", name, first, err)
			}
		}
		if n := b.looks.Load(); n != 2 {
			b.Errorf("%d looks for two new deliveries", n)
		}
		if first, err := b.other.Accept(b.Context(), hooks.Delivery{Integration: b.integration - 1, Project: 3, Keys: []string{"change"}, ReceivedAt: noon()}); err != nil || !first {
			b.Errorf("another tenant's delivery: %t, %v", first, err)
		}
	})
}

// A delivery whose job cannot be added is not kept: it is the first when it comes
// again.
func TestAcceptIsWhole(t *testing.T) {
	both(t, func(b *bench) {
		b.fail.Store(true)
		if _, err := b.Accept(b.Context(), b.delivery(1, noon(), "change")); err == nil {
			b.Fatal("no error")
		}
		if news, err := b.News(b.Context(), b.integration, 3); err != nil || len(news) != 0 {
			b.Errorf("news %+v, %v", news, err)
		}
		b.fail.Store(false)
		if first, err := b.Accept(b.Context(), b.delivery(1, noon(), "change")); err != nil || !first {
			b.Errorf("when it comes again: %t, %v", first, err)
		}
	})
}

// News of one issue are one, the latest; what comes while they are read stays.
func TestNews(t *testing.T) {
	both(t, func(b *bench) {
		accept := func(d hooks.Delivery) {
			b.Helper()
			_, err := b.Accept(b.Context(), d)
			b.ok(err)
		}
		news := func() []hooks.News {
			b.Helper()
			got, err := b.News(b.Context(), b.integration, 3)
			b.ok(err)
			return got
		}
		accept(b.delivery(1, noon().Add(time.Second)))
		accept(b.delivery(1, noon()))
		marked := b.delivery(1, noon())
		marked.Marked = true
		accept(marked)
		accept(b.delivery(2, time.Time{}))
		elsewhere := b.delivery(9, noon())
		elsewhere.Project = 4
		accept(elsewhere)
		want := []hooks.News{{IID: 1, ChangedAt: noon().Add(time.Second), Marked: true}, {IID: 2}}
		got := news()
		if diff := cmp.Diff(want, got); diff != "" {
			b.Errorf("news:\n%s", diff)
		}
		accept(b.delivery(1, noon().Add(time.Minute)))
		b.ok(b.Read(b.Context(), b.integration, 3, got))
		if diff := cmp.Diff([]hooks.News{{IID: 1, ChangedAt: noon().Add(time.Minute), Marked: true}}, news()); diff != "" {
			b.Errorf("what is left after they were read:\n%s", diff)
		}
		b.ok(b.Read(b.Context(), b.integration, 3, news()))
		if left := news(); len(left) != 0 {
			b.Errorf("what is left in the end: %+v", left)
		}
	})
}

// Keys are known for as long as they are kept.
func TestPurge(t *testing.T) {
	both(t, func(b *bench) {
		old, young := b.delivery(1, noon(), "old"), b.delivery(1, noon(), "young")
		young.ReceivedAt = noon().Add(2 * time.Hour)
		for _, d := range []hooks.Delivery{old, young} {
			_, err := b.Accept(b.Context(), d)
			b.ok(err)
		}
		b.ok(b.Purge(b.Context(), noon().Add(time.Hour)))
		for _, c := range []struct {
			d     hooks.Delivery
			first bool
		}{{old, true}, {young, false}} {
			if first, err := b.Accept(b.Context(), c.d); err != nil || first != c.first {
				b.Errorf("%v after the purge: first is %t, %v", c.d.Keys, first, err)
			}
		}
	})
}
