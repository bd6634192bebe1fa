package door

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// Problem is why a request is refused, as RFC 9457 has it. Detail ends in the next
// step. It is an error, which operations return.
type Problem struct {
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Errors []Place `json:"errors,omitempty"`
	After  int     `json:"-"` // seconds until it is worth while to try again; 0: not said
	Err    error   `json:"-"` // what is logged, and not told; nil: nothing
}

// Place is one thing that is wrong, and where: body.token, query.limit, header.If-Match.
type Place struct {
	Message  string `json:"message"`
	Location string `json:"location"`
}

// Broken is a fault within cxm.
func Broken(err error) *Problem {
	return &Problem{Status: http.StatusInternalServerError, Detail: "something went wrong in cxm: its log says what, under the id of this request (X-Request-ID)", Err: err}
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// Unwrap is what is logged.
func (p *Problem) Unwrap() error { return p.Err }

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are those that go with it.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.After > 0 {
		h.Set("Retry-After", strconv.Itoa(p.After))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="cxm"`)
	}
	return h
}

// MarshalJSON adds the title that the status has.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	out := plain(*p)
	if out.Title == "" {
		out.Title = http.StatusText(p.Status)
	}
	return json.Marshal(out)
}

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return ProblemType }

// ProblemType is the media type of problems.
const ProblemType = "application/problem+json"

// Write answers with it.
func (p *Problem) Write(w http.ResponseWriter) {
	text, err := json.Marshal(p)
	status := p.Status
	if err != nil {
		status = http.StatusInternalServerError // texts and a number always marshal
	}
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", ProblemType)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that is gone needs no answer
}
