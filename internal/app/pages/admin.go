package pages

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cxm/internal/app/edge"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/source"
	"cxm/internal/web/admin"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// admin is the area of people, API tokens, sources and tenants.
func (p *pages) admin() site.Area {
	return admin.New(admin.Parts{
		People: edge.People(p.app), Care: care{p}, Tokens: edge.Tokens(p.app), Tenants: p.tenants, Products: products(), Clock: p.app.Clock, Public: p.options.Public,
	})
}

func products() []ui.Option {
	means := map[source.Type]string{
		source.CostOptimizationHub: "AWS Cost Optimization Hub", source.Alertmanager: "Alertmanager, or a Grafana contact point", source.CloudEvents: "events of your own",
	}
	var out []ui.Option
	for _, t := range source.Types() {
		text := string(t)
		if said := means[t]; said != "" {
			text += ": " + said
		}
		out = append(out, ui.Option{Value: string(t), Text: text})
	}
	return out
}

// care is what admins do for people.
type care struct{ *pages }

// Person is somebody who has a role in the guest's tenant: others are not there.
func (c care) Person(ctx context.Context, g site.Guest, id int64) (admin.Person, error) {
	p, err := c.app.People.Store.Person(ctx, id)
	if errors.Is(err, signin.ErrNobody) {
		return admin.Person{}, site.ErrMissing
	}
	if err != nil {
		return admin.Person{}, err
	}
	if !slices.Contains(p.Tenants(), g.Tenant) {
		return admin.Person{}, site.ErrMissing
	}
	out := admin.Person{Person: edge.Person(g.Tenant, p), Self: p.ID == g.Who.Person.ID}
	if err := g.Who.MayManage(p); err != nil {
		out.Beyond = saying(err.Error())
	}
	out.Alone, err = c.alone(ctx, g, p)
	return out, err
}

// alone says that somebody is the only admin of the tenant who may come in.
func (c care) alone(ctx context.Context, g site.Guest, p signin.Person) (bool, error) {
	if !manages(p, g.Tenant) {
		return false, nil
	}
	for after := int64(0); ; {
		some, err := c.app.People.List(ctx, g.Who, g.Tenant, after, 200)
		if err != nil {
			return false, c.refused(err)
		}
		if slices.ContainsFunc(some, func(other signin.Person) bool { return other.ID != p.ID && manages(other, g.Tenant) }) {
			return false, nil
		}
		if len(some) == 0 {
			return true, nil
		}
		after = some[len(some)-1].ID
	}
}

// manages says that somebody is an admin of a tenant; who is disabled is none.
func manages(p signin.Person, tenant string) bool {
	return role.Highest(p.Roles(tenant)...) == role.Admin
}

func (c care) Link(ctx context.Context, g site.Guest, id int64) (admin.Link, error) {
	value, l, err := c.app.People.ResetLink(ctx, g.Who, id)
	if err != nil {
		return admin.Link{}, c.refused(err)
	}
	return admin.Link{Path: credential.NewSecret(signin.LinkReset.Path(value)), EndsAt: l.EndsAt}, nil
}

func (c care) Disable(ctx context.Context, g site.Guest, id int64, yes bool) error {
	_, err := c.app.People.Disable(ctx, g.Who, id, yes)
	return c.refused(err)
}

func (c care) SignOut(ctx context.Context, g site.Guest, id int64) error {
	return c.refused(c.app.People.EndSession(ctx, g.Who, id, 0))
}

// refused is an error as the pages tell it.
func (care) refused(err error) error {
	if errors.Is(err, signin.ErrNobody) {
		return site.ErrMissing
	}
	if _, no := errors.AsType[signin.Refused](err); no || errors.Is(err, signin.ErrLastAdmin) {
		return &site.Refusal{Text: saying(err.Error()) + " Nothing was changed."}
	}
	return err
}

// saying is a text as a sentence.
func saying(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
