package storetest

import (
	"errors"
	"sync"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func tracking() []scenario {
	return []scenario{
		{"intend writes journal and issue before the call", intends},
		{"record keeps every field of issue and entry", records},
		{"a group gets one active issue", onlyOne},
		{"of 64 who intend the same group at once one wins", oneWins},
		{"a group gets a new issue when the last was dropped, retired or a duplicate", again},
		{"the same group has an issue in each integration", perIntegration},
		{"intend refuses what belongs to nobody", intendUnknown},
		{"a nonce is issued once", nonces},
		{"of two who write the same issue one is stale", stale},
		{"of 64 who intend to change the same issue at once one wins", oneChanges},
		{"a stale record leaves the journal as it was", staleRecord},
		{"record refuses an entry that does not exist", recordUnknown},
		{"writes of many at once are all kept", together},
		{"a write whose time is over is not made", cancelled},
		{"unsettled are the intended and those in doubt", unsettled},
		{"adopt keeps an issue that has no row", adopts},
		{"adopt keeps a second issue as a duplicate", duplicates},
	}
}

func intends(b *bench) {
	in, r := b.connect(1), b.begin()
	e, tracked := b.intend(in, r, 1)
	if e.ID == 0 || tracked.ID == 0 {
		b.Fatalf("IDs are missing: entry %d, issue %d", e.ID, tracked.ID)
	}
	want := toCreate(in, 1)
	want.ID, want.Phase, want.Rev = tracked.ID, issue.Intended, 1
	b.same("issue", want, tracked)
	line := creation(r, 1)
	line.ID, line.Group, line.Issue, line.Outcome = e.ID, groupOf(1), tracked.ID, plan.Intended
	b.same("entry", line, e)
	b.same("stored issue", []issue.Tracked{tracked}, b.unsettled(in.ID))
	b.same("stored entry", []plan.Entry{e}, b.journal(r.ID))
}

func (b *bench) unsettled(integration int64) []issue.Tracked {
	b.Helper()
	out, err := b.Unsettled(b.ctx, integration)
	b.ok(err)
	return out
}

func (b *bench) journal(run int64) []plan.Entry {
	b.Helper()
	out, err := b.Journal(b.ctx, run)
	b.ok(err)
	return out
}

func records(b *bench) {
	in, r := b.connect(1), b.begin()
	e, tracked := b.intend(in, r, 1)
	full, line := issue.Tracked{}, plan.Entry{}
	fill(&full)
	fill(&line)
	full.ID, full.Integration, full.Group, full.Nonce, full.Rev = tracked.ID, tracked.Integration, tracked.Group, tracked.Nonce, tracked.Rev
	full.Phase = issue.Live
	line.ID, line.Run, line.Seq, line.Verb, line.Reason, line.Group, line.Issue, line.WroteAt = e.ID, e.Run, e.Seq, e.Verb, e.Reason, e.Group, e.Issue, e.WroteAt
	b.ok(b.Record(b.ctx, line, full, 0))
	full.Rev++
	got, err := b.Find(b.ctx, in.ID, 0, nil, []string{full.Nonce})
	b.ok(err)
	b.same("issue", []issue.Tracked{full}, got)
	b.same("journal", []plan.Entry{line}, b.journal(r.ID))
}

func onlyOne(b *bench) {
	in, r := b.connect(1), b.begin()
	for _, phase := range []issue.Phase{issue.Intended, issue.InDoubt, issue.Live, issue.Lost} {
		i := len(b.journal(r.ID)) + 1
		e, tracked := b.intend(in, r, i)
		tracked.Phase = phase
		b.ok(b.Record(b.ctx, e, tracked, 0))
		second := toCreate(in, i)
		second.Nonce = nonce(100 + i)
		_, _, err := b.Intend(b.ctx, creation(r, i), second)
		if !errors.Is(err, store.ErrAlreadyIntended) {
			b.Errorf("%s: the error is %v", phase, err)
		}
		b.same("entries", i, len(b.journal(r.ID)))
	}
}

func oneWins(b *bench) {
	in, r := b.connect(1), b.begin()
	won, lost := b.race(64, func(i int) error {
		t := toCreate(in, 1)
		t.Nonce = nonce(i)
		_, _, err := b.Intend(b.ctx, creation(r, i), t)
		return err
	}, store.ErrAlreadyIntended)
	b.same("won and lost", []int{1, 63}, []int{won, lost})
	b.same("issues", 1, len(b.unsettled(in.ID)))
	b.same("entries", 1, len(b.journal(r.ID)))
}

// race lets n do the same at once and counts who got no error and who got the
// expected one.
func (b *bench) race(n int, do func(i int) error, expected error) (won, lost int) {
	b.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, expected):
				lost++
			default:
				b.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
	return won, lost
}

