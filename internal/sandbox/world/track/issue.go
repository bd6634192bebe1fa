package track

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

// Opt is a value that a request may leave out.
type Opt[T any] struct {
	Set bool
	To  T
}

// Some is an Opt that is set.
func Some[T any](v T) Opt[T] { return Opt[T]{Set: true, To: v} }

// Change says what to change of an issue; what is not set stays. Nil dates and
// a milestone of 0 clear.
type Change struct {
	Title              Opt[string]
	Description        Opt[*string]
	State              string // "", "close" or "reopen"
	Labels             Opt[[]string]
	AddLabels          []string
	RemoveLabels       []string
	Assignees          Opt[[]int64]
	Milestone          Opt[int64]
	MilestoneTitle     Opt[string]
	DueDate, StartDate Opt[*time.Time]
	Confidential       Opt[bool]
	DiscussionLocked   Opt[bool]
	Type, Severity     Opt[string]
	Weight             Opt[*int64]
	CreatedAt          Opt[time.Time] // for Owners alone, else ignored
	UpdatedAt          Opt[time.Time] // for Owners alone, else ignored
	IID                Opt[int64]     // for Owners alone, else ignored; at creation
}

// Create files an issue in a project for a user.
func (t *Tracker) Create(u *people.User, p *place.Project, c Change) (*Issue, error) {
	if !t.CanCreate(u, p) {
		return nil, refuse.Denied("")
	}
	if err := t.checkTexts(c, true); err != nil {
		return nil, err
	}
	c = t.allowed(u, p, c)
	if c.IID.Set && t.byIID[p.ID][c.IID.To] != nil {
		return nil, refuse.Conflicting("Duplicated issue")
	}
	i := t.newIssue(u, p, c)
	commands := t.setDescription(i, c.Description.To)
	if err := checkDates(c.DueDate.To, c.StartDate.To); err != nil {
		return nil, err
	}
	t.insert(i)
	if t.canSetAtCreation(u, p.ID) {
		t.applyMetadata(u, i, c, true)
	}
	t.inbox.Wrote(i.ID, u.ID, textOf(i.Description), "")
	t.act(u, i, commands, "")
	t.places.Touched(p)
	t.index(i)
	t.tell(News{Action: "open", By: u, Issue: i})
	return i, nil
}

// allowed drops what only Owners may choose.
func (t *Tracker) allowed(u *people.User, p *place.Project, c Change) Change {
	if !t.CanBackdate(u, p) {
		c.IID, c.CreatedAt, c.UpdatedAt = Opt[int64]{}, Opt[time.Time]{}, Opt[time.Time]{}
	}
	return c
}

func (t *Tracker) newIssue(u *people.User, p *place.Project, c Change) *Issue {
	now := t.now()
	i := &Issue{
		ProjectID: p.ID, Title: strings.TrimSpace(c.Title.To), State: Opened, AuthorID: u.ID,
		CreatedAt: now, UpdatedAt: now, Type: "issue", Severity: "unknown",
		Confidential: c.Confidential.To, subscriptions: map[int64]bool{u.ID: true},
	}
	if c.CreatedAt.Set {
		i.CreatedAt, i.UpdatedAt = c.CreatedAt.To, c.CreatedAt.To
	}
	if c.Type.Set {
		i.Type = c.Type.To
	}
	if c.Severity.Set && i.Type == "incident" {
		i.Severity = c.Severity.To
	}
	i.IID = c.IID.To
	return i
}

// insert gives the issue its numbers and files it.
func (t *Tracker) insert(i *Issue) {
	t.next.issue++
	i.ID = t.next.issue
	if i.IID == 0 {
		i.IID = t.lastIID[i.ProjectID] + 1
	}
	t.lastIID[i.ProjectID] = max(t.lastIID[i.ProjectID], i.IID)
	i.Position = i.IID * 513
	if t.byIID[i.ProjectID] == nil {
		t.byIID[i.ProjectID] = map[int64]*Issue{}
	}
	t.issues[i.ID], t.byIID[i.ProjectID][i.IID] = i, i
}

