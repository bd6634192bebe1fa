package edge

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/integration/check"
	"cxm/internal/rule"
)

type connections struct{ app *app.App }

func toIntegration(d app.Detail) api.Integration {
	in := d.Integration
	return api.Integration{
		ID: in.ID, Provider: string(in.Provider), URL: in.URL, Version: api.Some(in.Version), OpenIssues: d.Open,
		Account: api.Account{ID: in.Account.ID, Username: in.Account.Username, Name: in.Account.Name, Bot: in.Account.Bot},
		Project: api.Project{ID: in.Project.ID, Path: in.Project.Path, URL: in.Project.WebURL, Role: api.Some(in.Project.AccessLevel)},
		OnRoute: cmp.Or(in.OnRoute, string(rule.Move)), Proxy: api.Some(d.Network.Proxy), OwnCA: d.Network.CA != "", CA: api.Some(d.Network.CA),
		Given:     api.Given{Labels: api.List(d.Issues.Labels), Assignee: api.Some(d.Issues.Assignee), Confidential: d.Issues.Confidential},
		CreatedAt: api.At(in.CreatedAt), VerifiedAt: api.At(in.VerifiedAt),
	}
}

func (c connections) Integrations(ctx context.Context) ([]api.Integration, error) {
	all, err := c.app.Details(ctx)
	return each(all, toIntegration), err
}

func (c connections) Integration(ctx context.Context, id int64) (api.Integration, error) {
	if _, err := chosen(ctx, c.app, id); err != nil {
		return api.Integration{}, err
	}
	d, err := c.app.Detail(ctx, id)
	return toIntegration(d), fault(err)
}

func (c connections) Test(ctx context.Context, id int64) ([]api.Check, error) {
	if _, err := chosen(ctx, c.app, id); err != nil {
		return nil, err
	}
	all, err := c.app.Test(ctx, app.Exam{Integration: id}, nil)
	return each(all, func(r check.Result) api.Check {
		return api.Check{
			Name: r.Name, Group: string(r.Group), Asks: r.Asks, Outcome: string(r.Outcome), Evidence: api.Some(r.Evidence), Cause: api.Some(r.Cause), Mend: api.Some(r.Mend.Words(check.Command)),
		}
	}), fault(err)
}

func (c connections) Webhooks(ctx context.Context) ([]api.Webhook, error) {
	all, err := c.app.Webhooks(ctx, false)
	return each(all, toWebhook), err
}

type changes struct{ connections }

func (c changes) Connect(ctx context.Context, want api.ConnectToken) (api.Connected, error) {
	token, err := app.CleanToken(want.Secret().Reveal())
	if err != nil {
		return api.Connected{}, refusal(err, "body.token")
	}
	network := integration.Network{CA: deref(want.CA), Proxy: deref(want.Proxy)}
	got, err := c.app.ConnectGitLab(ctx, app.Connect{URL: want.URL, Token: token, Project: want.Project, Network: network, Issues: given(want.Given)})
	if err != nil {
		return api.Connected{}, refusal(err, "body")
	}
	in, err := c.Integration(ctx, got.Integration.ID)
	if err != nil {
		return api.Connected{}, err
	}
	t, err := c.app.TokenStatus(ctx, in.ID)
	return api.Connected{Integration: in, Credential: toCredential(t), Private: api.Some(got.Private), Warnings: api.List(got.Warnings)}, fault(err)
}

