package connecting

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// patience is how long a form waits for what usually takes a moment, before it leads to
// a page on which one sees how far it is.
const patience = 8 * time.Second

func (a *area) tries(to *site.Area) {
	for _, p := range integration.Catalog() {
		if p.SignIn == integration.ByToken {
			v := view("Connect "+p.Name, "The connection", "connect integrations", role.IntegrationsWrite)
			at := root + "/connect/" + p.ID
			to.Views[at] = made(v, func(r *http.Request, _ guest, _ *ui.Shell) (page.Page, error) {
				return page.NewConnect(page.ConnectData{Product: p, Given: map[string]string{"url": r.URL.Query().Get("url"), "proxy": r.URL.Query().Get("proxy")}}), nil
			})
			to.Forms[at] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) { return a.begin(r, g, p) })
		}
	}
	v := view("Connect GitLab", "This connection", "connect integrations", role.IntegrationsWrite)
	v.List = ui.Link{Text: "Begin anew", URL: root}
	at := page.AttemptPath("{attempt}")
	to.Views[at] = made(v, a.try)
	to.Live[at+"/live"] = site.Live{View: v, Send: a.watchTry}
	to.Files[at+"/namespaces"] = site.File{View: v, Write: a.places(false)}
	to.Files[at+"/repositories"] = site.File{View: v, Write: a.places(true)}
	to.Forms[at+"/project"] = done(v, a.activate)
	to.Forms[at+"/again"] = done(v, func(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
		return site.Answer{To: page.AttemptPath(r.PathValue("attempt"))}, a.Tries.Again(r.Context(), g, r.PathValue("attempt"))
	})
}

// begin tests a connection with what was typed.
func (a *area) begin(r *http.Request, g guest, p integration.Product) (site.Answer, error) {
	w := Want{
		Product: p, URL: r.PostFormValue("url"), Token: credential.NewSecret(r.PostFormValue("token")),
		CA: strings.TrimSpace(r.PostFormValue("ca_file")), Proxy: strings.TrimSpace(r.PostFormValue("proxy")),
	}
	id, err := a.Tries.Begin(r.Context(), g, w)
	if err != nil {
		return again(p, w, "", err)
	}
	return site.Answer{To: page.AttemptPath(id)}, nil
}

// again is the form that connects, with what is wrong.
func again(p integration.Product, w Want, back string, err error) (site.Answer, error) {
	f, known := errors.AsType[*Fault](err)
	if !known {
		return site.Answer{}, err
	}
	return site.Answer{Page: page.NewConnect(page.ConnectData{
		Product: p, Given: map[string]string{"url": w.URL, "ca_file": w.CA, "proxy": w.Proxy, "application_id": w.Application}, Faults: f.Fields, Return: back,
	})}, nil
}

// try is a connection in the making.
func (a *area) try(r *http.Request, g guest, shell *ui.Shell) (page.Page, error) {
	id := r.PathValue("attempt")
	t, err := a.Tries.Try(r.Context(), g, id)
	if err != nil {
		return nil, err
	}
	shell.Title, shell.Lead = "Connect "+t.Product.Name, t.URL
	d := page.ChecksData{
		Groups: t.Groups(), Running: t.Running, Live: page.AttemptPath(id) + "/live", Attempt: id,
		Back:       root + "/connect/" + t.Product.ID + "?url=" + url.QueryEscape(t.URL),
		Namespaces: t.Namespaces, Projects: t.Projects, Given: t.Given, Faults: t.Fields, Error: t.Trouble, Warn: t.Warnings,
	}
	if t.Done != 0 {
		d.Done = &ui.Link{Text: t.Name, URL: at(t.Done)}
	} else if !t.Running {
		err = a.looked(r, g, id, &d)
	}
	return page.NewChecks(d), err
}

