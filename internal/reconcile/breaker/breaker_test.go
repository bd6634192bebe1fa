package breaker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/issue"
	"cxm/internal/reconcile/breaker"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

func kinds() []issue.TroubleKind {
	return []issue.TroubleKind{
		issue.Unsent, issue.Doubtful, issue.Unauthorized, issue.Forbidden, issue.NotFound,
		issue.Moved, issue.Limited, issue.Invalid, issue.Unavailable,
	}
}

func trouble(kind issue.TroubleKind) *issue.Trouble {
	return &issue.Trouble{Kind: kind, Doing: "creating an issue", Said: "no"}
}

// How many failures in a row open a breaker, and against whom they count.
func TestOpening(t *testing.T) {
	const instance, project, issues = breaker.Instance, "project 7", "issues of project 7"
	look, change := breaker.Call{Project: 7}, breaker.Call{Project: 7, Issue: true}
	for _, tt := range []struct {
		call   breaker.Call
		kind   issue.TroubleKind
		target string // that opens first
		after  int
	}{
		{look, issue.Unauthorized, instance, 1},
		{change, issue.Unauthorized, instance, 1},
		{look, issue.Unsent, instance, 1},
		{look, issue.Forbidden, project, 1},
		{look, issue.NotFound, project, 1},
		{change, issue.Forbidden, issues, 5},
		{change, issue.NotFound, issues, 5},
		{look, issue.Invalid, project, 5},
		{change, issue.Invalid, issues, 5},
		{look, issue.Moved, project, 5},
		{look, issue.Limited, project, 5},
		{look, issue.Doubtful, project, 5},
		{change, issue.Doubtful, issues, 5},
		{look, issue.Unavailable, project, 5},
		{breaker.Call{}, issue.Unavailable, instance, 10},
		{breaker.Call{}, issue.Forbidden, instance, 5},
	} {
		t.Run(fmt.Sprintf("%v %s", tt.call, tt.kind), func(t *testing.T) {
			var s breaker.Set
			for n := 1; n <= tt.after; n++ {
				if ok, probes, reason := s.Allow(tt.call, noon()); !ok || len(probes) != 0 || reason != "" {
					t.Fatalf("call %d: %v %v %q", n, ok, probes, reason)
				}
				after, _, notices := s.After(tt.call, trouble(tt.kind), noon())
				if opened := len(notices) == 1 && notices[0].Target == tt.target && notices[0].Class == tt.kind && notices[0].Told; opened != (n == tt.after) {
					t.Fatalf("after %d: notices %+v", n, notices)
				}
				s = after
			}
			ok, _, reason := s.Allow(tt.call, noon().Add(59*time.Second))
			if ok || !strings.Contains(reason, tt.target) || !strings.Contains(reason, "12:01:00 UTC") {
				t.Errorf("after it opened: %v %q", ok, reason)
			}
		})
	}
}

// Failures that are not in a row, or not of one class, open nothing.
func TestNotInARow(t *testing.T) {
	call := breaker.Call{Project: 7}
	for name, between := range map[string]*issue.Trouble{"success": nil, "another class": trouble(issue.Moved), "nothing learned": trouble(issue.Limited)} {
		t.Run(name, func(t *testing.T) {
			var s breaker.Set
			for range 20 {
				for range 4 {
					s, _, _ = s.After(call, trouble(issue.Invalid), noon())
				}
				s, _, _ = s.After(call, between, noon())
				if ok, _, reason := s.Allow(call, noon()); !ok && !strings.Contains(reason, "("+string(between.Kind)+")") {
					t.Fatalf("opened: %s", reason)
				}
				s = slices.DeleteFunc(s, func(b breaker.Breaker) bool { return b.Class != issue.Invalid }) // whose rows are their own
			}
		})
	}
}

