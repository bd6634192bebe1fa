// Package doctor finds out what is wrong: with a connection, and why there is no
// issue for a finding.
//
// What always holds: nothing is changed, neither in GitLab nor in the database.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/app/tokencare"
	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/gitlab/probe"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/integration/check"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/reviews"
	"cxm/internal/store/why"
)

// Doctor looks at one data directory. It is safe for concurrent use.
type Doctor struct {
	*tokencare.Keeper

	o Options
}

// Options are what a doctor needs of the program as a whole.
type Options struct {
	Caps     plan.Caps
	Recreate bool                                  // as the loop does with an issue that GitLab does not list any more
	Status   func(context.Context) (Status, error) // asks nothing of GitLab

	// Routes lists which projects and integrations of the rules in force cannot be
	// used; not ok: the built-in ones are, or GitLab cannot be asked. Nil: the same.
	Routes func(ctx context.Context, in integration.Integration) (astray []string, ok bool)
	// Ruled decides about a group under the rules in force; not ok: there are none,
	// or GitLab cannot be asked where they lead. Nil: there are none.
	Ruled func(ctx context.Context, in integration.Integration, g rule.Group, have []issue.Tracked) (steps []plan.Step, ok bool)
}

// Status is what there is, in numbers, as far as it shows what is wrong.
type Status struct {
	InDoubt    int // creates whose answer was lost
	Unseen     int // issues that GitLab does not show any more
	Deliveries int // accepted, and not taken in yet
	Refused    int // deliveries that cannot be taken in
	Broken     []string
	Waiting    []plan.Run // that a brake holds
	LastRun    plan.Run   // ID 0: there was none
	Pulls      []finding.Pull
}

// New makes one that asks GitLab with the tokens that k keeps.
func New(k *tokencare.Keeper, o Options) *Doctor { return &Doctor{Keeper: k, o: o} }

// Exam is the connection that Test looks at: a stored integration, or one that
// is to be.
type Exam struct {
	Integration int64               // a stored one, when URL is empty; 0: the only one there is
	URL         string              // as people type it
	Token       credential.Secret   // as it was given, not cleaned: what is wrong with it is told
	TokenFile   string              // where it came from; empty: no file
	Project     string              // path with group, number or address; empty: none was chosen yet
	Network     integration.Network // how to reach it: CA is the text of a PEM file, Proxy as people type it; what is empty is as it was for this instance
	Alone       bool                // Network is all there is to how it is reached: what is empty is empty
	ReadOnly    bool                // leaves out the create that GitLab must refuse
}

// Test runs every check on a connection and brings back the results in their
// order; told hears of each as soon as it is known, and may be nil. A fault of the
// connection is a result; the error says that the exam could not be begun.
// Nothing is changed, neither in GitLab nor in the database.
func (d *Doctor) Test(ctx context.Context, x Exam, told func(check.Result)) ([]check.Result, error) {
	t, in, err := d.target(ctx, x)
	if err != nil {
		return nil, err
	}
	grant, granted := credential.GrantOf(t.Token)
	if granted {
		t.Token = grant.Access
	}
	t.Client = func(base string, token credential.Secret) (*rest.Client, error) {
		if granted { // its access token lives for hours, and is renewed as the loop would
			c, err := d.Open(ctx, in, x.ReadOnly)
			if err != nil {
				return nil, err
			}
			return c.Client, nil
		}
		return d.Rest(base, in.Account.ID, x.ReadOnly, func(o *rest.Options) { o.Token, o.Transport = token.Reveal, t.Transport })
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
func (d *Doctor) target(ctx context.Context, x Exam) (t probe.Target, in integration.Integration, err error) {
	t = probe.Target{URL: x.URL, Token: credential.NewSecret(x.Token.Bearer()), Project: x.Project, Clock: d.Clock, Storage: storage(x.TokenFile)}
	if x.URL == "" {
		if in, err = d.Integration(ctx, x.Integration); err != nil {
			return t, in, err
		}
		if err = d.connected(ctx, in, &t); err != nil {
			return t, in, err
		}
	}
	t.Transport, err = d.route(ctx, t.URL, x)
	return t, in, err
}

// connected fills in what is known of a stored integration.
func (d *Doctor) connected(ctx context.Context, in integration.Integration, t *probe.Target) error {
	stored, err := d.Tokens.InUse(ctx, in.ID)
	if err != nil {
		return fmt.Errorf("reading the token of integration %d: %w", in.ID, err)
	}
	if t.Token, err = d.Sealer.Open(d.Tenant, in.ID, stored.Sealed); err != nil {
		return fmt.Errorf("opening the token of integration %d: %w", in.ID, err)
	}
	if t.Token, err = d.Carried(ctx, in, stored, t.Token); err != nil {
		return err
	}
	t.URL, t.Project, t.Storage = in.URL, strconv.FormatInt(in.Project.ID, 10), check.Storage{Sealed: true}
	if t.Before, err = d.before(ctx, in, stored.ExpiresAt); err != nil {
		return err
	}
	t.Flow, err = d.flow(ctx, in.ID)
	if err == nil && d.o.Routes != nil {
		t.Flow.Astray, t.Flow.Ruled = d.o.Routes(ctx, in)
	}
	return err
}

// route is how requests to the instance travel. What has no address has no way
// either, and the checks say so.
func (d *Doctor) route(ctx context.Context, url string, x Exam) (http.RoundTripper, error) {
	base, err := integration.ParseURL(url)
	if err != nil {
		return rest.NewTransport(), nil //nolint:nilerr // it is what the first check is about
	}
	n, err := d.Network(x.Network)
	if err != nil {
		return nil, err
	}
	if x.Alone {
		return d.TravelBy(base, n)
	}
	stored, err := d.Connections().Network(ctx, base)
	if err != nil {
		return nil, err
	}
	return d.TravelBy(base, core.Over(n, stored))
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
func (d *Doctor) before(ctx context.Context, in integration.Integration, expires time.Time) (check.Before, error) {
	b := check.Before{
		Connected: true, ID: in.ID, VerifiedAt: in.VerifiedAt, Since: in.CreatedAt,
		Username: in.Account.Username, Project: in.Project.Path, ExpiresAt: expires,
	}
	kept := reviews.New(d.DB.Base(), d.Tenant)
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
func (d *Doctor) flow(ctx context.Context, integration int64) (check.Facts, error) {
	s, err := d.o.Status(ctx)
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
	whole, err := why.New(d.DB.Base(), d.Tenant).Complete(ctx)
	for _, p := range s.Pulls {
		f.Sources = append(f.Sources, delivered(p, whole[why.Scope{Source: p.Source, Scope: p.Scope}]))
	}
	return f, err
}

func delivered(p finding.Pull, whole time.Time) check.Source {
	return check.Source{Name: p.Source, Scope: p.Scope, At: p.ReceivedAt, Complete: p.Complete, Reasons: p.Reasons, CompleteAt: whole, Skipped: p.Skipped}
}
