package connecting

import (
	"context"
	"errors"
	"fmt"

	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/places"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
)

// Detail is what there is to know of an integration.
type Detail struct {
	Integration integration.Integration
	Network     integration.Network
	Issues      integration.Defaults
	Token       credential.Stored // sealed
	Open        int               // issues
}

// Details lists the integrations, the oldest first.
func (c *Connector) Details(ctx context.Context) ([]Detail, error) {
	all, err := c.Store.Integrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the integrations: %w", err)
	}
	var out []Detail
	for _, in := range all {
		d, err := c.detail(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Detail is what there is to know of one; 0: of the only one there is.
func (c *Connector) Detail(ctx context.Context, id int64) (Detail, error) {
	in, err := c.Integration(ctx, id)
	if err != nil {
		return Detail{}, err
	}
	return c.detail(ctx, in)
}

func (c *Connector) detail(ctx context.Context, in integration.Integration) (d Detail, err error) {
	d.Integration = in
	if d.Network, err = c.Connections().Network(ctx, in.URL); err != nil {
		return d, err
	}
	if d.Issues, err = c.Connections().Defaults(ctx, in.ID); err != nil {
		return d, err
	}
	if d.Token, err = c.Tokens.InUse(ctx, in.ID); err != nil {
		return d, fmt.Errorf("reading the token of integration %d: %w", in.ID, err)
	}
	d.Open, err = c.Store.CountOpen(ctx, in.ID)
	return d, err
}

// Edit is what is to change of an integration. What is empty or nil stays.
type Edit struct {
	URL      string  // the same instance at a new address
	CA       *string // text of a PEM file; empty: no more than the system's certificates
	Proxy    *string // as people type it; empty: the environment's
	Project  string  // path with namespace, or numeric id
	OnChange string  // what happens to issues when the project changes: see SetProject
	Issues   *Given
}

func (e Edit) nothing() bool {
	return e.URL == "" && e.CA == nil && e.Proxy == nil && e.Project == "" && e.OnChange == "" && e.Issues == nil
}

// Edited is what an edit changed.
type Edited struct {
	Detail
	Changed []string // in words for people; empty: everything was so already
	Remarks []string
}

// EditIntegration changes an integration. Each change is verified with GitLab
// before it is kept; when one fails those before it are kept, and are in Edited.
func (c *Connector) EditIntegration(ctx context.Context, id int64, e Edit) (out Edited, err error) {
	if e.nothing() {
		return out, errors.New("there is nothing to change: give --url, --ca-file, --proxy, --project, --on-route-change, --label, --assignee or --confidential")
	}
	in, err := c.Integration(ctx, id)
	if err != nil {
		return out, err
	}
	for _, change := range []func(context.Context, integration.Integration, Edit, *Edited) error{c.editWay, c.editProject, c.editIssues} {
		if err = change(ctx, in, e, &out); err != nil {
			break
		}
	}
	detail, read := c.Detail(ctx, in.ID)
	out.Detail = detail
	return out, errors.Join(err, read)
}

// editWay changes where the instance is and how it is reached, once the account
// that is known is found there.
func (c *Connector) editWay(ctx context.Context, in integration.Integration, e Edit, out *Edited) error {
	base, n, err := c.newWay(ctx, in, e)
	if err != nil {
		return err
	}
	before, err := c.Connections().Network(ctx, base)
	if err != nil || base == in.URL && n == before {
		return err
	}
	moved, err := c.foundAgain(ctx, in, base, n)
	if err != nil {
		return fmt.Errorf("nothing was changed about how integration %d is reached: %w", in.ID, err)
	}
	if err := c.Connections().Reach(ctx, base, n); err != nil {
		return err
	}
	if err := c.Store.UpdateIntegration(ctx, moved, nil, credential.Token{}); err != nil {
		return err
	}
	if base != in.URL {
		out.Changed = append(out.Changed, fmt.Sprintf("the instance is at %s, where it was at %s", base, in.URL))
	}
	if n.CA != before.CA {
		out.Changed = append(out.Changed, "other certificates are trusted")
	}
	if n.Proxy != before.Proxy {
		out.Changed = append(out.Changed, "it is reached through another proxy")
	}
	return nil
}

// newWay is where and how the instance is to be reached.
func (c *Connector) newWay(ctx context.Context, in integration.Integration, e Edit) (base string, n integration.Network, err error) {
	base = in.URL
	if e.URL != "" {
		if base, err = integration.ParseURL(e.URL); err != nil {
			return base, n, err
		}
	}
	if n, err = c.Connections().Network(ctx, in.URL); err != nil {
		return base, n, err
	}
	var given integration.Network
	if e.CA != nil {
		given.CA, n.CA = *e.CA, ""
	}
	if e.Proxy != nil {
		given.Proxy, n.Proxy = *e.Proxy, ""
	}
	given, err = c.Network(given)
	return base, core.Over(given, n), err
}

// foundAgain makes sure that an address is that of the instance which cxm knows:
// the token belongs to the same account there, and the project is the same.
func (c *Connector) foundAgain(ctx context.Context, in integration.Integration, base string, n integration.Network) (integration.Integration, error) {
	sent, err := c.Sent(ctx, in)
	if err != nil {
		return in, err
	}
	travel, err := c.TravelBy(base, n)
	if err != nil {
		return in, err
	}
	sender, err := c.Rest(base, 0, true, func(o *rest.Options) { o.Token, o.Transport = sent, travel })
	if err != nil {
		return in, err
	}
	client := gitlab.New(sender)
	who, err := client.Identify(ctx)
	if err != nil {
		return in, err
	}
	if who.Account.ID != in.Account.ID {
		return in, fmt.Errorf("%s is another GitLab: the token belongs to account %d (%s) there, and to %d (%s) here. Connect it with `cxm connect gitlab` instead",
			base, who.Account.ID, who.Account.Username, in.Account.ID, in.Account.Username)
	}
	found, err := client.Project(ctx, fmt.Sprint(in.Project.ID))
	if err != nil {
		return in, err
	}
	in.URL, in.Account, in.Version, in.Project, in.VerifiedAt = base, who.Account, who.Version, found, c.Clock().UTC()
	return in, nil
}

func (c *Connector) editProject(ctx context.Context, in integration.Integration, e Edit, out *Edited) error {
	if e.Project == "" && e.OnChange == "" {
		return nil
	}
	now, err := c.SetProject(ctx, in.ID, e.Project, e.OnChange)
	if err != nil {
		return err
	}
	if now.Project.ID != in.Project.ID {
		out.Changed = append(out.Changed, fmt.Sprintf("issues go to %s, where they went to %s; `cxm plan` shows what happens to those that are there", now.Project.Path, in.Project.Path))
	}
	if now.OnRoute != in.OnRoute {
		out.Changed = append(out.Changed, "when the project changes, its issues: "+now.OnRoute)
	}
	return nil
}

func (c *Connector) editIssues(ctx context.Context, in integration.Integration, e Edit, out *Edited) error {
	if e.Issues == nil {
		return nil
	}
	in, err := c.Integration(ctx, in.ID) // the project may be another by now
	if err != nil {
		return err
	}
	client, err := c.Open(ctx, in, true)
	if err != nil {
		return err
	}
	d, remarks, err := defaults(ctx, places.New(client.Client), in.Project, *e.Issues)
	if err != nil {
		return err
	}
	out.Remarks = append(out.Remarks, remarks...)
	out.Changed = append(out.Changed, "what new issues are given")
	if err := c.Connections().Connect(ctx, in.ID, d); err != nil {
		return err
	}
	in.VerifiedAt = c.Clock().UTC() // has every process make its engine anew
	return c.Store.UpdateIntegration(ctx, in, nil, credential.Token{})
}
