package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/gitlab/rest"
	"cxm/internal/reconcile"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

const projectRoute = "/api/v4/projects/acme%2Fplatform"

// issuesRoute is where cxm writes: it uses numeric project ids.
const issuesRoute = "/api/v4/projects/*/issues"

// clock runs as fast as real time and can be put forward.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// bed is a sandbox GitLab with people, and cxm connected to it.
type bed struct {
	*testing.T
	gitlab   *sandbox.Server
	url      string
	clock    *clock
	dir      string
	database string // PostgreSQL; empty: SQLite in dir
	app      *app.App
	writes   *counter
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) observe(call rest.Sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.Method != http.MethodGet {
		c.n++
	}
}

func (c *counter) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}

var databases = apptest.NewDatabases()

// newBed is a bed with a data directory of its own.
func newBed(t *testing.T) *bed {
	t.Helper()
	return newBedOn(t, "")
}

// newBedOn is newBed on a database other than the data directory's own.
func newBedOn(t *testing.T, database string) *bed {
	t.Helper()
	b := &bed{T: t, clock: &clock{}, dir: folder(t, database), database: database, writes: &counter{}}
	var err error
	if b.gitlab, err = sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, Clock: b.clock.now}); err != nil {
		t.Fatal(err)
	}
	b.gitlab.SetLimits(sandbox.Limits{TrimTexts: true}) // as GitLab does: what cxm writes must converge all the same
	server := httptest.NewServer(b.gitlab)
	t.Cleanup(server.Close)
	b.url = server.URL
	b.app = b.open(b.dir)
	b.connect(b.serviceAccount())
	return b
}

// folder is a data directory, with a database in it unless that is elsewhere.
func folder(t *testing.T, database string) string {
	t.Helper()
	if database != "" {
		return t.TempDir()
	}
	return databases.SQLite(t)
}

// open opens cxm on a data directory.
func (b *bed) open(dir string, change ...func(*app.Config)) *app.App {
	b.Helper()
	c := app.Config{DataDir: dir, Database: b.database, Clock: b.clock.now, Settle: 200 * time.Millisecond, Observe: b.writes.observe}
	for _, f := range change {
		f(&c)
	}
	a, err := app.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	return a
}

func (b *bed) serviceAccount() string {
	b.Helper()
	account := b.admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})
	b.admin(http.MethodPost, projectRoute+"/members", map[string]any{"user_id": account["id"], "access_level": 40})
	token := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%v/personal_access_tokens", account["id"]),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.clock.now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return token["token"].(string)
}

func (b *bed) connect(token string) {
	b.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.app.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: secret, Project: "acme/platform"}); err != nil {
		b.Fatal(err)
	}
	b.writes.take()
}

// admin calls the sandbox as its administrator and returns the answer's object.
func (b *bed) admin(method, path string, body any) map[string]any {
	b.Helper()
	status, got := b.call(method, path, body)
	if status >= 300 {
		b.Fatalf("%s %s answered %d: %s", method, path, status, got)
	}
	var out map[string]any
	if len(got) > 0 && got[0] == '{' {
		if err := json.Unmarshal(got, &out); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

func (b *bed) call(method, path string, body any) (int, []byte) {
	b.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, bytes.NewReader(sent))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", b.gitlab.AdminToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, got
}

// issueView is an issue as GitLab shows it.
type issueView struct {
	ID          int64    `json:"id"`
	IID         int64    `json:"iid"`
	ProjectID   int64    `json:"project_id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	State       string   `json:"state"`
	Labels      []string `json:"labels"`
}

// issues lists what is in a project, oldest first.
func (b *bed) issues(project string) []issueView {
	b.Helper()
	return b.issuesPage(project, 1)
}

func (b *bed) issuesPage(project string, page int) []issueView {
	b.Helper()
	status, got := b.call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%s/issues?per_page=100&order_by=created_at&sort=asc&page=%d", project, page), nil)
	var out []issueView
	if err := json.Unmarshal(got, &out); status != http.StatusOK || err != nil {
		b.Fatalf("listing issues answered %d: %s", status, got)
	}
	return out
}

// about is the issue about a disk.
func (b *bed) about(n int) issueView {
	b.Helper()
	for _, i := range b.issues("acme%2Fplatform") {
		if strings.Contains(i.Description, fmt.Sprintf("vol-%017x", n)) {
			return i
		}
	}
	b.Fatalf("no issue is about disk %d", n)
	return issueView{}
}

// edit changes an issue as a person.
func (b *bed) edit(iid int64, body map[string]any) {
	b.Helper()
	b.clock.forward(time.Second)
	b.admin(http.MethodPut, fmt.Sprintf("%s/issues/%d", projectRoute, iid), body)
}

// disk is one opportunity about one disk, in Cost Optimization Hub's format.
func disk(n int, savings string) string {
	return fmt.Sprintf(`{"accountId":"123456789012","region":"eu-west-1","resourceId":"vol-%017x","resourceArn":"arn:aws:ec2:eu-west-1:123456789012:volume/vol-%017x",
		"currentResourceType":"EbsVolume","recommendedResourceType":"EbsVolume","actionType":"Upgrade","currencyCode":"USD","estimatedMonthlySavings":%s,
		"currentResourceSummary":"gp2","recommendedResourceSummary":"gp3","recommendationId":"rotates","implementationEffort":"Low"}`, n, n, savings)
}

func snapshot(items ...string) string { return `{"items":[` + strings.Join(items, ",") + `]}` }

func alert(status string) string {
	return `{"version":"4","status":"` + status + `","externalURL":"https://alertmanager.example.com","alerts":[{"status":"` + status + `",
		"labels":{"alertname":"DiskFull","severity":"critical","instance":"db-1"},"annotations":{"summary":"The disk is full"},"startsAt":"2026-03-02T05:41:07Z","fingerprint":"6f1b9a0c2d3e4f57"}]}`
}

// ingest takes text in.
func (b *bed) ingest(kind source.Type, text string) {
	b.Helper()
	b.ingestInto(b.app, kind, text)
}

func (b *bed) ingestInto(a *app.App, kind source.Type, text string) {
	b.Helper()
	_, _, err := a.Ingest(b.Context(), app.Delivery{Type: kind, Inputs: []source.Input{{Name: "test.json", Reader: strings.NewReader(text)}}})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) aws(items ...string) {
	b.Helper()
	b.ingest(source.CostOptimizationHub, snapshot(items...))
}

// apply plans and applies; verbs are the steps that write, in order.
func (b *bed) apply() (verbs string, report reconcile.Report) {
	b.Helper()
	verbs, report, err := applyWith(b.Context(), b.app)
	if err != nil {
		b.Fatalf("apply: %v", err)
	}
	return verbs, report
}

func applyWith(ctx context.Context, a *app.App) (string, reconcile.Report, error) {
	p, report, err := a.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	var verbs strings.Builder
	for _, s := range p.Plan.Changes() {
		verbs.WriteString(string(s.Verb))
	}
	return verbs.String(), report, err
}

// want applies and fails unless exactly these steps were taken with one write each.
func (b *bed) want(verbs string) {
	b.Helper()
	b.writes.take()
	got, report := b.apply()
	if got != verbs || !report.Whole() {
		b.Fatalf("steps = %q, want %q; report %+v", got, verbs, report)
	}
	if n := b.writes.take(); n != len(verbs) {
		b.Fatalf("%d writes for %d steps", n, len(verbs))
	}
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
