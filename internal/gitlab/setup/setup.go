// Package setup makes the account that cxm acts as: service accounts at the three
// levels that GitLab has, their memberships and their tokens, with the token of
// somebody who may. With a token of the account itself it says what that reaches.
//
// What always holds: every error is an *issue.Trouble whose mend is about setting
// up; what GitLab may have carried out is looked up by whoever asked, nothing is
// sent twice; the value of a token is in its answer alone.
package setup

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/integration/access"
	"cxm/internal/issue"
)

// Client asks with one token.
type Client struct{ *rest.Client }

// New makes a client. It sends nothing.
func New(c *rest.Client) *Client { return &Client{c} }

// Level is where a service account belongs, which bounds where it can be invited.
type Level string

// The levels (docs.gitlab.com, user/profile/service_accounts).
const (
	Instance Level = "instance" // self-managed and Dedicated; any group or project
	Group    Level = "group"    // that group and what lies below it
	Project  Level = "project"  // that project
)

// Home is where a service account belongs. Of an instance, Place is zero.
type Home struct {
	Level Level
	Place
}

// Place is a group or a project.
type Place struct {
	Level  Level // Group or Project
	ID     int64
	Path   string // as GitLab spells it
	WebURL string
	Nested bool // a group below another group
}

// Named is the place for people: "the group acme".
func (p Place) Named() string { return "the " + string(p.Level) + " " + p.Path }

// route is the unfilled part of the place's routes, path the filled one.
func (p Place) route() string { return "/" + string(p.Level) + "s/:id" }
func (p Place) path() string  { return fmt.Sprintf("%ss/%d", p.Level, p.ID) }

// route and path are those of the service accounts.
func (h Home) route() string {
	if h.Level == Instance {
		return "/service_accounts"
	}
	return h.Place.route() + "/service_accounts"
}

func (h Home) path() string {
	if h.Level == Instance {
		return "service_accounts"
	}
	return h.Place.path() + "/service_accounts"
}

// Named is the home for people.
func (h Home) Named() string {
	if h.Level == Instance {
		return "the instance"
	}
	return h.Place.Named()
}

// User is an account of any kind.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Bot      bool   `json:"bot"`
	Admin    bool   `json:"is_admin"` // told of oneself alone
}

func wholeUser(u *User) bool { return u != nil && u.ID > 0 && u.Username != "" }

// Self is whom the token belongs to.
func (c *Client) Self(ctx context.Context) (User, error) {
	r := rest.Request{Doing: "asking " + c.Host() + " who the token belongs to", Method: http.MethodGet, Route: "/user"}
	u, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*User](c.Client, r.Method, "user", nil), wholeUser)
	if err != nil {
		return User{}, err
	}
	return *u, nil
}

