package desk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/password"
	"cxm/internal/signin/role"
)

// Newcomer is somebody who is to come.
type Newcomer struct {
	Email  string
	Name   string // optional: the address
	Tenant string
	Role   role.Role
}

// Add gives somebody a role in a tenant, adding them where they are new. They have no
// password yet: ResetLink lets them choose one. added is false for somebody who was
// there.
func (d *Desk) Add(ctx context.Context, by signin.Who, n Newcomer) (p signin.Person, added bool, err error) {
	if n.Email, err = signin.CleanEmail(n.Email); err != nil {
		return p, false, err
	}
	if n.Name == "" {
		n.Name = n.Email
	}
	if n.Name, err = signin.CleanName(n.Name); err != nil {
		return p, false, err
	}
	if err := by.MayAdd(n.Tenant, n.Role); err != nil {
		return p, false, err
	}
	p, err = d.Store.Add(ctx, signin.Person{
		Email: n.Email, Name: n.Name, CreatedAt: d.Clock(), Grants: []signin.Grant{{Tenant: n.Tenant, Role: n.Role}},
	})
	if errors.Is(err, signin.ErrTaken) {
		if p, err = d.Store.ByEmail(ctx, n.Email); err != nil {
			return p, false, err
		}
		p, err = d.SetRole(ctx, by, p.ID, n.Tenant, n.Role)
		return p, false, err
	}
	if err != nil {
		return p, false, err
	}
	d.told(ctx, by, signin.PersonAdded, p, n.Tenant, "as "+string(n.Role))
	return p, true, nil
}

// told tells of a change to a person.
func (d *Desk) told(ctx context.Context, by signin.Who, action string, p signin.Person, tenant, why string) {
	d.tell(ctx, signin.Event{Action: action, By: by.Label(), Person: p.ID, Label: p.Label(), Tenant: tenant, Why: why})
}

// Find is the person whom people name by address or number. The error is
// signin.ErrNobody.
func (d *Desk) Find(ctx context.Context, text string) (signin.Person, error) {
	text = strings.TrimSpace(text)
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		return d.Store.Person(ctx, id)
	}
	p, err := d.Store.ByEmail(ctx, text)
	if errors.Is(err, signin.ErrNobody) {
		return p, fmt.Errorf("%.80q: %w", text, signin.ErrNobody)
	}
	return p, err
}

// List lists the people of a tenant in the order of their IDs, from the one behind
// after; with an empty tenant those of the installation.
func (d *Desk) List(ctx context.Context, by signin.Who, tenant string, after int64, most int) ([]signin.Person, error) {
	asked := role.PeopleWrite
	if tenant == "" {
		asked = role.InstallationWrite
	}
	if ok, why := by.May(tenant, asked); !ok {
		return nil, signin.Refused(why)
	}
	return d.Store.List(ctx, tenant, after, most)
}

// SetRole gives a person a role in a tenant, or takes theirs away when it is empty.
// What a provider's groups give stays as they say. The error is signin.ErrLastAdmin
// when the tenant would have no admin any more.
func (d *Desk) SetRole(ctx context.Context, by signin.Who, id int64, tenant string, r role.Role) (signin.Person, error) {
	if err := by.MayAdd(tenant, r); err != nil {
		return signin.Person{}, err
	}
	if err := d.Store.SetRole(ctx, id, tenant, r, d.Clock()); err != nil {
		return signin.Person{}, err
	}
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return p, err
	}
	why := "to " + string(r)
	if r == "" {
		why = "to none"
	}
	d.told(ctx, by, signin.RoleChanged, p, tenant, why)
	return p, nil
}

// SetInstallation says whether a person looks after the installation. The error is
// signin.ErrLastAdmin when nobody would.
func (d *Desk) SetInstallation(ctx context.Context, by signin.Who, id int64, yes bool) (signin.Person, error) {
	if ok, why := by.May("", role.InstallationWrite); !ok {
		return signin.Person{}, signin.Refused(why)
	}
	if err := d.Store.SetInstallation(ctx, id, yes); err != nil {
		return signin.Person{}, err
	}
	p, err := d.Store.Person(ctx, id)
	if err == nil {
		d.told(ctx, by, signin.RoleChanged, p, "", fmt.Sprintf("looks after the installation: %t", yes))
	}
	return p, err
}

// Disable keeps a person out, or lets them in again. The error is
// signin.ErrLastAdmin when nobody would look after the installation, or a tenant would
// have no admin any more.
func (d *Desk) Disable(ctx context.Context, by signin.Who, id int64, yes bool) (signin.Person, error) {
	p, err := d.managed(ctx, by, id)
	if err != nil {
		return p, err
	}
	action, since := signin.PersonEnabled, time.Time{}
	if yes {
		action, since = signin.PersonDisabled, d.Clock()
	}
	if err := d.Store.Disable(ctx, id, since); err != nil {
		return p, err
	}
	p.DisabledAt = since
	d.told(ctx, by, action, p, "", "")
	return p, nil
}

