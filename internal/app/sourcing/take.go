package sourcing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"cxm/internal/finding"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store"
)

// Of events, so many deliveries are taken in at once: each costs less then, and who
// wants to store something meanwhile waits for a few hundredths of a second at most.
const (
	togetherDeliveries = 128
	togetherBytes      = 256 << 10
)

// place is a type and a scope of which something is taken in.
type place struct {
	kind  source.Type
	scope string
}

// TakeIn takes in all that waits of a type and scope, in its order. What cannot be
// taken in is refused, with the reason, and kept; the next is taken in all the same.
//
// While it does so for one caller, another of this process leaves what it came for to
// the first, who looks once more: two would only wait for each other.
func (s *Sourcer) TakeIn(ctx context.Context, kind source.Type, scope string) error {
	at := place{kind, scope}
	if !s.begin(at) {
		return nil
	}
	ended := false
	defer func() {
		if !ended { // by a panic, which the queue survives
			s.finish(at, true)
		}
	}()
	for {
		err := s.takeAll(ctx, kind, scope)
		if ended = s.finish(at, err != nil); ended {
			return err
		}
	}
}

// begin says whether nobody is at it; else whoever is looks once more.
func (s *Sourcer) begin(at place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, busy := s.again[at]
	s.again[at] = busy
	return !busy
}

// finish says whether the work is done: not when somebody came meanwhile, unless it
// failed, and is tried again by the queue.
func (s *Sourcer) finish(at place, failed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again[at] && !failed {
		s.again[at] = false
		return false
	}
	delete(s.again, at)
	return true
}

// takeAll takes in until nothing waits.
func (s *Sourcer) takeAll(ctx context.Context, kind source.Type, scope string) error {
	together := store.Bounds{Deliveries: 1}
	if kind.Delivery() == source.Events {
		together = store.Bounds{Deliveries: togetherDeliveries, Bytes: togetherBytes}
	}
	for {
		some, err := s.Store.NextDeliveries(ctx, string(kind), scope, together)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = s.take(ctx, some)
		}
		if err != nil {
			return err
		}
	}
}

// take takes deliveries in. Where one of several is refused, the halves are tried, so
// that nobody's delivery depends on another's.
func (s *Sourcer) take(ctx context.Context, some []store.Delivery) error {
	err := s.pull(ctx, some)
	var refused *reconcile.RefusedError
	switch {
	case errors.Is(err, store.ErrTaken):
		return nil
	case errors.As(err, &refused) && len(some) > 1:
		if err := s.take(ctx, some[:len(some)/2]); err != nil {
			return err
		}
		return s.take(ctx, some[len(some)/2:])
	case errors.As(err, &refused):
		d := some[0]
		s.Logger.Warn("a delivery is refused", "delivery", d.ID, "source", d.Source, "scope", d.Scope, "why", err)
		return s.Store.Refuse(ctx, d.ID, err.Error())
	case err != nil:
		return fmt.Errorf("taking in delivery %d: %w", some[0].ID, err)
	}
	return nil
}

// pull takes deliveries in as one.
func (s *Sourcer) pull(ctx context.Context, some []store.Delivery) error {
	first, last := some[0], some[len(some)-1]
	in := reconcile.Delivery{Type: source.Type(first.Source), Scope: first.Scope, At: last.ReceivedAt}
	if err := json.Unmarshal([]byte(first.Options), &in.Options); err != nil {
		return fmt.Errorf("reading how delivery %d is to be read: %w", first.ID, err)
	}
	var ids []int64
	for _, d := range some {
		ids = append(ids, d.ID)
	}
	taking := s.Store.Taking(ids...)
	if in.Type.Delivery() == source.Events {
		keys, err := named(in, some)
		if err != nil {
			return reconcile.Refused(fmt.Errorf("taking in %s: nothing was stored: %w", in.Type, err))
		}
		taking = taking.Only(keys)
	}
	p, err := s.Puller(ctx, taking)
	if err != nil {
		return err
	}
	in.Inputs = inputs(in.Type, some)
	_, _, err = p.Pull(ctx, in)
	return err
}

// inputs is what deliveries are read from. Parts of one name that follow each other
// are read as one: events and webhooks may stand one after the other in a file.
func inputs(kind source.Type, some []store.Delivery) []source.Input {
	var out []source.Input
	var parts []io.Reader
	for _, d := range some {
		for _, p := range d.Parts {
			same := kind.Delivery() == source.Events && len(out) > 0 && out[len(out)-1].Name == p.Name
			if !same {
				out, parts = append(out, source.Input{Name: p.Name}), nil
			}
			parts = append(parts, bytes.NewReader(p.Body), strings.NewReader("\n"))
			out[len(out)-1].Reader = io.MultiReader(parts...)
		}
	}
	return out
}

// named reads which findings deliveries name, before anybody has to wait for it.
func named(in reconcile.Delivery, some []store.Delivery) ([]finding.Key, error) {
	var keys []finding.Key
	seen := map[finding.Key]bool{}
	in.Options.Now = in.At
	_, err := source.Read(in.Type, inputs(in.Type, some), in.Options, func(f *finding.Finding) error {
		for _, key := range append([]finding.Key{f.FindingKey}, f.FormerKeys...) {
			if !seen[key] {
				seen[key], keys = true, append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}
