package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"cxm/internal/sandbox/world/refuse"
)

// Answer is a response before it is written. Body is a JSON value; nil sends
// no body. Text, when set, is sent instead with its own content type. Then,
// when set, makes the answer instead, after the world has been let go.
type Answer struct {
	Status int
	Header http.Header
	Body   any
	Text   *Text
	Then   func(context.Context) (Answer, error)
}

// Text is a body that is not JSON.
type Text struct {
	ContentType string
	Bytes       []byte
}

// OK answers 200.
func OK(body any) Answer { return Answer{Status: http.StatusOK, Body: body} }

// Created answers 201.
func Created(body any) Answer { return Answer{Status: http.StatusCreated, Body: body} }

// NoContent answers 204 without a body.
func NoContent() Answer { return Answer{Status: http.StatusNoContent} }

// Set adds a header and gives the answer back.
func (a Answer) Set(key, value string) Answer {
	if a.Header == nil {
		a.Header = http.Header{}
	}
	a.Header.Set(key, value)
	return a
}

// Encode gives the body's bytes and its content type.
func (a Answer) Encode() ([]byte, string, error) {
	if a.Text != nil {
		return a.Text.Bytes, a.Text.ContentType, nil
	}
	if a.Body == nil {
		return nil, "", nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.Body); err != nil {
		return nil, "", fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), "application/json", nil
}

// Error is a refused request as it goes over the wire.
type Error struct {
	Status int
	Header http.Header
	Body   any
	Text   *Text
}

// Error gives status and body.
func (e *Error) Error() string { return fmt.Sprintf("%d %v", e.Status, e.Body) }

// Answer turns the error into what is written.
func (e *Error) Answer() Answer {
	return Answer{Status: e.Status, Header: e.Header, Body: e.Body, Text: e.Text}
}

type errorBody struct {
	Error string `json:"error"`
}

type messageBody struct {
	Message any `json:"message"`
}

func errorText(s string) any { return errorBody{Error: s} }

// Problem is an error in Grape's form: {"error": text}.
func Problem(status int, text string) *Error { return &Error{Status: status, Body: errorText(text)} }

// Message is an error in GitLab's form: {"message": body}.
func Message(status int, body any) *Error {
	return &Error{Status: status, Body: messageBody{Message: body}}
}

// OAuth is an error in the form of rack-oauth2.
type OAuth struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Scope       string `json:"scope,omitempty"`
}

// InvalidToken answers an expired or revoked token (lib/api/api_guard.rb).
func InvalidToken(description string) *Error {
	header := http.Header{}
	header.Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description=%q`, description))
	return &Error{Status: http.StatusUnauthorized, Header: header, Body: OAuth{Error: "invalid_token", Description: description}}
}

// InsufficientScope answers a token without any of the endpoint's scopes,
// which are joined by blanks.
func InsufficientScope(scopes string) *Error {
	return &Error{Status: http.StatusForbidden, Body: OAuth{
		Error: "insufficient_scope", Scope: scopes,
		Description: "The request requires higher privileges than provided by the access token.",
	}}
}

// Answered gives the answer for any error of a handler; movedTo builds the
// address of a moved project. Errors it does not know are the sandbox's own
// fault and answered with 500.
func Answered(err error, method string, movedTo func(projectID int64) string) Answer {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Answer()
	}
	var r *refuse.Refusal
	if !errors.As(err, &r) {
		return Message(http.StatusInternalServerError, "500 Internal Server Error").Answer()
	}
	switch r.Kind {
	case refuse.Invalid:
		return Message(http.StatusBadRequest, fields(r.Fields)).Answer()
	case refuse.Moved:
		return moved(method, movedTo(r.ProjectID))
	}
	return Message(statusOf(r.Kind), r.Message).Answer()
}

func moved(method, url string) Answer {
	if method != http.MethodGet && method != http.MethodHead {
		return Message(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects").Answer()
	}
	a := Answer{Status: http.StatusMovedPermanently, Text: &Text{
		ContentType: "text/plain", Bytes: []byte("This resource has been moved permanently to " + url)}}
	return a.Set("Location", url)
}

func statusOf(k refuse.Kind) int {
	return map[refuse.Kind]int{
		refuse.Missing: http.StatusNotFound, refuse.Unauthorized: http.StatusUnauthorized,
		refuse.Forbidden: http.StatusForbidden, refuse.Bad: http.StatusBadRequest,
		refuse.Conflict: http.StatusConflict, refuse.Unprocessable: http.StatusUnprocessableEntity,
		refuse.NotAllowed: http.StatusMethodNotAllowed,
	}[k]
}

// fields writes {"title": ["is too long"]} in the order the model gave.
type fields []refuse.Field

// MarshalJSON keeps the order of the fields.
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(one.Name)
		messages, err := json.Marshal(one.Messages)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(messages)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
