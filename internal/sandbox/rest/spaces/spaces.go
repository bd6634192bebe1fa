// Package spaces serves namespaces, groups, projects and their members.
package spaces

import (
	"slices"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// Routes gives the package's endpoints. repos keeps the projects' repositories.
func Routes(repos Repositories) []rest.Route {
	out := append(namespaces(), groups()...)
	out = append(out, projects(repos)...)
	return append(out, members()...)
}

func namespaces() []rest.Route {
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "search"}, {Name: "owned_only", Kind: wire.Boolean}, {Name: "top_level_only", Kind: wire.Boolean},
		{Name: "full_path_search", Kind: wire.Boolean},
	}, wire.Pagination())}
	exists := wire.Spec{Params: []wire.Param{{Name: "parent_id", Kind: wire.Integer}}}
	update := wire.Spec{Params: []wire.Param{{Name: "plan", Values: []string{"free", "premium", "ultimate"}}}}
	return []rest.Route{
		{Method: "GET", Path: "/namespaces", Spec: list, Handle: listNamespaces},
		{Method: "GET", Path: "/namespaces/{id}", Handle: oneNamespace},
		{Method: "GET", Path: "/namespaces/{id}/exists", Spec: exists, Handle: namespaceExists},
		{Method: "PUT", Path: "/namespaces/{id}", Access: rest.Administrator, Spec: update, Handle: updateNamespace},
	}
}

func listNamespaces(r *rest.Request) (wire.Answer, error) {
	found := r.W.Places.Namespaces(func(n *place.Namespace) bool { return namespaceWanted(r, n) })
	return rest.Paged(r, found, r.Views.Namespace)
}

// namespaceWanted keeps what is the caller's to see: their own namespace and
// the groups they are a member of; administrators see all.
func namespaceWanted(r *rest.Request, n *place.Namespace) bool {
	role := r.W.Places.RoleIn(r.Caller, n)
	path := n.Path
	if r.Params.Bool("full_path_search") {
		path = r.W.Places.FullPath(n)
	}
	search := strings.ToLower(r.Params.String("search"))
	switch {
	case role < place.Guest, r.Params.Bool("owned_only") && role < place.Owner:
		return false
	case r.Params.Bool("top_level_only") && n.ParentID != 0:
		return false
	}
	return strings.Contains(strings.ToLower(path), search) || strings.Contains(strings.ToLower(n.Name), search)
}

func oneNamespace(r *rest.Request) (wire.Answer, error) {
	n, err := r.Namespace()
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Namespace(n)), nil
}

type existence struct {
	Exists   bool     `json:"exists"`
	Suggests []string `json:"suggests"`
}

func namespaceExists(r *rest.Request) (wire.Answer, error) {
	path, parent := r.Path("id"), r.Params.Int("parent_id")
	taken := r.W.Places.Namespaces(func(n *place.Namespace) bool { return n.ParentID == parent && strings.EqualFold(n.Path, path) })
	out := existence{Exists: len(taken) > 0, Suggests: []string{}}
	if out.Exists {
		out.Suggests = append(out.Suggests, path+"1")
	}
	return wire.OK(out), nil
}

func updateNamespace(r *rest.Request) (wire.Answer, error) {
	n, err := r.Namespace()
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Params.Given("plan") {
		n.Plan = place.Plan(r.Params.String("plan"))
	}
	return wire.OK(r.Views.Namespace(n)), nil
}

