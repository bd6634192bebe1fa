package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/oidc"
	"cxm/internal/signin/role"
)

const (
	client   = "cxm-client"
	redirect = "https://cxm.example.com/signin/sso/callback"
)

// provider is a small OpenID Connect provider.
type provider struct {
	*testing.T
	URL string

	mu      sync.Mutex
	key     jose.JSONWebKey // signs
	public  []jose.JSONWebKey
	asked   url.Values // by the browser
	claims  map[string]any
	info    map[string]any // nil: the endpoint does not answer
	alg     jose.SignatureAlgorithm
	forge   func(string) string // changes the ID token
	down    bool
	huge    bool
	keyHits int
}

func newProvider(t *testing.T) *provider {
	p := &provider{T: t, alg: jose.RS256}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.rotate("one")
	return p
}

// rotate signs with a new key from now on.
func (p *provider) rotate(id string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.Fatal(err)
	}
	p.key = jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.RS256), Use: "sig"}
	p.public = []jose.JSONWebKey{p.key.Public()}
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p.down:
		http.Error(w, "down", http.StatusBadGateway)
	case r.URL.Path == "/.well-known/openid-configuration":
		said := map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/info", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none", "ES256"},
		}
		if p.huge {
			said["padding"] = strings.Repeat("x", 2<<20)
		}
		p.write(w, said)
	case r.URL.Path == "/keys":
		p.keyHits++
		p.write(w, jose.JSONWebKeySet{Keys: p.public})
	case r.URL.Path == "/info" && p.info != nil && r.Header.Get("Authorization") == "Bearer access":
		p.write(w, p.info)
	case r.URL.Path == "/token":
		p.token(w, r)
	default:
		http.Error(w, "not here", http.StatusNotFound)
	}
}

func (p *provider) write(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // who asks may stop reading
}