// Username finds whoever has a user name, in any letter case; nil: nobody.
func (c *Client) Username(ctx context.Context, name string) (*User, error) {
	r := rest.Request{Doing: fmt.Sprintf("looking for the user %.60q", name), Method: http.MethodGet, Route: "/users"}
	options := struct {
		Username string `url:"username"`
	}{name}
	found, _, err := rest.Call(ctx, c.Client, r, rest.Ask[[]*User](c.Client, r.Method, "users", options), func(l []*User) bool {
		return l != nil && !slices.ContainsFunc(l, func(u *User) bool { return !wholeUser(u) })
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// placeJSON is a group or project as the REST API sends it.
type placeJSON struct {
	ID            int64  `json:"id"`
	FullPath      string `json:"full_path"`
	PathWithGroup string `json:"path_with_namespace"`
	WebURL        string `json:"web_url"`
	ParentID      *int64 `json:"parent_id"`
}

// Find finds a group or a project by its path, in any letter case, or its id.
func (c *Client) Find(ctx context.Context, level Level, name string) (Place, error) {
	name = c.spelled(name)
	r := rest.Request{Doing: fmt.Sprintf("finding the %s %.120q", level, name), Method: http.MethodGet, Route: Place{Level: level}.route()}
	if name == "" || level == Project && !strings.Contains(name, "/") && !numeric(name) {
		return Place{}, rest.Unfit(r.Doing, "a project is named with its group, as in group/project, and a group by its path")
	}
	var options any
	if level == Group {
		options = struct {
			WithProjects bool `url:"with_projects"` // with them GitLab counts it against a lower limit
		}{}
	}
	path := string(level) + "s/" + api.PathEscape(name)
	p, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*placeJSON](c.Client, r.Method, path, options), func(p *placeJSON) bool {
		return p != nil && p.ID > 0 && p.FullPath+p.PathWithGroup != ""
	})
	if err != nil {
		return Place{}, mended(err, cause{http.StatusNotFound, "", "Check the spelling of the whole path, and that the owner of the token is a member: GitLab hides what it may not see"})
	}
	return Place{Level: level, ID: p.ID, Path: p.FullPath + p.PathWithGroup, WebURL: p.WebURL, Nested: p.ParentID != nil}, nil
}

// ask is a GET without a query.
func ask[T any](c *Client, path string) rest.Sending[T] {
	return rest.Ask[T](c.Client, http.MethodGet, path, nil)
}

// FindAny finds what a path names: a project, or else a group.
func (c *Client) FindAny(ctx context.Context, path string) (Place, error) {
	if strings.Contains(c.spelled(path), "/") {
		p, err := c.Find(ctx, Project, path)
		if !rest.Is(err, issue.NotFound) {
			return p, err
		}
	}
	return c.Find(ctx, Group, path)
}

// spelled takes what people paste down to a path.
func (c *Client) spelled(text string) string {
	text = strings.TrimSpace(text)
	if base := c.Base(); len(text) > len(base) && strings.EqualFold(text[:len(base)], base) {
		text = strings.TrimPrefix(text[len(base):], "/groups/")
	}
	text, _, _ = strings.Cut(text, "/-/")
	return strings.TrimSuffix(strings.Trim(text, "/"), ".git")
}

func numeric(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}

// memberJSON is a member as the REST API sends it.
type memberJSON struct {
	ID    int64 `json:"id"`
	Level int   `json:"access_level"`
}

// Roles is what somebody may in a place: by a membership there, and by any.
type Roles struct {
	Direct access.Role // Unknown: not a member there
	Any    access.Role // Unknown: not a member at all
}

// Roles asks for the roles of a user.
func (c *Client) Roles(ctx context.Context, p Place, user int64) (Roles, error) {
	var out Roles
	direct, err := c.role(ctx, p, "members", user)
	if err != nil {
		return out, err
	}
	highest, err := c.role(ctx, p, "members/all", user)
	return Roles{Direct: direct, Any: max(direct, highest)}, err
}

func (c *Client) role(ctx context.Context, p Place, list string, user int64) (access.Role, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading the role of user %d in %s", user, p.Named()), Method: http.MethodGet, Route: p.route() + "/" + list + "/:user_id"}
	m, _, err := rest.Call(ctx, c.Client, r, ask[*memberJSON](c, fmt.Sprintf("%s/%s/%d", p.path(), list, user)), func(m *memberJSON) bool { return m != nil && m.ID == user })
	if rest.Is(err, issue.NotFound) {
		return access.Unknown, nil
	}
	if err != nil {
		return access.Unknown, err
	}
	return access.Role(m.Level), nil
}

// Join makes a user a member of a place.
func (c *Client) Join(ctx context.Context, p Place, user int64, role access.Role) error {
	r := rest.Request{Doing: fmt.Sprintf("adding user %d to %s as %s", user, p.Named(), role), Method: http.MethodPost, Route: p.route() + "/members"}
	body := map[string]int64{"user_id": user, "access_level": int64(role)}
	_, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*memberJSON](c.Client, r.Method, p.path()+"/members", body), func(m *memberJSON) bool { return m != nil && m.ID == user })
	return mended(err, memberCauses(c.Base(), p)...)
}

// Raise gives a member of a place another role.
func (c *Client) Raise(ctx context.Context, p Place, user int64, role access.Role) error {
	r := rest.Request{Doing: fmt.Sprintf("giving user %d the role %s in %s", user, role, p.Named()), Method: http.MethodPut, Route: p.route() + "/members/:user_id"}
	body := map[string]int64{"access_level": int64(role)}
	_, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*memberJSON](c.Client, r.Method, fmt.Sprintf("%s/members/%d", p.path(), user), body), func(m *memberJSON) bool { return m != nil && m.ID == user })
	return mended(err, memberCauses(c.Base(), p)...)
}
