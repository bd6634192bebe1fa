package sandbox

import (
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Call is one request the sandbox has had.
type Call struct {
	Method   string        `json:"method"`
	Path     string        `json:"path"`  // as sent, escaped
	Route    string        `json:"route"` // "/api/v4/projects/{id}"; "" for an unknown route
	Query    url.Values    `json:"query,omitempty"`
	Status   int           `json:"status"` // 0: the connection was cut
	User     string        `json:"user,omitempty"`
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"` // nanoseconds in JSON
}

// Writes says whether the call could have changed anything.
func (c Call) Writes() bool {
	return c.Method != http.MethodGet && c.Method != http.MethodHead && c.Method != http.MethodOptions
}

// journal keeps every call.
type journal struct {
	mu    sync.Mutex
	calls []Call
}

func (j *journal) add(c Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, c)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = nil
}

func (j *journal) where(keep func(Call) bool) []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []Call{}
	for _, c := range j.calls {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}

// Calls gives every request since the start or the last ResetCalls, in the
// order their answers were ready. The sandbox's own routes do not count.
func (s *Server) Calls() []Call { return s.journal.where(func(Call) bool { return true }) }

// ResetCalls forgets all calls.
func (s *Server) ResetCalls() { s.journal.reset() }

// Unknown gives the calls to routes that the sandbox does not serve.
func (s *Server) Unknown() []Call {
	return s.journal.where(func(c Call) bool { return c.Route == "" })
}
