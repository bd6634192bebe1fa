package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
		return Report{}, e.settle(ctx, p, nil)
	}
	run, err := e.Journal.BeginRun(ctx, plan.Run{StartedAt: e.Clock().UTC(), Steps: len(steps)})
	if err != nil {
		return Report{}, fmt.Errorf("starting a run: %w", err)
	}
	a := &applying{
		Engine: e, report: Report{Run: run}, done: map[rule.GroupKey]bool{}, labels: map[string]bool{},
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
	done     map[rule.GroupKey]bool
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
		if err := a.settle(context.WithoutCancel(ctx), p, a.done); err != nil {
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

// take carries out one step.
func (a *applying) take(ctx context.Context, seq int, s plan.Step) error {
	e := plan.Entry{
		Run: a.report.Run.ID, Seq: seq, Verb: s.Verb, Reason: s.Reason, Group: s.Group,
		Outcome: plan.Intended, WroteAt: a.Clock().UTC(), Title: s.Title, Summary: summary(s),
	}
	if s.Verb == plan.Create {
		return a.create(ctx, e, s)
	}
	return a.change(ctx, e, s)
}

// create makes an issue. Its intent is committed right before the request
// leaves, after any wait for limits, so that the time of the intent is the time
// of the request and a look can tell silence from slowness.
func (a *applying) create(ctx context.Context, e plan.Entry, s plan.Step) error {
	if s.Keep != nil {
		if err := a.remember(ctx, []issue.Tracked{*s.Keep}); err != nil {
			return a.finish(ctx, e, issue.Tracked{}, s, err)
		}
	}
	project := s.Project
	if project == 0 {
		project = a.Integration.Project.ID
	}
	t := issue.Intend(a.Integration.ID, project, a.Nonce(), *s.Want, s.Status)
	marker := issue.Marker{Installation: a.Installation, Group: s.Group, Nonce: t.Nonce}
	draft := issue.Compose(*s.Want, marker, s.Status)
	var slot slot
	draft.Sending = func() error {
		if err := a.stopped(); err != nil {
			return err
		}
		if err := a.sending(ctx, &e, &t); err != nil {
			return err
		}
		return errors.Join(slot.take(ctx, a.slots), a.stopped())
	}
	o, err := a.Tracker.Create(ctx, project, draft)
	slot.release()
	if err != nil {
		return a.finish(ctx, e, t, s, err)
	}
	a.dropped(issue.Missing(draft.Labels, o))
	return a.finish(ctx, e, t.Wrote(*s.Want, s.Status, true, o), s, nil)
}

// slot is a place among the writes in flight, held by one step at most once.
type slot struct{ from chan struct{} }

// take waits for a place.
func (s *slot) take(ctx context.Context, slots chan struct{}) error {
	if s.from != nil {
		return nil
	}
	select {
	case slots <- struct{}{}:
		s.from = slots
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release gives the place back; without one it does nothing.
func (s *slot) release() {
	if s.from != nil {
		<-s.from
		s.from = nil
	}
}

// sending commits the intent of a create, or when it was refused and is tried
// again, the new time of it.
func (a *applying) sending(ctx context.Context, e *plan.Entry, t *issue.Tracked) (err error) {
	t.SentAt = a.Clock().UTC()
	if e.ID == 0 {
		intended := *e
		intended, stored, err := a.Journal.Intend(ctx, intended, *t)
		if err == nil {
			*e, *t = intended, stored
		}
		return err
	}
	if err := a.Journal.Record(ctx, *e, *t); err != nil {
		return err
	}
	t.Rev++
	return nil
}

// change writes to an issue that is as it was when the plan was made.
func (a *applying) change(ctx context.Context, e plan.Entry, s plan.Step) error {
	t := *s.Have
	t.Pending = s.Change.State
	intended, t, err := a.Journal.Intend(ctx, e, t)
	if err != nil {
		return a.finish(ctx, e, issue.Tracked{}, s, err)
	}
	e = intended
	var slot slot
	if err := errors.Join(slot.take(ctx, a.slots), a.stopped()); err != nil {
		slot.release()
		return a.finish(ctx, e, t, s, err)
	}
	o, err := a.Tracker.Change(ctx, t.Observed.ProjectID, t.Observed.IID, s.Change)
	slot.release()
	if err != nil {
		return a.finish(ctx, e, t, s, err)
	}
	a.dropped(issue.Missing(s.Change.AddLabels, o))
	return a.finish(ctx, e, t.Wrote(*s.Want, s.Status, s.Change.Title != nil, o), s, nil)
}

// finish records what became of a step, in the journal and in the report. The
// error is about the store.
func (a *applying) finish(ctx context.Context, e plan.Entry, t issue.Tracked, s plan.Step, trouble error) error {
	a.trip(trouble) // before anything is recorded: the others are under way
	e.Outcome, t = a.outcome(t, trouble)
	e.EndedAt, e.WebURL = a.Clock().UTC(), t.Observed.WebURL
	if trouble != nil {
		e.Trouble = trouble.Error()
	}
	if e.ID != 0 {
		if err := a.record(context.WithoutCancel(ctx), e, t); err != nil {
			return a.broken(fmt.Errorf("recording what became of %q: %w", s.Title, err))
		}
	}
	a.tell(s, e.Outcome, trouble)
	return nil
}

// broken stops the run, since cxm's own store does not work.
func (a *applying) broken(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Halted = err.Error()
	return err
}

// record commits an entry and its issue. When another process has taken in the
// issue meanwhile, what it saw is newer, and only the entry is committed.
func (a *applying) record(ctx context.Context, e plan.Entry, t issue.Tracked) error {
	err := a.Journal.Record(ctx, e, t)
	if a.Stale(err) {
		return a.Journal.Record(ctx, e, issue.Tracked{})
	}
	return err
}

// outcome says what a failed or successful call means for the step and for what
// is remembered of its issue.
func (a *applying) outcome(t issue.Tracked, err error) (plan.Outcome, issue.Tracked) {
	var trouble *issue.Trouble
	creating := t.Phase == issue.Intended
	switch {
	case err == nil:
		return plan.Done, t
	case a.Stale(err):
		return plan.Skipped, t
	case errors.Is(err, errStopped):
		t.Pending = ""
		if creating {
			t.Phase = issue.Dropped
		}
		return plan.Skipped, t
	case errors.As(err, &trouble) && trouble.Kind == issue.Doubtful:
		if creating {
			t.Phase = issue.InDoubt
		}
		t.Trouble = err.Error()
		return plan.InDoubt, t
	case errors.As(err, &trouble) && trouble.Kind == issue.NotFound && !creating:
		t.Phase, t.Missing, t.Pending = issue.Lost, t.Missing+1, ""
	case creating:
		t.Phase = issue.Dropped
	default:
		t.Pending = ""
	}
	t.Trouble = err.Error()
	return plan.Failed, t
}

// tell puts a step's end in the report.
func (a *applying) tell(s plan.Step, o plan.Outcome, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finished++
	switch o {
	case plan.Done:
		a.report.Run.Done++
		a.done[s.Group] = true
	case plan.Failed:
		a.report.Run.Failed++
	case plan.InDoubt:
		a.report.Run.InDoubt++
	default:
		a.report.Run.Skipped++
	}
	if err != nil && !errors.Is(err, errStopped) {
		a.report.Failures = append(a.report.Failures, Failure{s, o, err})
	}
	a.Progress(Progress{Done: a.finished, Total: a.total, Step: s, Outcome: o})
}

// trip stops the run when the token is refused or GitLab cannot be reached, or
// when one step after the other fails the same way.
func (a *applying) trip(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var trouble *issue.Trouble
	if err == nil {
		a.inARow = 0
	}
	if !errors.As(err, &trouble) || errors.Is(err, errStopped) || a.Stale(err) || a.report.Halted != "" {
		return
	}
	if trouble.Kind != a.lastKind {
		a.lastKind, a.inARow = trouble.Kind, 0
	}
	a.inARow++
	switch {
	case trouble.Kind == issue.Unauthorized || trouble.Kind == issue.Unsent:
		a.report.Halted = trouble.Error()
	case a.inARow >= breaker:
		a.report.Halted = fmt.Sprintf("%d steps in a row failed the same way: %v", a.inARow, trouble)
	}
}

func (a *applying) dropped(labels []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, label := range labels {
		if !a.labels[label] {
			a.labels[label] = true
			a.report.Missing = append(a.report.Missing, label)
		}
	}
}

// doubts looks up the creates whose answer was lost. It waits until GitLab's
// silence means something, and returns a plan for those proved absent.
func (a *applying) doubts(ctx context.Context) (plan.Plan, error) {
	open, err := a.Memory.Unsettled(ctx, a.Integration.ID)
	if err != nil || len(open) == 0 {
		return plan.Plan{}, err
	}
	looked, err := a.lookUp(ctx)
	if err == nil && looked.InDoubt > 0 {
		wait := a.silence(open)
		a.Progress(Progress{Done: a.finished, Total: a.total, Waiting: wait})
		if err := a.Sleep(ctx, wait); err != nil {
			return plan.Plan{}, err
		}
		_, err = a.lookUp(ctx)
	}
	if trouble, ok := errors.AsType[*issue.Trouble](err); ok {
		a.report.Halted = "creates are in doubt, and they could not be looked up: " + trouble.Error()
		return plan.Plan{}, nil
	}
	if err != nil {
		return plan.Plan{}, err
	}
	return a.again(ctx, open)
}

// lookUp looks and counts what became of creates in doubt.
func (a *applying) lookUp(ctx context.Context) (Looked, error) {
	looked, err := a.Look(ctx)
	a.report.Adopted += looked.Adopted
	a.report.Dropped += looked.Dropped
	return looked, err
}

// silence is how long the last of the creates in doubt must still be waited for.
func (a *applying) silence(open []issue.Tracked) time.Duration {
	var last time.Time
	for _, t := range open {
		if t.SentAt.After(last) {
			last = t.SentAt
		}
	}
	return max(0, last.Add(a.Settle).Sub(a.Clock())) + time.Millisecond
}

// again plans the creates of groups whose create was proved absent.
func (a *applying) again(ctx context.Context, open []issue.Tracked) (plan.Plan, error) {
	p, err := a.Plan(ctx, false)
	if err != nil {
		return plan.Plan{}, err
	}
	doubtful := map[rule.GroupKey]bool{}
	for _, t := range open {
		doubtful[t.Group] = true
	}
	var steps []plan.Step
	for _, s := range p.Changes() {
		if s.Verb == plan.Create && doubtful[s.Group] {
			steps = append(steps, s)
		}
	}
	return plan.New(steps, p.Unchanged), nil
}

// settle remembers what the plan learned without writing, and marks the groups
// that need nothing more.
func (e *Engine) settle(ctx context.Context, p plan.Plan, done map[rule.GroupKey]bool) error {
	versions, open := map[rule.GroupKey]int64{}, map[rule.GroupKey]bool{}
	var keep []issue.Tracked
	for _, s := range p.Steps {
		if s.Verb == plan.Nothing && s.Keep != nil {
			keep = append(keep, *s.Keep)
		}
		if s.Verb != plan.Nothing && !done[s.Group] {
			open[s.Group] = true
		}
		versions[s.Group] = s.Version
	}
	for group := range open {
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

// summary names what a step sends.
func summary(s plan.Step) string {
	if s.Verb == plan.Create {
		return "a new issue"
	}
	return s.Change.Summary()
}
