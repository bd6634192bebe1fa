package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// newFront serves a handler until the test ends.
func newFront(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// echo answers with what it is sent, and counts.
func echo(count *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/events" {
			count.Add(1)
			_, _ = io.Copy(w, r.Body)
		}
	}
}

// breaks takes the request, and hangs up.
func breaks(count *atomic.Int64) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/events" {
			count.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
	}
}

func TestBalancer(t *testing.T) {
	var here, there atomic.Int64
	gone := httptest.NewServer(echo(&here))
	gone.Close()
	for name, c := range map[string]struct {
		first, second string
		ready         [replicas]bool
		status        int
		here, there   int64 // who is asked, by two requests
	}{
		"in turn":                    {newFront(t, echo(&here)), newFront(t, echo(&there)), [replicas]bool{true, true}, 200, 1, 1},
		"one is not ready":           {newFront(t, echo(&here)), newFront(t, echo(&there)), [replicas]bool{true, false}, 200, 2, 0},
		"one refuses the connection": {gone.URL, newFront(t, echo(&there)), [replicas]bool{true, true}, 200, 0, 2},
		"a broken one is not asked again, nor is another": {newFront(t, breaks(&here)), newFront(t, breaks(&there)), [replicas]bool{true, true}, 502, 1, 1},
		"none is ready": {newFront(t, echo(&here)), newFront(t, echo(&there)), [replicas]bool{}, 502, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			here.Store(0)
			there.Store(0)
			b := newBalancer()
			b.set(0, c.first)
			b.set(1, c.second)
			for i, yes := range c.ready {
				b.backends[i].ready.Store(yes)
			}
			front := newFront(t, b.proxy().ServeHTTP)
			for range 2 {
				resp, err := http.Post(front+"/v1/events", "text/plain", strings.NewReader("whole"))
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				if resp.Body.Close(); err != nil || resp.StatusCode != c.status || c.status == 200 && string(text) != "whole" {
					t.Errorf("answered %d %q (%v)", resp.StatusCode, text, err)
				}
			}
			if here.Load() != c.here || there.Load() != c.there {
				t.Errorf("asked %d and %d times", here.Load(), there.Load())
			}
		})
	}
}
