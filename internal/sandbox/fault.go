package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cut says where a faulty connection breaks off.
type Cut string

// The cuts.
const (
	// CutNone leaves the connection whole.
	CutNone Cut = ""
	// CutBefore drops it before the handler runs: nothing has happened.
	CutBefore Cut = "before"
	// CutAfter drops it after the handler has run: the write is committed,
	// the answer is lost.
	CutAfter Cut = "after"
	// CutHalf runs the handler and sends half of its body.
	CutHalf Cut = "half"
)

// Fault is something that goes wrong with the requests it matches. Status with
// Header and Body answers instead of the handler; with Commit the handler runs
// first, and its write stays.
type Fault struct {
	Method string        `json:"method,omitempty"` // "": any
	Path   string        `json:"path,omitempty"`   // "": any; `*` is one segment, as in "/api/v4/projects/*/issues"
	Times  int           `json:"times,omitempty"`  // how often it strikes; 0: for ever
	After  int           `json:"after,omitempty"`  // how many matches it lets pass first
	Delay  time.Duration `json:"delay,omitempty"`  // nanoseconds in JSON
	Status int           `json:"status,omitempty"` // 0: the handler's own answer
	Header http.Header   `json:"header,omitempty"`
	Body   string        `json:"body,omitempty"`
	Cut    Cut           `json:"cut,omitempty"`
	Commit bool          `json:"commit,omitempty"`
}

// matches says whether a fault is about a request.
func (f Fault) matches(r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) {
		return false
	}
	if f.Path == "" {
		return true
	}
	want, have := strings.Split(f.Path, "/"), strings.Split(r.URL.EscapedPath(), "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == "*" || w == h })
}

// faults are the faults in force, in the order they were injected.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen, struck int
}

func (fs *faults) add(f Fault) (remove func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	a := &armed{Fault: f}
	fs.list = append(fs.list, a)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.list = slices.DeleteFunc(fs.list, func(x *armed) bool { return x == a })
	}
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// strike gives the first fault that hits a request, or none. A fault counts the
// requests that reach it; those that an earlier fault has struck do not.
func (fs *faults) strike(r *http.Request) Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.list {
		if !a.matches(r) {
			continue
		}
		a.seen++
		if a.seen <= a.After || a.Times > 0 && a.struck >= a.Times {
			continue
		}
		a.struck++
		return a.Fault
	}
	return Fault{}
}

// Inject puts a fault in force until remove is called, or it has struck as
// often as it says. Of several that match a request the first injected strikes.
func (s *Server) Inject(f Fault) (remove func()) { return s.faults.add(f) }

// ClearFaults removes every fault.
func (s *Server) ClearFaults() { s.faults.clear() }
