package track

import (
	"slices"
	"sort"
	"strconv"

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

// MarkDuplicate closes an issue as a duplicate of another.
func (t *Tracker) MarkDuplicate(u *people.User, i, of *Issue) {
	t.system(u, i, "marked this issue as a duplicate of "+t.Reference(of, i.ProjectID))
	t.setState(u, i, "close")
	i.DuplicateOfID = of.ID
}
