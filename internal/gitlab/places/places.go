// Package places is what an account can see of a GitLab to choose from:
// namespaces, projects, labels, and who can be assigned an issue.
//
// What always holds: lists come page by page, asked for one at a time; a project
// that is no use comes with the reason rather than not at all; errors are
// *issue.Trouble.
package places

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/issue"
)

// perPage is GitLab's largest.
const perPage = 100

// Client lists what one account can see.
type Client struct{ rest *rest.Client }

// New makes a client. It sends nothing.
func New(c *rest.Client) *Client { return &Client{rest: c} }

// asked is the query of a list.
type asked struct {
	Page             int64  `url:"page,omitempty"`
	PerPage          int    `url:"per_page,omitempty"`
	Pagination       string `url:"pagination,omitempty"`
	OrderBy          string `url:"order_by,omitempty"`
	Sort             string `url:"sort,omitempty"`
	IDAfter          int64  `url:"id_after,omitempty"`
	Membership       bool   `url:"membership,omitempty"`
	Search           string `url:"search,omitempty"`
	SearchNamespaces bool   `url:"search_namespaces,omitempty"`
	FullPathSearch   bool   `url:"full_path_search,omitempty"`
	Username         string `url:"username,omitempty"`
}

// Namespace is where projects are: a group, or an account's own.
type Namespace struct {
	ID   int64
	Path string // with the groups it is in
	Name string
	Own  bool // of a user rather than a group
}

// Project is a project with what speaks against it.
type Project struct {
	integration.Project
	Unfit string // why cxm cannot use it, for people; empty: it can, as far as GitLab tells
}

// Pages are a list that is fetched as needed. They are not safe for concurrent use.
type Pages[T any] struct {
	next func(context.Context) (found []T, more bool, err error)
	done bool
}

// Next is the next part of the list, which may be empty although more follows;
// more says whether it does.
func (p *Pages[T]) Next(ctx context.Context) (found []T, more bool, err error) {
	if p.done {
		return nil, false, nil
	}
	found, more, err = p.next(ctx)
	p.done = err == nil && !more
	return found, more, err
}

// Namespaces lists those that the account is a member of, in GitLab's order; what
// is searched for is in their name or path.
func (c *Client) Namespaces(search string) *Pages[Namespace] {
	page := int64(1)
	return &Pages[Namespace]{next: func(ctx context.Context) ([]Namespace, bool, error) {
		r := rest.Request{Doing: "listing the namespaces of " + c.rest.Host(), Method: http.MethodGet, Route: "/namespaces"}
		query := asked{Page: page, PerPage: perPage, FullPathSearch: true, Search: search}
		list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*api.Namespace](c.rest, r.Method, "namespaces", query),
			whole(func(n *api.Namespace) bool { return n.ID > 0 && n.FullPath != "" }))
		if err != nil {
			return nil, false, err
		}
		var found []Namespace
		for _, n := range list {
			found = append(found, Namespace{ID: n.ID, Path: n.FullPath, Name: n.Name, Own: n.Kind == "user"})
		}
		page++
		return found, len(list) == perPage, nil
	}}
}

// Projects lists those that the account is a member of, the oldest first, by
// keyset, which has no end that GitLab would refuse. Within is the path of a
// namespace, with those beneath it; empty: all. What is searched for is in their
// name, path or namespace.
func (c *Client) Projects(within, search string) *Pages[Project] {
	last := int64(0)
	return &Pages[Project]{next: func(ctx context.Context) ([]Project, bool, error) {
		list, err := c.projects(ctx, within, search, last)
		if err != nil || len(list) == 0 {
			return nil, false, err
		}
		last = list[len(list)-1].ID
		var found []Project
		for _, p := range list {
			if within == "" || under(p.PathWithNamespace, within) {
				found = append(found, judged(p))
			}
		}
		return found, len(list) == perPage, nil
	}}
}

func under(path, namespace string) bool {
	return len(path) > len(namespace) && strings.EqualFold(path[:len(namespace)+1], namespace+"/")
}

