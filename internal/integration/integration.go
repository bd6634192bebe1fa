// Package integration is one connection to one tracker: where it is, as whom
// cxm acts there, and where issues go by default.
//
// What always holds: a project is known by its numeric id (paths are for
// people and change); an integration never holds a token, only credential does.
package integration

import "time"

// Provider names the kind of tracker.
type Provider string

// GitLab is the only provider so far; a second one is an adapter.
const GitLab Provider = "gitlab"

// Integration is one connection.
type Integration struct {
	ID         int64
	Provider   Provider
	URL        string // normalised: scheme, host, optional port and relative root; no slash at the end
	Version    string // the instance's, such as "19.3.0-ee"; empty: it does not say
	Account    Account
	Project    Project // where issues are created by default
	OnRoute    string  // what happens to issues when Project changes (rule.OnChange); empty: they are moved
	CreatedAt  time.Time
	VerifiedAt time.Time // when the tracker last confirmed token and project
}

// Account is whom cxm acts as.
type Account struct {
	ID       int64
	Username string
	Name     string
	Bot      bool // GitLab says so of service accounts and access-token bots; not of a dedicated bot user
}

// Project is where issues go.
type Project struct {
	ID          int64
	Path        string // with namespace, as the tracker spells it
	WebURL      string
	AccessLevel int // GitLab access level of the account in it: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner; 0: unknown
}

// Network is how an instance is reached, by all of its integrations.
type Network struct {
	CA    string // certificates in PEM that are trusted beside the system's; empty: none
	Proxy string // URL of a proxy, or "none"; empty: as the environment says
}

// Defaults is what every issue is given when it is made. What people change of it
// later stays as they want it.
type Defaults struct {
	Labels       []string // beside those that cxm looks after
	AssigneeID   int64    // 0: nobody
	Assignee     string   // the user name, for people
	Confidential bool
}

// None says that issues are given nothing.
func (d Defaults) None() bool { return len(d.Labels) == 0 && d.AssigneeID == 0 && !d.Confidential }
