package credential_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/credential"
)

func grantFor(access, refresh string) credential.Grant {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	return credential.Grant{
		Application: "app", Key: credential.NewSecret("app-key"), Redirect: "http://127.0.0.1/callback",
		Access: credential.NewSecret(access), Refresh: credential.NewSecret(refresh),
		ExpiresAt: at.Add(2 * time.Hour), Lifetime: 2 * time.Hour, Scopes: []string{"api"}, MadeAt: at, ID: -7,
	}
}

func TestGrantIsOneValue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := grantFor(rapid.String().Draw(rt, "access"), rapid.String().Draw(rt, "refresh"))
		got, ok := credential.GrantOf(g.Value())
		if !ok {
			rt.Fatal("a grant is not known again")
		}
		same := cmp.Comparer(func(a, b credential.Secret) bool { return a.Equal(b) })
		if !validUTF8(g) {
			return
		}
		if diff := cmp.Diff(g, got, same); diff != "" {
			rt.Fatal(diff)
		}
		if g.Value().Bearer() != g.Access.Reveal() {
			rt.Fatal("a request does not carry the access token")
		}
	})
}

func validUTF8(g credential.Grant) bool {
	return strings.ToValidUTF8(g.Access.Reveal()+g.Refresh.Reveal(), "?") == g.Access.Reveal()+g.Refresh.Reveal()
}

func TestTokensAreNoGrants(t *testing.T) {
	for _, text := range []string{"", "glpat-abc", "{}", `{"cxm_oauth":1,`, `{"cxm_oauth":2,"access":"x"}`} {
		value := credential.NewSecret(text)
		if _, ok := credential.GrantOf(value); ok || value.Bearer() != text {
			t.Errorf("%q is taken for a grant", text)
		}
	}
}

func TestGrantIsNeverShown(t *testing.T) {
	g := grantFor("the-access", "the-refresh")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, g) + fmt.Sprintf(verb, g.Token()); strings.Contains(text, "the-access") || strings.Contains(text, "the-refresh") || strings.Contains(text, "app-key") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
}

func TestGrantStale(t *testing.T) {
	g := grantFor("a", "r")
	for _, c := range []struct {
		life, left     time.Duration
		stale, expired bool
	}{
		{2 * time.Hour, 5*time.Minute + 1, false, false},
		{2 * time.Hour, 5 * time.Minute, true, false},
		{2 * time.Hour, 0, true, true},
		{5 * time.Minute, 76 * time.Second, false, false},
		{5 * time.Minute, 75 * time.Second, true, false},
	} {
		g.Lifetime = c.life
		now := g.ExpiresAt.Add(-c.left)
		if g.Stale(now) != c.stale || g.Expired(now) != c.expired {
			t.Errorf("life %v, left %v: stale %v, expired %v", c.life, c.left, g.Stale(now), g.Expired(now))
		}
	}
	g.ExpiresAt = time.Time{}
	if g.Stale(time.Now()) || g.Expired(time.Now()) {
		t.Error("of unknown end, and stale")
	}
	if !g.Token().OAuth() || !g.Token().ExpiresAt.IsZero() {
		t.Error("a grant expires on no day")
	}
}
