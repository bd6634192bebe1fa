// Package audit is the log of what was done, by whom and why: its lines, the
// chain of hashes that joins them, the signatures over it, and the check that
// names what was changed, removed, inserted or put in another order.
//
// What always holds: the same line has the same bytes everywhere (docs/audit.md
// says which, so that others can check them too); nothing in a line looks like a
// token; who holds the database, but not the key, cannot make lines that were
// signed say anything else without its being noticed.
package audit

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// ActorKind is what kind of actor somebody is.
type ActorKind string

// The kinds of actors.
const (
	Person      ActorKind = "person"       // who signed in
	Token       ActorKind = "token"        // a program with a token of its own
	System      ActorKind = "system"       // cxm by itself
	CommandLine ActorKind = "command line" // a user of the machine that cxm runs on
	Unknown     ActorKind = "unknown"      // nobody said who
)

// Actor is who did something.
type Actor struct {
	Kind ActorKind
	Name string // as people know them; empty: they have none
}

// String is the actor for people.
func (a Actor) String() string {
	if a.Name == "" {
		return string(a.Kind)
	}
	return a.Name + " (" + string(a.Kind) + ")"
}

// Object is what something was done to.
type Object struct {
	Kind string // one word: issue, integration, token, rules
	ID   string // cxm's own, in its kind; empty: there is one alone
	Name string // for people
}

// Line is one line of a tenant's log.
type Line struct {
	Tenant   string
	Sequence int64 // from 1, without gaps
	At       time.Time
	Actor    Actor  // the zero one: as the context says
	Action   string // dotted words, the object's kind first: "token.rotated"
	Object   Object
	Before   Facts // what it changed, as far as that is small; empty: nothing to say
	After    Facts
	Why      string
	Run      int64  // cxm's run; 0: none
	Request  string // of the API; empty: as the context says
	Previous Hash   // of the line before; the zero one: this is the first
	Hash     Hash   // of this line
}

const (
	longestName  = 300     // characters of a name, and of a text in facts
	longestWhy   = 1000    // characters
	largestFacts = 8 << 10 // bytes
	longestList  = 50
)

// clean is a foreign text as a line keeps it: short, UTF-8, without what databases
// cannot hold, and with nothing in it that looks like a token.
func clean(text string, most int) string {
	text = Mask(strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd"))
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}

// Clean is the line as it is kept.
func (l Line) Clean() Line {
	l.At = l.At.UTC().Truncate(time.Microsecond)
	l.Actor = Actor{Kind: l.Actor.Kind, Name: clean(l.Actor.Name, longestName)}
	l.Action = clean(l.Action, longestName)
	l.Object = Object{Kind: clean(l.Object.Kind, longestName), ID: clean(l.Object.ID, longestName), Name: clean(l.Object.Name, longestName)}
	l.Why, l.Request = clean(l.Why, longestWhy), clean(l.Request, longestName)
	l.Before, l.After = l.Before.kept(), l.After.kept()
	return l
}

type (
	actorKey   struct{}
	requestKey struct{}
)

// With is a context in which the actor does things.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// From is who does things in a context; Unknown when nobody said so.
func From(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok && a.Kind != "" {
		return a
	}
	return Actor{Kind: Unknown}
}

// WithRequest is a context of the request with the id.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestOf is the id of the request of a context; empty: there is none.
func RequestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
