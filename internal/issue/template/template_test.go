package template_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue/template"
	"cxm/internal/money"
)

// view is a group as a template sees it.
func view() *template.View {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	return &template.View{
		Claim: template.Claim{
			Kind: "cost", Title: "Upgrade data", Description: "one\ntwo", ResourceID: "vol-1", ResourceName: "a`b|c", Tags: map[string]string{"Team": "payments", "env": "prod"},
			SourceURL: "https://docs.example.com/a", References: []string{"https://docs.example.com/b", "javascript:alert(1)"}, LookbackDays: 14, FirstObservedAt: &at,
		},
		Savings: template.NewMoney(money.Known(decimal.RequireFromString("1204.5")), "USD", false), Team: "payments", ResourceCount: 1,
		Members: []template.Claim{{Title: "first"}, {Title: "second"}},
		Parts:   template.Parts{Facts: func(int) string { return "| a | b |\n| - | - |\n" }},
	}
}

// TestPrints says what comes of a template.
func TestPrints(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"text":                          {"Some **text** with `code` and [a link](https://example.com).", "Some **text** with `code` and [a link](https://example.com)."},
		"a field":                       {"It is {{.Title}}.", "It is Upgrade data."},
		"spelled otherwise":             {"{{.ResourceId}} {{.title}}", "`vol-1` Upgrade data"},
		"nothing there":                 {"a{{.RegionID}}{{.Tags.none}}{{.Owner.Name}}{{.LastObservedAt}}{{.EstimatedMonthlyCost}}b", "ab"},
		"money":                         {"{{money .Savings}}, {{perYear .Savings}}, {{.Savings}}, {{.Savings.Amount}}", "1,204.50 USD, 14,454.00 USD, 1,204.50 USD, 1204\\.5"},
		"asks for money":                {"{{if over .Savings 1000}}much{{end}}{{if over .Savings 1204.51}}more{{end}}{{if over .EstimatedMonthlyCost 0}}cost{{end}}", "much"},
		"days and dates":                {"{{date .FirstObservedAt}}, {{days .LookbackDays}}, {{days 1}}, {{count 3 \"thing\" \"things\"}}", "2026-01-02, 14 days, 1 day, 3 things"},
		"tags":                          {"{{tag \"team\"}} {{tag \"env\" | upper}} {{.Tags.env}} {{index .Tags \"env\"}}", "payments PROD prod prod"},
		"default":                       {"{{.RegionID | default \"nowhere\"}}, {{.Title | default \"x\"}}, {{.EstimatedMonthlyCost | default \"free\"}}", "nowhere, Upgrade data, free"},
		"cases and cuts":                {"{{upper .Title}} {{lower .Title}} {{truncate 5 .Title}} {{truncate 99 .Title}}", "UPGRADE DATA upgrade data Upgra… Upgrade data"},
		"lists":                         {"x\n{{list .References}}\ny", "x\n\n- `https://docs.example.com/b`\n- javascript:alert(1)\n\ny"},
		"joins":                         {"{{join \" and \" .References | code}}", "`https://docs.example.com/b and javascript:alert(1)`"},
		"links":                         {"{{link .SourceURL}} {{link .SourceURL \"here\"}} {{link \"javascript:x\" \"here\"}} {{link \"\" \"words\"}}", "[`https://docs.example.com/a`](<https://docs.example.com/a>) [here](<https://docs.example.com/a>) here `javascript:x` words"},
		"code":                          {"{{code .ResourceName}}, `{{.ResourceName}}`, ``a{{.ResourceName}} ``", "``a`b|c``, ``a`b|c``, ``aa`b|c``"},
		"code in a table":               {"| a | b |\n| - | - |\n| {{code .ResourceName}} | `{{.ResourceName}}` |\n{{row \"x\" .ResourceName}}\n{{row \"y\" .RegionID}}\n{{row \"z\" (code .ResourceID)}}", "| a | b |\n| - | - |\n| ``a`b\\|c`` | ``a`b\\|c`` |\n| x | a\\`b&#124;c |\n| z | `vol-1` |"},
		"text of several lines":         {"See:\n{{text .Description}}\n{{text .Title}}", "See:\n\n```text\none\ntwo\n```\n\nUpgrade data"},
		"several lines in one":          {"See {{.Description}}", "See one two"},
		"a fence":                       {"- a\n  ```sh\n  run {{.ResourceName}}\n    {{.Description}}\n  ```\nb", "- a\n  ```sh\n  run a`b|c\n    one\n  two\n  ```\nb"},
		"a fence that draws":            {"```mermaid\n{{.Title}}\n```", "```text\nUpgrade data\n```"},
		"a fence without an end":        {"```\n{{.Title}}", "```text\nUpgrade data\n```"},
		"a part":                        {"{{facts}}\n{{howto}}\nb", "| a | b |\n| - | - |\n\nb"},
		"loops":                         {"{{range .Members}}\n- {{.Title}}\n{{end}}\nb", "- first\n- second\nb"},
		"loops with numbers":            {"{{range $i, $m := .Members}}{{$i}}:{{$m.Title}} {{end}}{{range $k, $v := .Tags}}{{$k}}={{$v}} {{end}}", "0\u2060:\u2060first 1\u2060:\u2060second Team\u2060=\u2060payments env\u2060=\u2060prod "},
		"templates":                     {"{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" .Title}} {{template \"x\" .Team}}", "&lt;\u2060Upgrade data\u2060> &lt;\u2060payments\u2060>"},
		"lines of control":              {"a\n  {{if .Title}}\nb\n{{else}}\nc\n{{end}}\n{{$x := .Team}}\n{{with $x}}\n{{.}}\n{{end}}\n\n\n\nd", "a\nb\npayments\n\nd"},
		"what is not there has no line": {"a\n{{.RegionID}}\nb", "a\nb"},
		"next to signs":                 {"@{{.Team}} #{{.LookbackDays}} ({{.Team}}), {{.Team}}@x **{{.Team}}** https://docs.example.com/x {{.Team}}/x", "@\u2060payments #\u206014\u2060 (payments), payments\u2060\\@x **\u2060payments\u2060** https://docs.example.com/x payments\u2060/x"},
		"an address, trimmed":           {"https://docs.example.com/\n{{- .Team}} www.\n{{- .Team}}", "https://docs.example.com/ payments www. payments"},
		"half a code span":              {"a ` {{.Team}}\n`` b ```", "a \\` payments\n\\`\\` b \\`\\`\\`"},
		"HTML":                          {"<b>{{.Team}}</b> a<br>b <div>x</div> <a href=\"x\">\n<sub>\n<!x> 3 < 4", "<b>\u2060payments\u2060</b> a<br>b &lt;div>x&lt;/div> &lt;a href=\"x\">\n&lt;sub>\n&lt;!x> 3 &lt; 4"},
		"details":                       {"<details><summary>More</summary>\n{{.Title}}\n</details>\n</details>", "<details><summary>More</summary>\n\nUpgrade data\n\n</details>\n\n&lt;/details>"},
		"details without an end":        {"a\n<details>\n<summary>More</summary>\nb", "a\n\n<details>\n\n<summary>More</summary>\n\nb\n\n</details>"},
		"not a link":                    {"[a](b c) [a]: {{.SourceURL}} [a](javascript:x) [x][y]", "[a\\]\u2060(b c) [a\\]\u2060: `https://docs.example.com/a` [a\\]\u2060(javascript:x) [x\\]\u2060[y]"},
		"dollars, fences, slashes":      {"costs $5 ~~no~~ ~~~\n  /x/y\n>>> a\n    ```\n\\* \\{{.Team}}", "costs \\$5 ~~no~~ \\~~~\n  \\/x/y\n\\>>> a\n    \\`\\`\\`\n\\* \\\\\u2060payments"},
	} {
		made, err := template.Parse("x", "", c.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, got, err := made.Execute(view())
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, got, c.want)
		}
	}
}

