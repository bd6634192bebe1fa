package credential_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/credential"
)

func states() []credential.State {
	return []credential.State{credential.New, credential.Verified, credential.Active, credential.Superseded, credential.Revoked, credential.Lost}
}

func happenings() []credential.Event {
	return []credential.Event{credential.Accepted, credential.Taken, credential.Refused, credential.AnswerLost, credential.Replaced}
}

// TestNext holds Next to its drawn table, row by row: "-" is what cannot happen.
func TestNext(t *testing.T) {
	table := map[credential.State]string{
		credential.New:        "verified - revoked - superseded",
		credential.Verified:   "verified active revoked - superseded",
		credential.Active:     "active active revoked lost superseded",
		credential.Superseded: "- - - - -",
		credential.Revoked:    "verified - revoked lost superseded",
		credential.Lost:       "verified - lost lost superseded",
	}
	for _, from := range states() {
		row := strings.Fields(table[from])
		for i, e := range happenings() {
			to, why, ok := credential.Next(from, e)
			want := credential.State(row[i])
			if want == "-" {
				if ok || to != from {
					t.Errorf("%s, %s: is %s, and cannot happen", from, e, to)
				}
				continue
			}
			if !ok || to != want || why == "" {
				t.Errorf("%s, %s: is %s (%q), want %s", from, e, to, why, want)
			}
		}
	}
}

// TestNextForEver: a superseded token never comes back, and nothing is used that
// GitLab did not accept since it refused it.
func TestNextForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, accepted := credential.New, false
		for _, e := range rapid.SliceOf(rapid.SampledFrom(happenings())).Draw(t, "events") {
			was := s
			s, _, _ = credential.Next(s, e)
			switch {
			case e == credential.Accepted && was != credential.Superseded:
				accepted = true
			case e == credential.Refused || e == credential.AnswerLost && s == credential.Lost:
				accepted = false
			}
			if was == credential.Superseded && s != was {
				t.Fatalf("superseded became %s", s)
			}
			if s == credential.Active && !accepted {
				t.Fatalf("active by %s, and GitLab did not accept it", e)
			}
		}
	})
}

func made(life, age int, now time.Time) credential.Stored {
	t := credential.Stored{Token: credential.Token{ID: 7, Scopes: []string{"api"}, MadeAt: now.AddDate(0, 0, -age)}}
	if life > 0 {
		t.ExpiresAt = t.MadeAt.AddDate(0, 0, life)
	}
	return t
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ life, every, want int }{
		"the schedule":                      {365, 90, 90},
		"two weeks before it expires":       {90, 90, 76},
		"a quarter of a short life":         {8, 90, 6},
		"only before it expires":            {365, 0, 351},
		"it never expires, by the schedule": {0, 90, 90},
		"never":                             {0, 0, -1},
	} {
		at := made(c.life, 0, now).Due(time.Duration(c.every) * 24 * time.Hour)
		if c.want < 0 && !at.IsZero() || c.want >= 0 && !at.Equal(now.AddDate(0, 0, c.want)) {
			t.Errorf("%s: due %v, want %d days after it was made", name, at, c.want)
		}
	}
}

// TestDueBeforeExpiry: whatever the schedule, there is time left.
func TestDueBeforeExpiry(t *testing.T) {
	now := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		s := made(rapid.IntRange(1, 400).Draw(t, "life"), 0, now)
		at := s.Due(time.Duration(rapid.IntRange(0, 400).Draw(t, "every")) * 24 * time.Hour)
		if !at.Before(s.ExpiresAt) || s.ExpiresAt.Sub(at) < s.Margin() {
			t.Fatalf("due %v, expires %v", at, s.ExpiresAt)
		}
	})
}

func TestSuccessor(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	midnight := now.Truncate(24 * time.Hour)
	for life, want := range map[int]int{90: 90, 365: 365, 0: 365, 400: 365, 1: 1} {
		s := made(life, 20, midnight)
		if got := s.Successor(now); !got.Equal(midnight.AddDate(0, 0, want)) {
			t.Errorf("the successor of a token of %d days expires on %v", life, got)
		}
	}
}

func TestObstacle(t *testing.T) {
	for want, token := range map[string]credential.Token{
		"personal access tokens only":           {},
		"neither the scope api nor self_rotate": {ID: 1, Scopes: []string{"read_api"}},
		"":                                      {ID: 1, Scopes: []string{"self_rotate"}},
	} {
		got := credential.Stored{Token: token}.Obstacle()
		if !strings.Contains(got, want) || (want == "") != (got == "") || want != "" && !strings.Contains(got, "cxm token replace") {
			t.Errorf("%+v: %q", token, got)
		}
	}
}

func TestWarning(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for left, want := range map[int]int{31: 0, 30: 30, 15: 30, 14: 14, 8: 14, 7: 7, 4: 7, 3: 3, 2: 3, 1: 1, 0: 1, -5: 1} {
		s := credential.Stored{Token: credential.Token{ExpiresAt: now.AddDate(0, 0, left)}}
		if got := s.Warning(now); got != want || s.DaysLeft(now) != left {
			t.Errorf("%d days left: the warning of %d, %d days", left, got, s.DaysLeft(now))
		}
	}
	if got := (credential.Stored{}).Warning(now); got != 0 {
		t.Errorf("a token that never expires: the warning of %d", got)
	}
}
