package board_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/board"
	"cxm/internal/store/lists"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// bed is a database with findings of two tenants.
type bed struct {
	*testing.T
	db    *store.DB
	store *store.Store
	board *board.Board
	in    integration.Integration
	now   time.Time
}

func onBoth(t *testing.T, test func(b *bed)) {
	run := func(t *testing.T, o store.Options) {
		t.Parallel()
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		b := &bed{T: t, db: db, store: db.Tenant("mine"), now: noon()}
		b.board = board.New(db.Base(), board.Options{Tenant: "mine", Clock: func() time.Time { return b.now }, Whose: whose})
		theirs := *b
		theirs.store = db.Tenant("theirs")
		theirs.pull("theirs", "0", claim{key: "theirs", resource: "r", saving: "1000"})
		b.in, err = b.store.AddIntegration(t.Context(), integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", CreatedAt: noon()},
			credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
		if err != nil {
			t.Fatal(err)
		}
		test(b)
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// whose goes by a tag.
func whose(context.Context) (board.Whose, int64, error) {
	return func(_ string, f finding.Finding) string { return f.Tags["team"] }, 1, nil
}

// claim is what a finding of the tests says.
type claim struct {
	key, resource, saving, currency, account, name, service, team, title string
	kind                                                                 finding.Kind
	gone                                                                 bool
}

func (c claim) finding() finding.Finding {
	f := finding.Finding{
		FindingKey: finding.NewKey("mine", c.key), Kind: c.kind, SourceSystem: "test", Title: c.title, Detection: finding.Present,
		ResourceID: c.resource, SubAccountID: c.account, SubAccountName: c.name, ServiceName: c.service, Tags: map[string]string{"team": c.team},
	}
	if c.kind == "" {
		f.Kind = finding.Cost
	}
	if c.saving != "" {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(decimal.RequireFromString(c.saving)), "USD"
	}
	if c.currency != "" {
		f.BillingCurrency = c.currency
	}
	return f
}

func group(key string) rule.GroupKey { return rule.NewGroupKey("test", key) }

// pull takes claims in; each is in a group of its own.
func (b *bed) pull(source, scope string, claims ...claim) {
	b.Helper()
	p := finding.Pull{Source: source, Scope: scope, ReceivedAt: b.now, Complete: true, New: len(claims)}
	_, err := b.store.Ingest(b.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		for _, c := range claims {
			f := c.finding()
			s := finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: b.now}
			if c.gone {
				s.Detection = finding.Absent
			}
			if err := door.Put(rule.Place(&f, s, []rule.Assignment{{Rule: "all", Group: group(c.key)}}, 0)); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// issue makes a live issue of a finding's group.
func (b *bed) issue(key, team string, state issue.State, override issue.State) issue.Tracked {
	b.Helper()
	run, _, err := b.store.BeginRun(b.Context(), plan.Run{Integration: b.in.ID, State: plan.Running, StartedAt: noon(), Steps: 1}, nil)
	if err != nil {
		b.Fatal(err)
	}
	e, t, err := b.store.Intend(b.Context(), plan.Entry{Run: run.ID, Seq: 1, Verb: plan.Create, Reason: "new", Group: group(key), Outcome: plan.Intended},
		issue.Tracked{Integration: b.in.ID, Group: group(key), Nonce: key, Phase: issue.Intended, Observed: issue.Observed{ProjectID: 1}})
	if err != nil {
		b.Fatal(err)
	}
	t.Phase, t.Team, t.Override = issue.Live, team, override
	t.Observed.State, t.Observed.IID, t.Observed.WebURL = state, t.ID, "https://gitlab.example.com/a/b/-/issues/1"
	e.Outcome = plan.Done
	if err := b.store.Record(b.Context(), e, t, 0); err != nil {
		b.Fatal(err)
	}
	t.Rev++
	return t
}

func (b *bed) snapshot() *board.Snapshot {
	b.Helper()
	s, err := b.board.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// keys are those of a list.
func (b *bed) keys(f board.Filter, order string) string {
	b.Helper()
	s := b.snapshot()
	var out []string
	rows, sum := s.List(f, order, 0, 100)
	for _, r := range rows {
		out = append(out, b.title(r.ID))
	}
	n := 0
	for r := range s.Walk(f, order) {
		if n >= len(rows) || rows[n] != r {
			b.Errorf("%+v: the list and the walk differ at %d", f, n)
		}
		n++
	}
	if n != sum.Findings {
		b.Errorf("%+v: %d findings, and the sum says %d", f, n, sum.Findings)
	}
	for from := range rows {
		if page, _ := s.List(f, order, from, 1); len(page) != 1 || page[0] != rows[from] {
			b.Errorf("%+v: the page from %d on is %+v", f, from, page)
		}
	}
	return strings.Join(out, " ")
}

// title is the first letter of a finding's title, in lower case.
func (b *bed) title(id int64) string {
	b.Helper()
	found, err := lists.New(b.db.Base(), "mine").Named(b.Context(), []int64{id})
	if err != nil || len(found) != 1 {
		b.Fatalf("finding %d: %v", id, err)
	}
	return strings.ToLower(found[id].Finding.Title[:1])
}

func show(s board.Sum) string {
	return fmt.Sprintf("%d findings, %d unknown, %d gone: %s", s.Findings, s.Unknown, s.Gone, s.Of.Show())
}

func world() []claim {
	return []claim{
		{key: "a", title: "Apple", resource: "vol-0a1b2c3d4e5f60001", saving: "10.10", account: "1", name: "prod", service: "EBS", team: "pay"},
		{key: "b", title: "banana", resource: "vol-0a1b2c3d4e5f60001", saving: "7", account: "1", service: "EBS", team: "web"}, // the same volume
		{key: "c", title: "Cherry", resource: "i-0a1b2c3d4e5f60002", saving: "0.0000000000000000001", account: "2", service: "EC2"},
		{key: "d", title: "date", resource: "i-0a1b2c3d4e5f60003", account: "2", service: "EC2"},
		{key: "e", title: "Elder", resource: "i-0a1b2c3d4e5f60004", saving: "123.12000000000002", currency: "EUR", account: "2", service: "EC2"},
		{key: "f", title: "fig", kind: finding.System, account: "2", resource: "i-0a1b2c3d4e5f60005"},
		{key: "g", title: "Grape", resource: "i-0a1b2c3d4e5f60006", saving: "900", account: "1", gone: true},
		{key: "h", title: "honey", resource: "vol-0a1b2c3d4e5f60007", saving: "12345678901234567890.5", account: "3"},
		{key: "i", title: "Ice", resource: "vol-0a1b2c3d4e5f60008", saving: "5", account: "3"},
		{key: "j", title: "jam", resource: "vol-0a1b2c3d4e5f60008", saving: "5", currency: "EUR", account: "3"}, // which is more nobody can say
	}
}

// TestLists filters, orders and sums up what there is.
func TestLists(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.pull("test", "0", world()...)
		b.issue("a", "billing", issue.Opened, "")
		b.issue("c", "", issue.Closed, issue.Closed)
		for _, c := range []struct {
			filter board.Filter
			order  string
			want   string
		}{
			{board.Filter{}, "", "h g e a b i j c d f"},
			{board.Filter{}, "saving", "c j i b a e g h d f"},
			{board.Filter{}, "title", "a b c d e f g h i j"},
			{board.Filter{}, "-title", "j i h g f e d c b a"},
			{board.Filter{Kind: finding.System}, "", "f"},
			{board.Filter{Account: "1"}, "title", "a b g"},
			{board.Filter{Account: "9"}, "title", ""},
			{board.Filter{Owner: "billing"}, "", "a"},
			{board.Filter{Owner: "pay"}, "", ""}, // the issue says otherwise
			{board.Filter{Owner: "web"}, "", "b"},
			{board.Filter{Owner: board.None, Account: "2"}, "title", "c d e f"},
			{board.Filter{Service: "EC2"}, "title", "c d e"},
			{board.Filter{Source: "test", Search: " APPLE"}, "", "a"},
			{board.Filter{Search: "60001"}, "title", "a b"},
			{board.Filter{Status: "issue open"}, "", "a"},
			{board.Filter{Status: "gone"}, "", "g"},
			{board.Filter{Status: "closed by a person"}, "", "c"},
			{board.Filter{Status: board.Open}, "title", "a b d e f h i j"},
			{board.Filter{Status: board.Working}, "title", "a"},
			{board.Filter{Issue: "yes"}, "title", "a c"},
			{board.Filter{Issue: "no", Account: "1"}, "title", "b g"},
			{board.Filter{Status: "realised"}, "", ""},
		} {
			if got := b.keys(c.filter, c.order); got != c.want {
				b.Errorf("%+v by %q: %s, want %s", c.filter, c.order, got, c.want)
			}
		}
		if got := b.keys(board.Filter{}, "owner"); !strings.HasPrefix(got, "a b ") {
			b.Errorf("by owner, with nobody last: %s", got)
		}
		s := b.snapshot()
		for _, c := range []struct {
			filter board.Filter
			want   string
		}{
			{board.Filter{Account: "1"}, "3 findings, 0 unknown, 1 gone: 10.10 USD"},
			{board.Filter{Account: "1", Owner: "web"}, "1 findings, 0 unknown, 0 gone: 7.00 USD"},
			{board.Filter{Status: "gone"}, "1 findings, 0 unknown, 0 gone: 900.00 USD"},
			{board.Filter{Account: "2"}, "4 findings, 2 unknown, 0 gone: 123.12 EUR, 0.00 USD"},
			{board.Filter{Account: "3"}, "3 findings, 2 unknown, 0 gone: 12,345,678,901,234,567,890.50 USD"},
			{board.Filter{Account: "9"}, "0 findings, 0 unknown, 0 gone: nothing known"},
		} {
			if got := show(s.Sum(c.filter)); got != c.want {
				b.Errorf("%+v: %s, want %s", c.filter, got, c.want)
			}
		}
		if exact := s.Sum(board.Filter{Account: "2"}).Of; exact["USD"].String() != "0.0000000000000000001" || exact["EUR"].String() != "123.12000000000002" {
			b.Errorf("the sums are not exact: %v", exact)
		}
	})
}

// TestParts: each part is what the list of it sums up to.
func TestParts(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.pull("test", "0", world()...)
		s := b.snapshot()
		for _, by := range []board.By{board.Owner, board.Account, board.Service, board.Source} {
			for _, f := range []board.Filter{{}, {Status: board.Open, Kind: finding.Cost}} {
				parts, n := s.Parts(f, by), 0
				for _, p := range parts {
					one := f
					switch by {
					case board.Owner:
						one.Owner = p.Value
					case board.Account:
						one.Account = p.Value
					case board.Service:
						one.Service = p.Value
					default:
						one.Source = p.Value
					}
					sum := s.Sum(one)
					if diff := cmp.Diff(sum.Of, p.Of); diff != "" || sum.Findings != p.Findings {
						b.Errorf("%s %s is not its list (-list +part):\n%s", by, p.Value, diff)
					}
					n += p.Findings
				}
				if n != s.Sum(f).Findings {
					b.Errorf("the parts by %s have %d findings, want %d", by, n, s.Sum(f).Findings)
				}
			}
		}
		parts, more := board.Largest(s.Parts(board.Filter{Status: board.Open}, board.Owner), "USD", 2)
		if len(parts) != 2 || more != 1 || parts[0].Value != board.None || parts[1].Text != "pay" {
			b.Errorf("the largest are %+v, and %d more", parts, more)
		}
		if c := s.Choices(board.Account); len(c) != 3 || c[0].Value != "2" || c[1].Text == "1" || c[2].Findings != 3 {
			b.Errorf("the accounts are %+v", c)
		}
	})
}

// TestKeepsUp: what changes is seen at once, whoever changed it.
func TestKeepsUp(t *testing.T) {
	onBoth(t, func(b *bed) {
		if s := b.snapshot(); s.Total() != 0 || len(s.Sum(board.Filter{}).Of) != 0 {
			b.Fatalf("nothing was delivered, and there are %d", s.Total())
		}
		want := func(f board.Filter, keys string) {
			b.Helper()
			if got := b.keys(f, "title"); got != keys {
				b.Errorf("%+v: %q, want %q", f, got, keys)
			}
		}
		b.pull("test", "0", world()[:2]...)
		want(board.Filter{}, "a b")
		before := b.snapshot()
		if b.snapshot() != before {
			b.Error("nothing changed, and it was read again")
		}
		b.pull("test", "1", world()[2])
		want(board.Filter{}, "a b c")
		again := world()[0]
		again.account, again.saving = "4", "11"
		b.pull("test", "0", again)
		want(board.Filter{Account: "4"}, "a")
		if got := show(b.snapshot().Sum(board.Filter{Account: "4"})); got != "1 findings, 0 unknown, 0 gone: 11.00 USD" {
			b.Error(got)
		}
		if before.Total() != 2 || show(before.Sum(board.Filter{Account: "1"})) != "2 findings, 0 unknown, 0 gone: 10.10 USD" {
			b.Error("a snapshot changed")
		}
		again.gone = true
		b.pull("test", "0", again)
		want(board.Filter{Status: "gone"}, "a")
		made := b.issue("b", "", issue.Opened, "")
		want(board.Filter{Status: "issue open"}, "b")
		made.Observed.State, made.Override = issue.Closed, issue.Closed
		if err := b.store.Observe(b.Context(), b.in.ID, 1, []issue.Tracked{made}, b.now); err != nil {
			b.Fatal(err)
		}
		want(board.Filter{Status: "issue open"}, "")
		want(board.Filter{Status: "closed by a person"}, "b")
		b.board.Drop()
		want(board.Filter{}, "a b c")
	})
}

// TestClaims lists what all sources say about one resource.
func TestClaims(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.pull("test", "0", world()...)
		s := b.snapshot()
		rows, _ := s.List(board.Filter{Search: "banana"}, "", 0, 1)
		claims := s.Claims(rows[0].ID, 9)
		if len(claims) != 2 || b.title(claims[0].ID) != "a" || b.title(claims[1].ID) != "b" {
			b.Errorf("%+v", claims)
		}
		if r, ok := s.Row(claims[0].ID); !ok || r != claims[0] || r.Account != "prod" || r.AccountID != "1" {
			b.Errorf("%+v", r)
		}
		if _, ok := s.Row(-1); ok || s.Claims(-1, 1) != nil {
			b.Error("there is a finding that is not there")
		}
	})
}

// TestLargest: of the claims about one resource the largest counts, in whatever order
// they come.
func TestLargest(t *testing.T) {
	onBoth(t, func(b *bed) {
		var claims []claim
		for i, savings := range [][]string{{"3", "9", "5"}, {"9", "3", "5"}, {"3", "5", "9"}} {
			for j, saving := range savings {
				claims = append(claims, claim{key: fmt.Sprint(i, j), title: "x", resource: fmt.Sprintf("vol-0a1b2c3d4e5f600%02d", i), saving: saving, account: "1"})
			}
		}
		b.pull("test", "0", claims...)
		if got := show(b.snapshot().Sum(board.Filter{})); got != "9 findings, 0 unknown, 0 gone: 27.00 USD" {
			b.Error(got)
		}
		if parts := b.snapshot().Parts(board.Filter{}, board.Account); len(parts) != 1 || parts[0].Of.Show() != "27.00 USD" {
			b.Errorf("%+v", parts)
		}
	})
}
