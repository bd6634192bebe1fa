package entity

import (
	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/inbox"
	"cxm/internal/sandbox/world/track"
)

// Note is a comment or a system note.
type Note struct {
	ID              int64          `json:"id"`
	Type            *string        `json:"type"`
	Body            string         `json:"body"`
	Author          *UserBasic     `json:"author"`
	CreatedAt       string         `json:"created_at"`
	UpdatedAt       string         `json:"updated_at"`
	System          bool           `json:"system"`
	NoteableID      int64          `json:"noteable_id"`
	NoteableType    string         `json:"noteable_type"`
	ProjectID       int64          `json:"project_id"`
	Resolvable      bool           `json:"resolvable"`
	Confidential    bool           `json:"confidential"`
	Internal        bool           `json:"internal"`
	Imported        bool           `json:"imported"`
	ImportedFrom    string         `json:"imported_from"`
	NoteableIID     int64          `json:"noteable_iid"`
	CommandsChanges map[string]any `json:"commands_changes"`
}

// Commands is the answer to a note of nothing but quick actions.
type Commands struct {
	CommandsChanges map[string]any `json:"commands_changes"`
	Summary         []string       `json:"summary"`
}

// Discussion is a thread of notes.
type Discussion struct {
	ID             string `json:"id"`
	IndividualNote bool   `json:"individual_note"`
	Resolvable     bool   `json:"resolvable"`
	Notes          []Note `json:"notes"`
}

// LabelBasic is a label as named in an issue with label details.
type LabelBasic struct {
	ID              int64   `json:"id"`
	Name            string  `json:"name"`
	Description     *string `json:"description"`
	DescriptionHTML string  `json:"description_html"`
	TextColor       string  `json:"text_color"`
	Color           string  `json:"color"`
	Archived        bool    `json:"archived"`
}

// Label is a label of a project or group.
type Label struct {
	LabelBasic
	OpenIssues     *int             `json:"open_issues_count,omitempty"`
	ClosedIssues   *int             `json:"closed_issues_count,omitempty"`
	OpenMRs        *int             `json:"open_merge_requests_count,omitempty"`
	Subscribed     bool             `json:"subscribed"`
	Priority       *Nullable[int64] `json:"priority,omitempty"`
	IsProjectLabel *bool            `json:"is_project_label,omitempty"`
}

// Award is a reaction.
type Award struct {
	ID            int64      `json:"id"`
	Name          string     `json:"name"`
	User          *UserBasic `json:"user"`
	CreatedAt     string     `json:"created_at"`
	UpdatedAt     string     `json:"updated_at"`
	AwardableID   int64      `json:"awardable_id"`
	AwardableType string     `json:"awardable_type"`
	URL           *string    `json:"url"`
}

// Event is the part that all resource events share.
type Event struct {
	ID           int64      `json:"id"`
	User         *UserBasic `json:"user"`
	CreatedAt    string     `json:"created_at"`
	ResourceType string     `json:"resource_type"`
	ResourceID   int64      `json:"resource_id"`
}

// StateEvent is a closing or reopening.
type StateEvent struct {
	Event
	SourceCommit       *string `json:"source_commit"`
	SourceMergeRequest *int64  `json:"source_merge_request_id"`
	State              string  `json:"state"`
}

// LabelEvent is a label added or removed.
type LabelEvent struct {
	Event
	Label  *LabelBasic `json:"label"`
	Action string      `json:"action"`
}

// MilestoneEvent is a milestone set or removed.
type MilestoneEvent struct {
	Event
	Milestone *Milestone `json:"milestone"`
	Action    string     `json:"action"`
	State     string     `json:"state"`
}

// IssueLink joins two issues.
type IssueLink struct {
	ID            int64  `json:"id"`
	SourceIssue   Issue  `json:"source_issue"`
	TargetIssue   Issue  `json:"target_issue"`
	LinkType      string `json:"link_type"`
	LinkCreatedAt string `json:"link_created_at"`
	LinkUpdatedAt string `json:"link_updated_at"`
}

// Todo is an entry of a to-do list.
type Todo struct {
	ID         int64        `json:"id"`
	Project    ProjectBasic `json:"project"`
	Author     *UserBasic   `json:"author"`
	ActionName string       `json:"action_name"`
	TargetType string       `json:"target_type"`
	Target     Issue        `json:"target"`
	TargetURL  string       `json:"target_url"`
	Body       string       `json:"body"`
	State      string       `json:"state"`
	CreatedAt  string       `json:"created_at"`
	UpdatedAt  string       `json:"updated_at"`
}

