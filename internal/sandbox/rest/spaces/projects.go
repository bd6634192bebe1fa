package spaces

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// Repositories keeps the git repository of each project.
type Repositories interface {
	// Create makes a project's repository with a README on its default
	// branch. The caller names the branch in the project.
	Create(p *place.Project, authorName, authorEmail string) error
	// Drop forgets a project's repository.
	Drop(projectID int64)
}

// retention is how long a deleted project or group can be restored.
const retention = 30

func deletionDay(r *rest.Request) *time.Time {
	day := r.W.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, retention)
	return &day
}

func projects(repos Repositories) []rest.Route {
	list := wire.Spec{Params: rest.Params(rest.Without(listProjectParams(), "include_subgroups", "with_shared"), wire.Pagination())}
	remove := wire.Spec{Params: []wire.Param{{Name: "permanently_remove", Kind: wire.Boolean}, {Name: "full_path"}}}
	transfer := wire.Spec{Params: []wire.Param{{Name: "namespace", Required: true}}}
	one := wire.Spec{Params: []wire.Param{
		{Name: "license", Kind: wire.Boolean}, {Name: "statistics", Kind: wire.Boolean}, {Name: "with_custom_attributes", Kind: wire.Boolean}}}
	return []rest.Route{
		{Method: "GET", Path: "/projects", Access: rest.Anyone, Spec: list, Limit: "projects_api", Handle: listProjects},
		{Method: "POST", Path: "/projects", Spec: wire.Spec{Params: projectParams(true), AtLeastOne: []string{"name", "path"}}, Handle: createProject(repos)},
		{Method: "GET", Path: "/projects/{id}", Access: rest.Anyone, Spec: one, Limit: "project_api", Handle: oneProject},
		{Method: "PUT", Path: "/projects/{id}", Spec: wire.Spec{Params: projectParams(false)}, Handle: updateProject},
		{Method: "DELETE", Path: "/projects/{id}", Spec: remove, Handle: deleteProject(repos)},
		{Method: "POST", Path: "/projects/{id}/restore", Handle: restoreProject},
		{Method: "POST", Path: "/projects/{id}/archive", Handle: archive(true)},
		{Method: "POST", Path: "/projects/{id}/unarchive", Handle: archive(false)},
		{Method: "PUT", Path: "/projects/{id}/transfer", Spec: transfer, Handle: transferProject},
		{Method: "GET", Path: "/users/{id}/projects", Access: rest.Anyone, Spec: list, Handle: userProjects},
	}
}

func listProjectParams() []wire.Param {
	return []wire.Param{
		{Name: "membership", Kind: wire.Boolean}, {Name: "min_access_level", Kind: wire.Integer}, {Name: "search"},
		{Name: "search_namespaces", Kind: wire.Boolean}, {Name: "simple", Kind: wire.Boolean}, {Name: "owned", Kind: wire.Boolean},
		{Name: "starred", Kind: wire.Boolean}, {Name: "archived", Kind: wire.Boolean}, {Name: "active", Kind: wire.Boolean},
		{Name: "visibility", Values: visibilities()}, {Name: "with_issues_enabled", Kind: wire.Boolean},
		{Name: "with_merge_requests_enabled", Kind: wire.Boolean}, {Name: "id_after", Kind: wire.Integer},
		{Name: "id_before", Kind: wire.Integer}, {Name: "last_activity_after", Kind: wire.Time}, {Name: "last_activity_before", Kind: wire.Time},
		{Name: "topic"}, {Name: "include_subgroups", Kind: wire.Boolean}, {Name: "with_shared", Kind: wire.Boolean},
		{Name: "statistics", Kind: wire.Boolean}, {Name: "pagination", Values: []string{"legacy", "keyset"}, Default: "legacy"},
		{Name: "order_by", Values: []string{"id", "name", "path", "created_at", "updated_at", "last_activity_at", "similarity", "star_count"}, Default: "created_at"},
		{Name: "sort", Values: []string{"asc", "desc"}, Default: "desc"},
	}
}

