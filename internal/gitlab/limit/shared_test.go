package limit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/gitlab/limit"
)

// memory is a ledger for the processes of one test. Slow is how long a turn
// waits, lag how long its answer takes, late how far its clock is off, broken
// what every turn ends with.
type memory struct {
	mu     sync.Mutex
	state  map[string]string
	turns  int
	slow   time.Duration
	lag    func(turn int) time.Duration // nil: none
	late   time.Duration
	broken error
}

func (m *memory) Turn(ctx context.Context, bucket string, take func(string, time.Time) string) error {
	if m.slow > 0 {
		time.Sleep(m.slow)
	}
	if m.lag != nil {
		defer func() { time.Sleep(m.lag(m.turn())) }()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.turns++; m.broken != nil || ctx.Err() != nil {
		return errors.Join(m.broken, ctx.Err())
	}
	if m.state == nil {
		m.state = map[string]string{}
	}
	m.state[bucket] = take(m.state[bucket], time.Now().Add(m.late))
	return nil
}

func (m *memory) turn() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.turns
}

// processes are the buckets of n processes on one ledger.
func processes(n, perMinute int, ledger limit.Ledger) []*limit.Bucket {
	var all []*limit.Bucket
	for range n {
		all = append(all, limit.NewShared("requests", perMinute, ledger, "name"))
	}
	return all
}

// uses is when requests went out, over all processes.
type uses struct {
	mu sync.Mutex
	at []time.Time
}

func (u *uses) add() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.at = append(u.at, time.Now())
}

// most is how many went out in the fullest 60 seconds.
func (u *uses) most() int {
	slices.SortFunc(u.at, time.Time.Compare)
	most, first := 0, 0
	for last := range u.at {
		for u.at[last].Sub(u.at[first]) >= limit.Window {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// Whatever several processes do, no 60 seconds see more than the limit: with
// slow turns, clocks that differ, callers that give up and processes that are
// killed with permits in their hands.
func TestProcessesKeepOneLimitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) {
			perMinute := rapid.IntRange(1, 300).Draw(t, "limit")
			n := rapid.IntRange(1, 4).Draw(t, "processes")
			workers := rapid.IntRange(1, 8).Draw(t, "workers each")
			longest := rapid.SampledFrom([]int{0, 1, 100, 1000, 10_000}).Draw(t, "longest gap in ms")
			each := min(1+3*perMinute/(n*workers), 60)
			ledger := &memory{
				slow: time.Duration(rapid.SampledFrom([]int{0, 3, 900, 1900}).Draw(t, "ms per turn")) * time.Millisecond,
				lag:  func(turn int) time.Duration { return time.Duration(turn*37%20) * 100 * time.Millisecond },
				late: time.Duration(rapid.IntRange(-3_600_000, 3_600_000).Draw(t, "ms the clock is off")) * time.Millisecond,
			}
			var group sync.WaitGroup
			var sent uses
			for _, b := range processes(n, perMinute, ledger) {
				killed, kill := context.WithTimeout(context.Background(), time.Duration(rapid.IntRange(1, 3600).Draw(t, "s to live"))*time.Second)
				defer kill()
				for range workers {
					gaps := rapid.SliceOfN(rapid.IntRange(0, longest), each, each).Draw(t, "gaps in ms")
					group.Go(func() {
						for _, gap := range gaps {
							time.Sleep(time.Duration(gap) * time.Millisecond)
							ctx, cancel := context.WithTimeout(killed, time.Duration(gap+1)*time.Minute)
							_, err := b.Take(ctx, 0)
							cancel()
							if err == nil {
								sent.add()
							}
						}
					})
				}
			}
			group.Wait()
			if most := sent.most(); most > perMinute {
				t.Fatalf("%d requests within a minute, the limit is %d", most, perMinute)
			}
		})
	})
}

// Permits that are used late, because an answer was slow, do not crowd with
// those that are used at once.
func TestLateUse(t *testing.T) {
	for _, slow := range []time.Duration{1900 * time.Millisecond, 2700 * time.Millisecond} { // what comes two seconds late is not used
		for perMinute := range 60 {
			synctest.Test(t, func(t *testing.T) {
				ledger := &memory{lag: func(turn int) time.Duration { return map[bool]time.Duration{true: slow}[turn%10 == 1] }}
				b, sent := processes(1, perMinute+1, ledger)[0], uses{}
				for range 3 * (perMinute + 1) {
					if _, err := b.Take(t.Context(), 0); err != nil {
						t.Fatal(err)
					}
					sent.add()
				}
				if most := sent.most(); most > perMinute+1 {
					t.Errorf("%d requests within a minute, the limit is %d", most, perMinute+1)
				}
			})
		}
	}
}

