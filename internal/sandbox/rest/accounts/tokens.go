package accounts

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

func tokens() []rest.Route {
	rotate := wire.Spec{Params: []wire.Param{{Name: "expires_at", Kind: wire.Date}}}
	anyScope := []string{"*"}
	list := wire.Spec{Params: rest.Params([]wire.Param{{Name: "user_id", Kind: wire.Integer}}, tokenFilters(), wire.Pagination())}
	associations := wire.Spec{Params: rest.Params([]wire.Param{{Name: "min_access_level", Kind: wire.Integer}}, wire.Pagination())}
	return []rest.Route{
		{Method: "GET", Path: "/personal_access_tokens/self", OnlyScopes: anyScope, Handle: personal(ownToken)},
		{Method: "GET", Path: "/personal_access_tokens/self/associations", OnlyScopes: anyScope, Spec: associations, Handle: personal(ownAssociations)},
		{Method: "DELETE", Path: "/personal_access_tokens/self", OnlyScopes: anyScope, Handle: personal(revokeOwn)},
		{Method: "POST", Path: "/personal_access_tokens/self/rotate", OnlyScopes: []string{"api", "self_rotate"}, Spec: rotate, Handle: rotateOwn},
		{Method: "GET", Path: "/personal_access_tokens", Spec: list, Handle: listTokens},
		{Method: "GET", Path: "/personal_access_tokens/{id}", Handle: oneToken},
		{Method: "POST", Path: "/personal_access_tokens/{id}/rotate", Spec: rotate, Handle: rotateToken},
		{Method: "DELETE", Path: "/personal_access_tokens/{id}", Handle: revokeToken},
		{Method: "POST", Path: "/users/{id}/personal_access_tokens", Access: rest.Administrator, Spec: newTokenSpec(), Handle: createForUser},
		{Method: "POST", Path: "/user/personal_access_tokens", Spec: newTokenSpec(), Handle: createOwn},
	}
}

func newTokenSpec() wire.Spec {
	return wire.Spec{Params: []wire.Param{
		{Name: "name", Required: true}, {Name: "description"}, {Name: "expires_at", Kind: wire.Date},
		{Name: "scopes", Kind: wire.List, Required: true, Values: people.Scopes()},
	}}
}

func tokenFilters() []wire.Param {
	out := []wire.Param{
		{Name: "revoked", Kind: wire.Boolean}, {Name: "state", Values: []string{"active", "inactive"}}, {Name: "search"},
		{Name: "sort", Values: []string{"created_asc", "created_desc", "expires_asc", "expires_desc", "last_used_asc", "last_used_desc", "name_asc", "name_desc"}},
	}
	for _, name := range []string{"created", "last_used", "expires"} {
		out = append(out, wire.Param{Name: name + "_after", Kind: wire.Time}, wire.Param{Name: name + "_before", Kind: wire.Time})
	}
	return out
}

func ownToken(r *rest.Request) (wire.Answer, error) { return wire.OK(r.Views.Token(r.Token)), nil }

func revokeOwn(r *rest.Request) (wire.Answer, error) {
	r.Token.Revoked = true
	return wire.NoContent(), nil
}

func rotateOwn(r *rest.Request) (wire.Answer, error) {
	if r.Token.Application != 0 {
		return wire.Answer{}, refuse.NotAllowedHere("405 Method Not Allowed")
	}
	return rotated(r, r.Token)
}

// personal refuses tokens that are no personal access tokens.
func personal(handle func(*rest.Request) (wire.Answer, error)) func(*rest.Request) (wire.Answer, error) {
	return func(r *rest.Request) (wire.Answer, error) {
		if r.Token.Application != 0 {
			return wire.Answer{}, refuse.BadRequest("This endpoint requires token type to be a personal access token")
		}
		return handle(r)
	}
}

// rotated rotates a token and answers 200 with the new secret.
func rotated(r *rest.Request, t *people.Token) (wire.Answer, error) {
	next, secret, err := r.W.People.Rotate(t, r.Params.Time("expires_at"), enforced(r, r.W.People.User(t.UserID)))
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.TokenWithSecret(next, secret)), nil
}

// enforced says whether a user's tokens must expire: always, but for service
// accounts of a paid top-level group that has cleared the setting.
func enforced(r *rest.Request, u *people.User) bool {
	if u == nil || u.Kind != people.ServiceAccount {
		return true
	}
	home := r.W.Places.Namespace(u.Provisioned.GroupID)
	if p := r.W.Places.Project(u.Provisioned.ProjectID); p != nil {
		home = r.W.Places.Namespace(p.NamespaceID)
	}
	if home == nil {
		return true
	}
	line := r.W.Places.Lineage(home)
	top := line[len(line)-1]
	return !top.Plan.Paid() || top.RequireServiceExpiry
}

