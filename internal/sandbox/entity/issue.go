package entity

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/track"
)

// TimeStats is the time tracked on an issue.
type TimeStats struct {
	TimeEstimate        int64   `json:"time_estimate"`
	TotalTimeSpent      int64   `json:"total_time_spent"`
	HumanTimeEstimate   *string `json:"human_time_estimate"`
	HumanTotalTimeSpent *string `json:"human_total_time_spent"`
}

// Tasks counts the check boxes of a description.
type Tasks struct {
	Count          int `json:"count"`
	CompletedCount int `json:"completed_count"`
}

// IssueLinks are the addresses of what belongs to an issue.
type IssueLinks struct {
	Self       string  `json:"self"`
	Notes      string  `json:"notes"`
	AwardEmoji string  `json:"award_emoji"`
	Project    string  `json:"project"`
	Duplicate  *string `json:"closed_as_duplicate_of"`
}

// References are the ways to write an issue.
type References struct {
	Short    string `json:"short"`
	Relative string `json:"relative"`
	Full     string `json:"full"`
}

// Milestone is a milestone.
type Milestone struct {
	ID          int64   `json:"id"`
	IID         int64   `json:"iid"`
	ProjectID   *int64  `json:"project_id,omitempty"`
	GroupID     *int64  `json:"group_id,omitempty"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	State       string  `json:"state"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
	DueDate     *string `json:"due_date"`
	StartDate   *string `json:"start_date"`
	Expired     bool    `json:"expired"`
	WebURL      string  `json:"web_url"`
}

// Nullable is a key that is left out (nil), or present with a value or null.
type Nullable[T any] struct{ Value *T }

// MarshalJSON writes the value or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }

// Issue is an issue. Labels is a list of titles, or of details when asked for.
type Issue struct {
	ID                 int64             `json:"id"`
	IID                int64             `json:"iid"`
	ProjectID          int64             `json:"project_id"`
	Title              string            `json:"title"`
	Description        *string           `json:"description"`
	State              string            `json:"state"`
	CreatedAt          string            `json:"created_at"`
	UpdatedAt          string            `json:"updated_at"`
	ClosedAt           *string           `json:"closed_at"`
	ClosedBy           *UserBasic        `json:"closed_by"`
	Labels             any               `json:"labels"`
	Milestone          *Milestone        `json:"milestone"`
	Assignees          []*UserBasic      `json:"assignees"`
	Author             *UserBasic        `json:"author"`
	Type               string            `json:"type"`
	Assignee           *UserBasic        `json:"assignee"`
	UserNotesCount     int               `json:"user_notes_count"`
	MergeRequestsCount int               `json:"merge_requests_count"`
	Upvotes            int               `json:"upvotes"`
	Downvotes          int               `json:"downvotes"`
	StartDate          *string           `json:"start_date"`
	DueDate            *string           `json:"due_date"`
	Confidential       bool              `json:"confidential"`
	DiscussionLocked   *bool             `json:"discussion_locked"`
	IssueType          string            `json:"issue_type"`
	WebURL             string            `json:"web_url"`
	TimeStats          TimeStats         `json:"time_stats"`
	TaskCompletion     Tasks             `json:"task_completion_status"`
	Weight             *Nullable[int64]  `json:"weight,omitempty"`
	BlockingCount      int               `json:"blocking_issues_count"`
	HasTasks           bool              `json:"has_tasks"`
	TaskStatus         *string           `json:"task_status,omitempty"`
	Links              IssueLinks        `json:"_links"`
	References         References        `json:"references"`
	Severity           string            `json:"severity"`
	Subscribed         *bool             `json:"subscribed,omitempty"`
	MovedToID          *int64            `json:"moved_to_id"`
	Imported           bool              `json:"imported"`
	ImportedFrom       string            `json:"imported_from"`
	ServiceDeskReplyTo *string           `json:"service_desk_reply_to"`
	EpicIID            *Nullable[int64]  `json:"epic_iid,omitempty"`
	Epic               *Nullable[int64]  `json:"epic,omitempty"`
	Iteration          *Nullable[int64]  `json:"iteration,omitempty"`
	HealthStatus       *Nullable[string] `json:"health_status,omitempty"`
	LinkID             int64             `json:"issue_link_id,omitempty"`
	LinkType           string            `json:"link_type,omitempty"`
	LinkCreatedAt      string            `json:"link_created_at,omitempty"`
	LinkUpdatedAt      string            `json:"link_updated_at,omitempty"`
}

var taskLine = regexp.MustCompile(`(?m)^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[([ xX])\][ \t]`)

// TasksOf counts the check boxes of a description; nil has none.
func TasksOf(description *string) Tasks {
	var out Tasks
	if description == nil || !strings.Contains(*description, "] ") {
		return out
	}
	for _, m := range taskLine.FindAllStringSubmatch(*description, -1) {
		out.Count++
		if m[1] != " " {
			out.CompletedCount++
		}
	}
	return out
}

// Issue shows an issue; single adds what lists leave out.
func (v Views) Issue(i *track.Issue, single bool) Issue {
	out := v.issueBase(i)
	v.issuePeople(&out, i)
	v.issueTimes(&out, i)
	v.issueAddresses(&out, i)
	out.TaskCompletion = TasksOf(i.Description)
	out.HasTasks = out.TaskCompletion.Count == 0 // GitLab's own quirk: it exposes !tasks?
	if out.HasTasks {
		out.TaskStatus = new("0 of 0 checklist items completed")
	}
	if v.W.Track.Licensed(i.ProjectID) {
		out.Weight, out.EpicIID, out.Epic = &Nullable[int64]{i.Weight}, &Nullable[int64]{}, &Nullable[int64]{}
		out.Iteration, out.HealthStatus = &Nullable[int64]{}, &Nullable[string]{}
	}
	if single {
		out.Subscribed = new(v.W.Track.Subscribed(v.Viewer, i))
	}
	return out
}

