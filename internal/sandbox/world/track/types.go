// Package track holds the sandbox's issues and what hangs on them: notes,
// links, reactions and the events GitLab records, with the rules GitLab applies
// when they change.
//
// It always holds that an issue's iid is unique in its project and its id in
// the instance, that updated_at grows strictly with every change of an issue,
// and that every change of state, label or milestone leaves an event and a
// system note. Nothing here locks: whoever calls holds the world's lock.
package track

import (
	"time"

	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/inbox"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
)

// The states of an issue.
const (
	Opened = "opened"
	Closed = "closed"
)

// Issue is one issue. Dates are midnight UTC.
type Issue struct {
	ID, IID, ProjectID   int64
	Title                string
	Description          *string
	State                string
	AuthorID             int64
	CreatedAt, UpdatedAt time.Time
	ClosedAt             *time.Time
	ClosedByID           int64 // 0: nobody
	LabelIDs             []int64
	MilestoneID          int64 // 0: none
	AssigneeIDs          []int64
	Type, Severity       string // "issue", "unknown"
	Confidential         bool
	DiscussionLocked     *bool
	DueDate, StartDate   *time.Time
	Weight               *int64
	TimeEstimate         int64 // seconds
	TimeSpent            int64 // seconds
	MovedToID            int64 // id of the issue this one became; 0: not moved
	DuplicateOfID        int64 // id of the issue this one duplicates; 0: none
	Position             int64 // relative_position
	UpdatedByID          int64 // who changed it last; 0: nobody since it was made
	LastEditedByID       int64 // who changed its texts last; 0: nobody
	LastEditedAt         time.Time
	subscriptions        map[int64]bool
	docs                 []document // what search knows, oldest first
}

// Note is a comment, or a system note about a change.
type Note struct {
	ID, IssueID, AuthorID int64
	Body                  string
	System, Internal      bool
	Discussion            string // 40 hexadecimal digits
	Threaded              bool   // started or continued a discussion
	Commands              map[string]any
	CreatedAt, UpdatedAt  time.Time
}

// Link joins two issues.
type Link struct {
	ID, SourceID, TargetID int64
	Type                   string // "relates_to" or "blocks"
	CreatedAt              time.Time
}

// Event is one recorded change of an issue's state, labels or milestone.
type Event struct {
	ID, IssueID, UserID int64
	What                string // "state", "label" or "milestone"
	Action              string // closed, reopened; add, remove
	LabelID             int64
	MilestoneID         int64
	CreatedAt           time.Time
}

// Award is a reaction to an issue or a note.
type Award struct {
	ID, UserID           int64
	Name                 string
	IssueID, NoteID      int64 // NoteID 0: on the issue itself
	CreatedAt, UpdatedAt time.Time
}

// Executed is a quick action that was carried out.
type Executed struct {
	IssueID  int64
	Name     string
	Args     string
	UserID   int64
	Applied  bool // false: known, stripped, but without effect for this user
	At       time.Time
	NoteBody string // "" when it stood in a description
}

// Tracker is every issue of the instance.
type Tracker struct {
	clock    func() time.Time
	people   *people.Directory
	places   *place.Tree
	catalog  *catalog.Catalog
	limits   func() Limits
	issues   map[int64]*Issue
	byIID    map[int64]map[int64]*Issue // project id → iid → issue
	lastIID  map[int64]int64            // project id → highest iid ever given
	notes    map[int64][]*Note          // issue id → notes, oldest first
	noteByID map[int64]*Note
	links    map[int64]*Link
	events   map[int64][]*Event // issue id → events, oldest first
	awards   map[int64][]*Award // issue id → awards on it and its notes
	executed []Executed
	inbox    *inbox.Inbox
	parse    Parser
	tell     func(News)
	next     struct{ issue, note, link, event, award int64 }
}

// Limits are the tracker's sizes and delays.
type Limits struct {
	// SearchLag is how long after a change search still sees the old text.
	SearchLag time.Duration
	// NoteLimit is how many comments an issue takes (GitLab: 5,000).
	NoteLimit int
	// TextLimit is how many bytes a description or note may have (GitLab: 1 MiB).
	TextLimit int
}

// Command is a quick action found in a text: "/label ~x" is {"label", "~x"}.
type Command struct{ Name, Args string }

// Done is what a quick action did: the key and value GitLab reports in
// commands_changes, and a sentence.
type Done struct {
	Key     string
	Value   any
	Summary string
}

// Parser finds quick actions and mentions in a text, as GitLab does, and knows
// how to carry the actions out.
type Parser struct {
	// Commands gives the text without its quick actions, and those.
	Commands func(text string) (rest string, found []Command)
	// Mentions gives the user names mentioned outside code.
	Mentions func(text string) []string
	// Run carries out one quick action for a user; ok is false when it has no
	// effect, for want of permission or sense.
	Run func(t *Tracker, u *people.User, i *Issue, c Command) (done Done, ok bool)
}

// New makes an empty tracker over the users and places it refers to. limits is
// asked at every use, so that they can change while the sandbox runs. tell is
// called for everything that webhooks tell; nil tells nobody.
func New(clock func() time.Time, who *people.Directory, where *place.Tree, shelf *catalog.Catalog, parse Parser, limits func() Limits, tell func(News)) *Tracker {
	if tell == nil {
		tell = func(News) {}
	}
	t := &Tracker{
		clock: clock, people: who, places: where, catalog: shelf, limits: limits, parse: parse, tell: tell,
		issues: map[int64]*Issue{}, byIID: map[int64]map[int64]*Issue{}, lastIID: map[int64]int64{},
		notes: map[int64][]*Note{}, noteByID: map[int64]*Note{},
		links:  map[int64]*Link{},
		events: map[int64][]*Event{}, awards: map[int64][]*Award{},
	}
	t.inbox = inbox.New(clock, who, parse.Mentions, func(u *people.User, issueID int64) bool {
		i := t.issues[issueID]
		return i != nil && t.CanRead(u, i)
	})
	return t
}

// Inbox gives the to-do lists and the mentions in the issues' texts.
func (t *Tracker) Inbox() *inbox.Inbox { return t.inbox }

// now gives the present in the millisecond steps GitLab's API shows.
func (t *Tracker) now() time.Time { return t.clock().UTC().Truncate(time.Millisecond) }

// touch moves an issue's updated_at on, at least a millisecond.
func (t *Tracker) touch(i *Issue) {
	next := t.now()
	if !next.After(i.UpdatedAt) {
		next = i.UpdatedAt.Add(time.Millisecond)
	}
	i.UpdatedAt = next
}

// QuickActions gives every quick action found so far, oldest first.
func (t *Tracker) QuickActions() []Executed { return append([]Executed(nil), t.executed...) }
