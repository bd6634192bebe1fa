// Package issues serves issues and all that hangs on them: notes,
// discussions, links, reactions, events and to-dos.
package issues

import (
	"net/http"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

// Routes gives the package's endpoints.
func Routes() []rest.Route {
	out := append(lists(), single()...)
	out = append(out, around()...)
	out = append(out, notes()...)
	out = append(out, discussions()...)
	out = append(out, links()...)
	out = append(out, awards()...)
	return append(out, events()...)
}

const onePath = "/projects/{id}/issues/{issue_iid}"

func single() []rest.Route {
	create := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "title", Required: true}, {Name: "iid", Kind: wire.Integer}, {Name: "created_at", Kind: wire.Time},
		{Name: "merge_request_to_resolve_discussions_of", Kind: wire.Integer}, {Name: "discussion_to_resolve"},
	}, issueParams()), Exclusive: exclusive()}
	update := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "title"}, {Name: "created_at", Kind: wire.Time}, {Name: "updated_at", Kind: wire.Time},
		{Name: "state_event", Values: []string{"reopen", "close"}},
	}, issueParams()), Exclusive: exclusive(), AtLeastOne: updatable()}
	return []rest.Route{
		{Method: "GET", Path: "/issues/{id}", Access: rest.Administrator, Handle: globalIssue},
		{Method: "GET", Path: onePath, Access: rest.Anyone, Handle: oneIssue},
		{Method: "POST", Path: "/projects/{id}/issues", Spec: create, Limit: "issues_create", Handle: createIssue},
		{Method: "PUT", Path: onePath, Spec: update, Handle: updateIssue},
		{Method: "DELETE", Path: onePath, Handle: deleteIssue},
	}
}

func issueTypes() []string {
	return []string{"issue", "incident", "test_case", "requirement", "task", "ticket"}
}

func issueParams() []wire.Param {
	return []wire.Param{
		{Name: "description"}, {Name: "assignee_ids", Kind: wire.Integers}, {Name: "assignee_id", Kind: wire.Integer},
		{Name: "milestone_id", Kind: wire.Integer}, {Name: "milestone"}, {Name: "labels", Kind: wire.List},
		{Name: "add_labels", Kind: wire.List}, {Name: "remove_labels", Kind: wire.List}, {Name: "due_date", Kind: wire.Date},
		{Name: "start_date", Kind: wire.Date}, {Name: "confidential", Kind: wire.Boolean}, {Name: "discussion_locked", Kind: wire.Boolean},
		{Name: "issue_type", Values: issueTypes()}, {Name: "severity", Values: []string{"unknown", "low", "medium", "high", "critical"}},
		{Name: "weight", Kind: wire.Integer}, {Name: "epic_id", Kind: wire.Integer}, {Name: "epic_iid", Kind: wire.Integer},
	}
}

func exclusive() [][]string {
	return [][]string{{"milestone_id", "milestone"}, {"epic_id", "epic_iid"}}
}

func updatable() []string {
	return []string{
		"assignee_id", "assignee_ids", "confidential", "created_at", "description", "discussion_locked", "due_date",
		"start_date", "labels", "add_labels", "remove_labels", "milestone_id", "milestone", "severity", "state_event", "title",
		"issue_type", "weight", "epic_id", "epic_iid",
	}
}

// changeOf reads what a create or update asks for.
func changeOf(p wire.Params) track.Change {
	c := track.Change{
		State: p.String("state_event"), AddLabels: p.Strings("add_labels"), RemoveLabels: p.Strings("remove_labels"),
		Title: text(p, "title"), Type: text(p, "issue_type"), Severity: text(p, "severity"), MilestoneTitle: text(p, "milestone"),
		Milestone: number(p, "milestone_id"), IID: number(p, "iid"), Confidential: truth(p, "confidential"),
		DiscussionLocked: truth(p, "discussion_locked"), DueDate: day(p, "due_date"), StartDate: day(p, "start_date"),
		CreatedAt: moment(p, "created_at"), UpdatedAt: moment(p, "updated_at"),
	}
	if p.Given("description") {
		c.Description = track.Some[*string](nil)
		if !p.Null("description") {
			description := p.String("description")
			c.Description = track.Some(&description)
		}
	}
	if p.Given("labels") {
		c.Labels = track.Some(p.Strings("labels"))
	}
	c.Assignees = assignees(p)
	if p.Given("weight") {
		c.Weight = track.Some[*int64](nil)
		if n := p.Int("weight"); !p.Null("weight") {
			c.Weight = track.Some(&n)
		}
	}
	return c
}

