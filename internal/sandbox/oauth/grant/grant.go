// Package grant holds who may act for whom in the sandbox: the applications,
// the authorization codes, the pairs of access and refresh tokens, and the
// passwords by which people sign in.
//
// What always holds: secrets are kept as hashes alone; a code is redeemed once;
// a refresh token that was used is dead together with its access token
// (GitLab's table of tokens has no previous_refresh_token, so that doorkeeper
// gives no grace). Nothing here locks: whoever calls holds the world's lock.
package grant

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"sort"
	"strings"
	"time"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// CodeLifetime is how long an authorization code may wait (doorkeeper's
// authorization_code_expires_in).
const CodeLifetime = 10 * time.Minute

// TokenLifetime is how long an access token works unless a Book says otherwise
// (config/initializers/doorkeeper.rb).
const TokenLifetime = 2 * time.Hour

// Scopes lists the scopes an application may ask for.
func Scopes() []string { return append(people.Scopes(), "openid", "profile", "email") }

// Application is an OAuth application of the instance. Its secret is kept as a
// hash.
type Application struct {
	ID           int64
	UID          string // what clients name as client_id
	Name         string
	Redirects    []string
	Scopes       []string
	Confidential bool
	Trusted      bool // people are not asked
	secret       hash
}

// Redirect gives the application's redirect URIs as GitLab shows them: one a line.
func (a *Application) Redirect() string { return strings.Join(a.Redirects, "\n") }

type hash [sha256.Size]byte

func hashed(secret string) hash { return sha256.Sum256([]byte(secret)) }

// Book is every application, code and pair of tokens of the instance.
type Book struct {
	clock     func() time.Time
	lifetime  time.Duration
	apps      map[int64]*Application
	codes     map[hash]*Code
	access    map[hash]*Pair
	refresh   map[hash]*Pair
	passwords map[int64]hash // user id → of the password
	appID     int64
	tokenID   int64
}

// NewBook makes an empty book. clock gives the present.
func NewBook(clock func() time.Time) *Book {
	return &Book{
		clock: clock, lifetime: TokenLifetime, apps: map[int64]*Application{}, codes: map[hash]*Code{},
		access: map[hash]*Pair{}, refresh: map[hash]*Pair{}, passwords: map[int64]hash{},
	}
}

// SetLifetime says how long access tokens work from now on, as administrators
// can since GitLab 19.1 (oauth_access_token_expires_in); 0 is TokenLifetime.
func (b *Book) SetLifetime(d time.Duration) {
	if d <= 0 {
		d = TokenLifetime
	}
	b.lifetime = d
}

// Add makes an application. redirects holds one URI a line, scopes one a word.
func (b *Book) Add(name, redirects, scopes string, confidential bool) (*Application, string, error) {
	a := &Application{Name: name, Redirects: strings.Fields(redirects), Scopes: strings.Fields(scopes), Confidential: confidential}
	if err := checkApplication(a); err != nil {
		return nil, "", err
	}
	b.appID++
	a.ID, a.UID = b.appID, random(32)
	b.apps[a.ID] = a
	return a, b.Renew(a), nil
}

func checkApplication(a *Application) error {
	if strings.TrimSpace(a.Name) == "" {
		return refuse.Invalidly("name", "can't be blank")
	}
	if len(a.Redirects) == 0 {
		return refuse.Invalidly("redirect_uri", "can't be blank")
	}
	for _, uri := range a.Redirects {
		if fault := redirectFault(uri); fault != "" {
			return refuse.Invalidly("redirect_uri", fault)
		}
	}
	for _, s := range a.Scopes {
		if !slices.Contains(Scopes(), s) {
			return refuse.Invalidly("scopes", "doesn't match configured on the server.")
		}
	}
	return nil
}

// Renew gives an application a new secret, the only time it can be seen.
func (b *Book) Renew(a *Application) string {
	secret := "gloas-" + random(32)
	a.secret = hashed(secret)
	return secret
}

// Applications gives all applications, oldest first.
func (b *Book) Applications() []*Application {
	var out []*Application
	for _, a := range b.apps {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Application gives the application with an id, or nil.
func (b *Book) Application(id int64) *Application { return b.apps[id] }

// ByUID gives the application that clients name by uid, or nil.
func (b *Book) ByUID(uid string) *Application {
	for _, a := range b.apps {
		if subtle.ConstantTimeCompare([]byte(a.UID), []byte(uid)) == 1 {
			return a
		}
	}
	return nil
}

// Authenticate gives the application that uid and secret belong to, or nil. One
// that is not confidential needs no secret.
func (b *Book) Authenticate(uid, secret string) *Application {
	a := b.ByUID(uid)
	if a == nil || secret == "" && a.Confidential {
		return nil
	}
	given := hashed(secret)
	if secret != "" && subtle.ConstantTimeCompare(given[:], a.secret[:]) != 1 {
		return nil
	}
	return a
}

// Remove deletes an application with its codes and tokens.
func (b *Book) Remove(a *Application) {
	delete(b.apps, a.ID)
	for key, c := range b.codes {
		if c.App == a {
			delete(b.codes, key)
		}
	}
	for key, p := range b.access {
		if p.App == a {
			p.Token.Revoked = true
			delete(b.access, key)
			delete(b.refresh, p.refreshKey)
		}
	}
}

// SetPassword lets a person sign in with a password; "" lets nobody.
func (b *Book) SetPassword(userID int64, password string) {
	if password == "" {
		delete(b.passwords, userID)
		return
	}
	b.passwords[userID] = hashed(password)
}

// Knows says whether a password is the user's.
func (b *Book) Knows(userID int64, password string) bool {
	want, ok := b.passwords[userID]
	given := hashed(password)
	return ok && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// random gives n random bytes in hex.
func random(n int) string {
	raw := make([]byte, n)
	rand.Read(raw) // never fails: crypto/rand aborts the program instead
	return hex.EncodeToString(raw)
}
