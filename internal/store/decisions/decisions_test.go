package decisions_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/audit"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
	"cxm/internal/store"
	auditlog "cxm/internal/store/audit"
	"cxm/internal/store/decisions"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bed is a tenant with findings.
type bed struct {
	*testing.T
	db    *store.DB
	store *store.Store
	kept  *decisions.Store
	name  string
}

// onBoth runs a test on both databases, with two tenants that have the same findings.
func onBoth(t *testing.T, test func(mine, theirs *bed)) {
	run := func(t *testing.T, o store.Options) {
		t.Parallel()
		d, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		beds := map[string]*bed{}
		for _, name := range []string{"mine", "theirs"} {
			beds[name] = &bed{T: t, db: d, store: d.Tenant(name), kept: decisions.New(d.Base(), name), name: name}
			beds[name].find("a", "1", "2", "3")
			beds[name].settle()
		}
		test(beds["mine"], beds["theirs"])
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

func key(name string) finding.Key { return finding.NewKey("test", name) }

// find takes in findings, each in a group of its own and in one for all.
func (b *bed) find(group string, names ...string) {
	b.Helper()
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon(), Complete: true}
	_, err := b.store.Ingest(b.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		for _, name := range names {
			f := finding.Finding{FindingKey: key(name), Kind: finding.Cost, SourceSystem: "test", Title: "Upgrade " + name, Detection: finding.Present}
			assigned := []rule.Assignment{{Rule: "each", Group: rule.NewGroupKey(group, name)}, {Rule: "all", Group: rule.NewGroupKey(group)}}
			if err := door.Put(rule.Place(&f, finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}, assigned, 0)); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// groups are the groups, those that changed or all, with what stands of each member.
func (b *bed) groups(all bool) map[rule.GroupKey]map[finding.Key]finding.Decided {
	b.Helper()
	out := map[rule.GroupKey]map[finding.Key]finding.Decided{}
	err := b.store.Groups(b.Context(), all, func(g rule.Group, _ []issue.Tracked) error {
		out[g.Key] = map[finding.Key]finding.Decided{}
		for _, m := range g.Members {
			out[g.Key][m.Finding.FindingKey] = m.Decided
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// settle says that nothing is left to do about any group.
func (b *bed) settle() {
	b.Helper()
	versions := map[rule.GroupKey]int64{}
	err := b.store.Groups(b.Context(), true, func(g rule.Group, _ []issue.Tracked) error { versions[g.Key] = g.Version; return nil })
	if err == nil {
		err = b.store.Settle(b.Context(), 0, versions)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) decide(name string, d finding.Decided) decisions.Decision {
	b.Helper()
	got, err := b.kept.Decide(audit.With(b.Context(), audit.Actor{Kind: audit.Person, Name: d.By}), key(name), d)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bed) history(name string) (out []finding.Decision) {
	b.Helper()
	all, err := b.kept.Of(b.Context(), key(name), 0, 100)
	if err != nil {
		b.Fatal(err)
	}
	for i, d := range all {
		if d.Standing != (i == 0) {
			b.Errorf("decision %d of %s stands: %v", i, name, d.Standing)
		}
		out = append(out, d.Decision)
	}
	return out
}

func snoozed() finding.Decided {
	return finding.Decided{Decision: finding.Snoozed, By: "ada", At: noon(), Until: noon().Add(time.Hour), Reason: "later, – «ok»"}
}

func excepted() finding.Decided {
	return finding.Decided{Decision: finding.Exception, By: "grace", At: noon().Add(time.Minute), Reason: "a test system"}
}

// TestDecide: a decision stands in every group of its finding, which changed by it;
// the ones before are kept, and nobody else's finding is touched.
func TestDecide(t *testing.T) {
	onBoth(t, func(b, theirs *bed) {
		if b.groups(false); len(b.groups(false)) != 0 {
			b.Fatal("the groups are not settled")
		}
		b.decide("1", snoozed())
		changed := b.groups(false)
		if diff := cmp.Diff(map[rule.GroupKey]map[finding.Key]finding.Decided{
			rule.NewGroupKey("a", "1"): {key("1"): snoozed()},
			rule.NewGroupKey("a"):      {key("1"): snoozed(), key("2"): {}, key("3"): {}},
		}, changed); diff != "" {
			b.Errorf("the groups that changed (-want +got):\n%s", diff)
		}
		if d := b.groups(true)[rule.NewGroupKey("a")][key("1")]; d != snoozed() {
			b.Errorf("of all groups: %+v", d)
		}
		second := b.decide("1", excepted())
		b.decide("1", finding.Decided{Decision: finding.Undecided, By: "ada", At: noon()})
		if diff := cmp.Diff([]finding.Decision{finding.Undecided, finding.Exception, finding.Snoozed}, b.history("1")); diff != "" {
			b.Error(diff)
		}
		if older, err := b.kept.Of(b.Context(), key("1"), second.ID, 100); err != nil || len(older) != 1 || older[0].Decided != snoozed() {
			b.Errorf("%+v (%v)", older, err)
		}
		if len(theirs.groups(false)) != 0 || len(theirs.history("1")) != 0 {
			b.Error("another tenant's finding was decided about")
		}
		if _, err := b.kept.Decide(b.Context(), key("none"), excepted()); !errors.Is(err, store.ErrNotFound) {
			b.Errorf("a finding that is not there: %v", err)
		}
		if _, err := b.kept.Of(b.Context(), key("none"), 0, 1); !errors.Is(err, store.ErrNotFound) {
			b.Errorf("a finding that is not there: %v", err)
		}
	})
}

// TestNothingToTakeBack: to take back what was never decided changes nothing.
func TestNothingToTakeBack(t *testing.T) {
	onBoth(t, func(b, _ *bed) {
		got := b.decide("1", finding.Decided{Decision: finding.Undecided, By: "ada", At: noon()})
		if got.ID != 0 || len(b.history("1")) != 0 || len(b.groups(false)) != 0 || len(b.lines()) != 0 {
			b.Errorf("%+v, %v", got, b.history("1"))
		}
	})
}

// TestStays: a decision stands whatever becomes of its finding: taken in again, gone
// and back, in another group, under another key.
func TestStays(t *testing.T) {
	onBoth(t, func(b, _ *bed) {
		b.decide("1", excepted())
		b.find("b", "1", "2", "3")
		if d := b.groups(true)[rule.NewGroupKey("b", "1")][key("1")]; d != excepted() {
			b.Errorf("in another group: %+v", d)
		}
		_, err := b.store.Ingest(b.Context(), finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon(), Complete: true}, func(door rule.Intake) (finding.Pull, error) {
			moved, err := door.Rekey(key("1"), key("new"))
			if err != nil || !moved {
				return finding.Pull{}, fmt.Errorf("the key was not changed: %v", err)
			}
			return finding.Pull{}, door.Miss(key("new"), finding.Sighting{Detection: finding.Absent, Absences: 2, Since: noon()})
		})
		if err != nil {
			b.Fatal(err)
		}
		if got := b.history("new"); len(got) != 1 {
			b.Errorf("under another key: %v", got)
		}
		standing, err := b.kept.Standing(b.Context(), "", 0, 10)
		if err != nil || len(standing) != 1 || standing[0].Detection != finding.Absent || standing[0].Decided != excepted() {
			b.Errorf("%+v (%v)", standing, err)
		}
	})
}

// TestStanding lists what stands in pages, whatever was decided before.
func TestStanding(t *testing.T) {
	onBoth(t, func(b, theirs *bed) {
		theirs.decide("1", excepted())
		b.decide("1", snoozed())
		b.decide("2", excepted())
		b.decide("3", snoozed())
		b.decide("3", finding.Decided{Decision: finding.Undecided, By: "ada", At: noon()})
		list := func(of finding.Decision) (out []string) {
			for before := int64(0); ; {
				page, err := b.kept.Standing(b.Context(), of, before, 1)
				if err != nil {
					b.Fatal(err)
				}
				if len(page) == 0 {
					return out
				}
				before = page[0].ID
				out = append(out, page[0].Finding.Title+" "+page[0].Word())
			}
		}
		for of, want := range map[finding.Decision][]string{
			"": {"Upgrade 2 excepted", "Upgrade 1 snoozed"}, finding.Exception: {"Upgrade 2 excepted"}, finding.Snoozed: {"Upgrade 1 snoozed"}, finding.Accepted: nil,
		} {
			if diff := cmp.Diff(want, list(of)); diff != "" {
				b.Errorf("%q (-want +got):\n%s", of, diff)
			}
		}
	})
}

func (b *bed) lines() []audit.Line {
	b.Helper()
	lines, err := auditlog.New(b.db.Base(), b.name, noon).List(b.Context(), auditlog.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	return lines
}

// TestAudited: the log says who decided what, and what it was before.
func TestAudited(t *testing.T) {
	onBoth(t, func(b, theirs *bed) {
		b.decide("1", snoozed())
		b.decide("1", excepted())
		lines := b.lines()
		if len(lines) != 2 || len(theirs.lines()) != 0 {
			b.Fatalf("%+v", lines)
		}
		l := lines[0]
		if l.At.Before(lines[1].At) || l.Sequence < lines[1].Sequence {
			l = lines[1]
		}
		if l.Action != "finding.decided" || l.Actor.Name != "grace" || l.Object.ID != string(key("1")) || l.Why != "a test system" ||
			fmt.Sprint(l.Before) != fmt.Sprint(audit.Of(audit.Values{"decision": "snoozed", "until": "2026-03-14T13:00:00Z"})) || fmt.Sprint(l.After) != fmt.Sprint(audit.Of(audit.Values{"decision": "exception"})) {
			b.Errorf("%+v", l)
		}
	})
}

// TestAtOnce: of those who decide at the same time one stands, and none is lost
// unless they are told.
func TestAtOnce(t *testing.T) {
	onBoth(t, func(b, _ *bed) {
		var all sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for i := range 8 {
			all.Go(func() {
				d := excepted()
				d.Reason = fmt.Sprint(i)
				if _, err := b.kept.Decide(context.WithoutCancel(b.Context()), key("1"), d); err == nil {
					mu.Lock()
					done++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if got := len(b.history("1")); got != done || done == 0 {
			b.Errorf("%d decisions are kept of %d", got, done)
		}
	})
}
