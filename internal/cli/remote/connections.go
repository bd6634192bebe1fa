package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/integration/check"
	"cxm/internal/plan/stand"
	"cxm/internal/rule"
	"cxm/internal/store/hooks"
)

func toIntegration(in api.Integration) integration.Integration {
	return integration.Integration{
		ID: in.ID, Provider: integration.Provider(in.Provider), URL: in.URL, Version: known(in.Version), OnRoute: in.OnRoute,
		Account:   integration.Account{ID: in.Account.ID, Username: in.Account.Username, Name: in.Account.Name, Bot: in.Account.Bot},
		Project:   integration.Project{ID: in.Project.ID, Path: in.Project.Path, WebURL: in.Project.URL, AccessLevel: known(in.Project.Role)},
		CreatedAt: moment(in.CreatedAt), VerifiedAt: moment(in.VerifiedAt),
	}
}

func toDefaults(g api.Given) integration.Defaults {
	out := integration.Defaults{Labels: g.Labels, Assignee: known(g.Assignee), Confidential: g.Confidential}
	if out.Assignee != "" {
		out.AssigneeID = -1 // there is one, and the API names them by their user name alone
	}
	return out
}

func toDetail(in api.Integration, c api.Credential) app.Detail {
	return app.Detail{
		Integration: toIntegration(in), Network: integration.Network{CA: known(in.CA), Proxy: known(in.Proxy)}, Issues: toDefaults(in.Given), Open: in.OpenIssues,
		Token: toStored(c),
	}
}

// Details are all that is known of the connections.
func (s *Server) Details(ctx context.Context) ([]app.Detail, error) {
	got, err := s.Integrations.Integrations(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Credentials.Credentials(ctx)
	return each(got, func(in api.Integration) app.Detail {
		i := slices.IndexFunc(tokens, func(c api.Credential) bool { return c.Integration == in.ID })
		if i < 0 {
			return toDetail(in, api.Credential{})
		}
		return toDetail(in, tokens[i])
	}), err
}

// Detail is all that is known of one; 0 is the only one there is.
func (s *Server) Detail(ctx context.Context, id int64) (app.Detail, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Detail{}, err
	}
	return s.detail(ctx, in.ID)
}

func (s *Server) detail(ctx context.Context, id int64) (app.Detail, error) {
	got, err := s.Integrations.Integration(ctx, id)
	if err != nil {
		return app.Detail{}, err
	}
	c, err := s.Credentials.Credential(ctx, id)
	return toDetail(got, c), err
}

// Gone lists the integrations that were disconnected.
func (s *Server) Gone(ctx context.Context) ([]app.Gone, error) {
	got, err := s.Past.Gone(ctx)
	return each(got, func(g api.GoneIntegration) app.Gone {
		return app.Gone{ID: g.ID, URL: g.URL, Path: g.Project, Since: moment(g.At)}
	}), err
}

// ConnectGitLab has the server verify a connection and keep it.
func (s *Server) ConnectGitLab(ctx context.Context, want app.Connect) (app.Connected, error) {
	ask := api.ConnectToken{URL: want.URL, Token: want.Token.Reveal(), Project: want.Project, Given: toGiven(want.Issues)}
	if want.Network.CA != "" {
		ask.CA = &want.Network.CA
	}
	if want.Network.Proxy != "" {
		ask.Proxy = &want.Network.Proxy
	}
	got, err := s.Changes.Connect(ctx, ask)
	return app.Connected{
		Integration: toIntegration(got.Integration), Token: toStored(got.Credential).Token, Issues: toDefaults(got.Integration.Given),
		Private: known(got.Private), Warnings: got.Warnings,
	}, err
}

func toGiven(g *app.Given) *api.Given {
	if g == nil {
		return nil
	}
	return &api.Given{Labels: api.List(g.Labels), Assignee: api.Some(g.Assignee), Confidential: g.Confidential}
}

// EditIntegration changes an integration. What changed is what it says otherwise now.
func (s *Server) EditIntegration(ctx context.Context, id int64, e app.Edit) (app.Edited, error) {
	before, err := s.Detail(ctx, id)
	if err != nil {
		return app.Edited{}, err
	}
	_, err = s.Changes.Edit(ctx, before.Integration.ID, api.EditIntegration{
		URL: api.Some(e.URL), Project: api.Some(e.Project), OnRoute: api.Some(e.OnChange), CA: e.CA, Proxy: e.Proxy, Given: toGiven(e.Issues),
	})
	if err != nil {
		return app.Edited{}, err
	}
	now, err := s.detail(ctx, before.Integration.ID)
	return app.Edited{Detail: now, Changed: changed(before, now, e)}, err
}

