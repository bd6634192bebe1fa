package scenario

import (
	"context"
	"fmt"
	"strings"

	"cxm/internal/app"
	"cxm/internal/reconcile"
	"cxm/internal/source"
)

// volume is the id of the n-th disk.
func volume(n int) string { return fmt.Sprintf("vol-%017x", n) }

// disk is one opportunity about one disk, in Cost Optimization Hub's format.
func disk(n int, savings string) string {
	return fmt.Sprintf(`{"accountId":"123456789012","region":"eu-west-1","resourceId":"%s","resourceArn":"arn:aws:ec2:eu-west-1:123456789012:volume/%[1]s",
		"currentResourceType":"EbsVolume","recommendedResourceType":"EbsVolume","actionType":"Upgrade","currencyCode":"USD","estimatedMonthlySavings":%s,
		"currentResourceSummary":"gp2","recommendedResourceSummary":"gp3","recommendationId":"rotates","implementationEffort":"Low"}`, volume(n), savings)
}

// disks are n opportunities; the first saves the most.
func disks(n int) (items []string) {
	for i := range n {
		items = append(items, disk(i+1, fmt.Sprint(1000-i)))
	}
	return items
}

func snapshot(items ...string) string { return `{"items":[` + strings.Join(items, ",") + `]}` }

// alert is an Alertmanager message about one alert.
func alert(status, severity string) string {
	return fmt.Sprintf(`{"version":"4","status":%q,"externalURL":"https://alertmanager.example.com","alerts":[{"status":%[1]q,
		"labels":{"alertname":"DiskFull","severity":%q,"instance":"db-1"},"annotations":{"summary":"The disk is full"},
		"startsAt":"2026-03-02T05:41:07Z","fingerprint":"6f1b9a0c2d3e4f57"}]}`, status, severity)
}

// event is a CloudEvent of the user's own.
func event(id, title, description string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"https://ci.example.com","type":"com.example.gate.failed","subject":"gate-7","data":{"title":%s,"description":%s}}`,
		id, quote(title), quote(description))
}

// quote writes text as JSON.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ingest hands text to cxm, as its sender does.
func ingest(ctx context.Context, a *app.App, kind source.Type, text string) error {
	_, _, err := a.Ingest(ctx, app.Delivery{Type: kind, Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}}})
	return err
}

func (b *bed) ingest(kind source.Type, text string) {
	b.Helper()
	if err := ingest(b.Context(), b.app, kind, text); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) aws(items ...string) {
	b.Helper()
	b.ingest(source.CostOptimizationHub, snapshot(items...))
}

func (b *bed) alert(status, severity string) {
	b.Helper()
	b.ingest(source.Alertmanager, alert(status, severity))
}

// applyTo plans and applies; verbs are the steps that write, in order.
func applyTo(ctx context.Context, a *app.App, integration int64) (verbs string, report reconcile.Report, err error) {
	p, report, err := a.Apply(ctx, integration, func(app.Planned) (bool, error) { return true, nil }, nil)
	var b strings.Builder
	for _, s := range p.Plan.Changes() {
		b.WriteString(string(s.Verb))
	}
	return b.String(), report, err
}

func (b *bed) apply() (verbs string, report reconcile.Report) {
	b.Helper()
	verbs, report, err := applyTo(b.Context(), b.app, 0)
	if err != nil {
		b.Fatalf("apply: %v", err)
	}
	return verbs, report
}

// want applies and fails unless exactly these steps were taken, each with one
// write.
func (b *bed) want(verbs string) {
	b.Helper()
	b.writes.take()
	got, report := b.apply()
	if got != verbs || !report.Whole() {
		b.Fatalf("steps = %q, want %q; report %+v", got, verbs, report)
	}
	if n := b.writes.take(); n != len(verbs) {
		b.Fatalf("%d writes for %d steps", n, len(verbs))
	}
}

// once fails unless there are exactly this many issues in the project, every
// one open and each about a disk of its own, and nothing is left to do.
func (b *bed) once(n int) {
	b.Helper()
	issues := b.issues(platform)
	seen := map[string]bool{}
	for _, i := range issues {
		_, id, _ := strings.Cut(i.Description, "vol-")
		if id = id[:min(17, len(id))]; seen[id] || i.State != "opened" {
			b.Errorf("issue %d (%s, about %s) is one too many, or closed", i.IID, i.State, id)
		}
		seen[id] = true
	}
	if len(issues) != n {
		b.Errorf("%d issues, want %d", len(issues), n)
	}
	b.want("")
	b.cleanly()
}
