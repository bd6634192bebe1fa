package gitlab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// world is a sandbox GitLab with the administrator's hands in it.
type world struct {
	*sandbox.Server
	t   testing.TB
	url string
	via http.RoundTripper

	project int64  // acme/platform
	bot     int64  // a service account of the group, Reporter in it
	token   string // the bot's, with the scope api
}

// newWorld starts a sandbox on a port.
func newWorld(t testing.TB, o sandbox.Options) *world {
	t.Helper()
	s := newSandbox(t, &o)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = discard()
	server.Start()
	t.Cleanup(server.Close)
	return furnish(&world{Server: s, t: t, url: server.URL, via: http.DefaultTransport})
}

// insideWorld is a sandbox without a network, for a synctest bubble.
func insideWorld(t testing.TB, o sandbox.Options) *world {
	t.Helper()
	s := newSandbox(t, &o)
	return furnish(&world{Server: s, t: t, url: "http://gitlab.example.com", via: inside{s}})
}

func newSandbox(t testing.TB, o *sandbox.Options) *sandbox.Server {
	t.Helper()
	o.Seed, o.AdminToken = sandbox.SeedDemo, newToken()
	s, err := sandbox.New(*o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func furnish(w *world) *world {
	w.t.Helper()
	w.project = id(w.admin("GET", "/projects/acme%2Fplatform", nil))
	w.bot = id(w.admin("POST", "/groups/acme/service_accounts", map[string]any{"name": "cxm"}))
	w.admin("POST", "/groups/acme/members", map[string]any{"user_id": w.bot, "access_level": 20})
	w.token = w.newToken("api", "self_rotate")
	w.ResetCalls()
	return w
}

// newToken makes a token of the bot.
func (w *world) newToken(scopes ...string) string {
	w.t.Helper()
	made := w.admin("POST", fmt.Sprintf("/groups/acme/service_accounts/%d/personal_access_tokens", w.bot),
		map[string]any{"name": "cxm", "scopes": scopes, "expires_at": time.Now().AddDate(0, 2, 0).Format(time.DateOnly)})
	return made["token"].(string)
}

func id(object map[string]any) int64 { return int64(object["id"].(float64)) }

// admin does what the administrator does.
func (w *world) admin(method, path string, body map[string]any) map[string]any {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, w.url+"/api/v4"+path, bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", w.AdminToken())
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.via.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, text, err)
	}
	var out map[string]any
	if json.Unmarshal(text, &out) != nil {
		return nil // a list, or nothing
	}
	return out
}

func (w *world) issuePath(iid int64) string {
	return fmt.Sprintf("/projects/%d/issues/%d", w.project, iid)
}

// client is the bot's client.
func (w *world) client(change ...func(*rest.Options)) *gitlab.Client {
	w.t.Helper()
	return client(w.t, w.url, append([]func(*rest.Options){func(o *rest.Options) {
		o.Token = func() string { return w.token }
		if _, network := w.via.(*http.Transport); !network {
			o.Transport = w.via
			o.Limits = rest.Limits{Requests: -1, Creates: -1, Notes: -1, Searches: -1}
		}
	}}, change...)...)
}

