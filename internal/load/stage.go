package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"cxm/internal/app"
	"cxm/internal/store/pgtest"
)

// options say how much is sent to what.
type options struct {
	program  program
	scratch  string // folder for everything that is written
	rate     float64
	clients  int
	third    int // requests that are accepted before what a part does, and after it
	kills    int // how often cxm is killed
	seed     uint64
	postgres *pgtest.Server // nil: SQLite
}

// row is a line of the table.
type row struct {
	part             string
	verdict          verdict
	repeated, failed int
	first            error // why the first request failed
	idle, p50, p99   time.Duration
	peak             int64 // bytes
	note             string
	wrong            []string
}

// stage is a cxm that events are sent to.
type stage struct {
	options
	cxm   *place
	name  string
	token string
	idle  *crowd // that sent a little, when nothing else was going on
	crowd *crowd
	deaf  int64 // as of the crowd
	peak  int64
}

// database makes an empty database; empty: SQLite.
func (o *options) database() (string, error) {
	if o.postgres == nil {
		return "", nil
	}
	name, err := o.postgres.Create()
	return o.postgres.URL(name), err
}

// open makes a cxm with one source, see newPlace.
func (o *options) open(ctx context.Context, name string, drain time.Duration) (*stage, error) {
	url, err := o.database()
	if err != nil {
		return nil, err
	}
	s := &stage{options: *o, name: name}
	if s.cxm, err = newPlace(o.program, filepath.Join(o.scratch, name), url, drain); err != nil {
		return nil, err
	}
	s.token, err = s.cxm.addSource(ctx)
	return s, err
}

// What is sent when nothing else is going on: so many requests, so many a second.
const idleSent, idleRate = 40, 40

// begin starts the clients, after a little was sent one by one.
func (s *stage) begin(ctx context.Context, url string) error {
	s.idle = &crowd{name: s.name + "-idle", seed: s.seed, token: s.token, to: at(url), rate: idleRate, clients: 1}
	s.idle.start(ctx)
	if err := s.idle.more(ctx, min(idleSent, s.third)); err != nil {
		return err
	}
	s.idle.stop()
	s.crowd = s.clientsOf(s.name, at(url))
	s.crowd.start(ctx)
	return nil
}

func (s *stage) clientsOf(name string, to *address) *crowd {
	return &crowd{name: name, seed: s.seed, token: s.token, to: to, rate: s.rate, clients: s.clients, deaf: s.deaf}
}

// ended notes the most memory of a server that has ended.
func (s *stage) ended(one *server) { s.peak = max(s.peak, one.peak) }

// end stops the clients, lets cxm take in what waits, stops it, and judges.
func (s *stage) end(ctx context.Context, servers ...*server) (row, error) {
	s.crowd.stop()
	a, err := s.cxm.open(ctx)
	if err != nil {
		return row{}, err
	}
	defer a.Close()
	if err := takenIn(ctx, a); err != nil {
		for _, one := range servers {
			err = fmt.Errorf("%w: the log ends in %s", err, one.log.tail())
		}
		return row{}, err
	}
	for _, one := range servers {
		err = errors.Join(err, one.stop())
		s.ended(one)
	}
	if err != nil {
		return row{}, err
	}
	p := newPromise()
	s.idle.into(p)
	s.crowd.into(p)
	return s.judge(ctx, a, p)
}

// judge makes the line of what was promised.
func (s *stage) judge(ctx context.Context, a *app.App, p *promise) (row, error) {
	w, err := look(ctx, a)
	if err != nil {
		return row{}, err
	}
	c := s.crowd
	r := row{
		part: s.name, verdict: p.judge(w), repeated: c.repeated, failed: c.failed, first: c.first,
		idle: s.idle.quantile(0.5), p50: c.quantile(0.5), p99: c.quantile(0.99), peak: s.peak,
	}
	r.wrong = r.verdict.wrong()
	return r, nil
}

// unfailing says that no request may have failed.
func (r *row) unfailing() {
	if r.failed > 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("%d requests failed, and none should: the first %v", r.failed, r.first))
	}
}
