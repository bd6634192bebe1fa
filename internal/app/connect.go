package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab/dial"
	"cxm/internal/integration"
	"cxm/internal/store"
)

// Connect is what a connection to GitLab needs.
type Connect struct {
	URL     string // as people type it: gitlab.com, https://gitlab.example.com/
	Token   credential.Secret
	Project string              // path with namespace, or numeric id; Visit needs none
	Network integration.Network // CA is the text of a PEM file, Proxy as people type it; what is empty is as it was for this instance
	Issues  *Given              // what its issues are given when they are made; nil: as it was for this project
}

// Given is what issues are given when they are made, as people write it.
type Given struct {
	Labels       []string
	Assignee     string // user name; empty: nobody
	Confidential bool
}

// Connected is a verified connection.
type Connected struct {
	Integration integration.Integration
	Token       credential.Token // without its value
	Issues      integration.Defaults
	Private     string   // the host, when `cxm serve` must be allowed to connect to it; empty: it may anyway
	Warnings    []string // what works, but not well; for people
}

// ConnectGitLab verifies a connection and stores it, the token sealed. An
// instance and project that are connected already, or were once, get the new
// token.
func (a *App) ConnectGitLab(ctx context.Context, c Connect) (Connected, error) {
	v, err := a.Visit(ctx, c)
	if err != nil {
		return Connected{}, err
	}
	return v.Connect(ctx, c.Project)
}

// keep stores the integration with its sealed token, or gives the new token to
// the integration that has this project already, or had it once.
func (a *App) keep(ctx context.Context, in integration.Integration, secret credential.Secret, token credential.Token) (integration.Integration, error) {
	seal := func(id int64) ([]byte, error) { return a.Sealer.Seal(a.Tenant, id, secret) }
	if in.ID == 0 {
		added, err := a.Store.AddIntegration(ctx, in, token, seal)
		if !errors.Is(err, store.ErrConnected) {
			return added, err
		}
		there, err := a.Connections().Here(ctx, in.URL, in.Project.ID) // another process was first
		if err != nil || there.ID == 0 {
			return in, errors.Join(err, store.ErrConnected)
		}
		in.ID, in.CreatedAt = there.ID, there.CreatedAt
	}
	sealed, err := seal(in.ID)
	if err != nil {
		return in, err
	}
	return in, a.Store.UpdateIntegration(ctx, in, sealed, token)
}

// warnings says what is weak about a connection that works.
func warnings(in integration.Integration, token credential.Token) []string {
	var out []string
	if strings.HasPrefix(in.URL, "http://") && !integration.Loopback(in.URL) {
		out = append(out, "the connection is not encrypted: the token can be read on the way; use https")
	}
	if !in.Account.Bot {
		out = append(out, fmt.Sprintf("%s is not a service account: when that person leaves, issues stop and nobody is told; prefer a service account, or a bot user with a team address", in.Account.Username))
	}
	if level := in.Project.AccessLevel; level != 0 && level < 15 {
		out = append(out, "the account is a guest in the project: it can create issues but not label or close them all; give it the Planner role or higher (the Cloud ex Machina guide asks for Maintainer)")
	}
	if token.ExpiresAt.IsZero() && !token.OAuth() {
		out = append(out, "GitLab does not say when the token expires")
	}
	return out
}

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

// ErrNotConnected says that no integration is there yet.
var ErrNotConnected = core.ErrNotConnected
