package track

import (
	"cmp"

	"cxm/internal/sandbox/world/people"
)

// News is something that webhooks tell. It is told while the world's lock is
// held, when the change is complete.
type News struct {
	// Action is what happened: "open", "update", "close" or "reopen" of an
	// issue, "create" or "update" of a note, "award" or "revoke" of a reaction.
	Action string
	By     *people.User // who did it; of a note its author
	Issue  *Issue
	Before *Issue // the issue as it was, for "update", "close" and "reopen"
	Note   *Note  // the note, or what the reaction is to; nil: the issue
	Award  *Award // the reaction; nil for issues and notes
}

// edited stamps who changed an issue last, and its texts.
func (t *Tracker) edited(u *people.User, i *Issue, before Issue) {
	i.UpdatedByID = u.ID
	if i.Title != before.Title || textOf(i.Description) != textOf(before.Description) {
		i.LastEditedByID, i.LastEditedAt = u.ID, i.UpdatedAt
	}
}

// changed tells how an issue differs from before: that it was closed or
// reopened first, then all the rest, as GitLab's services follow one another.
func (t *Tracker) changed(u *people.User, i *Issue, before Issue) {
	if fingerprint(i) == fingerprint(&before) {
		return
	}
	t.edited(u, i, before)
	if i.State != before.State {
		was := *i
		was.State, was.ClosedAt, was.ClosedByID, was.UpdatedAt = before.State, before.ClosedAt, before.ClosedByID, before.UpdatedAt
		t.tell(News{Action: map[string]string{Closed: "close", Opened: "reopen"}[i.State], By: u, Issue: i, Before: &was})
	}
	before.State, before.ClosedAt, before.ClosedByID = i.State, i.ClosedAt, i.ClosedByID
	if fingerprint(i) != fingerprint(&before) {
		t.tell(News{Action: "update", By: u, Issue: i, Before: &before})
	}
}

// tellNote tells of a comment. System notes are told nobody.
func (t *Tracker) tellNote(action string, i *Issue, n *Note) {
	t.tell(News{Action: action, By: t.people.User(n.AuthorID), Issue: i, Note: n})
}

func (t *Tracker) tellAward(action string, u *people.User, i *Issue, a *Award) {
	t.tell(News{Action: action, By: u, Issue: i, Note: t.noteByID[a.NoteID], Award: a})
}

// Sample gives the project's first issue and the newest comment in it, nil
// where there is none: what a test of a webhook speaks of.
func (t *Tracker) Sample(projectID int64) (first *Issue, comment *Note) {
	for _, i := range t.InProject(projectID) {
		if first == nil || cmp.Less(i.ID, first.ID) {
			first = i
		}
		for _, n := range t.notes[i.ID] {
			if !n.System && (comment == nil || n.ID > comment.ID) {
				comment = n
			}
		}
	}
	return first, comment
}
