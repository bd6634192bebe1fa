package tokencare

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
	// Lease is how long nobody else decides about a rotation that was begun.
	Lease = 5 * time.Minute
	// leash is the part of it within which the request must have left and been
	// answered, so that none leaves when somebody else may have decided already.
	leash = 3
)

// errLate keeps a rotation from leaving when others may have decided about it.
var errLate = errors.New("the rotation was written down too long ago to be sent now")

// rotate has GitLab make the successor of a token that was just read, stores it,
// and takes it. Nothing is ever sent twice: when the answer is lost, a read with
// the old token tells what became of it.
func (k *Keeper) rotate(ctx context.Context, in integration.Integration, t credential.Stored, expires time.Time) (tokens.RotationState, error) {
	if t.OAuth() {
		return k.refresh(ctx, in, t)
	}
	old, err := k.Sealer.Open(k.Tenant, in.ID, t.Sealed)
	if err != nil {
		return "", err
	}
	var begun tokens.Rotation
	fuse := time.Time{}
	client, err := k.Rest(in.URL, in.Account.ID, false, func(o *rest.Options) {
		o.Token = func() string {
			if !fuse.IsZero() && time.Now().After(fuse) {
				return "" // the process stood still since: see Lease
			}
			return old.Reveal()
		}
	})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, k.Lease/leash+time.Minute) // the limits may have it wait before it is begun
	defer cancel()
	next, err := token.Rotate(ctx, client, expires, func() error {
		now := k.Clock().UTC()
		fuse = time.Now().Add(k.Lease / leash)
		var err error
		if begun, err = k.Tokens.Begin(ctx, in.URL, t, now, now.Add(k.Lease)); err == nil && time.Now().After(fuse) {
			err = errLate
		}
		return err
	})
	ctx = context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return k.answered(ctx, in, begun, t.ID, next)
	case begun.ID == 0:
		return "", err
	}
	return k.unanswered(ctx, in, begun, t.ID, err)
}

