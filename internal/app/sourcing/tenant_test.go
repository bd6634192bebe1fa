package sourcing_test

import (
	"context"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/sourcing"
)

// TestTenantsDeliverApart: a token says whose a delivery is, also where two tenants
// call their sources the same; the token of one is nothing at the address of another.
func TestTenantsDeliverApart(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := databases.Bed(t, database())
		if err := b.App.AddTenant(t.Context(), "acme", ""); err != nil {
			t.Fatal(err)
		}
		acme, err := b.App.Of(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		mine, theirs := add(t, b.App, scanner("scanner")), add(t, acme, scanner("scanner"))
		other := add(t, acme, scanner("another"))
		r, err := sourcing.NewReception(t.Context(), func(_ context.Context, do func(*sourcing.Sourcer) error) error {
			if err := do(b.App.Sourcer); err != nil {
				return err
			}
			return do(acme.Sourcer)
		}, b.Clock.Now, b.App.Logger)
		if err != nil {
			t.Fatal(err)
		}
		url := serve(t, r)
		for i, token := range []string{mine, theirs} {
			if status, answer, err := post(t.Context(), url+"/v1/hooks/scanner", token, "application/cloudevents+json", opened(i)); err != nil || status != 202 {
				t.Fatalf("answered %d %v (%v)", status, answer, err)
			}
		}
		if status, _, err := post(t.Context(), url+"/v1/hooks/scanner", other, "application/cloudevents+json", opened(7)); err != nil || status != 401 {
			t.Errorf("another source's token: answered %d (%v)", status, err)
		}
		if _, err := b.App.Run(t.Context()); err != nil { // works for all tenants
			t.Fatal(err)
		}
		for i, a := range []*app.App{b.App, acme} {
			got := known(t, a)
			if len(got) != 1 || got[[]string{"disk-0", "disk-1"}[i]] == "" {
				t.Errorf("%s knows %v", a.Tenant, got)
			}
		}
	})
}
