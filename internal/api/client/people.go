package client

import (
	"context"
	"fmt"
	"net/http"

	"cxm/internal/api"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// Desk is who uses cxm, and with which tokens. Who asks, and in which tenant, the
// server knows by the token: what its methods are given of both is not looked at.
type Desk struct{ c *Client }

// Desk is that of the server.
func (c *Client) Desk() Desk { return Desk{c} }

// People implements api.People.
func (d Desk) People(ctx context.Context, _ signin.Who, _ string, s api.Slice) ([]api.Person, api.Cursor, error) {
	return page[api.Person](ctx, d.c, "/v1/people", nil, s)
}

// Invite implements api.People. Whether they were added now it does not know: a link
// for who has no password does no harm.
func (d Desk) Invite(ctx context.Context, _ signin.Who, _ string, n api.Invite) (api.Person, bool, error) {
	p, err := post[api.Person](ctx, d.c, "/v1/people", n)
	return p, err == nil && !p.Password && p.SignedInAt == nil, err
}

// SetRole implements api.People.
func (d Desk) SetRole(ctx context.Context, _ signin.Who, _ string, id int64, r role.Role) (api.Person, error) {
	out, _, err := ask[api.Person](ctx, d.c, request{method: http.MethodPut, path: at("/v1/people/%d/role", id), body: api.SetRole{Role: api.Some(r)}})
	return out, err
}

// Sessions implements api.People.
func (d Desk) Sessions(ctx context.Context, _ signin.Who) ([]api.Session, error) {
	return list[api.Session](ctx, d.c, "/v1/sessions", nil)
}

// EndSession implements api.People.
func (d Desk) EndSession(ctx context.Context, _ signin.Who, id int64) error {
	return remove(ctx, d.c, at("/v1/sessions/%d", id))
}

// Reset implements api.Links.
func (d Desk) Reset(ctx context.Context, _ signin.Who, _ string, id int64) (api.Link, credential.Secret, error) {
	made, err := post[api.MadeLink](ctx, d.c, at("/v1/people/%d/reset-link", id), nil)
	return secret(made.Link, made.Value, err, "`cxm people reset-link` makes another one")
}

// Tokens implements api.Tokens.
func (d Desk) Tokens(ctx context.Context, _ signin.Who, _ string, s api.Slice) ([]api.Token, api.Cursor, error) {
	return page[api.Token](ctx, d.c, "/v1/tokens", nil, s)
}

// Mint implements api.Tokens.
func (d Desk) Mint(ctx context.Context, _ signin.Who, _ string, n api.NewToken) (api.Token, credential.Secret, error) {
	made, err := post[api.MadeToken](ctx, d.c, "/v1/tokens", n)
	return secret(made.Token, made.Value, err, "revoke that one (`cxm api-token list` shows it), and make another")
}

// Revoke implements api.Tokens.
func (d Desk) Revoke(ctx context.Context, _ signin.Who, _ string, id int64) error {
	return remove(ctx, d.c, at("/v1/tokens/%d", id))
}

// secret is what was made with its value. Where the answer that showed it was lost,
// the next one does not: that is an error, with the mend.
func secret[T any](made T, value *string, err error, mend string) (T, credential.Secret, error) {
	if err == nil && value == nil {
		err = fmt.Errorf("it was made, and the answer that showed its value was lost on the way: %s", mend)
	}
	if err != nil {
		return made, credential.Secret{}, err
	}
	return made, credential.NewSecret(*value), nil
}

// AllTenants lists the tenants that one may see.
func (c *Client) AllTenants(ctx context.Context) ([]api.TenantInfo, error) {
	return list[api.TenantInfo](ctx, c, "/v1/tenants", nil)
}

// AddTenant makes a tenant.
func (c *Client) AddTenant(ctx context.Context, name, title string) error {
	_, err := post[api.TenantInfo](ctx, c, "/v1/tenants", api.AddTenant{Name: name, Title: title})
	return err
}

// DisableTenant disables a tenant, or lets it go on.
func (c *Client) DisableTenant(ctx context.Context, name string, disabled bool) error {
	_, _, err := ask[api.TenantInfo](ctx, c, request{method: http.MethodPatch, path: at("/v1/tenants/%s", name), body: api.EditTenant{Disabled: disabled}})
	return err
}

// The desk is what the API serves.
var (
	_ api.People = Desk{}
	_ api.Tokens = Desk{}
	_ api.Links  = Desk{}
)
