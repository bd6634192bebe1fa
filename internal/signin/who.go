package signin

import (
	"fmt"

	"cxm/internal/signin/role"
)

// Who is somebody as they are known for one request. The zero value is nobody, who
// may do nothing.
type Who struct {
	Person   Person     // zero: nobody in particular
	Tenant   string     // the only one that a token is for; empty: all of the person's
	Token    Token      // by which they are known; zero: by none
	Session  Session    // by which they are known; zero: by none
	Limit    role.Limit // what the token narrows it to
	operator string
}

// Operator is whoever runs commands where cxm keeps its data, who could read and
// write all of it anyway.
func Operator(name string) Who { return Who{operator: name, Limit: role.Whole()} }

// Who is the person of the session.
func (s Session) Who(p Person) Who { return Who{Person: p, Session: s, Limit: role.Whole()} }

// Who is the person of the token, as far as it goes.
func (t Token) Who(p Person) Who {
	return Who{Person: p, Tenant: t.Tenant, Token: t, Limit: role.Only(t.Scopes...)}
}

// Known says that this is somebody at all.
func (w Who) Known() bool { return w.operator != "" || w.Person.ID != 0 || w.Token.ID != 0 }

// Label is how people call them.
func (w Who) Label() string {
	switch {
	case w.operator != "":
		return w.operator
	case w.Person.ID != 0:
		return w.Person.Label()
	case w.Token.ID != 0:
		return "API token " + w.Token.Name
	}
	return "nobody"
}

// May says whether they may do something in a tenant, and if not, why. For what is
// about the installation the tenant is empty.
func (w Who) May(tenant string, asked role.Permission) (bool, string) {
	switch {
	case w.operator != "":
		return true, ""
	case w.Tenant != "" && tenant != "" && tenant != w.Tenant:
		return false, "this API token is for another tenant: use one of this tenant"
	}
	return role.Allowed(w.roles(tenant), w.Limit, asked)
}

func (w Who) roles(tenant string) []role.Role {
	if w.Person.ID == 0 && w.Token.ID != 0 && tenant == w.Token.Tenant {
		return []role.Role{w.Token.Role}
	}
	return w.Person.Roles(tenant)
}

// need is May as an error.
func (w Who) need(tenant string, asked role.Permission) error {
	if ok, why := w.May(tenant, asked); !ok {
		return Refused(why)
	}
	return nil
}

// MayAdd says whether they may add somebody with a role in a tenant, or change the
// role of somebody there. Who looks after the installation names the admins of any
// tenant; nobody else reaches into a tenant where they are no admin.
func (w Who) MayAdd(tenant string, r role.Role) error {
	err := w.need(tenant, role.PeopleWrite)
	if err != nil && r == role.Admin && w.need("", role.TenantsWrite) == nil {
		return nil
	}
	return err
}

// MayManage says whether they may do what reaches over all tenants of a person: make
// a link to choose a new password, disable them, end their sessions. An admin of one
// tenant must not get by that into another one, or at the installation.
func (w Who) MayManage(p Person) error {
	if w.need("", role.InstallationWrite) == nil {
		return nil
	}
	if p.Installation {
		return Refused(fmt.Sprintf("%s looks after the installation: only another who does may change that", p.Label()))
	}
	tenants := p.Tenants()
	if len(tenants) == 0 {
		return Refused(fmt.Sprintf("%s has a role in no tenant: ask an admin of the installation", p.Label()))
	}
	for _, tenant := range tenants {
		if w.need(tenant, role.PeopleWrite) != nil {
			return Refused(fmt.Sprintf("%s also works in a tenant whose people you do not look after: ask an admin of the installation", p.Label()))
		}
	}
	return nil
}

// MayMint says whether they may make a token: one of their own, or with Person 0 one
// of the tenant. Nobody makes one that may do what they may not.
func (w Who) MayMint(t Token) error {
	asked := role.TokensWrite
	if t.Person != 0 && t.Person == w.Person.ID {
		asked = role.TokensOwn
	}
	if err := w.need(t.Tenant, asked); err != nil {
		return err
	}
	switch {
	case w.operator == "" && t.Person != 0 && t.Person != w.Person.ID:
		return Refused("nobody makes an API token that is somebody else's: make one of the tenant, or ask them")
	case w.Token.ID != 0 && t.EndsAt.After(w.Token.EndsAt):
		return Refused("an API token cannot make one that outlives it: choose fewer days, or sign in")
	case !role.Only(t.Scopes...).Within(w.Limit):
		return Refused("this API token cannot make one with more scopes than it has: leave some out, or sign in")
	case t.Person == 0 && w.operator == "" && !role.Highest(w.roles(t.Tenant)...).Covers(t.Role):
		return Refused(fmt.Sprintf("you have not the role %s yourself: choose a lower one", t.Role))
	}
	return nil
}
