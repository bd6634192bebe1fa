package condition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

func language(t testing.TB) *Language {
	t.Helper()
	l, err := NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// disk is a finding of most kinds of facts.
func disk() *finding.Finding {
	return &finding.Finding{
		FindingKey: finding.NewKey("disk"), Kind: finding.Cost, SourceSystem: "aws.cost-optimization-hub", SourceRuleID: "EbsVolume.Upgrade",
		Title: "Upgrade a volume", SeverityID: finding.Medium, SubAccountID: "123456789012", RegionID: "us-east-1", ResourceID: "vol-0f1e2d3c4b5a69788",
		ResourceAliases: []string{"data-1", "data-2"}, Tags: map[string]string{"team": "payments", "env": "test"},
		EstimatedMonthlySavings: money.Known(decimal.RequireFromString("12.40")), BillingCurrency: "USD", LookbackDays: 14,
	}
}

// TestMatches says what is true, and why what is not is not.
func TestMatches(t *testing.T) {
	for text, why := range map[string]string{ // no reason: it matches
		`true`: "", `false`: `false is false`,
		`kind == "cost"`:                          "",
		`Kind == "cost"`:                          "",
		`region.startsWith("eu-")`:                `region.startsWith("eu-") is false: region is "us-east-1"`,
		`severity >= MEDIUM`:                      "",
		`severity >= HIGH`:                        `severity >= HIGH is false: severity is MEDIUM`,
		`saves("12.40 USD")`:                      "",
		`saves("12.4000001 USD")`:                 `saves("12.4000001 USD") is false: savings is 12.40 USD`,
		`saves("1 EUR")`:                          `saves("1 EUR") is false: savings is 12.40 USD`,
		`costs("1 USD")`:                          `costs("1 USD") is false: cost is not known`,
		`!costs("1 USD")`:                         "",
		`!savings_known`:                          `savings_known is true`,
		`tag("team") == "payments"`:               "",
		`tag("owner") == ""`:                      "",
		`tag("team") == "shop"`:                   `tag("team") == "shop" is false: tag("team") is "payments"`,
		`tags["owner"] == "x"`:                    `tags["owner"] == "x" could not be evaluated, there is no "owner": use tag("owner"), which is empty then, or "owner" in tags: tags is ["env=test" "team=payments"]`,
		`tags["owner"] == "x" || severity == LOW`: `tags["owner"] == "x" could not be evaluated, there is no "owner": use tag("owner"), which is empty then, or "owner" in tags: tags is ["env=test" "team=payments"]; severity == LOW is false: severity is MEDIUM`,
		`tags["owner"] == "x" || kind == "cost"`:  "",
		`"team" in tags`:                          "",
		`"data-2" in aliases`:                     "",
		`aliases.exists(a, a.startsWith("db-"))`:  `aliases.exists(a, a.startsWith("db-")) is false: aliases is ["data-1" "data-2"]`,
		`lower(title).contains("VOLUME")`:         `lower(title).contains("VOLUME") is false: title is "Upgrade a volume"`,
		`title.matches("^Upgrade")`:               "",
		`lookback_days >= 14`:                     "",
		`kind == "cost" && region == "eu-west-1" && severity == LOW`: `region == "eu-west-1" is false: region is "us-east-1"`,
		`kind == "system" || (kind == "cost" && saves("50 USD"))`:    `kind == "system" is false: kind is "cost"; saves("50 USD") is false: savings is 12.40 USD`,
		`!(kind == "cost" || kind == "custom")`:                      `kind == "cost" is true: kind is "cost"`,
		`!(kind == "cost" && saves("1 USD"))`:                        `kind == "cost" is true: kind is "cost"; saves("1 USD") is true: savings is 12.40 USD`,
		`region in ["eu-west-1", "eu-central-1"]`:                    `region in ["eu-west-1", "eu-central-1"] is false: region is "us-east-1"`,
		`tag("env") != "test"`:                                       `tag("env") != "test" is false: tag("env") is "test"`,
		`savings_known ? saves("50 USD") : true`:                     `savings_known ? (saves("50 USD")) : true is false: savings_known is true, savings is 12.40 USD`,
		`1 / (lookback_days - 14) > 0`:                               `1 / (lookback_days - 14) > 0 could not be evaluated, division by zero: lookback_days is 14`,
		`account == "123456789012" && resource != "" && zone == ""`:  "",
	} {
		c, faults := language(t).Compile(text)
		if c == nil {
			t.Errorf("%s: %v", text, faults)
			continue
		}
		s := language(t).Subject().About(disk())
		yes, err := c.Matches(s)
		if yes != (why == "") || yes && err != nil {
			t.Errorf("%s matches %t, %v", text, yes, err)
		}
		if got := Explanation(c.Explain(s)); got != why {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, why)
		}
	}
}

