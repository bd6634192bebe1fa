// Package demo plays cxm's main job against an embedded sandbox GitLab: four
// days of findings, told in a minute.
//
// What always holds: nothing of it is special. The story uses what the command
// line uses, on a data directory of its own that is removed at the end; every
// number it tells is checked, and a number that is not as told ends it with an
// error.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
)

// Options is how the story is told.
type Options struct {
	Out      io.Writer
	Listen   string             // address of the sandbox; port 0 takes a free one
	Stay     bool               // keep the sandbox up until the context ends
	Progress func(app.Progress) // hears of every step of an apply; optional
}

// dawn is when the story begins: the files carry its date.
func dawn() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC) }

// clock runs as fast as real time, and can be put forward.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is the story's time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// calls counts what was sent to GitLab.
type calls struct {
	mu            sync.Mutex
	reads, writes int
}

func (c *calls) observe(call app.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.Method == http.MethodGet {
		c.reads++
	} else {
		c.writes++
	}
}

// take returns the counts since the last take.
func (c *calls) take() (reads, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reads, writes = c.reads, c.writes
	c.reads, c.writes = 0, 0
	return reads, writes
}

// Run tells the story. The error says what was not as told; with Stay it
// returns nil when the context ends.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "cxm-demo-")
	if err != nil {
		return fmt.Errorf("making a data directory for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	s := &story{Options: o, clock: &clock{ahead: time.Until(dawn())}, calls: &calls{}}
	stop, err := s.serve()
	if err != nil {
		return err
	}
	defer stop()
	s.app, err = app.Open(ctx, app.Config{DataDir: dir, Clock: s.clock.Now, Observe: s.calls.observe})
	if err != nil {
		return err
	}
	defer s.app.Close()
	if err := s.tell(ctx); err != nil {
		return fmt.Errorf("the demo did not go as told: %w", err)
	}
	if o.Stay {
		s.line("The sandbox stays up. Ctrl-C ends it.")
		<-ctx.Done()
	}
	return nil
}

// serve starts the sandbox; stop ends it.
func (s *story) serve() (stop func(), err error) {
	s.gitlab, err = sandbox.New(sandbox.Options{Clock: s.clock.Now, Seed: sandbox.SeedDemo})
	if err != nil {
		return nil, fmt.Errorf("making the sandbox GitLab: %w", err)
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, fmt.Errorf("the sandbox GitLab cannot listen on %s: %w: give another --listen", s.Listen, err)
	}
	s.url = "http://" + l.Addr().String()
	srv := &http.Server{Handler: s.gitlab, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(s.Out, "The sandbox GitLab stopped:", err)
		}
	}()
	return func() {
		_ = srv.Close() // the story is over; nobody waits for an answer
		<-done
	}, nil
}
