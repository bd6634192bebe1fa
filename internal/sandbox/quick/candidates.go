package quick

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"cxm/internal/sandbox/glfm"
)

// span is a run of lines, both ends included, counted from 0.
type span struct{ start, end int }

// candidates returns the document's own paragraphs in which a line of the
// rendered text starts with a slash (Banzai::Filter::QuickActionFilter), in
// order.
func candidates(source string) []span {
	if !strings.HasPrefix(source, "/") && !strings.Contains(source, "\n/") {
		return nil
	}
	src, slash := []byte(source), regexp.MustCompile(`(?m)^/`)
	starts := lineStarts(src)
	var out []span
	for n := parse(src).FirstChild(); n != nil; n = n.NextSibling() {
		lines := n.Lines()
		if n.Kind() != ast.KindParagraph || lines.Len() == 0 || !slash.MatchString(content(n, src)) {
			continue
		}
		out = append(out, span{lineOf(starts, lines.At(0).Start), lineOf(starts, lines.At(lines.Len()-1).Start)})
	}
	return out
}

// parse reads the blocks that decide: CommonMark's, GFM's tables, and GitLab's
// quotes. What else hides lines is left out on purpose, so that more of them
// count: link reference definitions, footnotes, description lists, front
// matter.
func parse(src []byte) ast.Node {
	p := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
		),
	)
	goldmark.New(goldmark.WithParser(p), goldmark.WithExtensions(extension.Table, glfm.Quotes{}))
	return p.Parse(text.NewReader(glfm.Flatten(src)))
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, b := range src {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func lineOf(starts []int, offset int) int {
	return sort.Search(len(starts), func(i int) bool { return starts[i] > offset }) - 1
}

// content is the text a paragraph renders to. A line break in a code span is
// a blank there, so a slash after it does not start a line.
func content(n ast.Node, src []byte) string {
	var b bytes.Buffer
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					b.Write(bytes.ReplaceAll(t.Segment.Value(src), []byte("\n"), []byte(" ")))
				}
			}
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			b.Write(n.Segment.Value(src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.RawHTML:
			b.Write(n.Segments.Value(src))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