// TestFaults says what does not compile, where, and how to mend it.
func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		`kind = "cost"`:                           `5: token recognition`,
		`kind`:                                    `0: is text, not true or false: compare`,
		`savings >= 50.0`:                         `0: undeclared reference to 'savings': compare an exact amount: saves("50 USD")`,
		`regoin == "x"`:                           `0: undeclared reference to 'regoin': did you mean region?`,
		`severity >= "HIGH"`:                      `9: found no matching overload for '_>=_' applied to '(int, string)': compare like with like`,
		`saves("50")`:                             `6: "50" is not an amount: write it like 10 USD`,
		`saves("50 XYZ")`:                         `"XYZ" is not a currency`,
		`saves("-1 USD")`:                         `"-1 USD" is below zero: write zero or more`,
		`saves(50)`:                               `an amount is text with its currency`,
		`saves(title)`:                            `an amount is text with its currency`,
		`tag(5) == "x"`:                           `found no matching overload for 'tag' applied to '(int)'`,
		`title.matches("(")`:                      `invalid matches argument`,
		`kind == "cost" &&`:                       `17: mismatched input '<EOF>'`,
		"kind == \"cost\" &&\n  regin == \"x\"":   `20: undeclared reference to 'regin': did you mean region?`,
		`aliases.all(a, aliases.all(b, a == b))`:  `nesting`,
		`now > timestamp("2026-01-01T00:00:00Z")`: `conditions have no clock`,
		strings.Repeat("(", 300) + "true":         ``,
		`"` + strings.Repeat("a", maxSize) + `" == kind`: `size`,
		``: ``,
	} {
		c, faults := language(t).Compile(text)
		if c != nil || len(faults) == 0 {
			t.Errorf("%.60s compiles", text)
			continue
		}
		got := fmt.Sprintf("%d: %s: %s", faults[0].Offset, faults[0].Message, faults[0].Mend)
		if !strings.Contains(got, want) || strings.Contains(got, "@") {
			t.Errorf("%.60s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// TestCostLimit: what goes over lists ends.
func TestCostLimit(t *testing.T) {
	l := language(t)
	c, faults := l.Compile(`aliases.all(a, aliases.size() > 0 && title.matches("(a+)+x") == false && description.contains(a) == false)`)
	if c == nil {
		t.Fatal(faults)
	}
	f := disk()
	f.Description = strings.Repeat("x", 1<<20)
	f.ResourceAliases = make([]string, 10_000)
	for i := range f.ResourceAliases {
		f.ResourceAliases[i] = fmt.Sprint("a", i)
	}
	s := l.Subject().About(f)
	yes, err := c.Matches(s)
	if yes || err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%t, %v", yes, err)
	}
	if got := Explanation(c.Explain(s)); !strings.Contains(got, "too long") {
		t.Error(got)
	}
}

func BenchmarkMatches(b *testing.B) {
	l := language(b)
	for _, text := range []string{
		`kind == "system"`, `kind == "cost" && tag("team") == "payments" && saves("50 USD")`, `severity >= HIGH && region.startsWith("eu-")`,
		`region in ["eu-west-1", "eu-central-1"]`, `aliases.exists(a, a == "x")`, `saves("50 USD")`,
	} {
		b.Run(text, func(b *testing.B) {
			c, _ := l.Compile(text)
			s := l.Subject().About(disk())
			b.ReportAllocs()
			for b.Loop() {
				c.Matches(s)
			}
		})
	}
}
