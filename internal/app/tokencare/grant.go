package tokencare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/oauth"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/store/tokens"
)

// breath is how long a refresh that failed is not tried again, while the access
// token still works.
const breath = 30 * time.Second

// bearer is token for requests: an OAuth access token that is about to end is
// refreshed first. Where that fails the present one is sent, for as long as it
// works.
func (s *tokenSource) bearer() string {
	if s.stale() {
		ctx, cancel := context.WithTimeout(context.Background(), switching)
		defer cancel()
		s.freshen(ctx)
	}
	return s.token()
}

// stale says that the access token is to be refreshed now.
func (s *tokenSource) stale() bool {
	now := s.keeper.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := credential.GrantOf(s.value)
	return ok && s.held == nil && g.Stale(now) && !now.Before(s.rest)
}

// freshen refreshes the pair, or waits for who does: of a process's requests one
// asks, of all processes one is sent.
func (s *tokenSource) freshen(ctx context.Context) {
	s.turn.Lock()
	defer s.turn.Unlock()
	err := s.refreshed(ctx)
	for errors.Is(err, tokens.ErrUnderWay) && wait(ctx, glance) {
		err = s.refreshed(ctx)
	}
	if err == nil {
		return
	}
	s.mu.Lock()
	s.rest = s.keeper.Clock().Add(breath)
	s.mu.Unlock()
	if !IsHeld(err) {
		s.keeper.Logger.Warn("the OAuth token could not be refreshed: cxm tries again by itself", "integration", s.in.ID, "why", err)
	}
}

// refreshed looks once, and refreshes what is still stale.
func (s *tokenSource) refreshed(ctx context.Context) error {
	was, err := s.read(ctx)
	if err != nil || !s.stale() {
		return err
	}
	t, err := s.keeper.settled(ctx, s.in)
	if err != nil {
		return err
	}
	if t.Row != was.Row { // somebody else did, a moment ago
		_, err = s.read(ctx)
		return err
	}
	_, err = s.keeper.renewGrant(ctx, s.in, t)
	if _, again := s.read(ctx); again != nil {
		return again
	}
	if errors.Is(err, tokens.ErrStale) {
		return nil // somebody else did, and that was read
	}
	return err
}

// lookAtGrant is lookAtToken for an OAuth grant: it asks GitLab with the access
// token, and refreshes one that GitLab refuses or that is about to end. When no
// pair is to be had any more that is kept, and told once.
func (k *Keeper) lookAtGrant(ctx context.Context, in integration.Integration, t credential.Stored, value credential.Secret) (credential.Stored, error) {
	now := k.Clock().UTC()
	if g, _ := credential.GrantOf(value); !g.Stale(now) {
		_, err := k.askAbout(ctx, in, value)
		if err == nil {
			return k.Tokens.Saw(ctx, t, t.Token, now)
		}
		if !rest.Is(err, issue.Unauthorized) {
			return t, err
		}
	}
	return k.renewGrant(ctx, in, t)
}

// renewGrant refreshes a grant that needs it. When that proves that no pair is to
// be had, the grant is refused: the error is then rest's issue.Unauthorized.
func (k *Keeper) renewGrant(ctx context.Context, in integration.Integration, t credential.Stored) (credential.Stored, error) {
	if t.State.Held() {
		return t, &HeldError{Integration: in.ID, Reason: t.Reason, OAuth: true}
	}
	_, err := k.refresh(ctx, in, t)
	if err != nil {
		return t, err
	}
	return k.Tokens.InUse(ctx, in.ID)
}

