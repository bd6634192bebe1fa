package suggestions_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
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
	"cxm/internal/store/database"
	"cxm/internal/store/db"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
	"cxm/internal/store/suggestions"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC) }

// bed is a tenant's store with findings in one integration.
type bed struct {
	*testing.T
	db    *store.DB
	store *store.Store
	kept  *suggestions.Store
	in    int64
	run   int64
}

// onBoth runs a test on both databases, with two tenants.
func onBoth(t *testing.T, test func(mine, theirs *bed)) {
	run := func(t *testing.T, o store.Options) {
		d, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		test(newBed(t, d, "mine"), newBed(t, d, "theirs"))
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

func newBed(t *testing.T, d *store.DB, tenant string) *bed {
	b := &bed{T: t, db: d, store: d.Tenant(tenant), kept: suggestions.New(d.Base(), tenant)}
	in, err := b.store.AddIntegration(t.Context(), integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", CreatedAt: noon()},
		credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := b.store.BeginRun(t.Context(), plan.Run{Integration: in.ID, StartedAt: noon()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.in, b.run = in.ID, r.ID
	return b
}

// finds takes in findings about disks, all of one group for a team.
func (b *bed) finds(group string, savings ...string) rule.GroupKey {
	b.Helper()
	key := rule.NewGroupKey(group)
	p := finding.Pull{Source: "test", Scope: group, ReceivedAt: noon(), Complete: true}
	_, err := b.store.Ingest(b.Context(), p, func(door rule.Intake) (finding.Pull, error) {
		for i, each := range savings {
			f := finding.Finding{FindingKey: finding.NewKey("test", group, fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "test", Title: each, ResourceID: fmt.Sprint(group, i), Tags: map[string]string{"team": group}, Detection: finding.Present}
			if err := f.EstimatedMonthlySavings.UnmarshalText([]byte(each)); err != nil {
				return p, err
			}
			f.BillingCurrency = "USD"
			if err := door.Put(rule.Placed{Finding: &f, Group: key, Rule: "all", Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: noon()}}); err != nil {
				return p, err
			}
		}
		return p, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// issue makes the issue of a group in project 1, and lets people change it.
func (b *bed) issue(group rule.GroupKey, iid int64, people func(*issue.Observed)) issue.Tracked {
	b.Helper()
	d := issue.Desired{Group: group, Owner: "platform", Route: rule.Route{Project: 1}}
	t := issue.Intend(b.in, 1, fmt.Sprint(group), d, "")
	e, t, err := b.store.Intend(b.Context(), plan.Entry{Run: b.run, Verb: plan.Create, WroteAt: noon()}, t)
	if err != nil {
		b.Fatal(err)
	}
	o := issue.Observed{ID: 100 + iid, ProjectID: 1, IID: iid, State: issue.Opened, UpdatedAt: noon(), Assignees: []issue.Person{{ID: 5, Username: "lead"}}}
	t = t.Wrote(d, "", true, o)
	e.Outcome = plan.Done
	if err := b.store.Record(b.Context(), e, t, 0); err != nil {
		b.Fatal(err)
	}
	all, err := b.store.Issues(b.Context(), []int64{t.ID})
	if err != nil {
		b.Fatal(err)
	}
	t = all[t.ID]
	o.UpdatedAt = noon().Add(time.Duration(iid) * time.Minute)
	people(&o)
	if err := b.store.Observe(b.Context(), b.in, 1, []issue.Tracked{t.Seen(o)}, noon()); err != nil {
		b.Fatal(err)
	}
	return t
}

func (b *bed) judged(v issue.Verdict, most int) (out []string) {
	b.Helper()
	all, err := b.kept.Judged(b.Context(), v, most)
	if err != nil {
		b.Fatal(err)
	}
	for _, j := range all {
		out = append(out, fmt.Sprintf("#%d %s %s %v %d %s", j.Issue.Observed.IID, j.Lead.Tags["team"], j.Lead.Title, j.Issue.Reassigned(), j.Issue.Relocated(), j.Issue.Gave.Owner))
	}
	return out
}

// TestJudged: what people made of an issue is found again with the finding that
// leads its group, the latest first, and only by the tenant.
func TestJudged(t *testing.T) {
	onBoth(t, func(mine, theirs *bed) {
		mine.issue(mine.finds("one", "3", "7", "5"), 1, func(o *issue.Observed) { o.Assignees = []issue.Person{{ID: 7, Username: "who"}} })
		mine.issue(mine.finds("two", "4"), 2, func(o *issue.Observed) { o.ProjectID = 9 })
		mine.issue(mine.finds("three", "4"), 3, func(o *issue.Observed) { o.State = issue.Closed })
		mine.issue(mine.finds("four", "4"), 4, func(*issue.Observed) {})
		theirs.issue(theirs.finds("five", "4"), 5, func(o *issue.Observed) { o.ProjectID = 9 })
		mine.issue(rule.NewGroupKey("without findings"), 6, func(o *issue.Observed) { o.ProjectID = 9 })
		want := []string{"#2 two 4 [] 9 platform", "#1 one 7 [{7 who}] 0 platform"}
		if diff := cmp.Diff(want, mine.judged(issue.Corrected, 10)); diff != "" {
			mine.Errorf("corrected (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"#3 three 4 [] 0 platform"}, mine.judged(issue.Kept, 10)); diff != "" {
			mine.Errorf("kept (-want +got):\n%s", diff)
		}
		if got := mine.judged(issue.Corrected, 1); len(got) != 1 || got[0] != want[0] {
			mine.Errorf("at most one is %v", got)
		}
		if got := theirs.judged(issue.Corrected, 10); len(got) != 1 {
			mine.Errorf("the other tenant has %v", got)
		}
	})
}

// TestJudgedPages: more than a page come whole, each once, also where many are of
// the same moment.
func TestJudgedPages(t *testing.T) {
	onBoth(t, func(mine, _ *bed) {
		const many = 1100
		err := mine.db.Base().Write(mine.Context(), database.Change{Do: func(ctx context.Context, tx db.DBTX) error { return fill(ctx, tx, mine.in, many) }})
		if err != nil {
			mine.Fatal(err)
		}
		mine.finds("many", "1")
		for _, most := range []int{many + 5, 700, 500} {
			all, err := mine.kept.Judged(mine.Context(), issue.Corrected, most)
			if err != nil {
				mine.Fatal(err)
			}
			seen := map[int64]bool{}
			for i, j := range all {
				seen[j.Issue.ID] = true
				if i > 0 && j.At.After(all[i-1].At) {
					mine.Fatalf("%d is later than the one before", i)
				}
			}
			if len(seen) != len(all) || len(all) != min(most, many) {
				mine.Errorf("%d of %d, want %d", len(seen), len(all), min(most, many))
			}
		}
	})
}

// TestOldRows: an issue from before this was remembered speaks for no owner, and
// one that was moved for its project.
func TestOldRows(t *testing.T) {
	onBoth(t, func(mine, _ *bed) {
		old := mine.issue(mine.finds("one", "3"), 1, func(*issue.Observed) {})
		err := mine.db.Base().Write(mine.Context(), database.Change{Do: func(ctx context.Context, tx db.DBTX) error {
			_, err := tx.ExecContext(ctx, "update issues set gave = '{}' where id = $1", old.ID)
			return err
		}})
		if err != nil {
			mine.Fatal(err)
		}
		see := func(change func(*issue.Observed)) {
			all, err := mine.store.Issues(mine.Context(), []int64{old.ID})
			if err != nil {
				mine.Fatal(err)
			}
			o := all[old.ID].Observed
			change(&o)
			if err := mine.store.Observe(mine.Context(), mine.in, 1, []issue.Tracked{all[old.ID].Seen(o)}, noon()); err != nil {
				mine.Fatal(err)
			}
		}
		see(func(o *issue.Observed) { o.Assignees = []issue.Person{{ID: 9, Username: "who"}} })
		if got := mine.judged(issue.Corrected, 10); len(got) != 0 {
			mine.Errorf("an owner is learned from %v", got)
		}
		see(func(o *issue.Observed) { o.ProjectID = 4 })
		if got := mine.judged(issue.Corrected, 10); !slices.Equal(got, []string{"#1 one 3 [] 4 "}) {
			mine.Errorf("a project is learned from %v", got)
		}
	})
}

// TestNumbers: a suggestion keeps its number and what was said to it, also when
// many ask at once.
func TestNumbers(t *testing.T) {
	onBoth(t, func(mine, theirs *bed) {
		wanted := []suggestions.Suggestion{{Identity: "a", Says: "one"}, {Identity: "b", Says: "two"}}
		first, err := mine.kept.Number(mine.Context(), wanted)
		if err != nil || len(first) != 2 || first[0].Number != 1 || first[1].Number != 2 || first[1].Says != "two" {
			mine.Fatalf("%+v, %v", first, err)
		}
		said := suggestions.Suggestion{Number: 2, Identity: "b", Says: "two", Answer: suggestions.Dismissed, Seen: 3, Reason: "no", Author: "platform-admin", At: noon(), Revision: 4}
		if err := mine.kept.Say(mine.Context(), said); err != nil {
			mine.Fatal(err)
		}
		again, err := mine.kept.Number(mine.Context(), []suggestions.Suggestion{{Identity: "c"}, wanted[1]})
		if err != nil || len(again) != 2 || again[0].Number != 3 || cmp.Diff(said, again[1]) != "" {
			mine.Errorf("%+v, %v", again, err)
		}
		if err := theirs.kept.Say(mine.Context(), said); !errors.Is(err, db.ErrNotFound) {
			mine.Errorf("another tenant answers: %v", err)
		}
		if all, err := theirs.kept.All(mine.Context()); err != nil || len(all) != 0 {
			mine.Errorf("another tenant sees %v, %v", all, err)
		}
		var together sync.WaitGroup
		for i := range 8 {
			together.Go(func() {
				if _, err := mine.kept.Number(mine.Context(), []suggestions.Suggestion{{Identity: fmt.Sprint(i % 4)}}); err != nil {
					mine.Error(err)
				}
			})
		}
		together.Wait()
		all, err := mine.kept.All(mine.Context())
		if err != nil || len(all) != 7 || all[6].Number != 7 {
			mine.Errorf("%d are kept: %+v, %v", len(all), all, err)
		}
	})
}

// fill adds issues that people moved, many of them at the same moment.
func fill(ctx context.Context, tx db.DBTX, in int64, many int) error {
	for i := range many {
		_, err := db.New(tx).AddIssue(ctx, db.AddIssueParams{
			Tenant: "mine", IntegrationID: in, GroupKey: string(rule.NewGroupKey("many")), Nonce: fmt.Sprint(i), Phase: string(issue.Retired),
			ProjectID: 9, IID: int64(i + 1), State: string(issue.Opened), Observed: "{}", Written: "{}", Gave: "{}",
			Judged: string(issue.Corrected), JudgedAt: db.Time{Time: noon().Add(time.Duration(i/300) * time.Minute)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
