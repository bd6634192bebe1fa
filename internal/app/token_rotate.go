package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/token"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/store"
	"cxm/internal/store/tokens"
)

const (
	// lease is how long nobody else decides about a rotation that was begun.
	lease = 5 * time.Minute
	// leash is the part of it within which the request must have left and been
	// answered, so that none leaves when somebody else may have decided already.
	leash = 3
)

// errLate keeps a rotation from leaving when others may have decided about it.
var errLate = errors.New("the rotation was written down too long ago to be sent now")

// rotate has GitLab make the successor of a token that was just read, stores it,
// and takes it. Nothing is ever sent twice: when the answer is lost, a read with
// the old token tells what became of it.
func (a *App) rotate(ctx context.Context, in integration.Integration, t credential.Stored, expires time.Time) (tokens.RotationState, error) {
	if t.OAuth() {
		return a.refresh(ctx, in, t)
	}
	old, err := a.sealer.Open(a.Tenant, in.ID, t.Sealed)
	if err != nil {
		return "", err
	}
	var begun tokens.Rotation
	fuse := time.Time{}
	client, err := a.rest(in.URL, in.Account.ID, false, func(o *rest.Options) {
		o.Token = func() string {
			if !fuse.IsZero() && time.Now().After(fuse) {
				return "" // the process stood still since: see lease
			}
			return old.Reveal()
		}
	})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, a.Lease/leash+time.Minute) // the limits may have it wait before it is begun
	defer cancel()
	next, err := token.Rotate(ctx, client, expires, func() error {
		now := a.Clock().UTC()
		fuse = time.Now().Add(a.Lease / leash)
		var err error
		if begun, err = a.tokens.Begin(ctx, in.URL, t, now, now.Add(a.Lease)); err == nil && time.Now().After(fuse) {
			err = errLate
		}
		return err
	})
	ctx = context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return a.answered(ctx, in, begun, t.ID, next)
	case begun.ID == 0:
		return "", err
	case rest.Is(err, issue.Unsent, issue.Limited, issue.Forbidden, issue.Invalid, issue.NotFound, issue.Moved):
		_, kept := a.tokens.End(ctx, begun, tokens.NotDone, in.URL, t.ID, err.Error(), a.Clock().UTC())
		return tokens.NotDone, errors.Join(err, kept)
	}
	a.Logger.Warn("the answer to a rotation of the token is lost: cxm reads what became of it", "integration", in.ID, "why", err)
	wait(ctx, a.Settle) // GitLab may still be at it
	state, settled := a.verifyOld(ctx, in, begun, t.ID, err)
	return state, errors.Join(settled, lostOrNot(state, err))
}

// lostOrNot is what is told of a rotation whose answer did not come.
func lostOrNot(state tokens.RotationState, err error) error {
	switch state {
	case tokens.NotDone:
		return fmt.Errorf("GitLab did not rotate the token, which works as before; cxm tries again later: %w", err)
	case tokens.LostIt:
		return fmt.Errorf("GitLab rotated the token, and its answer with the new one was lost: make a new token for the account in GitLab, then run `cxm token replace`: %w", err)
	}
	return err
}

// answered stores the new token before anything else, then verifies and takes it.
func (a *App) answered(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, next credential.Token) (tokens.RotationState, error) {
	value := next.Value
	next.Value = credential.Secret{}
	seal := func(integration int64) ([]byte, error) { return a.sealer.Seal(a.Tenant, integration, value) }
	err := a.tokens.Answer(ctx, r, in.URL, old, next, seal, a.Clock().UTC())
	for tries := 0; err != nil && tries < 5 && !errors.Is(err, tokens.ErrStale); tries++ {
		wait(ctx, glance<<tries) // all that is left of access is in memory: the keys may have changed, the database be away for a moment
		if errors.Is(err, tokens.ErrKey) {
			_ = a.sealer.Refresh() // where it fails, what follows fails as before, and says why
		}
		err = a.tokens.Answer(ctx, r, in.URL, old, next, seal, a.Clock().UTC())
	}
	if err != nil {
		return tokens.Sent, fmt.Errorf("the new token could not be stored, and is lost if this does not end well: %w", err)
	}
	r.State = tokens.Answered
	return a.verifyNew(ctx, in, r, old)
}

// settleRotation decides about an open rotation of a token, as far as this process
// may. The error is tokens.ErrUnderWay when it may not yet.
func (a *App) settleRotation(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64) error {
	var err error
	switch {
	case r.State == tokens.Answered:
		_, err = a.verifyNew(ctx, in, r, old)
	case a.Clock().Before(r.UntilAt) && r.UntilAt.Sub(a.Clock()) <= a.Lease+time.Minute: // further ahead, a clock was put back
		return tokens.ErrUnderWay
	default:
		_, err = a.verifyOld(ctx, in, r, old, errors.New("the process that sent it ended before the answer was stored"))
	}
	if errors.Is(err, tokens.ErrStale) {
		return nil // somebody else did
	}
	return err
}

