package limit_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/gitlab/limit"
)

// TestTurns: of those that wait for the end of a pause together, whoever has the
// lowest turn goes first, whoever came first; who gives up holds nobody back.
func TestTurns(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := limit.NewBucket("requests", 600)
				if shared {
					b = limit.NewShared("requests", 600, &memory{}, "acme")
				}
				probe, err := b.Take(t.Context(), 1)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Settle(t.Context(), probe, limit.Limited, time.Minute); err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				var order []int
				var wait sync.WaitGroup
				for _, turn := range []int{9, 4, 7, 2, 8, 3, 6, 5} {
					wait.Go(func() {
						probe, err := b.Take(t.Context(), turn)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						order = append(order, turn)
						mu.Unlock()
						if err := b.Settle(t.Context(), probe, limit.Fine, 0); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				wait.Wait()
				if !slices.IsSorted(order) || len(order) != 8 {
					t.Errorf("the order is %v", order)
				}
			})
		})
	}
}
