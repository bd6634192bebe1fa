// Package inerttest is what tests of cxm's Markdown share: text that means
// something to GitLab, and what GitLab would make of what is written.
//
// What always holds: it judges by the sandbox's parsers and by GitLab's own
// expressions, never by cxm's code, so that it cannot share a mistake with it.
package inerttest

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"cxm/internal/sandbox/page"
	"cxm/internal/sandbox/quick"
)

// Failer is the part of a test that a check needs.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// references are what GitLab looks for in the text of a title or a rendered
// description, each in a group with its name: the reference_pattern of its
// models (wider where they ask for something that exists), its emoji, its links
// and its other signs; and what nobody could see.
var references = regexp.MustCompile(`(?P<user>@[\w.])` +
	`|(?P<number>[#!$&~%]\d)` +
	`|(?P<label>~["\w?.&-])` +
	`|(?P<milestone>%["\w])` +
	`|(?P<iteration>\*iteration:)` +
	`|(?P<alert>\^alert#)` +
	`|(?P<bracket>\[[\w^\[+-])` +
	`|(?P<commit>[0-9a-fA-F]{7})` +
	`|(?P<key>\b[A-Z][A-Z_0-9]*-\d)` +
	`|(?P<project>[\w.-]/[\w.-]+>)` +
	`|(?P<emoji>(?:^|[^\pL\pN\pM:]):[\w+-]+:)` +
	`|(?P<include>::include)` +
	`|(?P<address>[A-Za-z][A-Za-z0-9+.-]*://|(?i)www\.\w|[\w.+-]+@[\w-]+\.\w)` +
	`|(?P<diff>[{\[][+-])` +
	`|(?P<placeholder>%\{)` +
	`|(?P<spaced_link>\]\()` +
	`|(?P<invisible>[\x00-\x08\x0b-\x1f\x7f-\x9f\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{feff}\x{ad}\x{e0000}-\x{e0fff}])` +
	`|(?P<line_break>[\v\f\r\x{85}\x{2028}\x{2029}])`)

// CheckText fails when GitLab sees a reference in the text of a title, or in the
// text that is left of one block when Markdown is done.
func CheckText(t Failer, text string) {
	t.Helper()
	found := references.FindStringSubmatch(text)
	for i, name := range references.SubexpNames() {
		if name != "" && found != nil && found[i] != "" {
			t.Fatalf("%s: GitLab sees %+q in %+q", name, found[i], text)
		}
	}
}

// CheckMarkdown fails when GitLab would run, mention or refer to anything of a
// description, and returns its body as GitLab renders it.
func CheckMarkdown(t Failer, description string) *html.Node {
	t.Helper()
	rest, commands := quick.Extract(description)
	if len(commands) > 0 || rest != description {
		t.Fatalf("GitLab would run %v and keep\n%s\nof\n%s", commands, rest, description)
	}
	if names := page.Mentions(description); len(names) > 0 {
		t.Fatalf("the description mentions %q:\n%s", names, description)
	}
	body := Parse(t, description)
	for _, block := range blocks(body) {
		CheckText(t, block)
	}
	return body
}

// Parse is Markdown as GitLab renders it: its body.
func Parse(t Failer, description string) *html.Node {
	t.Helper()
	out, err := page.Markdown(description, nil)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(string(out)), body)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	return body
}

// Walk visits every element beneath n, in order.
func Walk(n *html.Node, visit func(*html.Node)) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			visit(c)
		}
		Walk(c, visit)
	}
}

// blocks is the text of each block outside code and links. A code span leaves
// a blank, as GitLab looks at each piece of text by itself.
func blocks(body *html.Node) []string {
	var out []string
	Walk(body, func(n *html.Node) {
		switch n.DataAtom {
		case atom.P, atom.H3, atom.Li, atom.Td, atom.Th:
			out = append(out, outsideCode(n))
		}
	})
	return out
}

func outsideCode(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case c.DataAtom == atom.Code || c.DataAtom == atom.A || c.DataAtom == atom.Pre:
			b.WriteByte(' ')
		default:
			b.WriteString(outsideCode(c))
		}
	}
	return b.String()
}