// Note shows a note.
func (v Views) Note(i *track.Issue, n *track.Note) Note {
	out := Note{
		ID: n.ID, Body: n.Body, Author: v.UserID(n.AuthorID), CreatedAt: Stamp(n.CreatedAt), UpdatedAt: Stamp(n.UpdatedAt),
		System: n.System, NoteableID: i.ID, NoteableType: "Issue", ProjectID: i.ProjectID, Confidential: n.Internal,
		Internal: n.Internal, ImportedFrom: "none", NoteableIID: i.IID, CommandsChanges: n.Commands,
	}
	if n.Threaded {
		out.Type = new("DiscussionNote")
	}
	if out.CommandsChanges == nil {
		out.CommandsChanges = map[string]any{}
	}
	return out
}

// Discussion shows a thread.
func (v Views) Discussion(i *track.Issue, d *track.Discussion) Discussion {
	out := Discussion{ID: d.ID, IndividualNote: d.Individual, Notes: []Note{}}
	for _, n := range d.Notes {
		out.Notes = append(out.Notes, v.Note(i, n))
	}
	return out
}

// LabelBasic shows a label in an issue.
func (v Views) LabelBasic(l *catalog.Label) LabelBasic {
	out := LabelBasic{
		ID: l.ID, Name: l.Title, Description: l.Description, TextColor: catalog.TextColor(l.Color), Color: l.Color, Archived: l.Archived,
	}
	if l.Description != nil {
		out.DescriptionHTML = *l.Description
	}
	return out
}

// Label shows a label of a home, with counts when asked.
func (v Views) Label(h catalog.Home, l *catalog.Label, counts bool) Label {
	out := Label{LabelBasic: v.LabelBasic(l), Subscribed: v.Viewer != nil && l.Subscribed(v.Viewer.ID)}
	if counts {
		c := v.W.Track.Count(h, l)
		out.OpenIssues, out.ClosedIssues, out.OpenMRs = &c.Open, &c.Closed, new(0)
	}
	if h.Project != nil {
		out.Priority, out.IsProjectLabel = &Nullable[int64]{l.Priority}, new(l.ProjectID != 0)
	}
	return out
}

// Award shows a reaction.
func (v Views) Award(a *track.Award) Award {
	out := Award{
		ID: a.ID, Name: a.Name, User: v.UserID(a.UserID), CreatedAt: Stamp(a.CreatedAt), UpdatedAt: Stamp(a.UpdatedAt),
		AwardableID: a.IssueID, AwardableType: "Issue",
	}
	if a.NoteID != 0 {
		out.AwardableID, out.AwardableType = a.NoteID, "Note"
	}
	return out
}

func (v Views) event(e *track.Event) Event {
	return Event{ID: e.ID, User: v.UserID(e.UserID), CreatedAt: Stamp(e.CreatedAt), ResourceType: "Issue", ResourceID: e.IssueID}
}

// StateEvent shows a closing or reopening.
func (v Views) StateEvent(e *track.Event) StateEvent {
	return StateEvent{Event: v.event(e), State: e.Action}
}

// LabelEvent shows a label added or removed; a label that is gone is null.
func (v Views) LabelEvent(e *track.Event) LabelEvent {
	out := LabelEvent{Event: v.event(e), Action: e.Action}
	if l := v.W.Catalog.Label(e.LabelID); l != nil {
		out.Label = new(v.LabelBasic(l))
	}
	return out
}

// MilestoneEvent shows a milestone set or removed.
func (v Views) MilestoneEvent(e *track.Event) MilestoneEvent {
	return MilestoneEvent{
		Event: v.event(e), Action: e.Action, Milestone: v.Milestone(v.W.Catalog.Milestone(e.MilestoneID)),
		State: v.W.Track.Issue(e.IssueID).State,
	}
}

// IssueLink shows a link with both its ends.
func (v Views) IssueLink(l *track.Link) IssueLink {
	return IssueLink{
		ID: l.ID, SourceIssue: v.Issue(v.W.Track.Issue(l.SourceID), false), TargetIssue: v.Issue(v.W.Track.Issue(l.TargetID), false),
		LinkType: l.Type, LinkCreatedAt: Stamp(l.CreatedAt), LinkUpdatedAt: Stamp(l.CreatedAt),
	}
}

// Todo shows an entry of a to-do list.
func (v Views) Todo(t *inbox.Todo) Todo {
	i := v.W.Track.Issue(t.IssueID)
	out := Todo{
		ID: t.ID, Project: v.ProjectBasic(v.W.Places.Project(i.ProjectID)), Author: v.UserID(t.AuthorID), ActionName: t.Action,
		TargetType: "Issue", Target: v.Issue(i, false), Body: t.Body, State: "pending",
		CreatedAt: Stamp(t.CreatedAt), UpdatedAt: Stamp(t.CreatedAt),
	}
	out.TargetURL = out.Target.WebURL
	if t.Done {
		out.State = "done"
	}
	return out
}
