package app

import (
	"context"
	"fmt"

	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/money"
	"cxm/internal/plan"
)

// Status is what there is, in numbers.
type Status struct {
	Integrations []integration.Integration
	Open         int // issues
	Closed       int
	InDoubt      int // creates whose answer was lost
	Unseen       int // issues that GitLab does not show any more
	Present      map[finding.Kind]int
	Absent       int          // findings proved absent and still remembered
	Savings      money.Totals // per month, of what is present; one resource counts once
	Unknown      int          // groups that save an unknown amount
	Pulls        []finding.Pull
	Waiting      []plan.Run // runs that a brake holds until somebody approves them
	Broken       []string   // what only fails and is left alone for a while, in words for people
	Deliveries   int        // accepted, and not taken in yet
	Refused      int        // deliveries that cannot be taken in, and are kept for a person to look at
	Webhooks     []Webhook  // with what is wrong with them, as far as is known
	Tokens       []TokenStatus
	Reviews      []DueReview // of access, that are due
	LastRun      plan.Run    // ID 0: there was none
}

// Status sums up what the data directory holds. It asks nothing of GitLab.
func (a *App) Status(ctx context.Context) (Status, error) {
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("reading the integrations: %w", err)
	}
	sum, err := a.Store.Summary(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("summing up: %w", err)
	}
	s := Status{
		Integrations: all, Present: map[finding.Kind]int{}, Savings: sum.Savings, Unknown: sum.Unknown,
		Pulls: sum.Pulls, LastRun: sum.LastRun,
	}
	if s.Deliveries, s.Refused, err = a.Store.Deliveries(ctx); err != nil {
		return Status{}, err
	}
	if s.Webhooks, err = a.Webhooks(ctx, false); err != nil {
		return Status{}, err
	}
	if s.Tokens, err = a.TokenStatuses(ctx); err != nil {
		return Status{}, err
	}
	if s.Reviews, err = a.DueReviews(ctx); err != nil {
		return Status{}, err
	}
	for _, in := range all {
		if err := s.open(ctx, a, in.ID); err != nil {
			return Status{}, err
		}
	}
	for _, c := range sum.Issues {
		s.count(c.Phase, c.State, c.Count)
	}
	for _, c := range sum.Findings {
		if c.Detection == finding.Absent {
			s.Absent += c.Count
			continue
		}
		s.Present[c.Kind] += c.Count
	}
	return s, nil
}

// open adds what waits, and what is broken, of one integration.
func (s *Status) open(ctx context.Context, a *App, integration int64) error {
	runs, err := a.Store.OpenRuns(ctx, integration)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.State == plan.Waiting {
			s.Waiting = append(s.Waiting, r)
		}
	}
	broken, err := a.Store.Breakers(ctx, integration)
	for _, b := range broken {
		if b.Open() {
			_, _, why := b.Allow(a.Clock())
			s.Broken = append(s.Broken, why)
		}
	}
	return err
}

func (s *Status) count(p issue.Phase, state issue.State, n int) {
	switch {
	case p == issue.Intended || p == issue.InDoubt:
		s.InDoubt += n
	case p == issue.Lost:
		s.Unseen += n
	case p == issue.Dropped:
	case state == issue.Opened:
		s.Open += n
	default:
		s.Closed += n
	}
}