// changed says what an edit changed, as the program itself does.
func changed(before, now app.Detail, e app.Edit) (out []string) {
	was, is := before.Integration, now.Integration
	if is.URL != was.URL {
		out = append(out, fmt.Sprintf("the instance is at %s, where it was at %s", is.URL, was.URL))
	}
	if now.Network.CA != before.Network.CA {
		out = append(out, "other certificates are trusted")
	}
	if now.Network.Proxy != before.Network.Proxy {
		out = append(out, "it is reached through another proxy")
	}
	if is.Project.ID != was.Project.ID {
		out = append(out, fmt.Sprintf("issues go to %s, where they went to %s; `cxm plan` shows what happens to those that are there", is.Project.Path, was.Project.Path))
	}
	if is.OnRoute != was.OnRoute {
		out = append(out, "when the project changes, its issues: "+is.OnRoute)
	}
	if e.Issues != nil {
		out = append(out, "what new issues are given")
	}
	return out
}

// Leaving is what disconnecting would do.
func (s *Server) Leaving(ctx context.Context, id int64) (app.Leaving, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Leaving{}, err
	}
	l, err := s.Changes.Leaving(ctx, in.ID)
	return app.Leaving{Integration: in, Open: l.OpenIssues, Runs: l.Runs, Webhooks: l.Webhooks, Sharing: l.Sharing}, err
}

// Disconnect ends a connection.
func (s *Server) Disconnect(ctx context.Context, id int64, revoke bool) (app.Disconnected, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Disconnected{}, err
	}
	d, err := s.Changes.Disconnect(ctx, in.ID, revoke)
	return app.Disconnected{Integration: in, Revoked: d.Revoked, Runs: d.Runs, Steps: d.Steps, Remarks: d.Remarks}, err
}

// Test runs every check on a connection that the server has.
func (s *Server) Test(ctx context.Context, x app.Exam, told func(check.Result)) ([]check.Result, error) {
	switch {
	case x.URL != "":
		return nil, errHere("a connection that is to be")
	case x.ReadOnly:
		return nil, errors.New("--read-only is nothing that the API offers: leave it out, or run the command on the server")
	}
	in, err := s.integration(ctx, x.Integration)
	if err != nil {
		return nil, err
	}
	got, err := s.Integrations.Test(ctx, in.ID)
	out := each(got, toResult)
	for _, r := range out {
		if told != nil {
			told(r)
		}
	}
	return out, err
}

func toResult(c api.Check) check.Result {
	out := check.Result{
		Check:   check.Check{Name: c.Name, Group: check.Group(c.Group), Asks: c.Asks},
		Verdict: check.Verdict{Outcome: check.Outcome(c.Outcome), Evidence: known(c.Evidence), Cause: known(c.Cause), Mend: check.Mend{Text: known(c.Mend)}},
	}
	return out
}

// Why says where findings stand on their way to an issue.
func (s *Server) Why(ctx context.Context, asked string, id int64) (app.Why, error) {
	got, err := s.Explains.Explain(ctx, asked, id)
	if err != nil {
		return app.Why{}, err
	}
	integrations, err := s.integrations(ctx)
	out := app.Why{Asked: got.Asked, Stage: stand.Stage(known(got.Stage)), Answer: known(got.Answer), Mend: known(got.Mend)}
	for _, st := range got.Stands {
		one := app.Stand{
			Finding: finding.Finding{FindingKey: finding.Key(st.Finding), Title: st.Title, ResourceID: known(st.Resource)}, Group: rule.GroupKey(st.Group),
			Stand: stand.Stand{Path: st.Path, Stage: stand.Stage(st.Stage), Answer: st.Answer, Mend: known(st.Mend), URL: known(st.IssueURL)},
		}
		for _, in := range integrations {
			if in.ID == known(st.Integration) {
				one.Integration = in
			}
		}
		out.Stands = append(out.Stands, one)
	}
	return out, err
}

func toPlace(p api.Place) access.Place {
	return access.Place{Group: p.Kind == "group", ID: p.ID, Path: p.Path, WebURL: p.URL, Role: access.Role(p.Level), Direct: p.Direct}
}

// toReach is what an account reaches, its places by kind.
func toReach(account string, admin bool, scopes []string, places []api.Place) access.Reach {
	out := access.Reach{Account: account, Admin: admin, Scopes: scopes}
	for _, p := range places {
		if p.Kind == "group" {
			out.Groups = append(out.Groups, toPlace(p))
			continue
		}
		out.Projects = append(out.Projects, toPlace(p))
	}
	return out
}

func toRemark(r api.Remark) access.Remark {
	return access.Remark{Severity: access.Severity(r.Severity), Place: known(r.Place), Text: r.Text}
}

