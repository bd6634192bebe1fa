package hooks

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/hook/payload"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

// eventParams declares the list of deliveries: at most 20 a page.
func eventParams() []wire.Param {
	statuses := []string{"successful", "client_failure", "server_failure"}
	for code := range 600 {
		if http.StatusText(code) != "" {
			statuses = append(statuses, strconv.Itoa(code))
		}
	}
	return rest.Params([]wire.Param{{Name: "status", Kind: wire.List, Values: statuses}}, wire.Pagination())
}

func (a api) events(r *rest.Request) (wire.Answer, error) {
	if n := r.Params.Int("per_page"); n < 1 || n > 20 {
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, "per_page does not have a valid value")
	}
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	wanted := r.Params.Strings("status")
	found := slices.DeleteFunc(a.desk.Logs(h.ID), func(l hook.Log) bool {
		return len(wanted) > 0 && !slices.ContainsFunc(wanted, l.Within)
	})
	return rest.Paged(r, found, viewOf)
}

// parent names a hook's owner for the limits that are per project or group.
func parent(h hook.Hook) int64 { return h.Owner.ProjectID - h.Owner.GroupID }

type created struct {
	Message string `json:"message"`
}

func (a api) test(r *rest.Request) (wire.Answer, error) {
	if !slices.Contains(hook.Events(), r.Path("trigger")) && r.Path("trigger") != "resource_deploy_token_events" {
		return wire.Answer{}, wire.Problem(http.StatusBadRequest, "trigger does not have a valid value")
	}
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if err := r.Throttle("web_hook_test", parent(h)); err != nil {
		return wire.Answer{}, err
	}
	m, err := sample(r, h.Owner)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Answer{Then: func(ctx context.Context) (wire.Answer, error) {
		l, err := a.desk.Test(ctx, h.ID, m)
		switch {
		case err != nil:
			return wire.Answer{}, refuse.Unprocessably(err.Error())
		case !l.Within("successful"):
			return wire.Answer{}, refuse.Unprocessably(l.ResponseBody)
		}
		return wire.Created(created{"201 Created"}), nil
	}}, nil
}

// sample makes a message of the trigger in the path from what there is in the
// project, or in a group's first project that has issues.
func sample(r *rest.Request, o hook.Owner) (hook.Message, error) {
	news, err := sampleNews(r, o)
	if err != nil {
		return hook.Message{}, err
	}
	kind, body, err := payload.Maker{W: r.W, Base: r.Base}.Of(news)
	for _, k := range []hook.Kind{hook.Issue, hook.ConfidentialIssue, hook.Note, hook.ConfidentialNote} {
		if k.Flag() == r.Path("trigger") {
			kind = k // the test is of this trigger, whatever its issue is like
		}
	}
	return hook.Message{Kind: kind, Body: body, Instance: r.Base}, err
}

func sampleNews(r *rest.Request, o hook.Owner) (track.News, error) {
	issue, note := firstIn(r, o)
	switch trigger := r.Path("trigger"); trigger {
	case "issues_events", "confidential_issues_events":
		if issue == nil {
			return track.News{}, refuse.Unprocessably("Ensure the project has issues.")
		}
		return track.News{By: r.Caller, Issue: issue, Before: issue}, nil
	case "note_events", "confidential_note_events", "emoji_events":
		if note == nil {
			return track.News{}, refuse.Unprocessably("Ensure the project has notes.")
		}
		news := track.News{Action: "create", By: r.Caller, Issue: r.W.Track.Issue(note.IssueID), Note: note}
		if trigger == "emoji_events" {
			news.Action = "award"
			news.Award = &track.Award{ID: 1, UserID: r.Caller.ID, Name: "thumbsup", IssueID: note.IssueID, NoteID: note.ID, CreatedAt: r.W.Now(), UpdatedAt: r.W.Now()}
		}
		return news, nil
	}
	return track.News{}, refuse.Unprocessably(ensure(r.Path("trigger")))
}

// ensure says what the sandbox does not have: only issues, notes and reactions
// are told to webhooks.
func ensure(trigger string) string {
	missing := map[string]string{
		"push_events": "at least one commit", "tag_push_events": "at least one commit", "merge_requests_events": "merge requests",
		"job_events": "CI jobs", "pipeline_events": "CI pipelines", "deployment_events": "deployments", "releases_events": "releases",
		"milestone_events": "milestones",
	}[trigger]
	if missing == "" {
		return "Testing not available for this hook"
	}
	return "Ensure the project has " + missing + "."
}

func firstIn(r *rest.Request, o hook.Owner) (*track.Issue, *track.Note) {
	projects := r.W.Places.Projects(func(p *place.Project) bool {
		return p.ID == o.ProjectID || o.GroupID != 0 && r.W.Places.Within(r.W.Places.Namespace(p.NamespaceID), r.W.Places.Namespace(o.GroupID))
	})
	for _, p := range projects {
		if issue, note := r.W.Track.Sample(p.ID); issue != nil {
			return issue, note
		}
	}
	return nil, nil
}

type resent struct {
	ResponseStatus int `json:"response_status"`
}

func (a api) resend(r *rest.Request) (wire.Answer, error) {
	id, err := r.PathInt("hook_log_id")
	if err != nil {
		return wire.Answer{}, err
	}
	h, err := a.found(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if err := r.Throttle("web_hook_event_resend", parent(h)); err != nil {
		return wire.Answer{}, err
	}
	l, ok := a.desk.Log(h.ID, id)
	if !ok {
		return wire.Answer{}, refuse.NoRecord()
	}
	return wire.Answer{Then: func(ctx context.Context) (wire.Answer, error) {
		again, err := a.desk.Resend(ctx, l)
		if refusal, ok := errors.AsType[hook.Refusal](err); ok {
			return wire.Answer{}, refuse.Unprocessably(refusal.Error())
		}
		status, _ := strconv.Atoi(again.Status)
		return wire.Created(resent{status}), err
	}}, nil
}
