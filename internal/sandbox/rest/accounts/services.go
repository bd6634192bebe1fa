package accounts

import (
	"net/url"
	"slices"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// freeLimit is how many service accounts the Free tier allows.
const freeLimit = 100

const noSeats = "This namespace either does not have an active subscription that can create service accounts, " +
	"or the subscription has reached its service account creation limit."

// home is the level service accounts belong to: the instance, a group or a project.
type home func(*rest.Request) (people.Owner, error)

// instanceHome is for administrators alone; the routes say so.
func instanceHome(*rest.Request) (people.Owner, error) { return people.Owner{}, nil }

// groupHome needs an Owner of the group.
func groupHome(r *rest.Request) (people.Owner, error) {
	n, err := r.Group()
	if err != nil {
		return people.Owner{}, err
	}
	if r.W.Places.RoleIn(r.Caller, n) < place.Owner {
		return people.Owner{}, refuse.Denied("")
	}
	return people.Owner{GroupID: n.ID}, nil
}

// projectHome needs a Maintainer of the project.
func projectHome(r *rest.Request) (people.Owner, error) {
	p, err := r.Project()
	if err != nil {
		return people.Owner{}, err
	}
	if r.W.Places.Role(r.Caller, p) < place.Maintainer {
		return people.Owner{}, refuse.Denied("")
	}
	return people.Owner{ProjectID: p.ID}, nil
}

func services() []rest.Route {
	out := serviceRoutes("/service_accounts", instanceHome, rest.Administrator)
	out = append(out, serviceRoutes("/groups/{id}/service_accounts", groupHome, rest.SignedIn)...)
	return append(out, serviceRoutes("/projects/{id}/service_accounts", projectHome, rest.SignedIn)...)
}

func serviceRoutes(path string, at home, access rest.Access) []rest.Route {
	names := wire.Spec{Params: []wire.Param{{Name: "name"}, {Name: "username"}, {Name: "email"}}}
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "order_by", Values: []string{"id", "username"}, Default: "id"},
		{Name: "sort", Values: []string{"asc", "desc"}, Default: "desc"},
	}, wire.Pagination())}
	out := []rest.Route{
		{Method: "GET", Path: path, Access: access, Spec: list, Handle: listServices(at)},
		{Method: "POST", Path: path, Access: access, Spec: names, Limit: "service_account_creation", Handle: createService(at)},
		{Method: "PATCH", Path: path + "/{user_id}", Access: access, Spec: names, Handle: updateService(at)},
	}
	if access == rest.Administrator {
		return out
	}
	if strings.HasPrefix(path, "/groups/") { // GitLab has no such route for projects
		out = append(out, rest.Route{Method: "GET", Path: path + "/{user_id}", Handle: oneService(at)})
	}
	return append(out,
		rest.Route{Method: "DELETE", Path: path + "/{user_id}", Spec: wire.Spec{Params: []wire.Param{{Name: "hard_delete", Kind: wire.Boolean}}}, Handle: deleteService(at)},
	)
}

func listServices(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		owner, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		found := r.W.People.Users(func(u *people.User) bool {
			return u.Kind == people.ServiceAccount && (u.Provisioned == owner || owner == people.Owner{})
		})
		if r.Params.String("order_by") == "username" {
			slices.SortFunc(found, func(a, b *people.User) int { return compareText(a.Username, b.Username) })
		}
		if r.Params.String("sort") == "desc" {
			slices.Reverse(found)
		}
		return rest.Paged(r, found, r.Views.ServiceAccount)
	}
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func createService(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		owner, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		if err := r.Throttle("service_account_creation", 0); err != nil {
			return wire.Answer{}, err
		}
		if full(r, owner) {
			return wire.Answer{}, refuse.BadRequest(noSeats)
		}
		u, err := r.W.AddService(people.Account{
			Name: r.Params.String("name"), Username: r.Params.String("username"), Email: r.Params.String("email"),
			Provisioned: owner, CreatedBy: r.Caller.ID,
		}, hostOf(r.Base))
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.Created(r.Views.ServiceAccount(u)), nil
	}
}

