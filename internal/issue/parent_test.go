package issue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/rule"
)

// over is a parent's group with a line for each volume.
func over(volumes ...rule.Member) rule.Group {
	g := group()
	g.Members, g.Parent = volumes, true
	for i, m := range volumes {
		g.Children = append(g.Children, rule.Child{Group: rule.NewGroupKey(fmt.Sprint(i)), Members: []finding.Key{m.Finding.FindingKey}, Issues: map[int64]rule.ChildIssue{}})
	}
	slices.SortFunc(g.Members, func(a, b rule.Member) int {
		return strings.Compare(string(a.Finding.FindingKey), string(b.Finding.FindingKey))
	})
	return g
}

// made gives the issue of the nth line a number.
func made(g rule.Group, n int, i rule.ChildIssue) rule.Group {
	i.Project = 7
	g.Children = slices.Clone(g.Children)
	g.Children[n].Issues = map[int64]rule.ChildIssue{1: i}
	return g
}

func parentLook() issue.Look { return issue.Look{Parent: &issue.Parent{Integration: 1, Project: 7}} }

func asParent(t *testing.T, g rule.Group) issue.Desired {
	t.Helper()
	d, err := issue.RenderAs(g, parentLook())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestParentTicks: what people ticked stays, what is closed is ticked by cxm, and
// what is open again is not ticked by anybody.
func TestParentTicks(t *testing.T) {
	g := made(made(over(volume(1), volume(2), volume(3)), 0, rule.ChildIssue{IID: 11}), 1, rule.ChildIssue{IID: 12})
	block := asParent(t, g).Block(marker(g), "")
	if !strings.Contains(block, "- [ ] #12+, saves 2.00 USD a month `") || strings.Index(block, "Upgrade a volume, not made yet, saves 3.00") > strings.Index(block, "#12+") || strings.Index(block, "#12+") > strings.Index(block, "#11+") {
		t.Fatalf("the list is\n%s", block)
	}
	block = strings.Replace(block, "[ ] #12+", "[x] #12+", 1) // a person
	closed := made(g, 0, rule.ChildIssue{IID: 11, Closed: true})
	block = asParent(t, closed).Ticked(block).Block(marker(g), "")
	if !strings.Contains(block, "- [x] #12+, saves") || !strings.Contains(block, "- [x] ~~#11+~~ closed `") {
		t.Fatalf("one is ticked, one closed:\n%s", block)
	}
	block = asParent(t, g).Ticked(block).Block(marker(g), "")
	if !strings.Contains(block, "- [x] #12+, saves") || !strings.Contains(block, "- [ ] #11+, saves") {
		t.Errorf("one is open again:\n%s", block)
	}
}

// TestParentDigest: a parent is written anew when an issue beneath it is made,
// closed or moved, and not when it says something else.
func TestParentDigest(t *testing.T) {
	g := made(made(over(volume(1), volume(2), volume(3)), 0, rule.ChildIssue{IID: 11}), 1, rule.ChildIssue{IID: 12})
	was := asParent(t, g)
	news := map[string]rule.Group{
		"made":      made(g, 2, rule.ChildIssue{IID: 13}),
		"closed":    made(g, 0, rule.ChildIssue{IID: 11, Closed: true}),
		"another":   made(g, 0, rule.ChildIssue{IID: 14}),
		"lost":      made(g, 0, rule.ChildIssue{IID: 11, Lost: true}),
		"one more":  over(volume(1), volume(2), volume(3), volume(4)),
		"not named": over(volume(1), volume(2), volume(5)),
	}
	for name, other := range news {
		if d := asParent(t, other); d.Digest == was.Digest || d.Body == was.Body {
			t.Errorf("%s: it says the same", name)
		}
	}
	words := volume(2)
	words.Finding.Title, words.Finding.Description = "Upgrade it", "More words"
	same := made(made(over(volume(1), words, volume(3)), 0, rule.ChildIssue{IID: 11}), 1, rule.ChildIssue{IID: 12})
	if d := asParent(t, same); d.Digest != was.Digest {
		t.Error("what an issue beneath says is news")
	}
	home := parentLook()
	home.Parent.Project = 8
	if d, _ := issue.RenderAs(g, home); d.Digest == was.Digest || strings.Contains(d.Body, "#11+") {
		t.Errorf("in another project the references are the same:\n%s", d.Body)
	}
}

// TestParentLong: what the list has no room for keeps its ticks, and all of it fits.
func TestParentLong(t *testing.T) {
	var volumes []rule.Member
	for n := range 500 {
		volumes = append(volumes, volume(n+1))
	}
	d := asParent(t, over(volumes...))
	if n := strings.Count(d.Body, "- [ ] "); n != 200 || !strings.Contains(d.Body, "- And 300 more, which save 45,150.00 USD a month.") || len(d.Unlisted) != 300 {
		t.Errorf("%d lines, %d not listed:\n%.2000s", n, len(d.Unlisted), d.Body)
	}
}

// TestParentInert: neither what waits for its issue nor the address of an issue
// says anything to GitLab.
func TestParentInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := volume(1), volume(2)
		one.Finding.Title, one.Finding.ActionType, one.Finding.ResourceType = inerttest.Hostile().Draw(t, "title"), inerttest.Hostile().Draw(t, "action"), inerttest.Hostile().Draw(t, "type")
		g := made(over(one, two), 1, rule.ChildIssue{IID: 12, URL: "https://gitlab.example.com/" + inerttest.Hostile().Draw(t, "path") + "/-/issues/12"})
		g.Children[1].Issues[1] = rule.ChildIssue{Project: 8, IID: 12, URL: g.Children[1].Issues[1].URL}
		look := parentLook()
		look.Parent.Instance, look.Team = "https://gitlab.example.com", inerttest.Hostile().Draw(t, "team")
		d, err := issue.RenderAs(g, look)
		if err != nil {
			t.Fatal(err)
		}
		checkTitle(t, d.Title)
		inerttest.CheckMarkdown(t, listed.ReplaceAllString(issue.Compose(d, marker(g), "").Description, "$1"))
	})
}
