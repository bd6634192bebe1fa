package remote

import (
	"context"
	"fmt"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/learning"
	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
	"cxm/internal/rule/owner"
	"cxm/internal/store/rules"
)

func toRevision(r api.Revision) app.Revision {
	return app.Revision{
		Number: r.Number, Text: known(r.Text), Digest: known(r.Digest), Author: known(r.Author), Note: known(r.Note), At: moment(r.At), Of: known(r.Of),
	}
}

// Rules are those in force.
func (s *Server) Rules(ctx context.Context) (app.Revision, error) {
	r, err := s.Tenant.Rules.Rules(ctx)
	return toRevision(r), err
}

// RulesRevision is an earlier revision.
func (s *Server) RulesRevision(ctx context.Context, number int64) (app.Revision, error) {
	r, err := s.Revisions.Revision(ctx, number)
	return toRevision(r), err
}

// RulesHistory lists revisions, the latest first. The API lists 500 at most.
func (s *Server) RulesHistory(ctx context.Context, most int) ([]app.Revision, error) {
	got, err := s.Revisions.Revisions(ctx, min(max(most, 1), 500))
	return each(got, toRevision), err
}

// ApplyRules puts rules in force over the revision that c expects. Whose change it is
// the server knows by the token.
func (s *Server) ApplyRules(ctx context.Context, _ string, text []byte, c rules.Change) (app.Revision, error) {
	r, err := s.Tenant.Rules.Apply(ctx, api.RulesChange{Text: string(text), Note: c.Note, Expected: c.Expected})
	return toRevision(r), err
}

// RollbackRules puts an earlier revision in force again.
func (s *Server) RollbackRules(ctx context.Context, number int64, c rules.Change) (app.Revision, error) {
	r, err := s.Revisions.Rollback(ctx, number, api.RulesChange{Note: c.Note, Expected: c.Expected})
	return toRevision(r), err
}

// PreviewRules compares rules with those in force.
func (s *Server) PreviewRules(ctx context.Context, id int64, _ string, text []byte) (app.Preview, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Preview{}, err
	}
	p, err := s.Tenant.Rules.Preview(ctx, in.ID, string(text))
	if err == nil && p.More > 0 {
		err = fmt.Errorf("this would change %d things, of which a server shows 1000: run the command on the server", len(p.Steps)+p.More)
	}
	return app.Preview{
		Integration: in, Steps: each(p.Steps, toStep), Gone: each(p.Gone, toStep), Waits: p.Waits,
		Totals: each(p.Projects, func(t api.PreviewTotal) app.PreviewTotal {
			out := app.PreviewTotal{Project: t.Project, Verbs: map[plan.Verb]int{}, Savings: totals(t.Savings)}
			for word, n := range t.Counts {
				out.Verbs[verb(word)] = n
			}
			return out
		}),
	}, err
}

func toSuggestion(x api.Suggestion) learning.Suggestion {
	out := learning.Suggestion{
		Number: x.Number, Integration: integration.Integration{ID: x.Integration}, Owner: known(x.Owner), Project: known(x.Project), Path: known(x.Path),
		When: owner.Trait{Tag: known(x.Tag), Value: known(x.Value), Account: known(x.Account)},
		Seen: x.Seen, Confidence: x.Confidence, Why: x.Why, Issues: x.Issues, Adds: known(x.Adds), Trouble: known(x.Trouble),
		Dismissed: x.Dismissed, Reason: known(x.Reason), Author: known(x.Author), At: moment(x.At),
	}
	if x.Text != nil {
		out.Text = []byte(*x.Text)
	}
	return out
}

// Suggestions are what people's corrections speak for.
func (s *Server) Suggestions(ctx context.Context, all bool) ([]learning.Suggestion, error) {
	got, err := s.Tenant.Suggestions.Suggestions(ctx, all)
	return each(got, toSuggestion), err
}

// Suggestion is the one of a number.
func (s *Server) Suggestion(ctx context.Context, number int64) (learning.Suggestion, error) {
	got, err := s.Tenant.Suggestions.Suggestions(ctx, true)
	for _, x := range got {
		if x.Number == number {
			return toSuggestion(x), nil
		}
	}
	if err == nil {
		err = fmt.Errorf("there is no suggestion %d: its issues say something else by now, or the rules follow it already (see `cxm rules suggestions`)", number)
	}
	return learning.Suggestion{}, err
}

// AcceptSuggestion puts a suggestion into the rules.
func (s *Server) AcceptSuggestion(ctx context.Context, x learning.Suggestion, _, note string) (app.Revision, error) {
	r, err := s.Tenant.Suggestions.Accept(ctx, x.Number, "", note)
	return toRevision(r), err
}

// DismissSuggestion says that a suggestion is not wanted.
func (s *Server) DismissSuggestion(ctx context.Context, number int64, _, reason string) (learning.Suggestion, error) {
	x, err := s.Tenant.Suggestions.Dismiss(ctx, number, "", reason)
	return toSuggestion(x), err
}

// Backlog is what waits for its turn under budgets.
func (s *Server) Backlog(ctx context.Context, id int64) (integration.Integration, []plan.Backlog, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return in, nil, err
	}
	got, err := s.Attention.Backlog(ctx, in.ID)
	for _, b := range got {
		if b.More > 0 && err == nil {
			err = fmt.Errorf("%d issues wait in one project, of which a server lists %d: run the command on the server", len(b.Lines)+b.More, len(b.Lines))
		}
	}
	return in, each(got, toBacklog), err
}

func toBacklog(b api.Backlog) plan.Backlog {
	return plan.Backlog{
		Project: b.Project, Team: known(b.Team), Oldest: moment(b.Oldest), Next: moment(b.Next), Savings: totals(b.Savings), Unknown: b.Unknown,
		Reasons: each(b.Reasons, func(r api.WaitReason) plan.Reason { return plan.Reason{Why: r.Why, Count: r.Count} }),
		Lines: each(b.Lines, func(l api.BacklogLine) plan.Line {
			out := plan.Line{Group: rule.GroupKey(l.Group), Title: l.Title, Since: moment(l.Since), Why: l.Why, Next: moment(l.Next)}
			out.Savings, out.Currency = amount(l.Savings)
			return out
		}),
	}
}

// Campaigns says how far the campaigns of the rules have come.
func (s *Server) Campaigns(ctx context.Context) ([]app.Campaigning, error) {
	got, err := s.Attention.Campaigns(ctx)
	return each(got, func(c api.Campaign) app.Campaigning {
		out := app.Campaigning{
			Campaign: attention.Campaign{Name: c.Name, Rules: c.Rules},
			Tally:    attention.Tally{Done: c.Done, Left: c.Left, DoneSavings: totals(c.DoneSavings), LeftSavings: totals(c.LeftSavings)},
			Progress: attention.Progress{State: attention.State(c.State), Done: c.Done, Left: c.Left, Percent: c.Percent, Reached: c.Reached, OnTrack: c.OnTrack, Words: c.Words},
		}
		out.From, _ = attention.ParseDate(c.From) // cxm wrote it
		out.To, _ = attention.ParseDate(c.To)
		return out
	}), err
}
