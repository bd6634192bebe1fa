// Package limit keeps a client inside the limits of a GitLab instance before
// GitLab has to say so, and out of its way once it has.
//
// What always holds: in any 60 seconds a bucket lets through at most what it
// allows, together with the buckets of other processes that share its ledger;
// after a 429 nothing goes out until the pause has ended, and then one request
// alone finds out whether GitLab takes more; no wait outlasts its context, and
// none that would is begun. Only of a pause that another process met does a
// bucket hear late, by a few seconds at most.
package limit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bucket keeps one of GitLab's limits: a steady rate with a burst, a pause when
// GitLab says that it was too much, and one probe at a time until it takes
// requests again. It is safe for many goroutines.
type Bucket struct {
	what  string // it counts, for people
	limit int    // per minute; 0 or less: none
	flow  *rate.Limiter
	share *share // of what other processes use too; nil: there are none

	mu      sync.Mutex
	flying  int           // requests taken and not settled
	most    int           // of them there ever were
	until   time.Time     // nothing goes out before it
	limited bool          // the last word was a 429: go one at a time
	probing bool          // that one is out
	refused int           // probes in a row that were refused
	eased   time.Time     // flow is slowed down until then; zero: it is not
	line    line          // who waits to be let through
	changed chan struct{} // closed and replaced when the above changes
}

// NewBucket allows perMinute in any 60 seconds: a fifth of it at once, the rest
// spread over the minute; 0 or less: no limit of its own. What is counted is for
// people: "requests".
func NewBucket(what string, perMinute int) *Bucket {
	b := &Bucket{what: what, limit: perMinute, changed: make(chan struct{})}
	every, burst := b.pace()
	b.flow = rate.NewLimiter(every, burst)
	return b
}

// NewShared is NewBucket for one of several processes: all buckets of one name
// on one ledger keep the limit together, and what one of them learns of GitLab
// holds for all. They should allow the same; where they do not, each keeps to
// its own. The name is for the ledger alone.
func NewShared(what string, perMinute int, ledger Ledger, name string) *Bucket {
	b := &Bucket{what: what, limit: perMinute, share: newShare(ledger, name, perMinute), changed: make(chan struct{})}
	every, burst := b.pace()
	b.flow = rate.NewLimiter(every, burst)
	return b
}

// pace is how fast this process goes by itself.
func (b *Bucket) pace() (rate.Limit, int) {
	if b.limit <= 0 || b.share != nil {
		return rate.Inf, 1
	}
	burst := max(1, b.limit/5)
	return rate.Limit(float64(max(1, b.limit-burst)) / Window.Seconds()), burst
}

// LateError says that a request would have to wait longer than its context
// lives. It was not waited for.
type LateError struct {
	What string        // the bucket counts
	Wait time.Duration // until there is room again
}

// Error names the limit and the wait.
func (e *LateError) Error() string {
	return fmt.Sprintf("the limit on %s leaves no room for another %s", e.What, e.Wait.Round(time.Second))
}

// Take waits until one request may go out. Of those that wait together, as for
// the end of a pause, the one with the lowest turn goes first. Probe says that the
// caller is the one who finds out whether GitLab takes requests again: others wait
// for its Settle, which every request owes that got through. The error is a
// *LateError, the context's or the ledger's.
func (b *Bucket) Take(ctx context.Context, turn int) (probe bool, err error) {
	if err := b.draw(ctx); err != nil {
		return false, err
	}
	if b.share != nil {
		return b.takeShared(ctx, turn)
	}
	b.join(turn)
	defer b.leave(turn)
	for {
		wait, changed, probe, ok := b.gate(time.Now(), turn)
		if ok {
			return probe, nil
		}
		if err := b.wait(ctx, wait, changed); err != nil {
			return false, err
		}
	}
}

// draw waits for the steady rate. Whoever would wait at the pace of a window that
// is running out for longer than it lasts draws again in the next one.
func (b *Bucket) draw(ctx context.Context) error {
	for {
		now := time.Now()
		b.unease(now)
		turn := b.flow.ReserveN(now, 1)
		wait := turn.DelayFrom(now)
		rest, beyond := b.outlasts(now, wait)
		switch {
		case wait == 0:
			return ctx.Err()
		case beyond:
			turn.CancelAt(now)
			wait = rest
		}
		if err := b.wait(ctx, wait, nil); err != nil {
			turn.Cancel() // of one that was given back already it does nothing
			return err
		}
		if !beyond {
			return nil
		}
	}
}

// outlasts says that a wait ends after the window that is running out, and how
// long that still lasts.
func (b *Bucket) outlasts(now time.Time, wait time.Duration) (rest time.Duration, beyond bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest = b.eased.Sub(now)
	return rest, !b.eased.IsZero() && rest > 0 && wait > rest
}

// gate lets a caller through, or says how long to wait and what to listen to.
// A wait of zero: only for the change.
func (b *Bucket) gate(now time.Time, turn int) (wait time.Duration, changed <-chan struct{}, probe, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case now.Before(b.until):
		return b.until.Sub(now), b.changed, false, false
	case b.limited && b.probing, b.line.before(turn):
		return 0, b.changed, false, false
	}
	b.flying++
	b.most = max(b.most, b.flying)
	b.probing = b.limited
	return 0, nil, b.probing, true
}

