package reconcile

import (
	"context"
	"errors"
	"sync"
	"time"

	"cxm/internal/issue"
	"cxm/internal/reconcile/breaker"
)

// Breakers is where breakers are kept that several processes heed.
type Breakers interface {
	Breakers(ctx context.Context, integrationID int64) (breaker.Set, error)
	// SaveBreaker commits one; of two processes that change the same, one gets an
	// error that is stale.
	SaveBreaker(ctx context.Context, integrationID int64, b breaker.Breaker) (breaker.Breaker, error)
}

// fresh is how long the breakers count as read: so late one process hears that
// another one was refused.
const fresh = 5 * time.Second

// gate lets calls to the tracker through, and holds them back while a breaker is
// open.
type gate struct {
	integration int64
	kept        Breakers // nil: in memory only
	clock       func() time.Time
	stale       func(error) bool
	notice      func(breaker.Breaker)

	mu   sync.Mutex
	set  breaker.Set
	read time.Time
}

// heldError says that a call was not made since a breaker is open.
type heldError struct {
	reason   string
	after    time.Duration // when to try again
	instance bool          // nothing of the tracker can be called
}

// Error says why, for people.
func (h *heldError) Error() string { return h.reason }

// Is makes it a reason why a step was not taken that had its turn.
func (h *heldError) Is(target error) bool { return target == errStopped }

// pass asks for one call. Probe says that it finds out whether the tracker works
// again. The error is a *heldError, or of the store.
func (g *gate) pass(ctx context.Context, c breaker.Call) (probe bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.refresh(ctx); err != nil {
		return false, err
	}
	now := g.clock()
	ok, probes, reason := g.set.Allow(c, now)
	if !ok {
		return false, g.held(c, reason, now)
	}
	for _, b := range probes {
		if err := g.save(ctx, b); g.stale(err) {
			g.read = time.Time{}
			return false, &heldError{reason: reason, after: fresh}
		} else if err != nil {
			return false, err
		}
	}
	return len(probes) > 0, nil
}

// still says that a call that passed before may go out now, after it waited.
func (g *gate) still(c breaker.Call, probe bool) error {
	if probe {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if ok, probes, reason := g.set.Allow(c, now); !ok || len(probes) > 0 {
		return g.held(c, reason, now)
	}
	return nil
}

// held is why and for how long; the caller holds the lock.
func (g *gate) held(c breaker.Call, reason string, now time.Time) *heldError {
	h := &heldError{reason: reason, after: fresh}
	for _, b := range g.set {
		if ok, _, why := b.Allow(now); !ok && why == reason {
			h.after = max(fresh, b.RetryAt.Sub(now))
			h.instance = b.Target == breaker.Instance
		}
	}
	return h
}

// after tells how a call ended. Opened are the breakers that opened by it.
func (g *gate) after(ctx context.Context, c breaker.Call, err error) (opened []breaker.Breaker) {
	trouble, ours := blame(err)
	if ours {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	set, changed, opened := g.set.After(c, trouble, g.clock())
	g.set = set
	for _, b := range changed {
		if err := g.save(context.WithoutCancel(ctx), b); err != nil {
			g.read = time.Time{} // another process has newer news, or the next call hears of the store
			return nil
		}
	}
	for _, b := range opened {
		g.notice(b)
	}
	return opened
}

// blame is what the tracker did wrong, nil for nothing. Ours says that it tells
// nothing of the tracker: cxm's own limits, store or person ended the call.
func blame(err error) (trouble *issue.Trouble, ours bool) {
	if err == nil {
		return nil, false
	}
	if own := (*ownError)(nil); errors.As(err, &own) || errors.Is(err, errStopped) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, true
	}
	if !errors.As(err, &trouble) || trouble.Kind == issue.Limited {
		return nil, true
	}
	return trouble, false
}

// ownError is an error of cxm's own that ended a call before it was sent.
type ownError struct{ err error }

// Error is the error's own text.
func (o *ownError) Error() string { return o.err.Error() }

// Unwrap is the error underneath.
func (o *ownError) Unwrap() error { return o.err }

func (g *gate) refresh(ctx context.Context) error {
	if g.kept == nil || g.clock().Sub(g.read).Abs() < fresh {
		return nil
	}
	set, err := g.kept.Breakers(ctx, g.integration)
	if err != nil {
		return err
	}
	g.set, g.read = set, g.clock()
	return nil
}

// save keeps a breaker; the caller holds the lock.
func (g *gate) save(ctx context.Context, b breaker.Breaker) error {
	if g.kept != nil {
		var err error
		if b, err = g.kept.SaveBreaker(ctx, g.integration, b); err != nil {
			return err
		}
	}
	for i := range g.set {
		if g.set[i].Target == b.Target && g.set[i].Class == b.Class {
			g.set[i] = b
			return nil
		}
	}
	g.set = append(g.set, b)
	return nil
}
