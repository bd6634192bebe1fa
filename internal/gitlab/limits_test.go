package gitlab_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const tooMany = `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`

// limiter is GitLab's limit of issues created: so many in a minute of the
// clock, and a 429 without any header, as its application limiter sends it.
type limiter struct {
	perMinute int
	mu        sync.Mutex
	minute    time.Time
	count     int
	made      int
	refused   map[time.Time]int // 429s by minute
}

func (l *limiter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now().Truncate(time.Minute); now != l.minute {
		l.minute, l.count = now, 0
	}
	if l.count++; l.count > l.perMinute {
		if l.refused == nil {
			l.refused = map[time.Time]int{}
		}
		l.refused[l.minute]++
		send(w, http.StatusTooManyRequests, "application/json", tooMany)
		return
	}
	l.made++
	sendIssue(w, http.StatusCreated, int64(l.made))
}

// createMany creates n issues with 16 workers.
func createMany(t *testing.T, c *gitlab.Client, n int) {
	t.Helper()
	var group sync.WaitGroup
	work := make(chan struct{}, n)
	for range n {
		work <- struct{}{}
	}
	close(work)
	for range 16 {
		group.Go(func() {
			for range work {
				if _, err := c.Create(t.Context(), 7, draft); err != nil {
					t.Errorf("creating: %v", err)
				}
			}
		})
	}
	group.Wait()
}

// With the right limits of its own the client creates as fast as GitLab allows
// and never meets a 429.
func TestLimitsAreKeptBeforeTheyAreHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gl := &limiter{perMinute: 200}
		c := within(t, gl.ServeHTTP, func(o *rest.Options) { o.Limits.Creates = 200 })
		began := time.Now()
		createMany(t, c, 1000)
		if len(gl.refused) != 0 || gl.made != 1000 {
			t.Errorf("%d made, refused %v", gl.made, gl.refused)
		}
		if took := time.Since(began); took > 6*time.Minute+30*time.Second {
			t.Errorf("it took %s; the floor is 4 minutes, an even rate 6", took)
		}
	})
}

// Where GitLab's limit is lower than ours, every issue is still made exactly
// once, and after the first collision one probe at most finds each window shut.
func TestA429IsWaitedOutOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gl := &limiter{perMinute: 20}
		c := within(t, gl.ServeHTTP)
		createMany(t, c, 100)
		if gl.made != 100 {
			t.Errorf("%d issues made, want 100", gl.made)
		}
		for minute, n := range gl.refused {
			if n > 16 {
				t.Errorf("%d requests were refused in the minute of %s: more than were in flight", n, minute)
			}
		}
		if len(gl.refused) > 6 {
			t.Errorf("refused in %d minutes", len(gl.refused))
		}
	})
}

// A limit that stays shut is asked once a window, however many wait, whatever
// the 429 looks like.
func TestAShutLimitIsProbedOnceAWindow(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	unix := func(d time.Duration) string { return itoa(int(time.Now().Add(d).Unix())) }
	for _, tt := range []struct {
		name    string
		header  func(http.Header)
		longest int // requests in ten minutes, after those in flight
	}{
		{"no header", func(http.Header) {}, 10},
		{"a minute", func(h http.Header) { h.Set("Retry-After", "60") }, 10},
		{"five minutes", func(h http.Header) { h.Set("Retry-After", "300") }, 2},
		{"a second", func(h http.Header) { h.Set("Retry-After", "1") }, 6 + 10},
		{"zero", func(h http.Header) { h.Set("Retry-After", "0") }, 10},
		{"negative", func(h http.Header) { h.Set("Retry-After", "-60") }, 10},
		{"a fraction", func(h http.Header) { h.Set("Retry-After", "0.5") }, 10},
		{"garbage", func(h http.Header) { h.Set("Retry-After", "soon") }, 10},
		{"absurd", func(h http.Header) { h.Set("Retry-After", "31536000") }, 0},
		{"beyond numbers", func(h http.Header) { h.Set("Retry-After", "99999999999999999999999") }, 10},
		{"a date", func(h http.Header) { h.Set("Retry-After", date(2*time.Minute)) }, 5},
		{"a date in the past", func(h http.Header) { h.Set("Retry-After", date(-time.Hour)) }, 10},
		{"a date in a year", func(h http.Header) { h.Set("Retry-After", date(365*24*time.Hour)) }, 0},
		{"two", func(h http.Header) { h["Retry-After"] = []string{"60", "1"} }, 10},
		{"reset alone", func(h http.Header) { h.Set("RateLimit-Reset", unix(2*time.Minute)) }, 5},
		{"reset in the past", func(h http.Header) { h.Set("RateLimit-Reset", unix(-time.Minute)) }, 10},
		{"reset in milliseconds", func(h http.Header) {
			h.Set("RateLimit-Reset", unix(time.Minute)+"000")
			h.Set("RateLimit-Limit", "60")
			h.Set("RateLimit-Remaining", "0")
		}, 10},
		{"all of it", func(h http.Header) {
			h.Set("Retry-After", "60")
			h.Set("RateLimit-Limit", "60")
			h.Set("RateLimit-Remaining", "0")
			h.Set("RateLimit-Observed", "61")
			h.Set("RateLimit-Reset", unix(time.Minute))
			h.Set("RateLimit-ResetTime", date(time.Minute))
		}, 10},
		{"all garbage", func(h http.Header) {
			for _, name := range []string{"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Date"} {
				h.Set(name, "\x7f-1e99")
			}
		}, 10},
	} {
		for body, contentType := range map[string]string{tooMany: "application/json", "Retry later\n": "text/plain"} {
			for method, do := range map[string]func(context.Context, *gitlab.Client) error{http.MethodPost: creating, http.MethodGet: reading} {
				t.Run(tt.name+" "+contentType+" "+method, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
						defer cancel()
						var seen counter
						c := within(t, func(w http.ResponseWriter, r *http.Request) {
							seen.add(r.Method)
							time.Sleep(time.Second) // so that all 16 are in flight at first
							tt.header(w.Header())
							send(w, http.StatusTooManyRequests, contentType, body)
						})
						var group sync.WaitGroup
						for range 16 {
							group.Go(func() {
								if trouble := troubleOf(t, do(ctx, c)); trouble.Kind != issue.Limited && trouble.Kind != issue.Unsent {
									t.Errorf("got %v", trouble)
								}
							})
						}
						group.Wait()
						if n := seen.of(method); n < 16 || n > 16+tt.longest {
							t.Errorf("%d requests, want the 16 in flight and at most %d probes", n, tt.longest)
						}
					})
				})
			}
		}
	}
}

