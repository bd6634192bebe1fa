package connecting

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/credential"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// about is a page about one integration, which is asked for first.
type about struct {
	id  int64
	in  api.Integration
	g   guest
	req *http.Request
}

// one has the page or the form of an integration, by its title; %s in it is the
// integration's name.
func one(title string, needs role.Permission, may string) site.View {
	return view(title, "The integration", may, needs)
}

// find finds the integration that an address is about, and says so in the shell.
func (a *area) find(r *http.Request, g guest, shell *ui.Shell) (about, error) {
	n, err := id(r)
	if err != nil {
		return about{}, err
	}
	in, err := g.API.Integrations.Integration(r.Context(), n)
	if err != nil {
		return about{}, told(err)
	}
	shell.Trail = append(shell.Trail, ui.Link{Text: in.Project.Path, URL: at(n)})
	shell.Title = fmt.Sprintf(shell.Title, in.Project.Path)
	return about{n, in, g, r}, nil
}

// both adds a page about an integration, and what its form does.
func (a *area) both(to *site.Area, path string, v site.View, show func(about, *ui.Shell) (page.Page, error), do func(about, *ui.Shell) (site.Answer, error)) {
	to.Views[root+"/{id}"+path] = made(v, func(r *http.Request, g guest, shell *ui.Shell) (page.Page, error) {
		x, err := a.find(r, g, shell)
		if err != nil {
			return nil, err
		}
		return show(x, shell)
	})
	to.Forms[root+"/{id}"+path] = done(v, func(r *http.Request, g guest, shell *ui.Shell) (site.Answer, error) {
		x, err := a.find(r, g, shell)
		if err != nil {
			return site.Answer{}, err
		}
		return do(x, shell)
	})
}

func (a *area) care(to *site.Area) {
	test := one("Test %s", role.Plan, "test integrations")
	to.Forms[root+"/{id}/test"] = done(test, a.test)
	to.Live[root+"/{id}/live"] = site.Live{View: view("", "The test", "see the integrations", role.Read), Send: a.watchTest}
	to.Files[root+"/{id}/namespaces"] = site.File{View: one("", role.IntegrationsWrite, ""), Write: a.placesOf(false)}
	to.Files[root+"/{id}/repositories"] = site.File{View: one("", role.IntegrationsWrite, ""), Write: a.placesOf(true)}
	credentials := func(title string) site.View {
		return one(title, role.CredentialsWrite, "change the tokens of integrations")
	}
	a.both(to, "/rotate", credentials("Rotate the token of %s"), func(x about, _ *ui.Shell) (page.Page, error) { return page.NewRotate(x.id, ""), nil }, rotate)
	a.both(to, "/replace", credentials("Replace the token of %s"), func(x about, _ *ui.Shell) (page.Page, error) { return replacing(x, "", ""), nil }, replace)
	a.both(to, "/schedule", credentials("When the token of %s is rotated"), showSchedule, schedule)
	change := func(title string) site.View { return one(title, role.IntegrationsWrite, "change integrations") }
	a.both(to, "/edit", change("Change %s"), a.showEdit, a.edit)
	a.both(to, "/disconnect", change("Disconnect %s"), func(x about, _ *ui.Shell) (page.Page, error) { return leaving(x, "") }, disconnect)
	a.both(to, "/review", one("Review the access of %s", role.ReviewsRecord, "record reviews"), showReview, record)
	a.both(to, "/owners", one("Who looks after %s", role.SettingsWrite, "change who looks after an account"), a.showOwners, a.setOwners)
}

// told is an error as the site tells it: what GitLab did not do is refused in its words,
// rather than a fault within cxm.
func told(err error) error {
	if p, ok := errors.AsType[*door.Problem](err); ok && p.Status == http.StatusBadGateway {
		return &site.Refusal{Text: sentence(p.Detail)}
	}
	return err
}

