// Package entry is the way in: signing in and out, the links that let somebody in
// once, the first steps, and what people see of their own account.
//
// What always holds: an answer never says whether it was the address or the password
// that is wrong; the value of a session is in a cookie that no script reads, and
// nowhere else; where people go afterwards is a page of this server; a password that
// was typed is never written into a page.
package entry

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"time"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the pages here.
func Templates() embed.FS { return files }

// From is where somebody signs in from.
type From struct{ Address, Agent string }

// Opened is a session that began.
type Opened struct {
	Value   credential.Secret
	Session signin.Session
	Person  signin.Person
}

// Newcomer is whom a link to set up makes.
type Newcomer struct {
	Address, Name string
	Password      credential.Secret
}

// Fault is what is wrong with one field of a form.
type Fault struct{ Field, Text string }

// Error names the field and says what is wrong with it.
func (f *Fault) Error() string { return f.Field + ": " + f.Text }

// ErrBusy says that too many passwords are looked at already.
var ErrBusy = errors.New("too many people sign in at this moment")

// Desk lets people in. Its errors are those of package signin, ErrBusy and *Fault.
type Desk interface {
	SignIn(ctx context.Context, address string, password credential.Secret, from From) (Opened, error)
	// Link is what a link is for, and whose password it is about, without spending it.
	Link(ctx context.Context, kind signin.LinkKind, value credential.Secret) (signin.Link, signin.Person, error)
	SetUp(ctx context.Context, link credential.Secret, n Newcomer, from From) (Opened, error)
	Reset(ctx context.Context, link, password credential.Secret, from From) error
}

// Own is what people do with their own account. Its errors are those of package
// signin, ErrBusy and *Fault.
type Own interface {
	// Sessions are those that are not over, the latest first.
	Sessions(ctx context.Context, who signin.Who) ([]signin.Session, error)
	// End ends one of them; signin.ErrNotKnown: there is none of that number.
	End(ctx context.Context, who signin.Who, session int64) error
	ChangePassword(ctx context.Context, who signin.Who, was, is credential.Secret) error
	// Rename gives them another name, which signin.CleanName has read.
	Rename(ctx context.Context, who signin.Who, name string) error
	// Begins says that somebody works in a tenant that is connected to nothing yet,
	// and may connect it.
	Begins(ctx context.Context, p signin.Person) bool
}

// Provider is one to sign in with instead of a password.
type Provider struct{ Name, Title string }

// Providers are the OpenID Connect providers. r says at which address cxm is; the
// errors are those of package signin and *Failure.
type Providers interface {
	Providers() []Provider
	// Begin says where the browser is sent, and what it keeps until it comes back.
	Begin(r *http.Request, name string) (to string, attempt credential.Secret, err error)
	Finish(r *http.Request, name string, attempt credential.Secret, answer url.Values, from From) (Opened, error)
}

// Parts are what the area stands on.
type Parts struct {
	Desk      Desk
	Own       Own
	Providers Providers
	Clock     func() time.Time
}

type area struct{ Parts }

// New makes the area.
func New(parts Parts) site.Area {
	a := &area{parts}
	return site.Area{Templates: files, Leads: a.leads(), Forms: a.forms(), Views: a.views()}
}

func (a *area) views() map[string]site.View {
	return map[string]site.View{
		"/welcome": {
			Title: "Welcome to cxm", Lead: "It turns what your cloud reports into GitLab issues that stay true.",
			What: "The first steps", May: "see the first steps", Needs: role.Read, Make: a.welcome,
		},
		"/account": {Title: "Your account", What: "Your account", Own: true, Make: a.account},
	}
}

func (a *area) leads() map[string]site.Form {
	in := ui.Link{Text: "Go to the sign-in", URL: "/signin"}
	open := func(title string, do func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error)) site.Form {
		return site.Form{View: site.View{Title: title, What: "The sign-in", Open: true, List: in}, Do: do}
	}
	return map[string]site.Form{
		"/signin":                      open("Sign in", a.door),
		"/signin/oidc/{name}":          open("Sign in", a.begin),
		"/signin/oidc/{name}/callback": open("Sign in", a.finish),
		"/setup":                       open("Set up cxm", a.link(signin.LinkSetup)),
		"/reset":                       open("Choose a password", a.link(signin.LinkReset)),
	}
}

func (a *area) forms() map[string]site.Form {
	in, own := ui.Link{Text: "Go to the sign-in", URL: "/signin"}, ui.Link{Text: "Go to your account", URL: "/account"}
	account := site.View{Title: "Your account", What: "Your account", Own: true, List: own}
	return map[string]site.Form{
		"/signin":               {View: site.View{Title: "Sign in", What: "The sign-in", Open: true, List: in}, Do: a.signIn},
		"/signout":              {View: site.View{Title: "Sign out", What: "The sign-out", Open: true, List: in}, Do: a.signOut},
		"/setup":                {View: site.View{Title: "Set up cxm", What: "The account", Open: true, List: in}, Do: a.setUp},
		"/reset":                {View: site.View{Title: "Choose a password", What: "The password", Open: true, List: in}, Do: a.reset},
		"/tenant":               {View: site.View{Title: "Another tenant", What: "This tenant", Own: true, List: ui.Link{Text: "Go to the overview", URL: "/"}}, Do: a.tenant},
		"/account/name":         {View: account, Do: a.rename},
		"/account/password":     {View: account, Do: a.changePassword},
		"/account/session/end":  {View: account, Do: a.endSession},
		"/account/sessions/end": {View: account, Do: a.endOthers},
	}
}

func from(r *http.Request) From { return From{Address: web.Client(r), Agent: r.UserAgent()} }

// entered is what follows when somebody was let in: their cookie, and where they
// wanted to go.
func (a *area) entered(r *http.Request, g site.Guest, o Opened, next string) (site.Answer, error) {
	if g.Who.Session.ID != 0 { // whoever was signed in in this browser is not any more
		if err := a.Own.End(r.Context(), g.Who, g.Who.Session.ID); err != nil && !errors.Is(err, signin.ErrNotKnown) {
			return site.Answer{}, err
		}
	}
	to := site.Local(next)
	if to == "/" && a.Own.Begins(r.Context(), o.Person) {
		to = "/welcome"
	}
	return site.Answer{To: to, Cookies: []*http.Cookie{session(r, o, a.Clock())}}, nil
}

// problem is an answer that has only a problem to show.
func problem(s *ui.Shell, status int, p ui.Problem) (site.Answer, error) {
	s.Problem = &p
	return site.Answer{Page: page.Nothing{}, Status: status}, nil
}