func groups() []rest.Route {
	list := wire.Spec{Params: rest.Params(listGroupParams(), wire.Pagination())}
	one := wire.Spec{Params: []wire.Param{{Name: "with_projects", Kind: wire.Boolean, Default: true}}}
	return []rest.Route{
		{Method: "GET", Path: "/groups", Access: rest.Anyone, Spec: list, Limit: "groups_api", Handle: listGroups},
		{Method: "POST", Path: "/groups", Spec: wire.Spec{Params: groupParams(true)}, Handle: createGroup},
		{Method: "GET", Path: "/groups/{id}", Access: rest.Anyone, Spec: one, Handle: oneGroup},
		{Method: "PUT", Path: "/groups/{id}", Spec: wire.Spec{Params: groupParams(false)}, Handle: updateGroup},
		{Method: "DELETE", Path: "/groups/{id}", Spec: wire.Spec{Params: []wire.Param{
			{Name: "permanently_remove", Kind: wire.Boolean}, {Name: "full_path"}}}, Handle: deleteGroup},
		{Method: "GET", Path: "/groups/{id}/subgroups", Access: rest.Anyone, Spec: list, Handle: listSubgroups(false)},
		{Method: "GET", Path: "/groups/{id}/descendant_groups", Access: rest.Anyone, Spec: list, Handle: listSubgroups(true)},
		{Method: "GET", Path: "/groups/{id}/projects", Access: rest.Anyone, Spec: groupProjectsSpec(), Handle: groupProjects},
	}
}

func listGroupParams() []wire.Param {
	return []wire.Param{
		{Name: "search"}, {Name: "owned", Kind: wire.Boolean}, {Name: "all_available", Kind: wire.Boolean},
		{Name: "visibility", Values: visibilities()}, {Name: "min_access_level", Kind: wire.Integer},
		{Name: "top_level_only", Kind: wire.Boolean}, {Name: "skip_groups", Kind: wire.Integers},
		{Name: "statistics", Kind: wire.Boolean}, {Name: "active", Kind: wire.Boolean}, {Name: "archived", Kind: wire.Boolean},
		{Name: "order_by", Values: []string{"name", "path", "id", "similarity"}, Default: "name"},
		{Name: "sort", Values: []string{"asc", "desc"}, Default: "asc"},
	}
}

func visibilities() []string { return []string{"private", "internal", "public"} }

func listGroups(r *rest.Request) (wire.Answer, error) {
	return pagedGroups(r, func(n *place.Namespace) bool {
		if r.Caller == nil || r.Params.Bool("all_available") || r.Admin() && !r.Params.Given("all_available") {
			return r.W.Places.CanReadGroup(r.Caller, n)
		}
		return r.W.Places.RoleIn(r.Caller, n) >= place.Guest
	})
}

// pagedGroups answers with the groups that keep and the parameters accept.
func pagedGroups(r *rest.Request, keep func(*place.Namespace) bool) (wire.Answer, error) {
	found := r.W.Places.Namespaces(func(n *place.Namespace) bool { return n.Group() && groupWanted(r, n) && keep(n) })
	sortGroups(r, found)
	return rest.Paged(r, found, r.Views.Group)
}

func groupWanted(r *rest.Request, n *place.Namespace) bool {
	p := r.Params
	role, search := r.W.Places.RoleIn(r.Caller, n), strings.ToLower(p.String("search"))
	switch {
	case p.Bool("owned") && role < place.Owner, p.Bool("top_level_only") && n.ParentID != 0:
		return false
	case p.Given("visibility") && string(n.Visibility) != p.String("visibility"):
		return false
	case role < place.Role(p.Int("min_access_level")), slices.Contains(p.Ints("skip_groups"), n.ID):
		return false
	}
	return strings.Contains(strings.ToLower(n.Name), search) || strings.Contains(strings.ToLower(n.Path), search)
}

func sortGroups(r *rest.Request, found []*place.Namespace) {
	key := func(n *place.Namespace) string {
		switch r.Params.String("order_by") {
		case "path":
			return strings.ToLower(n.Path)
		case "id":
			return ""
		}
		return strings.ToLower(n.Name)
	}
	slices.SortStableFunc(found, func(a, b *place.Namespace) int { return strings.Compare(key(a), key(b)) })
	if r.Params.String("sort") == "desc" {
		slices.Reverse(found)
	}
}

