// Package labels serves the labels and milestones of projects and groups.
package labels

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/refuse"
)

// homeFinder finds the project or group the path means.
type homeFinder func(*rest.Request) (catalog.Home, error)

func projectHome(r *rest.Request) (catalog.Home, error) {
	p, err := r.Project()
	return catalog.Home{Project: p}, err
}

func groupHome(r *rest.Request) (catalog.Home, error) {
	n, err := r.Group()
	return catalog.Home{Group: n}, err
}

// Routes gives the package's endpoints.
func Routes() []rest.Route {
	return slices.Concat(
		labelRoutes("/projects/{id}/labels", projectHome), labelRoutes("/groups/{id}/labels", groupHome),
		milestoneRoutes("/projects/{id}/milestones", projectHome), milestoneRoutes("/groups/{id}/milestones", groupHome))
}

func labelRoutes(path string, at homeFinder) []rest.Route {
	// Priorities are a project's, the two filters a group's.
	other := []string{"only_group_labels", "include_descendant_groups"}
	if strings.HasPrefix(path, "/groups/") {
		other = []string{"priority"}
	}
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "with_counts", Kind: wire.Boolean}, {Name: "include_ancestor_groups", Kind: wire.Boolean, Default: true},
		{Name: "search"}, {Name: "archived", Kind: wire.Boolean}, {Name: "only_group_labels", Kind: wire.Boolean},
		{Name: "include_descendant_groups", Kind: wire.Boolean},
	}, wire.Pagination())}
	list.Params = rest.Without(list.Params, other...)
	details := rest.Without(labelDetails(), other...)
	create := wire.Spec{Params: append([]wire.Param{{Name: "name", Required: true}, {Name: "color", Required: true}}, details...)}
	change := append([]wire.Param{{Name: "new_name"}, {Name: "color"}}, details...)
	changed := slices.DeleteFunc([]string{"new_name", "color", "description", "priority", "archived"}, func(n string) bool { return slices.Contains(other, n) })
	old := append([]wire.Param{{Name: "label_id"}, {Name: "name"}}, change...)
	either := []string{"label_id", "name"}
	return []rest.Route{
		{Method: "GET", Path: path, Access: rest.Anyone, Spec: list, Handle: listLabels(at)},
		{Method: "POST", Path: path, Spec: create, Handle: createLabel(at)},
		{Method: "PUT", Path: path, Spec: wire.Spec{Params: old, ExactlyOne: either}, Handle: updateLabel(at)},
		{Method: "DELETE", Path: path, Spec: wire.Spec{Params: old[:2], ExactlyOne: either}, Handle: deleteLabel(at)},
		{Method: "GET", Path: path + "/{name}", Access: rest.Anyone, Handle: oneLabel(at)},
		{Method: "PUT", Path: path + "/{name}", Spec: wire.Spec{Params: change, AtLeastOne: changed}, Handle: updateLabel(at)},
		{Method: "DELETE", Path: path + "/{name}", Handle: deleteLabel(at)},
		{Method: "POST", Path: path + "/{name}/subscribe", Handle: followLabel(at, true)},
		{Method: "POST", Path: path + "/{name}/unsubscribe", Handle: followLabel(at, false)},
	}
}

func labelDetails() []wire.Param {
	return []wire.Param{{Name: "description"}, {Name: "priority", Kind: wire.Integer}, {Name: "archived", Kind: wire.Boolean}}
}

func listLabels(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		search := strings.ToLower(r.Params.String("search"))
		found := slices.DeleteFunc(r.W.Catalog.Labels(h, r.Params.Bool("include_ancestor_groups")), func(l *catalog.Label) bool {
			return !strings.Contains(strings.ToLower(l.Title), search) || r.Params.Given("archived") && l.Archived != r.Params.Bool("archived")
		})
		counts := r.Params.Bool("with_counts")
		return rest.Paged(r, found, func(l *catalog.Label) entity.Label { return r.Views.Label(h, l, counts) })
	}
}

// labelNamed finds a label by id or by title.
func labelNamed(r *rest.Request, h catalog.Home, name string) (*catalog.Label, error) {
	l := r.W.Catalog.LabelNamed(h, name)
	if id, err := strconv.ParseInt(name, 10, 64); err == nil && l == nil {
		l = r.W.Catalog.LabelByID(h, id)
	}
	if l == nil {
		return nil, refuse.NotFound("Label")
	}
	return l, nil
}

// labelInPath finds the label that the path, or an old route's parameter, names.
func labelInPath(r *rest.Request, at homeFinder) (catalog.Home, *catalog.Label, error) {
	h, err := at(r)
	if err != nil {
		return h, nil, err
	}
	name := r.Path("name")
	if name == "" {
		name = r.Params.String("name") + r.Params.String("label_id")
	}
	l, err := labelNamed(r, h, name)
	return h, l, err
}

func oneLabel(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, l, err := labelInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.Label(h, l, false)), nil
	}
}

func createLabel(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		made := catalog.Label{Title: r.Params.String("name"), Color: r.Params.String("color")}
		applyLabel(&made, r.Params)
		l, err := r.W.Catalog.AddLabel(h, made)
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.Created(r.Views.Label(h, l, false)), nil
	}
}

