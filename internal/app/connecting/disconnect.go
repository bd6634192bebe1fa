package connecting

import (
	"context"
	"fmt"

	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/token"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/store/connections"
)

// Leaving is what disconnecting an integration would do.
type Leaving struct {
	Integration integration.Integration
	Token       credential.Stored
	Open        int     // issues that stay open, and that nobody looks after any more
	Runs        int     // that are under way or wait, and end
	Webhooks    int     // that are deleted in GitLab
	Sharing     []int64 // integrations that use the same token
}

// Leaving says what disconnecting the integration would do. It asks nothing of
// GitLab.
func (c *Connector) Leaving(ctx context.Context, id int64) (Leaving, error) {
	in, err := c.Integration(ctx, id)
	if err != nil {
		return Leaving{}, err
	}
	l := Leaving{Integration: in}
	if l.Token, err = c.Tokens.InUse(ctx, in.ID); err != nil {
		return l, fmt.Errorf("reading the token of integration %d: %w", in.ID, err)
	}
	if l.Open, err = c.Store.CountOpen(ctx, in.ID); err != nil {
		return l, err
	}
	runs, err := c.Store.OpenRuns(ctx, in.ID)
	if err != nil {
		return l, err
	}
	hooks, err := c.Hooks.Hooks(ctx)
	if err != nil {
		return l, err
	}
	l.Runs = len(runs)
	for _, h := range hooks {
		if h.Integration == in.ID {
			l.Webhooks++
		}
	}
	l.Sharing, err = c.sharing(ctx, in, l.Token.ID)
	return l, err
}

// sharing lists the other integrations that act with the same token.
func (c *Connector) sharing(ctx context.Context, in integration.Integration, tokenID int64) ([]int64, error) {
	all, err := c.Store.Integrations(ctx)
	if err != nil || tokenID == 0 {
		return nil, err
	}
	var out []int64
	for _, other := range all {
		t, err := c.Tokens.InUse(ctx, other.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the token of integration %d: %w", other.ID, err)
		}
		if other.ID != in.ID && other.URL == in.URL && t.ID == tokenID {
			out = append(out, other.ID)
		}
	}
	return out, nil
}

// Disconnected is what disconnecting did.
type Disconnected struct {
	Integration integration.Integration
	Revoked     bool // GitLab revoked the token
	Steps       int64
	Runs        int64
	Remarks     []string // what could not be done, and how to do it; for people
}

// Disconnect forgets the token of an integration and ends what is planned for it.
// Issues stay as they are, and the journal is kept. With revoke GitLab is asked to
// revoke the token first; when that fails, nothing was done. Connecting the same
// project again goes on where this left off.
func (c *Connector) Disconnect(ctx context.Context, id int64, revoke bool) (Disconnected, error) {
	l, err := c.Leaving(ctx, id)
	if err != nil {
		return Disconnected{}, err
	}
	if revoke && len(l.Sharing) > 0 {
		return Disconnected{}, fmt.Errorf("the token cannot be revoked, since integration %d uses it too: disconnect that one first, or leave out --revoke-token", l.Sharing[0])
	}
	out := Disconnected{Integration: l.Integration, Revoked: revoke}
	if out.Remarks, err = c.unhook(ctx, l.Integration.ID); err != nil {
		return out, err
	}
	if revoke {
		if err := c.revoke(ctx, l.Integration, l.Token); err != nil {
			return out, fmt.Errorf("nothing was disconnected: %w", err)
		}
	}
	left, err := c.Connections().Disconnect(ctx, l.Integration.ID, c.Clock().UTC())
	if err != nil {
		return out, err
	}
	out.Steps, out.Runs = left.Steps, left.Runs
	c.Forget(l.Integration.ID)
	return out, nil
}

// unhook deletes the integration's webhooks while there is a token to do it with.
// One that GitLab keeps is forgotten all the same: what it delivers is refused.
func (c *Connector) unhook(ctx context.Context, id int64) (remarks []string, err error) {
	all, err := c.Hooks.Hooks(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if h.Integration != id {
			continue
		}
		if err := c.hooks.RemoveWebhook(ctx, h.ID); err != nil {
			remarks = append(remarks, fmt.Sprintf("the webhook of %s could not be deleted in GitLab, delete it there under Settings > Webhooks: %v", h.Target, err))
			if err := c.Hooks.Delete(ctx, h.ID); err != nil {
				return remarks, err
			}
		}
	}
	return remarks, nil
}

// revoke has GitLab forget a token, and makes sure when the answer is lost.
func (c *Connector) revoke(ctx context.Context, in integration.Integration, t credential.Stored) error {
	if t.OAuth() {
		g, client, err := c.GrantOf(in, t)
		if err != nil {
			return err
		}
		return client.Revoke(ctx, g)
	}
	value, err := c.Sealer.Open(c.Tenant, in.ID, t.Sealed)
	if err != nil {
		return fmt.Errorf("opening the token of integration %d: %w", in.ID, err)
	}
	client, err := c.Rest(in.URL, in.Account.ID, false, func(o *rest.Options) { o.Token = value.Reveal })
	if err != nil {
		return err
	}
	err = token.Revoke(ctx, client)
	if !rest.Is(err, issue.Doubtful) {
		return err
	}
	if _, look := token.Self(ctx, client); rest.Is(look, issue.Unauthorized) {
		return nil
	}
	return err
}

// Gone is an integration that was disconnected.
type Gone = connections.Gone

// Gone lists the integrations that were disconnected, the last one first.
func (c *Connector) Gone(ctx context.Context) ([]Gone, error) { return c.Connections().Gone(ctx) }
