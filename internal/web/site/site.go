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
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"

	"cxm/internal/api"
	"cxm/internal/integration"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
	"cxm/internal/web"
	"cxm/internal/web/page"
	"cxm/internal/web/ui"
)

// ErrMissing says that there is nothing of that name in the tenant.
var ErrMissing = errors.New("it is not here")

// Guest is who looks at the pages, and where they work. In an Open view it may be
// nobody: the zero value.
type Guest struct {
	Who     signin.Who
	Tenant  string      // its name
	Tenants []string    // all that they work in
	API     *api.Tenant // what the tenant has, with the operations of the API
	Person  ui.Person
	Waiting int // how many things wait for a person
}

// May says whether they may do something in their tenant.
func (g Guest) May(p role.Permission) bool {
	ok, _ := g.Who.May(g.Tenant, p)
	return ok
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

// Parts is what a site is made of. All of it but Areas is required.
type Parts struct {
	Door         Door
	Overviews    Overviews
	Findings     Findings
	Integrations Integrations
	Areas        []Area // beside the pages of the above
	Log          *slog.Logger
}

type site struct {
	Parts
	render *web.Renderer
}

// New makes the site. It fails when a template cannot be read.
func New(parts Parts) (http.Handler, error) {
	s := &site{Parts: parts}
	var templates []fs.FS
	for _, a := range parts.Areas {
		if a.Templates != nil {
			templates = append(templates, a.Templates)
		}
	}
	var err error
	if s.render, err = web.New(templates...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", s.render.Assets)
	mux.HandleFunc("POST /theme", theme)
	for _, a := range s.areas() {
		s.mount(mux, a)
	}
	return web.Secure(mux), nil
}

func (s *site) views() map[string]View {
	integrations := ui.Link{Text: "Integrations", URL: "/settings/integrations"}
	return map[string]View{
		"/{$}": {
			At: page.AtOverview, Title: "Overview", Lead: "What was found, what became of it, and what waits for a person.",
			What: "The overview", May: "see the overview", Needs: role.Read, Make: s.overview,
		},
		"/findings": {
			At: page.AtFindings, Title: "Findings", Lead: "What the sources claim, and what became of each claim.",
			What: "The findings", May: "see findings", Needs: role.Read, Make: s.findings,
		},
		"/findings/{key}": {
			At: page.AtFindings, Title: "Finding", Trail: []ui.Link{{Text: "Findings", URL: "/findings"}},
			What: "This finding", May: "see findings", Needs: role.Read, List: ui.Link{Text: "Show all findings", URL: "/findings"}, Make: s.finding,
		},
		"/settings/integrations": {
			At: page.AtIntegrations, Title: "Integrations", Lead: "What cxm is connected to, and what it can be connected to.",
			What: "The integrations", May: "see the integrations", Needs: role.Read, Make: s.catalogue,
		},
		"/settings/integrations/{id}": {
			At: page.AtIntegrations, Title: "Integration", Trail: []ui.Link{integrations},
			What: "This integration", May: "see the integrations", Needs: role.Read, List: ui.Link{Text: "Show all integrations", URL: integrations.URL}, Make: s.integration,
		},
		"/": {Title: "Not found", What: "This page", May: "see this page", Needs: role.Read, List: ui.Link{Text: "Go to the overview", URL: "/"}, Make: missing},
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
