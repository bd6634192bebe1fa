package gitlab

import (
	"fmt"
	"slices"
	"time"

	"cxm/internal/issue"
)

// issueJSON is an issue as the REST API sends it, with what cxm reads of it. It
// stands in for client-go's type, which takes every answer apart five times to
// be ready for labels with details (never asked for here): that was a fifth of
// what a create costs cxm.
type issueJSON struct {
	ID          int64      `json:"id"`
	IID         int64      `json:"iid"`
	ProjectID   int64      `json:"project_id"`
	WebURL      string     `json:"web_url"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	State       string     `json:"state"`
	Labels      []string   `json:"labels"`
	Author      *someone   `json:"author"`
	ClosedBy    *someone   `json:"closed_by"`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
	ClosedAt    *time.Time `json:"closed_at"`
	MovedToID   int64      `json:"moved_to_id"`
	Assignees   []*someone `json:"assignees"`
}

type someone struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// madeJSON is the answer to a create that asked for settings, with those that
// GitLab kept.
type madeJSON struct {
	issueJSON
	Milestone    *someone `json:"milestone"`
	DueDate      string   `json:"due_date"`
	Weight       *int64   `json:"weight"` // not there without a licence
	IssueType    string   `json:"issue_type"`
	Confidential bool     `json:"confidential"`
}

func wholeMade(i *madeJSON) bool {
	return i != nil && wholeIssue(&i.issueJSON)
}

func madeOf(i *madeJSON, err error) (issue.Observed, error) {
	if err != nil {
		return issue.Observed{}, err
	}
	s := &issue.Settings{Type: issue.Type(i.IssueType), Confidential: i.Confidential}
	for _, a := range i.Assignees {
		s.Assignees = append(s.Assignees, a.ID)
	}
	if i.Milestone != nil {
		s.MilestoneID = i.Milestone.ID
	}
	if day, err := time.Parse(time.DateOnly, i.DueDate); err == nil {
		s.DueDate = day
	}
	if i.Weight != nil {
		s.Weight = *i.Weight
	}
	o := observed(&i.issueJSON)
	o.Settings = s
	return o, nil
}

func issuesPath(project int64) string     { return fmt.Sprintf("projects/%d/issues", project) }
func issuePath(project, iid int64) string { return fmt.Sprintf("projects/%d/issues/%d", project, iid) }

func wholeIssue(i *issueJSON) bool {
	return i != nil && i.ID > 0 && i.IID > 0 && i.ProjectID > 0 && i.UpdatedAt != nil && !slices.Contains(i.Assignees, nil) &&
		(i.State == string(issue.Opened) || i.State == string(issue.Closed))
}

func wholeIssues(list []*issueJSON) bool {
	return list != nil && !slices.ContainsFunc(list, func(i *issueJSON) bool { return !wholeIssue(i) })
}

func answerOf(i *issueJSON, err error) (issue.Observed, error) {
	if err != nil {
		return issue.Observed{}, err
	}
	return observed(i), nil
}

func observed(i *issueJSON) issue.Observed {
	o := issue.Observed{
		ID: i.ID, ProjectID: i.ProjectID, IID: i.IID, WebURL: i.WebURL,
		Title: i.Title, Description: i.Description, State: issue.State(i.State), MovedToID: i.MovedToID,
		CreatedAt: moment(i.CreatedAt), UpdatedAt: moment(i.UpdatedAt), ClosedAt: moment(i.ClosedAt),
	}
	if len(i.Labels) > 0 {
		o.Labels = slices.Sorted(slices.Values(i.Labels))
	}
	if i.Author != nil {
		o.AuthorID = i.Author.ID
	}
	if i.ClosedBy != nil {
		o.ClosedByID = i.ClosedBy.ID
	}
	for _, a := range i.Assignees {
		o.Assignees = append(o.Assignees, issue.Person{ID: a.ID, Username: a.Username})
	}
	return o
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
