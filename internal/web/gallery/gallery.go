// Package gallery serves every page in every state for looking, made from the
// fixtures.
//
// What always holds: nothing of a real installation is in it or reached from it.
package gallery

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
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
	mux.HandleFunc("GET /settings/rules/editor.json", g.language)
	mux.HandleFunc("POST /settings/rules/edit", g.check)
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
	if r.Header.Get("Accept") == "text/event-stream" {
		g.still(w, r)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/repositories") || strings.HasSuffix(r.URL.Path, "/namespaces") {
		g.choices(w, r)
		return
	}
	for _, to := range []struct{ prefix, page, state string }{
		{"/runs/plan/apply", "run-question", "apply"}, {"/runs/plan", "plan", "held"}, {"/runs/41/approve", "run-question", "approve"}, {"/runs/41/reject", "run-question", "reject"},
		{"/runs/40/undo/apply", "run-question", "undo"}, {"/runs/40/undo", "undo", "many"}, {"/runs/40/steps/", "step", "one"}, {"/runs/41", "run", "waiting"}, {"/runs/", "run", "many"}, {"/runs", "runs", "many"},
		{"/issues/", "issue", "many"}, {"/issues", "issues", "many"},
		{"/findings/views/", "confirm-view", "remove"}, {"/findings/decisions", "deciding-list", "many"}, {"/findings/v1:3f0c9a12/decision", "deciding-finding", "many"},
		{"/findings/", "finding", "many"}, {"/findings", "findings", "many"}, {"/signin/oidc/", "provider", "unreachable"}, {"/signin", "signin", "many"}, {"/setup", "setup", "one"}, {"/reset", "setup", "reset"}, {"/account", "account", "many"}, {"/welcome/sandbox/end", "confirm", "sandbox"}, {"/welcome/sandbox", "connecting-trial", "running"}, {"/welcome", "welcome", "empty"},
		{"/settings/rules/edit", "ruling-editor", "one"}, {"/settings/rules/history/", "ruling-revision", "one"}, {"/settings/rules/history", "ruling-history", "many"},
		{"/settings/rules/suggestions/", "confirm", "dismiss"}, {"/settings/rules/suggestions", "ruling-suggestions", "many"}, {"/settings/rules/backlog", "ruling-backlog", "many"},
		{"/settings/rules/test", "ruling-test", "one"}, {"/settings/rules", "ruling-rules", "many"},
		{"/settings/integrations/connect/gitlab-oauth", "connect", "oauth"}, {"/settings/integrations/connect/", "connect", "token"},
		{"/settings/integrations/service-account/attempts/", "connecting-setup", "planned"}, {"/settings/integrations/service-account", "connecting-guide", "group"}, {"/settings/integrations/connect/attempts/", "checks", "one"},
		{"/settings/integrations/1/reach", "connecting-reach", "one"}, {"/settings/integrations/1/edit", "connecting-form", "edit"}, {"/settings/integrations/1/replace", "connecting-form", "replace"}, {"/settings/integrations/1/schedule", "connecting-form", "schedule"}, {"/settings/integrations/1/owners", "connecting-form", "owners"}, {"/settings/integrations/1/webhooks/", "connecting-form", "unhook"}, {"/settings/integrations/1/webhooks", "connecting-form", "webhook"},
		{"/settings/integrations/1/review", "connecting-review", "many"}, {"/settings/integrations/1/disconnect", "confirm", "disconnect"}, {"/settings/integrations/1/rotate", "confirm", "rotate"},
		{"/settings/people/invite", "invite", "empty"}, {"/settings/people/2/disable", "confirm-person", "disable"}, {"/settings/people/2/sign-out", "confirm-person", "sign-out"}, {"/settings/people/", "person", "one"}, {"/settings/people", "people", "many"},
		{"/settings/api-tokens/new", "make-token", "empty"}, {"/settings/api-tokens/1/revoke", "confirm-token", "revoke"}, {"/settings/api-tokens/", "api-token", "one"}, {"/settings/api-tokens", "api-tokens", "many"},
		{"/settings/sources/scanner-0/rotate", "confirm-source", "rotate"}, {"/settings/sources/scanner-0/disable", "confirm-source", "disable"}, {"/settings/sources/scanner-0/remove", "confirm-source", "remove"}, {"/settings/deliveries/", "confirm-source", "discard"},
		{"/settings/sources/", "source", "one"}, {"/settings/sources", "sources", "many"}, {"/settings/add-source", "add-source", "empty"},
		{"/settings/audit/verification", "audit-verified", "one"}, {"/settings/audit/", "audit-line", "one"}, {"/settings/audit", "audit", "many"}, {"/settings/status", "status", "one"},
		{"/installation/add-tenant", "add-tenant", "empty"}, {"/installation/tenants/department-1/disable", "confirm-tenant", "disable"}, {"/installation/tenants/", "tenant", "one"}, {"/installation/tenants", "tenants", "many"},
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

// check finds nothing wrong with any rules file.
func (g *Gallery) check(w http.ResponseWriter, r *http.Request) {
	g.find(w, r, "ruling-editor", "good")
}

// language is what completes a rules file.
func (g *Gallery) language(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(fixture.RulesLanguage()); err != nil {
		g.log.Error("what completes a rules file could not be written", "error", err)
	}
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

// choices are what a searchable choice asks for: of 800 those whose name has the text.
func (g *Gallery) choices(w http.ResponseWriter, r *http.Request) {
	type option struct {
		Value string `json:"value"`
		Text  string `json:"text"`
	}
	found := []option{}
	for i := range 800 {
		if o := (option{strconv.Itoa(i), fmt.Sprintf("acme-0/project-%d", i)}); strings.Contains(o.Text, r.URL.Query().Get("q")) {
			found = append(found, o)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"options": found[:min(len(found), 50)], "more": len(found) > 50}); err != nil {
		g.log.Error("what can be chosen could not be written", "error", err)
	}
}

// still watches something that does not go on.
func (g *Gallery) still(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush() // who has gone needs no beginning
	<-r.Context().Done()
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
