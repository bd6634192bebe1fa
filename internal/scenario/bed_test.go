package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
)

const (
	platform = "acme%2Fplatform" // the project that cxm writes to
	shop     = "acme%2Fshop"     // another one
)

// settle is how long GitLab's silence about a create means nothing here.
const settle = 200 * time.Millisecond

// each runs a scenario on every database, side by side with the others.
func each(t *testing.T, scenario func(*bed)) {
	t.Helper()
	variants(t, map[string]bool{"": true}, func(b *bed, _ bool) { scenario(b) })
}

// variants runs a scenario's variants side by side, each on a bed of its own.
func variants[V any](t *testing.T, cases map[string]V, scenario func(*bed, V)) {
	t.Helper()
	t.Parallel()
	spread(t, cases, func(b bed, v V) {
		b.make()
		scenario(&b, v)
	})
}

// bubbles is variants in simulated time, where hours of waiting take no time at
// all and nothing else does; there requests reach the sandbox without a network.
// PostgreSQL has a clock of its own, by which it counts for all replicas, so
// scenarios run in real time there: bed.bubble tells.
func bubbles[V any](t *testing.T, cases map[string]V, scenario func(*bed, V)) {
	t.Helper()
	t.Parallel()
	spread(t, cases, func(b bed, v V) {
		if b.database == postgres {
			b.make()
			scenario(&b, v)
			return
		}
		synctest.Test(b.T, func(t *testing.T) {
			b.T, b.bubble = t, true
			b.make()
			scenario(&b, v)
		})
	})
}

func spread[V any](t *testing.T, cases map[string]V, run func(bed, V)) {
	t.Helper()
	for _, database := range databases() {
		for name, v := range cases {
			t.Run(strings.TrimSuffix(database+"/"+name, "/"), func(t *testing.T) {
				t.Parallel()
				dir, dsn := newDatabase(t, database) // not in a bubble: it may start a process
				run(bed{T: t, database: database, dir: dir, dsn: dsn}, v)
			})
		}
	}
}

// clock runs as fast as real time and can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// morning goes forward to the next one, so that hours can pass and the day stay.
func (c *clock) morning() {
	now := c.now()
	c.forward(now.Truncate(24 * time.Hour).Add(30 * time.Hour).Sub(now))
}

// bed is a sandbox GitLab with people, and cxm connected to it.
type bed struct {
	*testing.T
	database string // which kind
	bubble   bool   // in simulated time
	gitlab   *sandbox.Server
	url      string // of GitLab
	clock    *clock // GitLab's
	skew     *atomic.Int64
	dir, dsn string // where cxm keeps its data
	app      *app.App
	token    string // of the account cxm writes as
	account  int64
	project  int64 // platform's id
	writes   *counter
	client   *http.Client      // how people reach GitLab
	direct   http.RoundTripper // how cxm does; nil: over the network
}

// counter counts the requests that write.
type counter struct{ n atomic.Int64 }

func (c *counter) observe(call app.Call) {
	if call.Method != http.MethodGet {
		c.n.Add(1)
	}
}

func (c *counter) take() int { return int(c.n.Swap(0)) }

// make makes the sandbox and an account for cxm in it, and connects cxm.
func (b *bed) make() {
	b.Helper()
	b.clock, b.writes, b.skew = &clock{}, &counter{}, &atomic.Int64{}
	var err error
	if b.gitlab, err = sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, Clock: b.clock.now}); err != nil {
		b.Fatal(err)
	}
	b.gitlab.SetLimits(sandbox.Limits{TrimTexts: true}) // as GitLab does: what cxm writes must converge all the same
	b.reach()
	b.project = int64(b.admin(http.MethodGet, "/api/v4/projects/"+platform, nil)["id"].(float64))
	b.app = b.open()
	b.account, b.token = b.serviceAccount("cxm-integration", 40)
	b.connect(b.app, b.token, "acme/platform")
}

