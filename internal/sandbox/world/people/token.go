package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/world/refuse"
)

// MaxLifetime is the longest a personal access token may live (GitLab's
// default, doc/user/profile/personal_access_tokens.md).
const MaxLifetime = 365 * 24 * time.Hour

// Scopes lists the scopes a personal access token may carry.
func Scopes() []string {
	return []string{
		"api", "read_api", "read_user", "read_repository", "write_repository", "self_rotate",
		"sudo", "admin_mode", "create_runner", "manage_runner", "ai_features", "k8s_proxy",
		"read_registry", "write_registry", "read_virtual_registry", "write_virtual_registry", "read_service_ping",
	}
}

// Token is a personal access token. The secret itself is never kept.
type Token struct {
	ID, UserID        int64
	Name, Description string
	Scopes            []string
	Revoked           bool
	CreatedAt         time.Time
	ExpiresAt         *time.Time // midnight UTC of the day it stops working; nil: never
	LastUsedAt        *time.Time
	LastUsedIPs       []string
	Previous          int64 // the token this one was rotated from; 0: none
	Application       int64 // of an OAuth access token; 0: a personal access token
	secret            [32]byte
}

// Expired says whether the token has stopped working: at 00:00 UTC on its day.
func (t *Token) Expired(now time.Time) bool {
	return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt)
}

// Active says whether the token still works.
func (t *Token) Active(now time.Time) bool { return !t.Revoked && !t.Expired(now) }

