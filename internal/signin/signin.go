// Package signin is who uses cxm: people, the sessions and API tokens they are known
// by, the links that let them in once, and the decisions about all of these.
//
// What always holds: the value of a session, a token or a link is shown once, and
// what is kept of it is a hash; who is not known to be allowed is refused, with the
// reason; nothing here waits, asks or writes (desk does, on internal/store/people).
package signin

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin/role"
)

// Person is somebody who uses cxm. They exist over all tenants.
type Person struct {
	ID           int64
	Email        string            // as it was written; empty: none that an admin or a provider vouched for
	Name         string            // for people
	Password     credential.Secret // its hash; empty: they sign in otherwise
	Installation bool              // looks after the installation
	Generation   int64             // raised when password, roles or being disabled change: sessions of another one are over
	CreatedAt    time.Time
	DisabledAt   time.Time // zero: not disabled
	SignedInAt   time.Time // zero: never
	Grants       []Grant   // by tenant
}

// Grant is a role in a tenant, and who gave it.
type Grant struct {
	Tenant string    `json:"tenant"`
	Role   role.Role `json:"role"`
	Origin string    `json:"origin,omitempty"` // the provider whose groups give it; empty: an admin
}

// Label is how people call somebody.
func (p Person) Label() string {
	switch {
	case p.Email != "":
		return p.Email
	case p.Name != "":
		return p.Name
	}
	return fmt.Sprintf("person %d", p.ID)
}

// Roles are those that count in a tenant: the highest that anybody gave, and
// Installation. Somebody who is disabled has none.
func (p Person) Roles(tenant string) []role.Role {
	if !p.DisabledAt.IsZero() {
		return nil
	}
	var given, out []role.Role
	for _, g := range p.Grants {
		if g.Tenant == tenant {
			given = append(given, g.Role)
		}
	}
	if r := role.Highest(given...); r != "" {
		out = append(out, r)
	}
	if p.Installation {
		out = append(out, role.Installation)
	}
	return out
}