func (v Views) issueBase(i *track.Issue) Issue {
	up, down := v.W.Track.Votes(i)
	out := Issue{
		ID: i.ID, IID: i.IID, ProjectID: i.ProjectID, Title: i.Title, Description: i.Description, State: i.State,
		CreatedAt: Stamp(i.CreatedAt), UpdatedAt: Stamp(i.UpdatedAt), ClosedAt: Moment(i.ClosedAt),
		Labels: v.labelTitles(i), Milestone: v.Milestone(v.W.Catalog.Milestone(i.MilestoneID)),
		Type: strings.ToUpper(i.Type), UserNotesCount: v.W.Track.UserNotes(i), Upvotes: up, Downvotes: down,
		Confidential: i.Confidential, DiscussionLocked: i.DiscussionLocked, IssueType: i.Type,
		BlockingCount: v.W.Track.Blocking(i), Severity: strings.ToUpper(i.Severity), ImportedFrom: "none",
	}
	if to := v.W.Track.Issue(i.MovedToID); to != nil {
		out.MovedToID = &to.ID // the API tells it even to those who may not see that issue (lib/api/entities/issue.rb)
	}
	return out
}

func (v Views) labelTitles(i *track.Issue) []string {
	out := []string{}
	for _, l := range v.W.Track.LabelsOf(i) {
		out = append(out, l.Title)
	}
	return out
}

func (v Views) issuePeople(out *Issue, i *track.Issue) {
	out.Author, out.ClosedBy = v.UserID(i.AuthorID), v.UserID(i.ClosedByID)
	out.Assignees = []*UserBasic{}
	for _, id := range i.AssigneeIDs {
		out.Assignees = append(out.Assignees, v.UserID(id))
	}
	if len(out.Assignees) > 0 {
		out.Assignee = out.Assignees[0]
	}
}

func (v Views) issueTimes(out *Issue, i *track.Issue) {
	out.DueDate, out.StartDate = Day(i.DueDate), Day(i.StartDate)
	out.TimeStats = v.TimeStats(i)
}

// TimeStats shows the time tracked on an issue.
func (v Views) TimeStats(i *track.Issue) TimeStats {
	out := TimeStats{TimeEstimate: i.TimeEstimate, TotalTimeSpent: i.TimeSpent}
	if i.TimeEstimate != 0 {
		out.HumanTimeEstimate = new(duration.Human(i.TimeEstimate))
	}
	if i.TimeSpent != 0 {
		out.HumanTotalTimeSpent = new(duration.Human(i.TimeSpent))
	}
	return out
}

func (v Views) issueAddresses(out *Issue, i *track.Issue) {
	p := v.W.Places.Project(i.ProjectID)
	path := v.W.Places.ProjectPath(p)
	project := v.Base + "/api/v4/projects/" + itoa(p.ID)
	self := project + "/issues/" + itoa(i.IID)
	out.WebURL = fmt.Sprintf("%s/%s/-/work_items/%d", v.Base, path, i.IID)
	out.Links = IssueLinks{Self: self, Notes: self + "/notes", AwardEmoji: self + "/award_emoji", Project: project}
	if of := v.W.Track.Issue(i.DuplicateOfID); of != nil {
		out.Links.Duplicate = new(v.Base + "/api/v4/projects/" + itoa(of.ProjectID) + "/issues/" + itoa(of.IID))
	}
	short := "#" + itoa(i.IID)
	out.References = References{Short: short, Relative: short, Full: path + short}
}

// IssueDetailed shows an issue with its labels in detail.
func (v Views) IssueDetailed(i *track.Issue) Issue {
	out := v.Issue(i, false)
	labels := []LabelBasic{}
	for _, l := range v.W.Track.LabelsOf(i) {
		labels = append(labels, v.LabelBasic(l))
	}
	out.Labels = labels
	return out
}

// LinkedIssue shows an issue from the other end of a link.
func (v Views) LinkedIssue(l track.Linked) Issue {
	out := v.Issue(l.Issue, false)
	out.LinkID, out.LinkType = l.Link.ID, l.Type
	out.LinkCreatedAt, out.LinkUpdatedAt = Stamp(l.Link.CreatedAt), Stamp(l.Link.CreatedAt)
	return out
}

// Milestone shows a milestone; nil stays nil.
func (v Views) Milestone(m *catalog.Milestone) *Milestone {
	if m == nil {
		return nil
	}
	out := &Milestone{
		ID: m.ID, IID: m.IID, Title: m.Title, Description: m.Description, State: m.State,
		CreatedAt: Stamp(m.CreatedAt), UpdatedAt: Stamp(m.UpdatedAt), DueDate: Day(m.DueDate), StartDate: Day(m.StartDate),
		Expired: m.DueDate != nil && m.DueDate.AddDate(0, 0, 1).Before(v.W.Now()),
	}
	if p := v.W.Places.Project(m.ProjectID); p != nil {
		out.ProjectID, out.WebURL = &m.ProjectID, v.Base+"/"+v.W.Places.ProjectPath(p)+"/-/milestones/"+itoa(m.IID)
	}
	if n := v.W.Places.Namespace(m.GroupID); n != nil {
		out.GroupID, out.WebURL = &m.GroupID, v.Base+"/groups/"+v.W.Places.FullPath(n)+"/-/milestones/"+itoa(m.IID)
	}
	return out
}
