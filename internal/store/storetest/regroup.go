package storetest

import (
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/rule"
)

func regroupings() []scenario {
	return []scenario{
		{"a finding in several groups is a member of each", several},
		{"whatever changes of a finding marks all of its groups", severalMarked},
		{"a finding that leaves one of several groups leaves that one", severalLeft},
		{"a group that no rule makes an issue of says why", ignored},
		{"the issue of a group that all findings left goes along", handsOn},
		{"the issue stays where another has one, and tells where to look", handsOnNot},
	}
}

// also puts disk number i into its group, and into those of others.
func also(i int, others ...int) rule.Placed {
	p := place(disk(i))
	for _, other := range others {
		p.Also = append(p.Also, rule.Assignment{Rule: "too", Group: groupOf(other)})
	}
	return p
}

// held are the titles of the members of each group.
func (b *bench) held(all bool) map[rule.GroupKey][]string {
	b.Helper()
	out := map[rule.GroupKey][]string{}
	for _, g := range b.groups(all) {
		out[g.Group.Key] = nil
		for _, m := range g.Group.Members {
			out[g.Group.Key] = append(out[g.Group.Key], m.Finding.Title)
		}
	}
	return out
}

func several(b *bench) {
	const many = 300 // more than a page
	placed := []rule.Placed{also(0, 9000, 9001)}
	for i := 1; i < many; i++ {
		placed = append(placed, also(i, 9000))
	}
	b.put(placed...)
	for _, all := range []bool{true, false} {
		held := b.held(all)
		b.same("groups", many+2, len(held))
		b.same("in the first besides", many, len(held[groupOf(9000)]))
		b.same("in the second besides", []string{"Delete disk 0"}, held[groupOf(9001)])
		b.same("in its own", []string{"Delete disk 7"}, held[groupOf(7)])
	}
	g, _, err := b.Group(b.ctx, groupOf(9001))
	b.ok(err)
	b.same("alone", "Delete disk 0", g.Members[0].Finding.Title)
	b.same("by rule", "too", g.Rule)
	sum, err := b.Summary(b.ctx)
	b.ok(err)
	b.same("counted once", "448.5", sum.Savings["USD"].String())
}

func severalMarked(b *bench) {
	b.put(also(1, 2, 3), place(disk(4)))
	for name, change := range map[string]func(){
		"said something else": func() {
			p := also(1, 2, 3)
			p.Finding.Title = "another"
			b.put(p)
		},
		"missed": func() {
			_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
				return pulled(), in.Miss(disk(1).FindingKey, finding.Sighting{Detection: finding.Absent, Absences: 2})
			})
			b.ok(err)
		},
	} {
		b.settle()
		change()
		b.same(name, 3, len(b.dirty()))
	}
	for _, i := range []int{1, 2, 3} {
		g, _, err := b.Group(b.ctx, groupOf(i))
		b.ok(err)
		b.same("members", 1, len(g.Members))
	}
}

func severalLeft(b *bench) {
	b.put(also(1, 2, 3))
	b.settle()
	b.put(also(1, 3, 4))
	b.same("groups", map[rule.GroupKey][]string{groupOf(1): {"Delete disk 1"}, groupOf(2): {"Delete disk 1"}, groupOf(3): {"Delete disk 1"}, groupOf(4): {"Delete disk 1"}}, b.held(false))
	g, _, err := b.Group(b.ctx, groupOf(2))
	b.ok(err)
	b.same("the group that it left", &rule.Elsewhere{Group: groupOf(1), Issues: map[int64]string{}}, g.Left)
	b.put(also(1))
	g, _, err = b.Group(b.ctx, groupOf(4))
	b.ok(err)
	b.same("detection", finding.Absent, g.Detection())
	if g, _, err = b.Group(b.ctx, groupOf(1)); err != nil || g.Left != nil || g.Detection() != finding.Present {
		b.Errorf("its first group is %+v (%v)", g, err)
	}
}

func ignored(b *bench) {
	small := place(disk(1))
	small.Rule, small.Ignored = "", "less than 5 USD"
	b.put(small, place(disk(2)))
	read := func(i int) (string, string) {
		g, _, err := b.Group(b.ctx, groupOf(i))
		b.ok(err)
		return g.Rule, g.Ignored
	}
	for i, want := range map[int][2]string{1: {"", "less than 5 USD"}, 2: {"default", ""}} {
		name, why := read(i)
		b.same("group", want, [2]string{name, why})
	}
	b.put(place(disk(1)))
	name, why := read(1)
	b.same("wanted again", [2]string{"default", ""}, [2]string{name, why})
}

// handsOn moves both disks of a group to another one, first one and then the other.
func handsOn(b *bench) {
	in, r := b.connect(1), b.begin()
	second := place(disk(2))
	second.Group = groupOf(1)
	b.put(place(disk(1)), second)
	b.create(in, r, 1)
	b.settle()
	first := place(disk(1))
	first.Group, second.Group = groupOf(3), groupOf(3)
	b.put(first)
	b.same("one left", []int64{1, 0}, b.issuesOf(1, 3))
	b.put(second)
	b.same("both left", []int64{0, 1}, b.issuesOf(1, 3))
	b.same("dirty", 2, len(b.dirty()))
}

// issuesOf are the numbers of the issues that speak for the groups of disks; 0:
// none does.
func (b *bench) issuesOf(disks ...int) []int64 {
	b.Helper()
	var out []int64
	for _, i := range disks {
		_, issues, err := b.Group(b.ctx, groupOf(i))
		b.ok(err)
		var iid int64
		for _, t := range issues {
			if t.Phase == issue.Live {
				iid = t.Observed.IID
			}
		}
		out = append(out, iid)
	}
	return out
}

func handsOnNot(b *bench) {
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)), place(disk(2)))
	b.create(in, r, 1)
	kept := b.create(in, r, 2)
	kept.Observed.WebURL = "https://gitlab.example.com/2"
	b.ok(b.Observe(b.ctx, in.ID, 1, []issue.Tracked{kept}, noon()))
	moved := place(disk(1))
	moved.Group = groupOf(2)
	at := pulled()
	at.ReceivedAt = noon().Add(time.Hour)
	b.putIn(at, moved)
	b.same("issues", []int64{1, 2}, b.issuesOf(1, 2))
	g, _, err := b.Group(b.ctx, groupOf(1))
	b.ok(err)
	b.same("where to look", &rule.Elsewhere{Group: groupOf(2), Issues: map[int64]string{in.ID: kept.Observed.WebURL}}, g.Left)
	b.same("gone since", at.ReceivedAt, g.Members[0].Sighting.Since)
}
