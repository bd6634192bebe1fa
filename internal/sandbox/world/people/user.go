// Package people holds the sandbox's users, their tokens and the rules about
// both: names are unique without regard to case, a token's secret is kept only
// as a hash, rotation revokes and makes in one step.
//
// Nothing here locks: whoever calls holds the world's lock.
package people

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"cxm/internal/sandbox/world/refuse"
)

// State is a user's account state as GitLab spells it.
type State string

// The account states.
const (
	Active          State = "active"
	Blocked         State = "blocked"
	Deactivated     State = "deactivated"
	Banned          State = "banned"
	PendingApproval State = "blocked_pending_approval"
)

// Kind is what sort of account a user is (GitLab's user_type).
type Kind string

// The kinds of account. A service account is shown as a bot.
const (
	Human          Kind = "human"
	ServiceAccount Kind = "service_account"
)

// Owner names the group or project that provisioned a service account; the
// zero value is the instance (or a human).
type Owner struct {
	GroupID, ProjectID int64
}

// User is one account.
type User struct {
	ID               int64
	Username, Name   string
	Email            string
	UnconfirmedEmail string
	PublicEmail      string
	State            State
	Kind             Kind
	Admin, External  bool
	Provisioned      Owner
	CreatedAt        time.Time
	CreatedBy        int64 // 0: nobody known
	NamespaceID      int64 // 0: no personal namespace
	ProjectsLimit    int
	CanCreateGroup   bool
	Note, Bio        string
	LastActivity     time.Time // zero: never
}

// Bot says whether GitLab shows the account with "bot": true.
func (u *User) Bot() bool { return u.Kind == ServiceAccount }

// Barred gives GitLab's reason why the account may not use the API, or "".
// host is the instance's URL, which one of the texts names.
func (u *User) Barred(host string) string {
	switch u.State {
	case Active:
		return ""
	case PendingApproval:
		return "Your account is pending approval from your administrator and hence blocked."
	case Deactivated:
		return "Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account at " + host
	default:
		return "Your account has been blocked."
	}
}

// Directory is every user and token of the instance.
type Directory struct {
	clock   func() time.Time
	users   map[int64]*User    // id → user
	names   map[string]int64   // lower-case user name → id
	tokens  map[int64]*Token   // id → token
	secrets map[[32]byte]int64 // hash of the secret → token id
	userID  int64
	tokenID int64
}

// NewDirectory makes an empty directory. clock gives the present.
func NewDirectory(clock func() time.Time) *Directory {
	return &Directory{
		clock: clock, users: map[int64]*User{}, names: map[string]int64{},
		tokens: map[int64]*Token{}, secrets: map[[32]byte]int64{},
	}
}

// Account is what a new user is made from. Empty fields take GitLab's defaults.
type Account struct {
	Username, Name, Email string
	Admin, External       bool
	Kind                  Kind
	Provisioned           Owner
	CreatedBy             int64
	ProjectsLimit         *int
	CanCreateGroup        *bool
	Note, Bio             string
}

var validUsername = regexp.MustCompile(`^[a-zA-Z0-9_.][a-zA-Z0-9_.-]*$`)

// Create adds a user. A taken e-mail address or name is a Conflict with the
// text of POST /users, e-mail first.
func (d *Directory) Create(a Account) (*User, error) {
	if d.emailTaken(a.Email, 0) {
		return nil, refuse.Conflicting("Email has already been taken")
	}
	if d.ByUsername(a.Username) != nil {
		return nil, refuse.Conflicting("Username has already been taken")
	}
	if err := checkAccount(a); err != nil {
		return nil, err
	}
	u := d.build(a)
	d.users[u.ID] = u
	d.names[strings.ToLower(u.Username)] = u.ID
	return u, nil
}

func checkAccount(a Account) error {
	switch {
	case strings.TrimSpace(a.Name) == "":
		return refuse.Invalidly("name", "can't be blank")
	case !validUsername.MatchString(a.Username) || strings.HasSuffix(a.Username, ".git") || strings.HasSuffix(a.Username, ".atom"):
		return refuse.Invalidly("username", "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'")
	case !strings.Contains(a.Email, "@"):
		return refuse.Invalidly("email", "is invalid")
	}
	return nil
}

