// Package people finds out whom and what an issue can be given in GitLab: users by
// name or e-mail address, milestones by title.
//
// What always holds: what cannot be found is no error but a reason for people, so
// that it stops no issue; the same question is asked once an hour; only users whom
// GitLab lets in are found; errors are *issue.Trouble, and mean that GitLab could not
// be asked.
package people

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const (
	found   = time.Hour        // how long an answer is good for
	missing = 10 * time.Minute // how long one that there is nothing is
	most    = 10_000           // answers that are remembered
	longest = 255              // letters of a name or a title
)

// Client asks as one account. It is safe for many goroutines.
type Client struct {
	rest *rest.Client

	mu    sync.Mutex
	known map[string]answer // question → answer
}

// answer is what GitLab said to a question.
type answer struct {
	user  User
	id    int64
	why   string // there is none; empty: there is
	until time.Time
}

// User is a user whom GitLab lets in.
type User struct {
	ID       int64
	Username string // without @
	Bot      bool   // not known of all: GitLab does not say it in a list
}

// New makes a client. It sends nothing.
func New(c *rest.Client) *Client { return &Client{rest: c, known: map[string]answer{}} }

// ask is the remembered answer to a question, or a new one. What GitLab refuses to
// answer is a reason; that it cannot be reached is an error, and is not remembered.
func (c *Client) ask(question string, send func() (answer, error)) (answer, error) {
	now := c.rest.Now()
	c.mu.Lock()
	a, there := c.known[question]
	c.mu.Unlock()
	if there && now.Before(a.until) {
		return a, nil
	}
	a, err := send()
	if rest.Is(err, issue.NotFound, issue.Forbidden, issue.Invalid, issue.Moved) {
		a, err = answer{why: "GitLab does not say: " + err.Error()}, nil
	}
	if err != nil {
		return answer{}, err
	}
	if a.until = now.Add(found); a.why != "" {
		a.until = now.Add(missing)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= most {
		clear(c.known)
	}
	c.known[question] = a
	return a, nil
}

// Assignees are the ids of the users with the names, each once, and the reasons why
// others have none. Names may have an @.
func (c *Client) Assignees(ctx context.Context, usernames []string) (ids []int64, unresolved []string, err error) {
	seen := map[int64]bool{}
	for _, name := range usernames {
		u, why, err := c.Username(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			unresolved = append(unresolved, why)
		} else if !seen[u.ID] {
			seen[u.ID] = true
			ids = append(ids, u.ID)
		}
	}
	return ids, unresolved, nil
}

// query is that of a list.
type query struct {
	Username         string `url:"username,omitempty"`
	Search           string `url:"search,omitempty"`
	Title            string `url:"title,omitempty"`
	IncludeAncestors bool   `url:"include_ancestors,omitempty"`
	PerPage          int    `url:"per_page,omitempty"`
}

type userJSON struct {
	ID          int64  `json:"id"`
	Username    string `json:"username"`
	State       string `json:"state"`
	PublicEmail string `json:"public_email"`
	Email       string `json:"email"` // administrators are told
	Bot         bool   `json:"bot"`
}

func (u *userJSON) user() User { return User{u.ID, u.Username, u.Bot} }

// whole says that a list is one, and that each of it is what was asked for.
func whole[T any](good func(*T) bool) func([]*T) bool {
	return func(list []*T) bool {
		for _, each := range list {
			if each == nil || !good(each) {
				return false
			}
		}
		return list != nil
	}
}

func (c *Client) users(ctx context.Context, r rest.Request, q query) ([]*userJSON, error) {
	r.Method, r.Route, q.PerPage = http.MethodGet, "/users", 20
	list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*userJSON](c.rest, r.Method, "users", q),
		whole(func(u *userJSON) bool { return u.ID > 0 && u.Username != "" }))
	return list, err
}

// Username is the user with the name, or why there is none.
func (c *Client) Username(ctx context.Context, username string) (u User, why string, err error) {
	name := strings.TrimPrefix(strings.TrimSpace(username), "@")
	switch {
	case name == "" || len(name) > longest:
		return User{}, "an empty name, or one that is too long, is no user's", nil
	case strings.Contains(name, "@"):
		return User{}, "an e-mail address is no user name", nil
	case strings.Contains(name, "/"):
		return User{}, fmt.Sprintf("@%.80s is a group: GitLab assigns issues to users alone", name), nil
	}
	a, err := c.ask("user "+strings.ToLower(name), func() (answer, error) {
		list, err := c.users(ctx, rest.Request{Doing: fmt.Sprintf("looking for the user %.80q", name)}, query{Username: name})
		for _, each := range list {
			if strings.EqualFold(each.Username, name) {
				return judged(each), err
			}
		}
		return answer{why: fmt.Sprintf("GitLab has no user @%.80s", name)}, err
	})
	return a.user, a.why, err
}

