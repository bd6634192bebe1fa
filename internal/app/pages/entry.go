package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/oidc"
	"cxm/internal/signin/password"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/entry"
	"cxm/internal/web/site"
)

// Provider is an OpenID Connect provider that people may sign in with.
type Provider struct {
	oidc.Options
	Title string // on its button; empty: the name
}

// Mapping gives who is in a group a role in a tenant.
type Mapping = oidc.Mapping

// door is the way in: it is what entry stands on.
type door struct {
	*pages
	shown     []entry.Provider
	providers map[string]*oidc.Provider
}

// entry is the area of the way in.
func (p *pages) entry() (site.Area, error) {
	d := &door{pages: p, providers: map[string]*oidc.Provider{}}
	for _, each := range p.options.Providers {
		if each.Clock == nil {
			each.Clock = p.app.Clock
		}
		made, err := oidc.New(each.Options)
		if err != nil {
			return site.Area{}, err
		}
		if each.Title == "" {
			each.Title = each.Name
		}
		d.shown, d.providers[each.Name] = append(d.shown, entry.Provider{Name: each.Name, Title: each.Title}), made
	}
	return entry.New(entry.Parts{Desk: d, Own: d, Providers: d, Clock: p.app.Clock}), nil
}

// at is the address of cxm as people reach it, without a slash at the end: the one
// that is configured, or else the one that the request was sent to.
func (p *pages) at(r *http.Request) string {
	if p.options.Public != "" {
		return strings.TrimRight(p.options.Public, "/")
	}
	if web.Secured(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (d *door) SignIn(ctx context.Context, address string, secret credential.Secret, from entry.From) (entry.Opened, error) {
	return opened(d.app.People.SignIn(ctx, address, secret, desk.From(from)))
}

func opened(o desk.Opened, err error) (entry.Opened, error) {
	if errors.Is(err, password.ErrBusy) {
		err = entry.ErrBusy
	}
	return entry.Opened(o), err
}

func (d *door) Link(ctx context.Context, kind signin.LinkKind, value credential.Secret) (signin.Link, signin.Person, error) {
	return d.app.People.Link(ctx, kind, value)
}

// fit says at the field what is wrong with a new password.
func fit(field string, secret credential.Secret, about ...string) error {
	if err := password.Check(secret, about...); err != nil {
		return &entry.Fault{Field: field, Text: err.Error()}
	}
	return nil
}

func (d *door) SetUp(ctx context.Context, link credential.Secret, n entry.Newcomer, from entry.From) (entry.Opened, error) {
	if err := fit("password", n.Password, n.Address, n.Name); err != nil {
		return entry.Opened{}, err
	}
	return opened(d.app.People.SetUp(ctx, link, n.Address, n.Name, n.Password, desk.From(from)))
}

func (d *door) Reset(ctx context.Context, link, secret credential.Secret, from entry.From) error {
	_, p, err := d.app.People.Link(ctx, signin.LinkReset, link)
	if err == nil {
		err = fit("password", secret, p.Email, p.Name)
	}
	if err != nil {
		return err
	}
	_, err = d.app.People.Reset(ctx, link, secret, desk.From(from))
	_, err = opened(desk.Opened{}, err)
	return err
}

func (d *door) Sessions(ctx context.Context, who signin.Who) ([]signin.Session, error) {
	return d.app.People.Sessions(ctx, who, who.Person.ID)
}

func (d *door) End(ctx context.Context, who signin.Who, session int64) error {
	return d.app.People.EndSession(ctx, who, who.Person.ID, session)
}

func (d *door) ChangePassword(ctx context.Context, who signin.Who, was, is credential.Secret) error {
	if err := fit("is", is, who.Person.Email, who.Person.Name); err != nil {
		return err
	}
	_, err := opened(desk.Opened{}, d.app.People.ChangePassword(ctx, who, was, is))
	return err
}

func (d *door) Rename(ctx context.Context, who signin.Who, name string) error {
	return d.app.People.Rename(ctx, who, name)
}

// Begins implements entry.Own. Whoever works in several tenants knows their way.
func (d *door) Begins(ctx context.Context, p signin.Person) bool {
	names := p.Tenants()
	if len(names) != 1 || !role.Highest(p.Roles(names[0])...).Covers(role.Admin) {
		return false
	}
	t, err := d.tenants.Tenant(ctx, names[0])
	if err != nil || t == nil {
		return false
	}
	all, err := t.Integrations.Integrations(ctx)
	return err == nil && len(all) == 0
}

func (d *door) Providers() []entry.Provider { return d.shown }

// provider is one as it sends people back to where cxm is.
func (d *door) provider(r *http.Request, name string) (*oidc.Provider, error) {
	p, err := d.providers[name].At(d.at(r) + "/signin/oidc/" + name + "/callback")
	if err != nil {
		return nil, &entry.Failure{Kind: entry.Unprotected}
	}
	return p, nil
}

func (d *door) Begin(r *http.Request, name string) (string, credential.Secret, error) {
	p, err := d.provider(r, name)
	if err != nil {
		return "", credential.Secret{}, err
	}
	a, err := p.Begin(r.Context())
	return a.URL, a.Cookie, d.failure(r, name, err)
}

func (d *door) Finish(r *http.Request, name string, attempt credential.Secret, answer url.Values, from entry.From) (entry.Opened, error) {
	p, err := d.provider(r, name)
	if err != nil {
		return entry.Opened{}, err
	}
	who, err := p.Finish(r.Context(), attempt, answer)
	if err != nil {
		return entry.Opened{}, d.failure(r, name, err)
	}
	return opened(d.app.People.SignInAs(r.Context(), who, desk.From(from)))
}

// failure tells the log what a provider said, and people what of it is for them.
func (d *door) failure(r *http.Request, name string, err error) error {
	for kind, is := range map[entry.Kind]error{entry.Unreachable: oidc.ErrUnreachable, entry.Lost: oidc.ErrAttempt, entry.Denied: oidc.ErrDenied, entry.Unproved: oidc.ErrProof} {
		if !errors.Is(err, is) {
			continue
		}
		detail := strings.Trim(strings.TrimPrefix(err.Error(), is.Error()), " ()")
		d.log.WarnContext(r.Context(), "a sign-in by a provider failed", "provider", name, "why", string(kind), "detail", detail)
		if kind == entry.Unreachable {
			detail = "" // addresses inside are for the log
		}
		return &entry.Failure{Kind: kind, Detail: detail}
	}
	return err
}
