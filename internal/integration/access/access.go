package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Place is a group or a project that an account reaches.
type Place struct {
	Group  bool   `json:"group"` // else it is a project
	ID     int64  `json:"id"`
	Path   string `json:"path"` // with its groups
	WebURL string `json:"web_url"`
	Role   Role   `json:"role"`   // the highest that the account has there
	Direct bool   `json:"direct"` // a membership of its own, rather than one that a group above passes on; of a group: not known, false
}

// Reach is what an account can reach at one moment.
type Reach struct {
	Account  string   `json:"account"` // user name
	Admin    bool     `json:"administrator"`
	Scopes   []string `json:"scopes"` // of the token; nil: not known
	Groups   []Place  `json:"groups"`
	Projects []Place  `json:"projects"`
}

// Need is what cxm works with.
type Need struct {
	Projects []Place // where issues go; Role is not read
	Also     []int64 // projects in which issues are looked after too: being no member there is no fault
}

// Severity is how much a remark matters.
type Severity string

// The severities.
const (
	Fault   Severity = "error"   // too little: cxm cannot do its work
	Warning Severity = "warning" // too much, or not known
)

// Remark is one thing in which a reach differs from the need.
type Remark struct {
	Severity Severity `json:"severity"`
	Place    string   `json:"place,omitempty"` // path; empty: it is about the account or its token
	Text     string   `json:"text"`            // with the mend
}

// What cxm needs in a project (config/authz/roles of GitLab 19.3).
const (
	// Least is enough for all that cxm does with issues.
	Least = Planner
	// Most is the highest that anything of cxm asks for: webhooks need it, and the
	// guide recommends it.
	Most = Maintainer
)

// Judge compares what an account reaches with what cxm needs:
//
//	a project that is needed   not reached                 error
//	                           role not known              warning
//	                           guest or less               error: issues are made, and not kept up to date
//	                           planner … maintainer        as it should be
//	                           owner                       warning
//	a group                                                warning: everything in it is reached
//	any other project          by a membership of its own  warning
//	                           through a group             said with that group
//	an administrator                                       warning
//	scopes                     without api                 error
//	                           sudo, admin_mode and such   warning
//
// Errors come first; then the order is that of the table.
func Judge(r Reach, n Need) []Remark {
	out := judgeNeeded(r, n)
	out = append(out, judgeGroups(r, n)...)
	out = append(out, judgeOthers(r, n)...)
	if r.Admin {
		out = append(out, Remark{Warning, "", r.Account + " is an administrator of the instance, and reaches everything: take that from it, cxm needs the membership of a project alone"})
	}
	out = append(out, judgeScopes(r)...)
	slices.SortStableFunc(out, func(a, b Remark) int { return strings.Compare(string(a.Severity), string(b.Severity)) })
	return out
}

func judgeNeeded(r Reach, n Need) []Remark {
	var out []Remark
	for _, want := range n.Projects {
		at := slices.IndexFunc(r.Projects, func(p Place) bool { return p.ID == want.ID })
		role := Unknown
		if at >= 0 {
			role = r.Projects[at].Role
		}
		switch {
		case at < 0 && r.Admin:
		case at < 0:
			out = append(out, Remark{Fault, want.Path, fmt.Sprintf("%s is not a member: invite it with the role %s, or cxm cannot work there", r.Account, Least)})
		case role == Unknown:
			out = append(out, Remark{Warning, want.Path, "the role is not known: GitLab does not say it"})
		case role < Least:
			out = append(out, Remark{Fault, want.Path, fmt.Sprintf("%s has the role %s, which cannot keep issues up to date: raise it to %s", r.Account, role, Least)})
		case role > Most:
			out = append(out, Remark{Warning, want.Path, fmt.Sprintf("%s has the role %s, which may delete the project: lower it to %s, or to %s when cxm makes no webhooks", r.Account, role, Most, Least)})
		}
	}
	return out
}

// needed says that a place is one that cxm works with.
func (n Need) needed(p Place) bool {
	return slices.Contains(n.Also, p.ID) || slices.ContainsFunc(n.Projects, func(want Place) bool { return want.ID == p.ID })
}

func judgeGroups(r Reach, n Need) []Remark {
	var out []Remark
	for _, g := range r.Groups {
		if within(g.Path, r.Groups) {
			continue // said with the group above
		}
		others := 0
		for _, p := range r.Projects {
			if inside(p.Path, g.Path) && !n.needed(p) {
				others++
			}
		}
		out = append(out, Remark{Warning, g.Path, fmt.Sprintf(
			"%s has the role %s in the whole group, with %d projects that cxm does not need, and those to come: invite it to the projects alone", r.Account, g.Role, others)})
	}
	return out
}

func judgeOthers(r Reach, n Need) []Remark {
	var out []Remark
	for _, p := range r.Projects {
		if !n.needed(p) && (p.Direct || !within(p.Path, r.Groups)) {
			out = append(out, Remark{Warning, p.Path, fmt.Sprintf("%s has the role %s, and no issue of cxm goes there: end the membership", r.Account, p.Role)})
		}
	}
	return out
}

// inside says that a path lies under a group.
func inside(path, group string) bool {
	return len(path) > len(group) && strings.EqualFold(path[:len(group)], group) && path[len(group)] == '/'
}

func within(path string, groups []Place) bool {
	return slices.ContainsFunc(groups, func(g Place) bool { return inside(path, g.Path) })
}

func judgeScopes(r Reach) []Remark {
	if r.Scopes == nil {
		return nil
	}
	var out []Remark
	if !slices.Contains(r.Scopes, "api") {
		out = append(out, Remark{Fault, "", "the token lacks the scope api: replace it by one that has it"})
	}
	useful := []string{"api", "read_api", "read_user", "read_repository", "write_repository", "self_rotate"}
	for _, s := range r.Scopes {
		if !slices.Contains(useful, s) {
			out = append(out, Remark{Warning, "", "the token has the scope " + s + ", which cxm does not use: replace it by one without"})
		}
	}
	return out
}

// Due is when the next review is to be made: a quarter after the last one, or
// after the connection was made. last is zero when there was none.
func Due(connected, last time.Time) time.Time {
	if last.Before(connected) {
		last = connected
	}
	return quarter(last.UTC())
}

// quarter is three months on, on the last day of a month that is too short.
func quarter(t time.Time) time.Time {
	next := t.AddDate(0, 3, 0)
	if next.Day() != t.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next
}