// token checks what a provider must, and answers with an ID token.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	user, pass, _ := r.BasicAuth()
	if user == "" {
		user, pass = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if r.FormValue("code") != "code" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.asked.Get("code_challenge") ||
		p.asked.Get("code_challenge_method") != "S256" || user != client || pass != "client-secret" || r.FormValue("redirect_uri") != redirect {
		w.WriteHeader(http.StatusBadRequest)
		p.write(w, map[string]string{"error": "invalid_grant", "error_description": "made up"})
		return
	}
	p.write(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": p.forge(p.sign())})
}

func (p *provider) sign() string {
	text, err := json.Marshal(p.claims)
	if err != nil {
		p.Fatal(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key}, nil)
	if err != nil {
		p.Fatal(err)
	}
	signed, err := s.Sign(text)
	if err != nil {
		p.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		p.Fatal(err)
	}
	return out
}

func (p *provider) options() oidc.Options {
	return oidc.Options{
		Name: "sso", Issuer: p.URL, Client: client, Secret: credential.NewSecret("client-secret"), Redirect: redirect,
		Map: []oidc.Mapping{
			{"cloud", "default", role.Viewer}, {"cloud-admins", "default", role.Admin}, {"cloud", "other", role.Member},
		},
		Transport: http.DefaultTransport,
	}
}

func (p *provider) open(change ...func(*oidc.Options)) *oidc.Provider {
	p.Helper()
	o := p.options()
	for _, f := range change {
		f(&o)
	}
	out, err := oidc.New(o)
	if err != nil {
		p.Fatal(err)
	}
	return out
}

// visit goes to the provider, which lets the person in, and returns what the browser
// comes back with.
func (p *provider) visit(a oidc.Attempt) url.Values {
	p.Helper()
	u, err := url.Parse(a.URL)
	if err != nil {
		p.Fatal(err)
	}
	p.asked = u.Query()
	now := time.Now()
	p.claims = map[string]any{
		"iss": p.URL, "sub": "248289761001", "aud": client, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": p.asked.Get("nonce"),
		"email": "engineer@example.com", "email_verified": true, "name": "Engineer", "groups": []string{"staff", "cloud"},
	}
	p.forge = func(s string) string { return s }
	return url.Values{"code": {"code"}, "state": {p.asked.Get("state")}, "iss": {p.URL}}
}

func (p *provider) begin(o *oidc.Provider) oidc.Attempt {
	p.Helper()
	a, err := o.Begin(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return a
}

func TestSignIn(t *testing.T) {
	p := newProvider(t)
	o := p.open()
	a := p.begin(o)
	got, err := o.Finish(t.Context(), a.Cookie, p.visit(a))
	if err != nil {
		t.Fatal(err)
	}
	want := signin.Identity{
		Provider: "sso", Issuer: p.URL, Subject: "248289761001", Email: "engineer@example.com", Verified: true, Name: "Engineer",
		Grants: []signin.Grant{{Tenant: "default", Role: role.Viewer, Origin: p.URL}, {Tenant: "other", Role: role.Member, Origin: p.URL}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := p.asked.Get("scope"); s != "openid profile email" {
		t.Errorf("scopes: %s", s)
	}
	if strings.Contains(a.URL, a.Cookie.Reveal()) {
		t.Error("what the browser keeps is in the address")
	}
}

// What proves nothing lets nobody in.
func TestForged(t *testing.T) {
	p := newProvider(t)
	o := p.open()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := func(header string) func(*provider) {
		return func(p *provider) {
			p.forge = func(s string) string {
				enc := base64.RawURLEncoding
				return enc.EncodeToString([]byte(header)) + "." + strings.Split(s, ".")[1] + "."
			}
		}
	}
	claim := func(name string, v any) func(*provider) { return func(p *provider) { p.claims[name] = v } }
	for name, change := range map[string]func(*provider){
		"nonce":            claim("nonce", "another"),
		"no nonce":         claim("nonce", ""),
		"audience":         claim("aud", "somebody-else"),
		"several":          claim("aud", []string{client, "somebody-else"}),
		"party":            claim("azp", "somebody-else"),
		"issuer":           claim("iss", "https://id.example.com"),
		"expired":          claim("exp", time.Now().Add(-2*time.Minute).Unix()),
		"not yet":          claim("nbf", time.Now().Add(time.Hour).Unix()),
		"in the future":    claim("iat", time.Now().Add(time.Hour).Unix()),
		"nobody":           claim("sub", ""),
		"alg none":         unsigned(`{"alg":"none"}`),
		"alg None":         unsigned(`{"alg":"None"}`),
		"no alg":           unsigned(`{}`),
		"a key of another": func(p *provider) { p.key, p.alg = jose.JSONWebKey{Key: other, KeyID: "one"}, jose.ES256 },
		"public key as secret": func(p *provider) {
			text, err := p.public[0].MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			p.key, p.alg = jose.JSONWebKey{Key: text, KeyID: "one"}, jose.HS256
		},
		"changed": func(p *provider) {
			p.forge = func(s string) string {
				parts := strings.Split(s, ".")
				text, _ := base64.RawURLEncoding.DecodeString(parts[1])
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), "staff", "cloud-admins", 1)))
				return strings.Join(parts, ".")
			}
		},
		"none at all": func(p *provider) { p.forge = func(string) string { return "" } },
		"groups":      claim("groups", map[string]any{"cloud-admins": true}),
		"a group":     claim("groups", []any{"cloud", 7}),
		"too many groups": func(p *provider) {
			delete(p.claims, "groups")
			p.claims["_claim_names"] = map[string]string{"groups": "src1"}
			p.claims["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": "https://graph.example.com"}}
		},
		"another's info": func(p *provider) {
			delete(p.claims, "groups")
			p.info = map[string]any{"sub": "7", "groups": []string{"cloud-admins"}}
		},
	} {
		key, alg := p.key, p.alg
		p.info = map[string]any{"sub": "248289761001"}
		a := p.begin(o)
		answer := p.visit(a)
		change(p)
		got, err := o.Finish(t.Context(), a.Cookie, answer)
		if !errors.Is(err, oidc.ErrProof) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		p.key, p.alg = key, alg
	}
	a := p.begin(o)
	if _, err := o.Finish(t.Context(), a.Cookie, p.visit(a)); err != nil {
		t.Errorf("a good one after all these: %v", err)
	}
}

