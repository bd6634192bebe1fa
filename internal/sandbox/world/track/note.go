package track

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// Comment is what a note is made from.
type Comment struct {
	Body       string
	Internal   bool
	CreatedAt  Opt[time.Time] // for Owners alone, else ignored
	Discussion string         // "": a comment of its own
	Threaded   bool
}

// Posted is the outcome of a comment: a note, or only executed commands.
type Posted struct {
	Note    *Note // nil when the body held nothing but quick actions
	Changes map[string]any
	Summary []string
}

// AddNote writes a comment on an issue and carries out its quick actions.
func (t *Tracker) AddNote(u *people.User, i *Issue, c Comment) (Posted, error) {
	if err := t.checkComment(u, i, c); err != nil {
		return Posted{}, err
	}
	before := *i
	rest, commands := t.parse.Commands(c.Body)
	outcome := t.act(u, i, commands, c.Body)
	if strings.TrimSpace(rest) == "" {
		t.afterAct(i, outcome)
		t.changed(u, i, before)
		return Posted{Changes: outcome.changes, Summary: outcome.summary}, nil
	}
	n := t.writeNote(u, i, c, rest)
	n.Commands = outcome.changes
	t.afterAct(i, outcome)
	t.touch(i)
	t.tellNote("create", i, n)
	t.changed(u, i, before)
	return Posted{Note: n, Changes: outcome.changes, Summary: outcome.summary}, nil
}

func (t *Tracker) afterAct(i *Issue, o outcome) {
	if o.applied {
		t.touch(i)
		t.index(i)
	}
}

func (t *Tracker) checkComment(u *people.User, i *Issue, c Comment) error {
	switch {
	case !t.CanComment(u, i), c.Internal && !t.CanReadInternal(u, i):
		return refuse.Denied("")
	case strings.TrimSpace(c.Body) == "":
		return noteFault("note", "can't be blank")
	case t.UserNotes(i) >= t.limits().NoteLimit:
		return noteFault("base", "Maximum number of comments exceeded")
	}
	if msg := sizeFault(len(c.Body), t.limits().TextLimit); msg != "" {
		return noteFault("note", msg)
	}
	return nil
}

// noteFault words a refused note as GitLab does: the inspected Ruby hash.
func noteFault(field, message string) error {
	return refuse.BadRequest(fmt.Sprintf("Note {%s: [%q]}", field, message))
}

func (t *Tracker) writeNote(u *people.User, i *Issue, c Comment, body string) *Note {
	now := t.now()
	n := &Note{
		IssueID: i.ID, AuthorID: u.ID, Body: body, Internal: c.Internal, Discussion: c.Discussion,
		Threaded: c.Threaded, CreatedAt: now, UpdatedAt: now,
	}
	p := t.places.Project(i.ProjectID)
	if c.CreatedAt.Set && t.CanBackdate(u, p) {
		n.CreatedAt, n.UpdatedAt = c.CreatedAt.To, c.CreatedAt.To
	}
	t.putNote(n)
	t.inbox.Wrote(i.ID, u.ID, body, "")
	t.places.Touched(p)
	return n
}

func (t *Tracker) putNote(n *Note) {
	t.next.note++
	n.ID = t.next.note
	if n.Discussion == "" {
		n.Discussion = fmt.Sprintf("%040x", n.ID)
	}
	t.notes[n.IssueID] = append(t.notes[n.IssueID], n)
	t.noteByID[n.ID] = n
}

// system leaves a system note about a change.
func (t *Tracker) system(u *people.User, i *Issue, text string) {
	now := t.now()
	t.putNote(&Note{IssueID: i.ID, AuthorID: u.ID, Body: text, System: true, CreatedAt: now, UpdatedAt: now})
}

// AllNotes gives every note of an issue, oldest first.
func (t *Tracker) AllNotes(i *Issue) []*Note { return slices.Clone(t.notes[i.ID]) }

