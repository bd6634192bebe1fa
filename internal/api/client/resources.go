package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cxm/internal/api"
	"cxm/internal/credential"
)

type status struct{ c *Client }

func (s status) Status(ctx context.Context) (api.Summary, error) {
	return get[api.Summary](ctx, s.c, "/v1/status")
}

type findings struct{ c *Client }

func (f findings) Findings(ctx context.Context, by api.FindingFilter, s api.Slice) ([]api.Finding, api.Cursor, error) {
	return page[api.Finding](ctx, f.c, "/v1/findings", by, s)
}

func (f findings) Finding(ctx context.Context, key string) (api.Finding, error) {
	return get[api.Finding](ctx, f.c, at("/v1/findings/%s", key))
}

func (f findings) Why(ctx context.Context, key string) ([]api.Stand, error) {
	return list[api.Stand](ctx, f.c, at("/v1/findings/%s/why", key), nil)
}

func (f findings) Groups(ctx context.Context, rule string, s api.Slice) ([]api.Group, api.Cursor, error) {
	return page[api.Group](ctx, f.c, "/v1/groups", struct {
		Rule string `query:"rule"`
	}{rule}, s)
}

func (f findings) Explain(ctx context.Context, about string, integration int64) (api.Explanation, error) {
	return get[api.Explanation](ctx, f.c, "/v1/why", struct {
		About       string `query:"about"`
		Integration int64  `query:"integration"`
	}{about, integration})
}

type issues struct{ c *Client }

func (i issues) Issues(ctx context.Context, by api.IssueFilter, s api.Slice) ([]api.Issue, api.Cursor, error) {
	return page[api.Issue](ctx, i.c, "/v1/issues", by, s)
}

func (i issues) Issue(ctx context.Context, id int64) (api.Issue, error) {
	return get[api.Issue](ctx, i.c, at("/v1/issues/%d", id))
}

func (i issues) Decisions(ctx context.Context, integration int64, s api.Slice) ([]api.Decision, api.Cursor, error) {
	return page[api.Decision](ctx, i.c, "/v1/decisions", struct {
		Integration int64 `query:"integration"`
	}{integration}, s)
}

type journal struct{ c *Client }

func (j journal) Runs(ctx context.Context, by api.RunFilter, s api.Slice) ([]api.Run, api.Cursor, error) {
	return page[api.Run](ctx, j.c, "/v1/runs", by, s)
}

func (j journal) Run(ctx context.Context, id int64) (api.Run, error) {
	return get[api.Run](ctx, j.c, at("/v1/runs/%d", id))
}

func (j journal) Entries(ctx context.Context, by api.EntryFilter, s api.Slice) ([]api.Entry, api.Cursor, error) {
	return page[api.Entry](ctx, j.c, "/v1/journal", by, s)
}

type runs struct{ c *Client }

func (r runs) Plan(ctx context.Context, integration int64) (api.Plan, error) {
	return work[api.Plan](ctx, r.c, "/v1/plans", api.MakePlan{Integration: integration})
}

func (r runs) Start(ctx context.Context, integration int64, digest string) (api.Started, error) {
	return work[api.Started](ctx, r.c, "/v1/runs", api.StartRun{Integration: integration, Plan: digest})
}

// Approve lets a run go. By whom the server knows by the token.
func (r runs) Approve(ctx context.Context, run int64, _ string) (api.Run, error) {
	return work[api.Run](ctx, r.c, at("/v1/runs/%d/approve", run), nil)
}

// Reject says no to a run. By whom the server knows by the token.
func (r runs) Reject(ctx context.Context, run int64, _, why string) (api.Run, error) {
	return post[api.Run](ctx, r.c, at("/v1/runs/%d/reject", run), api.RejectRun{Reason: why})
}

func (r runs) PlanUndo(ctx context.Context, run int64) (api.UndoPlan, error) {
	out, _, err := ask[api.UndoPlan](ctx, r.c, request{method: http.MethodGet, path: at("/v1/runs/%d/undo", run), slow: true})
	return out, err
}

func (r runs) Undo(ctx context.Context, run int64, digest string) (api.Started, error) {
	return work[api.Started](ctx, r.c, at("/v1/runs/%d/undo", run), api.UndoRun{Plan: digest})
}

type ruled struct{ c *Client }

func (r ruled) Rules(ctx context.Context) (api.Revision, error) {
	return get[api.Revision](ctx, r.c, "/v1/rules")
}

// Apply puts rules in force over the revision that was seen. Whose they are the server
// knows by the token.
func (r ruled) Apply(ctx context.Context, c api.RulesChange) (api.Revision, error) {
	out, _, err := ask[api.Revision](ctx, r.c, request{
		method: http.MethodPut, path: "/v1/rules", match: api.RulesTag(c.Expected), slow: true,
		body: api.PutRules{RulesText: api.RulesText{Text: c.Text}, Note: c.Note},
	})
	return out, err
}

func (r ruled) Validate(ctx context.Context, text string) (api.Validation, error) {
	return post[api.Validation](ctx, r.c, "/v1/rules/validate", api.RulesText{Text: text})
}

