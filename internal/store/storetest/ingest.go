package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/rule"
	"cxm/internal/store"
)

func ingests() []scenario {
	return []scenario{
		{"ingest remembers findings", remembers},
		{"ingest keeps every field of a finding", keepsFinding},
		{"ingest keeps every field of a pull", keepsPull},
		{"ingest with nothing changed leaves the groups settled", unchanged},
		{"ingest marks the group of a changed finding", changed},
		{"ingest stores misses", misses},
		{"ingest refuses a miss of an unknown finding", missUnknown},
		{"ingest keeps all or nothing when fill fails", fillFails},
		{"ingest keeps all or nothing when a finding cannot be stored", putFails},
		{"ingest keeps the later of two puts of a key", putTwice},
		{"ingest gives a finding to the scope that put it last", scopes},
		{"ingest knows the accounts of present findings", accounts},
		{"ingest keeps since where it is not given", keepsSince},
		{"ingest of more than fits into memory is whole", manyPuts},
		{"pulls of two scopes at once do not wait for each other in a circle", crossing},
		{"a finding whose key definition changed keeps row, group and sighting", rekeys},
		{"a key that is taken, or of another scope, is not moved", rekeysNot},
		{"a finding that moves marks both groups and leaves no empty group", moves},
		{"a finding that moves back is a member like any other", movesBack},
		{"text of every kind comes back as it was", texts},
		{"amounts come back exactly", amounts},
		{"times come back in UTC to the microsecond", times},
	}
}

func remembers(b *bench) {
	b.same("before", 0, len(b.known(pulled())))
	p := b.put(place(disk(1)), place(disk(2)))
	if p.ID == 0 {
		b.Error("the pull has no ID")
	}
	want := map[finding.Key]finding.Sighting{}
	for _, placed := range []rule.Placed{place(disk(1)), place(disk(2))} {
		b.same("since", placed.Sighting.Since, b.since(placed))
		placed.Sighting.Since = time.Time{}
		want[placed.Finding.FindingKey] = placed.Sighting
	}
	b.same("known", want, b.known(pulled()))
}

func keepsFinding(b *bench) {
	var f finding.Finding
	fill(&f)
	f.FindingKey, f.Kind, f.Detection, f.FormerKeys = disk(1).FindingKey, finding.Cost, finding.Present, nil
	sighting := finding.Sighting{}
	fill(&sighting)
	b.put(rule.Placed{Finding: &f, Group: groupOf(1), Rule: "default", Sighting: sighting})
	want := []rule.Member{{Finding: f, Sighting: sighting}}
	b.same("members", want, b.groups(true)[0].Group.Members)
}

func keepsPull(b *bench) {
	var p finding.Pull
	fill(&p)
	want, err := b.Ingest(b.ctx, p, func(rule.Intake) (finding.Pull, error) { return p, nil })
	b.ok(err)
	p.ID = want.ID
	b.same("returned", p, want)
	sum, err := b.Summary(b.ctx)
	b.ok(err)
	b.same("stored", []finding.Pull{p}, sum.Pulls)
}

func unchanged(b *bench) {
	b.put(place(disk(1)))
	b.settle()
	before := b.versions()
	b.put()
	b.same("dirty", 0, len(b.dirty()))
	b.same("versions", before, b.versions())
}

func changed(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	b.settle()
	before := b.versions()
	f := disk(1)
	f.Title = "Delete disk 1 now"
	b.put(place(f))
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
	b.same("title", f.Title, b.groups(false)[0].Group.Members[0].Finding.Title)
	if after := b.versions(); after[groupOf(1)] <= before[groupOf(1)] || after[groupOf(2)] != before[groupOf(2)] {
		b.Errorf("versions went from %v to %v", before, after)
	}
}

func misses(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	b.settle()
	gone := finding.Sighting{Detection: finding.Absent, Absences: 2, Digest: finding.Digest{7}, Since: noon().Add(time.Hour)}
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		return pulled(), in.Miss(disk(1).FindingKey, gone)
	})
	b.ok(err)
	b.same("since", gone.Since, b.since(place(disk(1))))
	b.same("member", gone, b.groups(false)[0].Group.Members[0].Sighting)
	gone.Since = time.Time{}
	b.same("known", gone, b.known(pulled())[disk(1).FindingKey])
	b.same("dirty", []rule.GroupKey{groupOf(1)}, b.dirty())
}

