package issue_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// disk is one claim about a disk, every field of it set.
func disk(key string) rule.Member {
	yes, no := true, false
	return rule.Member{
		Sighting: finding.Sighting{Detection: finding.Present, Since: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)},
		Finding: finding.Finding{
			FindingKey: finding.NewKey("test", key), Kind: finding.Cost, SourceSystem: "aws.cost-optimization-hub", SourceInstance: "999988887777",
			SourceFindingID: "a", SourceRuleID: "EbsVolume.Upgrade", SourceURL: "https://console.aws.amazon.com/x", FindingClass: finding.CostOptimization,
			Title:       "Upgrade EBS volume vol-0123456789abcdef0 from gp2 to gp3 and save 43.08 USD",
			Description: "It read 23.28% (1.2e+06 bytes, 12GiB in 1h2m) on 2026-01-02T03:04:05Z, seen 1,204 times.", Remediation: "Run modify-volume.",
			References: []string{"https://example.com/graph?from=1767225600000&to=now", "https://docs.example.com/gp3"}, SeverityID: finding.Low, ActionType: "Upgrade",
			ProviderName: "AWS", BillingAccountID: "999988887777", SubAccountID: "123456789012", SubAccountName: "acme-shop", RegionID: "us-east-1", AvailabilityZone: "us-east-1a",
			ServiceName: "Amazon Elastic Compute Cloud", ResourceID: "vol-0123456789abcdef0", ResourceName: "data", ResourceType: "EbsVolume",
			ResourceAliases: []string{"vol"}, Tags: map[string]string{"team": "payments", "env": "prod"},
			EstimatedMonthlySavings: money.Known(decimal.RequireFromString("43.08")), EstimatedMonthlySavingsAlt: money.Known(decimal.RequireFromString("50")),
			EstimatedMonthlyCost: money.Known(decimal.RequireFromString("215.4")), SavingsBasis: "AfterDiscounts", BillingCurrency: "USD", CurrencyAssumed: true,
			SourceAmount: &finding.SourceAmount{Value: "43.08", Unit: "per month"}, ImplementationEffort: "Low", RestartNeeded: &no, RollbackPossible: &yes, LookbackDays: 14,
			SourceUpdatedAt: time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC), FirstObservedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), LastObservedAt: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
			Detection: finding.Present,
		},
	}
}

func group(members ...rule.Member) rule.Group {
	return rule.Group{Key: rule.NewGroupKey("test"), Members: members}
}

// quietFields are those a person would not act on: they change without an edit
// of the issue. Currency and amounts are Significant's to judge, and with a
// known amount so is the severity.
func quietFields() []string {
	return []string{
		"SourceFindingID", "SourceURL", "SourceInstance", "FindingClass", "ResourceAliases", "EstimatedMonthlySavings", "EstimatedMonthlySavingsAlt", "EstimatedMonthlyCost",
		"SavingsBasis", "BillingCurrency", "CurrencyAssumed", "SourceAmount", "SeverityID", "LookbackDays", "SourceUpdatedAt", "FirstObservedAt", "LastObservedAt", "Detection", "FormerKeys",
	}
}

// TestDigestByField changes each field of a finding in turn, by reflection, so
// that a field added later has to be decided upon here.
func TestDigestByField(t *testing.T) {
	was := issue.Render(group(disk("a"))).Digest
	for i := range reflect.TypeFor[finding.Finding]().NumField() {
		m := disk("a")
		name := reflect.TypeFor[finding.Finding]().Field(i).Name
		alter(t, name, reflect.ValueOf(&m.Finding).Elem().Field(i))
		changed := issue.Render(group(m)).Digest != was
		if quiet := slices.Contains(quietFields(), name); changed == quiet {
			t.Errorf("another %s: the digest changed: %v, want %v", name, changed, !quiet)
		}
	}
}

// TestDigestOfSeverity: where no amount is known, the severity is a fact.
func TestDigestOfSeverity(t *testing.T) {
	low, high := disk("a"), disk("a")
	low.Finding.EstimatedMonthlySavings, high.Finding.EstimatedMonthlySavings = money.Unknown(), money.Unknown()
	high.Finding.SeverityID = finding.High
	if issue.Render(group(low)).Digest == issue.Render(group(high)).Digest {
		t.Error("another severity changes nothing")
	}
}

