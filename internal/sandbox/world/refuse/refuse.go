// Package refuse says why the sandbox's GitLab turned a request down, in the
// domain's own terms. It knows no HTTP: package wire turns a refusal into a
// status and a body.
package refuse

import "strings"

// Kind is the class of a refusal.
type Kind int

// The kinds, each with the HTTP answer GitLab gives it.
const (
	// Missing: 404, message as it stands ("404 Project Not Found").
	Missing Kind = iota
	// Unauthorized: 401.
	Unauthorized
	// Forbidden: 403.
	Forbidden
	// Bad: 400 with a message.
	Bad
	// Invalid: 400 with messages per field, as a Rails model gives them.
	Invalid
	// Conflict: 409.
	Conflict
	// Unprocessable: 422.
	Unprocessable
	// NotAllowed: 405.
	NotAllowed
	// Moved: 301 to the numeric id in ProjectID; 405 for anything but GET.
	Moved
)

// Refusal is a refused request. Message is GitLab's own text, Fields is set
// for Invalid alone.
type Refusal struct {
	Kind      Kind
	Message   string
	Fields    []Field
	ProjectID int64
}

// Field holds the messages of one field of a model.
type Field struct {
	Name     string
	Messages []string
}

// Error gives the message, or the fields of an invalid model.
func (r *Refusal) Error() string {
	if len(r.Fields) == 0 {
		return r.Message
	}
	parts := make([]string, 0, len(r.Fields))
	for _, f := range r.Fields {
		parts = append(parts, f.Name+" "+strings.Join(f.Messages, ", "))
	}
	return strings.Join(parts, "; ")
}

// NotFound refuses because a named thing is absent or hidden: "404 <what> Not Found".
func NotFound(what string) error {
	return &Refusal{Kind: Missing, Message: "404 " + what + " Not Found"}
}

// NoRecord refuses as a failed record look-up does: "404 Not found" (lower-case f).
func NoRecord() error { return &Refusal{Kind: Missing, Message: "404 Not found"} }

// Absent refuses with a 404 and a text of its own.
func Absent(message string) error { return &Refusal{Kind: Missing, Message: message} }

// Anonymous refuses for want of valid credentials.
func Anonymous() error { return &Refusal{Kind: Unauthorized, Message: "401 Unauthorized"} }

// Denied refuses by policy; reason may be empty.
func Denied(reason string) error {
	if reason == "" {
		return &Refusal{Kind: Forbidden, Message: "403 Forbidden"}
	}
	return &Refusal{Kind: Forbidden, Message: "403 Forbidden - " + reason}
}

// DeniedAs refuses by policy with a text that has no "403 Forbidden" before it.
func DeniedAs(message string) error { return &Refusal{Kind: Forbidden, Message: message} }

// BadRequest refuses with "400 Bad request - <reason>".
func BadRequest(reason string) error {
	return &Refusal{Kind: Bad, Message: "400 Bad request - " + reason}
}

// BadAs refuses with a 400 and a text of its own.
func BadAs(message string) error { return &Refusal{Kind: Bad, Message: message} }

// Invalidly refuses a model for one field.
func Invalidly(field string, messages ...string) error {
	return &Refusal{Kind: Invalid, Fields: []Field{{Name: field, Messages: messages}}}
}

// Conflicting refuses with a 409.
func Conflicting(message string) error { return &Refusal{Kind: Conflict, Message: message} }

// Unprocessably refuses with a 422.
func Unprocessably(message string) error { return &Refusal{Kind: Unprocessable, Message: message} }

// NotAllowedHere refuses with a 405.
func NotAllowedHere(message string) error { return &Refusal{Kind: NotAllowed, Message: message} }

// MovedTo refuses because the path is an old one of the project.
func MovedTo(projectID int64) error { return &Refusal{Kind: Moved, ProjectID: projectID} }