func listSubgroups(deep bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		root, err := r.Group()
		if err != nil {
			return wire.Answer{}, err
		}
		return pagedGroups(r, func(n *place.Namespace) bool {
			below := n.ParentID == root.ID || deep && n != root && r.W.Places.Within(n, root)
			return below && r.W.Places.CanReadGroup(r.Caller, n)
		})
	}
}

func groupParams(create bool) []wire.Param {
	out := []wire.Param{
		{Name: "name", Required: create}, {Name: "path", Required: create}, {Name: "description"}, {Name: "visibility", Values: visibilities()},
	}
	if create {
		return append(out, wire.Param{Name: "parent_id", Kind: wire.Integer})
	}
	return append(out, wire.Param{Name: "service_access_tokens_expiration_enforced", Kind: wire.Boolean})
}

func createGroup(r *rest.Request) (wire.Answer, error) {
	parent, err := parentOf(r)
	if err != nil {
		return wire.Answer{}, err
	}
	n, err := r.W.Places.AddGroup(r.Caller, parent, place.Namespace{
		Name: r.Params.String("name"), Path: r.Params.String("path"), Description: r.Params.String("description"),
		Visibility: place.Visibility(r.Params.String("visibility")),
	})
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.GroupDetail(n, true)), nil
}

// parentOf finds the group a new one goes under; nil is the top level.
func parentOf(r *rest.Request) (*place.Namespace, error) {
	id := r.Params.Int("parent_id")
	if id == 0 {
		if !r.Caller.CanCreateGroup {
			return nil, refuse.Denied("")
		}
		return nil, nil
	}
	parent := r.W.Places.Namespace(id)
	if parent == nil || !parent.Group() || !r.W.Places.CanReadGroup(r.Caller, parent) {
		return nil, refuse.NotFound("Group")
	}
	if r.W.Places.RoleIn(r.Caller, parent) < place.Maintainer {
		return nil, refuse.Denied("")
	}
	return parent, nil
}

func oneGroup(r *rest.Request) (wire.Answer, error) {
	n, err := r.Group()
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.GroupDetail(n, r.Params.Bool("with_projects"))), nil
}

// ownedGroup finds the path's group for its Owners.
func ownedGroup(r *rest.Request) (*place.Namespace, error) {
	n, err := r.Group()
	if err == nil && r.W.Places.RoleIn(r.Caller, n) < place.Owner {
		return nil, refuse.Denied("")
	}
	return n, err
}

func updateGroup(r *rest.Request) (wire.Answer, error) {
	n, err := ownedGroup(r)
	if err != nil {
		return wire.Answer{}, err
	}
	p := r.Params
	if p.Given("path") && p.String("path") != n.Path {
		if err := r.W.Places.RenameGroup(n, p.String("path")); err != nil {
			return wire.Answer{}, err
		}
	}
	if p.Given("name") {
		n.Name = p.String("name")
	}
	if p.Given("description") {
		n.Description = p.String("description")
	}
	if p.Given("visibility") {
		n.Visibility = place.Visibility(p.String("visibility"))
	}
	if p.Given("service_access_tokens_expiration_enforced") {
		n.RequireServiceExpiry = p.Bool("service_access_tokens_expiration_enforced")
	}
	return wire.OK(r.Views.GroupDetail(n, true)), nil
}

// deleteGroup marks a group for deletion; asked again with permanently_remove
// it goes at once, with all that lies under it.
func deleteGroup(r *rest.Request) (wire.Answer, error) {
	n, err := ownedGroup(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Params.Bool("permanently_remove") && n.DeletionOn != nil {
		for _, p := range r.W.Places.DeleteGroup(n) {
			r.W.DropProject(p.ID)
		}
		return accepted(), nil
	}
	if n.DeletionOn != nil {
		return wire.Answer{}, refuse.BadRequest("Group has been already marked for deletion")
	}
	n.DeletionOn = deletionDay(r)
	return accepted(), nil
}

type messageBody struct {
	Message string `json:"message"`
}

func accepted() wire.Answer {
	return wire.Answer{Status: 202, Body: messageBody{Message: "202 Accepted"}}
}
