// Package gallery serves every page in every state for looking, made from the
// fixtures.
//
// What always holds: nothing of a real installation is in it or reached from it.
package gallery

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cxm/internal/web"
	"cxm/internal/web/fixture"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// Gallery shows the pages. Make one with New.
type Gallery struct {
	render *web.Renderer
	log    *slog.Logger
	pause  time.Duration
	pages  []fixture.Page
}

// New makes a gallery. pause is the time between two parts of a page that changes
// while it is looked at.
func New(log *slog.Logger, pause time.Duration) (http.Handler, error) {
	render, err := web.New(fixture.Templates()...)
	if err != nil {
		return nil, err
	}
	g := &Gallery{render: render, log: log, pause: pause, pages: fixture.All()}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", render.Assets)
	mux.HandleFunc("GET /dev/pages/{page}/{state}", g.page)
	mux.HandleFunc("GET /dev/live", g.live)
	mux.HandleFunc("GET /dev/pages", g.index)
	mux.Handle("GET /dev/components", http.RedirectHandler("/dev/pages/components/all", http.StatusSeeOther))
	mux.HandleFunc("GET /", g.likely)
	mux.HandleFunc("POST /", g.form)
	return web.Secure(mux), nil
}

func (g *Gallery) write(w http.ResponseWriter, r *http.Request, p fixture.Page) {
	p.Shell.Theme = r.URL.Query().Get("theme")
	p.Shell.Notices = append(p.Shell.Notices, web.Told(w, r)...)
	if err := g.render.Write(w, r, http.StatusOK, p.Shell, p.View); err != nil {
		g.log.Error("a page could not be written", "page", p.Path(), "error", err)
	}
}

func (g *Gallery) page(w http.ResponseWriter, r *http.Request) {
	g.find(w, r, r.PathValue("page"), r.PathValue("state"))
}

func (g *Gallery) find(w http.ResponseWriter, r *http.Request, page, state string) {
	for _, p := range g.pages {
		if p.Name == page && p.State == state {
			g.write(w, r, p)
			return
		}
	}
	http.NotFound(w, r)
}

// likely leads the addresses that pages link to to the page that would be there.
func (g *Gallery) likely(w http.ResponseWriter, r *http.Request) {
	for _, to := range []struct{ prefix, page, state string }{
		{"/findings/", "finding", "many"}, {"/findings", "findings", "many"}, {"/signin", "signin", "many"}, {"/setup", "setup", "one"}, {"/welcome", "welcome", "empty"},
		{"/settings/integrations/connect/gitlab-oauth", "connect", "oauth"}, {"/settings/integrations/connect/", "connect", "token"},
		{"/settings/integrations/1/disconnect", "confirm", "disconnect"}, {"/settings/integrations/1/rotate", "confirm", "rotate"},
		{"/settings/integrations/", "integration", "one"}, {"/settings/integrations", "catalogue", "one"},
	} {
		if strings.HasPrefix(r.URL.Path, to.prefix) {
			g.find(w, r, to.page, to.state)
			return
		}
	}
	if r.URL.Path == "/" {
		http.Redirect(w, r, "/dev/pages", http.StatusSeeOther)
		return
	}
	g.find(w, r, "problem", "missing")
}

// form answers every form: nothing was done, and it says so.
func (g *Gallery) form(w http.ResponseWriter, r *http.Request) {
	web.Tell(w, r, ui.Notice{Text: "The form was sent to " + r.URL.Path + ". This is a gallery: nothing was done.", Tone: ui.Info})
	to := "/dev/pages"
	if strings.HasPrefix(r.URL.Path, "/settings/integrations/connect/") {
		to = "/dev/pages/checks/running"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// live plays a connection test.
func (g *Gallery) live(w http.ResponseWriter, r *http.Request) {
	stream := g.render.Stream(w)
	n := 0
	for _, group := range fixture.Tested(1 << 10) {
		for _, c := range group.Checks {
			n++
			if stream.Part("check", c) != nil || stream.Part("summary", page.Summarise(fixture.Tested(n), true)) != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(g.pause):
			}
		}
	}
	if stream.Part("summary", page.Summarise(fixture.Tested(n), false)) == nil {
		_ = stream.Done() // who has gone needs no end
	}
}

// index lists all pages.
func (g *Gallery) index(w http.ResponseWriter, r *http.Request) {
	table := ui.Table{Caption: "All pages", Columns: []ui.Column{{Label: "Page"}, {Label: "State"}}}
	for _, p := range g.pages {
		table.Rows = append(table.Rows, []ui.Cell{{Text: p.Name + ", " + p.State, URL: p.Path()}, {Text: p.Shell.Title}})
	}
	shell := ui.Shell{Title: "All pages", Lead: "Every page in every state, with made-up data.", Nav: page.Nav("", 0, nil)}
	g.write(w, r, fixture.Page{Shell: shell, View: page.Index{Table: table}})
}
