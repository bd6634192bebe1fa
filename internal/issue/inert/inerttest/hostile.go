package inerttest

import (
	"strings"

	"pgregory.net/rapid"
)

// Fragments are pieces of text that mean something to GitLab, to Markdown, to
// cxm or to a terminal, and plain words between them.
func Fragments() []string {
	return []string{
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
	}
}

// Hostile draws text made of fragments and chance.
func Hostile() *rapid.Generator[string] {
	fragments := Fragments()
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(fragments), rapid.SampledFrom(fragments), rapid.StringN(0, 4, 16)), 0, 10).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}
