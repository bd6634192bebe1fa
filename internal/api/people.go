package api

import (
	"context"
	"net/http"
	"time"

	"cxm/internal/api/door"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// People are who use cxm. Every method refuses what who may not do.
type People interface {
	People(ctx context.Context, who signin.Who, tenant string, s Slice) ([]Person, Cursor, error)
	Invite(ctx context.Context, who signin.Who, tenant string, n Invite) (p Person, added bool, err error)
	// SetRole gives a role in the tenant, or takes it away when it is empty.
	SetRole(ctx context.Context, who signin.Who, tenant string, id int64, r role.Role) (Person, error)
	Sessions(ctx context.Context, who signin.Who) ([]Session, error)
	EndSession(ctx context.Context, who signin.Who, id int64) error
}

// Tokens are cxm's own API tokens. Every method refuses what who may not do.
type Tokens interface {
	Tokens(ctx context.Context, who signin.Who, tenant string, s Slice) ([]Token, Cursor, error)
	Mint(ctx context.Context, who signin.Who, tenant string, n NewToken) (Token, credential.Secret, error)
	Revoke(ctx context.Context, who signin.Who, tenant string, id int64) error
}

// Person is somebody who works in the tenant.
type Person struct {
	ID         int64      `json:"id"`
	Email      *string    `json:"email"`
	Name       string     `json:"name"`
	Role       *role.Role `json:"role" doc:"The highest that they have in this tenant. Null: none any more."`
	Given      []GivenBy  `json:"given" doc:"Who gave them which role in this tenant."`
	Disabled   bool       `json:"disabled"`
	DisabledAt *time.Time `json:"disabled_at"`
	Root       bool       `json:"installation" doc:"They look after the installation."`
	Password   bool       `json:"has_password"`
	CreatedAt  *time.Time `json:"created_at"`
	SignedInAt *time.Time `json:"signed_in_at" doc:"Null: never."`
}

// GivenBy is a role, and who gave it.
type GivenBy struct {
	Role   role.Role `json:"role"`
	Origin *string   `json:"origin" doc:"The provider whose groups give it. Null: an admin."`
}

// Invite adds somebody, or gives somebody who is there a role.
type Invite struct {
	Email string    `json:"email" minLength:"3" maxLength:"254"`
	Name  string    `json:"name,omitempty" maxLength:"200" doc:"Empty: the address."`
	Role  role.Role `json:"role" enum:"viewer,member,admin"`
}

// SetRole is a role to be.
type SetRole struct {
	Role *role.Role `json:"role" doc:"viewer, member or admin. Null: none."`
}

// Token is an API token of cxm's own, without its value.
type Token struct {
	ID        int64        `json:"id"`
	Name      string       `json:"name"`
	Hint      string       `json:"hint" doc:"How its value begins."`
	PersonID  *int64       `json:"person_id" doc:"Whose. Null: the tenant's own."`
	Role      *role.Role   `json:"role" doc:"Of one that is the tenant's own."`
	Scopes    []role.Scope `json:"scopes"`
	MadeBy    string       `json:"made_by"`
	MadeAt    *time.Time   `json:"made_at"`
	EndsAt    *time.Time   `json:"ends_at"`
	UsedAt    *time.Time   `json:"used_at" doc:"To the hour. Null: never."`
	RevokedAt *time.Time   `json:"revoked_at"`
}

// NewToken asks for an API token.
type NewToken struct {
	Name   string       `json:"name" minLength:"1" maxLength:"200"`
	Scopes []role.Scope `json:"scopes" minItems:"1" maxItems:"10"`
	Days   int          `json:"days,omitempty" minimum:"0" maximum:"365" doc:"That it is good for. 0: 90."`
	Role   role.Role    `json:"role,omitempty" maxLength:"20" doc:"Of a token that is the tenant's own, and nobody's: viewer, member or admin. Empty: it is one's own."`
}

// MadeToken is a token with its value.
type MadeToken struct {
	Token  Token   `json:"token"`
	Value  *string `json:"value" doc:"The token, which is shown this once. Null: it was shown before."`
	Before bool    `json:"shown_before"`
}

// Session is a sign-in that lasts.
type Session struct {
	ID      int64      `json:"id"`
	Method  string     `json:"method"`
	Address *string    `json:"address"`
	Agent   *string    `json:"agent"`
	BegunAt *time.Time `json:"begun_at"`
	SeenAt  *time.Time `json:"seen_at"`
	EndsAt  *time.Time `json:"ends_at"`
}

func addPeople(a *API) {
	add(a, operation{id: "people", at: "GET /v1/people", tag: "people", summary: "People of the tenant", needs: role.PeopleWrite}, func(ctx context.Context, _ *Tenant, in *struct{ Paging }) (*listed[Person], error) {
		s, err := in.slice(ctx, nil)
		if err != nil {
			return nil, err
		}
		g := door.From(ctx)
		items, next, err := a.options.People.People(ctx, g.Who, g.Tenant, s)
		return page(ctx, in.Paging, nil, items, next), err
	})
	add(a, operation{id: "add-person", at: "POST /v1/people", tag: "people", summary: "Add somebody to the tenant", needs: role.PeopleWrite, status: http.StatusCreated,
		details: "Somebody who is there gets the role. They have no password yet: `cxm people reset-link` lets them choose one."},
		func(ctx context.Context, _ *Tenant, in *struct{ Body Invite }) (*one[Person], error) {
			g := door.From(ctx)
			out, _, err := a.options.People.Invite(ctx, g.Who, g.Tenant, in.Body)
			return &one[Person]{out}, err
		})
	add(a, operation{id: "set-role", at: "PUT /v1/people/{id}/role", tag: "people", summary: "Give somebody a role in the tenant, or none", needs: role.PeopleWrite,
		details: "It ends their sessions. What the groups of a provider give stays as they say."},
		func(ctx context.Context, _ *Tenant, in *struct {
			ByID
			Body SetRole
		}) (*one[Person], error) {
			g := door.From(ctx)
			var r role.Role
			if in.Body.Role != nil {
				r = *in.Body.Role
			}
			out, err := a.options.People.SetRole(ctx, g.Who, g.Tenant, in.ID, r)
			return &one[Person]{out}, err
		})
}

func addSessions(a *API) {
	add(a, operation{id: "sessions", at: "GET /v1/sessions", tag: "people", summary: "One's own sessions, the latest first", details: "For who signed in, and for admins; a token that is the tenant's own has none.", needs: role.TokensOwn},
		func(ctx context.Context, _ *Tenant, _ *struct{}) (*listed[Session], error) {
			out, err := a.options.People.Sessions(ctx, door.From(ctx).Who)
			return whole(out), err
		})
	add(a, operation{id: "end-session", at: "DELETE /v1/sessions/{id}", tag: "people", summary: "End one of one's own sessions", needs: role.TokensOwn, status: http.StatusNoContent},
		func(ctx context.Context, _ *Tenant, in *ByID) (*struct{}, error) {
			return nil, a.options.People.EndSession(ctx, door.From(ctx).Who, in.ID)
		})
}

func addTokens(a *API) {
	add(a, operation{id: "tokens", at: "GET /v1/tokens", tag: "people", summary: "API tokens of the tenant", details: "Who looks after all of them sees all, anybody else their own: a page may hold fewer than limit and still have a next one.", needs: role.TokensOwn},
		func(ctx context.Context, _ *Tenant, in *struct{ Paging }) (*listed[Token], error) {
			s, err := in.slice(ctx, nil)
			if err != nil {
				return nil, err
			}
			g := door.From(ctx)
			items, next, err := a.options.Tokens.Tokens(ctx, g.Who, g.Tenant, s)
			return page(ctx, in.Paging, nil, items, next), err
		})
	add(a, operation{id: "make-token", at: "POST /v1/tokens", tag: "people", summary: "Make an API token", needs: role.TokensOwn, status: http.StatusCreated, once: true,
		details: "Nobody makes one that may do what they may not. The answer shows its value, once."},
		func(ctx context.Context, _ *Tenant, in *struct{ Body NewToken }) (*one[MadeToken], error) {
			g := door.From(ctx)
			t, value, err := a.options.Tokens.Mint(ctx, g.Who, g.Tenant, in.Body)
			text := value.Reveal()
			return &one[MadeToken]{MadeToken{Token: t, Value: &text}}, err
		})
	add(a, operation{id: "revoke-token", at: "DELETE /v1/tokens/{id}", tag: "people", summary: "Revoke an API token", needs: role.TokensOwn, status: http.StatusNoContent},
		func(ctx context.Context, _ *Tenant, in *ByID) (*struct{}, error) {
			g := door.From(ctx)
			return nil, a.options.Tokens.Revoke(ctx, g.Who, g.Tenant, in.ID)
		})
}

// Links make links that work once. It refuses what who may not do.
type Links interface {
	// Reset is by which somebody of the tenant chooses a password; the path of it
	// stands behind the address of the service.
	Reset(ctx context.Context, who signin.Who, tenant string, id int64) (Link, credential.Secret, error)
}

// Link is a link that works once, without its value.
type Link struct {
	For    string     `json:"for" doc:"Whom to send it to."`
	EndsAt *time.Time `json:"ends_at"`
}

// MadeLink is a link with its value.
type MadeLink struct {
	Link   Link    `json:"link"`
	Value  *string `json:"value" doc:"Its path behind the address of cxm, which is shown this once. Null: it was shown before."`
	Before bool    `json:"shown_before"`
}

func addLinks(a *API) {
	add(a, operation{id: "reset-link", at: "POST /v1/people/{id}/reset-link", tag: "people", summary: "Make a link by which somebody chooses a new password", needs: role.PeopleWrite, status: http.StatusCreated, once: true,
		details: "It works once, for an hour, and takes the place of those before. The answer shows it, once."},
		func(ctx context.Context, _ *Tenant, in *ByID) (*one[MadeLink], error) {
			g := door.From(ctx)
			l, value, err := a.options.Links.Reset(ctx, g.Who, g.Tenant, in.ID)
			text := value.Reveal()
			return &one[MadeLink]{MadeLink{Link: l, Value: &text}}, err
		})
}
