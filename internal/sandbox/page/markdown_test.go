package page_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nethtml "golang.org/x/net/html"

	"cxm/internal/sandbox/page"
)

func TestMarkdown(t *testing.T) {
	for src, want := range map[string]string{
		"a @engineer.":                  `<p>a <a href="/engineer" class="ref" title="Engineer">@engineer</a>.</p>`,
		"see #3, #4, x#3, acme/shop#1":  `<p>see <a href="/acme/platform/-/work_items/3" class="ref" title="Stop idle database">#3 (closed)</a>, #4, x#3, <a href="/acme/shop/-/work_items/1" class="ref" title="Right-size shop-web">acme/shop#1</a></p>`,
		"`#3` [#3](/a) <code>#3</code>": `<p><code>#3</code> <a href="/a" rel="nofollow noreferrer">#3</a> <code>#3</code></p>`,
		"\\#3 &#35;3":                   `<p><span class="escaped-char">#</span>3 <a href="/acme/platform/-/work_items/3" class="ref" title="Stop idle database">#3 (closed)</a></p>`,
		"    #3\n":                      "<pre><code>#3\n</code></pre>",
		"~\"needs an owner\"":           `<p><a href="/acme/platform?label_name=needs+an+owner" class="label" style="--label:#f0ad4e;--ink:#1f1e24"><span>needs an owner</span></a></p>`,
		"~cost::confirmed.":             `<p><a href="/acme/platform?label_name=cost%3A%3Aconfirmed" class="label scoped" style="--label:#0b6b3a;--ink:#ffffff"><span>cost</span><span>confirmed</span></a>.</p>`,
		"~7":                            `<p><a href="/x" class="label" style="--label:#000000;--ink:#ffffff"><span>by id</span></a></p>`,
		"~nothing":                      `<p>~nothing</p>`,
		"~~gone~~ www.example.com":      `<p><del>gone</del> <a href="http://www.example.com" rel="nofollow noreferrer noopener">www.example.com</a></p>`,
		"- [x] a":                       "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"/> a</li>\n</ul>",
		"|a|\n|-:|\n|b|":                "<table>\n<thead>\n<tr>\n<th align=\"right\">a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"right\">b</td>\n</tr>\n</tbody>\n</table>",
		"<details open><summary>a</summary>\n\n**b**\n\n</details>": "<details open=\"\"><summary>a</summary>\n<p><strong>b</strong></p>\n</details>",

		"![a](http://example.com/x.png)":              `<p><a href="http://example.com/x.png" rel="nofollow noreferrer noopener"><span class="picture">picture: a</span></a></p>`,
		"[![a](/x.png)](/y)":                          `<p><a href="/y" rel="nofollow noreferrer"><span class="picture">picture: a</span></a></p>`,
		"a <script>alert(1)</script>":                 `<p>a </p>`,
		"<img src=x onerror=alert(1)>":                `<a href="x"><span class="picture">picture: x</span></a>`,
		"[a](javascript:alert(1))":                    `<p>a</p>`,
		"<a href=\"data:text/html,x\">a</a>":          `<p>a</p>`,
		"<b style=\"position:fixed\" onclick=x>a</b>": `<p><b>a</b></p>`,
		"<input name=q><form action=/x>a</form>":      "<p>a</p>",
		"<!-- hidden -->":                             "",
		"\xff\x00":                                    "<p>\uFFFD\uFFFD</p>",
	} {
		got, err := page.Markdown(src, resolver())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.TrimSpace(string(got))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", src, diff)
		}
	}
	if got, err := page.Markdown("@engineer #3", nil); err != nil || string(got) != "<p>@engineer #3</p>\n" {
		t.Errorf("no resolver: %q, %v", got, err)
	}
}

func TestMentions(t *testing.T) {
	for src, want := range map[string][]string{
		"@engineer, @Engineer and @platform-admin.": {"engineer", "platform-admin"},
		"@all":                     {"all"},
		"@acme/platform/net":       {"acme/platform/net"},
		"(@bot)":                   {"bot"},
		"é@bot":                    {"bot"},
		"**@bot**":                 {"bot"},
		"&#64;bot":                 {"bot"},
		"> @bot":                   {"bot"},
		">>>\n@bot\n>>>":           {"bot"},
		"|a|\n|-|\n|@bot|":         {"bot"},
		"<div>@bot</div>":          {"bot"},
		"# @bot":                   {"bot"},
		"bot@example.com":          nil,
		"a_@bot":                   nil,
		"`@bot` ``@bot``":          nil,
		"```\n@bot\n```":           nil,
		"    @bot":                 nil,
		"<pre>@bot</pre>":          nil,
		"\\@bot":                   nil,
		"[@bot](/x)":               nil,
		"<!-- @bot -->":            nil,
		"<script>@bot</script>":    nil,
		"@\u200bbot":               nil,
		"`open @bot":               {"bot"},
		">>>\n```\n>>>\n@bot":      {"bot"},
		"![@bot](/x)":              nil,
		"<b title=\"@bot\">a</b>":  nil,
		"https://example.com/@bot": nil,
		"~~@bot~~ <kbd>@eng</kbd>": {"bot", "eng"},
	} {
		if diff := cmp.Diff(want, page.Mentions(src)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", src, diff)
		}
	}
}

// A text made to be slow is shown as it is, and what it says is still found.
// Unbounded, these take minutes.
func TestHeavyText(t *testing.T) {
	for _, part := range []string{"*a_", "![a](", "[", "> ", "1. ", "<b>"} {
		if got := page.Mentions(strings.Repeat(part, 30_000) + " @bot"); len(got) != 1 || got[0] != "bot" {
			t.Errorf("%q…: mentions %q", part, got)
		}
	}
	for _, part := range []string{"a#1 ", "\\@", "&#64;a ", "|a"} {
		if _, err := page.Markdown(strings.Repeat(part, 1_000), resolver()); err != nil {
			t.Errorf("%q…: %v", part, err)
		}
	}
}

// FuzzMarkdown holds what is true of every text: nothing that runs, loads or
// styles comes out, and rendering does not fail.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{description, "<img src=x onerror=1>", "[a](javascript:1)", "<style>*{}</style>", "a[^1]\n\n[^1]: b", "<svg><script>1</script>", "~\"a\" @b #3 !2", "\\@a\\", "<math><mi//xlink:href=\"data:x\">"} {
		f.Add(s)
	}
	allowed := map[string]bool{"href": true, "title": true, "class": true, "rel": true, "style": true, "open": true, "start": true, "type": true, "align": true, "colspan": true, "rowspan": true, "datetime": true, "checked": true, "disabled": true, "id": true}
	f.Fuzz(func(t *testing.T, src string) {
		got, err := page.Markdown(src, resolver())
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		doc, err := nethtml.Parse(strings.NewReader(string(got)))
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		for n := range doc.Descendants() {
			switch n.Data {
			case "script", "style", "img", "iframe", "svg", "math", "form", "link", "object", "base", "meta":
				if n.Type == nethtml.ElementNode {
					t.Errorf("%q has <%s>", src, n.Data)
				}
			}
			for _, a := range n.Attr {
				if !allowed[a.Key] || a.Key == "style" && !strings.HasPrefix(a.Val, "--label:#") || a.Key == "href" && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript") {
					t.Errorf("%q has %s=%q on <%s>", src, a.Key, a.Val, n.Data)
				}
			}
		}
		page.Mentions(src)
	})
}
