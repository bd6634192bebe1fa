package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"
)

const (
	answerLimit = 128 << 20 // bytes of a good answer: 100 issues with the largest descriptions stay far below
	wordsLimit  = 64 << 10  // bytes of a bad answer that are read
	hops        = 3         // redirects followed
)

// ErrReadOnly says that a dry run refused a request that would have written.
var ErrReadOnly = errors.New("a dry run sends nothing that writes")

var (
	errNoToken   = errors.New("there is no token")
	errBadToken  = errors.New("the token holds characters that no token has, such as a space or a line break")
	errElsewhere = errors.New("the request would have left the instance")
	errTooLarge  = errors.New("the answer is larger than any that GitLab sends")
)

// NewTransport is the default way to travel: proxy from the environment,
// bounded waits, HTTP/2 with pings that notice a dead connection, and enough
// idle connections for 64 requests in flight. Idle connections are given up
// well before GitLab's own 60 seconds, since a write on a connection that the
// server is closing ends in doubt.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 20 * time.Second, PingTimeout: 10 * time.Second},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 75 * time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   64,
	}
}

// bearer puts the token of the moment on every request. GitLab takes personal
// access tokens and OAuth tokens alike in this header, and net/http takes it
// away when a redirect leaves the host.
type bearer struct{ token func() string }

func (bearer) Init(context.Context, *api.Client) error { return nil }

func (b bearer) Header(ctx context.Context) (string, string, error) {
	token := b.token()
	if token == "" {
		return "", "", errNoToken
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", "", errBadToken
	}
	if x := exchangeOf(ctx); x != nil {
		x.token = token
	}
	return "Authorization", "Bearer " + token, nil
}

// unlimited stands in for client-go's limiter, which learns the limit once and
// never again; the buckets of limits.go do the work.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// redirects follows a GET on the same scheme and host, which is how GitLab
// answers for a renamed project. All else comes back as the answer it is.
func redirects(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		if via[0].Method != http.MethodGet || len(via) > hops || !same(next.URL, base) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

func same(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// exchange is what became of one request, told by the transport to the call
// that sent it.
type exchange struct {
	route string
	token string // to be kept out of every text
	after func() // called when the answer begins, or there is none; nil: nothing to do

	mu     sync.Mutex // the hooks run in the transport's goroutines
	traced bool       // the transport tells about its connections
	got    bool       // it had a connection: from here on bytes may have left

	tried  bool // it was handed to the transport
	status int  // 0: no answer
	header http.Header
	body   []byte // of a bad answer, cut
	took   time.Duration
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// watch puts x into the context and listens for connections. The mark of a
// request that may have left is GotConn, not WroteHeaders: when a call is given
// up at the wrong moment, net/http may still write the request after it
// returned, and no later hook is in time.
func (x *exchange) watch(ctx context.Context) context.Context {
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

// left says whether the request may have left this machine; err is what ended
// it. A transport that tells nothing is believed only when it could not dial.
func (x *exchange) left(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.traced || x.got {
		return x.got
	}
	return !refusedHere(err) && !notDialled(err)
}

func refusedHere(err error) bool {
	return errors.Is(err, ErrReadOnly) || errors.Is(err, errElsewhere) || errors.Is(err, errNoToken) || errors.Is(err, errBadToken)
}

func notDialled(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// guard is the last thing every request passes, redirects included.
type guard struct {
	next     http.RoundTripper
	base     *url.URL
	readOnly bool
	log      *slog.Logger
	observe  func(Sent)
	account  int64
	most     int64 // bytes of a good answer
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if x == nil {
		x = &exchange{}
	}
	x.status, x.header, x.body = 0, nil, nil // of a redirect before
	began := time.Now()
	resp, err := g.send(x, req)
	x.took = time.Since(began)
	if x.after != nil && err == nil && (resp.StatusCode < 300 || resp.StatusCode == http.StatusTooManyRequests) {
		x.after()
	}
	call := Sent{Method: req.Method, Route: x.route, Duration: x.took, Context: req.Context(), Instance: g.base.Host, Account: g.account, Left: -1}
	if err == nil {
		call.Status, call.Left = resp.StatusCode, left(resp.Header)
		x.answered(resp, g.most)
	}
	g.observe(call)
	g.log.Debug("gitlab request", "method", call.Method, "route", call.Route, "status", call.Status, "duration", call.Duration)
	return resp, err
}

// left is how many requests GitLab says are left; -1: it says nothing.
func left(h http.Header) int {
	n, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if err != nil {
		return -1
	}
	return max(n, 0)
}

func (g *guard) send(x *exchange, req *http.Request) (*http.Response, error) {
	reason := error(nil)
	switch {
	case g.readOnly && req.Method != http.MethodGet:
		reason = ErrReadOnly
	case !same(req.URL, g.base):
		reason = errElsewhere
	}
	if reason != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, reason
	}
	if req.Method != http.MethodGet {
		req = once(req)
	}
	x.tried = true
	return g.next.RoundTrip(req)
}

// once takes away what net/http needs to send a body again. With it, the
// HTTP/2 transport repeats even a POST whose stream the server reset with
// PROTOCOL_ERROR, which proxies do after GitLab has committed.
func once(req *http.Request) *http.Request {
	clone := *req
	clone.GetBody = nil
	return &clone
}

// answered keeps what classify needs, and bounds the body.
func (x *exchange) answered(resp *http.Response, most int64) {
	x.status, x.header = resp.StatusCode, resp.Header.Clone()
	tameLink(resp.Header)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		resp.Body = &bounded{ReadCloser: resp.Body, left: most}
		return
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, wordsLimit)) // what was read is all that can be told
	_ = resp.Body.Close()
	x.body = body
	resp.Body = io.NopCloser(bytes.NewReader(body))
}

// tameLink drops a Link header that client-go would panic on.
func tameLink(h http.Header) {
	for part := range strings.SplitSeq(h.Get("Link"), ",") {
		if fields := strings.Split(part, ";"); len(fields) > 1 && !strings.Contains(fields[1], "=") {
			h.Del("Link")
			return
		}
	}
}

// bounded fails, instead of ending, where the answer grows too large.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
