package track

import (
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// Estimate sets how long an issue should take, in seconds.
func (t *Tracker) Estimate(u *people.User, i *Issue, seconds int64) {
	before := *i
	i.TimeEstimate = seconds
	text := "removed time estimate"
	if seconds > 0 {
		text = "changed time estimate to " + duration.Human(seconds)
	}
	t.system(u, i, text)
	t.touch(i)
	t.changed(u, i, before)
}

// Spend adds (or with a negative number takes back) time spent, in seconds.
func (t *Tracker) Spend(u *people.User, i *Issue, seconds int64) error {
	if i.TimeSpent+seconds < 0 {
		return refuse.Invalidly("time_spent", "can't subtract more time than is tracked")
	}
	before := *i
	i.TimeSpent += seconds
	t.system(u, i, "added "+duration.Human(seconds)+" of time spent")
	t.touch(i)
	t.changed(u, i, before)
	return nil
}

// ResetSpent forgets all time spent.
func (t *Tracker) ResetSpent(u *people.User, i *Issue) {
	before := *i
	i.TimeSpent = 0
	t.system(u, i, "removed time spent")
	t.touch(i)
	t.changed(u, i, before)
}
