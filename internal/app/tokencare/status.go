// Package tokencare looks after the tokens that integrations act with: what their
// requests send, what becomes of a token that GitLab refuses, rotations and
// refreshes, and the warnings before one expires.
//
// What always holds: nothing that changes a token is ever sent twice; a new token
// is stored before it is used; while a token is refused nothing is sent with it.
package tokencare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/token"
	"cxm/internal/integration"
	"cxm/internal/store"
	"cxm/internal/store/tokens"
)

// TokenStatus is the token of an integration, and what cxm does about it. It
// never holds the value.
type TokenStatus struct {
	Integration integration.Integration
	Token       credential.Stored
	Every       time.Duration // after which it is rotated; 0: only before it expires
	Next        time.Time     // when it is rotated; zero: it is not, see WhyNot
	WhyNot      string        // why cxm cannot rotate it, with the mend; empty: it can
	CheckedAt   time.Time     // when cxm last asked GitLab about it
	Trouble     string        // of the last look or rotation; empty: none
	Rotating    bool          // a rotation is under way
}

// TokenStatus says what is known of an integration's token. It asks nothing of
// GitLab. Integration 0 is the only one there is.
func (k *Keeper) TokenStatus(ctx context.Context, id int64) (TokenStatus, error) {
	in, err := k.Integration(ctx, id)
	if err != nil {
		return TokenStatus{}, err
	}
	return k.tokenStatus(ctx, in)
}

func (k *Keeper) tokenStatus(ctx context.Context, in integration.Integration) (TokenStatus, error) {
	t, err := k.Tokens.InUse(ctx, in.ID)
	if err != nil {
		return TokenStatus{}, fmt.Errorf("reading the token of integration %d: %w", in.ID, err)
	}
	care, err := k.Tokens.Care(ctx, in.ID)
	if err != nil {
		return TokenStatus{}, err
	}
	t.Sealed = nil
	s := TokenStatus{Integration: in, Token: t, Every: care.Every, WhyNot: t.Obstacle(), CheckedAt: care.CheckedAt, Trouble: care.Trouble}
	if t.State.Held() {
		s.WhyNot = (&HeldError{Integration: in.ID, Reason: t.Reason}).Error()
	}
	if s.WhyNot == "" {
		if s.Next = t.Due(care.Every); s.Next.Before(care.RetryAt) && !s.Next.IsZero() {
			s.Next = care.RetryAt
		}
	}
	_, s.Rotating, err = k.Tokens.Open(ctx, in.URL, t.ID)
	return s, err
}

// TokenStatuses is TokenStatus of every integration that has a token.
func (k *Keeper) TokenStatuses(ctx context.Context) ([]TokenStatus, error) {
	all, err := k.Store.Integrations(ctx)
	var out []TokenStatus
	for _, in := range all {
		s, failed := k.tokenStatus(ctx, in)
		if errors.Is(failed, store.ErrNotFound) {
			continue // it was disconnected
		}
		out, err = append(out, s), errors.Join(err, failed)
	}
	return out, err
}

// RotateToken has GitLab make the token's successor now, and takes it. A rotation
// that is under way, or whose end nobody knows, is settled first. The error says
// what to do next; tokens that can be rotated no more than refused are refused
// before anything is sent.
func (k *Keeper) RotateToken(ctx context.Context, id int64) (TokenStatus, error) {
	in, err := k.Integration(ctx, id)
	if err != nil {
		return TokenStatus{}, err
	}
	if err := k.rotateNow(ctx, in); err != nil {
		return TokenStatus{}, fmt.Errorf("rotating the token of integration %d: %w", in.ID, err)
	}
	return k.tokenStatus(ctx, in)
}

// CanRotate is RotateToken's errors that are known before GitLab is asked.
func (k *Keeper) CanRotate(ctx context.Context, id int64) (TokenStatus, error) {
	s, err := k.TokenStatus(ctx, id)
	if err == nil && s.WhyNot != "" {
		err = errors.New(s.WhyNot)
	}
	return s, err
}

// rotateNow settles what is open, looks, and rotates.
func (k *Keeper) rotateNow(ctx context.Context, in integration.Integration) error {
	t, err := k.settled(ctx, in)
	if err != nil {
		return err
	}
	if t.State.Held() {
		return &HeldError{Integration: in.ID, Reason: t.Reason}
	}
	if t, err = k.lookAtToken(ctx, in, t); err != nil {
		return err
	}
	if why := t.Obstacle(); why != "" {
		return errors.New(why)
	}
	now := k.Clock()
	state, err := k.rotate(ctx, in, t, t.Successor(now))
	if day, ok := token.Latest(err); ok && state == tokens.NotDone && day.After(now) {
		_, err = k.rotate(ctx, in, t, day)
	}
	trouble, retry := "", time.Time{}
	if err != nil {
		trouble, retry = err.Error(), now.UTC().Add(pauseBetween)
	}
	return errors.Join(err, k.Tokens.Checked(ctx, in.ID, now.UTC(), retry, trouble))
}