func missUnknown(b *bench) {
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		return pulled(), in.Miss(disk(1).FindingKey, finding.Sighting{Detection: finding.Absent})
	})
	if !errors.Is(err, store.ErrNotFound) {
		b.Errorf("the error is %v", err)
	}
}

// failing runs an ingest that ends in an error after it has put much, and checks
// that nothing of it is left.
func failing(b *bench, end func(rule.Intake) error) error {
	b.Helper()
	b.put(place(disk(0)))
	b.settle()
	before := b.groups(true)
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		for i := range 100 {
			f := disk(i)
			f.Title = "changed"
			if err := in.Put(place(f)); err != nil {
				return pulled(), err
			}
		}
		return pulled(), end(in)
	})
	if err == nil {
		b.Fatal("there is no error")
	}
	b.same("groups", before, b.groups(true))
	b.same("dirty", 0, len(b.dirty()))
	b.same("known", 1, len(b.known(pulled())))
	return err
}

func fillFails(b *bench) {
	sentinel := errors.New("the file is cut off")
	if err := failing(b, func(rule.Intake) error { return sentinel }); err != sentinel {
		b.Errorf("the error is %v, not the one of fill as it is", err)
	}
}

func putFails(b *bench) {
	failing(b, func(in rule.Intake) error {
		f := disk(101)
		f.Tags = map[string]string{"team": "not UTF-8: \xff"}
		return in.Put(place(f))
	})
}

// since is when the detection of a finding took its value.
func (b *bench) since(p rule.Placed) time.Time {
	b.Helper()
	for _, g := range b.groups(true) {
		for _, m := range g.Group.Members {
			if m.Finding.FindingKey == p.Finding.FindingKey {
				return m.Sighting.Since
			}
		}
	}
	b.Fatalf("finding %s is in no group", p.Finding.FindingKey)
	return time.Time{}
}

func keepsSince(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	again := place(disk(1))
	again.Sighting.Since, again.Sighting.Digest = time.Time{}, finding.Digest{1}
	first, second := place(disk(3)), place(disk(3))
	second.Sighting.Since = time.Time{}
	b.put(again, first, second)
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		return pulled(), in.Miss(disk(2).FindingKey, finding.Sighting{Detection: finding.Present, Absences: 1})
	})
	b.ok(err)
	for i := range 3 {
		b.same(fmt.Sprint("since of disk ", i+1), noon(), b.since(place(disk(i+1))))
	}
	b.same("digest", finding.Digest{1}, b.known(pulled())[disk(1).FindingKey].Digest)
	b.same("absences", 1, b.known(pulled())[disk(2).FindingKey].Absences)
}

// manyPuts puts more than a pull holds back, all of it twice, and misses some of
// it at once.
func manyPuts(b *bench) {
	const many = 1300
	b.put(place(disk(0)))
	b.settle()
	before := b.versions()[groupOf(0)]
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		for i := range 2 * many {
			f := disk(i % many)
			f.Title = fmt.Sprintf("Delete disk %d, said %d times", i%many, 1+i/many)
			b.ok(in.Put(place(f)))
			if i%many%100 == 99 {
				b.ok(in.Miss(f.FindingKey, finding.Sighting{Detection: finding.Absent, Since: noon()}))
			}
		}
		return pulled(), nil
	})
	b.ok(err)
	b.same("known", many, len(b.known(pulled())))
	groups := b.groups(false)
	b.same("dirty", many, len(groups))
	absent := 0
	for _, g := range groups {
		if m := g.Group.Members[0]; !strings.HasSuffix(m.Finding.Title, "said 2 times") {
			b.Errorf("%s", m.Finding.Title)
		}
		if g.Group.Detection() == finding.Absent {
			absent++
		}
	}
	b.same("absent", many/100, absent)
	if after := b.versions()[groupOf(0)]; after <= before {
		b.Errorf("the version went from %d to %d", before, after)
	}
}

