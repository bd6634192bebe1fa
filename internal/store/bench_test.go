package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// many is the size of what the benchmarks work on.
const many = 100_000

// sample is a finding of the size that clouds deliver.
func sample(i int) finding.Finding {
	return finding.Finding{
		FindingKey: finding.NewKey("bench", fmt.Sprint(i)), Kind: finding.Cost, SourceSystem: "aws.cost-optimization-hub", SourceInstance: "111122223333",
		SourceRuleID: "Upgrade", Title: fmt.Sprintf("Upgrade EBS volume vol-%017x from gp2 to gp3", i), SeverityID: finding.Medium, ActionType: "Upgrade",
		Description:  "The volume's type costs more than its successor and does not do more: over the last 14 days it used 3 % of its throughput.",
		ProviderName: "AWS", BillingAccountID: "111122223333", SubAccountID: fmt.Sprintf("4444555566%02d", i%50), RegionID: "eu-central-1", ServiceName: "Amazon EC2",
		ResourceID:   fmt.Sprintf("arn:aws:ec2:eu-central-1:4444555566%02d:volume/vol-%017x", i%50, i),
		ResourceType: "EbsVolume", ResourceAliases: []string{fmt.Sprintf("vol-%017x", i)}, Tags: map[string]string{"team": "storage", "env": "prod"},
		EstimatedMonthlySavings: money.Known(decimal.New(int64(i), -2)), BillingCurrency: "USD", ImplementationEffort: "Low", LookbackDays: 14,
		SourceUpdatedAt: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), Detection: finding.Present,
	}
}

func assign(f *finding.Finding) rule.Placed {
	a := rule.Set{}.Assign(f)[0]
	return rule.Placed{Finding: f, Group: a.Group, Rule: a.Rule, Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest(), Since: time.Now()}}
}

func loaded(b *testing.B) *store.Store {
	s := openAt(b, filepath.Join(b.TempDir(), "cxm.db")).Tenant("default")
	ingest(b, s, 0, many, nil)
	return s
}

// perSecond reports speed, and how long it took compared with decoding as many
// findings from JSON on the same machine at the same time.
func perSecond(b *testing.B, rows int) {
	elapsed := b.Elapsed().Seconds()
	b.ReportMetric(float64(rows)*float64(b.N)/elapsed, "rows/s")
	f := sample(1)
	text, err := json.Marshal(&f)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for range rows {
		var f finding.Finding
		if err := json.Unmarshal(text, &f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(elapsed/float64(b.N)/time.Since(began).Seconds(), "x-decoding")
}

func BenchmarkIngestNew(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := openAt(b, filepath.Join(b.TempDir(), "cxm.db")).Tenant("default")
		b.StartTimer()
		ingest(b, s, 0, many, nil)
	}
	perSecond(b, many)
}

func BenchmarkIngestUnchanged(b *testing.B) {
	s := loaded(b)
	b.ReportAllocs()
	for b.Loop() {
		ingest(b, s, 0, 0, nil)
	}
	perSecond(b, many)
}

func BenchmarkGroups(b *testing.B) {
	s := loaded(b)
	for _, all := range []bool{true, false} {
		b.Run(map[bool]string{true: "all", false: "dirty"}[all], func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := s.Groups(b.Context(), all, func(rule.Group, []issue.Tracked) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, n/b.N)
		})
	}
}

func BenchmarkSettle(b *testing.B) {
	s := loaded(b)
	versions := map[rule.GroupKey]int64{}
	for b.Loop() {
		b.StopTimer()
		var keys []rule.GroupKey
		if err := s.Groups(b.Context(), true, func(g rule.Group, _ []issue.Tracked) error {
			keys = append(keys, g.Key)
			versions[g.Key] = g.Version + 1
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		if err := s.Touch(b.Context(), keys); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := s.Settle(b.Context(), 0, versions); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, many)
}

// BenchmarkIntendRecord is what the journal costs per step with 16 steps in
// flight.
func BenchmarkIntendRecord(b *testing.B) {
	intendRecord(b, openAt(b, filepath.Join(b.TempDir(), "cxm.db")).Tenant("default"))
}

func intendRecord(b *testing.B, s *store.Store) {
	in, run := furnish(b, s)
	work := make(chan int)
	failed := make(chan error, 16)
	for range 16 {
		go func() {
			var err error
			for i := range work {
				if err == nil {
					err = step(b, s, in, run, i)
				}
			}
			failed <- err
		}()
	}
	i := 0
	for b.Loop() {
		work <- i
		i++
	}
	close(work)
	for range 16 {
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

func step(b *testing.B, s *store.Store, in, run int64, i int) error {
	e, t, err := s.Intend(b.Context(), plan.Entry{Run: run, Seq: i, Verb: plan.Create, Reason: "new", WroteAt: time.Now()},
		issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprint(i)})
	if err != nil {
		return err
	}
	e.Outcome, t.Phase = plan.Done, issue.Live
	t.Observed = issue.Observed{ProjectID: 1, IID: int64(i + 1), Title: "a title", State: issue.Opened, CreatedAt: time.Now()}
	return s.Record(b.Context(), e, t, 0)
}

func BenchmarkSummary(b *testing.B) {
	s := loaded(b)
	for b.Loop() {
		if _, err := s.Summary(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// onPostgreSQL is an empty store there.
func onPostgreSQL(b *testing.B) *store.Store {
	return openURL(b, store.Options{URL: postgres.Server(b).Database(b)}).Tenant("default")
}

// BenchmarkPostgreSQLIngestNew is a tenth of BenchmarkIngestNew: here every row is
// a journey to the server and back, several times.
func BenchmarkPostgreSQLIngestNew(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := onPostgreSQL(b)
		b.StartTimer()
		ingest(b, s, 0, many/10, nil)
	}
	perSecond(b, many/10)
}

func BenchmarkPostgreSQLIngestUnchanged(b *testing.B) {
	s := onPostgreSQL(b)
	ingest(b, s, 0, many/10, nil)
	for b.Loop() {
		ingest(b, s, 0, 0, nil)
	}
	perSecond(b, many/10)
}

func BenchmarkPostgreSQLIntendRecord(b *testing.B) { intendRecord(b, onPostgreSQL(b)) }
