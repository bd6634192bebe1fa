package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Issues are those that cxm made.
type Issues interface {
	Issues(context.Context, IssueFilter, Slice) ([]Issue, Cursor, error)
	Issue(ctx context.Context, id int64) (Issue, error)
	// Decisions are what people decided about issues: a page may hold fewer than
	// were asked for, and have one behind it all the same.
	Decisions(ctx context.Context, integration int64, s Slice) ([]Decision, Cursor, error)
}

// IssueFilter says which issues; what is zero lets everything through.
type IssueFilter struct {
	Integration int64  `query:"integration" minimum:"0" doc:"Its id; 0: every one."`
	Project     int64  `query:"project" minimum:"0" doc:"GitLab's id of the project; 0: every one."`
	State       string `query:"state" enum:"opened,closed"`
	Phase       string `query:"phase" enum:"intended,in doubt,live,lost,retired,duplicate"`
	Team        string `query:"team" maxLength:"200"`
	Group       string `query:"group" maxLength:"100"`
}

// Issue is an issue of cxm, as it was last seen.
type Issue struct {
	ID          int64      `json:"id" doc:"cxm's own."`
	Integration int64      `json:"integration_id"`
	Group       string     `json:"group"`
	Phase       string     `json:"phase" doc:"How far the making of it has come."`
	Project     int64      `json:"project_id"`
	IID         *int64     `json:"iid" doc:"Its number in the project. Null: GitLab has not made it yet."`
	URL         *string    `json:"url"`
	Title       string     `json:"title"`
	State       *string    `json:"state" doc:"opened or closed. Null: not known."`
	Labels      []string   `json:"labels"`
	Assignees   []string   `json:"assignees" doc:"User names."`
	Team        *string    `json:"team"`
	Decision    *string    `json:"decision" doc:"What people decided against cxm: closed by a person, or reopened by a person. Null: nothing."`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
	ClosedAt    *time.Time `json:"closed_at"`
	Trouble     *string    `json:"trouble" doc:"Why the last step on it failed."`
}

// Decision is what people decided about an issue.
type Decision struct {
	Decision string     `json:"decision" enum:"closed by a person,reopened by a person"`
	At       *time.Time `json:"at" doc:"When the issue was closed, or last changed; GitLab's clock."`
	Means    string     `json:"means" doc:"What cxm does because of it."`
	Issue    Issue      `json:"issue"`
}

// ByID names one thing by its number.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}

func addIssues(a *API) {
	add(a, operation{id: "issues", at: "GET /v1/issues", tag: "issues", summary: "Issues, the latest first", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		IssueFilter
		Paging
	}) (*listed[Issue], error) {
		s, err := in.slice(ctx, in.IssueFilter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Issues.Issues(ctx, in.IssueFilter, s)
		return page(ctx, in.Paging, in.IssueFilter, items, next), err
	})
	add(a, operation{id: "issue", at: "GET /v1/issues/{id}", tag: "issues", summary: "One issue", needs: role.Read}, func(ctx context.Context, t *Tenant, in *ByID) (*one[Issue], error) {
		out, err := t.Issues.Issue(ctx, in.ID)
		return &one[Issue]{out}, err
	})
	type Filter struct {
		Integration int64 `query:"integration" minimum:"0" doc:"Its id; 0: every one."`
	}
	add(a, operation{id: "decisions", at: "GET /v1/decisions", tag: "issues", summary: "What people decided about issues",
		details: "Derived from what GitLab showed at the last look. A page may hold fewer than limit and still have a next one.", needs: role.Read}, func(ctx context.Context, t *Tenant, in *struct {
		Filter
		Paging
	}) (*listed[Decision], error) {
		s, err := in.slice(ctx, in.Filter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Issues.Decisions(ctx, in.Integration, s)
		return page(ctx, in.Paging, in.Filter, items, next), err
	})
}
