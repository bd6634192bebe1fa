package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cxm/internal/api"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

const (
	tenantsAt   = "/installation/tenants"
	addTenantAt = "/installation/add-tenant" // a tenant may have any name
)

func (a *area) tenants(views map[string]site.View, forms map[string]site.Form) {
	list := site.View{
		At: page.AtTenants, Title: "Tenants", Lead: "Each is a company or a department that has cxm for itself: its integrations, sources, rules, findings and audit log are nobody else's.",
		What: "The tenants", May: "look after tenants", Needs: role.TenantsWrite, Make: a.listTenants,
	}
	views[tenantsAt] = list
	add := under(list, tenantsAt, "Add a tenant")
	add.Make = func(*http.Request, site.Guest, *ui.Shell) (page.Page, error) { return NewAddingTenant("", ""), nil }
	asked(views, forms, addTenantAt, add, a.addTenant)
	one := under(list, tenantsAt, "Tenant")
	one.What, one.Make = "This tenant", a.oneTenant
	views[tenantsAt+"/{name}"] = one
	forms[tenantsAt+"/{name}/admin"] = site.Form{View: one, Do: a.nameAdmin}
	forms[tenantsAt+"/{name}/enable"] = site.Form{View: one, Do: a.switchTenant(false)}
	stop := one
	stop.Make = a.askDisable
	asked(views, forms, tenantsAt+"/{name}/disable", stop, a.switchTenant(true))
}

// Tenants is the list of tenants.
type Tenants struct{ Table ui.Table }

// Template is the template's name.
func (Tenants) Template() string { return "admin-tenants" }

// NewTenants is the page. In are those where the guest works.
func NewTenants(all []api.TenantInfo, in []string) Tenants {
	t := ui.Table{Caption: "Tenants", Columns: []ui.Column{{Label: "Tenant"}, {Label: "State"}, {Label: "You work in it"}, {Label: "Made"}}}
	for _, each := range all {
		title := each.Title
		if title == each.Name {
			title = ""
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: each.Name, URL: tenantAt(each.Name), Sub: title}, {Badges: []ui.Badge{works(each)}},
			{Text: map[bool]string{true: "yes", false: "no"}[slices.Contains(in, each.Name)]}, moment(each.MadeAt, "with the installation"),
		})
	}
	return Tenants{t}
}

func tenantAt(name string) string { return tenantsAt + "/" + url.PathEscape(name) }

func works(t api.TenantInfo) ui.Badge {
	if t.Disabled {
		return ui.Badge{Text: "disabled", Tone: ui.Warn}
	}
	return ui.Badge{Text: "at work", Tone: ui.Good}
}

func (a *area) listTenants(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	shell.Actions = []ui.Action{{Text: "Add a tenant", URL: addTenantAt, Kind: "primary", Dialog: true}}
	all, err := a.Tenants.All(r.Context())
	return NewTenants(all, g.Who.Person.Tenants()), err
}

func tenantForm() ui.Form {
	return ui.Form{ID: "tenant", Action: addTenantAt, Submit: "Add the tenant", Cancel: tenantsAt, Fields: []ui.Field{
		{Name: "name", Label: "Name", Required: true, Autocomplete: "off", Hint: "Stands in commands and addresses, and cannot be changed: lower-case letters, digits and hyphens."},
		{Name: "title", Label: "Title", Autocomplete: "off", Hint: "What people call it. Empty: its name."},
	}}
}

// NewAddingTenant is the page, with what was typed as a name and what is wrong with it.
func NewAddingTenant(name, fault string) Sheet {
	f := tenantForm()
	f.Fields[0].Value, f.Fields[0].Error = name, fault
	return addingTenant(f)
}

func addingTenant(f ui.Form) Sheet {
	return Sheet{Form: f, Note: "A tenant begins empty. Name an admin for it next; who looks after the installation sees nothing of what is in it."}
}

func (a *area) addTenant(r *http.Request, _ site.Guest, _ *ui.Shell) (site.Answer, error) {
	name, title := strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("title"))
	form := typed(tenantForm(), r)
	if len(title) > 200 {
		form.Fields[1].Error = "it has more than 200 characters: choose a shorter one"
		return site.Answer{Page: addingTenant(form)}, nil
	}
	if err := a.Tenants.Add(r.Context(), name, title); err != nil {
		return again(form, err, func(f ui.Form) page.Page { return addingTenant(f) })
	}
	return good(tenantAt(name), "The tenant "+name+" is added. Next: name an admin for it."), nil
}

// OneTenant is one tenant.
type OneTenant struct {
	Facts []ui.Fact
	Admin *ui.Form // nil: it is disabled
	State Deed
}

// Template is the template's name.
func (OneTenant) Template() string { return "admin-tenant" }

// NewTenant is the page of a tenant. In says that the guest works in it, fault what is
// wrong with the address of an admin to be.
func NewTenant(t api.TenantInfo, in bool, fault string) OneTenant {
	f := adminForm(t.Name)
	f.Fields[0].Error = fault
	return oneTenant(t, in, f)
}

