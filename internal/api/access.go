package api

import (
	"context"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/signin/role"
)

// Access is what cxm's accounts reach in GitLab, and who looked at it.
type Access interface {
	Access(ctx context.Context, integration int64) (Reach, error)
	Reviews(ctx context.Context, integration int64, most int) ([]Review, error)
	Review(ctx context.Context, integration int64, by, note string) (Review, error)
}

// Reach is what an account reaches, compared with what cxm needs.
type Reach struct {
	Account    string     `json:"account"`
	Admin      bool       `json:"administrator"`
	Scopes     []string   `json:"scopes"`
	Places     []Place    `json:"places"`
	Remarks    []Remark   `json:"remarks"`
	Owners     []string   `json:"owners" doc:"Addresses of those who look after the account."`
	Due        *time.Time `json:"review_due_at"`
	ReviewedAt *time.Time `json:"reviewed_at" doc:"Null: never."`
}

// Place is a group or a project that an account reaches.
type Place struct {
	Kind   string `json:"kind" enum:"group,project"`
	ID     int64  `json:"id"`
	Path   string `json:"path"`
	Role   string `json:"role"`
	Direct bool   `json:"direct"`
}

// Remark is one thing in which what is reached differs from what is needed.
type Remark struct {
	Severity string  `json:"severity" enum:"error,warning"`
	Place    *string `json:"place"`
	Text     string  `json:"text"`
}

// Review is what somebody looked at.
type Review struct {
	ID      int64      `json:"id"`
	At      *time.Time `json:"at"`
	By      string     `json:"by"`
	Note    *string    `json:"note"`
	Account string     `json:"account"`
	Remarks []Remark   `json:"remarks"`
}

func addAccess(a *API) {
	add(a, operation{id: "access", at: "GET /v1/integrations/{id}/access", tag: "reviews", summary: "What the account of an integration reaches", details: "GitLab is asked.", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Reach], error) {
			out, err := t.Access.Access(ctx, in.ID)
			return &one[Reach]{out}, err
		})
	add(a, operation{id: "reviews", at: "GET /v1/integrations/{id}/reviews", tag: "reviews", summary: "Reviews of what an account reaches, the latest first", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
		}) (*listed[Review], error) {
			out, err := t.Access.Reviews(ctx, in.ID, in.Limit)
			return whole(out), err
		})
	add(a, operation{id: "record-review", at: "POST /v1/integrations/{id}/reviews", tag: "reviews", summary: "Record that one looked at what an account reaches", needs: role.ReviewsRecord, status: 201,
		details: "GitLab is asked once more, and what it says is kept with the review."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body Note
		}) (*one[Review], error) {
			out, err := t.Access.Review(ctx, in.ID, door.From(ctx).Who.Label(), in.Body.Note)
			return &one[Review]{out}, err
		})
}
