// Package gate stands before the sandbox of a chaos run: it writes down what the
// processes send, on the machine's clock.
package gate

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Gate stands before the sandbox: it counts what the children send, on the
// machine's clock, knows when nothing is under way, and can hold a create back
// until long after its sender has given up, as a GitLab under load does.
type Gate struct {
	next http.Handler

	mu    sync.Mutex
	idle  *sync.Cond
	under int // requests under way
	hold  int // the create, counted from now, that is held back; 0: none
	held  []*http.Request
	sent  map[string][]Call // by process
}

// Call is one request of a child.
type Call struct {
	At     time.Time
	Writes bool
	Create string // the path when it makes an issue
}

// Header is how a process names itself to the gate.
const Header = "X-Chaos-Process"

// New makes a gate before a handler.
func New(next http.Handler) *Gate {
	g := &Gate{next: next, sent: map[string][]Call{}}
	g.idle = sync.NewCond(&g.mu)
	return g
}

// ServeHTTP implements http.Handler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	late := g.enter(r)
	defer g.leave()
	if late {
		g.keep(r)
		panic(http.ErrAbortHandler)
	}
	g.next.ServeHTTP(w, r)
}

// enter counts a request and says whether it is the one to be held back.
func (g *Gate) enter(r *http.Request) (late bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.under++
	c := Call{At: time.Now(), Writes: r.Method != http.MethodGet}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issues") {
		c.Create = r.URL.Path
		g.hold--
		late = g.hold == 0
	}
	name := r.Header.Get(Header)
	g.sent[name] = append(g.sent[name], c)
	return late
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under--; g.under == 0 {
		g.idle.Broadcast()
	}
}

// keep remembers a request, whole, apart from its connection.
func (g *Gate) keep(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender died while sending: GitLab has nothing to carry out
	}
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = append(g.held, again)
}

// HoldCreate holds back the n-th create from now.
func (g *Gate) HoldCreate(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = n
}

// Release carries out what was held back, and returns how much it was.
func (g *Gate) Release() int {
	g.mu.Lock()
	held := g.held
	g.held, g.hold = nil, 0
	g.mu.Unlock()
	for _, r := range held {
		g.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	return len(held)
}

// Wait returns once no request is under way.
func (g *Gate) Wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.under > 0 {
		g.idle.Wait()
	}
}

// Of returns what a process sent.
func (g *Gate) Of(name string) []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sent[name])
}

// All returns what every process sent, one after the other.
func (g *Gate) All() []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Concat(slices.Collect(maps.Values(g.sent))...)
}

// Busiest is the most of some moments that lie within any 60 seconds.
func Busiest(at []time.Time) int {
	slices.SortFunc(at, time.Time.Compare)
	most, first := 0, 0
	for last := range at {
		for at[last].Sub(at[first]) >= time.Minute {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}
