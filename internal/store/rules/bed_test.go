package rules_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/rules"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Run("SQLite", func(t *testing.T) { test(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// fatal is what a test and a property's check have in common.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// bed is a tenant with an integration.
type bed struct {
	t testing.TB
	*store.Store
	rules  *rules.Store
	db     *store.DB
	in     integration.Integration
	run    plan.Run
	issues int // made so far
	assign func(*finding.Finding) []rule.Assignment
	at     int64                  // the revision that assign is of
	left   map[rule.GroupKey]bool // groups whose issue found no other when their findings left
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newBed(t testing.TB, db *store.DB, tenant string) *bed {
	t.Helper()
	b := &bed{t: t, db: db, Store: db.Tenant(tenant), rules: rules.New(db.Base(), tenant, noon), assign: rule.Set{}.Assign, left: map[rule.GroupKey]bool{}}
	in := integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7}, CreatedAt: noon()}
	var err error
	if b.in, err = b.AddIntegration(t.Context(), in, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil }); err != nil {
		t.Fatal(err)
	}
	if b.run, _, err = b.BeginRun(t.Context(), plan.Run{StartedAt: noon()}, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func ok(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// disk is a finding about disk number i, which saves i cents.
func disk(i int, team string) finding.Finding {
	return finding.Finding{
		FindingKey: finding.NewKey("test", fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "test", Title: fmt.Sprint(i),
		ResourceID: fmt.Sprintf("disk-%d", i), ResourceName: fmt.Sprint(i), SubAccountID: "one", Tags: map[string]string{"team": team},
		EstimatedMonthlySavings: money.Known(decimal.New(int64(i), -2)), BillingCurrency: "USD", Detection: finding.Present,
	}
}

// put takes findings in, as rules of the bed's revision say.
func (b *bed) put(findings ...finding.Finding) error {
	return b.putUnder(b.at, b.assign, nil, findings...)
}

func (b *bed) putUnder(revision int64, assign func(*finding.Finding) []rule.Assignment, wait func(), findings ...finding.Finding) error {
	p := finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon()}
	_, err := b.Ingest(b.t.Context(), p, func(in rule.Intake) (finding.Pull, error) {
		if wait != nil {
			wait()
		}
		for _, f := range findings {
			if err := in.Put(rule.Place(&f, finding.Sighting{Detection: f.Detection, Digest: f.Digest(), Since: noon()}, assign(&f), revision)); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	return err
}

// apply puts rules in force.
func (b *bed) apply(text string, assign func(*finding.Finding) []rule.Assignment) {
	b.t.Helper()
	now, err := b.rules.Current(b.t.Context())
	ok(b.t, err)
	r, err := b.rules.Apply(b.t.Context(), rules.Change{Text: text, Author: "platform-admin", Expected: now.Number})
	ok(b.t, err)
	b.assign, b.at = assign, r.Number
}

func (b *bed) reassign() {
	b.t.Helper()
	ok(b.t, b.rules.Reassign(b.t.Context(), b.at, b.assign, 3))
}

// create makes the issue of a group.
func (b *bed) create(group rule.GroupKey) (issue.Tracked, error) {
	n := b.issues + 1
	e, t, err := b.Intend(b.t.Context(), plan.Entry{Run: b.run.ID, Seq: n, Verb: plan.Create, WroteAt: noon()},
		issue.Tracked{Integration: b.in.ID, Group: group, Nonce: fmt.Sprintf("%026d", n), SentAt: noon()})
	if err != nil {
		return t, err
	}
	b.issues = n
	t.Phase = issue.Live
	t.Observed = issue.Observed{ID: int64(1000 + n), ProjectID: 7, IID: int64(n), State: issue.Opened, WebURL: fmt.Sprintf("https://gitlab.example.com/%d", n)}
	e.Outcome = plan.Done
	err = b.Record(b.t.Context(), e, t, 0)
	t.Rev++
	return t, err
}

// everything is all groups by key.
func (b *bed) everything(t fatal) map[rule.GroupKey]whole {
	t.Helper()
	out := map[rule.GroupKey]whole{}
	ok(t, b.Groups(b.t.Context(), true, func(g rule.Group, issues []issue.Tracked) error {
		out[g.Key] = whole{g, issues}
		return nil
	}))
	return out
}

// whole is a group with its issues.
type whole struct {
	rule.Group
	issues []issue.Tracked
}

// active is the number of the issue that speaks for the group; 0: none.
func (w whole) active() int64 {
	for _, t := range w.issues {
		switch t.Phase {
		case issue.Intended, issue.InDoubt, issue.Live, issue.Lost:
			return t.Observed.IID
		}
	}
	return 0
}

// crash is what a process dies of in a test.
var errCrash = errors.New("crashed")

// crashing calls f, and says whether it came to its end before the failpoint that
// stands at n.
func crashing(f func()) (crashed bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(errCrash) {
				panic(r)
			}
			crashed = true
		}
	}()
	f()
	return false
}

// mine blows up once, at the nth commit point from when it is set.
type mine struct {
	mu   sync.Mutex
	left int // 0: it does not
}

func (m *mine) set(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}

func (m *mine) step(string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		return
	}
	if m.left--; m.left == 0 {
		panic(errCrash)
	}
}

// grouping is rules for tests: by which parts, which also, and what is ignored.
type grouping struct {
	name   string
	by     func(*finding.Finding) string
	also   func(*finding.Finding) string // "": no other group
	over   func(*finding.Finding) string // "": no parent
	ignore func(*finding.Finding) bool
}

func (g grouping) assign(f *finding.Finding) []rule.Assignment {
	if g.ignore != nil && g.ignore(f) {
		return []rule.Assignment{{Group: rule.NewGroupKey("finding", string(f.FirstKey())), Ignored: true, Reason: "too small for " + g.name}}
	}
	out := []rule.Assignment{{Rule: g.name, Group: g.key(g.by(f))}}
	if g.also != nil {
		if more := g.also(f); more != "" {
			out = append(out, rule.Assignment{Rule: g.name + " too", Group: g.key("also " + more)})
		}
	}
	if g.over != nil {
		if parent := g.over(f); parent != "" {
			out = append(out, rule.Assignment{Rule: g.name, Group: g.key("parent " + parent), Child: out[0].Group})
		}
	}
	return out
}

func (g grouping) key(part string) rule.GroupKey { return rule.NewGroupKey(part) }

func number(f *finding.Finding) int {
	var n int
	_, _ = fmt.Sscan(f.ResourceName, &n)
	return n
}

// mod groups by the number of the disk, modulo n.
func mod(n int) func(*finding.Finding) string {
	return func(f *finding.Finding) string { return fmt.Sprintf("mod %d: %d", n, number(f)%n) }
}

func team(f *finding.Finding) string { return "team " + f.Tags["team"] }

func all(*finding.Finding) string { return "all" }

func alone(f *finding.Finding) string { return "alone " + f.ResourceName }

// members are the findings of a group by the number of their disk.
func members(g rule.Group) []int {
	var out []int
	if g.Left != nil {
		return nil
	}
	for i := range g.Members {
		out = append(out, number(&g.Members[i].Finding))
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

// holds says that every finding is in exactly the groups that the assignment says,
// that no group has two issues, and that none of the issues that were made is lost.
func (b *bed) holds(t fatal, findings map[int]finding.Finding) {
	t.Helper()
	now, err := b.rules.Assigned(b.t.Context())
	ok(t, err)
	if !now.Done || now.Revision != b.at {
		t.Fatalf("the findings are not assigned: %+v", now)
	}
	want := map[rule.GroupKey][]int{}
	excuses := map[rule.GroupKey]string{}
	beneath := map[rule.GroupKey]map[finding.Key]rule.GroupKey{}
	for i, f := range findings {
		for _, a := range b.assign(&f) {
			if a.Parent() {
				if beneath[a.Group] == nil {
					beneath[a.Group] = map[finding.Key]rule.GroupKey{}
				}
				beneath[a.Group][f.FindingKey] = a.Child
			}
			want[a.Group] = append(want[a.Group], i)
			excuses[a.Group] = a.Excuse()
		}
	}
	groups := b.everything(t)
	seen := map[string]bool{}
	for key, g := range groups {
		slices.Sort(want[key])
		if !slices.Equal(want[key], members(g.Group)) {
			t.Errorf("group %s has %v, not %v", key.Short(), members(g.Group), want[key])
		}
		if g.Left == nil && g.Ignored != excuses[key] {
			t.Errorf("group %s is ignored since %q, not %q", key.Short(), g.Ignored, excuses[key])
		}
		there := map[finding.Key]rule.GroupKey{}
		for _, c := range g.Children {
			for _, member := range c.Members {
				there[member] = c.Group
			}
		}
		if !maps.Equal(there, beneath[key]) {
			t.Errorf("beneath group %s there is %v, not %v", key.Short(), there, beneath[key])
		}
		delete(want, key)
		b.spokenFor(t, g, groups, seen)
	}
	if len(want) > 0 {
		t.Errorf("there are no groups for %v", want)
	}
	for i := 1; i <= b.issues; i++ {
		if nonce := fmt.Sprintf("%026d", i); !seen[nonce] {
			t.Errorf("issue %s is lost", nonce)
		}
	}
}

// spokenFor checks the issues of one group.
func (b *bed) spokenFor(t fatal, g whole, groups map[rule.GroupKey]whole, seen map[string]bool) {
	t.Helper()
	active := 0
	for _, i := range g.issues {
		if seen[i.Nonce] {
			t.Errorf("issue %s is there twice", i.Nonce)
		}
		seen[i.Nonce] = true
		if i.Phase == issue.Live {
			active++
		}
	}
	if active > 1 {
		t.Errorf("group %s has %d issues", g.Key.Short(), active)
	}
	if b.left == nil { // not every state was seen in which the findings were assigned
		return
	}
	if g.Left == nil || active == 0 || b.left[g.Key] {
		b.left[g.Key] = g.Left != nil && active > 0
		return
	}
	b.left[g.Key] = true
	lead := g.Members[0].Finding
	free := false
	for _, a := range b.assign(&lead) {
		if a.Parent() != g.Parent {
			continue
		}
		if groups[a.Group].active() != 0 {
			return
		}
		free = true
	}
	if !free { // a parent's issue goes to a parent alone
		return
	}
	t.Errorf("group %s is empty and has an issue, and where its findings went is none: it need not be made again", g.Key.Short())
}
