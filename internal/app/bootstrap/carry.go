package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/app/connecting"
	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/setup"
	"cxm/internal/issue"
	"cxm/internal/plan"
)

// carry carries the plan out, step by step.
func (b *bootstrapper) carry(ctx context.Context) error {
	c, err := b.client(ctx, false)
	if err != nil {
		return err
	}
	for _, s := range b.out.Plan.Changes() {
		if err := b.step(ctx, c, s); err != nil {
			return fmt.Errorf("%w. What was done so far stays: run the same again to go on", err)
		}
		b.out.Done = append(b.out.Done, s)
	}
	return b.end(ctx)
}

func (b *bootstrapper) step(ctx context.Context, c *setup.Client, s Step) error {
	switch s.Action {
	case SetAccount:
		return b.createAccount(ctx, c)
	case SetMember:
		return b.join(ctx, c, s)
	case RevokeToken:
		return c.RevokeToken(ctx, b.home, b.account.ID, s.token)
	case MakeToken:
		return b.createToken(ctx, c, true)
	}
	return b.connect(ctx, c)
}

// createAccount makes the account, once: a second one could not have its name.
func (b *bootstrapper) createAccount(ctx context.Context, c *setup.Client) (err error) {
	if b.known, err = b.reviews.Begin(ctx, b.base, b.want.Username, b.maker.Clock().UTC()); err != nil {
		return err
	}
	b.account, err = c.CreateAccount(ctx, b.home, b.want.Name, b.want.Username, b.others)
	if rest.Is(err, issue.Doubtful) {
		found, _, look := c.Account(ctx, b.home, b.want.Username)
		if look != nil || found == nil {
			return errors.Join(err, look)
		}
		b.note("GitLab made the service account, though its answer was lost: cxm looked it up.")
		b.account, err = found, nil
	}
	if err != nil {
		return err
	}
	b.known.Account = b.account.ID
	return b.reviews.Save(ctx, b.known)
}

func (b *bootstrapper) note(format string, args ...any) {
	b.out.Notes = append(b.out.Notes, fmt.Sprintf(format, args...))
}

// join makes the account a member, or raises its role.
func (b *bootstrapper) join(ctx context.Context, c *setup.Client, s Step) error {
	send := c.Join
	if s.Verb == plan.Update {
		send = c.Raise
	}
	err := send(ctx, s.place, b.account.ID, b.want.Role)
	if !rest.Is(err, issue.Doubtful) && !conflict(err) {
		return err
	}
	roles, look := c.Roles(ctx, s.place, b.account.ID)
	if look != nil || roles.Any < b.want.Role {
		return errors.Join(err, look)
	}
	b.note("The account has its role in %s, though GitLab's answer was lost: cxm looked it up.", s.place.Named())
	return nil
}

// conflict says that somebody else was first.
func conflict(err error) bool {
	var t *issue.Trouble
	return errors.As(err, &t) && t.Status == http.StatusConflict
}

// createToken makes the token. Of one whose answer was lost nobody has the value:
// it is revoked, and another one made, once.
func (b *bootstrapper) createToken(ctx context.Context, c *setup.Client, again bool) (err error) {
	if b.known, err = b.reviews.Begin(ctx, b.base, b.want.Username, b.maker.Clock().UTC()); err != nil {
		return err
	}
	if b.known.Account != b.account.ID {
		b.known.Account = b.account.ID
		if err := b.reviews.Save(ctx, b.known); err != nil {
			return err
		}
	}
	day := b.maker.Clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, b.want.Days)
	made, err := c.CreateToken(ctx, b.home, b.account.ID, setup.Grant{Name: tokenName(b.known.Nonce), Scopes: b.want.Scopes, ExpiresAt: day})
	if err == nil {
		b.token, b.held = made.Value, made
		return nil
	}
	if !rest.Is(err, issue.Doubtful) {
		return err
	}
	active, look := c.Tokens(ctx, b.home, b.account.ID)
	gone := lost(active, nil, b.known)
	for _, t := range gone {
		look = errors.Join(look, c.RevokeToken(ctx, b.home, b.account.ID, t.ID))
	}
	if look != nil || len(gone) == 0 || !again {
		return errors.Join(err, look)
	}
	b.note("GitLab made a token, and its answer with the value was lost: it was revoked, and another one made.")
	return b.createToken(ctx, c, false)
}

// connect connects with the new token. One that GitLab does not let cxm connect
// with is revoked, since nobody else has it.
func (b *bootstrapper) connect(ctx context.Context, c *setup.Client) error {
	done, err := b.maker.connector.ConnectGitLab(ctx, connecting.Connect{URL: b.base, Token: b.token, Project: fmt.Sprint(b.project.ID), Network: b.want.Network})
	if _, refused := errors.AsType[*issue.Trouble](err); refused {
		return errors.Join(err, c.RevokeToken(ctx, b.home, b.account.ID, b.held.ID))
	}
	if err != nil {
		return err
	}
	b.connected, b.out.Connected = done.Integration, &done
	return nil
}

// end notes that all is done.
func (b *bootstrapper) end(ctx context.Context) error {
	if b.known.Nonce == "" || !b.known.EndedAt.IsZero() {
		return nil
	}
	b.known.Integration, b.known.EndedAt = b.connected.ID, b.maker.Clock().UTC()
	return b.reviews.Save(ctx, b.known)
}
