package desk

import (
	"context"
	"errors"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// FirstStart makes the link by which the first admin is made, unless somebody looks
// after the installation, or a link is open, which another process, or an earlier
// start, told of. ok is false then, and open says which.
func (d *Desk) FirstStart(ctx context.Context) (value credential.Secret, ok, open bool, err error) {
	admins, open, err := d.Store.Standing(ctx, d.Clock())
	if err != nil || admins > 0 || open {
		return value, false, open && admins == 0, err
	}
	value, ok, err = d.setupLink(ctx, "first start", false)
	return value, ok, !ok, err
}

// SetupLink makes a link to set up, in the place of one that is open. The error is
// signin.ErrSetUp when somebody looks after the installation, unless again says that
// nobody of them can be reached. Only an operator may.
func (d *Desk) SetupLink(ctx context.Context, by signin.Who, again bool) (credential.Secret, error) {
	if by.Person.ID != 0 || by.Token.ID != 0 || !by.Known() {
		return credential.Secret{}, signin.Refused("a link to set up is made where cxm runs: `cxm setup-link`")
	}
	admins, _, err := d.Store.Standing(ctx, d.Clock())
	if err != nil {
		return credential.Secret{}, err
	}
	if admins > 0 && !again {
		return credential.Secret{}, signin.ErrSetUp
	}
	value, made, err := d.setupLink(ctx, by.Label(), true)
	if err == nil && !made {
		err = errors.New("another link to set up was made at this moment: run the same again")
	}
	return value, err
}

func (d *Desk) setupLink(ctx context.Context, by string, again bool) (credential.Secret, bool, error) {
	value := signin.Mint(signin.ValueLink)
	now := d.Clock()
	made, err := d.Store.AddLink(ctx, signin.Link{
		Kind: signin.LinkSetup, MadeBy: by, MadeAt: now, EndsAt: now.Add(signin.LinkSetup.Lasts()),
	}, signin.Digest(value), again)
	if err != nil || !made {
		return credential.Secret{}, false, err
	}
	d.tell(ctx, signin.Event{Action: signin.SetupLinkMade, By: by})
	return value, true, nil
}

// ResetLink makes a link by which a person chooses a password, in the place of those
// before.
func (d *Desk) ResetLink(ctx context.Context, by signin.Who, id int64) (credential.Secret, signin.Link, error) {
	p, err := d.managed(ctx, by, id)
	if err != nil {
		return credential.Secret{}, signin.Link{}, err
	}
	switch {
	case !p.DisabledAt.IsZero():
		return credential.Secret{}, signin.Link{}, signin.Refused(p.Label() + " is disabled: let them in again first (`cxm people enable`)")
	case p.Email == "":
		return credential.Secret{}, signin.Link{}, signin.Refused(p.Label() + " has no address to sign in with: they come by their provider")
	}
	now := d.Clock()
	value := signin.Mint(signin.ValueLink)
	l := signin.Link{Kind: signin.LinkReset, Person: id, MadeBy: by.Label(), MadeAt: now, EndsAt: now.Add(signin.LinkReset.Lasts())}
	if _, err := d.Store.AddLink(ctx, l, signin.Digest(value), false); err != nil {
		return credential.Secret{}, l, err
	}
	d.told(ctx, by, signin.ResetLinkMade, p, "", "")
	return value, l, nil
}

// Link is what a link is for, and whose password it is about, without spending it.
// The error is signin.ErrLink, with the reason and the next step.
func (d *Desk) Link(ctx context.Context, kind signin.LinkKind, value credential.Secret) (signin.Link, signin.Person, error) {
	if k, err := signin.Read(value); err != nil || k != signin.ValueLink {
		return signin.Link{}, signin.Person{}, signin.Link{}.Trouble(kind, d.Clock())
	}
	l, err := d.Store.Link(ctx, signin.Digest(value))
	if errors.Is(err, signin.ErrLink) {
		return l, signin.Person{}, signin.Link{}.Trouble(kind, d.Clock())
	}
	if err == nil {
		err = l.Trouble(kind, d.Clock())
	}
	if err != nil || l.Person == 0 {
		return l, signin.Person{}, err
	}
	p, err := d.Store.Person(ctx, l.Person)
	return l, p, err
}

// SetUp spends a link to set up: whoever opens it says who they are, and is an admin
// of the installation and of its first tenant.
func (d *Desk) SetUp(ctx context.Context, value credential.Secret, email, name string, secret credential.Secret, from From) (Opened, error) {
	l, _, err := d.Link(ctx, signin.LinkSetup, value)
	if err != nil {
		return Opened{}, err
	}
	p := signin.Person{}
	if p.Email, err = signin.CleanEmail(email); err != nil {
		return Opened{}, err
	}
	if p.Name, err = signin.CleanName(name); err != nil {
		return Opened{}, err
	}
	if p.Password, err = d.hash(ctx, secret, p); err != nil {
		return Opened{}, err
	}
	if p, err = d.Store.SetUp(ctx, l, p, d.Tenant, d.Clock()); err != nil {
		return Opened{}, err
	}
	d.tell(ctx, signin.Event{
		Action: signin.SetUp, By: p.Label(), Person: p.ID, Label: p.Label(), Tenant: d.Tenant, Address: from.Address,
		Why: "as " + string(role.Admin) + ", with a link made by " + l.MadeBy,
	})
	return d.open(ctx, p, signin.MethodLink, from)
}

// Reset spends a link and gives its person the password they chose. It does not let
// them in: they sign in with it.
func (d *Desk) Reset(ctx context.Context, value, secret credential.Secret, from From) (signin.Person, error) {
	l, p, err := d.Link(ctx, signin.LinkReset, value)
	if err != nil {
		return p, err
	}
	hash, err := d.hash(ctx, secret, p)
	if err != nil {
		return p, err
	}
	if err := d.Store.Reset(ctx, l, hash, d.Clock()); err != nil {
		return p, err
	}
	d.tell(ctx, signin.Event{
		Action: signin.PasswordChanged, By: p.Label(), Person: p.ID, Label: p.Label(), Address: from.Address, Why: "with a link made by " + l.MadeBy,
	})
	return p, nil
}