// wrote counts the requests that write.
func (w *world) wrote(method string) (n int) {
	for _, call := range w.Calls() {
		if call.Method == method {
			n++
		}
	}
	return n
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The life of an issue, one request for every step.
func TestTheLifeOfAnIssue(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c, ctx := w.client(), t.Context()
	observed := must[issue.Observed](t)
	if newest := must[time.Time](t)(c.Newest(ctx, w.project)); !newest.IsZero() {
		t.Errorf("an empty project changed last at %s", newest)
	}
	before := time.Now()
	made := observed(c.Create(ctx, w.project, draft))
	want := issue.Observed{
		ID: made.ID, ProjectID: w.project, IID: 1, WebURL: w.url + "/acme/platform/-/work_items/1",
		Title: draft.Title, Description: draft.Description, Labels: []string{"cost", "cxm"},
		State: issue.Opened, AuthorID: w.bot, CreatedAt: made.CreatedAt, UpdatedAt: made.UpdatedAt,
	}
	if diff := cmp.Diff(want, made); diff != "" || made.ID == 0 || made.UpdatedAt.Before(before.Add(-time.Second)) {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	title, text := "Stop it", "Now with a fence:\n```\n/close\n```\n"
	changed := observed(c.Change(ctx, w.project, 1, issue.Change{
		Title: &title, Description: &text, AddLabels: []string{"urgent"}, RemoveLabels: []string{"cost"}, State: issue.Closed,
	}))
	if changed.Title != title || changed.Description != text || changed.State != issue.Closed || changed.ClosedByID != w.bot ||
		changed.ClosedAt.IsZero() || !slices.Equal(changed.Labels, []string{"cxm", "urgent"}) || !changed.UpdatedAt.After(made.UpdatedAt) {
		t.Errorf("changed to %+v", changed)
	}
	reopened := observed(c.Change(ctx, w.project, 1, issue.Change{State: issue.Opened}))
	if reopened.State != issue.Opened || !reopened.ClosedAt.IsZero() || reopened.Title != title {
		t.Errorf("reopened to %+v", reopened)
	}
	note := must[int64](t)(c.Note(ctx, w.project, 1, "It is back."))
	if quick := must[int64](t)(c.Note(ctx, w.project, 1, "/label ~finops")); note == 0 || quick != 0 {
		t.Errorf("notes %d and %d", note, quick)
	}
	if posts, puts := w.wrote("POST"), w.wrote("PUT"); posts != 3 || puts != 2 {
		t.Errorf("%d POSTs and %d PUTs, want one per step", posts, puts)
	}
	one := observed(c.One(ctx, w.project, 1))
	sweep := must[issue.Sweep](t)(c.Look(ctx, w.project, before.Add(-time.Minute)))
	if diff := cmp.Diff([]issue.Observed{one}, sweep.Issues); diff != "" || !slices.Contains(one.Labels, "finops") {
		t.Errorf("looked (-one +look):\n%s", diff)
	}
	if newest := must[time.Time](t)(c.Newest(ctx, w.project)); !newest.Equal(one.UpdatedAt) {
		t.Errorf("newest %s, want %s", newest, one.UpdatedAt)
	}
	if late := must[issue.Sweep](t)(c.Look(ctx, w.project, one.UpdatedAt.Add(time.Millisecond))); len(late.Issues) != 0 {
		t.Errorf("nothing changed since, but %+v", late.Issues)
	}
	if unknown := w.Unknown(); len(unknown) != 0 {
		t.Errorf("requests to routes that GitLab does not have: %+v", unknown)
	}
}

// What GitLab did with the text comes back, not what was sent.
func TestTheAnswerIsWhatGitLabKept(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	made := must[issue.Observed](t)(w.client().Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "before\n/label ~finops\nafter", Labels: []string{"own"}}))
	if strings.Contains(made.Description, "/label") || !slices.Contains(made.Labels, "finops") {
		t.Errorf("got %+v", made)
	}
}

// Labels that the account may not create are dropped by GitLab without a word;
// Missing has the word.
func TestMissingLabels(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.admin("PUT", fmt.Sprintf("/groups/acme/members/%d", w.bot), map[string]any{"access_level": 10})
	sent := []string{"bug", "brand-new", "priority::low", "priority::high"}
	made := must[issue.Observed](t)(w.client().Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "y", Labels: sent}))
	if diff := cmp.Diff([]string{"brand-new", "priority::low"}, issue.Missing(sent, made)); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if none := issue.Missing([]string{"bug"}, made); none != nil {
		t.Errorf("missing %v", none)
	}
}