func creating(ctx context.Context, c *gitlab.Client) error {
	_, err := c.Create(ctx, 7, draft)
	return err
}

func reading(ctx context.Context, c *gitlab.Client) error {
	_, err := c.One(ctx, 7, 1)
	return err
}

// What stands in a good answer's headers and cannot be slows nobody down.
func TestNonsenseAboutTheLimitIsNotHeeded(t *testing.T) {
	soon := func() string { return itoa(int(time.Now().Add(30 * time.Second).Unix())) }
	for name, header := range map[string]func(http.Header){
		"remaining alone": func(h http.Header) { h.Set("RateLimit-Remaining", "0") },
		"no reset":        func(h http.Header) { h.Set("RateLimit-Remaining", "0"); h.Set("RateLimit-Limit", "60") },
		"no limit":        func(h http.Header) { h.Set("RateLimit-Remaining", "0"); h.Set("RateLimit-Reset", soon()) },
		"a limit of zero": func(h http.Header) {
			h.Set("RateLimit-Remaining", "0")
			h.Set("RateLimit-Limit", "0")
			h.Set("RateLimit-Reset", soon())
		},
		"reset in the past": func(h http.Header) {
			h.Set("RateLimit-Remaining", "0")
			h.Set("RateLimit-Limit", "60")
			h.Set("RateLimit-Reset", "1000000")
		},
		"milliseconds": func(h http.Header) {
			h.Set("RateLimit-Remaining", "0")
			h.Set("RateLimit-Limit", "60")
			h.Set("RateLimit-Reset", soon()+"000")
		},
		"garbage": func(h http.Header) {
			h.Set("RateLimit-Remaining", "-")
			h.Set("RateLimit-Limit", "60;w=60")
			h.Set("RateLimit-Reset", soon())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := within(t, func(w http.ResponseWriter, _ *http.Request) {
					header(w.Header())
					sendIssue(w, http.StatusCreated, 1)
				})
				began := time.Now()
				createMany(t, c, 100)
				if took := time.Since(began); took != 0 {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A limit on creating in one project holds back neither other projects nor
// other calls; the limit on all requests holds back all.
func TestWhomA429Concerns(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body string
		others                  time.Duration // how long they wait
	}{
		{"one endpoint's", "application/json", tooMany, 0},
		{"all requests'", "text/plain", "Retry later\n", 30 * time.Second},
		{"all requests', in an administrator's words", "application/json", `{"message":"Slow down, see our wiki"}`, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shut := time.Now().Add(30 * time.Second)
				c := within(t, func(w http.ResponseWriter, r *http.Request) {
					if time.Now().Before(shut) && strings.HasSuffix(r.URL.Path, "/projects/7/issues") {
						w.Header().Set("Retry-After", "30")
						w.Header().Set("RateLimit-Remaining", map[bool]string{true: "0", false: "50"}[tt.others > 0])
						send(w, http.StatusTooManyRequests, tt.contentType, tt.body)
						return
					}
					sendIssue(w, http.StatusOK, 1)
				})
				began := time.Now()
				var group sync.WaitGroup
				group.Go(func() {
					if _, err := c.Create(t.Context(), 7, draft); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took != 30*time.Second {
						t.Errorf("creating took %s, want to be told 30s and keep to it", took)
					}
				})
				synctest.Wait()
				group.Go(func() {
					if _, err := c.Create(t.Context(), 8, draft); err != nil {
						t.Error(err)
					}
					if _, err := c.One(t.Context(), 7, 1); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took != tt.others {
						t.Errorf("others waited %s, want %s", took, tt.others)
					}
				})
				group.Wait()
			})
		})
	}
}

