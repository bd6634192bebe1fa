package app_test

import (
	"fmt"
	"net/http"
	"testing"

	"cxm/internal/app"
	"cxm/internal/integration"
	"cxm/internal/sandbox"
)

// second connects acme/shop beside acme/platform.
func (b *bed) second() integration.Integration {
	b.Helper()
	secret, err := app.CleanToken(b.shared().ServiceAccount("cxm-shop", "acme%2Fshop"))
	if err != nil {
		b.Fatal(err)
	}
	c, err := b.app.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: secret, Project: "acme/shop"})
	if err != nil {
		b.Fatal(err)
	}
	return c.Integration
}

// TestSeveralIntegrations holds G2: what rules send to another integration is made
// there, also when that one's project could not be looked at while the first was
// done with it.
func TestSeveralIntegrations(t *testing.T) {
	onBoth(t, func(b *bed) {
		in := b.second()
		b.rule(fmt.Sprintf("version: 1\nrules:\n  - {name: large, when: 'saves(\"15 USD\")', route: {integration: '%d'}}\n  - {name: rest, route: {integration: acme/platform}}\n", in.ID))
		b.aws(disk(1, "10"), disk(2, "20"))
		b.work()
		if here, there := len(b.issues("acme%2Fplatform")), len(b.issues("acme%2Fshop")); here != 1 || there != 1 {
			b.Fatalf("%d and %d issues, want 1 and 1", here, there)
		}
		b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: fmt.Sprintf("/api/v4/projects/%d/issues", in.Project.ID), Status: 503, Times: 3})
		b.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		if _, err := b.app.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		for range 3 { // what could not be looked at is tried again by itself, and by the next run
			if _, err := b.app.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if here, there := len(b.issues("acme%2Fplatform")), len(b.issues("acme%2Fshop")); here != 1 || there != 2 {
			b.Errorf("%d and %d issues, want 1 and 2", here, there)
		}
		total, dirty, err := b.app.Store.CountGroups(b.Context())
		if err != nil || total != 3 || dirty != 0 {
			b.Errorf("%d of %d groups are not settled (%v)", dirty, total, err)
		}
	})
}
