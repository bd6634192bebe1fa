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
	Level  int    `json:"access_level" doc:"GitLab's number of the role."`
	URL    string `json:"url"`
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
	Admin   bool       `json:"administrator"`
	Scopes  []string   `json:"scopes"`
	Places  []Place    `json:"places" doc:"That it reached then."`
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

// Owners are who looks after an account.
type Owners interface {
	Owners(ctx context.Context, integration int64) (Owned, error)
	SetOwners(ctx context.Context, integration int64, owners []string) (Owned, error)
}

// Owned is who looks after an account.
type Owned struct {
	Owners   []string `json:"owners" doc:"Addresses of teams."`
	Warnings []string `json:"warnings" doc:"About addresses that were given just now."`
}

// SetOwners says who looks after an account.
type SetOwners struct {
	Owners []string `json:"owners" minItems:"1" maxItems:"20" doc:"Addresses of teams, never of one person alone."`
}

func addOwners(a *API) {
	add(a, operation{id: "owners", at: "GET /v1/integrations/{id}/owners", tag: "reviews", summary: "Who looks after the account of an integration", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Owned], error) {
			out, err := t.Owners.Owners(ctx, in.ID)
			return &one[Owned]{out}, err
		})
	add(a, operation{id: "set-owners", at: "PUT /v1/integrations/{id}/owners", tag: "reviews", summary: "Say who looks after the account of an integration", details: "In place of those before.", needs: role.IntegrationsWrite},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body SetOwners
		}) (*one[Owned], error) {
			out, err := t.Owners.SetOwners(ctx, in.ID, in.Body.Owners)
			return &one[Owned]{out}, err
		})
}
