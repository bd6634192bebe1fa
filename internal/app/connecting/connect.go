// Package connecting makes the connection of an integration with GitLab, changes
// it and ends it.
//
// What always holds: a connection, and a change of one, is verified with GitLab
// before it is stored; a token is stored sealed.
package connecting

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cxm/internal/app/tokencare"
	"cxm/internal/app/webhooks"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/store"
)

// Connector connects one data directory. It is safe for concurrent use.
type Connector struct {
	*tokencare.Keeper

	hooks *webhooks.Minder
}

// New makes one that goes to GitLab with the tokens that k keeps.
func New(k *tokencare.Keeper, hooks *webhooks.Minder) *Connector {
	return &Connector{Keeper: k, hooks: hooks}
}

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
func (c *Connector) ConnectGitLab(ctx context.Context, want Connect) (Connected, error) {
	v, err := c.Visit(ctx, want)
	if err != nil {
		return Connected{}, err
	}
	return v.Connect(ctx, want.Project)
}

// keep stores the integration with its sealed token, or gives the new token to
// the integration that has this project already, or had it once.
func (c *Connector) keep(ctx context.Context, in integration.Integration, secret credential.Secret, token credential.Token) (integration.Integration, error) {
	seal := func(id int64) ([]byte, error) { return c.Sealer.Seal(c.Tenant, id, secret) }
	if in.ID == 0 {
		added, err := c.Store.AddIntegration(ctx, in, token, seal)
		if !errors.Is(err, store.ErrConnected) {
			return added, err
		}
		there, err := c.Connections().Here(ctx, in.URL, in.Project.ID) // another process was first
		if err != nil || there.ID == 0 {
			return in, errors.Join(err, store.ErrConnected)
		}
		in.ID, in.CreatedAt = there.ID, there.CreatedAt
	}
	sealed, err := seal(in.ID)
	if err != nil {
		return in, err
	}
	return in, c.Store.UpdateIntegration(ctx, in, sealed, token)
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
