package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
)

// maxRounds bounds how often creates that were proved absent are tried again
// within one Apply.
const maxRounds = 3

// breaker is how many steps in a row may fail the same way before a run stops:
// what breaks five times breaks five thousand times.
const breaker = 5

// Report is what became of a plan.
type Report struct {
	Run      plan.Run
	Failures []Failure // steps that failed, are in doubt, or were skipped
	Missing  []string  // labels that GitLab dropped silently, since the account may not create them
	Halted   string    // why the run stopped before its end; empty: it did not

	Adopted int // creates whose answer was lost and that were found carried out
	Dropped int // creates whose answer was lost and that were proved never carried out, then tried again
	InDoubt int // writes about which nothing is known yet: the next run looks first
}

// Whole says that everything planned was carried out.
func (r Report) Whole() bool {
	return r.Halted == "" && r.InDoubt == 0 && r.Run.Failed == 0 && r.Run.Skipped == 0
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
// what GitLab refused is in the report.
func (e *Engine) Apply(ctx context.Context, p plan.Plan) (Report, error) {
	steps := p.Changes()
	if len(steps) == 0 {
		return Report{}, e.settle(ctx, p)
	}
	run, err := e.Journal.BeginRun(ctx, plan.Run{StartedAt: e.Clock().UTC(), Steps: len(steps)})
	if err != nil {
		return Report{}, fmt.Errorf("starting a run: %w", err)
	}
	a := &applying{
		Engine: e, report: Report{Run: run}, labels: map[string]bool{},
		slots: make(chan struct{}, e.Workers),
	}
	err = errors.Join(a.rounds(ctx, p), a.open(context.WithoutCancel(ctx)))
	a.report.Run.FinishedAt = e.Clock().UTC()
	// What happened is recorded even when the person pressed Ctrl-C.
	return a.report, errors.Join(err, e.Journal.FinishRun(context.WithoutCancel(ctx), a.report.Run))
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
	left     map[rule.GroupKey]int // steps of this round that are not done
	labels   map[string]bool
	slots    chan struct{} // one element per write in flight
	lastKind issue.TroubleKind
	inARow   int
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
	var group errgroup.Group
	group.SetLimit(3 * a.Workers) // while some wait for GitLab, others write to the store
	for _, s := range steps {
		if ctx.Err() != nil || a.stopped() != nil {
			break
		}
		a.seq++
		seq := a.seq
		group.Go(func() error { return a.take(ctx, seq, s) })
	}
	return group.Wait()
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
		if s.Verb != plan.Nothing {
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
	if err := e.Findings.Settle(ctx, versions); err != nil {
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
