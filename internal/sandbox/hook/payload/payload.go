// Package payload writes what webhooks tell about issues, notes and reactions,
// with GitLab's keys (lib/gitlab/hook_data, lib/gitlab/data_builder). Times are
// ISO 8601 with milliseconds.
//
// It reads the world, so it is called while the world's lock is held.
package payload

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// Maker writes payloads for one request.
type Maker struct {
	W    *world.World
	Base string // the instance's URL without a slash at the end
}

type user struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Username  string `json:"username"`
	AvatarURL string `json:"avatar_url"`
	Email     string `json:"email"`
}

type project struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	Description   *string `json:"description"`
	WebURL        string  `json:"web_url"`
	AvatarURL     *string `json:"avatar_url"`
	GitSSHURL     string  `json:"git_ssh_url"`
	GitHTTPURL    string  `json:"git_http_url"`
	Namespace     string  `json:"namespace"`
	Visibility    int     `json:"visibility_level"`
	Path          string  `json:"path_with_namespace"`
	DefaultBranch *string `json:"default_branch"`
	CIConfigPath  *string `json:"ci_config_path"`
	Homepage      string  `json:"homepage"`
	URL           string  `json:"url"`
	SSHURL        string  `json:"ssh_url"`
	HTTPURL       string  `json:"http_url"`
}

type repository struct {
	Name        string  `json:"name"`
	URL         string  `json:"url"`
	Description *string `json:"description"`
	Homepage    string  `json:"homepage"`
}

type label struct {
	ID          int64   `json:"id"`
	Title       string  `json:"title"`
	Color       string  `json:"color"`
	ProjectID   *int64  `json:"project_id"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
	Template    bool    `json:"template"`
	Description *string `json:"description"`
	Type        string  `json:"type"`
	GroupID     *int64  `json:"group_id"`
}

// Of writes news and says which hooks they are for.
func (m Maker) Of(n track.News) (hook.Kind, []byte, error) {
	var body any
	kind := hook.Issue
	switch {
	case n.Award != nil:
		kind, body = hook.Emoji, m.emoji(n)
	case n.Note != nil:
		kind, body = m.noteKind(n), m.note(n)
	default:
		if n.Issue.Confidential {
			kind = hook.ConfidentialIssue
		}
		body = m.issue(n)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return kind, nil, fmt.Errorf("write a webhook's payload: %w", err)
	}
	return kind, []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

func (m Maker) noteKind(n track.News) hook.Kind {
	if n.Note.Internal || n.Issue.Confidential {
		return hook.ConfidentialNote
	}
	return hook.Note
}

// user shows who did something; the address is hidden unless it is public.
func (m Maker) user(u *people.User) user {
	if u == nil {
		return user{Name: "Ghost User", Username: "ghost", Email: "[REDACTED]"}
	}
	out := user{ID: u.ID, Name: u.Name, Username: u.Username, Email: "[REDACTED]"}
	out.AvatarURL = entity.Views{W: m.W, Base: m.Base}.UserBasic(u).AvatarURL
	if u.PublicEmail != "" {
		out.Email = u.PublicEmail
	}
	return out
}

func (m Maker) users(ids []int64) []user {
	out := []user{}
	for _, id := range ids {
		out = append(out, m.user(m.W.People.User(id)))
	}
	return out
}

func (m Maker) project(id int64) project {
	p := m.W.Places.Project(id)
	v := entity.Views{W: m.W, Base: m.Base}.ProjectBasic(p)
	return project{
		ID: p.ID, Name: p.Name, Description: p.Description, WebURL: v.WebURL, GitSSHURL: v.SSHURL, GitHTTPURL: v.HTTPURL,
		Namespace:  m.W.Places.Namespace(p.NamespaceID).Name,
		Visibility: map[place.Visibility]int{place.Internal: 10, place.Public: 20}[p.Visibility],
		Path:       v.PathWithNamespace, DefaultBranch: v.DefaultBranch,
		Homepage: v.WebURL, URL: v.SSHURL, SSHURL: v.SSHURL, HTTPURL: v.HTTPURL,
	}
}

func (p project) repository() repository {
	return repository{Name: p.Name, URL: p.URL, Description: p.Description, Homepage: p.Homepage}
}

func (m Maker) labels(ids []int64) []label {
	out := []label{}
	for _, l := range m.W.Catalog.Sorted(ids) {
		out = append(out, labelOf(l))
	}
	return out
}

func labelOf(l *catalog.Label) label {
	out := label{
		ID: l.ID, Title: l.Title, Color: l.Color, CreatedAt: entity.Stamp(l.CreatedAt), UpdatedAt: entity.Stamp(l.UpdatedAt),
		Description: l.Description, Type: "ProjectLabel", ProjectID: some(l.ProjectID),
	}
	if l.GroupID != 0 {
		out.Type, out.GroupID = "GroupLabel", &l.GroupID
	}
	return out
}

// some gives a number that may be absent.
func some(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return entity.Moment(&t)
}

// url is an issue's address, or with a note's id the note's.
func (m Maker) url(i *track.Issue, noteID int64) string {
	path := m.W.Places.ProjectPath(m.W.Places.Project(i.ProjectID))
	out := fmt.Sprintf("%s/%s/-/work_items/%d", m.Base, path, i.IID)
	if noteID != 0 {
		out += fmt.Sprintf("#note_%d", noteID)
	}
	return out
}

func human(seconds int64) *string {
	if seconds == 0 {
		return nil
	}
	return new(duration.Human(seconds))
}
