package remote_test

import (
	"net/http/httptest"
	"os"
	"testing"

	"cxm/internal/api/client"
	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/cli/remote"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
	"cxm/internal/store/rules"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// TestServer: a plan is carried out, and told as the program tells it; rules that were
// made from others than those in force are refused, on both databases.
func TestServer(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := databases.Connected(t, database())
		b.AWS(apptest.Disks(1, 3)...)
		s := open(t, b.App)
		ctx := t.Context()
		agreed := func(p app.Planned) (bool, error) { return len(p.Plan.Changes()) == 2, nil }
		p, report, err := s.Apply(ctx, 0, agreed, nil)
		if err != nil || len(p.Plan.Steps) != 2 || !report.Whole() || report.Run.Done != 2 {
			t.Fatalf("%+v, %+v, %v", p, report, err)
		}
		here, entries, err := b.App.RunOf(ctx, report.Run.ID)
		if err != nil || here.Done != report.Run.Done || !here.StartedAt.Equal(report.Run.StartedAt) {
			t.Errorf("%+v is told as %+v, %v", here, report.Run, err)
		}
		if _, there, err := s.RunOf(ctx, here.ID); err != nil || len(there) != len(entries) || there[0].Title != entries[0].Title {
			t.Errorf("%+v, %v", there, err)
		}
		text := []byte("version: 1\nrules:\n  - name: all\n")
		if r, err := s.ApplyRules(ctx, "rules.yaml", text, rules.Change{Expected: 0}); err != nil || r.Number != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := s.ApplyRules(ctx, "rules.yaml", append(text, "  - name: more\n"...), rules.Change{Expected: 0}); client.Status(err) != 412 {
			t.Errorf("over a revision that is not in force: %v", err)
		}
		if now, err := b.App.Rules(ctx); err != nil || now.Number != 1 || now.Author != "admin@example.com" {
			t.Errorf("%+v, %v", now, err)
		}
	})
}

// open serves the program, and asks it as an admin.
func open(t *testing.T, a *app.App) *remote.Server {
	t.Helper()
	h, err := edge.New(a)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	by := signin.Operator("test")
	p, _, err := a.People.Add(t.Context(), by, desk.Newcomer{Email: "admin@example.com", Tenant: a.Tenant, Role: role.Admin})
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := a.People.MintToken(t.Context(), by, desk.Asked{Tenant: a.Tenant, Person: p.ID, Name: "test", Scopes: role.Scopes()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := remote.Open(client.Options{URL: server.URL, Token: credential.NewSecret(value.Reveal())})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
