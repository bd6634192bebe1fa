package declared_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/db"
	"cxm/internal/store/declared"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bed is a tenant beside another one, with an integration and one group.
type bed struct {
	mine, theirs *declared.Store
	store        *store.Store
	in, other    int64
}

func onBoth(t *testing.T, test func(t *testing.T, b bed)) {
	run := func(t *testing.T, o store.Options) {
		base, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { base.Close() })
		connect := func(tenant string) int64 {
			in, err := base.Tenant(tenant).AddIntegration(t.Context(), integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", CreatedAt: noon()},
				credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
			if err != nil {
				t.Fatal(err)
			}
			return in.ID
		}
		b := bed{mine: declared.New(base.Base(), "mine"), theirs: declared.New(base.Base(), "theirs"), store: base.Tenant("mine"), in: connect("mine"), other: connect("theirs")}
		p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon()}
		if _, err := b.store.Ingest(t.Context(), p, func(in rule.Intake) (finding.Pull, error) {
			f := finding.Finding{FindingKey: finding.NewKey("test", "1"), Kind: finding.Cost, SourceSystem: "test", ResourceID: "1", Detection: finding.Present}
			return p, in.Put(rule.Place(&f, finding.Sighting{Detection: finding.Present, Since: noon()}, rule.Set{}.Assign(&f), 0))
		}); err != nil {
			t.Fatal(err)
		}
		b.settle(t)
		test(t, b)
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// settle has nothing left to be looked at.
func (b bed) settle(t *testing.T) {
	t.Helper()
	done := map[rule.GroupKey]int64{}
	for _, g := range b.groups(t) {
		done[g.Key] = g.Version
	}
	if err := b.store.Settle(t.Context(), 0, done); err != nil {
		t.Fatal(err)
	}
	if n := len(b.dirty(t)); n != 0 {
		t.Fatalf("%d groups are still to be looked at", n)
	}
}

func (b bed) groups(t *testing.T) []rule.Group { return b.list(t, true) }

func (b bed) dirty(t *testing.T) []rule.Group { return b.list(t, false) }

func (b bed) list(t *testing.T, all bool) (out []rule.Group) {
	t.Helper()
	if err := b.store.Groups(t.Context(), all, func(g rule.Group, _ []issue.Tracked) error { out = append(out, g); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func spot(address string) declared.Spot {
	return declared.Spot{Address: address, Type: "aws_ebs_volume", Label: "data", Module: "module.db", Folder: "modules/db", Tags: map[string]string{"git_file": "db/ä.tf"}}
}

func prod(name string) declared.State {
	return declared.State{Name: name, Host: "gitlab.example.com", Repository: "acme/infra", Folder: "envs/prod", Resources: 2, By: "platform-admin", At: noon()}
}

// TestStates: a state replaces the one of its name whole, is found by its names, is
// nobody else's, and has groups looked at anew.
func TestStates(t *testing.T) {
	onBoth(t, func(t *testing.T, b bed) {
		ctx := t.Context()
		find := func(s *declared.Store, names ...string) map[string][]declared.Found {
			t.Helper()
			got, err := s.Find(ctx, names)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if err := b.mine.Put(ctx, prod("prod"), []declared.Entry{{Names: []string{"vol-1", "arn:1"}, Spot: spot("a")}, {Names: []string{"vol-2", "vol-1"}, Spot: spot("b")}}); err != nil {
			t.Fatal(err)
		}
		if len(b.dirty(t)) != 1 {
			t.Error("nothing is looked at anew")
		}
		b.settle(t)
		states, err := b.mine.States(ctx)
		if diff := cmp.Diff([]declared.State{prod("prod")}, states); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		want := map[string][]declared.Found{
			"vol-1": {{State: declared.State{Name: "prod", Host: "gitlab.example.com", Repository: "acme/infra", Folder: "envs/prod"}, Spot: spot("a")}},
		}
		if diff := cmp.Diff(want, find(b.mine, "nothing", "vol-1")); diff != "" {
			t.Error(diff)
		}
		if got := find(b.theirs, "vol-1"); len(got) != 0 {
			t.Errorf("another tenant finds %v", got)
		}
		if err := b.mine.Put(ctx, prod("other"), []declared.Entry{{Names: []string{"vol-2"}, Spot: spot("c")}}); err != nil {
			t.Fatal(err)
		}
		if err := b.mine.Put(ctx, prod("prod"), []declared.Entry{{Names: []string{"vol-2"}, Spot: spot("d")}}); err != nil {
			t.Fatal(err)
		}
		got := find(b.mine, "vol-1", "vol-2", "arn:1")
		if len(got) != 1 || len(got["vol-2"]) != 2 || got["vol-2"][0].State.Name != "other" || got["vol-2"][1].Spot.Address != "d" {
			t.Errorf("after it was given again: %+v", got)
		}
		if err := b.theirs.Remove(ctx, "prod"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another tenant removes it: %v", err)
		}
		b.settle(t)
		if err := b.mine.Remove(ctx, "prod"); err != nil || len(find(b.mine, "vol-2")["vol-2"]) != 1 || len(b.dirty(t)) != 1 {
			t.Errorf("it was removed: %v", err)
		}
		if err := b.mine.Remove(ctx, "prod"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
	})
}

func (b bed) of(name string) declared.Subject {
	return declared.Subject{Integration: b.in, Repository: "acme/infra", Name: name}
}

// TestEvidence: what GitLab said is remembered until it is due; what is wanted does
// not take the place of what is known.
func TestEvidence(t *testing.T) {
	onBoth(t, func(t *testing.T, b bed) {
		ctx := t.Context()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, known, err := b.mine.Evidence(ctx, b.of("file a")); known || err != nil {
			t.Fatalf("%v, %v", known, err)
		}
		a := declared.Evidence{Subject: b.of("file a"), Said: `{"x":"ü"}`, Due: noon().Add(time.Hour), Used: noon()}
		ok(b.mine.Learn(ctx, false, a))
		ok(b.mine.Want(ctx, noon(), b.of("file a"), b.of("file b")))
		got, known, err := b.mine.Evidence(ctx, a.Subject)
		if diff := cmp.Diff(a, got); diff != "" || !known || err != nil {
			t.Errorf("%v, %v, %s", known, err, diff)
		}
		if len(b.dirty(t)) != 0 {
			t.Error("groups are looked at anew although nobody waits")
		}
		due := func(s *declared.Store, in int64, at time.Time, most int) (names string) {
			t.Helper()
			all, err := s.Due(ctx, in, at, most)
			ok(err)
			for _, e := range all {
				names += e.Subject.Name + ";"
			}
			return names
		}
		if got := due(b.mine, b.in, noon(), 9); got != "file b;" {
			t.Errorf("due are %q", got)
		}
		if got := due(b.mine, b.in, noon().Add(time.Hour), 9); got != "file b;file a;" {
			t.Errorf("an hour later %q", got)
		}
		if got := due(b.mine, b.in, noon().Add(time.Hour), 1); got != "file b;" {
			t.Errorf("the first is %q", got)
		}
		if got := due(b.theirs, b.other, noon().Add(time.Hour), 9) + due(b.theirs, b.in, noon().Add(time.Hour), 9); got != "" {
			t.Errorf("another tenant sees %q", got)
		}
		a.Said, a.Due = `{}`, noon().Add(2*time.Hour)
		ok(b.mine.Learn(ctx, true, a))
		if got := due(b.mine, b.in, noon().Add(time.Hour), 9); got != "file b;" || len(b.dirty(t)) != 1 {
			t.Errorf("after it was learned: %q, %d groups", got, len(b.dirty(t)))
		}
		ok(b.theirs.Drop(ctx, a.Subject))
		ok(b.mine.Drop(ctx, b.of("file b")))
		if got := due(b.mine, b.in, noon().Add(9*time.Hour), 9); got != "file a;" {
			t.Errorf("after one was dropped: %q", got)
		}
	})
}

// TestLarge: a hundred thousand resources are kept, and found at once.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a large state takes a while")
	}
	onBoth(t, func(t *testing.T, b bed) {
		largest := 100_000
		if strings.HasSuffix(t.Name(), "PostgreSQL") {
			largest = 10_000 // each is a journey to the server
		}
		var entries []declared.Entry
		for i := range largest {
			entries = append(entries, declared.Entry{Names: []string{fmt.Sprintf("vol-%017x", i)}, Spot: spot(fmt.Sprintf("aws_ebs_volume.data[%d]", i))})
		}
		begun := time.Now()
		if err := b.mine.Put(t.Context(), prod("prod"), entries); err != nil {
			t.Fatal(err)
		}
		kept := time.Since(begun)
		begun = time.Now()
		for i := range 1000 {
			name := fmt.Sprintf("vol-%017x", i*9)
			got, err := b.mine.Find(t.Context(), []string{"none", name})
			if err != nil || len(got[name]) != 1 || got[name][0].Spot.Address != fmt.Sprintf("aws_ebs_volume.data[%d]", i*9) {
				t.Fatalf("%v, %v", got, err)
			}
		}
		t.Logf("kept in %v; a thousand found in %v", kept, time.Since(begun))
	})
}
