package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// pulse is how often Drain asks the database what is left.
const pulse = 25 * time.Millisecond

// mostFailures bounds how many failures Drain tells one by one.
const mostFailures = 100

var (
	errInsertOnly = errors.New("this queue has no workers: it only inserts jobs; open it with Workers")
	errStopped    = errors.New("the queue was stopped before it was empty: what is left stays in the database, run it again")
)

// shift is the time between a start and the stop that ends it.
type shift struct {
	told  chan struct{} // closed when it is told to stop
	tell  func()        // closes told, once, and begins to stop
	hurry func()        // ends the patience with jobs that run
	gone  chan struct{} // closed when everything has stopped
}

// Start works jobs until Stop. The end of ctx stops nothing; its values reach the
// jobs. Starting a queue that works already does nothing; one that is stopping
// starts again when it has stopped.
func (q *Queue) Start(ctx context.Context) error {
	_, _, err := q.start(ctx)
	return err
}

// start says whether it was this call that started the queue.
func (q *Queue) start(ctx context.Context) (s *shift, ours bool, err error) {
	if q.insertOnly {
		return nil, false, errInsertOnly
	}
	for {
		s, ours, err := q.begin(ctx)
		if err != nil || ours || !ended(s.told) {
			return s, ours, err
		}
		select {
		case <-s.gone:
		case <-ctx.Done():
			return nil, false, fmt.Errorf("starting the queue, which is still stopping: %w", ctx.Err())
		}
	}
}

// begin starts the queue unless there is a shift, even one that is ending.
func (q *Queue) begin(ctx context.Context) (s *shift, ours bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.shift != nil {
		return q.shift, false, nil
	}
	if err := q.db.client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, false, fmt.Errorf("starting the queue: %w", err)
	}
	q.shift = q.newShift()
	return q.shift, true, nil
}

func (q *Queue) newShift() *shift {
	s := &shift{told: make(chan struct{}), gone: make(chan struct{})}
	patience, hurry := context.WithCancel(context.Background())
	s.hurry = hurry
	s.tell = sync.OnceFunc(func() {
		close(s.told)
		go q.end(patience, s)
	})
	return s
}

// end stops River: gracefully while there is patience, and then by ending the
// contexts of its jobs.
func (q *Queue) end(patience context.Context, s *shift) {
	defer s.hurry()
	if q.db.client.Stop(patience) != nil {
		_ = q.db.client.StopAndCancel(context.Background()) // it fails only with its context
	}
	q.mu.Lock()
	q.shift = nil
	q.mu.Unlock()
	close(s.gone)
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Stop takes up no more jobs and waits for those that run. When ctx ends first,
// their contexts end: what they had in flight is theirs to record, and a job that
// then returns the context's error is tried again without having used up an
// attempt. Jobs that do not return within ten seconds of that are left behind
// with an error; they are rescued later. A second call with less patience hurries
// the first. Stopping a queue that does not work does nothing. After Stop the
// queue can be started again.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	s := q.shift
	q.mu.Unlock()
	if s == nil {
		return nil
	}
	s.tell()
	select {
	case <-s.gone:
		return nil
	case <-ctx.Done():
	}
	s.hurry()
	late := time.NewTimer(q.hardStop)
	defer late.Stop()
	select {
	case <-s.gone:
		return nil
	case <-late.C:
		return fmt.Errorf("stopping the queue: some jobs did not return within %s of the end of their contexts; they are taken up again %s after they began", q.hardStop, q.rescue)
	}
}

// Drained is what became of the jobs while Drain worked. It counts what ended in
// the database, by whichever process.
type Drained struct {
	// Completed jobs did what they were for.
	Completed int
	// Discarded jobs failed at every attempt, Cancelled ones said that trying
	// again is no use: both have failed for good.
	Discarded, Cancelled int
	// Failures are the last hundred that failed for good, the latest first.
	Failures []Failure
	// Left are the jobs that are not finished: those that wait for a time beyond
	// the horizon, and all that was there when Drain was interrupted. Next is
	// when the first of them is due; zero when there is none.
	Left int
	Next time.Time
}

// Failure is a job that failed for good.
type Failure struct {
	Kind     string
	Args     json.RawMessage
	Attempts int
	// Error is that of the last attempt; a panic is its value. Empty: somebody
	// cancelled the job before it ran.
	Error string
}

// Drain works until nothing runs and nothing is due now or within the horizon:
// retries and snoozed jobs within it are waited for, and so are jobs that a
// crashed process left running, until they are rescued. It starts the queue and
// stops it again, unless it works already. When ctx ends first, running jobs are
// told to stop (see Stop), and Drain returns its error along with what was done.
func (q *Queue) Drain(ctx context.Context, horizon time.Duration) (Drained, error) {
	began := q.now()
	s, ours, err := q.start(ctx)
	if err != nil {
		return Drained{}, err
	}
	err = q.settle(ctx, horizon, s.told)
	if ours {
		err = errors.Join(err, q.Stop(ctx))
	}
	d, told := q.drained(context.WithoutCancel(ctx), began)
	if err = errors.Join(err, told); err != nil {
		return d, fmt.Errorf("draining the queue: %w", err)
	}
	return d, nil
}

// settle returns once nothing is due within the horizon.
func (q *Queue) settle(ctx context.Context, horizon time.Duration, stopped <-chan struct{}) error {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		due, err := q.due(ctx, q.now().Add(horizon))
		if err != nil || !due {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stopped:
			return errStopped
		case <-tick.C:
		}
	}
}

func (q *Queue) drained(ctx context.Context, began time.Time) (Drained, error) {
	ended, err := q.ended(ctx, began)
	if err != nil {
		return Drained{}, err
	}
	d := Drained{
		Completed: ended[rivertype.JobStateCompleted],
		Discarded: ended[rivertype.JobStateDiscarded],
		Cancelled: ended[rivertype.JobStateCancelled],
	}
	if d.Left, d.Next, err = q.left(ctx); err != nil {
		return d, err
	}
	d.Failures, err = q.failures(ctx, min(d.Discarded+d.Cancelled, mostFailures))
	return d, err
}

// failures are the last so many jobs that failed for good.
func (q *Queue) failures(ctx context.Context, last int) ([]Failure, error) {
	if last == 0 {
		return nil, nil
	}
	list, err := q.db.client.JobList(ctx, river.NewJobListParams().
		States(rivertype.JobStateDiscarded, rivertype.JobStateCancelled).
		OrderBy(river.JobListOrderByFinalizedAt, river.SortOrderDesc).First(last))
	if err != nil {
		return nil, fmt.Errorf("listing the jobs that failed: %w", err)
	}
	failed := make([]Failure, 0, len(list.Jobs))
	for _, job := range list.Jobs {
		f := Failure{Kind: job.Kind, Args: job.EncodedArgs, Attempts: job.Attempt}
		if n := len(job.Errors); n > 0 {
			f.Error = job.Errors[n-1].Error
		}
		failed = append(failed, f)
	}
	return failed, nil
}
