package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/limit"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// Look lists every issue of the project, of all states and types, that changed
// at or after since; zero: all of them. Each is there once, as last seen. It is
// the whole list or an error, never a part. AsOf is GitLab's clock when the look
// began, at most a second and the time of one request too early; this machine's
// clock when GitLab does not send a Date.
//
// GitLab 18.3 and later page by cursor. Older ones page by number, and an issue
// that changes meanwhile moves to the end and lets another slip past; so there
// every page starts at the last change seen, not at a number. Only there, and
// only where more than a hundred issues changed in one millisecond and one of
// them again during the look, can one still slip past.
func (c *Client) Look(ctx context.Context, project int64, since time.Time) (issue.Sweep, error) {
	s := sweep{client: c, project: project, from: since, seen: map[int64]*issueJSON{}}
	for more := true; more; {
		var err error
		if more, err = s.page(ctx); err != nil {
			return issue.Sweep{}, err
		}
	}
	out := issue.Sweep{AsOf: s.asOf}
	for _, each := range s.seen {
		out.Issues = append(out.Issues, observed(each))
	}
	slices.SortFunc(out.Issues, func(a, b issue.Observed) int {
		return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Newest is when an issue of the project last changed, on GitLab's clock, found
// with one request; zero: the project has no issue that the account can see.
func (c *Client) Newest(ctx context.Context, project int64) (time.Time, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading the newest change in project %d", project), Method: http.MethodGet, Route: routeProjectIssues}
	options := listing("desc")
	options.PerPage = 1
	list, _, err := rest.Call(ctx, c.Client, r, rest.Ask[[]*issueJSON](c.Client, http.MethodGet, issuesPath(project), options), wholeIssues)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return moment(list[0].UpdatedAt), nil
}

func listing(sort string) *api.ListProjectIssuesOptions {
	return &api.ListProjectIssuesOptions{
		ListOptions: api.ListOptions{PerPage: perPage},
		Scope:       new("all"), State: new("all"), OrderBy: new("updated_at"), Sort: &sort,
	}
}

// sweep is one look in the making.
type sweep struct {
	client  *Client
	project int64

	from   time.Time             // where the next page starts; zero: at the beginning
	number int64                 // of the next page, when more than a page changed in the same instant; 0: the first
	cursor api.RequestOptionFunc // where GitLab says the next page starts; nil: it does not
	keyset bool                  // it has said so once, and its silence then means the end
	stale  int                   // full pages in a row that held nothing new

	asOf time.Time
	seen map[int64]*issueJSON
}

// page fetches the next page and says whether there is another.
func (s *sweep) page(ctx context.Context) (more bool, err error) {
	r := rest.Request{Doing: fmt.Sprintf("looking for changes in project %d", s.project), Method: http.MethodGet, Route: routeProjectIssues}
	var response *api.Response
	list, x, err := rest.Call(ctx, s.client.Client, r, func(o ...api.RequestOptionFunc) ([]*issueJSON, *api.Response, error) {
		list, resp, err := rest.Ask[[]*issueJSON](s.client.Client, http.MethodGet, issuesPath(s.project), listing("asc"))(append(o, s.options()...)...)
		response = resp
		return list, resp, err
	}, wholeIssues)
	if err != nil {
		return false, err
	}
	if s.asOf.IsZero() {
		s.asOf = limit.Dated(x.Header, s.client.Now()).Add(-x.Took).UTC()
	}
	fresh := s.keep(list)
	if s.cursor = nextCursor(response); s.cursor != nil {
		s.keyset = true
		return true, nil
	}
	if s.keyset || len(list) < perPage || paged(x.Header) && response.NextPage == 0 {
		return false, nil
	}
	return true, s.advance(r, list, fresh)
}

func (s *sweep) options() []api.RequestOptionFunc {
	options := []api.RequestOptionFunc{parameter("pagination", "keyset")}
	if !s.from.IsZero() {
		options = append(options, parameter("updated_after", s.from.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	if s.number > 0 {
		options = append(options, parameter("pagination", "offset"), api.WithOffsetPaginationParameters(s.number))
	}
	return append(options, s.cursor)
}

// keep remembers the page and says whether it brought anything new.
func (s *sweep) keep(list []*issueJSON) (fresh bool) {
	for _, each := range list {
		if before := s.seen[each.ID]; before == nil || !before.UpdatedAt.Equal(*each.UpdatedAt) {
			fresh = true
		}
		s.seen[each.ID] = each
	}
	return fresh
}

// nextCursor is where GitLab says the next page starts; nil: it pages by
// number, or this was the last.
func nextCursor(r *api.Response) api.RequestOptionFunc {
	if !strings.Contains(r.NextLink, "cursor=") {
		return nil
	}
	next, _ := api.WithNext(r)
	return next
}

// paged says that GitLab told of a next page, or that there is none. A proxy may
// take the headers away: then only a page that is not full is the last.
func paged(h http.Header) bool {
	return len(h.Values("X-Next-Page"))+len(h.Values("X-Next-Cursor"))+len(h.Values("X-Prev-Cursor")) > 0
}

// advance starts the next page at the last change seen, or counts on where more
// than a page changed in the same instant.
func (s *sweep) advance(r rest.Request, list []*issueJSON, fresh bool) error {
	if s.stale++; fresh {
		s.stale = 0
	}
	if s.stale > 1 {
		return &issue.Trouble{
			Kind: issue.Unavailable, Doing: r.Doing, Said: "the list repeats itself",
			Mend: "A cache or proxy before GitLab may ignore the paging: look there",
		}
	}
	last := list[len(list)-1].UpdatedAt.Truncate(time.Millisecond)
	if last.After(s.from) {
		s.from, s.number = last, 0
		return nil
	}
	s.number = max(s.number, 1) + 1
	return nil
}
