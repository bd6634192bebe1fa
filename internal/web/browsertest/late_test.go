package browsertest

import (
	"context"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"cxm/internal/web/fixture"
	pages "cxm/internal/web/page"
	"cxm/internal/web/shots"
)

// late holds the scripts of a page back until the page was painted, as a slow line or
// a busy machine does.
type late struct {
	ctx context.Context

	mu      sync.Mutex
	painted bool
	held    []fetch.RequestID
	scripts int
}

func (l *late) hear(event any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := event.(type) {
	case *page.EventLifecycleEvent:
		switch e.Name {
		case "init":
			l.painted = false
		case "firstContentfulPaint":
			l.painted = true
		}
	case *fetch.EventRequestPaused:
		l.held = append(l.held, e.RequestID)
		l.scripts++
	}
	if l.painted && len(l.held) > 0 {
		go l.let(l.held) // whoever hears of events must not wait for an answer
		l.held = nil
	}
}

func (l *late) let(held []fetch.RequestID) {
	for _, id := range held {
		_, _ = chromedp.Call(l.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id}) // a page that is left needs none
	}
}

// TestLateScripts opens one state of every page, on a phone, whose scripts come when
// the page is painted already: they move nothing.
func TestLateScripts(t *testing.T) {
	t.Parallel()
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	b := open(t)
	l := &late{ctx: b.ctx}
	b.must(chromedp.Listen(b.ctx, l.hear))
	_, err := chromedp.Call(b.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	b.must(err)
	_, err = chromedp.Call(b.ctx, page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true})
	b.must(err)
	_, err = chromedp.Call(b.ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{ResourceType: network.ResourceTypeScript}}})
	b.must(err)
	last := ""
	for _, p := range fixture.All() {
		if _, none := p.View.(pages.Nothing); none || p.Name == last || p.State == "empty" || p.State == "none" {
			continue
		}
		last = p.Name
		b.fits(p, shots.Looks()[2])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.scripts == 0 {
		b.Error("no script was held back")
	}
}
