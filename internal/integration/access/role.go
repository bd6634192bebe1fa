// Package access is what an account may do in a tracker: its role in groups and
// projects, what cxm needs of it, and what is too much.
//
// What always holds: a role that is not known is Unknown, which is neither enough
// nor too much.
package access

import (
	"fmt"
	"strings"
)

// Role is an access level of GitLab (docs.gitlab.com, api/access_requests).
type Role int

// The roles. Planner and SecurityManager are no steps on the way from Guest to
// Owner: who has Reporter may more than a Planner with code, and less with
// issues.
const (
	Unknown         Role = 0
	Minimal         Role = 5
	Guest           Role = 10
	Planner         Role = 15
	Reporter        Role = 20
	SecurityManager Role = 25
	Developer       Role = 30
	Maintainer      Role = 40
	Owner           Role = 50
)

// name is what people call a role; empty: GitLab has no such one.
func (r Role) name() string {
	switch r {
	case Minimal:
		return "minimal"
	case Guest:
		return "guest"
	case Planner:
		return "planner"
	case Reporter:
		return "reporter"
	case SecurityManager:
		return "security-manager"
	case Developer:
		return "developer"
	case Maintainer:
		return "maintainer"
	case Owner:
		return "owner"
	}
	return ""
}

// String is the role's name in lower case, or its number where it has none.
func (r Role) String() string {
	switch name := r.name(); {
	case r == Unknown:
		return "unknown"
	case name != "":
		return name
	}
	return fmt.Sprintf("access level %d", int(r))
}

// MarshalText is the name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Role) UnmarshalText(text []byte) error {
	if string(text) == "unknown" {
		*r = Unknown
		return nil
	}
	if _, err := fmt.Sscanf(string(text), "access level %d", (*int)(r)); err == nil {
		return nil
	}
	role, ok := named(string(text))
	if !ok {
		return fmt.Errorf("%.40q is no role", text)
	}
	*r = role
	return nil
}

func named(text string) (Role, bool) {
	for r := Minimal; r <= Owner; r += 5 {
		if r.name() != "" && strings.EqualFold(strings.ReplaceAll(text, " ", "-"), r.name()) {
			return r, true
		}
	}
	return Unknown, false
}

// ParseRole reads a role that cxm's account can be given, by its name in any
// letter case. Less than guest is no role to work with.
func ParseRole(text string) (Role, error) {
	if r, ok := named(strings.TrimSpace(text)); ok && r >= Guest {
		return r, nil
	}
	return Unknown, fmt.Errorf("the role %.40q is none: use guest, planner, reporter, developer, maintainer or owner", text)
}
