package door

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// answer holds what an operation answers until it is known whole.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer(h http.Header) *answer { return &answer{header: h.Clone()} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// repeat is the answer of an earlier request once more.
func (a *answer) repeat(r Reply) {
	a.header.Set("Idempotency-Replayed", "true")
	if len(r.Body) > 0 {
		a.header.Set("Content-Type", "application/json")
	}
	if r.Location != "" {
		a.header.Set("Location", r.Location)
	}
	a.WriteHeader(r.Status)
	a.body.Write(r.Body)
}

// send sends the answer: with a validator, and without its body to who has it.
func (a *answer) send(w http.ResponseWriter, req *http.Request) {
	a.WriteHeader(http.StatusOK)
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if reads && a.status == http.StatusOK && a.header.Get("ETag") == "" {
		a.header.Set("ETag", Tag(a.body.Bytes()))
	}
	h := w.Header()
	maps.Copy(h, a.header)
	if reads && a.status == http.StatusOK && Holds(req.Header.Values("If-None-Match"), a.header.Get("ETag")) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if a.body.Len() > 0 {
		h.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a caller that is gone needs no answer
}

// Tag is the strong validator of a body (RFC 9110, 8.8.3).
func Tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// zipped ends the validator of a body that is sent compressed, which is another
// representation of the same.
const zipped = "-gzip"

// Holds says that one of the validators that somebody sent is of tag, compressed or
// not; "*" is any.
func Holds(sent []string, tag string) bool {
	if tag == "" {
		return false
	}
	for each := range strings.SplitSeq(strings.Join(sent, ","), ",") {
		each = strings.TrimPrefix(strings.TrimSpace(each), "W/")
		if each == "*" || each == tag || strings.TrimSuffix(strings.TrimSuffix(each, `"`), zipped)+`"` == tag && strings.HasSuffix(each, `"`) {
			return true
		}
	}
	return false
}
