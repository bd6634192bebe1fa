package queue

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// jitter is the part of the longest wait that is left to chance, so that what
// failed together does not come back together.
const jitter = 0.1

// enough failures make any wait that a bound may be (30^4 seconds are nine days);
// at some hundreds River's arithmetic overflows.
const enough = 30

// bounded is River's own retry policy with a longest wait.
type bounded struct {
	most  time.Duration
	clock rivertype.TimeGenerator // nil: the time it is
}

// NextRetry is when a job that failed is tried again.
func (b *bounded) NextRetry(job *rivertype.JobRow) time.Time {
	at := now(b.clock).UTC()
	known := *job
	known.Errors = job.Errors[:min(len(job.Errors), enough)]
	wait := time.Until(new(river.DefaultClientRetryPolicy).NextRetry(&known))
	longest := b.most - time.Duration(rand.Float64()*jitter*float64(b.most))
	return at.Add(max(0, min(wait, longest)))
}
