package track

import (
	"slices"
	"sort"
	"strconv"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/duration"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// maxLinks is how many links one issue takes.
const maxLinks = 100

// Linked is an issue seen from the other end of a link.
type Linked struct {
	Link  *Link
	Issue *Issue
	Type  string // as seen from the issue asked about
}

// Links gives the issues linked with i that a user may see, oldest link first.
func (t *Tracker) Links(u *people.User, i *Issue) []Linked {
	return slices.DeleteFunc(t.AllLinks(i), func(l Linked) bool { return !t.CanRead(u, l.Issue) })
}

// AllLinks gives every issue linked with i, oldest link first.
func (t *Tracker) AllLinks(i *Issue) []Linked {
	var out []Linked
	for _, l := range t.links {
		if seen, ok := t.seenFrom(i, l); ok {
			out = append(out, seen)
		}
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Link.ID < out[b].Link.ID })
	return out
}

func (t *Tracker) seenFrom(i *Issue, l *Link) (Linked, bool) {
	switch i.ID {
	case l.SourceID:
		return Linked{Link: l, Issue: t.issues[l.TargetID], Type: l.Type}, true
	case l.TargetID:
		kind := l.Type
		if kind == "blocks" {
			kind = "is_blocked_by"
		}
		return Linked{Link: l, Issue: t.issues[l.SourceID], Type: kind}, true
	}
	return Linked{}, false
}

// Join links two issues; kind is relates_to, blocks or is_blocked_by.
func (t *Tracker) Join(u *people.User, i, other *Issue, kind string) (*Link, error) {
	switch {
	case t.role(u, i.ProjectID) < place.Guest || t.role(u, other.ProjectID) < place.Guest:
		return nil, refuse.DeniedAs("Could not link issues. You must be a member of the project or group of both issues.")
	case i == other:
		return nil, refuse.Unprocessably("Target issue cannot be related to itself")
	case kind != "relates_to" && !t.Licensed(i.ProjectID):
		return nil, refuse.Denied("Blocked work items are not available for the current license tier")
	case t.joined(i, other):
		return nil, refuse.Conflicting("Issue(s) already assigned")
	case t.linkCount(i) >= maxLinks || t.linkCount(other) >= maxLinks:
		return nil, refuse.Unprocessably("This issue would exceed the maximum number of linked issues (100).")
	}
	source, target := i, other
	if kind == "is_blocked_by" {
		source, target, kind = other, i, "blocks"
	}
	t.next.link++
	l := &Link{ID: t.next.link, SourceID: source.ID, TargetID: target.ID, Type: kind, CreatedAt: t.now()}
	t.links[l.ID] = l
	t.system(u, i, linkText(kind, i == source)+t.Reference(other, i.ProjectID))
	t.system(u, other, linkText(kind, other == source)+t.Reference(i, other.ProjectID))
	return l, nil
}

func linkText(kind string, source bool) string {
	switch {
	case kind == "relates_to":
		return "marked this issue as related to "
	case source:
		return "marked this issue as blocking "
	}
	return "marked this issue as blocked by "
}

func (t *Tracker) linkCount(i *Issue) int {
	count := 0
	for _, l := range t.links {
		if l.SourceID == i.ID || l.TargetID == i.ID {
			count++
		}
	}
	return count
}

func (t *Tracker) joined(a, b *Issue) bool {
	for _, l := range t.links {
		if l.SourceID == a.ID && l.TargetID == b.ID || l.SourceID == b.ID && l.TargetID == a.ID {
			return true
		}
	}
	return false
}

// Unjoin removes a link.
func (t *Tracker) Unjoin(u *people.User, l *Link) error {
	source, target := t.issues[l.SourceID], t.issues[l.TargetID]
	if t.role(u, source.ProjectID) < place.Guest && t.role(u, target.ProjectID) < place.Guest {
		return refuse.NotFound("Issue Link")
	}
	delete(t.links, l.ID)
	t.system(u, source, "removed the relation with "+t.Reference(target, source.ProjectID))
	t.system(u, target, "removed the relation with "+t.Reference(source, target.ProjectID))
	return nil
}

// Blocking counts the open issues that i blocks.
func (t *Tracker) Blocking(i *Issue) int {
	count := 0
	for _, l := range t.links {
		if l.Type == "blocks" && l.SourceID == i.ID && t.issues[l.TargetID].State == Opened {
			count++
		}
	}
	return count
}

// Link gives the link with an id, or nil.
func (t *Tracker) Link(id int64) *Link { return t.links[id] }

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
	next := t.copyTo(u, i, to, true)
	t.system(u, next, "moved from "+t.Reference(i, next.ProjectID))
	t.system(u, i, "moved to "+t.Reference(next, i.ProjectID))
	t.relink(i, next)
	t.setState(u, i, "close")
	i.MovedToID = next.ID
	t.touch(i)
	t.index(next)
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

// Unaward takes a reaction back.
func (t *Tracker) Unaward(i *Issue, a *Award) {
	t.awards[i.ID] = slices.DeleteFunc(t.awards[i.ID], func(x *Award) bool { return x == a })
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

// Reference writes an issue as it is referred to from a project: "#4", or
// "group/project#4" from elsewhere.
func (t *Tracker) Reference(i *Issue, from int64) string {
	short := "#" + strconv.FormatInt(i.IID, 10)
	p := t.places.Project(i.ProjectID)
	if i.ProjectID == from || p == nil {
		return short
	}
	return t.places.ProjectPath(p) + short
}

// Estimate sets how long an issue should take, in seconds.
func (t *Tracker) Estimate(u *people.User, i *Issue, seconds int64) {
	i.TimeEstimate = seconds
	text := "removed time estimate"
	if seconds > 0 {
		text = "changed time estimate to " + duration.Human(seconds)
	}
	t.system(u, i, text)
	t.touch(i)
}

// Spend adds (or with a negative number takes back) time spent, in seconds.
func (t *Tracker) Spend(u *people.User, i *Issue, seconds int64) error {
	if i.TimeSpent+seconds < 0 {
		return refuse.Invalidly("time_spent", "can't subtract more time than is tracked")
	}
	i.TimeSpent += seconds
	t.system(u, i, "added "+duration.Human(seconds)+" of time spent")
	t.touch(i)
	return nil
}

// ResetSpent forgets all time spent.
func (t *Tracker) ResetSpent(u *people.User, i *Issue) {
	i.TimeSpent = 0
	t.system(u, i, "removed time spent")
	t.touch(i)
}

// MarkDuplicate closes an issue as a duplicate of another.
func (t *Tracker) MarkDuplicate(u *people.User, i, of *Issue) {
	t.system(u, i, "marked this issue as a duplicate of "+t.Reference(of, i.ProjectID))
	t.setState(u, i, "close")
	i.DuplicateOfID = of.ID
}
