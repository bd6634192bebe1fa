package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/queue"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/tokens"
)

const (
	// tokenEvery is the time between two looks at what is due.
	tokenEvery = time.Hour
	// tokenDaily is how old GitLab's word about a token gets before it is asked
	// again: a day, less what a schedule may be early.
	tokenDaily = 23 * time.Hour
	// heldPause is how long work waits, each time, for a token that can be used.
	heldPause = time.Minute
)

// tokenJob looks after the tokens of a tenant: what is not due yet is left alone.
type tokenJob struct {
	Tenant string `json:"tenant"`
}

// Kind names the job in the queue.
func (tokenJob) Kind() string { return "token" }

// InsertOpts makes it unique. What fails is looked at by the next one.
func (tokenJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Priority: queue.PriorityClose, UniqueOpts: queue.Unique(), MaxAttempts: 1}
}

// tokenSchedule is when that is.
func (a *App) tokenSchedule() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(tokenEvery), func() (river.JobArgs, *river.InsertOpts) {
		return tokenJob{Tenant: a.Tenant}, nil
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// tokenKeeper works tokenJobs.
type tokenKeeper struct {
	river.WorkerDefaults[tokenJob]
	*workshop
}

// Timeout is more than a rotation takes, with the wait for an answer that is lost.
func (w *tokenKeeper) Timeout(*river.Job[tokenJob]) time.Duration { return 10 * time.Minute }

// Work looks after every token. The trouble of one keeps no other, and is told
// here: it is looked at again within the hour.
func (w *tokenKeeper) Work(ctx context.Context, _ *river.Job[tokenJob]) error {
	return errors.Join(w.app.CareForTokens(ctx), w.app.remindReviews(ctx))
}

// CareForTokens does what is due about every token: asks GitLab about it once a
// day, rotates it, tells of its expiry. Trouble of a token is logged, and no error.
func (a *App) CareForTokens(ctx context.Context) error {
	all, err := a.store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	for _, in := range all {
		err := a.careFor(ctx, in)
		switch {
		case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, tokens.ErrUnderWay), errors.Is(err, tokens.ErrStale), isHeld(err):
		case rest.Is(err, issue.Unauthorized): // told by who met it first
		default:
			a.Logger.Warn("the token could not be looked after: cxm tries again by itself", "integration", in.ID, "why", err)
		}
	}
	return ctx.Err()
}

// careFor does what is due about one token.
func (a *App) careFor(ctx context.Context, in integration.Integration) error {
	t, err := a.settled(ctx, in)
	if err != nil {
		return err
	}
	care, err := a.tokens.Care(ctx, in.ID)
	if err != nil {
		return err
	}
	now := a.Clock().UTC()
	if now.Sub(care.CheckedAt).Abs() >= tokenDaily {
		if t, err = a.daily(ctx, in, t, care); err != nil {
			return errors.Join(err, a.tellExpiry(ctx, in, t))
		}
	}
	if due := t.Due(care.Every); t.State == credential.Active && t.Obstacle() == "" && !due.IsZero() && !now.Before(due) && !now.Before(care.RetryAt) {
		if err := a.rotateNow(ctx, in); err != nil {
			return errors.Join(err, a.tellExpiry(ctx, in, t))
		}
		if t, err = a.tokens.InUse(ctx, in.ID); err != nil {
			return err
		}
	}
	return a.tellExpiry(ctx, in, t)
}

// daily asks GitLab about the token. One that it refused is asked about too: what
// was refused for a reason that passed comes back by itself.
func (a *App) daily(ctx context.Context, in integration.Integration, t credential.Stored, care tokens.Care) (credential.Stored, error) {
	was := t.State
	t, err := a.lookAtToken(ctx, in, t)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if err == nil || rest.Is(err, issue.Unauthorized) {
		err = errors.Join(err, a.tokens.Checked(ctx, in.ID, a.Clock().UTC(), care.RetryAt, trouble))
	}
	if err == nil && was.Held() {
		a.Logger.Info("GitLab accepts the token again: work goes on", "integration", in.ID)
		err = a.renewed(ctx, in.ID)
	}
	return t, err
}

// tellExpiry warns of an expiry that comes near, each of the warnings once, and
// keeps the finding about it.
func (a *App) tellExpiry(ctx context.Context, in integration.Integration, t credential.Stored) error {
	if days := t.Warning(a.Clock()); days > 0 && !t.State.Held() {
		first, err := a.tokens.Tell(ctx, t.Row, days)
		if err != nil {
			return err
		}
		if first {
			a.Logger.Warn("the token expires soon", "integration", in.ID, "url", in.URL, "days", t.DaysLeft(a.Clock()), "expires", t.ExpiresAt.Format(time.DateOnly), "mend", a.mend(ctx, in, t))
		}
	}
	return a.flagExpiry(ctx, in)
}