// reach puts the sandbox on the network, or in a bubble of synctest, where
// there is none, right behind the clients.
func (b *bed) reach() {
	if b.bubble {
		b.direct = direct{b.gitlab}
		b.client, b.url = &http.Client{Transport: b.direct}, "http://127.0.0.1"
		return
	}
	server := httptest.NewServer(b.gitlab)
	b.Cleanup(server.Close)
	b.client, b.url = http.DefaultClient, server.URL
}

// route is where cxm creates and lists issues: it uses numeric project ids, so
// that a fault there strikes cxm alone and not the people of the test.
func (b *bed) route() string { return fmt.Sprintf("/api/v4/projects/%d/issues", b.project) }

// now is cxm's own clock.
func (b *bed) now() time.Time { return b.clock.now().Add(time.Duration(b.skew.Load())) }

// unwatched are the usual brakes where nobody is there to let a first run go.
func unwatched() *plan.Brakes {
	brakes := plan.DefaultBrakes()
	brakes.Admit = true
	return &brakes
}

// open opens cxm on the bed's data: another replica, or a new start.
func (b *bed) open(change ...func(*app.Config)) *app.App {
	b.Helper()
	c := app.Config{DataDir: b.dir, Database: b.dsn, Clock: b.now, Settle: settle, Observe: b.writes.observe, Transport: b.direct, Brakes: unwatched()}
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

// serviceAccount makes one with a role in the project platform.
func (b *bed) serviceAccount(name string, role int) (id int64, token string) {
	b.Helper()
	account := b.admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": name})
	id = int64(account["id"].(float64))
	b.admin(http.MethodPost, "/api/v4/projects/"+platform+"/members", map[string]any{"user_id": id, "access_level": role})
	made := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", id),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": b.clock.now().AddDate(0, 0, 90).Format(time.DateOnly)})
	return id, made["token"].(string)
}

// role gives cxm's account a role in a project; 0 takes it away.
func (b *bed) role(project string, level int) {
	b.Helper()
	members := "/api/v4/projects/" + project + "/members"
	one := fmt.Sprintf("%s/%d", members, b.account)
	status, _ := b.call(http.MethodGet, one, nil)
	switch {
	case level == 0:
		b.admin(http.MethodDelete, one, nil)
	case status == http.StatusOK:
		b.admin(http.MethodPut, one, map[string]any{"access_level": level})
	default:
		b.admin(http.MethodPost, members, map[string]any{"user_id": b.account, "access_level": level})
	}
}

// connect connects cxm to a project and returns the integration's id.
func (b *bed) connect(a *app.App, token, project string) int64 {
	b.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		b.Fatal(err)
	}
	c, err := a.ConnectGitLab(b.Context(), app.Connect{URL: b.url, Token: secret, Project: project})
	if err != nil {
		b.Fatal(err)
	}
	b.writes.take()
	return c.Integration.ID
}

// admin calls GitLab as its administrator, who here is also every other person.
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
	resp, err := b.client.Do(req)
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
	ID           int64     `json:"id"`
	IID          int64     `json:"iid"`
	ProjectID    int64     `json:"project_id"`
	Title        string    `json:"title"`
	Description  string    `json:"description"`
	State        string    `json:"state"`
	Labels       []string  `json:"labels"`
	Confidential bool      `json:"confidential"`
	UpdatedAt    time.Time `json:"updated_at"`
	WebURL       string    `json:"web_url"`
	Weight       *int      `json:"weight"`
	DueDate      string    `json:"due_date"`
	IssueType    string    `json:"issue_type"`
	Assignees    []struct {
		Username string `json:"username"`
	} `json:"assignees"`
	Milestone *struct {
		Title string `json:"title"`
	} `json:"milestone"`
}

