package issues

import (
	"net/http"
	"strings"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

func links() []rest.Route {
	create := wire.Spec{Params: []wire.Param{
		{Name: "target_project_id", Required: true}, {Name: "target_issue_iid", Kind: wire.Integer, Required: true},
		{Name: "link_type", Values: []string{"relates_to", "blocks", "is_blocked_by"}, Default: "relates_to"},
	}}
	return []rest.Route{
		{Method: "GET", Path: onePath + "/links", Access: rest.Anyone, Handle: listLinks},
		{Method: "POST", Path: onePath + "/links", Spec: create, Handle: createLink},
		{Method: "GET", Path: onePath + "/links/{issue_link_id}", Access: rest.Anyone, Handle: oneLink},
		{Method: "DELETE", Path: onePath + "/links/{issue_link_id}", Handle: deleteLink},
	}
}

func listLinks(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	out := []any{}
	for _, l := range r.W.Track.Links(r.Caller, i) {
		out = append(out, r.Views.LinkedIssue(l))
	}
	return wire.OK(out), nil
}

func createLink(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	p, err := r.ProjectRef(r.Params.String("target_project_id"))
	if err != nil {
		return wire.Answer{}, err
	}
	other := r.W.Track.ByIID(p.ID, r.Params.Int("target_issue_iid"))
	if other == nil || !r.W.Track.CanRead(r.Caller, other) {
		return wire.Answer{}, refuse.NoRecord()
	}
	l, err := r.W.Track.Join(r.Caller, i, other, r.Params.String("link_type"))
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.IssueLink(l)), nil
}

// linkInPath finds the path's link, which must have the path's issue at an end.
func linkInPath(r *rest.Request) (*track.Link, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return nil, err
	}
	id, err := r.PathInt("issue_link_id")
	if err != nil {
		return nil, err
	}
	l := r.W.Track.Link(id)
	if l == nil || l.SourceID != i.ID && l.TargetID != i.ID {
		return nil, refuse.NoRecord()
	}
	return l, nil
}

func oneLink(r *rest.Request) (wire.Answer, error) {
	l, err := linkInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.IssueLink(l)), nil
}

func deleteLink(r *rest.Request) (wire.Answer, error) {
	l, err := linkInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	view := r.Views.IssueLink(l)
	if err := r.W.Track.Unjoin(r.Caller, l); err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(view), nil
}

func awards() []rest.Route {
	onNote := onePath + "/notes/{note_id}"
	page := wire.Spec{Params: wire.Pagination()}
	name := wire.Spec{Params: []wire.Param{{Name: "name", Required: true}}}
	var out []rest.Route
	for _, path := range []string{onePath, onNote} {
		out = append(out,
			rest.Route{Method: "GET", Path: path + "/award_emoji", Access: rest.Anyone, Spec: page, Handle: listAwards},
			rest.Route{Method: "POST", Path: path + "/award_emoji", Spec: name, Handle: createAward},
			rest.Route{Method: "GET", Path: path + "/award_emoji/{award_id}", Access: rest.Anyone, Handle: oneAward},
			rest.Route{Method: "DELETE", Path: path + "/award_emoji/{award_id}", Handle: deleteAward})
	}
	return out
}

// awardable finds what a reaction is to: the issue, or its note with an id.
func awardable(r *rest.Request) (*track.Issue, int64, error) {
	_, i, err := r.Issue("issue_iid", refuse.NotFound("Issue"))
	if err != nil || r.Path("note_id") == "" {
		return i, 0, err
	}
	id, err := r.PathInt("note_id")
	if err == nil && r.W.Track.Note(r.Caller, i, id) == nil {
		err = refuse.NotFound("Note")
	}
	return i, id, err
}

func listAwards(r *rest.Request) (wire.Answer, error) {
	i, note, err := awardable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, r.W.Track.Awards(i, note), r.Views.Award)
}

func createAward(r *rest.Request) (wire.Answer, error) {
	i, note, err := awardable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	name := strings.Trim(r.Params.String("name"), ":")
	if name == "" || strings.ContainsAny(name, " /<>") {
		return wire.Answer{}, refuse.NotFound("Award Emoji Name is not a valid emoji name")
	}
	a, err := r.W.Track.Award(r.Caller, i, note, name)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.Award(a)), nil
}

// awardInPath finds the path's reaction.
func awardInPath(r *rest.Request) (*track.Issue, *track.Award, error) {
	i, note, err := awardable(r)
	if err != nil {
		return nil, nil, err
	}
	id, err := r.PathInt("award_id")
	if err != nil {
		return nil, nil, err
	}
	for _, a := range r.W.Track.Awards(i, note) {
		if a.ID == id {
			return i, a, nil
		}
	}
	return nil, nil, refuse.NoRecord()
}

func oneAward(r *rest.Request) (wire.Answer, error) {
	_, a, err := awardInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Award(a)), nil
}

func deleteAward(r *rest.Request) (wire.Answer, error) {
	i, a, err := awardInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if a.UserID != r.Caller.ID && !r.Admin() {
		return wire.Answer{}, refuse.Anonymous()
	}
	r.W.Track.Unaward(r.Caller, i, a)
	return wire.NoContent(), nil
}

func events() []rest.Route {
	page := wire.Spec{Params: wire.Pagination()}
	base := "/projects/{id}/issues/{eventable_id}/"
	var out []rest.Route
	for _, what := range []string{"state", "label", "milestone"} {
		path := base + "resource_" + what + "_events"
		out = append(out,
			rest.Route{Method: "GET", Path: path, Access: rest.Anyone, Spec: page, Handle: listEvents(what)},
			rest.Route{Method: "GET", Path: path + "/{event_id}", Access: rest.Anyone, Handle: oneEvent(what)})
	}
	return out
}

func eventView(r *rest.Request, what string) func(*track.Event) any {
	switch what {
	case "state":
		return func(e *track.Event) any { return r.Views.StateEvent(e) }
	case "label":
		return func(e *track.Event) any { return r.Views.LabelEvent(e) }
	}
	return func(e *track.Event) any { return r.Views.MilestoneEvent(e) }
}

func listEvents(what string) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		_, i, err := r.Issue("eventable_id", refuse.NotFound("Issue"))
		if err != nil {
			return wire.Answer{}, err
		}
		return rest.Paged(r, r.W.Track.Events(i, what), eventView(r, what))
	}
}

func oneEvent(what string) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		_, i, err := r.Issue("eventable_id", refuse.NotFound("Issue"))
		if err != nil {
			return wire.Answer{}, err
		}
		id, err := r.PathInt("event_id")
		if err != nil {
			return wire.Answer{}, err
		}
		for _, e := range r.W.Track.Events(i, what) {
			if e.ID == id {
				return wire.Answer{Status: http.StatusOK, Body: eventView(r, what)(e)}, nil
			}
		}
		return wire.Answer{}, refuse.NoRecord()
	}
}