// verifyOld tells by the old token what became of a rotation without an answer.
func (a *App) verifyOld(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, why error) (tokens.RotationState, error) {
	t, err := a.tokens.InUse(ctx, r.Integration)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err != nil || t.Row != r.Row {
		_, err := a.tokens.End(ctx, r, tokens.Overrun, in.URL, old, "a person replaced the token meanwhile", a.Clock().UTC())
		return tokens.Overrun, err
	}
	value, err := a.sealer.Open(a.Tenant, r.Integration, t.Sealed)
	if err != nil {
		return "", err
	}
	state := tokens.NotDone
	_, err = a.askAbout(ctx, in, value)
	switch gone := rest.Is(err, issue.Unauthorized); {
	case gone && !a.unknowable(value):
		state = tokens.LostIt
	case err != nil && !gone:
		return "", fmt.Errorf("reading whether the token was rotated: %w", err)
	}
	first, err := a.tokens.End(ctx, r, state, in.URL, old, why.Error(), a.Clock().UTC())
	if err != nil || !first {
		return state, err
	}
	if state == tokens.NotDone {
		a.Logger.Warn("a rotation of the token was not carried out: cxm tries again later", "integration", r.Integration)
		return state, nil
	}
	return state, a.tellLost(ctx, r.Integration)
}

// tellLost tells of a token that its rotation took with it.
func (a *App) tellLost(ctx context.Context, id int64) error {
	in, err := a.Integration(ctx, id)
	if err != nil {
		return err
	}
	t, err := a.tokens.InUse(ctx, id)
	if err == nil {
		a.tellHeld(in, t)
	}
	return err
}

// verifyNew reads with the new token of a rotation, and takes it when GitLab
// accepts it.
func (a *App) verifyNew(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64) (tokens.RotationState, error) {
	made, err := a.tokens.Made(ctx, r.ID)
	if err != nil {
		return "", err
	}
	if len(made) == 0 {
		_, err := a.tokens.End(ctx, r, tokens.Overrun, in.URL, old, "a person replaced the token meanwhile", a.Clock().UTC())
		return tokens.Overrun, err
	}
	value, err := a.sealer.Open(a.Tenant, made[0].Integration, made[0].Sealed)
	if err != nil {
		return "", err
	}
	facts, err := a.askAbout(ctx, in, value)
	if rest.Is(err, issue.Unauthorized) && a.unknowable(value) {
		facts, err = made[0].Token, nil // its refresh token tells, when it is used
	}
	if rest.Is(err, issue.Unauthorized) {
		return a.newRefused(ctx, in, r, old, made, err)
	}
	if err != nil {
		return tokens.Answered, fmt.Errorf("the new token is stored, and verifying it failed; cxm tries again by itself: %w", err)
	}
	if err := a.tokens.Take(ctx, r, facts, a.Clock().UTC()); errors.Is(err, tokens.ErrStale) {
		return a.takenByAnother(ctx, r, err)
	} else if err != nil {
		return "", err
	}
	a.Logger.Info("the token was rotated", "integration", in.ID, "expires", facts.ExpiresAt)
	for _, t := range made {
		err = errors.Join(err, a.renewed(ctx, t.Integration))
	}
	return tokens.Done, err
}

// takenByAnother is for a rotation that another process decided about first, which
// is as good when it took the new token: a replica that met the refusal of the old
// one settles the rotation as this process does.
func (a *App) takenByAnother(ctx context.Context, r tokens.Rotation, stale error) (tokens.RotationState, error) {
	made, err := a.tokens.Made(ctx, r.ID)
	if err != nil {
		return "", err
	}
	for _, t := range made {
		if t.State == credential.Active || t.State == credential.Superseded {
			return tokens.Done, nil
		}
	}
	return "", stale
}

// newRefused is for a new token that GitLab refuses at once: the old one is
// revoked too, so that access is lost.
func (a *App) newRefused(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, made []credential.Stored, trouble error) (tokens.RotationState, error) {
	for _, t := range made {
		if _, _, err := a.tokens.Met(ctx, t, credential.Refused, said(trouble), a.Clock().UTC()); err != nil {
			return "", err
		}
	}
	first, err := a.tokens.End(ctx, r, tokens.LostIt, in.URL, old, "GitLab refuses the new token: "+said(trouble), a.Clock().UTC())
	if err == nil && first {
		err = a.tellLost(ctx, r.Integration)
	}
	return tokens.LostIt, errors.Join(trouble, err)
}

// renewed is called when an integration has another token: what was left alone
// since GitLab refused the one before is tried again at once, and what was said of
// its expiry is taken back.
func (a *App) renewed(ctx context.Context, id int64) error {
	all, err := a.store.Breakers(ctx, id)
	for _, b := range all {
		if b.Class != issue.Unauthorized || !b.Open() {
			continue
		}
		closed := breaker.Breaker{Target: b.Target, Class: b.Class, Rev: b.Rev}
		if _, saved := a.store.SaveBreaker(ctx, id, closed); saved != nil && !stale(saved) {
			err = errors.Join(err, saved)
		}
	}
	in, found := a.Integration(ctx, id)
	if err = errors.Join(err, found); err == nil {
		_, err = a.tokenOf(ctx, in)
	}
	if err == nil {
		err = a.flagExpiry(ctx, in)
	}
	return err
}
