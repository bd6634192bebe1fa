package rules_test

import (
	"fmt"
	"slices"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// under is rules whose issues have parents: by is the group of a disk, over that of
// its parent.
func under(by, over func(*finding.Finding) string) func(*finding.Finding) []rule.Assignment {
	return grouping{name: "r", by: by, over: over}.assign
}

// beneath says for each parent which disks are in which of the groups beneath it,
// and which issue these have.
func (b *bed) beneath(groups ...string) string {
	b.t.Helper()
	all := b.everything(b.t)
	out := ""
	for _, name := range groups {
		g, ok := all[rule.NewGroupKey("parent "+name)]
		if !ok || !g.Parent || g.Left != nil {
			out += name + ": none; "
			continue
		}
		var lines []string
		for _, c := range g.Children {
			line := ""
			for _, n := range members(g.Group) {
				if f := disk(n, ""); slices.Contains(c.Members, f.FindingKey) {
					line += f.ResourceName
				}
			}
			if i, ok := c.Issues[b.in.ID]; ok {
				line += fmt.Sprintf("#%d", i.IID)
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		out += fmt.Sprintf("%s: %v; ", name, lines)
	}
	return out
}

// dirty says that something about a parent changed since it was settled.
func (b *bed) dirty(group string) bool {
	b.t.Helper()
	found := false
	ok(b.t, b.Groups(b.t.Context(), false, func(g rule.Group, _ []issue.Tracked) error {
		found = found || g.Key == rule.NewGroupKey("parent "+group)
		return nil
	}))
	return found
}

func (b *bed) settleAll() {
	b.t.Helper()
	versions := map[rule.GroupKey]int64{}
	for key, g := range b.everything(b.t) {
		versions[key] = g.Version
	}
	ok(b.t, b.Settle(b.t.Context(), 0, versions))
}

// TestParents: a parent knows what is beneath it and which issue that has, and it
// changes when one of them is made, closed, moved or lost.
func TestParents(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = under(mod(3), team)
		ok(t, b.put(disks(1, 6)...))
		if got := b.beneath("team a", "team b"); got != "team a: [2 4 6]; team b: [1 3 5]; " {
			t.Fatal(got)
		}
		b.settleAll()
		made, err := b.create(rule.NewGroupKey("mod 3: 1"))
		ok(t, err)
		if got := b.beneath("team a", "team b"); got != "team a: [2 4#1 6]; team b: [1#1 3 5]; " || !b.dirty("team a") || !b.dirty("team b") {
			t.Error(got)
		}
		for name, change := range map[string]func(*issue.Tracked){
			"closed": func(i *issue.Tracked) { i.Observed.State = issue.Closed },
			"moved":  func(i *issue.Tracked) { i.Observed.ProjectID, i.Observed.IID = 8, 99 },
			"lost":   func(i *issue.Tracked) { i.Phase = issue.Lost },
		} {
			b.settleAll()
			row := b.everything(t)[rule.NewGroupKey("mod 3: 1")].issues[0]
			change(&row)
			ok(t, b.Observe(t.Context(), b.in.ID, 7, []issue.Tracked{row}, noon()))
			if !b.dirty("team a") || !b.dirty("team b") {
				t.Errorf("%s: the parents do not know", name)
			}
		}
		if got := b.everything(t)[rule.NewGroupKey("parent team a")].Children; !slices.ContainsFunc(got, func(c rule.Child) bool {
			return c.Issues[b.in.ID] == rule.ChildIssue{Project: 8, IID: 99, URL: made.Observed.WebURL, Closed: true, Lost: true}
		}) {
			t.Errorf("%+v", got)
		}
		b.settleAll()
		other := disk(7, "a")
		ok(t, b.put(other))
		if b.dirty("team b") || !b.dirty("team a") {
			t.Error("a parent changed that the finding is not beneath, or its own did not")
		}
		b.settleAll()
		_, err = b.Adopt(t.Context(), issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("mod 3: 2"), Nonce: "adopted", Observed: issue.Observed{ProjectID: 7, IID: 50, State: issue.Opened}})
		ok(t, err)
		if !b.dirty("team a") || !b.dirty("team b") {
			t.Error("the parents do not know of an issue that was adopted")
		}
	})
}

// TestParentSavingsOnce: what is summed up holds each saving once, whatever lists it.
func TestParentSavingsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = under(mod(3), all)
		ok(t, b.put(disks(1, 6)...))
		b.make(disks(1, 6))
		sum, err := b.Summary(t.Context())
		ok(t, err)
		if sum.Savings.Show() != "0.21 USD" || sum.Unknown != 0 {
			t.Errorf("%s, %d unknown", sum.Savings.Show(), sum.Unknown)
		}
	})
}