// Who has no time to wait is told how long it would take.
func TestA429WithoutTimeToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := within(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "45")
			send(w, http.StatusTooManyRequests, "text/plain", "Retry later\n")
		})
		began := time.Now()
		for n, write := range writes() {
			trouble := wantKind(t, write.do(ctx, c), issue.Limited)
			if trouble.After != 45*time.Second {
				t.Errorf("%s: after %s, want 45s", write.name, trouble.After)
			}
			if told := trouble.Status == http.StatusTooManyRequests; told != (n == 0) {
				t.Errorf("%s: %v; only the first has GitLab's own word for it", write.name, trouble)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
	})
}

// RateLimit headers on good answers slow the client down before a 429.
func TestRemainingIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute = 60
		var mu sync.Mutex
		var refused, used int
		var minute time.Time
		c := within(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(10 * time.Millisecond) // so that all workers are at it from the start
			mu.Lock()
			defer mu.Unlock()
			if now := time.Now().Truncate(time.Minute); now != minute {
				minute, used = now, 0
			}
			used++
			h := w.Header()
			h.Set("RateLimit-Limit", "60")
			h.Set("RateLimit-Remaining", itoa(max(0, perMinute-used)))
			h.Set("RateLimit-Reset", itoa(int(minute.Add(time.Minute).Unix())))
			if used > perMinute {
				refused++
				send(w, http.StatusTooManyRequests, "text/plain", "Retry later\n")
				return
			}
			sendIssue(w, http.StatusCreated, 1)
		})
		createMany(t, c, 300)
		if refused != 0 {
			t.Errorf("%d requests were refused although the headers told", refused)
		}
	})
}

// What GitLab tells of its limit while there is plenty slows nobody down:
// client-go's own limiter, which would, is off.
func TestPlentyIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("RateLimit-Limit", "60")
			w.Header().Set("RateLimit-Remaining", "59")
			w.Header().Set("RateLimit-Reset", itoa(int(time.Now().Add(time.Minute).Unix())))
			sendIssue(w, http.StatusCreated, 1)
		})
		began := time.Now()
		createMany(t, c, 300)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
	})
}

func TestDefaultLimits(t *testing.T) {
	none := rest.Limits{Requests: -1, Creates: -1, Notes: -1, Searches: -1}
	for url, want := range map[string]rest.Limits{
		"https://gitlab.com":                {Requests: 80, Creates: 200, Notes: 60, Searches: 10},
		"https://GitLab.com":                {Requests: 80, Creates: 200, Notes: 60, Searches: 10},
		"https://gitlab.com.example.com":    {Requests: 600, Creates: 300, Notes: 300, Searches: 30},
		"https://gitlab.example.com/gitlab": {Requests: 600, Creates: 300, Notes: 300, Searches: 30},
		"http://127.0.0.1:8929":             none,
		"http://localhost:8929":             none,
		"http://[::1]:8929":                 none,
		"http://10.0.0.1":                   {Requests: 600, Creates: 300, Notes: 300, Searches: 30},
	} {
		if got := rest.DefaultLimits(url); got != want {
			t.Errorf("%s: %+v, want %+v", url, got, want)
		}
	}
}

// Every kind of call is taken from its own bucket.
func TestEveryLimitIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		limits rest.Limits
		do     func(*testing.T, *gitlab.Client) error
	}{
		"requests": {rest.Limits{Requests: 10}, func(t *testing.T, c *gitlab.Client) error { _, err := c.One(t.Context(), 7, 1); return err }},
		"creates":  {rest.Limits{Creates: 10}, func(t *testing.T, c *gitlab.Client) error { _, err := c.Create(t.Context(), 7, draft); return err }},
		"notes":    {rest.Limits{Notes: 10}, func(t *testing.T, c *gitlab.Client) error { _, err := c.Note(t.Context(), 7, 1, "x"); return err }},
		"searches": {rest.Limits{Searches: 10}, func(t *testing.T, c *gitlab.Client) error { _, err := c.Search(t.Context(), "word"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := within(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/v4/issues") {
						send(w, http.StatusOK, "application/json", "[]")
						return
					}
					sendIssue(w, http.StatusOK, 1)
				}, func(o *rest.Options) {
					l := tt.limits
					for _, n := range []*int{&l.Requests, &l.Creates, &l.Notes, &l.Searches} {
						if *n == 0 {
							*n = -1
						}
					}
					o.Limits = l
				})
				began := time.Now()
				for range 20 {
					if err := tt.do(t, c); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took < time.Minute {
					t.Errorf("20 calls at 10 a minute took %s", took)
				}
			})
		})
	}
}
