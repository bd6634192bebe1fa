package track

import (
	"slices"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// Move carries an issue over to another project: a new issue takes its text,
// notes and what labels the new place knows, the old one closes and points at it.
func (t *Tracker) Move(u *people.User, i *Issue, to *place.Project) (*Issue, error) {
	switch {
	case to.ID == i.ProjectID:
		return nil, refuse.BadAs("Cannot move issue to project it originates from!")
	case i.MovedToID != 0:
		return nil, refuse.BadAs("Cannot move issue due to insufficient permissions!")
	case !t.CanAdminister(u, i.ProjectID) || !t.writable(i) || !t.CanCreate(u, to) || t.places.Role(u, to) < place.Planner:
		return nil, refuse.BadAs("Unable to move. You have insufficient permissions.")
	}
	before := *i
	next := t.copyTo(u, i, to, true)
	t.system(u, next, "moved from "+t.Reference(i, next.ProjectID))
	t.system(u, i, "moved to "+t.Reference(next, i.ProjectID))
	t.relink(i, next)
	t.setState(u, i, "close")
	i.MovedToID = next.ID
	t.touch(i)
	t.index(next)
	t.tell(News{Action: "open", By: u, Issue: next})
	t.changed(u, i, before)
	return next, nil
}

// relink lets the links of a moved issue follow it.
func (t *Tracker) relink(from, to *Issue) {
	for _, l := range t.links {
		if l.SourceID == from.ID {
			l.SourceID = to.ID
		}
		if l.TargetID == from.ID {
			l.TargetID = to.ID
		}
	}
}

// Clone copies an issue to a project (the same one too), with its notes when asked.
func (t *Tracker) Clone(u *people.User, i *Issue, to *place.Project, notes bool) (*Issue, error) {
	if !t.CanAdminister(u, i.ProjectID) || !t.CanCreate(u, to) || t.places.Role(u, to) < place.Planner {
		return nil, refuse.BadAs("Unable to clone. You have insufficient permissions.")
	}
	next := t.copyTo(u, i, to, notes)
	next.AuthorID = u.ID
	t.system(u, next, "cloned from "+t.Reference(i, next.ProjectID))
	t.system(u, i, "cloned to "+t.Reference(next, i.ProjectID))
	t.touch(i)
	t.index(next)
	t.tell(News{Action: "open", By: u, Issue: next})
	return next, nil
}

func (t *Tracker) copyTo(u *people.User, i *Issue, to *place.Project, notes bool) *Issue {
	next := *i
	next.ProjectID, next.IID, next.State, next.ClosedAt, next.ClosedByID = to.ID, 0, Opened, nil, 0
	next.MilestoneID, next.docs, next.subscriptions = 0, nil, map[int64]bool{u.ID: true}
	next.AssigneeIDs, next.UpdatedAt = slices.Clone(i.AssigneeIDs), t.now()
	next.LabelIDs = nil
	copied := &next
	t.insert(copied)
	for _, l := range t.LabelsOf(i) {
		if same := t.catalog.LabelNamed(catalog.Home{Project: to}, l.Title); same != nil {
			copied.LabelIDs = append(copied.LabelIDs, same.ID)
		}
	}
	if notes {
		t.copyNotes(i, copied)
	}
	return copied
}

func (t *Tracker) copyNotes(from, to *Issue) {
	for _, n := range t.notes[from.ID] {
		c := *n
		c.IssueID, c.Discussion = to.ID, ""
		t.putNote(&c)
	}
}
