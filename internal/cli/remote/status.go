package remote

import (
	"context"
	"errors"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/plan"
)

// Status is what there is, in numbers.
func (s *Server) Status(ctx context.Context) (app.Status, error) {
	now, err := s.Tenant.Status.Status(ctx)
	if err != nil {
		return app.Status{}, err
	}
	out := app.Status{
		Open: now.Issues.Open, Closed: now.Issues.Closed, InDoubt: now.Issues.InDoubt, Unseen: now.Issues.Unseen,
		Present: map[finding.Kind]int{}, Absent: now.Findings.Absent, Savings: totals(now.Savings), Unknown: now.UnknownSavings,
		Pulls: each(now.Pulls, toPull), Waiting: each(now.Waiting, toRun), Broken: now.Broken, Deliveries: now.Deliveries, Refused: now.Refused,
	}
	for kind, n := range map[finding.Kind]int{finding.Cost: now.Findings.Cost, finding.System: now.Findings.System, finding.Custom: now.Findings.Custom} {
		if n > 0 {
			out.Present[kind] = n
		}
	}
	return out, s.rest(ctx, &out, now)
}

// rest is what the API has elsewhere.
func (s *Server) rest(ctx context.Context, out *app.Status, now api.Summary) error {
	var err, failed error
	out.Integrations, err = s.integrations(ctx)
	of := map[int64]integration.Integration{}
	for _, in := range out.Integrations {
		of[in.ID] = in
	}
	hooks, failed := s.Integrations.Webhooks(ctx)
	out.Webhooks = each(hooks, toWebhook)
	err = errors.Join(err, failed)
	tokens, failed := s.Credentials.Credentials(ctx)
	out.Tokens = each(tokens, func(c api.Credential) app.TokenStatus { return toToken(c, of[c.Integration]) })
	err = errors.Join(err, failed)
	out.Reviews = each(now.Reviews, func(d api.DueReview) app.DueReview {
		return app.DueReview{Integration: of[d.Integration], Since: moment(d.Since)}
	})
	if now.LastRun != nil {
		last, failed := s.Journal.Run(ctx, *now.LastRun)
		out.LastRun, err = toRun(last), errors.Join(err, failed)
	}
	return err
}

func toPull(p api.Pull) finding.Pull {
	return finding.Pull{
		ID: p.ID, Source: p.Source, Scope: p.Scope, ReceivedAt: moment(p.ReceivedAt), Complete: p.Complete, Reasons: p.Reasons, Files: p.Files,
		New: p.New, Changed: p.Changed, Unchanged: p.Unchanged, Absent: p.Absent, Missing: p.Missing, Skipped: p.Skipped,
	}
}

func toRun(r api.Run) plan.Run {
	return plan.Run{
		ID: r.ID, Integration: known(r.Integration), State: plan.RunState(r.State), Why: known(r.Why), Shared: r.Queued, Undoes: known(r.Undoes),
		ApprovedBy: known(r.ApprovedBy), ApprovedAt: moment(r.ApprovedAt), RejectedBy: known(r.RejectedBy), Rejection: known(r.Rejection), StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt),
		Steps: r.Steps, Done: r.Done, Failed: r.Failed, InDoubt: r.InDoubt, Skipped: r.Skipped,
	}
}
