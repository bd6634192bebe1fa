package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
)

// shownSteps is how many steps of a plan are shown.
const shownSteps = 1000

type runs struct{ app *app.App }

func (r runs) Plan(ctx context.Context, integration int64) (api.Plan, error) {
	id, err := chosen(ctx, r.app, integration)
	if err != nil {
		return api.Plan{}, err
	}
	p, err := r.app.Plan(ctx, id)
	if err != nil {
		return api.Plan{}, fault(err)
	}
	changes := p.Plan.Changes()
	home := p.Integration.Project.ID
	steps, more := first(changes, shownSteps)
	out := api.Plan{
		Integration: id, Digest: digest(changes), Counts: map[string]int{}, Steps: toSteps(steps, home), More: more,
		Unchanged: p.Plan.Unchanged, Capped: p.Plan.Capped, Below: p.Plan.Below,
		Held: api.Held{Why: api.List(p.Plan.Held.Why), Steps: len(p.Plan.Held.Steps), Run: api.Some(p.Waits.ID), No: api.Some(p.Rejected.ID)},
	}
	held, _ := first(p.Plan.Held.Steps, shownSteps)
	out.Held.Items = toSteps(held, home)
	idle, more := first(slices.DeleteFunc(slices.Clone(p.Plan.Steps), func(s plan.Step) bool { return s.Verb != plan.Nothing }), shownSteps)
	out.Idle, out.MoreIdle = toSteps(idle, home), more
	sums := money.Totals{}
	for _, s := range changes {
		out.Counts[s.Verb.Word()]++
		if s.Verb == plan.Create {
			sums.Add(s.Counts())
		}
	}
	out.Savings = api.NewTotals(sums)
	return out, nil
}

