// Package site serves the pages to people who are signed in: it asks for what a
// page shows, makes the view, and answers.
//
// What always holds: nobody sees a page who is not known or whose role does not
// allow it (internal/signin/role); what went wrong inside is for the log, and a
// page says only what to do; an address that leads elsewhere is never followed.
package site

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"cxm/internal/integration"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// ErrMissing says that there is nothing of that name in the tenant.
var ErrMissing = errors.New("it is not here")

// Guest is who looks at the pages, and where they work.
type Guest struct {
	ID       int64 // of the person
	TenantID int64
	Tenant   string // its name
	Person   ui.Person
	Waiting  int // how many things wait for a person
	May      func(role.Permission) bool
}

// Door knows who a request is from.
type Door interface {
	// Guest is false when nobody is signed in.
	Guest(r *http.Request) (Guest, bool, error)
}

// Overviews has what the overview shows.
type Overviews interface {
	Overview(ctx context.Context, g Guest) (page.OverviewData, error)
}

// Findings has the findings of a tenant. A finding that is not there is ErrMissing.
type Findings interface {
	// Findings are those of one page of the list: page.NewFindings says what the
	// place filters and orders by, page.PageSize how many they are.
	Findings(ctx context.Context, g Guest, at ui.Place) (page.FindingsData, error)
	Finding(ctx context.Context, g Guest, key string) (page.FindingData, error)
	// Export hands out all findings of the list, in its order, until keep fails.
	Export(ctx context.Context, g Guest, at ui.Place, keep func(page.FindingRow) error) error
}

// Integrations has the integrations of a tenant. One that is not there is ErrMissing.
type Integrations interface {
	Connected(ctx context.Context, g Guest) ([]page.Connected, error)
	Integration(ctx context.Context, g Guest, id int64) (page.IntegrationData, error)
}

// Parts is what a site is made of. All of it is required.
type Parts struct {
	Door         Door
	Overviews    Overviews
	Findings     Findings
	Integrations Integrations
	Log          *slog.Logger
}

type site struct {
	Parts
	render *web.Renderer
}

// New makes the site. It fails when a template cannot be read.
func New(parts Parts) (http.Handler, error) {
	render, err := web.New()
	if err != nil {
		return nil, err
	}
	s := &site{Parts: parts, render: render}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", render.Assets)
	mux.HandleFunc("POST /theme", theme)
	mux.HandleFunc("GET /findings.csv", s.export)
	for pattern, v := range s.views() {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, v) })
	}
	return web.Secure(mux), nil
}

// view is a page: where it stands, what it is called, and how it is made.
type view struct {
	at, title, lead string
	trail           []ui.Link
	what            string // that could not be read, at the beginning of a sentence
	may             string // what the role has to allow, as a verb
	needs           role.Permission
	list            ui.Link // where to go when it is missing
	make            func(r *http.Request, g Guest, s *ui.Shell) (page.Page, error)
}

func (s *site) views() map[string]view {
	integrations := ui.Link{Text: "Integrations", URL: "/settings/integrations"}
	return map[string]view{
		"/{$}": {
			at: page.AtOverview, title: "Overview", lead: "What was found, what became of it, and what waits for a person.",
			what: "The overview", may: "see the overview", needs: role.Read, make: s.overview,
		},
		"/findings": {
			at: page.AtFindings, title: "Findings", lead: "What the sources claim, and what became of each claim.",
			what: "The findings", may: "see findings", needs: role.Read, make: s.findings,
		},
		"/findings/{key}": {
			at: page.AtFindings, title: "Finding", trail: []ui.Link{{Text: "Findings", URL: "/findings"}},
			what: "This finding", may: "see findings", needs: role.Read, list: ui.Link{Text: "Show all findings", URL: "/findings"}, make: s.finding,
		},
		"/settings/integrations": {
			at: page.AtIntegrations, title: "Integrations", lead: "What cxm is connected to, and what it can be connected to.",
			what: "The integrations", may: "see the integrations", needs: role.Read, make: s.catalogue,
		},
		"/settings/integrations/{id}": {
			at: page.AtIntegrations, title: "Integration", trail: []ui.Link{integrations},
			what: "This integration", may: "see the integrations", needs: role.Read, list: ui.Link{Text: "Show all integrations", URL: integrations.URL}, make: s.integration,
		},
		"/": {title: "Not found", what: "This page", may: "see this page", needs: role.Read, list: ui.Link{Text: "Go to the overview", URL: "/"}, make: missing},
	}
}

func (s *site) overview(r *http.Request, g Guest, _ *ui.Shell) (page.Page, error) {
	data, err := s.Overviews.Overview(r.Context(), g)
	return page.NewOverview(data), err
}

func (s *site) findings(r *http.Request, g Guest, shell *ui.Shell) (page.Page, error) {
	at := ui.Place{Path: "/findings", Values: r.URL.Query()}
	shell.Search = at.Values.Get("q")
	data, err := s.Findings.Findings(r.Context(), g, at)
	return page.NewFindings(at, data), err
}

func (s *site) finding(r *http.Request, g Guest, shell *ui.Shell) (page.Page, error) {
	data, err := s.Findings.Finding(r.Context(), g, r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	badge := page.Status(data.Row.State)
	shell.Title, shell.Badge, data.May = data.Row.Title, &badge, g.May(role.Decide)
	return page.NewFinding(data), nil
}

func (s *site) catalogue(r *http.Request, g Guest, _ *ui.Shell) (page.Page, error) {
	connected, err := s.Integrations.Connected(r.Context(), g)
	at := ui.Place{Path: "/settings/integrations", Values: r.URL.Query()}
	return page.NewCatalogue(at, page.CatalogueData{Products: integration.Catalog(), Connected: connected, May: g.May(role.IntegrationsWrite)}), err
}

func (s *site) integration(r *http.Request, g Guest, shell *ui.Shell) (page.Page, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, ErrMissing
	}
	data, err := s.Integrations.Integration(r.Context(), g, id)
	if err != nil {
		return nil, err
	}
	shell.Title, data.May = data.Project.Text, g.May(role.IntegrationsWrite)
	return page.NewIntegration(data), nil
}

func missing(*http.Request, Guest, *ui.Shell) (page.Page, error) { return nil, ErrMissing }