// TestRefused says what is refused when a template is read: where, why, and what
// to do.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body         string
		line, column int
		says, mend   string
	}{
		"no text":                {" \n", 1, 1, "it is empty", "Write"},
		"too long":               {strings.Repeat("x", template.MaxSource+1), 1, 1, "more than 65536 bytes", "Shorten"},
		"no such field":          {"a\nb {{.Titel}}", 2, 5, "there is no field .Titel", "Title, Totals"},
		"no such field of owner": {"{{.Owner.Mail}}", 1, 9, "there is no field .Mail", "Confidence, Name, Others, Why"},
		"in a branch never run":  {"{{if false}}\n{{.No}}\n{{end}}", 2, 3, "there is no field .No", "The fields here"},
		"in a loop":              {"{{range .Members}}{{.Owner}}{{end}}", 1, 21, "there is no field .Owner", "The fields here"},
		"outside in a loop":      {"{{range .Members}}{{$.Owner.Nam}}{{end}}", 1, 22, "there is no field .Nam", "The fields"},
		"what cxm writes":        {"{{.Parts}}", 1, 3, "there is no field .Parts", "The fields here"},
		"a field of a text":      {"{{.Title.Length}}", 1, 9, "a text has no field .Length", "Take it away"},
		"a method":               {"{{.FirstObservedAt.Year}}", 1, 19, "a date has no field .Year", "Take it away"},
		"a field of who knows":   {"{{(default .Owner .Owner).Name}}", 1, 26, "cannot tell", "without default"},
		"no such function":       {"a\n  {{env \"HOME\"}}", 2, 3, `function "env" not defined`, "The functions are: and, checklist, code"},
		"a function of Go's":     {"{{printf \"%999999999d\" 1}}", 1, 3, "there is no function printf", "The functions are"},
		"our own function":       {"{{_hold .Title}}", 1, 3, "there is no function _hold", "The functions are"},
		"no template at all":     {"a\n{{if .Title}", 2, 1, "bad character", "docs/templates.md"},
		"no end":                 {"{{if .Title}}", 1, 1, "unexpected EOF", "docs/templates.md"},
		"recursion":              {"{{define \"a\"}}{{template \"b\" .}}{{end}}{{define \"b\"}}{{if .}}{{template \"a\" .}}{{end}}{{end}}{{template \"a\" .}}", 1, 73, `the template "a" calls itself`, "Use range"},
		"itself":                 {"x {{template \"body\" .}}", 1, 14, `calls itself`, "Use range"},
		"no such template":       {"{{template \"x\" .}}", 1, 12, `there is no template "x"`, "Define it"},
		"a loop without end":     {"{{range 1000000000}}{{end}}x", 1, 21, "it takes too long", "Shorten"},
		"loops in loops":         {"{{range .Members}}{{range $.Members}}{{range $.Members}}x{{end}}{{end}}{{end}}", 1, 57, "it takes too long", "Shorten"},
		"a megabyte":             {"{{range 9000}}" + strings.Repeat("x", 200) + "{{end}}", 1, 1, "it prints too much", "Shorten"},
		"a loop over a text":     {"{{range .Title}}x{{end}}", 1, 9, "range cannot go over a text", "Use a list"},
		"a list of claims":       {"{{.Members}}", 1, 3, "a list cannot be printed", "go over it"},
		"if money":               {"{{if .Savings}}x{{end}}", 1, 6, "if is always true of an amount of money", "Write .Known"},
		"not money":              {"{{if not .Savings}}x{{end}}", 1, 6, "if is always true of an amount of money", "Write .Known"},
		"greater money":          {"{{if gt .Savings 5}}x{{end}}", 1, 6, "gt cannot compare an amount of money", "ask over"},
		"the wrong sort":         {"{{upper .Savings}}", 1, 3, "upper takes a text here, not an amount of money", "docs/templates.md"},
		"too few":                {"{{truncate .Title}}", 1, 3, "truncate takes 2 arguments and got 1", "docs/templates.md"},
		"a tag without a name":   {"{{tag .Title}}", 1, 3, "tag does not say which", "in quotes"},
		"what may be missing":    {"{{index .References 3}}", 1, 3, "index", "Ask whether"},
		"arguments of a field":   {"{{.Title 3}}", 1, 3, "takes no arguments", "Only functions do"},
		"a quick action":         {"Text.\n\n/close", 3, 1, "quick action", "Set labels"},
		"a quick action, later":  {"{{if .Title}} /label ~x{{end}}", 1, 15, "quick action", "Set labels"},
		"a marker":               {"a <!-- cxm:end -->", 1, 3, "HTML comment", "cxm knows its own block"},
		"an address that goes":   {"See https://{{.Team}}/x", 1, 10, "could lead anywhere", "link .SourceURL"},
		"a link that goes":       {"[x]({{.SourceURL}})", 1, 3, "could lead anywhere", "link .SourceURL"},
		"a control character":    {"a\x00b", 1, 2, "U+0000", "Take it out"},
		"not UTF-8":              {"a\xff", 1, 1, "not UTF-8", "Save the file"},
		"nothing":                {"{{if .Gone}}x{{end}}", 1, 1, "nothing at all", "Write some text"},
	} {
		_, err := template.Parse("x", "", c.body)
		var problems *template.Problems
		if !errors.As(err, &problems) || len(problems.List) == 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := problems.List[0]
		if p.Part != "body" || p.Line != c.line || p.Column != c.column || !strings.Contains(p.Message, c.says) || !strings.Contains(p.Mend, c.mend) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := template.Parse("x", "{{.No}}", "{{.Nor}}"); err == nil || !strings.Contains(err.Error(), "template x: title, line 1, column 3: there is no field .No.") || !strings.Contains(err.Error(), "\ntemplate x: body, line 1") {
		t.Errorf("%v", err)
	}
}