// Tenants are those in which somebody has a role, in alphabetical order.
func (p Person) Tenants() []string {
	var out []string
	for _, g := range p.Grants {
		out = append(out, g.Tenant)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Session is one sign-in that lasts.
type Session struct {
	ID         int64
	Person     int64
	Generation int64
	Method     string // MethodPassword, MethodLink, or the provider's name
	Address    string // from where
	Agent      string // with what
	BegunAt    time.Time
	SeenAt     time.Time // a few minutes old at most
	EndsAt     time.Time // at the latest
}

// How somebody signed in, beside a provider's name.
const (
	MethodPassword = "password"
	MethodLink     = "link"
)

// Lasting is how long a session lasts. The zero value of a field is the default.
type Lasting struct {
	Idle  time.Duration // without being used; default: 12 hours
	Whole time.Duration // whatever happens; default: 30 days
}

// Filled puts the defaults where nothing was said.
func (l Lasting) Filled() Lasting {
	if l.Idle <= 0 {
		l.Idle = 12 * time.Hour
	}
	if l.Whole <= 0 {
		l.Whole = 30 * 24 * time.Hour
	}
	return l
}

// Lives says whether the session of a person still counts.
func (s Session) Lives(p Person, l Lasting, now time.Time) bool {
	return s.Person == p.ID && s.Generation == p.Generation && p.DisabledAt.IsZero() &&
		now.Before(s.EndsAt) && now.Before(s.SeenAt.Add(l.Filled().Idle))
}

// Token is an API token of cxm's own.
type Token struct {
	ID        int64
	Tenant    string
	Person    int64     // whose; 0: the tenant's own
	Role      role.Role // of one that is the tenant's own
	Name      string
	Hint      string // how its value begins
	Scopes    []role.Scope
	MadeBy    string
	MadeAt    time.Time
	EndsAt    time.Time
	UsedAt    time.Time // at most an hour old; zero: never
	RevokedAt time.Time // zero: it is not
}

// How long an API token may be good for.
const (
	TokenDays     = 90 // when nothing is said
	MostTokenDays = 365
)

// Trouble says why the token of a person (zero: of the tenant) does not count; nil: it does.
func (t Token) Trouble(p Person, now time.Time) error {
	switch {
	case !t.RevokedAt.IsZero():
		return fmt.Errorf("%w: it was revoked; make another one (`cxm api-token create`)", ErrNotKnown)
	case !now.Before(t.EndsAt):
		return fmt.Errorf("%w: it expired on %s; make another one (`cxm api-token create`)", ErrNotKnown, t.EndsAt.Format(time.DateOnly))
	case t.Person != 0 && (p.ID != t.Person || !p.DisabledAt.IsZero()):
		return fmt.Errorf("%w: whose it is, is disabled; ask an admin", ErrNotKnown)
	}
	return nil
}

// Link lets somebody in once.
type Link struct {
	ID     int64
	Kind   LinkKind
	Person int64 // whose password it is about; 0: who opens it says who they are
	MadeBy string
	MadeAt time.Time
	EndsAt time.Time
	UsedAt time.Time // zero: not yet
}

// Path is where the value of a link is opened, behind the address of the service.
func (k LinkKind) Path(value credential.Secret) string {
	return "/" + string(k) + "?link=" + value.Reveal()
}

// LinkKind is what a link is for.
type LinkKind string

// The kinds of links.
const (
	LinkSetup LinkKind = "setup" // makes the first admin
	LinkReset LinkKind = "reset" // lets somebody choose a new password
)

// Lasts is how long a link of the kind is good for.
func (k LinkKind) Lasts() time.Duration {
	if k == LinkSetup {
		return 24 * time.Hour
	}
	return time.Hour
}

// Trouble says why the link cannot be used for what it is opened for; nil: it can.
func (l Link) Trouble(kind LinkKind, now time.Time) error {
	next := "ask an admin for another one (`cxm people reset-link`)"
	if kind == LinkSetup {
		next = "have another one printed where cxm runs (`cxm setup-link`)"
	}
	switch {
	case l.ID == 0:
		return fmt.Errorf("%w: nobody knows it, perhaps since a later one took its place; %s", ErrLink, next)
	case l.Kind != kind:
		return fmt.Errorf("%w: it is for something else; %s", ErrLink, next)
	case !l.UsedAt.IsZero():
		return fmt.Errorf("%w: it was used already; %s", ErrLink, next)
	case !now.Before(l.EndsAt):
		return fmt.Errorf("%w: it expired; %s", ErrLink, next)
	}
	return nil
}

// Identity is who somebody is for an OpenID Connect provider, as it was proved, with
// the roles that its groups give.
type Identity struct {
	Provider string // its name here
	Issuer   string
	Subject  string // never given to another person by the issuer
	Email    string
	Verified bool // the provider vouches for the address
	Name     string
	Grants   []Grant // with the issuer as origin; none: the person may not sign in
}

// Errors that callers tell apart, with errors.Is.
var (
	// ErrWrong: who signs in is not known, or the password is not theirs, or they are
	// disabled. It does not say which.
	ErrWrong = errors.New("the address or the password is wrong: try again, or ask an admin for a link to choose a new password")
	// ErrNotKnown: a value that nobody is known by: a session that is over, a token
	// that was revoked, or neither.
	ErrNotKnown = errors.New("this session or API token is not valid")
	// ErrNobody: there is no such person.
	ErrNobody = errors.New("there is no such person: see `cxm people list`")
	// ErrTaken: somebody has the address.
	ErrTaken = errors.New("somebody has this address already: see `cxm people list`")
	// ErrLastAdmin: nobody would look after the installation, or a tenant
	// (LastAdminError).
	ErrLastAdmin = errors.New("nobody else looks after the installation: make another person its admin first (`cxm people role ADDRESS --installation`)")
	// ErrLink: a link that does not let anybody in.
	ErrLink = errors.New("this link does not work")
	// ErrSetUp: there is an admin, so that nothing is to set up.
	ErrSetUp = errors.New("cxm is set up already: sign in, or have `cxm setup-link --again` print a link when no admin can be reached")
	// ErrNoGroup: who the provider says is in no group that gives a role.
	ErrNoGroup = errors.New("none of your groups gives you a role in cxm: ask an admin to map one of them, or to put you into one that is")
	// ErrUnverified: the provider does not vouch for an address that somebody has here.
	ErrUnverified = errors.New("somebody here has your address, and the provider does not say that it is verified: have it verified there, or ask an admin")
)

// LastAdminError says that a tenant would have no admin any more. It is ErrLastAdmin.
type LastAdminError struct{ Tenant string }

// Error implements error.
func (e *LastAdminError) Error() string {
	return fmt.Sprintf("nobody else is an admin of the tenant %s: give another person that role first (`cxm people role ADDRESS admin`)", e.Tenant)
}

// Is implements errors.Is.
func (e *LastAdminError) Is(target error) bool { return target == ErrLastAdmin }

// Refused is why somebody may not do a thing, with the next step.
type Refused string

// Error is the reason.
func (r Refused) Error() string { return string(r) }

// Throttled says that there were too many attempts.
type Throttled struct{ Until time.Time }

// Error names the time.
func (t Throttled) Error() string {
	return fmt.Sprintf("too many attempts to sign in failed: try again after %s", t.Until.UTC().Format("15:04:05 UTC"))
}

// Event is something about people that an audit log should have.
type Event struct {
	Action  string // such as "signin.succeeded", see the constants
	By      string // who did it
	Person  int64  // whom it is about; 0: nobody, or nobody known
	Label   string // of the person or thing, for people; what an unknown person typed is never in it
	Tenant  string // empty: of no tenant
	Address string // from where; empty: not known
	Why     string // details, for people
}

// Actions of events.
const (
	SignedIn        = "signin.succeeded"
	SignInFailed    = "signin.failed"
	SignInThrottled = "signin.throttled"
	SignedOut       = "session.ended"
	PersonAdded     = "person.added"
	PersonChanged   = "person.changed"
	PersonDisabled  = "person.disabled"
	PersonEnabled   = "person.enabled"
	RoleChanged     = "person.role-changed"
	PasswordChanged = "person.password-changed"
	IdentityLinked  = "person.identity-linked"
	TokenMade       = "api-token.created"
	TokenRevoked    = "api-token.revoked"
	SetupLinkMade   = "setup-link.created"
	ResetLinkMade   = "reset-link.created"
	SetUp           = "installation.set-up"
)