func groupProjectsSpec() wire.Spec {
	return wire.Spec{Params: rest.Params(rest.Without(listProjectParams(), "membership", "search_namespaces", "id_after", "id_before",
		"last_activity_after", "last_activity_before", "topic", "statistics"), wire.Pagination())}
}

func listProjects(r *rest.Request) (wire.Answer, error) {
	return pagedProjects(r, func(*place.Project) bool { return true })
}

func groupProjects(r *rest.Request) (wire.Answer, error) {
	n, err := r.Group()
	if err != nil {
		return wire.Answer{}, err
	}
	deep := r.Params.Bool("include_subgroups")
	return pagedProjects(r, func(p *place.Project) bool {
		return p.NamespaceID == n.ID || deep && r.W.Places.Within(r.W.Places.Namespace(p.NamespaceID), n)
	})
}

func userProjects(r *rest.Request) (wire.Answer, error) {
	ref := r.Path("id")
	u := r.W.People.ByUsername(ref)
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		u = r.W.People.User(id)
	}
	if u == nil {
		return wire.Answer{}, refuse.NotFound("User")
	}
	return pagedProjects(r, func(p *place.Project) bool { return p.NamespaceID == u.NamespaceID })
}

func pagedProjects(r *rest.Request, keep func(*place.Project) bool) (wire.Answer, error) {
	found := r.W.Places.Projects(func(p *place.Project) bool {
		return keep(p) && r.W.Places.CanRead(r.Caller, p) && projectWanted(r, p)
	})
	sortProjects(r, found)
	if r.Params.String("pagination") == "keyset" {
		return keysetProjects(r, found)
	}
	if r.Params.Bool("simple") || r.Caller == nil {
		return rest.Paged(r, found, r.Views.ProjectBasic)
	}
	return rest.Paged(r, found, r.Views.Project)
}

func projectWanted(r *rest.Request, p *place.Project) bool {
	q := r.Params
	role := r.W.Places.MemberRole(r.Caller, p)
	switch {
	case q.Bool("membership") && role < place.Guest, role < place.Role(q.Int("min_access_level")):
		return false
	case q.Bool("owned") && role < place.Owner, q.Bool("starred"):
		return false
	case q.Given("archived") && q.Bool("archived") != p.Archived, q.Given("active") && q.Bool("active") != p.Writable():
		return false
	case q.Given("visibility") && q.String("visibility") != string(p.Visibility):
		return false
	case q.Bool("with_issues_enabled") && !r.W.Places.CanReadIssues(r.Caller, p):
		return false
	case q.Given("topic") && !slices.Contains(p.Topics, q.String("topic")):
		return false
	}
	return inRange(q, p) && projectFound(r, p)
}

func inRange(q wire.Params, p *place.Project) bool {
	after, before := q.Time("last_activity_after"), q.Time("last_activity_before")
	switch {
	case q.Given("id_after") && p.ID <= q.Int("id_after"), q.Given("id_before") && p.ID >= q.Int("id_before"):
		return false
	case after != nil && p.LastActivityAt.Before(*after), before != nil && p.LastActivityAt.After(*before):
		return false
	}
	return true
}

func projectFound(r *rest.Request, p *place.Project) bool {
	search := strings.ToLower(r.Params.String("search"))
	where := []string{p.Name, p.Path}
	if p.Description != nil {
		where = append(where, *p.Description)
	}
	if r.Params.Bool("search_namespaces") {
		where = append(where, r.W.Places.ProjectPath(p), r.W.Places.ProjectName(p))
	}
	return slices.ContainsFunc(where, func(s string) bool { return strings.Contains(strings.ToLower(s), search) })
}

func sortProjects(r *rest.Request, found []*place.Project) {
	compare := func(a, b *place.Project) int {
		switch r.Params.String("order_by") {
		case "name":
			return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		case "path":
			return strings.Compare(a.Path, b.Path)
		case "updated_at":
			return a.UpdatedAt.Compare(b.UpdatedAt)
		case "last_activity_at":
			return a.LastActivityAt.Compare(b.LastActivityAt)
		case "created_at":
			return a.CreatedAt.Compare(b.CreatedAt)
		}
		return 0
	}
	slices.SortStableFunc(found, compare)
	if r.Params.String("sort") == "desc" {
		slices.Reverse(found)
	}
}

