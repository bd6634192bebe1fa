package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// replicas is how many there are.
const replicas = 2

// looks is how often a replica is asked whether it is ready.
const looks = 25 * time.Millisecond

// balancer is what chooses a replica for each request: one that is ready, in turn. It
// asks another only when the first refused the connection, so that nothing of the
// request can have reached it.
type balancer struct {
	next     http.RoundTripper
	backends [replicas]backend
	answered [replicas]atomic.Int64
	turn     atomic.Uint64
}

// backend is one replica.
type backend struct {
	url   atomic.Pointer[url.URL]
	ready atomic.Bool
}

func newBalancer() *balancer {
	return &balancer{next: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// proxy is a reverse proxy to the replicas. Where none answers it says 502.
func (b *balancer) proxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: b,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
}

// set says where a replica is. It is not asked before it is ready.
func (b *balancer) set(i int, where string) {
	parsed, err := url.Parse(where)
	if err != nil {
		parsed = &url.URL{} // nothing is ready there
	}
	b.backends[i].ready.Store(false)
	b.backends[i].url.Store(parsed)
}

// watch asks the replicas whether they are ready until ctx ends.
func (b *balancer) watch(ctx context.Context) {
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for {
		for i := range b.backends {
			one := &b.backends[i]
			at := one.url.Load()
			if yes := at != nil && ready(ctx, at.String()); at == one.url.Load() {
				one.ready.Store(yes)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// await waits until all replicas are ready.
func (b *balancer) await(ctx context.Context) error {
	return until(ctx, "the proxy sees all replicas ready", func() (bool, error) {
		for i := range b.backends {
			if !b.backends[i].ready.Load() {
				return false, nil
			}
		}
		return true, nil
	})
}

// errNone says that no replica can be asked.
var errNone = errors.New("no replica is ready")

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err = errors.Join(err, req.Body.Close()); err != nil {
		return nil, err
	}
	err = errNone
	first := b.turn.Add(1)
	for i := range uint64(replicas) {
		n := (first + i) % replicas
		if !b.backends[n].ready.Load() {
			continue
		}
		var resp *http.Response
		if resp, err = b.ask(req, n, body); err == nil {
			return resp, nil
		}
		if !refused(err) {
			return nil, err
		}
		b.backends[n].ready.Store(false)
	}
	return nil, err
}

// ask sends the request to one replica.
func (b *balancer) ask(req *http.Request, n uint64, body []byte) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Host = b.backends[n].url.Load().Host
	out.Body, out.GetBody, out.ContentLength = io.NopCloser(bytes.NewReader(body)), nil, int64(len(body))
	resp, err := b.next.RoundTrip(out)
	if err == nil {
		b.answered[n].Add(1)
	}
	return resp, err
}

// refused says that the connection was refused, before a byte was sent.
func refused(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "dial"
}
