package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
)

// Runs lists the last runs, the latest first.
func (s *Server) Runs(ctx context.Context, limit int) ([]plan.Run, error) {
	if limit <= 0 {
		return nil, nil
	}
	got, err := all(limit, func(at api.Slice) ([]api.Run, api.Cursor, error) { return s.Journal.Runs(ctx, api.RunFilter{}, at) })
	return each(got, toRun), err
}

// RunOf is a run with its journal, in the order of its plan.
func (s *Server) RunOf(ctx context.Context, id int64) (plan.Run, []plan.Entry, error) {
	r, err := s.Journal.Run(ctx, id)
	if err != nil {
		return plan.Run{}, nil, err
	}
	got, err := all(0, func(at api.Slice) ([]api.Entry, api.Cursor, error) {
		return s.Journal.Entries(ctx, api.EntryFilter{Run: id}, at)
	})
	entries := each(got, toEntry)
	slices.SortStableFunc(entries, func(a, b plan.Entry) int { return a.Seq - b.Seq })
	return toRun(r), entries, err
}

// verb is the one of a word; of a word that is none, nothing.
func verb(word string) plan.Verb {
	for _, v := range []plan.Verb{plan.Create, plan.Update, plan.Close, plan.Reopen, plan.Move} {
		if v.Word() == word {
			return v
		}
	}
	return plan.Nothing
}

func toEntry(e api.Entry) plan.Entry {
	return plan.Entry{
		ID: e.ID, Run: e.Run, Seq: e.Seq, Verb: verb(e.Verb), Reason: e.Reason, Group: rule.GroupKey(e.Group), Issue: known(e.Issue), Outcome: plan.Outcome(e.Outcome),
		Trouble: known(e.Trouble), Calls: e.Calls, WroteAt: moment(e.WroteAt), EndedAt: moment(e.EndedAt), Summary: e.Summary, WebURL: known(e.URL), Title: e.Title,
	}
}

func toStep(s api.Step) plan.Step {
	out := plan.Step{
		Verb: verb(s.Verb), Reason: s.Reason, Group: rule.GroupKey(s.Group), Kind: finding.Kind(s.Kind), Title: s.Title,
		Project: s.Project, To: known(s.To), Team: known(s.Team), Rule: known(s.Rule), Said: s.Sends,
	}
	out.Savings, out.Currency = amount(s.Savings)
	if s.Issue != nil {
		out.Have = &issue.Tracked{ID: *s.Issue, Observed: issue.Observed{IID: known(s.IID), WebURL: known(s.URL), ProjectID: s.Project}}
	}
	return out
}

// Plan looks at GitLab and says what Apply would do.
func (s *Server) Plan(ctx context.Context, id int64) (app.Planned, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Planned{}, err
	}
	p, err := s.Tenant.Runs.Plan(ctx, in.ID)
	out := toPlanned(in, p)
	if err = errors.Join(err, long(p)); err == nil && p.Held.No != nil {
		out.Rejected, _, err = s.RunOf(ctx, *p.Held.No)
	}
	return out, err
}

// long refuses a plan that the API does not show whole: what is carried out is to be
// seen before.
func long(p api.Plan) error {
	if p.More == 0 && p.Held.Steps == len(p.Held.Items) {
		return nil
	}
	return fmt.Errorf("this plan has %d steps, and %d that are held, of which a server shows 1000 each: run the command on the server, or `cxm run`, which leaves them to its queue", len(p.Steps)+p.More, p.Held.Steps)
}

func toPlanned(in integration.Integration, p api.Plan) app.Planned {
	out := app.Planned{Integration: in, Waits: plan.Run{ID: known(p.Held.Run)}}
	out.Plan = plan.Plan{
		Steps: append(each(p.Steps, toStep), each(p.Idle, toStep)...), Unchanged: p.Unchanged + p.MoreIdle, Capped: p.Capped, Below: p.Below,
		Held: plan.Held{Why: p.Held.Why, Steps: each(p.Held.Items, toStep)},
	}
	return out
}

// Apply has a plan carried out that ask agreed to. The server does nothing when it is
// another one by then.
func (s *Server) Apply(ctx context.Context, id int64, ask func(app.Planned) (bool, error), _ func(app.Progress)) (app.Planned, app.Report, error) {
	in, err := s.integration(ctx, id)
	if err != nil {
		return app.Planned{}, app.Report{}, err
	}
	p, err := s.Tenant.Runs.Plan(ctx, in.ID)
	if err = errors.Join(err, long(p)); err != nil {
		return app.Planned{}, app.Report{}, err
	}
	planned := toPlanned(in, p)
	if len(p.Steps) > 0 || p.Held.Steps > 0 && p.Held.Run == nil {
		if yes, err := ask(planned); err != nil || !yes {
			return planned, app.Report{}, err
		}
	}
	got, err := s.Tenant.Runs.Start(ctx, in.ID, p.Digest)
	if err != nil {
		return planned, app.Report{}, err
	}
	report, err := s.report(ctx, got)
	return planned, report, err
}

