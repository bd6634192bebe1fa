// Package code reads what a repository in GitLab says about who owns its files:
// CODEOWNERS, and who changed a file of late.
//
// What always holds: everything is read at one commit of the default branch, and is
// read once for it; files are bounded; nothing is written; errors are *issue.Trouble;
// that a file is not there is no error.
package code

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/people"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/rule/owner"
	"cxm/internal/rule/owner/codeowners"
)

const (
	newest   = 20   // commits of a file that tell who looks after it
	asked    = 60   // commits that are listed, since merges and bots are left out
	named    = 5    // authors that GitLab is asked the names of
	projects = 1000 // that are remembered
	paths    = 5000 // of one project whose authors are remembered
)

// Client reads as one account. It is safe for many goroutines.
type Client struct {
	rest   *rest.Client
	people *people.Client

	mu    sync.Mutex
	known map[int64]*Repository // by project: as it was at its last commit
}

// New makes a client. It sends nothing.
func New(c *rest.Client, p *people.Client) *Client {
	return &Client{rest: c, people: p, known: map[int64]*Repository{}}
}

// Repository is a project's default branch at one commit. It is safe for many
// goroutines.
type Repository struct {
	client  *Client
	project int64
	head    string

	mu      sync.Mutex
	owners  *Owners
	authors map[string][]owner.Author
}

// Owners is a CODEOWNERS file with where it lies.
type Owners struct {
	File *codeowners.File
	Path string
}

// Repository asks for the newest commit of the project's default branch, with one
// call, and has everything again that was read at it. Nil: there is no commit yet.
func (c *Client) Repository(ctx context.Context, project int64) (*Repository, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading the newest commit of project %d", project), Method: http.MethodGet, Route: routeCommits}
	list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*commitJSON](c.rest, r.Method, commitsPath(project), commitsQuery{PerPage: 1}), wholeCommits)
	if rest.Is(err, issue.NotFound) && !ofProject(err) || err == nil && len(list) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	head := list[0].ID
	if known := c.known[project]; known != nil && known.head == head {
		return known, nil
	}
	if len(c.known) >= projects {
		clear(c.known)
	}
	c.known[project] = &Repository{client: c, project: project, head: head, authors: map[string][]owner.Author{}}
	return c.known[project], nil
}

// Head is the commit that everything is read at.
func (r *Repository) Head() string { return r.head }

// ofProject says that a 404 is about the project, rather than about what is in it.
func ofProject(err error) bool { return strings.Contains(err.Error(), "Project Not Found") }

// bounded is the beginning of an answer.
type bounded struct {
	text []byte
	over bool // it went on
}

const mostOfFile = codeowners.Most

// Write keeps what there is room for.
func (b *bounded) Write(p []byte) (int, error) {
	room := min(len(p), mostOfFile-len(b.text))
	b.text = append(b.text, p[:room]...)
	b.over = b.over || room < len(p)
	return len(p), nil
}

// File is the text of a file. False: there is none. One of more than 4 MiB is
// issue.Invalid.
func (r *Repository) File(ctx context.Context, path string) (text []byte, there bool, err error) {
	q := rest.Request{Doing: fmt.Sprintf("reading %.200q of project %d", path, r.project), Method: http.MethodGet, Route: "/projects/:id/repository/files/:file_path/raw"}
	where := fmt.Sprintf("projects/%d/repository/files/%s/raw", r.project, api.PathEscape(path))
	got, _, err := rest.Call(ctx, r.client.rest, q, rest.Ask[bounded](r.client.rest, q.Method, where, struct {
		Ref string `url:"ref"`
	}{r.head}), func(bounded) bool { return true })
	switch {
	case rest.Is(err, issue.NotFound) && strings.Contains(err.Error(), "File Not Found"):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case got.over:
		return nil, false, rest.Unfit(q.Doing, "it is larger than %d MiB", mostOfFile>>20)
	}
	return got.text, true, nil
}

// CodeOwners is the project's CODEOWNERS file: the first there is of the places where
// GitLab looks. Nil: there is none. One that cannot be read is issue.Invalid.
func (r *Repository) CodeOwners(ctx context.Context) (*Owners, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owners != nil {
		return r.owners.orNil(), nil
	}
	found := &Owners{}
	for _, path := range codeowners.Paths() {
		text, there, err := r.File(ctx, path)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		f, err := codeowners.Parse(text)
		if err != nil {
			return nil, rest.Unfit(fmt.Sprintf("reading %s of project %d", path, r.project), "%v", err)
		}
		found = &Owners{File: f, Path: path}
		break
	}
	r.owners = found
	return found.orNil(), nil
}

