package payload

import (
	"reflect"
	"strings"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/world/track"
)

type issueEvent struct {
	ObjectKind string            `json:"object_kind"`
	EventType  string            `json:"event_type"`
	User       user              `json:"user"`
	Project    project           `json:"project"`
	Attributes attributes        `json:"object_attributes"`
	Labels     []label           `json:"labels"`
	Changes    map[string]change `json:"changes"`
	Repository repository        `json:"repository"`
	Assignees  []user            `json:"assignees,omitempty"`
}

type change struct {
	Previous any `json:"previous"`
	Current  any `json:"current"`
}

// attributes are an issue's own ones, as every payload about it has them.
type attributes struct {
	AuthorID            int64    `json:"author_id"`
	ClosedAt            *string  `json:"closed_at"`
	Confidential        bool     `json:"confidential"`
	CreatedAt           string   `json:"created_at"`
	Description         *string  `json:"description"`
	DiscussionLocked    *bool    `json:"discussion_locked"`
	DueDate             *string  `json:"due_date"`
	StartDate           *string  `json:"start_date"`
	ID                  int64    `json:"id"`
	IID                 int64    `json:"iid"`
	LastEditedAt        *string  `json:"last_edited_at"`
	LastEditedByID      *int64   `json:"last_edited_by_id"`
	MilestoneID         *int64   `json:"milestone_id"`
	MovedToID           *int64   `json:"moved_to_id"`
	DuplicatedToID      *int64   `json:"duplicated_to_id"`
	ProjectID           int64    `json:"project_id"`
	RelativePosition    int64    `json:"relative_position"`
	StateID             int      `json:"state_id"`
	TimeEstimate        int64    `json:"time_estimate"`
	Title               string   `json:"title"`
	UpdatedAt           string   `json:"updated_at"`
	UpdatedByID         *int64   `json:"updated_by_id"`
	Type                string   `json:"type"`
	URL                 string   `json:"url"`
	TotalTimeSpent      int64    `json:"total_time_spent"`
	TimeChange          int64    `json:"time_change"`
	HumanTotalTimeSpent *string  `json:"human_total_time_spent"`
	HumanTimeChange     *string  `json:"human_time_change"`
	HumanTimeEstimate   *string  `json:"human_time_estimate"`
	AssigneeIDs         []int64  `json:"assignee_ids"`
	AssigneeID          *int64   `json:"assignee_id"`
	Labels              []label  `json:"labels"`
	State               string   `json:"state"`
	Severity            string   `json:"severity"`
	Contacts            []string `json:"customer_relations_contacts"`
	Status              *string  `json:"escalation_status,omitempty"`
	Weight              *int64   `json:"weight"`
	HealthStatus        *string  `json:"health_status"`
	Action              string   `json:"action,omitempty"`
}

// objectKind is "issue" for issues and incidents, "work_item" for the rest.
func objectKind(i *track.Issue) string {
	if i.Type == "issue" || i.Type == "incident" {
		return "issue"
	}
	return "work_item"
}

func (m Maker) issue(n track.News) issueEvent {
	kind := objectKind(n.Issue)
	out := issueEvent{
		ObjectKind: kind, EventType: kind, User: m.user(n.By), Project: m.project(n.Issue.ProjectID),
		Attributes: m.attributes(n.Issue), Labels: m.labels(n.Issue.LabelIDs), Changes: m.changes(n),
		Assignees: m.users(n.Issue.AssigneeIDs),
	}
	if n.Issue.Confidential {
		out.EventType = "confidential_" + kind
	}
	out.Attributes.Action, out.Repository = n.Action, out.Project.repository()
	return out
}

func (m Maker) attributes(i *track.Issue) attributes {
	out := attributes{
		AuthorID: i.AuthorID, ClosedAt: entity.Moment(i.ClosedAt), Confidential: i.Confidential, CreatedAt: entity.Stamp(i.CreatedAt),
		Description: i.Description, DiscussionLocked: i.DiscussionLocked, DueDate: entity.Day(i.DueDate), StartDate: entity.Day(i.StartDate),
		ID: i.ID, IID: i.IID, LastEditedAt: moment(i.LastEditedAt), LastEditedByID: some(i.LastEditedByID),
		MilestoneID: some(i.MilestoneID), MovedToID: some(i.MovedToID), DuplicatedToID: some(i.DuplicateOfID), ProjectID: i.ProjectID,
		RelativePosition: i.Position, StateID: stateID(i), TimeEstimate: i.TimeEstimate, Title: i.Title,
		UpdatedAt: entity.Stamp(i.UpdatedAt), UpdatedByID: some(i.UpdatedByID), Type: typeName(i.Type), URL: m.url(i, 0),
		TotalTimeSpent: i.TimeSpent, HumanTotalTimeSpent: human(i.TimeSpent), HumanTimeEstimate: human(i.TimeEstimate),
		AssigneeIDs: append([]int64{}, i.AssigneeIDs...), Labels: m.labels(i.LabelIDs), State: i.State, Severity: i.Severity,
		Contacts: []string{}, Weight: i.Weight,
	}
	if len(i.AssigneeIDs) > 0 {
		out.AssigneeID = &out.AssigneeIDs[0]
	}
	if i.Type == "incident" {
		out.Status = new("triggered")
	}
	return out
}

func stateID(i *track.Issue) int {
	if i.State == track.Closed {
		return 2
	}
	return 1
}

// typeName writes "test_case" as "Test Case".
func typeName(kind string) string {
	words := strings.Split(kind, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// changes are the attributes that differ, each as it was and as it is.
func (m Maker) changes(n track.News) map[string]change {
	out := map[string]change{}
	if n.Before == nil {
		return m.firstValues(n.Issue)
	}
	was, is := m.attributes(n.Before), m.attributes(n.Issue)
	before, after := reflect.ValueOf(was), reflect.ValueOf(is)
	for f := range before.Type().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		a, b := before.FieldByIndex(f.Index).Interface(), after.FieldByIndex(f.Index).Interface()
		if unsaid(name) || reflect.DeepEqual(a, b) {
			continue
		}
		out[name] = change{a, b}
	}
	if _, changed := out["assignee_ids"]; changed {
		delete(out, "assignee_ids")
		out["assignees"] = change{m.users(n.Before.AssigneeIDs), m.users(n.Issue.AssigneeIDs)}
	}
	return out
}

// unsaid are attributes that other ones speak for.
func unsaid(name string) bool {
	switch name {
	case "state", "assignee_id", "url", "human_total_time_spent", "human_time_estimate":
		return true
	}
	return false
}

// firstValues are what a new issue got, as changes from nothing.
func (m Maker) firstValues(i *track.Issue) map[string]change {
	a := m.attributes(i)
	out := map[string]change{
		"author_id": {nil, a.AuthorID}, "created_at": {nil, a.CreatedAt}, "id": {nil, a.ID}, "iid": {nil, a.IID},
		"project_id": {nil, a.ProjectID}, "title": {nil, a.Title}, "updated_at": {nil, a.UpdatedAt},
	}
	if a.Description != nil {
		out["description"] = change{nil, a.Description}
	}
	return out
}