// An open breaker lets one probe out per delay, which doubles up to an hour, and
// tells nobody again.
func TestDelaysDouble(t *testing.T) {
	call, now := breaker.Call{Project: 7}, noon()
	s, _, _ := breaker.Set(nil).After(call, trouble(issue.Forbidden), now)
	for n, minutes := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		due := now.Add(time.Duration(minutes) * time.Minute)
		if ok, _, _ := s.Allow(call, due.Add(-time.Second)); ok {
			t.Fatalf("probe %d went before %d minutes", n, minutes)
		}
		ok, probes, reason := s.Allow(call, due)
		if !ok || len(probes) != 1 || reason == "" {
			t.Fatalf("probe %d: %v %v %q", n, ok, probes, reason)
		}
		if ok, _, reason := probes[0].Allow(due.Add(breaker.Patience - time.Second)); ok || !strings.Contains(reason, "is finding out") {
			t.Fatalf("a call beside the probe: %v %q", ok, reason)
		}
		if ok, probe, _ := probes[0].Allow(due.Add(breaker.Patience)); !ok || !probe {
			t.Fatal("a probe that nobody answers for keeps others away for good")
		}
		var notices []breaker.Breaker
		if s, _, notices = breaker.Set(probes).After(call, trouble(issue.Forbidden), due); len(notices) != 0 {
			t.Fatalf("told again: %+v", notices)
		}
		now = due
	}
	after, changed, _ := s.After(call, nil, now)
	if want := []breaker.Breaker{{Target: "project 7", Class: issue.Forbidden}}; !cmp.Equal(changed, want) {
		t.Errorf("after a success: %+v", changed)
	}
	if _, _, notices := after.After(call, trouble(issue.Forbidden), now); len(notices) != 1 {
		t.Error("the next opening has no notice")
	}
}

// The tracker's own wish is kept, and an hour is the most.
func TestTheTrackersWish(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: time.Minute, 10 * time.Minute: 10 * time.Minute, 24 * time.Hour: time.Hour} {
		told := trouble(issue.Unsent)
		told.After = asked
		s, _, _ := breaker.Set(nil).After(breaker.Call{}, told, noon())
		if got := s[0].RetryAt.Sub(noon()); got != want {
			t.Errorf("asked for %s: %s", asked, got)
		}
	}
}

// What comes back while a breaker is open, by the table of After.
func TestWhileOpen(t *testing.T) {
	open, _, _ := breaker.Set(nil).After(breaker.Call{Project: 7}, trouble(issue.Forbidden), noon())
	b, later := open[0], noon().Add(30*time.Second)
	probe, due := b.Probing(noon().Add(time.Minute)), noon().Add(61*time.Second)
	for _, tt := range []struct {
		name    string
		b       breaker.Breaker
		at      time.Time
		trouble *issue.Trouble
		open    bool
		retry   time.Time
	}{
		{"success", b, later, nil, false, time.Time{}},
		{"echo", b, later, trouble(issue.Forbidden), true, b.RetryAt},
		{"answered otherwise", b, later, trouble(issue.Invalid), false, time.Time{}},
		{"nothing learned", b, later, trouble(issue.Doubtful), true, b.RetryAt},
		{"its probe, success", probe, due, nil, false, time.Time{}},
		{"its probe, the same", probe, due, trouble(issue.Forbidden), true, due.Add(2 * time.Minute)},
		{"its probe, answered otherwise", probe, due, trouble(issue.Invalid), false, time.Time{}},
		{"its probe, nothing learned", probe, due, trouble(issue.Doubtful), true, due.Add(time.Minute)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, notice := tt.b.After(tt.trouble, tt.at)
			if got.Open() != tt.open || !got.RetryAt.Equal(tt.retry) || notice {
				t.Errorf("open %v, retry at %s, notice %v", got.Open(), got.RetryAt, notice)
			}
		})
	}
}

