package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/limit"
	"cxm/internal/gitlab/rest"
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

// described is what is kept of a token beside its value; nothing is known of
// tokens that are not personal access tokens.
func described(t *gitlab.Token) credential.Token {
	if t == nil {
		return credential.Token{}
	}
	return credential.Token{ExpiresAt: t.ExpiresAt, Scopes: t.Scopes, ID: t.ID, Name: t.Name, MadeAt: t.MadeAt}
}

// keep stores the integration with its sealed token, or gives the new token to
// the integration that has this project already, or had it once.
func (a *App) keep(ctx context.Context, in integration.Integration, secret credential.Secret, token credential.Token) (integration.Integration, error) {
	seal := func(id int64) ([]byte, error) { return a.sealer.Seal(a.Tenant, id, secret) }
	if in.ID == 0 {
		added, err := a.store.AddIntegration(ctx, in, token, seal)
		if !errors.Is(err, store.ErrConnected) {
			return added, err
		}
		there, err := a.connections().Here(ctx, in.URL, in.Project.ID) // another process was first
		if err != nil || there.ID == 0 {
			return in, errors.Join(err, store.ErrConnected)
		}
		in.ID, in.CreatedAt = there.ID, there.CreatedAt
	}
	sealed, err := seal(in.ID)
	if err != nil {
		return in, err
	}
	return in, a.store.UpdateIntegration(ctx, in, sealed, token)
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

// client makes a GitLab client that acts as the account, and shares its limits
// with the account's other processes; 0: which it is, is not known yet. One that
// is read-only refuses every write.
func (a *App) client(base string, token credential.Secret, account int64, readOnly bool) (*gitlab.Client, error) {
	c, err := a.rest(base, account, readOnly, func(o *rest.Options) { o.Token = token.Bearer })
	if err != nil {
		return nil, err
	}
	return gitlab.New(c), nil
}

// rest makes what every client sends with, the way to the instance included;
// change gives it a token.
func (a *App) rest(base string, account int64, readOnly bool, change func(*rest.Options)) (*rest.Client, error) {
	o := rest.Options{
		URL: base, Limits: a.Limits,
		Ledger: a.ledger(), Account: account, Clock: a.Clock, ReadOnly: readOnly, Logger: a.Logger, Observe: a.Observe,
	}
	change(&o)
	if o.Transport == nil {
		var err error
		if o.Transport, err = a.travel(base); err != nil {
			return nil, err
		}
	}
	return rest.New(o)
}

// ledger is where processes keep the limits of an account together: with SQLite
// there is usually one, which keeps them without asking the disk.
func (a *App) ledger() limit.Ledger {
	if a.db.Pool() == nil {
		return nil
	}
	return a.db
}

// ErrNotConnected says that no integration is there yet.
var ErrNotConnected = errors.New("cxm is not connected to GitLab yet: run `cxm connect gitlab --url gitlab.com --token-file FILE --project group/project`")

// Integration is the integration with the id, or for 0 the only one there is.
func (a *App) Integration(ctx context.Context, id int64) (integration.Integration, error) {
	all, err := a.store.Integrations(ctx)
	if err != nil {
		return integration.Integration{}, fmt.Errorf("reading the integrations: %w", err)
	}
	if len(all) == 0 {
		return integration.Integration{}, ErrNotConnected
	}
	if id == 0 && len(all) == 1 {
		return all[0], nil
	}
	var known []string
	for _, in := range all {
		if in.ID == id {
			return in, nil
		}
		known = append(known, fmt.Sprintf("%d (%s in %s)", in.ID, in.Project.Path, in.URL))
	}
	return integration.Integration{}, fmt.Errorf("say which integration with --integration: %s", strings.Join(known, ", "))
}

// CleanToken reads a token as people paste it. The error never holds it.
func CleanToken(text string) (credential.Secret, error) { return credential.Clean(text) }
