package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cxm/internal/gitlab/limit"
	"cxm/internal/issue"
)

// downAfter is how many calls in a row must fail before the instance is taken to
// be down. Fewer are what a restart of one of its parts looks like.
const downAfter = 5

// outage keeps calls away from an instance that is down: one that cannot be
// reached, does not answer, or from which something else answers in its place.
// What GitLab's application answers itself, a 500 too, is about one request and
// no outage. Reads and writes are told apart, since many a proxy lets only one
// of them through; but what cannot be read is not written to either.
type outage struct {
	host string

	mu     sync.Mutex
	reads  spell
	writes spell
}

// spell is a row of failures.
type spell struct {
	row     int       // failures in a row
	until   time.Time // nothing goes out before it; zero: it is up
	probing bool      // until has passed, and one call finds out
	shuts   int       // how often in a row it was shut
	last    *issue.Trouble
}

// turn is one call that was let through.
type turn struct {
	outage *outage
	reads  bool
	probes []*spell // that it finds out about
	left   bool
}

// enter lets a call through, or says why not. Once the wait is over one call
// goes alone and finds out; a write that goes while nothing can be read finds
// out for reads too.
func (o *outage) enter(r Request, now time.Time) (*turn, *issue.Trouble) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := &turn{outage: o, reads: r.Method == http.MethodGet}
	for _, s := range t.spells() {
		if now.Before(s.until) || s.probing {
			return nil, o.down(r, s, now)
		}
		if !s.until.IsZero() {
			t.probes = append(t.probes, s)
		}
	}
	for _, s := range t.probes {
		s.probing = true
	}
	return t, nil
}

// spells are what a call must get past.
func (t *turn) spells() []*spell {
	if t.reads {
		return []*spell{&t.outage.reads}
	}
	return []*spell{&t.outage.writes, &t.outage.reads}
}

// down is the trouble of a call that was not sent since those before it failed.
func (o *outage) down(r Request, s *spell, now time.Time) *issue.Trouble {
	return &issue.Trouble{
		Kind: issue.Unsent, Doing: r.Doing, After: max(s.until.Sub(now), 0), Mend: s.last.Mend,
		Err: fmt.Errorf("%s is down: %d calls in a row failed, the last one while %w", o.host, s.row, s.last),
	}
}

// again says that a read may be tried again: nobody is kept away, and it is not
// the one call that finds out.
func (t *turn) again() bool {
	t.outage.mu.Lock()
	defer t.outage.mu.Unlock()
	return len(t.probes) == 0 && t.outage.reads.until.IsZero()
}

// leave says how the call went; trouble nil: well. Only the first time counts. A
// call that was given up, or that never tried, tells nothing.
func (t *turn) leave(ctx context.Context, x *exchange, trouble *issue.Trouble) {
	t.outage.mu.Lock()
	defer t.outage.mu.Unlock()
	if t.left {
		return
	}
	t.left = true
	up := trouble == nil || x.status != 0 && !absent(x)
	down := !up && ctx.Err() == nil && absent(x)
	for i, s := range t.spells() {
		probe := slices.Contains(t.probes, s) && s.probing // or it has proved to be up meanwhile
		if probe {
			s.probing = false
		}
		switch {
		case up:
			*s = spell{}
		case down && (i == 0 || probe): // a write that fails says nothing of reads that work
			s.failed(time.Now(), probe, trouble)
		}
	}
}

// failed counts a failure, and shuts the door when there were too many or the
// instance asked for it.
func (s *spell) failed(now time.Time, probe bool, t *issue.Trouble) {
	s.row, s.last = s.row+1, t
	if now.Before(s.until) || !probe && s.row < downAfter && t.After == 0 {
		return // an echo of what is known, or too few to know
	}
	s.shuts++
	wait := min(time.Second<<min(s.shuts, 10), limit.Window)
	s.until = now.Add(max(wait, t.After) + time.Duration(rand.Int64N(int64(wait/10)))) // so that many processes do not come back at once
}

// absent says that what came of a request was not GitLab's application: nobody
// answered, or somebody else did.
func absent(x *exchange) bool {
	switch {
	case x.status == 0:
		return x.tried
	case x.status < 300:
		return !strings.Contains(x.header.Get("Content-Type"), "json")
	}
	return x.status >= 500 && !jsonObject(x.body)
}