// An answer counts where it was asked for, and soon.
func TestAttempts(t *testing.T) {
	p := newProvider(t)
	now := time.Now()
	o := p.open(func(o *oidc.Options) { o.Clock = func() time.Time { return now } })
	twin := p.open(func(o *oidc.Options) { o.Name = "twin" })
	mine, theirs := p.begin(o), p.begin(o)
	for name, c := range map[string]struct {
		cookie credential.Secret
		change func(url.Values)
		want   error
	}{
		"another browser":  {theirs.Cookie, nil, oidc.ErrAttempt},
		"no cookie":        {credential.Secret{}, nil, oidc.ErrAttempt},
		"a made-up cookie": {credential.NewSecret("zzzz.x"), nil, oidc.ErrAttempt},
		"another provider": {p.begin(twin).Cookie, nil, oidc.ErrAttempt},
		"no state":         {mine.Cookie, func(v url.Values) { v.Del("state") }, oidc.ErrAttempt},
		"mixed up":         {mine.Cookie, func(v url.Values) { v.Set("iss", "https://evil.example.com") }, oidc.ErrAttempt},
		"said no":          {mine.Cookie, func(v url.Values) { v.Set("error", "access_denied") }, oidc.ErrDenied},
		"another code":     {mine.Cookie, func(v url.Values) { v.Set("code", "other") }, oidc.ErrProof},
	} {
		answer := p.visit(mine)
		if c.change != nil {
			c.change(answer)
		}
		if _, err := o.Finish(t.Context(), c.cookie, answer); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer := p.visit(mine)
	p.asked.Set("code_challenge", "of another attempt")
	if _, err := o.Finish(t.Context(), mine.Cookie, answer); !errors.Is(err, oidc.ErrProof) {
		t.Errorf("the code of another attempt: %v", err)
	}
	answer = p.visit(mine)
	now = now.Add(10 * time.Minute)
	if _, err := o.Finish(t.Context(), mine.Cookie, answer); !errors.Is(err, oidc.ErrAttempt) {
		t.Errorf("ten minutes later: %v", err)
	}
}

// A provider may change its keys, and be a little off.
func TestKeysAndClocks(t *testing.T) {
	p := newProvider(t)
	o := p.open()
	for _, id := range []string{"one", "two", "three"} {
		if id != "one" {
			p.rotate(id)
		}
		for range 2 {
			a := p.begin(o)
			if _, err := o.Finish(t.Context(), a.Cookie, p.visit(a)); err != nil {
				t.Errorf("key %s: %v", id, err)
			}
		}
	}
	if p.keyHits != 3 {
		t.Errorf("the keys were asked for %d times, not once for each", p.keyHits)
	}
	a := p.begin(o)
	answer := p.visit(a)
	p.claims["exp"], p.claims["iat"] = time.Now().Add(-30*time.Second).Unix(), time.Now().Add(30*time.Second).Unix()
	if _, err := o.Finish(t.Context(), a.Cookie, answer); err != nil {
		t.Errorf("half a minute off: %v", err)
	}
}

// A provider that is down, or sends no end, is said to be, and asked again later.
func TestDown(t *testing.T) {
	p := newProvider(t)
	now := time.Now()
	o := p.open(func(o *oidc.Options) { o.Clock = func() time.Time { return now } })
	p.down = true
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	p.down, p.huge, now = false, true, now.Add(10*time.Second)
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) || len(err.Error()) > 1000 {
		t.Errorf("%v", err)
	}
	p.huge, now = false, now.Add(time.Second)
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("asked again at once: %v", err)
	}
	now = now.Add(10 * time.Second)
	a := p.begin(o)
	answer := p.visit(a)
	p.down = true
	if _, err := o.Finish(t.Context(), a.Cookie, answer); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("down between the two: %v", err)
	}
	now = now.Add(2 * time.Hour)
	if _, err := o.Begin(t.Context()); err != nil {
		t.Errorf("what the provider said of itself is forgotten while it is down: %v", err)
	}
}

// What the ID token leaves out is asked for.
func TestUserInfo(t *testing.T) {
	p := newProvider(t)
	o := p.open()
	p.info = map[string]any{"sub": "248289761001", "groups": "cloud-admins", "email": "evil@example.com", "email_verified": "true"}
	a := p.begin(o)
	answer := p.visit(a)
	delete(p.claims, "groups")
	p.claims["email_verified"] = false
	got, err := o.Finish(t.Context(), a.Cookie, answer)
	if err != nil {
		t.Fatal(err)
	}
	if got.Email != "engineer@example.com" || got.Verified || len(got.Grants) != 1 || got.Grants[0].Role != role.Admin {
		t.Errorf("%+v", got)
	}
	p.info = nil
	answer = p.visit(a)
	delete(p.claims, "groups")
	if _, err := o.Finish(t.Context(), a.Cookie, answer); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("an endpoint that does not answer: %v", err)
	}
}

func TestOptions(t *testing.T) {
	p := newProvider(t)
	for want, change := range map[string]func(*oidc.Options){
		"name of lower-case":   func(o *oidc.Options) { o.Name = "password" },
		"client's ID":          func(o *oidc.Options) { o.Client = "" },
		"nobody could sign in": func(o *oidc.Options) { o.Map = nil },
		"mapping 2":            func(o *oidc.Options) { o.Map = append(o.Map[:1], oidc.Mapping{"x", "default", role.Installation}) },
		"begin with https":     func(o *oidc.Options) { o.Issuer = "http://id.example.com" },
		"redirect address":     func(o *oidc.Options) { o.Redirect = "cxm.example.com" },
		"is no address":        func(o *oidc.Options) { o.Issuer = "https://user:pass@id.example.com" },
	} {
		o := p.options()
		change(&o)
		if _, err := oidc.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}
