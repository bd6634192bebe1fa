package audit

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Notes are the lines that a transaction is going to add. They are safe for
// concurrent use.
type Notes struct {
	mu    sync.Mutex
	lines []Line
	quiet bool
}

type notesKey struct{}

// Collect is a context in which Note notes.
func Collect(ctx context.Context) (context.Context, *Notes) {
	n := &Notes{}
	return context.WithValue(ctx, notesKey{}, n), n
}

// ErrOutside says that something was noted where nobody keeps it.
var ErrOutside = errors.New("a line of the audit log was noted outside of a transaction: this is a fault of cxm, please report it")

// Note adds lines to the log together with the change that the transaction of ctx
// makes: both are kept, or neither is. The actor and the request are those of ctx,
// unless a line says otherwise. The error is ErrOutside.
func Note(ctx context.Context, lines ...Line) error {
	n, ok := ctx.Value(notesKey{}).(*Notes)
	if !ok {
		return ErrOutside
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range lines {
		if l.Actor.Kind == "" {
			l.Actor = From(ctx)
		}
		if l.Request == "" {
			l.Request = RequestOf(ctx)
		}
		n.lines = append(n.lines, l)
	}
	return nil
}

// Quiet says that what the transaction of ctx writes is nothing that anybody would
// look for in the log: a count, a time, what is as it was.
func Quiet(ctx context.Context) {
	if n, ok := ctx.Value(notesKey{}).(*Notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.quiet = true
	}
}

// Lines are those that were noted, in their order.
func (n *Notes) Lines() []Line {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// Silent says that nothing was noted, and nobody said that there is nothing to
// note.
func (n *Notes) Silent() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.lines) == 0 && !n.quiet
}
