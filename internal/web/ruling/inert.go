package ruling

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// mostBody is how many bytes of an issue's text are shown.
const mostBody = 48 << 10

// Inert is Markdown about as GitLab shows it, for a place within a page of ours: no
// headings, ids, images, forms or scripts come of it, and links lead away without
// telling from where.
func Inert(markdown string) (template.HTML, error) {
	if len(markdown) > mostBody {
		markdown = markdown[:mostBody]
		markdown = markdown[:strings.LastIndexByte(markdown, '\n')+1] + "\n\n⋯ The rest is left out here."
	}
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(
		html.WithUnsafe(), // what an issue may hold; it is cleaned below
		renderer.WithNodeRenderers(util.Prioritized(plainer{}, 1)),
	))
	if err := md.Convert([]byte(markdown), &out); err != nil {
		return "", fmt.Errorf("showing the text of an issue: %w", err)
	}
	return template.HTML(policy().SanitizeBytes(out.Bytes())), nil //nolint:gosec // it was sanitised
}

// policy lets through what an issue's text is made of, without a single attribute but
// the addresses of links.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "strong", "em", "b", "i", "del", "s", "sub", "sup", "code", "pre", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

// plainer writes headings as strong lines, so that those of the page stay its own, and
// boxes to tick as signs.
type plainer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (plainer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		text := "</strong></p>\n"
		if entering {
			text = "<p><strong>"
		}
		_, err := w.WriteString(text)
		return ast.WalkContinue, err
	})
	r.Register(extast.KindTaskCheckBox, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		box, ok := n.(*extast.TaskCheckBox)
		if !entering || !ok {
			return ast.WalkContinue, nil
		}
		text := "☐ "
		if box.IsChecked {
			text = "☑ "
		}
		_, err := w.WriteString(text)
		return ast.WalkContinue, err
	})
}
