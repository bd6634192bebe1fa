package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
)

// Identity is whom the token acts as, and what it may do.
type Identity struct {
	Account integration.Account
	Version string // of the instance, such as "19.3.0-ee"; empty: it does not say
	Token   *Token // nil: not a personal access token (OAuth), or an instance too old to tell
}

// Token is what GitLab tells of the personal access token in use.
type Token struct {
	ID        int64
	Name      string
	Scopes    []string  // api, read_api, self_rotate and so on
	ExpiresAt time.Time // midnight UTC at which it stops working; zero: never
	MadeAt    time.Time // zero: GitLab does not say
}

// Identify asks who the token acts as, what it may do and which version the
// instance has, with three requests. Scopes and role are reported, not judged.
func (c *Client) Identify(ctx context.Context) (Identity, error) {
	account, err := c.account(ctx)
	if err != nil {
		return Identity{}, err
	}
	token, err := c.token(ctx)
	if err != nil {
		return Identity{}, err
	}
	version, err := c.version(ctx)
	return Identity{Account: account, Token: token, Version: version}, err
}

func (c *Client) account(ctx context.Context) (integration.Account, error) {
	r := rest.Request{Doing: "asking " + c.Host() + " who the token belongs to", Method: http.MethodGet, Route: "/user"}
	u, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.User, *api.Response, error) {
		return c.API().Users.CurrentUser(o...)
	}, func(u *api.User) bool { return u != nil && u.ID > 0 && u.Username != "" })
	if err != nil {
		return integration.Account{}, err
	}
	return integration.Account{ID: u.ID, Username: u.Username, Name: u.Name, Bot: u.Bot}, nil
}

// token reads the token's own entry. GitLab answers 400 for OAuth tokens.
func (c *Client) token(ctx context.Context) (*Token, error) {
	r := rest.Request{Doing: "reading the token's scopes", Method: http.MethodGet, Route: "/personal_access_tokens/self"}
	t, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.PersonalAccessToken, *api.Response, error) {
		return c.API().PersonalAccessTokens.GetSinglePersonalAccessToken(o...)
	}, func(t *api.PersonalAccessToken) bool { return t != nil && t.ID > 0 })
	if rest.Is(err, issue.Invalid, issue.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := &Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes}
	if t.ExpiresAt != nil {
		out.ExpiresAt = time.Time(*t.ExpiresAt).UTC()
	}
	if t.CreatedAt != nil {
		out.MadeAt = t.CreatedAt.UTC()
	}
	return out, nil
}

// version is empty where the token's scopes do not reach it.
func (c *Client) version(ctx context.Context) (string, error) {
	r := rest.Request{Doing: "asking " + c.Host() + " for its version", Method: http.MethodGet, Route: "/version"}
	v, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.Version, *api.Response, error) {
		return c.API().Version.GetVersion(o...)
	}, func(v *api.Version) bool { return v != nil })
	if rest.Is(err, issue.Forbidden, issue.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return v.Version, nil
}

// Project finds a project by its numeric id, its path with namespace in any
// letter case, or its address in the browser, and follows GitLab's redirect of
// a renamed one. A project where cxm could write nothing comes back together
// with the trouble: archived, marked for deletion, or without issues.
func (c *Client) Project(ctx context.Context, pathOrID string) (integration.Project, error) {
	name := c.projectName(pathOrID)
	r := rest.Request{Doing: fmt.Sprintf("finding the project %.120q", name), Method: http.MethodGet, Route: "/projects/:id"}
	if !numeric(name) && !strings.Contains(name, "/") {
		return integration.Project{}, rest.Unfit(r.Doing, "a project is named with its group, as in group/project, or by its numeric id")
	}
	p, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.Project, *api.Response, error) {
		return c.API().Projects.GetProject(name, nil, o...)
	}, func(p *api.Project) bool { return p != nil && p.ID > 0 && p.PathWithNamespace != "" })
	if err != nil {
		return integration.Project{}, hinted(err)
	}
	out := integration.Project{ID: p.ID, Path: p.PathWithNamespace, WebURL: p.WebURL, AccessLevel: level(p.Permissions)}
	if t := closedTo(r.Doing, p); t != nil {
		return out, t
	}
	return out, nil
}

// projectName takes what people paste down to GitLab's name of the project.
func (c *Client) projectName(text string) string {
	text = strings.TrimSpace(text)
	if base := c.Base(); len(text) > len(base) && strings.EqualFold(text[:len(base)], base) {
		text = text[len(base):]
	}
	text, _, _ = strings.Cut(text, "/-/")
	return strings.TrimSuffix(strings.Trim(text, "/"), ".git")
}

func numeric(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// hinted adds what people most often have to do about a project that is not
// found.
func hinted(err error) error {
	var t *issue.Trouble
	if errors.As(err, &t) && t.Kind == issue.NotFound && strings.Contains(t.Said, "Project Not Found") {
		t.Mend = "Check the spelling of the whole path, groups included (letter case does not matter), and that the account is a member: GitLab hides what it may not see"
	}
	return err
}

// level is the highest role GitLab names. A role through an invited group is
// not named: 0 is unknown, not none.
func level(p *api.Permissions) int {
	if p == nil {
		return 0
	}
	highest := 0
	if p.ProjectAccess != nil {
		highest = int(p.ProjectAccess.AccessLevel)
	}
	if p.GroupAccess != nil {
		highest = max(highest, int(p.GroupAccess.AccessLevel))
	}
	return highest
}

// closedTo says why no issue can be written in the project; nil: one can, as
// far as the project goes. A project seen without its settings (as a stranger
// sees a public one) tells nothing.
func closedTo(doing string, p *api.Project) *issue.Trouble {
	t := &issue.Trouble{Kind: issue.Forbidden, Doing: doing}
	switch {
	case p.Archived:
		t.Said, t.Mend = "the project is archived", "Unarchive it, or choose another project"
	case p.MarkedForDeletionOn != nil:
		t.Said, t.Mend = "the project is marked for deletion", "Restore it, or choose another project"
	case p.IssuesAccessLevel == api.DisabledAccessControl:
		t.Said, t.Mend = "issues are disabled in the project", "Enable them under Settings > General > Visibility, or choose another project"
	default:
		return nil
	}
	return t
}
