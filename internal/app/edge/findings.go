package edge

import (
	"context"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/lists"
)

type findings struct {
	app   *app.App
	lists *lists.Store
}

func (f findings) Findings(ctx context.Context, by api.FindingFilter, s api.Slice) ([]api.Finding, api.Cursor, error) {
	rows, next, err := f.lists.Findings(ctx, lists.FindingFilter{
		Kind: finding.Kind(by.Kind), Detection: finding.Detection(by.Detection), Account: by.Account, Source: by.Source, Scope: by.Scope,
		Rule: by.Rule, Search: by.Q, ByWorth: by.Order == "worth",
	}, slice(s))
	return each(rows, f.shown), api.Cursor(next), err
}

func (f findings) Finding(ctx context.Context, key string) (api.Finding, error) {
	got, err := f.one(ctx, key)
	return f.shown(got), err
}

func (f findings) one(ctx context.Context, key string) (lists.Finding, error) {
	k, err := finding.ParseKey(key)
	if err != nil {
		return lists.Finding{}, missing("there is no finding %.80q: GET /v1/findings lists them", key)
	}
	got, err := f.lists.Finding(ctx, k)
	return got, fault(err)
}

func (f findings) Why(ctx context.Context, key string) ([]api.Stand, error) {
	got, err := f.one(ctx, key)
	if err != nil {
		return nil, err
	}
	why, err := f.app.Why(ctx, string(got.Finding.FindingKey), 0)
	return each(why.Stands, toStand), fault(err)
}

func toStand(s app.Stand) api.Stand {
	return api.Stand{
		Finding: string(s.Finding.FindingKey), Title: s.Finding.Title, Resource: api.Some(s.Finding.ResourceID), Group: string(s.Group),
		Integration: api.Some(s.Integration.ID), Path: api.List(s.Path), Stage: string(s.Stage), Answer: s.Answer, Mend: api.Some(s.Mend), IssueURL: api.Some(s.URL),
	}
}

func (f findings) Explain(ctx context.Context, about string, integration int64) (api.Explanation, error) {
	if integration != 0 {
		if _, err := chosen(ctx, f.app, integration); err != nil {
			return api.Explanation{}, err
		}
	}
	w, err := f.app.Why(ctx, about, integration)
	return api.Explanation{
		Asked: w.Asked, Stands: each(w.Stands, toStand), Stage: api.Some(string(w.Stage)), Answer: api.Some(w.Answer), Mend: api.Some(w.Mend),
	}, refusal(err, "query.about")
}

func (f findings) Groups(ctx context.Context, of string, s api.Slice) ([]api.Group, api.Cursor, error) {
	rows, next, err := f.lists.Groups(ctx, of, slice(s))
	return each(rows, func(g lists.Group) api.Group {
		return api.Group{Key: string(g.Key), Rule: api.Some(g.Rule), Ignored: api.Some(g.Ignored), Findings: g.Findings, Changed: g.Dirty}
	}), api.Cursor(next), err
}

// each is a list of something else.
func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, 0, len(all))
	for _, one := range all {
		out = append(out, f(one))
	}
	return out
}

// shown is a finding as the API has it now.
func (f findings) shown(l lists.Finding) api.Finding {
	out := toFinding(l)
	out.Decided = toDecided(l.Decided, f.app.Clock())
	return out
}

func toFinding(l lists.Finding) api.Finding {
	f := l.Finding
	out := api.Finding{
		Key: string(f.FindingKey), Kind: string(f.Kind), Class: api.Some(string(f.FindingClass)), Detection: string(l.Sighting.Detection),
		Since: api.At(l.Sighting.Since), Absences: l.Sighting.Absences, Title: f.Title, Description: api.Some(f.Description), Remediation: api.Some(f.Remediation),
		References: api.List(f.References), Severity: f.SeverityID.String(), Action: api.Some(f.ActionType),
		Savings: api.NewMoney(f.EstimatedMonthlySavings, f.BillingCurrency), Cost: api.NewMoney(f.EstimatedMonthlyCost, f.BillingCurrency), Basis: api.Some(f.SavingsBasis),
		Provider: api.Some(f.ProviderName), BillingID: api.Some(f.BillingAccountID), AccountID: api.Some(f.SubAccountID), Account: api.Some(f.SubAccountName),
		Region: api.Some(f.RegionID), Service: api.Some(f.ServiceName), Tags: f.Tags, Effort: api.Some(f.ImplementationEffort),
		Restart: f.RestartNeeded, Rollback: f.RollbackPossible, ObservedAt: api.At(f.FirstObservedAt),
		Resource: api.Resource{ID: api.Some(f.ResourceID), Name: api.Some(f.ResourceName), Type: api.Some(f.ResourceType), Aliases: api.List(f.ResourceAliases)},
		Source: api.Origin{
			Type: l.Source, Scope: l.Scope, System: f.SourceSystem, Instance: api.Some(f.SourceInstance), FindingID: api.Some(f.SourceFindingID),
			RuleID: api.Some(f.SourceRuleID), URL: api.Some(f.SourceURL),
		},
		Group: string(l.Group), Rule: api.Some(l.Rule), Ignored: api.Some(l.Ignored),
	}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out
}

type issues struct {
	app   *app.App
	lists *lists.Store
}

