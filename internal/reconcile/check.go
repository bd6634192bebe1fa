package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"cxm/internal/issue"
	"cxm/internal/plan"
)

const (
	// unseen is how long ago it may be made sure that an open issue is there: a
	// person who deletes one tells nobody, and no look lists it.
	unseen = 24 * time.Hour
	// doubted is when an issue is asked for again that was not listed once.
	doubted = time.Minute
)

// check makes sure of the open issues that were not seen for long, a hundred with
// one call: about one call a day for every hundred that are open. One that is not
// listed is asked for again, and held once it was missing twice.
func (l *looking) check(ctx context.Context, began time.Time) error {
	rows, err := l.Watch.Unchecked(ctx, l.Integration.ID, l.project, began.Add(-unseen))
	if err != nil || len(rows) == 0 {
		return err
	}
	byIID := map[int64]issue.Tracked{}
	for _, t := range rows {
		byIID[t.Observed.IID] = t
	}
	there, err := l.Finder.Those(ctx, l.project, slices.Sorted(maps.Keys(byIID)))
	if err != nil {
		return err
	}
	var seen, missing []int64
	for _, o := range there {
		if t, asked := byIID[o.IID]; asked {
			seen = append(seen, t.ID)
			delete(byIID, o.IID)
			if _, known := l.changed[t.ID]; known {
				continue
			}
			if err := l.listed(ctx, t, o); err != nil {
				return err
			}
		}
	}
	for _, t := range byIID {
		missing = append(missing, t.ID)
		l.missed(t)
	}
	slices.Sort(missing)
	if err := l.Watch.Checked(ctx, seen, began); err != nil {
		return err
	}
	return l.Watch.Checked(ctx, missing, began.Add(doubted-unseen))
}

// listed takes in an issue that was asked for and is there.
func (l *looking) listed(ctx context.Context, t issue.Tracked, o issue.Observed) error {
	if t.Missing > 0 {
		t.Missing = 0
		l.changed[t.ID] = t
	}
	return l.same(ctx, t, o)
}

// missed counts that GitLab does not list an issue that was asked for.
func (l *looking) missed(t issue.Tracked) {
	if seen, known := l.changed[t.ID]; known {
		t = seen
	}
	if t.Missing++; t.Missing >= plan.Confirmed && t.Phase == issue.Live {
		t.Phase, t.Trouble = issue.Lost, "GitLab does not list it any more: deleted, or hidden from the account"
		l.Lost++
	}
	l.changed[t.ID] = t
}