// checkTexts holds title and description to GitLab's limits.
func (t *Tracker) checkTexts(c Change, creating bool) error {
	var fields []refuse.Field
	if c.Title.Set || creating {
		if msg := titleFault(c.Title.To); msg != "" {
			fields = append(fields, refuse.Field{Name: "title", Messages: []string{msg}})
		}
	}
	if c.Description.Set && c.Description.To != nil {
		if msg := sizeFault(len(*c.Description.To), t.limits().TextLimit); msg != "" {
			fields = append(fields, refuse.Field{Name: "description", Messages: []string{msg}})
		}
	}
	if len(fields) > 0 {
		return &refuse.Refusal{Kind: refuse.Invalid, Fields: fields}
	}
	return nil
}

func titleFault(title string) string {
	switch title = strings.TrimSpace(title); {
	case title == "":
		return "can't be blank"
	case utf8.RuneCountInString(title) > 255:
		return "is too long (maximum is 255 characters)"
	}
	return ""
}

// sizeFault words a text over the limit as GitLab's BytesizeValidator does.
func sizeFault(size, limit int) string {
	if size <= limit {
		return ""
	}
	return fmt.Sprintf("is too long (%s). The maximum size is %s.", humanSize(size), humanSize(limit))
}

// humanSize writes a size as Rails' number_to_human_size does: three digits.
func humanSize(n int) string {
	units := []string{"Bytes", "KiB", "MiB", "GiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", value), ".0") + " " + units[unit]
}

func checkDates(due, start *time.Time) error {
	if due != nil && start != nil && due.Before(*start) {
		return refuse.Invalidly("due_date", "must be greater than or equal to start date")
	}
	return nil
}

// Update changes an issue for a user. A change without effect leaves
// updated_at as it was.
func (t *Tracker) Update(u *people.User, i *Issue, c Change) error {
	if !t.CanUpdate(u, i) {
		return refuse.Denied("")
	}
	if err := t.checkTexts(c, false); err != nil {
		return err
	}
	if err := checkDates(either(c.DueDate, i.DueDate), either(c.StartDate, i.StartDate)); err != nil {
		return err
	}
	c = t.allowed(u, t.places.Project(i.ProjectID), c)
	before := *i
	commands := t.applyTexts(u, i, c)
	if t.CanAdminister(u, i.ProjectID) {
		t.applyMetadata(u, i, c, false)
	}
	t.setState(u, i, c.State)
	t.act(u, i, commands, "")
	if fingerprint(i) != fingerprint(&before) {
		t.touch(i)
	}
	if c.UpdatedAt.Set {
		i.UpdatedAt = c.UpdatedAt.To
	}
	t.index(i)
	t.changed(u, i, before)
	return nil
}

// Apply makes a change for a user who may make it, with its events and system
// notes, and says whether anything changed. Descriptions are not its business,
// and updated_at is its caller's.
func (t *Tracker) Apply(u *people.User, i *Issue, c Change) (changed bool) {
	before := fingerprint(i)
	c.Description = Opt[*string]{}
	t.applyTexts(u, i, c)
	t.applyMetadata(u, i, c, false)
	t.setState(u, i, c.State)
	return fingerprint(i) != before
}

func either(o Opt[*time.Time], current *time.Time) *time.Time {
	if o.Set {
		return o.To
	}
	return current
}