func assignees(p wire.Params) track.Opt[[]int64] {
	switch {
	case p.Given("assignee_ids"):
		return track.Some(p.Ints("assignee_ids"))
	case p.Given("assignee_id") && p.Int("assignee_id") != 0:
		return track.Some([]int64{p.Int("assignee_id")})
	case p.Given("assignee_id"):
		return track.Some[[]int64](nil)
	}
	return track.Opt[[]int64]{}
}

func text(p wire.Params, name string) track.Opt[string] {
	return track.Opt[string]{Set: p.Given(name), To: p.String(name)}
}

func number(p wire.Params, name string) track.Opt[int64] {
	return track.Opt[int64]{Set: p.Given(name), To: p.Int(name)}
}

func truth(p wire.Params, name string) track.Opt[bool] {
	return track.Opt[bool]{Set: p.Given(name), To: p.Bool(name)}
}

func day(p wire.Params, name string) track.Opt[*time.Time] {
	return track.Opt[*time.Time]{Set: p.Given(name), To: p.Time(name)}
}

func moment(p wire.Params, name string) track.Opt[time.Time] {
	at := p.Time(name)
	if at == nil {
		return track.Opt[time.Time]{}
	}
	return track.Some(*at)
}

func globalIssue(r *rest.Request) (wire.Answer, error) {
	id, err := r.PathInt("id")
	if err != nil {
		return wire.Answer{}, err
	}
	i := r.W.Track.Issue(id)
	if i == nil {
		return wire.Answer{}, refuse.NotFound("Issue")
	}
	return wire.OK(r.Views.Issue(i, true)), nil
}

func oneIssue(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Issue(i, true)), nil
}

func createIssue(r *rest.Request) (wire.Answer, error) {
	p, err := r.Project()
	if err != nil {
		return wire.Answer{}, err
	}
	if !r.W.Track.CanCreate(r.Caller, p) {
		return wire.Answer{}, refuse.Denied("")
	}
	if err := r.Throttle("issues_create", p.ID); err != nil {
		return wire.Answer{}, err
	}
	i, err := r.W.Track.Create(r.Caller, p, changeOf(r.Params))
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.Issue(i, true)), nil
}

func updateIssue(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	if err := r.W.Track.Update(r.Caller, i, changeOf(r.Params)); err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Issue(i, true)), nil
}

func deleteIssue(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NotFound("Issue"))
	if err != nil {
		return wire.Answer{}, err
	}
	if !r.W.Track.CanDelete(r.Caller, i) {
		return wire.Answer{}, refuse.Denied("")
	}
	since, err := http.ParseTime(r.HTTP.Header.Get("If-Unmodified-Since"))
	if err == nil && i.UpdatedAt.Truncate(time.Second).After(since) {
		return wire.Answer{}, wire.Message(http.StatusPreconditionFailed, "412 Precondition Failed")
	}
	if err := r.W.Track.Delete(r.Caller, i); err != nil {
		return wire.Answer{}, err
	}
	return wire.NoContent(), nil
}

// administered finds the path's issue for those who may set its metadata.
func administered(r *rest.Request) (*track.Issue, error) {
	_, i, err := r.Issue("issue_iid", refuse.NotFound("Issue"))
	if err == nil && !r.W.Track.CanAdminister(r.Caller, i.ProjectID) {
		return nil, refuse.Denied("")
	}
	return i, err
}
