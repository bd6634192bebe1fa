package inert_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"cxm/internal/issue/inert"
	"cxm/internal/issue/inert/inerttest"
)

// shown writes a WORD JOINER so that it can be seen.
func shown(text string) string { return strings.ReplaceAll(text, "\u2060", "⁁") }

func TestInline(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", ""},
		"blank":              {" \n\t ", ""},
		"invisible":          {"\u200b\u202e\ufeff", ""},
		"plain":              {"Node is down, again.", "Node is down, again."},
		"one line":           {" a\r\nb\t c\u2028d ", "a b c d"},
		"every script":       {"naïve данные 数据 नमस्ते می\u200cخواهم 👩\u200d💻", "naïve данные 数据 नमस्ते می\u200cخواهم 👩\u200d💻"},
		"quick action":       {"/close now", `\/close now`},
		"slash inside":       {"read /etc/hosts", "read /etc/hosts"},
		"mention":            {"ask @engineer", `ask \@⁁engineer`},
		"address":            {"ask a@example.com.", "ask `a@example.com`."},
		"references":         {"#1 !1 $1 &1 ^alert#1", "\\#⁁1 !⁁1 \\$⁁1 &amp;⁁1 `^alert#1`"},
		"other project":      {"see (acme/platform#1)", "see (`acme/platform#1`)"},
		"ampersand":          {"R&D", "R&amp;D"},
		"percent":            {"at 23.28%, or 50% of it", `at 23.28\%⁁, or 50\% of it`},
		"label and brackets": {`~"two words" [vulnerability:1] [[_TOC_]] [x](y z)`, `\~⁁"two words" \[⁁vulnerability:1\] \[⁁\[⁁\_TOC\_\]\] \[⁁x\]⁁(y z)`},
		"ids":                {"vol-0a1b2c3d4e5f in us-east-1 of 123456789012", "`vol-0a1b2c3d4e5f` in `us-east-1` of `123456789012`"},
		"key":                {"GL-1, ABC-12!", "`GL-1`, `ABC-12!`"},
		"hexadecimal word":   {"the facade defaced", "the facade deface⁁d"},
		"date and range":     {"2026-01-02 to 3-4", "2026-01-02 to 3-4"},
		"emoji":              {":tada: at 12:30 a:b", "\\:⁁tada: at 12:30 a:b"},
		"url":                {"see https://example.com/a_b?c=1.", "see `https://example.com/a_b?c=1`."},
		"www":                {"see www.example.com or WWW.example.com", "see `www.example.com` or `WWW.example.com`"},
		"project link":       {"acme/platform> x", "acme/platform⁁&gt; x"},
		"html":               {"<b>&lt;</b>", "&lt;b⁁&gt;&amp;lt;&lt;/b⁁&gt;"},
		"markup":             {"*a* _b_ `c` ~~d~~ |e| \\", "\\*⁁a\\* \\_b\\_ \\`c\\` \\~⁁\\~⁁d\\~⁁\\~ &#124;e&#124; \\\\"},
		"list":               {"- a", `\- a`},
		"numbered":           {"12. a", `12\. a`},
		"number alone":       {"12", "12⁁"},
		"sigil at the end":   {"up @", `up \@⁁`},
		"heading":            {"# a", `\# a`},
		"underline":          {"=== a", `\=== a`},
		"definition":         {": a", `\: a`},
		"include":            {"::include{file=a}", `\:⁁:⁁include\{⁁file=a\}`},
		"emoji before an id": {":x:^alert#1\\|", "\\:⁁x:\\^⁁alert\\#⁁1\\\\&#124;"},
		"diff":               {"{+ a +} [- b -]", `\{⁁+ a +\} \[⁁- b -\]`},
		"marker":             {"<!-- cxm:end -->", "&lt;!-- cxm:end --⁁&gt;"},
		"control":            {"a\x00b\x1b[31mc\x7f", "a␀b␛\\[⁁31mc␡"},
		"direction":          {"a\u202eb\u2066c", "abc"},
		"not UTF-8":          {"a\xffb", "a\ufffdb"},
		"painted over":       {"e" + strings.Repeat("\u0301", 30), "e" + strings.Repeat("\u0301", 8)},
		"tags":               {"a\U000e0041\U000e0042", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(inert.Inline(c.text, inert.MaxLine)); got != c.want {
				t.Errorf("Inline(%q)\n     = %s\nwant   %s", c.text, got, c.want)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"plain":     {"Stop EC2 instance web-1 in us-east-1", "Stop EC2 instance web-1 in us-east-1"},
		"mention":   {"@all: `x`\n#1", "@⁁all: 'x' #⁁1"},
		"key":       {"GL-1 aGL-2 CU-x", "GL-⁁1 aGL-⁁2 CU-⁁x"},
		"commit":    {"vol-0a1b2c3d4e5f is idle", "vol-0a1b2c… is idle"},
		"number":    {"account 123456789012", "account 123456⁁789012"},
		"address":   {"https://x www.y a@b", "https:⁁//x www.⁁y a@⁁b"},
		"markup":    {"*a* <b> & |", "*⁁a* <b⁁> & |"},
		"invisible": {"a\u202e\u200bb", "ab"},
		"nothing":   {"\u200b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(inert.Title(c.text)); got != c.want {
				t.Errorf("Title(%q)\n     = %s\nwant   %s", c.text, got, c.want)
			}
		})
	}
}

