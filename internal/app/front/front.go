// Package front is what cxm serves at: the public listener, the one for operators,
// and whether the program is ready.
//
// What always holds: metrics, the status page and profiles are at the operators'
// listener alone, and profiles only where no other machine reaches it; when it is
// told to stop the program is not ready first, then takes no more requests, and
// those under way finish.
package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"cxm/internal/serve"
)

// Options say where and how cxm serves.
type Options struct {
	Listen    string         // the public address: host:port or systemd:NAME; empty: nowhere
	Listening func(net.Addr) // called once when it is open; optional
	Status    string         // the operators' address; empty: nowhere
	Showing   func(net.Addr) // called once when it is open; optional
	Server    serve.Options  // how to serve; name, address, setting and mounts are set here
	Pprof     bool           // profiles are at the operators' address
	Drain     time.Duration  // between being not ready and taking no more requests
}

// Site is what is served where.
type Site struct {
	Public []serve.Mount
	Status []serve.Mount
	Ready  []serve.Part // beside the queue, which Started tells of
}

// Front is open listeners.
type Front struct {
	options        Options
	health         *serve.Health
	started        atomic.Bool
	public, status *serve.Server // nil: nobody asked for it
}

var errNotStarted = errors.New("the queue is not started yet")

// Open opens the listeners that are asked for. The program is not ready before
// Started.
func Open(ctx context.Context, o Options, s Site) (*Front, error) {
	f := &Front{options: o}
	f.health = serve.NewHealth(o.Server.Logger, append(slices.Clone(s.Ready), serve.Part{Name: "queue", Check: f.queue})...)
	var err error
	if f.public, err = f.listen(ctx, "public", "--listen", o.Listen, s.Public, o.Listening); err != nil {
		return nil, err
	}
	mounts := s.Status
	if o.Pprof {
		mounts = append(slices.Clone(mounts), serve.Profiles()...)
	}
	f.status, err = f.listen(ctx, "status", "--status-listen", o.Status, mounts, o.Showing)
	if err == nil && o.Pprof && f.status != nil && !local(f.status.Addr()) {
		err = fmt.Errorf("profiles hold what is in memory, and %s can be reached from elsewhere: give --status-listen a loopback address, or leave --pprof out", f.status.Addr())
	}
	if err != nil {
		return nil, errors.Join(err, f.public.Close(ctx), f.status.Close(ctx))
	}
	return f, nil
}

func (f *Front) queue(context.Context) error {
	if !f.started.Load() {
		return errNotStarted
	}
	return nil
}

// listen opens one listener, if there is an address; else it is nil. The operators'
// has no TLS and no proxies before it.
func (f *Front) listen(ctx context.Context, name, setting, address string, mounts []serve.Mount, opened func(net.Addr)) (*serve.Server, error) {
	if address == "" {
		return nil, nil
	}
	o := f.options.Server
	o.Name, o.Setting, o.Address = name, setting, address
	o.Mounts = append(f.health.Mounts(), mounts...)
	if name == "status" {
		o.Certificate, o.Key, o.Trusted, o.Access = "", "", nil, false
	}
	s, err := serve.Listen(ctx, o)
	if err == nil && opened != nil {
		opened(s.Addr())
	}
	return s, err
}

// local says that only this machine reaches an address.
func local(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// Started says that the queue is worked: from now on the program may be ready.
// Systemd is told so.
func (f *Front) Started() error {
	f.started.Store(true)
	return serve.Tell(serve.Ready)
}

// Wait waits until ctx ends, or a listener before its time, which is the error.
func (f *Front) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-f.public.Ended():
		return err
	case err := <-f.status.Ended():
		return err
	}
}

// Drain says that the program stops, and waits until whoever sends requests has
// had time to notice.
func (f *Front) Drain(ctx context.Context) error {
	f.health.Stop()
	err := serve.Tell(serve.Stopping)
	if f.options.Drain > 0 && (f.public != nil || f.status != nil) {
		wait := time.NewTimer(f.options.Drain)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	return err
}

// Close takes no more requests and waits for those under way until ctx ends. The
// operators' listener is the last to go.
func (f *Front) Close(ctx context.Context) error {
	return errors.Join(f.public.Close(ctx), f.status.Close(ctx))
}