// A broken project stops itself alone, a broken account or instance all.
func TestWhoIsStopped(t *testing.T) {
	one, two, change := breaker.Call{Project: 1}, breaker.Call{Project: 2}, breaker.Call{Project: 1, Issue: true}
	for _, tt := range []struct {
		kind                      issue.TroubleKind
		times                     int
		one, change, two, nothing bool
	}{
		{issue.Forbidden, 1, false, true, true, true},
		{issue.Doubtful, 50, false, true, true, true}, // many were under way when it opened
		{issue.Unavailable, 5, false, true, true, true},
		{issue.Unauthorized, 1, false, false, false, false},
		{issue.Unsent, 1, false, false, false, false},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			var s breaker.Set
			for range tt.times {
				s, _, _ = s.After(one, trouble(tt.kind), noon())
			}
			for _, c := range []struct {
				call breaker.Call
				want bool
			}{{one, tt.one}, {change, tt.change}, {two, tt.two}, {breaker.Call{}, tt.nothing}} {
				if ok, _, reason := s.Allow(c.call, noon()); ok != c.want {
					t.Errorf("%+v: %v %q", c.call, ok, reason)
				}
			}
		})
	}
	t.Run("two projects broken", func(t *testing.T) {
		var s breaker.Set
		for range 5 {
			for _, c := range []breaker.Call{one, two} {
				s, _, _ = s.After(c, trouble(issue.Unavailable), noon())
			}
		}
		if ok, _, _ := s.Allow(breaker.Call{Project: 3}, noon()); ok {
			t.Error("the instance goes on")
		}
	})
}

// A clock that was put back does not leave a breaker open for longer than an hour.
func TestAClockPutBack(t *testing.T) {
	b, _ := breaker.Breaker{Target: breaker.Instance, Class: issue.Unsent}.After(trouble(issue.Unsent), noon())
	for name, b := range map[string]breaker.Breaker{"open": b, "probing": b.Probing(noon().Add(time.Minute))} {
		if ok, probe, reason := b.Allow(noon().Add(-24 * time.Hour)); !ok || !probe {
			t.Errorf("%s: %v %v %q", name, ok, probe, reason)
		}
	}
}

// Whatever happens: while a breaker is open, no two probes go out within its
// delay; a notice comes once per opening; what is allowed has nothing open that
// is not being probed; and a tracker that works again is used again.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s breaker.Set
		now, opened, notices := noon(), 0, 0
		lastProbe := map[string]time.Time{}
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 61, 600, 4000}).Draw(t, "s")) * time.Second)
			call := breaker.Call{Project: rapid.Int64Range(0, 2).Draw(t, "project"), Issue: rapid.Bool().Draw(t, "issue")}
			ok, probes, reason := s.Allow(call, now)
			if !ok && reason == "" {
				t.Fatal("held back without a reason")
			}
			for _, p := range probes {
				key := p.Target + string(p.Class)
				if at, was := lastProbe[key]; was && now.Sub(at) < breaker.Shortest {
					t.Fatalf("two probes of %s within %s", key, now.Sub(at))
				}
				lastProbe[key] = now
				s[slices.IndexFunc(s, func(b breaker.Breaker) bool { return b.Target == p.Target && b.Class == p.Class })] = p
			}
			echo := rapid.Bool().Draw(t, "under way before")
			if !ok && !echo {
				continue
			}
			var result *issue.Trouble
			if n := rapid.IntRange(-3, len(kinds())-1).Draw(t, "trouble"); n >= 0 {
				result = trouble(kinds()[n])
			}
			before := openOnes(s)
			after, changed, told := s.After(call, result, now)
			for key := range openOnes(after) {
				if !before[key] {
					opened++
				}
			}
			notices += len(told)
			if opened != notices {
				t.Fatalf("%d openings, %d notices", opened, notices)
			}
			for _, b := range changed {
				if !slices.Contains(after, b) {
					t.Fatalf("%+v changed and is not in the set", b)
				}
			}
			for key := range lastProbe {
				if !openOnes(after)[key] {
					delete(lastProbe, key)
				}
			}
			if ok, _, _ := after.Allow(call, now); result == nil && !ok {
				t.Fatal("held back right after a success")
			}
			s = after
		}
		now = now.Add(breaker.Longest + breaker.Patience)
		for _, call := range []breaker.Call{{}, {Project: 1}, {Project: 1, Issue: true}} {
			if ok, _, reason := s.Allow(call, now); !ok {
				t.Fatalf("held back for good: %s", reason)
			}
		}
	})
}

func openOnes(s breaker.Set) map[string]bool {
	out := map[string]bool{}
	for _, b := range s {
		if b.Open() {
			out[b.Target+string(b.Class)] = true
		}
	}
	return out
}
