// Package desk lets people in and looks after who may come: sign-in, sessions, API
// tokens, links, and the changes that admins make to people.
//
// What always holds: every change says who makes it, and is refused unless they may;
// a sign-in is counted before the password is looked at, and costs the same for
// somebody who is not there; a value is returned once and kept as a hash; what
// happened is told to Observe when it is on disk.
package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/password"
	"cxm/internal/store/people"
)

// Options are what a Desk needs.
type Options struct {
	Store   *people.Store
	Hasher  *password.Hasher
	Clock   func() time.Time
	Lasting signin.Lasting                      // of sessions
	Tenant  string                              // whose admin the first one becomes
	Observe func(context.Context, signin.Event) // hears of what should be in an audit log, after it was kept; optional
}

// Desk is where people sign in. It is safe for concurrent use.
type Desk struct{ Options }

// New makes one.
func New(o Options) *Desk {
	if o.Observe == nil {
		o.Observe = func(context.Context, signin.Event) {}
	}
	o.Lasting = o.Lasting.Filled()
	return &Desk{o}
}

// From is where somebody signs in from.
type From struct {
	Address string // IP address of the client; empty: not known, and then not counted
	Agent   string // what the browser says of itself
}

// Opened is a session that began. Value is shown to its browser once.
type Opened struct {
	Value   credential.Secret
	Session signin.Session
	Person  signin.Person
}

// SignIn lets somebody in by address and password. The errors to tell apart are
// signin.ErrWrong, signin.Throttled and password.ErrBusy.
func (d *Desk) SignIn(ctx context.Context, email string, secret credential.Secret, from From) (Opened, error) {
	now := d.Clock()
	if _, err := signin.CleanEmail(email); err != nil {
		email = "" // nobody has that
	}
	p, err := d.Store.ByEmail(ctx, email)
	if err != nil && !errors.Is(err, signin.ErrNobody) {
		return Opened{}, err
	}
	known, err := d.Store.Known(ctx, p.ID, from.Address)
	if err != nil {
		return Opened{}, err
	}
	keys := signin.Keys(email, from.Address, known)
	until, err := d.Store.Attempt(ctx, keys, now)
	if err != nil {
		return Opened{}, err
	}
	if !until.IsZero() {
		d.tell(ctx, signin.Event{Action: signin.SignInThrottled, Person: p.ID, Label: label(p), Address: from.Address})
		return Opened{}, signin.Throttled{Until: until}
	}
	right, stale, err := d.Hasher.Verify(ctx, p.Password.Reveal(), secret)
	if err != nil {
		return Opened{}, err
	}
	if !right || !p.DisabledAt.IsZero() {
		d.tell(ctx, signin.Event{Action: signin.SignInFailed, Person: p.ID, Label: label(p), Address: from.Address, Why: "with a password"})
		return Opened{}, signin.ErrWrong
	}
	if err := d.Store.Settle(ctx, keys, now); err != nil {
		return Opened{}, err
	}
	if stale {
		if err := d.rehash(ctx, p, secret); err != nil {
			return Opened{}, err
		}
	}
	return d.open(ctx, p, signin.MethodPassword, from)
}

// label is what an event may say of somebody: nothing of what an unknown person
// typed, which may be a password.
func label(p signin.Person) string {
	if p.ID == 0 {
		return "nobody known"
	}
	return p.Label()
}

func (d *Desk) rehash(ctx context.Context, p signin.Person, secret credential.Secret) error {
	hash, err := d.Hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return d.Store.Rehash(ctx, p.ID, p.Password, credential.NewSecret(hash))
}

// SignInAs lets somebody in whom a provider proved, adding them where they are new.
// The errors to tell apart are signin.ErrNoGroup, signin.ErrUnverified and
// signin.ErrWrong (they are disabled).
func (d *Desk) SignInAs(ctx context.Context, id signin.Identity, from From) (Opened, error) {
	id.Name = signin.CleanAgent(id.Name)
	if _, err := signin.CleanEmail(id.Email); err != nil {
		id.Email, id.Verified = "", false
	}
	got, err := d.Store.Federate(ctx, id, d.Clock())
	p := got.Person
	if got.Added {
		d.tell(ctx, signin.Event{Action: signin.PersonAdded, By: id.Provider, Person: p.ID, Label: label(p), Address: from.Address})
	}
	if got.Linked {
		d.tell(ctx, signin.Event{Action: signin.IdentityLinked, By: id.Provider, Person: p.ID, Label: label(p), Address: from.Address, Why: id.Issuer + " says that they are " + id.Subject})
	}
	if got.Changed {
		d.tell(ctx, signin.Event{Action: signin.RoleChanged, By: id.Provider, Person: p.ID, Label: label(p), Why: "as their groups say"})
	}
	if err == nil && !p.DisabledAt.IsZero() {
		err = signin.ErrWrong
	}
	if err != nil {
		d.tell(ctx, signin.Event{Action: signin.SignInFailed, By: id.Provider, Person: p.ID, Label: label(p), Address: from.Address, Why: err.Error()})
		return Opened{}, err
	}
	return d.open(ctx, p, id.Provider, from)
}

// open begins a session.
func (d *Desk) open(ctx context.Context, p signin.Person, method string, from From) (Opened, error) {
	now := d.Clock()
	out := Opened{Value: signin.Mint(signin.ValueSession), Person: p}
	var err error
	out.Session, err = d.Store.Begin(ctx, signin.Session{
		Person: p.ID, Generation: p.Generation, Method: method, Address: signin.CleanAgent(from.Address), Agent: signin.CleanAgent(from.Agent),
		BegunAt: now, EndsAt: now.Add(d.Lasting.Whole),
	}, signin.Digest(out.Value))
	if err != nil {
		return Opened{}, err
	}
	d.tell(ctx, signin.Event{Action: signin.SignedIn, By: p.Label(), Person: p.ID, Label: p.Label(), Address: from.Address, Why: "by " + method})
	return out, nil
}

func (d *Desk) tell(ctx context.Context, e signin.Event) { d.Observe(ctx, e) }

// Authenticate says who presents the value of a session (out of a cookie) or an API
// token (out of the Authorization header). The error is signin.ErrNotKnown, with the
// reason, for a value that does not count.
func (d *Desk) Authenticate(ctx context.Context, value credential.Secret) (signin.Who, error) {
	kind, err := signin.Read(value)
	switch {
	case err != nil:
		return signin.Who{}, err
	case kind == signin.ValueToken:
		return d.byToken(ctx, value)
	case kind == signin.ValueSession:
		return d.bySession(ctx, value)
	}
	return signin.Who{}, signin.ErrNotKnown
}

func (d *Desk) bySession(ctx context.Context, value credential.Secret) (signin.Who, error) {
	now := d.Clock()
	s, p, err := d.Store.Session(ctx, signin.Digest(value))
	if err != nil {
		return signin.Who{}, err
	}
	if !s.Lives(p, d.Lasting, now) {
		return signin.Who{}, fmt.Errorf("%w: the session is over; sign in again", signin.ErrNotKnown)
	}
	return s.Who(p), d.Store.Seen(ctx, s, now)
}

func (d *Desk) byToken(ctx context.Context, value credential.Secret) (signin.Who, error) {
	now := d.Clock()
	t, p, err := d.Store.Token(ctx, signin.Digest(value))
	if err != nil {
		return signin.Who{}, err
	}
	if err := t.Trouble(p, now); err != nil {
		return signin.Who{}, err
	}
	return t.Who(p), d.Store.Used(ctx, t, now)
}
