package edge

import (
	"context"

	"cxm/internal/api"
	"cxm/internal/app"
)

// past serves what was.
type past struct{ app *app.App }

func (p past) Gone(ctx context.Context) ([]api.GoneIntegration, error) {
	all, err := p.app.Gone(ctx)
	return each(all, func(g app.Gone) api.GoneIntegration {
		return api.GoneIntegration{ID: g.ID, URL: g.URL, Project: g.Path, At: api.At(g.Since)}
	}), err
}

func (p past) History(ctx context.Context, integration int64) ([]api.CredentialEvent, error) {
	if _, err := chosen(ctx, p.app, integration); err != nil {
		return nil, err
	}
	_, all, events, err := p.app.TokenHistory(ctx, integration)
	out := []api.CredentialEvent{}
	for _, e := range events {
		for _, t := range all {
			if t.Row == e.Row {
				out = append(out, api.CredentialEvent{At: api.At(e.At), Token: api.Some(t.ID), Name: api.Some(t.Name), State: string(e.State), Reason: api.Some(e.Reason)})
			}
		}
	}
	return out, fault(err)
}

// hooks serves the webhooks.
type hooks struct{ app *app.App }

func toWebhook(w app.Webhook) api.Webhook {
	return api.Webhook{
		ID: w.ID, Integration: w.Integration, URL: w.URL, Level: string(w.Level), TargetID: w.TargetID, Target: w.Target, GitLabID: api.Some(w.GitLabID), Signing: w.Signing,
		Alert: api.Some(w.Alert), AlertUntil: api.At(w.AlertUntil), Trouble: api.Some(w.Trouble), CheckedAt: api.At(w.CheckedAt), SeenAt: api.At(w.SeenAt),
		Accepted: w.Accepted, Repeated: w.Repeated, Ignored: w.Ignored, Refused: w.Refused,
	}
}

func (h hooks) Look(ctx context.Context) ([]api.Webhook, error) {
	all, err := h.app.Webhooks(ctx, true)
	return each(all, toWebhook), refusal(err, "")
}

func (h hooks) Add(ctx context.Context, want api.AddWebhook) (api.Webhook, error) {
	id, err := chosen(ctx, h.app, want.Integration)
	if err != nil {
		return api.Webhook{}, err
	}
	w, err := h.app.AddWebhook(context.WithoutCancel(ctx), app.WebhookRequest{
		Integration: id, URL: want.URL, Group: want.Group, Project: want.Project, InsecureHTTP: want.InsecureHTTP,
	})
	return toWebhook(w), refusal(err, "body")
}

// known says that there is a webhook.
func (h hooks) known(ctx context.Context, id int64) error {
	all, err := h.app.Webhooks(ctx, false)
	for _, w := range all {
		if w.ID == id {
			return nil
		}
	}
	if err == nil {
		err = missing("there is no webhook %d: GET /v1/webhooks lists them", id)
	}
	return err
}

func (h hooks) Test(ctx context.Context, id int64) (api.Webhook, error) {
	if err := h.known(ctx, id); err != nil {
		return api.Webhook{}, err
	}
	w, err := h.app.TestWebhook(ctx, id)
	return toWebhook(w), refusal(err, "path.id")
}

func (h hooks) Remove(ctx context.Context, id int64) error {
	if err := h.known(ctx, id); err != nil {
		return err
	}
	return refusal(h.app.RemoveWebhook(context.WithoutCancel(ctx), id), "path.id")
}

// owned serves who looks after accounts.
type owned struct{ app *app.App }

func (o owned) Owners(ctx context.Context, integration int64) (api.Owned, error) {
	if _, err := chosen(ctx, o.app, integration); err != nil {
		return api.Owned{}, err
	}
	all, err := o.app.AccessOwners(ctx, integration)
	return api.Owned{Owners: api.List(all), Warnings: []string{}}, fault(err)
}

func (o owned) SetOwners(ctx context.Context, integration int64, owners []string) (api.Owned, error) {
	if _, err := chosen(ctx, o.app, integration); err != nil {
		return api.Owned{}, err
	}
	all, weak, err := o.app.SetAccessOwners(ctx, integration, owners)
	return api.Owned{Owners: api.List(all), Warnings: api.List(weak)}, refusal(err, "body.owners")
}
