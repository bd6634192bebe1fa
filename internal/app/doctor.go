package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/gitlab/probe"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
	"cxm/internal/store/reviews"
	"cxm/internal/store/why"
)

// Exam is the connection that Test looks at: a stored integration, or one that
// is to be.
type Exam struct {
	Integration int64               // a stored one, when URL is empty; 0: the only one there is
	URL         string              // as people type it
	Token       credential.Secret   // as it was given, not cleaned: what is wrong with it is told
	TokenFile   string              // where it came from; empty: no file
	Project     string              // path with group, number or address; empty: none was chosen yet
	Network     integration.Network // how to reach it: CA is the text of a PEM file, Proxy as people type it; what is empty is as it was for this instance
	ReadOnly    bool                // leaves out the create that GitLab must refuse
}

// Pasted is a token as it was given, whatever is wrong with it.
func Pasted(text string) credential.Secret { return credential.NewSecret(text) }

// Test runs every check on a connection and brings back the results in their
// order; told hears of each as soon as it is known, and may be nil. A fault of the
// connection is a result; the error says that the exam could not be begun.
// Nothing is changed, neither in GitLab nor in the database.
func (a *App) Test(ctx context.Context, x Exam, told func(check.Result)) ([]check.Result, error) {
	t, in, err := a.target(ctx, x)
	if err != nil {
		return nil, err
	}
	grant, granted := credential.GrantOf(t.Token)
	if granted {
		t.Token = grant.Access
	}
	t.Client = func(base string, token credential.Secret) (*rest.Client, error) {
		if granted { // its access token lives for hours, and is renewed as the loop would
			c, err := a.Open(ctx, in, x.ReadOnly)
			if err != nil {
				return nil, err
			}
			return c.Client, nil
		}
		return a.Rest(base, in.Account.ID, x.ReadOnly, func(o *rest.Options) { o.Token, o.Transport = token.Reveal, t.Transport })
	}
	e := probe.Collect(ctx, t, func(s check.Stage, e *check.Evidence) {
		if told == nil {
			return
		}
		for _, r := range check.At(s, e) {
			told(r)
		}
	})
	return check.Run(e), ctx.Err()
}

// target is what the probe looks at, and the integration if there is one.
func (a *App) target(ctx context.Context, x Exam) (t probe.Target, in integration.Integration, err error) {
	t = probe.Target{URL: x.URL, Token: credential.NewSecret(x.Token.Bearer()), Project: x.Project, Clock: a.Clock, Storage: storage(x.TokenFile)}
	if x.URL == "" {
		if in, err = a.Integration(ctx, x.Integration); err != nil {
			return t, in, err
		}
		if err = a.connected(ctx, in, &t); err != nil {
			return t, in, err
		}
	}
	t.Transport, err = a.route(ctx, t.URL, x.Network)
	return t, in, err
}

// connected fills in what is known of a stored integration.
func (a *App) connected(ctx context.Context, in integration.Integration, t *probe.Target) error {
	stored, err := a.Tokens.InUse(ctx, in.ID)
	if err != nil {
		return fmt.Errorf("reading the token of integration %d: %w", in.ID, err)
	}
	if t.Token, err = a.Sealer.Open(a.Tenant, in.ID, stored.Sealed); err != nil {
		return fmt.Errorf("opening the token of integration %d: %w", in.ID, err)
	}
	if t.Token, err = a.Carried(ctx, in, stored, t.Token); err != nil {
		return err
	}
	t.URL, t.Project, t.Storage = in.URL, strconv.FormatInt(in.Project.ID, 10), check.Storage{Sealed: true}
	if t.Before, err = a.before(ctx, in, stored.ExpiresAt); err != nil {
		return err
	}
	t.Flow, err = a.flow(ctx, in.ID)
	return err
}

// route is how requests to the instance travel. What has no address has no way
// either, and the checks say so.
func (a *App) route(ctx context.Context, url string, n integration.Network) (http.RoundTripper, error) {
	base, err := integration.ParseURL(url)
	if err != nil {
		return rest.NewTransport(), nil //nolint:nilerr // it is what the first check is about
	}
	if n, err = a.Network(n); err != nil {
		return nil, err
	}
	stored, err := a.Connections().Network(ctx, base)
	if err != nil {
		return nil, err
	}
	return a.TravelBy(base, core.Over(n, stored))
}

// storage looks at the file that the token came from.
func storage(file string) check.Storage {
	info, err := os.Stat(file)
	if file == "" || err != nil || !info.Mode().IsRegular() {
		return check.Storage{}
	}
	return check.Storage{File: file, Others: runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0}
}

// before is what is known of a connection from earlier.
func (a *App) before(ctx context.Context, in integration.Integration, expires time.Time) (check.Before, error) {
	b := check.Before{
		Connected: true, ID: in.ID, VerifiedAt: in.VerifiedAt, Since: in.CreatedAt,
		Username: in.Account.Username, Project: in.Project.Path, ExpiresAt: expires,
	}
	kept := reviews.New(a.DB.Base(), a.Tenant)
	last, err := kept.Reviews(ctx, in.ID, 1)
	if err != nil {
		return b, err
	}
	if len(last) > 0 {
		b.ReviewedAt = last[0].At
	}
	b.Owners, err = kept.Owners(ctx, in.ID)
	return b, err
}

// flow is what the database knows of what comes in and what becomes of it.
func (a *App) flow(ctx context.Context, integration int64) (check.Facts, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return check.Facts{}, err
	}
	f := check.Facts{
		Known: true, Waiting: s.Deliveries, Refused: s.Refused, Broken: s.Broken,
		InDoubt: s.InDoubt, Unseen: s.Unseen, LastRun: s.LastRun.ID, Failed: s.LastRun.Failed,
	}
	for _, r := range s.Waiting {
		if r.Integration == integration {
			f.Held = append(f.Held, r.ID)
		}
	}
	whole, err := why.New(a.DB.Base(), a.Tenant).Complete(ctx)
	for _, p := range s.Pulls {
		f.Sources = append(f.Sources, delivered(p, whole[why.Scope{Source: p.Source, Scope: p.Scope}]))
	}
	return f, err
}

func delivered(p finding.Pull, whole time.Time) check.Source {
	return check.Source{Name: p.Source, Scope: p.Scope, At: p.ReceivedAt, Complete: p.Complete, Reasons: p.Reasons, CompleteAt: whole, Skipped: p.Skipped}
}
