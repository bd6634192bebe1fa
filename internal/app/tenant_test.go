package app_test

import (
	"errors"
	"testing"

	"cxm/internal/app"
	"cxm/internal/store/tenants"
)

// tenant is the bed as another tenant of the same data directory sees it.
func (b *bed) tenant(name string) *bed {
	b.Helper()
	if err := b.app.AddTenant(b.Context(), name, ""); err != nil && !errors.Is(err, tenants.ErrTaken) {
		b.Fatal(err)
	}
	a, err := b.app.Of(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	other := *b
	other.app = a
	return &other
}

// TestTenantsShareAProcess: each tenant has its own connection, findings, rules and
// issues; one process works for all of them, and for none that is disabled.
func TestTenantsShareAProcess(t *testing.T) {
	onBoth(t, func(b *bed) {
		acme := b.tenant("acme")
		secret, err := app.CleanToken(b.shared().ServiceAccount("cxm-acme", "acme%2Fshop"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := acme.app.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: secret, Project: "acme/shop"}); err != nil {
			b.Fatal(err)
		}
		b.aws(disk(1, "10"))
		acme.aws(disk(1, "10"), disk(2, "20"))
		b.work()
		counts := func() (mine, theirs int) {
			b.Helper()
			return len(b.issues("acme%2Fplatform")), len(b.issues("acme%2Fshop"))
		}
		if mine, theirs := counts(); mine != 1 || theirs != 2 {
			b.Fatalf("%d and %d issues, want 1 and 2: the same disk is another one for another tenant", mine, theirs)
		}
		for _, each := range []struct {
			in   *bed
			want int
		}{{b, 1}, {acme, 2}} {
			s, err := each.in.app.Status(b.Context())
			if err != nil || s.Open != each.want || len(s.Integrations) != 1 {
				b.Errorf("%s knows %d open issues and %d integrations (%v)", each.in.app.Tenant, s.Open, len(s.Integrations), err)
			}
		}
		if _, err := b.app.Of(b.Context(), "nobody"); err == nil {
			b.Error("nobody is a tenant")
		}
		if err := b.app.DisableTenant(b.Context(), "acme", true); err != nil {
			b.Fatal(err)
		}
		acme.aws(disk(1, "10"), disk(2, "20"), disk(3, "30"))
		b.aws(disk(1, "10"), disk(4, "40"))
		if _, err := b.app.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		if mine, theirs := counts(); mine != 2 || theirs != 2 {
			b.Errorf("%d and %d issues, want 2 and 2: nothing is done for a tenant that is disabled", mine, theirs)
		}
	})
}
