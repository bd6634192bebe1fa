package entry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"cxm/internal/api"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// welcome says how far the tenant is.
func (a *area) welcome(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	d := WelcomeData{MayConnect: g.May(role.IntegrationsWrite), MayDeliver: g.May(role.SourcesWrite), MayPlan: g.May(role.Plan)}
	connected, err := g.API.Integrations.Integrations(r.Context())
	if err != nil {
		return nil, err
	}
	if len(connected) > 0 {
		d.Connected, d.Integration = true, connected[0].ID
	}
	now, err := g.API.Status.Status(r.Context())
	if err != nil {
		return nil, err
	}
	f := now.Findings
	d.Delivered, d.Planned = f.Cost+f.System+f.Custom+f.Absent > 0, now.LastRun != nil || len(now.Waiting) > 0
	if !d.Delivered {
		scopes, err := g.API.Deliveries.Scopes(r.Context())
		if err != nil {
			return nil, err
		}
		d.Delivered = slices.ContainsFunc(scopes, func(s api.Scope) bool { return len(s.Pulls) > 0 })
	}
	return NewWelcome(d), nil
}

func (a *area) account(r *http.Request, g site.Guest, _ *ui.Shell) (page.Page, error) {
	return a.accountPage(r, g, nil, "")
}

func (a *area) accountPage(r *http.Request, g site.Guest, faults map[string]string, trouble string) (page.Page, error) {
	sessions, err := a.Own.Sessions(r.Context(), g.Who)
	d := AccountData{
		Person: g.Who.Person, Name: g.Who.Person.Name, Current: g.Who.Session, Sessions: sessions, Providers: a.Providers.Providers(), Faults: faults, Error: trouble,
	}
	if faults["name"] != "" {
		d.Name = r.PostForm.Get("name")
	}
	return NewAccount(d), err
}

func (a *area) rename(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	name, err := signin.CleanName(r.PostForm.Get("name"))
	if err != nil {
		return a.accountAgain(r, g, map[string]string{"name": err.Error()}, trouble{})
	}
	if err := a.Own.Rename(r.Context(), g.Who, name); err != nil {
		return site.Answer{}, refused(err)
	}
	return site.Answer{To: "/account", Notice: ui.Notice{Text: "You are called " + name + " from now on.", Tone: ui.Good}}, nil
}

func (a *area) changePassword(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	was, is := r.PostForm.Get("was"), r.PostForm.Get("is")
	faults := map[string]string{}
	if was == "" {
		faults["was"] = "write the password that you have now"
	}
	if is == "" {
		faults["is"] = "choose one of at least 12 characters"
	}
	if len(faults) > 0 {
		return a.accountAgain(r, g, faults, trouble{})
	}
	err := a.Own.ChangePassword(r.Context(), g.Who, credential.NewSecret(was), credential.NewSecret(is))
	if f, ok := errors.AsType[*Fault](err); ok {
		return a.accountAgain(r, g, map[string]string{"is": f.Text}, trouble{})
	}
	if errors.Is(err, signin.ErrWrong) {
		return a.accountAgain(r, g, map[string]string{"was": "this is not your password"}, trouble{})
	}
	if why := a.trouble(err); why.text != "" {
		return a.accountAgain(r, g, nil, why)
	}
	if err != nil {
		return site.Answer{}, refused(err)
	}
	return site.Answer{
		To: "/signin?next=%2Faccount", Cookies: []*http.Cookie{noSession(r)},
		Notice: ui.Notice{Text: "Your password is changed, and all your sessions have ended. Sign in with the new one.", Tone: ui.Good},
	}, nil
}

func (a *area) accountAgain(r *http.Request, g site.Guest, faults map[string]string, why trouble) (site.Answer, error) {
	p, err := a.accountPage(r, g, faults, why.text)
	return site.Answer{Page: p, Status: why.status, After: why.after}, err
}

// refused lets people read why they may not.
func refused(err error) error {
	if why, ok := errors.AsType[signin.Refused](err); ok {
		return &site.Refusal{Text: sentence(string(why))}
	}
	return err
}

func (a *area) endSession(r *http.Request, g site.Guest, s *ui.Shell) (site.Answer, error) {
	id, err := strconv.ParseInt(r.PostForm.Get("session"), 10, 64)
	switch {
	case err != nil || id < 1:
		return site.Answer{}, site.ErrMissing
	case id == g.Who.Session.ID:
		return a.signOut(r, g, s)
	}
	switch err := a.Own.End(r.Context(), g.Who, id); {
	case errors.Is(err, signin.ErrNotKnown):
		return site.Answer{}, &site.Refusal{Text: "This session is over already, or it is not yours. Nothing was changed."}
	case err != nil:
		return site.Answer{}, refused(err)
	}
	return site.Answer{To: "/account", Notice: ui.Notice{Text: "The session has ended. Whoever used it has to sign in again.", Tone: ui.Good}}, nil
}

// endOthers ends all sessions but this one.
func (a *area) endOthers(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	all, err := a.Own.Sessions(r.Context(), g.Who)
	ended := 0
	for _, s := range all {
		if err == nil && s.ID != g.Who.Session.ID {
			if err = a.Own.End(r.Context(), g.Who, s.ID); errors.Is(err, signin.ErrNotKnown) {
				err = nil // it is over
			}
			ended++
		}
	}
	text := fmt.Sprintf("%d other sessions have ended.", ended)
	if ended == 1 {
		text = "One other session has ended."
	}
	return site.Answer{To: "/account", Notice: ui.Notice{Text: text, Tone: ui.Good}}, err
}

// tenant goes to another tenant: one of those that somebody works in.
func (a *area) tenant(r *http.Request, g site.Guest, _ *ui.Shell) (site.Answer, error) {
	name := r.PostForm.Get("tenant")
	if !slices.Contains(g.Tenants, name) {
		return site.Answer{}, site.ErrMissing
	}
	return site.Answer{To: "/", Notice: ui.Notice{Text: "You are in the tenant " + name + " now.", Tone: ui.Info}, Cookies: []*http.Cookie{cookie(r, TenantCookie, name, 365*24*3600)}}, nil
}
