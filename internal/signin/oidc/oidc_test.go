package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/oidc"
	"cxm/internal/signin/oidc/oidctest"
	"cxm/internal/signin/role"
)

const redirect = "https://cxm.example.com/signin/oidc/sso/callback"

// provider is the one of the tests, with a client of ours.
type provider struct{ *oidctest.Provider }

func newProvider(t *testing.T) *provider { return &provider{oidctest.New(t)} }

func (p *provider) options() oidc.Options {
	return oidc.Options{
		Name: "sso", Issuer: p.URL, Client: oidctest.Client, Secret: credential.NewSecret(oidctest.Secret), Redirect: redirect,
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

func (p *provider) visit(a oidc.Attempt) url.Values {
	p.Helper()
	return p.Visit(a.URL)
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
	if s := p.Asked.Get("scope"); s != "openid profile email" {
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
			p.Forge = func(s string) string {
				enc := base64.RawURLEncoding
				return enc.EncodeToString([]byte(header)) + "." + strings.Split(s, ".")[1] + "."
			}
		}
	}
	claim := func(name string, v any) func(*provider) { return func(p *provider) { p.Claims[name] = v } }
	for name, change := range map[string]func(*provider){
		"nonce":            claim("nonce", "another"),
		"no nonce":         claim("nonce", ""),
		"audience":         claim("aud", "somebody-else"),
		"several":          claim("aud", []string{oidctest.Client, "somebody-else"}),
		"party":            claim("azp", "somebody-else"),
		"issuer":           claim("iss", "https://id.example.com"),
		"expired":          claim("exp", time.Now().Add(-2*time.Minute).Unix()),
		"not yet":          claim("nbf", time.Now().Add(time.Hour).Unix()),
		"in the future":    claim("iat", time.Now().Add(time.Hour).Unix()),
		"nobody":           claim("sub", ""),
		"alg none":         unsigned(`{"alg":"none"}`),
		"alg None":         unsigned(`{"alg":"None"}`),
		"no alg":           unsigned(`{}`),
		"a key of another": func(p *provider) { p.Key, p.Alg = jose.JSONWebKey{Key: other, KeyID: "one"}, jose.ES256 },
		"public key as secret": func(p *provider) {
			text, err := p.Public[0].MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			p.Key, p.Alg = jose.JSONWebKey{Key: text, KeyID: "one"}, jose.HS256
		},
		"changed": func(p *provider) {
			p.Forge = func(s string) string {
				parts := strings.Split(s, ".")
				text, _ := base64.RawURLEncoding.DecodeString(parts[1])
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), "staff", "cloud-admins", 1)))
				return strings.Join(parts, ".")
			}
		},
		"none at all": func(p *provider) { p.Forge = func(string) string { return "" } },
		"groups":      claim("groups", map[string]any{"cloud-admins": true}),
		"a group":     claim("groups", []any{"cloud", 7}),
		"too many groups": func(p *provider) {
			delete(p.Claims, "groups")
			p.Claims["_claim_names"] = map[string]string{"groups": "src1"}
			p.Claims["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": "https://graph.example.com"}}
		},
		"another's info": func(p *provider) {
			delete(p.Claims, "groups")
			p.Info = map[string]any{"sub": "7", "groups": []string{"cloud-admins"}}
		},
	} {
		key, alg := p.Key, p.Alg
		p.Info = map[string]any{"sub": "248289761001"}
		a := p.begin(o)
		answer := p.visit(a)
		change(p)
		got, err := o.Finish(t.Context(), a.Cookie, answer)
		if !errors.Is(err, oidc.ErrProof) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		p.Key, p.Alg = key, alg
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
	p.Asked.Set("code_challenge", "of another attempt")
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
			p.Rotate(id)
		}
		for range 2 {
			a := p.begin(o)
			if _, err := o.Finish(t.Context(), a.Cookie, p.visit(a)); err != nil {
				t.Errorf("key %s: %v", id, err)
			}
		}
	}
	if p.KeyHits != 3 {
		t.Errorf("the keys were asked for %d times, not once for each", p.KeyHits)
	}
	a := p.begin(o)
	answer := p.visit(a)
	p.Claims["exp"], p.Claims["iat"] = time.Now().Add(-30*time.Second).Unix(), time.Now().Add(30*time.Second).Unix()
	if _, err := o.Finish(t.Context(), a.Cookie, answer); err != nil {
		t.Errorf("half a minute off: %v", err)
	}
}

// A provider that is down, or sends no end, is said to be, and asked again later.
func TestDown(t *testing.T) {
	p := newProvider(t)
	now := time.Now()
	o := p.open(func(o *oidc.Options) { o.Clock = func() time.Time { return now } })
	p.Down = true
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	p.Down, p.Huge, now = false, true, now.Add(10*time.Second)
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) || len(err.Error()) > 1000 {
		t.Errorf("%v", err)
	}
	p.Huge, now = false, now.Add(time.Second)
	if _, err := o.Begin(t.Context()); !errors.Is(err, oidc.ErrUnreachable) {
		t.Errorf("asked again at once: %v", err)
	}
	now = now.Add(10 * time.Second)
	a := p.begin(o)
	answer := p.visit(a)
	p.Down = true
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
	p.Info = map[string]any{"sub": "248289761001", "groups": "cloud-admins", "email": "evil@example.com", "email_verified": "true"}
	a := p.begin(o)
	answer := p.visit(a)
	delete(p.Claims, "groups")
	p.Claims["email_verified"] = false
	got, err := o.Finish(t.Context(), a.Cookie, answer)
	if err != nil {
		t.Fatal(err)
	}
	if got.Email != "engineer@example.com" || got.Verified || len(got.Grants) != 1 || got.Grants[0].Role != role.Admin {
		t.Errorf("%+v", got)
	}
	p.Info = nil
	answer = p.visit(a)
	delete(p.Claims, "groups")
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