// TestParentsRegroup: through other rules parents keep their issues, and neither
// becomes what is beneath it nor the other way round.
func TestParentsRegroup(t *testing.T) {
	two := under(mod(2), all)                                                   // 1: mod 2: 1, 2: the parent, 3: mod 2: 0
	continued := grouping{name: "r", by: mod(2), also: all}.assign              // 1: mod 2: 1, 2: also all, 3: mod 2: 0
	twice := func(one, other string) func(*finding.Finding) []rule.Assignment { // 1: mod 2: 1, 2: one, 3: all, 4: other, 5: mod 2: 0
		return func(f *finding.Finding) []rule.Assignment {
			first, second := rule.NewGroupKey(mod(2)(f)), rule.NewGroupKey("all")
			return []rule.Assignment{
				{Rule: "r", Group: first},
				{Rule: "r", Group: rule.NewGroupKey("parent " + one), Child: first},
				{Rule: "s", Group: second},
				{Rule: "s", Group: rule.NewGroupKey("parent " + other), Child: second},
			}
		}
	}
	cases := map[string]struct {
		before, after func(*finding.Finding) []rule.Assignment
		where         map[string]int64
		beneath       string // of the parent "all", afterwards
	}{
		"each of two keeps its own": {twice("1", "2"), twice("3", "4"), map[string]int64{"mod 2: 1": 1, "mod 2: 0": 5, "all": 3, "parent 3": 2, "parent 4": 4, "parent 1": 0, "parent 2": 0}, "all: none; "},
		"none before":               {grouping{name: "r", by: mod(2)}.assign, two, map[string]int64{"mod 2: 1": 1, "mod 2: 0": 2, "parent all": 0}, "all: [135#1 246#2]; "},
		"none any more":             {two, grouping{name: "r", by: mod(2)}.assign, map[string]int64{"mod 2: 1": 1, "mod 2: 0": 3, "parent all": 2}, "all: none; "},
		"another parent":            {two, under(mod(2), func(*finding.Finding) string { return "new" }), map[string]int64{"mod 2: 1": 1, "mod 2: 0": 3, "parent all": 0, "parent new": 2}, "all: none; "},
		"others beneath":            {two, under(mod(3), all), map[string]int64{"parent all": 2, "mod 3: 0": 3, "mod 3: 2": 1, "mod 3: 1": 0, "mod 2: 1": 0}, "all: [14 25#1 36#3]; "},
		"several parents":           {two, under(mod(2), team), map[string]int64{"mod 2: 1": 1, "mod 2: 0": 3, "parent team a": 2, "parent team b": 0, "parent all": 0}, "all: none; "},
		"from one that continued":   {continued, two, map[string]int64{"mod 2: 1": 1, "mod 2: 0": 3, "parent all": 0, "also all": 2}, "all: [135#1 246#3]; "},
		"into one that continues":   {two, continued, map[string]int64{"mod 2: 1": 1, "mod 2: 0": 3, "parent all": 2, "also all": 0}, "all: none; "},
	}
	onBoth(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				b := newBed(t, db, name)
				b.left = nil // an empty parent's issue has nowhere to go
				b.apply("before", c.before)
				b.reassign()
				ok(t, b.put(disks(1, 6)...))
				b.make(disks(1, 6))
				b.settleAll()
				b.apply("after", c.after)
				b.reassign()
				b.holds(t, byNumber(disks(1, 6)))
				for group, want := range c.where {
					if got := b.where(group)[0]; got != want {
						t.Errorf("group %q has issue %d, not %d", group, got, want)
					}
				}
				if got := b.beneath("all"); got != c.beneath {
					t.Errorf("%s not %s", got, c.beneath)
				}
				b.apply("before", c.before)
				b.reassign()
				b.holds(t, byNumber(disks(1, 6)))
			})
		}
	})
}

// TestParentUnmade: where the issue of a parent waits for its intent, what is beneath
// it being made is no reason to refuse it; an empty parent gets none.
func TestParentUnmade(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.apply("1", under(mod(2), all))
		b.reassign()
		ok(t, b.put(disks(1, 2)...))
		b.apply("2", grouping{name: "r", by: mod(2)}.assign)
		b.reassign()
		if _, err := b.create(rule.NewGroupKey("parent all")); err == nil {
			t.Error("an empty parent got an issue")
		}
		adopted, err := b.Adopt(t.Context(), issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("parent all"), Nonce: "x", Observed: issue.Observed{ProjectID: 7, IID: 50, State: issue.Opened}})
		ok(t, err)
		if adopted.Group != rule.NewGroupKey("parent all") || adopted.Phase != issue.Live {
			t.Errorf("a parent's issue became %+v", adopted)
		}
		e, row, err := b.Intend(t.Context(), plan.Entry{Run: b.run.ID, Seq: 9, Verb: plan.Create, WroteAt: noon()}, issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("mod 2: 0"), Nonce: "y", SentAt: noon()})
		ok(t, err)
		row.Phase = issue.Dropped
		ok(t, b.Record(t.Context(), e, row, 0))
	})
}
