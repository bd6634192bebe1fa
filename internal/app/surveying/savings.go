package surveying

import (
	"context"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
	"cxm/internal/store/board"
)

// For how long sums serve that ask often: those of findings that somebody looks at
// cost little; else all of them are read for it.
const (
	watched   = 30 * time.Second
	unwatched = 15 * time.Minute
)

// slowest is how long whoever asks for sums waits for them.
const slowest = 5 * time.Second

// Savings is what findings in a state save a month.
type Savings struct {
	State string       // the name of a board.Figure
	Of    money.Totals // in a currency that it lacks nothing is known; 0 where there is nothing
}

// sums are kept for a while.
type sums struct {
	mu   sync.Mutex
	at   time.Time // of the last that were asked for
	last []Savings
}

// Savings are what can be saved and what became of it, as the overview has it, some
// minutes ago at most. They are for metrics: what cannot be read now is logged, and is
// what it was.
func (s *Surveyor) Savings(ctx context.Context) []Savings {
	s.sums.mu.Lock()
	defer s.sums.mu.Unlock()
	held, age := s.board.Size() > 0, s.core.Clock().Sub(s.sums.at)
	if !s.sums.at.IsZero() && age >= 0 && (age < watched || !held && age < unwatched) {
		return s.sums.last
	}
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	s.sums.at = s.core.Clock() // what is too slow is not tried again at once
	snapshot, err := s.board.Snapshot(ctx)
	if err != nil {
		s.core.Logger.WarnContext(ctx, "what can be saved could not be summed up for the metrics, which tell what it was", "error", err)
		return s.sums.last
	}
	if !held { // nobody looks at it
		s.board.Drop()
	}
	s.sums.last = summed(snapshot)
	return s.sums.last
}

// summed are the sums of a snapshot. Where a state has nothing, that is 0 in every
// currency that another one has.
func summed(s *board.Snapshot) []Savings {
	var out []Savings
	var nothing []bool
	all := map[string]bool{}
	for _, f := range board.Figures() {
		sum := s.Sum(f.Filter)
		of := money.Totals{}
		for currency, amount := range sum.Of {
			of[currency], all[currency] = amount, true
		}
		out, nothing = append(out, Savings{f.Name, of}), append(nothing, sum.Unknown == 0)
	}
	for i := range out {
		for currency := range all {
			if _, known := out[i].Of[currency]; !known && nothing[i] {
				out[i].Of[currency] = decimal.Zero
			}
		}
	}
	return out
}
