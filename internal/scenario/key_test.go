package scenario

import (
	"fmt"
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/source"
)

// scan is a finding event of a scanner. Its second version has an idea of its own of
// what makes a finding one, and says which keys it had before.
func scan(id, kind, subject, resource, savings string, former ...finding.Key) string {
	data := fmt.Sprintf(`{"Title":"Look at %s","ResourceId":%q`, subject, resource)
	if savings != "" {
		data += fmt.Sprintf(`,"EstimatedMonthlySavings":%q,"BillingCurrency":"USD","Kind":"cost"`, savings)
	}
	if len(former) > 0 {
		var keys []string
		for _, k := range former {
			keys = append(keys, fmt.Sprintf("%q", k))
		}
		data += fmt.Sprintf(`,"FindingKey":%q,"FormerKeys":[%s]`, finding.NewKey("scanner2", "eu-west-1", subject), strings.Join(keys, ","))
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"https://scanner.example.com","type":"com.example.finding.%s.v1","subject":%q,"data":%s}}`, id, kind, subject, data)
}

// former is the key that a finding of the scanner had under its first version.
func former(subject string) finding.Key {
	return finding.NewKey("ce", "https://scanner.example.com", "com.example.finding.v1", subject)
}

// TestScenario31_NewKeys: a new version of a source defines differently what makes
// a finding one, so that every finding comes under another key than before.
//
// Expected: it sends the former keys along, the findings are known by them and keep
// their issues: no new one is made, none closed; what it resolves under the new key
// is closed, also when it never observed it under that.
func TestScenario31_NewKeys(t *testing.T) {
	each(t, func(b *bed) {
		b.ingest(source.CloudEvents, "["+strings.Join([]string{
			scan("1", "observed", "disk-1", volume(1), "100"), scan("2", "observed", "disk-2", volume(2), "50"), scan("3", "observed", "gate-7", "", ""),
			scan("4", "observed", "gate-8", "", ""),
		}, ",")+"]")
		b.want("++++")
		before := b.issues(platform)
		b.ingest(source.CloudEvents, "["+strings.Join([]string{
			scan("5", "observed", "disk-1", volume(1), "100", former("disk-1")), scan("6", "observed", "disk-2", volume(2), "300", former("disk-2")),
			scan("7", "observed", "gate-7", "", "", former("gate-7")),
		}, ",")+"]")
		verbs, report := b.apply()
		if strings.ContainsAny(verbs, "+-^") || !report.Whole() || b.posts() != 4 {
			b.Errorf("steps = %q, report = %+v, %d creates", verbs, report, b.posts())
		}
		after := b.issues(platform)
		if len(after) != len(before) {
			b.Errorf("%d issues, were %d", len(after), len(before))
		}
		if two := b.about(2); !strings.Contains(two.Description, "300.00 USD") {
			b.Errorf("the issue says %q", two.Description)
		}
		b.want("")
		b.ingest(source.CloudEvents, "["+strings.Join([]string{
			scan("8", "resolved", "disk-1", volume(1), "", former("disk-1")), scan("9", "resolved", "gate-8", "", "", former("gate-8")),
		}, ",")+"]")
		b.want("--")
		if b.about(1).State != "closed" || b.about(2).State != "opened" {
			b.Error("not what was resolved is closed")
		}
		b.want("")
		b.cleanly()
	})
}
