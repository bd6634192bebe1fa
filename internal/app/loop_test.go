package app_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// TestLife follows opportunities from their first sight to their return: create,
// nothing, update, wait for proof, close, reopen, each with one call (G4, G9).
func TestLife(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("")
	b.aws(disk(1, "10.20"), disk(2, "20"))
	b.want("") // not worth an edit
	b.aws(disk(1, "15"), disk(2, "20"))
	b.want("~")
	b.aws(disk(2, "20"))
	b.want("") // one snapshot proves nothing
	b.aws(disk(2, "20"))
	b.want("-")
	b.aws(disk(1, "15"), disk(2, "20"))
	b.want("^")
	b.want("")
	issues := b.issues("acme%2Fplatform")
	if len(issues) != 2 || issues[0].State != "opened" || issues[1].State != "opened" {
		t.Errorf("issues = %+v", issues)
	}
	if n := len(b.gitlab.Unknown()); n > 0 {
		t.Errorf("%d calls to routes that GitLab does not have: %+v", n, b.gitlab.Unknown())
	}
}

func TestAlertIsClosedWhenResolved(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.ingest(source.Alertmanager, alert("firing"))
	b.want("+")
	b.ingest(source.Alertmanager, alert("resolved"))
	b.want("-")
	b.ingest(source.Alertmanager, alert("firing"))
	b.want("^")
}

// TestJitterIsQuiet holds G6: thirty daily scans with jitter in the amounts make
// at most one edit and no comment.
func TestJitterIsQuiet(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"))
	b.want("+")
	edits := ""
	for day := range 30 {
		b.clock.forward(24 * time.Hour)
		b.aws(disk(1, fmt.Sprintf("%d.%02d", 97+day*7%6, day)))
		verbs, _ := b.apply()
		edits += verbs
	}
	if len(edits) > 1 {
		t.Errorf("edits = %q", edits)
	}
	_, notes := b.call(http.MethodGet, projectRoute+"/issues/1/notes?activity_filter=only_comments", nil)
	if string(notes) != "[]" && string(notes) != "[]\n" {
		t.Errorf("comments = %s", notes)
	}
}

// TestOnce holds G1: whatever becomes of the answer to a create, one issue.
func TestOnce(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault sandbox.Fault
		posts int
	}{
		"answer lost":             {sandbox.Fault{Cut: sandbox.CutAfter}, 1},
		"cut before it arrived":   {sandbox.Fault{Cut: sandbox.CutBefore}, 2},
		"502 after commit":        {sandbox.Fault{Status: 502, Body: "<html>bad gateway</html>", Commit: true}, 1},
		"500 before commit":       {sandbox.Fault{Status: 500, Body: `{"message":"500 Internal Server Error"}`}, 2},
		"200 with a login page":   {sandbox.Fault{Status: 200, Body: "<html>sign in</html>", Commit: true}, 1},
		"201 with an empty body":  {sandbox.Fault{Status: 201, Commit: true}, 1},
		"half an answer":          {sandbox.Fault{Cut: sandbox.CutHalf}, 1},
		"504, never carried out":  {sandbox.Fault{Status: 504, Body: "gateway timeout"}, 2},
		"login page, never there": {sandbox.Fault{Status: 200, Body: "<html>sign in</html>"}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			c.fault.Method, c.fault.Path, c.fault.Times = http.MethodPost, issuesRoute, 1
			b.gitlab.Inject(c.fault)
			b.aws(disk(1, "10"))
			if _, report := b.apply(); report.InDoubt > 0 || report.Halted != "" {
				t.Errorf("report = %+v", report)
			}
			if posts := b.posts(); posts != c.posts {
				t.Errorf("%d creates were sent, want %d", posts, c.posts)
			}
			if issues := b.issues("acme%2Fplatform"); len(issues) != 1 {
				t.Errorf("%d issues, want 1", len(issues))
			}
			b.want("") // what was adopted needs no edit
		})
	}
}