// fingerprint is equal for an issue that did not change.
func fingerprint(i *Issue) string {
	c := *i
	c.UpdatedAt, c.LastEditedAt, c.UpdatedByID, c.LastEditedByID = time.Time{}, time.Time{}, 0, 0
	c.Description, c.ClosedAt, c.DueDate, c.StartDate, c.Weight, c.DiscussionLocked = nil, nil, nil, nil, nil, nil
	c.docs, c.subscriptions = nil, nil
	return fmt.Sprintf("%+v|%s|%v|%v|%v|%v", c, textOf(i.Description), i.DueDate, i.StartDate, deref(i.Weight), deref(i.DiscussionLocked))
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// applyTexts sets title and description and gives the quick actions found.
func (t *Tracker) applyTexts(u *people.User, i *Issue, c Change) []Command {
	if title := strings.TrimSpace(c.Title.To); c.Title.Set && title != i.Title {
		t.system(u, i, fmt.Sprintf("changed title from **%s** to **%s**", i.Title, title))
		i.Title = title
	}
	if c.CreatedAt.Set {
		i.CreatedAt = c.CreatedAt.To
	}
	if !c.Description.Set {
		return nil
	}
	old := textOf(i.Description)
	commands := t.setDescription(i, c.Description.To)
	if textOf(i.Description) != old {
		t.system(u, i, "changed the description")
		t.inbox.Wrote(i.ID, u.ID, textOf(i.Description), old)
	}
	return commands
}

// setDescription stores a description without its quick actions, and gives those.
func (t *Tracker) setDescription(i *Issue, text *string) []Command {
	i.Description = text
	if text == nil {
		return nil
	}
	rest, commands := t.parse.Commands(*text)
	i.Description = &rest
	return commands
}

// applyMetadata sets what Planners and above may set. quiet keeps creation
// from leaving events, as GitLab does for all but labels and milestone.
func (t *Tracker) applyMetadata(u *people.User, i *Issue, c Change, quiet bool) {
	t.applyLabels(u, i, c)
	if c.Assignees.Set {
		t.assign(u, i, c.Assignees.To, quiet)
	}
	t.applyMilestone(u, i, c)
	t.applyDates(u, i, c, quiet)
	if c.Confidential.Set && c.Confidential.To != i.Confidential {
		t.setConfidential(u, i, c.Confidential.To)
	}
	if c.DiscussionLocked.Set && (i.DiscussionLocked == nil || *i.DiscussionLocked != c.DiscussionLocked.To) {
		t.setLocked(u, i, c.DiscussionLocked.To, quiet)
	}
	if c.Type.Set {
		i.Type = c.Type.To
	}
	if c.Severity.Set && i.Type == "incident" {
		i.Severity = c.Severity.To
	}
	if c.Weight.Set && t.Licensed(i.ProjectID) {
		i.Weight = c.Weight.To
	}
}

func (t *Tracker) setConfidential(u *people.User, i *Issue, on bool) {
	i.Confidential = on
	text := "made the issue visible to everyone"
	if on {
		text = "made the issue confidential"
	}
	t.system(u, i, text)
}

func (t *Tracker) setLocked(u *people.User, i *Issue, on, quiet bool) {
	i.DiscussionLocked = &on
	if quiet {
		return
	}
	text := "unlocked the discussion in this issue"
	if on {
		text = "locked the discussion in this issue"
	}
	t.system(u, i, text)
}

func (t *Tracker) applyDates(u *people.User, i *Issue, c Change, quiet bool) {
	for _, d := range []struct {
		opt  Opt[*time.Time]
		slot **time.Time
		name string
	}{{c.DueDate, &i.DueDate, "due date"}, {c.StartDate, &i.StartDate, "start date"}} {
		if !d.opt.Set || sameDay(d.opt.To, *d.slot) {
			continue
		}
		*d.slot = d.opt.To
		switch {
		case quiet:
		case d.opt.To == nil:
			t.system(u, i, "removed "+d.name)
		default:
			t.system(u, i, "changed "+d.name+" to "+d.opt.To.Format("January 2, 2006"))
		}
	}
}

func sameDay(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}

// assign gives an issue its assignees: those who can read the project, at most
// 200, and on the Free tier only the first.
func (t *Tracker) assign(u *people.User, i *Issue, ids []int64, quiet bool) {
	p := t.places.Project(i.ProjectID)
	var keep []int64
	for _, id := range ids {
		who := t.people.User(id)
		if who != nil && who.State == people.Active && t.places.CanRead(who, p) && !slices.Contains(keep, id) {
			keep = append(keep, id)
		}
	}
	most := 200
	if !t.Licensed(i.ProjectID) {
		most = 1
	}
	keep = keep[:min(len(keep), most)]
	old := i.AssigneeIDs
	if slices.Equal(old, keep) {
		return
	}
	i.AssigneeIDs = keep
	t.noteAssignees(u, i, old, quiet)
}

func (t *Tracker) noteAssignees(u *people.User, i *Issue, old []int64, quiet bool) {
	added, removed := minus(i.AssigneeIDs, old), minus(old, i.AssigneeIDs)
	for _, id := range added {
		t.inbox.Add(id, u.ID, i.ID, "assigned", i.Title)
	}
	if quiet {
		return
	}
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "assigned to "+t.handles(added))
	}
	if len(removed) > 0 {
		parts = append(parts, "unassigned "+t.handles(removed))
	}
	t.system(u, i, strings.Join(parts, " and "))
}

