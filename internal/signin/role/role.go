// Package role says who may do what: one table of permissions, the roles that have
// them, and the scopes that an API token narrows them to.
//
// What always holds: what no line of the table allows is refused; a scope only ever
// takes away from what the roles allow; a role of one tenant says nothing about
// another; docs/roles.md is made from the same table.
package role

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a person is in a tenant, or in the installation.
type Role string

// The roles. Each of the first three has all that the one before it has.
// Installation has nothing of any tenant: who also works in one has a role there
// too.
const (
	Viewer       Role = "viewer"
	Member       Role = "member"
	Admin        Role = "admin"
	Installation Role = "installation"
)

// Permission is one thing that can be allowed.
type Permission string

// The permissions. Ending in .write they are about settings.
const (
	Read              Permission = "read"
	TokensOwn         Permission = "tokens.own"
	Plan              Permission = "plan"
	Apply             Permission = "apply"
	Approve           Permission = "approve"
	Undo              Permission = "undo"
	Decide            Permission = "decide"
	EventsSend        Permission = "events.send"
	ReviewsRecord     Permission = "reviews.record"
	RulesWrite        Permission = "rules.write"
	SourcesWrite      Permission = "sources.write"
	IntegrationsWrite Permission = "integrations.write"
	CredentialsWrite  Permission = "credentials.write"
	SettingsWrite     Permission = "settings.write"
	TokensWrite       Permission = "tokens.write"
	PeopleWrite       Permission = "people.write"
	AuditRead         Permission = "audit.read"
	TenantsWrite      Permission = "tenants.write"
	InstallationRead  Permission = "installation.read"
	InstallationWrite Permission = "installation.write"
)

// Scope is what an API token may be used for.
type Scope string

// The scopes.
const (
	ScopeRead         Scope = "read"
	ScopeWrite        Scope = "write"
	ScopeIngest       Scope = "ingest"
	ScopeAudit        Scope = "audit"
	ScopeAdmin        Scope = "admin"
	ScopeInstallation Scope = "installation"
)

// Line is one line of the table.
type Line struct {
	Permission Permission
	Means      string // for people
	Least      Role   // the lowest role that has it; Installation: nobody else
	Scopes     []Scope
}

// Roles lists the roles, the lowest first.
func Roles() []Role { return []Role{Viewer, Member, Admin, Installation} }

// Scopes lists the scopes.
func Scopes() []Scope {
	return []Scope{ScopeRead, ScopeWrite, ScopeIngest, ScopeAudit, ScopeAdmin, ScopeInstallation}
}

// Table is the one place where it says who may do what. A viewer looks, a member
// works with cxm, an admin changes how it works; who looks after the installation
// sees to tenants, and to nothing in them.
func Table() []Line {
	reading := []Scope{ScopeRead, ScopeWrite, ScopeAdmin}
	working := []Scope{ScopeWrite, ScopeAdmin}
	setting := []Scope{ScopeAdmin}
	return []Line{
		{Read, "see findings, issues, plans, runs, decisions, the journal and the settings; never a secret", Viewer, reading},
		{TokensOwn, "make and revoke one's own API tokens", Viewer, setting},
		{Plan, "have a plan made, and rules tried out", Member, working},
		{Apply, "have a plan carried out", Member, working},
		{Approve, "let a run go on that the brakes hold, or reject it", Member, working},
		{Undo, "take back what a run did", Member, working},
		{Decide, "accept, snooze or except a finding", Member, working},
		{EventsSend, "send events and findings", Member, []Scope{ScopeIngest, ScopeWrite, ScopeAdmin}},
		{ReviewsRecord, "record a review of what cxm's account reaches", Member, working},
		{RulesWrite, "apply rules and roll them back", Admin, setting},
		{SourcesWrite, "add, change and remove sources", Admin, setting},
		{IntegrationsWrite, "connect, change and disconnect integrations, and their webhooks", Admin, setting},
		{CredentialsWrite, "replace, rotate and revoke the tokens that cxm acts with", Admin, setting},
		{SettingsWrite, "change notices, brakes and caps, and who looks after an account", Admin, setting},
		{TokensWrite, "see and revoke all API tokens of the tenant, and make its own", Admin, setting},
		{PeopleWrite, "add people to the tenant, and give them roles in it", Admin, setting},
		{AuditRead, "read, verify and export the audit log", Admin, []Scope{ScopeAudit, ScopeAdmin}},
		{TenantsWrite, "add, change and remove tenants, and name their admins", Installation, []Scope{ScopeInstallation}},
		{InstallationRead, "see how the installation is, over all tenants, without what is in them", Installation, []Scope{ScopeInstallation}},
		{InstallationWrite, "change keys, providers to sign in with, and people over all tenants", Installation, []Scope{ScopeInstallation}},
	}
}

