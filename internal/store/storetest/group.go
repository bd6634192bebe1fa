package storetest

import (
	"errors"
	"slices"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

func groupings() []scenario {
	return []scenario{
		{"groups come ordered, whole, over many pages", ordered},
		{"groups that are settled come only when all are asked for", dirtyOnly},
		{"a group is settled with its last step, unless it changed meanwhile", recordSettles},
		{"groups end with the error of yield", yieldFails},
		{"yield may use the store", yieldWrites},
		{"groups come with their issues but the dropped", withIssues},
		{"a group that changed after it was read is not settled", settleRace},
		{"settle leaves the groups of others and unknown ones alone", settleUnknown},
		{"touch marks groups and raises their versions", touches},
	}
}

func ordered(b *bench) {
	const n = 520
	var placed []rule.Placed
	for i := range n {
		one := place(disk(i))
		one.Group = groupOf(i / 2) // two members each
		placed = append(placed, one)
	}
	b.put(placed...)
	for _, all := range []bool{true, false} {
		groups := b.groups(all)
		if len(groups) != n/2 {
			b.Fatalf("there are %d groups, not %d", len(groups), n/2)
		}
		if !slices.IsSortedFunc(groups, func(x, y seen) int { return compare(x.Group.Key, y.Group.Key) }) {
			b.Error("groups are not ordered by key")
		}
		for _, g := range groups {
			members := g.Group.Members
			if len(members) != 2 || members[0].Finding.FindingKey >= members[1].Finding.FindingKey {
				b.Fatalf("group %s has %d members, or they are not ordered", g.Group.Key, len(members))
			}
		}
	}
	total, dirty, err := b.CountGroups(b.ctx)
	b.ok(err)
	b.same("counted", []int{n / 2, n / 2}, []int{total, dirty})
}

func compare[T ~string](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func dirtyOnly(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	b.settle()
	total, dirty, err := b.CountGroups(b.ctx)
	b.ok(err)
	b.same("counted", []int{2, 0}, []int{total, dirty})
	b.same("dirty", 0, len(b.groups(false)))
	b.same("all", 2, len(b.groups(true)))
}

func yieldFails(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	sentinel, calls := errors.New("stop"), 0
	err := b.Groups(b.ctx, true, func(rule.Group, []issue.Tracked) error {
		calls++
		return sentinel
	})
	if err != sentinel || calls != 1 {
		b.Errorf("after %d calls the error is %v", calls, err)
	}
}

// yieldWrites would hang if Groups held what writing or reading needs.
func yieldWrites(b *bench) {
	in, r := b.connect(1), b.begin()
	for i := range 10 {
		b.put(place(disk(i)))
	}
	n := 0
	b.ok(b.Groups(b.ctx, false, func(g rule.Group, _ []issue.Tracked) error {
		n++
		_, _, err := b.Intend(b.ctx, plan.Entry{Run: r.ID, Seq: n, Verb: plan.Create},
			issue.Tracked{Integration: in.ID, Group: g.Key, Nonce: nonce(n)})
		b.ok(err)
		b.same("nested", 10-n+1, len(b.groups(false)))
		return b.Settle(b.ctx, 0, map[rule.GroupKey]int64{g.Key: g.Version})
	}))
	b.same("groups", 10, n)
}

func withIssues(b *bench) {
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)), place(disk(2)))
	e, dropped := b.intend(in, r, 1)
	dropped.Phase, e.Outcome = issue.Dropped, plan.Dropped
	b.ok(b.Record(b.ctx, e, dropped, 0))
	e, retired, err := b.Intend(b.ctx, creation(r, 1), issue.Tracked{Integration: in.ID, Group: groupOf(1), Nonce: nonce(11)})
	b.ok(err)
	retired.Phase, e.Outcome = issue.Retired, plan.Done
	b.ok(b.Record(b.ctx, e, retired, 0))
	retired.Rev++
	_, live, err := b.Intend(b.ctx, creation(r, 1), issue.Tracked{Integration: in.ID, Group: groupOf(1), Nonce: nonce(12)})
	b.ok(err)
	want := map[rule.GroupKey][]issue.Tracked{groupOf(1): {retired, live}, groupOf(2): nil}
	for _, all := range []bool{true, false} {
		got := map[rule.GroupKey][]issue.Tracked{}
		for _, g := range b.groups(all) {
			got[g.Group.Key] = g.Issues
		}
		b.same("issues", want, got)
	}
}

