// Package entity shows the world as GitLab's API does: one struct for each of
// GitLab's entities, with the keys in GitLab's order. Times are ISO 8601 in
// UTC with milliseconds, days are YYYY-MM-DD, what is unknown is null.
package entity

import (
	"time"

	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/people"
)

// Views makes entities for one request.
type Views struct {
	W      *world.World
	Base   string       // the instance's URL without a slash at the end
	Viewer *people.User // nil: nobody signed in
}

// Stamp writes a moment as GitLab does.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Moment writes a moment that may be absent.
func Moment(t *time.Time) *string {
	if t == nil {
		return nil
	}
	return new(Stamp(*t))
}

// Day writes a day that may be absent.
func Day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	return new(t.UTC().Format(time.DateOnly))
}

// UserBasic is a user as named in other entities.
type UserBasic struct {
	ID          int64  `json:"id"`
	Username    string `json:"username"`
	PublicEmail string `json:"public_email"`
	Name        string `json:"name"`
	State       string `json:"state"`
	Locked      bool   `json:"locked"`
	AvatarURL   string `json:"avatar_url"`
	WebURL      string `json:"web_url"`
}

// User is a user's public profile.
type User struct {
	UserBasic
	CreatedAt       string  `json:"created_at"`
	Bio             string  `json:"bio"`
	Location        string  `json:"location"`
	LinkedIn        string  `json:"linkedin"`
	Twitter         string  `json:"twitter"`
	Discord         string  `json:"discord"`
	WebsiteURL      string  `json:"website_url"`
	GitHub          string  `json:"github"`
	JobTitle        string  `json:"job_title"`
	Pronouns        *string `json:"pronouns"`
	Organization    string  `json:"organization"`
	Bot             bool    `json:"bot"`
	WorkInformation *string `json:"work_information"`
	Followers       int     `json:"followers"`
	Following       int     `json:"following"`
	IsFollowed      bool    `json:"is_followed"`
	LocalTime       *string `json:"local_time"`
}

// UserPublic is what users see of themselves.
type UserPublic struct {
	User
	LastSignInAt      *string  `json:"last_sign_in_at"`
	ConfirmedAt       string   `json:"confirmed_at"`
	LastActivityOn    *string  `json:"last_activity_on"`
	Email             string   `json:"email"`
	ThemeID           int      `json:"theme_id"`
	ColorSchemeID     int      `json:"color_scheme_id"`
	ProjectsLimit     int      `json:"projects_limit"`
	CurrentSignInAt   *string  `json:"current_sign_in_at"`
	Identities        []string `json:"identities"`
	CanCreateGroup    bool     `json:"can_create_group"`
	CanCreateProject  bool     `json:"can_create_project"`
	TwoFactorEnabled  bool     `json:"two_factor_enabled"`
	External          bool     `json:"external"`
	PrivateProfile    bool     `json:"private_profile"`
	CommitEmail       string   `json:"commit_email"`
	PreferredLanguage string   `json:"preferred_language"`
	SharedMinutes     *int     `json:"shared_runners_minutes_limit"`
	ExtraMinutes      *int     `json:"extra_shared_runners_minutes_limit"`
	SCIMIdentities    []string `json:"scim_identities"`
}

// UserAdmin is what administrators see of a user.
type UserAdmin struct {
	UserPublic
	IsAdmin           bool       `json:"is_admin"`
	Note              *string    `json:"note"`
	NamespaceID       int64      `json:"namespace_id"`
	CreatedBy         *UserBasic `json:"created_by"`
	UsingLicenseSeat  bool       `json:"using_license_seat"`
	IsAuditor         bool       `json:"is_auditor"`
	ProvisionedBy     *int64     `json:"provisioned_by_group_id"`
	EnterpriseGroupID *int64     `json:"enterprise_group_id"`
	EnterpriseGroupAt *string    `json:"enterprise_group_associated_at"`
}

// ServiceAccount is a service account in its own endpoints.
type ServiceAccount struct {
	ID               int64   `json:"id"`
	Username         string  `json:"username"`
	PublicEmail      *string `json:"public_email"`
	Name             string  `json:"name"`
	Email            string  `json:"email"`
	UnconfirmedEmail string  `json:"unconfirmed_email,omitempty"`
}

