package page

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"cxm/internal/sandbox/glfm"
)

// Markdown renders a description or a comment as GitLab would show it: GitHub
// Flavored Markdown with GitLab's quotes and alerts, its HTML held to what
// GitLab's sanitizer lets through, and the references that r knows made into
// links. A nil r links nothing. Pictures from elsewhere become links, so that
// a page never loads anything from another host.
func Markdown(src string, r Resolver) (template.HTML, error) {
	body, err := sanitized(src)
	if err != nil {
		return "", err
	}
	linker{r}.walk(body)
	var out strings.Builder
	for n := body.FirstChild; n != nil; n = n.NextSibling {
		if err := nethtml.Render(&out, n); err != nil {
			return "", fmt.Errorf("render Markdown: %w", err)
		}
	}
	return template.HTML(out.String()), nil //nolint:gosec // sanitised above, and links are built as nodes
}

// Mentions returns the names that GitLab would notify for a text, each once
// and as first written, in the order of the text: users, groups (with their
// path) and "all". As in GitLab a name counts wherever it is shown outside
// code and links, be it written as an entity, in a quote, a table, or an HTML
// element; a backslash before the @ takes the mention away. Whether a user of
// that name exists is the caller's to know. A text that cannot be rendered
// mentions nobody.
func Mentions(src string) []string {
	body, err := sanitized(src)
	if err != nil {
		return nil
	}
	var names []string
	seen := map[string]bool{}
	texts(body, func(n *nethtml.Node) {
		for _, ref := range scan(n.Data) {
			key := strings.ToLower(ref.Name)
			if ref.Kind == KindUser && !seen[key] {
				seen[key] = true
				names = append(names, ref.Name)
			}
		}
	})
	return names
}

// sanitized renders a text and returns the body of what may be shown.
func sanitized(src string) (*nethtml.Node, error) {
	src = strings.ToValidUTF8(src, "\uFFFD")
	if heavy(src) {
		return plain(src), nil
	}
	var out bytes.Buffer
	if err := converter().Convert(glfm.Flatten([]byte(src)), &out); err != nil {
		return nil, fmt.Errorf("render Markdown: %w", err)
	}
	body := element(atom.Body)
	nodes, err := nethtml.ParseFragment(policy().SanitizeReader(&out), body)
	if err != nil { // nested deeper than the parser follows
		return plain(src), nil //nolint:nilerr // such text is shown as it is written
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	return body, nil
}

// plain is a text as it is.
func plain(src string) *nethtml.Node {
	body, div := element(atom.Body), element(atom.Div)
	div.AppendChild(textNode(src))
	body.AppendChild(div)
	return body
}

// heavy reports whether a text would take seconds to parse: the parser's time
// grows with the square of unmatched emphasis and brackets. It is shown as it
// is then, and every name in it counts as mentioned.
func heavy(src string) bool {
	const most = 10_000
	return strings.Count(src, "*")+strings.Count(src, "_")+strings.Count(src, "[") > most
}

// converter is made once, on first use, and never changes.
var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Linkify, extension.Strikethrough, extension.TaskList, extension.Footnote, glfm.Quotes{},
		),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(escapes{}, 900))),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
})

// policy is what GitLab's sanitizer (Banzai::Filter::SanitizationFilter on the
// allow-list of html-pipeline) lets through, less what a page here has no use
// for: no id, no style, and classes only for what our renderer makes. It is
// made once, on first use, and never changes.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(strings.Fields(`h1 h2 h3 h4 h5 h6 br b i strong em a pre code tt div ins del sup sub p
		ol ul table thead tbody tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary
		details caption figure figcaption abbr bdo cite dfn mark small span time wbr`)...)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("title").OnElements("a", "abbr", "img")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("open").OnElements("details")
	p.AllowAttrs("start", "type").OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("td", "th", "p", "div", "h1", "h2", "h3")
	p.AllowAttrs("colspan", "rowspan").Matching(bluemonday.Integer).OnElements("td", "th")
	p.AllowAttrs("datetime").OnElements("time", "ins", "del")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").OnElements("input")
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^fn(ref[0-9]*)?:[0-9]+$`)).OnElements("li", "sup")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(markdown-alert markdown-alert-[a-z]+|markdown-alert-title|footnotes|escaped-char|language-[\w+#.-]+)$`)).
		OnElements("div", "p", "span", "code")
	p.AllowStandardURLs()
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

// escapes keeps a character that was written with a backslash apart from its
// neighbours, as GitLab does: `\@engineer` is no mention, `\#1` no reference.
type escapes struct{}

// Transform implements parser.ASTTransformer.
func (escapes) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var found []*ast.Text
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n.Kind() == ast.KindCodeSpan {
			return ast.WalkSkipChildren, nil
		}
		if t, ok := n.(*ast.Text); ok && entering && !t.IsRaw() && bytes.IndexByte(t.Value(reader.Source()), '\\') >= 0 {
			found = append(found, t)
		}
		return ast.WalkContinue, nil
	})
	for _, t := range found {
		split(t, reader.Source())
	}
}

// split cuts a text at each escaped character; the last piece keeps the line
// break.
func split(t *ast.Text, src []byte) {
	parent := t.Parent()
	for i := t.Segment.Start; i+1 < t.Segment.Stop; i++ {
		if src[i] != '\\' || !util.IsPunct(src[i+1]) {
			continue
		}
		if i > t.Segment.Start {
			before := ast.NewTextSegment(text.NewSegment(t.Segment.Start, i))
			parent.InsertBefore(parent, t, before)
		}
		apart := ast.NewString([]byte(`<span class="escaped-char">` + string(util.EscapeHTML(src[i+1:i+2])) + `</span>`))
		apart.SetCode(true) // as it is
		parent.InsertBefore(parent, t, apart)
		t.Segment = text.NewSegment(i+2, t.Segment.Stop)
		i++
	}
}

// silent are the elements in which GitLab looks for no references.
func silent(n *nethtml.Node) bool {
	return n.Type == nethtml.ElementNode && slices.Contains([]string{"a", "code", "pre", "tt", "style"}, n.Data)
}

// texts calls fn for every text outside of code and links.
func texts(n *nethtml.Node, fn func(*nethtml.Node)) {
	if n.Type == nethtml.TextNode {
		fn(n)
		return
	}
	if silent(n) {
		return
	}
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		texts(c, fn)
		c = next
	}
}
