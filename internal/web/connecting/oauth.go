package connecting

import (
	"net/http"
	"strings"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// callback is where GitLab sends people back to.
const callback = root + "/oauth/callback"

func (a *area) oauth(to *site.Area) {
	for _, p := range integration.Catalog() {
		if p.SignIn != integration.ByOAuth {
			continue
		}
		v := view("Connect "+p.Name, "The connection", "connect integrations", role.IntegrationsWrite)
		at := root + "/connect/" + p.ID
		v.List = ui.Link{Text: "Begin anew", URL: at}
		to.Views[at] = made(v, func(r *http.Request, _ guest, _ *ui.Shell) (page.Page, error) {
			return page.NewConnect(page.ConnectData{Product: p, Given: map[string]string{"url": r.URL.Query().Get("url")}, Return: a.origin(r) + callback}), nil
		})
		to.Forms[at] = done(v, func(r *http.Request, g guest, shell *ui.Shell) (site.Answer, error) { return a.leave(r, g, shell, p) })
		to.Leads[callback] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
			id, err := a.OAuth.Answer(r.Context(), g, r.URL.Query())
			return site.Answer{To: page.AttemptPath(id)}, err
		})
	}
}

// leave leads to GitLab's page, by a page of ours.
func (a *area) leave(r *http.Request, g guest, shell *ui.Shell, p integration.Product) (site.Answer, error) {
	w := Want{
		Product: p, URL: r.PostFormValue("url"), Return: a.origin(r) + callback,
		Application: strings.TrimSpace(r.PostFormValue("application_id")), Key: credential.NewSecret(strings.TrimSpace(r.PostFormValue("application_secret"))),
	}
	link, host, err := a.OAuth.Ask(r.Context(), g, w)
	if err != nil {
		return again(p, w, w.Return, err)
	}
	shell.Title = "Go on to GitLab"
	return site.Answer{Page: page.Leave{Host: host, URL: link, Back: root}, Status: http.StatusOK}, nil
}
