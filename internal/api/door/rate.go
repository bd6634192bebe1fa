package door

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates holds the limiter of everybody who was here: as many as there are people and
// tokens, since nobody else gets so far.
type rates struct {
	each int // requests a minute
	mu   sync.Mutex
	all  map[string]*rate.Limiter // guarded by mu
}

// take takes one request from what a holder has, and says in the headers what is left.
func (r *rates) take(holder string, now time.Time, h http.Header) *Problem {
	l := r.limiter(holder)
	ok := l.AllowN(now, 1)
	left := max(0, l.TokensAt(now))
	h.Set("RateLimit-Limit", strconv.Itoa(r.each))
	h.Set("RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil((float64(r.each)-left)*60/float64(r.each)))))
	if ok {
		return nil
	}
	wait := int(math.Ceil(max(1, (1-left)*60/float64(r.each))))
	return &Problem{Status: http.StatusTooManyRequests, After: wait, Detail: "this token sends more requests than it may: wait as long as Retry-After says, and send them less often"}
}

func (r *rates) limiter(holder string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.all[holder]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(r.each)/60), r.each)
		if r.all == nil {
			r.all = map[string]*rate.Limiter{}
		}
		r.all[holder] = l
	}
	return l
}
