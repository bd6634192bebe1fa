package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"cxm/internal/gitlab/limit"
	"cxm/internal/issue"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/store"
)

// What keeps the limits of GitLab asks for a ledger, and the database is one.
var _ limit.Ledger = (*store.DB)(nil)

func limits() []scenario {
	return []scenario{
		{"turns of a bucket follow one another", turnsFollow},
		{"a turn that was given up keeps nothing", turnGivenUp},
		{"buckets on one database keep one limit together", sharedLimit},
		{"a pause is heard by all, and one probe ends it", sharedPause},
		{"a breaker is kept whole", keepsBreakers},
		{"of two who store a breaker one is told", breakerRace},
		{"breakers of tenants are apart", breakersApart},
	}
}

func turnsFollow(b *bench) {
	var group sync.WaitGroup
	const callers, turns = 8, 20
	began := time.Now()
	for range callers {
		group.Go(func() {
			for range turns {
				if err := b.db.Turn(b.ctx, "one", func(was string, now time.Time) string {
					n, _ := strconv.Atoi(was) // empty is none
					if away := now.Sub(began).Abs(); away > time.Minute {
						b.Errorf("the clock is %s away", away)
					}
					return fmt.Sprint(n + 1)
				}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.same("counted", fmt.Sprint(callers*turns), b.state("one"))
	b.same("another bucket", "", b.state("two"))
}

// state is what is kept of a bucket.
func (b *bench) state(bucket string) string {
	b.Helper()
	var state string
	b.ok(b.db.Turn(b.ctx, bucket, func(was string, _ time.Time) string {
		state = was
		return was
	}))
	return state
}

func turnGivenUp(b *bench) {
	b.ok(b.db.Turn(b.ctx, "one", func(string, time.Time) string { return "kept" }))
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := b.db.Turn(ctx, "one", func(string, time.Time) string { return "lost" }); !errors.Is(err, context.Canceled) {
		b.Errorf("got %v, want canceled", err)
	}
	b.same("state", "kept", b.state("one"))
}

// sharedLimit has three processes take all they can get in two seconds. The
// bound is the burst and what comes meanwhile.
func sharedLimit(b *bench) {
	const perMinute, burst = 300, 60
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	var group sync.WaitGroup
	var taken atomic.Int64
	began := time.Now()
	for range 3 {
		bucket := limit.NewShared("requests", perMinute, b.db, "shared")
		for range 8 {
			group.Go(func() {
				for takeOne(ctx, b, bucket) {
					taken.Add(1)
				}
			})
		}
	}
	group.Wait()
	most := burst + int(time.Since(began).Seconds()*perMinute/60) + 1
	if n := int(taken.Load()); n < burst || n > most {
		b.Errorf("%d permits in %s, want all of the burst of %d and at most %d", n, time.Since(began), burst, most)
	}
}

// takeOne is false when there is no more before ctx ends.
func takeOne(ctx context.Context, b *bench, bucket *limit.Bucket) bool {
	probe, err := bucket.Take(ctx, 0)
	if err != nil {
		if late := (*limit.LateError)(nil); !errors.As(err, &late) && ctx.Err() == nil {
			b.Error(err)
		}
		return false
	}
	if err := bucket.Settle(b.ctx, probe, limit.Fine, 0); err != nil {
		b.Error(err)
	}
	return true
}

func sharedPause(b *bench) {
	process := func() *limit.Bucket { return limit.NewShared("requests", 0, b.db, "x") }
	one := process()
	_, err := one.Take(b.ctx, 0)
	b.ok(err)
	b.ok(one.Settle(b.ctx, false, limit.Limited, 10*time.Minute))
	soon, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	var late *limit.LateError
	if _, err := process().Take(soon, 0); !errors.As(err, &late) || late.Wait < 9*time.Minute {
		b.Errorf("a pause that another process met: %v", err)
	}
	b.ok(b.db.Turn(b.ctx, "x", func(string, time.Time) string { return `{"limited":true}` })) // it has ended
	two, three := process(), process()
	probe, err := two.Take(soon, 0)
	b.ok(err)
	b.same("two is the probe", true, probe)
	hurry, stop := context.WithTimeout(b.ctx, 500*time.Millisecond)
	defer stop()
	if _, err := three.Take(hurry, 0); err == nil {
		b.Error("three went beside the probe")
	}
	b.ok(two.Settle(b.ctx, true, limit.Fine, 0))
	probe, err = three.Take(soon, 0)
	b.ok(err)
	b.same("three is a probe", false, probe)
}

// opened is a breaker with something in every field.
func opened(target string) breaker.Breaker {
	var b breaker.Breaker
	fill(&b)
	b.Target, b.Class, b.Rev = target, issue.Forbidden, 0
	return b
}

func keepsBreakers(b *bench) {
	in, other := b.connect(1), b.connect(2)
	first, err := b.SaveBreaker(b.ctx, in.ID, opened("project 2"))
	b.ok(err)
	second, err := b.SaveBreaker(b.ctx, in.ID, opened("project 1"))
	b.ok(err)
	_, err = b.SaveBreaker(b.ctx, other.ID, opened("project 1"))
	b.ok(err)
	b.same("kept", breaker.Set{second, first}, b.breakers(in.ID))
	closed := breaker.Breaker{Target: first.Target, Class: first.Class, Rev: first.Rev}
	closed, err = b.SaveBreaker(b.ctx, in.ID, closed)
	b.ok(err)
	b.same("closed", breaker.Set{second, closed}, b.breakers(in.ID))
	b.same("the other's", 1, len(b.breakers(other.ID)))
	if _, err := b.SaveBreaker(b.ctx, in.ID, breaker.Breaker{}); err == nil {
		b.Error("a breaker of nothing was stored")
	}
	if _, err := b.SaveBreaker(b.ctx, 999, opened("project 1")); err == nil {
		b.Error("a breaker of no integration was stored")
	}
}

func (b *bench) breakers(integration int64) breaker.Set {
	b.Helper()
	set, err := b.Breakers(b.ctx, integration)
	b.ok(err)
	return set
}

func breakerRace(b *bench) {
	in := b.connect(1)
	for round := range 2 { // the first inserts, the second changes
		known := breaker.Breaker{Target: "project 1", Class: issue.Forbidden}
		if round > 0 {
			known = b.breakers(in.ID)[0]
		}
		var group sync.WaitGroup
		var won, stale atomic.Int64
		for range 8 {
			group.Go(func() {
				switch _, err := b.SaveBreaker(b.ctx, in.ID, known.Probing(noon())); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, store.ErrStale):
					stale.Add(1)
				default:
					b.Error(err)
				}
			})
		}
		group.Wait()
		b.same(fmt.Sprintf("round %d, won and stale", round), [2]int64{1, 7}, [2]int64{won.Load(), stale.Load()})
	}
}

func breakersApart(b *bench) {
	in := b.connect(1)
	mine, err := b.SaveBreaker(b.ctx, in.ID, opened("project 1"))
	b.ok(err)
	other := b.as("other")
	b.same("seen", 0, len(other.breakers(in.ID)))
	if _, err := other.SaveBreaker(b.ctx, in.ID, mine); err == nil {
		b.Error("another tenant changed it")
	}
	if _, err := other.SaveBreaker(b.ctx, in.ID, opened("project 2")); err == nil {
		b.Error("another tenant added one")
	}
	b.same("mine", breaker.Set{mine}, b.breakers(in.ID))
}
