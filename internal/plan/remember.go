package plan

import (
	"slices"

	"cxm/internal/issue"
)

// What a decision remembers of an issue though nothing is written to it.

// silent remembers a difference that shows nowhere in the issue: an earlier
// write whose answer was lost has said it already.
func (d *decider) silent(t *issue.Tracked, block, reason string) Step {
	keep := *t
	keep.Written.Block = block
	keep.Written.Digest, keep.Written.Severity = d.Want.Digest, d.Want.Severity
	keep.Written.Savings, keep.Written.Currency = d.Want.Savings, d.Want.Currency
	for _, label := range d.Want.Labels {
		if slices.Contains(t.Observed.Labels, label) && !slices.Contains(t.Written.Labels, label) {
			keep.Written.Labels = append(slices.Clip(keep.Written.Labels), label)
		}
	}
	s := d.step(Nothing, t, "%s, but nothing that the issue shows", reason)
	s.Keep = &keep
	return s
}

// agreed remembers that the finding is back and the issue open, however it was
// reopened, so that the next absence may close it again.
func (d *decider) agreed(s Step) Step {
	if s.Have.Written.State != issue.Opened {
		keep := *s.Have
		keep.Written.State, keep.Override = issue.Opened, ""
		s.Keep = &keep
	}
	return s
}
