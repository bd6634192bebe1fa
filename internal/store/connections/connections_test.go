package connections_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/connections"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// bench is a database with one integration of a tenant.
type bench struct {
	*testing.T
	db    *store.DB
	store *store.Store
	kept  *connections.Store
	in    integration.Integration
}

func onBoth(t *testing.T, f func(*bench)) {
	for name, where := range map[string]func() store.Options{
		"sqlite":   func() store.Options { return tables.New(t) },
		"postgres": func() store.Options { return store.Options{URL: postgres.Copy(t, storetest.Migrated)} },
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), where())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			b := &bench{T: t, db: db, store: db.Tenant("one"), kept: connections.New(db.Base(), "one")}
			b.in = b.add(b.store, "https://gitlab.example.com")
			f(b)
		})
	}
}

func (b *bench) add(s *store.Store, url string) integration.Integration {
	b.Helper()
	in, err := s.AddIntegration(b.Context(), integration.Integration{Provider: integration.GitLab, URL: url, Project: integration.Project{ID: 7, Path: "acme/platform"}, CreatedAt: noon()},
		credential.Token{Name: "cxm"}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	b.ok(err)
	return in
}

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) same(got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("want -, got +:\n%s", diff)
	}
}

func TestNetwork(t *testing.T) {
	onBoth(t, func(b *bench) {
		n, err := b.kept.Network(b.Context(), b.in.URL)
		b.ok(err)
		b.same(n, integration.Network{})
		for _, want := range []integration.Network{{CA: "pem", Proxy: "none"}, {Proxy: "http://proxy.example.com:3128"}, {}} {
			b.ok(b.kept.Reach(b.Context(), b.in.URL, want))
			n, err = b.kept.Network(b.Context(), b.in.URL)
			b.ok(err)
			b.same(n, want)
		}
		b.ok(b.kept.Reach(b.Context(), b.in.URL, integration.Network{CA: "pem"}))
		for _, other := range []struct{ tenant, url string }{{"two", b.in.URL}, {"one", "https://gitlab.com"}} {
			n, err = connections.New(b.db.Base(), other.tenant).Network(b.Context(), other.url)
			b.ok(err)
			b.same(n, integration.Network{})
		}
	})
}

func TestDisconnect(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx := b.Context()
		given := integration.Defaults{Labels: []string{"finops", "a::b"}, AssigneeID: 4, Assignee: "bot", Confidential: true}
		b.ok(b.kept.Connect(ctx, b.in.ID, given))
		other := b.db.Tenant("two")
		theirs := b.add(other, b.in.URL)
		for _, s := range []struct {
			*store.Store
			in int64
		}{{b.store, b.in.ID}, {other, theirs.ID}} {
			_, _, err := s.BeginRun(ctx, plan.Run{Integration: s.in, State: plan.Running, Shared: true, StartedAt: noon()},
				[]plan.Entry{{Seq: 1, Verb: plan.Create, Outcome: plan.Planned}, {Seq: 2, Verb: plan.Create, Outcome: plan.Planned}})
			b.ok(err)
			_, _, err = s.BeginRun(ctx, plan.Run{Integration: s.in, State: plan.Waiting, StartedAt: noon()}, nil)
			b.ok(err)
			_, _, err = s.BeginRun(ctx, plan.Run{Integration: s.in, State: plan.Running, StartedAt: noon()}, nil)
			b.ok(err)
		}
		left, err := b.kept.Disconnect(ctx, b.in.ID, noon())
		b.ok(err)
		b.same(left, connections.Left{Steps: 2, Runs: 2})
		if _, _, _, err := b.store.Integration(ctx, b.in.ID); err == nil {
			b.Error("the token is still there")
		}
		all, err := b.store.Integrations(ctx)
		b.ok(err)
		b.same(len(all), 0)
		open, err := b.store.OpenRuns(ctx, b.in.ID)
		b.ok(err)
		b.same(len(open), 1) // a person watches it
		gone, err := b.kept.Gone(ctx)
		b.ok(err)
		b.same(gone, []connections.Gone{{ID: b.in.ID, URL: b.in.URL, Path: "acme/platform", Since: noon()}})
		here, err := b.kept.Here(ctx, b.in.URL, 7)
		b.ok(err)
		b.same(here.ID, b.in.ID)

		// The other tenant has lost nothing.
		all, err = other.Integrations(ctx)
		b.ok(err)
		b.same(len(all), 1)
		open, err = other.OpenRuns(ctx, theirs.ID)
		b.ok(err)
		b.same(len(open), 3)
		gone, err = connections.New(b.db.Base(), "two").Gone(ctx)
		b.ok(err)
		b.same(len(gone), 0)

		kept, err := b.kept.Defaults(ctx, b.in.ID)
		b.ok(err)
		b.same(kept, given)
	})
}

