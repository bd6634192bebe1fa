package flight_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/reconcile/flight"
)

// TestTurns: whoever waits with the lowest turn is next, whoever came first.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := flight.New(1)
		first := places.Place()
		if err := first.Take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		var order []int // one place: one at a time
		var wait sync.WaitGroup
		for _, turn := range []int{5, 2, 4, 1, 3} {
			wait.Go(func() {
				p := places.Place()
				if err := p.Take(t.Context(), turn); err != nil {
					t.Error(err)
				}
				order = append(order, turn)
				p.Release()
			})
			synctest.Wait()
		}
		first.Release()
		wait.Wait()
		if !slices.Equal(order, []int{1, 2, 3, 4, 5}) {
			t.Errorf("the order is %v", order)
		}
	})
}

// TestPlaces: whatever is taken, given back twice, or given up while it is waited
// for, no more are under way than there are places, and none is lost.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 3
		places := flight.New(n)
		var under, most atomic.Int64
		var wait sync.WaitGroup
		for turn := range 200 {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(300))*time.Millisecond)
				defer cancel()
				p := places.Place()
				defer p.Release()
				if p.Take(ctx, turn%7) != nil || p.Take(ctx, turn) != nil {
					return
				}
				for now := under.Add(1); ; {
					was := most.Load()
					if now <= was || most.CompareAndSwap(was, now) {
						break
					}
				}
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
				under.Add(-1)
				p.Release()
			})
		}
		wait.Wait()
		if most.Load() != n {
			t.Errorf("%d were under way at once, want %d", most.Load(), n)
		}
		for range n {
			p := places.Place()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := p.Take(ctx, 0); err != nil {
				t.Error("a place was lost")
			}
			cancel()
		}
	})
}
