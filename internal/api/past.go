package api

import (
	"context"
	"time"

	"cxm/internal/signin/role"
)

// Past is what was, and is kept.
type Past interface {
	Gone(context.Context) ([]GoneIntegration, error)
	History(ctx context.Context, integration int64) ([]CredentialEvent, error)
}

// GoneIntegration is a connection that was.
type GoneIntegration struct {
	ID      int64      `json:"id"`
	URL     string     `json:"url"`
	Project string     `json:"project"`
	At      *time.Time `json:"disconnected_at"`
}

// CredentialEvent is what became of a token.
type CredentialEvent struct {
	At     *time.Time `json:"at"`
	Token  *int64     `json:"token_id" doc:"As of a credential."`
	Name   *string    `json:"name"`
	State  string     `json:"state"`
	Reason *string    `json:"reason"`
}

func addPast(a *API) {
	add(a, operation{id: "disconnected-integrations", at: "GET /v1/integrations/disconnected", tag: "integrations", summary: "Integrations that were disconnected", needs: role.Read},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[GoneIntegration], error) {
			out, err := t.Past.Gone(ctx)
			return whole(out), err
		})
	add(a, operation{id: "credential-history", at: "GET /v1/integrations/{id}/credential/history", tag: "credentials", summary: "The tokens there were, and what became of each", needs: role.Read},
		func(ctx context.Context, t *Tenant, in *ByID) (*listed[CredentialEvent], error) {
			out, err := t.Past.History(ctx, in.ID)
			return whole(out), err
		})
}