func judged(u *userJSON) answer {
	if u.State != "active" {
		return answer{why: fmt.Sprintf("@%.80s is %.20s in GitLab, and cannot be assigned", u.Username, u.State)}
	}
	return answer{user: u.user()}
}

// Email is the user with the address, as far as GitLab tells: it knows the addresses
// that it gives out for commits, and looks for those that users made public. Empty:
// nobody that can be told. The address is in no error and in no reason.
func (c *Client) Email(ctx context.Context, address string) (User, error) {
	address = strings.TrimSpace(address)
	if before, after, ok := strings.Cut(address, "@"); !ok || before == "" || after == "" || len(address) > longest || strings.ContainsAny(address, " \t\r\n") {
		return User{}, nil
	}
	a, err := c.ask("address "+strings.ToLower(address), func() (answer, error) {
		if id := private(address); id != 0 {
			return c.byID(ctx, id)
		}
		list, err := c.users(ctx, rest.Request{Doing: "looking for the user with an e-mail address", Bucket: c.rest.Searches()}, query{Search: address})
		for _, each := range list {
			if strings.EqualFold(each.PublicEmail, address) || strings.EqualFold(each.Email, address) {
				return judged(each), err
			}
		}
		return answer{why: "GitLab does not say whose address it is"}, err
	})
	return a.user, err
}

// private is the id in an address that GitLab gives users who keep theirs to
// themselves: 12-name@users.noreply.gitlab.example.com.
func private(address string) int64 {
	before, host, _ := strings.Cut(strings.ToLower(address), "@")
	number, name, ok := strings.Cut(before, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if !ok || name == "" || err != nil || id <= 0 || !strings.HasPrefix(host, "users.noreply.") {
		return 0
	}
	return id
}

func (c *Client) byID(ctx context.Context, id int64) (answer, error) {
	r := rest.Request{Doing: fmt.Sprintf("looking for user %d", id), Method: http.MethodGet, Route: "/users/:id"}
	u, _, err := rest.Call(ctx, c.rest, r, rest.Ask[*userJSON](c.rest, r.Method, fmt.Sprintf("users/%d", id), nil),
		func(u *userJSON) bool { return u != nil && u.ID == id && u.Username != "" })
	if err != nil {
		return answer{}, err
	}
	return judged(u), nil
}

type milestoneJSON struct {
	ID        int64  `json:"id"`
	ProjectID int64  `json:"project_id"` // 0: it is a group's
	Title     string `json:"title"`
	State     string `json:"state"`
}

// Milestone is the id of the project's open milestone with the title, else that of a
// group above it, or why there is none.
func (c *Client) Milestone(ctx context.Context, project int64, title string) (id int64, why string, err error) {
	title = strings.TrimSpace(title)
	if title == "" || len(title) > longest {
		return 0, "an empty title, or one that is too long, is no milestone's", nil
	}
	a, err := c.ask(fmt.Sprintf("milestone %d %s", project, title), func() (answer, error) {
		r := rest.Request{Doing: fmt.Sprintf("looking for the milestone %.80q of project %d", title, project), Method: http.MethodGet, Route: "/projects/:id/milestones"}
		list, _, err := rest.Call(ctx, c.rest, r, rest.Ask[[]*milestoneJSON](c.rest, r.Method, fmt.Sprintf("projects/%d/milestones", project), query{Title: title, IncludeAncestors: true, PerPage: 100}),
			whole(func(m *milestoneJSON) bool { return m.ID > 0 }))
		return chosen(list, project, title), err
	})
	return a.id, a.why, err
}

// chosen is the project's own milestone before a group's, and an open one before one
// that is closed.
func chosen(list []*milestoneJSON, project int64, title string) answer {
	best := answer{why: fmt.Sprintf("neither the project nor a group above it has a milestone %.80q", title)}
	for _, m := range list {
		switch {
		case m.Title != title:
		case m.State != "active":
			if best.id == 0 {
				best.why = fmt.Sprintf("the milestone %.80q is closed", title)
			}
		case best.id == 0 || m.ProjectID == project:
			best = answer{id: m.ID}
		}
	}
	return best
}
