// Package inbox holds what GitLab tells people: who was mentioned in a text,
// and every user's to-do list. An entry about an issue that is gone is kept,
// but not shown.
//
// Nothing here locks: whoever calls holds the world's lock.
package inbox

import (
	"slices"
	"strings"
	"time"

	"cxm/internal/sandbox/world/people"
)

// Todo is an entry of a user's to-do list.
type Todo struct {
	ID, UserID, AuthorID, IssueID int64
	Action                        string // "mentioned", "assigned" or "marked"
	Body                          string
	Done                          bool
	CreatedAt                     time.Time
}

// Mention is a user name written in a text outside code.
type Mention struct {
	IssueID  int64
	Username string
	AuthorID int64
	At       time.Time
}

// writing is a text that may mention people. Rendering it to find out takes
// far longer than storing it, so that waits until somebody asks.
type writing struct {
	issueID, authorID int64
	text, old         string
	at                time.Time
}

// Inbox is everybody's to-do list.
type Inbox struct {
	clock    func() time.Time
	people   *people.Directory
	find     func(text string) []string
	canRead  func(u *people.User, issueID int64) bool
	todos    []*Todo
	mentions []Mention
	unread   []writing // what has not been looked through for mentions
}

// New makes an empty inbox. find gives the user names mentioned in a text
// outside code; canRead says whether a user may see an issue, false for one
// that is gone.
func New(clock func() time.Time, who *people.Directory, find func(string) []string, canRead func(*people.User, int64) bool) *Inbox {
	return &Inbox{clock: clock, people: who, find: find, canRead: canRead}
}

// Wrote remembers a text, and the one it replaced, for its mentions.
func (b *Inbox) Wrote(issueID, authorID int64, text, old string) {
	if mayMention(text) {
		b.unread = append(b.unread, writing{issueID, authorID, text, old, b.now()})
	}
}

// mayMention is false for a text that has no @, not even as an HTML entity.
func mayMention(text string) bool {
	return strings.Contains(text, "@") || strings.Contains(text, "&#") || strings.Contains(text, "&commat;")
}

// read records the mentions of what was written since the last time, and gives
// the users mentioned an entry.
func (b *Inbox) read() {
	for _, w := range b.unread {
		known := b.find(w.old)
		for _, name := range b.find(w.text) {
			if !slices.Contains(known, name) {
				b.mention(w, name)
			}
		}
	}
	b.unread = nil
}

func (b *Inbox) mention(w writing, name string) {
	b.mentions = append(b.mentions, Mention{IssueID: w.issueID, Username: name, AuthorID: w.authorID, At: w.at})
	if who := b.people.ByUsername(name); who != nil && b.canRead(who, w.issueID) {
		b.Add(who.ID, w.authorID, w.issueID, "mentioned", w.text)
	}
}

func (b *Inbox) now() time.Time { return b.clock().UTC().Truncate(time.Millisecond) }

// Mentions gives every mention written so far, oldest first.
func (b *Inbox) Mentions() []Mention {
	b.read()
	return slices.Clone(b.mentions)
}

// Add puts an entry on a user's list.
func (b *Inbox) Add(userID, authorID, issueID int64, action, body string) *Todo {
	entry := &Todo{
		ID: int64(len(b.todos) + 1), UserID: userID, AuthorID: authorID, IssueID: issueID, Action: action, Body: body, CreatedAt: b.now(),
	}
	b.todos = append(b.todos, entry)
	return entry
}

// Mark puts an issue on a user's own list; nil when it is there already.
func (b *Inbox) Mark(userID, issueID int64, body string) *Todo {
	if len(b.pending(userID, issueID)) > 0 {
		return nil
	}
	return b.Add(userID, userID, issueID, "marked", body)
}

func (b *Inbox) pending(userID, issueID int64) []*Todo {
	b.read()
	return b.where(func(t *Todo) bool { return t.UserID == userID && t.IssueID == issueID && !t.Done })
}

func (b *Inbox) where(keep func(*Todo) bool) []*Todo {
	var out []*Todo
	for _, entry := range slices.Backward(b.todos) {
		if keep(entry) {
			out = append(out, entry)
		}
	}
	return out
}

// Todos gives a user's entries about issues they can see, newest first.
func (b *Inbox) Todos(u *people.User, done bool) []*Todo {
	b.read()
	return b.where(func(t *Todo) bool { return t.UserID == u.ID && t.Done == done && b.canRead(u, t.IssueID) })
}

// Finish marks a user's entries about an issue as done, and says whether there
// were any.
func (b *Inbox) Finish(userID, issueID int64) bool {
	found := b.pending(userID, issueID)
	for _, entry := range found {
		entry.Done = true
	}
	return len(found) > 0
}