func (o *Owners) orNil() *Owners {
	if o.File == nil {
		return nil
	}
	return o
}

// Evidence puts what CODEOWNERS and the commits say about a file to what is known of
// a finding.
func (r *Repository) Evidence(ctx context.Context, e owner.Evidence, file string) (owner.Evidence, error) {
	e.Place.File = file
	owners, err := r.CodeOwners(ctx)
	if err != nil {
		return e, err
	}
	if owners != nil {
		e.CodeOwners = owners.File.Match(file)
	}
	e.Authors, err = r.Authors(ctx, file)
	return e, err
}

const routeCommits = "/projects/:id/repository/commits"

func commitsPath(project int64) string { return fmt.Sprintf("projects/%d/repository/commits", project) }

type commitsQuery struct {
	RefName string `url:"ref_name,omitempty"`
	Path    string `url:"path,omitempty"`
	PerPage int    `url:"per_page"`
}

type commitJSON struct {
	ID           string     `json:"id"`
	ParentIDs    []string   `json:"parent_ids"`
	AuthorName   string     `json:"author_name"`
	AuthorEmail  string     `json:"author_email"`
	AuthoredDate *time.Time `json:"authored_date"`
}

func wholeCommits(list []*commitJSON) bool {
	return list != nil && !slices.ContainsFunc(list, func(c *commitJSON) bool { return c == nil || len(c.ID) < 40 })
}

// Authors are who made the newest commits to a file, up to 20, whoever made most
// first. Merges and the commits of bots are left out.
func (r *Repository) Authors(ctx context.Context, path string) ([]owner.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, there := r.authors[path]; there {
		return slices.Clone(known), nil
	}
	q := rest.Request{Doing: fmt.Sprintf("reading who changed %.200q of project %d", path, r.project), Method: http.MethodGet, Route: routeCommits}
	list, _, err := rest.Call(ctx, r.client.rest, q, rest.Ask[[]*commitJSON](r.client.rest, q.Method, commitsPath(r.project), commitsQuery{RefName: r.head, Path: path, PerPage: asked}), wholeCommits)
	if err != nil {
		return nil, err
	}
	out := counted(list)
	for i := range min(named, len(out)) {
		u, err := r.client.people.Email(ctx, out[i].Email)
		if err != nil {
			return nil, err
		}
		out[i].Username = u.Username
	}
	if len(r.authors) >= paths {
		clear(r.authors)
	}
	r.authors[path] = out
	return slices.Clone(out), nil
}

// counted are the authors of the commits that count.
func counted(list []*commitJSON) []owner.Author {
	var out []owner.Author
	at, of := map[string]int{}, 0
	for _, c := range list {
		if of == newest || len(c.ParentIDs) > 1 || bot(c.AuthorName, c.AuthorEmail) {
			continue
		}
		of++
		key := strings.ToLower(c.AuthorEmail)
		i, there := at[key]
		if !there {
			i = len(out)
			at[key] = i
			out = append(out, owner.Author{Name: c.AuthorName, Email: c.AuthorEmail})
			if c.AuthoredDate != nil {
				out[i].Last = c.AuthoredDate.UTC()
			}
		}
		out[i].Commits++
	}
	for i := range out {
		out[i].Of = of
	}
	slices.SortStableFunc(out, func(a, b owner.Author) int { return b.Commits - a.Commits })
	return out
}

// bot says that a commit was made by a machine, as far as its author tells: GitLab's
// bots of projects and groups, its service accounts, and the well-known updaters.
func bot(name, address string) bool {
	local, host, _ := strings.Cut(strings.ToLower(address), "@")
	name = strings.ToLower(strings.TrimSpace(name))
	switch {
	case strings.HasSuffix(name, "[bot]"), strings.HasSuffix(local, "[bot]"), strings.HasSuffix(name, "-bot"), strings.HasSuffix(name, " bot"), name == "bot",
		strings.HasPrefix(local, "project_") && strings.Contains(local, "_bot"), strings.HasPrefix(local, "group_") && strings.Contains(local, "_bot"),
		strings.HasPrefix(local, "service_account_"), strings.HasPrefix(host, "noreply."):
		return true
	}
	for _, known := range []string{"renovate", "dependabot", "semantic-release", "github-actions", "gitlab-ci", "gitlab ci", "jenkins", "argocd", "flux", "atlantis", "yor"} {
		if name == known || local == known || strings.HasPrefix(name, known+"[") || strings.HasPrefix(local, known+"-bot") {
			return true
		}
	}
	return false
}
