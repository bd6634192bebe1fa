package core

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"cxm/internal/gitlab/dial"
	"cxm/internal/integration"
	"cxm/internal/store/connections"
)

// Connections keeps how instances are reached, and what issues are given.
func (c *Core) Connections() *connections.Store { return connections.New(c.DB.Base(), c.Tenant) }

// Network reads how to reach an instance as people give it: CA is the text of a
// PEM file, Proxy what they type.
func (c *Core) Network(n integration.Network) (integration.Network, error) {
	var err error
	if n.CA != "" {
		if n.CA, err = dial.ParseCA(n.CA, c.Clock()); err != nil {
			return n, fmt.Errorf("reading the certificates (--ca-file): %w", err)
		}
	}
	n.Proxy, err = dial.ParseProxy(n.Proxy)
	return n, err
}

// Over is n where it says something, and what was before elsewhere.
func Over(n, before integration.Network) integration.Network {
	if n.CA == "" {
		n.CA = before.CA
	}
	if n.Proxy == "" {
		n.Proxy = before.Proxy
	}
	return n
}

// lookup bounds the reading of how an instance is reached.
const lookup = 15 * time.Second

// Travel is how requests to an instance travel: as is stored of it.
func (c *Core) Travel(base string) (http.RoundTripper, error) {
	if c.Transport != nil {
		return c.Transport, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	n, err := c.Connections().Network(ctx, base)
	if err != nil {
		return nil, err
	}
	return c.TravelBy(base, n)
}

// TravelBy is how requests to an instance travel that is reached so.
func (c *Core) TravelBy(base string, n integration.Network) (http.RoundTripper, error) {
	if c.Transport != nil {
		return c.Transport, nil
	}
	if t := c.inside.way(base); t != nil {
		return t, nil
	}
	t, err := dial.New(dial.Options{URL: base, CA: n.CA, Proxy: n.Proxy, Reach: c.Reach})
	if err != nil {
		return nil, fmt.Errorf("preparing the way to %s: %w", base, err)
	}
	return t, nil
}

// inside are the instances that this program runs itself: the sandbox GitLab of a
// trial. Reach says nothing of them, since nobody typed their address
// (docs/decisions/0009-reach.md).
type inside struct {
	mu   sync.RWMutex
	ways map[string]http.RoundTripper // by the exact URL of the instance; guarded by mu
}

// Inside has requests to the instance at exactly this URL go by travel, until end is
// called. It is for one that the program itself runs: travel leads there, and nowhere
// else.
func (c *Core) Inside(base string, travel http.RoundTripper) (end func()) {
	c.inside.mu.Lock()
	defer c.inside.mu.Unlock()
	if c.inside.ways == nil {
		c.inside.ways = map[string]http.RoundTripper{}
	}
	c.inside.ways[base] = travel
	return func() {
		c.inside.mu.Lock()
		defer c.inside.mu.Unlock()
		delete(c.inside.ways, base)
	}
}

// way is the way to an instance; nil: it is none of these.
func (i *inside) way(base string) http.RoundTripper {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if t, ok := i.ways[base]; ok {
		return t
	}
	return nil
}
