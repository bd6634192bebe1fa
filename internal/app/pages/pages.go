// Package pages serves the pages of a program: it answers what internal/web asks with
// what internal/app knows, and says who looks.
//
// What always holds: who is not signed in sees what lets people in, and nothing else;
// what a page offers goes the way that the API goes (internal/app/edge), with the
// same rights; a tenant's pages ask that tenant alone.
package pages

import (
	"log/slog"
	"strings"

	"cxm/internal/api"
	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/web/deciding"
	"cxm/internal/web/ruling"
	"cxm/internal/web/site"
	"cxm/internal/web/viewing"
)

// pages is what all parts of the site stand on.
type pages struct {
	app     *app.App // of the first tenant
	tenants api.Tenants
	log     *slog.Logger

	surveying surveying
	options   Options
	links     links
}

// Options are what an operator says of the pages.
type Options struct {
	Public    string     // the address of cxm as people reach it; empty: the one that they ask
	Providers []Provider // to sign in with instead of a password
}

// Mounts are what the program serves of the pages, for app.WorkOptions.More.
func Mounts(a *app.App, o Options) ([]app.Mount, error) {
	p := &pages{app: a, tenants: edge.Tenants(a), log: a.Logger, options: o}
	all, err := p.everything()
	if err != nil {
		return nil, err
	}
	p.linking().Tidy()
	h, err := site.New(site.Parts{
		Door: p, Overviews: p, Findings: p, Integrations: p, Areas: all, Log: a.Logger,
	})
	if err != nil {
		return nil, err
	}
	return []app.Mount{
		{Pattern: "/", Handler: h},
		{Pattern: strings.TrimSuffix(ruling.Slow, "/"), Handler: h},                    // or what is mounted below it takes its place, as a redirect
		{Pattern: ruling.Slow, Handler: h, Limits: app.Limits{Write: ruling.MostTime}}, // a preview reads GitLab and every finding
	}, nil
}

// everything are all parts of the site, which a test walks as a stranger.
func (p *pages) everything() ([]site.Area, error) {
	in, err := p.entry()
	return append([]site.Area{in}, p.areas()...), err
}

// areas are the parts of the site, one line each.
func (p *pages) areas() []site.Area {
	return []site.Area{
		p.admin(),
		deciding.Area(),
		p.running(),
		p.issues(),
		p.linking().Area(),
		p.logs(),
		p.rules(),
		viewing.Area(p.surveyed()),
	}
}
