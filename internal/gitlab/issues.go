package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "gitlab.com/gitlab-org/api/client-go/v2"

	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

const (
	routeIssues        = "/issues"
	routeProjectIssues = "/projects/:id/issues"
	routeIssue         = "/projects/:id/issues/:issue_iid"
	routeNotes         = "/projects/:id/issues/:issue_iid/notes"

	perPage = 100 // GitLab's largest
)

// One reads one issue by its number in the project.
func (c *Client) One(ctx context.Context, project, iid int64) (issue.Observed, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading issue #%d of project %d", iid, project), Method: http.MethodGet, Route: routeIssue}
	got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*issueJSON](c.Client, http.MethodGet, issuePath(project, iid), nil), wholeIssue)
	return answerOf(got, err)
}

// Create makes an issue, with at most one request whose answer may be lost: the
// trouble is then issue.Doubtful, and only a look can tell whether the issue
// exists. After a 429 it waits and sends again; a deadline in ctx bounds that.
// GitLab executes quick actions in the description, fills an empty one from the
// project's template, and drops labels that the account may not create: see
// issue.Missing. It drops settings too, see issue.Unkept; a type that cxm does not
// make is issue.Invalid, and sends nothing.
func (c *Client) Create(ctx context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	r := rest.Request{
		Doing:  fmt.Sprintf("creating an issue in project %d", project),
		Method: http.MethodPost, Route: routeProjectIssues, Bucket: c.Creates(project), Turn: d.Turn, Before: d.Sending, After: d.Answered,
	}
	if t := sound(r.Doing, d.Labels); t != nil {
		return issue.Observed{}, t
	}
	if _, err := issue.ParseType(string(d.Type)); err != nil {
		return issue.Observed{}, rest.Unfit(r.Doing, "%v", err)
	}
	options := &api.CreateIssueOptions{Title: &d.Title, Description: &d.Description, Labels: labels(d.Labels)}
	set(options, d)
	if d.Empty() {
		got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*issueJSON](c.Client, http.MethodPost, issuesPath(project), options), wholeIssue)
		return answerOf(got, err)
	}
	got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*madeJSON](c.Client, http.MethodPost, issuesPath(project), options), wholeMade)
	return madeOf(got, err)
}

// set puts what an issue is given into the request that makes it.
func set(o *api.CreateIssueOptions, d issue.Draft) {
	switch {
	case len(d.Assignees) > 0:
		o.AssigneeIDs = &d.Assignees
	case d.Assignee != 0:
		o.AssigneeIDs = &[]int64{d.Assignee}
	}
	if d.MilestoneID != 0 {
		o.MilestoneID = &d.MilestoneID
	}
	if !d.DueDate.IsZero() {
		o.DueDate = new(api.ISOTime(d.DueDate))
	}
	if d.Weight != 0 {
		o.Weight = &d.Weight
	}
	if d.Type != "" && d.Type != issue.Plain {
		o.IssueType = new(string(d.Type))
	}
	if d.Confidential {
		o.Confidential = &d.Confidential
	}
}

// Change writes to an issue with one PUT. What is nil or empty in ch stays as it
// is; an empty ch is issue.Invalid and sends nothing. Troubles are as for
// Create.
func (c *Client) Change(ctx context.Context, project, iid int64, ch issue.Change) (issue.Observed, error) {
	r := rest.Request{Doing: fmt.Sprintf("changing issue #%d of project %d", iid, project), Method: http.MethodPut, Route: routeIssue, Turn: ch.Turn, Before: ch.Sending, After: ch.Answered}
	event, known := map[issue.State]*string{"": nil, issue.Closed: new("close"), issue.Opened: new("reopen")}[ch.State]
	switch {
	case ch.Empty():
		return issue.Observed{}, rest.Unfit(r.Doing, "there is nothing to write")
	case !known:
		return issue.Observed{}, rest.Unfit(r.Doing, "%.40q is no state of an issue: use opened or closed", ch.State)
	}
	if t := sound(r.Doing, slices.Concat(ch.AddLabels, ch.RemoveLabels)); t != nil {
		return issue.Observed{}, t
	}
	options := &api.UpdateIssueOptions{
		Title: ch.Title, Description: ch.Description, StateEvent: event,
		AddLabels: labels(ch.AddLabels), RemoveLabels: labels(ch.RemoveLabels),
	}
	got, _, err := rest.Call(ctx, c.Client, r, rest.Ask[*issueJSON](c.Client, http.MethodPut, issuePath(project, iid), options), wholeIssue)
	return answerOf(got, err)
}

