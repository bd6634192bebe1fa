package rest

import (
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

var rotatePath = regexp.MustCompile(`access_tokens/(\d+|self)/rotate$`)

// Secret gives the token a request carries, "" when it carries none.
func Secret(r *http.Request, params wire.Values) string {
	if secret := r.Header.Get("PRIVATE-TOKEN"); secret != "" {
		return secret
	}
	if secret, _ := params["private_token"].(string); secret != "" {
		return secret
	}
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(secret)
	}
	if _, secret, ok := r.BasicAuth(); ok {
		return secret
	}
	secret, _ := params["access_token"].(string)
	return secret
}

// Identity is who calls.
type Identity struct {
	User  *people.User
	Token *people.Token
}

// Identify finds out who calls, without asking what for. A token that does not
// exist is refused even where nobody need be signed in.
func Identify(w *world.World, r *http.Request, params wire.Values) (Identity, error) {
	secret := Secret(r, params)
	if secret == "" {
		return Identity{}, nil
	}
	t := w.People.BySecret(secret)
	if t == nil && r.Header.Get("PRIVATE-TOKEN") == "" && params["private_token"] == nil {
		t = w.Grants.BySecret(secret) // OAuth tokens are no private tokens
	}
	if t == nil {
		return Identity{}, refuse.Anonymous()
	}
	return Identity{User: w.People.User(t.UserID), Token: t}, nil
}

// Admit checks that an identity may call a route, in GitLab's order: expired,
// revoked, scope, then the state of the account.
func (id Identity) Admit(w *world.World, route Route, r *http.Request, base string) error {
	if id.Token == nil {
		if route.Access == Anyone {
			return nil
		}
		return refuse.Anonymous()
	}
	if err := id.checkToken(w, route, r); err != nil {
		return err
	}
	if reason := id.User.Barred(base); reason != "" {
		return refuse.Denied(reason)
	}
	w.People.Used(id.Token, address(r))
	if route.Access == Administrator && !id.User.Admin {
		return refuse.Denied("")
	}
	return nil
}

func (id Identity) checkToken(w *world.World, route Route, r *http.Request) error {
	t := id.Token
	switch {
	case t.Expired(w.Now()):
		return wire.InvalidToken("Token is expired. You can either do re-authorization or token refresh.")
	case t.Revoked:
		if rotatePath.MatchString(r.URL.Path) {
			w.People.RevokeFamily(t)
		}
		return wire.InvalidToken("Token was revoked. You have to re-authorize from the user.")
	case id.User == nil:
		return refuse.Anonymous()
	}
	scopes := route.ScopeNames()
	if scopes[0] != "*" && !t.Allows(scopes) {
		return wire.InsufficientScope(strings.Join(scopes, " "))
	}
	return nil
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Sudo lets an administrator act as another user, named in the header or
// parameter by id or user name; who is the administrator calling.
func Sudo(w *world.World, id Identity, r *http.Request, params wire.Values) (Identity, error) {
	name := r.Header.Get("Sudo")
	if name == "" {
		name, _ = params["sudo"].(string)
	}
	if name == "" || id.User == nil {
		return id, nil
	}
	switch {
	case !id.User.Admin:
		return id, refuse.Denied("Must be admin to use sudo")
	case !id.Token.Allows([]string{"sudo"}):
		return id, wire.InsufficientScope("sudo")
	}
	who := w.People.ByUsername(name)
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		who = w.People.User(n)
	}
	if who == nil {
		return id, refuse.NotFound("User with ID or username '" + name + "'")
	}
	return Identity{User: who, Token: id.Token}, nil
}
