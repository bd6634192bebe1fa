package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/source"
)

func TestTypes(t *testing.T) {
	types := source.Types()
	if !slices.IsSorted(types) || len(types) != 3 {
		t.Errorf("Types() = %v", types)
	}
	for _, kind := range types {
		if got, err := source.ParseType(string(kind)); got != kind || err != nil {
			t.Errorf("ParseType(%q) = %q, %v", kind, got, err)
		}
		want := source.Events
		if kind == source.CostOptimizationHub {
			want = source.Snapshots
		}
		if kind.Delivery() != want {
			t.Errorf("%s delivers %s", kind, kind.Delivery())
		}
	}
	for text, want := range map[string]string{
		"alert-manager": "did you mean alertmanager?", "CloudEvents": "did you mean cloudevents?",
		"aws-cost-optimisation-hub": "did you mean aws-cost-optimization-hub?", "": "use one of alertmanager, aws-cost-optimization-hub, cloudevents",
		"sarif": "use one of alertmanager",
	} {
		if _, err := source.ParseType(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseType(%q): %v, should say %q", text, err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	in := func() source.Input { return source.Input{Name: "p", Reader: strings.NewReader(page)} }
	if _, err := read(source.CostOptimizationHub, source.Options{Currency: "money"}, in()); err == nil || !strings.Contains(err.Error(), "ISO 4217") {
		t.Errorf("a wrong currency: %v", err)
	}
	if _, err := read("sarif", source.Options{}, in()); err == nil {
		t.Error("an unknown type was read")
	}
	if _, err := read(source.CloudEvents, source.Options{}); err == nil {
		t.Error("no input is no error")
	}
}

// TestYieldEnds: an error of yield comes back as it is, and ends the reading.
func TestYieldEnds(t *testing.T) {
	full := errors.New("the store is full")
	for kind, text := range map[source.Type]string{source.CostOptimizationHub: page, source.Alertmanager: webhook, source.CloudEvents: observed} {
		calls := 0
		_, err := source.Read(kind, []source.Input{{Name: "a", Reader: strings.NewReader(text)}, {Name: "b", Reader: strings.NewReader(text)}}, source.Options{}, func(*finding.Finding) error {
			calls++
			return full
		})
		if err != full || calls != 1 {
			t.Errorf("%s: %v after %d calls", kind, err, calls)
		}
	}
	if _, err := source.Read(source.CostOptimizationHub, []source.Input{{Name: "csv", Reader: strings.NewReader(table)}}, source.Options{}, func(*finding.Finding) error { return full }); err != full {
		t.Errorf("csv: %v", err)
	}
}

// TestFailingReader: an error of the file itself is no fault of its text.
func TestFailingReader(t *testing.T) {
	broken := errors.New("connection reset")
	for kind, text := range map[source.Type]string{source.CostOptimizationHub: page, source.Alertmanager: webhook, source.CloudEvents: observed} {
		for _, n := range []int{0, 10, len(text) / 2, len(text) - 1} {
			_, err := read(kind, source.Options{}, source.Input{Name: "in", Reader: &failing{text: text[:n], err: broken}})
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), "in: ") {
				t.Errorf("%s after %d bytes: %v", kind, n, err)
			}
		}
	}
}

type failing struct {
	text string
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.text == "" {
		return 0, f.err
	}
	n := copy(p, f.text)
	f.text = f.text[n:]
	return n, nil
}

// TestSkippedIsBounded: what is skipped does not fill the memory.
func TestSkippedIsBounded(t *testing.T) {
	record := strings.TrimSuffix(strings.TrimPrefix(page, `{"items":[`), `]}`)
	text := `{"items":[` + strings.Repeat(record+",", 12_000) + record + `]}`
	out, err := read(source.CostOptimizationHub, source.Options{}, source.Input{Name: "p", Reader: strings.NewReader(text)})
	if err != nil || out.Distinct != 1 || len(out.Skipped) != 10_001 || out.Skipped[10_000].Reason != "2000 more records were skipped after these" {
		t.Errorf("%v, %d findings, %d skipped, the last %+v", err, out.Distinct, len(out.Skipped), out.Skipped[len(out.Skipped)-1])
	}
}