func TestCode(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"id":            {"arn:aws:ec2:::volume/vol-1", "`arn:aws:ec2:::volume/vol-1`"},
		"nothing":       {"", ""},
		"blank":         {"  ", ""},
		"tick inside":   {"a`b", "``a`b``"},
		"ticks at ends": {"`a``", "``` `a`` ```"},
		"blank ends":    {" a ", "`  a  `"},
		"line break":    {"a\n/close", "`a␊/close`"},
		"invisible":     {"a\u200bb\u202ec\u00a0d", "`a⟨U+200B⟩b⟨U+202E⟩c⟨U+00A0⟩d`"},
		"marker":        {"<!-- cxm:end -->", "`<!--⁁ cxm:end -->`"},
		"pipe":          {"a|b", "`a|b`"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(inert.Code(c.text)); got != c.want {
				t.Errorf("Code(%q)\n     = %s\nwant   %s", c.text, got, c.want)
			}
		})
	}
}

func TestFence(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"\n \n", ""},
		"lines":       {"a\r\n\tb\rc\u2028d\n", "```text\na\n\tb\nc\nd\n```\n"},
		"fence":       {"```\n/close\n```", "````text\n```\n⁁/close\n```\n````\n"},
		"long fence":  {"`````", "``````text\n`````\n``````\n"},
		"slash":       {"/close", "```text\n/close\n```\n"},
		"invisible":   {"a\u202eb", "```text\na⟨U+202E⟩b\n```\n"},
		"marker":      {"<!-- cxm:end -->", "```text\n<!--⁁ cxm:end -->\n```\n"},
		"long line":   {"a\n" + strings.Repeat("x", 1<<20), "```text\na\n" + strings.Repeat("x", 2000) + "… (cut: 13998 more characters)\n```\n\n*Cut here: 1032 kB more follow at the source.*\n"},
		"other fence": {"~~~\n/close\n~~~", "```text\n~~~\n/close\n~~~\n```\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(inert.Fence(c.text, inert.MaxFenced)); got != c.want {
				t.Errorf("Fence(%.80q)\n     = %.200s\nwant   %.200s", c.text, got, c.want)
			}
		})
	}
}

func TestLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://example.com/a_b?c=1&d=2#e":                     "[`https://example.com/a_b?c=1&d=2#e`](<https://example.com/a_b?c=1&amp;d=2#e>)",
		"http://example.com/ä":                                  "[`http://example.com/ä`](<http://example.com/%C3%A4>)",
		"https://gitlab.example.com/acme/runbooks/-/wikis/disk": "[`https://gitlab.example.com/acme/runbooks/-/wikis/disk`](<https://gitlab.example.com/acme/runbooks/-/wikis/disk>)",
		"https://example.com/`>":                                "[``https://example.com/`>``](<https://example.com/%60%3E>)",
		"https://example.com/acme/platform/-/issues/1":          "`https://example.com/acme/platform/-/issues/1`",
		"https://example.com/acme/platform/-%2Fissues%2F1":      "`https://example.com/acme/platform/-%2Fissues%2F1`",
		"https://example.com/acme/platform/commit/0a1b2c3d":     "`https://example.com/acme/platform/commit/0a1b2c3d`",
		"https://example.com/%{project_path}":                   "`https://example.com/%{project_path}`",
		"https://example.com/%25%7Bproject_path%7D":             "`https://example.com/%25%7Bproject_path%7D`",
		"javascript:alert(1)":                                   "`javascript:alert(1)`",
		"JaVaScRiPt://example.com/%0aalert(1)":                  "`JaVaScRiPt://example.com/%0aalert(1)`",
		"data:text/html,x":                                      "`data:text/html,x`",
		"ftp://example.com/":                                    "`ftp://example.com/`",
		"//example.com/":                                        "`//example.com/`",
		"https://":                                              "`https://`",
		"https://user:word@example.com/":                        "`https://user:word@example.com/`",
		"https://example.com/\u202ex":                           "`https://example.com/⟨U+202E⟩x`",
		"https://example.com/ a":                                "`https://example.com/ a`",
		"@all":                                                  "`@all`",
	} {
		if got := inert.Link(address); got != want {
			t.Errorf("Link(%q)\n     = %s\nwant   %s", address, got, want)
		}
	}
}

// TestEscapedAlone holds each of the functions to the law by itself, at the
// start of a description, in a list, a quote and a cell.
func TestEscapedAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := inerttest.Hostile().Draw(t, "text")
		checkEscapes(t, text)
	})
}

func checkEscapes(t inerttest.Failer, text string) {
	t.Helper()
	if inline := inert.Inline(text, inert.MaxLine); inline != "" {
		for _, behind := range []string{". x", ") x", ", x", "1", "x>", "(x)", ": x"} {
			inerttest.Walk(inerttest.Parse(t, inline+behind), func(n *html.Node) {
				if n.DataAtom != atom.P && n.DataAtom != atom.Code && n.DataAtom != atom.Span {
					t.Fatalf("%q makes <%s>", inline+behind, n.Data)
				}
			})
		}
	}
	for _, md := range []string{inert.Inline(text, inert.MaxLine), inert.Code(text), inert.Fence(text, inert.MaxFenced), inert.Link("x" + text)} {
		for _, around := range []string{md, "- " + md, "> " + md, "a\n\n" + md} {
			if md == "" || strings.HasPrefix(around, "-") && strings.HasPrefix(md, "```") || strings.HasPrefix(around, ">") && strings.HasPrefix(md, "```") {
				continue // a fence stands on lines of its own
			}
			around = strings.TrimSuffix(around, "\n")
			if strings.Contains(around, "<!-- cxm:") {
				t.Fatalf("%q holds a marker", around)
			}
			inerttest.CheckMarkdown(t, around)
		}
	}
}
