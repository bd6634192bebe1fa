package edge

import (
	"context"
	"errors"
	"net/http"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app"
	"cxm/internal/app/learning"
	"cxm/internal/app/ruling"
	"cxm/internal/plan"
	"cxm/internal/rule/rulebook"
	"cxm/internal/store/rules"
)

// ruled serves the rules and their revisions. file is what their problems call them.
type ruled struct{ app *app.App }

const file = "rules"

func toRevision(r app.Revision) api.Revision {
	return api.Revision{
		Number: r.Number, Text: api.Some(r.Text), Digest: api.Some(r.Digest), Author: api.Some(r.Author), Note: api.Some(r.Note), At: api.At(r.At), Of: api.Some(r.Of),
	}
}

func (r ruled) Rules(ctx context.Context) (api.Revision, error) {
	now, err := r.app.Rules(ctx)
	return toRevision(now), err
}

func (r ruled) Apply(ctx context.Context, c api.RulesChange) (api.Revision, error) {
	got, err := r.app.ApplyRules(ctx, file, []byte(c.Text), rules.Change{Author: c.Author, Note: c.Note, Expected: c.Expected})
	return toRevision(got), rulesFault(err)
}

// rulesFault names every place of a text that is wrong.
func rulesFault(err error) error {
	problems, ok := errors.AsType[rulebook.Problems](err)
	if !ok {
		return refusal(err, "body.text")
	}
	p := &door.Problem{Status: http.StatusUnprocessableEntity, Detail: "the rules cannot be used, and nothing was changed: mend what errors names (POST /v1/rules/validate says all of it)"}
	some, _ := first(problems, 100)
	for _, each := range some {
		p.Errors = append(p.Errors, door.Place{Message: each.Error(), Location: "body.text"})
	}
	return p
}

func (r ruled) Validate(_ context.Context, text string) (api.Validation, error) {
	out := api.Validation{Problems: []api.RuleProblem{}, Failures: []api.TestFailure{}}
	book, err := ruling.Compile(file, []byte(text))
	if problems, ok := errors.AsType[rulebook.Problems](err); ok {
		out.Problems = each(problems, func(p rulebook.Problem) api.RuleProblem {
			return api.RuleProblem{Line: p.Line, Column: p.Column, Field: api.Some(p.Field), Message: p.Message, Mend: api.Some(p.Mend)}
		})
		return out, nil
	}
	if err != nil {
		return out, refusal(err, "body.text")
	}
	out.Tests = book.Tests()
	out.Failures = each(book.Check(), func(f rulebook.Failure) api.TestFailure { return api.TestFailure{Test: f.Test, Message: f.Message} })
	out.Valid = len(out.Failures) == 0
	return out, nil
}

func (r ruled) Preview(ctx context.Context, integration int64, text string) (api.Preview, error) {
	id, err := chosen(ctx, r.app, integration)
	if err != nil {
		return api.Preview{}, err
	}
	p, err := r.app.PreviewRules(ctx, id, file, []byte(text))
	if _, bad := errors.AsType[rulebook.Problems](err); bad {
		return api.Preview{}, rulesFault(err)
	}
	if err != nil {
		return api.Preview{}, fault(err)
	}
	home := p.Integration.Project.ID
	steps, more := first(p.Steps, shownSteps)
	gone, _ := first(p.Gone, shownSteps)
	return api.Preview{
		Integration: id, Steps: toSteps(steps, home), More: more, Gone: toSteps(gone, home), Waits: p.Waits,
		Projects: each(p.Totals, func(t app.PreviewTotal) api.PreviewTotal {
			return api.PreviewTotal{Project: t.Project, Counts: counts(t.Verbs), Savings: api.NewTotals(t.Savings)}
		}),
	}, nil
}

func counts(verbs map[plan.Verb]int) map[string]int {
	out := map[string]int{}
	for v, n := range verbs {
		out[v.Word()] = n
	}
	return out
}

func (r ruled) Revisions(ctx context.Context, most int) ([]api.Revision, error) {
	all, err := r.app.RulesHistory(ctx, most)
	return each(all, toRevision), err
}

func (r ruled) Revision(ctx context.Context, number int64) (api.Revision, error) {
	got, err := r.app.RulesRevision(ctx, number)
	if err != nil && statusOf(err) == http.StatusNotFound {
		err = missing("there is no revision %d of the rules: GET /v1/rules/revisions lists them", number)
	}
	return toRevision(got), err
}

