package entry

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// door is where people sign in. Who is signed in goes where they wanted to go.
func (a *area) door(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	next := r.URL.Query().Get("next")
	if g.Who.Known() {
		return site.Answer{To: next}, nil
	}
	return site.Answer{Page: a.signInPage(SignInData{Next: next})}, nil
}

func (a *area) signInPage(d SignInData) SignIn {
	for _, p := range a.Providers.Providers() {
		to := "/signin/oidc/" + p.Name
		if d.Next != "" {
			to += "?next=" + url.QueryEscape(d.Next)
		}
		d.Providers = append(d.Providers, ui.Link{Text: p.Title, URL: to})
	}
	return NewSignIn(d)
}

func (a *area) signIn(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	d := SignInData{Address: strings.TrimSpace(r.PostForm.Get("address")), Next: r.PostForm.Get("next"), Faults: map[string]string{}}
	password := r.PostForm.Get("password")
	if d.Address == "" {
		d.Faults["address"] = "write your e-mail address"
	}
	if password == "" {
		d.Faults["password"] = "write your password"
	}
	if len(d.Faults) > 0 {
		return site.Answer{Page: a.signInPage(d)}, nil
	}
	o, err := a.Desk.SignIn(r.Context(), d.Address, credential.NewSecret(password), from(r))
	if err != nil {
		why := a.trouble(err)
		if d.Trouble = why.text; d.Trouble == "" {
			return site.Answer{}, err
		}
		return site.Answer{Page: a.signInPage(d), Status: why.status, After: why.after}, nil
	}
	return a.entered(r, g, o, d.Next)
}

// trouble is why nobody is let in, and how it is answered.
type trouble struct {
	text   string // for people; empty: something went wrong
	status int
	after  time.Duration // when to try again; 0: at once
}

// busy is when to try again after too many came at once.
const busy = 5 * time.Second

func (a *area) trouble(err error) trouble {
	if t, ok := errors.AsType[signin.Throttled](err); ok {
		wait := max(time.Second, t.Until.Sub(a.Clock()))
		return trouble{Throttled(wait, t.Until), http.StatusTooManyRequests, wait}
	}
	switch {
	case errors.Is(err, signin.ErrWrong):
		return trouble{text: "The address or the password is not right. Try again, or ask an admin for a link to choose a new password.", status: http.StatusUnprocessableEntity}
	case errors.Is(err, ErrBusy):
		return trouble{"Many people sign in at this moment. Nothing is wrong: try again in some seconds.", http.StatusServiceUnavailable, busy}
	}
	return trouble{}
}

// Throttled says for how long nobody is let in, and until when: whoever reads it later
// knows from the time.
func Throttled(wait time.Duration, until time.Time) string {
	n, unit := int(math.Ceil(wait.Seconds())), "second"
	if n > 90 {
		n, unit = int(math.Ceil(wait.Minutes())), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("There were too many attempts. Nobody is kept out for long: try again in %d %s, at %s.", n, unit, until.UTC().Format("15:04:05 UTC"))
}

func (a *area) signOut(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	if g.Who.Session.ID != 0 {
		if err := a.Own.End(r.Context(), g.Who, g.Who.Session.ID); err != nil && !errors.Is(err, signin.ErrNotKnown) {
			return site.Answer{}, err
		}
	}
	return site.Answer{To: "/signin", Notice: ui.Notice{Text: "You are signed out.", Tone: ui.Good}, Cookies: []*http.Cookie{noSession(r)}}, nil
}

// link shows the page that a link leads to. It is not spent by that: programs that
// look through mails open links too.
func (a *area) link(kind signin.LinkKind) func(*http.Request, site.Guest, *ui.Shell) (site.Answer, error) {
	return func(r *http.Request, _ site.Guest, s *ui.Shell) (site.Answer, error) {
		d, answer, err := a.opened(r, kind, r.URL.Query().Get("link"), s)
		if err != nil || answer.Page != nil {
			return answer, err
		}
		return site.Answer{Page: NewSetUp(d)}, nil
	}
}

// opened looks at a link. An answer with a page says why it does not work.
func (a *area) opened(r *http.Request, kind signin.LinkKind, value string, s *ui.Shell) (SetUpData, site.Answer, error) {
	s.Bare, s.Nav = true, nil // it is about somebody who is not signed in, whoever is
	d := SetUpData{Link: value, First: kind == signin.LinkSetup, Faults: map[string]string{}, Fields: map[string]string{}}
	_, p, err := a.Desk.Link(r.Context(), kind, credential.NewSecret(value))
	if errors.Is(err, signin.ErrLink) {
		answer, err := problem(s, http.StatusGone, *Useless(err))
		return d, answer, err
	}
	s.Lead = "You are the first here. This account looks after the installation and its first tenant."
	if !d.First {
		s.Lead, d.Address = "For "+p.Label()+".", p.Email
	}
	return d, site.Answer{}, err
}

// Useless is the problem of a link that does not work.
func Useless(err error) *ui.Problem {
	why, next, _ := strings.Cut(strings.TrimPrefix(err.Error(), signin.ErrLink.Error()+": "), "; ")
	return &ui.Problem{
		Title: "This link does not work", Text: sentence(why), Next: sentence(next),
		Action: &ui.Action{Text: "Go to the sign-in", URL: "/signin"},
	}
}

// sentence is what an error says as a sentence of a page.
func sentence(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(text, "`", "")), ".")
	if text == "" {
		return ""
	}
	return capital(text) + "."
}