// The limit is used, not just kept, and few turns are taken for it.
func TestProcessesUseTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		began := time.Now()
		var group sync.WaitGroup
		for _, b := range processes(3, 600, ledger) {
			for range 16 {
				group.Go(func() {
					for range 25 { // 1,200 in all
						if _, err := b.Take(t.Context(), 0); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		group.Wait()
		if took := time.Since(began); took > 2*time.Minute+22*time.Second {
			t.Errorf("1200 requests at 600 a minute took %s", took)
		}
		if most := int(6 * time.Since(began).Seconds()); ledger.turns > most {
			t.Errorf("%d turns, want at most %d: six a second for three processes that wait all the time", ledger.turns, most)
		}
	})
}

// Without a limit there is still a turn now and then, to hear of pauses.
func TestNoLimitTakesFewTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		b := processes(1, -1, ledger)[0]
		began := time.Now()
		for range 1000 {
			if _, err := b.Take(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took != 10*time.Second || ledger.turns > 6 {
			t.Errorf("it took %s and %d turns", took, ledger.turns)
		}
	})
}

// After a 429 in one process nothing goes out anywhere until the pause has
// ended, then one request of one process alone, then all.
func TestOneProbeOfAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := processes(3, -1, &memory{})
		for _, b := range all {
			if _, err := b.Take(t.Context(), 0); err != nil { // all have been at it
				t.Fatal(err)
			}
		}
		settle(t, all[0], false, limit.Limited, 30*time.Second)
		time.Sleep(5 * time.Second) // what the others had in hand is no good any more
		type going struct {
			b     *limit.Bucket
			at    time.Duration
			probe bool
		}
		began := time.Now()
		out := make(chan going, 48)
		for _, b := range all {
			for range 16 {
				go func() {
					probe, err := b.Take(t.Context(), 0)
					if err != nil {
						t.Error(err)
					}
					out <- going{b, time.Since(began), probe}
				}()
			}
		}
		at := 25 * time.Second
		for _, v := range []limit.Verdict{limit.Limited, limit.Silence, limit.Fine} {
			first := <-out
			if !first.probe || first.at < at || first.at > at+2*time.Second {
				t.Fatalf("went %+v, want the probe at %s", first, at)
			}
			time.Sleep(15 * time.Second)
			if len(out) != 0 {
				t.Fatal("somebody went beside the probe")
			}
			settle(t, first.b, true, v, 20*time.Second)
			if at = time.Since(began); v == limit.Limited {
				at += 20 * time.Second
			}
		}
		for range 45 {
			if got := <-out; got.probe || got.at > at+2*time.Second {
				t.Errorf("went %+v, want all at %s, once the probe got through", got, at)
			}
		}
	})
}

// Requests that were under way tell of 429s late: they shorten no pause, and a
// probe that got through does not end a pause that came after it.
func TestLate429s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := processes(4, -1, &memory{})
		began := time.Now()
		settle(t, all[0], false, limit.Limited, time.Minute)
		settle(t, all[1], false, limit.Limited, time.Second)
		if probe, err := all[2].Take(t.Context(), 0); err != nil || !probe || time.Since(began) != time.Minute {
			t.Errorf("after %s: probe %v, %v", time.Since(began), probe, err)
		}
		settle(t, all[0], false, limit.Limited, time.Minute)
		settle(t, all[2], true, limit.Fine, 0)
		if probe, err := all[3].Take(t.Context(), 0); err != nil || !probe || time.Since(began) != 2*time.Minute {
			t.Errorf("after %s: probe %v, %v", time.Since(began), probe, err)
		}
	})
}

// What is in the hand when a 429 comes is not used after a short pause: there is
// one probe first.
func TestAShortPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := processes(1, -1, &memory{})[0]
		if _, err := b.Take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		settle(t, b, false, limit.Limited, time.Second)
		if probe, err := b.Take(t.Context(), 0); err != nil || !probe {
			t.Errorf("probe %v, %v", probe, err)
		}
	})
}

// A process that is killed while its probe is out does not keep the others away
// for good.
func TestAKilledProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := processes(2, 60, &memory{})
		settle(t, all[0], false, limit.Limited, 30*time.Second)
		if probe, err := all[0].Take(t.Context(), 0); err != nil || !probe {
			t.Fatal(probe, err)
		}
		began := time.Now()
		probe, err := all[1].Take(t.Context(), 0)
		if took := time.Since(began); err != nil || !probe || took < 90*time.Second || took > 3*time.Minute {
			t.Errorf("another probe after %s: %v %v", took, probe, err)
		}
	})
}

