package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is clients that send events over connections that they keep, at a rate that
// does not depend on how fast they are answered. What is not accepted is sent again,
// under the same ids, as sources do.
type crowd struct {
	name    string // begins the ids of its events
	seed    uint64 // of what is in them
	token   string
	to      *address
	rate    float64 // requests a second
	clients int
	deaf    int64 // of so many requests one does not hear its first answer; 0: all hear

	client *http.Client
	began  time.Time
	next   atomic.Int64
	enough chan struct{}
	all    sync.WaitGroup

	mu       sync.Mutex
	accepted []int64 // requests
	repeated int     // requests that were answered as stored before
	failed   int     // requests that were refused, or not answered
	first    error   // why the first one was
	waits    []time.Duration
}

// address is where cxm is now.
type address struct{ url atomic.Pointer[string] }

func (a *address) set(url string) { a.url.Store(&url) }

func at(url string) *address {
	a := &address{}
	a.set(url)
	return a
}

// start lets the clients send until stop, or until ctx ends.
func (c *crowd) start(ctx context.Context) {
	c.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: c.clients}}
	c.began, c.enough = time.Now(), make(chan struct{})
	for range c.clients {
		c.all.Go(func() {
			for c.one(ctx) {
			}
		})
	}
}

// stop sends no more requests, and waits until those that were begun are accepted.
func (c *crowd) stop() {
	close(c.enough)
	c.all.Wait()
	c.client.CloseIdleConnections()
}

// one sends the next request when it is due, until it is accepted. How long that took
// counts from when it was due: what a busy client did not get to is late, too.
func (c *crowd) one(ctx context.Context) bool {
	select {
	case <-c.enough:
		return false
	default:
	}
	k := c.next.Add(1) - 1
	due := c.began.Add(time.Duration(float64(k) / c.rate * float64(time.Second)))
	if !wait(ctx, time.Until(due)) {
		return false
	}
	for first := true; ; first = false {
		repeated, err := c.send(ctx, k)
		if err == nil && first && c.deaf > 0 && k%c.deaf == 0 {
			err = errDeaf
		}
		c.note(k, time.Since(due), repeated, err)
		if err == nil {
			return true
		}
		if !wait(ctx, 10*time.Millisecond) {
			return false
		}
	}
}

// errDeaf is the answer that a client does not hear, as on a line that breaks.
var errDeaf = errors.New("the answer was lost on the way, on purpose")

// wait waits, and says whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *crowd) note(k int64, took time.Duration, repeated bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
		if c.first == nil {
			c.first = err
		}
		return
	}
	if repeated {
		c.repeated++
	}
	c.accepted, c.waits = append(c.accepted, k), append(c.waits, took)
}

// send sends a request once, and says whether all of it was stored before.
func (c *crowd) send(ctx context.Context, k int64) (repeated bool, err error) {
	events := c.events(k)
	body, kind := any(events), "application/cloudevents-batch+json"
	if len(events) == 1 {
		body, kind = events[0], "application/cloudevents+json"
	}
	text, err := json.Marshal(body)
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.to.url.Load()+"/v1/events", io.NopCloser(bytes.NewReader(text)))
	if err != nil {
		return false, err
	}
	req.ContentLength = int64(len(text)) // and nothing that would let the transport send it again by itself
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", kind)
	resp, err := c.client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return false, err
	}
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusOK:
		return resp.StatusCode == http.StatusOK, nil
	}
	return false, fmt.Errorf("answered %s: %s", resp.Status, said)
}

// event is a CloudEvent of a disk that nothing else is about.
type event struct {
	Version string `json:"specversion"`
	ID      string `json:"id"`
	Source  string `json:"source"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Data    data   `json:"data"`
}

type data struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Severity    string `json:"severity"`
}

// Every so many requests hold a batch of so many events.
const batchEvery, batchOf = 10, 5

// events are those of request k, the same however often it is sent.
func (c *crowd) events(k int64) []event {
	r := rand.New(rand.NewPCG(c.seed, uint64(k)))
	n := 1
	if k%batchEvery == batchEvery-1 {
		n = batchOf
	}
	out := make([]event, n)
	for i := range out {
		id := fmt.Sprintf("%s-%d.%d", c.name, k, i)
		out[i] = event{
			Version: "1.0", ID: id, Source: "https://scanner.example.com/load", Type: "com.example.disk.opened", Subject: id,
			Data: data{Title: title(id), Severity: "high", Description: strings.Repeat("The disk of this machine fills. ", r.IntN(40))},
		}
	}
	return out
}

// title is what the finding of an event is to be called.
func title(id string) string { return "Disk " + id + " is almost full" }

// done is how many requests were accepted so far.
func (c *crowd) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.accepted)
}

// more waits until n more requests are accepted, or as many as come in twice the time
// that it should take: a machine that is busy has to send less, not for longer.
func (c *crowd) more(ctx context.Context, n int) error {
	from, enough := c.done(), time.Now().Add(2*time.Duration(float64(n)/c.rate*float64(time.Second)))
	err := until(ctx, fmt.Sprintf("%d more requests are accepted", n), func() (bool, error) {
		got := c.done() - from
		return got >= n || got > 0 && time.Now().After(enough), nil
	})
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return fmt.Errorf("%w: %d were in all; %d failed, the first: %w", err, len(c.accepted), c.failed, c.first)
	}
	return nil
}

// into notes which events were sent, and which of them were accepted: those that are
// by now.
func (c *crowd) into(p *promise) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.next.Load() {
		for _, e := range c.events(k) {
			p.sent[e.ID] = true
		}
	}
	for _, k := range c.accepted {
		for _, e := range c.events(k) {
			p.accepted[e.ID] = true
		}
	}
}

// quantile is how long a share of the requests took at most.
func (c *crowd) quantile(share float64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waits) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(c.waits))
	return sorted[int(share*float64(len(sorted)-1))]
}
