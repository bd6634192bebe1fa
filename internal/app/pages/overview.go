package pages

import (
	"context"
	"sync"

	"cxm/internal/app/pages/survey"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

// surveying makes what the overview and the findings' pages show when it is first
// asked for.
type surveying struct {
	once sync.Once
	made *survey.Pages
}

func (p *pages) surveyed() *survey.Pages {
	p.surveying.once.Do(func() { p.surveying.made = survey.New(p.app.Of, p.log) })
	return p.surveying.made
}

func (p *pages) Overview(ctx context.Context, g site.Guest) (page.OverviewData, error) {
	return p.surveyed().Overview(ctx, g)
}

func (p *pages) Findings(ctx context.Context, g site.Guest, at ui.Place) (page.FindingsData, error) {
	return p.surveyed().Findings(ctx, g, at)
}

func (p *pages) Finding(ctx context.Context, g site.Guest, key string) (page.FindingData, error) {
	return p.surveyed().Finding(ctx, g, key)
}

func (p *pages) Export(ctx context.Context, g site.Guest, at ui.Place, keep func(page.FindingRow) error) error {
	return p.surveyed().Export(ctx, g, at, keep)
}
