package desk

import (
	"context"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// Asked is an API token that somebody asks for.
type Asked struct {
	Tenant string
	Person int64     // whose; 0: the tenant's own
	Role   role.Role // of the tenant's own
	Name   string
	Scopes []role.Scope
	Days   int // that it is good for, up to signin.MostTokenDays; 0: signin.TokenDays
}

// MintToken makes an API token. Its value is shown once.
func (d *Desk) MintToken(ctx context.Context, by signin.Who, a Asked) (credential.Secret, signin.Token, error) {
	t, err := d.asked(ctx, a)
	if err != nil {
		return credential.Secret{}, t, err
	}
	if err := by.MayMint(t); err != nil {
		return credential.Secret{}, t, err
	}
	value := signin.Mint(signin.ValueToken)
	t.Hint, t.MadeBy = signin.Hint(value), by.Label()
	if t, err = d.Store.AddToken(ctx, t, signin.Digest(value)); err != nil {
		return credential.Secret{}, t, err
	}
	d.tell(ctx, signin.Event{
		Action: signin.TokenMade, By: by.Label(), Person: t.Person, Label: t.Name, Tenant: t.Tenant,
		Why: fmt.Sprintf("%v until %s", t.Scopes, t.EndsAt.Format(time.DateOnly)),
	})
	return value, t, nil
}

// asked is a token as it would be.
func (d *Desk) asked(ctx context.Context, a Asked) (signin.Token, error) {
	now := d.Clock()
	if a.Days == 0 {
		a.Days = signin.TokenDays
	}
	t := signin.Token{Tenant: a.Tenant, Person: a.Person, Scopes: a.Scopes, MadeAt: now, EndsAt: now.AddDate(0, 0, a.Days)}
	var err error
	switch t.Name, err = signin.CleanName(a.Name); {
	case err != nil:
		return t, err
	case a.Days < 1 || a.Days > signin.MostTokenDays:
		return t, fmt.Errorf("an API token is good for 1 to %d days, not %d", signin.MostTokenDays, a.Days)
	case len(a.Scopes) == 0:
		_, err := role.ParseScopes(nil)
		return t, err
	case a.Person == 0:
		t.Role, err = role.Parse(string(a.Role))
		return t, err
	}
	p, err := d.Store.Person(ctx, a.Person)
	if err == nil && len(p.Roles(a.Tenant)) == 0 {
		err = signin.Refused(p.Label() + " has no role in this tenant, so that the API token could do nothing: give them one first (`cxm people role`)")
	}
	return t, err
}

// Tokens lists the API tokens of a tenant in the order of their IDs, from the one
// behind after: who looks after all of them sees all, anybody else their own.
func (d *Desk) Tokens(ctx context.Context, by signin.Who, tenant string, after int64, most int) ([]signin.Token, error) {
	all, _ := by.May(tenant, role.TokensWrite)
	if ok, why := by.May(tenant, role.TokensOwn); !ok && !all {
		return nil, signin.Refused(why)
	}
	found, err := d.Store.Tokens(ctx, tenant, after, most)
	var out []signin.Token
	for _, t := range found {
		if all || t.Person != 0 && t.Person == by.Person.ID {
			out = append(out, t)
		}
	}
	return out, err
}

// RevokeToken ends an API token of a tenant: one's own, or any for who looks after
// them. The error is signin.ErrNotKnown when there is none that counts.
func (d *Desk) RevokeToken(ctx context.Context, by signin.Who, tenant string, id int64) (signin.Token, error) {
	found, err := d.Tokens(ctx, by, tenant, id-1, 1)
	if err != nil {
		return signin.Token{}, err
	}
	if len(found) == 0 || found[0].ID != id {
		return signin.Token{}, fmt.Errorf("%w: there is no API token %d here: see `cxm api-token list`", signin.ErrNotKnown, id)
	}
	t := found[0]
	if err := d.Store.Revoke(ctx, tenant, id, d.Clock()); err != nil {
		return t, err
	}
	d.tell(ctx, signin.Event{Action: signin.TokenRevoked, By: by.Label(), Person: t.Person, Label: t.Name, Tenant: tenant})
	return t, nil
}
