package reconcile

import (
	"context"
	"errors"

	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule/attention"
)

// take carries out one step.
func (a *applying) take(ctx context.Context, seq int, s plan.Step) error {
	e := s.Begin(a.report.Run.ID, seq)
	if known, there := a.planned[s.Target()]; there {
		e.ID, e.Seq = known.ID, known.Seq
	}
	e.WroteAt = a.Clock().UTC()
	probe, err := a.gate.pass(ctx, a.about(s))
	if err != nil {
		return a.finish(ctx, e, issue.Tracked{}, s, err)
	}
	switch s.Verb {
	case plan.Create:
		return a.create(ctx, e, s, probe)
	case plan.Move:
		return a.relocate(ctx, e, s)
	}
	return a.change(ctx, e, s)
}

// create makes an issue. Its intent is committed right before the request
// leaves, after any wait for limits, so that the time of the intent is the time
// of the request and a look can tell silence from slowness.
func (a *applying) create(ctx context.Context, e plan.Entry, s plan.Step, probe bool) error {
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
	draft.Turn = e.Seq
	place := a.places.Place()
	defer place.Release() // where it was refused, only after the gate heard of it: whoever is next may have to stop
	draft.Sending = func() error {
		if err := errors.Join(a.stopped(), a.gate.still(a.about(s), probe)); err != nil {
			return err
		}
		if again := t.ID != 0; again { // many were told to wait, and go on in the order of the plan
			if err := place.Take(ctx, e.Seq); err != nil {
				return err
			}
		}
		if err := a.sending(ctx, &e, &t, s.Ask(project)); err != nil {
			return &ownError{err}
		}
		return errors.Join(place.Take(ctx, e.Seq), a.stopped())
	}
	draft.Answered = place.Release
	o, err := a.Tracker.Create(ctx, project, draft)
	if err != nil {
		return a.finish(ctx, e, t, s, err)
	}
	a.dropped(issue.Missing(draft.Labels, o))
	e.Stamp = o.UpdatedAt
	return a.finish(ctx, e, t.Wrote(*s.Want, s.Status, true, o), s, nil)
}

// sending commits the intent of a create within what it asks for, or when it was
// refused and is tried again, the new time of it.
func (a *applying) sending(ctx context.Context, e *plan.Entry, t *issue.Tracked, ask attention.Ask) error {
	now := *t
	now.SentAt = a.Clock().UTC()
	entry, stored, err := a.Journal.IntendNew(ctx, *e, now, ask)
	if err == nil {
		*e, *t = entry, stored
	}
	return err
}

// change writes to an issue that is as it was when the plan was made: where the
// last look is old it looks again, and what people wrote since leaves the issue to
// the next plan.
func (a *applying) change(ctx context.Context, e plan.Entry, s plan.Step) error {
	if err := a.lookAgain(ctx, s.Have.Observed.ProjectID); err != nil {
		return a.finish(ctx, e, issue.Tracked{}, s, err)
	}
	t := *s.Have
	if t.Pending = s.Change.State; s.Undoes { // it counts as people's choice, whether its answer comes or not
		t.Pending = ""
		if s.Change.State != "" {
			t.Override = s.Change.State
		}
	}
	if s.Want != nil {
		t.Written.Tried = &issue.Shown{Savings: s.Want.Savings, Currency: s.Want.Currency, Severity: s.Want.Severity}
	}
	intended, t, err := a.Journal.Intend(ctx, e, t)
	if err != nil {
		return a.finish(ctx, e, issue.Tracked{}, s, err)
	}
	e = intended
	place := a.places.Place()
	defer place.Release()
	write := s.Change
	write.Turn, write.Answered = e.Seq, place.Release
	write.Sending = func() error { return errors.Join(place.Take(ctx, e.Seq), a.stopped()) } // not before: whoever holds a place must not wait for limits
	o, err := a.Tracker.Change(ctx, t.Observed.ProjectID, t.Observed.IID, write)
	if err != nil {
		if trouble := (*issue.Trouble)(nil); !errors.As(err, &trouble) || trouble.Kind != issue.Doubtful {
			t.Override = s.Have.Override // nothing was undone
		}
		if unsaid(err) {
			t.Written.Tried = s.Have.Written.Tried
		}
		return a.finish(ctx, e, t, s, err)
	}
	a.dropped(issue.Missing(s.Change.AddLabels, o))
	e.Stamp = o.UpdatedAt
	if s.Undoes {
		return a.finish(ctx, e, t.Undid(s.Status, s.Change.Title != nil, s.Change.AddLabels, o), s, nil)
	}
	return a.finish(ctx, e, t.Wrote(*s.Want, s.Status, s.Change.Title != nil, o), s, nil)
}

// unsaid says that a write that failed was certainly not carried out.
func unsaid(err error) bool {
	trouble := (*issue.Trouble)(nil)
	return !errors.As(err, &trouble) || trouble.Kind != issue.Doubtful && trouble.Kind != issue.Unavailable
}