func again(b *bench) {
	in, r := b.connect(1), b.begin()
	for i, phase := range []issue.Phase{issue.Dropped, issue.Retired, issue.Duplicate} {
		t := toCreate(in, 1)
		t.Nonce = nonce(i)
		e, tracked, err := b.Intend(b.ctx, creation(r, 1), t)
		b.ok(err)
		tracked.Phase = phase
		b.ok(b.Record(b.ctx, e, tracked, 0))
	}
	t := toCreate(in, 1)
	t.Nonce = nonce(9)
	_, _, err := b.Intend(b.ctx, creation(r, 1), t)
	b.ok(err)
}

func perIntegration(b *bench) {
	r := b.begin()
	for i, in := range []int64{b.connect(1).ID, b.connect(2).ID} {
		_, _, err := b.Intend(b.ctx, creation(r, i), issue.Tracked{Integration: in, Group: groupOf(1), Nonce: nonce(i)})
		b.ok(err)
	}
}

func intendUnknown(b *bench) {
	in, r := b.connect(1), b.begin()
	if _, _, err := b.Intend(b.ctx, creation(r, 1), issue.Tracked{Integration: 99, Group: groupOf(1), Nonce: nonce(1)}); err == nil {
		b.Error("an issue of no integration was stored")
	}
	if _, _, err := b.Intend(b.ctx, creation(plan.Run{ID: 99}, 1), toCreate(in, 1)); err == nil {
		b.Error("an entry of no run was stored")
	}
	b.same("issues", 0, len(b.unsettled(in.ID)))
}

func nonces(b *bench) {
	in, r := b.connect(1), b.begin()
	b.intend(in, r, 1)
	t := toCreate(in, 2)
	t.Nonce = nonce(1)
	if _, _, err := b.Intend(b.ctx, creation(r, 2), t); err == nil || errors.Is(err, store.ErrAlreadyIntended) {
		b.Errorf("the error is %v", err)
	}
}

func stale(b *bench) {
	in, r := b.connect(1), b.begin()
	tracked := b.create(in, r, 1)
	update := plan.Entry{Run: r.ID, Seq: 2, Verb: plan.Update}
	_, first, err := b.Intend(b.ctx, update, tracked)
	b.ok(err)
	if _, _, err := b.Intend(b.ctx, update, tracked); !errors.Is(err, store.ErrStale) {
		b.Errorf("the second intent: %v", err)
	}
	if err := b.Observe(b.ctx, in.ID, 1, []issue.Tracked{tracked}, noon()); !errors.Is(err, store.ErrStale) {
		b.Errorf("an older observation: %v", err)
	}
	b.same("rev", tracked.Rev+1, first.Rev)
}

func oneChanges(b *bench) {
	in, r := b.connect(1), b.begin()
	tracked := b.create(in, r, 1)
	won, lost := b.race(64, func(i int) error {
		_, _, err := b.Intend(b.ctx, plan.Entry{Run: r.ID, Seq: i, Verb: plan.Update}, tracked)
		return err
	}, store.ErrStale)
	b.same("won and lost", []int{1, 63}, []int{won, lost})
}

func staleRecord(b *bench) {
	in, r := b.connect(1), b.begin()
	e, tracked := b.intend(in, r, 1)
	e.Outcome = plan.Done
	b.ok(b.Record(b.ctx, e, tracked, 0))
	e.Outcome = plan.Failed
	if err := b.Record(b.ctx, e, tracked, 0); !errors.Is(err, store.ErrStale) {
		b.Errorf("the error is %v", err)
	}
	b.same("outcome", plan.Done, b.journal(r.ID)[0].Outcome)
	b.ok(b.Record(b.ctx, e, issue.Tracked{}, 0))
	b.same("outcome without the issue", plan.Failed, b.journal(r.ID)[0].Outcome)
}

