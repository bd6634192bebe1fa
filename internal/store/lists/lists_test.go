package lists_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"cxm/internal/audit"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/lists"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// onBoth runs a test on both databases; another tenant has the same there.
func onBoth(t *testing.T, test func(t *testing.T, db *store.DB, l *lists.Store)) {
	run := func(t *testing.T, o store.Options) {
		t.Parallel()
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		for _, tenant := range []string{"mine", "theirs"} {
			fill(t, db.Tenant(tenant), tenant)
		}
		test(t, db, lists.New(db.Base(), "mine"))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

// made is one of the findings: every third of unknown saving, every fifth an alert.
func made(tenant string, i int) finding.Finding {
	f := finding.Finding{
		FindingKey: finding.NewKey(tenant, fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "test", Detection: finding.Present,
		Title: fmt.Sprintf("Upgrade Volume %d of %s", i, tenant), SubAccountID: fmt.Sprintf("account-%d", i%2), RegionID: "eu-west-1",
		EstimatedMonthlySavings: money.Known(decimal.NewFromInt(int64(i * 7 % 40))), BillingCurrency: "USD",
	}
	if i%3 == 0 {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Unknown(), ""
	}
	if i%5 == 0 {
		f.Kind, f.Title = finding.System, fmt.Sprintf("100%% of the disk_%d is \x00 used", i)
	}
	return f
}

const many = 60

// fill takes findings in, in two scopes, and an issue with its journal for each.
func fill(t *testing.T, s *store.Store, tenant string) {
	t.Helper()
	ctx := t.Context()
	in, err := s.AddIntegration(ctx, integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", CreatedAt: noon()},
		credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	for scope := range 2 {
		p := finding.Pull{Source: "test", Scope: fmt.Sprint(scope), ReceivedAt: noon(), Complete: true}
		_, err := s.Ingest(ctx, p, func(door rule.Intake) (finding.Pull, error) {
			for i := scope; i < many; i += 2 {
				f := made(tenant, i)
				a := rule.Assignment{Rule: fmt.Sprintf("rule %d", i%4), Group: rule.NewGroupKey(tenant, fmt.Sprint(i))}
				if err := door.Put(rule.Place(&f, finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}, []rule.Assignment{a}, 0)); err != nil {
					return p, err
				}
			}
			p.New = many / 2
			return p, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 7 {
		run, _, err := s.BeginRun(ctx, plan.Run{Integration: in.ID, State: plan.Running, StartedAt: noon(), Steps: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		group := rule.NewGroupKey(tenant, fmt.Sprint(i))
		_, _, err = s.Intend(ctx, plan.Entry{Run: run.ID, Seq: 1, Verb: plan.Create, Reason: "new", Group: group, Outcome: plan.Intended},
			issue.Tracked{Integration: in.ID, Group: group, Nonce: fmt.Sprint(tenant, i), Phase: issue.Intended, Team: fmt.Sprint("team ", i%2), Observed: issue.Observed{ProjectID: int64(10 + i%3)}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// walk reads all pages of a size.
func walk[T any](t *testing.T, size int, list func(lists.Page) ([]T, lists.Cursor, error)) []T {
	t.Helper()
	var out []T
	p := lists.Page{Size: size}
	for range 1000 {
		rows, next, err := list(p)
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, rows...); next.Zero() {
			return out
		}
		if len(rows) != size {
			t.Fatalf("a page of %d that is not the last has %d rows", size, len(rows))
		}
		p.After = next
	}
	t.Fatal("the pages do not end")
	return nil
}

// TestFindings: every filter and both orders list what there is, once each, in pages
// of every size.
func TestFindings(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *store.DB, l *lists.Store) {
		for name, c := range map[string]struct {
			filter lists.FindingFilter
			want   func(i int) bool
		}{
			"all":              {lists.FindingFilter{}, func(int) bool { return true }},
			"by worth":         {lists.FindingFilter{ByWorth: true}, func(int) bool { return true }},
			"kind":             {lists.FindingFilter{Kind: finding.System, ByWorth: true}, func(i int) bool { return i%5 == 0 }},
			"account":          {lists.FindingFilter{Account: "account-1"}, func(i int) bool { return i%2 == 1 }},
			"scope":            {lists.FindingFilter{Source: "test", Scope: "0"}, func(i int) bool { return i%2 == 0 }},
			"rule":             {lists.FindingFilter{Rule: "rule 3"}, func(i int) bool { return i%4 == 3 }},
			"absent":           {lists.FindingFilter{Detection: finding.Absent}, func(int) bool { return false }},
			"search":           {lists.FindingFilter{Search: " VOLUME 1", ByWorth: true}, func(i int) bool { return i%5 != 0 && strings.HasPrefix(fmt.Sprint(i), "1") }},
			"a sign, not any":  {lists.FindingFilter{Search: "100%"}, func(i int) bool { return i%5 == 0 }},
			"no other letter":  {lists.FindingFilter{Search: "disk_5"}, func(i int) bool { return i == 5 || i == 50 || i == 55 }},
			"nothing like it":  {lists.FindingFilter{Search: "e_grade"}, func(int) bool { return false }},
			"theirs is theirs": {lists.FindingFilter{Search: "theirs"}, func(int) bool { return false }},
		} {
			var want []string
			for i := range many {
				if c.want(i) {
					want = append(want, string(finding.NewKey("mine", fmt.Sprint(i))))
				}
			}
			slices.Sort(want)
			for _, size := range []int{1, 7, 60, 500} {
				found := walk(t, size, func(p lists.Page) ([]lists.Finding, lists.Cursor, error) { return l.Findings(t.Context(), c.filter, p) })
				var got []string
				worth := int64(1 << 60)
				for _, f := range found {
					got = append(got, string(f.Finding.FindingKey))
					now := int64(-1)
					if saved := f.Finding.EstimatedMonthlySavings; saved.Valid {
						now = money.Micros(saved.Decimal)
					}
					if c.filter.ByWorth && now > worth {
						t.Errorf("%s: %d comes behind %d", name, now, worth)
					}
					worth = now
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s in pages of %d (-want +got):\n%s", name, size, diff)
				}
			}
		}
		one, err := l.Finding(t.Context(), finding.NewKey("mine", "7"))
		if err != nil || one.Rule != "rule 3" || one.Scope != "1" || one.Group != rule.NewGroupKey("mine", "7") {
			t.Errorf("%+v (%v)", one, err)
		}
		if _, err := l.Finding(t.Context(), finding.NewKey("theirs", "7")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another tenant's finding: %v", err)
		}
	})
}

// TestTheRest lists everything else, the latest first.
func TestTheRest(t *testing.T) {
	onBoth(t, func(t *testing.T, _ *store.DB, l *lists.Store) {
		ctx := t.Context()
		for _, size := range []int{1, 3, 100} {
			groups := walk(t, size, func(p lists.Page) ([]lists.Group, lists.Cursor, error) { return l.Groups(ctx, "", p) })
			if len(groups) != many || groups[0].Findings != 1 {
				t.Fatalf("%d groups, the first %+v", len(groups), groups[0])
			}
			issues := walk(t, size, func(p lists.Page) ([]issue.Tracked, lists.Cursor, error) {
				return l.Issues(ctx, lists.IssueFilter{}, p)
			})
			if len(issues) != 7 || issues[0].ID < issues[6].ID {
				t.Fatalf("%d issues", len(issues))
			}
			runs := walk(t, size, func(p lists.Page) ([]plan.Run, lists.Cursor, error) { return l.Runs(ctx, lists.RunFilter{}, p) })
			entries := walk(t, size, func(p lists.Page) ([]plan.Entry, lists.Cursor, error) { return l.Entries(ctx, lists.EntryFilter{}, p) })
			pulls := walk(t, size, func(p lists.Page) ([]finding.Pull, lists.Cursor, error) { return l.Pulls(ctx, "", "", p) })
			if len(runs) != 7 || len(entries) != 7 || len(pulls) != 2 {
				t.Fatalf("%d runs, %d entries, %d pulls", len(runs), len(entries), len(pulls))
			}
		}
		of := func(f lists.IssueFilter) int {
			got, _, err := l.Issues(ctx, f, lists.Page{})
			if err != nil {
				t.Fatal(err)
			}
			return len(got)
		}
		group := rule.NewGroupKey("mine", "2")
		for _, c := range []struct {
			filter lists.IssueFilter
			want   int
		}{{lists.IssueFilter{Team: "team 1"}, 3}, {lists.IssueFilter{Project: 10}, 3}, {lists.IssueFilter{Phase: issue.Intended}, 7}, {lists.IssueFilter{State: issue.Closed}, 0}, {lists.IssueFilter{Group: group}, 1}, {lists.IssueFilter{Group: rule.NewGroupKey("theirs", "2")}, 0}} {
			if got := of(c.filter); got != c.want {
				t.Errorf("%+v lists %d, want %d", c.filter, got, c.want)
			}
		}
		entries, _, err := l.Entries(ctx, lists.EntryFilter{Group: group}, lists.Page{})
		if err != nil || len(entries) != 1 || entries[0].Reason != "new" {
			t.Errorf("%+v (%v)", entries, err)
		}
		if entries, _, _ = l.Entries(ctx, lists.EntryFilter{Run: entries[0].Run}, lists.Page{}); len(entries) != 1 {
			t.Errorf("%d entries of one run", len(entries))
		}
		if groups, _, _ := l.Groups(ctx, "rule 1", lists.Page{}); len(groups) != many/4 {
			t.Errorf("%d groups of one rule", len(groups))
		}
	})
}

// TestSearchIssues: every order lists what there is, once each, in pages of every size;
// another tenant's are not among them.
func TestSearchIssues(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB, l *lists.Store) {
		ctx, s := t.Context(), db.Tenant("mine")
		all, _, err := l.Issues(ctx, lists.IssueFilter{}, lists.Page{})
		if err != nil {
			t.Fatal(err)
		}
		for i, tracked := range all {
			tracked.Phase, tracked.Observed.Title, tracked.Observed.IID, tracked.Observed.State = issue.Live, fmt.Sprintf("Disk %c", 'G'-i), int64(i+1), issue.Opened
			if i%3 > 0 {
				tracked.Written.Savings, tracked.Written.Currency = money.Known(decimal.NewFromInt(int64(i%3))), "USD"
			}
			if err := s.Observe(ctx, tracked.Integration, tracked.Observed.ProjectID, []issue.Tracked{tracked}, noon()); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			search lists.IssueSearch
			want   string
		}{
			"newest":   {lists.IssueSearch{}, "GFEDCBA"},
			"by title": {lists.IssueSearch{Order: lists.ByTitle}, "ABCDEFG"},
			"by worth": {lists.IssueSearch{Order: lists.ByWorth}, "EBFCGDA"},
			"text":     {lists.IssueSearch{Text: " dISK b", Order: lists.ByWorth}, "B"},
			"number":   {lists.IssueSearch{Text: "#3"}, "E"},
			"a sign":   {lists.IssueSearch{Text: "%"}, ""},
			"team":     {lists.IssueSearch{IssueFilter: lists.IssueFilter{Team: "team 1"}, Order: lists.ByTitle}, "BDF"},
			"closed":   {lists.IssueSearch{IssueFilter: lists.IssueFilter{State: issue.Closed}, Order: lists.ByTitle}, ""},
		} {
			for _, size := range []int{1, 3, 7, 100} {
				got := ""
				for _, i := range walk(t, size, func(p lists.Page) ([]issue.Tracked, lists.Cursor, error) { return l.SearchIssues(ctx, c.search, p) }) {
					got += strings.TrimPrefix(i.Observed.Title, "Disk ")
				}
				if got != c.want {
					t.Errorf("%s in pages of %d: %s, want %s", name, size, got, c.want)
				}
			}
		}
		teams, places, err := l.Choices(ctx)
		if err != nil || !slices.Equal(teams, []string{"team 0", "team 1"}) || len(places) != 3 {
			t.Errorf("%v, %v (%v)", teams, places, err)
		}
	})
}

// TestSteps: the steps of a run in its order, by outcome, and the last that ended.
func TestSteps(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB, l *lists.Store) {
		ctx, s := t.Context(), db.Tenant("mine")
		var entries []plan.Entry
		for i := range 9 {
			entries = append(entries, plan.Entry{Seq: i + 1, Verb: plan.Close, Reason: "gone", Group: rule.NewGroupKey("mine", "0")})
		}
		run, stored, err := s.BeginRun(ctx, plan.Run{Integration: 1, State: plan.Waiting, Digest: "d", Why: "many", StartedAt: noon(), Steps: 9}, entries)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 4, 9, 50} {
			var got []int
			for _, e := range walk(t, size, func(p lists.Page) ([]plan.Entry, lists.Cursor, error) { return l.Steps(ctx, run.ID, "", p) }) {
				got = append(got, e.Seq)
			}
			if !slices.Equal(got, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}) {
				t.Errorf("in pages of %d: %v", size, got)
			}
		}
		if latest, err := l.Latest(ctx, run.ID, 3); err != nil || len(latest) != 0 {
			t.Errorf("the last of what was not taken: %v (%v)", latest, err)
		}
		if err := s.RejectRun(audit.With(ctx, audit.Actor{Kind: audit.Person, Name: "engineer"}), run.ID, "engineer", "not now", noon()); err != nil {
			t.Fatal(err)
		}
		counts, err := l.Outcomes(ctx, run.ID)
		latest, bad := l.Latest(ctx, run.ID, 3)
		if err != nil || bad != nil || counts[plan.Skipped] != 9 || len(latest) != 3 || latest[0].Seq != 9 {
			t.Errorf("%v, %v (%v, %v)", counts, latest, err, bad)
		}
		now, err := l.Run(ctx, run.ID)
		if err != nil || !now.Rejected() || now.Rejection != "not now" {
			t.Errorf("%+v (%v)", now, err)
		}
		if last, err := s.LastHeld(ctx, 1); err != nil || last.ID != run.ID {
			t.Errorf("%+v (%v)", last, err)
		}
		if behind, err := l.Behind(ctx, rule.NewGroupKey("mine", "0"), stored[6].ID, 10); err != nil || len(behind) != 2 {
			t.Errorf("%v (%v)", behind, err)
		}
		for _, err := range []error{s.RejectRun(ctx, run.ID, "x", "y", noon()), db.Tenant("theirs").RejectRun(ctx, run.ID, "x", "y", noon())} {
			if !errors.Is(err, store.ErrNotWaiting) {
				t.Errorf("rejected again: %v", err)
			}
		}
		if _, err := lists.New(db.Base(), "theirs").Run(ctx, run.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another tenant's run: %v", err)
		}
	})
}
