package tokencare

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/token"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/store/tokens"
)

// switching is how long a request that GitLab refused waits for a rotation that is
// under way.
const switching = 45 * time.Second

// believed is how long nobody asks again whether GitLab accepts a token that one
// route refuses.
const believed = 5 * time.Second

// glance is the time between two looks at a rotation under way.
const glance = 200 * time.Millisecond

// HeldError says that GitLab refuses the token of an integration, so that its
// work waits until there is another one.
type HeldError struct {
	Integration int64
	Reason      string
	OAuth       bool // a person gave it by agreeing on GitLab's page
}

// Error says why, and what to do.
func (e *HeldError) Error() string {
	if e.OAuth {
		return fmt.Sprintf("the work of integration %d waits, since its OAuth token cannot be used: %s. Connect the same project again with `cxm connect gitlab --oauth`, or with the token of a service account", e.Integration, e.Reason)
	}
	return fmt.Sprintf("the work of integration %d waits, since its token cannot be used: %s. Make a new token for the same account in GitLab, then run `cxm token replace --integration %d`", e.Integration, e.Reason, e.Integration)
}

// tokenSource is the token that all of a process's clients of one integration send. It
// reads the store again when GitLab refuses what it gave.
type tokenSource struct {
	keeper *Keeper
	in     integration.Integration

	mu    sync.Mutex
	value credential.Secret // guarded by mu
	held  *HeldError        // guarded by mu; nil: the token is fine
	rest  time.Time         // guarded by mu; no refresh of an OAuth token before then
	turn  sync.Mutex        // held while one asks what became of a refused token
	fine  time.Time         // when GitLab last said that it accepts the token after all; guarded by turn

	suspect atomic.Bool // a request was refused, and nobody knows yet whether the token is
}

// Keeper looks after the tokens of one data directory. It is safe for concurrent use.
type Keeper struct {
	*core.Core

	sources sources
}

// New makes the one keeper of a process.
func New(c *core.Core) *Keeper { return &Keeper{Core: c} }

// sources are the sources of a process, one per integration.
type sources struct {
	mu sync.Mutex
	of map[int64]*tokenSource // guarded by mu
}

// Forget drops what a process holds of the token of an integration that was
// disconnected.
func (k *Keeper) Forget(id int64) {
	k.sources.mu.Lock()
	defer k.sources.mu.Unlock()
	delete(k.sources.of, id)
}

// tokenOf is the token of an integration as it is stored now.
func (k *Keeper) tokenOf(ctx context.Context, in integration.Integration) (*tokenSource, error) {
	k.sources.mu.Lock()
	if k.sources.of == nil {
		k.sources.of = map[int64]*tokenSource{}
	}
	s := k.sources.of[in.ID]
	if s == nil || s.in.URL != in.URL {
		s = &tokenSource{keeper: k, in: in}
		k.sources.of[in.ID] = s
	}
	k.sources.mu.Unlock()
	_, err := s.read(ctx)
	return s, err
}

// token is what requests are sent with now; empty: nothing may be sent.
func (s *tokenSource) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		return ""
	}
	return s.value.Bearer()
}

// heldBack is why nothing may be sent, nil when it may.
func (s *tokenSource) heldBack() *HeldError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// StillHeld is a *HeldError when this process knows that the token cannot be used,
// and that is still so.
func (k *Keeper) StillHeld(ctx context.Context, in integration.Integration) error {
	k.sources.mu.Lock()
	s := k.sources.of[in.ID]
	k.sources.mu.Unlock()
	if s == nil || s.heldBack() == nil {
		return nil
	}
	if _, err := s.read(ctx); err != nil {
		return err
	}
	if held := s.heldBack(); held != nil {
		return held
	}
	return nil
}

