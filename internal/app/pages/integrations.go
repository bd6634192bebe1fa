package pages

import (
	"context"
	"sync"

	"cxm/internal/app/pages/linking"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
)

// links are the connections of the pages, made when they are first asked for.
type links struct {
	once sync.Once
	desk *linking.Desk
}

func (p *pages) linking() *linking.Desk {
	p.links.once.Do(func() { p.links.desk = linking.New(p.app, p.options.Public) })
	return p.links.desk
}

// Connected implements site.Integrations.
func (p *pages) Connected(ctx context.Context, g site.Guest) ([]page.Connected, error) {
	return p.linking().Connected(ctx, g)
}

// Integration implements site.Integrations.
func (p *pages) Integration(ctx context.Context, g site.Guest, id int64) (page.IntegrationData, error) {
	return p.linking().Integration(ctx, g, id)
}
