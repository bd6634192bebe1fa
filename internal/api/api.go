// Package api is the REST API: what it is asked and answers as types, the operations
// on them, and the OpenAPI document that is made from both.
//
// What always holds: every operation names the permission that it needs; what it
// answers is as the document says; unknown is null and never 0, money a decimal text
// with its currency, a time in UTC; no value of a credential is ever in an answer but
// in the one that made it. It knows what it serves by small interfaces alone
// (internal/app/edge implements them).
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"

	"cxm/internal/api/door"
	"cxm/internal/api/reader"
	"cxm/internal/credential"
	"cxm/internal/signin"
)

// Options are what the API needs.
type Options struct {
	Known   func(context.Context, credential.Secret) (signin.Who, error) // who presents a token; see door.Options
	Tenants Tenants
	Memory  door.Memory
	People  People
	Tokens  Tokens
	Links   Links
	Clock   func() time.Time
	Logger  *slog.Logger
	Rate    int // requests a minute for one token or person; 0: 600
}

// Tenants are those of the installation.
type Tenants interface {
	// Tenant is what is served of a tenant; nil: there is none of that name, or it is
	// disabled.
	Tenant(ctx context.Context, name string) (*Tenant, error)
	All(ctx context.Context) ([]TenantInfo, error)
	Add(ctx context.Context, name, title string) error
	Disable(ctx context.Context, name string, disabled bool) error
}

// Tenant is what is served of one tenant.
type Tenant struct {
	Status       Status
	Findings     Findings
	Deciding     Deciding
	Issues       Issues
	Journal      Journal
	Runs         Runs
	Rejections   Rejections
	Rules        Rules
	Revisions    Revisions
	Suggestions  Suggestions
	Attention    Attention
	Integrations Integrations
	Changes      Changes
	Credentials  Credentials
	Access       Access
	Owners       Owners
	Hooks        Hooks
	Past         Past
	Explains     Explains
	Exports      Exports
	Sources      Sources
	Deliveries   Deliveries
	Audit        Audit
}

// API is the handler of all that begins with /v1/, but for what has routes of its own.
type API struct {
	options Options
	mux     *http.ServeMux
	door    *door.Door
	huma    huma.API
	handler http.Handler
}

// Pattern is where it is served.
const Pattern = "/v1/"

// New makes one.
func New(o Options) (*API, error) {
	a := &API{options: o, mux: http.NewServeMux()}
	a.door = door.New(door.Options{
		Known: o.Known, Memory: o.Memory, Clock: o.Clock, Logger: o.Logger, Rate: o.Rate,
		Serves: func(ctx context.Context, name string) (bool, error) {
			t, err := o.Tenants.Tenant(ctx, name)
			return t != nil, err
		},
	})
	a.huma = huma.NewAPI(config(), a)
	for _, add := range resources() {
		add(a)
	}
	describe(a.huma.OpenAPI())
	if err := a.document(); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("/", a.nowhere)
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.SuffixETag("-gzip"), gzhttp.ContentTypes([]string{
		"application/json", "application/problem+json", "application/x-ndjson", "text/html", "text/css",
	}))
	if err != nil {
		return nil, err
	}
	a.handler = zip(a.mux)
	return a, nil
}

// resources are all of them, in the order of the document.
func resources() []func(*API) {
	return []func(*API){
		addMe, addTenants, addStatus, addFindings, addDecisions, addWhy, addGroups, addIssues, addPlans, addRuns, addJournal, addRules, addRevisions, addSuggestions, addAttention,
		addIntegrations, addChanges, addHooks, addPast, addCredentials, addAccess, addOwners, addSources, addDeliveries, addPeople, addLinks, addTokens, addSessions, addAudit, addExports,
	}
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Handle implements huma.Adapter: an operation behind the door.
func (a *API) Handle(op *huma.Operation, handler func(huma.Context)) {
	route, _ := op.Metadata[routeKey].(door.Route)
	route.Method = op.Method
	a.mux.Handle(op.Method+" "+op.Path, a.door.Wrap(route, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(humago.NewContext(op, r, w))
	})))
}

// document serves the description of the API, and the page to read it.
func (a *API) document() error {
	text, err := a.Document()
	if err != nil {
		return err
	}
	page, err := reader.New(a.huma.OpenAPI())
	if err != nil {
		return err
	}
	open := door.Route{Method: http.MethodGet, Open: true}
	a.mux.Handle("GET /v1/openapi.json", a.door.Wrap(open, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // into memory
	})))
	a.mux.Handle("GET /v1/docs", a.door.Wrap(open, page))
	a.mux.Handle("GET /v1/docs/style.css", a.door.Wrap(open, page))
	return nil
}

// nowhere answers what no operation does.
func (a *API) nowhere(w http.ResponseWriter, r *http.Request) {
	var may []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			may = append(may, method)
		}
	}
	if len(may) == 0 {
		(&door.Problem{Status: http.StatusNotFound, Detail: "there is nothing at this address: /v1/docs lists what there is"}).Write(w)
		return
	}
	w.Header().Set("Allow", strings.Join(may, ", "))
	(&door.Problem{Status: http.StatusMethodNotAllowed, Detail: "this address takes " + strings.Join(may, ", ") + ": /v1/docs says what each does"}).Write(w)
}
