// Package hook makes, reads, tests, changes and deletes the webhooks of a project
// or group in GitLab.
//
// What always holds: as in rest; and no secret is part of an error or of what is
// returned, since GitLab never shows one again.
package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// Target is the project or group whose webhooks are meant.
type Target struct {
	Group bool // else a project
	ID    int64
	Path  string // for people; optional
}

// String is the target for people.
func (t Target) String() string {
	kind := "project"
	if t.Group {
		kind = "group"
	}
	if t.Path != "" {
		return kind + " " + t.Path
	}
	return fmt.Sprintf("%s %d", kind, t.ID)
}

// path is the address of what lies below the target's webhooks.
func (t Target) path(more string) string {
	if t.Group {
		return fmt.Sprintf("groups/%d/hooks%s", t.ID, more)
	}
	return fmt.Sprintf("projects/%d/hooks%s", t.ID, more)
}

// route is path as GitLab writes it, unfilled.
func (t Target) route(more string) string {
	if t.Group {
		return "/groups/:id/hooks" + more
	}
	return "/projects/:id/hooks" + more
}

// Hook is a webhook as GitLab shows it.
type Hook struct {
	ID            int64      `json:"id"`
	URL           string     `json:"url"`
	AlertStatus   string     `json:"alert_status"`   // Executable, TemporarilyDisabled or Disabled; empty: an instance that does not say
	DisabledUntil *time.Time `json:"disabled_until"` // nil: it is not, or for good
	Signs         bool       `json:"signing_token_present"`
}

// What GitLab calls the health of a webhook: it delivers; it delivers again after
// a while; it does not deliver until a test succeeds.
const (
	Executable          = "executable"
	TemporarilyDisabled = "temporarily_disabled"
	Disabled            = "disabled"
)

// Wanted is what a webhook is to be.
type Wanted struct {
	URL     string
	Secret  credential.Secret
	Signing bool // the secret signs, see Signs; else GitLab sends it along
	Verify  bool // the certificate of cxm's address
}

// settings are the fields of a webhook, the same for projects and groups.
type settings struct {
	URL                      string  `json:"url"`
	Name                     string  `json:"name"`
	Description              string  `json:"description"`
	PushEvents               bool    `json:"push_events"`
	IssuesEvents             bool    `json:"issues_events"`
	ConfidentialIssuesEvents bool    `json:"confidential_issues_events"`
	NoteEvents               bool    `json:"note_events"`
	ConfidentialNoteEvents   bool    `json:"confidential_note_events"`
	EmojiEvents              bool    `json:"emoji_events"`
	EnableSSLVerification    bool    `json:"enable_ssl_verification"`
	Token                    *string `json:"token,omitempty"`
	SigningToken             *string `json:"signing_token,omitempty"`
}

func (w Wanted) settings() settings {
	secret := w.Secret.Reveal()
	s := settings{
		URL: w.URL, Name: "cxm", Description: "Tells cxm where to look. Made by `cxm webhook add`.",
		IssuesEvents: true, ConfidentialIssuesEvents: true, NoteEvents: true, ConfidentialNoteEvents: true, EmojiEvents: true,
		EnableSSLVerification: w.Verify,
	}
	if w.Signing {
		s.SigningToken = &secret
	} else {
		s.Token = &secret
	}
	return s
}

// Signs says whether an instance of the version can sign what its webhooks
// deliver: 19.0 and later. Whether it does is what Hook.Signs says. An unknown
// version is taken for an old one.
func Signs(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 19
}

// Client makes webhooks as one account.
type Client struct{ *rest.Client }

// New makes a client. It sends nothing.
func New(c *rest.Client) *Client { return &Client{c} }

func whole(h Hook) bool { return h.ID > 0 && h.URL != "" }

// List lists the target's webhooks.
func (c *Client) List(ctx context.Context, t Target) ([]Hook, error) {
	r := rest.Request{Doing: "listing the webhooks of " + t.String(), Method: http.MethodGet, Route: t.route("")}
	var all []Hook
	for page := int64(1); ; page++ {
		opts := &api.ListProjectHooksOptions{ListOptions: api.ListOptions{Page: page, PerPage: 100}}
		some, _, err := rest.Call(ctx, c.Client, r, rest.Ask[[]Hook](c.Client, http.MethodGet, t.path(""), opts), func([]Hook) bool { return true })
		if err != nil {
			return nil, t.mended(err)
		}
		all = append(all, some...)
		if len(some) < 100 {
			return all, nil
		}
	}
}

// Read reads one webhook.
func (c *Client) Read(ctx context.Context, t Target, id int64) (Hook, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading webhook %d of %s", id, t), Method: http.MethodGet, Route: t.route("/:hook_id")}
	h, _, err := rest.Call(ctx, c.Client, r, rest.Ask[Hook](c.Client, http.MethodGet, t.path(fmt.Sprintf("/%d", id)), nil), whole)
	return h, t.mended(err)
}

