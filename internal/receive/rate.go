package receive

import (
	"cmp"
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates holds the limiter of every source that delivered. There are as many as
// sources, since only who proved one gets here.
type rates struct {
	mu  sync.Mutex
	all map[int64]*rate.Limiter // guarded by mu
}

// take takes n from what the source may deliver now; else it says how long to wait.
// What is more than a source may ever deliver at once counts as all of it.
func (r *rates) take(from Source, n int, now time.Time) time.Duration {
	if n <= 0 {
		return 0
	}
	each := cmp.Or(max(0, from.Rate), DefaultRate)
	l := r.limiter(from.ID, each)
	n = min(n, 2*each)
	if l.AllowN(now, n) {
		return 0
	}
	missing := float64(n) - l.TokensAt(now)
	return max(time.Duration(missing/float64(each)*float64(time.Second)), time.Millisecond)
}

func (r *rates) limiter(source int64, each int) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.all[source]
	if l == nil || l.Burst() != 2*each {
		l = rate.NewLimiter(rate.Limit(each), 2*each)
		if r.all == nil {
			r.all = map[int64]*rate.Limiter{}
		}
		r.all[source] = l
	}
	return l
}

// seconds is a wait as Retry-After has it: at least one.
func seconds(wait time.Duration) int { return int(math.Ceil(max(1, wait.Seconds()))) }

// allowedRate is how many requests a minute are granted to who asks for so many.
func allowedRate(wanted string) string {
	const most = DefaultRate * 60
	if n, err := strconv.Atoi(wanted); err == nil && n > 0 {
		return strconv.Itoa(min(n, most))
	}
	return strconv.Itoa(most)
}
