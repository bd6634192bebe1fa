package issue_test

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// hostileFinding draws a finding that is hostile wherever text goes, and its
// harmless twin: the same finding with every hostile text replaced by one of
// the same shape (whether there is any, and whether it has several lines).
func hostileFinding(t *rapid.T, kind finding.Kind, n int) (bad, good finding.Finding) {
	base := finding.Finding{
		FindingKey: finding.NewKey("hostile", string(rune('a'+n))), Kind: kind, SourceSystem: "aws.cost-optimization-hub",
		SeverityID: finding.Severity(rapid.IntRange(0, 6).Draw(t, "severity")), Detection: finding.Present,
		FirstObservedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), LookbackDays: 14,
	}
	if kind != finding.System && rapid.Bool().Draw(t, "known") {
		base.EstimatedMonthlySavings = money.Known(decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "savings"), -2))
		base.BillingCurrency = "USD"
	}
	bad, good = base, base
	text := func(name string) (string, string) {
		suffix := "z" + string(rune('a'+n)) // what two members say is listed once
		text := inerttest.Hostile().Draw(t, name) + suffix
		if strings.ContainsAny(strings.TrimSpace(text), "\r\n\u0085\u2028\u2029") {
			return text, "harmless\n" + suffix
		}
		return text, "harmless" + suffix
	}
	for i, field := range places(&bad) {
		if rapid.IntRange(0, 3).Draw(t, "with") > 0 {
			*field, *places(&good)[i] = text("text")
		}
	}
	if rapid.Bool().Draw(t, "remedy") {
		bad.Remediation, good.Remediation = text("Remediation")
		intro, _, several := strings.Cut(strings.TrimSpace(bad.Remediation), "\n")
		if several && strings.HasSuffix(strings.TrimSpace(intro), ":") {
			good.Remediation = "harmless:\n" + string(rune('a'+n))
		}
		if !several && strings.HasPrefix(intro, "$ ") { // a command, to copy
			good.Remediation = "$ harmless" + string(rune('a'+n))
		}
	}
	if rapid.Bool().Draw(t, "tags") {
		tag, _ := text("tag")
		value, _ := text("value")
		bad.Tags = map[string]string{"owner": value, tag: value}
		good.Tags = map[string]string{"owner": "harmless", "tag": "harmless"}
	}
	if rapid.Bool().Draw(t, "references") {
		one, _ := text("reference")
		bad.References, good.References = []string{"no link " + one}, []string{"no link " + string(rune('a'+n))}
		bad.SourceURL, good.SourceURL = "https://docs.example.com/"+strings.Map(inURL, one), "https://docs.example.com/"+string(rune('a'+n))
	}
	return bad, good
}

// places are the fields a source puts text into, of one line for the most part.
func places(f *finding.Finding) []*string {
	return []*string{
		&f.Title, &f.Description, &f.ResourceID, &f.ResourceName,
		&f.SubAccountID, &f.SubAccountName, &f.RegionID, &f.AvailabilityZone,
		&f.ServiceName, &f.SourceInstance, &f.ImplementationEffort,
	}
}

// inURL keeps what a URL may hold, so that it stays a link.
func inURL(r rune) rune {
	if r <= ' ' || r > '~' || r == '%' || r == '{' {
		return -1
	}
	if r == '/' { // "/issues/" is none
		return '.'
	}
	return r
}

// groups draws a hostile group of one to three members and its harmless twin.
func groups(t *rapid.T) (bad, good rule.Group) {
	kind := rapid.SampledFrom([]finding.Kind{finding.Cost, finding.System, finding.Custom}).Draw(t, "kind")
	detection := rapid.SampledFrom([]finding.Detection{finding.Present, finding.Present, finding.Absent, finding.Unknown}).Draw(t, "detection")
	key := rule.NewGroupKey("hostile")
	bad, good = rule.Group{Key: key}, rule.Group{Key: key}
	for n := range rapid.IntRange(1, 3).Draw(t, "members") {
		b, g := hostileFinding(t, kind, n)
		sighting := finding.Sighting{Detection: detection, Since: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)}
		bad.Members = append(bad.Members, rule.Member{Finding: b, Sighting: sighting})
		good.Members = append(good.Members, rule.Member{Finding: g, Sighting: sighting})
	}
	return bad, good
}

// marker is the marker of every issue in these tests.
func marker(g rule.Group) issue.Marker {
	return issue.Marker{Installation: "0123456789abcdef", Group: g.Key, Nonce: "a1b2c3d4e5f6g7h8i9j0k1l2m3"}
}
