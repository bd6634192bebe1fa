package limit_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/gitlab/limit"
)

func settle(t testing.TB, b *limit.Bucket, probe bool, v limit.Verdict, after time.Duration) {
	t.Helper()
	if err := b.Settle(t.Context(), probe, v, after); err != nil {
		t.Error(err)
	}
}

// Whatever the callers do, no 60 seconds see more than the limit.
func TestNeverMoreThanTheLimitInAnyMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) { // a bubble has no Deadline to ask for
			perMinute := rapid.IntRange(1, 300).Draw(t, "limit")
			longest := rapid.SampledFrom([]int{0, 1, 100, 1000, 10_000}).Draw(t, "longest gap in ms")
			gaps := rapid.SliceOfN(rapid.IntRange(0, longest), 1, 3*perMinute).Draw(t, "gaps in ms")
			b := limit.NewBucket("requests", perMinute)
			var went []time.Time
			for _, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				if _, err := b.Take(context.Background(), 0); err != nil {
					t.Fatal(err)
				}
				went = append(went, time.Now())
			}
			first := 0
			for last := range went {
				for went[last].Sub(went[first]) >= limit.Window-time.Microsecond { // a rate is a float
					first++
				}
				if n := last - first + 1; n > perMinute {
					t.Fatalf("%d requests within %s, the limit is %d", n, went[last].Sub(went[first]), perMinute)
				}
			}
		})
	})
}

// The limit is used, not just kept: twice the limit takes little more than the
// minute after the first burst.
func TestTheLimitIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limit.NewBucket("requests", 200)
		began := time.Now()
		for range 400 {
			if _, err := b.Take(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 140*time.Second {
			t.Errorf("400 requests at 200 a minute took %s", took)
		}
	})
}

func TestNoLimitNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, none := range []int{0, -1} {
			b := limit.NewBucket("requests", none)
			began := time.Now()
			for range 10_000 {
				if _, err := b.Take(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("limit %d waited %s", none, took)
			}
		}
	})
}

// After a 429 nothing goes out until the pause has ended, then one at a time
// until one got through, then all.
func TestOneProbeAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limit.NewBucket("requests", -1)
		settle(t, b, false, limit.Limited, 30*time.Second)
		type going struct {
			at    time.Duration
			probe bool
		}
		began := time.Now()
		out := make(chan going, 16)
		for range 16 {
			go func() {
				probe, err := b.Take(t.Context(), 0)
				if err != nil {
					t.Error(err)
				}
				out <- going{time.Since(began), probe}
			}()
		}
		verdicts := []struct {
			v    limit.Verdict
			next time.Duration
		}{{limit.Limited, 50 * time.Second}, {limit.Silence, 50 * time.Second}, {limit.Fine, 50 * time.Second}}
		for at := 30 * time.Second; ; {
			first := <-out
			if first != (going{at, true}) {
				t.Fatalf("went %+v, want the probe at %s", first, at)
			}
			synctest.Wait()
			if len(out) != 0 {
				t.Fatal("somebody went beside the probe")
			}
			settle(t, b, true, verdicts[0].v, 20*time.Second)
			if at = verdicts[0].next; verdicts[0].v == limit.Fine {
				break
			}
			verdicts = verdicts[1:]
		}
		for range 13 {
			if got := <-out; got != (going{50 * time.Second, false}) {
				t.Errorf("went %+v, want at once after the probe got through", got)
			}
		}
	})
}

// A wait that the context would not outlive is not begun.
func TestADeadlineIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paused := limit.NewBucket("notes", -1)
		settle(t, paused, false, limit.Limited, time.Minute)
		drained := limit.NewBucket("requests", 1)
		if _, err := drained.Take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, b := range []*limit.Bucket{paused, drained} {
			began := time.Now()
			_, err := b.Take(ctx, 0)
			var late *limit.LateError
			if !errors.As(err, &late) || late.Wait != time.Minute {
				t.Errorf("got %v, want to be told of a minute's wait", err)
			}
			if time.Since(began) != 0 {
				t.Errorf("it took %s to find out", time.Since(began))
			}
		}
	})
}

// A caller that gives up leaves its turn to others.
func TestGivingUpGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limit.NewBucket("requests", 1)
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := b.Take(ctx, 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Take(ctx, 0); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want canceled", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if _, err := b.Take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the next turn came after %s, want a minute", took)
		}
	})
}

