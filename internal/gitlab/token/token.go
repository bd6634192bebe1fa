// Package token reads, rotates and revokes the personal access token that its
// client sends.
//
// What always holds: a rotation leaves at most once per call, whatever comes
// back, since GitLab answers a second one, sent with the token that the first has
// revoked, by revoking its successor too; a new token's value leaves this package
// as a credential.Secret, and into no error.
package token

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const (
	routeSelf   = "/personal_access_tokens/self"
	routeRotate = "/personal_access_tokens/self/rotate"
)

// ErrKind says that the token is no personal access token, or that the instance
// is too old to tell of it (15.5).
var ErrKind = errors.New("GitLab tells nothing of this token: it is an OAuth token or one of another kind, or the instance is older than 15.5")

// Self reads what GitLab knows of the token. Any scope is enough. It changes
// nothing, also when the token was revoked: the trouble is then
// issue.Unauthorized. The error is ErrKind for other kinds of tokens.
func Self(ctx context.Context, c *rest.Client) (credential.Token, error) {
	r := rest.Request{Doing: "reading what " + c.Host() + " knows of the token", Method: http.MethodGet, Route: routeSelf}
	t, _, err := rest.Call(ctx, c, r, func(o ...api.RequestOptionFunc) (*api.PersonalAccessToken, *api.Response, error) {
		return c.API().PersonalAccessTokens.GetSinglePersonalAccessToken(o...)
	}, func(t *api.PersonalAccessToken) bool { return t != nil && t.ID > 0 })
	if rest.Is(err, issue.Invalid, issue.NotFound) {
		return credential.Token{}, ErrKind
	}
	if err != nil {
		return credential.Token{}, err
	}
	return facts(t), nil
}

// errOnce keeps a rotation from leaving twice.
var errOnce = errors.New("a rotation is sent once")

// Rotate has GitLab revoke the token and make its successor, which expires on the
// day of expires. begin is called right before the request leaves, and keeps it
// from leaving with an error. The successor may lack what is known of it, but not
// its Value. The trouble says what is known:
//
//	issue.Unsent, Limited, Forbidden, Invalid, NotFound, Moved: the token works as before
//	issue.Unauthorized: GitLab refuses the token
//	issue.Doubtful: it may have been carried out; nobody but a read can tell
func Rotate(ctx context.Context, c *rest.Client, expires time.Time, begin func() error) (credential.Token, error) {
	began := false
	r := rest.Request{Doing: "rotating the token", Method: http.MethodPost, Route: routeRotate, Before: func() error {
		if began {
			return errOnce
		}
		began = true
		return begin()
	}}
	options := &api.RotatePersonalAccessTokenOptions{ExpiresAt: new(api.ISOTime(expires))}
	t, _, err := rest.Call(ctx, c, r, func(o ...api.RequestOptionFunc) (*api.PersonalAccessToken, *api.Response, error) {
		return c.API().PersonalAccessTokens.RotatePersonalAccessTokenSelf(options, o...)
	}, func(t *api.PersonalAccessToken) bool { return t != nil && t.Token != "" })
	if err != nil {
		return credential.Token{}, err
	}
	out := facts(t)
	out.Value = credential.NewSecret(t.Token)
	return out, nil
}

// Revoke has GitLab forget the token. A token that GitLab refuses already is no
// error.
func Revoke(ctx context.Context, c *rest.Client) error {
	r := rest.Request{Doing: "revoking the token", Method: http.MethodDelete, Route: routeSelf}
	_, _, err := rest.Call(ctx, c, r, func(o ...api.RequestOptionFunc) (bool, *api.Response, error) {
		resp, err := c.API().PersonalAccessTokens.RevokePersonalAccessTokenSelf(o...)
		return err == nil, resp, err
	}, func(ok bool) bool { return ok })
	if rest.Is(err, issue.Unauthorized) {
		return nil
	}
	return err
}

// tooLate is how GitLab refuses a day that is beyond its longest life of a token.
var tooLate = regexp.MustCompile(`must be before (\d{4}-\d{2}-\d{2})`)

// Latest is the last day that GitLab allows a token, when the trouble of a
// rotation is that it was asked for a later one.
func Latest(err error) (time.Time, bool) {
	var t *issue.Trouble
	if !errors.As(err, &t) || t.Kind != issue.Invalid {
		return time.Time{}, false
	}
	found := tooLate.FindStringSubmatch(t.Said)
	if found == nil {
		return time.Time{}, false
	}
	before, err := time.Parse(time.DateOnly, found[1])
	return before.AddDate(0, 0, -1), err == nil
}

func facts(t *api.PersonalAccessToken) credential.Token {
	out := credential.Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes}
	if t.ExpiresAt != nil {
		out.ExpiresAt = time.Time(*t.ExpiresAt).UTC()
	}
	if t.CreatedAt != nil {
		out.MadeAt = t.CreatedAt.UTC()
	}
	return out
}
