package receive

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cxm/internal/source"
)

// fault is why a request is refused.
type fault struct {
	status  int
	detail  string // with the mend
	pointer string // to what is wrong in the body, a JSON pointer; empty: the whole
	header  string // the header that is wrong; empty: none is
	line    int    // of the body; 0: unknown
	after   int    // seconds until it is worth while to try again; 0: never as it is
}

func malformed(detail string) *fault { return &fault{status: http.StatusBadRequest, detail: detail} }

func wrongHeader(name, detail string) *fault {
	return &fault{status: http.StatusBadRequest, header: name, detail: detail}
}

func wrongType(detail string) *fault {
	return &fault{status: http.StatusUnsupportedMediaType, header: "content-type", detail: detail}
}

func tooMany(wait time.Duration) *fault {
	return &fault{status: http.StatusTooManyRequests, after: seconds(wait), detail: "this source delivers more than it may: send it again later, or have it raised (`cxm source add --rate`)"}
}

// unread says where what a reader refuses is wrong.
func unread(err error) *fault {
	f := malformed(err.Error())
	if at, ok := errors.AsType[*source.RecordError](err); ok {
		f.detail, f.line = at.Err.Error(), at.Line
		record := at.Record
		if !strings.HasPrefix(record, "/") {
			record = ""
		}
		if f.pointer = record; at.Field != "" {
			f.pointer += "/" + at.Field
		}
	}
	return f
}

// place is one place of a problem, as RFC 9457 has it in its example.
type place struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitempty"`
	Header  string `json:"header,omitempty"`
	Line    int    `json:"line,omitempty"`
}

// problem is an answer of RFC 9457.
type problem struct {
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Errors []place `json:"errors,omitempty"`
}

func (f *fault) answer(w http.ResponseWriter) {
	p := problem{Title: http.StatusText(f.status), Status: f.status, Detail: f.detail}
	if f.pointer != "" || f.header != "" {
		at := place{Detail: f.detail, Header: f.header, Line: f.line}
		if f.pointer != "" {
			at.Pointer = "#" + f.pointer
		}
		p.Errors = []place{at}
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	switch f.status {
	case http.StatusUnauthorized:
		h.Add("WWW-Authenticate", `Bearer realm="cxm"`)
		h.Add("WWW-Authenticate", `Basic realm="cxm", charset="UTF-8"`)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip")
	}
	if f.after > 0 {
		h.Set("Retry-After", strconv.Itoa(f.after))
	}
	write(w, f.status, p)
}

// received is the answer to a delivery that was taken.
type received struct {
	Result   string `json:"result"`             // accepted, or repeated when all of it was known
	Delivery int64  `json:"delivery,omitempty"` // by which cxm knows it
	Events   int    `json:"events"`             // in the request
	Repeated int    `json:"repeated"`           // of them, known before
}

func done(w http.ResponseWriter, out Outcome, events int) {
	a, status := received{Result: "accepted", Delivery: out.ID, Events: events, Repeated: out.Repeated}, http.StatusAccepted
	if out.ID == 0 {
		a.Result, status = "repeated", http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, status, a)
}

func write(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError // texts and numbers always marshal
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that is gone needs no answer
}
