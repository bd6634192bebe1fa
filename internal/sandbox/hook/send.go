package hook

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// Message is something that happened, told to every hook that wants it.
type Message struct {
	Kind     Kind
	Body     []byte // JSON
	Instance string // the GitLab's own URL
	// Chain is the X-Gitlab-Event-UUID of the request that caused it, "" for
	// none: a hook that is in that chain already is not told again.
	Chain string
}

// State is how far a delivery has come.
type State string

// The states of a delivery.
const (
	Waiting State = "waiting"
	Held    State = "held"    // until somebody releases it
	Sent    State = "sent"    // the receiver was called, whatever it answered
	Skipped State = "skipped" // Reason says why
	Lost    State = "lost"
)

// Delivery is one message for one hook.
type Delivery struct {
	ID        int64     `json:"id"`
	HookID    int64     `json:"hook_id"`
	Event     string    `json:"event"`      // "Issue Hook"
	WebhookID string    `json:"webhook_id"` // the same whenever it is sent again
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Statuses  []string  `json:"statuses,omitempty"` // of every call: "200", "internal error"
	At        time.Time `json:"at"`
	Body      []byte    `json:"-"`

	message Message
	chained bool // the chain came with the request
}

// Send tells the owners' hooks; it returns at once.
func (d *Desk) Send(m Message, owners ...Owner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.wanting(m.Kind, owners) {
		one := d.file(h, m)
		switch {
		case d.closed || d.losing:
			one.State = Lost
		case !d.executable(h):
			one.State, one.Reason = Skipped, hookDisabled
		case d.holding:
			one.State = Held
			d.held = append(d.held, one)
		default:
			d.enqueue(one)
		}
	}
	d.tell()
}

func (d *Desk) wanting(k Kind, owners []Owner) []*Hook {
	var out []*Hook
	for _, h := range d.hooks {
		if h.Events[k.Flag()] && slices.Contains(owners, h.Owner) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *Hook) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// file makes a delivery and remembers it.
func (d *Desk) file(h *Hook, m Message) *Delivery {
	d.next.delivery++
	one := &Delivery{
		ID: d.next.delivery, HookID: h.ID, Event: m.Kind.Event(), WebhookID: uuid(), State: Waiting, At: d.now(),
		Body: m.Body, message: m, chained: m.Chain != "",
	}
	if !one.chained {
		one.message.Chain = uuid()
	}
	d.deliveries = last(append(d.deliveries, one))
	return one
}

// last drops the oldest of what is more than can be remembered.
func last[T any](all []T) []T {
	if len(all) > 2*kept {
		return slices.Clone(all[len(all)-kept:])
	}
	return all
}

func (d *Desk) enqueue(one *Delivery) {
	one.State = Waiting
	d.queue = append(d.queue, one)
	if d.workers < d.opts.Workers {
		d.workers++
		d.wg.Go(d.work)
	}
}

// work delivers until nothing waits.
func (d *Desk) work() {
	for {
		one := d.take()
		if one == nil {
			return
		}
		_, _ = d.carry(d.ctx, one, false) // the outcome is in the history
	}
}

func (d *Desk) take() *Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		d.workers--
		return nil
	}
	one := d.queue[0]
	d.queue = d.queue[1:]
	d.busy++
	return one
}

const (
	hookDisabled = "Hook disabled"
	recursive    = "Recursive webhook blocked"
	longest      = 100 // hooks in a chain
)

// Refusal is a delivery that was not tried, or that nobody answered. It is
// GitLab's own text.
type Refusal string

// Error gives the text.
func (r Refusal) Error() string { return string(r) }

// carry calls a delivery's receiver, writes down what came of it, and gives
// that. Whoever calls has counted it as busy.
func (d *Desk) carry(ctx context.Context, one *Delivery, force bool) (Log, error) {
	h, err := d.begin(one, force)
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		one.State, one.Reason = Skipped, err.Error()
		d.done()
		return Log{}, err
	}
	l := d.call(ctx, h, one)
	d.finish(one, &l)
	if l.Fault != "" {
		return l, Refusal(l.Fault)
	}
	return l, nil
}

// begin says whether a delivery may be made, and to what.
func (d *Desk) begin(one *Delivery, force bool) (Hook, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, chain := d.hooks[one.HookID], one.message.Chain
	switch {
	case h == nil:
		return Hook{}, Refusal("Hook deleted")
	case !force && !d.executable(h):
		return Hook{}, Refusal(hookDisabled)
	case one.chained && (d.chains[chain][h.ID] || len(d.chains[chain]) >= longest):
		return Hook{}, Refusal(recursive)
	}
	if len(d.chains) > kept {
		clear(d.chains)
	}
	if d.chains[chain] == nil {
		d.chains[chain] = map[int64]bool{}
	}
	d.chains[chain][h.ID] = true
	return h.clone(), nil
}

func (d *Desk) executable(h *Hook) bool { return d.opts.KeepFailing || h.status(d.now()) == Executable }

// finish writes a call down and counts it for or against its hook.
func (d *Desk) finish(one *Delivery, l *Log) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next.log++
	l.ID = d.next.log
	one.State, one.Reason, one.Statuses = Sent, "", append(one.Statuses, l.Status)
	if h := d.hooks[l.HookID]; h != nil {
		stored := *l
		d.logs = last(append(d.logs, &stored))
		switch {
		case d.opts.KeepFailing:
		case l.OK():
			h.succeeded()
		default:
			h.failed(d.now())
		}
	}
	d.done()
}

// done counts a delivery as no longer under way. The lock is held.
func (d *Desk) done() {
	d.busy--
	d.tell()
}

// uuid makes a random UUID (version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
