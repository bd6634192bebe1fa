package reconcile

import (
	"cmp"
	"errors"
	"sync/atomic"

	"cxm/internal/finding"
	"cxm/internal/source"
)

// reading reads a source and yields its findings, each valid only during the
// call; a shallow copy may be kept.
type reading func(yield func(*finding.Finding) error) (source.Summary, error)

// How many findings are read ahead at most: batch times batches, and one batch.
const (
	batch   = 128
	batches = 4
)

// errUnwanted ends a reading whose findings nobody takes any more.
var errUnwanted = errors.New("nobody takes the findings any more")

// ahead is the reading with take called on this goroutine while the next
// findings are read on another: both are work for a processor. It returns when
// both have ended, with the error of take before that of the reading.
func (read reading) ahead(take func(*finding.Finding) error) (source.Summary, error) {
	full, empty := make(chan []finding.Finding, batches), make(chan []finding.Finding, batches)
	for range batches {
		empty <- make([]finding.Finding, 0, batch)
	}
	var summary source.Summary
	var failed, refused error
	var stopped atomic.Bool
	go func() {
		defer close(full)
		open := <-empty
		summary, failed = read(func(f *finding.Finding) error {
			if stopped.Load() {
				return errUnwanted
			}
			if open = append(open, *f); len(open) == batch {
				full <- open
				open = <-empty
			}
			return nil
		})
		full <- open
	}()
	for findings := range full {
		for i := 0; i < len(findings) && refused == nil; i++ {
			refused = take(&findings[i])
		}
		stopped.Store(refused != nil)
		empty <- findings[:0]
	}
	return summary, cmp.Or(refused, failed)
}