// mend is what to do about a token that expires.
func (a *App) mend(ctx context.Context, in integration.Integration, t credential.Stored) string {
	s, err := a.tokenStatus(ctx, in)
	if err == nil && s.WhyNot == "" && !s.Next.IsZero() && s.Next.Before(t.ExpiresAt) {
		return "cxm rotates it by itself on " + s.Next.Format(time.DateOnly)
	}
	return fmt.Sprintf("make a new token for %s in GitLab, then run `cxm token replace --integration %d`", in.Account.Username, in.ID)
}

// flagExpiry takes in the finding that the token expires soon, or that it does no
// more: it goes the way of every finding, so that its issue is created, brought up
// to date and closed like any other. Nothing is taken in when nothing changed.
func (a *App) flagExpiry(ctx context.Context, in integration.Integration) error {
	t, err := a.tokens.InUse(ctx, in.ID)
	if err != nil {
		return err
	}
	care, err := a.tokens.Care(ctx, in.ID)
	if err != nil {
		return err
	}
	want, days := "", t.Warning(a.Clock())
	switch {
	case t.State.Held():
		return nil // no issue can be written, and what is open stays true
	case days > 0:
		want = fmt.Sprintf("token %d within %d days", t.Row, days)
	}
	if want == care.Flagged {
		return nil
	}
	event, err := a.expiryEvent(ctx, in, t, days)
	if err != nil {
		return err
	}
	d := Delivery{Type: source.CloudEvents, Scope: fmt.Sprintf("cxm-integration-%d", in.ID), Inputs: []source.Input{{Name: "cxm", Reader: bytes.NewReader(event)}}}
	if _, _, err := a.Ingest(ctx, d); err != nil {
		return fmt.Errorf("taking in that the token expires: %w", err)
	}
	return a.tokens.Flag(ctx, in.ID, want)
}

// expiryRule names what cxm itself reports about tokens.
const expiryRule = "cxm.token.expiry"

// expiryEvent is a CloudEvent that carries the finding; days 0: it is resolved.
func (a *App) expiryEvent(ctx context.Context, in integration.Integration, t credential.Stored, days int) ([]byte, error) {
	installation, err := a.store.Installation(ctx)
	if err != nil {
		return nil, err
	}
	how := "observed"
	if days == 0 {
		how = "resolved"
	}
	now := a.Clock().UTC()
	return json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("%s-%d-%d-%d", expiryRule, t.Row, days, now.UnixMicro()),
		"source": "/cxm/" + installation, "type": "cxm.token.finding." + how + ".v1",
		"subject": fmt.Sprintf("integration-%d", in.ID), "time": now.Format(time.RFC3339Nano),
		"data": map[string]any{
			"Kind": finding.System, "FindingClass": finding.SystemAlert, "SourceSystem": "cxm", "SourceRuleId": expiryRule,
			"Title": expiryTitle(in, t, days), "Description": expiryText(in, t), "Remediation": a.mend(ctx, in, t),
			"SeverityId": expirySeverity(days), "ResourceId": fmt.Sprintf("cxm/%s/integration/%d", installation, in.ID),
		},
	})
}

func expiryTitle(in integration.Integration, t credential.Stored, days int) string {
	if days == 0 {
		return fmt.Sprintf("The token of cxm for %s was renewed", in.Project.Path)
	}
	return fmt.Sprintf("The token of cxm for %s expires on %s", in.Project.Path, t.ExpiresAt.Format(time.DateOnly))
}

func expiryText(in integration.Integration, t credential.Stored) string {
	return fmt.Sprintf("cxm acts in %s as %s, with the token %q. It stops working on %s at 00:00 UTC; from then on issues are neither created nor brought up to date nor closed, until there is another one. cxm closes this issue when the token is renewed.",
		in.URL, in.Account.Username, t.Name, t.ExpiresAt.Format(time.DateOnly))
}

// expirySeverity rises as the expiry comes near.
func expirySeverity(days int) finding.Severity {
	switch {
	case days == 0 || days > 14:
		return finding.Low
	case days > 7:
		return finding.Medium
	case days > 3:
		return finding.High
	}
	return finding.Critical
}