// TestIdentity: what rotates, jitters or is recommended is no part of a key;
// account, resource and resource type are.
func TestIdentity(t *testing.T) {
	base := map[string]any{
		"accountId": "111122223333", "actionType": "Upgrade", "currencyCode": "USD", "currentResourceSummary": "gp2", "currentResourceType": "EbsVolume",
		"estimatedMonthlySavings": 0.64, "lastRefreshTimestamp": "2026-03-01T13:03:20Z", "recommendationId": "a", "recommendationLookbackPeriodInDays": 14,
		"recommendedResourceSummary": "gp3", "recommendedResourceType": "EbsVolume", "region": "us-east-1",
		"resourceArn": "arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1b2c3d4e5f60718", "resourceId": "vol-0a1b2c3d4e5f60718",
	}
	key := func(t interface{ Fatal(...any) }, changes map[string]any, o source.Options) finding.Key {
		record := make(map[string]any)
		for _, from := range []map[string]any{base, changes} {
			maps.Copy(record, from)
		}
		text, err := json.Marshal(map[string]any{"items": []any{record}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := read(source.CostOptimizationHub, o, source.Input{Name: "p", Reader: strings.NewReader(string(text))})
		if err != nil || len(out.Findings) != 1 {
			t.Fatal(err)
		}
		return out.Findings[0].FindingKey
	}
	want := key(t, nil, source.Options{})
	if want != finding.NewKey("coh", "111122223333", base["resourceArn"].(string), "EbsVolume") {
		t.Error("the key is not that of the declared tuple")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Za-z0-9=/ ]{1,20}`)
		changes := map[string]any{
			"recommendationId": text.Draw(t, "id"), "estimatedMonthlySavings": float64(rapid.IntRange(0, 1e9).Draw(t, "cents")) / 100,
			"recommendedResourceSummary": text.Draw(t, "target"), "actionType": text.Draw(t, "action"), "implementationEffort": text.Draw(t, "effort"),
			"lastRefreshTimestamp": rapid.IntRange(1, 2e9).Draw(t, "time"), "recommendationLookbackPeriodInDays": rapid.IntRange(0, 90).Draw(t, "days"),
			"tags": []map[string]string{{"key": text.Draw(t, "tag"), "value": text.Draw(t, "value")}}, "currentResourceSummary": text.Draw(t, "current"),
			"resourceId": text.Draw(t, "short id"), "unknownMember": text.Draw(t, "unknown"),
		}
		if strings.HasPrefix(changes["actionType"].(string), "Purchase") {
			t.Skip("a purchase has no resource")
		}
		if got := key(t, changes, source.Options{}); got != want {
			t.Fatalf("%v changed the key", changes)
		}
	})
	for name, changes := range map[string]map[string]any{
		"account":  {"accountId": "444455556666"},
		"resource": {"resourceArn": "arn:aws:ec2:us-east-1:111122223333:volume/vol-00000000000000001"},
		"type":     {"currentResourceType": "Ec2Instance"},
	} {
		if key(t, changes, source.Options{}) == want {
			t.Errorf("another %s has the same key", name)
		}
	}
	all := source.Options{IncludeAll: true}
	if key(t, nil, all) == want || key(t, nil, all) == key(t, map[string]any{"actionType": "Delete"}, all) {
		t.Error("with everything listed the action is no part of the key")
	}
}

// TestLargestCounts: whatever the order of records and pages, the last yielded
// for a key is the one with the largest savings, and all others are reported.
func TestLargestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		savings := rapid.SliceOfN(rapid.IntRange(-1, 50), 1, 12).Draw(t, "savings") // -1: unknown
		pages := rapid.IntRange(1, 3).Draw(t, "pages")
		texts := make([][]string, pages)
		for i, s := range savings {
			amount := "null"
			if s >= 0 {
				amount = fmt.Sprint(s)
			}
			texts[i%pages] = append(texts[i%pages], fmt.Sprintf(`{"accountId":"1","currentResourceType":"EbsVolume","resourceId":"vol-1","currencyCode":"USD","recommendationId":"%d","estimatedMonthlySavings":%s}`, i, amount))
		}
		var inputs []source.Input
		for i, records := range texts {
			token := fmt.Sprintf(`,"nextToken":"%d"`, i)
			if i == pages-1 {
				token = ""
			}
			inputs = append(inputs, source.Input{Name: fmt.Sprint(i), Reader: strings.NewReader(`{"items":[` + strings.Join(records, ",") + `]` + token + `}`)})
		}
		seed := rapid.Uint64().Draw(t, "order")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
		out, err := read(source.CostOptimizationHub, source.Options{}, inputs...)
		if err != nil || !out.Complete || out.Distinct != 1 {
			t.Fatalf("%v %v %d", err, out.Reasons, out.Distinct)
		}
		last := out.Findings[len(out.Findings)-1].EstimatedMonthlySavings
		if most := slices.Max(savings); most < 0 && last.Valid || most >= 0 && last.Decimal.IntPart() != int64(most) {
			t.Fatalf("%v counts of %v", last, savings)
		}
		if len(out.Skipped) != len(savings)-1 {
			t.Fatalf("%d of %d records were reported as skipped", len(out.Skipped), len(savings)-1)
		}
		places := make(map[string]bool)
		for _, skip := range out.Skipped {
			places[skip.File+skip.Record] = true
		}
		if len(places) != len(out.Skipped) {
			t.Fatalf("a record was reported twice: %+v", out.Skipped)
		}
	})
}

// TestAlertWithoutFingerprint: the key is that of the same alert with the
// fingerprint Prometheus gives these labels (github.com/prometheus/common,
// model: the value stands in its own test).
func TestAlertWithoutFingerprint(t *testing.T) {
	const labels = `{"name":"garland, briggs","fear":"love is not enough"}`
	const sum = "507a62d79ee76c9a" // 5799056148416392346
	key := func(member string) finding.Key {
		text := `{"version":"4","status":"firing","externalURL":"https://a.example.com","alerts":[{` + member + `"labels":` + labels + `}]}`
		out, err := read(source.Alertmanager, source.Options{}, source.Input{Name: "hook", Reader: strings.NewReader(text)})
		if err != nil || len(out.Findings) != 1 {
			t.Fatal(err)
		}
		if out.Findings[0].SourceFindingID != sum {
			t.Errorf("the fingerprint is %s", out.Findings[0].SourceFindingID)
		}
		return out.Findings[0].FindingKey
	}
	if with, without := key(`"fingerprint":"`+sum+`",`), key(""); with != without {
		t.Errorf("%s with, %s without", with, without)
	}
}

// samples is the folder of real files beside the module, which are no part of
// the project.
func samples(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CXM_SHARED")
	if dir == "" {
		up, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
				break
			}
			up = filepath.Dir(up)
		}
		dir = filepath.Join(filepath.Dir(up), "shared")
	}
	dir = filepath.Join(dir, "samples")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real sample files are not here (%s): set CXM_SHARED to the folder that has samples/", dir)
	}
	return dir
}

// TestSamples reads the real files.
func TestSamples(t *testing.T) {
	dir := samples(t)
	for _, c := range []struct {
		kind  source.Type
		file  string
		title string
		money string
		more  func(f *finding.Finding) bool
	}{
		{source.CostOptimizationHub, "aws-cost-optimization-hub/list-recommendations-ebs-upgrade.json", "Upgrade EBS volume vol-01d020e75fb456422 from gp2 to gp3", "0.64",
			func(f *finding.Finding) bool {
				return f.Canonical() == "vol-01d020e75fb456422" && f.Remediation != "" && f.LookbackDays == 14
			}},
		{source.CostOptimizationHub, "aws-cost-optimization-hub/list-recommendations-ecs-rightsize.json", "Rightsize ECS service dev-redash/redash-server from 1024.0 vCPU/2048 MB memory to 512.0 vCPU/1024 MB memory", "18.02",
			func(f *finding.Finding) bool {
				return len(f.Tags) == 2 && *f.RestartNeeded && f.RegionID == "us-east-2"
			}},
		{source.Alertmanager, "alertmanager/webhook-v4-firing-no-fingerprint.json", "Server High Memory usage", "",
			func(f *finding.Finding) bool {
				return f.Detection == finding.Present && f.SeverityID == finding.Medium && f.ResourceID == "instance-with-hyphen_and_underscore"
			}},
		{source.Alertmanager, "alertmanager/webhook-v4-firing.json", "Fire", "",
			func(f *finding.Finding) bool {
				return f.Detection == finding.Present && f.SeverityID == finding.Critical && f.Description == "Something is on fire"
			}},
		{source.Alertmanager, "alertmanager/webhook-v4-resolved.json", "Fire", "", func(f *finding.Finding) bool { return f.Detection == finding.Absent }},
		{source.Alertmanager, "grafana-alerting/webhook-firing-2.json", "This alert was triggered for zone us-1", "", func(f *finding.Finding) bool { return f.SourceFindingID == "c6eadffa33fcdf37" }},
		{source.CloudEvents, "cloudevents/structured-1-A234-1234-1234.json", "com.example.someevent", "", func(f *finding.Finding) bool { return f.Kind == finding.Custom }},
		{source.CloudEvents, "cloudevents/structured-2-B234-1234-1234.json", "com.example.someevent", "", nil},
		{source.CloudEvents, "cloudevents/structured-3-C234-1234-1234.json", "com.example.someevent", "", nil},
		{source.CloudEvents, "cloudevents/structured-4-C234-1234-1234.json", "com.example.someevent", "", nil},
		{source.CloudEvents, "cloudevents/structured-5-D234-1234-1234.json", "com.example.someevent", "", nil},
		{source.CloudEvents, "cloudevents/structured-6-D234-1234-1234.json", "com.example.someevent", "", func(f *finding.Finding) bool { return f.SourceInstance == "/mycontext" }},
	} {
		t.Run(c.file, func(t *testing.T) {
			in, err := os.Open(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close() }()
			out, err := read(c.kind, source.Options{}, source.Input{Name: c.file, Reader: in})
			if err != nil || !out.Complete || len(out.Findings) == 0 {
				t.Fatalf("%v %+v", err, out)
			}
			f := out.Findings[0]
			if f.Title != c.title || c.money == "" && f.EstimatedMonthlySavings.Valid || c.money != "" && f.EstimatedMonthlySavings.Decimal.String() != c.money || c.more != nil && !c.more(&f) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestSamplesUnderWrongNames: no format takes another one's real files.
func TestSamplesUnderWrongNames(t *testing.T) {
	dir := samples(t)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.*"))
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	own := map[string]source.Type{"aws-cost-optimization-hub": source.CostOptimizationHub, "alertmanager": source.Alertmanager, "grafana-alerting": source.Alertmanager, "cloudevents": source.CloudEvents}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Base(filepath.Dir(file))
		for _, kind := range source.Types() {
			if own[folder] == kind {
				continue
			}
			_, err := read(kind, source.Options{}, source.Input{Name: "in", Reader: strings.NewReader(string(text))})
			if _, ok := errors.AsType[*source.RecordError](err); !ok {
				t.Errorf("%s as %s: %v", file, kind, err)
			}
			if right := own[folder]; right != "" && filepath.Ext(file) == ".json" && !strings.Contains(err.Error(), "--source "+string(right)) {
				t.Errorf("%s as %s: %v\nshould name the right source", file, kind, err)
			}
		}
	}
}

// TestManyPages: a page that was read is not kept.
func TestManyPages(t *testing.T) {
	var inputs []source.Input
	for i := range 400 {
		token := `,"nextToken":"t"`
		if i == 17 {
			token = ""
		}
		inputs = append(inputs, source.Input{Name: fmt.Sprint(i), Reader: strings.NewReader(fmt.Sprintf(`{"items":[{"accountId":"%d","currentResourceType":"EbsVolume","resourceId":"vol-1"}]%s}`, i, token))})
	}
	runtime.GC()
	before := held()
	n := 0
	summary, err := source.Read(source.CostOptimizationHub, inputs, source.Options{}, func(*finding.Finding) error {
		if n++; n == len(inputs) {
			runtime.GC()
			if grown := int64(held()) - int64(before); grown > 4<<20 {
				t.Errorf("%d bytes are held after %d pages", grown, n)
			}
		}
		return nil
	})
	if err != nil || !summary.Complete || summary.Findings != 400 {
		t.Errorf("%v %+v", err, summary)
	}
}

// TestCommandsAreSafe: an id that a shell would do something with is in no
// command.
func TestCommandsAreSafe(t *testing.T) {
	for _, change := range []struct{ from, to string }{
		{`"resourceId":"vol-0a1b2c3d4e5f60718"`, `"resourceId":"vol-1;reboot"`},
		{`"resourceId":"vol-0a1b2c3d4e5f60718"`, `"resourceId":"vol-$(reboot)"`},
		{`"resourceId":"vol-0a1b2c3d4e5f60718"`, `"resourceId":"vol-1 --all"`},
		{`"resourceId":"vol-0a1b2c3d4e5f60718"`, `"resourceId":"vol-1\nreboot"`},
		{`"region":"us-east-1"`, `"region":"us-east-1;reboot"`},
		{`"region":"us-east-1"`, `"region":""`},
		{``, ``},
	} {
		out, err := read(source.CostOptimizationHub, source.Options{}, source.Input{Name: "p", Reader: strings.NewReader(strings.Replace(page, change.from, change.to, 1))})
		if err != nil || len(out.Findings) != 1 {
			t.Fatal(err)
		}
		if got := out.Findings[0].Remediation; (got == "") != (change.from != "") {
			t.Errorf("%s: the command is %q", change.to, got)
		}
	}
}

// TestFormerKeys: a source of finding events that defines its keys anew sends
// those of before along.
func TestFormerKeys(t *testing.T) {
	is, was, first := finding.NewKey("scanner2", "disk-1"), finding.NewKey("scanner1", "disk-1"), finding.NewKey("scanner", "disk-1")
	event := func(former string) string {
		return `{"specversion":"1.0","id":"1","source":"/scanner","type":"com.example.finding.observed.v1","data":{"FindingKey":"` + string(is) +
			`","Title":"Delete disk","FormerKeys":` + former + `}}`
	}
	var got []finding.Key
	_, err := source.Read(source.CloudEvents, []source.Input{{Name: "in", Reader: strings.NewReader(event(`["` + string(was) + `","` + string(first) + `"]`))}}, source.Options{}, func(f *finding.Finding) error {
		got = append(got, f.FindingKey)
		got = append(got, f.FormerKeys...)
		return nil
	})
	if err != nil || !slices.Equal(got, []finding.Key{is, was, first}) {
		t.Errorf("keys %v, %v", got, err)
	}
	for _, former := range []string{`["v1:ab"]`, `"` + string(was) + `"`, `[7]`} {
		_, err := source.Read(source.CloudEvents, []source.Input{{Name: "in", Reader: strings.NewReader(event(former))}}, source.Options{}, func(*finding.Finding) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "FormerKeys") {
			t.Errorf("former keys %s: %v", former, err)
		}
	}
}
