package probe

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/gitlab/rest"
	"cxm/internal/integration/check"
	"cxm/internal/issue"
)

// question is one request to GitLab.
type question struct {
	method string
	route  string // unfilled
	path   string // filled, below /api/v4/
	query  any    // of a GET, else the body; nil: none
}

// ask asks one question; whole says that the answer is what was asked for.
func ask[T any](ctx context.Context, p *prober, q question, whole func(T) bool) (T, check.Call) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := rest.Request{Doing: "asking " + p.client.Host() + " for " + q.route, Method: q.method, Route: q.route}
	got, answer, err := rest.Call(ctx, p.client, r, rest.Ask[T](p.client, q.method, q.path, q.query), whole)
	call := check.Call{Sent: true, Method: q.method, Route: q.route, Status: answer.Status}
	p.hear(answer.Header)
	if err == nil {
		return got, call
	}
	if !errors.As(err, &call.Trouble) {
		call.Trouble = unsent(err)
	}
	call.Status = call.Trouble.Status
	p.Limits.Waited = p.Limits.Waited || call.Is(issue.Limited)
	return got, call
}

func unsent(err error) *issue.Trouble { return &issue.Trouble{Kind: issue.Unsent, Err: err} }

// hear takes in what the headers of an answer tell of limits and clock.
func (p *prober) hear(h http.Header) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		p.Server, p.Heard = at, p.target.Clock()
	}
	limit, err := strconv.Atoi(h.Get("RateLimit-Limit"))
	if err != nil {
		return
	}
	left, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if err != nil {
		return
	}
	p.Limits.Told, p.Limits.Limit, p.Limits.Remaining, p.Limits.Name = true, limit, left, plain(h.Get("RateLimit-Name"))
	p.Limits.Wants = max(0, rest.DefaultLimits(p.Base).Requests)
}

func (p *prober) askUser(ctx context.Context) {
	type user struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
		Email    string `json:"email"`
		State    string `json:"state"`
		Bot      bool   `json:"bot"`
		Admin    bool   `json:"is_admin"`
	}
	u, call := ask(ctx, p, question{http.MethodGet, "/user", "user", nil}, func(u user) bool { return u.ID > 0 && u.Username != "" })
	p.User = call
	p.Who = check.Who{ID: u.ID, Username: plain(u.Username), Name: plain(u.Name), Email: plain(u.Email), State: plain(u.State), Bot: u.Bot, Admin: u.Admin}
}

func (p *prober) askToken(ctx context.Context) {
	type token struct {
		ID        int64     `json:"id"`
		Name      string    `json:"name"`
		Scopes    []string  `json:"scopes"`
		CreatedAt time.Time `json:"created_at"`
		ExpiresAt string    `json:"expires_at"`
		Granular  bool      `json:"granular"`
		Addresses []string  `json:"last_used_ips"`
	}
	t, call := ask(ctx, p, question{http.MethodGet, "/personal_access_tokens/self", "personal_access_tokens/self", nil}, func(t token) bool { return t.ID > 0 })
	p.Self = call
	p.PAT = check.PAT{Name: plain(t.Name), Scopes: t.Scopes, CreatedAt: t.CreatedAt, Granular: t.Granular, Addresses: t.Addresses}
	if at, err := time.Parse(time.DateOnly, t.ExpiresAt); err == nil {
		p.PAT.ExpiresAt = at
	}
}

func (p *prober) askVersion(ctx context.Context) {
	type version struct {
		Version string `json:"version"`
	}
	v, call := ask(ctx, p, question{http.MethodGet, "/version", "version", nil}, func(version) bool { return true })
	p.Meta, p.Version = call, plain(v.Version)
}

// list is how much of a list is asked for.
type list struct {
	PerPage int `url:"per_page"`
}

// most is as many as GitLab gives at once.
const most = 100