// A probe that is given up before it went leaves its turn to another.
func TestAProbeThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := processes(2, 1, &memory{})
		if _, err := all[0].Take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		settle(t, all[0], false, limit.Limited, time.Minute)
		time.Sleep(time.Minute + 500*time.Millisecond) // its permit lies a little ahead
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		if _, err := all[0].Take(ctx, 0); err == nil {
			t.Fatal("the probe went")
		}
		began := time.Now()
		if probe, err := all[1].Take(t.Context(), 0); err != nil || !probe || time.Since(began) > 65*time.Second {
			t.Errorf("another probe after %s: %v %v", time.Since(began), probe, err)
		}
	})
}

// A clock that is put back does not stop anything for long.
func TestAClockPutBack(t *testing.T) {
	for _, limited := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &memory{late: 24 * time.Hour}
			all := processes(2, 10, ledger)
			for range 5 {
				if _, err := all[0].Take(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
			}
			if limited {
				settle(t, all[0], false, limit.Limited, 10*time.Minute)
			}
			ledger.late = 0
			began := time.Now()
			if probe, err := all[1].Take(t.Context(), 0); err != nil || probe != limited || time.Since(began) > time.Minute {
				t.Errorf("the next after %s: %v, probe %v", time.Since(began), err, probe)
			}
		})
	}
}

// Whoever has no time to wait is told, and its permit is left to others.
func TestADeadlineAmongProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := processes(2, 10, &memory{})
		for range 2 {
			if _, err := all[0].Take(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		for _, b := range all {
			var late *limit.LateError
			if _, err := b.Take(ctx, 0); !errors.As(err, &late) || late.Wait < 2*time.Second || late.Wait > 8*time.Second {
				t.Errorf("got %v, want to be told", err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s to find out", took)
		}
		if _, err := all[1].Take(t.Context(), 0); err != nil || time.Since(began) > 8*time.Second {
			t.Errorf("the next after %s: %v", time.Since(began), err)
		}
	})
}

// A permit that was fetched for somebody who has no time for it goes to the next.
func TestAPermitIsLeftToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := processes(1, 60, &memory{})[0]
		for range 12 { // the burst
			if _, err := b.Take(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var late *limit.LateError
		if _, err := b.Take(ctx, 0); !errors.As(err, &late) {
			t.Errorf("got %v", err)
		}
		if _, err := b.Take(t.Context(), 0); err != nil || time.Since(began) > time.Second {
			t.Errorf("the next after %s: %v", time.Since(began), err)
		}
	})
}

// A ledger that fails, fails the call, and the next one asks again.
func TestABrokenLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{broken: errors.New("no database")}
		b := processes(1, 60, ledger)[0]
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := b.Take(t.Context(), 0); !errors.Is(err, ledger.broken) {
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		if err := b.Settle(t.Context(), false, limit.Limited, 10*time.Second); !errors.Is(err, ledger.broken) {
			t.Errorf("settling: %v", err)
		}
		ledger.broken = nil
		began := time.Now()
		if _, err := b.Take(t.Context(), 0); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("after %s: %v; its own process knows of the pause", time.Since(began), err)
		}
	})
}

// What nobody can read is taken with care.
func TestAGarbledLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := processes(1, 60, &memory{state: map[string]string{"name": "{"}})[0]
		if probe, err := b.Take(t.Context(), 0); err != nil || !probe {
			t.Errorf("got %v %v, want a probe", probe, err)
		}
	})
}

// A probe that is refused again and again waits longer, whatever GitLab says and
// whichever process sends it.
func TestRefusedProbesWaitLonger(t *testing.T) {
	for name, start := range map[string]func() []*limit.Bucket{
		"alone":  func() []*limit.Bucket { return []*limit.Bucket{limit.NewBucket("requests", -1)} },
		"shared": func() []*limit.Bucket { return processes(4, -1, &memory{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := start()
				settle(t, all[0], false, limit.Limited, time.Second)
				began, n := time.Now(), 0
				for ; time.Since(began) < time.Hour; n++ {
					b := all[n%len(all)]
					probe, err := b.Take(t.Context(), 0)
					if err != nil || !probe {
						t.Fatal(probe, err)
					}
					settle(t, b, true, limit.Limited, time.Second)
				}
				if n > 60+6 {
					t.Errorf("%d probes in an hour", n)
				}
			})
		})
	}
}