// Allows says whether the token carries one of the scopes.
func (t *Token) Allows(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// Grant is what a new token is made from. ExpiresAt nil means never, or the
// longest lifetime when Enforced.
type Grant struct {
	Name, Description string
	Scopes            []string
	ExpiresAt         *time.Time
	Enforced          bool
	Previous          int64
}

// Issue makes a token for a user and returns it with its secret, the only
// time the secret can be seen.
func (d *Directory) Issue(u *User, g Grant) (*Token, string, error) {
	if err := d.checkGrant(g); err != nil {
		return nil, "", err
	}
	return d.add(u, g, newSecret(u.ID))
}

// Adopt gives a user a token with a secret chosen by the caller.
func (d *Directory) Adopt(u *User, g Grant, secret string) (*Token, error) {
	t, _, err := d.add(u, g, secret)
	return t, err
}

func (d *Directory) add(u *User, g Grant, secret string) (*Token, string, error) {
	hash := sha256.Sum256([]byte(secret))
	if _, taken := d.secrets[hash]; taken {
		return nil, "", refuse.Conflicting("this token exists already; choose another")
	}
	if g.Enforced && g.ExpiresAt == nil {
		g.ExpiresAt = new(day(d.clock().Add(MaxLifetime)))
	}
	d.tokenID++
	t := &Token{
		ID: d.tokenID, UserID: u.ID, Name: g.Name, Description: g.Description,
		Scopes: slices.Clone(g.Scopes), CreatedAt: d.clock(), ExpiresAt: g.ExpiresAt,
		Previous: g.Previous, secret: hash,
	}
	d.tokens[t.ID] = t
	d.secrets[hash] = t.ID
	return t, secret, nil
}

func (d *Directory) checkGrant(g Grant) error {
	known := Scopes()
	for _, s := range g.Scopes {
		if !slices.Contains(known, s) {
			return refuse.Invalidly("scopes", "can only contain available scopes")
		}
	}
	if len(g.Scopes) == 0 {
		return refuse.Invalidly("scopes", "can't be blank")
	}
	return d.checkExpiry(g.ExpiresAt)
}

func (d *Directory) checkExpiry(at *time.Time) error {
	if at == nil {
		return nil
	}
	now := d.clock()
	if limit := day(now.Add(MaxLifetime)); at.After(limit) {
		return refuse.Invalidly("expires_at", "must be before "+limit.AddDate(0, 0, 1).Format(time.DateOnly))
	}
	if at.Before(day(now)) {
		return refuse.Invalidly("expires_at", "cannot be a date in the past")
	}
	return nil
}

// Rotate revokes a token and makes its successor in one step. Without a date
// the successor lives a week when expiry is enforced, else for ever.
func (d *Directory) Rotate(t *Token, expires *time.Time, enforced bool) (*Token, string, error) {
	u := d.users[t.UserID]
	if t.Revoked {
		return nil, "", refuse.BadRequest("Token already revoked")
	}
	if u == nil {
		return nil, "", refuse.BadRequest("Token owner not found")
	}
	if err := d.checkExpiry(expires); err != nil {
		return nil, "", refuse.BadRequest(sentence(err))
	}
	if expires == nil && enforced {
		expires = new(day(d.clock().AddDate(0, 0, 7)))
	}
	next, secret, err := d.add(u, Grant{
		Name: t.Name, Description: t.Description, Scopes: t.Scopes, ExpiresAt: expires, Previous: t.ID,
	}, newSecret(u.ID))
	if err != nil {
		return nil, "", err
	}
	t.Revoked = true
	return next, secret, nil
}

// sentence writes a model error the way GitLab's full messages read.
func sentence(err error) string {
	text := err.Error()
	for field, label := range map[string]string{"expires_at": "Expiration date", "scopes": "Scopes", "name": "Name"} {
		text = strings.Replace(text, field+" ", label+" ", 1)
	}
	return text
}

// Sentence gives a refusal as GitLab's full messages read ("Scopes can't be blank").
func Sentence(err error) string { return sentence(err) }

// RevokeFamily revokes every active token that descends from t: GitLab's
// answer to a revoked token being used to rotate.
func (d *Directory) RevokeFamily(t *Token) {
	parents := map[int64]bool{t.ID: true}
	for _, next := range d.sortedTokens() {
		if parents[next.Previous] {
			parents[next.ID] = true
			next.Revoked = true
		}
	}
}

// sortedTokens gives all tokens by id, so parents come before children.
func (d *Directory) sortedTokens() []*Token {
	return d.Tokens(func(*Token) bool { return true })
}

// Tokens gives the tokens that keep accepts, oldest first.
func (d *Directory) Tokens(keep func(*Token) bool) []*Token {
	var out []*Token
	for _, t := range d.tokens {
		if keep(t) {
			out = append(out, t)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Token gives the token with an id, or nil.
func (d *Directory) Token(id int64) *Token { return d.tokens[id] }

// BySecret gives the token a secret belongs to, whatever its state, or nil.
func (d *Directory) BySecret(secret string) *Token {
	return d.tokens[d.secrets[sha256.Sum256([]byte(secret))]]
}

// Used notes that a token was used now from an address. As in GitLab the
// stored moment moves at most once a minute, and five addresses are kept.
func (d *Directory) Used(t *Token, ip string) {
	now := d.clock()
	if u := d.users[t.UserID]; u != nil {
		u.LastActivity = now
	}
	if t.LastUsedAt != nil && now.Sub(*t.LastUsedAt) < time.Minute {
		return
	}
	t.LastUsedAt = &now
	if ip == "" || slices.Contains(t.LastUsedIPs, ip) {
		return
	}
	t.LastUsedIPs = append([]string{ip}, t.LastUsedIPs...)
	t.LastUsedIPs = t.LastUsedIPs[:min(len(t.LastUsedIPs), 5)]
}

// newSecret builds a routable token (GitLab 18.3+,
// lib/authn/token_field/generator/routable_token.rb).
func newSecret(userID int64) string {
	return Routable(randomBytes(16), "o:1\nu:"+strconv.FormatInt(userID, 36))
}

// Routable builds a token from 16 random bytes and a payload of sorted
// "key:value" lines.
func Routable(random []byte, payload string) string {
	raw := append(append(slices.Clone(random), payload...), byte(len(payload)))
	body := base64.RawURLEncoding.EncodeToString(raw)
	s := "glpat-" + body + ".01." + base36(int64(len(body)), 2)
	return s + base36(int64(crc32.ChecksumIEEE([]byte(s))), 7)
}

// base36 writes n in base 36, padded with zeros to width.
func base36(n int64, width int) string {
	s := strconv.FormatInt(n, 36)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return b
}

func randomHex(n int) string { return hex.EncodeToString(randomBytes(n)) }

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
