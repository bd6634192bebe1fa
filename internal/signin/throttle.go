package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// Throttle is what is remembered of attempts to sign in.
type Throttle struct {
	Failures int
	Until    time.Time // no attempt before
	Last     time.Time
}

// Bound is how many attempts are free, and what the ones after them cost.
type Bound struct {
	Free   int
	Most   time.Duration // the longest wait
	Forget time.Duration // after which failures do not count any more
}

// Key is one thing that attempts are counted for. Its name is a hash, since people
// type passwords where addresses belong.
type Key struct {
	Name   string
	Bound  Bound
	Shared bool // by several accounts, as an address is
}

// Keys are what an attempt is counted for: the account, and where it comes from.
// known says that the person signed in from there before: then the two together are
// counted alone, so that nobody who guesses, elsewhere or in the same office, keeps
// them out. What an address may cost others is therefore short.
func Keys(email, address string, known bool) []Key {
	from := network(address)
	if known {
		return []Key{key("both", EmailKey(email)+"\x00"+from, Bound{Free: 5, Most: 15 * time.Minute, Forget: 24 * time.Hour})}
	}
	account := key("account", EmailKey(email), Bound{Free: 5, Most: 15 * time.Minute, Forget: 24 * time.Hour})
	if from == "" {
		return []Key{account}
	}
	where := key("address", from, Bound{Free: 20, Most: time.Minute, Forget: time.Hour})
	where.Shared = true
	return []Key{where, account}
}

func key(kind, text string, b Bound) Key {
	sum := sha256.Sum256([]byte(kind + "\x00" + text))
	return Key{Name: hex.EncodeToString(sum[:]), Bound: b}
}

// AddressKey is what is kept of where a person signed in from.
func AddressKey(address string) string { return key("known", network(address), Bound{}).Name }

// network is the part of an address that one who attacks cannot change at will.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// Try counts an attempt, which is a failure until it is settled, and says whether it
// may be made. One that may not is not counted.
func (b Bound) Try(t Throttle, now time.Time) (Throttle, bool) {
	if now.Before(t.Until) {
		return t, false
	}
	if now.Sub(t.Last) > b.Forget {
		t.Failures = 0
	}
	t.Failures, t.Last, t.Until = t.Failures+1, now, time.Time{}
	if over := t.Failures - b.Free; over >= 0 {
		t.Until = now.Add(min(b.Most, time.Second<<min(over, 20)))
	}
	return t, true
}