// Token is a personal access token. Token holds the secret, in answers to
// creation and rotation alone.
type Token struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Revoked     bool     `json:"revoked"`
	CreatedAt   string   `json:"created_at"`
	Description *string  `json:"description"`
	Scopes      []string `json:"scopes"`
	UserID      int64    `json:"user_id"`
	LastUsedAt  *string  `json:"last_used_at"`
	Active      bool     `json:"active"`
	Granular    bool     `json:"granular"`
	ExpiresAt   *string  `json:"expires_at"`
	LastUsedIPs []string `json:"last_used_ips,omitempty"`
	Secret      string   `json:"token,omitempty"`
}

// UserBasic shows a user as other entities name them; nil stays nil.
func (v Views) UserBasic(u *people.User) *UserBasic {
	if u == nil {
		return nil
	}
	state := string(u.State)
	if u.State == people.Banned {
		state = "banned"
	}
	return &UserBasic{
		ID: u.ID, Username: u.Username, PublicEmail: u.PublicEmail, Name: u.Name, State: state,
		AvatarURL: v.Base + "/uploads/-/system/user/avatar/" + itoa(u.ID) + "/avatar.svg", WebURL: v.Base + "/" + u.Username,
	}
}

// UserID shows the user with an id; of one who is gone GitLab shows the ghost.
func (v Views) UserID(id int64) *UserBasic {
	if id == 0 {
		return nil
	}
	if u := v.W.People.User(id); u != nil {
		return v.UserBasic(u)
	}
	return &UserBasic{
		ID: id, Username: "ghost", Name: "Ghost User", State: "active",
		AvatarURL: v.Base + "/uploads/-/system/user/avatar/0/avatar.svg", WebURL: v.Base + "/ghost",
	}
}

// User shows a public profile.
func (v Views) User(u *people.User) User {
	return User{UserBasic: *v.UserBasic(u), CreatedAt: Stamp(u.CreatedAt), Bio: u.Bio, Bot: u.Bot()}
}

// UserPublic shows users themselves.
func (v Views) UserPublic(u *people.User) UserPublic {
	out := UserPublic{
		User: v.User(u), ConfirmedAt: Stamp(u.CreatedAt), Email: u.Email, ThemeID: 3, ColorSchemeID: 1,
		ProjectsLimit: u.ProjectsLimit, Identities: []string{}, CanCreateGroup: u.CanCreateGroup,
		CanCreateProject: u.ProjectsLimit > 0, External: u.External, CommitEmail: u.Email,
		PreferredLanguage: "en", SCIMIdentities: []string{},
	}
	if !u.LastActivity.IsZero() {
		out.LastActivityOn = Day(&u.LastActivity)
	}
	return out
}

// UserAdmin shows a user to administrators.
func (v Views) UserAdmin(u *people.User) UserAdmin {
	out := UserAdmin{
		UserPublic: v.UserPublic(u), IsAdmin: u.Admin, NamespaceID: u.NamespaceID,
		CreatedBy: v.UserID(u.CreatedBy), UsingLicenseSeat: !u.Bot(),
	}
	if u.Note != "" {
		out.Note = &u.Note
	}
	if u.Provisioned.GroupID != 0 {
		out.ProvisionedBy = &u.Provisioned.GroupID
	}
	return out
}

// ServiceAccount shows a service account.
func (v Views) ServiceAccount(u *people.User) ServiceAccount {
	return ServiceAccount{ID: u.ID, Username: u.Username, Name: u.Name, Email: u.Email, UnconfirmedEmail: u.UnconfirmedEmail}
}

// Token shows a token without its secret.
func (v Views) Token(t *people.Token) Token {
	out := Token{
		ID: t.ID, Name: t.Name, Revoked: t.Revoked, CreatedAt: Stamp(t.CreatedAt), Scopes: t.Scopes,
		UserID: t.UserID, LastUsedAt: Moment(t.LastUsedAt), Active: t.Active(v.W.Now()),
		ExpiresAt: Day(t.ExpiresAt), LastUsedIPs: t.LastUsedIPs,
	}
	if t.Description != "" {
		out.Description = &t.Description
	}
	return out
}

// TokenWithSecret shows a new token with its secret.
func (v Views) TokenWithSecret(t *people.Token, secret string) Token {
	out := v.Token(t)
	out.LastUsedIPs, out.Secret = nil, secret
	return out
}