func oneTenant(t api.TenantInfo, in bool, f ui.Form) OneTenant {
	badge := works(t)
	p := OneTenant{Facts: []ui.Fact{
		{Name: "Name", Text: t.Name}, {Name: "Title", Text: cmp.Or(t.Title, t.Name)}, {Name: "State", Badge: &badge},
		{Name: "You work in it", Text: map[bool]string{true: "yes", false: "no"}[in]}, when("Made", value(t.MadeAt), "with the installation"),
	}}
	if t.Disabled {
		p.State = Deed{"cxm does nothing for it, and nothing of it is lost.", ui.Action{Text: "Enable", URL: tenantAt(t.Name) + "/enable", Post: true, Kind: "primary"}}
		return p
	}
	p.Admin = &f
	p.State = Deed{"cxm does nothing for a tenant that is disabled. All that it has stays.", ui.Action{Text: "Disable", URL: tenantAt(t.Name) + "/disable", Kind: "danger", Dialog: true}}
	return p
}

func adminForm(name string) ui.Form {
	return ui.Form{ID: "admin", Action: tenantAt(name) + "/admin", Submit: "Name as admin", Fields: []ui.Field{
		{Name: "email", Label: "Address", Type: "email", Required: true, Autocomplete: "off", Hint: "Who is new gets a link to choose a password, which you are shown once. Who is here already gets the role, and signs in again."},
		{Name: "name", Label: "Name", Autocomplete: "off", Hint: "What they are called. Empty: the address."},
	}}
}

// tenant is the one that an address names.
func (a *area) tenant(r *http.Request) (api.TenantInfo, error) {
	all, err := a.Tenants.All(r.Context())
	if err != nil {
		return api.TenantInfo{}, err
	}
	i := slices.IndexFunc(all, func(t api.TenantInfo) bool { return t.Name == r.PathValue("name") })
	if i < 0 {
		return api.TenantInfo{}, site.ErrMissing
	}
	return all[i], nil
}

func (a *area) oneTenant(r *http.Request, g site.Guest, shell *ui.Shell) (page.Page, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	shell.Title = cmp.Or(t.Title, t.Name)
	return NewTenant(t, slices.Contains(g.Who.Person.Tenants(), t.Name), ""), nil
}

func (a *area) nameAdmin(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	t, err := a.tenant(r)
	if err != nil {
		return site.Answer{}, err
	}
	shell.Title = cmp.Or(t.Title, t.Name)
	show := func(f ui.Form) page.Page { return oneTenant(t, slices.Contains(g.Who.Person.Tenants(), t.Name), f) }
	form := typed(adminForm(t.Name), r)
	if t.Disabled {
		return site.Answer{}, &site.Refusal{Text: t.Name + " is disabled: enable it first. Nothing was changed."}
	}
	if r.PostFormValue("email") == "" {
		form.Fields[0].Error = "it is missing: write it like name@example.com"
		return site.Answer{Page: show(form)}, nil
	}
	p, added, err := a.People.Invite(r.Context(), g.Who, t.Name, api.Invite{Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), Role: role.Admin})
	if err != nil {
		return again(form, err, show)
	}
	if !added {
		return good(tenantAt(t.Name), fmt.Sprintf("%s was there already; they are an admin of %s now.", label(p), t.Name)), nil
	}
	in := g
	in.Tenant = t.Name
	return a.linked(r, in, shell, p, fmt.Sprintf("%s is an admin of %s", label(p), t.Name), ui.Link{Text: "Back to the tenant", URL: tenantAt(t.Name)})
}

// NewHalt asks before a tenant is disabled.
func NewHalt(t api.TenantInfo) page.Confirm {
	return page.Confirm{
		What: []string{
			"cxm does nothing for it any more: nothing is taken in, planned or written to GitLab.", "Who works in it sees none of it, and its API tokens and sources are refused.",
			"All that it has stays, with its issues in GitLab and its audit log.", "It can be enabled again at any time, and goes on from there.",
		},
		Form: ui.Form{ID: "disable", Action: tenantAt(t.Name) + "/disable", Submit: "Disable", Danger: true, Cancel: tenantAt(t.Name)},
	}
}

func (a *area) askDisable(r *http.Request, _ site.Guest, shell *ui.Shell) (page.Page, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	shell.Title = "Disable " + cmp.Or(t.Title, t.Name)
	return NewHalt(t), nil
}

func (a *area) switchTenant(disabled bool) func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error) {
	said := "cxm works for %s again."
	if disabled {
		said = "Nothing is done for %s any more; all that it has stays."
	}
	return func(r *http.Request, _ site.Guest, _ *ui.Shell) (site.Answer, error) {
		t, err := a.tenant(r)
		if err == nil {
			err = a.Tenants.Disable(r.Context(), t.Name, disabled)
		}
		return good(tenantAt(t.Name), fmt.Sprintf(said, t.Name)), err
	}
}
