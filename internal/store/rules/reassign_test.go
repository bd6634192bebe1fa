package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store"
	"cxm/internal/store/rules"
)

// disks are findings from..to, of teams a and b in turn.
func disks(from, to int) (out []finding.Finding) {
	for i := from; i <= to; i++ {
		out = append(out, disk(i, string(rune('a'+i%2))))
	}
	return out
}

func byNumber(findings []finding.Finding) map[int]finding.Finding {
	out := map[int]finding.Finding{}
	for _, f := range findings {
		out[number(&f)] = f
	}
	return out
}

// make makes an issue of every group that holds one of the disks, in the order of
// the disks; the first is number 1.
func (b *bed) make(findings []finding.Finding) {
	b.t.Helper()
	for _, f := range findings {
		for _, a := range b.assign(&f) {
			if _, err := b.create(a.Group); err != nil && !errors.Is(err, store.ErrAlreadyIntended) {
				b.t.Fatal(err)
			}
		}
	}
}

// where says which issue speaks for which of the groups.
func (b *bed) where(groups ...string) []int64 {
	b.t.Helper()
	all := b.everything(b.t)
	var out []int64
	for _, part := range groups {
		out = append(out, all[rule.NewGroupKey(part)].active())
	}
	return out
}

// TestReassign says which group keeps whose issue.
func TestReassign(t *testing.T) {
	mod2 := grouping{name: "mod 2", by: mod(2)}
	cases := map[string]struct {
		before, after grouping
		where         map[string]int64 // the issue that a group has afterwards; 0: none
	}{
		"another key": {
			grouping{name: "one", by: team}, grouping{name: "other", by: mod(2)},
			map[string]int64{"mod 2: 1": 1, "mod 2: 0": 2, "team b": 0, "team a": 0},
		},
		"several into one: the oldest stays, the others are to be closed": {
			mod2, grouping{name: "all", by: all},
			map[string]int64{"all": 1, "mod 2: 1": 0, "mod 2: 0": 2},
		},
		"one into several: to the one with the largest saving": {
			grouping{name: "all", by: all}, mod2,
			map[string]int64{"mod 2: 0": 1, "mod 2: 1": 0, "all": 0}, // disk 6 leads
		},
		"one stays behind": {
			mod2, grouping{name: "most", by: func(f *finding.Finding) string {
				if number(f) == 2 {
					return "mod 2: 0"
				}
				return "all"
			}},
			map[string]int64{"mod 2: 0": 2, "all": 1, "mod 2: 1": 0},
		},
		"one stays behind, the others have none where they go": {
			mod2, grouping{name: "new", by: func(f *finding.Finding) string {
				if number(f) > 2 {
					return "new " + mod(2)(f)
				}
				return mod(2)(f)
			}},
			map[string]int64{"mod 2: 1": 1, "mod 2: 0": 2, "new mod 2: 0": 0, "new mod 2: 1": 0},
		},
		"into one that has an issue": {
			mod2, grouping{name: "even", by: func(*finding.Finding) string { return "mod 2: 0" }},
			map[string]int64{"mod 2: 0": 2, "mod 2: 1": 1},
		},
		"into one that is ignored": {
			grouping{name: "one", by: alone}, grouping{name: "none", by: alone, ignore: func(f *finding.Finding) bool { return number(f) > 5 }},
			map[string]int64{"alone 1": 1, "alone 6": 0},
		},
		"the largest is ignored: to the next": {
			grouping{name: "all", by: all}, grouping{name: "few", by: mod(2), ignore: func(f *finding.Finding) bool { return number(f) > 4 }},
			map[string]int64{"mod 2: 0": 1, "mod 2: 1": 0},
		},
		"each rank keeps its own": {
			grouping{name: "two", by: mod(2), also: team}, grouping{name: "three", by: func(f *finding.Finding) string { return "new " + mod(2)(f) }, also: func(f *finding.Finding) string { return "new " + team(f) }},
			map[string]int64{"new mod 2: 1": 1, "also new team b": 2, "new mod 2: 0": 3, "also new team a": 4},
		},
		"what comes besides": {
			mod2, grouping{name: "more", by: mod(2), also: all},
			map[string]int64{"mod 2: 1": 1, "mod 2: 0": 2, "also all": 0},
		},
		"what came besides goes": {
			grouping{name: "more", by: mod(2), also: all}, mod2,
			map[string]int64{"mod 2: 1": 1, "also all": 2, "mod 2: 0": 3},
		},
	}
	onBoth(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				b := newBed(t, db, name)
				b.apply("before", c.before.assign)
				b.reassign()
				ok(t, b.put(disks(1, 6)...))
				b.make(disks(1, 6))
				b.apply("after", c.after.assign)
				b.reassign()
				b.holds(t, byNumber(disks(1, 6)))
				for group, want := range c.where {
					if got := b.where(group)[0]; got != want {
						t.Errorf("group %q has issue %d, not %d", group, got, want)
					}
				}
			})
		}
	})
}