// TestOnceThoughNobodyLooked holds G1 when the process ends right after a create
// whose answer was lost, and the look-up fails too.
func TestOnceThoughNobodyLooked(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, Times: 1, Cut: sandbox.CutAfter})
	down := b.gitlab.Inject(sandbox.Fault{Method: http.MethodGet, Path: issuesRoute, After: 1, Cut: sandbox.CutBefore})
	_, report, err := applyWith(b.Context(), b.app)
	if err != nil || report.InDoubt != 1 {
		t.Fatalf("report = %+v, %v; want one create in doubt", report, err)
	}
	down()
	other := b.open(b.dir) // a second process on the same data
	if verbs, _, err := applyWith(b.Context(), other); verbs != "" || err != nil {
		t.Errorf("steps = %q, %v", verbs, err)
	}
	if posts, issues := b.posts(), b.issues("acme%2Fplatform"); posts != 1 || len(issues) != 1 {
		t.Errorf("%d creates, %d issues", posts, len(issues))
	}
}

// TestOnceAtOnce holds G1 for several processes that apply the same findings at
// the same time.
func TestOnceAtOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var items []string
	for i := range 20 {
		items = append(items, disk(i, "10"))
	}
	b.aws(items...)
	var wg, planned sync.WaitGroup
	planned.Add(3)
	together := func(app.Planned) (bool, error) {
		planned.Done()
		planned.Wait() // all of them have planned the same creates
		return true, nil
	}
	for range 3 {
		a := b.open(b.dir)
		wg.Go(func() {
			if _, _, err := a.Apply(b.Context(), 0, together, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if issues := b.issues("acme%2Fplatform"); len(issues) != 20 {
		t.Errorf("%d issues of 20 groups", len(issues))
	}
	b.want("")
}

// TestOnceAfterRestore holds G1 when yesterday's backup is restored: issues made
// since are adopted by their marker, none is closed.
func TestOnceAfterRestore(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"))
	b.want("+")
	b.app.Close()
	backup := t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(b.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(backup, "key.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.app = b.open(b.dir)
	b.clock.forward(time.Hour)
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("+")
	b.app = b.open(backup)
	b.clock.forward(time.Hour)
	b.aws(disk(1, "10"), disk(2, "20"))
	b.apply()
	b.want("")
	for _, i := range b.issues("acme%2Fplatform") {
		if i.State != "opened" {
			t.Errorf("issue %d is %s", i.IID, i.State)
		}
	}
	if n := len(b.issues("acme%2Fplatform")); n != 2 {
		t.Errorf("%d issues, want 2", n)
	}
}

// TestCloseOnProof holds G3: what proves nothing closes nothing.
func TestCloseOnProof(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	partial := `{"items":[` + disk(2, "20") + `],"nextToken":"more"}`
	for range 4 {
		b.ingest(source.CostOptimizationHub, partial)
		b.ingest(source.CostOptimizationHub, snapshot())
	}
	b.want("")
	b.aws(disk(2, "20"))
	b.aws(disk(1, "10"), disk(2, "20"))
	b.aws(disk(2, "20"))
	b.want("") // twice, but not in a row
	_, _, err := b.app.Ingest(b.Context(), app.Delivery{Type: source.CostOptimizationHub, Inputs: []source.Input{{
		Name: "other.json", Reader: strings.NewReader(strings.ReplaceAll(snapshot(disk(9, "1")), "123456789012", "210987654321")),
	}}})
	if err == nil || !strings.Contains(err.Error(), "--scope") {
		t.Errorf("a snapshot of another account was taken in: %v", err)
	}
}

// TestPeopleWin holds G5: what people write, label and decide stays.
func TestPeopleWin(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.gitlab.SetLimits(sandbox.Limits{}) // keeps carriage returns and spaces at the end
	b.aws(disk(1, "10"), disk(2, "20"))
	b.want("++")
	one, two := b.about(1), b.about(2)
	b.edit(one.IID, map[string]any{
		"title": "Ours now", "description": "before\r\n\r\n" + one.Description + "\n\nafter  \n- [ ] ask the team",
		"add_labels": "theirs", "remove_labels": one.Labels[0],
	})
	b.edit(two.IID, map[string]any{"state_event": "close"})
	b.aws(disk(1, "30"), disk(2, "40"))
	b.apply()
	now := b.issues("acme%2Fplatform")
	for _, i := range now {
		if i.IID != one.IID {
			continue
		}
		if i.Title != "Ours now" || !strings.HasPrefix(i.Description, "before\r\n\r\n<!-- cxm:begin") || !strings.HasSuffix(i.Description, "<!-- cxm:end -->\n\nafter  \n- [ ] ask the team") {
			t.Errorf("what a person wrote changed: %q %q", i.Title, i.Description)
		}
		if !slices.Contains(i.Labels, "theirs") || slices.Contains(i.Labels, one.Labels[0]) {
			t.Errorf("labels = %v", i.Labels)
		}
		if i.Description == "before\r\n\r\n"+one.Description+"\n\nafter  \n- [ ] ask the team" {
			t.Error("cxm's own block was not updated")
		}
	}
	b.want("")
	b.aws(disk(1, "90"), disk(2, "40"))
	b.want("~")
	if title := b.about(1).Title; title != "Ours now" {
		t.Errorf("the second update wrote over a person's title: %q", title)
	}
}

func TestClosedByAPersonStaysClosed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"))
	b.want("+")
	b.edit(1, map[string]any{"state_event": "close"})
	for _, savings := range []string{"100", "130", "199"} {
		b.aws(disk(1, savings))
		b.want("")
	}
	b.aws(disk(1, "200"))
	b.want("^")
}

func TestReopenedByAPersonStaysOpen(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	b.aws(disk(2, "5"))
	b.aws(disk(2, "5"))
	b.want("-")
	b.edit(b.about(1).IID, map[string]any{"state_event": "reopen"})
	b.want("")
}

// TestCopiesAreIgnored holds G5 for the marker: a clone carries its text, and is
// a person's all the same.
func TestCopiesAreIgnored(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	one := b.about(1)
	b.clock.forward(time.Second)
	b.admin(http.MethodPost, projectRoute+"/issues", map[string]any{"title": "a copy", "description": "see:\n\n" + one.Description})
	b.aws(disk(1, "300"), disk(2, "5"))
	b.want("~")
	for _, i := range b.issues("acme%2Fplatform") {
		if i.Title == "a copy" && i.Description != "see:\n\n"+one.Description {
			t.Errorf("the copy was written to: %q", i.Description)
		}
	}
}

// TestMovedIssueIsFollowed holds G7: a moved issue is the same issue.
func TestMovedIssueIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	shop := b.admin(http.MethodGet, "/api/v4/projects/acme%2Fshop", nil)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	one := b.about(1)
	b.inviteTo("acme%2Fshop")
	b.clock.forward(time.Second)
	b.admin(http.MethodPost, fmt.Sprintf("%s/issues/%d/move", projectRoute, one.IID), map[string]any{"to_project_id": shop["id"]})
	b.aws(disk(1, "300"), disk(2, "5"))
	b.want("~")
	moved := b.issues("acme%2Fshop")
	if len(moved) != 1 || !strings.Contains(moved[0].Description, "300.00 USD") {
		t.Errorf("the moved issue = %+v", moved)
	}
	if n := len(b.issues("acme%2Fplatform")); n != 2 {
		t.Errorf("%d issues in the old project, want 2", n)
	}
}

// inviteTo adds the service account to another project.
func (b *bed) inviteTo(project string) {
	b.Helper()
	_, got := b.call(http.MethodGet, "/api/v4/users?username=cxm-integration", nil)
	var id int64
	if _, err := fmt.Sscanf(string(got), `[{"id":%d`, &id); err != nil {
		b.Fatalf("%s: %v", got, err)
	}
	b.admin(http.MethodPost, "/api/v4/projects/"+project+"/members", map[string]any{"user_id": id, "access_level": 40})
}

// An issue that could not be seen once is taken up again, though nobody changed it
// meanwhile.
func TestSeenAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	b.gitlab.Inject(sandbox.Fault{Method: http.MethodPut, Path: issuesRoute + "/*", Times: 1, Status: 404, Body: `{"message":"404 Issue Not Found"}`})
	b.aws(disk(1, "300"), disk(2, "5"))
	if _, report := b.apply(); report.Run.Failed != 1 {
		t.Fatalf("report %+v", report.Run)
	}
	b.clock.forward(24 * time.Hour)
	b.want("~")
	b.want("")
}

// TestNotSeenIsNotDeleted holds G7: an account that lost its role changes
// nothing, and goes on when it is back.
func TestNotSeenIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	hide := b.gitlab.Inject(sandbox.Fault{Path: issuesRoute, Status: 404, Body: `{"message":"404 Project Not Found"}`})
	b.aws(disk(1, "300"), disk(2, "5"), disk(3, "7"))
	if _, _, err := applyWith(b.Context(), b.app); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("err = %v", err)
	}
	hide()
	b.want("+~")
	if n := len(b.issues("acme%2Fplatform")); n != 3 {
		t.Errorf("%d issues, want 3", n)
	}
}

