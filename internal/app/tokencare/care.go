package tokencare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store"
	"cxm/internal/store/tokens"
)

// daily is how old GitLab's word about a token gets before it is asked again: a
// day, less what a schedule may be early.
const daily = 23 * time.Hour

// CareForTokens does what is due about every token: asks GitLab about it once a
// day, rotates it, tells of its expiry. Trouble of a token is logged, and no error.
func (k *Keeper) CareForTokens(ctx context.Context) error {
	all, err := k.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	for _, in := range all {
		err := k.careFor(ctx, in)
		switch {
		case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, tokens.ErrUnderWay), errors.Is(err, tokens.ErrStale), IsHeld(err):
		case rest.Is(err, issue.Unauthorized): // told by who met it first
		default:
			k.Logger.Warn("the token could not be looked after: cxm tries again by itself", "integration", in.ID, "why", err)
		}
	}
	return ctx.Err()
}

// careFor does what is due about one token.
func (k *Keeper) careFor(ctx context.Context, in integration.Integration) error {
	t, err := k.settled(ctx, in)
	if err != nil {
		return err
	}
	care, err := k.Tokens.Care(ctx, in.ID)
	if err != nil {
		return err
	}
	now := k.Clock().UTC()
	if now.Sub(care.CheckedAt).Abs() >= daily {
		if t, err = k.checked(ctx, in, t, care); err != nil {
			return errors.Join(err, k.tellExpiry(ctx, in, t))
		}
	}
	if due := t.Due(care.Every); t.State == credential.Active && t.Obstacle() == "" && !due.IsZero() && !now.Before(due) && !now.Before(care.RetryAt) {
		if err := k.rotateNow(ctx, in); err != nil {
			return errors.Join(err, k.tellExpiry(ctx, in, t))
		}
		if t, err = k.Tokens.InUse(ctx, in.ID); err != nil {
			return err
		}
	}
	return k.tellExpiry(ctx, in, t)
}

// checked asks GitLab about the token. One that it refused is asked about too: what
// was refused for a reason that passed comes back by itself.
func (k *Keeper) checked(ctx context.Context, in integration.Integration, t credential.Stored, care tokens.Care) (credential.Stored, error) {
	was := t.State
	t, err := k.lookAtToken(ctx, in, t)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if err == nil || rest.Is(err, issue.Unauthorized) {
		err = errors.Join(err, k.Tokens.Checked(ctx, in.ID, k.Clock().UTC(), care.RetryAt, trouble))
	}
	if err == nil && was.Held() {
		k.Logger.Info("GitLab accepts the token again: work goes on", "integration", in.ID)
		err = k.renewed(ctx, in.ID)
	}
	return t, err
}

// tellExpiry warns of an expiry that comes near, each of the warnings once, and
// keeps the finding about it.
func (k *Keeper) tellExpiry(ctx context.Context, in integration.Integration, t credential.Stored) error {
	if days := t.Warning(k.Clock()); days > 0 && !t.State.Held() {
		first, err := k.Tokens.Tell(ctx, t.Row, days)
		if err != nil {
			return err
		}
		if first {
			k.Logger.Warn("the token expires soon", "integration", in.ID, "url", in.URL, "days", t.DaysLeft(k.Clock()), "expires", t.ExpiresAt.Format(time.DateOnly), "mend", k.mend(ctx, in, t))
			k.Notice(ctx, "cxm.token.expiring.v1", in.ID, fmt.Sprintf("The token of cxm for %s expires on %s, in %s: %s.", in.Project.Path, t.ExpiresAt.Format(time.DateOnly), dayCount(t.DaysLeft(k.Clock())), k.mend(ctx, in, t)),
				map[string]any{"integration": in.ID, "url": in.URL, "project": in.Project.Path, "days": t.DaysLeft(k.Clock()), "expires_at": t.ExpiresAt.Format(time.DateOnly)})
		}
	}
	return k.flagExpiry(ctx, in)
}

func dayCount(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// mend is what to do about a token that expires.
func (k *Keeper) mend(ctx context.Context, in integration.Integration, t credential.Stored) string {
	s, err := k.tokenStatus(ctx, in)
	if err == nil && s.WhyNot == "" && !s.Next.IsZero() && s.Next.Before(t.ExpiresAt) {
		return "cxm rotates it by itself on " + s.Next.Format(time.DateOnly)
	}
	return fmt.Sprintf("make a new token for %s in GitLab, then run `cxm token replace --integration %d`", in.Account.Username, in.ID)
}

// flagExpiry takes in the finding that the token expires soon, or that it does no
// more: it goes the way of every finding, so that its issue is created, brought up
// to date and closed like any other. Nothing is taken in when nothing changed.
func (k *Keeper) flagExpiry(ctx context.Context, in integration.Integration) error {
	t, err := k.Tokens.InUse(ctx, in.ID)
	if err != nil {
		return err
	}
	care, err := k.Tokens.Care(ctx, in.ID)
	if err != nil {
		return err
	}
	want, days := "", t.Warning(k.Clock())
	switch {
	case t.State.Held():
		return nil // no issue can be written, and what is open stays true
	case days > 0:
		want = fmt.Sprintf("token %d within %d days", t.Row, days)
	}
	if want == care.Flagged {
		return nil
	}
	event, err := k.expiryEvent(ctx, in, t, days)
	if err != nil {
		return err
	}
	d := reconcile.Delivery{Type: source.CloudEvents, Scope: fmt.Sprintf("cxm-integration-%d", in.ID), Inputs: []source.Input{{Name: "cxm", Reader: bytes.NewReader(event)}}}
	if _, _, err := k.Ingest(ctx, d); err != nil {
		return fmt.Errorf("taking in that the token expires: %w", err)
	}
	return k.Tokens.Flag(ctx, in.ID, want)
}

// expiryRule names what cxm itself reports about tokens.
const expiryRule = "cxm.token.expiry"

// expiryEvent is a CloudEvent that carries the finding; days 0: it is resolved.
func (k *Keeper) expiryEvent(ctx context.Context, in integration.Integration, t credential.Stored, days int) ([]byte, error) {
	installation, err := k.Store.Installation(ctx)
	if err != nil {
		return nil, err
	}
	how := "observed"
	if days == 0 {
		how = "resolved"
	}
	now := k.Clock().UTC()
	return json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("%s-%d-%d-%d", expiryRule, t.Row, days, now.UnixMicro()),
		"source": "/cxm/" + installation, "type": "cxm.token.finding." + how + ".v1",
		"subject": fmt.Sprintf("integration-%d", in.ID), "time": now.Format(time.RFC3339Nano),
		"data": map[string]any{
			"Kind": finding.System, "FindingClass": finding.SystemAlert, "SourceSystem": "cxm", "SourceRuleId": expiryRule,
			"Title": expiryTitle(in, t, days), "Description": expiryText(in, t), "Remediation": k.mend(ctx, in, t),
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