// TestRollbackRestores: what several groups became one for and back again has the
// issues that it had.
func TestRollbackRestores(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		three := grouping{name: "three", by: mod(3)}.assign
		b.apply("three", three)
		b.reassign()
		ok(t, b.put(disks(1, 9)...))
		b.make(disks(1, 9))
		b.apply("all", grouping{name: "all", by: all}.assign)
		b.reassign()
		b.apply("three", three)
		b.reassign()
		b.holds(t, byNumber(disks(1, 9)))
		if got := b.where("mod 3: 1", "mod 3: 2", "mod 3: 0", "all"); !slices.Equal(got, []int64{1, 2, 3, 0}) {
			t.Errorf("the issues are with %v", got)
		}
	})
}

// TestReassignPrefersOpen: a closed issue is not what an open one is given up for.
func TestReassignPrefersOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = grouping{name: "one", by: mod(2)}.assign
		ok(t, b.put(disks(1, 4)...))
		b.make(disks(1, 4))
		first := b.everything(t)[rule.NewGroupKey("mod 2: 1")].issues[0]
		first.Observed.State = issue.Closed
		ok(t, b.Observe(t.Context(), b.in.ID, 7, []issue.Tracked{first}, noon()))
		b.apply("all", grouping{name: "all", by: all}.assign)
		b.reassign()
		b.holds(t, byNumber(disks(1, 4)))
		if got := b.where("all", "mod 2: 1", "mod 2: 0"); !slices.Equal(got, []int64{2, 1, 0}) {
			t.Errorf("the issues are with %v", got)
		}
	})
}

// TestReassignWaits: while findings are assigned nothing is intended, and what was
// decided before about an issue that was handed on is not done.
func TestReassignWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = grouping{name: "one", by: mod(2)}.assign
		ok(t, b.put(disks(1, 4)...))
		was, err := b.create(rule.NewGroupKey("mod 2: 1"))
		ok(t, err)
		change := func(i issue.Tracked) error {
			_, _, err := b.Intend(t.Context(), plan.Entry{Run: b.run.ID, Verb: plan.Close, WroteAt: noon()}, i)
			return err
		}
		b.apply("all", grouping{name: "all", by: all}.assign)
		if _, err := b.create(rule.NewGroupKey("mod 2: 0")); !errors.Is(err, store.ErrStale) {
			t.Errorf("a create: %v", err)
		}
		if err := change(was); !errors.Is(err, store.ErrStale) {
			t.Errorf("a change: %v", err)
		}
		if err := b.rules.Reassign(t.Context(), 0, b.assign, 3); !errors.Is(err, rules.ErrOtherRevision) {
			t.Errorf("under other rules: %v", err)
		}
		b.reassign()
		b.holds(t, byNumber(disks(1, 4)))
		if err := change(was); !errors.Is(err, store.ErrStale) {
			t.Errorf("a change of what was handed on: %v", err)
		}
		if _, err := b.create(rule.NewGroupKey("mod 2: 0")); !errors.Is(err, store.ErrStale) {
			t.Errorf("a create for a group that is empty: %v", err)
		}
		if _, err := b.create(rule.NewGroupKey("all")); !errors.Is(err, store.ErrAlreadyIntended) {
			t.Errorf("a second one: %v", err)
		}
	})
}

