package rulebook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule/rulebook"
)

// company is rules as a company has them: mostly by team, account and source, some
// by amount and text, so that nearly every finding goes past most of them.
func company(rules int) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for i := range rules {
		when := []string{
			`kind == "cost" && tag("team") == "team-%d"`,
			`account == "%012d" && severity >= HIGH`,
			`source == "source-%d" || (kind == "system" && region.startsWith("eu-"))`,
			`kind == "cost" && saves("50 USD") && service in ["service-%d", "other"]`,
			`kind == "custom" && title.matches("^Event %d")`,
		}[i%5]
		fmt.Fprintf(&b, "  - name: rule %d\n    when: '%s'\n    route: {project: 'acme/{{tag \"team\"}}'}\n", i, fmt.Sprintf(when, i))
	}
	return b.String()
}

// BenchmarkAssign is the time of 200 rules over 100,000 findings of which most
// match late or not at all: an iteration is all of them.
func BenchmarkAssign(b *testing.B) {
	const all = 100_000
	book := parse(b, company(200))
	findings := make([]*finding.Finding, 1000)
	for i := range findings {
		findings[i] = &finding.Finding{
			FindingKey: finding.NewKey(fmt.Sprint(i)), Kind: []finding.Kind{finding.Cost, finding.Cost, finding.Cost, finding.System, finding.Custom}[i%5],
			SourceSystem: fmt.Sprint("source ", i%7), Title: fmt.Sprintf("Event of sort %d", i), SubAccountID: fmt.Sprintf("%012d", i), RegionID: "us-east-1", SeverityID: finding.Severity(i % 7),
			ResourceID: fmt.Sprintf("vol-%017x", i), ServiceName: "Amazon Elastic Block Store", Tags: map[string]string{"team": fmt.Sprintf("team-%d", i), "env": "test"},
		}
		if findings[i].Kind == finding.Cost {
			findings[i].EstimatedMonthlySavings, findings[i].BillingCurrency = money.Known(decimal.New(int64(i), -1)), "USD"
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range all {
			book.Assign(findings[i%len(findings)])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/all, "µs/finding")
	b.ReportMetric(float64(b.N)*all/b.Elapsed().Seconds(), "findings/s")
}

// BenchmarkParse reads 200 rules.
func BenchmarkParse(b *testing.B) {
	text := []byte(company(200))
	for b.Loop() {
		if _, err := rulebook.Parse("rules.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}