// Access asks what an account reaches.
func (s *Server) Access(ctx context.Context, id int64) (app.Access, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Access{}, err
	}
	r, err := s.Tenant.Access.Access(ctx, in.ID)
	return app.Access{
		Integration: in, Reach: toReach(r.Account, r.Admin, r.Scopes, r.Places), Remarks: each(r.Remarks, toRemark), Owners: r.Owners,
		Due: moment(r.Due), Reviewed: moment(r.ReviewedAt),
	}, err
}

func toReview(integration int64) func(api.Review) app.AccessReview {
	return func(r api.Review) app.AccessReview {
		return app.AccessReview{
			ID: r.ID, Integration: integration, At: moment(r.At), By: r.By, Note: known(r.Note),
			Reach: toReach(r.Account, r.Admin, r.Scopes, r.Places), Remarks: each(r.Remarks, toRemark),
		}
	}
}

// ReviewAccess records that one looked at what an account reaches. By whom the server
// knows by the token.
func (s *Server) ReviewAccess(ctx context.Context, id int64, _, note string) (app.AccessReview, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.AccessReview{}, err
	}
	r, err := s.Tenant.Access.Review(ctx, in.ID, "", note)
	return toReview(in.ID)(r), err
}

// AccessReviews lists reviews, the latest first. The API lists 500 at most.
func (s *Server) AccessReviews(ctx context.Context, id int64, most int) ([]app.AccessReview, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return nil, err
	}
	got, err := s.Tenant.Access.Reviews(ctx, in.ID, min(most, 500))
	return each(got, toReview(in.ID)), err
}

// AccessOwners is who looks after an account.
func (s *Server) AccessOwners(ctx context.Context, id int64) ([]string, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return nil, err
	}
	got, err := s.Owners.Owners(ctx, in.ID)
	return got.Owners, err
}

// SetAccessOwners says who looks after an account.
func (s *Server) SetAccessOwners(ctx context.Context, id int64, addresses []string) (owners, weak []string, err error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	got, err := s.Owners.SetOwners(ctx, in.ID, addresses)
	return got.Owners, got.Warnings, err
}

func toWebhook(w api.Webhook) app.Webhook {
	out := app.Webhook{URL: w.URL}
	out.ID, out.Integration, out.TargetID, out.Target = w.ID, w.Integration, w.TargetID, w.Target
	out.Level = hooks.Level(w.Level)
	out.GitLabID, out.Signing, out.Alert, out.AlertUntil = known(w.GitLabID), w.Signing, known(w.Alert), moment(w.AlertUntil)
	out.Trouble, out.CheckedAt, out.SeenAt = known(w.Trouble), moment(w.CheckedAt), moment(w.SeenAt)
	out.Accepted, out.Repeated, out.Ignored, out.Refused = w.Accepted, w.Repeated, w.Ignored, w.Refused
	return out
}

// Webhooks lists the webhooks; with refresh GitLab is asked how they do.
func (s *Server) Webhooks(ctx context.Context, refresh bool) ([]app.Webhook, error) {
	if refresh {
		got, err := s.Hooks.Look(ctx)
		return each(got, toWebhook), err
	}
	got, err := s.Integrations.Webhooks(ctx)
	return each(got, toWebhook), err
}

// AddWebhook makes a webhook in GitLab, or renews the one there is.
func (s *Server) AddWebhook(ctx context.Context, r app.WebhookRequest) (app.Webhook, error) {
	w, err := s.Hooks.Add(ctx, api.AddWebhook{Integration: r.Integration, URL: r.URL, Group: r.Group, Project: r.Project, InsecureHTTP: r.InsecureHTTP})
	return toWebhook(w), err
}

// TestWebhook has GitLab deliver something now.
func (s *Server) TestWebhook(ctx context.Context, id int64) (app.Webhook, error) {
	w, err := s.Hooks.Test(ctx, id)
	return toWebhook(w), err
}

// RemoveWebhook deletes a webhook in GitLab.
func (s *Server) RemoveWebhook(ctx context.Context, id int64) error { return s.Hooks.Remove(ctx, id) }

func toStored(c api.Credential) credential.Stored {
	return credential.Stored{
		Token:       credential.Token{ID: known(c.TokenID), Name: known(c.Name), Scopes: c.Scopes, ExpiresAt: moment(c.ExpiresAt), MadeAt: moment(c.MadeAt)},
		Integration: c.Integration, State: credential.State(c.State), InUse: true, AddedAt: moment(c.AddedAt), VerifiedAt: moment(c.VerifiedAt), Reason: known(c.Reason),
	}
}

func toToken(c api.Credential, in integration.Integration) app.TokenStatus {
	return app.TokenStatus{
		Integration: in, Token: toStored(c), Every: time.Duration(known(c.RotateDays)) * 24 * time.Hour, Next: moment(c.RotatesAt), WhyNot: known(c.WhyNot),
		CheckedAt: moment(c.CheckedAt), Trouble: known(c.Trouble), Rotating: c.Rotating,
	}
}
