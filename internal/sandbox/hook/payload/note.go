package payload

import (
	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/world/track"
)

type noteEvent struct {
	ObjectKind string     `json:"object_kind"`
	EventType  string     `json:"event_type"`
	User       user       `json:"user"`
	ProjectID  int64      `json:"project_id"`
	Project    project    `json:"project"`
	Attributes note       `json:"object_attributes"`
	Repository repository `json:"repository"`
	Issue      attributes `json:"issue"`
}

type note struct {
	Attachment       *string `json:"attachment"`
	AuthorID         int64   `json:"author_id"`
	ChangePosition   *string `json:"change_position"`
	CommitID         *string `json:"commit_id"`
	CreatedAt        string  `json:"created_at"`
	DiscussionID     string  `json:"discussion_id"`
	ID               int64   `json:"id"`
	Internal         bool    `json:"internal"`
	LineCode         *string `json:"line_code"`
	Note             string  `json:"note"`
	NoteableID       int64   `json:"noteable_id"`
	NoteableType     string  `json:"noteable_type"`
	OriginalPosition *string `json:"original_position"`
	Position         *string `json:"position"`
	ProjectID        int64   `json:"project_id"`
	ResolvedAt       *string `json:"resolved_at"`
	ResolvedByID     *int64  `json:"resolved_by_id"`
	ResolvedByPush   *bool   `json:"resolved_by_push"`
	Diff             *string `json:"st_diff"`
	System           bool    `json:"system"`
	Type             *string `json:"type"`
	UpdatedAt        string  `json:"updated_at"`
	UpdatedByID      *int64  `json:"updated_by_id"`
	Description      string  `json:"description"`
	URL              string  `json:"url"`
	Action           string  `json:"action,omitempty"`
}

func (m Maker) note(n track.News) noteEvent {
	out := noteEvent{
		ObjectKind: "note", EventType: string(m.noteKind(n)), User: m.user(m.W.People.User(n.Note.AuthorID)),
		ProjectID: n.Issue.ProjectID, Project: m.project(n.Issue.ProjectID), Attributes: m.noteAttributes(n.Issue, n.Note),
		Issue: m.attributes(n.Issue),
	}
	out.Attributes.Action, out.Repository = n.Action, out.Project.repository()
	return out
}

func (m Maker) noteAttributes(i *track.Issue, n *track.Note) note {
	out := note{
		AuthorID: n.AuthorID, CreatedAt: entity.Stamp(n.CreatedAt), DiscussionID: n.Discussion, ID: n.ID, Internal: n.Internal,
		Note: n.Body, NoteableID: i.ID, NoteableType: "Issue", ProjectID: i.ProjectID, System: n.System,
		UpdatedAt: entity.Stamp(n.UpdatedAt), Description: n.Body, URL: m.url(i, n.ID),
	}
	if n.Threaded {
		out.Type = new("DiscussionNote")
	}
	return out
}

type emojiEvent struct {
	ObjectKind string     `json:"object_kind"`
	EventType  string     `json:"event_type"`
	User       user       `json:"user"`
	ProjectID  int64      `json:"project_id"`
	Project    project    `json:"project"`
	Attributes emoji      `json:"object_attributes"`
	Note       *note      `json:"note,omitempty"`
	Issue      attributes `json:"issue"`
}

type emoji struct {
	UserID        int64  `json:"user_id"`
	CreatedAt     string `json:"created_at"`
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	AwardableType string `json:"awardable_type"`
	AwardableID   int64  `json:"awardable_id"`
	UpdatedAt     string `json:"updated_at"`
	Action        string `json:"action"`
	AwardedOnURL  string `json:"awarded_on_url"`
}

func (m Maker) emoji(n track.News) emojiEvent {
	a := n.Award
	out := emojiEvent{
		ObjectKind: "emoji", EventType: n.Action, User: m.user(n.By), ProjectID: n.Issue.ProjectID, Project: m.project(n.Issue.ProjectID),
		Attributes: emoji{
			UserID: a.UserID, CreatedAt: entity.Stamp(a.CreatedAt), ID: a.ID, Name: a.Name, AwardableType: "Issue",
			AwardableID: n.Issue.ID, UpdatedAt: entity.Stamp(a.UpdatedAt), Action: n.Action, AwardedOnURL: m.url(n.Issue, a.NoteID),
		},
		Issue: m.attributes(n.Issue),
	}
	if n.Note != nil {
		out.Attributes.AwardableType, out.Attributes.AwardableID = "Note", n.Note.ID
		out.Note = new(m.noteAttributes(n.Issue, n.Note))
	}
	return out
}