// crossing pulls findings about the same disks into two scopes at once, in
// opposite orders, and more of them than a pull holds back.
func crossing(b *bench) {
	const many = 1200
	var wait sync.WaitGroup
	failed := make([]error, 2)
	for side := range failed {
		wait.Go(func() {
			p := pulled()
			p.Scope = fmt.Sprint("side ", side)
			_, failed[side] = b.Ingest(b.ctx, p, func(in rule.Intake) (finding.Pull, error) {
				for i := range many {
					if side == 1 {
						i = many - 1 - i
					}
					f := disk(i)
					f.FindingKey = finding.NewKey("test", p.Scope, fmt.Sprint(i))
					f.SubAccountID = "one" // the same disk for both
					if err := in.Put(place(f)); err != nil {
						return p, err
					}
				}
				return p, nil
			})
		})
	}
	wait.Wait()
	b.ok(errors.Join(failed...))
	groups := b.groups(true)
	b.same("groups", many, len(groups))
	for _, g := range groups {
		b.same("members", 2, len(g.Group.Members))
	}
}

func rekeys(b *bench) {
	seen := place(disk(1))
	seen.Sighting.Absences = 1
	b.put(seen, place(disk(2)))
	b.settle()
	key := finding.NewKey("test, defined anew", "1")
	pulled := pulled()
	pulled.ReceivedAt = noon().Add(time.Hour)
	_, err := b.Ingest(b.ctx, pulled, func(in rule.Intake) (finding.Pull, error) {
		moved, err := in.Rekey(disk(1).FindingKey, key)
		b.ok(err)
		b.same("moved", true, moved)
		at, err := in.Known.Find(key)
		b.ok(err)
		got, known := at.Last()
		b.same("known", true, known)
		b.same("absences", 1, got.Absences)
		return pulled, nil
	})
	b.ok(err)
	want := seen.Sighting
	want.Since = time.Time{}
	b.same("known", map[finding.Key]finding.Sighting{key: want, disk(2).FindingKey: b.known(pulled)[disk(2).FindingKey]}, b.known(pulled))
	f := disk(1)
	f.FindingKey, f.FormerKeys = key, []finding.Key{disk(1).FindingKey}
	b.put(rule.Placed{Finding: &f, Group: groupOf(1), Rule: "default", Sighting: finding.Sighting{Detection: finding.Present, Digest: f.Digest()}})
	b.same("groups", 2, len(b.groups(true)))
	dirty := b.groups(false)
	if len(dirty) != 1 || len(dirty[0].Group.Members) != 1 {
		b.Fatalf("dirty are %+v", dirty)
	}
	b.same("key", key, dirty[0].Group.Members[0].Finding.FindingKey)
	b.same("since", noon(), dirty[0].Group.Members[0].Sighting.Since)
}

func rekeysNot(b *bench) {
	other := pulled()
	other.Scope = "two"
	b.put(place(disk(1)), place(disk(2)))
	b.putIn(other, place(disk(3)))
	before := b.known(pulled())
	_, err := b.Ingest(b.ctx, pulled(), func(in rule.Intake) (finding.Pull, error) {
		for name, keys := range map[string][2]int{"taken here": {1, 2}, "taken in another scope": {1, 3}, "of another scope": {3, 4}, "unknown": {5, 6}} {
			moved, err := in.Rekey(disk(keys[0]).FindingKey, disk(keys[1]).FindingKey)
			b.ok(err)
			b.same(name, false, moved)
		}
		b.same("on the roll", before, maps.Collect(in.Known.Missing()))
		at, err := in.Known.Find(disk(1).FindingKey)
		b.ok(err)
		in.Known.Call(at, finding.Sighting{Detection: finding.Present})
		moved, err := in.Rekey(disk(1).FindingKey, disk(4).FindingKey)
		b.same("called in this pull", false, moved)
		return pulled(), err
	})
	b.ok(err)
	b.same("known", before, b.known(pulled()))
	b.same("in the other scope", 1, len(b.known(other)))
}

func putTwice(b *bench) {
	larger := disk(1)
	larger.Title = "Delete the larger disk"
	b.put(place(disk(1)), place(disk(2)), place(larger))
	b.same("groups", 2, len(b.groups(true)))
	for _, g := range b.groups(true) {
		if g.Group.Key == groupOf(1) {
			b.same("title", larger.Title, g.Group.Members[0].Finding.Title)
		}
	}
}

func scopes(b *bench) {
	other := pulled()
	other.Scope = "two"
	b.put(place(disk(1)), place(disk(2)))
	b.putIn(other, place(disk(1)))
	b.same("in the first", 1, len(b.known(pulled())))
	b.same("in the second", 1, len(b.known(other)))
	b.same("in another source", 0, len(b.known(finding.Pull{Source: "other", Scope: "one"})))
	b.same("groups", 2, len(b.groups(true)))
}

