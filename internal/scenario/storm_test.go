package scenario

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
)

// direct carries requests to the sandbox without a network.
type direct struct{ to http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil { // the sandbox cuts a connection so
			resp, err = nil, fmt.Errorf("connection cut")
		}
	}()
	in := req.Clone(req.Context())
	in.Host, in.RemoteAddr, in.RequestURI = req.URL.Host, "192.0.2.1:1", req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	w.Body = &bytes.Buffer{}
	d.to.ServeHTTP(w, in)
	return w.Result(), nil
}

// TestScenario14_TooMany: GitLab refuses 400 creates as too many, in a row:
// without a header, with Retry-After in seconds, as a date, as "0", and as
// something that is neither.
//
// Expected: no finding is lost and none made twice; while cxm waits, it asks at
// most once in each window; what is worth most comes first, those that are on
// their way at the same moment apart; once GitLab takes requests again, all is
// done within one window.
// Default: without a word from GitLab, cxm waits for the end of the minute.
// Setting: none; what GitLab says counts.
func TestScenario14_TooMany(t *testing.T) {
	bubbles(t, map[string]bool{"": true}, func(b *bed, _ bool) {
		const n, workers = 40, 4
		b.app = b.open(func(c *app.Config) { c.Workers = workers })
		refused := b.refusals()
		b.aws(disks(n)...)
		if verbs, report := b.apply(); verbs != strings.Repeat("+", n) || !report.Whole() {
			b.Errorf("steps = %q, report = %+v", verbs, report)
		}
		if got := len(b.sent(func(c sandbox.Call) bool { return creating(c) && c.Status == http.StatusTooManyRequests })); got != refused {
			b.Errorf("%d creates were refused, want %d", got, refused)
		}
		if b.bubble {
			b.windows(3 * workers)
		}
		b.byValue(n, 3*workers)
		b.once(n)
	})
}

// refusals has GitLab refuse creates in all shapes, and says how many. In real
// time there are only as many as one can wait for.
func (b *bed) refusals() (n int) {
	shapes := []struct {
		times int
		after string
	}{{200, ""}, {50, "60"}, {50, b.clock.now().Add(5 * time.Hour).UTC().Format(http.TimeFormat)}, {50, "0"}, {50, "soon"}}
	if !b.bubble {
		shapes = shapes[:2]
		shapes[0].times, shapes[0].after = 4, "1"
		shapes[1].times, shapes[1].after = 1, b.clock.now().Add(3*time.Second).UTC().Format(http.TimeFormat)
	}
	for _, shape := range shapes {
		header := http.Header{"Content-Type": {"application/json"}}
		if shape.after != "" {
			header.Set("Retry-After", shape.after)
		}
		b.gitlab.Inject(sandbox.Fault{
			Method: http.MethodPost, Path: b.route(), Times: shape.times, Status: http.StatusTooManyRequests, Header: header,
			Body: `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`,
		})
		n += shape.times
	}
	return n
}

// windows looks at the creates that were refused, and at what followed: after
// the first window at most one in each minute, and everything within a minute
// of the last refusal.
func (b *bed) windows(first int) {
	b.Helper()
	perWindow := map[time.Time]int{}
	var last, end time.Time
	for _, c := range b.gitlab.Calls() {
		if !creating(c) {
			continue
		}
		if c.Status == http.StatusTooManyRequests {
			last = c.At
			perWindow[c.At.Truncate(time.Minute)]++
		}
		end = c.At
	}
	most, at := 0, time.Time{}
	for window, count := range perWindow {
		if count > most {
			most, at = count, window
		}
	}
	delete(perWindow, at)
	if most > first {
		b.Errorf("%d requests in one window", most)
	}
	for window, count := range perWindow {
		if count > 1 {
			b.Errorf("%d requests in the window of %s, while cxm was told to wait", count, window)
			break
		}
	}
	if took := end.Sub(last); took > 2*time.Minute {
		b.Errorf("the creates took %s after the last refusal", took)
	}
}

// byValue fails when an issue was made before it was its turn: at most so many
// steps are on their way together.
func (b *bed) byValue(n, together int) {
	b.Helper()
	var order []int
	for _, i := range b.issues(platform) {
		order = append(order, slices.IndexFunc(disks(n), func(d string) bool {
			_, id, _ := strings.Cut(i.Description, "vol-")
			return strings.Contains(d, id[:17])
		}))
	}
	for at, rank := range order {
		if rank > at+together {
			b.Errorf("the order of creation is %v: %d came as number %d", order, rank, at)
			return
		}
	}
}

// TestScenario15_SharedQuota: somebody else uses the same account and eats up
// most of what GitLab allows it in a minute.
//
// Expected: cxm sees it in RateLimit-Remaining and slows down in time; it hardly
// ever runs into the limit, and everything is made.
// Default: on gitlab.com 80 requests a minute, elsewhere 600.
// Setting: none yet (app.Config.Limits in the code).
func TestScenario15_SharedQuota(t *testing.T) {
	bubbles(t, map[string]bool{"": true}, func(b *bed, _ bool) {
		const limit, others = 60, 35
		n, unlucky := 100, 12
		if !b.bubble { // real minutes: as much as one and the next hold; and what is let through before the first answer tells
			n, unlucky = 40, 20
		}
		b.gitlab.SetLimits(sandbox.Limits{TrimTexts: true, AuthenticatedAPI: limit})
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Minute / others):
					b.as(b.token, http.MethodGet, "/api/v4/user")
				}
			}
		}()
		b.aws(disks(n)...)
		if !b.bubble { // nor is there time to wait until the other has eaten
			for range others {
				b.as(b.token, http.MethodGet, "/api/v4/user")
			}
		}
		began := time.Now()
		verbs, report := b.apply()
		took := time.Since(began)
		close(stop)
		<-done
		if verbs != strings.Repeat("+", n) || !report.Whole() {
			b.Errorf("steps = %q, report = %+v", verbs, report)
		}
		refused := len(b.sent(func(c sandbox.Call) bool { return creating(c) && c.Status == http.StatusTooManyRequests }))
		if refused > unlucky {
			b.Errorf("%d of %d creates ran into the limit", refused, n)
		}
		if floor := time.Duration(n/(limit-others)+1) * time.Minute; took > 2*floor {
			b.Errorf("it took %s, and %s is possible", took, floor)
		}
		b.gitlab.SetLimits(sandbox.Limits{TrimTexts: true})
		b.once(n)
	})
}

// as sends a request with a token.
func (b *bed) as(token, method, path string) {
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, nil)
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("PRIVATE-TOKEN", token)
	if resp, err := b.client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
