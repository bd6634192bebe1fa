package entry

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"cxm/internal/signin"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// Kind is why a sign-in by a provider failed.
type Kind string

// The kinds of failures.
const (
	Unreachable Kind = "unreachable" // the provider does not answer, or not as one
	Lost        Kind = "lost"        // the answer is to no attempt of this browser
	Denied      Kind = "denied"      // the provider, or the person at it, said no
	Unproved    Kind = "unproved"    // the answer proves nothing
	Unprotected Kind = "unprotected" // cxm's own address has no TLS
)

// Failure is why a sign-in by a provider failed. Detail is for people, and may be
// empty.
type Failure struct {
	Kind   Kind
	Detail string
}

// Error says what failed, and how, for the log.
func (f *Failure) Error() string { return string(f.Kind) + ": " + f.Detail }

// known is the provider of a request.
func (a *area) known(r *http.Request) (Provider, bool) {
	all := a.Providers.Providers()
	i := slices.IndexFunc(all, func(p Provider) bool { return p.Name == r.PathValue("name") })
	if i < 0 {
		return Provider{}, false
	}
	return all[i], true
}

// begin sends somebody to a provider. It is a link and no form, since browsers do not
// let a form lead to another host.
func (a *area) begin(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	p, ok := a.known(r)
	next := r.URL.Query().Get("next")
	switch {
	case !ok:
		return site.Answer{}, site.ErrMissing
	case g.Who.Known():
		return site.Answer{To: next}, nil
	}
	to, value, err := a.Providers.Begin(r, p.Name)
	if err != nil {
		return failed(s, p, next, err)
	}
	return site.Answer{Away: to, Cookies: []*http.Cookie{attempt(r, value, next)}}, nil
}

// finish is where a provider sends somebody back to. The attempt is forgotten,
// whatever comes of it.
func (a *area) finish(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	p, ok := a.known(r)
	if !ok {
		return site.Answer{}, site.ErrMissing
	}
	value, next := attempted(r)
	o, err := a.Providers.Finish(r, p.Name, value, r.URL.Query(), from(r))
	var answer site.Answer
	if err == nil {
		answer, err = a.entered(r, g, o, next)
	} else {
		answer, err = failed(s, p, next, err)
	}
	answer.Cookies = append(answer.Cookies, noAttempt(r))
	return answer, err
}

// failed is the page that says why somebody was not let in, and what to do.
func failed(s *ui.Shell, p Provider, next string, err error) (site.Answer, error) {
	status, shown := Explained(p, next, err)
	if status == 0 {
		return site.Answer{}, err
	}
	s.Title = "Not signed in"
	return problem(s, status, shown)
}

// Explained is why nobody was let in, in words for people, and the status that says
// so; 0: something went wrong.
func Explained(p Provider, next string, err error) (int, ui.Problem) {
	again := "/signin/oidc/" + p.Name
	if next != "" {
		again += "?next=" + url.QueryEscape(next)
	}
	status, shown := explained(p, err)
	shown.Title, shown.Text = capital(shown.Title), capital(shown.Text)
	shown.Action = &ui.Action{Text: "Begin again", URL: again, Kind: "primary"}
	return status, shown
}

func explained(p Provider, err error) (int, ui.Problem) {
	switch {
	case errors.Is(err, signin.ErrNoGroup):
		return http.StatusForbidden, ui.Problem{
			Title: "None of your groups has a role here", Text: p.Title + " knows you, but you are in no group that gives a role in cxm. What your groups gave you before is taken away.",
			Next: "Ask an admin of cxm to map one of your groups to a role, or to have you put into one that is.",
		}
	case errors.Is(err, signin.ErrUnverified):
		return http.StatusForbidden, ui.Problem{
			Title: "Your address is not verified", Text: "Somebody here has your address already, and " + p.Title + " does not say that it is really yours.",
			Next: "Have the address verified there, or sign in with your password.",
		}
	case errors.Is(err, signin.ErrWrong):
		return http.StatusForbidden, ui.Problem{
			Title: "You are not let in", Text: p.Title + " knows you, but an admin of cxm keeps this account out.", Next: "Ask an admin of cxm.",
		}
	}
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		return 0, ui.Problem{}
	}
	status, shown := f.shown(p)
	if f.Detail != "" {
		shown.Text += " It said: " + f.Detail + "."
	}
	return status, shown
}

func (f *Failure) shown(p Provider) (int, ui.Problem) {
	switch f.Kind {
	case Unreachable:
		return http.StatusBadGateway, ui.Problem{
			Title: p.Title + " cannot be reached", Text: "cxm asked it, and got no answer that it could use. Nothing is wrong with your account.",
			Next: "Try again in a minute, or sign in with a password. If it stays so, tell an admin: cxm's log says more.",
		}
	case Lost:
		return http.StatusBadRequest, ui.Problem{
			Title: "This sign-in was begun elsewhere", Text: "It was begun in another browser or tab, more than ten minutes ago, or the browser keeps no cookies of cxm.",
			Next: "Begin again, and finish it in this browser.",
		}
	case Denied:
		return http.StatusForbidden, ui.Problem{
			Title: p.Title + " did not let you in", Text: "You, or the rules of " + p.Title + ", said no.",
			Next: "Begin again, or ask whoever looks after " + p.Title + " whether you may use cxm.",
		}
	case Unprotected:
		return http.StatusConflict, ui.Problem{
			Title: "cxm is not set up for this", Text: "Providers send people back to an address that begins with https:// only, and cxm does not know one of its own.",
			Next: "Open cxm at its https address. Else an admin sets server.public_url (CXM_PUBLIC_URL) in the configuration.",
		}
	}
	return http.StatusForbidden, ui.Problem{
		Title: "The answer of " + p.Title + " proves nothing", Text: "cxm could not verify who you are, and let nobody in.",
		Next: "Begin again. If it stays so, tell an admin what this page says.",
	}
}
