package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/store"
)

// TestProcessesShareBudgets has two processes with eight writers each create
// issues of teams and projects that overlap, so that every budget is asked for by
// several at once: each is used up exactly, or another one of the same issue is,
// and nobody waits for one who waits for them.
func TestProcessesShareBudgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxm.db")
	for name, open := range map[string]func() func(*testing.T) *store.DB{
		"SQLite": func() func(*testing.T) *store.DB {
			return func(t *testing.T) *store.DB { return openAt(t, path) }
		},
		"PostgreSQL": func() func(*testing.T) *store.DB {
			url := postgres.Server(t).Database(t)
			return func(t *testing.T) *store.DB { return openURL(t, store.Options{URL: url}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := open()
			handles := []*store.Store{one(t).Tenant("default"), one(t).Tenant("default")}
			in, r := furnish(t, handles[0])
			budgets := []attention.Budget{
				{Per: attention.All, PerWeek: 37}, {Per: attention.Team, PerDay: 11, Open: 12}, {PerHour: 9},
			}
			now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
			next := make(chan int)
			var mu sync.Mutex
			made := map[attention.Scope]int{}
			var all sync.WaitGroup
			for writer := range 16 {
				all.Go(func() {
					for i := range next {
						ask := attention.Ask{Project: int64(1 + i%5), Team: fmt.Sprint(i % 4), Budgets: budgets}
						tracked := issue.Tracked{Integration: in, Group: rule.NewGroupKey(fmt.Sprint(i)), Nonce: fmt.Sprint(i), Team: ask.Team, SentAt: now}
						tracked.Observed.ProjectID = ask.Project
						_, _, err := handles[writer%2].IntendNew(t.Context(), plan.Entry{Run: r, Seq: i, Verb: plan.Create}, tracked, ask)
						if err != nil && !errors.Is(err, store.ErrCapped) {
							t.Error(err)
						}
						if err == nil {
							mu.Lock()
							for _, s := range ask.Scopes() {
								made[s]++
							}
							mu.Unlock()
						}
					}
				})
			}
			for i := range 160 {
				next <- i
			}
			close(next)
			all.Wait()
			for scope, n := range made {
				if most := map[attention.Per]int{attention.All: 37, attention.Team: 11, attention.Project: 9}[scope.Per]; n > most {
					t.Errorf("%d %s, at most %d", n, scope.Words(), most)
				}
			}
			if n := made[attention.Scope{Per: attention.All}]; n != 37 {
				t.Errorf("%d were made of 37", n)
			}
		})
	}
}