// projects asks for one page behind the last id.
func (c *Client) projects(ctx context.Context, within, search string, last int64) ([]*api.Project, error) {
	r := rest.Request{Doing: "listing the projects of " + c.rest.Host(), Method: http.MethodGet, Route: "/projects"}
	if search == "" && within != "" {
		search = within + "/"
	}
	query := asked{
		Membership: true, Pagination: "keyset", OrderBy: "id", Sort: "asc", PerPage: perPage, IDAfter: last,
		Search: search, SearchNamespaces: search != "",
	}
	list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*api.Project](c.rest, r.Method, "projects", query),
		whole(func(p *api.Project) bool { return p.ID > last && p.PathWithNamespace != "" }))
	return list, err
}

// whole says that a list is one, and that each of it is what was asked for.
func whole[T any](good func(*T) bool) func([]*T) bool {
	return func(list []*T) bool {
		if list == nil {
			return false
		}
		for _, each := range list {
			if each == nil || !good(each) {
				return false
			}
		}
		return true
	}
}

// judged says what speaks against a project. A role through an invited group is
// not named in a list, so that one that is not known says nothing.
func judged(p *api.Project) Project {
	out := Project{Project: integration.Project{ID: p.ID, Path: p.PathWithNamespace, WebURL: p.WebURL, AccessLevel: level(p.Permissions)}}
	switch role := access.Role(out.AccessLevel); {
	case p.MarkedForDeletionOn != nil:
		out.Unfit = "marked for deletion"
	case p.Archived:
		out.Unfit = "archived"
	case p.IssuesAccessLevel == api.DisabledAccessControl:
		out.Unfit = "issues are disabled"
	case role != access.Unknown && role < access.Planner:
		out.Unfit = "the role is too low: " + role.String() + ", and it takes planner or more"
	}
	return out
}

func level(p *api.Permissions) int {
	highest := 0
	if p != nil && p.ProjectAccess != nil {
		highest = int(p.ProjectAccess.AccessLevel)
	}
	if p != nil && p.GroupAccess != nil {
		highest = max(highest, int(p.GroupAccess.AccessLevel))
	}
	return highest
}

// Missing are those of the labels that neither the project nor a group above it
// has: GitLab makes them with the first issue, if the account may.
func (c *Client) Missing(ctx context.Context, project int64, labels []string) ([]string, error) {
	var missing []string
	for _, label := range labels {
		r := rest.Request{Doing: fmt.Sprintf("looking for the label %.80q", label), Method: http.MethodGet, Route: "/projects/:id/labels"}
		list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*api.Label](c.rest, r.Method, fmt.Sprintf("projects/%d/labels", project), asked{Search: label, PerPage: perPage}),
			whole(func(l *api.Label) bool { return l.Name != "" }))
		if err != nil {
			return nil, err
		}
		there := false
		for _, l := range list {
			there = there || l.Name == label
		}
		if !there {
			missing = append(missing, label)
		}
	}
	return missing, nil
}

// Assignee is the id of the user with the name, who must be a member of the
// project: GitLab drops others without a word.
func (c *Client) Assignee(ctx context.Context, project int64, username string) (int64, error) {
	name := strings.TrimPrefix(strings.TrimSpace(username), "@")
	r := rest.Request{Doing: fmt.Sprintf("looking for the user %.80q", name), Method: http.MethodGet, Route: "/users"}
	list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*api.BasicUser](c.rest, r.Method, "users", asked{Username: name}),
		whole(func(u *api.BasicUser) bool { return u.ID > 0 }))
	if err != nil {
		return 0, err
	}
	if len(list) != 1 || name == "" {
		return 0, &issue.Trouble{Kind: issue.Invalid, Doing: r.Doing, Said: "GitLab has no such user", Mend: "Give the user name as it stands behind the @, not the full name"}
	}
	r = rest.Request{Doing: fmt.Sprintf("looking for %s among the project's members", name), Method: http.MethodGet, Route: "/projects/:id/members/all/:user_id"}
	_, _, err = rest.Call(ctx, c.rest, r, rest.Ask[*api.ProjectMember](c.rest, r.Method, fmt.Sprintf("projects/%d/members/all/%d", project, list[0].ID), nil),
		func(m *api.ProjectMember) bool { return m != nil && m.ID == list[0].ID })
	if rest.Is(err, issue.NotFound) {
		return 0, &issue.Trouble{Kind: issue.Invalid, Doing: r.Doing, Said: name + " is no member of the project", Mend: "Make " + name + " a member, or choose another assignee: GitLab drops those who are none"}
	}
	return list[0].ID, err
}
