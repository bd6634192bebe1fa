package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"cxm/internal/issue"
	"cxm/internal/rule"
)

// Confirmed is how many looks that do not list an issue tell that it is gone:
// one may have gone to a replica of GitLab's database that lags behind.
const Confirmed = 2

// routed is Have with issues that a person has moved: wherever they want an issue
// is where the rules have it too, until they change again.
func (d *decider) routed() []issue.Tracked {
	to := d.Want.Route.Project
	have := slices.Clone(d.Have)
	for i := range have {
		t := &have[i]
		if to != 0 && t.Routed != to && t.Phase == issue.Live && (t.Routed == 0 || t.Observed.ProjectID != t.Routed) && !t.Move.InDoubt() {
			t.Routed = to
		}
	}
	return have
}

// kept remembers what routed found out, where nothing is written otherwise.
func (d *decider) kept(s Step) Step {
	if s.Verb != Nothing || s.Have == nil || s.Keep != nil {
		return s
	}
	for _, was := range d.before {
		if was.ID == s.Have.ID && was.Routed != s.Have.Routed {
			keep := *s.Have
			s.Keep = &keep
		}
	}
	return s
}

// strayed says that the rules send the issue elsewhere by now.
func (d *decider) strayed(t *issue.Tracked) bool {
	return t.Routed != 0 && d.Want.Route.Project != 0 && t.Routed != d.Want.Route.Project && d.OnRoute != rule.Stay
}

// placed decides about a present group whose issue is open: first where it is,
// then what it says. What cannot be moved is kept true where it is.
func (d *decider) placed(t *issue.Tracked) Step {
	_, marked := issue.Own(t.Observed.Description, t.Nonce)
	if !d.strayed(t) || !marked {
		return d.open(t)
	}
	held := d.Shut
	if t.Move.Refused != "" && t.Move.To == d.Want.Route.Project && d.Now.Sub(t.Move.At).Abs() < d.Retry {
		held = t.Move.Refused
	}
	if held == "" {
		return d.move(t)
	}
	s := d.open(t)
	if s.Later = true; s.Verb == Nothing {
		s.Reason = fmt.Sprintf("held: it belongs in %s now, and cannot go there: %s", d.there(), held)
	}
	return s
}

// move takes an open issue to where the rules send it.
func (d *decider) move(t *issue.Tracked) Step {
	s := d.step(Move, t, "it belongs in %s now", d.there())
	s.To, s.Later, s.Status = d.Want.Route.Project, true, t.Written.Status
	if d.OnRoute == rule.CloseAndLink {
		s.Reason += ": it is closed, and a new one there takes its place"
		s.Status = fmt.Sprintf(ClosedWords+" on %s: it belongs in %s now, where a new issue takes its place.", d.Now.UTC().Format("2006-01-02"), d.there())
		s.Change = d.change(t, s.Status)
		s.Change.State = issue.Closed
	}
	return s
}

// replace makes a new issue in the place of one that is over.
func (d *decider) replace(t *issue.Tracked, reason string, args ...any) Step {
	s := d.step(Create, nil, reason, args...)
	if s.Project = d.Want.Route.Project; !d.strayed(t) && t.Phase == issue.Live {
		s.Project = t.Observed.ProjectID
	}
	if own, marked := issue.Own(t.Observed.Description, t.Nonce); marked && d.strayed(t) { // the same work, elsewhere
		want := d.Want.Ticked(own.Text)
		s.Want = &want
	}
	s.Status = fmt.Sprintf("Takes the place of %s.", reference(*t, s.Project))
	retired := *t
	retired.Phase = issue.Retired
	s.Keep = &retired
	return s
}

// there names the project of the route.
func (d *decider) there() string {
	if d.Want.Route.Path != "" {
		return d.Want.Route.Path
	}
	return fmt.Sprintf("project %d", d.Want.Route.Project)
}

// heard counts what is new about a group whose issue a person closed.
func (d *decider) heard(s Step) Step {
	now := news(d.Group)
	if now == s.Have.Returns.Last {
		return s
	}
	keep := *s.Have
	if keep.Returns.Last != "" {
		keep.Returns.Times++
	}
	keep.Returns.Last = now
	s.Keep = &keep
	return s
}

// news names what the sources say of a group now.
func news(g rule.Group) string {
	sum := sha256.New()
	for _, m := range g.Present() {
		_, _ = fmt.Fprintln(sum, m.Finding.FindingKey, m.Sighting.Digest, m.Sighting.Since.UnixMicro()) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// returned is a status that says how often news came while the issue was closed.
func returned(status string, r issue.Returns) string {
	if r.Times == 0 {
		return status
	}
	times := "once"
	if r.Times > 1 {
		times = fmt.Sprintf("%d times", r.Times)
	}
	if status != "" {
		status += " "
	}
	return status + "While it was closed, something new was reported " + times + "."
}