// TestAllowed says what is no quick action and no comment.
func TestAllowed(t *testing.T) {
	for _, body := range []string{"/etc/hosts is a file", "```\n/close\n```", "a /close", "{{/* a note */}}x", "`{{.Title}}` 50% <3", "a\n\n~~~sh\n/usr/bin/x\n~~~"} {
		if _, err := template.Parse("x", "", body); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// TestLimits says what becomes of a template that is right, and meets too much.
func TestLimits(t *testing.T) {
	v := view()
	for range template.MaxMembers {
		v.Members = append(v.Members, template.Claim{Title: strings.Repeat("words and ", 150), Description: strings.Repeat("line\n", 20_000), References: []string{"x"}})
	}
	for name, c := range map[string]struct{ body, says string }{
		"long lines":   {"{{range .Members}}\n{{.Title}}\n{{end}}", "more than 180000 bytes"},
		"long texts":   {"{{range .Members}}\n{{text .Description}}\n{{end}}", "it prints too much"},
		"a long text":  {"{{range .Members}}{{$d := upper .Description}}{{$d = join $d .References}}{{end}}x", "it takes too long"},
		"growing text": {"{{$x := \"x\"}}{{range .Members}}{{$x = join $x $.References}}{{end}}x", ""},
	} {
		made, err := template.Parse("x", "", c.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err = made.Body(v); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	made, _ := template.Parse("x", "", "{{text .Description}}")
	v.Description = strings.Repeat("a long line\n", 100_000)
	if body, err := made.Body(v); err != nil || len(body.Text) > 20_000 || !strings.Contains(body.Text, "Cut here") {
		t.Errorf("a long text is not cut: %d bytes, %v", len(body.Text), err)
	}
}

// TestNothingMissingShows: whatever a finding leaves out, and whatever prints it,
// nothing says so.
func TestNothingMissingShows(t *testing.T) {
	for _, name := range template.Names() {
		made, err := template.Library(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []*template.View{{}, {Gone: true}, {ResourceCount: 3}} {
			v.Parts.Summary = func(int) string { return "What to do." }
			title, body, err := made.Execute(v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, word := range []string{"<no", "nil", "map[", "{", "0x", "%!", "<"} {
				if strings.Contains(title+body, word) {
					t.Errorf("%s prints %q in %q\n%s", name, word, title, body)
				}
			}
		}
	}
}

// TestSameBytes: a template is a function, also when many use it at once.
func TestSameBytes(t *testing.T) {
	made, err := template.Library("commitment")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := made.Execute(view())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				if _, got, err := made.Execute(view()); got != want || err != nil {
					t.Errorf("%v\n%s", err, got)
				}
			}
		})
	}
	wait.Wait()
	one, _ := template.Parse("x", "a", "b")
	two, _ := template.Parse("y", "a", "b")
	three, _ := template.Parse("x", "a", "c")
	if one.Digest() != two.Digest() || one.Digest() == three.Digest() {
		t.Error("the digest is not that of the text")
	}
}

// TestTags says which tags a template shows.
func TestTags(t *testing.T) {
	for body, want := range map[string]string{
		"x": "[]",
		"{{tag \"team\"}} {{.Tags.env}} {{range .Members}}{{.Tags.a}}{{end}}": "[a env team]",
		"x{{range .Tags}}{{.}}{{end}}":                                        "[*]",
		"x{{if false}}{{index .Tags \"a\"}}{{end}}":                           "[*]",
	} {
		made, err := template.Parse("x", "", body)
		if err != nil || fmt.Sprint(made.Tags()) != want {
			t.Errorf("%q: %v, want %s: %v", body, made, want, err)
		}
	}
}

// TestNoTemplateBreaks: whatever a template is, it is refused with a place and a
// mend, or it gives a text within its limits, and soon.
func TestNoTemplateBreaks(t *testing.T) {
	parts := []string{
		"{{", "}}", "{{.Title}}", "{{if .Title}}", "{{else}}", "{{end}}", "{{range .Members}}", "{{with .Owner}}", "{{template \"a\" .}}", "{{define \"a\"}}", "{{block \"b\" .}}", "{{break}}", "{{$x := .Title}}", "{{$x}}", "{{$x = upper $x}}",
		"{{range 99999}}", "{{join $x .References}}", "{{.}}", "{{nil}}", "{{and .Title}}", "{{or .Title .Team}}", "{{index .Tags \"a\"}}", "{{len .}}", "{{not}}", "{{(.Title)}}", "{{.Title | upper | code}}", "{{upper (code .Title)}}", "{{eq .Title 3}}", "{{lt .LookbackDays 3.5}}",
		"{{code}}", "{{list .Title}}", "{{row \"a\" .Members}}", "{{1}}", "{{true}}", "{{'a'}}", "{{1i}}", "{{\"a\\nb\"}}", "{{`a`}}", "{{- .Title -}}", "{{/* x */}}", "\n", "x", "```\n", "\x01", "{{money .Title}}", "{{default .Members .Owner}}", "{{range $i, $x := .Tags}}", "{{with $y := .Savings}}", "{{$y.Amount}}", "{{$.Title}}", "{{slice .Title 1}}", "{{html .Title}}", "{{call .Title}}",
	}
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 10).Draw(t, "parts"), "")
		made, err := template.Parse("x", "", body)
		var problems *template.Problems
		switch {
		case err == nil:
		case !errors.As(err, &problems):
			t.Fatalf("%q: %v", body, err)
		default:
			for _, p := range problems.List {
				if p.Part == "" || p.Line < 1 || p.Column < 1 || p.Message == "" || p.Mend == "" {
					t.Fatalf("%q: %+v", body, p)
				}
			}
			return
		}
		out, err := made.Body(view())
		if err != nil && !errors.As(err, &problems) || len(out.Text) > template.MaxBody || strings.ContainsAny(out.Text, "\x00") || strings.Contains(out.Text, "no value") {
			t.Fatalf("%q: %v\n%q", body, err, out.Text)
		}
	})
}