func recordUnknown(b *bench) {
	in, r := b.connect(1), b.begin()
	e, tracked := b.intend(in, r, 1)
	e.ID += 99
	tracked.Trouble = "must not be stored"
	if err := b.Record(b.ctx, e, tracked, 0); !errors.Is(err, store.ErrNotFound) {
		b.Errorf("the error is %v", err)
	}
	b.same("trouble", "", b.unsettled(in.ID)[0].Trouble)
}

// together has more writers at once than share a transaction, some of which
// fail: every one gets its own outcome.
func together(b *bench) {
	in, r := b.connect(1), b.begin()
	b.intend(in, r, 0)
	const n = 80
	won, lost := b.race(n, func(i int) error {
		t := toCreate(in, i)
		t.Nonce = nonce(1000 + i)
		if i%4 == 0 {
			t.Group = groupOf(0) // has an issue already
		}
		e, t, err := b.Intend(b.ctx, creation(r, i), t)
		if err != nil {
			return err
		}
		e.Outcome, t.Phase = plan.Done, issue.Live
		return b.Record(b.ctx, e, t, 0)
	}, store.ErrAlreadyIntended)
	b.same("won and lost", []int{n * 3 / 4, n / 4}, []int{won, lost})
	done := 0
	for _, e := range b.journal(r.ID) {
		if e.Outcome == plan.Done {
			done++
		}
	}
	b.same("done", n*3/4, done)
	b.same("unsettled", 1, len(b.unsettled(in.ID)))
}

func unsettled(b *bench) {
	in, other, r := b.connect(1), b.connect(2), b.begin()
	var want []int64
	for i, phase := range []issue.Phase{issue.Intended, issue.InDoubt, issue.Live, issue.Lost, issue.Dropped, issue.Retired, issue.Duplicate} {
		e, tracked := b.intend(in, r, i)
		tracked.Phase = phase
		b.ok(b.Record(b.ctx, e, tracked, 0))
		if phase == issue.Intended || phase == issue.InDoubt {
			want = append(want, tracked.ID)
		}
	}
	b.intend(other, r, 9)
	b.same("unsettled", want, ids(b.unsettled(in.ID)))
}

func ids(all []issue.Tracked) []int64 {
	var out []int64
	for _, t := range all {
		out = append(out, t.ID)
	}
	return out
}

// found is an issue of disk number i as it was found in the tracker.
func found(integration int64, i int, iid int64) issue.Tracked {
	return issue.Tracked{
		Integration: integration, Group: groupOf(i), Nonce: nonce(i),
		Observed: issue.Observed{ID: 1000 + iid, ProjectID: 1, IID: iid, State: issue.Opened, CreatedAt: noon()},
	}
}

func adopts(b *bench) {
	in := b.connect(1)
	b.put(place(disk(1)))
	b.settle()
	got, err := b.Adopt(b.ctx, found(in.ID, 1, 5))
	b.ok(err)
	want := found(in.ID, 1, 5)
	want.ID, want.Phase, want.Rev = got.ID, issue.Live, 1
	b.same("adopted", want, got)
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	if _, err := b.Adopt(b.ctx, found(in.ID, 1, 5)); err == nil {
		b.Error("the same issue was adopted twice")
	}
}

func duplicates(b *bench) {
	in, r := b.connect(1), b.begin()
	b.put(place(disk(1)))
	b.create(in, r, 1)
	twin, err := b.Adopt(b.ctx, found(in.ID, 1, 7)) // the same nonce: sent twice
	b.ok(err)
	b.same("twin", issue.Duplicate, twin.Phase)
	other := found(in.ID, 1, 8)
	other.Nonce = nonce(77)
	other, err = b.Adopt(b.ctx, other)
	b.ok(err)
	b.same("other", issue.Duplicate, other.Phase)
	b.same("issues of the group", 3, len(b.groups(true)[0].Issues))
	twin.Missing, twin.SentAt = 1, noon().Add(time.Minute)
	b.ok(b.Observe(b.ctx, in.ID, 1, []issue.Tracked{twin}, noon()))
}