// takeShared waits for a permit of those that several processes share.
func (b *Bucket) takeShared(ctx context.Context, turn int) (probe bool, err error) {
	for {
		p, err := b.permit(ctx, turn)
		if err != nil {
			return false, err
		}
		err = b.wait(ctx, time.Until(p.from), nil)
		if err == nil && b.use(p, time.Now()) {
			return p.probe, nil
		}
		if p.probe {
			err = errors.Join(err, b.share.record(ctx, func(k book, _ time.Time) book { return k.free() }))
		}
		if err != nil {
			return false, err
		}
	}
}

// permit waits for the end of a pause that this process knows of, and for a permit.
func (b *Bucket) permit(ctx context.Context, turn int) (permit, error) {
	b.join(turn)
	defer b.leave(turn)
	for {
		wait, changed := b.paused(time.Now())
		if wait <= 0 {
			return b.share.take(ctx, b, turn)
		}
		if err := b.wait(ctx, wait, changed); err != nil {
			return permit{}, err
		}
	}
}

// paused is how long this process knows that nothing goes out.
func (b *Bucket) paused(now time.Time) (time.Duration, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.Sub(now), b.changed
}

// use lets a request go, unless its permit is too old or there is a pause by now.
func (b *Bucket) use(p permit, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !now.Before(p.to) || now.Before(b.until) {
		return false
	}
	b.flying++
	b.most = max(b.most, b.flying)
	return true
}

// change is closed when the bucket's state changes. First says that nobody waits
// now whose turn is earlier.
func (b *Bucket) change(turn int) (changed <-chan struct{}, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed, !b.line.before(turn)
}

// wait sleeps, unless the context would end first. Zero or less: only for the
// change, and without one not at all.
func (b *Bucket) wait(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return &LateError{What: b.what, Wait: d}
	}
	if d <= 0 && changed == nil {
		return ctx.Err()
	}
	var ring <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		ring = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-ring:
	case <-changed:
	}
	return nil
}

// Verdict is what a request told about a bucket it was taken from.
type Verdict int

// The verdicts.
const (
	Silence Verdict = iota // there was no answer, or nothing was sent
	Fine                   // GitLab answered, and not with a 429 of this limit
	Limited                // GitLab answered with a 429 of this limit
)

// Settle tells the bucket how a request went that was taken from it; probe is
// what Take said. After is how long to pause when it was Limited; a probe that
// is not the first one refused makes the pause longer. The error is the
// ledger's: then other processes were not told.
func (b *Bucket) Settle(ctx context.Context, probe bool, v Verdict, after time.Duration) error {
	news := b.settle(time.Now(), probe, v, after)
	if b.share == nil || !news {
		return nil
	}
	if v != Silence {
		b.share.drop()
	}
	return b.share.record(ctx, func(k book, now time.Time) book {
		switch v {
		case Fine:
			return k.clear(now)
		case Limited:
			return k.pause(now, after, probe)
		}
		return k.free()
	})
}

// settle is Settle for this process. News says that others should know.
func (b *Bucket) settle(now time.Time, probe bool, v Verdict, after time.Duration) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying = max(0, b.flying-1)
	if !probe && v != Limited {
		return false
	}
	if probe {
		b.probing = false
	}
	news = true
	switch v {
	case Fine:
		b.refused, b.limited = 0, now.Before(b.until)
	case Limited:
		news = b.pause(now, probe, after)
	}
	close(b.changed)
	b.changed = make(chan struct{})
	return news
}

// pause keeps callers away, and says whether that is news: many requests may be
// refused at once.
func (b *Bucket) pause(now time.Time, probe bool, after time.Duration) (news bool) {
	if probe {
		b.refused++
		after = max(after, refusal(b.refused))
	}
	until := now.Add(after)
	news = probe || !b.limited || until.Sub(b.until) > time.Second
	b.limited = true
	if until.After(b.until) {
		b.until = until
	}
	return news
}

// Heed slows down when GitLab says that little remains, so that what remains
// lasts until the window ends: from a fifth of the limit on, or earlier where
// many requests are under way at once that GitLab may not have counted yet.
// GitLab's own time is taken from the Date header.
func (b *Bucket) Heed(h http.Header) {
	now := time.Now()
	remaining, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	total, err2 := strconv.Atoi(h.Get("RateLimit-Limit"))
	theirs := Dated(h, now)
	reset, ok := resetAt(h, theirs)
	if err != nil || err2 != nil || !ok || total <= 0 {
		return
	}
	left := clamp(reset.Sub(theirs))
	b.mu.Lock()
	defer b.mu.Unlock()
	if left == 0 || remaining > max(total/5, 2*b.most) {
		return
	}
	b.eased = now.Add(left)
	if remaining <= 0 && b.eased.After(b.until) {
		b.until = b.eased
	}
	every, _ := b.pace()
	b.flow.SetLimitAt(now, min(every, rate.Limit(float64(max(remaining-b.flying, 1))/left.Seconds())))
	b.flow.SetBurstAt(now, 1)
}

// unease goes back to the usual rate when the window that was running out has
// ended.
func (b *Bucket) unease(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.eased.IsZero() || now.Before(b.eased) {
		return
	}
	b.eased = time.Time{}
	every, burst := b.pace()
	b.flow.SetLimitAt(now, every)
	b.flow.SetBurstAt(now, burst)
}