// pauseBetween is how long a rotation is not tried again after one that failed.
const pauseBetween = 6 * time.Hour

// settled is the token in use once no rotation of it is open. The error is
// tokens.ErrUnderWay while one is that others carry out.
func (k *Keeper) settled(ctx context.Context, in integration.Integration) (credential.Stored, error) {
	t, err := k.Tokens.InUse(ctx, in.ID)
	if err != nil {
		return t, err
	}
	r, open, err := k.Tokens.Open(ctx, in.URL, t.ID)
	if err != nil || !open {
		return t, err
	}
	if err := k.settleRotation(ctx, in, r, t.ID); err != nil {
		return t, err
	}
	return k.Tokens.InUse(ctx, in.ID)
}

// Replacement is a token that a person gives an integration.
type Replacement struct {
	Token        credential.Secret
	OtherAccount bool // it may belong to another account than the one before
}

// ReplaceToken verifies a new token and has the integration use it at once; the
// value of the one before is dropped. What waited for it goes on by itself.
func (k *Keeper) ReplaceToken(ctx context.Context, id int64, with Replacement) (TokenStatus, error) {
	in, err := k.Integration(ctx, id)
	if err != nil {
		return TokenStatus{}, err
	}
	if in, err = k.replace(ctx, in, with); err != nil {
		return TokenStatus{}, fmt.Errorf("replacing the token of integration %d: %w", in.ID, err)
	}
	return k.tokenStatus(ctx, in)
}

func (k *Keeper) replace(ctx context.Context, in integration.Integration, with Replacement) (integration.Integration, error) {
	client, err := k.Client(in.URL, with.Token, 0, true)
	if err != nil {
		return in, err
	}
	who, err := client.Identify(ctx)
	if err != nil {
		return in, err
	}
	if who.Account.ID != in.Account.ID && !with.OtherAccount {
		return in, fmt.Errorf("the token belongs to %s, and the integration acts as %s: give a token of that account, or --other-account if this is meant", who.Account.Username, in.Account.Username)
	}
	if _, err := client.Project(ctx, fmt.Sprint(in.Project.ID)); err != nil {
		return in, err
	}
	in.Account, in.Version, in.VerifiedAt = who.Account, who.Version, k.Clock().UTC()
	sealed, err := k.Sealer.Seal(k.Tenant, in.ID, with.Token)
	if err != nil {
		return in, err
	}
	if err := k.Store.UpdateIntegration(ctx, in, sealed, Described(who.Token)); err != nil {
		return in, err
	}
	if err := k.Tokens.Checked(ctx, in.ID, in.VerifiedAt, time.Time{}, ""); err != nil {
		return in, err
	}
	return in, k.renewed(ctx, in.ID)
}

// TokenEvent is something that happened to a token.
type TokenEvent = tokens.Event

// TokenHistory lists the tokens that an integration ever had, and what became of
// each, the first one first.
func (k *Keeper) TokenHistory(ctx context.Context, id int64) (integration.Integration, []credential.Stored, []TokenEvent, error) {
	in, err := k.Integration(ctx, id)
	if err != nil {
		return in, nil, nil, err
	}
	all, err := k.Tokens.All(ctx, in.ID)
	if err != nil {
		return in, nil, nil, err
	}
	for i := range all {
		all[i].Sealed = nil
	}
	events, err := k.Tokens.Events(ctx, in.ID)
	return in, all, events, err
}

// ScheduleToken sets after how many days the token of an integration is rotated;
// 0 is only before it expires.
func (k *Keeper) ScheduleToken(ctx context.Context, id int64, days int) (TokenStatus, error) {
	if days < 0 || days > 365 {
		return TokenStatus{}, fmt.Errorf("%d days is no schedule: give 1 to 365, or 0 to rotate only before the token expires", days)
	}
	in, err := k.Integration(ctx, id)
	if err != nil {
		return TokenStatus{}, err
	}
	if err := k.Tokens.Schedule(ctx, in.ID, days); err != nil {
		return TokenStatus{}, err
	}
	return k.tokenStatus(ctx, in)
}

// Described is what is kept of a token beside its value; nothing is known of
// tokens that are not personal access tokens.
func Described(t *gitlab.Token) credential.Token {
	if t == nil {
		return credential.Token{}
	}
	return credential.Token{ExpiresAt: t.ExpiresAt, Scopes: t.Scopes, ID: t.ID, Name: t.Name, MadeAt: t.MadeAt}
}
