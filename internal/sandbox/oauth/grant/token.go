package grant

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"cxm/internal/sandbox/world/people"
)

// Code is an authorization code before and after it is redeemed.
type Code struct {
	App       *Application
	User      *people.User
	Redirect  string
	Scopes    []string
	Challenge string // of PKCE, S256; "": none
	ExpiresAt time.Time
	used      bool
}

// Pair is an access token and the refresh token that was given with it.
type Pair struct {
	App        *Application
	Token      *people.Token
	Lifetime   time.Duration
	code       *Code // it goes back to
	refreshKey hash
}

// Tokens are a new pair with its secrets, the only time they can be seen.
type Tokens struct {
	*Pair
	Access, Refresh string
}

// Fault is an error of OAuth.
type Fault struct{ Name, Description string }

// Error gives name and description.
func (f *Fault) Error() string { return f.Name + ": " + f.Description }

// badGrant says that a code or refresh token does not do, in doorkeeper's words.
func badGrant() error {
	return &Fault{"invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}
}

// Missing says that a parameter is absent.
func Missing(parameter string) error {
	return &Fault{"invalid_request", "Missing required parameter: " + parameter + "."}
}

// BadClient says that a client is unknown or did not show its secret.
func BadClient() error {
	return &Fault{"invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}
}

// BadScope says that scopes were asked for which there are not, or not here.
func BadScope() error {
	return &Fault{"invalid_scope", "The requested scope is invalid, unknown, or malformed."}
}

// Permit makes the code for what a person agreed to.
func (b *Book) Permit(c Code) string {
	secret := random(32)
	c.ExpiresAt = b.clock().Add(CodeLifetime)
	b.codes[hashed(secret)] = &c
	return secret
}

// Redeem turns a code into tokens, once. A code that is used again takes back
// what it gave (RFC 6749, section 4.1.2).
func (b *Book) Redeem(app *Application, code, redirect, verifier string) (Tokens, error) {
	c := b.codes[hashed(code)]
	if c != nil && c.Challenge != "" && verifier == "" {
		return Tokens{}, Missing("code_verifier")
	}
	if redirect == "" {
		return Tokens{}, Missing("redirect_uri")
	}
	switch {
	case c == nil || c.App != app:
		return Tokens{}, badGrant()
	case c.used:
		b.revokeCode(c)
		return Tokens{}, badGrant()
	case !b.clock().Before(c.ExpiresAt), !sameRedirect(redirect, c.Redirect), !c.verified(verifier):
		return Tokens{}, badGrant()
	}
	c.used = true
	return b.issue(c, c.Scopes), nil
}

// verified holds a verifier to the challenge (RFC 7636, S256). A verifier for a
// code without a challenge is an attack: the challenge was taken out on the way.
func (c *Code) verified(verifier string) bool {
	if c.Challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(c.Challenge)) == 1
}

func (b *Book) revokeCode(c *Code) {
	for _, p := range b.access {
		if p.code == c {
			p.Token.Revoked = true
		}
	}
}

func (b *Book) issue(c *Code, scopes []string) Tokens {
	b.tokenID++
	now := b.clock()
	expires := now.Add(b.lifetime)
	t := &people.Token{
		ID: b.tokenID, UserID: c.User.ID, Name: c.App.Name, Scopes: slices.Clone(scopes),
		CreatedAt: now, ExpiresAt: &expires, Application: c.App.ID,
	}
	out := Tokens{Pair: &Pair{App: c.App, Token: t, Lifetime: b.lifetime, code: c}, Access: random(32), Refresh: random(32)}
	out.refreshKey = hashed(out.Refresh)
	b.access[hashed(out.Access)], b.refresh[out.refreshKey] = out.Pair, out.Pair
	return out
}

// Exchange turns a refresh token into a new pair; the old pair is dead at once.
// Without scopes the new pair has those of the old.
func (b *Book) Exchange(app *Application, refresh string, scopes []string) (Tokens, error) {
	p := b.refresh[hashed(refresh)]
	if p == nil || p.Token.Revoked || p.App != app {
		return Tokens{}, badGrant()
	}
	for _, s := range scopes {
		if !slices.Contains(p.Token.Scopes, s) {
			return Tokens{}, BadScope()
		}
	}
	if len(scopes) == 0 {
		scopes = p.Token.Scopes
	}
	p.Token.Revoked = true
	return b.issue(p.code, scopes), nil
}

// ByAccess gives the pair an access token belongs to, whatever its state, or nil.
func (b *Book) ByAccess(secret string) *Pair { return b.access[hashed(secret)] }

// ByEither gives the pair an access or a refresh token belongs to, or nil.
func (b *Book) ByEither(secret string) *Pair {
	if p := b.refresh[hashed(secret)]; p != nil {
		return p
	}
	return b.access[hashed(secret)]
}

// BySecret gives the access token with a secret, whatever its state, or nil.
func (b *Book) BySecret(secret string) *people.Token {
	if p := b.ByAccess(secret); p != nil {
		return p.Token
	}
	return nil
}

// Agreed says whether a person has a working token of the application with
// these scopes, so that doorkeeper does not ask again.
func (b *Book) Agreed(app *Application, userID int64, scopes []string) bool {
	for _, p := range b.access {
		if p.App == app && p.Token.UserID == userID && p.Token.Active(b.clock()) && sameSet(p.Token.Scopes, scopes) {
			return true
		}
	}
	return false
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