// When GitLab says that little remains, what remains lasts until its window
// ends, also when clocks differ; then the usual rate is back.
func TestHeedingWhatRemains(t *testing.T) {
	for _, tt := range []struct {
		name      string
		remaining int
		one, ten  time.Duration // how long they take
	}{
		{"plenty", 100, 0, 0},
		{"ten", 10, 0, 27 * time.Second},
		{"none", 0, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := limit.NewBucket("requests", 6000)
				theirs := time.Now().Add(time.Hour)
				b.Heed(http.Header{
					"Date":                {theirs.UTC().Format(http.TimeFormat)},
					"Ratelimit-Limit":     {"120"},
					"Ratelimit-Remaining": {strconv.Itoa(tt.remaining)},
					"Ratelimit-Reset":     {strconv.FormatInt(theirs.Add(30*time.Second).Unix(), 10)},
				})
				began := time.Now()
				for n := range 10 {
					if _, err := b.Take(t.Context(), 0); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); n == 0 && took != tt.one {
						t.Errorf("one request took %s, want %s", took, tt.one)
					}
				}
				if took := time.Since(began); took < tt.ten || took > tt.ten+time.Second {
					t.Errorf("ten requests took %s, want %s", took, tt.ten)
				}
				time.Sleep(30 * time.Second)
				began = time.Now()
				for range 100 {
					if _, err := b.Take(t.Context(), 0); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("in the next window a hundred took %s", took)
				}
			})
		})
	}
}

func TestHeedingNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limit.NewBucket("requests", -1)
		for _, h := range []http.Header{
			nil,
			{"Ratelimit-Remaining": {"0"}},
			{"Ratelimit-Remaining": {"0"}, "Ratelimit-Limit": {"100"}},
			{"Ratelimit-Remaining": {"0"}, "Ratelimit-Limit": {"100"}, "Ratelimit-Reset": {"0"}},
			{"Ratelimit-Remaining": {"0"}, "Ratelimit-Limit": {"100"}, "Ratelimit-Reset": {"1"}},
			{"Ratelimit-Remaining": {"x"}, "Ratelimit-Limit": {"y"}, "Ratelimit-Reset": {"z"}},
		} {
			b.Heed(h)
			began := time.Now()
			if _, err := b.Take(t.Context(), 0); err != nil || time.Since(began) != 0 {
				t.Errorf("%v: waited %s, %v", h, time.Since(began), err)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	unix := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for _, tt := range []struct {
		name string
		h    http.Header
		want time.Duration
	}{
		{"none", http.Header{}, 0},
		{"seconds", http.Header{"Retry-After": {"60"}}, time.Minute},
		{"spaces", http.Header{"Retry-After": {" 60 "}}, time.Minute},
		{"zero is unknown", http.Header{"Retry-After": {"0"}}, 0},
		{"negative", http.Header{"Retry-After": {"-5"}}, 0},
		{"too long", http.Header{"Retry-After": {"86400"}}, 15 * time.Minute},
		{"overflow", http.Header{"Retry-After": {"9223372036854775807"}}, 15 * time.Minute},
		{"beyond numbers", http.Header{"Retry-After": {"99999999999999999999"}}, 0},
		{"garbage", http.Header{"Retry-After": {"soon"}}, 0},
		{"date", http.Header{"Retry-After": {at(90 * time.Second)}}, 90 * time.Second},
		{"date in the past", http.Header{"Retry-After": {at(-time.Hour)}}, 0},
		{"date on their clock", http.Header{"Retry-After": {at(time.Hour + time.Minute)}, "Date": {at(time.Hour)}}, time.Minute},
		{"reset", http.Header{"Ratelimit-Reset": {unix(40 * time.Second)}}, 40 * time.Second},
		{"reset of 1970", http.Header{"Ratelimit-Reset": {"0"}}, 0},
		{"garbage and reset", http.Header{"Retry-After": {"?"}, "Ratelimit-Reset": {unix(40 * time.Second)}}, 40 * time.Second},
		{"both", http.Header{"Retry-After": {"7"}, "Ratelimit-Reset": {unix(40 * time.Second)}}, 7 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := limit.RetryAfter(tt.h, now); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRestOfWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.IntRange(0, 59).Draw(t, "second")
		now := time.Date(2026, 3, 4, 5, 6, second, 0, time.UTC)
		rest := time.Duration(60-second) * time.Second
		if got := limit.RestOfWindow(now); got < rest || got >= rest+5*time.Second {
			t.Errorf("at second %d: %s, want %s and less than 5s more", second, got, rest)
		}
	})
}
