package spaces

import (
	"slices"
	"strconv"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// site is the group or project a members route is about.
type site func(*rest.Request) (place.Site, error)

func groupSite(r *rest.Request) (place.Site, error) {
	n, err := r.Group()
	return place.Site{Group: n}, err
}

func projectSite(r *rest.Request) (place.Site, error) {
	p, err := r.Project()
	return place.Site{Project: p}, err
}

func members() []rest.Route {
	return append(memberRoutes("/groups/{id}/members", groupSite), memberRoutes("/projects/{id}/members", projectSite)...)
}

func memberRoutes(path string, at site) []rest.Route {
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "query"}, {Name: "user_ids", Kind: wire.Integers}, {Name: "skip_users", Kind: wire.Integers},
		{Name: "show_seat_info", Kind: wire.Boolean},
	}, wire.Pagination())}
	all := wire.Spec{Params: rest.Without(list.Params, "skip_users")}
	level := []wire.Param{{Name: "access_level", Kind: wire.Integer, Required: true}, {Name: "expires_at", Kind: wire.Date}, {Name: "member_role_id", Kind: wire.Integer}}
	invite := wire.Spec{Params: rest.Params(level, []wire.Param{{Name: "user_id", Kind: wire.List}, {Name: "username"}, {Name: "invite_source"}}),
		Exclusive: [][]string{{"user_id", "username"}}, AtLeastOne: []string{"user_id", "username"}}
	return []rest.Route{
		{Method: "GET", Path: path, Access: rest.Anyone, Spec: list, Handle: listMembers(at, false)},
		{Method: "GET", Path: path + "/all", Access: rest.Anyone, Spec: all, Limit: "project_members_api", Handle: listMembers(at, true)},
		{Method: "GET", Path: path + "/{user_id}", Access: rest.Anyone, Handle: oneMember(at, false)},
		{Method: "GET", Path: path + "/all/{user_id}", Access: rest.Anyone, Handle: oneMember(at, true)},
		{Method: "POST", Path: path, Spec: invite, Handle: addMember(at)},
		{Method: "PUT", Path: path + "/{user_id}", Spec: wire.Spec{Params: level}, Handle: updateMember(at)},
		{Method: "DELETE", Path: path + "/{user_id}", Handle: removeMember(at)},
	}
}

// membersOf gives direct members, or with all the inherited ones too.
func membersOf(r *rest.Request, s place.Site, all bool) []*place.Member {
	if all {
		return r.W.Places.AllMembers(s)
	}
	return s.Direct().Sorted(r.W.Now())
}

func listMembers(at site, all bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		s, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		var found []*place.Member
		for _, m := range membersOf(r, s, all) {
			if u := r.W.People.User(m.UserID); u != nil && memberFound(r, u) {
				found = append(found, m)
			}
		}
		return rest.Paged(r, found, r.Views.Member)
	}
}

func memberFound(r *rest.Request, u *people.User) bool {
	query := strings.ToLower(r.Params.String("query"))
	ids, skip := r.Params.Ints("user_ids"), r.Params.Ints("skip_users")
	if len(ids) > 0 && !contains(ids, u.ID) || contains(skip, u.ID) {
		return false
	}
	return strings.Contains(strings.ToLower(u.Name), query) || strings.Contains(strings.ToLower(u.Username), query)
}

func contains(ids []int64, id int64) bool {
	return slices.Contains(ids, id)
}

func oneMember(at site, all bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		id, err := r.PathInt("user_id")
		if err != nil {
			return wire.Answer{}, err
		}
		s, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		for _, m := range membersOf(r, s, all) {
			if m.UserID == id {
				return wire.OK(r.Views.Member(m)), nil
			}
		}
		return wire.Answer{}, refuse.NoRecord()
	}
}

// managed finds a place for those who may change its members: Owners of a
// group, Maintainers of a project.
func managed(r *rest.Request, at site) (place.Site, error) {
	s, err := at(r)
	if err != nil {
		return s, err
	}
	least := place.Maintainer
	if s.Group != nil {
		least = place.Owner
	}
	if r.W.Places.RoleAt(r.Caller, s) < least {
		return s, refuse.Denied("")
	}
	return s, nil
}

func membership(r *rest.Request) place.Member {
	m := place.Member{Role: place.Role(r.Params.Int("access_level"))}
	if day := r.Params.Time("expires_at"); day != nil {
		m.ExpiresAt = day
	}
	return m
}

type outcome struct {
	Status  string            `json:"status"`
	Message map[string]string `json:"message,omitempty"`
}

func addMember(at site) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		s, err := managed(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		names := r.Params.Strings("user_id")
		if len(names) > 1 {
			return inviteAll(r, s, names), nil
		}
		u := r.W.People.ByUsername(r.Params.String("username"))
		if len(names) == 1 {
			u = userNumbered(r, names[0])
		}
		if u == nil {
			return wire.Answer{}, refuse.NotFound("User")
		}
		m, err := r.W.Places.Invite(r.Caller, u, s, membership(r))
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.Created(r.Views.Member(m)), nil
	}
}

func userNumbered(r *rest.Request, number string) *people.User {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil
	}
	return r.W.People.User(id)
}

// inviteAll answers 201 whatever happens to each of several users.
func inviteAll(r *rest.Request, s place.Site, names []string) wire.Answer {
	faults := map[string]string{}
	for _, name := range names {
		u := userNumbered(r, name)
		if u == nil {
			faults[name] = "User not found"
			continue
		}
		if _, err := r.W.Places.Invite(r.Caller, u, s, membership(r)); err != nil {
			faults[u.Username] = err.Error()
		}
	}
	if len(faults) > 0 {
		return wire.Created(outcome{Status: "error", Message: faults})
	}
	return wire.Created(outcome{Status: "success"})
}

func updateMember(at site) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		id, err := r.PathInt("user_id")
		if err != nil {
			return wire.Answer{}, err
		}
		s, err := managed(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		m, err := r.W.Places.Reassign(r.Caller, s, id, membership(r))
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.Member(m)), nil
	}
}

func removeMember(at site) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		id, err := r.PathInt("user_id")
		if err != nil {
			return wire.Answer{}, err
		}
		s, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		if id != r.Caller.ID {
			if s, err = managed(r, at); err != nil {
				return wire.Answer{}, err
			}
		}
		if err := r.W.Places.Expel(s, id); err != nil {
			return wire.Answer{}, err
		}
		return wire.NoContent(), nil
	}
}
