package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// Tenants lists the tenants that one may see.
func (s *Server) Tenants(ctx context.Context) ([]app.Tenant, error) {
	got, err := s.client.AllTenants(ctx)
	return each(got, func(t api.TenantInfo) app.Tenant {
		out := app.Tenant{Name: t.Name, Title: t.Title, Disabled: t.Disabled, MadeAt: moment(t.MadeAt)}
		if out.Title == out.Name { // the API has it for one of which there is none
			out.Title = ""
		}
		return out
	}), err
}

// AddTenant makes a tenant.
func (s *Server) AddTenant(ctx context.Context, name, title string) error {
	return s.client.AddTenant(ctx, name, title)
}

// DisableTenant disables a tenant, or lets it go on.
func (s *Server) DisableTenant(ctx context.Context, name string, disabled bool) error {
	return s.client.DisableTenant(ctx, name, disabled)
}

// Desk is who uses the server, and with which tokens. Who does what there it knows by
// the token.
type Desk struct {
	desk   register
	me     api.Me
	tenant string
}

// register is what the API offers of it.
type register interface {
	api.People
	api.Tokens
	api.Links
}

// Desk is the one of the server.
func (s *Server) Desk(ctx context.Context) (*Desk, error) {
	me, err := s.client.Me(ctx)
	return &Desk{desk: s.client.Desk(), me: me, tenant: me.Tenant}, err
}

// Tenant is the one that is asked about.
func (d *Desk) Tenant() string { return d.tenant }

func (d *Desk) person(p api.Person) signin.Person {
	out := signin.Person{
		ID: p.ID, Email: known(p.Email), Name: p.Name, Installation: p.Root, CreatedAt: moment(p.CreatedAt), DisabledAt: moment(p.DisabledAt), SignedInAt: moment(p.SignedInAt),
	}
	if p.Password {
		out.Password = credential.NewSecret("known to the server alone")
	}
	for _, g := range p.Given {
		out.Grants = append(out.Grants, signin.Grant{Tenant: d.tenant, Role: g.Role, Origin: known(g.Origin)})
	}
	return out
}

// List lists people of the tenant behind a number.
func (d *Desk) List(ctx context.Context, who signin.Who, tenant string, after int64, _ int) ([]signin.Person, error) {
	if tenant != d.tenant {
		return nil, errors.New("the API lists the people of one tenant: leave --all out, or run the command on the server")
	}
	if after > 0 {
		return nil, nil // List brings all of them
	}
	got, err := all(0, func(at api.Slice) ([]api.Person, api.Cursor, error) { return d.desk.People(ctx, who, tenant, at) })
	return each(got, d.person), err
}

// Find is the person of an address or a number.
func (d *Desk) Find(ctx context.Context, text string) (signin.Person, error) {
	people, err := d.List(ctx, signin.Who{}, d.tenant, 0, 0)
	if err != nil {
		return signin.Person{}, err
	}
	id, _ := strconv.ParseInt(text, 10, 64) // an address is none
	for _, p := range people {
		if strings.EqualFold(p.Email, text) || id != 0 && p.ID == id {
			return p, nil
		}
	}
	return signin.Person{}, fmt.Errorf("nobody in this tenant has the address %.100q: see `cxm people list`", text)
}

// Add gives somebody a role, adding them where they are new.
func (d *Desk) Add(ctx context.Context, who signin.Who, n desk.Newcomer) (signin.Person, bool, error) {
	p, added, err := d.desk.Invite(ctx, who, d.tenant, api.Invite{Email: n.Email, Name: n.Name, Role: n.Role})
	return d.person(p), added, err
}

// SetRole gives somebody a role, or none.
func (d *Desk) SetRole(ctx context.Context, who signin.Who, id int64, _ string, r role.Role) (signin.Person, error) {
	p, err := d.desk.SetRole(ctx, who, d.tenant, id, r)
	return d.person(p), err
}

// SetInstallation is nothing that the API offers.
func (d *Desk) SetInstallation(context.Context, signin.Who, int64, bool) (signin.Person, error) {
	return signin.Person{}, errors.New("who looks after the installation is said where cxm runs: leave --installation out, or run the command on the server")
}

// ResetLink makes a link by which somebody chooses a password; its value is the path.
func (d *Desk) ResetLink(ctx context.Context, who signin.Who, id int64) (credential.Secret, signin.Link, error) {
	l, path, err := d.desk.Reset(ctx, who, d.tenant, id)
	value := strings.TrimPrefix(path.Reveal(), signin.LinkReset.Path(credential.NewSecret("")))
	return credential.NewSecret(value), signin.Link{Kind: signin.LinkReset, Person: id, EndsAt: moment(l.EndsAt)}, err
}

func (d *Desk) token(t api.Token) signin.Token {
	return signin.Token{
		ID: t.ID, Tenant: d.tenant, Person: known(t.PersonID), Role: known(t.Role), Name: t.Name, Hint: t.Hint, Scopes: t.Scopes, MadeBy: t.MadeBy,
		MadeAt: moment(t.MadeAt), EndsAt: moment(t.EndsAt), UsedAt: moment(t.UsedAt), RevokedAt: moment(t.RevokedAt),
	}
}

// Tokens lists API tokens of the tenant behind a number.
func (d *Desk) Tokens(ctx context.Context, who signin.Who, tenant string, after int64, _ int) ([]signin.Token, error) {
	if after > 0 {
		return nil, nil // Tokens brings all of them
	}
	got, err := all(0, func(at api.Slice) ([]api.Token, api.Cursor, error) { return d.desk.Tokens(ctx, who, tenant, at) })
	return each(got, d.token), err
}

// MintToken makes an API token: the tenant's own, or that of whose token is used here.
func (d *Desk) MintToken(ctx context.Context, who signin.Who, a desk.Asked) (credential.Secret, signin.Token, error) {
	if a.Person != 0 && a.Person != known(d.me.PersonID) {
		return credential.Secret{}, signin.Token{}, errors.New("the API makes tokens of your own, or of the tenant: leave --person to them, give --role, or run the command on the server")
	}
	t, value, err := d.desk.Mint(ctx, who, d.tenant, api.NewToken{Name: a.Name, Scopes: a.Scopes, Days: a.Days, Role: a.Role})
	return value, d.token(t), err
}

// RevokeToken ends an API token.
func (d *Desk) RevokeToken(ctx context.Context, who signin.Who, tenant string, id int64) (signin.Token, error) {
	tokens, err := d.Tokens(ctx, who, tenant, 0, 0)
	if err != nil {
		return signin.Token{}, err
	}
	out := signin.Token{ID: id}
	for _, t := range tokens {
		if t.ID == id {
			out = t
		}
	}
	return out, d.desk.Revoke(ctx, who, tenant, id)
}
