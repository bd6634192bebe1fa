package observe

import (
	"sync"
	"time"
)

// Board is the webhooks that may deliver and what was counted of them, in memory.
// It is safe for concurrent use; the zero value knows no webhook.
type Board struct {
	mu    sync.Mutex
	hooks map[string]Hook // by endpoint
	tally map[int64]Tallied
}

// Tallied is what was counted of one webhook.
type Tallied struct {
	Counts map[Outcome]int64
	Seen   time.Time // the last delivery that was authentic; zero: none
}

// Set replaces the webhooks.
func (b *Board) Set(hooks map[string]Hook) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hooks = hooks
}

// Hook implements Hooks.
func (b *Board) Hook(endpoint string) (Hook, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.hooks[endpoint]
	return h, ok
}

// Count implements Tally.
func (b *Board) Count(hook int64, o Outcome, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tally == nil {
		b.tally = map[int64]Tallied{}
	}
	t := b.tally[hook]
	if t.Counts == nil {
		t.Counts = map[Outcome]int64{}
	}
	t.Counts[o]++
	if at.After(t.Seen) {
		t.Seen = at
	}
	b.tally[hook] = t
}

// Take hands over what was counted since it was last called, by webhook.
func (b *Board) Take() map[int64]Tallied {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.tally
	b.tally = nil
	return out
}
