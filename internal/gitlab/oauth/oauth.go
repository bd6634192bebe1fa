// Package oauth is the OAuth 2.0 of a GitLab: authorization code with PKCE, for
// an application that is registered there. It gets tokens, refreshes and revokes
// them; what becomes of them then is not its affair.
//
// What always holds: a code and a refresh token leave at most once per call,
// towards the instance alone, redirects included; every error is a *Failure that
// says whether they may be used up, and no error holds a code, a token or the
// application's secret.
package oauth

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
)

// timeout bounds one request, like rest's.
const timeout = 90 * time.Second

// Scope is what cxm asks for: issues need GitLab's api.
const Scope = "api"

// Options is what a Client needs.
type Options struct {
	URL         string            // of the instance, as integration.ParseURL reads it
	Application string            // its id on that instance
	Key         credential.Secret // its secret; empty: an application that is not confidential
	Redirect    string            // where people are sent back to, as it is registered there
	Transport   http.RoundTripper // nil: rest.NewTransport()
	Clock       func() time.Time  // nil: time.Now
}

// Client is one application on one instance. It is safe for many goroutines.
type Client struct {
	base   *url.URL
	config oauth2.Config
	key    credential.Secret
	http   *http.Client
	clock  func() time.Time
}

// New makes a client. It sends nothing; the error names the option that is wrong.
func New(o Options) (*Client, error) {
	text, err := integration.ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the instance URL: %w", err)
	}
	if strings.TrimSpace(o.Application) == "" {
		return nil, errors.New("the application id is missing: register an application in GitLab and give its Application ID")
	}
	if o.Transport == nil {
		o.Transport = rest.NewTransport()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Client{
		base: base, key: o.Key, clock: o.Clock,
		config: oauth2.Config{
			ClientID: strings.TrimSpace(o.Application), ClientSecret: o.Key.Reveal(), RedirectURL: o.Redirect, Scopes: []string{Scope},
			// The style is said, since x/oauth2 would find it out by sending twice.
			Endpoint: oauth2.Endpoint{AuthURL: text + "/oauth/authorize", TokenURL: text + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
		},
		http: &http.Client{
			Transport: &guard{next: o.Transport, base: base}, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Verifier is a new secret of PKCE (RFC 7636), to be kept until the code comes.
func Verifier() credential.Secret { return credential.NewSecret(oauth2.GenerateVerifier()) }

// Challenge is what of a verifier is sent ahead (S256).
func Challenge(verifier credential.Secret) string {
	return oauth2.S256ChallengeFromVerifier(verifier.Reveal())
}

// AuthorizeURL is the page on which a person agrees. state comes back with them.
func (c *Client) AuthorizeURL(state, challenge string) string {
	return c.config.AuthCodeURL(state, oauth2.SetAuthURLParam("code_challenge", challenge), oauth2.SetAuthURLParam("code_challenge_method", "S256"))
}

// Exchange turns a code into a grant. A code is for one use: after any error a
// person has to agree again.
func (c *Client) Exchange(ctx context.Context, code string, verifier credential.Secret) (credential.Grant, error) {
	r := request{doing: "exchanging the code for tokens at " + c.base.Host, secrets: []string{code, verifier.Reveal()}, retry: "run the command again"}
	return c.grant(ctx, r, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config.Exchange(ctx, code, oauth2.VerifierOption(verifier.Reveal()))
	})
}

// Refresh gets the next pair; GitLab ends the old one at once. begin is called
// right before the request leaves, and keeps it from leaving with an error. The
// Failure says what is known of the old pair:
//
//	Unsent, Limited, BadClient, Refused, NotGitLab: it is as it was
//	BadGrant: the refresh token does not do any more
//	Doubtful: it may be used up; only a read with the access token can tell
func (c *Client) Refresh(ctx context.Context, old credential.Grant, begin func() error) (credential.Grant, error) {
	r := request{doing: "refreshing the OAuth token at " + c.base.Host, secrets: []string{old.Refresh.Reveal(), old.Access.Reveal()}, retry: "connect again with `cxm connect gitlab --oauth`", begin: begin}
	next, err := c.grant(ctx, r, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config.TokenSource(ctx, &oauth2.Token{RefreshToken: old.Refresh.Reveal()}).Token()
	})
	next.ID = old.ID
	return next, err
}

// grant sends what send sends, and reads the answer.
func (c *Client) grant(ctx context.Context, r request, send func(context.Context) (*oauth2.Token, error)) (credential.Grant, error) {
	r.secrets = append(r.secrets, c.key.Reveal())
	x := &exchange{begin: r.begin}
	began := c.clock()
	tok, err := send(x.in(context.WithValue(ctx, oauth2.HTTPClient, c.http)))
	if err == nil {
		err = complete(tok)
	}
	if err != nil {
		return credential.Grant{}, r.failure(x, err)
	}
	return c.read(tok, began), nil
}

// complete says what an answer lacks. x/oauth2 gives the old refresh token back
// where the answer has none.
func complete(tok *oauth2.Token) error {
	switch refresh, _ := tok.Extra("refresh_token").(string); {
	case refresh == "":
		return errors.New("the answer has no refresh token")
	case tok.TokenType != "" && !strings.EqualFold(tok.TokenType, "bearer"):
		return errors.New("the answer has a token of another type than bearer")
	}
	return nil
}

func (c *Client) read(tok *oauth2.Token, began time.Time) credential.Grant {
	g := credential.Grant{
		Application: c.config.ClientID, Key: c.key, Redirect: c.config.RedirectURL,
		Access: credential.NewSecret(tok.AccessToken), Refresh: credential.NewSecret(tok.RefreshToken),
		Scopes: []string{Scope}, MadeAt: began.UTC().Truncate(time.Second), ID: newID(),
	}
	if scope, ok := tok.Extra("scope").(string); ok && scope != "" {
		g.Scopes = strings.Fields(scope)
	}
	if tok.ExpiresIn > 0 {
		g.Lifetime = time.Duration(tok.ExpiresIn) * time.Second
		g.ExpiresAt = began.UTC().Add(g.Lifetime).Truncate(time.Second)
	}
	return g
}

// newID is the number by which cxm knows a grant: GitLab shows none.
func newID() int64 {
	var raw [8]byte
	rand.Read(raw[:]) // never fails
	return -1 - int64(binary.BigEndian.Uint64(raw[:])>>1)
}

// Revoke has GitLab forget a grant, both of its tokens. One that GitLab does not
// know is no error.
func (c *Client) Revoke(ctx context.Context, g credential.Grant) error {
	form := url.Values{"token": {g.Refresh.Reveal()}, "client_id": {c.config.ClientID}}
	if !c.key.Empty() {
		form.Set("client_secret", c.key.Reveal())
	}
	r := request{doing: "revoking the OAuth token at " + c.base.Host, secrets: []string{g.Refresh.Reveal(), g.Access.Reveal(), c.key.Reveal()}, retry: "revoke it on the page User settings > Applications in GitLab"}
	x := &exchange{}
	req, err := http.NewRequestWithContext(x.in(ctx), http.MethodPost, c.base.String()+"/oauth/revoke", strings.NewReader(form.Encode()))
	if err != nil {
		return r.failure(x, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.http.Do(req)
	if err == nil {
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			err = errors.New("the token was not revoked")
		}
	}
	if err != nil {
		return r.failure(x, err)
	}
	return nil
}

// Allowed says whether a grant is enough for what cxm does; the failure says what
// is missing.
func Allowed(g credential.Grant) error {
	if slices.Contains(g.Scopes, Scope) {
		return nil
	}
	return &Failure{Refused, issue.Trouble{
		Kind: issue.Forbidden, Doing: "reading what the OAuth token may do", Said: "it has the scopes " + strings.Join(g.Scopes, ", "),
		Mend: "Tick the scope api of the application in GitLab, and connect again",
	}}
}