// unanswered is for a rotation that was begun and gave no token: GitLab refused
// it, or its answer is lost.
func (k *Keeper) unanswered(ctx context.Context, in integration.Integration, begun tokens.Rotation, old int64, err error) (tokens.RotationState, error) {
	if rest.Is(err, issue.Unsent, issue.Limited, issue.Forbidden, issue.Invalid, issue.NotFound, issue.Moved) {
		_, kept := k.Tokens.End(ctx, begun, tokens.NotDone, in.URL, old, err.Error(), k.Clock().UTC())
		return tokens.NotDone, errors.Join(err, kept)
	}
	k.Logger.Warn("the answer to a rotation of the token is lost: cxm reads what became of it", "integration", in.ID, "why", err)
	wait(ctx, k.Settle) // GitLab may still be at it
	state, settled := k.verifyOld(ctx, in, begun, old, err)
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
func (k *Keeper) answered(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, next credential.Token) (tokens.RotationState, error) {
	value := next.Value
	next.Value = credential.Secret{}
	seal := func(integration int64) ([]byte, error) { return k.Sealer.Seal(k.Tenant, integration, value) }
	err := k.Tokens.Answer(ctx, r, in.URL, old, next, seal, k.Clock().UTC())
	for tries := 0; err != nil && tries < 5 && !errors.Is(err, tokens.ErrStale); tries++ {
		wait(ctx, glance<<tries) // all that is left of access is in memory: the keys may have changed, the database be away for a moment
		if errors.Is(err, tokens.ErrKey) {
			_ = k.Sealer.Refresh() // where it fails, what follows fails as before, and says why
		}
		err = k.Tokens.Answer(ctx, r, in.URL, old, next, seal, k.Clock().UTC())
	}
	if err != nil {
		return tokens.Sent, fmt.Errorf("the new token could not be stored, and is lost if this does not end well: %w", err)
	}
	r.State = tokens.Answered
	return k.verifyNew(ctx, in, r, old)
}

// settleRotation decides about an open rotation of a token, as far as this process
// may. The error is tokens.ErrUnderWay when it may not yet.
func (k *Keeper) settleRotation(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64) error {
	var err error
	switch {
	case r.State == tokens.Answered:
		_, err = k.verifyNew(ctx, in, r, old)
	case k.Clock().Before(r.UntilAt) && r.UntilAt.Sub(k.Clock()) <= k.Lease+time.Minute: // further ahead, a clock was put back
		return tokens.ErrUnderWay
	default:
		_, err = k.verifyOld(ctx, in, r, old, errors.New("the process that sent it ended before the answer was stored"))
	}
	if errors.Is(err, tokens.ErrStale) {
		return nil // somebody else did
	}
	return err
}

// verifyOld tells by the old token what became of a rotation without an answer.
func (k *Keeper) verifyOld(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, why error) (tokens.RotationState, error) {
	t, err := k.Tokens.InUse(ctx, r.Integration)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err != nil || t.Row != r.Row {
		_, err := k.Tokens.End(ctx, r, tokens.Overrun, in.URL, old, "a person replaced the token meanwhile", k.Clock().UTC())
		return tokens.Overrun, err
	}
	value, err := k.Sealer.Open(k.Tenant, r.Integration, t.Sealed)
	if err != nil {
		return "", err
	}
	state := tokens.NotDone
	_, err = k.askAbout(ctx, in, value)
	switch gone := rest.Is(err, issue.Unauthorized); {
	case gone && !k.unknowable(value):
		state = tokens.LostIt
	case err != nil && !gone:
		return "", fmt.Errorf("reading whether the token was rotated: %w", err)
	}
	first, err := k.Tokens.End(ctx, r, state, in.URL, old, why.Error(), k.Clock().UTC())
	if err != nil || !first {
		return state, err
	}
	if state == tokens.NotDone {
		k.Logger.Warn("a rotation of the token was not carried out: cxm tries again later", "integration", r.Integration)
		return state, nil
	}
	return state, k.tellLost(ctx, r.Integration)
}

// tellLost tells of a token that its rotation took with it.
func (k *Keeper) tellLost(ctx context.Context, id int64) error {
	in, err := k.Integration(ctx, id)
	if err != nil {
		return err
	}
	t, err := k.Tokens.InUse(ctx, id)
	if err == nil {
		k.tellHeld(in, t)
	}
	return err
}

// verifyNew reads with the new token of a rotation, and takes it when GitLab
// accepts it.
func (k *Keeper) verifyNew(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64) (tokens.RotationState, error) {
	made, err := k.Tokens.Made(ctx, r.ID)
	if err != nil {
		return "", err
	}
	if len(made) == 0 {
		_, err := k.Tokens.End(ctx, r, tokens.Overrun, in.URL, old, "a person replaced the token meanwhile", k.Clock().UTC())
		return tokens.Overrun, err
	}
	value, err := k.Sealer.Open(k.Tenant, made[0].Integration, made[0].Sealed)
	if err != nil {
		return "", err
	}
	facts, err := k.askAbout(ctx, in, value)
	if rest.Is(err, issue.Unauthorized) && k.unknowable(value) {
		facts, err = made[0].Token, nil // its refresh token tells, when it is used
	}
	if rest.Is(err, issue.Unauthorized) {
		return k.newRefused(ctx, in, r, old, made, err)
	}
	if err != nil {
		return tokens.Answered, fmt.Errorf("the new token is stored, and verifying it failed; cxm tries again by itself: %w", err)
	}
	if err := k.Tokens.Take(ctx, r, facts, k.Clock().UTC()); errors.Is(err, tokens.ErrStale) {
		return k.takenByAnother(ctx, r, err)
	} else if err != nil {
		return "", err
	}
	k.Logger.Info("the token was rotated", "integration", in.ID, "expires", facts.ExpiresAt)
	for _, t := range made {
		err = errors.Join(err, k.renewed(ctx, t.Integration))
	}
	return tokens.Done, err
}

// takenByAnother is for a rotation that another process decided about first, which
// is as good when it took the new token: a replica that met the refusal of the old
// one settles the rotation as this process does.
func (k *Keeper) takenByAnother(ctx context.Context, r tokens.Rotation, stale error) (tokens.RotationState, error) {
	made, err := k.Tokens.Made(ctx, r.ID)
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
func (k *Keeper) newRefused(ctx context.Context, in integration.Integration, r tokens.Rotation, old int64, made []credential.Stored, trouble error) (tokens.RotationState, error) {
	for _, t := range made {
		if _, _, err := k.Tokens.Met(ctx, t, credential.Refused, said(trouble), k.Clock().UTC()); err != nil {
			return "", err
		}
	}
	first, err := k.Tokens.End(ctx, r, tokens.LostIt, in.URL, old, "GitLab refuses the new token: "+said(trouble), k.Clock().UTC())
	if err == nil && first {
		err = k.tellLost(ctx, r.Integration)
	}
	return tokens.LostIt, errors.Join(trouble, err)
}

// renewed is called when an integration has another token: what was left alone
// since GitLab refused the one before is tried again at once, and what was said of
// its expiry is taken back.
func (k *Keeper) renewed(ctx context.Context, id int64) error {
	all, err := k.Store.Breakers(ctx, id)
	for _, b := range all {
		if b.Class != issue.Unauthorized || !b.Open() {
			continue
		}
		closed := breaker.Breaker{Target: b.Target, Class: b.Class, Rev: b.Rev}
		if _, saved := k.Store.SaveBreaker(ctx, id, closed); saved != nil && !errors.Is(saved, store.ErrStale) {
			err = errors.Join(err, saved)
		}
	}
	in, found := k.Integration(ctx, id)
	if err = errors.Join(err, found); err == nil {
		_, err = k.tokenOf(ctx, in)
	}
	if err == nil {
		err = k.flagExpiry(ctx, in)
	}
	return err
}
