package client

import (
	"context"
	"net/http"

	"cxm/internal/api"
	"cxm/internal/credential"
)

type integrations struct{ c *Client }

func (i integrations) Integrations(ctx context.Context) ([]api.Integration, error) {
	return list[api.Integration](ctx, i.c, "/v1/integrations", nil)
}

func (i integrations) Integration(ctx context.Context, id int64) (api.Integration, error) {
	return get[api.Integration](ctx, i.c, at("/v1/integrations/%d", id))
}

func (i integrations) Test(ctx context.Context, id int64) ([]api.Check, error) {
	got, err := work[api.Page[api.Check]](ctx, i.c, at("/v1/integrations/%d/test", id), nil)
	return got.Items, err
}

func (i integrations) Webhooks(ctx context.Context) ([]api.Webhook, error) {
	return list[api.Webhook](ctx, i.c, "/v1/webhooks", nil)
}

func (i integrations) Connect(ctx context.Context, want api.ConnectToken) (api.Connected, error) {
	return work[api.Connected](ctx, i.c, "/v1/integrations", want)
}

func (i integrations) Edit(ctx context.Context, id int64, e api.EditIntegration) (api.Integration, error) {
	return patch[api.Integration](ctx, i.c, at("/v1/integrations/%d", id), e)
}

func (i integrations) Leaving(ctx context.Context, id int64) (api.Leaving, error) {
	return get[api.Leaving](ctx, i.c, at("/v1/integrations/%d/leaving", id))
}

func (i integrations) Disconnect(ctx context.Context, id int64, revoke bool) (api.Disconnected, error) {
	out, _, err := ask[api.Disconnected](ctx, i.c, request{method: http.MethodDelete, path: at("/v1/integrations/%d", id), query: revoking(revoke), slow: true})
	return out, err
}

func (i integrations) Gone(ctx context.Context) ([]api.GoneIntegration, error) {
	return list[api.GoneIntegration](ctx, i.c, "/v1/integrations/disconnected", nil)
}

func (i integrations) History(ctx context.Context, id int64) ([]api.CredentialEvent, error) {
	return list[api.CredentialEvent](ctx, i.c, at("/v1/integrations/%d/credential/history", id), nil)
}

type credentials struct{ c *Client }

func (k credentials) Credentials(ctx context.Context) ([]api.Credential, error) {
	return list[api.Credential](ctx, k.c, "/v1/credentials", nil)
}

func (k credentials) Credential(ctx context.Context, integration int64) (api.Credential, error) {
	return get[api.Credential](ctx, k.c, at("/v1/integrations/%d/credential", integration))
}

func (k credentials) Replace(ctx context.Context, integration int64, token credential.Secret, other bool) (api.Credential, error) {
	return work[api.Credential](ctx, k.c, at("/v1/integrations/%d/credential", integration), api.ReplaceToken{Token: token.Reveal(), Other: other})
}

func (k credentials) Rotate(ctx context.Context, integration int64) (api.Credential, error) {
	return work[api.Credential](ctx, k.c, at("/v1/integrations/%d/credential/rotate", integration), nil)
}

func (k credentials) Schedule(ctx context.Context, integration int64, days int) (api.Credential, error) {
	return post[api.Credential](ctx, k.c, at("/v1/integrations/%d/credential/schedule", integration), api.ScheduleToken{Days: days})
}

type accesses struct{ c *Client }

func (a accesses) Access(ctx context.Context, integration int64) (api.Reach, error) {
	out, _, err := ask[api.Reach](ctx, a.c, request{method: http.MethodGet, path: at("/v1/integrations/%d/access", integration), slow: true})
	return out, err
}

func (a accesses) Reviews(ctx context.Context, integration int64, most int) ([]api.Review, error) {
	return list[api.Review](ctx, a.c, at("/v1/integrations/%d/reviews", integration), listing{Limit: most})
}

func (a accesses) Review(ctx context.Context, integration int64, _, note string) (api.Review, error) {
	return work[api.Review](ctx, a.c, at("/v1/integrations/%d/reviews", integration), api.Note{Note: note})
}

func (a accesses) Owners(ctx context.Context, integration int64) (api.Owned, error) {
	return get[api.Owned](ctx, a.c, at("/v1/integrations/%d/owners", integration))
}

func (a accesses) SetOwners(ctx context.Context, integration int64, owners []string) (api.Owned, error) {
	out, _, err := ask[api.Owned](ctx, a.c, request{method: http.MethodPut, path: at("/v1/integrations/%d/owners", integration), body: api.SetOwners{Owners: owners}})
	return out, err
}

type hooks struct{ c *Client }

func (h hooks) Look(ctx context.Context) ([]api.Webhook, error) {
	got, err := work[api.Page[api.Webhook]](ctx, h.c, "/v1/webhooks/look", nil)
	return got.Items, err
}

func (h hooks) Add(ctx context.Context, want api.AddWebhook) (api.Webhook, error) {
	return work[api.Webhook](ctx, h.c, "/v1/webhooks", want)
}

func (h hooks) Test(ctx context.Context, id int64) (api.Webhook, error) {
	return work[api.Webhook](ctx, h.c, at("/v1/webhooks/%d/test", id), nil)
}

func (h hooks) Remove(ctx context.Context, id int64) error {
	return remove(ctx, h.c, at("/v1/webhooks/%d", id))
}
