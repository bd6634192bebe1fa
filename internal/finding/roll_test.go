package finding

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestRoll drives a roll and a plain map side by side.
func TestRoll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roll, number := NewRoll(), rapid.IntRange(0, 300)
		before, now, called := map[Key]Sighting{}, map[Key]Sighting{}, map[Key]bool{}
		said := rapid.Custom(func(t *rapid.T) Sighting {
			return Sighting{
				Detection: rapid.SampledFrom([]Detection{Present, Absent, Unknown}).Draw(t, "detection"),
				Absences:  rapid.IntRange(0, 2).Draw(t, "absences"), Digest: Digest{15: byte(rapid.IntRange(0, 2).Draw(t, "digest"))},
			}
		})
		for range number.Draw(t, "remembered") {
			key, s := NewKey(fmt.Sprint(number.Draw(t, "key"))), said.Draw(t, "sighting")
			before[key], now[key] = s, s
			must(t, roll.Remember(key, s))
		}
		for range number.Draw(t, "calls") {
			key, s := NewKey(fmt.Sprint(number.Draw(t, "key"))), said.Draw(t, "now")
			if rapid.IntRange(0, 4).Draw(t, "rename") == 0 {
				is := NewKey(fmt.Sprint(number.Draw(t, "is")))
				was, possible := before[key]
				_, taken := now[is]
				if got := roll.Rename(key, is); got != (possible && !taken && !called[key]) {
					t.Fatalf("Rename says %t", got)
				} else if got {
					delete(before, key)
					delete(now, key)
					before[is], now[is] = was, was
				}
				continue
			}
			now[key], called[key] = s, true
			at, err := roll.Find(key)
			must(t, err)
			roll.Call(at, s)
		}
		compare(t, roll, before, now, called)
	})
}

func compare(t *rapid.T, roll *Roll, before, now map[Key]Sighting, called map[Key]bool) {
	for i := range 301 {
		key := NewKey(fmt.Sprint(i))
		want, known := now[key]
		at, err := roll.Find(key)
		must(t, err)
		if got, ok := at.Last(); got != want || ok != known {
			t.Fatalf("%s is %+v %t, not %+v %t", key.Short(), got, ok, want, known)
		}
	}
	missing := maps.Clone(before)
	maps.DeleteFunc(missing, func(key Key, _ Sighting) bool { return called[key] })
	if got := maps.Collect(roll.Missing()); !maps.Equal(got, missing) {
		t.Fatalf("missing are %v, not %v", got, missing)
	}
	var want [4]int
	for key := range called {
		was, known := before[key]
		switch is := now[key]; {
		case is.Detection == Absent && known && was.Detection == Present:
			want[3]++
		case is.Detection == Absent:
		case !known:
			want[0]++
		case is.Digest == was.Digest && is.Detection == was.Detection:
			want[2]++
		default:
			want[1]++
		}
	}
	var got [4]int
	if got[0], got[1], got[2], got[3] = roll.Tally(); got != want {
		t.Fatalf("the tally is %v, not %v", got, want)
	}
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// TestRollGrows: many findings are found again, and the order is the one they
// came in.
func TestRollGrows(t *testing.T) {
	const many = 20_000
	roll := NewRoll()
	for i := range many {
		if err := roll.Remember(NewKey(fmt.Sprint(i)), Sighting{Detection: Present, Absences: i}); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	for key, s := range roll.Missing() {
		if key != NewKey(fmt.Sprint(next)) || s.Absences != next {
			t.Fatalf("number %d is %s with %d absences", next, key, s.Absences)
		}
		next++
	}
	if next != many {
		t.Errorf("%d findings of %d", next, many)
	}
	for range roll.Missing() {
		break // stops when it is told to
	}
}

func TestRollRefusesWhatIsNoKey(t *testing.T) {
	roll := NewRoll()
	if err := roll.Remember(NewKey("b"), Sighting{}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []Key{"", "v1:", "v2:" + NewKey("a")[3:], NewKey("a") + "0", "v1:" + Key(fmt.Sprintf("%064X", 10))} {
		if roll.Remember(key, Sighting{}) == nil || roll.Rename(key, NewKey("a")) || roll.Rename(NewKey("b"), key) {
			t.Errorf("%q is taken for a key", key)
		}
		if _, err := roll.Find(key); err == nil {
			t.Errorf("%q is looked for", key)
		}
	}
}

func TestFirstKey(t *testing.T) {
	f := Finding{FindingKey: NewKey("c")}
	if f.FirstKey() != f.FindingKey {
		t.Error("a key that never changed is not the first one")
	}
	f.FormerKeys = []Key{NewKey("b"), NewKey("a")}
	if f.FirstKey() != NewKey("a") {
		t.Error("the first key is not the oldest of the former ones")
	}
}