// read takes the token from the store.
func (s *tokenSource) read(ctx context.Context) (credential.Stored, error) {
	t, err := s.keeper.Tokens.InUse(ctx, s.in.ID)
	if err != nil {
		return t, fmt.Errorf("reading the token of integration %d: %w", s.in.ID, err)
	}
	value, err := s.keeper.Sealer.Open(s.keeper.Tenant, s.in.ID, t.Sealed)
	if err != nil {
		return t, fmt.Errorf("opening the token of integration %d: %w", s.in.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.held = value, nil
	if t.State.Held() {
		s.held = &HeldError{Integration: s.in.ID, Reason: t.Reason, OAuth: t.OAuth()}
	}
	return t, nil
}

// refused finds out what became of a token that GitLab refused: it was rotated,
// by whatever process; or it is being rotated, which is waited for; or neither, which
// stops the work, and is then looked into (sure). It is a rest.Renew.
func (s *tokenSource) refused(ctx context.Context, used string) bool {
	ctx, cancel := context.WithTimeout(ctx, switching)
	defer cancel()
	s.turn.Lock()
	defer s.turn.Unlock()
	if now := s.token(); now == "" || now != used {
		return now != "" // somebody asked meanwhile
	}
	if time.Since(s.fine) < believed {
		return false
	}
	for {
		again, err := s.ask(ctx, used)
		switch {
		case errors.Is(err, tokens.ErrUnderWay) && wait(ctx, glance):
			continue
		case err != nil:
			s.keeper.Logger.Warn("cxm cannot tell what became of the token that GitLab refused", "integration", s.in.ID, "why", err)
			return false
		}
		return again
	}
}

// ask looks once. The error is tokens.ErrUnderWay while the token is rotated.
func (s *tokenSource) ask(ctx context.Context, used string) (again bool, err error) {
	t, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	if now := s.token(); now != used {
		return now != "", nil
	}
	if rotation, open, err := s.keeper.Tokens.Open(ctx, s.in.URL, t.ID); err != nil {
		return false, err
	} else if open {
		if err := s.keeper.settleRotation(ctx, s.in, rotation, t.ID); err != nil {
			return false, err
		}
		return s.ask(ctx, used)
	}
	if t, err = s.read(ctx); err != nil || s.token() != used { // it may have ended just now
		return err == nil && s.token() != "", err
	}
	if !t.OAuth() {
		s.suspect.Store(true)
		return false, nil
	}
	_, err = s.keeper.lookAtToken(ctx, s.in, t)
	if _, again := s.read(ctx); again != nil {
		return false, again
	}
	switch now := s.token(); {
	case now != "" && now != used:
		return true, nil // an OAuth token was refreshed
	case rest.Is(err, issue.Unauthorized), IsHeld(err):
		return false, nil
	case err == nil:
		s.fine = time.Now() // one route refuses it, and others do not
	}
	return false, err
}

// Sure finds out whether GitLab refuses the token of an integration, or one route
// alone does, when a request was refused since it was last found out. It is called
// when the work has stopped: what is asked meanwhile lets others run on.
func (k *Keeper) Sure(ctx context.Context, in integration.Integration) {
	k.sources.mu.Lock()
	s := k.sources.of[in.ID]
	k.sources.mu.Unlock()
	if s == nil || !s.suspect.Swap(false) {
		return
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	t, err := s.read(ctx)
	if err == nil && !t.State.Held() && time.Since(s.fine) >= believed {
		if t, err = k.lookAtToken(ctx, in, t); err == nil {
			s.fine = time.Now()
		}
		if _, again := s.read(ctx); again != nil {
			err = errors.Join(err, again)
		}
	}
	switch {
	case err == nil, rest.Is(err, issue.Unauthorized), errors.Is(err, tokens.ErrStale):
	case errors.Is(err, tokens.ErrUnderWay):
		s.suspect.Store(true)
	default:
		s.suspect.Store(true)
		k.Logger.Warn("cxm cannot tell whether GitLab refuses the token, and asks again later", "integration", in.ID, "why", err)
	}
}

// wait waits, and says whether there is still time.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// lookAtToken reads what GitLab knows of a stored token, and keeps it. When GitLab
// refuses it, that is kept, and told to whoever meets it first; the error is the
// trouble.
func (k *Keeper) lookAtToken(ctx context.Context, in integration.Integration, t credential.Stored) (credential.Stored, error) {
	value, err := k.Sealer.Open(k.Tenant, t.Integration, t.Sealed)
	if err != nil {
		return t, err
	}
	if t.OAuth() {
		return k.lookAtGrant(ctx, in, t, value)
	}
	facts, err := k.askAbout(ctx, in, value)
	switch {
	case errors.Is(err, token.ErrKind):
		facts, err = t.Token, nil // it is accepted, and that is all there is to know
	case rest.Is(err, issue.Unauthorized):
		is, changed, kept := k.Tokens.Refused(ctx, in.URL, t, said(err), k.Clock().UTC())
		if errors.Is(kept, tokens.ErrUnderWay) || errors.Is(kept, tokens.ErrStale) {
			return t, kept // it is rotated, and its successor is as good as before
		}
		if changed && is.InUse {
			k.tellHeld(in, is)
		}
		return is, errors.Join(err, kept)
	}
	if err != nil {
		return t, err
	}
	return k.Tokens.Saw(ctx, t, facts, k.Clock().UTC())
}

// askAbout reads what GitLab knows of a token.
func (k *Keeper) askAbout(ctx context.Context, in integration.Integration, value credential.Secret) (credential.Token, error) {
	client, err := k.Rest(in.URL, in.Account.ID, true, func(o *rest.Options) { o.Token = value.Bearer })
	if err != nil {
		return credential.Token{}, err
	}
	if g, ok := credential.GrantOf(value); ok {
		return k.askAboutGrant(ctx, client, g)
	}
	return token.Self(ctx, client)
}

// said is what GitLab said, for people.
func said(err error) string {
	var t *issue.Trouble
	if errors.As(err, &t) && t.Said != "" {
		return t.Said
	}
	return "401"
}

// newAccess is how a person gives an integration access again.
func newAccess(in integration.Integration, t credential.Stored) string {
	if t.OAuth() {
		return fmt.Sprintf("run: cxm connect gitlab --oauth --url %s --project %s", in.URL, in.Project.Path)
	}
	return fmt.Sprintf("make a new token for %s in GitLab, then run: cxm token replace --integration %d", in.Account.Username, in.ID)
}

// tellHeld tells the admin that access is lost: once, by whoever kept it.
func (k *Keeper) tellHeld(in integration.Integration, t credential.Stored) {
	k.Logger.Error("access to GitLab is lost: nothing is sent until the token is replaced",
		"integration", in.ID, "url", in.URL, "project", in.Project.Path, "state", string(t.State), "why", t.Reason,
		"mend", newAccess(in, t))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // who met it may be gone
	defer cancel()
	k.Notice(ctx, "cxm.access.lost.v1", in.ID, fmt.Sprintf("cxm has no access to %s in %s any more (%s): nothing is sent until there is: %s.", in.Project.Path, in.URL, t.State, newAccess(in, t)),
		map[string]any{"integration": in.ID, "url": in.URL, "project": in.Project.Path, "state": string(t.State)})
}

// Sent is what requests of an integration carry now, as it is: nothing is refreshed.
// The error is a *HeldError when the token cannot be used.
func (k *Keeper) Sent(ctx context.Context, in integration.Integration) (func() string, error) {
	token, err := k.tokenOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if held := token.heldBack(); held != nil {
		return nil, held
	}
	return token.token, nil
}

// Open makes the client of a stored integration. The error is a *HeldError when
// its token cannot be used.
func (k *Keeper) Open(ctx context.Context, in integration.Integration, readOnly bool) (*gitlab.Client, error) {
	token, err := k.tokenOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if held := token.heldBack(); held != nil {
		return nil, held
	}
	c, err := k.Rest(in.URL, in.Account.ID, readOnly, func(o *rest.Options) { o.Token, o.Refused = token.bearer, token.refused })
	if err != nil {
		return nil, err
	}
	return gitlab.New(c), nil
}

// IsHeld says that an integration waits for another token.
func IsHeld(err error) bool {
	held := (*HeldError)(nil)
	return errors.As(err, &held)
}
