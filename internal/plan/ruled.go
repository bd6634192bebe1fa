package plan

import (
	"strings"

	"cxm/internal/issue"
)

// goneWords begin the status of an issue that people close.
const goneWords = "**Gone**"

// told says in an issue that its finding is gone, and leaves the closing to people.
func (d *decider) told(t *issue.Tracked, reason string) Step {
	if strings.HasPrefix(t.Written.Status, goneWords) {
		return d.step(Nothing, t, "%s, and the issue says so: people close it", reason)
	}
	s := d.step(Update, t, "%s: people close it", reason)
	s.Status = goneWords + ": " + reason + ". Close this issue when nothing is left to do."
	if s.Change = d.change(t, s.Status); s.Change.Empty() {
		return d.step(Nothing, t, "%s, and there is no place to say so", reason)
	}
	return s
}

// astray holds a group whose issue would go nobody knows where.
func (d *decider) astray() Step {
	s := d.step(Nothing, nil, "held: %s", d.Astray)
	s.Later = true
	return s
}

// Unasked is the step when the rule does not act on what happened: nothing is done.
func (s Step) Unasked(rule string) Step {
	s.Reason = "rule " + rule + " does not act on it: " + s.Reason
	s.Verb, s.Keep, s.Want, s.Status, s.To, s.Later, s.Change = Nothing, nil, nil, "", 0, false, issue.Change{}
	return s
}

// unwanted decides about the issue of a group that no rule makes one of any more.
func (d *decider) unwanted(t *issue.Tracked) Step {
	reason := "no rule makes an issue of it any more: " + d.Group.Ignored
	switch {
	case t.Observed.State == issue.Closed:
		return d.step(Nothing, t, "%s, and its issue is closed", reason)
	case t.Written.State == issue.Closed && t.Override == issue.Opened:
		return d.step(Nothing, t, "%s, but a person reopened it: theirs to close", reason)
	}
	return d.close(t, reason)
}

// regrouped says where the findings are that all left the group.
func (d *decider) regrouped(t *issue.Tracked) string {
	if there := d.Group.Left.Issues[t.Integration]; there != "" {
		return "its findings are in another issue now: " + there
	}
	return "its findings are in another issue now"
}