// Create makes a webhook. An answer that was lost is issue.Doubtful: list before
// it is sent again.
func (c *Client) Create(ctx context.Context, t Target, w Wanted) (Hook, error) {
	r := rest.Request{Doing: "creating a webhook of " + t.String(), Method: http.MethodPost, Route: t.route("")}
	h, _, err := rest.Call(ctx, c.Client, r, rest.Ask[Hook](c.Client, http.MethodPost, t.path(""), w.settings()), whole)
	return h, t.mended(err)
}

// Update changes a webhook, its secret too.
func (c *Client) Update(ctx context.Context, t Target, id int64, w Wanted) (Hook, error) {
	r := rest.Request{Doing: fmt.Sprintf("changing webhook %d of %s", id, t), Method: http.MethodPut, Route: t.route("/:hook_id")}
	h, _, err := rest.Call(ctx, c.Client, r, rest.Ask[Hook](c.Client, http.MethodPut, t.path(fmt.Sprintf("/%d", id)), w.settings()), whole)
	return h, t.mended(err)
}

// Test has GitLab deliver something right now, also through a webhook that it
// switched off: success switches it on again. GitLab makes the event up from what
// the project holds, so that one without issues is tested with another event.
func (c *Client) Test(ctx context.Context, t Target, id int64) error {
	var err error
	for _, trigger := range []string{"issues_events", "push_events"} {
		r := rest.Request{Doing: fmt.Sprintf("testing webhook %d of %s", id, t), Method: http.MethodPost, Route: t.route("/:hook_id/test/:trigger")}
		_, _, err = rest.Call(ctx, c.Client, r, rest.Ask[any](c.Client, http.MethodPost, t.path(fmt.Sprintf("/%d/test/%s", id, trigger)), nil), func(any) bool { return true })
		if !empty(err) {
			break
		}
	}
	return t.mended(err)
}

// empty says that the target holds nothing to make an event of.
func empty(err error) bool {
	trouble := (*issue.Trouble)(nil)
	return errors.As(err, &trouble) && trouble.Kind == issue.Invalid && strings.Contains(strings.ToLower(trouble.Said), "ensure the project has")
}

// Delete deletes a webhook. One that is gone already is no error.
func (c *Client) Delete(ctx context.Context, t Target, id int64) error {
	r := rest.Request{Doing: fmt.Sprintf("deleting webhook %d of %s", id, t), Method: http.MethodDelete, Route: t.route("/:hook_id")}
	_, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (any, *api.Response, error) {
		if t.Group {
			resp, err := c.API().Groups.DeleteGroupHook(t.ID, id, o...)
			return nil, resp, err
		}
		resp, err := c.API().Projects.DeleteProjectHook(t.ID, id, o...)
		return nil, resp, err
	}, func(any) bool { return true })
	if rest.Is(err, issue.NotFound) {
		return nil
	}
	return t.mended(err)
}

// Group finds a group by its path or numeric id.
func (c *Client) Group(ctx context.Context, pathOrID string) (Target, error) {
	name := strings.Trim(strings.TrimSpace(pathOrID), "/")
	r := rest.Request{Doing: fmt.Sprintf("finding the group %.120q", name), Method: http.MethodGet, Route: "/groups/:id"}
	brief := struct { // without it GitLab counts the call as one to a deprecated route
		WithProjects bool `url:"with_projects"`
	}{}
	g, _, err := rest.Call(ctx, c.Client, r, rest.Ask[api.Group](c.Client, http.MethodGet, "groups/"+url.PathEscape(name), &brief), func(g api.Group) bool { return g.ID > 0 })
	if err != nil {
		return Target{}, err
	}
	return Target{Group: true, ID: g.ID, Path: g.FullPath}, nil
}

// mended says what the trouble with a webhook needs.
func (t Target) mended(err error) error {
	trouble := (*issue.Trouble)(nil)
	if !errors.As(err, &trouble) {
		return err
	}
	said := strings.ToLower(trouble.Said)
	switch {
	case trouble.Kind == issue.Forbidden && strings.Contains(said, "scope"):
	case (trouble.Kind == issue.Forbidden || trouble.Kind == issue.NotFound) && t.Group:
		trouble.Mend = "Webhooks of a group need GitLab Premium and the Owner role in the group: give the account that role, or add one for each project with --project"
	case trouble.Kind == issue.Forbidden:
		trouble.Mend = "Webhooks of a project need the Maintainer role: give it to the account, or have a maintainer make the webhook; without one cxm looks by itself every ten minutes"
	case strings.Contains(said, "invalid url"), strings.Contains(said, "url is blocked"), strings.Contains(said, "url is invalid"):
		trouble.Mend = "GitLab does not deliver to this address. One in its own network must be allowed by an administrator (Admin area > Settings > Network > Outbound requests)"
	case strings.Contains(said, "ensure the project has"):
		trouble.Mend = "GitLab makes a test of what the project holds, and it holds nothing yet: create an issue in it, then test again"
	case strings.Contains(said, "maximum number"):
		trouble.Mend = "Delete webhooks that nobody needs any more: a project has at most 100, a group 50"
	}
	return trouble
}
