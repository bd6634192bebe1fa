package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
)

// relocate takes an issue to another project: the tracker moves it, or it is
// closed and a new one made there that names it. What is left to be done then is
// decided as ever, so that a process that dies in between leaves it to the next
// plan.
func (a *applying) relocate(ctx context.Context, e plan.Entry, s plan.Step) error {
	var err error
	switch why := a.takes(ctx, s.To); {
	case s.Links() && why != "": // nothing is closed for an issue that cannot be made
		return a.finish(ctx, e, issue.Tracked{}, s, &heldError{reason: why, after: patience})
	case s.Links():
		err = a.change(ctx, e, s)
	default:
		err = a.move(ctx, e, s)
	}
	if err != nil || s.Undoes || a.stopped() != nil {
		return err
	}
	return a.follow(ctx, e.Seq, s)
}

// move has the tracker move an issue, with the intent committed right before the
// request leaves.
func (a *applying) move(ctx context.Context, e plan.Entry, s plan.Step) error {
	from := s.Have.Observed.ProjectID
	if err := a.lookAgain(ctx, from); err != nil {
		return a.finish(ctx, e, issue.Tracked{}, s, err)
	}
	t := *s.Have
	o, err := a.Tracker.Move(ctx, from, t.Observed.IID, s.To, func() error {
		if err := errors.Join(a.stopped(), a.gate.still(a.about(s), false)); err != nil {
			return err
		}
		if !s.Undoes { // an undo is as if a person moved it
			t = t.Moving(s.To, a.Clock().UTC())
		}
		intended, stored, err := a.Journal.Intend(ctx, e, t)
		if err != nil {
			return &ownError{err}
		}
		e, t = intended, stored
		return nil
	})
	if err != nil {
		return a.finish(ctx, e, a.unmoved(t, err), s, err)
	}
	e.Stamp = o.UpdatedAt
	return a.finish(ctx, e, t.Moved(o, true), s, nil)
}

// unmoved is what to remember of an issue whose move failed: what was refused is
// not tried again at once, and nothing is known where the answer was lost.
func (a *applying) unmoved(t issue.Tracked, err error) issue.Tracked {
	trouble := (*issue.Trouble)(nil)
	switch {
	case !errors.As(err, &trouble):
		return t.Unmoved("", time.Time{})
	case trouble.Kind == issue.Doubtful:
		return t
	case trouble.Kind == issue.Invalid || trouble.Kind == issue.NotFound || trouble.Kind == issue.Forbidden:
		return t.Unmoved(err.Error(), a.Clock().UTC())
	}
	return t.Unmoved("", time.Time{})
}

// follow takes the step that a change of project leaves to be done: the new issue
// in the place of one that was closed for it, or what a move did not take along.
func (a *applying) follow(ctx context.Context, seq int, s plan.Step) error {
	g, have, err := a.Findings.Group(ctx, s.Group)
	if err != nil {
		return err
	}
	for _, t := range have {
		if t.ID == s.Have.ID && t.Observed.ProjectID != s.To && (!s.Links() || t.Observed.State != issue.Closed) {
			return nil // it is still where it was
		}
	}
	on := a
	if a.shared { // the run's jobs are those that were planned: what follows has none
		on = a.applying(a.report.Run)
	}
	for _, next := range a.decide(ctx, g, have) {
		if next.Verb != plan.Create && next.Verb != plan.Update {
			continue
		}
		on.more(next)
		if err := on.take(ctx, seq, next); err != nil {
			return err
		}
	}
	return nil
}

// more counts a step that was not planned.
func (a *applying) more(s plan.Step) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left[s.Group]++
	a.total++
	a.report.Run.Steps++
}

// settleMoves takes in what became of moves whose answer was lost: GitLab is asked
// for the old issue once it was silent for long enough, and where that was not
// moved, the move was never carried out.
func (l *looking) settleMoves(ctx context.Context, began time.Time) error {
	rows, err := l.Watch.Moving(ctx, l.Integration.ID, l.project)
	if err != nil {
		return err
	}
	silent := map[int64]issue.Tracked{}
	for _, t := range rows {
		if seen, ok := l.changed[t.ID]; ok {
			if t = seen; !t.Move.InDoubt() || t.Phase == issue.Lost {
				continue
			}
		}
		if t.Move.At.After(began.Add(l.Settle)) { // the clock was set back since
			t.Move.At = began.UTC()
			l.changed[t.ID] = t
		}
		if began.Sub(t.Move.At) < l.Settle {
			l.InDoubt++
			continue
		}
		silent[t.Observed.IID] = t
	}
	return l.unmoved(ctx, silent)
}

// unmoved asks for issues by their numbers, of which a move is in doubt.
func (l *looking) unmoved(ctx context.Context, silent map[int64]issue.Tracked) error {
	for iids := range slices.Chunk(slices.Sorted(maps.Keys(silent)), 100) {
		there, err := l.Finder.Those(ctx, l.project, iids)
		if err != nil {
			return err
		}
		for _, o := range there {
			t, asked := silent[o.IID]
			switch {
			case !asked:
			case o.MovedToID != 0:
				if err := l.follow(ctx, t, o); err != nil {
					return err
				}
			default:
				l.changed[t.ID] = t.Unmoved("", time.Time{})
			}
		}
	}
	return nil
}

// doors is which projects take issues, as far as was asked lately.
type doors struct {
	mu    sync.Mutex
	known map[int64]door // guarded by mu
}

type door struct {
	why string // it takes none; empty: it does
	at  time.Time
}

// takes says why no issue can be put into a project now, "" when one can. Of many
// steps that ask at once, one calls.
func (e *Engine) takes(ctx context.Context, project int64) string {
	e.doors.mu.Lock()
	defer e.doors.mu.Unlock()
	if d, ok := e.doors.known[project]; ok && e.Clock().Sub(d.at).Abs() < patience {
		return d.why
	}
	d := door{at: e.Clock()}
	if _, err := e.gate.pass(ctx, breaker.Call{Project: project}); err != nil {
		return err.Error()
	}
	if err := e.Finder.Takes(ctx, project); err != nil {
		d.why = err.Error()
	}
	e.doors.known[project] = d
	return d.why
}

// shut is why the project a group's issue belongs in takes none now, asked only
// where that decides something: an open issue was sent elsewhere before.
func (e *Engine) shut(ctx context.Context, project int64, have []issue.Tracked) string {
	for _, t := range have {
		if t.Phase == issue.Live && t.Routed != 0 && t.Routed != project && t.Observed.ProjectID == t.Routed {
			return e.takes(ctx, project)
		}
	}
	return ""
}