func (r ruled) Preview(ctx context.Context, integration int64, text string) (api.Preview, error) {
	return work[api.Preview](ctx, r.c, "/v1/rules/preview", api.PreviewRules{RulesText: api.RulesText{Text: text}, Integration: integration})
}

func (r ruled) Revisions(ctx context.Context, most int) ([]api.Revision, error) {
	return list[api.Revision](ctx, r.c, "/v1/rules/revisions", listing{Limit: most})
}

func (r ruled) Revision(ctx context.Context, number int64) (api.Revision, error) {
	return get[api.Revision](ctx, r.c, at("/v1/rules/revisions/%d", number))
}

func (r ruled) Rollback(ctx context.Context, number int64, c api.RulesChange) (api.Revision, error) {
	out, _, err := ask[api.Revision](ctx, r.c, request{
		method: http.MethodPost, path: at("/v1/rules/revisions/%d/rollback", number), match: api.RulesTag(c.Expected), slow: true, body: api.Note{Note: c.Note},
	})
	return out, err
}

type suggestions struct{ c *Client }

func (s suggestions) Suggestions(ctx context.Context, all bool) ([]api.Suggestion, error) {
	return list[api.Suggestion](ctx, s.c, "/v1/suggestions", struct {
		All bool `query:"all"`
	}{all})
}

func (s suggestions) Accept(ctx context.Context, number int64, _, note string) (api.Revision, error) {
	return work[api.Revision](ctx, s.c, at("/v1/suggestions/%d/accept", number), api.Note{Note: note})
}

func (s suggestions) Dismiss(ctx context.Context, number int64, _, reason string) (api.Suggestion, error) {
	return post[api.Suggestion](ctx, s.c, at("/v1/suggestions/%d/dismiss", number), api.Note{Note: reason})
}

type attention struct{ c *Client }

func (a attention) Backlog(ctx context.Context, integration int64) ([]api.Backlog, error) {
	return list[api.Backlog](ctx, a.c, "/v1/backlog", struct {
		Integration int64 `query:"integration"`
	}{integration})
}

func (a attention) Campaigns(ctx context.Context) ([]api.Campaign, error) {
	return list[api.Campaign](ctx, a.c, "/v1/campaigns", nil)
}

type sources struct{ c *Client }

func (s sources) Sources(ctx context.Context) ([]api.Source, error) {
	return list[api.Source](ctx, s.c, "/v1/sources", nil)
}

func (s sources) Add(ctx context.Context, want api.AddSource) (api.Source, credential.Secret, error) {
	made, err := post[api.MadeSource](ctx, s.c, "/v1/sources", want)
	return secret(made.Source, made.Value, err, "`cxm source rotate` makes another one")
}

func (s sources) Rotate(ctx context.Context, name string, overlap time.Duration) (api.Source, credential.Secret, error) {
	made, err := post[api.MadeSource](ctx, s.c, at("/v1/sources/%s/rotate", name), api.RotateSource{Overlap: int(overlap.Minutes())})
	return secret(made.Source, made.Value, err, "`cxm source rotate` makes another one")
}

func (s sources) Enable(ctx context.Context, name string, enabled bool) error {
	_, err := patch[api.Source](ctx, s.c, at("/v1/sources/%s", name), api.EnableSource{Enabled: enabled})
	return err
}

func (s sources) Remove(ctx context.Context, name string) error {
	return remove(ctx, s.c, at("/v1/sources/%s", name))
}

type deliveries struct{ c *Client }

func (d deliveries) Scopes(ctx context.Context) ([]api.Scope, error) {
	return list[api.Scope](ctx, d.c, "/v1/scopes", nil)
}

func (d deliveries) Pulls(ctx context.Context, source, scope string, s api.Slice) ([]api.Pull, api.Cursor, error) {
	return page[api.Pull](ctx, d.c, "/v1/pulls", struct {
		Source string `query:"source"`
		Scope  string `query:"scope"`
	}{source, scope}, s)
}

func (d deliveries) Refused(ctx context.Context, most int) ([]api.RefusedDelivery, error) {
	return list[api.RefusedDelivery](ctx, d.c, "/v1/deliveries/refused", listing{Limit: most})
}

func (d deliveries) Discard(ctx context.Context, id int64) error {
	return remove(ctx, d.c, at("/v1/deliveries/refused/%d", id))
}

type audits struct{ c *Client }

func (a audits) Lines(ctx context.Context, by api.AuditFilter, s api.Slice) ([]api.AuditLine, api.Cursor, error) {
	return page[api.AuditLine](ctx, a.c, "/v1/audit", by, s)
}

func (a audits) Verify(ctx context.Context) (api.AuditReport, error) {
	out, _, err := ask[api.AuditReport](ctx, a.c, request{method: http.MethodGet, path: "/v1/audit/verification", slow: true})
	return out, err
}

// revoking is the query of what revokes a token as well.
func revoking(revoke bool) url.Values {
	if !revoke {
		return nil
	}
	return url.Values{"revoke": {strconv.FormatBool(revoke)}}
}