// managed is a person whom by looks after in all tenants.
func (d *Desk) managed(ctx context.Context, by signin.Who, id int64) (signin.Person, error) {
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return p, err
	}
	return p, by.MayManage(p)
}

// Rename gives the person who is signed in another name. Who has no password is named
// by the provider that lets them in.
func (d *Desk) Rename(ctx context.Context, by signin.Who, name string) error {
	p := by.Person
	if p.ID == 0 || by.Session.ID == 0 {
		return signin.Refused("a name is changed by whose it is: sign in first")
	}
	if p.Password.Empty() {
		return signin.Refused("your name is as your provider says: change it there, and sign in again")
	}
	name, err := signin.CleanName(name)
	if err != nil || name == p.Name {
		return err
	}
	if err := d.Store.Rename(ctx, p.ID, name); err != nil {
		return err
	}
	was := p.Name
	p.Name = name
	d.told(ctx, by, signin.PersonChanged, p, "", "the name, which was "+was)
	return nil
}

// ChangePassword gives the person who is signed in another password, which ends all
// their sessions, this one too. The error is signin.ErrWrong when the old one is not
// theirs; attempts are counted as those to sign in are.
func (d *Desk) ChangePassword(ctx context.Context, by signin.Who, was, is credential.Secret) error {
	p := by.Person
	if p.ID == 0 || by.Session.ID == 0 {
		return signin.Refused("a password is changed by whose it is: sign in first")
	}
	keys := signin.Keys(p.Email, by.Session.Address, true)
	until, err := d.Store.Attempt(ctx, keys, d.Clock())
	if err != nil {
		return err
	}
	if !until.IsZero() {
		return signin.Throttled{Until: until}
	}
	right, _, err := d.Hasher.Verify(ctx, p.Password.Reveal(), was)
	if err != nil {
		return err
	}
	if !right {
		return signin.ErrWrong
	}
	return errors.Join(d.Store.Settle(ctx, keys, d.Clock()), d.setPassword(ctx, by, p, is))
}

// SetPassword gives a person a password that somebody chose who looks after them.
func (d *Desk) SetPassword(ctx context.Context, by signin.Who, id int64, is credential.Secret) error {
	p, err := d.managed(ctx, by, id)
	if err != nil {
		return err
	}
	return d.setPassword(ctx, by, p, is)
}

func (d *Desk) setPassword(ctx context.Context, by signin.Who, p signin.Person, is credential.Secret) error {
	hash, err := d.hash(ctx, is, p)
	if err != nil {
		return err
	}
	if err := d.Store.SetPassword(ctx, p.ID, hash); err != nil {
		return err
	}
	d.told(ctx, by, signin.PasswordChanged, p, "", "")
	return nil
}

// hash is what is kept of a password that is good enough.
func (d *Desk) hash(ctx context.Context, is credential.Secret, p signin.Person) (credential.Secret, error) {
	if err := password.Check(is, p.Email, p.Name); err != nil {
		return credential.Secret{}, err
	}
	hash, err := d.Hasher.Hash(ctx, is)
	return credential.NewSecret(hash), err
}

// Sessions lists the sessions of a person that are not over, the latest first: one's
// own, or those of somebody whom one looks after.
func (d *Desk) Sessions(ctx context.Context, by signin.Who, id int64) ([]signin.Session, error) {
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := itself(by, p); err != nil {
		return nil, err
	}
	all, err := d.Store.Sessions(ctx, id)
	var out []signin.Session
	for _, s := range all {
		if s.Lives(p, d.Lasting, d.Clock()) {
			out = append(out, s)
		}
	}
	return out, err
}

// itself says that somebody is signed in as the person, or looks after them.
func itself(by signin.Who, p signin.Person) error {
	if by.Session.ID != 0 && by.Person.ID == p.ID {
		return nil
	}
	return by.MayManage(p)
}

// EndSession ends a session of a person, or with 0 all of them.
func (d *Desk) EndSession(ctx context.Context, by signin.Who, id, session int64) error {
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return err
	}
	if err := itself(by, p); err != nil {
		return err
	}
	why := "all sessions"
	if session == 0 {
		_, err = d.Store.EndAll(ctx, id, 0)
	} else {
		why, err = fmt.Sprintf("session %d", session), d.Store.End(ctx, id, session)
	}
	if err == nil {
		d.told(ctx, by, signin.SignedOut, p, "", why)
	}
	return err
}
