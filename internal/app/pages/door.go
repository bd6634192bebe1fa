package pages

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/entry"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Guest is who sends a request, by the cookie of their session.
func (p *pages) Guest(r *http.Request) (site.Guest, bool, error) {
	var value credential.Secret
	for _, c := range r.CookiesNamed(entry.SessionCookie(r)) {
		value = credential.NewSecret(c.Value)
	}
	if kind, bad := signin.Read(value); bad != nil || kind != signin.ValueSession {
		return site.Guest{}, false, nil //nolint:nilerr // who has no session is nobody, and an API token is no way in here
	}
	who, err := p.app.People.Authenticate(r.Context(), value)
	if errors.Is(err, signin.ErrNotKnown) || err == nil && !who.Known() {
		return site.Guest{}, false, nil
	}
	if err != nil {
		return site.Guest{}, false, err
	}
	return p.guest(r, who)
}

func (p *pages) guest(r *http.Request, who signin.Who) (site.Guest, bool, error) {
	g := site.Guest{Who: who, Person: ui.Person{Name: cmp.Or(who.Person.Name, who.Person.Label()), Address: who.Person.Email}}
	all, err := p.tenants.All(r.Context())
	if err != nil {
		return site.Guest{}, false, err
	}
	for _, t := range all {
		if !t.Disabled && role.Highest(who.Person.Roles(t.Name)...) != "" {
			g.Tenants = append(g.Tenants, t.Name)
		}
	}
	slices.Sort(g.Tenants)
	if len(g.Tenants) == 0 {
		if who.Person.Installation {
			g.Person.Role = "admin of the installation"
		}
		return g, true, nil
	}
	g.Tenant = g.Tenants[0]
	if c, err := r.Cookie(entry.TenantCookie); err == nil && slices.Contains(g.Tenants, c.Value) {
		g.Tenant = c.Value
	}
	g.Person.Role = string(role.Highest(who.Person.Roles(g.Tenant)...))
	if g.API, err = p.tenants.Tenant(r.Context(), g.Tenant); g.API == nil {
		g.Tenant = "" // it was disabled a moment ago
	}
	if g.API != nil && g.May(role.Read) {
		g.Waiting = p.surveyed().Waiting(r.Context(), g.Tenant)
	}
	return g, err == nil, err
}

// of is the program for the guest's tenant.
func (p *pages) of(r *http.Request, g site.Guest) (*app.App, error) {
	return p.app.Of(r.Context(), g.Tenant)
}