// TestSuggest says which template of the library suits a finding.
func TestSuggest(t *testing.T) {
	for name, c := range map[string]struct {
		f    finding.Finding
		want string
	}{
		"rightsize":          {finding.Finding{Kind: finding.Cost, ActionType: "Rightsize", ResourceType: "Ec2Instance"}, "rightsize"},
		"scale in":           {finding.Finding{Kind: finding.Cost, ActionType: "ScaleIn", ResourceType: "Ec2AutoScalingGroup"}, "rightsize"},
		"stop":               {finding.Finding{Kind: finding.Cost, ActionType: "Stop", ResourceType: "Ec2Instance"}, "idle"},
		"delete a cluster":   {finding.Finding{Kind: finding.Cost, ActionType: "Delete", ResourceType: "EcsService"}, "idle"},
		"delete a volume":    {finding.Finding{Kind: finding.Cost, ActionType: "Delete", ResourceType: "EbsVolume"}, "unattached"},
		"upgrade":            {finding.Finding{Kind: finding.Cost, ActionType: "Upgrade", ResourceType: "EbsVolume"}, "old-generation"},
		"another processor":  {finding.Finding{Kind: finding.Cost, ActionType: "MigrateToGraviton", ResourceType: "RdsDbInstance"}, "old-generation"},
		"savings plans":      {finding.Finding{Kind: finding.Cost, ActionType: "PurchaseSavingsPlans", ResourceType: "ComputeSavingsPlans"}, "commitment"},
		"reserved instances": {finding.Finding{Kind: finding.Cost, ActionType: "PurchaseReservedInstances", ResourceType: "RdsReservedInstances"}, "commitment"},
		"requests":           {finding.Finding{Kind: finding.Cost, ActionType: "Rightsize", ResourceType: "Deployment"}, "kubernetes-requests"},
		"bucket":             {finding.Finding{Kind: finding.Cost, ActionType: "ChangeStorageClass", ResourceType: "Bucket"}, "storage-class"},
		"anomaly":            {finding.Finding{Kind: finding.Custom, SourceRuleID: "CostAnomaly"}, "anomaly"},
		"alert":              {finding.Finding{Kind: finding.System, SourceSystem: "prometheus.alertmanager"}, "alert"},
		"token":              {finding.Finding{Kind: finding.Custom, SourceRuleID: "token.expiring"}, "token"},
		"system":             {finding.Finding{Kind: finding.System, SourceSystem: "acme"}, "system"},
		"custom":             {finding.Finding{Kind: finding.Custom, SourceSystem: "acme"}, ""},
		"nothing known":      {finding.Finding{Kind: finding.Cost}, ""},
	} {
		if got := template.Suggest(&c.f); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if _, err := template.Library("../x"); err == nil || !strings.Contains(err.Error(), "use one of alert, anomaly, commitment") {
		t.Errorf("%v", err)
	}
}
