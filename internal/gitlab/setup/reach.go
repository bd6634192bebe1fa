package setup

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"cxm/internal/gitlab/rest"
	"cxm/internal/integration/access"
	"cxm/internal/issue"
)

// asked is of how many places the role is asked one by one, where GitLab's list
// does not say it: 200 such questions a minute are what it answers.
const asked = 100

// reachJSON is a page of what a token reaches.
type reachJSON struct {
	Groups   []*groupJSON   `json:"groups"`
	Projects []*projectJSON `json:"projects"`
}

type groupJSON struct {
	ID     int64  `json:"id"`
	Path   string `json:"full_path"` // not in GitLab's own answer
	WebURL string `json:"web_url"`
	Level  *int   `json:"access_levels"`
}

type projectJSON struct {
	ID     int64   `json:"id"`
	Path   string  `json:"path_with_namespace"`
	WebURL string  `json:"web_url"`
	Levels *levels `json:"access_levels"`
}

// levels are the roles by a membership in the project, and by one above it.
type levels struct {
	Project *int `json:"project_access_level"`
	Group   *int `json:"group_access_level"`
}

func (r *reachJSON) whole() bool {
	if r == nil || r.Groups == nil || r.Projects == nil {
		return false
	}
	for _, g := range r.Groups {
		if g == nil || g.ID == 0 {
			return false
		}
	}
	for _, p := range r.Projects {
		if p == nil || p.ID == 0 || p.Path == "" {
			return false
		}
	}
	return true
}

// Reach lists the groups and projects that the token's account reaches, with its
// roles. GitLab pages both lists at once, and has had this since 17.4.
func (c *Client) Reach(ctx context.Context) (groups, projects []access.Place, err error) {
	r := rest.Request{Doing: "listing what the account reaches", Method: http.MethodGet, Route: "/personal_access_tokens/self/associations"}
	for p := (paging{Page: 1, PerPage: perPage}); p.Page <= pages; p.Page++ {
		page, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*reachJSON](c.Client, r.Method, "personal_access_tokens/self/associations", p), (*reachJSON).whole)
		if rest.Is(err, issue.NotFound, issue.Invalid) {
			return nil, nil, mended(err, cause{http.StatusNotFound, "", "What a token reaches can be asked since GitLab 17.4, and of personal access tokens alone: look at the account's memberships in GitLab"},
				cause{http.StatusBadRequest, "", "GitLab tells this of personal access tokens alone: look at the account's memberships in GitLab"})
		}
		if err != nil {
			return nil, nil, err
		}
		for _, g := range page.Groups {
			groups = append(groups, c.group(g))
		}
		for _, p := range page.Projects {
			projects = append(projects, project(p))
		}
		if len(page.Groups) < perPage && len(page.Projects) < perPage {
			return groups, projects, nil
		}
	}
	return nil, nil, rest.Unfit(r.Doing, "the account reaches more than %d projects", pages*perPage)
}

func (c *Client) group(g *groupJSON) access.Place {
	out := access.Place{Group: true, ID: g.ID, Path: g.Path, WebURL: g.WebURL}
	if out.Path == "" {
		_, out.Path, _ = strings.Cut(strings.TrimPrefix(g.WebURL, c.Base()), "/groups/")
	}
	if out.Path == "" {
		out.Path = fmt.Sprintf("group %d", g.ID)
	}
	if g.Level != nil {
		out.Role = access.Role(*g.Level)
	}
	return out
}

func project(p *projectJSON) access.Place {
	out := access.Place{ID: p.ID, Path: p.Path, WebURL: p.WebURL}
	if l := p.Levels; l != nil {
		for _, level := range []*int{l.Project, l.Group} {
			if level != nil {
				out.Role = max(out.Role, access.Role(*level))
			}
		}
		out.Direct = l.Project != nil
	}
	return out
}

// FillRoles asks for the roles that Reach did not say, of the first places. GitLab
// does not say those that come of a group that was invited.
func (c *Client) FillRoles(ctx context.Context, user int64, places []access.Place) error {
	for i, n := 0, 0; i < len(places) && n < asked; i++ {
		p := &places[i]
		if p.Role != access.Unknown {
			continue
		}
		n++
		level := Project
		if p.Group {
			level = Group
		}
		roles, err := c.Roles(ctx, Place{Level: level, ID: p.ID, Path: p.Path}, user)
		if err != nil {
			return err
		}
		p.Role, p.Direct = roles.Any, p.Direct || roles.Direct != access.Unknown
	}
	return nil
}
