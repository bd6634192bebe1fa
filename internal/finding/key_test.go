package finding

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// full is a finding with every field set.
func full() *Finding {
	yes, no := true, false
	return &Finding{
		FindingKey: NewKey("coh", "111122223333", "vol-1", "EbsVolume"), Kind: Cost, SourceSystem: "aws.cost-optimization-hub", SourceInstance: "999988887777",
		FormerKeys: []Key{NewKey("coh", "vol-1")}, SourceFindingID: "id", SourceRuleID: "EbsVolume.Upgrade", SourceURL: "https://example.com/1", FindingClass: CostOptimization,
		Title: "Upgrade", Description: "Why", Remediation: "How", References: []string{"https://example.com/a", "https://example.com/b"}, SeverityID: Medium, ActionType: "Upgrade",
		ProviderName: "AWS", BillingAccountID: "999988887777", SubAccountID: "111122223333", SubAccountName: "shop", RegionID: "us-east-1", AvailabilityZone: "us-east-1a",
		ServiceName: "Amazon Elastic Compute Cloud", ResourceID: "vol-1", ResourceName: "data", ResourceType: "EbsVolume", ResourceAliases: []string{"a", "b"},
		Tags: map[string]string{"team": "shop", "env": "prod"}, EstimatedMonthlySavings: known("0.64"), EstimatedMonthlySavingsAlt: known("0.80"), EstimatedMonthlyCost: known("2.56"),
		SavingsBasis: "AfterDiscounts", BillingCurrency: "USD", CurrencyAssumed: true, SourceAmount: &SourceAmount{"0.64", "per month"},
		ImplementationEffort: "Low", RestartNeeded: &yes, RollbackPossible: &no, LookbackDays: 14,
		SourceUpdatedAt: at(1), FirstObservedAt: at(2), LastObservedAt: at(3), Detection: Present,
	}
}

func known(text string) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(text))
}

func at(day int) time.Time { return time.Date(2026, 3, day, 6, 0, 0, 0, time.UTC) }

// TestKeyIsForEver: these keys stand in databases, so they may never change.
func TestKeyIsForEver(t *testing.T) {
	for want, parts := range map[Key][]string{
		"v1:3d14ad8d38c9db251726011f058f3dfb0c4a3c5d3a8e993e3f53fed69803da2a": {"coh", "111122223333", "arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1b2c3d4e5f60718", "EbsVolume"},
		"v1:8fc1cee4a5936a51b78d151e87f453d615c33389d4357041f99e6230a850abfa": {"am", "https://alerts.example.com", "88cbf0084cf27726"},
		"v1:403ca583193f758228a204b63268f0b820af8c2d41792e7af8e4945fe03b8bbb": {"ce", "/scanner", "com.example.finding.v1", "disk-1"},
		"v1:2af127fdc7ce886117535bd9a42d3f361e57eaa3a4971c5e5466425736525cf5": {"größe", " \t"},
	} {
		if got := NewKey(parts...); got != want {
			t.Errorf("NewKey(%q) = %s, was always %s", parts, got, want)
		}
	}
}

func TestKeyForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := NewKey(rapid.SliceOf(rapid.String()).Draw(t, "parts")...)
		if parsed, err := ParseKey(string(key)); parsed != key || err != nil {
			t.Fatalf("ParseKey(%q) = %q, %v", key, parsed, err)
		}
		if len(key.Short()) != 8 || !strings.HasPrefix(string(key)[3:], key.Short()) {
			t.Fatalf("%q is short for %q", key.Short(), key)
		}
	})
}