// TestReassignWritesLittle: what is as it should be is not written, a rule that got
// another name is, and what is under way keeps its rev.
func TestReassignWritesLittle(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.apply("1", grouping{name: "one", by: mod(2), also: team}.assign)
		b.reassign()
		ok(t, b.put(disks(1, 9)...))
		versions := func() map[rule.GroupKey]int64 {
			out := map[rule.GroupKey]int64{}
			for key, g := range b.everything(t) {
				out[key] = g.Version
			}
			return out
		}
		ok(t, b.Settle(t.Context(), 0, versions()))
		b.apply("2", grouping{name: "one", by: mod(2), also: team}.assign)
		before := versions() // applying rules touches every group, assigning findings does not
		b.reassign()
		if after := versions(); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("versions went from %v to %v", before, after)
		}
		b.apply("3", grouping{name: "two", by: mod(2), also: team}.assign)
		b.reassign()
		b.holds(t, byNumber(disks(1, 9)))
		for key, g := range b.everything(t) {
			if g.Rule != "two" && g.Rule != "two too" {
				t.Errorf("group %s is by rule %q", key.Short(), g.Rule)
			}
		}
		entry, pending, err := b.Intend(t.Context(), plan.Entry{Run: b.run.ID, Verb: plan.Create}, issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("mod 2: 1"), Nonce: "pending"})
		ok(t, err)
		b.apply("4", grouping{name: "all", by: all}.assign)
		b.reassign()
		pending.Phase = issue.Live
		ok(t, b.Record(t.Context(), entry, pending, 0))
	})
}

// TestReassignKnowsFirstKeys: a finding that stands alone under the key that it had
// first is in the same group when it is assigned from what is stored.
func TestReassignKnowsFirstKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		lone := func(key string, former ...finding.Key) finding.Finding {
			f := disk(1, "a")
			f.ResourceID, f.FindingKey, f.FormerKeys = "", finding.NewKey("test", key), former
			return f
		}
		first, second := lone("1"), lone("2")
		ok(t, b.put(lone("3", lone("2.1").FindingKey, lone("1.1").FindingKey), first, second))
		_, err := b.Ingest(t.Context(), finding.Pull{Source: "test", Scope: "one", ReceivedAt: noon()}, func(in rule.Intake) (finding.Pull, error) {
			moved, err := in.Rekey(first.FindingKey, lone("4").FindingKey) // and unchanged, so that it is not put again
			if !moved {
				t.Error("it was not moved")
			}
			return finding.Pull{}, err
		})
		ok(t, err)
		b.apply("the same", rule.Set{}.Assign)
		before := b.everything(t)
		b.reassign()
		after := b.everything(t)
		for key, g := range after {
			if was := before[key]; g.Left != nil || len(after) != len(before) || g.Version != was.Version {
				t.Errorf("group %s was %+v and is %+v", key.Short(), was.Group, g.Group)
			}
		}
	})
}

// TestReassignCrash ends it before and after every commit that it makes.
func TestReassignCrash(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		var bomb mine
		o.Failpoint = bomb.step
		db := open(t, o)
		for n := 1; ; n++ {
			b := newBed(t, db, fmt.Sprint("tenant ", n))
			b.assign = grouping{name: "one", by: mod(3), also: team}.assign
			ok(t, b.put(disks(1, 10)...))
			b.make(disks(1, 10))
			b.apply("two", grouping{name: "two", by: mod(2), also: all}.assign)
			bomb.set(n)
			crashed := crashing(b.reassign)
			bomb.set(0)
			if crashed {
				b.reassign()
			}
			b.holds(t, byNumber(disks(1, 10)))
			if got := b.where("mod 2: 1", "mod 2: 0", "also all"); got[0] == 0 || got[1] == 0 || got[2] == 0 {
				t.Errorf("after a crash at %d the issues are with %v", n, got)
			}
			if !crashed {
				if n < 15 {
					t.Errorf("there were only %d points to crash at", n)
				}
				return
			}
		}
	})
}