// refused is what a person is to be told of an error; not ok: it is a fault within cxm,
// or what is asked for is not there.
func refused(err error) (text string, ok bool) {
	if p, is := errors.AsType[*door.Problem](err); is && p.Status != http.StatusNotFound && (p.Status < http.StatusInternalServerError || p.Status == http.StatusBadGateway) {
		return sentence(p.Detail), true
	}
	if t, is := errors.AsType[*site.Refusal](err); is {
		return sentence(t.Text), true
	}
	return "", false
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return text
	}
	if strings.HasPrefix(text, "cxm") {
		return strings.TrimRight(text, ".") + "."
	}
	return strings.ToUpper(text[:1]) + strings.TrimRight(text[1:], ".") + "."
}

func (a *area) test(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
	n, err := id(r)
	if err != nil {
		return site.Answer{}, err
	}
	return site.Answer{To: at(n)}, a.Care.Test(r.Context(), g, n)
}

func (a *area) watchTest(r *http.Request, g guest, out *web.Stream) error {
	n, err := id(r)
	if err != nil {
		return err
	}
	return watch(r.Context(), out, at(n), func() (Testing, error) { return a.Care.Testing(r.Context(), g, n) })
}

func (a *area) placesOf(repositories bool) func(http.ResponseWriter, *http.Request, guest) error {
	return func(w http.ResponseWriter, r *http.Request, g guest) error {
		n, err := id(r)
		if err != nil {
			return offer(w, nil, false, err)
		}
		q := r.URL.Query()
		found, more, err := a.Care.Places(r.Context(), g, n, Ask{Repositories: repositories, Within: q.Get("within"), Text: q.Get("q")})
		return offer(w, found, more, err)
	}
}

// ended is the answer to a form: on to the integration, with a notice; or the form
// again with what is wrong.
func ended(x about, err error, good string, again func(trouble string) page.Page) (site.Answer, error) {
	if text, ok := refused(err); ok {
		return site.Answer{Page: again(text)}, nil
	}
	return site.Answer{To: at(x.id), Notice: ui.Notice{Text: good, Tone: ui.Good}}, err
}

func rotate(x about, _ *ui.Shell) (site.Answer, error) {
	now, err := x.g.API.Credentials.Rotate(x.req.Context(), x.id)
	good := "The token was rotated: GitLab has revoked the one before."
	if now.ExpiresAt != nil {
		good = fmt.Sprintf("The token was rotated: the new one works until %s, and GitLab has revoked the one before.", now.ExpiresAt.Format("2006-01-02"))
	}
	return ended(x, err, good, func(trouble string) page.Page { return page.NewRotate(x.id, trouble) })
}

func replacing(x about, trouble, fault string) page.Confirm {
	return NewReplace(ReplaceData{x.id, x.in.Project.Path, x.in.Account.Username, x.req.PostFormValue("other") != "", trouble, fault})
}

// ReplaceData is what the form for another token is made from.
type ReplaceData struct {
	ID               int64
	Project, Account string
	Other            bool   // it may belong to another account
	Trouble, Fault   string // about the whole, and about the token
}

// NewReplace asks for another token. The one that was typed is never shown again.
func NewReplace(d ReplaceData) page.Confirm {
	return page.Confirm{
		What: []string{
			"cxm asks GitLab whose the token is, and whether it reaches " + d.Project + ". If not, nothing is changed.",
			"It is sealed and used at once, and the one before is forgotten. GitLab does not revoke that: do so there.",
			"What waited for a token goes on by itself.",
		},
		Form: ui.Form{ID: "replace", Action: at(d.ID) + "/replace", Submit: "Replace the token", Cancel: at(d.ID), Error: d.Trouble, Fields: []ui.Field{
			{Name: "token", Label: "Personal Access Token", Type: "password", Required: true, Autocomplete: "off", Focus: true, Error: d.Fault, Hint: "Of " + d.Account + ". It is never shown again."},
			{Name: "other", Label: "It may belong to another account", Type: "checkbox", Checked: d.Other, Hint: "cxm then acts as that account from now on."},
		}},
	}
}

