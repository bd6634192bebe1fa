package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/flight"
	"cxm/internal/rule"
)

// maxRounds bounds how often creates that were proved absent are tried again
// within one Apply.
const maxRounds = 3

// Report is what became of a plan.
type Report struct {
	Run      plan.Run
	Waits    plan.Run       // the run that holds what the brakes held back; ID 0: nothing waits
	Failures []Failure      // steps that failed, are in doubt, or were skipped
	Missing  []string       // labels that GitLab dropped silently, since the account may not create them
	Halted   string         // why the run stopped before its end; empty: it did not
	Held     map[string]int // steps that were not taken since their target is broken, by the reason

	Adopted int // creates whose answer was lost and that were found carried out
	Dropped int // creates whose answer was lost and that were proved never carried out, then tried again
	InDoubt int // writes about which nothing is known yet: the next run looks first
}

// Whole says that everything planned was carried out.
func (r Report) Whole() bool {
	return r.Waits.ID == 0 && r.Halted == "" && r.InDoubt == 0 && r.Run.Failed == 0 && r.Run.Skipped == 0
}

// Failure is one step that was not carried out, or perhaps not.
type Failure struct {
	Step    plan.Step
	Outcome plan.Outcome
	Trouble error
}

// Apply carries out a plan, step for step, in its order, with several writes in
// flight. Creates whose answer was lost are looked up before it returns, and
// tried again when they are proved absent. The error is about cxm's own store;
// what GitLab refused is in the report. What the brakes hold is kept as a run
// that waits for approval.
func (e *Engine) Apply(ctx context.Context, p plan.Plan) (Report, error) {
	waits, err := e.hold(ctx, p.Held)
	if err != nil {
		return Report{}, err
	}
	steps := p.Changes()
	if len(steps) == 0 {
		creates, err := e.Memory.Unsettled(ctx, e.Integration.ID)
		return Report{Waits: waits, InDoubt: len(creates)}, errors.Join(err, e.settle(ctx, p))
	}
	run, _, err := e.Journal.BeginRun(ctx, plan.Run{Integration: e.Integration.ID, State: plan.Running, StartedAt: e.Clock().UTC(), Steps: len(steps)}, nil)
	if err != nil {
		return Report{Waits: waits}, fmt.Errorf("starting a run: %w", err)
	}
	a := e.applying(run)
	a.report.Waits = waits
	return a.carryOut(ctx, p)
}

// applying starts to carry out a run.
func (e *Engine) applying(run plan.Run) *applying {
	return &applying{
		Engine: e, report: Report{Run: run}, labels: map[string]bool{}, planned: map[plan.Target]plan.Entry{}, left: map[rule.GroupKey]int{},
		places: flight.New(e.Workers),
	}
}

// carryOut takes the steps of a plan and finishes the run.
func (a *applying) carryOut(ctx context.Context, p plan.Plan) (Report, error) {
	err := a.admit(ctx, p)
	if err == nil {
		err = errors.Join(a.rounds(ctx, p), a.open(context.WithoutCancel(ctx)))
	}
	a.report.Run.State, a.report.Run.FinishedAt = plan.Finished, a.Clock().UTC()
	// What happened is recorded even when the person pressed Ctrl-C.
	return a.report, errors.Join(err, a.Journal.FinishRun(context.WithoutCancel(ctx), a.report.Run, "the run ended before its turn came"))
}

// open counts what is still in doubt: creates nobody has found, and changes,
// which the next look sees.
func (a *applying) open(ctx context.Context) error {
	creates, err := a.Memory.Unsettled(ctx, a.Integration.ID)
	a.report.InDoubt = len(creates)
	for _, f := range a.report.Failures {
		if f.Outcome == plan.InDoubt && f.Step.Verb != plan.Create {
			a.report.InDoubt++
		}
	}
	return err
}

// applying is one run in the making.
type applying struct {
	*Engine
	mu       sync.Mutex
	report   Report
	seq      int
	total    int
	finished int
	planned  map[plan.Target]plan.Entry // entries of the run that are there already
	shared   bool                       // the run's steps are taken one by one, by several processes
	left     map[rule.GroupKey]int      // steps of this round that are not done
	labels   map[string]bool
	places   *flight.Places // for the writes in flight
	ended    Failure        // of a shared run: what became of its step
}

func (a *applying) rounds(ctx context.Context, p plan.Plan) error {
	for range maxRounds {
		if err := a.round(ctx, p); err != nil {
			return err
		}
		if err := a.settle(context.WithoutCancel(ctx), p); err != nil {
			return err
		}
		if a.report.Halted != "" || ctx.Err() != nil {
			return ctx.Err()
		}
		again, err := a.doubts(ctx)
		if err != nil || len(again.Steps) == 0 {
			return err
		}
		p = again
	}
	return nil
}

// round takes every step of a plan once.
func (a *applying) round(ctx context.Context, p plan.Plan) error {
	steps := p.Changes()
	a.total += len(steps)
	a.left = map[rule.GroupKey]int{}
	for _, s := range steps {
		a.left[s.Group]++
	}
	rest, parents := plan.Apart(steps)
	if err := a.each(ctx, rest, a.take); err != nil || len(parents) == 0 {
		return err
	}
	return a.each(ctx, parents, a.takeParent)
}

// errStopped is why a step was not taken that had its turn already.
var errStopped = errors.New("the run was stopped before this step was taken")

// stopped is errStopped once the run is halted.
func (a *applying) stopped() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.report.Halted != "" {
		return errStopped
	}
	return nil
}

// settle remembers what the plan learned without writing, and marks the groups
// that need nothing. Those that change are settled with their last step.
func (e *Engine) settle(ctx context.Context, p plan.Plan) error {
	versions, changing := map[rule.GroupKey]int64{}, map[rule.GroupKey]bool{}
	var keep []issue.Tracked
	for _, s := range p.Steps {
		if s.Verb == plan.Nothing && s.Keep != nil {
			keep = append(keep, *s.Keep)
		}
		if s.Verb != plan.Nothing || s.Later {
			changing[s.Group] = true
		}
		versions[s.Group] = s.Version
	}
	for group := range changing {
		delete(versions, group)
	}
	if err := e.remember(ctx, keep); err != nil && !e.Stale(err) {
		return fmt.Errorf("remembering what the plan learned: %w", err)
	}
	if err := e.Findings.Settle(ctx, e.Integration.ID, versions); err != nil {
		return fmt.Errorf("settling groups: %w", err)
	}
	return nil
}

// remember commits rows about which nothing is sent.
func (e *Engine) remember(ctx context.Context, rows []issue.Tracked) error {
	byProject := map[int64][]issue.Tracked{}
	for _, t := range rows {
		byProject[t.Observed.ProjectID] = append(byProject[t.Observed.ProjectID], t)
	}
	for project, rows := range byProject {
		watermark, err := e.Memory.Watermark(ctx, e.Integration.ID, project)
		if err != nil {
			return err
		}
		if err := e.Memory.Observe(ctx, e.Integration.ID, project, rows, watermark); err != nil {
			return err
		}
	}
	return nil
}