func (p *prober) askExtent(ctx context.Context) {
	type named struct {
		Path   string `json:"path_with_namespace"`
		WebURL string `json:"web_url"` // of a group, whose path is not told
	}
	type associations struct {
		Groups   []named `json:"groups"`
		Projects []named `json:"projects"`
	}
	q := question{http.MethodGet, "/personal_access_tokens/self/associations", "personal_access_tokens/self/associations", list{most}}
	got, call := ask(ctx, p, q, func(associations) bool { return true })
	p.Reach = call
	for _, g := range got.Groups {
		_, path, _ := strings.Cut(g.WebURL, "/groups/")
		p.Extent.Groups = append(p.Extent.Groups, plain(path))
	}
	for _, each := range got.Projects {
		p.Extent.Projects = append(p.Extent.Projects, plain(each.Path))
	}
	p.Extent.More = len(got.Groups) == most || len(got.Projects) == most
}

// project is what is read of a project. GitLab has more than a hundred fields.
type project struct {
	ID         int64  `json:"id"`
	Path       string `json:"path_with_namespace"`
	WebURL     string `json:"web_url"`
	Visibility string `json:"visibility"`
	Archived   bool   `json:"archived"`
	Deletion   string `json:"marked_for_deletion_on"`
	Issues     string `json:"issues_access_level"`
	Namespace  struct {
		ID   int64  `json:"id"`
		Kind string `json:"kind"`
		Path string `json:"full_path"`
	} `json:"namespace"`
	Permissions struct {
		Project *membership `json:"project_access"`
		Group   *membership `json:"group_access"`
	} `json:"permissions"`
}

type membership struct {
	Level int `json:"access_level"`
}

func (m *membership) level() int {
	if m == nil {
		return 0
	}
	return m.Level
}

func (p *prober) askProject(ctx context.Context) {
	const route = "/projects/:id"
	if !strings.Contains(p.Wanted, "/") && !numeric(p.Wanted) {
		p.Find = check.Call{Sent: true, Method: http.MethodGet, Route: route, Trouble: rest.Unfit("finding the project", "a project is named with its group")}
		return
	}
	got, call := ask(ctx, p, question{http.MethodGet, route, "projects/" + url.PathEscape(p.Wanted), nil}, func(j project) bool { return j.ID > 0 && j.Path != "" })
	p.Find = call
	if !call.OK() {
		return
	}
	p.Place = check.Place{
		ID: got.ID, Path: plain(got.Path), WebURL: plain(got.WebURL), Group: plain(got.Namespace.Path), Personal: got.Namespace.Kind == "user",
		Visibility: got.Visibility, Archived: got.Archived, Deletion: plain(got.Deletion), Issues: plain(got.Issues),
		Level: max(got.Permissions.Project.level(), got.Permissions.Group.level()),
	}
	if !p.Place.Personal {
		_, p.Group = p.askRole(ctx, "/groups/:id/members/all/:user_id", "groups/"+strconv.FormatInt(got.Namespace.ID, 10), &p.Space)
	}
}

