package hook

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options say how a desk delivers. All but the last two are needed.
type Options struct {
	Clock   func() time.Time // stamps deliveries, and times how long a hook rests
	Agent   string           // User-Agent: "GitLab/19.3.0"
	Workers int              // how many deliveries are under way at once, at most
	Timeout time.Duration    // how long a receiver may take
	// KeepFailing never switches off a hook that fails.
	KeepFailing bool
	// BlockLocal refuses this machine and private networks as receivers.
	BlockLocal bool
}

// kept is how many deliveries, and how many calls, are remembered.
const kept = 10_000

// Desk is every hook of the instance and what is delivered to them.
type Desk struct {
	opts   Options
	client map[bool]*http.Client // by whether certificates are verified
	ctx    context.Context       // ends with Close
	stop   context.CancelFunc
	wg     sync.WaitGroup // workers and calls that somebody waits for

	mu              sync.Mutex
	hooks           map[int64]*Hook
	deliveries      []*Delivery
	logs            []*Log
	queue, held     []*Delivery
	workers, busy   int
	holding, losing bool
	closed          bool
	news            chan struct{} // closed and replaced at every change
	chains          map[string]map[int64]bool
	next            struct{ hook, delivery, log int64 }
}

// NewDesk makes a desk without hooks. It starts nothing: workers come with
// deliveries and go when there is none left.
func NewDesk(o Options) *Desk {
	d := &Desk{opts: o, hooks: map[int64]*Hook{}, chains: map[string]map[int64]bool{}, news: make(chan struct{})}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.client = map[bool]*http.Client{true: d.newClient(true), false: d.newClient(false)}
	return d
}

// Close ends deliveries under way, loses those that wait, and returns when
// nothing of the desk runs any more. Whatever is sent later is lost.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	for _, one := range slices.Concat(d.queue, d.held) {
		one.State = Lost
	}
	d.queue, d.held = nil, nil
	d.tell()
	d.mu.Unlock()
	d.stop()
	d.wg.Wait()
}

// tell wakes whoever waits for a change. The lock is held.
func (d *Desk) tell() {
	close(d.news)
	d.news = make(chan struct{})
}

// Hooks gives an owner's hooks, oldest first.
func (d *Desk) Hooks(o Owner) []Hook {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []Hook{}
	for _, h := range d.hooks {
		if h.Owner == o {
			out = append(out, h.clone())
		}
	}
	slices.SortFunc(out, func(a, b Hook) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Hook gives an owner's hook.
func (d *Desk) Hook(o Owner, id int64) (Hook, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.hooks[id]; h != nil && h.Owner == o {
		return h.clone(), true
	}
	return Hook{}, false
}

// Add files a hook for an owner. What GitLab does not take is a *Fault.
func (d *Desk) Add(o Owner, h Hook) (Hook, error) {
	if err := h.check(d.opts.BlockLocal); err != nil {
		return Hook{}, err
	}
	if most, what := o.limit(); len(d.Hooks(o)) >= most {
		return Hook{}, &Fault{"base", fmt.Sprintf("Maximum number of %s hooks (%d) exceeded", what, most)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next.hook++
	h.ID, h.Owner, h.CreatedAt = d.next.hook, o, d.now()
	stored := h.clone()
	d.hooks[h.ID] = &stored
	return h, nil
}

// Change replaces a hook's settings if the result is one GitLab takes, and
// gives it as it is then. A new address forgets the secrets meant for the old.
func (d *Desk) Change(h Hook) (Hook, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.hooks[h.ID]
	if old == nil {
		return Hook{}, &Fault{"base", "is gone"}
	}
	next := h.clone()
	next.moved(*old)
	if err := next.check(d.opts.BlockLocal); err != nil {
		return Hook{}, err
	}
	next.Failures, next.DisabledUntil = old.Failures, old.DisabledUntil
	*old = next
	return next.clone(), nil
}

// Remove deletes a hook with its history; what waits for it is not delivered.
func (d *Desk) Remove(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.hooks, id)
	d.logs = slices.DeleteFunc(d.logs, func(l *Log) bool { return l.HookID == id })
}

// Status says whether a hook is delivered to: Executable, TemporarilyDisabled
// or Disabled.
func (d *Desk) Status(h Hook) string {
	if d.opts.KeepFailing {
		return Executable
	}
	return h.status(d.now())
}

// now gives the present in the milliseconds that GitLab shows.
func (d *Desk) now() time.Time { return d.opts.Clock().UTC().Truncate(time.Millisecond) }

// Any says whether there is a hook at all.
func (d *Desk) Any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.hooks) > 0
}
