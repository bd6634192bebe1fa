package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/oauth2"

	"cxm/internal/sandbox"
	"cxm/internal/sandbox/oauth/browser"
)

const callback = "http://127.0.0.1:7171/callback"

// oauthBed is a sandbox with an application, and x/oauth2 set up for it.
type oauthBed struct {
	t      *testing.T
	server *sandbox.Server
	admin  client
	config oauth2.Config
	now    *time.Time
}

func newOAuthBed(t *testing.T, confidential bool, lifetime time.Duration) oauthBed {
	t.Helper()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	server, admin := serve(t, sandbox.Options{
		Seed: sandbox.SeedDemo, Password: "at least " + t.Name(), OAuthLifetime: lifetime, Clock: func() time.Time { return now },
	})
	form := url.Values{"name": {"cxm"}, "redirect_uri": {callback + "\nhttps://cxm.example.com/oauth"}, "scopes": {"api read_user"}}
	if !confidential {
		form.Set("confidential", "false")
	}
	app := admin.api(201, "POST", "/applications", form.Encode())
	b := oauthBed{t: t, server: server, admin: admin, now: &now, config: oauth2.Config{
		ClientID: app.str("application_id"), RedirectURL: callback, Scopes: []string{"api"},
		Endpoint: oauth2.Endpoint{AuthURL: admin.url + "/oauth/authorize", TokenURL: admin.url + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
	if confidential {
		b.config.ClientSecret = app.str("secret")
	}
	return b
}

// decide lets a person decide and gives where the browser is sent.
func (b oauthBed) decide(who, address string, agree bool) (url.Values, error) {
	b.t.Helper()
	p := browser.Person{Username: who, Password: b.server.Password()}
	to, err := p.Decide(b.t.Context(), address, agree)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(to)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Query(), nil
}

// code is a code for the verifier.
func (b oauthBed) code(verifier string) string {
	b.t.Helper()
	got, err := b.decide("engineer", b.config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), true)
	if err != nil || got.Get("code") == "" || got.Get("state") != "s" {
		b.t.Fatalf("got %v, %v", got, err)
	}
	return got.Get("code")
}

func (b oauthBed) tokens() *oauth2.Token {
	b.t.Helper()
	verifier := oauth2.GenerateVerifier()
	tok, err := b.config.Exchange(b.t.Context(), b.code(verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		b.t.Fatal(err)
	}
	return tok
}

func (b oauthBed) user(secret string) result {
	return b.admin.as("").do("GET", "/api/v4/user", "", "Authorization", "Bearer "+secret)
}

func oauthError(err error) string {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return r.ErrorCode
	}
	return ""
}

func TestOAuthWithClientGo(t *testing.T) {
	for _, confidential := range []bool{true, false} {
		b := newOAuthBed(t, confidential, 0)
		tok := b.tokens()
		if tok.ExpiresIn != 7200 || tok.TokenType != "Bearer" || len(tok.AccessToken) != 64 || tok.Extra("scope") != "api" || tok.RefreshToken == "" {
			t.Errorf("expires in %d, type %s, scope %v", tok.ExpiresIn, tok.TokenType, tok.Extra("scope"))
		}
		gl, err := api.NewAuthSourceClient(api.OAuthTokenSource{TokenSource: b.config.TokenSource(t.Context(), tok)}, api.WithBaseURL(b.admin.url), api.WithoutRetries())
		if err != nil {
			t.Fatal(err)
		}
		u, _, err := gl.Users.CurrentUser()
		if err != nil || u.Username != "engineer" || u.Bot {
			t.Errorf("as %v, %v", u, err)
		}
		if _, _, err := gl.Issues.CreateIssue("acme/platform", &api.CreateIssueOptions{Title: new("by OAuth")}); err != nil {
			t.Error(err)
		}
		if calls := b.server.Unknown(); len(calls) > 0 {
			t.Error(calls)
		}
	}
}

func TestOAuthRefreshRotates(t *testing.T) {
	b := newOAuthBed(t, true, 5*time.Minute)
	old := b.tokens()
	if old.ExpiresIn != 300 {
		t.Errorf("expires in %d", old.ExpiresIn)
	}
	refresh := func(tok *oauth2.Token) (*oauth2.Token, error) {
		return b.config.TokenSource(context.Background(), &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
	}
	next, err := refresh(old)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.user(old.AccessToken); r.Status != 401 || !strings.Contains(r.Body, "revoked") {
		t.Errorf("the old access token: %d %s", r.Status, r.Body)
	}
	if _, err := refresh(old); oauthError(err) != "invalid_grant" {
		t.Errorf("the old refresh token: %v", err)
	}
	if r := b.user(next.AccessToken); r.Status != 200 {
		t.Errorf("after a reuse of the old one: %d %s", r.Status, r.Body)
	}
	*b.now = b.now.Add(5 * time.Minute)
	r := b.user(next.AccessToken)
	if r.Status != 401 || r.str("error_description") != "Token is expired. You can either do re-authorization or token refresh." {
		t.Errorf("expired: %d %s", r.Status, r.Body)
	}
	if _, err := refresh(next); err != nil {
		t.Errorf("a refresh token does not expire: %v", err)
	}
}

func TestOAuthRefuses(t *testing.T) {
	b := newOAuthBed(t, false, 0)
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	page := func(change func(url.Values), options ...oauth2.AuthCodeOption) string {
		u, err := url.Parse(b.config.AuthCodeURL("s", options...))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	keep := func(url.Values) {}
	service := b.admin.api(201, "POST", "/service_accounts", `{"username":"cxm"}`)
	for _, c := range []struct {
		name, who, address, want string
	}{
		{"no challenge", "engineer", page(keep), "code_challenge"},
		{"plain challenge", "engineer", page(func(q url.Values) { q.Set("code_challenge", "x"); q.Set("code_challenge_method", "plain") }), "S256"},
		{"other redirect", "engineer", page(func(q url.Values) { q.Set("redirect_uri", "https://evil.example.com/callback") }, challenge), "redirect URI"},
		{"other path", "engineer", page(func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:7171/other") }, challenge), "redirect URI"},
		{"longer host", "engineer", page(func(q url.Values) { q.Set("redirect_uri", "https://cxm.example.com.evil.example/oauth") }, challenge), "redirect URI"},
		{"user in the redirect", "engineer", page(func(q url.Values) { q.Set("redirect_uri", "http://evil@127.0.0.1:7171/callback") }, challenge), "redirect URI"},
		{"unknown application", "engineer", page(func(q url.Values) { q.Set("client_id", "nobody") }, challenge), "unknown client"},
		{"scope not registered", "engineer", page(func(q url.Values) { q.Set("scope", "api sudo") }, challenge), "scope"},
		{"token flow", "engineer", page(func(q url.Values) { q.Set("response_type", "token") }, challenge), "response type"},
		{"wrong password", "nobody", page(keep, challenge), "Invalid login or password."},
		{"a service account", service.str("username"), page(keep, challenge), "service account"},
	} {
		got, err := b.decide(c.who, c.address, true)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
	got, err := b.decide("engineer", page(keep, challenge), false)
	if err != nil || got.Get("error") != "access_denied" || got.Get("state") != "s" || got.Has("code") {
		t.Errorf("denied: %v, %v", got, err)
	}
	got, err = b.decide("engineer", page(func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:40404/callback") }, challenge), true)
	if err != nil || got.Get("code") == "" {
		t.Errorf("another port of a loopback address: %v, %v", got, err)
	}
}

func TestOAuthCodeIsForOneUse(t *testing.T) {
	b := newOAuthBed(t, true, 0)
	exchange := func(c oauth2.Config, code, verifier string) (*oauth2.Token, error) {
		return c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	}
	verifier := oauth2.GenerateVerifier()
	other := b.config
	other.RedirectURL = "https://cxm.example.com/oauth"
	wrong := b.config
	wrong.ClientSecret = "gloas-wrong"
	code := b.code(verifier)
	for name, try := range map[string]struct {
		config   oauth2.Config
		verifier string
		want     string
	}{
		"another verifier": {b.config, oauth2.GenerateVerifier(), "invalid_grant"},
		"another redirect": {other, verifier, "invalid_grant"},
		"another secret":   {wrong, verifier, "invalid_client"},
	} {
		if _, err := exchange(try.config, code, try.verifier); oauthError(err) != try.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.config.Exchange(t.Context(), code); oauthError(err) != "invalid_request" {
		t.Errorf("no verifier: %v", err)
	}
	tok, err := exchange(b.config, code, verifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exchange(b.config, code, verifier); oauthError(err) != "invalid_grant" {
		t.Errorf("used twice: %v", err)
	}
	if r := b.user(tok.AccessToken); r.Status != 401 {
		t.Errorf("a code that was used twice takes back its tokens: %d", r.Status)
	}
	late := b.code(verifier)
	*b.now = b.now.Add(10 * time.Minute)
	if _, err := exchange(b.config, late, verifier); oauthError(err) != "invalid_grant" {
		t.Errorf("after ten minutes: %v", err)
	}
}

func TestOAuthTokenInTheAPI(t *testing.T) {
	b := newOAuthBed(t, true, 0)
	tok := b.tokens()
	with := func(method, path string) result {
		return b.admin.as("").do(method, "/api/v4"+path, "", "Authorization", "Bearer "+tok.AccessToken)
	}
	if r := with("GET", "/personal_access_tokens/self"); r.Status != 400 || r.str("message") != "400 Bad request - This endpoint requires token type to be a personal access token" {
		t.Errorf("self: %d %s", r.Status, r.Body)
	}
	if r := with("POST", "/personal_access_tokens/self/rotate"); r.Status != 405 || r.str("message") != "405 Method Not Allowed" {
		t.Errorf("rotate: %d %s", r.Status, r.Body)
	}
	if r := b.admin.as(tok.AccessToken).do("GET", "/api/v4/user", ""); r.Status != 401 {
		t.Errorf("as a private token: %d", r.Status)
	}
	b.config.Scopes = []string{"read_user"}
	reader := b.tokens()
	r := b.admin.as("").do("GET", "/api/v4/projects", "", "Authorization", "Bearer "+reader.AccessToken)
	if r.Status != 403 || r.str("error") != "insufficient_scope" {
		t.Errorf("scope: %d %s", r.Status, r.Body)
	}
	info := b.admin.as("").do("GET", "/oauth/token/info", "", "Authorization", "Bearer "+tok.AccessToken)
	if info.Status != 200 || info.str("application.uid") != b.config.ClientID || info.num("expires_in_seconds") != 7200 || info.get("scope.0") != "api" {
		t.Errorf("info: %d %s", info.Status, info.Body)
	}
	revoke := func(form url.Values) result { return b.admin.as("").do("POST", "/oauth/revoke", form.Encode()) }
	if r := revoke(url.Values{"token": {tok.RefreshToken}}); r.Status != 403 || r.str("error") != "unauthorized_client" {
		t.Errorf("revoke by a stranger: %d %s", r.Status, r.Body)
	}
	r = revoke(url.Values{"token": {tok.AccessToken}, "client_id": {b.config.ClientID}, "client_secret": {b.config.ClientSecret}})
	if r.Status != 200 || r.Body != "{}" {
		t.Errorf("revoke: %d %s", r.Status, r.Body)
	}
	if r := b.user(tok.AccessToken); r.Status != 401 {
		t.Errorf("after revoke: %d", r.Status)
	}
	if r := b.admin.as("").do("GET", "/oauth/token/info", "", "Authorization", "Bearer "+tok.AccessToken); r.Status != 400 || r.str("error") != "invalid_request" {
		t.Errorf("info after revoke: %d %s", r.Status, r.Body)
	}
}

func TestApplications(t *testing.T) {
	_, admin := serve(t, sandbox.Options{})
	app := admin.api(201, "POST", "/applications", `{"name":"a","redirect_uri":"https://a.example.com/cb","scopes":"api"}`)
	if app.get("confidential") != true || !strings.HasPrefix(app.str("secret"), "gloas-") || app.str("callback_url") != "https://a.example.com/cb" {
		t.Error(app.Body)
	}
	if r := admin.api(200, "GET", "/applications", ""); strings.Contains(r.Body, "secret") || r.str("0.application_name") != "a" {
		t.Error(r.Body)
	}
	again := admin.api(201, "POST", "/applications/1/renew-secret", "")
	if again.str("secret") == app.str("secret") || again.str("application_id") != app.str("application_id") {
		t.Error(again.Body)
	}
	for _, body := range []string{
		`{"name":"a","redirect_uri":"cb","scopes":"api"}`, `{"name":"a","redirect_uri":"https://a.example.com/#x","scopes":"api"}`,
		`{"name":"a","redirect_uri":"javascript:alert(1)","scopes":"api"}`, `{"name":"a","redirect_uri":"https://a.example.com/","scopes":"all"}`,
		`{"name":"a","redirect_uri":"https://a.example.com/"}`,
	} {
		admin.api(400, "POST", "/applications", body)
	}
	admin.as("").api(401, "GET", "/applications", "")
	admin.api(204, "DELETE", "/applications/1", "")
	admin.api(404, "DELETE", "/applications/1", "")
}

func TestSignInFormsAreTheSessions(t *testing.T) {
	server, admin := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	form := url.Values{"user[login]": {"engineer"}, "user[password]": {server.Password()}, "authenticity_token": {"guessed"}}
	r := admin.as("").do("POST", "/users/sign_in", form.Encode())
	if r.Status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", r.Status)
	}
}