// alter gives a field another value.
func alter(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch value := v.Addr().Interface().(type) {
	case *[]string:
		*value = append(*value, "https://other.example.com/")
	case *map[string]string:
		*value = map[string]string{"team": "shipping", "env": "prod"}
	case *decimal.NullDecimal:
		*value = money.Known(value.Decimal.Add(decimal.NewFromInt(1)))
	case **finding.SourceAmount:
		*value = nil
	case **bool:
		*value = nil
	case *time.Time:
		*value = value.Add(time.Hour)
	case *[]finding.Key:
		*value = append(*value, finding.NewKey("older"))
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString("other" + v.String())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Bool:
			v.SetBool(!v.Bool())
		default:
			t.Fatalf("field %s of type %s: say here how to change it", name, v.Type())
		}
	}
}

func TestDigestOfTexts(t *testing.T) {
	for name, c := range map[string]struct {
		was, is string
		same    bool
	}{
		"measured value":         {"high memory usage with 23.28%", "high memory usage with 7%", true},
		"value in words":         {"VALUE = 93", "VALUE = 1204.5", true},
		"exponent":               {"at 999999", "at 1.2e+06", true},
		"thousands":              {"at 999.5 ms", "at 1,204.25 ms", true},
		"sign":                   {"at -3", "at 4", true},
		"not a number":           {"at 4", "at NaN", true},
		"infinite":               {"at +Inf", "at 4", true},
		"unit":                   {"used 12GiB for 5m", "used 9.5GiB for 1h2m3s", true},
		"moment":                 {"since 2026-01-02T03:04:05.678Z", "since 2026-11-12T13:14:15.1Z", true},
		"share":                  {"3/5 ready", "4/5 ready", true},
		"assigned":               {"cpu=93%,mem=2", "cpu=9%,mem=20", true},
		"version in a name":      {"move to gp3", "move to gp2", false},
		"instance type":          {"use m5.2xlarge", "use m5.4xlarge", false},
		"id":                     {"vol-0123 is idle", "vol-0124 is idle", false},
		"numbered name":          {"web-1 is down", "web-2 is down", false},
		"region":                 {"in us-east-1", "in us-east-2", false},
		"hexadecimal":            {"commit 0a1b2c", "commit 0a1b2d", false},
		"word":                   {"is down", "is up", false},
		"one more word":          {"is down", "is down now", false},
		"unit of another kind":   {"used 12 GiB", "used 12 MiB", false},
		"a number more":          {"used 12", "used 12 13", false},
		"word beside the number": {"12 pods wait", "12 nodes wait", false},
	} {
		for field, set := range map[string]func(*finding.Finding, string){
			"title":       func(f *finding.Finding, text string) { f.Title = text },
			"description": func(f *finding.Finding, text string) { f.Description = text },
		} {
			was, is := disk("a"), disk("a")
			set(&was.Finding, c.was)
			set(&is.Finding, c.is)
			if same := issue.Render(group(was)).Digest == issue.Render(group(is)).Digest; same != c.same {
				t.Errorf("%s: %s %q and %q: the same %v, want %v", name, field, c.was, c.is, same, c.same)
			}
		}
	}
}

// TestThirtyDailyScans is G6: what a source measures anew every day is no
// reason to edit an issue.
func TestThirtyDailyScans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := group(disk("a"), disk("b"))
		was := issue.Render(first)
		for day := range 30 {
			g := group(disk("a"), disk("b"))
			for i := range g.Members {
				jitter(t, &g.Members[i], day)
			}
			if rapid.Bool().Draw(t, "other order") {
				slices.Reverse(g.Members)
			}
			if is := issue.Render(g); is.Digest != was.Digest {
				t.Fatalf("day %d: the digest changed between\n%s\nand\n%s", day, was.Body, is.Body)
			}
		}
	})
}