// rank orders the roles of a tenant; 0: it is none.
func rank(r Role) int { return slices.Index([]Role{Viewer, Member, Admin}, r) + 1 }

// Covers says that r has everything that other has.
func (r Role) Covers(other Role) bool {
	if r == Installation || other == Installation {
		return r == other
	}
	return rank(other) > 0 && rank(r) >= rank(other)
}

// Highest is the highest of the roles in a tenant; empty: there is none.
func Highest(roles ...Role) Role {
	var out Role
	for _, r := range roles {
		if rank(r) > rank(out) {
			out = r
		}
	}
	return out
}

// Parse reads the name of a role in a tenant.
func Parse(text string) (Role, error) {
	if r := Role(strings.ToLower(strings.TrimSpace(text))); rank(r) > 0 {
		return r, nil
	}
	return "", fmt.Errorf("%q is no role: use viewer, member or admin (docs/roles.md says what each may do)", text)
}

// ParseScopes reads the names of scopes. They come back in the order of Scopes,
// each once.
func ParseScopes(names []string) ([]Scope, error) {
	for _, name := range names {
		if !slices.Contains(Scopes(), Scope(name)) {
			return nil, fmt.Errorf("%q is no scope of an API token: use %s (docs/roles.md says what each allows)", name, join(Scopes(), ", "))
		}
	}
	var out []Scope
	for _, s := range Scopes() {
		if slices.Contains(names, string(s)) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the API token has no scope: name one or several of %s", join(Scopes(), ", "))
	}
	return out, nil
}

func join[T ~string](all []T, by string) string {
	var out []string
	for _, each := range all {
		out = append(out, string(each))
	}
	return strings.Join(out, by)
}

// Limit is what an API token narrows its holder's roles to. The zero value allows
// nothing.
type Limit struct {
	all    bool
	scopes []Scope
}

// Whole does not narrow: it is the limit of somebody who signed in themselves.
func Whole() Limit { return Limit{all: true} }

// Only allows what one of the scopes does.
func Only(scopes ...Scope) Limit { return Limit{scopes: slices.Clone(scopes)} }

// Scopes are those of an API token; nil for Whole.
func (l Limit) Scopes() []Scope { return slices.Clone(l.scopes) }

// Within says that l allows nothing that other does not.
func (l Limit) Within(other Limit) bool {
	if other.all {
		return true
	}
	return !l.all && !slices.ContainsFunc(Table(), func(line Line) bool { return l.has(line) && !other.has(line) })
}

func (l Limit) has(line Line) bool {
	return l.all || slices.ContainsFunc(line.Scopes, func(s Scope) bool { return slices.Contains(l.scopes, s) })
}

// Allowed says whether who has the roles may do something within a limit, and if
// not, why, with the next step. The roles are those in the tenant that it is about,
// and Installation where somebody has that.
func Allowed(roles []Role, limit Limit, asked Permission) (bool, string) {
	i := slices.IndexFunc(Table(), func(l Line) bool { return l.Permission == asked })
	if i < 0 {
		return false, fmt.Sprintf("%q is nothing that can be allowed", asked)
	}
	line := Table()[i]
	switch {
	case !slices.ContainsFunc(roles, func(r Role) bool { return r.Covers(line.Least) }):
		return false, line.wanting(roles)
	case !limit.has(line):
		return false, fmt.Sprintf("this API token has not the scope to %s: use one with the scope %s", line.Means, join(line.Scopes, " or "))
	}
	return true, ""
}

// wanting says which role is missing.
func (l Line) wanting(roles []Role) string {
	if l.Least == Installation {
		return fmt.Sprintf("only an admin of the installation may %s: ask one", l.Means)
	}
	has := "you have no role in this tenant"
	if r := Highest(roles...); r != "" {
		has = fmt.Sprintf("you are a %s", r)
	}
	return fmt.Sprintf("%s, and to %s it takes the role %s: ask an admin of the tenant", has, l.Means, l.Least)
}
