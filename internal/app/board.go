package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/gitlab/rest"
	"cxm/internal/plan"
	"cxm/internal/serve"
	"cxm/internal/status"
	"cxm/internal/store/why"
	"cxm/internal/tracing"
)

// counted is what hears of calls to GitLab, counted for the metrics and traced as
// well; b and t may be nil.
func counted(observe func(rest.Sent), b *status.Board, t *tracing.Tracing) func(rest.Sent) {
	if b == nil && t == nil {
		return observe
	}
	return func(s rest.Sent) {
		if b != nil {
			b.Called(s.Method, s.Route, strconv.Itoa(s.Status), s.Duration)
			if s.Left >= 0 {
				b.Left(s.Instance, s.Account, s.Left)
			}
		}
		t.Called(s.Context, s.Method, s.Route, s.Status, s.Duration)
		if observe != nil {
			observe(s)
		}
	}
}

// boardMounts are the status page and the metrics.
func (a *App) boardMounts() []serve.Mount {
	mux := http.NewServeMux()
	a.board.Register(mux)
	return []serve.Mount{{Pattern: "GET /metrics", Handler: mux}, {Pattern: "GET /{$}", Handler: mux}, {Pattern: "GET /status.css", Handler: mux}}
}

// report is how cxm is, from what is stored.
func (i *installation) report(ctx context.Context) (status.Report, error) {
	r := status.Report{Version: i.config.Version, At: i.config.Clock().UTC()}
	stats, err := i.outbox.queue.Stats(ctx)
	if err != nil {
		return r, fmt.Errorf("reading how the queue is: %w", err)
	}
	for _, c := range stats.Counts {
		r.Jobs = append(r.Jobs, status.Jobs{Kind: c.Kind, State: string(c.State), Number: c.Jobs})
	}
	r.Oldest = stats.Oldest
	return r, i.each(ctx, func(a *App) error {
		t, err := a.reportOf(ctx)
		r.Tenants = append(r.Tenants, t)
		return err
	})
}

// Waits is how long the oldest job of each kind that waits has waited, over all
// tenants; of a kind of which none waits there is none.
func (i *installation) Waits(ctx context.Context) (map[string]time.Duration, error) {
	stats, err := i.outbox.queue.Stats(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading how the queue is: %w", err)
	}
	return stats.Oldest, nil
}

// reportOf is how cxm is for the tenant.
func (a *App) reportOf(ctx context.Context) (status.Tenant, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return status.Tenant{}, fmt.Errorf("reading how cxm is: %w", err)
	}
	r := status.Tenant{
		Name: a.Tenant, Unknown: s.Unknown,
		Issues: []status.Count{{Of: "open", Number: s.Open}, {Of: "closed", Number: s.Closed}, {Of: "in doubt", Number: s.InDoubt}, {Of: "unseen", Number: s.Unseen}},
		Queue:  status.Queue{Deliveries: s.Deliveries, Refused: s.Refused, Approvals: len(s.Waiting)},
	}
	for _, kind := range []finding.Kind{finding.Cost, finding.System, finding.Custom} {
		r.Findings = append(r.Findings, status.Count{Of: string(kind), Number: s.Present[kind]})
	}
	r.Findings = append(r.Findings, status.Count{Of: "absent", Number: s.Absent})
	for _, t := range s.Tokens {
		r.Tokens = append(r.Tokens, shown(t))
	}
	for currency, amount := range s.Savings {
		r.Savings = append(r.Savings, status.Amount{Currency: currency, Value: amount.StringFixed(2), Float: amount.InexactFloat64()})
	}
	slices.SortFunc(r.Savings, func(a, b status.Amount) int { return strings.Compare(a.Currency, b.Currency) })
	for _, f := range a.Savings(ctx) {
		for _, currency := range slices.Sorted(maps.Keys(f.Of)) {
			amount := f.Of[currency]
			r.States = append(r.States, status.StateSavings{State: f.State, Amount: status.Amount{Currency: currency, Value: amount.StringFixed(2), Float: amount.InexactFloat64()}})
		}
	}
	for _, p := range s.Pulls {
		r.Scopes = append(r.Scopes, status.Scope{Source: p.Source, Scope: p.Scope, At: p.ReceivedAt, Complete: p.Complete, Why: strings.Join(p.Reasons, "; ")})
	}
	r.Troubles = troubles(s)
	return r, a.measure(ctx, s, &r)
}

// measure adds what is for machines: what is left alone, and what was last whole.
func (a *App) measure(ctx context.Context, s Status, r *status.Tenant) error {
	for _, in := range s.Integrations {
		all, err := a.Store.Breakers(ctx, in.ID)
		if err != nil {
			return err
		}
		for _, b := range all {
			r.Breakers = append(r.Breakers, status.Breaker{Integration: in.ID, Target: b.Target, Open: b.Open()})
		}
	}
	whole, err := why.New(a.DB.Base(), a.Tenant).Complete(ctx)
	for scope, at := range whole {
		r.Whole = append(r.Whole, status.Whole{Source: scope.Source, Scope: scope.Scope, At: at})
	}
	return err
}

// shown is a token as the page tells of it.
func shown(t TokenStatus) status.Token {
	note := t.Trouble
	if t.Token.State.Held() {
		note = t.WhyNot
	}
	return status.Token{
		Integration: t.Integration.ID, URL: t.Integration.URL, Account: t.Integration.Account.Username, Project: t.Integration.Project.Path,
		State: string(t.Token.State), ExpiresAt: t.Token.ExpiresAt, RotatesAt: t.Next, Note: note,
	}
}

// troubles is what needs somebody, in words.
func troubles(s Status) []string {
	var out []string
	for _, run := range s.Waiting {
		out = append(out, waits(run))
	}
	out = append(out, s.Broken...)
	for _, w := range s.Webhooks {
		if w.Trouble != "" {
			out = append(out, "The webhook of "+w.Target+" does not work: "+w.Trouble)
		}
	}
	for _, d := range s.Reviews {
		out = append(out, fmt.Sprintf("A review of what %s may do in GitLab is due: run `cxm access show --integration %d`, then `cxm access review --integration %d`.", d.Integration.Account.Username, d.Integration.ID, d.Integration.ID))
	}
	return out
}

func waits(r plan.Run) string {
	return fmt.Sprintf("Run %d waits, since %s: look at it with `cxm runs %d`, then run `cxm approve %d`.", r.ID, r.Why, r.ID, r.ID)
}
