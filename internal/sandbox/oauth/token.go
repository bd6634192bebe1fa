package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cxm/internal/sandbox/oauth/grant"
	"cxm/internal/sandbox/wire"
)

// tokens is the answer to a code or refresh token that did.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	CreatedAt    int64  `json:"created_at"`
}

func token(c *Call) wire.Answer {
	given, err := grants(c)
	if err != nil {
		return failed(err)
	}
	if u := c.W.People.User(given.Token.UserID); u != nil {
		c.Actor = u
	}
	return unstored(wire.OK(tokens{
		AccessToken: given.Access, TokenType: "Bearer", ExpiresIn: int64(given.Lifetime.Seconds()), RefreshToken: given.Refresh,
		Scope: strings.Join(given.Token.Scopes, " "), CreatedAt: given.Token.CreatedAt.Unix(),
	}))
}

func grants(c *Call) (grant.Tokens, error) {
	switch kind := c.text("grant_type"); kind {
	case "":
		return grant.Tokens{}, grant.Missing("grant_type")
	case "authorization_code":
		return redeem(c)
	case "refresh_token":
		return exchange(c)
	default:
		return grant.Tokens{}, &grant.Fault{Name: "unsupported_grant_type", Description: "The authorization grant type is not supported by the authorization server."}
	}
}

func redeem(c *Call) (grant.Tokens, error) {
	app := c.W.Grants.Authenticate(c.credentials())
	switch {
	case app == nil:
		return grant.Tokens{}, grant.BadClient()
	case c.text("code") == "":
		return grant.Tokens{}, grant.Missing("code")
	}
	return c.W.Grants.Redeem(app, c.text("code"), c.text("redirect_uri"), c.text("code_verifier"))
}

func exchange(c *Call) (grant.Tokens, error) {
	if c.text("refresh_token") == "" {
		return grant.Tokens{}, grant.Missing("refresh_token")
	}
	app := c.W.Grants.Authenticate(c.credentials())
	if app == nil {
		return grant.Tokens{}, grant.BadClient()
	}
	return c.W.Grants.Exchange(app, c.text("refresh_token"), strings.Fields(c.text("scope")))
}

// failed answers a fault as doorkeeper does: 401 for a client, else 400.
func failed(err error) wire.Answer {
	f, ok := errors.AsType[*grant.Fault](err)
	if !ok {
		return wire.Message(http.StatusInternalServerError, "500 Internal Server Error").Answer()
	}
	status := http.StatusBadRequest
	if f.Name == "invalid_client" {
		status = http.StatusUnauthorized
	}
	return refused(status, f)
}

func refused(status int, f *grant.Fault) wire.Answer {
	a := wire.Answer{Status: status, Body: wire.OAuth{Error: f.Name, Description: f.Description}}
	return unstored(a).Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="Doorkeeper", error=%q, error_description=%q`, f.Name, f.Description))
}

func unstored(a wire.Answer) wire.Answer {
	return a.Set("Cache-Control", "no-store").Set("Pragma", "no-cache")
}

type nothing struct{}

// revoke kills a pair by either of its tokens. A token nobody knows is 200, too
// (RFC 7009, section 2.2).
func revoke(c *Call) wire.Answer {
	pair := c.W.Grants.ByEither(c.text("token"))
	if pair == nil {
		return wire.OK(nothing{})
	}
	if app := c.W.Grants.Authenticate(c.credentials()); app != pair.App && (pair.App.Confidential || app != nil) {
		return refused(http.StatusForbidden, &grant.Fault{Name: "unauthorized_client", Description: "You are not authorized to revoke this token"})
	}
	pair.Token.Revoked = true
	return wire.OK(nothing{})
}

// info is what a token tells of itself (app/controllers/oauth/token_info_controller.rb).
type info struct {
	Owner     int64    `json:"resource_owner_id"`
	Scope     []string `json:"scope"`
	ExpiresIn int64    `json:"expires_in"`
	App       struct {
		UID string `json:"uid"`
	} `json:"application"`
	CreatedAt int64    `json:"created_at"`
	Scopes    []string `json:"scopes"`
	Seconds   int64    `json:"expires_in_seconds"`
}

func tokenInfo(c *Call) wire.Answer {
	pair := c.W.Grants.ByAccess(c.bearer())
	if pair == nil || !pair.Token.Active(c.W.Now()) {
		return refused(http.StatusBadRequest, &grant.Fault{
			Name: "invalid_request", Description: "The request is missing a required parameter, includes an unsupported parameter value, or is otherwise malformed.",
		})
	}
	t := pair.Token
	left := int64(t.ExpiresAt.Sub(c.W.Now()).Seconds())
	out := info{Owner: t.UserID, Scope: t.Scopes, ExpiresIn: left, CreatedAt: t.CreatedAt.Unix(), Scopes: t.Scopes, Seconds: left}
	out.App.UID = pair.App.UID
	return wire.OK(out)
}
