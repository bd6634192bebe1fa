package storetest

import (
	"errors"
	"fmt"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func heldRuns() []scenario {
	return []scenario{
		{"a run comes with its planned steps", plannedRun},
		{"a run that waits takes the place of the one before", supersedes},
		{"a run is approved once", approvedOnce},
		{"a run is approved as it was seen: a rejection meanwhile stays", approvedAsSeen},
		{"a run is finished when every step has an outcome", endRun},
		{"one shared run at a time", oneShared},
		{"a planned step is intended in its own entry", intendsPlanned},
		{"what was not taken is skipped when the run is finished", skipsPlanned},
		{"one group comes as all do", oneGroup},
		{"open issues are counted", countsOpen},
		{"caps are exact however many create at once", capsExact},
	}
}

func planned(n int) []plan.Entry {
	var out []plan.Entry
	for i := 1; i <= n; i++ {
		var e plan.Entry
		fill(&e)
		e.ID, e.Run, e.Seq, e.Verb, e.Group, e.Issue, e.WroteAt, e.EndedAt = 0, 0, i, plan.Create, groupOf(i), 0, time.Time{}, time.Time{}
		out = append(out, e)
	}
	return out
}

// share begins a run with n planned creates.
func (b *bench) share(integration int64, state plan.RunState, n int) (plan.Run, []plan.Entry) {
	b.Helper()
	r, entries, err := b.BeginRun(b.ctx, plan.Run{Integration: integration, State: state, Shared: state == plan.Running, Why: "too much", Digest: fmt.Sprint(n), StartedAt: noon(), Steps: n}, planned(n))
	b.ok(err)
	return r, entries
}

func plannedRun(b *bench) {
	in := b.connect(1)
	r, entries := b.share(in.ID, plan.Waiting, 3)
	got, journal, err := b.Store.Run(b.ctx, r.ID)
	b.ok(err)
	b.same("run", r, got)
	b.same("journal", entries, journal)
	for i, e := range entries {
		b.same("outcome", plan.Planned, e.Outcome)
		b.same("order", i+1, e.Seq)
		one, err := b.Entry(b.ctx, e.ID)
		b.ok(err)
		b.same("entry", e, one)
	}
	if _, _, err := b.Store.Run(b.ctx, r.ID+9); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("no run: %v", err)
	}
	if _, err := b.Entry(b.ctx, entries[2].ID+9); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("no entry: %v", err)
	}
}

func supersedes(b *bench) {
	in, other := b.connect(1), b.connect(2)
	first, _ := b.share(in.ID, plan.Waiting, 1)
	elsewhere, _ := b.share(other.ID, plan.Waiting, 1)
	running, _ := b.share(in.ID, plan.Running, 1)
	second, _ := b.share(in.ID, plan.Waiting, 2)
	got, _, err := b.Store.Run(b.ctx, first.ID)
	b.ok(err)
	b.same("the first", plan.Superseded, got.State)
	open, err := b.OpenRuns(b.ctx, in.ID)
	b.ok(err)
	b.same("open", []plan.Run{running, second}, open)
	open, err = b.OpenRuns(b.ctx, other.ID)
	b.ok(err)
	b.same("open elsewhere", []plan.Run{elsewhere}, open)
}

func approvedOnce(b *bench) {
	in := b.connect(1)
	r, _ := b.share(in.ID, plan.Waiting, 1)
	won, lost := b.race(8, func(i int) error {
		return b.ApproveRun(b.ctx, r, fmt.Sprint("person ", i), noon())
	}, store.ErrNotWaiting)
	b.same("won and lost", []int{1, 7}, []int{won, lost})
	got, _, err := b.Store.Run(b.ctx, r.ID)
	b.ok(err)
	if got.State != plan.Running || got.ApprovedBy == "" || !got.ApprovedAt.Equal(noon()) {
		b.Errorf("the run is %+v", got)
	}
}

func approvedAsSeen(b *bench) {
	in := b.connect(1)
	seen, _ := b.share(in.ID, plan.Waiting, 1)
	b.ok(b.RejectRun(b.ctx, seen.ID, "one", "not now", noon()))
	if err := b.ApproveRun(b.ctx, seen, "another", noon()); !errors.Is(err, store.ErrNotWaiting) {
		b.Errorf("what was rejected meanwhile is approved: %v", err)
	}
	seen, _, err := b.Store.Run(b.ctx, seen.ID)
	b.ok(err)
	b.same("state", plan.Superseded, seen.State)
	b.ok(b.ApproveRun(b.ctx, seen, "another", noon())) // after all
}

func endRun(b *bench) {
	in := b.connect(1)
	r, entries := b.share(in.ID, plan.Running, 6)
	end := func() bool {
		done, err := b.EndRun(b.ctx, r.ID, noon().Add(time.Hour))
		b.ok(err)
		return done
	}
	for i, o := range []plan.Outcome{plan.Done, plan.Failed, plan.InDoubt, plan.Skipped, plan.Adopted, plan.Intended} {
		b.same("finished", false, end())
		entries[i].Outcome = o
		b.ok(b.Record(b.ctx, entries[i], issue.Tracked{}, 0))
	}
	b.same("finished while one is intended", false, end())
	entries[5].Outcome = plan.Dropped
	b.ok(b.Record(b.ctx, entries[5], issue.Tracked{}, 0))
	b.same("finished", true, end())
	b.same("finished again", true, end())
	got, _, err := b.Store.Run(b.ctx, r.ID)
	b.ok(err)
	r.State, r.FinishedAt, r.Done, r.Failed, r.InDoubt, r.Skipped = plan.Finished, noon().Add(time.Hour), 2, 1, 1, 2
	b.same("run", r, got)
	if _, err := b.EndRun(b.ctx, r.ID+9, noon()); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("no run: %v", err)
	}
}