func replace(x about, _ *ui.Shell) (site.Answer, error) {
	token, err := credential.Clean(x.req.PostFormValue("token"))
	if err != nil {
		return site.Answer{Page: replacing(x, "", err.Error())}, nil
	}
	_, err = x.g.API.Credentials.Replace(context.WithoutCancel(x.req.Context()), x.id, token, x.req.PostFormValue("other") != "")
	return ended(x, err, "The token was replaced, and cxm uses the new one.", func(trouble string) page.Page { return replacing(x, trouble, "") })
}

// NewSchedule asks how often the token of an integration is rotated.
func NewSchedule(id int64, value, trouble, fault string) page.Confirm {
	return page.Confirm{
		What: []string{"cxm has GitLab make the token's successor after so many days, and in any case before it expires."},
		Form: ui.Form{ID: "schedule", Action: at(id) + "/schedule", Submit: "Save", Cancel: at(id), Error: trouble, Fields: []ui.Field{
			{Name: "days", Label: "Days between two rotations", Value: value, Required: true, Autocomplete: "off", Focus: true, Error: fault, Hint: "1 to 365; 90 is usual. 0: only before the token expires."},
		}},
	}
}

func showSchedule(x about, _ *ui.Shell) (page.Page, error) {
	now, err := x.g.API.Credentials.Credential(x.req.Context(), x.id)
	value := "0"
	if now.RotateDays != nil {
		value = strconv.Itoa(*now.RotateDays)
	}
	return NewSchedule(x.id, value, "", ""), told(err)
}

func schedule(x about, _ *ui.Shell) (site.Answer, error) {
	value := strings.TrimSpace(x.req.PostFormValue("days"))
	days, bad := strconv.Atoi(value)
	if bad != nil || days < 0 || days > 365 {
		return site.Answer{Page: NewSchedule(x.id, value, "", "write a number of days from 0 to 365")}, nil //nolint:nilerr // it is for who typed it
	}
	_, err := x.g.API.Credentials.Schedule(x.req.Context(), x.id, days)
	good := fmt.Sprintf("The token is rotated every %d days.", days)
	if days == 0 {
		good = "The token is rotated only before it expires."
	}
	return ended(x, err, good, func(trouble string) page.Page { return NewSchedule(x.id, value, trouble, "") })
}

func leaving(x about, trouble string) (page.Page, error) {
	l, err := x.g.API.Changes.Leaving(x.req.Context(), x.id)
	return page.NewDisconnect(page.DisconnectData{ID: x.id, Open: l.OpenIssues, Runs: l.Runs, Webhooks: l.Webhooks, Shared: len(l.Sharing) > 0, Trouble: trouble}), told(err)
}

func disconnect(x about, _ *ui.Shell) (site.Answer, error) {
	d, err := x.g.API.Changes.Disconnect(x.req.Context(), x.id, x.req.PostFormValue("revoke") != "")
	if text, ok := refused(err); ok {
		if !strings.HasPrefix(text, "Nothing was disconnected") {
			text = "Nothing was disconnected. " + text
		}
		p, err := leaving(x, text)
		return site.Answer{Page: p}, err
	}
	n := ui.Notice{Text: x.in.Project.Path + " is disconnected: cxm has forgotten the token. Issues stay as they are.", Tone: ui.Good}
	if d.Revoked {
		n.Text = x.in.Project.Path + " is disconnected, and GitLab has revoked the token. Issues stay as they are."
	}
	if len(d.Remarks) > 0 {
		n = ui.Notice{Text: n.Text + " " + sentence(strings.Join(d.Remarks, "; ")), Tone: ui.Warn}
	}
	return site.Answer{To: root, Notice: n}, err
}
