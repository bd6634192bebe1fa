package edge

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/feed"
	"cxm/internal/app/sourcing"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/source"
	"cxm/internal/store/lists"
	"cxm/internal/store/scopes"
	"cxm/internal/store/sources"
)

type places struct{ app *app.App }

func toSource(s sourcing.Source) api.Source {
	return api.Source{
		Name: s.Name, Type: string(s.Type), Scope: s.Scope, Path: s.Path(), Currency: api.Some(s.Options.Currency),
		Instance: api.Some(s.Options.Instance), Former: api.At(s.FormerUntil), Enabled: s.Enabled, Rate: api.Some(s.Rate), TokenAt: api.At(s.TokenAt),
		CreatedAt: api.At(s.CreatedAt), UsedAt: api.At(s.UsedAt), Accepted: s.Accepted, Events: s.Events, Repeated: s.Repeated, Refused: s.Refused,
	}
}

func (p places) Sources(ctx context.Context) ([]api.Source, error) {
	all, err := p.app.ConfiguredSources(ctx)
	return each(all, toSource), err
}

func (p places) Add(ctx context.Context, want api.AddSource) (api.Source, credential.Secret, error) {
	kind, err := source.ParseType(want.Type)
	if err != nil {
		return api.Source{}, credential.Secret{}, refusal(err, "body.type")
	}
	if err := sourcing.ParseName(want.Name); err != nil {
		return api.Source{}, credential.Secret{}, refusal(err, "body.name")
	}
	s, value, err := p.app.AddSource(ctx, sourcing.Request{
		Name: want.Name, Type: kind, Scope: want.Scope, Rate: want.Rate, Options: source.Options{Currency: want.Currency, Instance: want.Instance, IncludeAll: want.All},
	})
	return toSource(s), value, refusal(err, "body")
}

func (p places) Rotate(ctx context.Context, name string, overlap time.Duration) (api.Source, credential.Secret, error) {
	s, value, err := p.app.RotateSource(ctx, name, overlap)
	return toSource(s), value, fault(err)
}

func (p places) Enable(ctx context.Context, name string, enabled bool) error {
	return fault(p.app.EnableSource(ctx, name, enabled))
}

func (p places) Remove(ctx context.Context, name string) error {
	return fault(p.app.RemoveSource(ctx, name))
}

type delivered struct {
	app   *app.App
	lists *lists.Store
}

// pulls is how many of the last pulls of a scope tell how it fares.
const pulls = 8

func (d delivered) Scopes(ctx context.Context) ([]api.Scope, error) {
	all, err := scopes.New(d.app.DB.Base(), d.app.Tenant).Healths(ctx, pulls)
	all = slices.DeleteFunc(all, func(h scopes.Health) bool { return h.Source == "" }) // it stands for none
	return each(all, func(h scopes.Health) api.Scope {
		now := feed.Judge(h, d.app.Clock())
		return api.Scope{
			Source: h.Source, Scope: h.Scope, Health: cmp.Or(string(now.Kind), "ok"), Why: api.Some(now.Why), Refused: api.At(h.Refused.At),
			Pulls: each(h.Pulls, func(p scopes.Pull) api.ScopePull {
				return api.ScopePull{At: api.At(p.At), Complete: p.Complete, Reasons: api.List(p.Reasons)}
			}),
		}
	}), err
}

func (d delivered) Pulls(ctx context.Context, of, scope string, s api.Slice) ([]api.Pull, api.Cursor, error) {
	rows, next, err := d.lists.Pulls(ctx, of, scope, slice(s))
	return each(rows, toPull), api.Cursor(next), err
}

func toPull(p finding.Pull) api.Pull {
	return api.Pull{
		ID: p.ID, Source: p.Source, Scope: p.Scope, ReceivedAt: api.At(p.ReceivedAt), Complete: p.Complete, Reasons: api.List(p.Reasons), Files: api.List(p.Files),
		New: p.New, Changed: p.Changed, Unchanged: p.Unchanged, Absent: p.Absent, Missing: p.Missing, Skipped: p.Skipped,
	}
}

func (d delivered) Refused(ctx context.Context, most int) ([]api.RefusedDelivery, error) {
	all, err := d.app.RefusedDeliveries(ctx, most)
	return each(all, func(r sources.Refused) api.RefusedDelivery {
		return api.RefusedDelivery{ID: r.ID, Source: r.Type, Scope: r.Scope, ReceivedAt: api.At(r.ReceivedAt), Why: r.Why}
	}), err
}

func (d delivered) Discard(ctx context.Context, id int64) error {
	return fault(d.app.DiscardDelivery(ctx, id))
}

type summary struct{ app *app.App }

func (s summary) Status(ctx context.Context) (api.Summary, error) {
	now, err := s.app.Status(ctx)
	if err != nil {
		return api.Summary{}, err
	}
	out := api.Summary{
		Issues:   api.IssueCounts{Open: now.Open, Closed: now.Closed, InDoubt: now.InDoubt, Unseen: now.Unseen},
		Findings: api.FindingCounts{Cost: now.Present[finding.Cost], System: now.Present[finding.System], Custom: now.Present[finding.Custom], Absent: now.Absent},
		Savings:  api.NewTotals(now.Savings), UnknownSavings: now.Unknown, Deliveries: now.Deliveries, Refused: now.Refused,
		Waiting: each(now.Waiting, toRun), LastRun: api.Some(now.LastRun.ID), Troubles: api.List(now.Broken),
		Pulls: each(now.Pulls, toPull), Broken: api.List(now.Broken),
		Reviews: each(now.Reviews, func(d app.DueReview) api.DueReview {
			return api.DueReview{Integration: d.Integration.ID, Since: api.At(d.Since)}
		}),
	}
	for _, w := range now.Webhooks {
		if w.Trouble != "" {
			out.Troubles = append(out.Troubles, "The webhook of "+w.Target+" does not work: "+w.Trouble)
		}
	}
	for _, t := range now.Tokens {
		if t.Trouble != "" {
			out.Troubles = append(out.Troubles, "The token for "+t.Integration.URL+": "+t.Trouble)
		}
	}
	return out, nil
}