// issues lists what is in a project, oldest first.
func (b *bed) issues(project string) []issueView {
	b.Helper()
	var out []issueView
	for page := 1; ; page++ {
		status, got := b.call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%s/issues?per_page=100&order_by=created_at&sort=asc&page=%d", project, page), nil)
		var more []issueView
		if err := json.Unmarshal(got, &more); status != http.StatusOK || err != nil {
			b.Fatalf("listing issues answered %d: %s", status, got)
		}
		out = append(out, more...)
		if len(more) < 100 {
			return out
		}
	}
}

// open lists a project's issues that are open and about a disk, by its number.
func (b *bed) openAbout(project string, n int) (found []issueView) {
	b.Helper()
	for _, i := range b.issues(project) {
		if i.State == "opened" && strings.Contains(i.Description, volume(n)) {
			found = append(found, i)
		}
	}
	return found
}

// about is the first issue of the project platform about a disk.
func (b *bed) about(n int) issueView {
	b.Helper()
	for _, i := range b.issues(platform) {
		if strings.Contains(i.Description, volume(n)) {
			return i
		}
	}
	b.Fatalf("no issue is about disk %d", n)
	return issueView{}
}

// edit changes an issue as a person, a second after what was before.
func (b *bed) edit(iid int64, body map[string]any) issueView {
	b.Helper()
	b.clock.forward(time.Second)
	b.admin(http.MethodPut, fmt.Sprintf("/api/v4/projects/%s/issues/%d", platform, iid), body)
	return b.one(iid)
}

// one reads an issue of the project platform.
func (b *bed) one(iid int64) issueView {
	b.Helper()
	status, got := b.call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%s/issues/%d", platform, iid), nil)
	var out issueView
	if err := json.Unmarshal(got, &out); status != http.StatusOK || err != nil {
		b.Fatalf("reading issue %d answered %d: %s", iid, status, got)
	}
	return out
}

// comments are what people and cxm wrote below an issue.
func (b *bed) comments(iid int64) (out []string) {
	b.Helper()
	_, got := b.call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%s/issues/%d/notes?activity_filter=only_comments", platform, iid), nil)
	var notes []struct {
		Body   string `json:"body"`
		System bool   `json:"system"`
	}
	if err := json.Unmarshal(got, &notes); err != nil {
		b.Fatal(err)
	}
	for _, n := range notes {
		if !n.System {
			out = append(out, n.Body)
		}
	}
	return out
}

// stateChanges counts how often an issue was closed or reopened.
func (b *bed) stateChanges(iid int64) int {
	b.Helper()
	_, got := b.call(http.MethodGet, fmt.Sprintf("/api/v4/projects/%s/issues/%d/resource_state_events?per_page=100", platform, iid), nil)
	var events []any
	if err := json.Unmarshal(got, &events); err != nil {
		b.Fatalf("%s: %v", got, err)
	}
	return len(events)
}

// sent lists cxm's own calls, oldest first, as "POST 201".
func (b *bed) sent(keep func(sandbox.Call) bool) (out []string) {
	for _, c := range b.gitlab.Calls() {
		if c.User == "root" || !keep(c) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %d", c.Method, c.Status))
	}
	return out
}

func creating(c sandbox.Call) bool {
	return c.Method == http.MethodPost && strings.HasSuffix(c.Path, "/issues")
}

func listing(c sandbox.Call) bool {
	return c.Method == http.MethodGet && strings.HasSuffix(c.Path, "/issues")
}

// posts counts the creates that reached GitLab.
func (b *bed) posts() int { return len(b.sent(creating)) }

// cleanly fails when cxm called what GitLab does not have, or when text that
// cxm wrote was executed.
func (b *bed) cleanly() {
	b.Helper()
	if unknown := b.gitlab.Unknown(); len(unknown) > 0 {
		b.Errorf("%d calls to routes that GitLab does not have: %+v", len(unknown), unknown)
	}
	if ran := b.gitlab.QuickActions(); len(ran) > 0 {
		b.Errorf("quick actions ran: %+v", ran)
	}
}

// together runs the same thing several times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}