// A create whose answer is lost is sent once, told as a doubt, and found by a
// look and by its word, exactly once.
func TestALostCreateIsFoundOnce(t *testing.T) {
	const path = "/api/v4/projects/*/issues"
	for name, fault := range map[string]sandbox.Fault{
		"502":        {Status: 502, Body: "<html><title>Bad Gateway</title>", Commit: true},
		"503":        {Status: 503, Commit: true},
		"504":        {Status: 504, Commit: true},
		"500":        {Status: 500, Body: `{"message":"500 Internal Server Error"}`, Commit: true},
		"empty 201":  {Status: 201, Commit: true},
		"HTML":       {Status: 200, Body: "<html>Sign in</html>", Commit: true},
		"cut":        {Cut: sandbox.CutAfter},
		"half":       {Cut: sandbox.CutHalf},
		"lock":       {Status: 409, Body: `{"message":"409 Conflict: Resource lock"}`, Commit: true},
		"never made": {Cut: sandbox.CutBefore},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			fault.Method, fault.Path, fault.Times = "POST", path, 1
			w.Inject(fault)
			c := w.client()
			word := "n0nce" + strings.ReplaceAll(name, " ", "") + "0123456789"
			since := time.Now().Add(-time.Minute)
			_, err := c.Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "<!-- cxm:begin n=" + word + " -->"})
			wantKind(t, err, issue.Doubtful)
			if n := w.wrote("POST"); n != 1 {
				t.Errorf("GitLab saw %d POSTs", n)
			}
			want := 1
			if name == "never made" {
				want = 0
			}
			sweep := must[issue.Sweep](t)(c.Look(t.Context(), w.project, since))
			found := must[[]issue.Observed](t)(c.Search(t.Context(), word))
			if len(sweep.Issues) != want || len(found) != want {
				t.Errorf("a look finds %d, a search %d, want %d", len(sweep.Issues), len(found), want)
			}
		})
	}
}

// A change whose answer is lost is a doubt as well, and sent once.
func TestALostChange(t *testing.T) {
	for _, fault := range []sandbox.Fault{{Status: 502, Commit: true}, {Cut: sandbox.CutAfter}, {Cut: sandbox.CutHalf}, {Status: 200, Commit: true}} {
		w := newWorld(t, sandbox.Options{})
		c := w.client()
		must[issue.Observed](t)(c.Create(t.Context(), w.project, draft))
		fault.Method, fault.Times = "PUT", 1
		w.Inject(fault)
		_, err := c.Change(t.Context(), w.project, 1, issue.Change{State: issue.Closed})
		wantKind(t, err, issue.Doubtful)
		if one := must[issue.Observed](t)(c.One(t.Context(), w.project, 1)); one.State != issue.Closed || w.wrote("PUT") != 1 {
			t.Errorf("it is %s after %d PUTs", one.State, w.wrote("PUT"))
		}
	}
}

// Search finds an issue that a person moved to another project, with its old
// number's end, and nothing that merely looks like it.
func TestSearchFindsWhatWasMoved(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c := w.client()
	made := must[issue.Observed](t)(c.Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "<!-- n=abc123def456 -->"}))
	must[issue.Observed](t)(c.Create(t.Context(), w.project, issue.Draft{Title: "abc123def456", Description: "abc123def4567x abc123 def456"}))
	shop := id(w.admin("GET", "/projects/acme%2Fshop", nil))
	moved := id(w.admin("POST", w.issuePath(1)+"/move", map[string]any{"to_project_id": shop}))
	old := must[issue.Observed](t)(c.One(t.Context(), w.project, made.IID))
	if old.State != issue.Closed || old.MovedToID != moved {
		t.Errorf("the old one is %s and moved to %d, want %d", old.State, old.MovedToID, moved)
	}
	var there []int64
	for _, o := range must[[]issue.Observed](t)(c.Search(t.Context(), "ABC123DEF456")) {
		there = append(there, o.ID)
	}
	slices.Sort(there)
	if !slices.Contains(there, moved) {
		t.Errorf("found %v, not the moved issue %d", there, moved)
	}
	w.admin("POST", fmt.Sprintf("/projects/%d/issues", shop), map[string]any{"title": "a person's", "description": "w0rd1n4clone"})
	if found := must[[]issue.Observed](t)(c.Search(t.Context(), "w0rd1n4clone")); len(found) != 1 {
		t.Errorf("what somebody else wrote is found %d times", len(found))
	}
	if found := must[[]issue.Observed](t)(c.Search(t.Context(), "zzz999zzz999")); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	w.admin("POST", fmt.Sprintf("/projects/%d/archive", shop), nil)
	if found := must[[]issue.Observed](t)(c.Search(t.Context(), "abc123def456")); !slices.ContainsFunc(found, func(o issue.Observed) bool { return o.ID == moved }) {
		t.Errorf("in an archived project it is not found any more: %+v", found)
	}
	calls := w.Calls()
	if sent := calls[len(calls)-1].Query; sent.Get("non_archived") != "false" {
		t.Errorf("asked %v; GitLab leaves archived projects out unless told", sent)
	}
	_, err := c.Search(t.Context(), "")
	wantKind(t, err, issue.Invalid)
}

