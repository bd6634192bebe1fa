// Package serve is an HTTP server as an operator runs one: it opens its listener
// or is given it by systemd, bounds what every client may take, knows each request
// by an id, and ends without breaking what is under way. What is served is given
// to it.
//
// What always holds: no path, query or header of a request is logged, counted or
// traced, since each may hold a secret, only the pattern of its route; a panic ends
// its request alone; whoever is slow, large or many is bounded.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/netutil"
)

// Mount is what is served at a pattern.
type Mount struct {
	Pattern string // of http.ServeMux: "POST /v1/hooks/gitlab/{hook}"
	Handler http.Handler
	Limits  Limits // for this pattern, where the server's do not fit
}

// Limits are what one request may take; 0: what the server's say.
type Limits struct {
	Body  int64         // bytes; -1: the handler bounds it itself
	Read  time.Duration // for the request to arrive; longer than the server's works too
	Write time.Duration // for the answer to be written, from the beginning of the request
}

// Options say how a server serves.
type Options struct {
	Name    string // which listener this is, in metrics and logs: "public", "status"
	Address string // host:port, or systemd:NAME
	Setting string // what errors call the address: "--listen"
	Sockets *Sockets
	Mounts  []Mount

	Certificate, Key string // files in PEM; empty: no TLS

	Connections           int // at once; 0: 1024
	ConnectionsPerAddress int // at once; 0: as many as in all
	HeaderBytes           int // 0: 64 KiB
	HeaderTimeout         time.Duration
	IdleTimeout           time.Duration
	Limits                Limits         // of every request; a zero field: 8 MiB, 15 s, 30 s
	Trusted               []netip.Prefix // proxies whose X-Forwarded headers are believed
	Access                bool           // a line is logged for every request

	Logger  *slog.Logger // nil: nothing is logged
	Metrics *Metrics     // nil: nothing is counted
	Tracer  trace.Tracer // nil: nothing is traced
}

// defaults fills in what is not said.
func (o *Options) defaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	orElse(&o.Connections, 1024)
	orElse(&o.ConnectionsPerAddress, o.Connections)
	orElse(&o.HeaderBytes, 64<<10)
	orElse(&o.HeaderTimeout, 5*time.Second)
	orElse(&o.IdleTimeout, time.Minute)
	orElse(&o.Limits.Body, 8<<20)
	orElse(&o.Limits.Read, 15*time.Second)
	orElse(&o.Limits.Write, 30*time.Second)
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Server serves on one listener.
type Server struct {
	http     *http.Server
	listener net.Listener
	certs    *certificates // nil: no TLS
	ended    chan error
	stop     context.CancelFunc
	all      sync.WaitGroup
}

// Listen opens the listener and serves until Close. The error names the setting
// that is wrong.
func Listen(ctx context.Context, o Options) (*Server, error) {
	o.defaults()
	handler, err := o.handler()
	if err != nil {
		return nil, err
	}
	s := &Server{ended: make(chan error, 1), http: &http.Server{
		Handler: handler, ReadHeaderTimeout: o.HeaderTimeout, ReadTimeout: o.Limits.Read, WriteTimeout: o.Limits.Write,
		IdleTimeout: o.IdleTimeout, MaxHeaderBytes: o.HeaderBytes, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100},
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
	if o.Certificate != "" {
		if s.certs, err = loadCertificates(o.Certificate, o.Key, o.Logger); err != nil {
			return nil, err
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certs.get}
	}
	opened, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	s.listener = o.bounded(opened)
	s.serve(context.WithoutCancel(ctx))
	o.Logger.Info("cxm listens", "listener", o.Name, "address", s.Addr().String(), "tls", s.certs != nil)
	return s, nil
}

// bounded is a listener with a bound on its connections.
func (o *Options) bounded(l net.Listener) net.Listener {
	return &perAddress{
		Listener: netutil.LimitListener(l, o.Connections), most: o.ConnectionsPerAddress, spared: o.Trusted,
		refused: o.Metrics.refused.WithLabelValues(o.Name), open: map[netip.Prefix]int{},
	}
}

func (s *Server) serve(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.all.Go(func() {
		if s.certs == nil {
			s.ended <- s.http.Serve(s.listener)
			return
		}
		s.ended <- s.http.ServeTLS(s.listener, "", "")
	})
	if s.certs != nil {
		s.all.Go(func() { s.certs.watch(ctx, certificatesEvery) })
	}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Ended is told when the listener ends, before its time too; nil of a nil server,
// so that nothing is.
func (s *Server) Ended() <-chan error {
	if s == nil {
		return nil
	}
	return s.ended
}

// Close takes no more requests, lets those under way finish until ctx ends, and
// breaks off the rest. A nil server has nothing to close.
func (s *Server) Close(ctx context.Context) error {
	if s == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("ending the listener at %s: %w", s.Addr(), err), s.http.Close())
	}
	s.stop()
	s.all.Wait()
	return err
}