func numeric(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func (p *prober) projectPath() string { return "projects/" + strconv.FormatInt(p.Place.ID, 10) }

func (p *prober) askRoles(ctx context.Context) {
	_, p.Member = p.askRole(ctx, "/projects/:id/members/all/:user_id", p.projectPath(), &p.Role)
}

// askRole asks for the account's membership, inherited ones included.
func (p *prober) askRole(ctx context.Context, route, path string, level *int) (membership, check.Call) {
	got, call := ask(ctx, p, question{http.MethodGet, route, path + "/members/all/" + strconv.FormatInt(p.Who.ID, 10), nil}, func(membership) bool { return true })
	*level = got.Level
	return got, call
}

// lookAround lists projects whose paths are close to the one that was not found.
func (p *prober) lookAround(ctx context.Context) {
	wanted := p.Wanted
	if numeric(wanted) {
		wanted = p.Before.Project
	}
	if !p.Find.Is(issue.NotFound) || wanted == "" {
		return
	}
	paths := p.own(ctx)
	begin := []rune(name(wanted))
	if len(begin) >= 3 {
		paths = append(paths, p.like(ctx, string(begin[:min(len(begin), 4)]))...)
	}
	slices.Sort(paths)
	p.Near = near(wanted, slices.Compact(paths))
}

// pages bounds how many projects are looked through: 2,000.
const pages = 20

// own lists the projects that the account is a member of.
func (p *prober) own(ctx context.Context) []string {
	type query struct {
		Membership bool   `url:"membership"`
		Simple     bool   `url:"simple"`
		Pagination string `url:"pagination"`
		OrderBy    string `url:"order_by"`
		Sort       string `url:"sort"`
		PerPage    int    `url:"per_page"`
		After      int64  `url:"id_after,omitempty"`
	}
	var out []string
	q := query{true, true, "keyset", "id", "asc", most, 0}
	for range pages {
		found, call := ask(ctx, p, question{http.MethodGet, "/projects", "projects", q}, func([]project) bool { return true })
		for _, each := range found {
			out, q.After = append(out, plain(each.Path)), each.ID
		}
		if !call.OK() || len(found) < most {
			break
		}
	}
	return out
}

// like lists projects whose name holds a word, public ones too.
func (p *prober) like(ctx context.Context, word string) []string {
	type query struct {
		Search  string `url:"search"`
		Simple  bool   `url:"simple"`
		PerPage int    `url:"per_page"`
	}
	found, _ := ask(ctx, p, question{http.MethodGet, "/projects", "projects", query{word, true, most}}, func([]project) bool { return true })
	var out []string
	for _, each := range found {
		out = append(out, plain(each.Path))
	}
	return out
}

// tryCreate asks for an issue with an empty title. GitLab looks at the
// permission first (lib/api/issues.rb: authorize! :create_issue) and then refuses
// the title, so that nothing is created. Without any title it would refuse before
// it looks at the permission, which proves nothing.
func (p *prober) tryCreate(ctx context.Context) {
	if p.Place.Archived || p.Place.Deletion != "" || p.Place.Issues == "disabled" {
		return
	}
	type made struct {
		IID    int64  `json:"iid"`
		WebURL string `json:"web_url"`
	}
	body := struct {
		Title string `json:"title"`
	}{}
	got, call := ask(ctx, p, question{http.MethodPost, "/projects/:id/issues", p.projectPath() + "/issues", body}, func(made) bool { return true })
	p.Dry = call
	if call.OK() {
		p.Created = plain(got.WebURL)
	}
}

func (p *prober) askHooks(ctx context.Context) {
	type hook struct {
		URL    string `json:"url"`
		Status string `json:"alert_status"`
		Until  string `json:"disabled_until"`
	}
	found, call := ask(ctx, p, question{http.MethodGet, "/projects/:id/hooks", p.projectPath() + "/hooks", list{most}}, func([]hook) bool { return true })
	p.Hooked = call
	for _, h := range found {
		p.Hooks = append(p.Hooks, check.Hook{URL: bare(h.URL), Status: plain(h.Status), Until: plain(h.Until)})
	}
}

// bare is an address without what may be secret in it.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a webhook"
	}
	return plain(u.Scheme + "://" + u.Host + u.EscapedPath())
}

// machine is what GitLab calls accounts that no person is behind.
var machine = regexp.MustCompile(`^((project|group)_\d+_bot|service_account_)`)

func (p *prober) askPeople(ctx context.Context) {
	type member struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		State    string `json:"state"`
		Level    int    `json:"access_level"`
	}
	found, call := ask(ctx, p, question{http.MethodGet, "/projects/:id/members/all", p.projectPath() + "/members/all", list{most}}, func([]member) bool { return true })
	p.People = call
	for _, m := range found {
		if m.Level >= 40 && m.ID != p.Who.ID && m.State == "active" && !machine.MatchString(m.Username) {
			p.Managers = append(p.Managers, plain(m.Username))
		}
	}
}
