package issue_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/rule"
)

var spring = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// aside sets a finding aside.
func aside(m rule.Member, d finding.Decided) rule.Member {
	m.Decided = d
	return m
}

func excepted(reason string) finding.Decided {
	return finding.Decided{Decision: finding.Exception, Reason: reason, By: "ada@example.com", At: spring}
}

func snoozed(until time.Time) finding.Decided {
	return finding.Decided{Decision: finding.Snoozed, By: "grace", At: spring, Until: until}
}

// section is what an issue says of what is set aside; empty: nothing.
func section(body string) string {
	_, text, found := strings.Cut(body, "### Set aside\n\n")
	if !found {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n###")
	return text
}

// TestAside: an issue says who set aside what, until when and why, and what is set
// aside is in no sum and no list of what is to be done.
func TestAside(t *testing.T) {
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	whole := issue.Render(group(aside(volume(1), excepted("a test system"))).AsOf(spring))
	text := section(whole.Body)
	if !strings.Contains(text, "close it if it is in the way") || !strings.Contains(text, "- `vol-0123456789abc0001` (`disk-1`) (finding `") || !strings.Contains(text, "`): excepted without an end by ada: a test system\n") {
		t.Errorf("all of it is set aside:\n%s", text)
	}
	if strings.Contains(whole.Body, "ada@") {
		t.Error("an address is copied into the issue")
	}
	list := group(volume(1), aside(volume(2), snoozed(june)), volume(4))
	d, err := issue.RenderAs(list.AsOf(spring), issue.Look{Checklist: true})
	if err != nil {
		t.Fatal(err)
	}
	text = section(d.Body)
	if !strings.Contains(text, "count in no sum") || !strings.Contains(text, "snoozed until 2026-06-01 by grace\n") || strings.Contains(text, "close it if") {
		t.Errorf("one of three is set aside:\n%s", text)
	}
	if n := len(lineOf.FindAllString(d.Body, -1)); n != 2 || d.Savings.Decimal.String() != "5" {
		t.Errorf("%d lines are to do, which save %s:\n%s", n, d.Savings.Decimal, d.Body)
	}
	after, err := issue.RenderAs(list.AsOf(june), issue.Look{Checklist: true})
	plain, _ := issue.RenderAs(group(volume(1), volume(2), volume(4)), issue.Look{Checklist: true})
	if err != nil || !cmp.Equal(plain, after) {
		t.Errorf("the snooze is over (-undecided +over):\n%s", cmp.Diff(plain, after))
	}
	var many []rule.Member
	for i := range 30 {
		many = append(many, aside(volume(i), excepted("no")))
	}
	if text = section(issue.Render(group(many...).AsOf(spring)).Body); strings.Count(text, "excepted") != 10 || !strings.Contains(text, "- Set aside as well: 20 more\n") {
		t.Errorf("thirty are set aside:\n%s", text)
	}
}

// TestAsideDigest: what people would read is in the digest, and nothing is where
// nothing is set aside.
func TestAsideDigest(t *testing.T) {
	digest := func(m ...rule.Member) string { return fmt.Sprint(issue.Outline(group(m...).AsOf(spring)).Digest) }
	seen := map[string]string{}
	for name, m := range map[string]rule.Member{
		"nothing": volume(1), "excepted": aside(volume(1), excepted("a")), "for another reason": aside(volume(1), excepted("b")),
		"snoozed": aside(volume(1), snoozed(spring.AddDate(0, 1, 0))), "for longer": aside(volume(1), snoozed(spring.AddDate(0, 2, 0))),
	} {
		if other, taken := seen[digest(m)]; taken {
			t.Errorf("%s is the same as %s", name, other)
		}
		seen[digest(m)] = name
	}
	for name, d := range map[string]finding.Decided{"accepted": {Decision: finding.Accepted, By: "ada", At: spring}, "over": snoozed(spring), "taken back": {Decision: finding.Undecided, At: spring}} {
		if digest(aside(volume(1), d)) != digest(volume(1)) {
			t.Errorf("%s shows in an issue", name)
		}
	}
}

// TestAsideBeneath: a parent's issue keeps the line of an issue that is there, counts
// it in no sum, and leaves out what has none.
func TestAsideBeneath(t *testing.T) {
	g := made(over(aside(volume(1), excepted("a")), aside(volume(2), excepted("b")), volume(4)), 0, rule.ChildIssue{IID: 11})
	d := asParent(t, g.AsOf(spring))
	if !strings.Contains(d.Body, "- [ ] #11+, set aside `") || strings.Count(d.Body, "- [ ] ") != 2 || !strings.Contains(d.Body, "not made yet, saves 4.00 USD") || d.Savings.Decimal.String() != "4" {
		t.Errorf("it saves %s:\n%s", d.Savings.Decimal, d.Body)
	}
	if d.Digest == asParent(t, made(over(volume(1), volume(4)), 0, rule.ChildIssue{IID: 11})).Digest {
		t.Error("the parent's issue is not written when one beneath it is set aside")
	}
}

// TestAsideIsText: whatever people give as a reason, and whoever they are called, is
// text.
func TestAsideIsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, err := finding.Decided{Decision: finding.Exception, Reason: "x" + inerttest.Hostile().Draw(t, "reason"), By: "y" + inerttest.Hostile().Draw(t, "by")}.Settled(spring)
		if err != nil {
			t.Skip(err)
		}
		one, two := volume(1), volume(2)
		for _, m := range []*rule.Member{&one, &two} {
			m.Finding.SourceURL, m.Finding.References = "", nil
		}
		g := group(aside(one, d), two)
		if rapid.Bool().Draw(t, "all") {
			g = group(aside(one, d))
		}
		checkIssue(t, g.AsOf(spring))
		d.Reason, d.By = "harmless", "ada"
		twin := g
		twin.Members = append([]rule.Member{aside(one, d)}, g.Members[1:]...)
		draw := func(g rule.Group) []string {
			return skeleton(t, issue.Compose(issue.Render(g.AsOf(spring)), marker(g), "").Description)
		}
		if diff := cmp.Diff(draw(twin), draw(g)); diff != "" {
			t.Fatalf("a hostile reason changes the shape of the issue (-harmless +hostile):\n%s", diff)
		}
	})
}
