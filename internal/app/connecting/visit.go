package connecting

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cxm/internal/app/core"
	"cxm/internal/app/tokencare"
	"cxm/internal/credential"
	"cxm/internal/gitlab"
	"cxm/internal/gitlab/dial"
	"cxm/internal/gitlab/places"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/store/connections"
)

// Names of what a GitLab has to choose from.
type (
	// Namespace is a group, or an account's own place.
	Namespace = places.Namespace
	// Place is a project with what speaks against it.
	Place = places.Project
	// Pages is a list that is fetched as needed.
	Pages[T any] = places.Pages[T]
)

// Visit is an instance that a token opened. Nothing of it is stored yet.
type Visit struct {
	URL     string // as it is kept
	Account integration.Account
	Version string           // of the instance; empty: it does not say
	Token   credential.Token // without its value

	by     *Connector
	asked  Connect
	way    integration.Network
	client *gitlab.Client
	places *places.Client
}

// Visit asks an instance who the token belongs to and what it may do.
func (c *Connector) Visit(ctx context.Context, want Connect) (*Visit, error) {
	base, err := integration.ParseURL(want.URL)
	if err != nil {
		return nil, err
	}
	v := &Visit{URL: base, by: c, asked: want}
	sender, err := c.stranger(ctx, v)
	if err != nil {
		return nil, err
	}
	v.client, v.places = gitlab.New(sender), places.New(sender)
	who, err := v.client.Identify(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", base, err)
	}
	v.Account, v.Version, v.Token = who.Account, who.Version, tokencare.Described(who.Token)
	if g, ok := credential.GrantOf(want.Token); ok {
		v.Token = g.Token()
		v.Token.Value = credential.Secret{}
	}
	return v, nil
}

// stranger makes what sends to an instance that may not be stored yet.
func (c *Connector) stranger(ctx context.Context, v *Visit) (*rest.Client, error) {
	given, err := c.Network(v.asked.Network)
	if err != nil {
		return nil, err
	}
	before, err := c.Connections().Network(ctx, v.URL)
	if err != nil {
		return nil, err
	}
	v.way = core.Over(given, before)
	travel, err := c.TravelBy(v.URL, v.way)
	if err != nil {
		return nil, err
	}
	return c.Rest(v.URL, 0, false, func(o *rest.Options) { o.Token, o.Transport = v.asked.Token.Bearer, travel })
}

// Namespaces lists where the account is a member; what is searched for is in
// their name or path.
func (v *Visit) Namespaces(search string) *Pages[Namespace] { return v.places.Namespaces(search) }

// Projects lists the account's projects below a namespace, or for "" all; what is
// searched for is in their name or path.
func (v *Visit) Projects(within, search string) *Pages[Place] {
	return v.places.Projects(within, search)
}

// Connect verifies the project and stores the connection, the token sealed.
func (v *Visit) Connect(ctx context.Context, project string) (Connected, error) {
	c := v.by
	found, err := v.client.Project(ctx, project)
	if err != nil {
		return Connected{}, fmt.Errorf("connecting to %s: %w", v.URL, err)
	}
	now := c.Clock().UTC()
	in := integration.Integration{
		Provider: integration.GitLab, URL: v.URL, Version: v.Version, Account: v.Account,
		Project: found, CreatedAt: now, VerifiedAt: now,
	}
	given, remarks, err := v.given(ctx, found)
	if err != nil {
		return Connected{}, err
	}
	if err := c.reach(ctx, v.URL, v.way); err != nil {
		return Connected{}, err
	}
	if in.ID, in.CreatedAt, err = v.known(ctx, in); err != nil {
		return Connected{}, err
	}
	if in, err = c.keep(ctx, in, v.asked.Token, v.Token); err != nil {
		return Connected{}, err
	}
	if err := c.Connections().Connect(ctx, in.ID, given); err != nil {
		return Connected{}, err
	}
	return Connected{
		Integration: in, Token: v.Token, Issues: given, Private: v.by.private(ctx, v.URL, v.way),
		Warnings: append(warnings(in, v.Token), remarks...),
	}, nil
}

