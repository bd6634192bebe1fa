package api

import (
	"context"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin/role"
)

// Credentials are the tokens that cxm acts with, without their values.
type Credentials interface {
	Credentials(context.Context) ([]Credential, error)
	Credential(ctx context.Context, integration int64) (Credential, error)
	Replace(ctx context.Context, integration int64, token credential.Secret, other bool) (Credential, error)
	Rotate(ctx context.Context, integration int64) (Credential, error)
	Schedule(ctx context.Context, integration int64, days int) (Credential, error)
}

// Credential is the token of an integration, without its value.
type Credential struct {
	Integration int64      `json:"integration_id"`
	TokenID     *int64     `json:"token_id" doc:"GitLab's number of it. Below 0: it is of OAuth, by cxm's own number. Null: it is no personal access token."`
	Name        *string    `json:"name" doc:"GitLab's name of the token."`
	State       string     `json:"state"`
	Reason      *string    `json:"reason" doc:"Of the state."`
	Scopes      []string   `json:"scopes"`
	ExpiresAt   *time.Time `json:"expires_at" doc:"Null: never, or GitLab does not say."`
	AddedAt     *time.Time `json:"added_at"`
	MadeAt      *time.Time `json:"made_at" doc:"Null: GitLab does not say."`
	VerifiedAt  *time.Time `json:"verified_at" doc:"When GitLab last accepted it."`
	CheckedAt   *time.Time `json:"checked_at" doc:"When cxm last asked GitLab about it."`
	RotateDays  *int       `json:"rotate_days" doc:"After so many days it is rotated. Null: only before it expires."`
	RotatesAt   *time.Time `json:"rotates_at" doc:"Null: it is not rotated, see why_not."`
	WhyNot      *string    `json:"why_not" doc:"Why cxm cannot rotate it, with the mend."`
	Rotating    bool       `json:"rotating"`
	Trouble     *string    `json:"trouble" doc:"Of the last look or rotation."`
}

// ReplaceToken gives an integration another token.
type ReplaceToken struct {
	Token string `json:"token" minLength:"1" maxLength:"2000" writeOnly:"true" doc:"It is sealed, and never shown."`
	Other bool   `json:"other_account,omitempty" doc:"It may belong to another account than the one before."`
}

// ScheduleToken says when a token is rotated.
type ScheduleToken struct {
	Days int `json:"rotate_days" minimum:"0" maximum:"365" doc:"0: only before it expires."`
}

func addCredentials(a *API) {
	add(a, operation{id: "credentials", at: "GET /v1/credentials", tag: "credentials", summary: "The tokens that cxm acts with, without their values", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Credential], error) {
			out, err := t.Credentials.Credentials(ctx)
			return whole(out), err
		})
	add(a, operation{id: "credential", at: "GET /v1/integrations/{id}/credential", tag: "credentials", summary: "The token of an integration, without its value", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Credential], error) {
			out, err := t.Credentials.Credential(ctx, in.ID)
			return &one[Credential]{out}, err
		})
	add(a, operation{id: "replace-credential", at: "POST /v1/integrations/{id}/credential", tag: "credentials", summary: "Give an integration another token", needs: role.CredentialsWrite,
		details: "It is verified first, and used at once; the one before is forgotten."},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body ReplaceToken
		}) (*one[Credential], error) {
			out, err := t.Credentials.Replace(ctx, in.ID, credential.NewSecret(in.Body.Token), in.Body.Other)
			return &one[Credential]{out}, err
		})
	add(a, operation{id: "rotate-credential", at: "POST /v1/integrations/{id}/credential/rotate", tag: "credentials", summary: "Have GitLab make the token's successor now", needs: role.CredentialsWrite},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Credential], error) {
			out, err := t.Credentials.Rotate(ctx, in.ID)
			return &one[Credential]{out}, err
		})
	add(a, operation{id: "schedule-credential", at: "POST /v1/integrations/{id}/credential/schedule", tag: "credentials", summary: "Say when a token is rotated", needs: role.CredentialsWrite},
		func(ctx context.Context, t *Tenant, in *struct {
			ByID
			Body ScheduleToken
		}) (*one[Credential], error) {
			out, err := t.Credentials.Schedule(ctx, in.ID, in.Body.Days)
			return &one[Credential]{out}, err
		})
}