func listTokens(r *rest.Request) (wire.Answer, error) {
	id := r.Params.Int("user_id")
	if !r.Admin() {
		if r.Params.Given("user_id") && id != r.Caller.ID {
			return wire.Answer{}, refuse.Anonymous()
		}
		id = r.Caller.ID
	}
	found := r.W.People.Tokens(func(t *people.Token) bool { return (id == 0 || t.UserID == id) && tokenWanted(r, t) })
	sortTokens(found, r.Params.String("sort"))
	return rest.Paged(r, found, r.Views.Token)
}

func tokenWanted(r *rest.Request, t *people.Token) bool {
	p := r.Params
	active := t.Active(r.W.Now())
	switch {
	case p.Given("revoked") && p.Bool("revoked") != t.Revoked:
		return false
	case p.String("state") == "active" && !active, p.String("state") == "inactive" && active:
		return false
	case !strings.Contains(strings.ToLower(t.Name), strings.ToLower(p.String("search"))):
		return false
	}
	return within(p, "created", &t.CreatedAt) && within(p, "last_used", t.LastUsedAt) && within(p, "expires", t.ExpiresAt)
}

// within holds a moment to the parameters <name>_after and <name>_before.
func within(p wire.Params, name string, at *time.Time) bool {
	after, before := p.Time(name+"_after"), p.Time(name+"_before")
	if after == nil && before == nil {
		return true
	}
	return at != nil && (after == nil || !at.Before(*after)) && (before == nil || !at.After(*before))
}

func sortTokens(tokens []*people.Token, order string) {
	key := func(t *people.Token) string {
		switch {
		case strings.HasPrefix(order, "name"):
			return t.Name
		case strings.HasPrefix(order, "expires") && t.ExpiresAt != nil:
			return t.ExpiresAt.Format(time.RFC3339)
		case strings.HasPrefix(order, "last_used") && t.LastUsedAt != nil:
			return t.LastUsedAt.Format(time.RFC3339)
		}
		return ""
	}
	slices.SortStableFunc(tokens, func(a, b *people.Token) int { return strings.Compare(key(a), key(b)) })
	if strings.HasSuffix(order, "_desc") {
		slices.Reverse(tokens)
	}
}

// tokenInPath finds a token the caller may see: not theirs or missing is 401,
// for administrators 404.
func tokenInPath(r *rest.Request) (*people.Token, error) {
	id, err := r.PathInt("id")
	if err != nil {
		return nil, err
	}
	t := r.W.People.Token(id)
	switch {
	case r.Admin() && t == nil:
		return nil, refuse.NotFound("Personal Access Token")
	case !r.Admin() && (t == nil || t.UserID != r.Caller.ID):
		return nil, refuse.Anonymous()
	}
	return t, nil
}

func oneToken(r *rest.Request) (wire.Answer, error) {
	t, err := tokenInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return wire.OK(r.Views.Token(t)), nil
}

func rotateToken(r *rest.Request) (wire.Answer, error) {
	t, err := tokenInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return rotated(r, t)
}

func revokeToken(r *rest.Request) (wire.Answer, error) {
	t, err := tokenInPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	t.Revoked = true
	return wire.NoContent(), nil
}

// grantOf reads what a new token is to be.
func grantOf(r *rest.Request, u *people.User) people.Grant {
	return people.Grant{
		Name: r.Params.String("name"), Description: r.Params.String("description"), Scopes: r.Params.Strings("scopes"),
		ExpiresAt: r.Params.Time("expires_at"), Enforced: enforced(r, u),
	}
}

func createForUser(r *rest.Request) (wire.Answer, error) {
	u, err := userInPath(r, "id")
	if err != nil {
		return wire.Answer{}, err
	}
	return granted(r, u)
}

// granted makes a token; faults are 422 with GitLab's full messages.
func granted(r *rest.Request, u *people.User) (wire.Answer, error) {
	t, secret, err := r.W.People.Issue(u, grantOf(r, u))
	if err != nil {
		return wire.Answer{}, refuse.Unprocessably(people.Sentence(err))
	}
	return wire.Created(r.Views.TokenWithSecret(t, secret)), nil
}

// createOwn makes a token for the caller; GitLab allows only these two scopes.
func createOwn(r *rest.Request) (wire.Answer, error) {
	for _, s := range r.Params.Strings("scopes") {
		if s != "k8s_proxy" && s != "self_rotate" {
			return wire.Answer{}, wire.Problem(http.StatusBadRequest, "scopes does not have a valid value")
		}
	}
	return granted(r, r.Caller)
}
