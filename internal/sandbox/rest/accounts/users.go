package accounts

import (
	"slices"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

func users() []rest.Route {
	page := wire.Pagination()
	return []rest.Route{
		{Method: "GET", Path: "/user", Scopes: []string{"read_user"}, Handle: self},
		{Method: "GET", Path: "/users", Scopes: []string{"read_user"}, Spec: wire.Spec{Params: rest.Params(listUserParams(), page)}, Handle: listUsers},
		{Method: "GET", Path: "/users/{id}", Scopes: []string{"read_user"}, Handle: oneUser},
		{Method: "POST", Path: "/users", Access: rest.Administrator, Spec: createUserSpec(), Handle: createUser},
		{Method: "PUT", Path: "/users/{id}", Access: rest.Administrator, Spec: wire.Spec{Params: profileParams()}, Handle: updateUser},
		{Method: "DELETE", Path: "/users/{id}", Access: rest.Administrator, Spec: wire.Spec{Params: []wire.Param{{Name: "hard_delete", Kind: wire.Boolean}}}, Handle: deleteUser},
		{Method: "POST", Path: "/users/{id}/block", Access: rest.Administrator, Handle: setState(people.Active, people.Blocked)},
		{Method: "POST", Path: "/users/{id}/unblock", Access: rest.Administrator, Handle: setState(people.Blocked, people.Active)},
		{Method: "POST", Path: "/users/{id}/ban", Access: rest.Administrator, Handle: setState(people.Active, people.Banned)},
		{Method: "POST", Path: "/users/{id}/unban", Access: rest.Administrator, Handle: setState(people.Banned, people.Active)},
		{Method: "POST", Path: "/users/{id}/deactivate", Access: rest.Administrator, Handle: setState(people.Active, people.Deactivated)},
		{Method: "POST", Path: "/users/{id}/activate", Access: rest.Administrator, Handle: setState(people.Deactivated, people.Active)},
	}
}

func self(r *rest.Request) (wire.Answer, error) {
	if r.Admin() {
		return wire.OK(r.Views.UserAdmin(r.Caller)), nil
	}
	return wire.OK(r.Views.UserPublic(r.Caller)), nil
}

func listUserParams() []wire.Param {
	return []wire.Param{
		{Name: "username"}, {Name: "search"}, {Name: "active", Kind: wire.Boolean}, {Name: "blocked", Kind: wire.Boolean},
		{Name: "external", Kind: wire.Boolean}, {Name: "admins", Kind: wire.Boolean}, {Name: "humans", Kind: wire.Boolean},
		{Name: "exclude_humans", Kind: wire.Boolean}, {Name: "without_project_bots", Kind: wire.Boolean},
		{Name: "order_by", Values: []string{"id", "name", "username", "created_at", "updated_at"}, Default: "id"},
		{Name: "sort", Values: []string{"asc", "desc"}, Default: "desc"},
	}
}

func listUsers(r *rest.Request) (wire.Answer, error) {
	found := r.W.People.Users(func(u *people.User) bool { return wanted(r, u) })
	if r.Params.String("sort") == "desc" {
		slices.Reverse(found)
	}
	if r.Admin() {
		return rest.Paged(r, found, r.Views.UserAdmin)
	}
	return rest.Paged(r, found, r.Views.UserBasic)
}

func wanted(r *rest.Request, u *people.User) bool {
	p := r.Params
	switch {
	case p.Given("username") && !strings.EqualFold(u.Username, p.String("username")):
		return false
	case p.Bool("active") && u.State != people.Active, p.Bool("blocked") && u.State != people.Blocked:
		return false
	case p.Bool("external") && !u.External, p.Bool("admins") && !u.Admin:
		return false
	case p.Bool("humans") && u.Bot(), p.Bool("exclude_humans") && !u.Bot():
		return false
	}
	return foundBy(u, p.String("search"), r.Admin())
}

// foundBy matches name and user name in part, an e-mail address whole.
func foundBy(u *people.User, search string, admin bool) bool {
	fold := strings.ToLower(search)
	return strings.Contains(strings.ToLower(u.Username), fold) || strings.Contains(strings.ToLower(u.Name), fold) ||
		strings.EqualFold(u.Email, search) && (admin || u.PublicEmail == u.Email)
}

// userInPath finds the user the path's id means.
func userInPath(r *rest.Request, param string) (*people.User, error) {
	id, err := r.PathInt(param)
	if err != nil {
		return nil, err
	}
	u := r.W.People.User(id)
	if u == nil {
		return nil, refuse.NotFound("User")
	}
	return u, nil
}

func oneUser(r *rest.Request) (wire.Answer, error) {
	u, err := userInPath(r, "id")
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Admin() {
		return wire.OK(r.Views.UserAdmin(u)), nil
	}
	return wire.OK(r.Views.User(u)), nil
}

func profileParams() []wire.Param {
	return []wire.Param{
		{Name: "email"}, {Name: "name"}, {Name: "username"}, {Name: "password"}, {Name: "admin", Kind: wire.Boolean},
		{Name: "external", Kind: wire.Boolean}, {Name: "projects_limit", Kind: wire.Integer},
		{Name: "can_create_group", Kind: wire.Boolean}, {Name: "note"}, {Name: "bio"}, {Name: "public_email"},
	}
}

func createUserSpec() wire.Spec {
	s := wire.Spec{AtLeastOne: []string{"password", "reset_password", "force_random_password"}}
	s.Params = append(profileParams(), []wire.Param{
		{Name: "reset_password", Kind: wire.Boolean}, {Name: "force_random_password", Kind: wire.Boolean},
		{Name: "skip_confirmation", Kind: wire.Boolean},
	}...)
	for i := range 3 {
		s.Params[i].Required = true
	}
	return s
}

func createUser(r *rest.Request) (wire.Answer, error) {
	p := r.Params
	a := people.Account{
		Username: p.String("username"), Name: p.String("name"), Email: p.String("email"), Admin: p.Bool("admin"),
		External: p.Bool("external"), CreatedBy: r.Caller.ID, Note: p.String("note"), Bio: p.String("bio"),
	}
	if p.Given("projects_limit") && !p.Null("projects_limit") {
		n := int(p.Int("projects_limit"))
		a.ProjectsLimit = &n
	}
	if p.Given("can_create_group") {
		can := p.Bool("can_create_group")
		a.CanCreateGroup = &can
	}
	u, err := r.W.AddUser(a)
	if err != nil {
		return wire.Answer{}, err
	}
	u.PublicEmail = p.String("public_email")
	r.W.Grants.SetPassword(u.ID, p.String("password"))
	return wire.Created(r.Views.UserAdmin(u)), nil
}

func updateUser(r *rest.Request) (wire.Answer, error) {
	u, err := userInPath(r, "id")
	if err != nil {
		return wire.Answer{}, err
	}
	p := r.Params
	if p.Given("email") {
		if err := r.W.People.Readdress(u, p.String("email")); err != nil {
			return wire.Answer{}, err
		}
	}
	if p.Given("username") {
		if err := r.W.People.Rename(u, p.String("username")); err != nil {
			return wire.Answer{}, err
		}
	}
	setProfile(u, p)
	if p.Given("password") {
		r.W.Grants.SetPassword(u.ID, p.String("password"))
	}
	return wire.OK(r.Views.UserAdmin(u)), nil
}

func setProfile(u *people.User, p wire.Params) {
	for name, slot := range map[string]*string{"name": &u.Name, "note": &u.Note, "bio": &u.Bio, "public_email": &u.PublicEmail} {
		if p.Given(name) {
			*slot = p.String(name)
		}
	}
	for name, slot := range map[string]*bool{"admin": &u.Admin, "external": &u.External, "can_create_group": &u.CanCreateGroup} {
		if p.Given(name) {
			*slot = p.Bool(name)
		}
	}
	if p.Given("projects_limit") {
		u.ProjectsLimit = int(p.Int("projects_limit"))
	}
}

func deleteUser(r *rest.Request) (wire.Answer, error) {
	u, err := userInPath(r, "id")
	if err != nil {
		return wire.Answer{}, err
	}
	r.W.People.Remove(u)
	return wire.NoContent(), nil
}

// setState moves an account from one state to another; another beginning is
// refused as GitLab does.
func setState(from, to people.State) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := userInPath(r, "id")
		if err != nil {
			return wire.Answer{}, err
		}
		if u.State == from || to == people.Blocked && u.State == people.Deactivated {
			u.State = to
			return wire.Created(true), nil
		}
		if u.State == to {
			return wire.Created(true), nil
		}
		return wire.Answer{}, refuse.Denied("A " + string(u.State) + " user cannot be made " + string(to))
	}
}
