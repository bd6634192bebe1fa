package storetest

import (
	"slices"
	"strings"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

// shared is what several processes, and databases that are set up in other
// ways, must not change.
func shared() []scenario {
	return []scenario{
		{"of many who adopt the same issue at once one does", adoptsOnce},
		{"groups that many mark and settle at once end up settled or marked", marksAtOnce},
		{"a step is recorded whatever bytes the tracker said", anyBytes},
		{"what is ordered is ordered by bytes", byBytes},
	}
}

func adoptsOnce(b *bench) {
	in := b.connect(1)
	const n = 12
	won, lost := b.race(n, func(int) error {
		_, err := b.Adopt(b.ctx, found(in.ID, 4, 9))
		return err
	}, store.ErrStale)
	if won != 1 || lost != n-1 {
		b.Errorf("%d adopted it, %d did not", won, lost)
	}
}

// marksAtOnce has everybody take the groups' rows in another order: nobody must
// wait for others in a circle.
func marksAtOnce(b *bench) {
	var placed []rule.Placed
	var keys []rule.GroupKey
	for i := range 60 {
		placed, keys = append(placed, place(disk(i))), append(keys, groupOf(i))
	}
	b.put(placed...)
	b.race(12, func(i int) error {
		mine := slices.Concat(keys[i:], keys[:i])
		if i%3 == 0 {
			slices.Reverse(mine)
		}
		if i%2 == 0 {
			return b.Settle(b.ctx, 0, b.versions())
		}
		return b.Touch(b.ctx, mine)
	}, nil)
	b.settle()
	b.same("dirty", 0, len(b.dirty()))
}

// anyBytes: PostgreSQL's texts hold neither NUL nor what is not UTF-8.
func anyBytes(b *bench) {
	in, r := b.connect(1), b.begin()
	e, row := b.intend(in, r, 1)
	said := "before \xff\x00 after"
	e.Outcome, e.Trouble, row.Phase, row.Trouble = plan.Failed, said, issue.Dropped, said
	b.ok(b.Record(b.ctx, e, row, 0))
	got := b.journal(r.ID)[0].Trouble
	if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
		b.Errorf("the trouble is %q", got)
	}
}

func byBytes(b *bench) {
	want := []string{"A", "B", "_", "a", "b", "ä"}
	for _, name := range slices.Backward(want) {
		p := pulled()
		p.Source, p.Scope = name, name
		b.putIn(p)
	}
	var got []string
	for _, p := range b.sum().Pulls {
		got = append(got, p.Source)
	}
	b.same("sources", want, got)
}