func settleRace(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	decided := b.versions()
	f := disk(1)
	f.Title = "changed while the plan was made"
	b.put(place(f))
	b.ok(b.Settle(b.ctx, 0, decided))
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	b.settle()
	b.same("dirty in the end", 0, len(b.dirty()))
}

func settleUnknown(b *bench) {
	b.put(place(disk(1)))
	b.ok(b.Settle(b.ctx, 0, map[rule.GroupKey]int64{groupOf(2): 1}))
	b.ok(b.Settle(b.ctx, 0, nil))
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
}

func touches(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	before := b.versions()
	b.settle()
	b.ok(b.Touch(b.ctx, []rule.GroupKey{groupOf(2), groupOf(2), groupOf(3)}))
	b.same("dirty", []rule.GroupKey{groupOf(2)}, b.dirty())
	if after := b.versions(); after[groupOf(2)] <= before[groupOf(2)] || after[groupOf(1)] != before[groupOf(1)] || len(after) != 2 {
		b.Errorf("versions went from %v to %v", before, after)
	}
	b.ok(b.Touch(b.ctx, nil))
}

func summary(b *bench) {
	in, r := b.connect(1), b.begin()
	same := disk(6)
	same.ResourceID, same.SubAccountID = disk(1).ResourceID, disk(1).SubAccountID
	gone, unknown, euro, twin, mate, alert := place(disk(2)), disk(4), disk(5), place(same), place(disk(8)), disk(7)
	gone.Sighting.Detection = finding.Absent
	unknown.EstimatedMonthlySavings.Valid = false
	euro.BillingCurrency = "EUR"
	twin.Group = groupOf(1) // the larger of two claims about one disk counts
	mate.Group = groupOf(3) // those about two disks are added up
	alert.Kind, alert.EstimatedMonthlySavings.Valid = finding.System, false
	b.put(place(disk(1)), gone, place(disk(3)), place(unknown), place(euro), twin, mate, place(alert))
	late := pulled()
	late.Scope, late.ReceivedAt, late.New = "two", noon().Add(time.Hour), 3
	b.putIn(late)
	last := b.putIn(late)
	b.create(in, r, 1)
	b.intend(in, r, 3)

	sum, err := b.Summary(b.ctx)
	b.ok(err)
	b.same("savings", map[string]string{"USD": "0.17", "EUR": "0.05"}, map[string]string{"USD": sum.Savings["USD"].String(), "EUR": sum.Savings["EUR"].String()})
	b.same("unknown", 1, sum.Unknown)
	b.same("last run", r, sum.LastRun)
	b.same("pulls", 2, len(sum.Pulls))
	b.same("last pull", last, sum.Pulls[1])
	issues := map[string]int{}
	for _, c := range sum.Issues {
		issues[string(c.Phase)+"/"+string(c.State)] = c.Count
	}
	b.same("issues", map[string]int{"live/opened": 1, "intended/": 1}, issues)
	findings := map[string]int{}
	for _, c := range sum.Findings {
		findings[string(c.Kind)+"/"+string(c.Detection)] = c.Count
	}
	b.same("findings", map[string]int{"cost/present": 6, "cost/absent": 1, "system/present": 1}, findings)
}

// recordSettles: the last step of a group settles it, unless the group changed
// since the step was decided on.
func recordSettles(b *bench) {
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)), place(disk(2)))
	versions := b.versions()
	b.ok(b.Touch(b.ctx, []rule.GroupKey{groupOf(2)}))
	for i := 1; i <= 2; i++ {
		e, tracked := b.intend(in, r, i)
		b.ok(b.Record(b.ctx, e, tracked, 0))
		tracked.Rev++
		b.same("dirty before it is settled", true, slices.Contains(b.dirty(), groupOf(i)))
		b.ok(b.Record(b.ctx, e, tracked, versions[groupOf(i)]))
	}
	b.same("dirty", []rule.GroupKey{groupOf(2)}, b.dirty())
}
