package apptest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/gitlab/rest"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// Clock runs as fast as real time and can be put forward.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is its time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Forward puts it forward.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Writes counts the calls that write.
type Writes struct {
	mu sync.Mutex
	n  int
}

// Observe is an app.Config's.
func (w *Writes) Observe(call rest.Sent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if call.Method != http.MethodGet {
		w.n++
	}
}

// Take says how many there were, and begins again.
func (w *Writes) Take() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.n
	w.n = 0
	return n
}

// Bed is a sandbox GitLab with people, and cxm beside it.
type Bed struct {
	*testing.T
	GitLab   *sandbox.Server
	URL      string // of GitLab
	Clock    *Clock
	Dir      string
	Database string // PostgreSQL; empty: SQLite in Dir
	App      *app.App
	Writes   *Writes
}

// Bed is a bed with a database of its own: the URL of one on PostgreSQL, or for ""
// SQLite. cxm is not connected yet.
func (d *Databases) Bed(t *testing.T, database string, change ...func(*sandbox.Options)) *Bed {
	t.Helper()
	b := &Bed{T: t, Clock: &Clock{}, Database: database, Writes: &Writes{}}
	if b.Dir = t.TempDir(); database == "" {
		b.Dir = d.SQLite(t)
	}
	o := sandbox.Options{Seed: sandbox.SeedDemo, Clock: b.Clock.Now}
	for _, f := range change {
		f(&o)
	}
	var err error
	if b.GitLab, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.GitLab)
	t.Cleanup(server.Close)
	b.URL = server.URL
	b.App = b.Open(b.Dir)
	return b
}

// Connected is a Bed whose cxm is connected to the project acme/platform, as a
// service account.
func (d *Databases) Connected(t *testing.T, database string) *Bed {
	t.Helper()
	b := d.Bed(t, database)
	b.GitLab.SetLimits(sandbox.Limits{TrimTexts: true}) // as GitLab does: what cxm writes must converge all the same
	b.Connect(b.ServiceAccount("cxm-integration"))
	return b
}

// Each runs a test with SQLite and with PostgreSQL, side by side; database makes
// what Bed is given.
func (d *Databases) Each(t *testing.T, test func(t *testing.T, database func() string)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, func() string { return "" }) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, func() string { return d.PostgreSQL(t) }) })
}

// Open opens cxm on a data directory.
func (b *Bed) Open(dir string, change ...func(*app.Config)) *app.App {
	b.Helper()
	brakes := plan.DefaultBrakes()
	brakes.Admit = true // nobody is there to let a first run go
	c := app.Config{DataDir: dir, Database: b.Database, Clock: b.Clock.Now, Settle: 200 * time.Millisecond, Observe: b.Writes.Observe, Brakes: &brakes}
	for _, f := range change {
		f(&c)
	}
	a, err := app.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() }) // a test may have closed it
	return a
}

// Reopen opens the same data directory with other settings.
func (b *Bed) Reopen(change func(*app.Config)) {
	b.Helper()
	c := b.App.Config
	change(&c)
	if err := b.App.Close(); err != nil {
		b.Fatal(err)
	}
	b.App = b.Open(c.DataDir, func(fresh *app.Config) { *fresh = c })
}

// Work works the queue until it is empty; nothing may have failed for good.
func (b *Bed) Work() app.Worked {
	b.Helper()
	w, err := b.App.Run(b.Context())
	if err != nil || w.Discarded+w.Cancelled > 0 {
		b.Fatalf("working the queue: %+v, %v", w, err)
	}
	return w
}

// Connect connects cxm to the project acme/platform.
func (b *Bed) Connect(token string) {
	b.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.App.ConnectGitLab(b.Context(), app.Connect{URL: b.URL, Token: secret, Project: "acme/platform"}); err != nil {
		b.Fatal(err)
	}
	b.Writes.Take()
}

// ConnectAgain connects the project with a token, and says as which integration.
func (b *Bed) ConnectAgain(url, token string) (app.Connected, error) {
	b.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		b.Fatal(err)
	}
	return b.App.ConnectGitLab(b.Context(), app.Connect{URL: url, Token: secret, Project: "acme/platform"})
}

// NewToken makes another token for the service account.
func (b *Bed) NewToken() string {
	b.Helper()
	in, err := b.App.Integration(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	return b.TokenFor(in.Account.ID)
}

// Ingest takes text in.
func (b *Bed) Ingest(kind source.Type, text string) {
	b.Helper()
	_, _, err := b.App.Ingest(b.Context(), app.Delivery{Type: kind, Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}}})
	if err != nil {
		b.Fatal(err)
	}
}

// AWS takes in a snapshot of Cost Optimization Hub, such as of Disk.
func (b *Bed) AWS(items ...string) {
	b.Helper()
	b.Ingest(source.CostOptimizationHub, Snapshot(items...))
}

// Apply plans and applies; verbs are the steps that write, in order.
func (b *Bed) Apply() (verbs string, report reconcile.Report) {
	b.Helper()
	p, report, err := b.App.Apply(b.Context(), 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	if err != nil {
		b.Fatalf("apply: %v", err)
	}
	for _, s := range p.Plan.Changes() {
		verbs += string(s.Verb)
	}
	return verbs, report
}

// Want applies and fails unless exactly these steps were taken with one write each.
func (b *Bed) Want(verbs string) {
	b.Helper()
	b.Writes.Take()
	got, report := b.Apply()
	if got != verbs || !report.Whole() {
		b.Fatalf("steps = %q, want %q; report %+v", got, verbs, report)
	}
	if n := b.Writes.Take(); n != len(verbs) {
		b.Fatalf("%d writes for %d steps", n, len(verbs))
	}
}