// digest names steps: what each does to what, and what it sends.
func digest(steps []plan.Step) string {
	h := sha256.New()
	for _, s := range steps {
		t := s.Target()
		fmt.Fprintf(h, "%s %s %d %q %q %q\n", t.Verb, t.Group, t.Issue, s.Sends(), s.Title, wanted(s)) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// wanted is what the issue is to say, as far as a person would act on it.
func wanted(s plan.Step) string {
	if s.Want == nil {
		return s.Status
	}
	return s.Want.Digest.String() + s.Status
}

func toSteps(all []plan.Step, home int64) []api.Step {
	return each(all, func(s plan.Step) api.Step {
		out := api.Step{
			Verb: s.Verb.Word(), Reason: s.Reason, Group: string(s.Group), Kind: string(s.Kind), Title: s.Title, Savings: api.NewMoney(s.Savings, s.Currency),
			Project: s.At(home), To: api.Some(s.To), Sends: s.Sends(), Team: api.Some(s.Team), Rule: api.Some(s.Rule),
		}
		if s.Have != nil {
			out.Issue, out.IID, out.URL = api.Some(s.Have.ID), api.Some(s.Have.Observed.IID), api.Some(s.Have.Observed.WebURL)
		}
		return out
	})
}

var errOther = errors.New("another plan") // within this package alone

func changed() error {
	return &door.Problem{
		Status: http.StatusConflict, Detail: "this is not the plan any more, and nothing was done: have one made again, look at it, and send its digest",
		Errors: []door.Place{{Message: "the digest is of another plan", Location: "body.plan"}},
	}
}

// Start carries out a plan that somebody saw, or leaves to the queue what is to be
// done now. What began goes on when its caller is gone.
func (r runs) Start(ctx context.Context, integration int64, seen string) (api.Started, error) {
	id, err := chosen(ctx, r.app, integration)
	if err != nil {
		return api.Started{}, err
	}
	ctx = context.WithoutCancel(ctx)
	if seen == "" {
		return r.queue(ctx, id)
	}
	p, report, err := r.app.Apply(ctx, id, func(p app.Planned) (bool, error) {
		if digest(p.Plan.Changes()) != seen {
			return false, errOther
		}
		return true, nil
	}, nil)
	if errors.Is(err, errOther) || err == nil && digest(p.Plan.Changes()) != seen {
		return api.Started{}, changed()
	}
	return started(report, p.Integration.Project.ID), fault(err)
}

func (r runs) queue(ctx context.Context, id int64) (api.Started, error) {
	s, err := r.app.Start(ctx, id)
	out := api.Started{Run: api.Some(s.Run.ID), Waits: api.Some(s.Waits.ID), Busy: s.Open, Remarks: []string{}}
	for project, why := range s.Blind {
		out.Remarks = append(out.Remarks, fmt.Sprintf("Nothing is done in project %d, which could not be looked at: %v", project, why))
	}
	return out, fault(err)
}

func started(report reconcile.Report, home int64) api.Started {
	out := api.Started{Run: api.Some(report.Run.ID), Waits: api.Some(report.Waits.ID), Remarks: []string{}, Report: toReport(report, home)}
	if report.Halted != "" {
		out.Remarks = append(out.Remarks, "The run stopped before its end: "+report.Halted)
	}
	for why, n := range report.Held {
		out.Remarks = append(out.Remarks, fmt.Sprintf("%d steps were not taken: %s", n, why))
	}
	for _, label := range report.Missing {
		out.Remarks = append(out.Remarks, fmt.Sprintf("GitLab dropped the label %q, which cxm's account may not make.", label))
	}
	return out
}

func toReport(r reconcile.Report, home int64) *api.Report {
	failures, _ := first(r.Failures, shownSteps)
	out := &api.Report{Missing: api.List(r.Missing), Halted: api.Some(r.Halted), Held: []api.WaitReason{}, Adopted: r.Adopted, Dropped: r.Dropped, InDoubt: r.InDoubt}
	out.Failures = each(failures, func(f reconcile.Failure) api.StepFailure {
		return api.StepFailure{Step: toSteps([]plan.Step{f.Step}, home)[0], Outcome: string(f.Outcome), Trouble: f.Trouble.Error()}
	})
	for _, why := range slices.Sorted(maps.Keys(r.Held)) {
		out.Held = append(out.Held, api.WaitReason{Why: why, Count: r.Held[why]})
	}
	return out
}

// Approve lets a run go, and waits for its end.
func (r runs) Approve(ctx context.Context, id int64, by string) (api.Run, error) {
	now, err := run(ctx, r.app, id)
	if err != nil {
		return api.Run{}, err
	}
	if now.State != plan.Waiting && !now.Rejected() {
		return api.Run{}, conflict("run %d is %s, and waits for nobody: POST /v1/plans says what waits", id, now.State)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := r.app.Approve(ctx, id, by, nil); err != nil {
		return api.Run{}, fault(err)
	}
	now, err = run(ctx, r.app, id)
	return toRun(now), err
}

// Reject says no to a run that waits. Why is kept in one line.
func (r runs) Reject(ctx context.Context, id int64, by, why string) (api.Run, error) {
	if _, err := run(ctx, r.app, id); err != nil {
		return api.Run{}, err
	}
	if err := r.app.Reject(ctx, id, by, why); err != nil {
		return api.Run{}, refusal(err, "body.reason")
	}
	now, err := run(ctx, r.app, id)
	return toRun(now), err
}

func (r runs) PlanUndo(ctx context.Context, id int64) (api.UndoPlan, error) {
	if err := r.undoable(ctx, id); err != nil {
		return api.UndoPlan{}, err
	}
	u, _, err := r.app.Undo(ctx, id, func(app.Undo) (bool, error) { return false, nil }, nil)
	if err != nil {
		return api.UndoPlan{}, fault(err)
	}
	return api.UndoPlan{
		Run: id, Digest: digest(u.Plan.Steps), Steps: toSteps(u.Plan.Steps, u.Integration.Project.ID),
		Kept: each(u.Kept, func(k plan.Kept) api.Kept {
			return api.Kept{Entry: k.Entry.ID, Verb: k.Entry.Verb.Word(), Title: k.Entry.Title, URL: api.Some(k.Entry.WebURL), Why: k.Why}
		}),
	}, nil
}

func (r runs) undoable(ctx context.Context, id int64) error {
	now, err := run(ctx, r.app, id)
	switch {
	case err != nil:
		return err
	case now.State == plan.Waiting:
		return conflict("run %d waits for approval, and has done nothing yet", id)
	case now.Integration == 0:
		return conflict("run %d was made by an early version of cxm, which did not write down what undoing needs", id)
	}
	return nil
}

func (r runs) Undo(ctx context.Context, id int64, seen string) (api.Started, error) {
	if err := r.undoable(ctx, id); err != nil {
		return api.Started{}, err
	}
	u, report, err := r.app.Undo(context.WithoutCancel(ctx), id, func(u app.Undo) (bool, error) {
		if digest(u.Plan.Steps) != seen {
			return false, errOther
		}
		return true, nil
	}, nil)
	if errors.Is(err, errOther) {
		return api.Started{}, changed()
	}
	return started(report, u.Integration.Project.ID), fault(err)
}
