package edge

import (
	"context"
	"errors"
	"net/http"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app/deciding"
	"cxm/internal/finding"
	"cxm/internal/store/decisions"
)

type decides struct {
	findings
}

func (d decides) Decide(ctx context.Context, key string, what api.NewFindingDecision) (api.FindingDecision, error) {
	got, err := d.one(ctx, key)
	if err != nil {
		return api.FindingDecision{}, err
	}
	until, err := finding.ParseUntil(what.Until)
	if err != nil {
		return api.FindingDecision{}, undecidable(err)
	}
	made, err := d.app.DecideFinding(ctx, string(got.Finding.FindingKey), finding.Decided{
		Decision: finding.Decision(what.Decision), Reason: what.Reason, Until: until,
	})
	return d.toDecision(got.Finding.FindingKey)(made.Decision), undecidable(err)
}

// undecidable is fault for what is wrong with a decision, at its place.
func undecidable(err error) error {
	if f, ok := errors.AsType[*finding.Fault](err); ok {
		return &door.Problem{Status: http.StatusUnprocessableEntity, Detail: f.Text, Errors: []door.Place{{Message: f.Text, Location: "body." + f.Field}}}
	}
	if one, ok := errors.AsType[*deciding.NotOneError](err); ok {
		return missing("%s", one.Error())
	}
	return fault(err)
}

func (d decides) Of(ctx context.Context, key string, s api.Slice) ([]api.FindingDecision, api.Cursor, error) {
	got, err := d.one(ctx, key)
	if err != nil {
		return nil, api.Cursor{}, err
	}
	rows, err := d.app.FindingDecisions(ctx, got.Finding.FindingKey, s.After.ID, s.Size)
	return each(rows, d.toDecision(got.Finding.FindingKey)), last(rows, s.Size, func(r decisions.Decision) int64 { return r.ID }), fault(err)
}

func (d decides) Standing(ctx context.Context, f api.StandingFilter, s api.Slice) ([]api.StandingDecision, api.Cursor, error) {
	of := finding.Decision(f.Decision)
	if f.Review && of == "" {
		of = finding.Exception
	}
	rows, err := d.app.StandingDecisions(ctx, of, s.After.ID, s.Size)
	var out []api.StandingDecision
	for _, r := range rows {
		if f.Review && !r.ReviewDue(d.app.Clock()) {
			continue
		}
		out = append(out, api.StandingDecision{
			FindingDecision: d.toDecision(r.Finding.FindingKey)(r.Decision), Title: r.Finding.Title,
			Savings: api.NewMoney(r.Finding.EstimatedMonthlySavings, r.Finding.BillingCurrency), Detection: string(r.Detection),
		})
	}
	return out, last(rows, s.Size, func(r decisions.Standing) int64 { return r.ID }), fault(err)
}

// last is where the page behind one begins that runs backwards by id.
func last[T any](rows []T, size int, id func(T) int64) api.Cursor {
	if len(rows) == 0 || len(rows) < size {
		return api.Cursor{}
	}
	return api.Cursor{ID: id(rows[len(rows)-1])}
}

func (d decides) toDecision(key finding.Key) func(decisions.Decision) api.FindingDecision {
	return func(r decisions.Decision) api.FindingDecision {
		return api.FindingDecision{ID: r.ID, Finding: string(key), Standing: r.Standing, Decided: *toDecided(r.Decided, d.app.Clock())}
	}
}

// toDecided is nil where nothing was ever decided.
func toDecided(d finding.Decided, now time.Time) *api.Decided {
	if d.Decision == "" {
		return nil
	}
	return &api.Decided{
		Decision: string(d.Decision), InEffect: d.Now(now) == d.Decision, Reason: api.Some(d.Reason), By: d.By,
		At: api.At(d.At), Until: api.At(d.Until), Review: d.ReviewDue(now),
	}
}
