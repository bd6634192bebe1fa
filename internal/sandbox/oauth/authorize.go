package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cxm/internal/sandbox/oauth/grant"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/people"
)

// asked is an authorization request.
type asked struct {
	app    *grant.Application
	scopes []string
}

// check holds a request to what doorkeeper's PreAuthorization asks, in its order.
func check(c *Call) (asked, error) {
	var out asked
	if c.text("client_id") == "" {
		return out, grant.Missing("client_id")
	}
	if out.app = c.W.Grants.ByUID(c.text("client_id")); out.app == nil {
		return out, grant.BadClient()
	}
	if !out.app.Returns(c.text("redirect_uri")) {
		return out, &grant.Fault{Name: "invalid_redirect_uri", Description: "The redirect URI included is not valid."}
	}
	switch c.text("response_type") {
	case "":
		return out, grant.Missing("response_type")
	case "code":
	default:
		return out, &grant.Fault{Name: "unsupported_response_type", Description: "The authorization server does not support this response type."}
	}
	if out.scopes = strings.Fields(c.text("scope")); len(out.scopes) == 0 {
		out.scopes = []string{"api"} // Gitlab::Auth::DEFAULT_SCOPES
	}
	for _, s := range out.scopes {
		if !slices.Contains(out.app.Scopes, s) {
			return out, grant.BadScope()
		}
	}
	return out, checkChallenge(c, out.app)
}

func checkChallenge(c *Call, app *grant.Application) error {
	switch challenge, method := c.text("code_challenge"), c.text("code_challenge_method"); {
	case challenge == "" && !app.Confidential:
		return grant.Missing("code_challenge")
	case challenge != "" && method != "S256":
		return &grant.Fault{Name: "invalid_code_challenge_method", Description: "The code_challenge_method must be S256."}
	}
	return nil
}

// authorizePage asks the person who is signed in; who is not, signs in first.
func authorizePage(c *Call) wire.Answer {
	session := c.session()
	if session.user(c) == nil {
		session.back = c.HTTP.URL.RequestURI()
		return c.redirect("/users/sign_in", session)
	}
	ask, err := check(c)
	if err != nil {
		return c.page(http.StatusOK, session, pageView{Title: "An error has occurred", Fault: faultOf(err)})
	}
	if ask.app.Trusted || ask.app.Confidential && c.W.Grants.Agreed(ask.app, c.Actor.ID, ask.scopes) {
		return c.permitted(ask, session)
	}
	return c.page(http.StatusOK, session, pageView{Title: "Authorize " + ask.app.Name, Ask: c.askView(ask)})
}

// decide takes the person's yes, or with _method=delete their no.
func decide(c *Call) wire.Answer {
	session := c.session()
	switch {
	case session.user(c) == nil:
		return c.redirect("/users/sign_in", session)
	case !session.sent(c):
		return c.page(http.StatusUnprocessableEntity, session, pageView{Title: "The change you requested was rejected", Fault: "The form is not one of this session's: go back and try again."})
	}
	ask, err := check(c)
	switch {
	case err != nil:
		return c.page(http.StatusOK, session, pageView{Title: "An error has occurred", Fault: faultOf(err)})
	case c.text("_method") == "delete":
		return c.back(session, url.Values{"error": {"access_denied"}, "error_description": {"The resource owner or authorization server denied the request."}})
	}
	return c.permitted(ask, session)
}

// permitted sends the person back with a code.
func (c *Call) permitted(ask asked, s *session) wire.Answer {
	code := c.W.Grants.Permit(grant.Code{
		App: ask.app, User: c.Actor, Redirect: c.text("redirect_uri"), Scopes: ask.scopes, Challenge: c.text("code_challenge"),
	})
	return c.back(s, url.Values{"code": {code}})
}

// back sends the person to the redirect URI with values and the state.
func (c *Call) back(s *session, values url.Values) wire.Answer {
	if state := c.text("state"); state != "" {
		values.Set("state", state)
	}
	uri := c.text("redirect_uri")
	sep := "?"
	if strings.Contains(uri, "?") {
		sep = "&"
	}
	return s.keep(c, wire.Answer{Status: http.StatusFound}.Set("Location", uri+sep+values.Encode()))
}

func faultOf(err error) string {
	if f, ok := err.(*grant.Fault); ok { //nolint:errorlint // check makes it, nobody wraps it
		return f.Description
	}
	return err.Error()
}

// signIn takes user name and password.
func signIn(c *Call) wire.Answer {
	s := c.session()
	if !s.sent(c) {
		return c.page(http.StatusUnprocessableEntity, s, pageView{Title: "Sign in", SignIn: true, Fault: "The form is not one of this session's: try again."})
	}
	u := c.W.People.ByUsername(c.within("user", "login"))
	if fault := barred(c, u); fault != "" {
		return c.page(http.StatusOK, s, pageView{Title: "Sign in", SignIn: true, Fault: fault})
	}
	next := c.Site.renew(s, u.ID)
	c.Actor = u
	to := next.back
	next.back = ""
	if to == "" {
		to = "/"
	}
	return c.redirect(to, next)
}

// barred says why somebody may not sign in, "" if they may.
func barred(c *Call, u *people.User) string {
	switch {
	case u != nil && u.Bot():
		return "Invalid login or password. " + u.Username + " is a service account, and no service account signs in here: sign in as a person."
	case u == nil || !c.W.Grants.Knows(u.ID, c.within("user", "password")):
		return "Invalid login or password."
	}
	return u.Barred(c.Base)
}

func signInPage(c *Call) wire.Answer {
	return c.page(http.StatusOK, c.session(), pageView{Title: "Sign in", SignIn: true})
}
