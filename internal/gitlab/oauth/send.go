package oauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// mostAnswer is more than any answer to a token request has.
const mostAnswer = 1 << 20

var errElsewhere = errors.New("the request would have left the instance")

// exchange is what became of one request.
type exchange struct {
	begin func() error // nil: nothing to do

	mu          sync.Mutex // the hooks run in the transport's goroutines
	traced, got bool

	tried  bool // it was handed to the transport
	held   error
	status int
	header http.Header
	body   []byte
}

type exchangeKey struct{}

// in puts the exchange into the context of its request.
func (x *exchange) in(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.mark(&x.traced) },
		GotConn: func(httptrace.GotConnInfo) { x.mark(&x.got) },
	})
}

func (x *exchange) mark(flag *bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	*flag = true
}

// left says whether the request may have left this machine. A transport that
// tells nothing of its connections is not believed.
func (x *exchange) left() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tried && (x.got || !x.traced)
}

// guard is the last thing every request passes.
type guard struct {
	next http.RoundTripper
	base *url.URL
}

// RoundTrip implements http.RoundTripper. It takes away what net/http needs to
// send a body again: what it holds is for one use.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	x, _ := req.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		x = &exchange{}
	}
	reason := error(nil)
	switch {
	case x.tried:
		reason = errors.New("it is sent once")
	case req.URL.Scheme != g.base.Scheme || !strings.EqualFold(req.URL.Host, g.base.Host):
		reason = errElsewhere
	case x.begin != nil:
		reason = x.begin()
	}
	if reason != nil {
		x.held = reason
		_ = req.Body.Close()
		return nil, reason
	}
	once := *req
	once.GetBody = nil
	x.tried = true
	res, err := g.next.RoundTrip(&once)
	if err == nil {
		err = x.answered(res)
	}
	return res, err
}

// answered reads the whole answer, since a part of one is none.
func (x *exchange) answered(res *http.Response) error {
	x.status, x.header = res.StatusCode, res.Header.Clone()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer+1))
	_ = res.Body.Close()
	x.body = body
	if err == nil && len(body) > mostAnswer {
		err = errors.New("the answer is larger than any that GitLab sends")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return err
}
