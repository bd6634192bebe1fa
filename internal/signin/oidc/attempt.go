package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cxm/internal/credential"
	"cxm/internal/signin"
)

// Attempt is a sign-in under way.
type Attempt struct {
	URL    string            // where the browser is sent
	Cookie credential.Secret // what it keeps until it comes back: HttpOnly, Secure, SameSite=Lax, for ten minutes
}

// Begin begins a sign-in. Nothing is kept here: state, nonce and the PKCE verifier
// are made of what the browser keeps, so that an answer counts only where it was
// asked for. The error is ErrUnreachable.
func (p *Provider) Begin(ctx context.Context) (Attempt, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return Attempt{}, err
	}
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // it never fails
	cookie := credential.NewSecret(strconv.FormatInt(p.o.Clock().Unix(), 36) + "." + base64.RawURLEncoding.EncodeToString(bits))
	to := p.config(found).AuthCodeURL(p.derive(cookie, "state"), oidc.Nonce(p.derive(cookie, "nonce")), oauth2.S256ChallengeOption(p.derive(cookie, "verifier")))
	return Attempt{URL: to, Cookie: cookie}, nil
}

// derive is one of the three texts of an attempt.
func (p *Provider) derive(cookie credential.Secret, what string) string {
	sum := hmac.New(sha256.New, []byte(cookie.Reveal()))
	sum.Write([]byte(what + "\x00" + p.o.Name))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

// fresh says that the browser began an attempt, and not too long ago.
func (p *Provider) fresh(cookie credential.Secret) bool {
	at, bits, ok := strings.Cut(cookie.Reveal(), ".")
	seconds, err := strconv.ParseInt(at, 36, 64)
	age := p.o.Clock().Sub(time.Unix(seconds, 0))
	return ok && err == nil && len(bits) == base64.RawURLEncoding.EncodedLen(32) && age >= -time.Second && age < lasts
}

// Finish reads the answer with which the browser comes back, and says who was proved.
// The caller forgets the cookie then, whatever came of it. Somebody in no group that
// is mapped comes without grants: desk.SignInAs refuses them, and takes away what
// they had. The errors are ErrAttempt, ErrDenied, ErrProof and ErrUnreachable.
func (p *Provider) Finish(ctx context.Context, cookie credential.Secret, answer url.Values) (signin.Identity, error) {
	state := credential.NewSecret(answer.Get("state"))
	if !p.fresh(cookie) || !state.Equal(credential.NewSecret(p.derive(cookie, "state"))) {
		return signin.Identity{}, ErrAttempt
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.o.Issuer { // RFC 9207
		return signin.Identity{}, fmt.Errorf("%w (it is of another provider)", ErrAttempt)
	}
	if code := answer.Get("error"); code != "" {
		return signin.Identity{}, fmt.Errorf("%w (%s)", ErrDenied, short(errors.New(code+" "+answer.Get("error_description"))))
	}
	found, err := p.discover(ctx)
	if err != nil {
		return signin.Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(found).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(p.derive(cookie, "verifier")))
	if err != nil {
		return signin.Identity{}, exchanged(err)
	}
	id, err := p.verify(ctx, found, token, p.derive(cookie, "nonce"))
	if err != nil {
		return signin.Identity{}, err
	}
	return p.identity(ctx, found, token, id)
}

// exchanged tells a provider that says no from one that is down.
func exchanged(err error) error {
	if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok && said.Response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("%w (the code was refused: %s)", ErrProof, short(errors.New(said.ErrorCode+" "+said.ErrorDescription)))
	}
	return ErrUnreachable
}

// verify is the ID token, if it proves something.
func (p *Provider) verify(ctx context.Context, found *oidc.Provider, token *oauth2.Token, nonce string) (*oidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, fmt.Errorf("%w (there is no ID token: the client must be one for OpenID Connect)", ErrProof)
	}
	id, err := found.Verifier(&oidc.Config{
		ClientID: p.o.Client, SupportedSigningAlgs: algorithms(), Now: func() time.Time { return p.o.Clock().Add(-p.o.Skew) },
	}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrProof, short(err))
	}
	var extra struct {
		Party string `json:"azp"`
	}
	switch err := id.Claims(&extra); {
	case err != nil:
		return nil, fmt.Errorf("%w (%s)", ErrProof, short(err))
	case !credential.NewSecret(id.Nonce).Equal(credential.NewSecret(nonce)):
		return nil, fmt.Errorf("%w (its nonce is of another sign-in)", ErrProof)
	case extra.Party != "" && extra.Party != p.o.Client, len(id.Audience) > 1 && extra.Party == "":
		return nil, fmt.Errorf("%w (it was made for another client)", ErrProof)
	case id.Subject == "" || len(id.Subject) > 255:
		return nil, fmt.Errorf("%w (it names nobody)", ErrProof)
	case id.IssuedAt.After(p.o.Clock().Add(p.o.Skew)):
		return nil, fmt.Errorf("%w (it was made in the future: one of the two clocks is wrong)", ErrProof)
	}
	return id, nil
}

// identity reads what the provider says of somebody whom it proved.
func (p *Provider) identity(ctx context.Context, found *oidc.Provider, token *oauth2.Token, id *oidc.IDToken) (signin.Identity, error) {
	var said claims
	if err := id.Claims(&said); err != nil {
		return signin.Identity{}, fmt.Errorf("%w (%s)", ErrProof, short(err))
	}
	if said[p.o.Groups] == nil || said["email"] == nil {
		if err := p.ask(ctx, found, token, id, said); err != nil {
			return signin.Identity{}, err
		}
	}
	groups, err := said.groups(p.o.Groups)
	if err != nil {
		return signin.Identity{}, err
	}
	return signin.Identity{
		Provider: p.o.Name, Issuer: p.o.Issuer, Subject: id.Subject, Email: said.text("email"), Verified: said.yes("email_verified"),
		Name: said.name(), Grants: p.grants(groups),
	}, nil
}

// ask adds what the ID token leaves out and the user info endpoint has. What is in the
// token stays as it is.
func (p *Provider) ask(ctx context.Context, found *oidc.Provider, token *oauth2.Token, id *oidc.IDToken, said claims) error {
	if found.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("%w (%s)", ErrUnreachable, short(err))
	}
	if info.Subject != id.Subject {
		return fmt.Errorf("%w (its user info is about somebody else)", ErrProof)
	}
	var more claims
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w (%s)", ErrProof, short(err))
	}
	if said["email"] == nil { // with what is said of the same address, or not at all
		said["email"], said["email_verified"] = more["email"], more["email_verified"]
	}
	for _, name := range []string{p.o.Groups, "name", "preferred_username"} {
		if said[name] == nil {
			said[name] = more[name]
		}
	}
	return nil
}

// grants are the roles that groups give: of several in one tenant the highest.
func (p *Provider) grants(groups []string) []signin.Grant {
	var out []signin.Grant
	for _, m := range p.o.Map {
		if !slices.Contains(groups, m.Group) {
			continue
		}
		g := signin.Grant{Tenant: m.Tenant, Role: m.Role, Origin: p.o.Issuer}
		i := slices.IndexFunc(out, func(o signin.Grant) bool { return o.Tenant == m.Tenant })
		switch {
		case i < 0:
			out = append(out, g)
		case g.Role.Covers(out[i].Role):
			out[i] = g
		}
	}
	return out
}
