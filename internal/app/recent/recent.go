// Package recent remembers the last calls of GitLab that this process made, for people
// who look how a connection does.
//
// What always holds: it is in memory and bounded; it knows routes and no addresses,
// so that no name of anything is in it.
package recent

import (
	"strconv"
	"sync"
	"time"

	"cxm/internal/gitlab/rest"
)

// The bounds.
const (
	perAccount = 20
	accounts   = 500
)

// Call is one of them.
type Call struct {
	At     time.Time
	Method string
	Route  string // with its parameters unfilled
	Status int    // 0: there was no answer
	Took   time.Duration
}

// Told is what is known of one account.
type Told struct {
	Calls []Call    // the latest first
	Left  int       // requests that GitLab's limit still allowed; -1: it did not say
	At    time.Time // when it said so
}

// Calls remembers. Make one with New; it is safe for concurrent use.
type Calls struct {
	clock func() time.Time
	mu    sync.Mutex
	of    map[string]*Told // by instance and account; guarded by mu
}

// New makes one.
func New(clock func() time.Time) *Calls { return &Calls{clock: clock, of: map[string]*Told{}} }

// Heard takes note of a call.
func (c *Calls) Heard(s rest.Sent) {
	now := c.clock().UTC()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.of[name(s.Instance, s.Account)]
	if t == nil {
		if len(c.of) >= accounts {
			clear(c.of) // nobody has so many; it begins again
		}
		t = &Told{Left: -1}
		c.of[name(s.Instance, s.Account)] = t
	}
	t.Calls = append([]Call{{now, s.Method, s.Route, s.Status, s.Duration}}, t.Calls[:min(len(t.Calls), perAccount-1)]...)
	if s.Left >= 0 {
		t.Left, t.At = s.Left, now
	}
}

// Of is what is known of an account on an instance, which is its host and port.
func (c *Calls) Of(instance string, account int64) Told {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.of[name(instance, account)]; t != nil {
		return *t // its list is never changed in place
	}
	return Told{Left: -1}
}

func name(instance string, account int64) string {
	return instance + "\n" + strconv.FormatInt(account, 10)
}
