package credential

import (
	"encoding/json"
	"strings"
	"time"
)

// Grant is what a person gave an OAuth application: a short-lived access token
// and the refresh token that gets the next pair, with the application both belong
// to. It is sealed and stored as one value, so that the two are never apart: see
// Grant.Value and GrantOf.
type Grant struct {
	Application string // its id, which clients name as client_id
	Key         Secret // of the application (client_secret); empty: it has none
	Redirect    string // where the person was sent back to
	Access      Secret
	Refresh     Secret
	ExpiresAt   time.Time // of the access token; zero: the tracker does not say
	Lifetime    time.Duration
	Scopes      []string
	MadeAt      time.Time
	ID          int64 // by which cxm knows the grant: negative, the same after every refresh
}

// grantMark opens a value that is a grant. No token begins like it: Clean refuses
// braces' quotes.
const grantMark = `{"cxm_oauth":1,`

// stored is a grant as it is sealed.
type stored struct {
	Version     int       `json:"cxm_oauth"`
	Application string    `json:"application"`
	Key         string    `json:"key,omitempty"`
	Redirect    string    `json:"redirect"`
	Access      string    `json:"access"`
	Refresh     string    `json:"refresh"`
	ExpiresAt   time.Time `json:"expires_at"`
	Seconds     int64     `json:"seconds"`
	Scopes      []string  `json:"scopes"`
	MadeAt      time.Time `json:"made_at"`
	ID          int64     `json:"id"`
}

// Value is the grant as one secret, to be sealed.
func (g Grant) Value() Secret {
	raw, err := json.Marshal(stored{
		1, g.Application, g.Key.Reveal(), g.Redirect, g.Access.Reveal(), g.Refresh.Reveal(),
		g.ExpiresAt, int64(g.Lifetime / time.Second), g.Scopes, g.MadeAt, g.ID,
	})
	if err != nil {
		return Secret{} // a struct of texts, numbers and sane times always encodes
	}
	return NewSecret(string(raw))
}

// GrantOf is the grant that a value is. Not ok: it is a token as it stands.
func GrantOf(value Secret) (g Grant, ok bool) {
	text := value.Reveal()
	if !strings.HasPrefix(text, grantMark) {
		return Grant{}, false
	}
	var s stored
	if json.Unmarshal([]byte(text), &s) != nil {
		return Grant{}, false
	}
	return Grant{
		Application: s.Application, Key: NewSecret(s.Key), Redirect: s.Redirect, Access: NewSecret(s.Access), Refresh: NewSecret(s.Refresh),
		ExpiresAt: s.ExpiresAt, Lifetime: time.Duration(s.Seconds) * time.Second, Scopes: s.Scopes, MadeAt: s.MadeAt, ID: s.ID,
	}, true
}

// Bearer is what a request carries: of a grant the access token, else the value
// itself.
func (s Secret) Bearer() string {
	if g, ok := GrantOf(s); ok {
		return g.Access.Reveal()
	}
	return s.Reveal()
}

// Token is the grant as the tokens that cxm keeps: its value, and what is known of
// it. It expires on no day, since it is refreshed for as long as the person and
// the tracker let it.
func (g Grant) Token() Token {
	return Token{Value: g.Value(), Scopes: g.Scopes, ID: g.ID, Name: "OAuth application " + short(g.Application), MadeAt: g.MadeAt}
}

// short is the beginning of an id, enough to know it again.
func short(id string) string {
	const enough = 8
	if len(id) <= enough {
		return id
	}
	return id[:enough] + "…"
}

// longestEarly is how long before its end an access token is refreshed at the
// most.
const longestEarly = 5 * time.Minute

// Stale says that the access token is to be refreshed before it is used: while it
// still works, so that it can tell what became of a refresh whose answer is lost.
// A quarter of its life is enough for tokens that live shorter than GitLab's two
// hours.
func (g Grant) Stale(now time.Time) bool {
	if g.ExpiresAt.IsZero() {
		return false
	}
	return !now.Before(g.ExpiresAt.Add(-min(longestEarly, g.Lifetime/4)))
}

// Expired says that the access token does not work any more.
func (g Grant) Expired(now time.Time) bool { return !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) }

// OAuth says that the token is a grant of a person to an application, rather than
// a token that was made on GitLab's pages.
func (t Token) OAuth() bool { return t.ID < 0 }
