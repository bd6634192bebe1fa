package issues

import (
	"slices"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/refuse"
	"cxm/internal/sandbox/world/track"
)

const notePath = "/projects/{id}/issues/{noteable_id}/notes"

func notes() []rest.Route {
	list := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "order_by", Values: []string{"created_at", "updated_at"}, Default: "created_at"},
		{Name: "sort", Values: []string{"asc", "desc"}, Default: "desc"},
		{Name: "activity_filter", Values: []string{"all_notes", "only_comments", "only_activity"}, Default: "all_notes"},
	}, wire.Pagination())}
	update := wire.Spec{Params: []wire.Param{{Name: "body", NotBlank: true}, {Name: "confidential", Kind: wire.Boolean}}}
	return []rest.Route{
		{Method: "GET", Path: notePath, Access: rest.Anyone, Spec: list, Handle: listNotes},
		{Method: "POST", Path: notePath, Spec: wire.Spec{Params: newNote()}, Limit: "notes_create", Handle: createNote},
		{Method: "GET", Path: notePath + "/{note_id}", Access: rest.Anyone, Handle: oneNote},
		{Method: "PUT", Path: notePath + "/{note_id}", Spec: update, Handle: updateNote},
		{Method: "DELETE", Path: notePath + "/{note_id}", Handle: deleteNote},
	}
}

func newNote() []wire.Param {
	return []wire.Param{
		{Name: "body", Required: true}, {Name: "internal", Kind: wire.Boolean}, {Name: "confidential", Kind: wire.Boolean},
		{Name: "created_at", Kind: wire.Time},
	}
}

func comment(p wire.Params) track.Comment {
	return track.Comment{
		Body: p.String("body"), Internal: p.Bool("internal") || p.Bool("confidential"), CreatedAt: moment(p, "created_at"),
	}
}

// noteable finds the issue a note hangs on.
func noteable(r *rest.Request) (*track.Issue, error) {
	_, i, err := r.Issue("noteable_id", refuse.NotFound("Issue"))
	return i, err
}

// noteInPath finds the path's note and its issue.
func noteInPath(r *rest.Request) (*track.Issue, *track.Note, error) {
	id, err := r.PathInt("note_id")
	if err != nil {
		return nil, nil, err
	}
	i, err := noteable(r)
	if err != nil {
		return nil, nil, err
	}
	n := r.W.Track.Note(r.Caller, i, id)
	if n == nil {
		return nil, nil, refuse.NoRecord()
	}
	return i, n, nil
}

func listNotes(r *rest.Request) (wire.Answer, error) {
	i, err := noteable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	found := r.W.Track.Notes(r.Caller, i)
	switch r.Params.String("activity_filter") {
	case "only_comments":
		found = slices.DeleteFunc(found, func(n *track.Note) bool { return n.System })
	case "only_activity":
		found = slices.DeleteFunc(found, func(n *track.Note) bool { return !n.System })
	}
	if r.Params.String("order_by") == "updated_at" {
		slices.SortStableFunc(found, func(a, b *track.Note) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	} else {
		slices.SortStableFunc(found, func(a, b *track.Note) int { return a.CreatedAt.Compare(b.CreatedAt) })
	}
	if r.Params.String("sort") == "desc" {
		slices.Reverse(found)
	}
	return rest.Paged(r, found, func(n *track.Note) entity.Note { return r.Views.Note(i, n) })
}

func createNote(r *rest.Request) (wire.Answer, error) {
	if err := r.Throttle("notes_create", 0); err != nil {
		return wire.Answer{}, err
	}
	i, err := noteable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	posted, err := r.W.Track.AddNote(r.Caller, i, comment(r.Params))
	if err != nil {
		return wire.Answer{}, err
	}
	return postedAnswer(r, i, posted), nil
}

// postedAnswer is 201 with the note, or 202 with what the commands did.
func postedAnswer(r *rest.Request, i *track.Issue, posted track.Posted) wire.Answer {
	if posted.Note != nil {
		return wire.Created(r.Views.Note(i, posted.Note))
	}
	summary := append([]string{}, posted.Summary...)
	return wire.Answer{Status: 202, Body: entity.Commands{CommandsChanges: posted.Changes, Summary: summary}}
}

func oneNote(r *rest.Request) (wire.Answer, error) {
	i, n, err := noteInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Note(i, n)), nil
}

