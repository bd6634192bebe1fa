package issue_test

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/rule"
)

// fragments are pieces of text that mean something to GitLab, to Markdown, to
// cxm or to a terminal, and plain words between them.
var fragments = strings.Split(strings.Join([]string{
	"word", "0", "12", "$ ", " ", " ", " ", "\n", "\n", "\r\n", "\r", "\t", "  ", "naïve", "данные", "数据", "नमस्ते", "می\u200cخواهم", "👩\u200d💻", "🇺🇳",
	"/close", "/close\n", "\n/close\n", "/label ~bug", "/assign @engineer", "/shrug", "\n/copy_metadata #1\n", "/CLOSE", "/", "//",
	"@", "@engineer", "@all", "@acme/platform", "@_x", "@.x", "bot@example.com", "&commat;engineer", "&#64;all", "\\@all", "@`x`",
	"#1", "!1", "$1", "~1", "~bug", "~\"two words\"", "~a::b", "%1", "%v1.0", "%\"Release 1\"", "&1", "^alert#1", "*iteration:1", "*iteration:\"x\"",
	"[vulnerability:1]", "[work_item:1]", "[feature_flag:1]", "[cadence:1]", "[contact:a@example.com]", "[issue:1]", "[epic:1]", "[wiki_page:home]",
	"GL-1", "ABC-123", "us-east-1", "CU-abc", "acme/platform#1", "acme/platform!2", "acme/platform>", "acme/platform@0a1b2c3d", "acme&1",
	"0a1b2c3d4e5f", "deadbeef", "0a1b2c3...0a1b2c4", "0123456789abcdef0123456789abcdef01234567", "123456789012", "1234567",
	"::include{file=README.md}", "[[_TOC_]]", "[TOC]", "[[wiki|page]]", "[[wiki]]", ":x:", ":100:", ":tada:", "$`x`$", "$$", "$x$", "\n$$\nx\n$$\n",
	"[^1]", "\n[^1]: note\n", "{+ a +}", "[- b -]", "{- a -}", "%{project_path}", "\n---\n", "---", "===", "\n===\n", "***", "\n: definition\n", ": ",
	"\n> [!note]\n> x\n", "\n>>>\n", ">>>", "> ", "<b>", "</b>", "<img src=x onerror=y>", "<script>x</script>", "<details>", "</details>", "</sub>", "<!-- x", "-->",
	"<!-- cxm:end -->", "<!-- cxm:begin v1 i=0123456789abcdef g=0123456789abcdef0123456789abcdef n=00000000000000000000000000 -->", "<!--", "<![CDATA[", "<?x", "</td>", "<a@b.c>", "<https://example.com>",
	"|", "\\|", "a|b", "\n|a|b|\n|-|-|\n", "\\", "\\\\", "- [ ] x", "[ ] x", "[x]", "\n- x\n", "\n1. x", "1. ", "1) ", "+ x", "* x", "- ", "# x", "###### x", "#", "\n# x\n",
	"[a]: https://example.com\n", "\n[a]: /x\n", "[a](https://example.com)", "[a](@all)", "[a](page with blanks)", "![a](https://example.com/x.png)", "![a](b c)", "[a][b]", "[", "]", "](", "(", ")",
	"https://example.com/acme/platform/-/issues/1", "https://example.com/acme/platform/-/merge_requests/1", "www.example.com", "http://example.com/@all", "ftp://x", "javascript:alert(1)", "mailto:a@example.com", "data:text/html,x",
	"`", "``", "```", "````", "\n```\n", "\n```text\n", "\n````\n", "~~~", "\n~~~\n", "\n    /close\n", "    x", "`a`", "` `", "*a*", "_a_", "**a**", "__a__", "~~a~~", "==a==",
	"\u202e", "\u202d", "\u2066", "\u2069", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u034f", "\u3164", "\ufe0f", "\U000e0041", "\U000e0100",
	"\x00", "\x1b[31m", "\x7f", "\x07", "\u0085", "\u009b", "\u2028", "\u2029", "\v", "\f", "\u00a0", "\u3000", "\ufffe", "\xff", "\xc3\x28", "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
	"<sub>", "&lt;", "&amp;", "&nbsp;", "&#10;/close", "&NewLine;", "—", "…", "“x”", "1,234.50", "23.28%", "a_b_c", "a*b*c", "2*3*4",
}, "\x01"), "\x01")

// hostile draws text made of fragments and chance.
func hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(fragments), rapid.SampledFrom(fragments), rapid.StringN(0, 4, 16)), 0, 10).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

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
		text := hostile().Draw(t, name) + suffix
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
