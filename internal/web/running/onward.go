package running

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"cxm/internal/web"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// What somebody has carried out ends on the page of its run, where they see what was
// done, whether that is over before its page is there or not. The address between the
// form and that page is one that leads on: it shows how far it is, until it knows where.

func planProgress(integration int64) string {
	return planAt + "/progress" + strings.TrimPrefix(planOf(integration), planAt)
}

func undoProgress(run int64) string { return undoAt(run) + "/progress" }

// watched says that something is under way, and nothing else is to be seen of it yet.
func (d PlanData) watched() bool { return d.State == Making || d.State == Applying && d.Run == 0 }

// end is where a plan leads that is not watched any more: to its run, to the one that
// waits where nothing else was to be done, or to its own page, which says why there is
// none.
func (d PlanData) end() string {
	switch {
	case d.State != Applying && d.State != Applied:
	case d.Run != 0:
		return runAt(d.Run)
	case d.Waits != 0:
		return runAt(d.Waits)
	}
	return planOf(d.Chosen)
}

func (d UndoData) watched() bool { return d.State == Making || d.State == Applying && d.Undoing == 0 }

// end is where the taking back of a run leads that is not watched any more.
func (d UndoData) end() string {
	if (d.State == Applying || d.State == Applied) && d.Undoing != 0 {
		return runAt(d.Undoing)
	}
	return undoAt(d.Run)
}

// led is the answer to who has something done: what is refused is said on the page that
// shows why.
func led(to, why string, err error) (site.Answer, error) {
	if no, ok := errors.AsType[*site.Refusal](err); ok {
		return late(why, no.Text), nil
	}
	return site.Answer{To: to}, err
}

// late is the answer to a question that is not asked any more.
func late(to, text string) site.Answer {
	return site.Answer{To: to, Notice: ui.Notice{Text: text, Tone: ui.Warn}}
}

// planOn shows how far a plan is that is carried out, and then leads on.
func (a *area) planOn(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.Plans.Plan(r, g, chosen(r))
	if err != nil {
		return site.Answer{}, err
	}
	if !d.watched() {
		return site.Answer{To: d.end()}, nil
	}
	d.May = g.May
	PlanShell(shell, d)
	return site.Answer{Page: NewPlan(ui.Place{Path: planAt}, d)}, nil
}

// undoOn shows how far the taking back of a run is, and then leads on.
func (a *area) undoOn(r *http.Request, g site.Guest, shell *ui.Shell) (site.Answer, error) {
	d, err := a.undoData(r, g)
	if err != nil {
		return site.Answer{}, err
	}
	if !d.watched() {
		return site.Answer{To: d.end()}, nil
	}
	UndoShell(shell, d)
	return site.Answer{Page: NewUndo(d)}, nil
}

// planLive waits for the end of what is under way, and leads on.
func (a *area) planLive(r *http.Request, g site.Guest, out *web.Stream) error {
	for {
		d, err := a.Plans.Plan(r, g, chosen(r))
		switch {
		case err != nil || d.State == NoPlan:
			return out.Done() // it cannot be looked at any more
		case !d.watched():
			return out.Next(d.end())
		}
		if err := out.Part("running-since", Since{d.Since, a.Clock()}); err != nil {
			return err
		}
		if !a.pause(r.Context()) {
			return nil
		}
	}
}

// Since is for how long something is under way.
type Since struct{ From, Now time.Time }

// Text is it in words.
func (s Since) Text() string {
	if s.From.IsZero() || s.Now.Before(s.From) {
		return "just begun"
	}
	return "for " + lasting(s.Now.Sub(s.From))
}