func jitter(t *rapid.T, m *rule.Member, day int) {
	f := &m.Finding
	number := func(name string) string {
		return decimal.New(rapid.Int64Range(0, 1e9).Draw(t, name), int32(-rapid.IntRange(0, 4).Draw(t, name+" scale"))).String()
	}
	f.EstimatedMonthlySavings = money.Known(decimal.RequireFromString(number("savings")))
	f.EstimatedMonthlyCost = money.Known(decimal.RequireFromString(number("cost")))
	f.SourceFindingID, f.SourceURL = number("id"), "https://console.aws.amazon.com/x?id="+number("id")
	f.Title = strings.Replace(f.Title, "43.08", number("title"), 1)
	f.Description = strings.NewReplacer("23.28", number("percent"), "1,204", number("times"), "12GiB", number("size")+"MiB", "2026-01-02", fmt.Sprintf("2026-01-%02d", day+1)).Replace(f.Description)
	f.References[0] = fmt.Sprintf("https://example.com/graph?from=%d&to=now", time.Date(2026, 1, day+1, 0, 0, 0, 0, time.UTC).UnixMilli())
	f.LookbackDays = day
	f.SourceUpdatedAt = f.SourceUpdatedAt.AddDate(0, 0, day)
	f.LastObservedAt = f.LastObservedAt.AddDate(0, 0, day)
	if rapid.IntRange(0, 9).Draw(t, "failed scan") == 0 {
		m.Sighting = finding.Sighting{Detection: finding.Unknown, Since: f.LastObservedAt}
	}
}

func TestDigestOfGroups(t *testing.T) {
	gone := func(m rule.Member) rule.Member {
		m.Sighting.Detection = finding.Absent
		return m
	}
	digest := func(members ...rule.Member) finding.Digest { return issue.Render(group(members...)).Digest }
	one := digest(disk("a"))
	if digest(disk("a"), gone(disk("b"))) != one {
		t.Error("a claim that is gone counts")
	}
	if digest(disk("a"), disk("b")) == one {
		t.Error("a second claim changes nothing")
	}
	if digest(gone(disk("a"))) == one {
		t.Error("being gone changes nothing")
	}
}

func TestSignificant(t *testing.T) {
	amount := func(text string) decimal.NullDecimal {
		if text == "" {
			return money.Unknown()
		}
		return money.Known(decimal.RequireFromString(text))
	}
	for name, c := range map[string]struct {
		was, is, wasCurrency, isCurrency string
		want                             bool
		reason                           string
	}{
		"both unknown":         {"", "", "", "", false, "the saving is still not known"},
		"known now":            {"", "0", "", "USD", true, "the saving is known now: 0.00 USD a month"},
		"not known any more":   {"43.08", "", "USD", "", true, "the saving is not known any more"},
		"other currency":       {"43.08", "43.08", "USD", "EUR", true, "the currency changed from USD to EUR"},
		"the same":             {"43.08", "43.080", "USD", "USD", false, "the saving is the same"},
		"both reached exactly": {"10", "11", "USD", "USD", true, "the saving changed from 10.00 USD to 11.00 USD a month"},
		"falls":                {"10", "9", "USD", "USD", true, "the saving changed from 10.00 USD to 9.00 USD a month"},
		"share not reached":    {"1000", "1099.99", "USD", "USD", false, "the saving moved too little to say so: from 1,000.00 USD to 1,099.99 USD a month"},
		"amount not reached":   {"0.10", "1.09", "USD", "USD", false, "the saving moved too little to say so: from 0.10 USD to 1.09 USD a month"},
		"from zero":            {"0", "1", "USD", "USD", true, "the saving changed from 0.00 USD to 1.00 USD a month"},
		"from zero, little":    {"0", "0.99", "USD", "USD", false, "the saving moved too little to say so: from 0.00 USD to 0.99 USD a month"},
		"to zero":              {"43.08", "0", "USD", "USD", true, "the saving changed from 43.08 USD to 0.00 USD a month"},
	} {
		got, reason := issue.Significant(amount(c.was), amount(c.is), c.wasCurrency, c.isCurrency, issue.DefaultThresholds())
		if got != c.want || reason != c.reason {
			t.Errorf("%s: %v, %q; want %v, %q", name, got, reason, c.want, c.reason)
		}
	}
}