// TestKeyTellsApart: other parts, another order or another division of the same
// text is another claim.
func TestKeyTellsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-z:/ ]{0,4}`)
		one, two := rapid.SliceOfN(part, 1, 4).Draw(t, "one"), rapid.SliceOfN(part, 1, 4).Draw(t, "two")
		if got, want := NewKey(one...) == NewKey(two...), slices.Equal(one, two); got != want {
			t.Fatalf("%q and %q: same key %t", one, two, got)
		}
	})
	if NewKey("a\x1fb") == NewKey("a", "b") {
		t.Error("a part that holds the separator counts as two")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	good := string(NewKey("a"))
	for _, text := range []string{"", "v1:", good[3:], "v2:" + good[3:], good + "0", good[:len(good)-1], strings.ToUpper(good), good[:10] + "g" + good[11:], good[:10] + "Ä" + good[12:], " " + good, good + "\n"} {
		if key, err := ParseKey(text); err == nil {
			t.Errorf("ParseKey(%q) = %q", text, key)
		}
	}
	for _, key := range []Key{"", "v", "v1:", "v1:ab", "abcdef"} {
		_ = key.Short() // does not panic
	}
}

// meaningless are the fields that may change without anything to do.
var meaningless = []string{"SourceFindingID", "SourceUpdatedAt", "LastObservedAt", "LookbackDays", "SourceAmount", "FormerKeys"}

// TestDigestSeesEveryField changes one field after the other.
func TestDigestSeesEveryField(t *testing.T) {
	base := full().Digest()
	fields := reflect.TypeFor[Finding]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		for _, change := range []func(reflect.Value){alter, clearValue} {
			f := full()
			value := reflect.ValueOf(f).Elem().Field(i)
			if value.IsZero() {
				t.Fatalf("full leaves %s empty, so the test sees nothing of it", name)
			}
			change(value)
			if reflect.DeepEqual(f, full()) {
				t.Fatalf("the test did not change %s", name)
			}
			if changed := f.Digest() != base; changed == slices.Contains(meaningless, name) {
				t.Errorf("a change of %s changes the digest: %t", name, changed)
			}
		}
	}
}

func clearValue(v reflect.Value) { v.SetZero() }

// alter gives a field another value of its type.
func alter(v reflect.Value) {
	switch value := v.Addr().Interface().(type) {
	case *decimal.NullDecimal:
		value.Decimal = value.Decimal.Add(decimal.New(1, -12))
	case *time.Time:
		*value = value.Add(time.Nanosecond)
	case **bool:
		*value = new(!**value)
	case *[]string:
		*value = append(*value, "c")
	case *[]Key:
		*value = append(*value, NewKey("older"))
	case *map[string]string:
		*value = map[string]string{"team": "shop", "env": "test"}
	case **SourceAmount:
		*value = &SourceAmount{"0.640", "per month"}
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		default:
			v.SetInt(v.Int() + 1)
		}
	}
}

// TestDigestMovesBetweenFields: the same text in a neighbouring field, or
// divided otherwise, says something else.
func TestDigestMovesBetweenFields(t *testing.T) {
	seen := make(map[Digest]string)
	for name, f := range map[string]Finding{
		"title": {Title: "ab"}, "description": {Description: "ab"}, "both": {Title: "a", Description: "b"}, "reference": {References: []string{"ab"}},
		"references": {References: []string{"a", "b"}}, "alias": {ResourceAliases: []string{"ab"}}, "tag": {Tags: map[string]string{"a": "b"}}, "tag name": {Tags: map[string]string{"ab": ""}},
		"savings": {EstimatedMonthlySavings: known("0")}, "other savings": {EstimatedMonthlySavingsAlt: known("0")}, "unknown": {},
		"restart": {RestartNeeded: new(false)}, "rollback": {RollbackPossible: new(false)},
	} {
		digest := f.Digest()
		if other, twice := seen[digest]; twice {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[digest] = name
	}
}

// TestDigestOfAmounts: the short way to write an amount is the long way's text,
// whatever the amount; these digests stand in databases.
func TestDigestOfAmounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(t, "digits"), rapid.Int32Range(-22, 3).Draw(t, "exponent"))
		if rapid.Bool().Draw(t, "small") {
			d = decimal.New(rapid.Int64Range(-1, 10_000).Draw(t, "few"), rapid.Int32Range(-5, 1).Draw(t, "scale"))
		}
		var short, long digester
		short.amount(d)
		long.text(d.String())
		if string(short.buf) != string(long.buf) {
			t.Fatalf("%s is written %q", d, short.buf)
		}
	})
}

// TestDigestIsForEver: another digest of the same words would make every stored
// finding look changed after an upgrade.
func TestDigestIsForEver(t *testing.T) {
	if got, want := full().Digest().String(), "f025f5282055b37172826a6d6611bab8"; got != want {
		t.Errorf("the digest is %s, was always %s", got, want)
	}
}

// TestDigestIsCanonical: a thousand ways to put the same finding together, one
// hash.
func TestDigestIsCanonical(t *testing.T) {
	want := full().Digest()
	aliases := []string{"vol-1", "data", "//ec2/vol-1", "arn:aws:ec2:us-east-1:111122223333:volume/vol-1"}
	sorted := full()
	sorted.ResourceAliases = Aliases("x", aliases...)
	wantSorted := sorted.Digest()
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		f := full()
		f.Tags = make(map[string]string)
		names := slices.Collect(maps.Keys(full().Tags))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			f.Tags[name] = full().Tags[name]
		}
		f.EstimatedMonthlySavings = known([]string{"0.64", "0.640", "6.4e-1", "64E-2", "+0.6400"}[r.IntN(5)])
		f.FirstObservedAt = f.FirstObservedAt.In(time.FixedZone("", r.IntN(20)*1800))
		f.LookbackDays, f.SourceFindingID, f.LastObservedAt = r.IntN(90), strings.Repeat("x", r.IntN(9)), at(1+r.IntN(20))
		if got := f.Digest(); got != want {
			t.Fatalf("%+v has digest %s, not %s", f, got, want)
		}
		r.Shuffle(len(aliases), func(i, j int) { aliases[i], aliases[j] = aliases[j], aliases[i] })
		f.ResourceAliases = Aliases("x", aliases...)
		if got := f.Digest(); got != wantSorted {
			t.Fatalf("aliases %v change the digest", f.ResourceAliases)
		}
	}
}

// TestDigestSurvivesJSON: what was written and read again is the same claim.
func TestDigestSurvivesJSON(t *testing.T) {
	for _, f := range []*Finding{full(), {}, {Title: "a", EstimatedMonthlySavings: known("0.10000000000000000000000000001")}} {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var again Finding
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if again.Digest() != f.Digest() {
			t.Errorf("%s is another finding than %+v", text, f)
		}
	}
}

func TestParseDigest(t *testing.T) {
	digest := full().Digest()
	if got, err := ParseDigest(digest.String()); got != digest || err != nil {
		t.Errorf("ParseDigest(%q) = %v, %v", digest.String(), got, err)
	}
	text := digest.String()
	for _, wrong := range []string{"", text[1:], text + "00", "g" + text[1:], text[:30]} {
		if _, err := ParseDigest(wrong); err == nil {
			t.Errorf("ParseDigest(%q) is no error", wrong)
		}
	}
}

// TestNamesInJSON: the names of the normalised model, which others write.
func TestNamesInJSON(t *testing.T) {
	text, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]any
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`ActionType AvailabilityZone BillingAccountId BillingCurrency CurrencyAssumed Description Detection EstimatedMonthlyCost
		EstimatedMonthlySavings EstimatedMonthlySavingsAlt FindingClass FindingKey FirstObservedAt ImplementationEffort Kind LastObservedAt LookbackDays ProviderName References
		RegionId Remediation ResourceAliases ResourceId ResourceName ResourceType RestartNeeded RollbackPossible SavingsBasis ServiceName SeverityId SourceAmount SourceFindingId
		SourceInstance SourceRuleId SourceSystem SourceUpdatedAt SourceUrl SubAccountId SubAccountName Tags Title`)
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if names["EstimatedMonthlySavings"] != "0.64" {
		t.Errorf("savings are %v, want the exact decimal as text", names["EstimatedMonthlySavings"])
	}
	if text, err := json.Marshal(&Finding{}); err != nil || !strings.Contains(string(text), `"EstimatedMonthlySavings":null`) {
		t.Errorf("unknown savings are written %s %v", text, err)
	}
}
