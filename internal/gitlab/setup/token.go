package setup

import (
	"context"
	"fmt"
	"net/http"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// Token is a personal access token of a service account.
type Token struct {
	ID        int64
	Name      string
	Scopes    []string
	ExpiresAt time.Time         // midnight UTC at which it stops working; zero: never
	Value     credential.Secret // only of one just made
}

// tokenJSON is a token as the REST API sends it.
type tokenJSON struct {
	ID        int64        `json:"id"`
	Name      string       `json:"name"`
	Scopes    []string     `json:"scopes"`
	Active    bool         `json:"active"`
	Revoked   bool         `json:"revoked"`
	ExpiresAt *api.ISOTime `json:"expires_at"`
	Token     string       `json:"token"`
}

func (t *tokenJSON) token() Token {
	out := Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes}
	if t.ExpiresAt != nil {
		out.ExpiresAt = time.Time(*t.ExpiresAt).UTC()
	}
	if t.Token != "" {
		out.Value = credential.NewSecret(t.Token)
	}
	return out
}

// tokens are route and path of the tokens of a user: those of an instance's
// service account are looked after as any user's.
func (h Home) tokens(user int64) (route, path string) {
	if h.Level == Instance {
		return "/users/:id/personal_access_tokens", fmt.Sprintf("users/%d/personal_access_tokens", user)
	}
	return h.route() + "/:user_id/personal_access_tokens", fmt.Sprintf("%s/%d/personal_access_tokens", h.path(), user)
}

// Tokens lists the tokens of a service account that work.
func (c *Client) Tokens(ctx context.Context, h Home, user int64) ([]Token, error) {
	route, path := h.tokens(user)
	p := paging{State: "active"}
	if h.Level == Instance {
		route, path, p.User = "/personal_access_tokens", "personal_access_tokens", user
	}
	r := rest.Request{Doing: fmt.Sprintf("listing the tokens of the service account %d", user), Method: http.MethodGet, Route: route}
	whole := func(t *tokenJSON) bool { return t != nil && t.ID > 0 }
	all, err := list(ctx, c, r, path, p, whole, func(*tokenJSON) bool { return false })
	var out []Token
	for _, t := range all {
		if t.Active && !t.Revoked { // an old instance may not know the filter
			out = append(out, t.token())
		}
	}
	return out, err
}

// Grant is what a token is to be.
type Grant struct {
	Name      string
	Scopes    []string
	ExpiresAt time.Time // a day, in UTC
}

// CreateToken makes a token for a service account: its value is never told again.
func (c *Client) CreateToken(ctx context.Context, h Home, user int64, g Grant) (Token, error) {
	route, path := h.tokens(user)
	day := g.ExpiresAt.UTC().Format(time.DateOnly)
	r := rest.Request{Doing: fmt.Sprintf("creating a token that works until %s for the service account %d", day, user), Method: http.MethodPost, Route: route}
	body := map[string]any{"name": g.Name, "scopes": g.Scopes, "expires_at": day}
	t, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*tokenJSON](c.Client, r.Method, path, body), func(t *tokenJSON) bool { return t != nil && t.ID > 0 && t.Token != "" })
	if err != nil {
		return Token{}, mended(err, tokenCauses()...)
	}
	return t.token(), nil
}

// tokenCauses are about making a token.
func tokenCauses() []cause {
	const expiry = "The instance allows tokens to live no longer than that: give fewer days with --expires-days"
	const scopes = "The instance has no such scope, or does not give it to service accounts: choose others with --scopes"
	const owner = "It takes an Owner of the group, a Maintainer of the project, or an administrator for an account of the instance: use the token of one"
	return []cause{
		{http.StatusUnprocessableEntity, "expiration date", expiry}, {http.StatusBadRequest, "expiration date", expiry},
		{http.StatusUnprocessableEntity, "expires", expiry}, {http.StatusBadRequest, "expires", expiry},
		{http.StatusUnprocessableEntity, "scope", scopes}, {http.StatusBadRequest, "scope", scopes},
		{http.StatusForbidden, "insufficient", "The Owner's token lacks the scope api: make one that has it"},
		{http.StatusForbidden, "", owner}, {http.StatusUnauthorized, "401 unauthorized", owner},
		{http.StatusNotFound, "user not found", "GitLab does not know the account any more: run the same again, it looks first"},
	}
}

// RevokeToken ends a token of a service account; one that is gone is no error.
func (c *Client) RevokeToken(ctx context.Context, h Home, user, token int64) error {
	route, _ := h.tokens(user)
	if h.Level == Instance {
		route = "/personal_access_tokens"
	}
	r := rest.Request{Doing: fmt.Sprintf("revoking the token %d of the service account %d", token, user), Method: http.MethodDelete, Route: route + "/:id"}
	_, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.Response, *api.Response, error) {
		resp, err := c.revoke(h, user, token, o)
		return resp, resp, err
	}, func(*api.Response) bool { return true })
	if rest.Is(err, issue.NotFound) {
		return nil
	}
	return mended(err, tokenCauses()...)
}

func (c *Client) revoke(h Home, user, token int64, o []api.RequestOptionFunc) (*api.Response, error) {
	switch h.Level {
	case Instance:
		return c.API().PersonalAccessTokens.RevokePersonalAccessTokenByID(token, o...)
	case Group:
		return c.API().Groups.RevokeServiceAccountPersonalAccessToken(h.ID, user, token, o...)
	}
	return c.API().Projects.RevokeProjectServiceAccountPersonalAccessToken(h.ID, user, token, o...)
}