// full says whether the Free tier's number of service accounts is reached.
func full(r *rest.Request, owner people.Owner) bool {
	n := r.W.Places.Namespace(owner.GroupID)
	if p := r.W.Places.Project(owner.ProjectID); p != nil {
		n = r.W.Places.Namespace(p.NamespaceID)
	}
	if n != nil && r.W.Places.PlanOf(n).Paid() || n == nil {
		return false
	}
	return len(r.W.People.Users(func(u *people.User) bool { return u.Kind == people.ServiceAccount })) >= freeLimit
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	return u.Hostname()
}

// serviceInPath finds the service account that the path means, at its home.
func serviceInPath(r *rest.Request, at home) (*people.User, error) {
	owner, err := at(r)
	if err != nil {
		return nil, err
	}
	u, err := userInPath(r, "user_id")
	if err != nil {
		return nil, err
	}
	if u.Kind != people.ServiceAccount {
		return nil, refuse.BadRequest("User is not of type Service Account")
	}
	if owner != (people.Owner{}) && u.Provisioned != owner {
		return nil, refuse.NotFound("User")
	}
	return u, nil
}

func oneService(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := serviceInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.ServiceAccount(u)), nil
	}
}

func updateService(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := serviceInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if err := changeService(r, u); err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.ServiceAccount(u)), nil
	}
}

// changeService applies names; a custom e-mail address waits for its confirmation.
func changeService(r *rest.Request, u *people.User) error {
	p := r.Params
	if p.Given("username") {
		if err := r.W.People.Rename(u, p.String("username")); err != nil {
			return refuse.BadRequest(people.Sentence(err))
		}
	}
	if p.Given("name") && p.String("name") != "" {
		u.Name = p.String("name")
	}
	if p.Given("email") && p.String("email") != u.Email {
		u.UnconfirmedEmail = p.String("email")
	}
	return nil
}

func deleteService(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := serviceInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		r.W.People.Remove(u)
		return wire.NoContent(), nil
	}
}

func serviceTokens() []rest.Route {
	out := serviceTokenRoutes("/groups/{id}/service_accounts/{user_id}/personal_access_tokens", groupHome)
	return append(out, serviceTokenRoutes("/projects/{id}/service_accounts/{user_id}/personal_access_tokens", projectHome)...)
}

func serviceTokenRoutes(path string, at home) []rest.Route {
	list := wire.Spec{Params: rest.Params(tokenFilters(), wire.Pagination())}
	rotate := wire.Spec{Params: []wire.Param{{Name: "expires_at", Kind: wire.Date}}}
	return []rest.Route{
		{Method: "GET", Path: path, Spec: list, Handle: listServiceTokens(at)},
		{Method: "POST", Path: path, Spec: newTokenSpec(), Handle: createServiceToken(at)},
		{Method: "DELETE", Path: path + "/{token_id}", Handle: revokeServiceToken(at)},
		{Method: "POST", Path: path + "/{token_id}/rotate", Spec: rotate, Handle: rotateServiceToken(at)},
	}
}

func listServiceTokens(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := serviceInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		found := r.W.People.Tokens(func(t *people.Token) bool { return t.UserID == u.ID && tokenWanted(r, t) })
		sortTokens(found, r.Params.String("sort"))
		return rest.Paged(r, found, r.Views.Token)
	}
}

func createServiceToken(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		u, err := serviceInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		return granted(r, u)
	}
}

// serviceToken finds the token the path means; missing answers with notFound.
func serviceToken(r *rest.Request, at home, notFound error) (*people.Token, error) {
	u, err := serviceInPath(r, at)
	if err != nil {
		return nil, err
	}
	id, err := r.PathInt("token_id")
	if err != nil {
		return nil, err
	}
	t := r.W.People.Token(id)
	if t == nil || t.UserID != u.ID {
		return nil, notFound
	}
	return t, nil
}

func revokeServiceToken(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		t, err := serviceToken(r, at, refuse.NotFound("Personal Access Token"))
		if err != nil {
			return wire.Answer{}, err
		}
		t.Revoked = true
		return wire.NoContent(), nil
	}
}

func rotateServiceToken(at home) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		t, err := serviceToken(r, at, refuse.Absent("404 Not Found"))
		if err != nil {
			return wire.Answer{}, err
		}
		return rotated(r, t)
	}
}
