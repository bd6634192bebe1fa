package page

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Kind says what a reference leads to.
type Kind int

// The kinds of references a page links.
const (
	// KindIssue is #12 or group/project#12.
	KindIssue Kind = iota + 1
	// KindMergeRequest is !3 or group/project!3.
	KindMergeRequest
	// KindUser is @name, @group/subgroup or @all.
	KindUser
	// KindLabel is ~name, ~"two words" or ~key::value.
	KindLabel
)

// Reference is something a text points to.
type Reference struct {
	Kind Kind
	// Project is the full path before # or !; "" is the project of the text.
	Project string
	// Name is a number for issues and merge requests, else a name, without
	// its sign and quotes.
	Name string
}

// Target is what a reference leads to.
type Target struct {
	// URL of the page, absolute or a path on this server.
	URL string
	// Title is shown when one points at the link; "" for none. A label's is
	// its name, shown in place of what was written: notes name labels by id.
	Title string
	// Closed adds " (closed)", as GitLab does for issues.
	Closed bool
	// Color of a label, "#rrggbb".
	Color string
}

// Resolver knows which references exist and may be seen.
type Resolver interface {
	// Resolve reports false for a reference to leave as text.
	Resolve(Reference) (Target, bool)
}

// found is a reference and where it stands in a text.
type found struct {
	Reference
	start, end int
}

// pattern is GitLab's own of users (User.reference_pattern), labels, issues
// and merge requests. A user's or group's path does not end in a dot. Groups:
// project, sign, number; user; quoted label; label.
var pattern = sync.OnceValue(func() *regexp.Regexp {
	const part = `[a-zA-Z0-9_.](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_-])?`
	const path = part + `(?:/` + part + `)*`
	return regexp.MustCompile(`(` + path + `)?([#!])([0-9]{1,18})\b` +
		`|@(` + path + `)` +
		`|~"([^"\n]{1,255})"` +
		`|~([a-zA-Z0-9_](?:[a-zA-Z0-9_\-?.&:]*[a-zA-Z0-9_])?)`)
})

// scan finds the references of a text. What follows a letter, a digit or an
// underscore is part of a word: bot@example.com mentions nobody.
func scan(s string) []found {
	var out []found
	for at := 0; at < len(s); {
		m := pattern().FindStringSubmatchIndex(s[at:])
		if m == nil {
			break
		}
		f, ok := read(s, at, m)
		if ok {
			out = append(out, f)
		}
		at = f.end
	}
	return out
}

func read(s string, at int, m []int) (found, bool) {
	f := found{start: at + m[0], end: at + m[1]}
	group := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return s[at+m[2*i] : at+m[2*i+1]]
	}
	if f.start > 0 && wordByte(s[f.start-1]) {
		return f, false
	}
	switch {
	case group(3) != "":
		f.Kind, f.Project, f.Name = KindIssue, group(1), group(3)
		if group(2) == "!" {
			f.Kind = KindMergeRequest
		}
		return f, f.Project == "" || strings.Contains(f.Project, "/")
	case group(4) != "":
		f.Kind, f.Name = KindUser, group(4)
	default:
		f.Kind, f.Name = KindLabel, group(5)+group(6)
	}
	return f, true
}

func wordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// linker puts links where the resolver knows a reference, and takes pictures
// of other hosts out.
type linker struct{ r Resolver }

func (l linker) walk(body *nethtml.Node) {
	if l.r != nil {
		texts(body, l.link)
	}
	pictures(body)
	harden(body)
}

func (l linker) link(n *nethtml.Node) {
	last := 0
	for _, f := range scan(n.Data) {
		target, ok := l.r.Resolve(f.Reference)
		if !ok {
			continue
		}
		n.Parent.InsertBefore(textNode(n.Data[last:f.start]), n)
		n.Parent.InsertBefore(anchor(f, n.Data[f.start:f.end], target), n)
		last = f.end
	}
	n.Data = n.Data[last:]
}

func textNode(s string) *nethtml.Node { return &nethtml.Node{Type: nethtml.TextNode, Data: s} }

func element(a atom.Atom, attrs ...nethtml.Attribute) *nethtml.Node {
	return &nethtml.Node{Type: nethtml.ElementNode, Data: a.String(), DataAtom: a, Attr: attrs}
}

// anchor is the link of one reference; a label's is its pill.
func anchor(f found, written string, t Target) *nethtml.Node {
	a := element(atom.A, nethtml.Attribute{Key: "href", Val: t.URL}, nethtml.Attribute{Key: "class", Val: "ref"})
	if f.Kind != KindLabel && t.Title != "" {
		a.Attr = append(a.Attr, nethtml.Attribute{Key: "title", Val: t.Title})
	}
	if f.Kind == KindLabel {
		l := Label{Name: cmp.Or(t.Title, f.Name), Color: t.Color}
		a.Attr[1].Val = "label" + l.scopedClass()
		a.Attr = append(a.Attr, nethtml.Attribute{Key: "style", Val: fmt.Sprintf("--label:%s;--ink:%s", l.Paint(), l.Ink())})
		for _, part := range l.Parts() {
			span := element(atom.Span)
			span.AppendChild(textNode(part))
			a.AppendChild(span)
		}
		return a
	}
	if t.Closed {
		written += " (closed)"
	}
	a.AppendChild(textNode(written))
	return a
}

// pictures turns every image into a link to it: a page loads nothing.
func pictures(n *nethtml.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		pictures(c)
		if c.Type == nethtml.ElementNode && c.DataAtom == atom.Img {
			text := attr(c, "alt")
			if text == "" {
				text = attr(c, "src")
			}
			span := element(atom.Span, nethtml.Attribute{Key: "class", Val: "picture"})
			span.AppendChild(textNode("picture: " + text))
			link := span
			if n.DataAtom != atom.A && attr(c, "src") != "" {
				link = element(atom.A, nethtml.Attribute{Key: "href", Val: attr(c, "src")})
				link.AppendChild(span)
			}
			n.InsertBefore(link, c)
			n.RemoveChild(c)
		}
		c = next
	}
}

// harden keeps a link of a text from telling the page it was opened from, and
// every box of a text from being filled in.
func harden(n *nethtml.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		harden(c)
		if c.DataAtom == atom.Input {
			set(c, "type", "checkbox")
			set(c, "disabled", "")
		}
		if c.DataAtom == atom.A && strings.Contains(attr(c, "href"), "//") && attr(c, "class") == "" {
			set(c, "rel", "nofollow noreferrer noopener")
		}
	}
}

func attr(n *nethtml.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func set(n *nethtml.Node, key, val string) {
	for i := range n.Attr {
		if n.Attr[i].Key == key {
			n.Attr[i].Val = val
			return
		}
	}
	n.Attr = append(n.Attr, nethtml.Attribute{Key: key, Val: val})
}
