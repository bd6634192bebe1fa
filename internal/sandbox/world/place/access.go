package place

import (
	"fmt"
	"time"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// inherited gives the highest role a user holds in a namespace or above it.
func (t *Tree) inherited(n *Namespace, userID int64) Role {
	best, now := None, t.clock()
	for _, up := range t.Lineage(n) {
		if up.UserID != 0 && up.UserID == userID {
			return Owner
		}
		if m := up.Members[userID]; m != nil && m.live(now) {
			best = max(best, m.Role)
		}
	}
	return best
}

// RoleIn gives a user's effective role in a group; administrators stand above Owner.
func (t *Tree) RoleIn(u *people.User, n *Namespace) Role {
	switch {
	case u == nil:
		return None
	case u.Admin:
		return admin
	}
	return t.inherited(n, u.ID)
}

// Role gives a user's effective role in a project; administrators stand above Owner.
func (t *Tree) Role(u *people.User, p *Project) Role {
	if u != nil && u.Admin {
		return admin
	}
	return t.MemberRole(u, p)
}

// MemberRole gives the role a user holds by membership alone, direct or inherited.
func (t *Tree) MemberRole(u *people.User, p *Project) Role {
	if u == nil {
		return None
	}
	best := t.inherited(t.namespaces[p.NamespaceID], u.ID)
	if m := p.Members[u.ID]; m != nil && m.live(t.clock()) {
		best = max(best, m.Role)
	}
	return best
}

// CanRead says whether a user (nil: nobody signed in) may know that a project exists.
func (t *Tree) CanRead(u *people.User, p *Project) bool {
	switch {
	case p.Visibility == Public:
		return true
	case u == nil:
		return false
	case p.Visibility == Internal && !u.External:
		return true
	}
	return t.Role(u, p) >= Guest
}

// CanReadGroup says whether a user (nil: nobody signed in) may know that a
// group exists: members, and members of anything under it, may.
func (t *Tree) CanReadGroup(u *people.User, n *Namespace) bool {
	switch {
	case n.Visibility == Public && n.Group():
		return true
	case u == nil:
		return false
	case n.Visibility == Internal && !u.External, t.RoleIn(u, n) >= Minimal:
		return true
	}
	return t.memberBelow(u, n)
}

func (t *Tree) memberBelow(u *people.User, n *Namespace) bool {
	for _, sub := range t.namespaces {
		if m := sub.Members[u.ID]; m != nil && m.live(t.clock()) && t.Within(sub, n) {
			return true
		}
	}
	for _, p := range t.projects {
		if m := p.Members[u.ID]; m != nil && m.live(t.clock()) && t.Within(t.namespaces[p.NamespaceID], n) {
			return true
		}
	}
	return false
}

// CanReadIssues says whether a user may see the project's issues at all.
func (t *Tree) CanReadIssues(u *people.User, p *Project) bool {
	switch p.IssuesAccess {
	case "disabled":
		return false
	case "private":
		return t.Role(u, p) >= Guest
	}
	return t.CanRead(u, p)
}

// Site is a group or a project seen as a place with members.
type Site struct {
	Group   *Namespace // nil for a project
	Project *Project   // nil for a group
}

// Direct gives the place's own members.
func (s Site) Direct() Members {
	if s.Project != nil {
		return s.Project.Members
	}
	return s.Group.Members
}

// RoleAt gives a user's effective role at a place.
func (t *Tree) RoleAt(u *people.User, s Site) Role {
	if s.Project != nil {
		return t.Role(u, s.Project)
	}
	return t.RoleIn(u, s.Group)
}

// parent gives the namespace whose members a place inherits; nil at the top.
func (t *Tree) parent(s Site) *Namespace {
	if s.Project != nil {
		return t.namespaces[s.Project.NamespaceID]
	}
	return t.namespaces[s.Group.ParentID]
}

// AllMembers gives direct and inherited members, each with the highest role.
func (t *Tree) AllMembers(s Site) []*Member {
	all, now := Members{}, t.clock()
	keep := func(m *Member) {
		if have := all[m.UserID]; m.live(now) && (have == nil || m.Role > have.Role) {
			all[m.UserID] = m
		}
	}
	for _, m := range s.Direct() {
		keep(m)
	}
	for _, up := range t.Lineage(t.parent(s)) {
		for _, m := range up.Members {
			keep(m)
		}
		if up.UserID != 0 {
			keep(&Member{UserID: up.UserID, Role: Owner, CreatedAt: up.CreatedAt})
		}
	}
	return all.Sorted(now)
}

// Invite makes a user a direct member. by is who invites; only an Owner may
// give more than they hold.
func (t *Tree) Invite(by, u *people.User, s Site, m Member) (*Member, error) {
	if err := t.checkRole(by, s, m); err != nil {
		return nil, err
	}
	if have := s.Direct()[u.ID]; have != nil && have.live(t.clock()) {
		return nil, refuse.Conflicting("Member already exists")
	}
	if err := t.eligible(u, s); err != nil {
		return nil, err
	}
	if up := t.parent(s); up != nil {
		if r := t.inherited(up, u.ID); r > m.Role {
			return nil, refuse.Invalidly("access_level", fmt.Sprintf(
				"should be greater than or equal to %s inherited membership from group %s", r, t.FullName(up)))
		}
	}
	m.UserID, m.CreatedAt, m.CreatedBy = u.ID, t.clock(), by.ID
	s.Direct()[u.ID] = &m
	return &m, nil
}

// checkRole holds an invitation or change to the roles and dates GitLab allows.
func (t *Tree) checkRole(by *people.User, s Site, m Member) error {
	switch held := t.RoleAt(by, s); {
	case !m.Role.Valid():
		return refuse.Invalidly("access_level", "is not included in the list")
	case m.Role > held:
		return refuse.Denied("")
	case (m.Role == Planner || m.Role == SecurityManager) && held < Owner && held != m.Role:
		return refuse.Denied("")
	case m.ExpiresAt != nil && m.ExpiresAt.Before(t.clock().UTC().Truncate(24*time.Hour)):
		return refuse.Invalidly("expires_at", "cannot be a date in the past")
	}
	return nil
}

// eligible holds service accounts to the places they were provisioned for
// (lib/members/service_accounts/eligibility_checker.rb).
func (t *Tree) eligible(u *people.User, s Site) error {
	from := u.Provisioned
	if id := from.ProjectID; id != 0 && (s.Project == nil || s.Project.ID != id) {
		return refuse.Invalidly("base", "Project service accounts can only be members of the project they belong to")
	}
	home := t.namespaces[from.GroupID]
	if home == nil || home.ParentID == 0 {
		return nil
	}
	at := s.Group
	if s.Project != nil {
		at = t.namespaces[s.Project.NamespaceID]
	}
	if !t.Within(at, home) {
		return refuse.Invalidly("base", "Subgroup service accounts can only be members of that group or its descendants")
	}
	return nil
}

// Reassign changes a direct member's role and expiry.
func (t *Tree) Reassign(by *people.User, s Site, userID int64, next Member) (*Member, error) {
	m := s.Direct()[userID]
	if m == nil {
		return nil, refuse.NoRecord()
	}
	if m.Role > t.RoleAt(by, s) {
		return nil, refuse.Denied("")
	}
	if err := t.checkRole(by, s, next); err != nil {
		return nil, err
	}
	m.Role, m.ExpiresAt = next.Role, next.ExpiresAt
	return m, nil
}

// Expel removes a direct member.
func (t *Tree) Expel(s Site, userID int64) error {
	if s.Direct()[userID] == nil {
		return refuse.NoRecord()
	}
	delete(s.Direct(), userID)
	return nil
}
