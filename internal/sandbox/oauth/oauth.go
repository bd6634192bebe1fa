// Package oauth is the sandbox's OAuth 2.0: the applications of the instance,
// the pages where a person signs in and agrees, and the endpoints where codes
// and refresh tokens become tokens, with doorkeeper's answers and errors as
// GitLab configures it (config/initializers/doorkeeper.rb).
//
// What always holds: only people sign in, never a service account; nothing is
// sent to an address that the application has not registered. One thing is
// stricter than in GitLab: an application that is not confidential must use
// PKCE, and only S256 is known.
package oauth

import (
	"net/http"
	"strings"

	"cxm/internal/sandbox/oauth/grant"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/refuse"
)

// Routes gives the API's routes: the administrator's applications.
func Routes() []rest.Route {
	create := wire.Spec{Params: []wire.Param{
		{Name: "name", Required: true}, {Name: "redirect_uri", Required: true},
		{Name: "scopes", Required: true, NotBlank: true}, {Name: "confidential", Kind: wire.Boolean, Default: true},
	}}
	return []rest.Route{
		{Method: "GET", Path: "/applications", Access: rest.Administrator, Handle: listApplications},
		{Method: "POST", Path: "/applications", Access: rest.Administrator, Spec: create, Handle: createApplication},
		{Method: "DELETE", Path: "/applications/{id}", Access: rest.Administrator, Handle: deleteApplication},
		{Method: "POST", Path: "/applications/{id}/renew-secret", Access: rest.Administrator, Handle: renewSecret},
	}
}

// application is GitLab's entity (lib/api/entities/application.rb). Secret is
// set in answers to making and renewing alone.
type application struct {
	ID           int64    `json:"id"`
	UID          string   `json:"application_id"`
	Name         string   `json:"application_name"`
	Callback     string   `json:"callback_url"`
	Confidential bool     `json:"confidential"`
	Scopes       []string `json:"scopes"`
	Secret       string   `json:"secret,omitempty"`
}

func view(a *grant.Application) application {
	return application{ID: a.ID, UID: a.UID, Name: a.Name, Callback: a.Redirect(), Confidential: a.Confidential, Scopes: a.Scopes}
}

func listApplications(r *rest.Request) (wire.Answer, error) {
	out := []application{}
	for _, a := range r.W.Grants.Applications() {
		out = append(out, view(a))
	}
	return wire.OK(out), nil
}

func createApplication(r *rest.Request) (wire.Answer, error) {
	p := r.Params
	a, secret, err := r.W.Grants.Add(p.String("name"), p.String("redirect_uri"), p.String("scopes"), p.Bool("confidential"))
	if err != nil {
		return wire.Answer{}, err
	}
	out := view(a)
	out.Secret = secret
	return wire.Created(out), nil
}

func inPath(r *rest.Request) (*grant.Application, error) {
	id, err := r.PathInt("id")
	if err != nil {
		return nil, err
	}
	a := r.W.Grants.Application(id)
	if a == nil {
		return nil, refuse.NotFound("Application")
	}
	return a, nil
}

func deleteApplication(r *rest.Request) (wire.Answer, error) {
	a, err := inPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	r.W.Grants.Remove(a)
	return wire.NoContent(), nil
}

func renewSecret(r *rest.Request) (wire.Answer, error) {
	a, err := inPath(r)
	if err != nil {
		return wire.Answer{}, err
	}
	out := view(a)
	out.Secret = r.W.Grants.Renew(a)
	return wire.Created(out), nil
}

// Call is a request to one of the endpoints. Its handler runs while the world's
// lock is held.
type Call struct {
	W     *world.World
	HTTP  *http.Request
	Sent  wire.Values // query and body
	Base  string      // the instance's URL without a slash at the end
	Site  *Site
	Actor *people.User // who was found to be signed in, for the record
}

// text gives a parameter, "" when it is absent.
func (c *Call) text(name string) string {
	s, _ := c.Sent[name].(string)
	return s
}

// within gives a parameter of a nested form: user[login].
func (c *Call) within(outer, name string) string {
	object, _ := c.Sent[outer].(map[string]any)
	s, _ := object[name].(string)
	return s
}

// credentials gives client_id and client_secret: of the Authorization header, or
// of the parameters.
func (c *Call) credentials() (uid, secret string) {
	if uid, secret, ok := c.HTTP.BasicAuth(); ok {
		return uid, secret
	}
	return c.text("client_id"), c.text("client_secret")
}

// bearer gives the access token a call carries.
func (c *Call) bearer() string {
	if secret := c.text("access_token"); secret != "" {
		return secret
	}
	if secret, ok := strings.CutPrefix(c.HTTP.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(secret)
	}
	return c.text("bearer_token")
}

// Endpoint is one address outside the API.
type Endpoint struct {
	Method, Path string
	Handle       func(*Call) wire.Answer
}

// Endpoints gives the addresses outside the API.
func Endpoints() []Endpoint {
	return []Endpoint{
		{"GET", "/users/sign_in", signInPage},
		{"POST", "/users/sign_in", signIn},
		{"GET", "/oauth/authorize", authorizePage},
		{"POST", "/oauth/authorize", decide},
		{"POST", "/oauth/token", token},
		{"POST", "/oauth/revoke", revoke},
		{"GET", "/oauth/token/info", tokenInfo},
	}
}