// capital is the text as a sentence begins.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

func (a *area) setUp(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	link := r.PostForm.Get("link")
	d, answer, err := a.opened(r, signin.LinkSetup, link, s)
	if err != nil || answer.Page != nil {
		return answer, err
	}
	n := Newcomer{Password: credential.NewSecret(r.PostForm.Get("password"))}
	d.Fields["name"], d.Fields["address"] = r.PostForm.Get("name"), strings.TrimSpace(r.PostForm.Get("address"))
	if n.Name, err = signin.CleanName(d.Fields["name"]); err != nil {
		d.Faults["name"] = err.Error()
	}
	if n.Address, err = signin.CleanEmail(d.Fields["address"]); err != nil {
		d.Faults["address"] = err.Error()
	}
	if n.Password.Empty() {
		d.Faults["password"] = "choose one of at least 12 characters"
	}
	if len(d.Faults) > 0 {
		return site.Answer{Page: NewSetUp(d)}, nil
	}
	o, err := a.Desk.SetUp(r.Context(), credential.NewSecret(link), n, from(r))
	if err != nil {
		return a.chosen(d, s, err)
	}
	answer, err = a.entered(r, g, o, "")
	answer.Notice = ui.Notice{Text: "The account is made, and you are signed in.", Tone: ui.Good}
	return answer, err
}

// chosen is what follows when a password, or who has it, was not taken.
func (a *area) chosen(d SetUpData, s *ui.Shell, err error) (site.Answer, error) {
	if f, ok := errors.AsType[*Fault](err); ok {
		d.Faults[f.Field] = f.Text
		return site.Answer{Page: NewSetUp(d)}, nil
	}
	if errors.Is(err, signin.ErrLink) {
		return problem(s, http.StatusGone, *Useless(err))
	}
	why := a.trouble(err)
	if d.Error = why.text; d.Error == "" {
		return site.Answer{}, err
	}
	return site.Answer{Page: NewSetUp(d), Status: why.status, After: why.after}, nil
}

func (a *area) reset(r *http.Request, _ site.Guest, s *ui.Shell) (site.Answer, error) {
	link, password := r.PostForm.Get("link"), credential.NewSecret(r.PostForm.Get("password"))
	d, answer, err := a.opened(r, signin.LinkReset, link, s)
	if err != nil || answer.Page != nil {
		return answer, err
	}
	if password.Empty() {
		d.Faults["password"] = "choose one of at least 12 characters"
		return site.Answer{Page: NewSetUp(d)}, nil
	}
	if err := a.Desk.Reset(r.Context(), credential.NewSecret(link), password, from(r)); err != nil {
		return a.chosen(d, s, err)
	}
	return site.Answer{To: "/signin", Notice: ui.Notice{Text: "The password is set, and all earlier sessions have ended. Sign in with it.", Tone: ui.Good}}, nil
}