// GitLab's search takes words by their stems; Search does not.
func TestSearchIsExact(t *testing.T) {
	c := within(t, func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, "application/json", "["+issueJSON(1, time.Now())+"]")
	})
	if found, err := c.Search(t.Context(), "dds"); err != nil || len(found) != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A look at more than a page is whole, and costs a request per hundred.
func TestLookThroughPages(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c := w.client()
	createAll(t, c, w.project, 230)
	w.ResetCalls()
	sweep := must[issue.Sweep](t)(c.Look(t.Context(), w.project, time.Now().Add(-time.Hour)))
	seen := map[int64]bool{}
	for _, o := range sweep.Issues {
		seen[o.IID] = true
	}
	calls := w.Calls()
	if len(sweep.Issues) != 230 || len(seen) != 230 || len(calls) != 3 || calls[len(calls)-1].Query.Get("cursor") == "" {
		t.Errorf("%d issues, %d different, with %d requests: %+v", len(sweep.Issues), len(seen), len(calls), calls)
	}
	if away := time.Since(sweep.AsOf); away < 0 || away > time.Minute {
		t.Errorf("as of %s", sweep.AsOf)
	}
}

// createAll makes n issues with 16 workers.
func createAll(t testing.TB, c *gitlab.Client, project int64, n int) {
	t.Helper()
	ctx := t.Context()
	work := make(chan int, n)
	for i := range n {
		work <- i
	}
	close(work)
	done := make(chan error, 16)
	for range 16 {
		go func() {
			for i := range work {
				if _, err := c.Create(ctx, project, issue.Draft{Title: "issue " + itoa(i), Description: "text", Labels: []string{"cxm"}}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// GitLab's own limits, in both of its manners, are waited out: every issue is
// made, once.
func TestGitLabsLimitsAreWaitedOut(t *testing.T) {
	for name, limits := range map[string]sandbox.Limits{
		"issues created": {IssuesCreate: 30},
		"all requests":   {AuthenticatedAPI: 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := insideWorld(t, sandbox.Options{})
				w.SetLimits(limits)
				createAll(t, w.client(), w.project, 100)
				w.SetLimits(sandbox.Limits{})
				sweep := must[issue.Sweep](t)(w.client().Look(t.Context(), w.project, time.Time{}))
				refused := 0
				for _, call := range w.Calls() {
					if call.Status == http.StatusTooManyRequests {
						refused++
					}
				}
				if len(sweep.Issues) != 100 || refused > 4*16 { // those in flight when each of four windows shuts
					t.Errorf("%d issues after %d refusals", len(sweep.Issues), refused)
				}
			})
		})
	}
}

// What goes wrong with a token, an account, a role or a project is told apart,
// each with its mend.
func TestWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		break_ func(*world)
		kind   issue.TroubleKind
		mend   string
	}{
		"unknown token": {func(w *world) { w.token = newToken() }, issue.Unauthorized, "pasted whole"},
		"revoked token": {func(w *world) {
			c := must[gitlab.Identity](w.t)(w.client().Identify(w.t.Context()))
			w.admin("DELETE", fmt.Sprintf("/personal_access_tokens/%d", c.Token.ID), nil)
		}, issue.Unauthorized, "was revoked"},
		"too narrow": {func(w *world) { w.token = w.newToken("read_api") }, issue.Forbidden, "scope api"},
		"blocked":    {func(w *world) { w.admin("POST", fmt.Sprintf("/users/%d/block", w.bot), nil) }, issue.Forbidden, "unblock"},
		"not a member": {func(w *world) {
			w.admin("DELETE", fmt.Sprintf("/groups/acme/members/%d", w.bot), nil)
		}, issue.NotFound, "member"},
		"archived": {func(w *world) { w.admin("POST", fmt.Sprintf("/projects/%d/archive", w.project), nil) }, issue.Forbidden, "archived"},
		"no issues": {func(w *world) {
			w.admin("PUT", fmt.Sprintf("/projects/%d", w.project), map[string]any{"issues_access_level": "disabled"})
		}, issue.Forbidden, "issues are enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			tt.break_(w)
			_, err := w.client().Create(t.Context(), w.project, draft)
			if trouble := wantKind(t, err, tt.kind); !strings.Contains(trouble.Mend, tt.mend) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("expired token", func(t *testing.T) {
		now := time.Now()
		w := newWorld(t, sandbox.Options{Clock: func() time.Time { return now }})
		now = now.AddDate(0, 3, 0)
		_, err := w.client().One(t.Context(), w.project, 1)
		if trouble := wantKind(t, err, issue.Unauthorized); !strings.Contains(trouble.Mend, "has expired") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("bad text", func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		_, err := w.client().Create(t.Context(), w.project, issue.Draft{Title: strings.Repeat("x", 256), Description: "y"})
		if trouble := wantKind(t, err, issue.Invalid); trouble.Said != "title is too long (maximum is 255 characters)" {
			t.Errorf("got %v", err)
		}
		w.ResetCalls()
		for _, labels := range [][]string{{"a,b"}, {""}, {" "}} {
			_, err = w.client().Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "y", Labels: labels})
			wantKind(t, err, issue.Invalid)
			_, err = w.client().Change(t.Context(), w.project, 1, issue.Change{RemoveLabels: labels})
			wantKind(t, err, issue.Invalid)
		}
		for _, change := range []issue.Change{{}, {State: "merged"}} {
			_, err = w.client().Change(t.Context(), w.project, 1, change)
			wantKind(t, err, issue.Invalid)
		}
		if calls := w.Calls(); len(calls) != 0 {
			t.Errorf("sent %+v", calls)
		}
	})
	t.Run("no such issue", func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		_, err := w.client().Change(t.Context(), w.project, 99, issue.Change{State: issue.Closed})
		wantKind(t, err, issue.NotFound)
	})
}