// A connection that is there again looks at everything anew, and ends what was
// being planned when it went.
func TestConnectAgain(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx := b.Context()
		b.ok(b.kept.Connect(ctx, b.in.ID, integration.Defaults{}))
		f := finding.Finding{FindingKey: finding.NewKey("test", "1"), Kind: finding.Cost, SourceSystem: "test", Title: "one", ResourceID: "1", Detection: finding.Present}
		_, err := b.store.Ingest(ctx, finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon(), Complete: true}, func(door rule.Intake) (finding.Pull, error) {
			a := rule.Set{}.Assign(&f)[0]
			p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon(), Complete: true}
			return p, door.Put(rule.Placed{Finding: &f, Group: a.Group, Rule: a.Rule, Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}})
		})
		b.ok(err)
		b.ok(b.store.Groups(ctx, true, func(g rule.Group, _ []issue.Tracked) error {
			return b.store.Settle(ctx, 0, map[rule.GroupKey]int64{g.Key: g.Version})
		}))
		b.dirty(0)
		b.ok(b.kept.Connect(ctx, b.in.ID, integration.Defaults{Confidential: true})) // was connected all the time
		b.dirty(0)
		_, err = b.kept.Disconnect(ctx, b.in.ID, noon())
		b.ok(err)
		r, _, err := b.store.BeginRun(ctx, plan.Run{Integration: b.in.ID, State: plan.Running, Shared: true, StartedAt: noon()}, []plan.Entry{{Seq: 1, Verb: plan.Create, Outcome: plan.Planned}})
		b.ok(err)
		b.ok(b.store.UpdateIntegration(ctx, b.in, []byte("sealed again"), credential.Token{}))
		b.ok(b.kept.Connect(ctx, b.in.ID, integration.Defaults{}))
		all, err := b.store.Integrations(ctx)
		b.ok(err)
		b.same(len(all), 1)
		now, steps, err := b.store.Run(ctx, r.ID)
		b.ok(err)
		b.dirty(1)
		b.same([]string{string(now.State), string(steps[0].Outcome)}, []string{string(plan.Finished), string(plan.Skipped)})
	})
}

// dirty fails unless so many groups are to be looked at.
func (b *bench) dirty(want int) {
	b.Helper()
	_, dirty, err := b.store.CountGroups(b.Context())
	b.ok(err)
	b.same(dirty, want)
}

func TestSame(t *testing.T) {
	onBoth(t, func(b *bench) {
		ctx := b.Context()
		r, _, err := b.store.BeginRun(ctx, plan.Run{Integration: b.in.ID, StartedAt: noon()}, nil)
		b.ok(err)
		for i, nonce := range []string{"a", "b", "c", "d"} {
			e, row, err := b.store.Intend(ctx, plan.Entry{Run: r.ID, Verb: plan.Create, WroteAt: noon()}, issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey(nonce), Nonce: nonce})
			b.ok(err)
			row.Phase, row.Observed = issue.Live, issue.Observed{ProjectID: 7, IID: int64(i + 1)}
			e.Outcome = plan.Done
			b.ok(b.store.Record(ctx, e, row, 0))
		}
		want := []connections.Same{{ID: b.in.ID, URL: b.in.URL, CreatedAt: noon(), Traces: []connections.Trace{{IID: 4, Nonce: "d"}, {IID: 3, Nonce: "c"}, {IID: 2, Nonce: "b"}}}}
		got, err := b.kept.Same(ctx, 7)
		b.ok(err)
		b.same(got, want)
		_, err = b.kept.Disconnect(ctx, b.in.ID, noon())
		b.ok(err)
		want[0].Gone = true
		got, err = b.kept.Same(ctx, 7)
		b.ok(err)
		b.same(got, want)
		got, err = b.kept.Same(ctx, 8)
		b.ok(err)
		b.same(len(got), 0)
		got, err = connections.New(b.db.Base(), "two").Same(ctx, 7)
		b.ok(err)
		b.same(len(got), 0)
	})
}