func accounts(b *bench) {
	gone := place(disk(1))
	gone.Sighting.Detection = finding.Absent
	b.put(place(disk(0)), gone, place(disk(3)))
	b.same("accounts", map[string]bool{"account-0": true}, b.intake(pulled()).Accounts)
}

func moves(b *bench) {
	b.put(place(disk(1)), place(disk(2)))
	b.settle()
	moved := place(disk(1))
	moved.Group = groupOf(2)
	at := pulled()
	at.ReceivedAt = noon().Add(time.Hour)
	b.putIn(at, moved)
	groups := map[rule.GroupKey]rule.Group{}
	for _, g := range b.groups(false) {
		groups[g.Group.Key] = g.Group
	}
	b.same("dirty", 2, len(groups))
	b.same("members of the new group", 2, len(groups[groupOf(2)].Members))
	left := groups[groupOf(1)]
	if len(left.Members) != 1 {
		b.Fatalf("the old group has %d members", len(left.Members))
	}
	b.same("the old group's", finding.Absent, left.Detection())
	b.same("the member's", finding.Absent, left.Members[0].Finding.Detection)
	b.same("absent since", at.ReceivedAt, left.Members[0].Sighting.Since)
}

func movesBack(b *bench) {
	b.put(place(disk(1)))
	moved := place(disk(1))
	moved.Group = groupOf(2)
	b.put(moved)
	b.put(place(disk(1)))
	for _, g := range b.groups(true) {
		want := map[rule.GroupKey]finding.Detection{groupOf(1): finding.Present, groupOf(2): finding.Absent}
		b.same("group "+g.Group.Key.Short(), want[g.Group.Key], g.Group.Detection())
	}
}

func texts(b *bench) {
	hostile := []string{
		"Größe, 大きさ, גודל, 🧊", "it's; drop table findings; --", `{"a":"\u0000"}`, "$1 ? :x @y %s \\",
		"zero\u200bwidth \u202eright to left", "tab\tline\nreturn\r\n", strings.Repeat("long ", 200_000), "NUL \x00 inside",
	}
	for i, text := range hostile {
		f := disk(i)
		f.Title, f.Description, f.Tags = "Title", text, map[string]string{"t": text}
		b.put(place(f))
		for _, g := range b.groups(true) {
			if g.Group.Key == groupOf(i) && (g.Group.Members[0].Finding.Description != text || g.Group.Members[0].Finding.Tags["t"] != text) {
				b.Errorf("text %d (%.30q) came back as %.60q", i, text, g.Group.Members[0].Finding.Description)
			}
		}
	}
}

func amounts(b *bench) {
	exact := []string{
		"0", "0.1", "43.08", "0.000000000000000000000000000000000001", "999999999999999999999999.999999999999999999999999999999999999",
		fmt.Sprint(math.MaxInt64), "9223372036854.775808", "1234567890123456789.123456789",
	}
	total := decimal.Zero
	for i, text := range exact {
		amount, err := money.Parse(text)
		b.ok(err)
		total = total.Add(amount)
		f := disk(i)
		f.EstimatedMonthlySavings = money.Known(amount)
		b.put(place(f))
		for _, g := range b.groups(true) {
			if g.Group.Key == groupOf(i) {
				b.same(text, money.Known(amount), g.Group.Members[0].Finding.EstimatedMonthlySavings)
			}
		}
	}
	sum, err := b.Summary(b.ctx)
	b.ok(err)
	b.same("total", total.String(), sum.Savings["USD"].String())
}

func times(b *bench) {
	zone := time.FixedZone("east", 5*3600)
	want := noon()
	for i, at := range []time.Time{want.In(zone), want.Add(999 * time.Nanosecond), want.In(time.Local)} {
		placed := place(disk(i))
		placed.Sighting.Since = at
		b.put(placed)
		got := b.since(placed)
		if !got.Equal(want) || got.Location() != time.UTC {
			b.Errorf("%v came back as %v", at, got)
		}
	}
	never := place(disk(9))
	never.Sighting.Since = time.Time{}
	b.put(never)
	if got := b.since(never); !got.IsZero() {
		b.Errorf("the zero time came back as %v", got)
	}
}