func updateNote(r *rest.Request) (wire.Answer, error) {
	i, n, err := noteInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Params.Given("body") {
		if err := r.W.Track.EditNote(r.Caller, i, n, r.Params.String("body")); err != nil {
			return wire.Answer{}, err
		}
	}
	return wire.OK(r.Views.Note(i, n)), nil
}

func deleteNote(r *rest.Request) (wire.Answer, error) {
	i, n, err := noteInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if err := r.W.Track.DeleteNote(r.Caller, i, n); err != nil {
		return wire.Answer{}, err
	}
	return wire.NoContent(), nil
}

const discussionPath = "/projects/{id}/issues/{noteable_id}/discussions"

func discussions() []rest.Route {
	page := wire.Spec{Params: wire.Pagination()}
	body := wire.Spec{Params: rest.Without(newNote(), "internal", "confidential")}
	update := wire.Spec{Params: []wire.Param{{Name: "body", NotBlank: true}, {Name: "resolved", Kind: wire.Boolean}}}
	return []rest.Route{
		{Method: "GET", Path: discussionPath, Access: rest.Anyone, Spec: page, Handle: listDiscussions},
		{Method: "POST", Path: discussionPath, Spec: body, Handle: createDiscussion},
		{Method: "GET", Path: discussionPath + "/{discussion_id}", Access: rest.Anyone, Handle: oneDiscussion},
		{Method: "GET", Path: discussionPath + "/{discussion_id}/notes", Access: rest.Anyone, Handle: discussionNotes},
		{Method: "POST", Path: discussionPath + "/{discussion_id}/notes", Spec: body, Handle: reply},
		{Method: "GET", Path: discussionPath + "/{discussion_id}/notes/{note_id}", Access: rest.Anyone, Handle: oneNote},
		{Method: "PUT", Path: discussionPath + "/{discussion_id}/notes/{note_id}", Spec: update, Handle: updateNote},
		{Method: "DELETE", Path: discussionPath + "/{discussion_id}/notes/{note_id}", Handle: deleteNote},
	}
}

func listDiscussions(r *rest.Request) (wire.Answer, error) {
	i, err := noteable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, r.W.Track.Discussions(r.Caller, i), func(d *track.Discussion) entity.Discussion { return r.Views.Discussion(i, d) })
}

// discussionInPath finds the path's discussion and its issue.
func discussionInPath(r *rest.Request) (*track.Issue, *track.Discussion, error) {
	i, err := noteable(r)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range r.W.Track.Discussions(r.Caller, i) {
		if d.ID == r.Path("discussion_id") {
			return i, d, nil
		}
	}
	return nil, nil, refuse.NotFound("Discussion")
}

func createDiscussion(r *rest.Request) (wire.Answer, error) {
	i, err := noteable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	c := comment(r.Params)
	c.Threaded = true
	posted, err := r.W.Track.AddNote(r.Caller, i, c)
	if err != nil {
		return wire.Answer{}, err
	}
	if posted.Note == nil {
		return postedAnswer(r, i, posted), nil
	}
	return wire.Created(r.Views.Discussion(i, &track.Discussion{ID: posted.Note.Discussion, Notes: []*track.Note{posted.Note}})), nil
}

func oneDiscussion(r *rest.Request) (wire.Answer, error) {
	i, d, err := discussionInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Discussion(i, d)), nil
}

func discussionNotes(r *rest.Request) (wire.Answer, error) {
	i, d, err := discussionInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Discussion(i, d).Notes), nil
}

func reply(r *rest.Request) (wire.Answer, error) {
	i, d, err := discussionInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	posted, err := r.W.Track.Reply(r.Caller, i, d, comment(r.Params))
	if err != nil {
		return wire.Answer{}, err
	}
	return postedAnswer(r, i, posted), nil
}