// refresh gets the next pair of a grant: written down before it is asked for,
// stored before it is used, verified before it takes the place of the old one. It
// goes the way of a rotation (see rotate), and is never sent twice.
func (k *Keeper) refresh(ctx context.Context, in integration.Integration, t credential.Stored) (tokens.RotationState, error) {
	g, client, err := k.GrantOf(in, t)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, k.Lease/leash)
	defer cancel()
	fuse := time.Now().Add(k.Lease / leash)
	var begun tokens.Rotation
	next, err := client.Refresh(ctx, g, func() error {
		now := k.Clock().UTC()
		var err error
		if begun, err = k.Tokens.Begin(ctx, in.URL, t, now, now.Add(k.Lease)); err == nil && time.Now().After(fuse) {
			err = errLate
		}
		return err
	})
	ctx = context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return k.answered(ctx, in, begun, t.ID, next.Token())
	case begun.ID == 0:
		return "", err
	case oauth.Is(err, oauth.BadGrant, oauth.BadClient):
		return k.notRefreshed(ctx, in, begun, t, err)
	case !oauth.Is(err, oauth.Doubtful):
		_, kept := k.Tokens.End(ctx, begun, tokens.NotDone, in.URL, t.ID, err.Error(), k.Clock().UTC())
		return tokens.NotDone, errors.Join(err, kept)
	}
	k.Logger.Warn("the answer to a refresh of the OAuth token is lost: cxm reads what became of it", "integration", in.ID, "why", err)
	wait(ctx, k.Settle) // GitLab may still be at it
	state, settled := k.verifyOld(ctx, in, begun, t.ID, err)
	if settled != nil || state == tokens.NotDone {
		return state, errors.Join(settled, fmt.Errorf("GitLab did not refresh the OAuth token; cxm tries again: %w", err))
	}
	return state, fmt.Errorf("GitLab refreshed the OAuth token, and its answer with the new one was lost: connect again with `cxm connect gitlab --oauth`: %w", err)
}

// GrantOf is the grant that a stored token is, and who refreshes it.
func (k *Keeper) GrantOf(in integration.Integration, t credential.Stored) (credential.Grant, *oauth.Client, error) {
	value, err := k.Sealer.Open(k.Tenant, t.Integration, t.Sealed)
	if err != nil {
		return credential.Grant{}, nil, err
	}
	g, ok := credential.GrantOf(value)
	if !ok {
		return g, nil, fmt.Errorf("the stored token of integration %d is no OAuth grant: connect again with `cxm connect gitlab`", in.ID)
	}
	travel, err := k.Travel(in.URL)
	if err != nil {
		return g, nil, err
	}
	client, err := k.OAuth(in.URL, g.Application, g.Key, g.Redirect, travel)
	return g, client, err
}

// notRefreshed is for a refresh that GitLab refused for good. The old access
// token says whether access is lost: while it works, nothing is.
func (k *Keeper) notRefreshed(ctx context.Context, in integration.Integration, r tokens.Rotation, t credential.Stored, why error) (tokens.RotationState, error) {
	if _, err := k.Tokens.End(ctx, r, tokens.NotDone, in.URL, t.ID, why.Error(), k.Clock().UTC()); err != nil {
		return tokens.NotDone, err
	}
	value, err := k.Sealer.Open(k.Tenant, t.Integration, t.Sealed)
	if err != nil {
		return tokens.NotDone, err
	}
	if _, err = k.askAbout(ctx, in, value); !rest.Is(err, issue.Unauthorized) {
		return tokens.NotDone, why
	}
	is, changed, err := k.Tokens.Met(ctx, t, credential.Refused, said(why), k.Clock().UTC())
	if changed && is.InUse {
		k.tellHeld(in, is)
	}
	return tokens.NotDone, errors.Join(&HeldError{Integration: in.ID, Reason: is.Reason, OAuth: true}, why, err)
}

// askAboutGrant has GitLab accept or refuse the access token (GET /user).
func (k *Keeper) askAboutGrant(ctx context.Context, c *rest.Client, g credential.Grant) (credential.Token, error) {
	facts := g.Token()
	facts.Value = credential.Secret{}
	return facts, gitlab.New(c).Accepts(ctx)
}

// unknowable says that the old access token cannot tell what became of a refresh:
// it has ended by itself. The refresh counts as not carried out then: to ask again
// does no harm, since what a lost answer held is lost anyway, and GitLab's
// invalid_grant tells.
func (k *Keeper) unknowable(value credential.Secret) bool {
	g, ok := credential.GrantOf(value)
	return ok && g.Expired(k.Clock())
}

// Carried is what requests of an integration carry: of a grant the access token,
// refreshed when it is about to end.
func (k *Keeper) Carried(ctx context.Context, in integration.Integration, t credential.Stored, value credential.Secret) (credential.Secret, error) {
	if !t.OAuth() {
		return value, nil
	}
	s, err := k.tokenOf(ctx, in)
	if err != nil {
		return value, err
	}
	if now := s.bearer(); now != "" {
		return credential.NewSecret(now), nil
	}
	return credential.NewSecret(value.Bearer()), nil // held: let GitLab say why
}
