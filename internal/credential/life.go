package credential

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// State is how far the life of a token has come.
type State string

// The states of a token.
const (
	New        State = "new"        // sealed and stored; nobody has used it yet
	Verified   State = "verified"   // the tracker answered a read with it
	Active     State = "active"     // cxm acts with it
	Superseded State = "superseded" // another one took its place
	Revoked    State = "revoked"    // the tracker refuses it: revoked, expired, or unknown to it
	Lost       State = "lost"       // it was rotated, and the answer with its successor never came
)

// Held says that nothing can be sent with a token in use that is in this state.
func (s State) Held() bool { return s == Revoked || s == Lost }

// Event is what a token meets.
type Event string

// What happens to tokens.
const (
	Accepted   Event = "accepted"    // the tracker answered a read with it
	Taken      Event = "taken"       // cxm acts with it from now on
	Refused    Event = "refused"     // the tracker says 401
	AnswerLost Event = "answer lost" // its rotation was sent, no answer came, and the tracker says 401
	Replaced   Event = "replaced"    // cxm acts with another one from now on
)

// Next is the state of a token after an event, and why. Not ok is what cannot
// happen to it: it stays as it is.
//
//	            accepted   taken    refused    answer lost   replaced
//	new         verified            revoked                  superseded
//	verified    verified   active   revoked                  superseded
//	active      active     active   revoked    lost          superseded
//	superseded
//	revoked     verified            revoked    lost          superseded
//	lost        verified            lost       lost          superseded
//
// What was revoked or lost and is accepted again was refused for a reason that
// passed: a proxy that took the token away, a clock that was wrong.
func Next(s State, e Event) (to State, why string, ok bool) {
	switch {
	case s == Superseded, s == "":
		return s, "", false
	case e == Accepted && s == Active:
		return Active, "GitLab accepts it", true
	case e == Accepted && s.Held():
		return Verified, "GitLab accepts it again", true
	case e == Accepted:
		return Verified, "GitLab answered a read with it", true
	case e == Taken && (s == Verified || s == Active):
		return Active, "cxm acts with it", true
	case e == Refused && s == Lost:
		return Lost, "GitLab still refuses it", true
	case e == Refused:
		return Revoked, "GitLab refuses it", true
	case e == AnswerLost && (s == Active || s.Held()):
		return Lost, "it was rotated, and GitLab's answer with the new token never came", true
	case e == Replaced:
		return Superseded, "another token took its place", true
	}
	return s, "", false
}

// Stored is a token as the store keeps it: its Value is sealed.
type Stored struct {
	Token
	Row         int64 // of the store; 0: not stored
	Integration int64
	State       State
	InUse       bool   // the one that cxm acts with, or acted with until it was refused
	Sealed      []byte // empty: the value was dropped
	AddedAt     time.Time
	VerifiedAt  time.Time // when the tracker last accepted it
	EndedAt     time.Time // when it was superseded, revoked or lost; zero: it was not
	Reason      string    // of the state, for people
	Rotation    int64     // that made it; 0: a person gave it
	Told        int       // the fewest days before its expiry of which people were told; Untold: nobody was
}

// Untold is Stored.Told of a token about whose expiry nobody was told.
const Untold = 9999

// Born is when the token was made, or when cxm got it where nobody knows.
func (s Stored) Born() time.Time {
	if s.MadeAt.IsZero() {
		return s.AddedAt
	}
	return s.MadeAt
}

const (
	day = 24 * time.Hour
	// Every is how old a token gets, when nobody says otherwise, before it is
	// rotated (the Cloud ex Machina guide asks for 90 days).
	Every = 90 * day
	// longestMargin is how long before its expiry a token is rotated at the latest.
	longestMargin = 14 * day
	// longestLife is GitLab's longest life of a token
	// (doc/user/profile/personal_access_tokens.md).
	longestLife = 365 * day
)

// Margin is how long before its expiry a token is rotated at the latest: two
// weeks, or a quarter of its life when that is less.
func (s Stored) Margin() time.Duration {
	return min(longestMargin, max(s.ExpiresAt.Sub(s.Born())/4, 0))
}

// Due is when the token is to be rotated: every so long after it was made, and
// always before it expires. Every 0 is only before it expires. Zero: never.
func (s Stored) Due(every time.Duration) time.Time {
	var at time.Time
	if every > 0 {
		at = s.Born().Add(every)
	}
	if s.ExpiresAt.IsZero() {
		return at
	}
	if latest := s.ExpiresAt.Add(-s.Margin()); at.IsZero() || latest.Before(at) {
		return latest
	}
	return at
}

// Successor is the day on which a token made today should expire to live as long
// as this one does, midnight UTC: a year when this one never expires.
func (s Stored) Successor(now time.Time) time.Time {
	life := longestLife
	if !s.ExpiresAt.IsZero() {
		life = min(max(s.ExpiresAt.Sub(s.Born().UTC().Truncate(day)), day), longestLife)
	}
	return now.UTC().Truncate(day).Add(life.Round(day))
}

// Obstacle says why the token cannot rotate itself, with the mend; empty: it can,
// as far as is known.
func (s Stored) Obstacle() string {
	switch {
	case s.OAuth():
		return "" // it is refreshed instead
	case s.ID == 0:
		return "GitLab rotates personal access tokens only, and this is an OAuth token or one of another kind, or the instance is too old to tell: make a personal access token for the account, then run `cxm token replace`"
	case !slices.Contains(s.Scopes, "api") && !slices.Contains(s.Scopes, "self_rotate"):
		return fmt.Sprintf("the token has neither the scope api nor self_rotate (it has %s): make one that has, then run `cxm token replace`", strings.Join(s.Scopes, ", "))
	}
	return ""
}

// DaysLeft is how many days the token still works, rounded up; 0 or less: it has
// expired. Math.MaxInt: it never expires, or nobody knows.
func (s Stored) DaysLeft(now time.Time) int {
	if s.ExpiresAt.IsZero() {
		return math.MaxInt
	}
	return int(math.Ceil(s.ExpiresAt.Sub(now).Hours() / 24))
}

// Warnings lists the days before its expiry at which people are told of it.
func Warnings() []int { return []int{30, 14, 7, 3, 1} }

// Warning is which of the warnings is due now, 0 when it is too early for any.
func (s Stored) Warning(now time.Time) int {
	due := 0
	for _, days := range Warnings() {
		if s.DaysLeft(now) <= days {
			due = days
		}
	}
	return due
}

// KeyOf is the id of the key that sealed a value (Tink's prefix). Not ok: it is
// nothing that Tink sealed.
func KeyOf(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < 5 || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:5]), true
}
