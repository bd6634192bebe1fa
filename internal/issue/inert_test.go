package issue_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/rule"
	"cxm/internal/sandbox/page"
)

// TestTextIsText is G8: nothing a finding says runs, mentions, refers, or
// makes an element of its own, in the whole description as GitLab keeps and
// shows it.
func TestTextIsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bad, good := groups(t)
		checkIssue(t, bad)
		d := issue.Compose(issue.Render(bad), marker(bad), "Open.").Description
		twin := issue.Compose(issue.Render(good), marker(good), "Open.").Description
		if diff := cmp.Diff(skeleton(t, twin), skeleton(t, d)); diff != "" {
			t.Fatalf("a hostile finding changes the shape of the issue (-harmless +hostile):\n%s\n%s", diff, d)
		}
	})
}

// checkIssue checks everything that holds for the issue of any group.
func checkIssue(t inerttest.Failer, g rule.Group) {
	t.Helper()
	d := issue.Render(g)
	if again := issue.Render(g); !cmp.Equal(d, again) {
		t.Fatalf("the same group renders differently: %s", cmp.Diff(d, again))
	}
	draft := issue.Compose(d, marker(g), "Open.")
	checkTitle(t, draft.Title)
	checkLabels(t, draft.Labels)
	checkDescription(t, draft.Description)
	own, ok := issue.Own(draft.Description, marker(g).Nonce)
	if !ok || own.Text != draft.Description || len(issue.Blocks(draft.Description)) != 1 || own.Marker != marker(g) {
		t.Fatalf("the block is not found again: %d blocks, %v in\n%s", len(issue.Blocks(draft.Description)), own.Marker, draft.Description)
	}
	if len(own.Text) > 200_000 {
		t.Fatalf("the block has %d bytes", len(own.Text))
	}
}

func checkTitle(t inerttest.Failer, title string) {
	t.Helper()
	switch {
	case title == "" || title != strings.TrimSpace(title):
		t.Fatalf("GitLab would trim the title %q", title)
	case !utf8.ValidString(title) || utf8.RuneCountInString(title) > 255:
		t.Fatalf("the title has %d characters: %q", utf8.RuneCountInString(title), title)
	case strings.ContainsAny(title, "\n\t`"):
		t.Fatalf("the title has a line break or a code span: %q", title)
	}
	inerttest.CheckText(t, title)
	if names := page.Mentions(title); len(names) > 0 {
		t.Fatalf("the title mentions %q: %q", names, title)
	}
}

func checkLabels(t inerttest.Failer, labels []string) {
	t.Helper()
	known := regexp.MustCompile(`^cxm(::(cost|system|custom)|::severity::[a-z]+)?$`)
	for i, label := range labels {
		if !known.MatchString(label) || i > 0 && labels[i-1] >= label {
			t.Fatalf("labels %q", labels)
		}
	}
}

func checkDescription(t inerttest.Failer, description string) {
	t.Helper()
	body := inerttest.CheckMarkdown(t, description)
	inerttest.Walk(body, func(n *html.Node) { checkElement(t, n, description) })
}

// ours are the addresses that the findings of these tests want linked.
var ours = regexp.MustCompile(`^https://((docs|prometheus|certificates|a)\.example\.com/|gitlab\.example\.com/acme/runbooks/|console\.aws\.amazon\.com/)`)

// checkElement holds an element to what the template makes.
func checkElement(t inerttest.Failer, n *html.Node, description string) {
	t.Helper()
	switch n.DataAtom {
	case atom.P, atom.H3, atom.Ul, atom.Li, atom.Table, atom.Thead, atom.Tbody, atom.Tr, atom.Th, atom.Td, atom.Pre, atom.Code, atom.Strong, atom.Em, atom.Sub, atom.Span:
	case atom.A:
		for _, a := range n.Attr {
			if a.Key == "href" && !ours.MatchString(a.Val) {
				t.Fatalf("a link to %q in\n%s", a.Val, description)
			}
		}
	default:
		t.Fatalf("an element <%s> in\n%s", n.Data, description)
	}
}

// skeleton is the elements of a description, indented, without those that
// escaping makes inside a line: code spans, and the spans in which GitLab
// keeps an escaped character.
func skeleton(t inerttest.Failer, description string) []string {
	t.Helper()
	var out []string
	var visit func(n *html.Node, depth int)
	visit = func(n *html.Node, depth int) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			inline := c.DataAtom == atom.Span || c.DataAtom == atom.Code && n.DataAtom != atom.Pre
			if c.Type != html.ElementNode || inline {
				continue
			}
			out = append(out, strings.Repeat("  ", depth)+c.Data)
			visit(c, depth+1)
		}
	}
	visit(inerttest.Parse(t, description), 0)
	return out
}

// TestIDsAreCopiedExactly: the id in the table of facts is the finding's own,
// character for character, whatever it is made of.
func TestIDsAreCopiedExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := strings.TrimFunc(strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Default_Ignorable_Code_Point) {
				return -1
			}
			return r
		}, inerttest.Hostile().Draw(t, "id")), ""), unicode.IsSpace)
		if len(id) > 400 || strings.TrimSpace(id) == "" || strings.Contains(id, "<!-- cxm:") || strings.Contains(id, `\|`) {
			t.Skip("not an id that is shown in one piece")
		}
		_, g := groups(t)
		g.Members[0].Finding.ResourceID = id
		g.Members = g.Members[:1]
		d := issue.Compose(issue.Render(g), marker(g), "").Description
		var codes []string
		inerttest.Walk(inerttest.Parse(t, d), func(n *html.Node) {
			if n.DataAtom == atom.Td {
				inerttest.Walk(n, func(n *html.Node) {
					if n.DataAtom == atom.Code && n.FirstChild != nil {
						codes = append(codes, n.FirstChild.Data)
					}
				})
			}
		})
		if len(codes) == 0 || codes[0] != id {
			t.Fatalf("the id %q is shown as %q in\n%s", id, codes, d)
		}
	})
}