func given(g *api.Given) *app.Given {
	if g == nil {
		return nil
	}
	return &app.Given{Labels: g.Labels, Assignee: deref(g.Assignee), Confidential: g.Confidential}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (c changes) Edit(ctx context.Context, id int64, e api.EditIntegration) (api.Integration, error) {
	want := app.Edit{URL: deref(e.URL), CA: e.CA, Proxy: e.Proxy, Project: deref(e.Project), OnChange: deref(e.OnRoute), Issues: given(e.Given)}
	if want == (app.Edit{}) {
		return api.Integration{}, &door.Problem{Status: http.StatusUnprocessableEntity, Detail: "there is nothing to change: name what is to be otherwise", Errors: []door.Place{{Message: "it is empty", Location: "body"}}}
	}
	if _, err := c.app.EditIntegration(ctx, id, want); err != nil {
		return api.Integration{}, refusal(err, "body")
	}
	return c.Integration(ctx, id)
}

func (c changes) Leaving(ctx context.Context, id int64) (api.Leaving, error) {
	if _, err := chosen(ctx, c.app, id); err != nil {
		return api.Leaving{}, err
	}
	l, err := c.app.Leaving(ctx, id)
	return api.Leaving{OpenIssues: l.Open, Runs: l.Runs, Webhooks: l.Webhooks, Sharing: api.List(l.Sharing)}, fault(err)
}

func (c changes) Disconnect(ctx context.Context, id int64, revoke bool) (api.Disconnected, error) {
	if _, err := chosen(ctx, c.app, id); err != nil {
		return api.Disconnected{}, err
	}
	d, err := c.app.Disconnect(context.WithoutCancel(ctx), id, revoke)
	return api.Disconnected{Revoked: d.Revoked, Runs: d.Runs, Steps: d.Steps, Remarks: api.List(d.Remarks)}, refusal(err, "query.revoke")
}

type credentials struct{ app *app.App }

func toCredential(t app.TokenStatus) api.Credential {
	out := api.Credential{
		Integration: t.Integration.ID, TokenID: api.Some(t.Token.ID), Name: api.Some(t.Token.Name), State: string(t.Token.State), Reason: api.Some(t.Token.Reason), Scopes: api.List(t.Token.Scopes),
		ExpiresAt: api.At(t.Token.ExpiresAt), AddedAt: api.At(t.Token.AddedAt), MadeAt: api.At(t.Token.MadeAt), VerifiedAt: api.At(t.Token.VerifiedAt), CheckedAt: api.At(t.CheckedAt),
		RotatesAt: api.At(t.Next), WhyNot: api.Some(t.WhyNot), Rotating: t.Rotating, Trouble: api.Some(t.Trouble),
	}
	if days := int(t.Every.Hours() / 24); days > 0 {
		out.RotateDays = &days
	}
	return out
}

func (c credentials) Credentials(ctx context.Context) ([]api.Credential, error) {
	all, err := c.app.TokenStatuses(ctx)
	return each(all, toCredential), err
}

func (c credentials) Credential(ctx context.Context, id int64) (api.Credential, error) {
	return c.of(ctx, id, func() (app.TokenStatus, error) { return c.app.TokenStatus(ctx, id) }, "")
}

// of does something with the token of an integration that there is.
func (c credentials) of(ctx context.Context, id int64, do func() (app.TokenStatus, error), location string) (api.Credential, error) {
	if _, err := chosen(ctx, c.app, id); err != nil {
		return api.Credential{}, err
	}
	t, err := do()
	return toCredential(t), refusal(err, location)
}

func (c credentials) Replace(ctx context.Context, id int64, given credential.Secret, other bool) (api.Credential, error) {
	token, err := app.CleanToken(given.Reveal())
	if err != nil {
		return api.Credential{}, refusal(err, "body.token")
	}
	return c.of(ctx, id, func() (app.TokenStatus, error) {
		return c.app.ReplaceToken(ctx, id, app.Replacement{Token: token, OtherAccount: other})
	}, "body.token")
}

func (c credentials) Rotate(ctx context.Context, id int64) (api.Credential, error) {
	ctx = context.WithoutCancel(ctx)
	return c.of(ctx, id, func() (app.TokenStatus, error) { return c.app.RotateToken(ctx, id) }, "")
}

func (c credentials) Schedule(ctx context.Context, id int64, days int) (api.Credential, error) {
	return c.of(ctx, id, func() (app.TokenStatus, error) { return c.app.ScheduleToken(ctx, id, days) }, "body.rotate_days")
}

type reach struct{ app *app.App }

func (r reach) Access(ctx context.Context, id int64) (api.Reach, error) {
	if _, err := chosen(ctx, r.app, id); err != nil {
		return api.Reach{}, err
	}
	a, err := r.app.Access(ctx, id)
	if err != nil {
		return api.Reach{}, fault(err)
	}
	out := api.Reach{
		Account: a.Reach.Account, Admin: a.Reach.Admin, Scopes: api.List(a.Reach.Scopes), Remarks: each(a.Remarks, toRemark), Owners: api.List(a.Owners),
		Due: api.At(a.Due), ReviewedAt: api.At(a.Reviewed), Places: toPlaces(a.Reach),
	}
	return out, nil
}

func toPlaces(r access.Reach) []api.Place {
	return each(append(append([]access.Place{}, r.Groups...), r.Projects...), func(p access.Place) api.Place {
		kind := "project"
		if p.Group {
			kind = "group"
		}
		return api.Place{Kind: kind, ID: p.ID, Path: p.Path, Role: p.Role.String(), Level: int(p.Role), URL: p.WebURL, Direct: p.Direct}
	})
}

func toRemark(r access.Remark) api.Remark {
	return api.Remark{Severity: string(r.Severity), Place: api.Some(r.Place), Text: r.Text}
}

func toReview(r app.AccessReview) api.Review {
	return api.Review{
		ID: r.ID, At: api.At(r.At), By: r.By, Note: api.Some(strings.TrimSpace(r.Note)), Account: r.Reach.Account, Admin: r.Reach.Admin,
		Scopes: api.List(r.Reach.Scopes), Places: toPlaces(r.Reach), Remarks: each(r.Remarks, toRemark),
	}
}

func (r reach) Reviews(ctx context.Context, id int64, most int) ([]api.Review, error) {
	if _, err := chosen(ctx, r.app, id); err != nil {
		return nil, err
	}
	all, err := r.app.AccessReviews(ctx, id, most)
	return each(all, toReview), fault(err)
}

func (r reach) Review(ctx context.Context, id int64, by, note string) (api.Review, error) {
	if _, err := chosen(ctx, r.app, id); err != nil {
		return api.Review{}, err
	}
	got, err := r.app.ReviewAccess(ctx, id, by, note)
	return toReview(got), fault(err)
}