// known is the integration that had this project before, connected or not, also
// when the instance was at another address: cxm's markers in its issues tell. 0:
// there was none.
func (v *Visit) known(ctx context.Context, in integration.Integration) (id int64, since time.Time, err error) {
	there, err := v.by.Connections().Here(ctx, in.URL, in.Project.ID)
	if err != nil || there.ID != 0 {
		return there.ID, there.CreatedAt, err
	}
	others, err := v.by.Connections().Same(ctx, in.Project.ID)
	if err != nil {
		return 0, in.CreatedAt, err
	}
	for _, other := range others {
		switch found, err := v.recognised(ctx, in.Project.ID, other.Traces); {
		case err != nil:
			return 0, in.CreatedAt, fmt.Errorf("looking for issues of integration %d in %s: %w", other.ID, in.Project.Path, err)
		case found && !other.Gone:
			return 0, in.CreatedAt, fmt.Errorf("this GitLab is connected already, at %s: if that is its old address, run `cxm integration edit --integration %d --url %s`", other.URL, other.ID, in.URL)
		case found:
			return other.ID, other.CreatedAt, nil
		}
	}
	return 0, in.CreatedAt, nil
}

// recognised says that one of the issues is there with cxm's marker in it.
func (v *Visit) recognised(ctx context.Context, project int64, traces []connections.Trace) (bool, error) {
	for _, t := range traces {
		o, err := v.client.One(ctx, project, t.IID)
		if rest.Is(err, issue.NotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		for _, b := range issue.Blocks(o.Description) {
			if b.Marker.Nonce == t.Nonce {
				return true, nil
			}
		}
	}
	return false, nil
}

// reach keeps how an instance is reached, unless there is nothing to keep.
func (c *Connector) reach(ctx context.Context, base string, n integration.Network) error {
	if before, err := c.Connections().Network(ctx, base); err != nil || before == n {
		return err
	}
	return c.Connections().Reach(ctx, base, n)
}

// given is what issues in the project are given when they are made, with what is
// to be said about it.
func (v *Visit) given(ctx context.Context, p integration.Project) (integration.Defaults, []string, error) {
	if v.asked.Issues == nil {
		there, err := v.by.Connections().Here(ctx, v.URL, p.ID)
		if err != nil || there.ID == 0 {
			return integration.Defaults{}, nil, err
		}
		d, err := v.by.Connections().Defaults(ctx, there.ID)
		return d, nil, err
	}
	return defaults(ctx, v.places, p, *v.asked.Issues)
}

// defaults finds out whether the project can give its issues what is wanted.
func defaults(ctx context.Context, c *places.Client, p integration.Project, g Given) (d integration.Defaults, remarks []string, err error) {
	d.Confidential = g.Confidential
	for _, label := range g.Labels {
		label = strings.TrimSpace(label)
		if label == "" || strings.Contains(label, ",") || len([]rune(label)) > 255 {
			return d, nil, fmt.Errorf("the label %.80q is empty, holds a comma or is longer than 255 characters: GitLab knows no such label (give --label once for each)", label)
		}
		d.Labels = append(d.Labels, label)
	}
	missing, err := c.Missing(ctx, p.ID, d.Labels)
	if err != nil {
		return d, nil, err
	}
	for _, label := range missing {
		remarks = append(remarks, fmt.Sprintf("%s has no label %q: GitLab makes it with the first issue", p.Path, label))
	}
	if g.Assignee != "" {
		d.Assignee = strings.TrimPrefix(strings.TrimSpace(g.Assignee), "@")
		d.AssigneeID, err = c.Assignee(ctx, p.ID, d.Assignee)
	}
	return d, remarks, err
}

// private is the host of an instance that a server reaches only when it is
// allowed; empty: it may anyway, or nobody can tell.
func (c *Connector) private(ctx context.Context, base string, n integration.Network) string {
	u, err := url.Parse(base)
	if err != nil || c.Transport != nil {
		return ""
	}
	if dial.Barred(ctx, dial.Options{URL: base, Proxy: n.Proxy, Reach: dial.Reach{Public: true, Allow: c.Reach.Allow}}) {
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			return addr.String()
		}
		return u.Hostname()
	}
	return ""
}

// NamespacesOf lists where the account of an integration is a member, as those of a
// Visit.
func (c *Connector) NamespacesOf(ctx context.Context, id int64, search string) (*Pages[Namespace], error) {
	p, err := c.placesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.Namespaces(search), nil
}

// ProjectsOf lists the projects of the account of an integration, as those of a Visit.
func (c *Connector) ProjectsOf(ctx context.Context, id int64, within, search string) (*Pages[Place], error) {
	p, err := c.placesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.Projects(within, search), nil
}

func (c *Connector) placesOf(ctx context.Context, id int64) (*places.Client, error) {
	in, err := c.Integration(ctx, id)
	if err != nil {
		return nil, err
	}
	client, err := c.Open(ctx, in, true)
	if err != nil {
		return nil, err
	}
	return places.New(client.Client), nil
}