// keysetProjects answers pagination=keyset: by id alone, with a Link to the
// next page whenever this one holds anything.
func keysetProjects(r *rest.Request, found []*place.Project) (wire.Answer, error) {
	if r.Params.String("order_by") != "id" {
		return wire.Answer{}, wire.Problem(405, "Keyset pagination is not yet available for this type of request")
	}
	page, err := wire.PageOf(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	found = found[:min(page.Size, len(found))]
	views := []any{}
	for _, p := range found {
		if r.Params.Bool("simple") {
			views = append(views, r.Views.ProjectBasic(p))
		} else {
			views = append(views, r.Views.Project(p))
		}
	}
	a := wire.OK(views)
	if len(found) == 0 {
		return a, nil
	}
	key := "id_before"
	if r.Params.String("sort") == "asc" {
		key = "id_after"
	}
	last := strconv.FormatInt(found[len(found)-1].ID, 10)
	return a.Set("Link", "<"+wire.WithQuery(r.Self(), map[string]string{key: last})+`>; rel="next"`), nil
}

func projectParams(create bool) []wire.Param {
	out := []wire.Param{
		{Name: "name"}, {Name: "path"}, {Name: "description"}, {Name: "visibility", Values: visibilities()},
		{Name: "default_branch"}, {Name: "topics", Kind: wire.List}, {Name: "tag_list", Kind: wire.List},
		{Name: "issues_enabled", Kind: wire.Boolean}, {Name: "issues_access_level", Values: []string{"disabled", "private", "enabled"}},
	}
	if create {
		out = append(out, wire.Param{Name: "namespace_id", Kind: wire.Integer}, wire.Param{Name: "initialize_with_readme", Kind: wire.Boolean})
	}
	return out
}

func createProject(repos Repositories) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		in, err := placeForProject(r)
		if err != nil {
			return wire.Answer{}, err
		}
		p, err := r.W.Places.AddProject(in, r.Caller.ID, projectOf(r.Params))
		if err != nil {
			return wire.Answer{}, err
		}
		if r.Params.Bool("initialize_with_readme") {
			p.HasReadme, p.DefaultBranch = true, "main"
			if branch := r.Params.String("default_branch"); branch != "" {
				p.DefaultBranch = branch
			}
			if err := repos.Create(p, r.Caller.Name, r.Caller.Email); err != nil {
				return wire.Answer{}, err
			}
		}
		return wire.Created(r.Views.Project(p)), nil
	}
}

func projectOf(q wire.Params) place.Project {
	p := place.Project{
		Name: q.String("name"), Path: q.String("path"), Visibility: place.Visibility(q.String("visibility")),
		Topics: append(q.Strings("tag_list"), q.Strings("topics")...), IssuesAccess: q.String("issues_access_level"),
	}
	if p.Path == "" {
		p.Path = place.Slug(p.Name)
	}
	if q.Given("description") && !q.Null("description") {
		text := q.String("description")
		p.Description = &text
	}
	if q.Given("issues_enabled") && !q.Bool("issues_enabled") {
		p.IssuesAccess = "disabled"
	}
	return p
}

// placeForProject finds the namespace a new project goes to: the caller's own
// by default, else a group in which they are Developer or more.
func placeForProject(r *rest.Request) (*place.Namespace, error) {
	if !r.Params.Given("namespace_id") || r.Params.Null("namespace_id") {
		own := r.W.Places.Namespace(r.Caller.NamespaceID)
		if own == nil || r.Caller.ProjectsLimit == 0 {
			return nil, refuse.Invalidly("limit_reached", "You cannot create projects in your personal namespace. Contact your GitLab administrator.")
		}
		return own, nil
	}
	n := r.W.Places.Namespace(r.Params.Int("namespace_id"))
	if n == nil || r.W.Places.RoleIn(r.Caller, n) < place.Developer {
		return nil, refuse.Invalidly("namespace", "is not valid")
	}
	return n, nil
}

