// Package oidc lets people sign in with an OpenID Connect provider: authorization code
// with PKCE, state and nonce, and roles by the groups that the provider names.
//
// What always holds: what a provider says counts only with a signature by a key of
// its own, for this client, for this attempt to sign in, and not longer than it says;
// an attempt belongs to the browser that began it; somebody in no group that is
// mapped does not come in; a provider that is down holds up nothing but its own
// sign-in.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// Options are one provider, as an admin of the installation configures it.
type Options struct {
	Name     string            // here: lower-case letters, digits, dashes; in addresses and on the button
	Issuer   string            // exactly as the provider writes it; https, but on this machine
	Client   string            // the client's ID at the provider
	Secret   credential.Secret // of the client; empty: a public client
	Redirect string            // where the provider sends people back to, as it is registered there; empty: At says it
	Scopes   []string          // beside openid, profile and email
	Groups   string            // the claim that has the groups; default: groups
	Map      []Mapping         // at least one

	Transport http.RoundTripper // optional: one with time limits, by the environment's proxy
	Clock     func() time.Time  // optional: time.Now
	Skew      time.Duration     // how far the provider's clock may be off; default: one minute
}

// Mapping gives who is in a group a role in a tenant.
type Mapping struct {
	Group  string // as the claim spells it
	Tenant string
	Role   role.Role
}

// Errors that callers tell apart, with errors.Is. What a provider says beyond is in
// their text.
var (
	// ErrUnreachable: the provider does not answer, or not as one.
	ErrUnreachable = errors.New("the provider cannot be reached at this moment: try again later, or sign in with a password")
	// ErrAttempt: the answer is to no attempt of this browser that is under way.
	ErrAttempt = errors.New("this sign-in was begun elsewhere, or too long ago: begin again")
	// ErrProof: the provider's answer proves nothing.
	ErrProof = errors.New("the provider's answer does not prove who you are: begin again, and tell an admin if it stays so")
	// ErrDenied: the provider, or the person at it, said no.
	ErrDenied = errors.New("the provider did not let you in")
)

const (
	lasts      = 10 * time.Minute // an attempt
	mostBytes  = 1 << 20          // of an answer
	mostGroups = 2000
)

// Provider is one provider. It is safe for concurrent use, and asks the provider for
// the first time when somebody wants to sign in.
type Provider struct {
	o      Options
	client *http.Client
	*memory
}

// memory is what is known of the provider, wherever it sends people back to.
type memory struct {
	mu    sync.Mutex
	found *oidc.Provider // nil: not asked yet, or in vain
	at    time.Time      // when it was asked
}

// New makes one. It asks nobody; the error names what is wrong with the options.
func New(o Options) (*Provider, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("the provider %q: %w", o.Name, err)
	}
	if o.Groups == "" {
		o.Groups = "groups"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Skew <= 0 {
		o.Skew = time.Minute
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
			IdleConnTimeout: time.Minute, MaxIdleConns: 4, ForceAttemptHTTP2: true,
		}
	}
	return &Provider{o: o, memory: &memory{}, client: &http.Client{
		Transport: bounded{o.Transport}, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// At is the same provider, which sends people back to another address: begin and
// finish a sign-in with the same one.
func (p *Provider) At(redirect string) (*Provider, error) {
	if err := secure("the redirect address", redirect); err != nil {
		return nil, err
	}
	out := *p
	out.o.Redirect = redirect
	return &out, nil
}

var fit = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (o Options) check() error {
	switch {
	case !fit.MatchString(o.Name) || o.Name == signin.MethodPassword || o.Name == signin.MethodLink:
		return errors.New("give it a name of lower-case letters, digits and dashes, which is not password or link")
	case o.Client == "":
		return errors.New("the client's ID is missing: the provider shows it where the client is registered")
	case len(o.Map) == 0:
		return errors.New("no group is mapped to a role, so that nobody could sign in: map at least one")
	}
	for i, m := range o.Map {
		if _, err := role.Parse(string(m.Role)); err != nil || m.Group == "" || m.Tenant == "" {
			return errors.Join(fmt.Errorf("mapping %d needs a group, a tenant and a role", i+1), err)
		}
	}
	if o.Redirect == "" {
		return secure("the issuer", o.Issuer)
	}
	return errors.Join(secure("the issuer", o.Issuer), secure("the redirect address", o.Redirect))
}

// secure says that an address can be trusted with people's sign-in.
func secure(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s %q is no address: write it like https://id.example.com", what, text)
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("%s %q must begin with https://", what, text)
	}
	return nil
}

// Name is that of the provider here.
func (p *Provider) Name() string { return p.o.Name }

// algorithms are those that an ID token may be signed with: none that needs a secret
// which both sides know, and not "none".
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// again is how long nobody asks anew after the provider could not be reached, and how
// long what it said of itself is believed.
const (
	again   = 5 * time.Second
	believe = time.Hour
)

// discover is what the provider says of itself. One that is down is asked again by
// who comes some seconds later; while it is, what it said before is believed.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Clock()
	since := now.Sub(p.at)
	if p.found != nil && since < believe {
		return p.found, nil
	}
	if p.found == nil && !p.at.IsZero() && since >= 0 && since < again {
		return nil, ErrUnreachable
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.o.Issuer)
	if ctx.Err() == nil {
		p.at = now
	}
	if err == nil {
		err = endpoints(found)
	}
	switch {
	case err == nil:
		p.found = found
	case p.found == nil:
		return nil, fmt.Errorf("%w (%s)", ErrUnreachable, short(err))
	}
	return p.found, nil
}

// endpoints says that the provider sends nobody, and no secret, anywhere unprotected.
func endpoints(found *oidc.Provider) error {
	var extra struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&extra); err != nil {
		return err
	}
	e := found.Endpoint()
	if info := found.UserInfoEndpoint(); info != "" {
		if err := secured("userinfo_endpoint", info); err != nil {
			return err
		}
	}
	return errors.Join(secured("authorization_endpoint", e.AuthURL), secured("token_endpoint", e.TokenURL), secured("jwks_uri", extra.Keys))
}

// secured is secure for an address that may have a query.
func secured(what, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	u.RawQuery = ""
	return secure(what, u.String())
}

// short is an error without what a provider may have put into it beyond measure.
func short(err error) string { return signin.CleanAgent(err.Error()) }

func (p *Provider) config(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.Client, ClientSecret: p.o.Secret.Reveal(), Endpoint: found.Endpoint(), RedirectURL: p.o.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, p.o.Scopes...),
	}
}

// bounded reads no answer beyond what one of a provider has.
type bounded struct{ http.RoundTripper }

// RoundTrip sends a request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, mostBytes)
	}
	return resp, err
}
