package limit

import (
	"context"
	"encoding/json"
	"time"
)

// Ledger keeps what is left of the limits that several processes share, such as
// a database that all of them use.
type Ledger interface {
	// Turn calls take with what is kept of a bucket (empty: nothing yet) and
	// the time, and keeps what it returns. Turns of one bucket follow one
	// another, over all processes; the time is that of one clock for all of
	// them. take may be called more than once, and then the last call counts.
	// After an error nothing of it is kept, or perhaps all.
	Turn(ctx context.Context, bucket string, take func(was string, now time.Time) (is string)) error
}

const (
	// lasting is how long a permit is good for from the moment it is meant for.
	// What is not used by then is lost. The rate of a shared bucket leaves room
	// for it, so that the bound on any 60 seconds is one on the use of permits.
	lasting = 2 * time.Second

	// horizon is how far ahead permits are given out. With lasting, it is how
	// long a process may take to hear of a pause that another one met. Only once
	// half of it is free is any given, so that many come in one turn.
	horizon = 2 * time.Second

	// poll is how often a process looks whether another's probe got through.
	poll = time.Second

	// probing is how long a probe is waited for before another process may
	// send one: whoever sent it may have been killed. No request of this client
	// takes longer.
	probing = 2 * time.Minute

	// stepped is how much further ahead a moment may lie than it can have been
	// set before it is taken for one from before the clock was put back.
	stepped = time.Minute

	// plenty is how many permits a lease without a limit holds.
	plenty = 1 << 30
)

// pace is how fast permits come: a burst, then one every so often. The zero
// value: no limit.
type pace struct {
	every time.Duration
	burst int
}

// sharedPace allows perMinute uses in any 60 seconds. Between the moments they
// are meant for, n permits take at least (n-burst) times every; their uses in 60
// seconds come from permits of 60 seconds and lasting.
func sharedPace(perMinute int) pace {
	if perMinute <= 0 {
		return pace{}
	}
	burst := max(1, perMinute/5)
	n := time.Duration(perMinute - burst + 1)
	return pace{burst: burst, every: ((Window+lasting+n-1)/n + time.Microsecond - 1).Truncate(time.Microsecond)}
}

// book is what a ledger keeps of a bucket. Moments are microseconds since 1970
// on the ledger's clock; 0: none.
type book struct {
	Next    int64 `json:"next,omitempty"`    // when the next permit would be due without a burst
	Until   int64 `json:"until,omitempty"`   // nothing goes out before it
	Limited bool  `json:"limited,omitempty"` // the last word was a 429: go one at a time
	Probe   int64 `json:"probe,omitempty"`   // that one is out, and is waited for until then
	Refused int   `json:"refused,omitempty"` // probes in a row that were refused
}

// lease is a share of a bucket. Count permits are good from First on, one after
// the other Every apart; First below zero: some of them at once. Without any,
// ask again after Wait.
type lease struct {
	count int
	first time.Duration // from the answer on; without a permit: when there will be room, as far as is known
	every time.Duration
	probe bool // the one permit is the probe
	wait  time.Duration
}

// read takes what cannot be read for a bucket that nothing is known of but that
// it was in use.
func read(text string) (b book) {
	if text != "" && json.Unmarshal([]byte(text), &b) != nil {
		return book{Limited: true}
	}
	return b
}

func (b book) String() string {
	text, _ := json.Marshal(b) // numbers and a bool never fail
	return string(text)
}

// lease takes up to want permits.
func (b book) lease(now time.Time, p pace, want int) (book, lease) {
	at := now.UnixMicro()
	b = b.sane(at, p)
	switch {
	case at < b.Until:
		return b, lease{first: micro(b.Until - at), wait: micro(b.Until - at)}
	case b.Limited && at < b.Probe:
		return b, lease{wait: min(micro(b.Probe-at), poll)}
	}
	l := lease{every: p.every, probe: b.Limited}
	if b.Limited {
		want = 1
	}
	if b, l.first, l.count = b.draw(at, p, want); l.count == 0 {
		l.wait = l.first - horizon/2
		return b, l
	}
	if l.probe {
		b.Probe = at + int64(max(l.first, 0)/time.Microsecond) + int64(probing/time.Microsecond)
	}
	return b, l
}

// draw takes up to want permits at the pace, none of them due after horizon:
// the generic cell rate algorithm, several cells at once.
func (b book) draw(at int64, p pace, want int) (after book, first time.Duration, count int) {
	if p.every == 0 {
		return b, 0, want
	}
	next := max(b.Next, at)
	first = micro(next-at) - p.saved()
	if first > horizon/2 {
		return b, first, 0
	}
	count = min(want, int((horizon-first)/p.every)+1)
	b.Next = next + int64(count)*int64(p.every/time.Microsecond)
	return b, first, count
}

// saved is how far ahead of their time permits of a burst are.
func (p pace) saved() time.Duration { return time.Duration(max(p.burst-1, 0)) * p.every }

// sane forgets moments that lie further ahead than they can have been set.
func (b book) sane(at int64, p pace) book {
	ahead := func(moment int64, most time.Duration) bool { return micro(moment-at) > most+stepped }
	if ahead(b.Until, longestWait) {
		b.Until = 0
	}
	if ahead(b.Probe, horizon+probing) {
		b.Probe = 0
	}
	if ahead(b.Next, horizon+p.saved()+p.every) {
		b.Next = at + int64((p.saved()+p.every)/time.Microsecond)
	}
	return b
}

// pause keeps everyone away for d, or longer after a probe that was not the
// first one refused; then one request alone finds out.
func (b book) pause(now time.Time, d time.Duration, probe bool) book {
	if probe {
		b.Refused, b.Probe = b.Refused+1, 0
		d = max(d, refusal(b.Refused))
	}
	b.Limited, b.Until = true, max(b.Until, now.Add(d).UnixMicro())
	return b
}

// clear lets everyone go once a probe got through, unless there is a pause that
// it was too early for.
func (b book) clear(now time.Time) book {
	b.Probe, b.Refused = 0, 0
	if now.UnixMicro() >= b.Until {
		b.Limited = false
	}
	return b
}

// free lets another probe go: this one learned nothing.
func (b book) free() book {
	b.Probe = 0
	return b
}

// refusal is how long to wait at least after so many probes in a row were
// refused: what GitLab says of its limit has proved too short by then.
func refusal(times int) time.Duration {
	return min(time.Second<<min(times, 10), Window)
}

func micro(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
