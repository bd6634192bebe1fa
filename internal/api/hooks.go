package api

import (
	"context"
	"net/http"
	"strconv"

	"cxm/internal/signin/role"
)

// Hooks make, look after and delete webhooks in GitLab.
type Hooks interface {
	// Look asks GitLab how all of them do, and tests those that it switched off.
	Look(context.Context) ([]Webhook, error)
	Add(context.Context, AddWebhook) (Webhook, error)
	Test(ctx context.Context, id int64) (Webhook, error)
	Remove(ctx context.Context, id int64) error
}

// AddWebhook makes a webhook in GitLab.
type AddWebhook struct {
	Integration  int64  `json:"integration_id,omitempty" minimum:"0" doc:"0: the only one there is."`
	URL          string `json:"url" minLength:"1" maxLength:"2000" doc:"Address of cxm, as GitLab reaches it."`
	Group        string `json:"group,omitempty" maxLength:"2000" doc:"Path or number of a group to listen to, with all of its projects."`
	Project      string `json:"project,omitempty" maxLength:"2000" doc:"Path or number of a project. Empty, without a group: that of the integration."`
	InsecureHTTP bool   `json:"insecure_http,omitempty" doc:"Allows an address without TLS."`
}

func addHooks(a *API) {
	add(a, operation{id: "add-webhook", at: "POST /v1/webhooks", tag: "integrations", summary: "Make a webhook in GitLab, or renew the one there is", needs: role.IntegrationsWrite, status: http.StatusCreated,
		details: "There never are two for the same project or group."},
		func(ctx context.Context, t *Tenant, in *struct{ Body AddWebhook }) (*made[Webhook], error) {
			w, err := t.Hooks.Add(ctx, in.Body)
			return &made[Webhook]{"/v1/webhooks/" + strconv.FormatInt(w.ID, 10), w}, err
		})
	add(a, operation{id: "look-at-webhooks", at: "POST /v1/webhooks/look", tag: "integrations", summary: "Ask GitLab how the webhooks do", needs: role.IntegrationsWrite,
		details: "Those that GitLab switched off are tested, which switches them on again where they work."},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*listed[Webhook], error) {
			out, err := t.Hooks.Look(ctx)
			return whole(out), err
		})
	add(a, operation{id: "test-webhook", at: "POST /v1/webhooks/{id}/test", tag: "integrations", summary: "Have GitLab deliver something now", needs: role.IntegrationsWrite,
		details: "Which switches a webhook on again that GitLab switched off."},
		func(ctx context.Context, t *Tenant, in *ByID) (*one[Webhook], error) {
			out, err := t.Hooks.Test(ctx, in.ID)
			return &one[Webhook]{out}, err
		})
	add(a, operation{id: "remove-webhook", at: "DELETE /v1/webhooks/{id}", tag: "integrations", summary: "Delete a webhook in GitLab", needs: role.IntegrationsWrite, status: http.StatusNoContent},
		func(ctx context.Context, t *Tenant, in *ByID) (*struct{}, error) {
			return nil, t.Hooks.Remove(ctx, in.ID)
		})
}
