package track

import (
	"slices"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// Award adds a reaction to an issue (noteID 0) or to one of its notes.
func (t *Tracker) Award(u *people.User, i *Issue, noteID int64, name string) (*Award, error) {
	for _, a := range t.awards[i.ID] {
		if a.UserID == u.ID && a.NoteID == noteID && a.Name == name {
			return nil, refuse.NotFound("Award Emoji Name has already been taken")
		}
	}
	t.next.award++
	a := &Award{ID: t.next.award, UserID: u.ID, Name: name, IssueID: i.ID, NoteID: noteID, CreatedAt: t.now(), UpdatedAt: t.now()}
	t.awards[i.ID] = append(t.awards[i.ID], a)
	t.tellAward("award", u, i, a)
	return a, nil
}

// Awards gives the reactions to an issue (noteID 0) or to one of its notes.
func (t *Tracker) Awards(i *Issue, noteID int64) []*Award {
	var out []*Award
	for _, a := range t.awards[i.ID] {
		if a.NoteID == noteID {
			out = append(out, a)
		}
	}
	return out
}

// Unaward takes a reaction back for a user.
func (t *Tracker) Unaward(u *people.User, i *Issue, a *Award) {
	t.awards[i.ID] = slices.DeleteFunc(t.awards[i.ID], func(x *Award) bool { return x == a })
	t.tellAward("revoke", u, i, a)
}

// Votes counts the thumbs on an issue.
func (t *Tracker) Votes(i *Issue) (up, down int) {
	for _, a := range t.Awards(i, 0) {
		switch a.Name {
		case "thumbsup":
			up++
		case "thumbsdown":
			down++
		}
	}
	return up, down
}
