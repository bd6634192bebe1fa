package sources_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store"
	"cxm/internal/store/database"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/sources"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bench is the sources of a tenant, and of another.
type bench struct {
	*testing.T
	*sources.Store
	other *sources.Store
	db    *store.Store
	jobs  *atomic.Int64 // that were added, in transactions that may not have been kept
	fail  *atomic.Bool  // no job can be added
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
	b := &bench{T: t, jobs: &atomic.Int64{}, fail: &atomic.Bool{}, db: d.Tenant("default")}
	delivered := func(context.Context, database.Tx, string, string, string) error {
		b.jobs.Add(1)
		if b.fail.Load() {
			return errors.New("no queue")
		}
		return nil
	}
	b.Store, b.other = sources.New(d.Base(), "default", delivered), sources.New(d.Base(), "other", delivered)
	return b
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) add(name string) sources.Source {
	b.Helper()
	token := sha256.Sum256([]byte(name))
	in, err := b.Add(b.Context(), sources.Source{Name: name, Type: "cloudevents", Scope: name, Options: "{}", Token: token[:], TokenAt: noon(), CreatedAt: noon()})
	b.ok(err)
	return in
}

// events are events with these numbers.
func events(numbers ...int) []sources.Event {
	var out []sources.Event
	for _, n := range numbers {
		sum := sha256.Sum256(fmt.Append(nil, n))
		out = append(out, sources.Event{Digest: sources.Digest(sum[:16]), Text: fmt.Append(nil, n)})
	}
	return out
}

func (b *bench) accept(in ...sources.Delivery) []sources.Outcome {
	b.Helper()
	out, err := b.Accept(b.Context(), in)
	b.ok(err)
	return out
}

func TestKept(t *testing.T) {
	both(t, func(b *bench) {
		want := b.add("one")
		want.Rate = 0
		got, err := b.Source(b.Context(), "one")
		b.ok(err)
		if diff := cmp.Diff(want, got); diff != "" {
			b.Errorf("it comes back otherwise:\n%s", diff)
		}
		for _, same := range []sources.Source{{Name: "one", Type: "alertmanager", Scope: "two"}, {Name: "two", Type: "cloudevents", Scope: "one"}} {
			same.Token = []byte{1}
			if _, err := b.Add(b.Context(), same); !errors.Is(err, sources.ErrTaken) {
				b.Errorf("%s in %s: %v", same.Name, same.Scope, err)
			}
		}
		if _, err := b.other.Source(b.Context(), "one"); !errors.Is(err, sources.ErrNotFound) {
			b.Errorf("another tenant: %v", err)
		}
		b.ok(b.Rotate(b.Context(), "one", []byte{7}, noon(), noon().Add(time.Hour)))
		b.ok(b.Count(b.Context(), got.ID, sources.Counts{Accepted: 1, Events: 2, Repeated: 3, Refused: 4}, noon()))
		b.ok(b.Count(b.Context(), got.ID, sources.Counts{Accepted: 1}, time.Time{}))
		b.ok(b.Enable(b.Context(), "one", false))
		want.Former, want.FormerUntil, want.Token, want.Enabled = want.Token, noon().Add(time.Hour), []byte{7}, false
		want.Counts, want.UsedAt = sources.Counts{Accepted: 2, Events: 2, Repeated: 3, Refused: 4}, noon()
		all, err := b.Sources(b.Context())
		b.ok(err)
		if diff := cmp.Diff([]sources.Source{want}, all); diff != "" {
			b.Errorf("it comes back otherwise:\n%s", diff)
		}
		for name, err := range map[string]error{
			"rotate": b.Rotate(b.Context(), "none", nil, noon(), noon()), "enable": b.Enable(b.Context(), "none", true), "remove": b.Remove(b.Context(), "none"),
		} {
			if !errors.Is(err, sources.ErrNotFound) && name != "rotate" {
				b.Errorf("%s of none: %v", name, err)
			}
		}
	})
}

