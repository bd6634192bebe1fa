package gitlab_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// storm is an instance that is down until it is over, and how it is.
type storm struct {
	over time.Time
	down func(*http.Request) (*http.Response, error)
	mu   sync.Mutex
	at   []time.Time // of every request
	up   int         // requests after it was over
}

func (s *storm) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	now := time.Now()
	s.at = append(s.at, now)
	up := !now.Before(s.over)
	if up {
		s.up++
	}
	s.mu.Unlock()
	if up {
		return inside{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { sendIssue(w, http.StatusOK, 1) })}.RoundTrip(r)
	}
	return s.down(r)
}

// answers is being down with an answer.
func answers(status int, contentType, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return inside{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		send(w, status, contentType, body)
	})}.RoundTrip
}

func storms() map[string]func(*http.Request) (*http.Response, error) {
	const page = "<html><head><title>Bad gateway</title></head></html>"
	return map[string]func(*http.Request) (*http.Response, error){
		"refused": func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		},
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"cut":               inside{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}.RoundTrip,
		"500":               answers(500, "text/html", page),
		"502":               answers(502, "text/html", page),
		"503":               answers(503, "text/html", page),
		"504":               answers(504, "text/html", page),
		"503, a minute":     answers(503, "text/html", page, "Retry-After", "60"),
		"a sign-in page":    answers(200, "text/html", page),
		"nothing, politely": answers(200, "", ""),
	}
}

// An instance that is down for hours hears of one account about once a minute,
// however many goroutines want something of it; and soon after it is back,
// everything goes on.
func TestADownInstanceIsLeftAlone(t *testing.T) {
	const hours, workers = time.Hour, 16
	for name, down := range storms() {
		for kind, do := range map[string][]func(context.Context, *gitlab.Client) error{"reads": {reading}, "writes": {creating}, "both": {reading, creating}} {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					s := &storm{over: began.Add(hours), down: down}
					c := within(t, nil, func(o *rest.Options) { o.Transport = s })
					var group sync.WaitGroup
					for n := range workers {
						group.Go(func() {
							for time.Since(began) < hours+5*time.Minute {
								if err := do[n%len(do)](t.Context(), c); err != nil && troubleOf(t, err).Mend == "" {
									t.Errorf("nothing to do about %v", err)
								}
								time.Sleep(10 * time.Second)
							}
						})
					}
					group.Wait()
					early, fullest := s.storming(began.Add(10 * time.Minute))
					if early > 4*(workers+5)+10 {
						t.Errorf("%d requests in the first ten minutes", early)
					}
					if fullest > 1 {
						t.Errorf("%d requests within a minute, hours into it", fullest)
					}
					if s.up < workers*10 {
						t.Errorf("only %d requests in the five minutes after it was back", s.up)
					}
				})
			})
		}
	}
}

// storming counts the requests before from, and those of the fullest minute
// between it and the end of the storm.
func (s *storm) storming(from time.Time) (early, fullest int) {
	at := slices.DeleteFunc(slices.Clone(s.at), func(at time.Time) bool { return !at.Before(s.over) })
	first := 0
	for last, moment := range at {
		if moment.Before(from) {
			early, first = early+1, last+1
			continue
		}
		for moment.Sub(at[first]) >= time.Minute {
			first++
		}
		fullest = max(fullest, last-first+1)
	}
	return early, fullest
}

// What is kept from an instance that is down was never sent, says so, and says
// why and when to come back.
func TestKeptAwayIsUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storm{over: time.Now().Add(time.Hour), down: storms()["502"]}
		c := within(t, nil, func(o *rest.Options) { o.Transport = s })
		for range 5 {
			wantKind(t, creating(t.Context(), c), issue.Doubtful)
		}
		for _, write := range writes() {
			trouble := wantKind(t, write.do(t.Context(), c), issue.Unsent)
			if trouble.After <= 0 || trouble.After > 3*time.Second || !strings.Contains(trouble.Error(), "gitlab.example.com is down: 5 calls in a row failed") || !strings.Contains(trouble.Error(), "HTTP 502") {
				t.Errorf("%v, after %s", trouble, trouble.After)
			}
		}
		if len(s.at) != 5 {
			t.Errorf("%d requests", len(s.at))
		}
	})
}

// Retry-After of whatever stands before the instance holds for all, at once.
func TestRetryAfterOfAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storm{over: time.Now().Add(time.Hour), down: answers(503, "text/html", "<html>", "Retry-After", "300")}
		c := within(t, nil, func(o *rest.Options) { o.Transport = s })
		wantKind(t, reading(t.Context(), c), issue.Unavailable)
		for range 299 {
			wantKind(t, reading(t.Context(), c), issue.Unsent)
			wantKind(t, creating(t.Context(), c), issue.Unsent)
			time.Sleep(time.Second)
		}
		if len(s.at) != 1 {
			t.Errorf("%d requests within the five minutes it asked for", len(s.at))
		}
	})
}

