package issue

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Draft is an issue to be created.
type Draft struct {
	Title       string
	Description string
	Labels      []string
	Assignee    int64 // whom it is for when Assignees is empty, as the tracker numbers people; 0: nobody
	Settings
	Given Given // what the rules give it beside its Settings, by names
	Turn  int   // of the writes that wait for the same limits the lowest goes first

	// Sending is called right before the request leaves, after any wait for
	// limits, and again before each further attempt after a refusal that proves
	// that nothing was made (429). An error stops the create. Nil: nothing to do.
	Sending func() error

	// Answered is called when the tracker begins to answer an attempt: from then on
	// it is free for the next request. Not so when it refused or failed, or there is
	// no answer: the next request waits until it is known what that means for it.
	// Nil: nothing to do.
	Answered func()
}

// Change is one write to an existing issue. Nil and empty mean: leave as it is.
// Labels are only ever added and removed, never replaced.
type Change struct {
	Title        *string
	Description  *string
	AddLabels    []string
	RemoveLabels []string
	State        State // Closed closes, Opened reopens, "" leaves
	Turn         int   // of the writes that wait for the same limits the lowest goes first

	// Sending and Answered are as those of a Draft; whatever was refused as too
	// much is sent again.
	Sending  func() error
	Answered func()
}

// Empty says that the change would write nothing.
func (c Change) Empty() bool {
	return c.Title == nil && c.Description == nil && len(c.AddLabels) == 0 && len(c.RemoveLabels) == 0 && c.State == ""
}

// Summary names what the change writes: "title, block, closed".
func (c Change) Summary() string {
	var parts []string
	if c.Title != nil {
		parts = append(parts, "title")
	}
	if c.Description != nil {
		parts = append(parts, "block")
	}
	if len(c.AddLabels)+len(c.RemoveLabels) > 0 {
		parts = append(parts, "labels")
	}
	if c.State != "" {
		parts = append(parts, string(c.State))
	}
	return strings.Join(parts, ", ")
}

// Missing lists the labels that were sent and that the tracker's answer does not
// have: GitLab silently drops those that the account may not create.
func Missing(sent []string, got Observed) []string {
	var missing []string
	for _, label := range sent {
		if !slices.Contains(got.Labels, label) {
			missing = append(missing, label)
		}
	}
	return missing
}

// Sweep is every issue of one project that changed since a moment.
type Sweep struct {
	Issues []Observed // each once, as last seen, ordered by UpdatedAt
	AsOf   time.Time  // the tracker's clock when the sweep began
}

// TroubleKind says what a failed call to the tracker means for cxm.
type TroubleKind string

// The kinds of trouble.
const (
	Unsent       TroubleKind = "unsent"       // the request never left: trying again is safe
	Doubtful     TroubleKind = "in doubt"     // it may have been carried out: look before trying again
	Unauthorized TroubleKind = "unauthorized" // 401: the token is wrong, expired or revoked
	Forbidden    TroubleKind = "forbidden"    // 403: scope or role too low, account blocked, issues disabled
	NotFound     TroubleKind = "not found"    // 404: absent or hidden; never proof of deletion
	Moved        TroubleKind = "moved"        // 301 or 405: the project's path is an old one
	Limited      TroubleKind = "limited"      // 429: wait
	Invalid      TroubleKind = "invalid"      // 400, 409, 413, 422: the same request will fail again
	Unavailable  TroubleKind = "unavailable"  // 5xx, HTML or garbage on a call that writes nothing
)

// Trouble is a failed call to the tracker, in words for a person.
type Trouble struct {
	Kind   TroubleKind
	Doing  string        // what was being done: "creating an issue in project 7"
	Status int           // HTTP status; 0: no answer
	Said   string        // the tracker's words, cut; never holds a token
	Mend   string        // the next step for the person
	After  time.Duration // Limited: how long to wait; 0: unknown, which is not "now"
	Err    error         // underneath; nil for an answer that says it all
}

// Error says what was being done, what happened and what to do.
func (t *Trouble) Error() string {
	text := t.Doing + ": " + string(t.Kind)
	if t.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", t.Status)
	}
	if t.Said != "" {
		text += ": " + t.Said
	} else if t.Err != nil {
		text += ": " + t.Err.Error()
	}
	if t.Mend != "" {
		text += ". " + t.Mend
	}
	return text
}

// Unwrap is the error underneath.
func (t *Trouble) Unwrap() error { return t.Err }