func oneShared(b *bench) {
	in, other := b.connect(1), b.connect(2)
	b.share(other.ID, plan.Running, 1)
	won, lost := b.race(6, func(int) error {
		_, _, err := b.BeginRun(b.ctx, plan.Run{Integration: in.ID, State: plan.Running, Shared: true, StartedAt: noon()}, planned(2))
		return err
	}, store.ErrUnderWay)
	b.same("won and lost", []int{1, 5}, []int{won, lost})
	b.begin() // one that is not shared goes beside it
	open, err := b.OpenRuns(b.ctx, in.ID)
	b.ok(err)
	b.same("open", 1, len(open))
	b.same("its steps", 2, len(b.journal(open[0].ID)))
	_, err = b.EndRun(b.ctx, open[0].ID, noon())
	b.ok(err)
	b.ok(b.FinishRun(b.ctx, plan.Run{ID: open[0].ID, State: plan.Finished}, ""))
	b.share(in.ID, plan.Running, 1)
}

func intendsPlanned(b *bench) {
	in := b.connect(1)
	r, entries := b.share(in.ID, plan.Running, 2)
	e := entries[0]
	e.WroteAt = noon()
	got, tracked, err := b.Intend(b.ctx, e, toCreate(in, 1))
	b.ok(err)
	e.Outcome, e.Issue = plan.Intended, tracked.ID
	b.same("entry", e, got)
	b.same("journal", []plan.Entry{e, entries[1]}, b.journal(r.ID))
}

func skipsPlanned(b *bench) {
	in := b.connect(1)
	r, entries := b.share(in.ID, plan.Running, 2)
	entries[0].Outcome = plan.Done
	b.ok(b.Record(b.ctx, entries[0], issue.Tracked{}, 0))
	r.State, r.FinishedAt = plan.Finished, noon()
	b.ok(b.FinishRun(b.ctx, r, "the run was stopped"))
	entries[1].Outcome, entries[1].Trouble, entries[1].EndedAt = plan.Skipped, "the run was stopped", noon()
	b.same("journal", entries, b.journal(r.ID))
}

func oneGroup(b *bench) {
	in := b.connect(1)
	b.put(place(disk(1)), place(disk(2)))
	tracked := b.create(in, b.begin(), 2)
	g, have, err := b.Group(b.ctx, groupOf(2))
	b.ok(err)
	b.same("issues", []issue.Tracked{tracked}, have)
	for _, all := range b.groups(true) {
		if all.Group.Key == g.Key {
			b.same("group", all.Group, g)
		}
	}
	if _, _, err := b.Group(b.ctx, rule.NewGroupKey("nothing")); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("no group: %v", err)
	}
}

func countsOpen(b *bench) {
	in, other, r := b.connect(1), b.connect(2), b.begin()
	one := b.create(in, r, 1)
	b.create(other, r, 3)
	b.intend(in, r, 4)
	n, err := b.CountOpen(b.ctx, in.ID)
	b.ok(err)
	b.same("open", 1, n)
	room, err := b.Room(b.ctx, in.ID, in.Project.ID, noon().Add(-time.Minute))
	b.ok(err)
	b.same("room", plan.Room{Created: 1, Open: 1}, room)
	room, err = b.Room(b.ctx, in.ID, in.Project.ID, noon())
	b.ok(err)
	b.same("room from then on", plan.Room{Created: 0, Open: 1}, room)
	rows, err := b.Issues(b.ctx, []int64{one.ID, 99})
	b.ok(err)
	b.same("rows", 1, len(rows))
}

func capsExact(b *bench) {
	in, r := b.connect(1), b.begin()
	capped := b.Capped(plan.Caps{PerHour: 5, Open: 9}, noon)
	won, lost := b.race(24, func(i int) error {
		t := toCreate(in, i)
		t.Observed.ProjectID = in.Project.ID
		_, _, err := capped.Intend(b.ctx, creation(r, i), t)
		return err
	}, store.ErrCapped)
	b.same("won and lost", []int{5, 19}, []int{won, lost})
	later := b.Capped(plan.Caps{PerHour: 5, Open: 9}, func() time.Time { return noon().Add(2 * time.Hour) })
	won, lost = b.race(24, func(i int) error {
		t := toCreate(in, 100+i)
		t.Observed.ProjectID, t.SentAt = in.Project.ID, noon().Add(2*time.Hour)
		_, _, err := later.Intend(b.ctx, creation(r, 100+i), t)
		return err
	}, store.ErrCapped)
	b.same("won and lost later", []int{4, 20}, []int{won, lost})
	if watermark, err := b.Watermark(b.ctx, in.ID, in.Project.ID); err != nil || !watermark.IsZero() {
		b.Errorf("counting moved the watermark to %s (%v)", watermark, err)
	}
}
