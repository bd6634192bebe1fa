package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// gate stands before the sandbox: it counts what the children send, on the
// machine's clock, knows when nothing is under way, and can hold a create back
// until long after its sender has given up, as a GitLab under load does.
type gate struct {
	next http.Handler

	mu    sync.Mutex
	idle  *sync.Cond
	under int // requests under way
	hold  int // the create, counted from now, that is held back; 0: none
	held  []*http.Request
	sent  map[string][]call // by process
}

// call is one request of a child.
type call struct {
	at     time.Time
	writes bool
	create string // the path when it makes an issue
}

func newGate(next http.Handler) *gate {
	g := &gate{next: next, sent: map[string][]call{}}
	g.idle = sync.NewCond(&g.mu)
	return g
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	late := g.enter(r)
	defer g.leave()
	if late {
		g.keep(r)
		panic(http.ErrAbortHandler)
	}
	g.next.ServeHTTP(w, r)
}

// enter counts a request and says whether it is the one to be held back.
func (g *gate) enter(r *http.Request) (late bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.under++
	c := call{at: time.Now(), writes: r.Method != http.MethodGet}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issues") {
		c.create = r.URL.Path
		g.hold--
		late = g.hold == 0
	}
	name := r.Header.Get(processHeader)
	g.sent[name] = append(g.sent[name], c)
	return late
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under--; g.under == 0 {
		g.idle.Broadcast()
	}
}

// keep remembers a request, whole, apart from its connection.
func (g *gate) keep(r *http.Request) {
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

// holdCreate holds back the n-th create from now.
func (g *gate) holdCreate(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = n
}

// release carries out what was held back, and returns how much it was.
func (g *gate) release() int {
	g.mu.Lock()
	held := g.held
	g.held, g.hold = nil, 0
	g.mu.Unlock()
	for _, r := range held {
		g.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	return len(held)
}

// wait returns once no request is under way.
func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.under > 0 {
		g.idle.Wait()
	}
}

// of returns what a process sent.
func (g *gate) of(name string) []call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sent[name])
}

// busiest is the most of some moments that lie within any 60 seconds.
func busiest(at []time.Time) int {
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