func (r ruled) Rollback(ctx context.Context, number int64, c api.RulesChange) (api.Revision, error) {
	if _, err := r.Revision(ctx, number); err != nil {
		return api.Revision{}, err
	}
	got, err := r.app.RollbackRules(ctx, number, rules.Change{Author: c.Author, Note: c.Note, Expected: c.Expected})
	return toRevision(got), rulesFault(err)
}

type learned struct{ app *app.App }

func toSuggestion(s learning.Suggestion) api.Suggestion {
	return api.Suggestion{
		Number: s.Number, Integration: s.Integration.ID, Says: s.Says(), Why: s.Why, Seen: s.Seen, Confidence: s.Confidence, Issues: api.List(s.Issues),
		Adds: api.Some(s.Adds), Trouble: api.Some(s.Trouble), Tag: api.Some(s.When.Tag), Value: api.Some(s.When.Value), Account: api.Some(s.When.Account),
		Owner: api.Some(s.Owner), Project: api.Some(s.Project), Path: api.Some(s.Path), Text: api.Some(string(s.Text)), Dismissed: s.Dismissed, Reason: api.Some(s.Reason), Author: api.Some(s.Author), At: api.At(s.At),
	}
}

func (l learned) Suggestions(ctx context.Context, all bool) ([]api.Suggestion, error) {
	got, err := l.app.Suggestions(ctx, all)
	return each(got, toSuggestion), err
}

// find is the suggestion of a number, if it is still made.
func (l learned) find(ctx context.Context, number int64) (learning.Suggestion, error) {
	all, err := l.app.Suggestions(ctx, true)
	for _, s := range all {
		if s.Number == number {
			return s, nil
		}
	}
	if err != nil {
		return learning.Suggestion{}, err
	}
	return learning.Suggestion{}, missing("there is no suggestion %d: its issues say something else by now, or the rules follow it already (GET /v1/suggestions lists them)", number)
}

func (l learned) Accept(ctx context.Context, number int64, by, note string) (api.Revision, error) {
	s, err := l.find(ctx, number)
	if err != nil {
		return api.Revision{}, err
	}
	got, err := l.app.AcceptSuggestion(ctx, s, by, note)
	return toRevision(got), rulesFault(err)
}

func (l learned) Dismiss(ctx context.Context, number int64, by, reason string) (api.Suggestion, error) {
	if _, err := l.find(ctx, number); err != nil {
		return api.Suggestion{}, err
	}
	s, err := l.app.DismissSuggestion(ctx, number, by, reason)
	return toSuggestion(s), fault(err)
}

type attention struct{ app *app.App }

func (t attention) Backlog(ctx context.Context, integration int64) ([]api.Backlog, error) {
	id, err := chosen(ctx, t.app, integration)
	if err != nil {
		return nil, err
	}
	_, all, err := t.app.Backlog(ctx, id)
	return each(all, func(b plan.Backlog) api.Backlog {
		lines, more := first(b.Lines, 500)
		return api.Backlog{
			Project: b.Project, Team: api.Some(b.Team), Savings: api.NewTotals(b.Savings), Unknown: b.Unknown, Oldest: api.At(b.Oldest), Next: api.At(b.Next), More: more,
			Reasons: each(b.Reasons, func(r plan.Reason) api.WaitReason { return api.WaitReason{Why: r.Why, Count: r.Count} }),
			Lines: each(lines, func(l plan.Line) api.BacklogLine {
				return api.BacklogLine{Group: string(l.Group), Title: l.Title, Savings: api.NewMoney(l.Savings, l.Currency), Since: api.At(l.Since), Why: l.Why, Next: api.At(l.Next)}
			}),
		}
	}), fault(err)
}

func (t attention) Campaigns(ctx context.Context) ([]api.Campaign, error) {
	all, err := t.app.Campaigns(ctx)
	return each(all, func(c app.Campaigning) api.Campaign {
		return api.Campaign{
			Name: c.Name, From: c.From.String(), To: c.To.String(), Rules: api.List(c.Rules), State: string(c.Progress.State), Done: c.Progress.Done, Left: c.Progress.Left,
			DoneSavings: api.NewTotals(c.DoneSavings), LeftSavings: api.NewTotals(c.LeftSavings), Percent: c.Percent, Reached: c.Reached, OnTrack: c.OnTrack, Words: c.Words,
		}
	}), fault(err)
}