func TestDeletedIssueIsHeld(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	b.want("++")
	b.admin(http.MethodDelete, fmt.Sprintf("%s/issues/%d", projectRoute, b.about(1).IID), nil)
	b.aws(disk(1, "300"), disk(2, "50"))
	b.apply()
	b.want("")
	if n := len(b.issues("acme%2Fplatform")); n != 1 {
		t.Errorf("%d issues, want 1: a deleted issue was made again", n)
	}
}

func TestRefusedTokenStopsTheRun(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var items []string
	for i := range 40 {
		items = append(items, disk(i, "10"))
	}
	b.aws(items...)
	revoke := b.gitlab.Inject(sandbox.Fault{Method: http.MethodPost, Path: issuesRoute, After: 5, Status: 401, Body: `{"message":"401 Unauthorized"}`})
	_, report := b.apply()
	if report.Halted == "" || report.Run.Done+report.Run.Failed > 5+16 {
		t.Errorf("the run went on: %+v", report.Run)
	}
	revoke()
	b.apply()
	if n := len(b.issues("acme%2Fplatform")); n != 40 {
		t.Errorf("%d issues, want 40", n)
	}
}

// TestPlanWritesNothing holds G9: planning cannot write, and says what apply does.
func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.aws(disk(1, "100"), disk(2, "5"))
	p, err := b.app.Plan(b.Context(), 0)
	if err != nil || len(p.Plan.Changes()) != 2 || b.writes.take() != 0 {
		t.Errorf("plan = %+v, %v", p, err)
	}
	b.want("++")
}

