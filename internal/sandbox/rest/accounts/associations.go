package accounts

import (
	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
)

// associated is what a token reaches; both lists are paged at once.
type associated struct {
	Groups   []associatedGroup   `json:"groups"`
	Projects []associatedProject `json:"projects"`
}

// associatedGroup is a group of it (lib/api/entities/group_association_details.rb).
type associatedGroup struct {
	ID             int64  `json:"id"`
	WebURL         string `json:"web_url"`
	Name           string `json:"name"`
	ParentID       *int64 `json:"parent_id"`
	OrganizationID int    `json:"organization_id"`
	AccessLevels   *int   `json:"access_levels"`
	Visibility     string `json:"visibility"`
}

// associatedProject is a project of it (lib/api/entities/project_association_details.rb).
type associatedProject struct {
	ID                int64                 `json:"id"`
	Description       *string               `json:"description"`
	Name              string                `json:"name"`
	NameWithNamespace string                `json:"name_with_namespace"`
	Path              string                `json:"path"`
	PathWithNamespace string                `json:"path_with_namespace"`
	CreatedAt         string                `json:"created_at"`
	AccessLevels      associatedLevels      `json:"access_levels"`
	Visibility        string                `json:"visibility"`
	WebURL            string                `json:"web_url"`
	Namespace         entity.NamespaceBasic `json:"namespace"`
}

type associatedLevels struct {
	Project *int `json:"project_access_level"`
	Group   *int `json:"group_access_level"`
}

func ownAssociations(r *rest.Request) (wire.Answer, error) {
	page, err := wire.PageOf(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	least := max(place.Role(r.Params.Int("min_access_level")), place.Guest)
	out := associated{Groups: []associatedGroup{}, Projects: []associatedProject{}}
	groups := r.W.Places.Namespaces(func(n *place.Namespace) bool { return n.Group() && r.W.Places.RoleIn(r.Caller, n) >= least })
	for _, n := range wire.Cut(&page, groups) {
		g := r.Views.Group(n)
		out.Groups = append(out.Groups, associatedGroup{
			ID: g.ID, WebURL: g.WebURL, Name: g.Name, ParentID: g.ParentID, OrganizationID: g.OrganizationID,
			AccessLevels: groupLevel(r, n), Visibility: g.Visibility,
		})
	}
	projects := r.W.Places.Projects(func(p *place.Project) bool { return r.W.Places.Role(r.Caller, p) >= least })
	for _, p := range wire.Cut(&page, projects) {
		out.Projects = append(out.Projects, associate(r, p))
	}
	return wire.OK(out), nil
}

// groupLevel is the highest role in a group and those above it; an
// administrator needs none.
func groupLevel(r *rest.Request, n *place.Namespace) *int {
	if level := int(r.W.Places.RoleIn(r.Caller, n)); n.Group() && level != 0 && !r.Caller.Admin {
		return &level
	}
	return nil
}

func associate(r *rest.Request, p *place.Project) associatedProject {
	b := r.Views.ProjectBasic(p)
	out := associatedProject{
		ID: b.ID, Description: b.Description, Name: b.Name, NameWithNamespace: b.NameWithNamespace,
		Path: b.Path, PathWithNamespace: b.PathWithNamespace, CreatedAt: b.CreatedAt,
		Visibility: b.Visibility, WebURL: b.WebURL, Namespace: b.Namespace,
	}
	out.AccessLevels.Group = groupLevel(r, r.W.Places.Namespace(p.NamespaceID))
	if m := p.Members[r.Caller.ID]; m != nil {
		out.AccessLevels.Project = new(int(m.Role))
	}
	return out
}
