// Package oidctest is a small OpenID Connect provider for tests, which listens on this
// machine alone.
//
// What always holds: it checks what a provider must (the client, its secret, the
// redirect address, PKCE), so that a client that leaves one out is not let in.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The client that the provider knows.
const (
	Client  = "cxm-client"
	Secret  = "client-secret"
	Subject = "248289761001" // of whoever comes
)

// Provider is a provider that lets everybody in, as whom Person says. Its fields may
// be changed between requests.
type Provider struct {
	testing.TB
	URL string // its issuer

	mu      sync.Mutex
	Key     jose.JSONWebKey // signs
	Public  []jose.JSONWebKey
	Asked   url.Values     // by the browser, at last
	Person  map[string]any // claims beside or instead of those that it makes up; a nil one is left out
	Claims  map[string]any // of the next ID token: Visit writes them
	Info    map[string]any // nil: the endpoint does not answer
	Alg     jose.SignatureAlgorithm
	Forge   func(string) string // changes the ID token; nil: it stays
	Denies  string              // the error with which it sends people back; empty: it lets them in
	Down    bool
	Huge    bool
	KeyHits int
}

// New starts one.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{TB: t, Alg: jose.RS256}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.Rotate("one")
	return p
}

// Rotate signs with a new key from now on.
func (p *Provider) Rotate(id string) {
	p.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.Fatal(err)
	}
	p.Key = jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.RS256), Use: "sig"}
	p.Public = []jose.JSONWebKey{p.Key.Public()}
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p.Down:
		http.Error(w, "down", http.StatusBadGateway)
	case r.URL.Path == "/.well-known/openid-configuration":
		p.discovery(w)
	case r.URL.Path == "/authorize":
		p.authorize(w, r)
	case r.URL.Path == "/keys":
		p.KeyHits++
		p.write(w, jose.JSONWebKeySet{Keys: p.Public})
	case r.URL.Path == "/info" && p.Info != nil && r.Header.Get("Authorization") == "Bearer access":
		p.write(w, p.Info)
	case r.URL.Path == "/token":
		p.token(w, r)
	default:
		http.Error(w, "not here", http.StatusNotFound)
	}
}

func (p *Provider) write(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // who asks may stop reading
}

func (p *Provider) discovery(w http.ResponseWriter) {
	said := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"userinfo_endpoint": p.URL + "/info", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none", "ES256"},
	}
	if p.Huge {
		said["padding"] = strings.Repeat("x", 2<<20)
	}
	p.write(w, said)
}

// authorize is where the browser comes: it is sent back at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	back, err := url.Parse(r.FormValue("redirect_uri"))
	if err != nil || back.Host == "" || r.FormValue("client_id") != Client || r.FormValue("response_type") != "code" {
		http.Error(w, "this client is not known", http.StatusBadRequest)
		return
	}
	answer := p.visit(r.Form)
	if p.Denies != "" {
		answer = url.Values{"error": {p.Denies}, "state": answer["state"], "iss": answer["iss"]}
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// Visit goes to the provider, which lets the person in, and returns what the browser
// comes back with.
func (p *Provider) Visit(address string) url.Values {
	p.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.Fatal(err)
	}
	return p.visit(u.Query())
}

func (p *Provider) visit(asked url.Values) url.Values {
	p.Asked = asked
	now := time.Now()
	p.Claims = map[string]any{
		"iss": p.URL, "sub": Subject, "aud": Client, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": asked.Get("nonce"),
		"email": "engineer@example.com", "email_verified": true, "name": "Engineer", "groups": []string{"staff", "cloud"},
	}
	maps.Copy(p.Claims, p.Person)
	maps.DeleteFunc(p.Claims, func(_ string, v any) bool { return v == nil })
	p.Forge = nil
	return url.Values{"code": {"code"}, "state": {asked.Get("state")}, "iss": {p.URL}}
}

// token checks what a provider must, and answers with an ID token.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	user, pass, _ := r.BasicAuth()
	if user == "" {
		user, pass = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if r.FormValue("code") != "code" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.Asked.Get("code_challenge") ||
		p.Asked.Get("code_challenge_method") != "S256" || user != Client || pass != Secret || r.FormValue("redirect_uri") != p.Asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		p.write(w, map[string]string{"error": "invalid_grant", "error_description": "made up"})
		return
	}
	id := p.sign()
	if p.Forge != nil {
		id = p.Forge(id)
	}
	p.write(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": id})
}

func (p *Provider) sign() string {
	text, err := json.Marshal(p.Claims)
	if err != nil {
		p.Error(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.Alg, Key: p.Key}, nil)
	if err != nil {
		p.Error(err)
		return ""
	}
	signed, err := s.Sign(text)
	if err != nil {
		p.Error(err)
		return ""
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		p.Error(err)
	}
	return out
}