// Note writes a comment on an issue and returns its id; zero: the text held
// nothing but quick actions, which GitLab executed. Troubles are as for Create.
func (c *Client) Note(ctx context.Context, project, iid int64, body string) (int64, error) {
	r := rest.Request{
		Doing:  fmt.Sprintf("commenting on issue #%d of project %d", iid, project),
		Method: http.MethodPost, Route: routeNotes, Bucket: c.Notes(),
	}
	got, x, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) (*api.Note, *api.Response, error) {
		return c.API().Notes.CreateIssueNote(project, iid, &api.CreateIssueNoteOptions{Body: &body}, o...)
	}, func(n *api.Note) bool { return n != nil })
	if err != nil {
		return 0, err
	}
	if got.ID == 0 && x.Status != http.StatusAccepted {
		return 0, c.Garbled(r, x)
	}
	return got.ID, nil
}

// Search lists up to 100 issues, wherever the account can see them, whose
// description holds the word, letter case aside: closed ones and those of
// archived projects too. GitLab's index follows a write at once, but a replica
// may lag. It needs a word of at least three letters, digits and no spaces.
func (c *Client) Search(ctx context.Context, word string) ([]issue.Observed, error) {
	r := rest.Request{Doing: fmt.Sprintf("searching all issues for %.40q", word), Method: http.MethodGet, Route: routeIssues, Bucket: c.Searches()}
	if len(word) < 3 || strings.ContainsAny(word, " \t\r\n") {
		return nil, rest.Unfit(r.Doing, "GitLab searches for words of three letters or more")
	}
	options := &api.ListIssuesOptions{
		ListOptions: api.ListOptions{PerPage: perPage},
		Scope:       new("all"), State: new("all"), Search: &word, In: new("description"),
	}
	list, _, err := rest.Call(ctx, c.Client, r, func(o ...api.RequestOptionFunc) ([]*issueJSON, *api.Response, error) {
		return rest.Ask[[]*issueJSON](c.Client, http.MethodGet, "issues", options)(append(o, parameter("non_archived", "false"))...)
	}, wholeIssues)
	if err != nil {
		return nil, err
	}
	var found []issue.Observed
	for _, each := range list {
		if strings.Contains(strings.ToLower(each.Description), strings.ToLower(word)) {
			found = append(found, observed(each))
		}
	}
	return found, nil
}

// Those lists the issues of the project with these numbers, at most 100, that
// the account can see; one that is deleted or hidden is not among them.
func (c *Client) Those(ctx context.Context, project int64, iids []int64) ([]issue.Observed, error) {
	r := rest.Request{Doing: fmt.Sprintf("reading %d issues of project %d", len(iids), project), Method: http.MethodGet, Route: routeProjectIssues}
	if len(iids) == 0 || len(iids) > perPage {
		return nil, rest.Unfit(r.Doing, "GitLab lists between 1 and 100 issues at once")
	}
	options := listing("asc")
	options.IIDs = &iids
	list, _, err := rest.Call(ctx, c.Client, r, rest.Ask[[]*issueJSON](c.Client, http.MethodGet, issuesPath(project), options), wholeIssues)
	if err != nil {
		return nil, err
	}
	var found []issue.Observed
	for _, each := range list {
		found = append(found, observed(each))
	}
	return found, nil
}

// sound refuses labels that GitLab would take apart, since client-go joins them
// with commas.
func sound(doing string, names []string) *issue.Trouble {
	for _, name := range names {
		if strings.TrimSpace(name) == "" || strings.Contains(name, ",") {
			return rest.Unfit(doing, "the label %.80q is empty or holds a comma, where GitLab would take it apart: rename it", name)
		}
	}
	return nil
}

func labels(names []string) *api.LabelOptions {
	if len(names) == 0 {
		return nil
	}
	return new(api.LabelOptions(names))
}

// parameter sets a query parameter that client-go does not know, or spells
// differently.
func parameter(name, value string) api.RequestOptionFunc {
	return api.WithKeysetPaginationParameters("?" + url.Values{name: {value}}.Encode())
}
