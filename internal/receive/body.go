package receive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// few is up to how many bytes a body needs no place of its own.
const few = 64 << 10

// errLarge says that a body is more than it may be.
var errLarge = errors.New("the body is too large")

// body reads the body within bounds of size and time. Large ones need a place, so
// that nobody fills the memory.
func (r *Receiver) body(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, *fault) {
	if req.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowest)) // where it cannot be set the server's own holds
	sent := http.MaxBytesReader(w, req.Body, limit)
	from, why := inflated(req.Header, sent)
	if why != nil {
		return nil, why
	}
	var body bytes.Buffer
	if n := req.ContentLength; n > 0 && n <= few {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := io.CopyN(&body, from, few); err != nil {
		return body.Bytes(), unreceived(err, limit)
	}
	select {
	case r.large <- struct{}{}:
		defer func() { <-r.large }()
	default:
		return nil, &fault{status: http.StatusServiceUnavailable, after: 1, detail: "too many large bodies at once: send it again in a moment"}
	}
	n, err := body.ReadFrom(io.LimitReader(from, limit-few+1))
	if err == nil && n > limit-few {
		err = errLarge
	}
	return body.Bytes(), unreceived(err, limit)
}

// inflated is the body without its encoding.
func inflated(h http.Header, sent io.Reader) (io.Reader, *fault) {
	switch encoding := strings.ToLower(strings.Join(h.Values("Content-Encoding"), ",")); encoding {
	case "", "identity":
		return sent, nil
	case "gzip", "x-gzip":
		return &lateGzip{from: sent}, nil
	default:
		return nil, &fault{status: http.StatusUnsupportedMediaType, header: "content-encoding", detail: fmt.Sprintf("%.40q is not read: send the body as it is, or with gzip", encoding)}
	}
}

// lateGzip reads gzip, its header with the first read.
type lateGzip struct {
	from io.Reader
	zip  *gzip.Reader
}

// Read reads what was compressed.
func (g *lateGzip) Read(into []byte) (int, error) {
	if g.zip == nil {
		var err error
		if g.zip, err = gzip.NewReader(g.from); err != nil {
			return 0, noEnd(err)
		}
	}
	return g.zip.Read(into)
}

// noEnd is err, which must not pass for the end of a body.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unreceived says why a body did not arrive; nil: it did.
func unreceived(err error, limit int64) *fault {
	var tooMuch *http.MaxBytesError
	var corrupt = errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, errLarge) || errors.As(err, &tooMuch):
		return tooLarge(limit)
	case corrupt || strings.HasPrefix(err.Error(), "flate: "):
		return malformed("the body ends early, or is not the gzip that its Content-Encoding says: send it again")
	}
	return &fault{status: http.StatusRequestTimeout, detail: fmt.Sprintf("the body did not arrive within %s: send it again", slowest)}
}

func tooLarge(limit int64) *fault {
	return &fault{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("the body has more than %d KiB: send fewer events at once (Alertmanager: max_alerts)", limit>>10)}
}