func oneProject(r *rest.Request) (wire.Answer, error) {
	p, err := r.Project()
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Caller == nil {
		return wire.OK(r.Views.ProjectBasic(p)), nil
	}
	return wire.OK(r.Views.Project(p)), nil
}

// ownedProject finds the path's project for those with at least a role.
func ownedProject(r *rest.Request, least place.Role) (*place.Project, error) {
	p, err := r.Project()
	if err == nil && r.W.Places.Role(r.Caller, p) < least {
		return nil, refuse.Denied("")
	}
	return p, err
}

func updateProject(r *rest.Request) (wire.Answer, error) {
	p, err := ownedProject(r, place.Maintainer)
	if err != nil {
		return wire.Answer{}, err
	}
	q := r.Params
	if q.Given("path") && q.String("path") != p.Path {
		if err := r.W.Places.RenameProject(p, q.String("path")); err != nil {
			return wire.Answer{}, err
		}
	}
	applyProject(p, q)
	p.UpdatedAt = r.W.Now()
	return wire.OK(r.Views.Project(p)), nil
}

func applyProject(p *place.Project, q wire.Params) {
	next := projectOf(q)
	if q.Given("name") {
		p.Name = next.Name
	}
	if q.Given("description") {
		p.Description = next.Description
	}
	if q.Given("visibility") {
		p.Visibility = next.Visibility
	}
	if q.Given("topics") || q.Given("tag_list") {
		p.Topics = next.Topics
	}
	if q.Given("default_branch") && p.DefaultBranch != "" {
		p.DefaultBranch = q.String("default_branch")
	}
	switch {
	case next.IssuesAccess != "":
		p.IssuesAccess = next.IssuesAccess
	case q.Bool("issues_enabled"):
		p.IssuesAccess = "enabled"
	}
}

// deleteProject marks a project for deletion; asked again with
// permanently_remove and its full path it goes at once.
func deleteProject(repos Repositories) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		p, err := ownedProject(r, place.Owner)
		if err != nil {
			return wire.Answer{}, err
		}
		if p.DeletionOn == nil {
			p.DeletionOn = deletionDay(r)
			return accepted(), nil
		}
		switch {
		case !r.Params.Bool("permanently_remove"):
			return wire.Answer{}, refuse.BadRequest("Project has been already marked for deletion")
		case r.Params.String("full_path") != r.W.Places.ProjectPath(p):
			return wire.Answer{}, refuse.BadRequest("`full_path` is incorrect. You must enter the complete path for the project.")
		}
		r.W.DropProject(p.ID)
		repos.Drop(p.ID)
		r.W.Places.DeleteProject(p)
		return accepted(), nil
	}
}

func restoreProject(r *rest.Request) (wire.Answer, error) {
	p, err := ownedProject(r, place.Owner)
	if err != nil {
		return wire.Answer{}, err
	}
	p.DeletionOn = nil
	return wire.Created(r.Views.Project(p)), nil
}

func archive(on bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		p, err := ownedProject(r, place.Owner)
		if err != nil {
			return wire.Answer{}, err
		}
		p.Archived = on
		return wire.Created(r.Views.Project(p)), nil
	}
}

func transferProject(r *rest.Request) (wire.Answer, error) {
	p, err := ownedProject(r, place.Owner)
	if err != nil {
		return wire.Answer{}, err
	}
	to := r.W.Places.ByPath(r.Params.String("namespace"))
	if id, err := strconv.ParseInt(r.Params.String("namespace"), 10, 64); err == nil {
		to = r.W.Places.Namespace(id)
	}
	if to == nil || r.W.Places.RoleIn(r.Caller, to) < place.Maintainer {
		return wire.Answer{}, refuse.NotFound("Namespace")
	}
	if err := r.W.Places.Transfer(p, to); err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Project(p)), nil
}