// report is what became of a run.
func (s *Server) report(ctx context.Context, got api.Started) (app.Report, error) {
	out := app.Report{}
	if r := got.Report; r != nil {
		out = app.Report{Missing: r.Missing, Halted: known(r.Halted), Held: map[string]int{}, Adopted: r.Adopted, Dropped: r.Dropped, InDoubt: r.InDoubt}
		for _, h := range r.Held {
			out.Held[h.Why] = h.Count
		}
		out.Failures = each(r.Failures, func(f api.StepFailure) reconcile.Failure {
			return reconcile.Failure{Step: toStep(f.Step), Outcome: plan.Outcome(f.Outcome), Trouble: errors.New(f.Trouble)}
		})
	}
	var err, failed error
	if got.Run != nil {
		out.Run, _, err = s.RunOf(ctx, *got.Run)
	}
	if got.Waits != nil {
		out.Waits, _, failed = s.RunOf(ctx, *got.Waits)
	}
	return out, errors.Join(err, failed)
}

// Approve lets a run go that a brake held. By whom the server knows by the token; what
// failed is what its journal says.
func (s *Server) Approve(ctx context.Context, id int64, _ string, _ func(app.Progress)) (app.Report, error) {
	if _, err := s.Tenant.Runs.Approve(ctx, id, ""); err != nil {
		return app.Report{}, err
	}
	r, entries, err := s.RunOf(ctx, id)
	out := app.Report{Run: r, InDoubt: r.InDoubt}
	for _, e := range entries {
		if e.Outcome == plan.Failed || e.Outcome == plan.Skipped || e.Outcome == plan.InDoubt {
			step := plan.Step{Verb: e.Verb, Reason: e.Reason, Group: e.Group, Title: e.Title, Said: e.Summary}
			out.Failures = append(out.Failures, reconcile.Failure{Step: step, Outcome: e.Outcome, Trouble: errors.New(e.Trouble)})
		}
	}
	return out, err
}

// Reject says no to a run that waits. By whom the server knows by the token.
func (s *Server) Reject(ctx context.Context, id int64, _, why string) error {
	_, err := s.Rejections.Reject(ctx, id, "", why)
	return err
}

// Undo has taken back what a run did, where ask agrees to what that would be.
func (s *Server) Undo(ctx context.Context, run int64, ask func(app.Undo) (bool, error), _ func(app.Progress)) (app.Undo, app.Report, error) {
	p, err := s.Tenant.Runs.PlanUndo(ctx, run)
	if err != nil {
		return app.Undo{}, app.Report{}, err
	}
	out := app.Undo{Run: run, Plan: plan.Plan{Steps: each(p.Steps, toStep)}, Kept: each(p.Kept, func(k api.Kept) plan.Kept {
		return plan.Kept{Entry: plan.Entry{ID: k.Entry, Verb: verb(k.Verb), Title: k.Title, WebURL: known(k.URL)}, Why: k.Why}
	})}
	if yes, err := ask(out); err != nil || !yes {
		return out, app.Report{}, err
	}
	got, err := s.Tenant.Runs.Undo(ctx, run, p.Digest)
	if err != nil {
		return out, app.Report{}, err
	}
	report, err := s.report(ctx, got)
	return out, report, err
}

// Begun is a run that the server's queue was asked for.
type Begun struct {
	Run     plan.Run // ID 0: nothing was to be done
	Waits   plan.Run // ID 0: nothing waits
	Busy    bool     // nothing was begun, since an earlier run is under way
	Remarks []string
}

// Begin has every integration planned and leaves the steps to the server's queue; it
// waits until the runs have ended.
func (s *Server) Begin(ctx context.Context) ([]Begun, error) {
	integrations, err := s.integrations(ctx)
	if err == nil && len(integrations) == 0 {
		err = app.ErrNotConnected
	}
	var out []Begun
	for _, in := range integrations {
		got, failed := s.Tenant.Runs.Start(ctx, in.ID, "")
		if failed != nil {
			return out, errors.Join(err, failed)
		}
		one := Begun{Busy: got.Busy, Remarks: got.Remarks, Run: plan.Run{ID: known(got.Run)}, Waits: plan.Run{ID: known(got.Waits)}}
		if got.Run != nil {
			if one.Run, failed = s.ended(ctx, *got.Run); failed != nil {
				return append(out, one), failed
			}
		}
		if got.Waits != nil {
			if one.Waits, _, failed = s.RunOf(ctx, *got.Waits); failed != nil {
				return append(out, one), failed
			}
		}
		out = append(out, one)
	}
	return out, err
}

// ended waits until a run is not under way any more.
func (s *Server) ended(ctx context.Context, id int64) (plan.Run, error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r, err := s.Journal.Run(ctx, id)
		if err != nil || r.State != string(plan.Running) {
			return toRun(r), err
		}
		select {
		case <-ctx.Done():
			return toRun(r), ctx.Err()
		case <-tick.C:
		}
	}
}
