package issues

import (
	"net/http"
	"strings"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

// around are the smaller things one can do with an issue.
func around() []rest.Route {
	page := wire.Spec{Params: wire.Pagination()}
	move := wire.Spec{Params: []wire.Param{{Name: "to_project_id", Kind: wire.Integer, Required: true}}}
	clone := wire.Spec{Params: []wire.Param{{Name: "to_project_id", Kind: wire.Integer, Required: true}, {Name: "with_notes", Kind: wire.Boolean}}}
	spent := wire.Spec{Params: []wire.Param{{Name: "duration", Required: true}, {Name: "summary"}}}
	duration := wire.Spec{Params: rest.Without(spent.Params, "summary")}
	reorder := wire.Spec{Params: []wire.Param{{Name: "move_after_id", Kind: wire.Integer}, {Name: "move_before_id", Kind: wire.Integer}},
		AtLeastOne: []string{"move_after_id", "move_before_id"}}
	todos := wire.Spec{Params: rest.Params([]wire.Param{{Name: "state", Values: []string{"pending", "done"}, Default: "pending"}}, wire.Pagination())}
	return []rest.Route{
		{Method: "POST", Path: onePath + "/move", Spec: move, Handle: moveIssue},
		{Method: "POST", Path: onePath + "/clone", Spec: clone, Handle: cloneIssue},
		{Method: "PUT", Path: onePath + "/reorder", Spec: reorder, Handle: reorderIssue},
		{Method: "POST", Path: onePath + "/subscribe", Handle: subscribe(true)},
		{Method: "POST", Path: onePath + "/unsubscribe", Handle: subscribe(false)},
		{Method: "POST", Path: onePath + "/todo", Handle: markTodo},
		{Method: "GET", Path: "/todos", Spec: todos, Handle: listTodos},
		{Method: "GET", Path: onePath + "/participants", Access: rest.Anyone, Spec: page, Handle: participants},
		{Method: "GET", Path: onePath + "/related_merge_requests", Access: rest.Anyone, Spec: page, Handle: noMergeRequests},
		{Method: "GET", Path: onePath + "/closed_by", Access: rest.Anyone, Spec: page, Handle: noMergeRequests},
		{Method: "GET", Path: onePath + "/time_stats", Access: rest.Anyone, Handle: timeStats},
		{Method: "POST", Path: onePath + "/time_estimate", Spec: duration, Handle: estimate},
		{Method: "POST", Path: onePath + "/reset_time_estimate", Handle: resetEstimate},
		{Method: "POST", Path: onePath + "/add_spent_time", Spec: spent, Handle: spend},
		{Method: "POST", Path: onePath + "/reset_spent_time", Handle: resetSpent},
	}
}

// target finds the project an issue is to go to.
func target(r *rest.Request) (*place.Project, error) {
	p := r.W.Places.Project(r.Params.Int("to_project_id"))
	if p == nil || !r.W.Places.CanRead(r.Caller, p) {
		return nil, refuse.NotFound("Project")
	}
	return p, nil
}

func moveIssue(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NotFound("Issue"))
	if err != nil {
		return wire.Answer{}, err
	}
	to, err := target(r)
	if err != nil {
		return wire.Answer{}, err
	}
	next, err := r.W.Track.Move(r.Caller, i, to)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.Issue(next, true)), nil
}

func cloneIssue(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NotFound("Issue"))
	if err != nil {
		return wire.Answer{}, err
	}
	to, err := target(r)
	if err != nil {
		return wire.Answer{}, err
	}
	next, err := r.W.Track.Clone(r.Caller, i, to, r.Params.Bool("with_notes"))
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.Created(r.Views.Issue(next, true)), nil
}

func reorderIssue(r *rest.Request) (wire.Answer, error) {
	i, err := administered(r)
	if err != nil {
		return wire.Answer{}, err
	}
	after, before := r.W.Track.Issue(r.Params.Int("move_after_id")), r.W.Track.Issue(r.Params.Int("move_before_id"))
	switch {
	case after != nil && before != nil:
		i.Position = (after.Position + before.Position) / 2
	case after != nil:
		i.Position = after.Position + 1
	case before != nil:
		i.Position = before.Position - 1
	default:
		return wire.Answer{}, wire.Message(http.StatusUnprocessableEntity, "422 Unprocessable Entity")
	}
	return wire.OK(r.Views.Issue(i, true)), nil
}

// subscribe answers 201, or 304 without a body when nothing changes.
func subscribe(on bool) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		_, i, err := r.Issue("issue_iid", refuse.NoRecord())
		if err != nil {
			return wire.Answer{}, err
		}
		if !r.W.Track.Subscribe(r.Caller, i, on) {
			return wire.Answer{Status: http.StatusNotModified}, nil
		}
		return wire.Created(r.Views.Issue(i, true)), nil
	}
}

func markTodo(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	entry := r.W.Track.Inbox().Mark(r.Caller.ID, i.ID, i.Title)
	if entry == nil {
		return wire.Answer{Status: http.StatusNotModified}, nil
	}
	return wire.Created(r.Views.Todo(entry)), nil
}

func listTodos(r *rest.Request) (wire.Answer, error) {
	return rest.Paged(r, r.W.Track.Inbox().Todos(r.Caller, r.Params.String("state") == "done"), r.Views.Todo)
}

func participants(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, r.W.Track.Participants(i), r.Views.UserID)
}

// noMergeRequests answers the lists of merge requests about an issue: there
// are no merge requests yet.
func noMergeRequests(r *rest.Request) (wire.Answer, error) {
	if _, _, err := r.Issue("issue_iid", refuse.NoRecord()); err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, []*track.Issue{}, func(*track.Issue) entity.Issue { return entity.Issue{} })
}

func timeStats(r *rest.Request) (wire.Answer, error) {
	_, i, err := r.Issue("issue_iid", refuse.NoRecord())
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.TimeStats(i)), nil
}

// tracked changes the time tracked on an issue and answers with the sums.
func tracked(r *rest.Request, status int, change func(*track.Issue) error) (wire.Answer, error) {
	i, err := administered(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if err := change(i); err != nil {
		return wire.Answer{}, err
	}
	return wire.Answer{Status: status, Body: r.Views.TimeStats(i)}, nil
}

func seconds(r *rest.Request) (int64, error) {
	n, ok := duration.Seconds(strings.TrimSpace(r.Params.String("duration")))
	if !ok {
		return 0, refuse.Invalidly("time_estimate", "must have a valid format and be greater than or equal to zero.")
	}
	return n, nil
}

func estimate(r *rest.Request) (wire.Answer, error) {
	return tracked(r, http.StatusOK, func(i *track.Issue) error {
		n, err := seconds(r)
		if err == nil {
			r.W.Track.Estimate(r.Caller, i, n)
		}
		return err
	})
}

func resetEstimate(r *rest.Request) (wire.Answer, error) {
	return tracked(r, http.StatusOK, func(i *track.Issue) error {
		r.W.Track.Estimate(r.Caller, i, 0)
		return nil
	})
}

func spend(r *rest.Request) (wire.Answer, error) {
	return tracked(r, http.StatusCreated, func(i *track.Issue) error {
		n, err := seconds(r)
		if err != nil {
			return err
		}
		return r.W.Track.Spend(r.Caller, i, n)
	})
}

func resetSpent(r *rest.Request) (wire.Answer, error) {
	return tracked(r, http.StatusOK, func(i *track.Issue) error {
		r.W.Track.ResetSpent(r.Caller, i)
		return nil
	})
}