// TestReassignOvertaken: rules that are applied before the others came to their end.
func TestReassignOvertaken(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		var bomb mine
		o.Failpoint = bomb.step
		db := open(t, o)
		one, two := grouping{name: "one", by: mod(2)}, grouping{name: "two", by: mod(3), also: all}
		for n := 2; n < 24; n += 2 {
			b := newBed(t, db, fmt.Sprint("tenant ", n))
			b.assign = one.assign
			ok(t, b.put(disks(1, 10)...))
			b.make(disks(1, 10))
			b.apply("two", two.assign)
			bomb.set(n)
			crashing(b.reassign)
			bomb.set(0)
			b.apply("one", one.assign)
			b.reassign()
			b.holds(t, byNumber(disks(1, 10)))
			if got := b.where("mod 2: 1", "mod 2: 0"); !slices.Equal(got, []int64{1, 2}) {
				t.Errorf("after there and back the issues are with %v", got)
			}
		}
	})
}

// TestLateIngest: a pull that was read under the rules before is stored, and its
// findings are assigned again.
func TestLateIngest(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		ctx := t.Context()
		one, two := grouping{name: "one", by: mod(2)}.assign, grouping{name: "two", by: team, also: all}.assign
		b.assign = one
		ok(t, b.put(disks(1, 7)...))
		b.make(disks(1, 7))
		b.apply("two", two)
		b.reassign()
		changed := disks(1, 9)
		for i := range changed {
			changed[i].Title = "changed"
		}
		ok(t, b.putUnder(0, one, nil, changed[3:]...))
		if a, err := b.rules.Assigned(ctx); err != nil || a.Done {
			t.Fatalf("after a late pull: %+v (%v)", a, err)
		}
		b.reassign()
		b.holds(t, byNumber(disks(1, 9)))
		if got := b.where("team b", "team a"); !slices.Equal(got, []int64{1, 2}) {
			t.Errorf("the issues are with %v", got)
		}
		ok(t, b.put(changed...))
		if a, err := b.rules.Assigned(ctx); err != nil || !a.Done {
			t.Errorf("after a pull in time: %+v (%v)", a, err)
		}
		b.holds(t, byNumber(disks(1, 9)))
	})
}

// TestIngestHandsOn: where findings change so that they belong to another group,
// the issue goes along.
func TestIngestHandsOn(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = grouping{name: "one", by: team}.assign
		ok(t, b.put(disks(1, 4)...))
		b.make(disks(1, 4)) // 1: team b, 2: team a
		moved := []finding.Finding{disk(1, "c"), disk(2, "a"), disk(3, "c"), disk(4, "a")}
		ok(t, b.put(moved...))
		b.holds(t, byNumber(moved))
		if got := b.where("team c", "team b", "team a"); !slices.Equal(got, []int64{1, 0, 2}) {
			t.Errorf("the issues are with %v", got)
		}
		merged := []finding.Finding{disk(1, "a"), disk(2, "a"), disk(3, "a"), disk(4, "a")}
		ok(t, b.put(merged...))
		b.holds(t, byNumber(merged))
		all := b.everything(t)
		left := all[rule.NewGroupKey("team c")]
		if left.Left == nil || left.Left.Group != rule.NewGroupKey("team a") || left.Left.Issues[b.in.ID] != "https://gitlab.example.com/2" || left.active() != 1 {
			t.Errorf("what was left is %+v", left)
		}
	})
}

// TestAdoptAfterRegrouping: an issue that nobody remembers, whose marker names a
// group that its findings left, speaks for where they are now.
func TestAdoptAfterRegrouping(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		b := newBed(t, open(t, o), "default")
		b.assign = grouping{name: "one", by: mod(2)}.assign
		ok(t, b.put(disks(1, 4)...))
		b.apply("all", grouping{name: "all", by: all}.assign)
		b.reassign()
		adopt := func(n int) issue.Tracked {
			got, err := b.Adopt(t.Context(), issue.Tracked{Integration: b.in.ID, Group: rule.NewGroupKey("mod 2: 1"), Nonce: fmt.Sprint(n), Observed: issue.Observed{ProjectID: 7, IID: int64(n), State: issue.Opened}})
			ok(t, err)
			return got
		}
		if got := adopt(1); got.Group != rule.NewGroupKey("all") || got.Phase != issue.Live {
			t.Errorf("the first is %+v", got)
		}
		if got := adopt(2); got.Group != rule.NewGroupKey("all") || got.Phase != issue.Duplicate {
			t.Errorf("the second is %+v", got)
		}
	})
}
