// Package glfm adds to goldmark the blocks of GitLab Flavored Markdown that
// decide what is quoted and what is not: multi-line block quotes and alerts,
// as comrak, GitLab's Markdown parser, reads them. The quick-action parser and
// the pages share it, so that what is shown as quoted is what does not run.
package glfm

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Quotes is the goldmark extension.
type Quotes struct{}

// Extend implements goldmark.Extender. The parser comes before CommonMark's
// own block quotes (priority 800).
func (Quotes) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(parser.WithBlockParsers(util.Prioritized(newQuoteParser(), 750)))
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(quoteRenderer{}, 750)))
}

// quote is a multi-line block quote, an alert, or both (`>>> [!note]`).
type quote struct {
	ast.BaseBlock
	// fence is the number of `>` on the opening line; 1 is an alert whose
	// every line starts with one.
	fence int
	// alert is "note", "tip", …, in lower case; "" for none.
	alert, title string
}

func kindQuote() ast.NodeKind { return ast.KindBlockquote }

// Kind implements ast.Node. Renderers and transformers see a block quote.
func (*quote) Kind() ast.NodeKind { return kindQuote() }

// Dump implements ast.Node.
func (q *quote) Dump(src []byte, level int) { ast.DumpHelper(q, src, level, nil, nil) }

type quoteParser struct{ fence, alert *regexp.Regexp }

// newQuoteParser knows comrak's two opening lines: at least three `>` and
// nothing else; or one, or at least three, exactly one blank and the alert's
// name, then perhaps a title.
func newQuoteParser() *quoteParser {
	return &quoteParser{
		fence: regexp.MustCompile(`^ {0,3}(>{3,})[ \t]*\n?$`),
		alert: regexp.MustCompile(`(?i)^ {0,3}(>|>{3,}) \[!(note|tip|important|caution|warning)\]([^\n]*)`),
	}
}

// Trigger implements parser.BlockParser.
func (*quoteParser) Trigger() []byte { return []byte{'>'} }

// Open implements parser.BlockParser.
func (p *quoteParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, _ := reader.PeekLine()
	q := &quote{}
	if m := p.alert.FindSubmatch(line); m != nil {
		q.fence, q.alert, q.title = len(m[1]), strings.ToLower(string(m[2])), strings.TrimSpace(string(m[3]))
	} else if m := p.fence.FindSubmatch(line); m != nil {
		q.fence = len(m[1])
	} else {
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	return q, parser.HasChildren
}

// Continue implements parser.BlockParser. A closing line counts wherever it
// stands, even inside a code block of the quote, and ends that too: so a text
// can break out of a multi-line quote.
func (*quoteParser) Continue(n ast.Node, reader text.Reader, _ parser.Context) parser.State {
	q, ok := n.(*quote)
	if !ok {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	indent, at := util.IndentWidth(line, reader.LineOffset())
	if q.fence == 1 {
		return continueMarked(line, indent, at, reader)
	}
	mark := bytes.TrimRight(line[at:], " \t\n")
	if indent <= 3 && len(mark) >= q.fence && len(bytes.Trim(mark, ">")) == 0 {
		reader.AdvanceToEOL()
		return parser.Close
	}
	return parser.Continue | parser.HasChildren
}

// continueMarked takes the `>` and one blank off a line, as CommonMark does.
func continueMarked(line []byte, indent, at int, reader text.Reader) parser.State {
	if indent > 3 || at >= len(line) || line[at] != '>' {
		return parser.Close
	}
	reader.Advance(at + 1)
	switch rest := line[at+1:]; {
	case len(rest) == 0 || rest[0] == '\n':
	case rest[0] == ' ':
		reader.AdvanceAndSetPadding(1, 0)
	case rest[0] == '\t':
		reader.AdvanceAndSetPadding(1, util.TabWidth(reader.LineOffset())-1)
	}
	return parser.Continue | parser.HasChildren
}

// Close implements parser.BlockParser.
func (*quoteParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (*quoteParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (*quoteParser) CanAcceptIndentedLine() bool { return false }

type quoteRenderer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (quoteRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	plain := html.NewRenderer()
	funcs := map[ast.NodeKind]renderer.NodeRendererFunc{}
	plain.RegisterFuncs(collect(funcs))
	reg.Register(kindQuote(), func(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if q, ok := n.(*quote); ok {
			return q.render(w, entering)
		}
		return funcs[kindQuote()](w, src, n, entering)
	})
}

type collect map[ast.NodeKind]renderer.NodeRendererFunc

// Register implements renderer.NodeRendererFuncRegisterer.
func (c collect) Register(kind ast.NodeKind, f renderer.NodeRendererFunc) { c[kind] = f }

func (q *quote) render(w util.BufWriter, entering bool) (ast.WalkStatus, error) {
	open, end := "<blockquote>\n", "</blockquote>\n"
	if q.alert != "" {
		title := q.title
		if title == "" {
			title = strings.ToUpper(q.alert[:1]) + q.alert[1:]
		}
		open = `<div class="markdown-alert markdown-alert-` + q.alert + `">` + "\n" +
			`<p class="markdown-alert-title">` + string(util.EscapeHTML([]byte(title))) + "</p>\n"
		end = "</div>\n"
	}
	var err error
	if entering {
		_, err = w.WriteString(open)
	} else {
		_, err = w.WriteString(end)
	}
	return ast.WalkContinue, err
}
