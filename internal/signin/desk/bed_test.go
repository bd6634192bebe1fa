package desk_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/password"
	"cxm/internal/signin/role"
	"cxm/internal/store/database"
	"cxm/internal/store/people"
	"cxm/internal/store/pgtest"
	"cxm/internal/store/storetest"
)

var postgres pgtest.Once

var tables storetest.File

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

const (
	good  = "blue kettle seven walls"
	other = "green ladder under nine"
)

func operator() signin.Who { return signin.Operator("command line") }

// bed is a desk on an empty database.
type bed struct {
	*testing.T
	*desk.Desk
	mu     sync.Mutex
	now    time.Time
	events []signin.Event
}

// both runs a test on both databases.
func both(t *testing.T, f func(*bed)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		f(newBed(t, tables.New(t)))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		f(newBed(t, database.Options{URL: postgres.Copy(t, storetest.Migrated)}))
	})
}

func newBed(t *testing.T, o database.Options) *bed {
	t.Helper()
	d, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b := &bed{T: t, now: time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC)}
	b.Desk = b.at(people.New(d), password.Cost{Memory: 8, Passes: 1, Threads: 1})
	return b
}

// at is a desk on the same database, as another process would have one.
func (b *bed) at(s *people.Store, c password.Cost) *desk.Desk {
	return desk.New(desk.Options{
		Store: s, Hasher: password.New(c, 4), Clock: b.clock, Tenant: "default",
		Observe: func(_ context.Context, e signin.Event) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, e)
		},
	})
}

func (b *bed) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bed) forward(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// actions lists what was observed since the last call.
func (b *bed) actions() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		out = append(out, e.Action)
	}
	b.events = nil
	return out
}

func (b *bed) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func secret(text string) credential.Secret { return credential.NewSecret(text) }

func here() desk.From { return desk.From{Address: "192.0.2.7", Agent: "Browser/1.0"} }

// join adds somebody with a password.
func (b *bed) join(email, tenant string, r role.Role) signin.Person {
	b.Helper()
	p, _, err := b.Add(b.Context(), operator(), desk.Newcomer{Email: email, Tenant: tenant, Role: r})
	b.ok(err)
	b.ok(b.SetPassword(b.Context(), operator(), p.ID, secret(good)))
	return b.person(p.ID)
}

func (b *bed) person(id int64) signin.Person {
	b.Helper()
	p, err := b.Store.Person(b.Context(), id)
	b.ok(err)
	return p
}

// enter signs somebody in and says who they are.
func (b *bed) enter(email, text string) (desk.Opened, signin.Who) {
	b.Helper()
	o, err := b.SignIn(b.Context(), email, secret(text), here())
	b.ok(err)
	w, err := b.Authenticate(b.Context(), o.Value)
	b.ok(err)
	return o, w
}

// admin looks after the installation.
func (b *bed) admin() signin.Who {
	b.Helper()
	p := b.join("platform-admin@example.com", "default", role.Admin)
	_, err := b.SetInstallation(b.Context(), operator(), p.ID, true)
	b.ok(err)
	_, w := b.enter("platform-admin@example.com", good)
	return w
}

func has(all []string, one string) bool { return slices.Contains(all, one) }
