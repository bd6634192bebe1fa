package rule_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// about is a member about a resource, with what it would save.
func about(system, resource, savings, currency string, aliases ...string) rule.Member {
	f := claim(finding.Cost, system, "r", resource, aliases...)
	f.SubAccountID = "123456789012"
	if savings != "" {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(decimal.RequireFromString(savings)), currency
	}
	return rule.Member{Finding: *f, Sighting: finding.Sighting{Detection: finding.Present}}
}

func gone(m rule.Member) rule.Member {
	m.Sighting.Detection = finding.Absent
	return m
}

func elsewhere(m rule.Member, account string) rule.Member {
	m.Finding.SubAccountID = account
	return m
}

// TestResources says what a group over several resources is worth.
func TestResources(t *testing.T) {
	const a, b = "vol-0f1e2d3c4b5a69788", "vol-0f1e2d3c4b5a69799"
	const arn = "arn:aws:ec2:eu-west-1:123456789012:volume/" + a
	const db = "arn:aws:rds:eu-west-1:123456789012:db:shop"
	cases := map[string]struct {
		members   []rule.Member
		resources int
		savings   string // "": unknown
		totals    string
		unknown   int
	}{
		"each resource counts":           {[]rule.Member{about("aws", a, "10", "USD"), about("aws", b, "30", "USD")}, 2, "40", "40.00 USD", 0},
		"each counts once, the largest":  {[]rule.Member{about("aws", arn, "10", "USD"), about("acme", a, "25", "USD"), about("aws", b, "30", "USD")}, 2, "55", "55.00 USD", 0},
		"what is not known is left open": {[]rule.Member{about("aws", a, "10", "USD"), about("aws", b, "", "")}, 2, "10", "10.00 USD", 1},
		"currencies are never added":     {[]rule.Member{about("aws", a, "10", "USD"), about("aws", b, "30", "EUR")}, 2, "", "30.00 EUR, 10.00 USD", 0},
		"nor compared within a resource": {[]rule.Member{about("aws", a, "10", "USD"), about("acme", a, "30", "EUR"), about("aws", b, "5", "USD")}, 2, "5", "5.00 USD", 1},
		"what is gone does not count":    {[]rule.Member{about("aws", a, "10", "USD"), gone(about("aws", b, "30", "USD"))}, 2, "10", "10.00 USD", 0},
		"all gone had promised":          {[]rule.Member{gone(about("aws", a, "10", "USD")), gone(about("aws", b, "30", "USD"))}, 2, "40", "40.00 USD", 0},
		"options without a resource":     {[]rule.Member{about("aws", "", "10", "USD"), about("aws", "", "30", "USD")}, 1, "30", "30.00 USD", 0},
		"a short name and its ARN":       {[]rule.Member{about("aws", db, "10", "USD", "shop"), about("acme", "shop", "30", "USD")}, 1, "30", "30.00 USD", 0},
		"the name of another account":    {[]rule.Member{about("aws", db, "10", "USD", "shop"), elsewhere(about("acme", "shop", "30", "USD"), "999988887777")}, 2, "40", "40.00 USD", 0},
		"a name that two resources have": {[]rule.Member{about("aws", db, "10", "USD", "shop"), about("aws", arn, "1", "USD", "shop"), about("acme", "shop", "30", "USD")}, 3, "41", "41.00 USD", 0},
	}
	for name, c := range cases {
		g := rule.Group{Members: c.members}
		amount, currency := g.Savings()
		got := ""
		if amount.Valid {
			got = amount.Decimal.String()
		}
		totals, unknown := g.Totals()
		if n := len(g.Resources()); n != c.resources || got != c.savings || amount.Valid != (currency != "") || totals.Show() != c.totals || unknown != c.unknown {
			t.Errorf("%s: %d resources, %q %s, totals %s, %d unknown", name, n, got, currency, totals.Show(), unknown)
		}
	}
}

// TestOneResourceAsEver: of one resource the largest claim counts, however its
// claims are spelled and ordered, and nothing is ever counted twice.
func TestOneResourceAsEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g rule.Group
		want := decimal.Zero
		for range rapid.IntRange(1, 6).Draw(t, "claims") {
			n := rapid.Int64Range(0, 1000).Draw(t, "saving")
			id := rapid.SampledFrom([]string{"vol-0f1e2d3c4b5a69788", "arn:aws:ec2:eu-west-1:123456789012:volume/vol-0f1e2d3c4b5a69788"}).Draw(t, "spelling")
			g.Members = append(g.Members, about("aws", id, decimal.NewFromInt(n).String(), "USD"))
			want = decimal.Max(want, decimal.NewFromInt(n))
		}
		if amount, _ := g.Savings(); !amount.Valid || !amount.Decimal.Equal(want) {
			t.Fatalf("%s, want %s", amount.Decimal, want)
		}
	})
}
