package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/gitlab/dial"
	"cxm/internal/integration"
	"cxm/internal/store/connections"
)

// Names of the way to GitLab that callers need.
type (
	// Reach is which addresses cxm may connect to.
	Reach = dial.Reach
	// Allowed is what is allowed beside the internet.
	Allowed = dial.Allowed
)

// ParseAllowed reads networks, addresses and host names that cxm may connect to.
func ParseAllowed(text string) (Allowed, error) { return dial.ParseAllowed(text) }

func (a *App) connections() *connections.Store { return connections.New(a.db.Base(), a.Tenant) }

// network reads how to reach an instance as people give it: CA is the text of a
// PEM file, Proxy what they type.
func (a *App) network(n integration.Network) (integration.Network, error) {
	var err error
	if n.CA != "" {
		if n.CA, err = dial.ParseCA(n.CA, a.Clock()); err != nil {
			return n, fmt.Errorf("reading the certificates (--ca-file): %w", err)
		}
	}
	n.Proxy, err = dial.ParseProxy(n.Proxy)
	return n, err
}

// over is n where it says something, and what was before elsewhere.
func over(n, before integration.Network) integration.Network {
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

// travel is how requests to an instance travel: as is stored of it.
func (a *App) travel(base string) (http.RoundTripper, error) {
	if a.Transport != nil {
		return a.Transport, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	n, err := a.connections().Network(ctx, base)
	if err != nil {
		return nil, err
	}
	return a.travelBy(base, n)
}

// travelBy is how requests to an instance travel that is reached so.
func (a *App) travelBy(base string, n integration.Network) (http.RoundTripper, error) {
	if a.Transport != nil {
		return a.Transport, nil
	}
	t, err := dial.New(dial.Options{URL: base, CA: n.CA, Proxy: n.Proxy, Reach: a.Reach})
	if err != nil {
		return nil, fmt.Errorf("preparing the way to %s: %w", base, err)
	}
	return t, nil
}
