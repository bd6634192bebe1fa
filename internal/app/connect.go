package app

import (
	"cxm/internal/app/connecting"
	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab/dial"
	"cxm/internal/integration"
)

// Names of what connects that callers need.
type (
	// Connect is what a connection to GitLab needs.
	Connect = connecting.Connect
	// Given is what issues are given when they are made, as people write it.
	Given = connecting.Given
	// Connected is a verified connection.
	Connected = connecting.Connected
	// Visit is an instance that a token opened. Nothing of it is stored yet.
	Visit = connecting.Visit
	// Namespace is a group, or an account's own place.
	Namespace = connecting.Namespace
	// Place is a project with what speaks against it.
	Place = connecting.Place
	// Pages is a list that is fetched as needed.
	Pages[T any] = connecting.Pages[T]
	// OAuthAsk is what asking a person to agree takes.
	OAuthAsk = connecting.OAuthAsk
	// Authorization is a question to a person on a page of GitLab, and its answer.
	Authorization = connecting.Authorization
	// Detail is what there is to know of an integration.
	Detail = connecting.Detail
	// Edit is what is to change of an integration. What is empty or nil stays.
	Edit = connecting.Edit
	// Edited is what an edit changed.
	Edited = connecting.Edited
	// Leaving is what disconnecting an integration would do.
	Leaving = connecting.Leaving
	// Disconnected is what disconnecting did.
	Disconnected = connecting.Disconnected
	// Gone is an integration that was disconnected.
	Gone = connecting.Gone
)

// InstanceURL reads a GitLab Instance URL as people type it.
func InstanceURL(text string) (string, error) { return integration.ParseURL(text) }

// CleanToken reads a token as people paste it. The error never holds it.
func CleanToken(text string) (credential.Secret, error) { return credential.Clean(text) }

// Names of the way to GitLab that callers need.
type (
	// Reach is which addresses cxm may connect to.
	Reach = dial.Reach
	// Allowed is what is allowed beside the internet.
	Allowed = dial.Allowed
)

// ParseAllowed reads networks, addresses and host names that cxm may connect to.
func ParseAllowed(text string) (Allowed, error) { return dial.ParseAllowed(text) }

// Errors about what comes back from GitLab's page.
var (
	// ErrState: it is not the answer to this question.
	ErrState = connecting.ErrState
	// ErrReplay: the question was answered before.
	ErrReplay = connecting.ErrReplay
)

// ErrNotConnected says that no integration is there yet.
var ErrNotConnected = core.ErrNotConnected