// looked puts in what was looked for without scripts.
func (a *area) looked(r *http.Request, g guest, id string, d *page.ChecksData) error {
	q := r.URL.Query()
	d.Looked = [2]string{q.Get("nq"), q.Get("q")}
	if within := q.Get("namespace"); within != "" {
		d.Given.Namespace = within
	}
	var err error
	if d.Looked[0] != "" {
		if d.Namespaces, _, err = a.Tries.Places(r.Context(), g, id, Ask{Text: d.Looked[0]}); err != nil {
			return err
		}
	}
	if d.Looked[1] != "" || q.Get("namespace") != "" {
		if d.Projects, _, err = a.Tries.Places(r.Context(), g, id, Ask{Repositories: true, Within: d.Given.Namespace, Text: d.Looked[1]}); err != nil {
			return err
		}
	}
	d.Namespaces = selected(d.Namespaces, d.Given.Namespace, "All that the account reaches")
	d.Projects = selected(d.Projects, d.Given.Project, "Choose a repository")
	return nil
}

// selected are options with the one that is chosen, which is among them in any case,
// and before them what stands for none.
func selected(all []ui.Option, value, none string) []ui.Option {
	out, found := []ui.Option{{Text: none}}, value == ""
	for _, o := range all {
		o.Selected = o.Value == value
		found = found || o.Selected
		out = append(out, o)
	}
	if !found {
		out = append(out, ui.Option{Value: value, Text: value, Selected: true})
	}
	return out
}

func (a *area) watchTry(r *http.Request, g guest, out *web.Stream) error {
	id := r.PathValue("attempt")
	return watch(r.Context(), out, page.AttemptPath(id), func() (Testing, error) {
		t, err := a.Tries.Try(r.Context(), g, id)
		return t.Testing, err
	})
}

// offered is what a combobox reads.
type offered struct {
	Options []option `json:"options"`
	More    bool     `json:"more"`
}

type option struct {
	Value    string `json:"value"`
	Text     string `json:"text"`
	Disabled bool   `json:"disabled,omitempty"`
}

// places answers a combobox.
func (a *area) places(repositories bool) func(http.ResponseWriter, *http.Request, guest) error {
	return func(w http.ResponseWriter, r *http.Request, g guest) error {
		q := r.URL.Query()
		found, more, err := a.Tries.Places(r.Context(), g, r.PathValue("attempt"), Ask{Repositories: repositories, Within: q.Get("within"), Text: q.Get("q")})
		return offer(w, found, more, err)
	}
}

// offer writes what a combobox reads. What went wrong is told there in words of its own.
func offer(w http.ResponseWriter, found []ui.Option, more bool, err error) error {
	if errors.Is(err, site.ErrMissing) {
		http.Error(w, "this connection is not here any more: begin anew", http.StatusNotFound)
		return nil
	}
	if err != nil {
		http.Error(w, "GitLab did not list them: try again", http.StatusBadGateway)
		return nil //nolint:nilerr // the person tries again
	}
	out := offered{Options: []option{}, More: more}
	for _, o := range found {
		out.Options = append(out.Options, option{o.Value, o.Text, o.Disabled})
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}

// activate keeps the connection, and waits a moment for the end of it.
func (a *area) activate(r *http.Request, g guest, _ *ui.Shell) (site.Answer, error) {
	id := r.PathValue("attempt")
	if err := a.Tries.Activate(r.Context(), g, id, given(r)); err != nil {
		return site.Answer{}, err
	}
	over := time.After(patience)
	for {
		t, err := a.Tries.Try(r.Context(), g, id)
		if err != nil {
			return site.Answer{}, err
		}
		if t.Done != 0 {
			n := ui.Notice{Text: "Connected: issues go to " + t.Name + ". Nothing is written there before somebody approves the first plan.", Tone: ui.Good}
			if len(t.Warnings) > 0 {
				n = ui.Notice{Text: fmt.Sprintf("Connected: issues go to %s. Note: %s.", t.Name, strings.Join(t.Warnings, "; ")), Tone: ui.Warn}
			}
			return site.Answer{To: at(t.Done), Notice: n}, nil
		}
		if !t.Running {
			return site.Answer{To: page.AttemptPath(id)}, nil // which says what is wrong
		}
		select {
		case <-t.Changed:
		case <-over:
			return site.Answer{To: page.AttemptPath(id)}, nil
		case <-r.Context().Done():
			return site.Answer{To: page.AttemptPath(id)}, nil
		}
	}
}