func (d *Directory) build(a Account) *User {
	d.userID++
	u := &User{
		ID: d.userID, Username: a.Username, Name: a.Name, Email: a.Email, State: Active,
		Kind: a.Kind, Admin: a.Admin, External: a.External, Provisioned: a.Provisioned,
		CreatedAt: d.clock(), CreatedBy: a.CreatedBy, ProjectsLimit: 100000, CanCreateGroup: true,
		Note: a.Note, Bio: a.Bio,
	}
	if u.Kind == "" {
		u.Kind = Human
	}
	if u.Kind == ServiceAccount {
		u.External, u.ProjectsLimit, u.CanCreateGroup = true, 0, false
	}
	if a.ProjectsLimit != nil {
		u.ProjectsLimit = *a.ProjectsLimit
	}
	if a.CanCreateGroup != nil {
		u.CanCreateGroup = *a.CanCreateGroup
	}
	return u
}

func (d *Directory) emailTaken(email string, except int64) bool {
	for _, u := range d.users {
		if u.ID != except && strings.EqualFold(u.Email, email) {
			return true
		}
	}
	return false
}

// Rename changes a user's name. A taken or malformed one is refused.
func (d *Directory) Rename(u *User, username string) error {
	if other := d.ByUsername(username); other != nil && other != u {
		return refuse.Conflicting("Username has already been taken")
	}
	if !validUsername.MatchString(username) {
		return refuse.Invalidly("username", "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'")
	}
	delete(d.names, strings.ToLower(u.Username))
	u.Username = username
	d.names[strings.ToLower(username)] = u.ID
	return nil
}

// Readdress changes a user's e-mail address; a taken one is a Conflict.
func (d *Directory) Readdress(u *User, email string) error {
	if d.emailTaken(email, u.ID) {
		return refuse.Conflicting("Email has already been taken")
	}
	u.Email = email
	return nil
}

// Remove deletes a user and revokes the tokens they held.
func (d *Directory) Remove(u *User) {
	for _, t := range d.tokens {
		if t.UserID == u.ID {
			t.Revoked = true
		}
	}
	delete(d.users, u.ID)
	delete(d.names, strings.ToLower(u.Username))
}

// User gives the user with an id, or nil.
func (d *Directory) User(id int64) *User { return d.users[id] }

// ByUsername gives the user with a name, without regard to case, or nil.
func (d *Directory) ByUsername(name string) *User {
	return d.users[d.names[strings.ToLower(name)]]
}

// Users gives every user that keep accepts, oldest first.
func (d *Directory) Users(keep func(*User) bool) []*User {
	var out []*User
	for _, u := range d.users {
		if keep(u) {
			out = append(out, u)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// serviceName gives the user name GitLab generates for a service account.
func serviceName(o Owner, random string) string {
	switch {
	case o.GroupID != 0:
		return fmt.Sprintf("service_account_group_%d_%s", o.GroupID, random)
	case o.ProjectID != 0:
		return fmt.Sprintf("service_account_project_%d_%s", o.ProjectID, random)
	default:
		return "service_account_" + random
	}
}

// CreateService adds a service account. host is the instance's host name, for
// the generated address. Taken names and addresses are BadRequest, as GitLab's
// service answers them.
func (d *Directory) CreateService(a Account, host string) (*User, error) {
	a.Kind, a.External = ServiceAccount, true
	if a.Name == "" {
		a.Name = "Service account user"
	}
	if a.Username == "" {
		a.Username = serviceName(a.Provisioned, randomHex(16))
	}
	if a.Email == "" {
		a.Email = a.Username + "@noreply." + host
	}
	if d.emailTaken(a.Email, 0) {
		return nil, refuse.BadRequest("Email has already been taken")
	}
	if d.ByUsername(a.Username) != nil {
		return nil, refuse.BadRequest("Username has already been taken")
	}
	return d.Create(a)
}