func (t *Tracker) handles(ids []int64) string {
	var out []string
	for _, id := range ids {
		if u := t.people.User(id); u != nil {
			out = append(out, "@"+u.Username)
		}
	}
	return strings.Join(out, " and ")
}

// minus gives the elements of a that are not in b.
func minus(a, b []int64) []int64 {
	var out []int64
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// setState closes or reopens; what is so already stays without an event.
func (t *Tracker) setState(u *people.User, i *Issue, event string) {
	switch {
	case event == "close" && i.State == Opened:
		i.State, i.ClosedAt, i.ClosedByID = Closed, new(t.now()), u.ID
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "state", Action: "closed"})
		t.system(u, i, "closed")
	case event == "reopen" && i.State == Closed:
		i.State, i.ClosedAt, i.ClosedByID, i.DuplicateOfID = Opened, nil, 0, 0
		t.record(Event{IssueID: i.ID, UserID: u.ID, What: "state", Action: "reopened"})
		t.system(u, i, "reopened")
	}
}

// Delete removes an issue and all that hangs on it.
func (t *Tracker) Delete(u *people.User, i *Issue) error {
	if !t.CanDelete(u, i) {
		return refuse.Denied("")
	}
	t.forget(i)
	return nil
}

func (t *Tracker) forget(i *Issue) {
	for _, n := range t.notes[i.ID] {
		delete(t.noteByID, n.ID)
	}
	for id, l := range t.links {
		if l.SourceID == i.ID || l.TargetID == i.ID {
			delete(t.links, id)
		}
	}
	delete(t.notes, i.ID)
	delete(t.events, i.ID)
	delete(t.awards, i.ID)
	delete(t.issues, i.ID)
	delete(t.byIID[i.ProjectID], i.IID)
}

// DropProject removes all issues of a project that is gone.
func (t *Tracker) DropProject(projectID int64) {
	for _, i := range t.byIID[projectID] {
		t.forget(i)
	}
}

// Issue gives the issue with an id of the instance, or nil.
func (t *Tracker) Issue(id int64) *Issue { return t.issues[id] }

// ByIID gives a project's issue, or nil.
func (t *Tracker) ByIID(projectID, iid int64) *Issue { return t.byIID[projectID][iid] }

// Issues gives every issue that keep accepts, by id.
func (t *Tracker) Issues(keep func(*Issue) bool) []*Issue {
	var out []*Issue
	for _, i := range t.issues {
		if keep(i) {
			out = append(out, i)
		}
	}
	sort.Slice(out, func(a, b int) bool { return out[a].ID < out[b].ID })
	return out
}

// InProject gives a project's issues, in no particular order.
func (t *Tracker) InProject(projectID int64) []*Issue {
	out := make([]*Issue, 0, len(t.byIID[projectID]))
	for _, i := range t.byIID[projectID] {
		out = append(out, i)
	}
	return out
}
