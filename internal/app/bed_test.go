package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/reconcile"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

const (
	projectRoute = apptest.ProjectRoute
	issuesRoute  = apptest.IssuesRoute
)

var databases = apptest.NewDatabases()

// bed is apptest's, under the names that the tests of this package call it by; app
// may be opened anew.
type bed struct {
	*apptest.Bed
	gitlab   *sandbox.Server
	url      string
	clock    clock
	dir      string
	database string // PostgreSQL; empty: SQLite in dir
	app      *app.App
	writes   writes
}

type clock struct{ *apptest.Clock }

func (c clock) now() time.Time          { return c.Now() }
func (c clock) forward(d time.Duration) { c.Forward(d) }

type writes struct{ *apptest.Writes }

func (w writes) take() int             { return w.Take() }
func (w writes) observe(call app.Call) { w.Observe(call) }

// newBed is a bed with a data directory of its own.
func newBed(t *testing.T) *bed {
	t.Helper()
	return newBedOn(t, "")
}

// newBedOn is newBed on a database other than the data directory's own.
func newBedOn(t *testing.T, database string) *bed {
	t.Helper()
	b := databases.Connected(t, database)
	return &bed{
		Bed: b, gitlab: b.GitLab, url: b.URL, clock: clock{b.Clock}, dir: b.Dir, database: database, app: b.App, writes: writes{b.Writes},
	}
}

// shared is the bed with the app that is open now.
func (b *bed) shared() *apptest.Bed {
	b.App = b.app
	return b.Bed
}

func (b *bed) open(dir string, change ...func(*app.Config)) *app.App {
	b.Helper()
	return b.Open(dir, change...)
}

func (b *bed) connect(token string) {
	b.Helper()
	b.shared().Connect(token)
}

func (b *bed) admin(method, path string, body any) map[string]any {
	b.Helper()
	return b.Admin(method, path, body)
}

func (b *bed) call(method, path string, body any) (int, []byte) {
	b.Helper()
	return b.Call(method, path, body)
}

type issueView = apptest.Issue

func (b *bed) issues(project string) []issueView {
	b.Helper()
	return b.Issues(project)
}

func (b *bed) issuesPage(project string, page int) []issueView {
	b.Helper()
	return b.IssuesPage(project, page)
}

func (b *bed) about(n int) issueView {
	b.Helper()
	return b.About(n)
}

func (b *bed) edit(iid int64, body map[string]any) {
	b.Helper()
	b.Edit(iid, body)
}

func disk(n int, savings string) string { return apptest.Disk(n, savings) }

func snapshot(items ...string) string { return apptest.Snapshot(items...) }

func alert(status string) string {
	return `{"version":"4","status":"` + status + `","externalURL":"https://alertmanager.example.com","alerts":[{"status":"` + status + `",
		"labels":{"alertname":"DiskFull","severity":"critical","instance":"db-1"},"annotations":{"summary":"The disk is full"},"startsAt":"2026-03-02T05:41:07Z","fingerprint":"6f1b9a0c2d3e4f57"}]}`
}

func (b *bed) ingest(kind source.Type, text string) {
	b.Helper()
	b.shared().Ingest(kind, text)
}

func (b *bed) aws(items ...string) {
	b.Helper()
	b.shared().AWS(items...)
}

func (b *bed) apply() (verbs string, report reconcile.Report) {
	b.Helper()
	return b.shared().Apply()
}

func applyWith(ctx context.Context, a *app.App) (string, reconcile.Report, error) {
	p, report, err := a.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	var verbs strings.Builder
	for _, s := range p.Plan.Changes() {
		verbs.WriteString(string(s.Verb))
	}
	return verbs.String(), report, err
}

func (b *bed) want(verbs string) {
	b.Helper()
	b.shared().Want(verbs)
}

// posts counts the creates that reached the sandbox.
func (b *bed) posts() int {
	n := 0
	for _, c := range b.gitlab.Calls() {
		if c.Method == http.MethodPost && strings.HasSuffix(c.Path, "/issues") {
			n++
		}
	}
	return n
}
