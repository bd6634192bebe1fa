package tenants_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/store"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
	"cxm/internal/store/tenants"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// TestTenants: there is always the first one; others are added once, and disabled
// and enabled; names are what fits everywhere.
func TestTenants(t *testing.T) {
	run := func(t *testing.T, o store.Options) {
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s, ctx := tenants.New(db.Base()), t.Context()
		acme := tenants.Tenant{Name: "acme", Title: "Acme", MadeAt: noon()}
		if err := s.Add(ctx, acme); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"acme", tenants.First} {
			if err := s.Add(ctx, tenants.Tenant{Name: name}); !errors.Is(err, tenants.ErrTaken) {
				t.Errorf("adding %s again: %v", name, err)
			}
		}
		all, err := s.All(ctx)
		if diff := cmp.Diff([]tenants.Tenant{acme, {Name: tenants.First}}, all); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		unknown := (*tenants.UnknownError)(nil)
		for _, name := range []string{"acme", tenants.First} {
			if err := s.Disable(ctx, name, true); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Open(ctx, name); !errors.As(err, &unknown) || !unknown.Disabled || !strings.Contains(err.Error(), "cxm tenant enable "+name) {
				t.Errorf("a tenant that is disabled: %v", err)
			}
			if err := s.Disable(ctx, name, false); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Open(ctx, "acme"); err != nil || got != acme {
			t.Errorf("%+v (%v)", got, err)
		}
		for _, err := range []error{s.Disable(ctx, "nobody", true), func() error { _, err := s.Open(ctx, "nobody"); return err }()} {
			if !errors.As(err, &unknown) || unknown.Disabled {
				t.Errorf("nobody: %v", err)
			}
		}
	}
	t.Run("SQLite", func(t *testing.T) { run(t, tables.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, store.Options{URL: postgres.Copy(t, storetest.Migrated)}) })
}

func TestCheckName(t *testing.T) {
	for name, fits := range map[string]bool{
		"acme": true, "a": true, "acme-emea-2": true, strings.Repeat("a", 63): true,
		"": false, "Acme": false, "-acme": false, "acme-": false, "a/b": false, "a b": false, "ä": false, strings.Repeat("a", 64): false,
	} {
		if err := tenants.CheckName(name); (err == nil) != fits {
			t.Errorf("%q: %v", name, err)
		}
	}
}
