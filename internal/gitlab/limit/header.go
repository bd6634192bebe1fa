package limit

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Window is how long GitLab counts for its limits, aligned to the clock.
const Window = time.Minute

// longestWait is kept whatever a header says.
const longestWait = 15 * time.Minute

// RetryAfter reads Retry-After (seconds or a date), else RateLimit-Reset. Zero:
// unknown, which is not "now"; at most 15 minutes. Dates are held against the
// answer's own Date, since clocks differ.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	now = Dated(h, now)
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return clamp(time.Duration(min(seconds, int64(longestWait/time.Second))) * time.Second)
	}
	if date, err := http.ParseTime(text); err == nil {
		return clamp(date.Sub(now))
	}
	if reset, ok := resetAt(h, now); ok {
		return clamp(reset.Sub(now))
	}
	return 0
}

// Exhausted says that the limit on all requests is used up, by this answer's own
// headers: of a 429 it then is the one that refused.
func Exhausted(h http.Header) bool {
	remaining, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	return err == nil && remaining <= 0
}

// Dated is GitLab's time: the answer's Date, or now when it has none.
func Dated(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

func clamp(d time.Duration) time.Duration { return min(max(d, 0), longestWait) }

// resetAt is when GitLab's window ends, on its clock, which says now. Its windows
// are as long as an administrator makes them, but nobody's are longer than a day:
// such a number is no time in seconds.
func resetAt(h http.Header, now time.Time) (time.Time, bool) {
	unix, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	reset := time.Unix(unix, 0)
	return reset, err == nil && unix > 0 && reset.Sub(now) <= 24*time.Hour
}

// RestOfWindow is how long to wait when GitLab does not say: until its window
// ends, and a little longer so that many clients do not come back at once.
func RestOfWindow(now time.Time) time.Duration {
	return now.Truncate(Window).Add(Window).Sub(now) + time.Duration(rand.Int64N(int64(5*time.Second)))
}
