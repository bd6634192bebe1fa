package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/setup"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/issue"
	"cxm/internal/store"
	"cxm/internal/store/reviews"
)

// look finds out what there is, with a client that refuses every write.
func (b *bootstrapper) look(ctx context.Context) error {
	var err error
	if b.base, err = integration.ParseURL(b.want.URL); err != nil {
		return err
	}
	c, err := b.client(ctx, true)
	if err != nil {
		return err
	}
	for _, f := range []func(context.Context, *setup.Client) error{b.lookAtOwner, b.lookAtPlaces, b.mayOwner, b.lookAtAccount, b.lookAtTokens} {
		if err := f(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// lookAtOwner finds out whom the token belongs to.
func (b *bootstrapper) lookAtOwner(ctx context.Context, c *setup.Client) error {
	who, err := gitlab.New(c.Client).Identify(ctx)
	if err == nil {
		b.owner, err = c.Self(ctx)
	}
	if err != nil {
		return ownerTrouble(err)
	}
	if t := who.Token; t != nil && !slices.Contains(t.Scopes, "api") {
		return told("looking at the Owner's token", "it lacks the scope api", "Make one that has it at "+b.base+"/-/user_settings/personal_access_tokens")
	}
	b.out.Plan = Plan{URL: b.base, Version: who.Version, As: b.owner.Username, Username: b.want.Username}
	return nil
}

// ownerTrouble is a trouble of the Owner's token, not of one of cxm's own.
func ownerTrouble(err error) error {
	var t *issue.Trouble
	if !errors.As(err, &t) || t.Kind != issue.Unauthorized {
		return err
	}
	better := *t
	better.Mend = "Give the token of an Owner (or for a project a Maintainer, for an instance an administrator) that works, with the scope api"
	return &better
}

// told is a trouble that cxm finds before GitLab has to.
func told(doing, said, mend string) error {
	return &issue.Trouble{Kind: issue.Forbidden, Doing: doing, Said: said, Mend: mend}
}

// lookAtPlaces finds the account's home and the places it joins.
func (b *bootstrapper) lookAtPlaces(ctx context.Context, c *setup.Client) error {
	for _, path := range b.want.Add {
		p, err := c.FindAny(ctx, path)
		if err != nil {
			return err
		}
		if b.places = append(b.places, p); p.Level == setup.Project && b.project.ID == 0 && b.want.Project == "" {
			b.project = p
		}
	}
	if b.want.Project != "" {
		p, err := c.Find(ctx, setup.Project, b.want.Project)
		if err != nil {
			return err
		}
		b.project = p
	}
	if b.project.ID == 0 {
		return errors.New("say in which project issues are created: --project group/project")
	}
	if !slices.ContainsFunc(b.places, b.holdsProject) {
		b.places = append(b.places, b.project)
	}
	return b.lookAtHome(ctx, c)
}

// holdsProject says that who is a member of the place is one of the project.
func (b *bootstrapper) holdsProject(p setup.Place) bool {
	return p.Level == setup.Project && p.ID == b.project.ID || p.Level == setup.Group && strings.HasPrefix(b.project.Path, p.Path+"/")
}

func (b *bootstrapper) lookAtHome(ctx context.Context, c *setup.Client) (err error) {
	b.home.Level = setup.Level(b.want.Level)
	switch b.home.Level {
	case setup.Project:
		b.home.Place = b.project
	case setup.Group:
		if b.home.Place, err = c.Find(ctx, setup.Group, b.want.Group); err != nil {
			return err
		}
	}
	if why := setup.Unsupported(b.out.Plan.Version, b.home); why != "" {
		return &issue.Trouble{Kind: issue.Invalid, Doing: "looking for service accounts in " + b.home.Named(), Mend: why, Err: setup.ErrNoServiceAccounts}
	}
	return nil
}

// mayOwner checks that the owner of the token may do all that is planned, before
// any of it is done.
func (b *bootstrapper) mayOwner(ctx context.Context, c *setup.Client) error {
	if b.owner.Admin {
		return nil
	}
	if b.home.Level == setup.Instance {
		return told("looking at the Owner's token", b.owner.Username+" is not an administrator",
			"Service accounts of the instance are made by administrators: use the token of one, or --level group with the token of an Owner of the group")
	}
	for _, p := range slices.Concat([]setup.Place{b.home.Place}, b.places) {
		roles, err := c.Roles(ctx, p, b.owner.ID)
		if err != nil {
			return err
		}
		least := access.Maintainer
		if p.Level == setup.Group {
			least = access.Owner
		}
		if least = max(least, b.want.Role); roles.Any < least {
			has := "is no member"
			if roles.Any != access.Unknown {
				has = "is " + roles.Any.String()
			}
			return told("looking at the role of "+b.owner.Username+" in "+p.Named(), b.owner.Username+" "+has+" there",
				fmt.Sprintf("It takes the role %s: use the token of somebody who has it there", least))
		}
	}
	return nil
}

// lookAtAccount finds the service account by its user name, and its roles.
func (b *bootstrapper) lookAtAccount(ctx context.Context, c *setup.Client) (err error) {
	if b.known, err = b.reviews.Bootstrap(ctx, b.base, b.want.Username); err != nil {
		return err
	}
	if b.account, b.others, err = c.Account(ctx, b.home, b.want.Username); err != nil {
		return err
	}
	if b.account == nil {
		return b.nameIsFree(ctx, c)
	}
	b.ours = b.known.Account == b.account.ID || b.known.Nonce != "" && b.known.Account == 0
	b.roles = make([]setup.Roles, len(b.places))
	for i, p := range b.places {
		if b.roles[i], err = c.Roles(ctx, p, b.account.ID); err != nil {
			return err
		}
	}
	return nil
}

func (b *bootstrapper) nameIsFree(ctx context.Context, c *setup.Client) error {
	u, err := c.Username(ctx, b.want.Username)
	if err != nil || u == nil {
		return err
	}
	doing := fmt.Sprintf("looking for the service account %s in %s", b.want.Username, b.home.Named())
	if b.known.Account == u.ID {
		return told(doing, "cxm made an account of that name, in another place", "Give --level, --group or --project as they were then, or another --username")
	}
	what := "a person"
	if u.Bot {
		what = "a bot or service account of another place"
	}
	return told(doing, fmt.Sprintf("the user name belongs to %s (%s)", what, b.base+"/"+u.Username), "Choose another user name with --username, or give the --level and --group in which that account was made")
}

// lookAtTokens tells the tokens that cxm holds from those that were lost.
func (b *bootstrapper) lookAtTokens(ctx context.Context, c *setup.Client) error {
	all, err := b.maker.Store.Integrations(ctx)
	if err != nil {
		return fmt.Errorf("reading the integrations: %w", err)
	}
	var active []setup.Token
	if b.account != nil {
		if active, err = c.Tokens(ctx, b.home, b.account.ID); err != nil {
			return err
		}
	}
	var held []int64
	for _, in := range all {
		if in.URL != b.base {
			continue
		}
		_, _, token, err := b.maker.Store.Integration(ctx, in.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) { // one that was disconnected has no token
			return fmt.Errorf("reading integration %d: %w", in.ID, err)
		}
		held = append(held, token.ID)
		if in.Project.ID != b.project.ID {
			continue
		}
		b.connected = in
		if at := slices.IndexFunc(active, func(t setup.Token) bool { return t.ID == token.ID }); at >= 0 {
			b.held = active[at]
		}
	}
	b.lost = lost(active, held, b.known)
	return nil
}

// tokenName is the name of the token that an attempt makes.
func tokenName(nonce string) string { return "cxm integration (" + nonce + ")" }

// lost lists the tokens that an attempt made which did not come to its end, as
// long as no integration holds one of them: from then on a token of that name may
// also be one that another process is rotating right now.
func lost(active []setup.Token, held []int64, known reviews.Bootstrap) []setup.Token {
	if known.Nonce == "" || !known.EndedAt.IsZero() {
		return nil
	}
	var out []setup.Token
	for _, t := range active {
		switch {
		case t.Name != tokenName(known.Nonce):
		case slices.Contains(held, t.ID):
			return nil
		default:
			out = append(out, t)
		}
	}
	return out
}