// These are no outage: nobody else is kept away.
func TestNoOutage(t *testing.T) {
	for name, tt := range map[string]struct {
		bad    func(http.ResponseWriter, *http.Request)
		call   func(context.Context, *gitlab.Client) error
		writes bool // elsewhere go on as well
	}{
		"an error of GitLab's own in one project": {func(w http.ResponseWriter, _ *http.Request) {
			send(w, 500, "application/json", `{"message":"500 Internal Server Error"}`)
		}, creating, true},
		"writes are stopped on the way": {func(w http.ResponseWriter, _ *http.Request) { send(w, 502, "text/html", "<html>") }, creating, false},
		"words":                         {func(w http.ResponseWriter, _ *http.Request) { send(w, 404, "text/html", "<html>") }, reading, true},
		"callers give up": {func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}, func(ctx context.Context, c *gitlab.Client) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return reading(ctx, c)
		}, true},
		"nothing is sent": {nil, func(ctx context.Context, c *gitlab.Client) error {
			d := draft
			d.Sending = func() error { return errors.New("the disk is full") }
			_, err := c.Create(ctx, 7, d)
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := within(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "/projects/8/") {
						sendIssue(w, http.StatusOK, 1)
						return
					}
					tt.bad(w, r)
				})
				for range 50 {
					if tt.call(t.Context(), c) == nil {
						t.Fatal("it worked")
					}
				}
				if _, err := c.One(t.Context(), 8, 1); err != nil {
					t.Errorf("reading elsewhere: %v", err)
				}
				if _, err := c.Create(t.Context(), 8, draft); err != nil && tt.writes {
					t.Errorf("writing elsewhere: %v", err)
				}
			})
		})
	}
}

// A burst of errors costs a read some patience and a write a doubt, never a
// second request; what GitLab committed is there once.
func TestABurstOfErrors(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504} {
		for _, commit := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := insideWorld(t, sandbox.Options{})
				c := w.client()
				w.Inject(sandbox.Fault{Method: "POST", Path: "/api/v4/projects/*/issues", Times: 4, Status: status, Body: "<html>", Commit: commit})
				w.Inject(sandbox.Fault{Method: "GET", Path: "/api/v4/projects/*/issues", Times: 3, Status: status, Body: "<html>"})
				for n := range 8 {
					d := draft
					d.Title = "issue " + itoa(n)
					if _, err := c.Create(t.Context(), w.project, d); n < 4 {
						wantKind(t, err, issue.Doubtful)
					} else if err != nil {
						t.Fatal(err)
					}
				}
				sweep := must[issue.Sweep](t)(c.Look(t.Context(), w.project, time.Now().Add(-time.Hour)))
				want := map[bool]int{false: 4, true: 8}[commit]
				if len(sweep.Issues) != want {
					t.Errorf("%d issues, want %d", len(sweep.Issues), want)
				}
				posts, gets := 0, 0
				for _, call := range w.Calls() {
					posts += map[string]int{"POST": 1}[call.Method]
					gets += map[string]int{"GET": 1}[call.Method]
				}
				if posts != 8 || gets != 4 {
					t.Errorf("%d writes and %d reads were sent, want 8 and 4", posts, gets)
				}
			})
		}
	}
}

// Somebody else uses the same account: what remains falls faster than cxm sends.
// Everything is made once, and refusals are few.
func TestSomebodyElseEatsTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := insideWorld(t, sandbox.Options{})
		w.SetLimits(sandbox.Limits{AuthenticatedAPI: 120})
		eating, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			other := &http.Client{Transport: w.via}
			for eating.Err() == nil {
				req, _ := http.NewRequestWithContext(eating, http.MethodGet, w.url+"/api/v4/user", nil)
				req.Header.Set("PRIVATE-TOKEN", w.token)
				if resp, err := other.Do(req); err == nil {
					_ = resp.Body.Close()
				}
				time.Sleep(600 * time.Millisecond) // 100 a minute
			}
		})
		began := time.Now()
		createAll(t, w.client(), w.project, 200)
		took := time.Since(began)
		stop()
		group.Wait()
		refused, made := 0, 0
		for _, call := range w.Calls() {
			if call.Method == http.MethodPost {
				made += map[int]int{http.StatusCreated: 1}[call.Status]
				refused += map[int]int{http.StatusTooManyRequests: 1}[call.Status]
			}
		}
		windows := int(took/time.Minute) + 1
		if made != 200 || refused > 2*windows+16 {
			t.Errorf("%d made, %d refused in %d windows", made, refused, windows)
		}
	})
}