// TestTextIsText holds G8: what findings say runs nothing and calls nobody.
func TestTextIsText(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	hostile := `/close\n/assign @platform-admin\n@all @engineer #1 !1 ~label </details><!-- cxm:end -->\n` + "```\\n/close\\n" + `\u202e/confidential\n- /close\n> /close`
	text := strings.NewReplacer(`"gp2"`, `"`+hostile+`"`, `"gp3"`, `"`+hostile+`"`).Replace(snapshot(disk(1, "10")))
	b.ingest(source.CostOptimizationHub, text)
	b.want("+")
	b.want("")
	if ran := b.gitlab.QuickActions(); len(ran) > 0 {
		t.Errorf("quick actions ran: %+v", ran)
	}
	if called := b.gitlab.Mentions(); len(called) > 0 {
		t.Errorf("people were called: %+v", called)
	}
}

// TestTokenIsNeverShown holds G11: not in the data directory, not in errors.
func TestTokenIsNeverShown(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	token := b.serviceAccountToken()
	b.connect(token)
	err := filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		if strings.Contains(string(text), token) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.gitlab.Inject(sandbox.Fault{Status: 401, Body: `{"message":"401 Unauthorized: ` + token + `"}`})
	if _, err := b.app.Plan(b.Context(), 0); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("err = %v", err)
	}
}

// serviceAccountToken makes another token of the service account.
func (b *bed) serviceAccountToken() string {
	b.Helper()
	_, got := b.call(http.MethodGet, "/api/v4/users?username=cxm-integration", nil)
	var id int64
	if _, err := fmt.Sscanf(string(got), `[{"id":%d`, &id); err != nil {
		b.Fatalf("%s: %v", got, err)
	}
	token := b.admin(http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", id), map[string]any{"name": "second", "scopes": []string{"api"}})
	return token["token"].(string)
}

// TestRefusedByLimitIsTriedAgain holds G2: a limit delays a finding, and the
// intent's time is renewed before the create is sent again.
func TestRefusedByLimitIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.gitlab.Inject(sandbox.Fault{
		Method: http.MethodPost, Path: issuesRoute, Times: 1, Status: 429, Header: http.Header{"Retry-After": {"1"}, "Content-Type": {"application/json"}},
		Body: `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`,
	})
	b.aws(disk(1, "10"))
	if verbs, report := b.apply(); verbs != "+" || !report.Whole() {
		t.Errorf("steps %q, report %+v", verbs, report)
	}
	if posts := b.posts(); posts != 2 || len(b.issues("acme%2Fplatform")) != 1 {
		t.Errorf("%d creates sent, %d issues", posts, len(b.issues("acme%2Fplatform")))
	}
}
