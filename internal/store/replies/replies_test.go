package replies_test

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/replies"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func onBoth(t *testing.T, test func(t *testing.T, s *replies.Store)) {
	run := func(t *testing.T, o store.Options) {
		t.Parallel()
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		test(t, replies.New(db.Base()))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456789, time.UTC) }

// One of many that come at once begins; the others, and those that come later, get
// what it was answered, until that ends; keys of others are others.
func TestReplies(t *testing.T) {
	onBoth(t, func(t *testing.T, s *replies.Store) {
		ctx := t.Context()
		mine := replies.Claim{Tenant: "mine", Holder: "token 1", Key: "k", Digest: "d", At: noon()}
		var began atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				known, first, err := s.Begin(ctx, mine, noon().Add(time.Minute))
				if err != nil || !first && (known.Status != 0 || known.Digest != "d") {
					t.Errorf("%+v, %v", known, err)
				}
				if first {
					began.Add(1)
				}
			})
		}
		wg.Wait()
		if began.Load() != 1 {
			t.Fatalf("%d began", began.Load())
		}
		want := replies.Reply{Digest: "d", Status: 201, Location: "/v1/runs/1", Body: []byte("{}\x00\xff")}
		if err := s.End(ctx, mine, want, noon().Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		again := func(c replies.Claim) (replies.Reply, bool) {
			known, first, err := s.Begin(ctx, c, c.At.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return known, first
		}
		later := mine
		later.At = noon().Add(23 * time.Hour)
		if known, first := again(later); first || !cmp.Equal(known, want) {
			t.Errorf("%v, %+v", first, known)
		}
		for _, change := range []func(*replies.Claim){
			func(c *replies.Claim) { c.Tenant = "theirs" }, func(c *replies.Claim) { c.Holder = "token 2" }, func(c *replies.Claim) { c.Key = "other" },
			func(c *replies.Claim) { c.At = noon().Add(24 * time.Hour) },
		} {
			other := later
			change(&other)
			if _, first := again(other); !first {
				t.Errorf("%+v is taken", other)
			}
		}
	})
}

// A request that did nothing frees its key; one that was lost, when its time is over,
// and it does not touch what began after it.
func TestFree(t *testing.T) {
	onBoth(t, func(t *testing.T, s *replies.Store) {
		ctx := t.Context()
		c := replies.Claim{Tenant: "mine", Holder: "token 1", Key: "k", Digest: "d", At: noon()}
		begin := func(c replies.Claim, want bool) {
			t.Helper()
			if _, first, err := s.Begin(ctx, c, c.At.Add(time.Minute)); err != nil || first != want {
				t.Fatalf("%v, %v", first, err)
			}
		}
		begin(c, true)
		if err := s.Drop(ctx, c); err != nil {
			t.Fatal(err)
		}
		begin(c, true)
		next := c
		next.At, next.Digest = noon().Add(time.Minute), "e"
		begin(next, true)
		if err := s.End(ctx, c, replies.Reply{Status: 200}, noon().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.Drop(ctx, c); err != nil {
			t.Fatal(err)
		}
		known, first, err := s.Begin(ctx, next, next.At.Add(time.Minute))
		if err != nil || first || known.Status != 0 || known.Digest != "e" {
			t.Errorf("the late end of the first touched the second: %+v, %v, %v", known, first, err)
		}
	})
}
