// Package breaker decides whether cxm may call a tracker that has failed before:
// what fails the same way again and again is left alone for a while, then tried
// with one call, then left alone for longer or used again.
//
// What always holds: values go in and a decision with its reason comes out; a
// broken project stops nothing but itself, a broken account or instance stops
// all; while a breaker is open at most one call goes out per delay; a person is
// told once per opening.
package breaker

import (
	"fmt"
	"time"

	"cxm/internal/issue"
)

const (
	// Shortest is how long a breaker stays open at first. Each probe that fails
	// the same way doubles it, up to Longest.
	Shortest = time.Minute
	// Longest is how long a breaker stays open at most between two probes.
	Longest = time.Hour
	// Patience is how long the answer of a probe is waited for before another
	// may be sent: whoever sent it may have been killed. It is longer than any
	// call to a tracker lasts.
	Patience = 3 * time.Minute

	inARow   = 5  // failures of one class that open a breaker, where one does not
	anywhere = 10 // of those that may come from one project alone, to stop all of them
)

// Breaker watches one target for one class of trouble. The zero value with a
// Target and a Class is closed: calls go out.
type Breaker struct {
	Target     string            // Instance, or what Project or Issues returns
	Class      issue.TroubleKind // of the troubles it counts
	Failures   int               // in a row; while it is open, probes that failed are counted on
	OpenedAt   time.Time         // zero: closed
	RetryAt    time.Time         // when it is open: a probe may go out from then on
	ProbeUntil time.Time         // a probe is out, and is waited for until then; zero: none
	Told       bool              // this opening has had its notice
	Trouble    string            // the last failure, in words for a person; empty: none
	Rev        int64             // of the stored row; 0: not stored
}

// Open says that calls are held back.
func (b Breaker) Open() bool { return !b.OpenedAt.IsZero() }

// Allow says whether a call may go out at now. Probe says that it is the one
// that finds out whether the target works again: store Probing first, and only
// who stored it calls. The reason is for people; empty when the breaker is
// closed.
func (b Breaker) Allow(now time.Time) (ok, probe bool, reason string) {
	switch {
	case !b.Open():
		return true, false, ""
	case b.probing(now):
		return false, false, b.why() + "; one call is finding out whether it works again"
	case b.due(now):
		return true, true, b.why() + "; one call finds out whether it works again"
	}
	return false, false, fmt.Sprintf("%s; the next try is at %s", b.why(), b.RetryAt.UTC().Format("15:04:05 UTC"))
}

// probing says that the answer of a probe is waited for.
func (b Breaker) probing(now time.Time) bool { return near(b.ProbeUntil, now, Patience) }

// due says that it is time for a probe.
func (b Breaker) due(now time.Time) bool { return !near(b.RetryAt, now, Longest) }

// near says that a moment is still to come. One that lies further ahead than it
// can have been set was set before a clock was put back, and counts for nothing.
func near(at, now time.Time, most time.Duration) bool {
	return now.Before(at) && at.Sub(now) <= most
}

func (b Breaker) why() string {
	if b.Failures == 1 {
		return fmt.Sprintf("%s failed (%s): %s", b.Target, b.Class, b.Trouble)
	}
	return fmt.Sprintf("%s failed %d times in a row (%s): %s", b.Target, b.Failures, b.Class, b.Trouble)
}

// Probing is b while its probe is out.
func (b Breaker) Probing(now time.Time) Breaker {
	b.ProbeUntil = now.Add(Patience)
	return b
}

// After is b after a call about its target ended with t; nil: the tracker did as
// it was asked. Notice is true when this opened the breaker, and so exactly once
// per opening: tell a person.
//
//	           success   same class           answered otherwise   nothing learned
//	closed     closed    counts, then opens   counts from zero     counts from zero
//	open       closed    an echo: as it was   closed               as it was
//	its probe  closed    open, twice as long  closed               open, as long
//
// An echo is the failure of a call that was under way when the breaker opened.
// Nothing is learned about a class from a trouble of another one in which the
// tracker did not answer: unsent, in doubt, unavailable, limited.
func (b Breaker) After(t *issue.Trouble, now time.Time) (after Breaker, notice bool) {
	probed := b.Open() && (!b.ProbeUntil.IsZero() || b.due(now))
	switch {
	case t == nil:
		return b.closed(), false
	case t.Kind == b.Class && !b.Open():
		return b.count(t, now)
	case t.Kind == b.Class && probed:
		b.Failures++
		return b.again(t, now), false
	case t.Kind == b.Class:
		return b, false
	case !b.Open(), answered(t.Kind):
		return b.closed(), false
	case probed:
		return b.again(t, now), false
	}
	return b, false
}

// closed is b with all calls going out.
func (b Breaker) closed() Breaker { return Breaker{Target: b.Target, Class: b.Class, Rev: b.Rev} }

// count takes one more failure in, and opens b where that is one too many.
func (b Breaker) count(t *issue.Trouble, now time.Time) (Breaker, bool) {
	b.Failures, b.Trouble = b.Failures+1, t.Error()
	if b.Failures < threshold(b.Target, b.Class) {
		return b, false
	}
	b.OpenedAt, b.Told = now, true
	return b.again(t, now), true
}

// again waits for the next probe, and not less than the tracker asked for.
func (b Breaker) again(t *issue.Trouble, now time.Time) Breaker {
	b.RetryAt, b.ProbeUntil, b.Trouble = now.Add(min(max(b.delay(), t.After), Longest)), time.Time{}, t.Error()
	return b
}

func (b Breaker) delay() time.Duration {
	delay := Shortest
	for range b.Failures - threshold(b.Target, b.Class) {
		if delay *= 2; delay >= Longest {
			return Longest
		}
	}
	return delay
}

// threshold is how many failures in a row open a breaker. Some say at once that
// the next call fails too: a token that is refused, an instance that cannot be
// reached, a project that may not be seen or written to. A tracker that stumbles
// over one project stops that project; for all to stop another must fail too.
func threshold(target string, class issue.TroubleKind) int {
	switch class {
	case issue.Unauthorized, issue.Unsent:
		return 1
	case issue.Forbidden, issue.NotFound:
		if isProject(target) {
			return 1
		}
	case issue.Doubtful, issue.Unavailable:
		if target == Instance {
			return anywhere
		}
	}
	return inARow
}

// answered says that a trouble is the tracker's own answer to what was asked.
func answered(kind issue.TroubleKind) bool {
	switch kind {
	case issue.Unsent, issue.Doubtful, issue.Unavailable, issue.Limited:
		return false
	}
	return true
}
