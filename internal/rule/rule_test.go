package rule_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
)

func claim(kind finding.Kind, system, ruleID, resource string, aliases ...string) *finding.Finding {
	return &finding.Finding{
		FindingKey: finding.NewKey(system, ruleID, resource), Kind: kind, SourceSystem: system, SourceRuleID: ruleID,
		ResourceID: resource, ResourceAliases: aliases,
	}
}

// TestAssign says which findings meet in one issue.
func TestAssign(t *testing.T) {
	const arn = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-0f1e2d3c4b5a69788"
	disk := claim(finding.Cost, "aws.cost-optimization-hub", "EbsVolume.Upgrade", arn)
	cases := map[string]struct {
		a, b *finding.Finding
		meet bool
	}{
		"two sources, one disk, two spellings": {disk, claim(finding.Cost, "acme", "idle", "vol-0f1e2d3c4b5a69788"), true},
		"an alias is enough":                   {disk, claim(finding.Cost, "acme", "idle", "disk-7", "vol-0f1e2d3c4b5a69788"), true},
		"two disks":                            {disk, claim(finding.Cost, "acme", "idle", "vol-0f1e2d3c4b5a69799"), false},
		"a saving and an alert":                {disk, claim(finding.System, "aws.cost-optimization-hub", "EbsVolume.Upgrade", arn), false},
		"two alerts about one instance":        {claim(finding.System, "am", "DiskFull", "db-1"), claim(finding.System, "am", "HighLoad", "db-1"), false},
		"one alert, seen twice":                {claim(finding.System, "am", "DiskFull", "db-1"), claim(finding.System, "am", "DiskFull", "db-1"), true},
		"no resource":                          {claim(finding.Custom, "ce", "a", ""), claim(finding.Custom, "ce", "b", ""), false},
	}
	for name, c := range cases {
		a, b := rule.Set{}.Assign(c.a)[0], rule.Set{}.Assign(c.b)[0]
		if (a.Group == b.Group) != c.meet || a.Reason == "" {
			t.Errorf("%s: %s (%s) and %s (%s)", name, a.Group, a.Reason, b.Group, b.Reason)
		}
		if _, err := rule.ParseGroupKey(string(a.Group)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func member(savings, currency string, severity finding.Severity, d finding.Detection) rule.Member {
	f := claim(finding.Cost, "acme", savings+currency, "vol-1")
	f.SeverityID = severity
	if savings != "" {
		f.EstimatedMonthlySavings, f.BillingCurrency = money.Known(decimal.RequireFromString(savings)), currency
	}
	return rule.Member{Finding: *f, Sighting: finding.Sighting{Detection: d}}
}

// TestGroup says what a group is worth and whether it is there.
func TestGroup(t *testing.T) {
	cases := map[string]struct {
		members   []rule.Member
		savings   string // "": unknown
		severity  finding.Severity
		detection finding.Detection
	}{
		"the largest claim counts once": {[]rule.Member{member("10", "USD", finding.Low, finding.Present), member("30", "USD", finding.High, finding.Present)}, "30", finding.High, finding.Present},
		"unknown is not zero":           {[]rule.Member{member("", "", finding.Low, finding.Present), member("0", "USD", finding.Low, finding.Present)}, "0", finding.Low, finding.Present},
		"currencies are never compared": {[]rule.Member{member("10", "USD", finding.Low, finding.Present), member("30", "EUR", finding.Low, finding.Present)}, "", finding.Low, finding.Present},
		"what is gone does not count":   {[]rule.Member{member("10", "USD", finding.Low, finding.Present), member("30", "USD", finding.High, finding.Absent)}, "10", finding.Low, finding.Present},
		"what is gone had promised":     {[]rule.Member{member("30", "USD", finding.High, finding.Absent)}, "30", finding.High, finding.Absent},
		"a failed scan is not gone":     {[]rule.Member{member("30", "USD", finding.High, finding.Absent), member("1", "USD", finding.Low, finding.Unknown)}, "30", finding.High, finding.Unknown},
	}
	for name, c := range cases {
		g := rule.Group{Members: c.members}
		amount, _ := g.Savings()
		got := ""
		if amount.Valid {
			got = amount.Decimal.String()
		}
		if got != c.savings || g.Severity() != c.severity || g.Detection() != c.detection {
			t.Errorf("%s: %q, %s, %s", name, got, g.Severity(), g.Detection())
		}
	}
	g := rule.Group{Members: cases["what is gone does not count"].members}
	if lead := g.Lead(); lead.Sighting.Detection != finding.Present || len(g.Present()) != 1 {
		t.Errorf("the lead is %+v", lead)
	}
}
