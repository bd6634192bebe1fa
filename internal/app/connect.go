package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Project string // path with namespace, or numeric id
}

// Connected is a verified connection.
type Connected struct {
	Integration integration.Integration
	Token       credential.Token // without its value
	Warnings    []string         // what works, but not well; for people
}

// ConnectGitLab verifies a connection and stores it, the token sealed. An
// instance and project that are connected already get the new token.
func (a *App) ConnectGitLab(ctx context.Context, c Connect) (Connected, error) {
	base, err := integration.ParseURL(c.URL)
	if err != nil {
		return Connected{}, err
	}
	client, err := a.client(base, c.Token, 0, false)
	if err != nil {
		return Connected{}, err
	}
	who, err := client.Identify(ctx)
	if err != nil {
		return Connected{}, fmt.Errorf("connecting to %s: %w", base, err)
	}
	project, err := client.Project(ctx, c.Project)
	if err != nil {
		return Connected{}, fmt.Errorf("connecting to %s: %w", base, err)
	}
	now := a.Clock().UTC()
	in := integration.Integration{
		Provider: integration.GitLab, URL: base, Version: who.Version, Account: who.Account,
		Project: project, CreatedAt: now, VerifiedAt: now,
	}
	token := described(who.Token)
	if in, err = a.keep(ctx, in, c.Token, token); err != nil {
		return Connected{}, err
	}
	return Connected{Integration: in, Token: token, Warnings: warnings(in, token)}, nil
}

// described is what is kept of a token beside its value; nothing is known of
// tokens that are not personal access tokens.
func described(t *gitlab.Token) credential.Token {
	if t == nil {
		return credential.Token{}
	}
	return credential.Token{ExpiresAt: t.ExpiresAt, Scopes: t.Scopes, ID: t.ID, Name: t.Name}
}

// keep stores the integration with its sealed token, or gives the new token to
// the integration that has this project already.
func (a *App) keep(ctx context.Context, in integration.Integration, secret credential.Secret, token credential.Token) (integration.Integration, error) {
	seal := func(id int64) ([]byte, error) { return a.sealer.Seal(a.Tenant, id, secret) }
	added, err := a.store.AddIntegration(ctx, in, token, seal)
	if !errors.Is(err, store.ErrConnected) {
		return added, err
	}
	all, err := a.store.Integrations(ctx)
	if err != nil {
		return in, err
	}
	at := slices.IndexFunc(all, func(other integration.Integration) bool {
		return other.URL == in.URL && other.Project.ID == in.Project.ID
	})
	if at < 0 {
		return in, store.ErrConnected
	}
	in.ID, in.CreatedAt = all[at].ID, all[at].CreatedAt
	sealed, err := seal(in.ID)
	if err != nil {
		return in, err
	}
	return in, a.store.UpdateIntegration(ctx, in, sealed, token)
}

// warnings says what is weak about a connection that works.
func warnings(in integration.Integration, token credential.Token) []string {
	var out []string
	if strings.HasPrefix(in.URL, "http://") && !loopback(in.URL) {
		out = append(out, "the connection is not encrypted: the token can be read on the way; use https")
	}
	if !in.Account.Bot {
		out = append(out, fmt.Sprintf("%s is not a service account: when that person leaves, issues stop and nobody is told; prefer a service account, or a bot user with a team address", in.Account.Username))
	}
	if level := in.Project.AccessLevel; level != 0 && level < 15 {
		out = append(out, "the account is a guest in the project: it can create issues but not label or close them all; give it the Planner role or higher (the Cloud ex Machina guide asks for Maintainer)")
	}
	if token.ExpiresAt.IsZero() {
		out = append(out, "GitLab does not say when the token expires")
	}
	return out
}

func loopback(base string) bool {
	host := strings.TrimPrefix(base, "http://")
	return strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "[::1]")
}

// client makes a GitLab client that acts as the account, and shares its limits
// with the account's other processes; 0: which it is, is not known yet. One that
// is read-only refuses every write.
func (a *App) client(base string, token credential.Secret, account int64, readOnly bool) (*gitlab.Client, error) {
	c, err := rest.New(rest.Options{
		URL: base, Token: token.Reveal, Transport: a.Transport, Limits: a.Limits,
		Ledger: a.ledger(), Account: account, Clock: a.Clock, ReadOnly: readOnly, Logger: a.Logger, Observe: a.Observe,
	})
	if err != nil {
		return nil, err
	}
	return gitlab.New(c), nil
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
