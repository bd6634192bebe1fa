package track

import (
	"fmt"
	"slices"
	"strings"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/people"
)

// home gives where an issue's labels and milestones come from.
func (t *Tracker) home(i *Issue) catalog.Home {
	return catalog.Home{Project: t.places.Project(i.ProjectID)}
}

// applyLabels replaces first, then adds, then removes. Only who may
// administer labels makes new ones by naming them.
func (t *Tracker) applyLabels(u *people.User, i *Issue, c Change) {
	h, create := t.home(i), t.CanAdminister(u, i.ProjectID)
	next := slices.Clone(i.LabelIDs)
	if c.Labels.Set {
		next = t.catalog.Resolve(h, c.Labels.To, create)
	}
	for _, id := range t.catalog.Resolve(h, c.AddLabels, create) {
		if !slices.Contains(next, id) || t.catalog.ScopeOf(id) != "" {
			next = append(minus(next, []int64{id}), id)
		}
	}
	next = minus(next, t.catalog.Resolve(h, c.RemoveLabels, false))
	if t.Licensed(i.ProjectID) {
		next = t.catalog.Exclusive(next)
	}
	t.setLabels(u, i, next)
}

// setLabels gives an issue exactly these labels, with events for the change.
func (t *Tracker) setLabels(u *people.User, i *Issue, next []int64) {
	added, removed := minus(next, i.LabelIDs), minus(i.LabelIDs, next)
	if len(added)+len(removed) == 0 {
		return
	}
	i.LabelIDs = next
	for _, id := range added {
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "label", Action: "add", LabelID: id})
	}
	for _, id := range removed {
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "label", Action: "remove", LabelID: id})
	}
	t.system(u, i, labelText(added, removed))
}

func labelText(added, removed []int64) string {
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "added "+labelRefs(added))
	}
	if len(removed) > 0 {
		parts = append(parts, "removed "+labelRefs(removed))
	}
	return strings.Join(parts, " and ")
}

func labelRefs(ids []int64) string {
	refs := make([]string, len(ids))
	for n, id := range ids {
		refs[n] = fmt.Sprintf("~%d", id)
	}
	word := " label"
	if len(ids) > 1 {
		word = " labels"
	}
	return strings.Join(refs, " ") + word
}

// applyMilestone sets or clears the milestone; an unknown one is ignored.
func (t *Tracker) applyMilestone(u *people.User, i *Issue, c Change) {
	next := i.MilestoneID
	switch {
	case c.Milestone.Set && c.Milestone.To == 0, c.MilestoneTitle.Set && c.MilestoneTitle.To == "":
		next = 0
	case c.Milestone.Set || c.MilestoneTitle.Set:
		for _, m := range t.catalog.Milestones(t.home(i), true) {
			if c.Milestone.Set && m.ID == c.Milestone.To || c.MilestoneTitle.Set && m.Title == c.MilestoneTitle.To {
				next = m.ID
			}
		}
	}
	t.setMilestone(u, i, next)
}

func (t *Tracker) setMilestone(u *people.User, i *Issue, next int64) {
	if next == i.MilestoneID {
		return
	}
	if next == 0 {
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "milestone", Action: "remove", MilestoneID: i.MilestoneID})
		t.system(u, i, "removed milestone")
	} else {
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "milestone", Action: "add", MilestoneID: next})
		t.system(u, i, fmt.Sprintf("changed milestone to %%%q", t.catalog.Milestone(next).Title))
	}
	i.MilestoneID = next
}

// LabelsOf gives an issue's labels by title.
func (t *Tracker) LabelsOf(i *Issue) []*catalog.Label { return t.catalog.Sorted(i.LabelIDs) }

// record files an event.
func (t *Tracker) record(e Event) {
	t.next.event++
	e.ID, e.CreatedAt = t.next.event, t.now()
	t.events[e.IssueID] = append(t.events[e.IssueID], &e)
}

// Events gives an issue's events of one sort ("state", "label", "milestone"), oldest first.
func (t *Tracker) Events(i *Issue, what string) []*Event {
	var out []*Event
	for _, e := range t.events[i.ID] {
		if e.What == what {
			out = append(out, e)
		}
	}
	return out
}

// Subscribe turns a user's notifications for an issue on or off; false says
// that it was so already.
func (t *Tracker) Subscribe(u *people.User, i *Issue, on bool) bool {
	if t.Subscribed(u, i) == on {
		return false
	}
	i.subscriptions[u.ID] = on
	return true
}

// Subscribed says whether a user is notified about an issue: by choice, else
// because they take part in it.
func (t *Tracker) Subscribed(u *people.User, i *Issue) bool {
	if u == nil {
		return false
	}
	if chosen, ok := i.subscriptions[u.ID]; ok {
		return chosen
	}
	return slices.Contains(t.Participants(i), u.ID)
}

// Participants gives the users who wrote, are assigned or commented, in that order.
func (t *Tracker) Participants(i *Issue) []int64 {
	out := []int64{i.AuthorID}
	add := func(id int64) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, id := range i.AssigneeIDs {
		add(id)
	}
	for _, n := range t.notes[i.ID] {
		if !n.System && !n.Internal {
			add(n.AuthorID)
		}
	}
	return out
}

// Counts of a label's issues in a home.
type Counts struct{ Open, Closed int }

// Count gives how many issues of a home carry a label.
func (t *Tracker) Count(h catalog.Home, l *catalog.Label) Counts {
	var c Counts
	for _, i := range t.issues {
		if !slices.Contains(i.LabelIDs, l.ID) || !t.inHome(h, i) {
			continue
		}
		if i.State == Opened {
			c.Open++
		} else {
			c.Closed++
		}
	}
	return c
}

func (t *Tracker) inHome(h catalog.Home, i *Issue) bool {
	if h.Project != nil {
		return i.ProjectID == h.Project.ID
	}
	p := t.places.Project(i.ProjectID)
	return t.places.Within(t.places.Namespace(p.NamespaceID), h.Group)
}