func (i issues) Issues(ctx context.Context, by api.IssueFilter, s api.Slice) ([]api.Issue, api.Cursor, error) {
	rows, next, err := i.lists.Issues(ctx, lists.IssueFilter{
		Integration: by.Integration, Project: by.Project, State: issue.State(by.State), Phase: issue.Phase(by.Phase), Team: by.Team, Group: rule.GroupKey(by.Group),
	}, slice(s))
	return each(rows, toIssue), api.Cursor(next), err
}

func (i issues) Issue(ctx context.Context, id int64) (api.Issue, error) {
	found, err := i.app.Store.Issues(ctx, []int64{id})
	if t, ok := found[id]; ok && err == nil {
		return toIssue(t), nil
	}
	if err != nil {
		return api.Issue{}, err
	}
	return api.Issue{}, missing("cxm has no issue %d of its own: GET /v1/issues lists them", id)
}

func (i issues) Decisions(ctx context.Context, integration int64, s api.Slice) ([]api.Decision, api.Cursor, error) {
	rows, next, err := i.lists.Issues(ctx, lists.IssueFilter{Integration: integration, Phase: issue.Live}, slice(s))
	var out []api.Decision
	for _, t := range rows {
		if d, ok := decision(t); ok {
			out = append(out, d)
		}
	}
	return out, api.Cursor(next), err
}

// decision is what people decided about an issue, as the states of it say.
func decision(t issue.Tracked) (api.Decision, bool) {
	switch t.Override {
	case issue.Closed:
		return api.Decision{Decision: "closed by a person", At: api.At(t.Observed.ClosedAt), Issue: toIssue(t),
			Means: "cxm leaves it closed, until its saving doubles or its severity rises"}, true
	case issue.Opened:
		return api.Decision{Decision: "reopened by a person", At: api.At(t.Observed.UpdatedAt), Issue: toIssue(t),
			Means: "cxm leaves it open: it is theirs to close"}, true
	}
	return api.Decision{}, false
}

func toIssue(t issue.Tracked) api.Issue {
	o := t.Observed
	out := api.Issue{
		ID: t.ID, Integration: t.Integration, Group: string(t.Group), Phase: string(t.Phase), Project: o.ProjectID, IID: api.Some(o.IID), URL: api.Some(o.WebURL),
		Title: o.Title, State: api.Some(string(o.State)), Labels: api.List(o.Labels), Team: api.Some(t.Team), Trouble: api.Some(t.Trouble),
		CreatedAt: api.At(o.CreatedAt), UpdatedAt: api.At(o.UpdatedAt), ClosedAt: api.At(o.ClosedAt),
		Assignees: each(o.Assignees, func(p issue.Person) string { return p.Username }),
	}
	switch t.Override {
	case issue.Closed:
		out.Decision = api.Some("closed by a person")
	case issue.Opened:
		out.Decision = api.Some("reopened by a person")
	}
	return out
}

type journal struct {
	app   *app.App
	lists *lists.Store
}

func (j journal) Runs(ctx context.Context, by api.RunFilter, s api.Slice) ([]api.Run, api.Cursor, error) {
	rows, next, err := j.lists.Runs(ctx, lists.RunFilter{Integration: by.Integration, State: plan.RunState(by.State)}, slice(s))
	return each(rows, toRun), api.Cursor(next), err
}

func (j journal) Run(ctx context.Context, id int64) (api.Run, error) {
	r, err := run(ctx, j.app, id)
	return toRun(r), err
}

// run is a run without its journal, which may be long.
func run(ctx context.Context, a *app.App, id int64) (plan.Run, error) {
	r, err := lists.New(a.DB.Base(), a.Tenant).Run(ctx, id)
	if err != nil && statusOf(err) != 0 {
		return r, missing("there is no run %d: GET /v1/runs lists them", id)
	}
	return r, err
}

func (j journal) Entries(ctx context.Context, by api.EntryFilter, s api.Slice) ([]api.Entry, api.Cursor, error) {
	rows, next, err := j.lists.Entries(ctx, lists.EntryFilter{Group: rule.GroupKey(by.Group), Run: by.Run, Outcome: plan.Outcome(by.Outcome)}, slice(s))
	return each(rows, func(e plan.Entry) api.Entry {
		return api.Entry{
			ID: e.ID, Run: e.Run, Seq: e.Seq, Verb: e.Verb.Word(), Reason: e.Reason, Group: string(e.Group), Issue: api.Some(e.Issue), Outcome: string(e.Outcome),
			Trouble: api.Some(e.Trouble), Calls: e.Calls, WroteAt: api.At(e.WroteAt), EndedAt: api.At(e.EndedAt), Summary: e.Summary, Title: e.Title, URL: api.Some(e.WebURL),
		}
	}), api.Cursor(next), err
}

func toRun(r plan.Run) api.Run {
	return api.Run{
		ID: r.ID, Integration: api.Some(r.Integration), State: string(r.State), Why: api.Some(r.Why), Queued: r.Shared, Undoes: api.Some(r.Undoes),
		ApprovedBy: api.Some(r.ApprovedBy), ApprovedAt: api.At(r.ApprovedAt), RejectedBy: api.Some(r.RejectedBy), Rejection: api.Some(r.Rejection), StartedAt: api.At(r.StartedAt), FinishedAt: api.At(r.FinishedAt),
		Steps: r.Steps, Done: r.Done, Failed: r.Failed, InDoubt: r.InDoubt, Skipped: r.Skipped,
	}
}
