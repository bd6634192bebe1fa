// Package place holds the sandbox's namespaces, groups and projects, who is a
// member of them with which role, and where a path leads: exact case first,
// then any case, then the paths a project used to have.
//
// Nothing here locks: whoever calls holds the world's lock.
package place

import (
	"sort"
	"time"
)

// Role is an access level (lib/gitlab/access.rb).
type Role int

// The access levels.
const (
	None            Role = 0
	Minimal         Role = 5
	Guest           Role = 10
	Planner         Role = 15
	Reporter        Role = 20
	SecurityManager Role = 25
	Developer       Role = 30
	Maintainer      Role = 40
	Owner           Role = 50
	admin           Role = 60
)

// Valid says whether a role can be given to a member.
func (r Role) Valid() bool {
	switch r {
	case Minimal, Guest, Planner, Reporter, SecurityManager, Developer, Maintainer, Owner:
		return true
	}
	return false
}

// String gives the role's name as GitLab writes it.
func (r Role) String() string {
	names := map[Role]string{
		None: "No access", Minimal: "Minimal Access", Guest: "Guest", Planner: "Planner", Reporter: "Reporter",
		SecurityManager: "Security Manager", Developer: "Developer", Maintainer: "Maintainer", Owner: "Owner", admin: "Admin",
	}
	return names[r]
}

// Visibility is who can see a group or project.
type Visibility string

// The visibilities.
const (
	Private  Visibility = "private"
	Internal Visibility = "internal"
	Public   Visibility = "public"
)

// Plan is a subscription tier.
type Plan string

// The tiers.
const (
	Free     Plan = "free"
	Premium  Plan = "premium"
	Ultimate Plan = "ultimate"
)

// Paid says whether the tier unlocks the features of GitLab Premium.
func (p Plan) Paid() bool { return p == Premium || p == Ultimate }

// Member is a user's direct membership of a group or project.
type Member struct {
	UserID    int64
	Role      Role
	CreatedAt time.Time
	CreatedBy int64      // 0: nobody
	ExpiresAt *time.Time // midnight UTC of its last day's end; nil: never
}

// live says whether the membership counts now.
func (m *Member) live(now time.Time) bool { return m.ExpiresAt == nil || now.Before(*m.ExpiresAt) }

// Members is the direct membership of one group or project: user id → member.
type Members map[int64]*Member

// Sorted gives the members that live now, by user id.
func (m Members) Sorted(now time.Time) []*Member {
	var out []*Member
	for _, one := range m {
		if one.live(now) {
			out = append(out, one)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].UserID < out[j].UserID })
	return out
}
