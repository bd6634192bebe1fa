package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// Me is who asks.
type Me struct {
	Label       string            `json:"label" doc:"As people call them."`
	PersonID    *int64            `json:"person_id" doc:"Null: the token belongs to the tenant itself."`
	TokenID     *int64            `json:"token_id"`
	Scopes      []role.Scope      `json:"scopes"`
	EndsAt      *time.Time        `json:"ends_at" doc:"When the token ends."`
	Tenant      string            `json:"tenant" doc:"That this request is about."`
	Permissions []role.Permission `json:"permissions" doc:"What they may do there, with this token (docs/roles.md)."`
}

// TenantInfo is a tenant, as far as one may see it.
type TenantInfo struct {
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	Disabled bool       `json:"disabled" doc:"Nothing is done for it, and nothing of it is lost."`
	MadeAt   *time.Time `json:"made_at"`
	Role     *role.Role `json:"role" doc:"The one that one has there. Null: none."`
}

// AddTenant makes a tenant.
type AddTenant struct {
	Name  string `json:"name" minLength:"1" maxLength:"63" doc:"Lower-case letters, digits and hyphens."`
	Title string `json:"title,omitempty" maxLength:"200" doc:"For people. Empty: the name."`
}

// EditTenant disables a tenant, or lets it go on.
type EditTenant struct {
	Disabled bool `json:"disabled"`
}

type one[T any] struct{ Body T }

func addMe(a *API) {
	add(a, operation{id: "me", at: "GET /v1/me", tag: "who", summary: "Who asks, and what they may do"}, func(ctx context.Context, _ *Tenant, _ *struct{}) (*one[Me], error) {
		g := door.From(ctx)
		out := Me{
			Label: g.Who.Label(), PersonID: Some(g.Who.Person.ID), TokenID: Some(g.Who.Token.ID), Scopes: List(g.Who.Limit.Scopes()),
			EndsAt: At(g.Who.Token.EndsAt), Tenant: g.Tenant, Permissions: []role.Permission{},
		}
		for _, line := range role.Table() {
			if ok, _ := g.Who.May(g.Tenant, line.Permission); ok {
				out.Permissions = append(out.Permissions, line.Permission)
			}
		}
		return &one[Me]{out}, nil
	})
}

// seen are the tenants that somebody may see: all of them for who sees to the
// installation, else those that they work in.
func (a *API) seen(ctx context.Context, who signin.Who) ([]TenantInfo, error) {
	all, err := a.options.Tenants.All(ctx)
	every, _ := who.May("", role.InstallationRead)
	var out []TenantInfo
	for _, t := range all {
		if t.Role = Some(part(who, t.Name)); every || t.Role != nil {
			out = append(out, t)
		}
	}
	return out, err
}

// part is the role that somebody has in a tenant, as far as their token goes; empty:
// none.
func part(who signin.Who, tenant string) role.Role {
	if who.Tenant != "" && who.Tenant != tenant {
		return ""
	}
	given := who.Person.Roles(tenant)
	if who.Token.Tenant == tenant {
		given = append(given, who.Token.Role)
	}
	return role.Highest(given...)
}

func addTenants(a *API) {
	add(a, operation{id: "tenants", at: "GET /v1/tenants", tag: "who", summary: "Tenants", over: true,
		details: "Those that one works in; who sees to the installation sees all. A token is of one tenant, and shows that one."},
		func(ctx context.Context, _ *Tenant, _ *struct{}) (*listed[TenantInfo], error) {
			out, err := a.seen(ctx, door.From(ctx).Who)
			return whole(out), err
		})
	add(a, operation{id: "add-tenant", at: "POST /v1/tenants", tag: "who", summary: "Make a tenant", needs: role.TenantsWrite, over: true, status: http.StatusCreated},
		func(ctx context.Context, _ *Tenant, in *struct{ Body AddTenant }) (*one[TenantInfo], error) {
			if err := a.options.Tenants.Add(ctx, in.Body.Name, in.Body.Title); err != nil {
				return nil, err
			}
			return a.info(ctx, in.Body.Name)
		})
	add(a, operation{id: "edit-tenant", at: "PATCH /v1/tenants/{name}", tag: "who", summary: "Disable a tenant, or let it go on", needs: role.TenantsWrite, over: true},
		func(ctx context.Context, _ *Tenant, in *struct {
			ByName
			Body EditTenant
		}) (*one[TenantInfo], error) {
			if err := a.options.Tenants.Disable(ctx, in.Name, in.Body.Disabled); err != nil {
				return nil, err
			}
			return a.info(ctx, in.Name)
		})
}

// info is one tenant.
func (a *API) info(ctx context.Context, name string) (*one[TenantInfo], error) {
	all, err := a.seen(ctx, door.From(ctx).Who)
	for _, t := range all {
		if t.Name == name {
			return &one[TenantInfo]{t}, nil
		}
	}
	if err == nil {
		err = &door.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no tenant %.80q that you may see: GET /v1/tenants lists them", name)}
	}
	return nil, err
}
