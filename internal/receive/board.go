package receive

import (
	"sync"
	"time"
)

// Board is the sources that may deliver and what was counted of them, in memory. It
// is safe for concurrent use; the zero value knows no source.
type Board struct {
	mu     sync.RWMutex
	named  map[string]Source
	tokens map[Hash]Source

	counting sync.Mutex
	tally    map[int64]Tallied // guarded by counting
}

// Tallied is what was counted of one source.
type Tallied struct {
	Count
	Used time.Time // the last request that proved itself; zero: none
}

// Set replaces the sources.
func (b *Board) Set(all []Source) {
	named, tokens := map[string]Source{}, map[Hash]Source{}
	for _, s := range all {
		named[s.Name] = s
		for _, t := range s.Tokens {
			tokens[t] = s
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.named, b.tokens = named, tokens
}

// Named implements Sources.
func (b *Board) Named(name string) (Source, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s, ok := b.named[name]
	return s, ok
}

// Bearing implements Sources.
func (b *Board) Bearing(token Hash) (Source, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s, ok := b.tokens[token]
	return s, ok
}

// Count implements Tally.
func (b *Board) Count(source int64, c Count, at time.Time) {
	b.counting.Lock()
	defer b.counting.Unlock()
	if b.tally == nil {
		b.tally = map[int64]Tallied{}
	}
	t := b.tally[source]
	t.Accepted, t.Events, t.Repeated, t.Refused = t.Accepted+c.Accepted, t.Events+c.Events, t.Repeated+c.Repeated, t.Refused+c.Refused
	if at.After(t.Used) {
		t.Used = at
	}
	b.tally[source] = t
}

// Take hands over what was counted since it was last called, by source.
func (b *Board) Take() map[int64]Tallied {
	b.counting.Lock()
	defer b.counting.Unlock()
	out := b.tally
	b.tally = nil
	return out
}