func applyLabel(l *catalog.Label, p wire.Params) {
	if p.Given("new_name") {
		l.Title = p.String("new_name")
	}
	if p.Given("color") {
		l.Color = p.String("color")
	}
	if p.Given("description") {
		l.Description = nil
		if text := p.String("description"); !p.Null("description") {
			l.Description = &text
		}
	}
	if p.Given("priority") {
		l.Priority = nil
		if n := p.Int("priority"); !p.Null("priority") {
			l.Priority = &n
		}
	}
	if p.Given("archived") {
		l.Archived = p.Bool("archived")
	}
}

func updateLabel(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, l, err := labelInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		if err := r.W.Catalog.ChangeLabel(h, l, func(l *catalog.Label) { applyLabel(l, r.Params) }); err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.Label(h, l, false)), nil
	}
}

func deleteLabel(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, l, err := labelInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		r.W.Catalog.DeleteLabel(l)
		return wire.NoContent(), nil
	}
}

func followLabel(at homeFinder, on bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, l, err := labelInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if !l.Subscribe(r.Caller.ID, on) {
			return wire.Answer{Status: http.StatusNotModified}, nil
		}
		return wire.Created(r.Views.Label(h, l, false)), nil
	}
}

func milestoneRoutes(path string, at homeFinder) []rest.Route {
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "state", Values: []string{"active", "closed", "all"}, Default: "all"}, {Name: "iids", Kind: wire.Integers},
		{Name: "title"}, {Name: "search"}, {Name: "include_ancestors", Kind: wire.Boolean}, {Name: "include_parent_milestones", Kind: wire.Boolean},
	}, wire.Pagination())}
	details := []wire.Param{{Name: "description"}, {Name: "due_date", Kind: wire.Date}, {Name: "start_date", Kind: wire.Date}}
	create := wire.Spec{Params: append([]wire.Param{{Name: "title", Required: true}}, details...)}
	update := wire.Spec{Params: append([]wire.Param{{Name: "title"}, {Name: "state_event", Values: []string{"close", "activate"}}}, details...),
		AtLeastOne: []string{"title", "description", "start_date", "due_date", "state_event"}}
	return []rest.Route{
		{Method: "GET", Path: path, Access: rest.Anyone, Spec: list, Handle: listMilestones(at)},
		{Method: "POST", Path: path, Spec: create, Handle: createMilestone(at)},
		{Method: "GET", Path: path + "/{milestone_id}", Access: rest.Anyone, Handle: oneMilestone(at)},
		{Method: "PUT", Path: path + "/{milestone_id}", Spec: update, Handle: updateMilestone(at)},
		{Method: "DELETE", Path: path + "/{milestone_id}", Handle: deleteMilestone(at)},
	}
}

func listMilestones(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		p := r.Params
		ancestors := p.Bool("include_ancestors") || p.Bool("include_parent_milestones")
		found := slices.DeleteFunc(r.W.Catalog.Milestones(h, ancestors), func(m *catalog.Milestone) bool {
			return p.String("state") != "all" && p.String("state") != m.State ||
				p.Given("title") && m.Title != p.String("title") || len(p.Ints("iids")) > 0 && !slices.Contains(p.Ints("iids"), m.IID) ||
				!strings.Contains(strings.ToLower(m.Title), strings.ToLower(p.String("search")))
		})
		return rest.Paged(r, found, r.Views.Milestone)
	}
}

// milestoneInPath finds the path's milestone in its own home.
func milestoneInPath(r *rest.Request, at homeFinder) (catalog.Home, *catalog.Milestone, error) {
	h, err := at(r)
	if err != nil {
		return h, nil, err
	}
	id, err := r.PathInt("milestone_id")
	if err != nil {
		return h, nil, err
	}
	m := r.W.Catalog.Milestone(id)
	if m == nil || !slices.Contains(r.W.Catalog.Milestones(h, false), m) {
		return h, nil, refuse.NotFound("Milestone")
	}
	return h, m, nil
}

func oneMilestone(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		_, m, err := milestoneInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.Milestone(m)), nil
	}
}

func createMilestone(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, err := at(r)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		var made catalog.Milestone
		applyMilestone(&made, r.Params)
		m, err := r.W.Catalog.AddMilestone(h, made)
		if err != nil {
			return wire.Answer{}, err
		}
		return wire.Created(r.Views.Milestone(m)), nil
	}
}

func applyMilestone(m *catalog.Milestone, p wire.Params) {
	if p.Given("title") {
		m.Title = p.String("title")
	}
	if p.Given("description") {
		m.Description = p.String("description")
	}
	if p.Given("due_date") {
		m.DueDate = p.Time("due_date")
	}
	if p.Given("start_date") {
		m.StartDate = p.Time("start_date")
	}
	switch p.String("state_event") {
	case "close":
		m.State = "closed"
	case "activate":
		m.State = "active"
	}
}

func updateMilestone(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, m, err := milestoneInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		if err := r.W.Catalog.ChangeMilestone(h, m, func(m *catalog.Milestone) { applyMilestone(m, r.Params) }); err != nil {
			return wire.Answer{}, err
		}
		return wire.OK(r.Views.Milestone(m)), nil
	}
}

func deleteMilestone(at homeFinder) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		h, m, err := milestoneInPath(r, at)
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Catalog.CanLabel(r.Caller, h) {
			return wire.Answer{}, refuse.Denied("")
		}
		r.W.Catalog.DeleteMilestone(m)
		return wire.NoContent(), nil
	}
}
