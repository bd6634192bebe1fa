package hook

import (
	"context"
	"fmt"
	"slices"
)

// carryNow makes a delivery while its caller waits.
func (d *Desk) carryNow(ctx context.Context, one *Delivery, force bool) (Log, error) {
	d.mu.Lock()
	if d.closed {
		one.State = Lost
		d.mu.Unlock()
		return Log{}, Refusal("the sandbox is closed")
	}
	d.busy++
	d.wg.Add(1)
	d.mu.Unlock()
	defer d.wg.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	return d.carry(ctx, one, force)
}

// Hold keeps every delivery back from now on. Without it they go again, first
// those that were held, in the order they arose.
func (d *Desk) Hold(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holding = on
	if on {
		return
	}
	waiting := d.held
	d.held = nil
	for _, one := range waiting {
		d.enqueue(one)
	}
	d.tell()
}

// Lose drops every delivery that arises from now on, without a trace in the
// hooks' history.
func (d *Desk) Lose(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.losing = on
}

// Modes says whether deliveries are held, and whether they are lost.
func (d *Desk) Modes() (holding, losing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.holding, d.losing
}

// Deliveries gives what was to be delivered, oldest first; the last 10,000 at
// the least.
func (d *Desk) Deliveries() []Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Delivery, 0, len(d.deliveries))
	for _, one := range d.deliveries {
		c := *one
		c.Statuses = slices.Clone(one.Statuses)
		out = append(out, c)
	}
	return out
}

// Release delivers held deliveries in the given order, each after the answer
// to the one before; without ids all of them, in the order they arose. What a
// receiver answers is no error. An id that is not held is one, and then nothing
// is delivered.
func (d *Desk) Release(ctx context.Context, ids ...int64) error {
	chosen, err := d.choose(ids)
	if err != nil {
		return err
	}
	for i, one := range chosen {
		if err := ctx.Err(); err != nil {
			d.putBack(chosen[i:])
			return fmt.Errorf("release deliveries: %w", err)
		}
		_, _ = d.carryNow(ctx, one, false) // the outcome is in the history
	}
	return nil
}

// choose takes held deliveries out.
func (d *Desk) choose(ids []int64) ([]*Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(ids) == 0 {
		all := d.held
		d.held = nil
		return all, nil
	}
	var chosen []*Delivery
	for _, id := range ids {
		at := slices.IndexFunc(d.held, func(one *Delivery) bool { return one.ID == id })
		if at < 0 || slices.Contains(chosen, d.held[at]) {
			return nil, fmt.Errorf("release delivery %d: it is not held; the list of deliveries says which are", id)
		}
		chosen = append(chosen, d.held[at])
	}
	d.held = slices.DeleteFunc(d.held, func(one *Delivery) bool { return slices.Contains(chosen, one) })
	return chosen, nil
}

func (d *Desk) putBack(rest []*Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = append(rest, d.held...)
}

// Repeat delivers a delivery once more with the same webhook-id and body, as
// GitLab does now and then. It returns when the receiver has answered.
func (d *Desk) Repeat(ctx context.Context, id int64) error {
	one, err := d.sent(id)
	if err != nil {
		return err
	}
	_, _ = d.carryNow(ctx, one, false) // the outcome is in the history
	return ctx.Err()
}

func (d *Desk) sent(id int64) (*Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.deliveries {
		if one.ID == id && one.State == Sent {
			one.chained = false // it is in its own chain by now
			return one, nil
		}
	}
	return nil, fmt.Errorf("repeat delivery %d: it was not sent yet; the list of deliveries says which were", id)
}

// Settle waits until no delivery waits or is under way; those held do not count.
func (d *Desk) Settle(ctx context.Context) error {
	for {
		d.mu.Lock()
		settled, news := len(d.queue) == 0 && d.busy == 0, d.news
		d.mu.Unlock()
		if settled {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("wait for webhooks to be delivered: %w", ctx.Err())
		}
	}
}