// TestAnEventIsAcceptedOnce: within one delivery, within one group, later, and after
// the group failed; another source's is another event.
func TestAnEventIsAcceptedOnce(t *testing.T) {
	both(t, func(b *bench) {
		one, two := b.add("one"), b.add("two")
		b.fail.Store(true)
		if _, err := b.Accept(b.Context(), []sources.Delivery{{Source: one.ID, Events: events(1), ReceivedAt: noon()}}); err == nil {
			b.Error("it was accepted without its job")
		}
		b.fail.Store(false)
		b.jobs.Store(0)
		out := b.accept(
			sources.Delivery{Source: one.ID, Name: "a", Events: events(1, 2, 1), ReceivedAt: noon()},
			sources.Delivery{Source: one.ID, Name: "b", Events: events(2), ReceivedAt: noon()},
			sources.Delivery{Source: two.ID, Name: "c", Events: events(2), ReceivedAt: noon()},
			sources.Delivery{Source: one.ID, Name: "d", Events: []sources.Event{{Text: []byte("x")}, {Text: []byte("x")}}, ReceivedAt: noon()},
		)
		var repeated []int
		for _, o := range out {
			repeated = append(repeated, o.Repeated)
		}
		if diff := cmp.Diff([]int{1, 1, 0, 0}, repeated); diff != "" || out[1].ID != 0 || out[0].ID == 0 || out[0].ID >= out[3].ID {
			b.Errorf("the outcomes are %+v", out)
		}
		if n := b.jobs.Load(); n != 2 {
			b.Errorf("%d jobs were added for two scopes", n)
		}
		if again := b.accept(sources.Delivery{Source: one.ID, Events: events(2, 3), ReceivedAt: noon()}); again[0].Repeated != 1 || again[0].ID == 0 {
			b.Errorf("later: %+v", again)
		}
		waiting, err := b.db.NextDeliveries(b.Context(), "cloudevents", "one", store.Bounds{Deliveries: 9, Bytes: 100})
		b.ok(err)
		var bodies []string
		for _, d := range waiting {
			bodies = append(bodies, string(bytes.Join([][]byte{d.Parts[0].Body}, nil)))
		}
		if diff := cmp.Diff([]string{"1\n2\n", "x\nx\n", "3\n"}, bodies); diff != "" {
			b.Errorf("what waits (-want +got):\n%s", diff)
		}
		if load, err := b.Load(b.Context()); err != nil || load.Deliveries != 4 || load.Bytes == 0 {
			b.Errorf("the load is %+v (%v)", load, err)
		}
	})
}

// TestNobodyDeliversForASourceThatIsGone: others of the group are not held up.
func TestNobodyDeliversForASourceThatIsGone(t *testing.T) {
	both(t, func(b *bench) {
		gone, off, stays := b.add("gone"), b.add("off"), b.add("stays")
		b.accept(sources.Delivery{Source: gone.ID, Events: events(1, 2), ReceivedAt: noon()})
		b.ok(b.Remove(b.Context(), "gone"))
		b.ok(b.Enable(b.Context(), "off", false))
		out := b.accept(
			sources.Delivery{Source: gone.ID, Events: events(3), ReceivedAt: noon()}, sources.Delivery{Source: off.ID, Events: events(3), ReceivedAt: noon()},
			sources.Delivery{Source: stays.ID, Events: events(3), ReceivedAt: noon()},
		)
		if !out[0].Gone || !out[1].Gone || out[0].ID != 0 || out[2].Gone || out[2].ID == 0 {
			b.Errorf("the outcomes are %+v", out)
		}
	})
}

func TestForget(t *testing.T) {
	both(t, func(b *bench) {
		one := b.add("one")
		for i := range 10 {
			b.accept(sources.Delivery{Source: one.ID, Events: events(i), ReceivedAt: noon().Add(time.Duration(i) * time.Minute)})
		}
		b.ok(b.Forget(b.Context(), one.ID, noon().Add(2*time.Minute), 100)) // 0 and 1
		b.ok(b.Forget(b.Context(), one.ID, noon(), 4))                      // all but 5 to 9
		out := b.accept(sources.Delivery{Source: one.ID, Events: events(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), ReceivedAt: noon()})
		if out[0].Repeated != 5 {
			b.Errorf("%d are remembered", out[0].Repeated)
		}
	})
}

// TestManyAtOnce: of events that many deliver at the same time each counts once.
func TestManyAtOnce(t *testing.T) {
	both(t, func(b *bench) {
		one := b.add("one")
		var kept, repeated atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range 10 {
					out, err := b.Accept(b.Context(), []sources.Delivery{{Source: one.ID, Name: "n", Events: events(i, 9-i), ReceivedAt: noon()}})
					if err != nil {
						b.Error(err)
						return
					}
					repeated.Add(int64(out[0].Repeated))
					kept.Add(2 - int64(out[0].Repeated))
				}
			})
		}
		all.Wait()
		if kept.Load() != 10 || repeated.Load() != 150 {
			b.Errorf("%d were kept, %d repeated", kept.Load(), repeated.Load())
		}
	})
}

func TestRefusedDeliveriesAreListed(t *testing.T) {
	both(t, func(b *bench) {
		out := b.accept(sources.Delivery{Source: b.add("one").ID, Events: events(1), ReceivedAt: noon()})
		b.ok(b.db.Refuse(b.Context(), out[0].ID, "broken"))
		got, err := b.Refused(b.Context(), 5)
		b.ok(err)
		if diff := cmp.Diff([]sources.Refused{{ID: out[0].ID, Type: "cloudevents", Scope: "one", ReceivedAt: noon(), Why: "broken"}}, got); diff != "" {
			b.Error(diff)
		}
		b.ok(b.Discard(b.Context(), out[0].ID))
		if err := b.Discard(b.Context(), out[0].ID); !errors.Is(err, sources.ErrNoDelivery) || !strings.Contains(err.Error(), "forgetting") {
			b.Errorf("again: %v", err)
		}
	})
}
