package entry

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/web"
)

// TenantCookie holds the tenant that somebody looks at. It decides nothing: a tenant
// that they do not work in is not taken.
const TenantCookie = "cxm_tenant"

const (
	sessionCookie = "cxm_session"
	attemptCookie = "cxm_signin"
	attemptLasts  = 10 * time.Minute
	longestNext   = 1500 // bytes: a cookie has room for 4096
)

// SessionCookie is the name of the cookie with the value of a session. Over TLS it is
// one that browsers only take from this host, over TLS, for all of it; who comes
// without TLS is not known by that one, nor the other way round.
func SessionCookie(r *http.Request) string { return named(r, sessionCookie) }

func named(r *http.Request, name string) string {
	if web.Secured(r) {
		return "__Host-" + name
	}
	return name
}

// cookie is one that no script reads, and no form of another site sends. With
// seconds below zero it is forgotten.
func cookie(r *http.Request, name, value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: web.Secured(r), SameSite: http.SameSiteLaxMode}
}

// session keeps a session for as long as it lasts.
func session(r *http.Request, o Opened, now time.Time) *http.Cookie {
	return cookie(r, SessionCookie(r), o.Value.Reveal(), max(1, int(o.Session.EndsAt.Sub(now)/time.Second)))
}

func noSession(r *http.Request) *http.Cookie { return cookie(r, SessionCookie(r), "", -1) }

// attempt keeps a sign-in by a provider while it is under way, and where it is to
// lead: another one that is begun in the same browser takes its place.
func attempt(r *http.Request, value credential.Secret, next string) *http.Cookie {
	if len(next) > longestNext {
		next = ""
	}
	text := value.Reveal() + "~" + base64.RawURLEncoding.EncodeToString([]byte(next))
	return cookie(r, named(r, attemptCookie), text, int(attemptLasts/time.Second))
}

// attempted reads it. Both are empty when there is none.
func attempted(r *http.Request) (value credential.Secret, next string) {
	c, err := r.Cookie(named(r, attemptCookie))
	if err != nil {
		return credential.Secret{}, ""
	}
	text, coded, _ := strings.Cut(c.Value, "~")
	if plain, err := base64.RawURLEncoding.DecodeString(coded); err == nil {
		next = string(plain)
	}
	return credential.NewSecret(text), next
}

func noAttempt(r *http.Request) *http.Cookie {
	return cookie(r, named(r, attemptCookie), "", -1)
}
