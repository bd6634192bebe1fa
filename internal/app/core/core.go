// Package core is what all parts of the program stand on: the store, the sealer
// of tokens, and the way to GitLab.
//
// What always holds: a client goes the way that is stored of its instance, and
// keeps to the limits of its account together with the account's other processes.
package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/dial"
	"cxm/internal/gitlab/limit"
	"cxm/internal/gitlab/oauth"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/notify"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/hooks"
	"cxm/internal/store/reviews"
	"cxm/internal/store/sources"
	"cxm/internal/store/tokens"
)

// Options are what the parts need of the configuration; all but Transport, Reach,
// Observe, Limits, Rules and Tell are set.
type Options struct {
	Tenant    string
	Clock     func() time.Time
	Settle    time.Duration // how long GitLab's silence about a write means nothing
	Lease     time.Duration // how long nobody else decides about a rotation of a token
	Transport http.RoundTripper
	Reach     dial.Reach
	Logger    *slog.Logger
	Observe   func(rest.Sent)
	Limits    rest.Limits
	Rules     func(context.Context) (reconcile.Rules, int64, error) // those in force, with their revision; nil: the built-in ones
	Tell      func(context.Context, notify.Event)                   // sends a notice to the operator's address; nil: nobody is told
}

// Core is what is open of one data directory. It is safe for concurrent use.
type Core struct {
	Options
	DB    *store.DB
	Store *store.Store
	Hooks *hooks.Store
	// Configured keeps the sources that deliver over HTTP.
	Configured *sources.Store
	Tokens     *tokens.Store
	Sealer     *credential.Sealer

	inside inside
}

// Notice tells the operator's address, beside the log. Data is for machines.
func (c *Core) Notice(ctx context.Context, kind string, integration int64, text string, data map[string]any) {
	if c.Tell != nil {
		c.Tell(ctx, notify.Event{Type: kind, Subject: fmt.Sprintf("integration-%d", integration), Text: text, Data: data})
	}
}

// Policy is how cautious this installation is.
func (c *Core) Policy() plan.Policy { return plan.DefaultPolicy() }

// Ingest takes findings in. It needs no integration.
func (c *Core) Ingest(ctx context.Context, d reconcile.Delivery) (finding.Pull, source.Summary, error) {
	p, err := c.Puller(ctx, c.Store)
	if err != nil {
		return finding.Pull{}, source.Summary{}, err
	}
	return p.Pull(ctx, d)
}

// Puller takes findings in under the rules in force.
func (c *Core) Puller(ctx context.Context, into reconcile.Intake) (reconcile.Puller, error) {
	p := reconcile.Puller{Intake: into, Proof: c.Policy().Proof, Clock: c.Clock}
	if c.Rules == nil {
		return p, nil
	}
	var err error
	p.Rules, p.Revision, err = c.Rules(ctx)
	return p, err
}

// Reviews keeps what is looked at of an account's access.
func (c *Core) Reviews() *reviews.Store { return reviews.New(c.DB.Base(), c.Tenant) }

// Client makes a GitLab client that acts as the account, and shares its limits
// with the account's other processes; 0: which it is, is not known yet. One that
// is read-only refuses every write.
func (c *Core) Client(base string, token credential.Secret, account int64, readOnly bool) (*gitlab.Client, error) {
	sends, err := c.Rest(base, account, readOnly, func(o *rest.Options) { o.Token = token.Bearer })
	if err != nil {
		return nil, err
	}
	return gitlab.New(sends), nil
}

// Rest makes what every client sends with, the way to the instance included;
// change gives it a token.
func (c *Core) Rest(base string, account int64, readOnly bool, change func(*rest.Options)) (*rest.Client, error) {
	o := rest.Options{
		URL: base, Limits: c.Limits,
		Ledger: c.ledger(), Account: account, Clock: c.Clock, ReadOnly: readOnly, Logger: c.Logger, Observe: c.Observe,
	}
	change(&o)
	if o.Transport == nil {
		var err error
		if o.Transport, err = c.Travel(base); err != nil {
			return nil, err
		}
	}
	return rest.New(o)
}

// ledger is where processes keep the limits of an account together: with SQLite
// there is usually one, which keeps them without asking the disk.
func (c *Core) ledger() limit.Ledger {
	if c.DB.Pool() == nil {
		return nil
	}
	return c.DB
}

// ErrNotConnected says that no integration is there yet.
var ErrNotConnected = errors.New("cxm is not connected to GitLab yet: run `cxm connect gitlab --url gitlab.com --token-file FILE --project group/project`")

// Integration is the integration with the id, or for 0 the only one there is.
func (c *Core) Integration(ctx context.Context, id int64) (integration.Integration, error) {
	all, err := c.Store.Integrations(ctx)
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

// OAuth makes a client of an instance's OAuth application, which goes by travel.
func (c *Core) OAuth(base, application string, key credential.Secret, redirect string, travel http.RoundTripper) (*oauth.Client, error) {
	return oauth.New(oauth.Options{
		URL: base, Application: application, Key: key, Redirect: redirect, Transport: travel, Clock: c.Clock,
	})
}
