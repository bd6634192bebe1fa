package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// drain is how long a replica that stops still takes requests: long enough for the
// proxy to notice, also on a machine that is busy.
const drain = 2 * time.Second

// rolling has two replicas of one database behind a proxy, and restarts one after the
// other while events come.
func rolling(ctx context.Context, o *options) (row, error) {
	s, err := o.open(ctx, "rolling restart", drain)
	if err != nil {
		return row{}, err
	}
	var all [replicas]*server
	b := newBalancer()
	for i := range all {
		if all[i], err = s.cxm.serve(ctx); err != nil {
			return row{}, err
		}
		b.set(i, all[i].url)
	}
	url, closed, err := b.listen(ctx)
	if err != nil {
		return row{}, err
	}
	defer closed()
	if err := b.await(ctx); err != nil {
		return row{}, err
	}
	if err := s.begin(ctx, url); err != nil {
		return row{}, err
	}
	for i := range all {
		if err := s.roll(ctx, b, i, &all[i]); err != nil {
			return row{}, err
		}
	}
	if err := s.crowd.more(ctx, s.third); err != nil {
		return row{}, err
	}
	r, err := s.end(ctx, all[:]...)
	r.note = fmt.Sprintf("%d replicas, each restarted; answered %d and %d requests", replicas, b.answered[0].Load(), b.answered[1].Load())
	r.unfailing()
	return r, err
}

// roll stops one replica in good order, and starts it again.
func (s *stage) roll(ctx context.Context, b *balancer, i int, one **server) error {
	if err := s.crowd.more(ctx, s.third); err != nil {
		return err
	}
	if err := (*one).stop(); err != nil {
		return err
	}
	s.ended(*one)
	var err error
	if *one, err = s.cxm.serve(ctx); err != nil {
		return err
	}
	b.set(i, (*one).url)
	return b.await(ctx)
}

// listen serves the proxy until closed is called.
func (b *balancer) listen(ctx context.Context) (url string, closed func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	watching := make(chan struct{})
	go func() { b.watch(ctx); close(watching) }()
	front := &http.Server{ReadHeaderTimeout: time.Minute, Handler: b.proxy()}
	go func() { _ = front.Serve(l) }() // it ends when it is closed
	return "http://" + l.Addr().String(), func() { cancel(); <-watching; _ = front.Close() }, nil
}