// Notes gives an issue's notes that a user may see, oldest first.
func (t *Tracker) Notes(u *people.User, i *Issue) []*Note {
	internal := t.CanReadInternal(u, i)
	var out []*Note
	for _, n := range t.notes[i.ID] {
		if !n.Internal || internal {
			out = append(out, n)
		}
	}
	return out
}

// Note gives an issue's note that a user may see, or nil.
func (t *Tracker) Note(u *people.User, i *Issue, id int64) *Note {
	n := t.noteByID[id]
	if n == nil || n.IssueID != i.ID || n.Internal && !t.CanReadInternal(u, i) {
		return nil
	}
	return n
}

// UserNotes counts the comments people wrote, as user_notes_count does.
func (t *Tracker) UserNotes(i *Issue) int {
	count := 0
	for _, n := range t.notes[i.ID] {
		if !n.System {
			count++
		}
	}
	return count
}

// CanEditNote says whether a user may change or delete a note: its author, and
// Maintainers; nobody edits a system note.
func (t *Tracker) CanEditNote(u *people.User, i *Issue, n *Note) bool {
	if n.System || !t.CanComment(u, i) {
		return false
	}
	return n.AuthorID == u.ID || t.role(u, i.ProjectID) >= 40
}

// EditNote changes a note's text and carries out quick actions in it. A text
// of nothing but quick actions deletes the note, as in GitLab.
func (t *Tracker) EditNote(u *people.User, i *Issue, n *Note, body string) error {
	if !t.CanEditNote(u, i, n) {
		return refuse.Denied("")
	}
	if strings.TrimSpace(body) == "" {
		return noteFault("note", "can't be blank")
	}
	if msg := sizeFault(len(body), t.limits().TextLimit); msg != "" {
		return noteFault("note", msg)
	}
	rest, commands := t.parse.Commands(body)
	before := *i
	t.afterAct(i, t.act(u, i, commands, body))
	t.changed(u, i, before)
	if strings.TrimSpace(rest) == "" {
		t.dropNote(i, n)
		return nil
	}
	old := n.Body
	n.Body = rest
	n.UpdatedAt = later(t.now(), n.UpdatedAt)
	t.inbox.Wrote(i.ID, u.ID, rest, old)
	t.touch(i)
	t.tellNote("update", i, n)
	return nil
}

func later(now, last time.Time) time.Time {
	if now.After(last) {
		return now
	}
	return last.Add(time.Millisecond)
}

// DeleteNote removes a note.
func (t *Tracker) DeleteNote(u *people.User, i *Issue, n *Note) error {
	if !t.CanEditNote(u, i, n) {
		return refuse.Denied("")
	}
	t.dropNote(i, n)
	t.touch(i)
	return nil
}

func (t *Tracker) dropNote(i *Issue, n *Note) {
	delete(t.noteByID, n.ID)
	t.notes[i.ID] = slices.DeleteFunc(t.notes[i.ID], func(x *Note) bool { return x == n })
}

// Discussion is one or several notes under one id.
type Discussion struct {
	ID         string
	Individual bool
	Notes      []*Note
}

// Discussions gives the threads of an issue that a user may see, oldest first.
func (t *Tracker) Discussions(u *people.User, i *Issue) []*Discussion {
	var out []*Discussion
	byID := map[string]*Discussion{}
	for _, n := range t.Notes(u, i) {
		d := byID[n.Discussion]
		if d == nil {
			d = &Discussion{ID: n.Discussion, Individual: !n.Threaded}
			byID[d.ID] = d
			out = append(out, d)
		}
		d.Notes = append(d.Notes, n)
	}
	return out
}

// Reply adds a note to a discussion; an individual comment becomes a thread.
func (t *Tracker) Reply(u *people.User, i *Issue, d *Discussion, c Comment) (Posted, error) {
	c.Discussion, c.Threaded = d.ID, true
	posted, err := t.AddNote(u, i, c)
	if err == nil && posted.Note != nil {
		for _, n := range d.Notes {
			n.Threaded = !n.System
		}
	}
	return posted, err
}