func TestIdentify(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	got := must[gitlab.Identity](t)(w.client().Identify(t.Context()))
	expires := time.Now().AddDate(0, 2, 0).Truncate(24 * time.Hour)
	want := gitlab.Identity{
		Account: integration.Account{ID: w.bot, Username: got.Account.Username, Name: "cxm", Bot: true},
		Version: got.Version,
		Token:   &gitlab.Token{ID: got.Token.ID, Name: "cxm", Scopes: []string{"api", "self_rotate"}, ExpiresAt: expires.UTC(), MadeAt: got.Token.MadeAt},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Account.Username == "" || got.Version == "" {
		t.Errorf("(-want +got):\n%s\nversion %q", diff, got.Version)
	}
	t.Run("a narrow token", func(t *testing.T) {
		got := must[gitlab.Identity](t)(w.client(func(o *rest.Options) {
			narrow := w.newToken("read_user")
			o.Token = func() string { return narrow }
		}).Identify(t.Context()))
		if !slices.Equal(got.Token.Scopes, []string{"read_user"}) {
			t.Errorf("got %+v", got.Token)
		}
	})
	t.Run("OAuth", func(t *testing.T) {
		w.Inject(sandbox.Fault{Path: "/api/v4/personal_access_tokens/self", Status: 400, Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"message":"400 Bad request - This endpoint requires token type to be a personal access token"}`})
		w.Inject(sandbox.Fault{Path: "/api/v4/version", Status: 403, Body: `{"error":"insufficient_scope"}`})
		got := must[gitlab.Identity](t)(w.client().Identify(t.Context()))
		if got.Token != nil || got.Version != "" || got.Account.ID != w.bot {
			t.Errorf("got %+v", got)
		}
	})
}

func TestProject(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c := w.client()
	want := integration.Project{ID: w.project, Path: "acme/platform", WebURL: w.url + "/acme/platform", AccessLevel: 20}
	for _, name := range []string{
		"acme/platform", " acme/platform\n", "ACME/Platform", "/acme/platform/", itoa(int(w.project)),
		w.url + "/acme/platform", w.url + "/acme/platform.git", w.url + "/acme/platform/-/issues/1",
	} {
		if got, err := c.Project(t.Context(), name); err != nil || got != want {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
	for name, kind := range map[string]issue.TroubleKind{"": issue.Invalid, "platform": issue.Invalid, "acme/nothing": issue.NotFound, "999": issue.NotFound} {
		_, err := c.Project(t.Context(), name)
		if trouble := wantKind(t, err, kind); kind == issue.NotFound && !strings.Contains(trouble.Mend, "spelling of the whole path") {
			t.Errorf("%q: %v", name, err)
		}
	}
	w.admin("PUT", fmt.Sprintf("/projects/%d", w.project), map[string]any{"path": "renamed"})
	want.Path, want.WebURL = "acme/renamed", w.url+"/acme/renamed"
	if got, err := c.Project(t.Context(), "acme/platform"); err != nil || got != want {
		t.Errorf("after a renaming: %+v, %v", got, err)
	}
	w.admin("PUT", fmt.Sprintf("/projects/%d", w.project), map[string]any{"issues_access_level": "disabled"})
	got, err := c.Project(t.Context(), "acme/renamed")
	if trouble := wantKind(t, err, issue.Forbidden); got != want || !strings.Contains(trouble.Said, "issues are disabled") {
		t.Errorf("without issues: %+v, %v", got, err)
	}
	w.admin("PUT", fmt.Sprintf("/projects/%d", w.project), map[string]any{"issues_access_level": "enabled"})
	w.admin("POST", fmt.Sprintf("/projects/%d/archive", w.project), nil)
	got, err = c.Project(t.Context(), "acme/renamed")
	if trouble := wantKind(t, err, issue.Forbidden); got.ID != w.project || !strings.Contains(trouble.Said, "archived") {
		t.Errorf("archived: %+v, %v", got, err)
	}
}

// An instance under a relative root works as any other.
func TestARelativeRoot(t *testing.T) {
	o := sandbox.Options{}
	s := newSandbox(t, &o)
	server := httptest.NewServer(http.StripPrefix("/gitlab", s))
	t.Cleanup(server.Close)
	w := furnish(&world{Server: s, t: t, url: server.URL + "/gitlab", via: http.DefaultTransport})
	must[issue.Observed](t)(w.client().Create(t.Context(), w.project, draft))
	if got := must[integration.Project](t)(w.client().Project(t.Context(), w.url+"/acme/platform")); got.ID != w.project {
		t.Errorf("got %+v", got)
	}
	w.url = server.URL // the root forgotten
	_, err := w.client().One(t.Context(), w.project, 1)
	if trouble := wantKind(t, err, issue.NotFound); !strings.Contains(trouble.Mend, "relative root") {
		t.Errorf("got %v", err)
	}
}

// Every request is told to Observe, with GitLab's route.
func TestObserve(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	told := make(chan rest.Sent, 100)
	c := w.client(func(o *rest.Options) { o.Observe = func(call rest.Sent) { told <- call } })
	must[issue.Observed](t)(c.Create(t.Context(), w.project, draft))
	_, err := c.One(t.Context(), w.project, 99)
	wantKind(t, err, issue.NotFound)
	_, err = client(t, "http://127.0.0.1:1", func(o *rest.Options) { o.Observe = func(call rest.Sent) { told <- call } }).Newest(t.Context(), 1)
	wantKind(t, err, issue.Unsent)
	close(told)
	var got []rest.Sent
	for call := range told {
		if call.Status != 0 && call.Duration <= 0 {
			t.Errorf("%+v took no time", call)
		}
		if call.Context == nil {
			t.Errorf("%s %s has no context", call.Method, call.Route)
		}
		if call.Instance == "" || call.Status == 0 && call.Left != -1 {
			t.Errorf("%+v names no instance, or says what no answer said", call)
		}
		call.Duration, call.Context, call.Instance, call.Account, call.Left = 0, nil, "", 0, 0
		got = append(got, call)
	}
	want := []rest.Sent{
		{Method: "POST", Route: "/projects/:id/issues", Status: 201},
		{Method: "GET", Route: "/projects/:id/issues/:issue_iid", Status: 404},
		{Method: "GET", Route: "/projects/:id/issues"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var _ interface {
	Look(context.Context, int64, time.Time) (issue.Sweep, error)
	Newest(context.Context, int64) (time.Time, error)
	One(context.Context, int64, int64) (issue.Observed, error)
	Create(context.Context, int64, issue.Draft) (issue.Observed, error)
	Change(context.Context, int64, int64, issue.Change) (issue.Observed, error)
	Search(context.Context, string) ([]issue.Observed, error)
} = (*gitlab.Client)(nil)
