package people_test

import (
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxm/internal/sandbox/world/people"
)

// routable is GitLab's own pattern for such tokens
// (app/assets/javascripts/lib/utils/secret_detection_patterns.js).
var routable = regexp.MustCompile(`^glpat-[0-9a-zA-Z_-]{27,300}\.[0-9a-z]{2}\.[0-9a-z]{2}[0-9a-z]{7}$`)

func TestRoutableTokenMatchesGitLabsAlgorithm(t *testing.T) {
	random := make([]byte, 16)
	for i := range random {
		random[i] = byte(i)
	}
	const want = "glpat-" + "AAECAwQFBgcICQoLDA0OD286MQp1OjUH" + ".01.0w" + "0j47a0s"
	if got := people.Routable(random, "o:1\nu:5"); got != want || !routable.MatchString(got) {
		t.Errorf("token %s, want %s", got, want)
	}
}

// directory is an empty directory with a user, and a clock to move.
func directory(t *testing.T) (*people.Directory, *people.User, *time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	d := people.NewDirectory(func() time.Time { return now })
	u, err := d.Create(people.Account{Username: "bot", Name: "Bot", Email: "bot@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return d, u, &now
}

func TestTokenExpiresAtMidnightOfItsDay(t *testing.T) {
	d, u, now := directory(t)
	day := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	token, _, err := d.Issue(u, people.Grant{Name: "t", Scopes: []string{"api"}, ExpiresAt: &day})
	if err != nil {
		t.Fatal(err)
	}
	*now = day.Add(-time.Second)
	if token.Expired(*now) {
		t.Error("expired a second before its day")
	}
	*now = day
	if !token.Expired(*now) {
		t.Error("still works on its day")
	}
}

// TestRotationKeepsOneActiveToken rotates and reuses at random: of a family at
// most one token works, and none once a revoked one was used to rotate.
func TestRotationKeepsOneActiveToken(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, u, now := directory(t)
		first, _, err := d.Issue(u, people.Grant{Name: "t", Scopes: []string{"api"}})
		if err != nil {
			rt.Fatal(err)
		}
		family, burnt := []*people.Token{first}, false
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			one := rapid.SampledFrom(family).Draw(rt, "token")
			if one.Revoked {
				d.RevokeFamily(one)
				burnt = true
				continue
			}
			next, _, err := d.Rotate(one, nil, true)
			if err != nil {
				rt.Fatal(err)
			}
			family = append(family, next)
		}
		active := len(d.Tokens(func(t *people.Token) bool { return t.Active(*now) }))
		if burnt && active != 0 || !burnt && active != 1 {
			rt.Fatalf("%d active tokens, reused %v", active, burnt)
		}
	})
}

func TestSecretsAreFoundAndNotKept(t *testing.T) {
	d, u, _ := directory(t)
	token, secret, err := d.Issue(u, people.Grant{Name: "t", Scopes: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	if d.BySecret(secret) != token || d.BySecret(secret+"x") != nil || d.BySecret("") != nil {
		t.Error("a secret leads to another token than its own")
	}
}
