package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cxm/internal/app"
	"cxm/internal/store/lists"
)

// promise is what cxm answered for: the events that were sent, and those of them that
// it accepted.
type promise struct{ sent, accepted map[string]bool }

func newPromise() *promise { return &promise{map[string]bool{}, map[string]bool{}} }

// world is what cxm knows.
type world struct {
	titles map[string]string // of findings, by what they are about
	twice  int               // findings about what another is about, and events that were taken in more than once
}

// verdict is how the one compares with the other.
type verdict struct {
	accepted int
	lost     []string // accepted, and not known
	doubled  int
	strange  []string // known, and never sent like that
}

// judge compares what cxm promised with what it knows. An event that was sent and not
// accepted may be known or not.
func (p *promise) judge(w world) verdict {
	v := verdict{accepted: len(p.accepted), doubled: w.twice}
	for id := range p.accepted {
		if _, ok := w.titles[id]; !ok {
			v.lost = append(v.lost, id)
		}
	}
	for id, said := range w.titles {
		if !p.sent[id] || said != title(id) {
			v.strange = append(v.strange, id)
		}
	}
	slices.Sort(v.lost)
	slices.Sort(v.strange)
	return v
}

// wrong lists what is not as it must be.
func (v verdict) wrong() []string {
	var out []string
	if v.accepted == 0 {
		out = append(out, "nothing was accepted, so that this shows nothing")
	}
	if n := len(v.lost); n > 0 {
		out = append(out, fmt.Sprintf("%d of %d accepted events are lost: %q", n, v.accepted, v.lost[:min(n, 5)]))
	}
	if v.doubled > 0 {
		out = append(out, fmt.Sprintf("%d events were taken in more than once", v.doubled))
	}
	if n := len(v.strange); n > 0 {
		out = append(out, fmt.Sprintf("%d findings are of no event that was sent: %q", n, v.strange[:min(n, 5)]))
	}
	return out
}

// open opens the place beside the cxm that serves it.
func (p *place) open(ctx context.Context) (*app.App, error) {
	return app.Open(ctx, app.Config{DataDir: p.dir, Database: p.database})
}

// takenIn waits until nothing waits any more.
func takenIn(ctx context.Context, a *app.App) error {
	left := 0
	err := until(ctx, "all is taken in", func() (bool, error) {
		waiting, refused, err := a.Store.Deliveries(ctx)
		if err == nil && refused > 0 {
			err = fmt.Errorf("%d deliveries were refused that should not be: `cxm source refused` says why", refused)
		}
		left = waiting
		return waiting == 0, err
	})
	if err != nil {
		return fmt.Errorf("%w: %d deliveries wait", err, left)
	}
	return nil
}

// look reads what cxm knows.
func look(ctx context.Context, a *app.App) (world, error) {
	all := lists.New(a.DB.Base(), a.Tenant)
	w := world{titles: map[string]string{}}
	err := pages(func(p lists.Page) (lists.Cursor, error) {
		some, next, err := all.Findings(ctx, lists.FindingFilter{Scope: sourceName}, p)
		for _, f := range some {
			if _, known := w.titles[f.Finding.ResourceID]; known {
				w.twice++
			}
			w.titles[f.Finding.ResourceID] = f.Finding.Title
		}
		return next, err
	})
	// Every event is about a disk of its own: whatever is not new was taken in before.
	return w, errors.Join(err, pages(func(p lists.Page) (lists.Cursor, error) {
		some, next, err := all.Pulls(ctx, "", sourceName, p)
		for _, one := range some {
			w.twice += one.Changed + one.Unchanged + one.Skipped
		}
		return next, err
	}))
}

// pages reads page after page.
func pages(read func(lists.Page) (lists.Cursor, error)) error {
	p := lists.Page{Size: lists.Most}
	for {
		next, err := read(p)
		if err != nil || next.Zero() {
			return err
		}
		p.After = next
	}
}
