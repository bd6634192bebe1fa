package bootstrap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/bootstrap"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// unset is a bed without a service account, whose app is not connected; owner is
// the token of platform-admin, the Owner of the group acme.
func unset(t *testing.T, database string, change ...func(*sandbox.Options)) (b *bed, owner string) {
	t.Helper()
	b = &bed{databases.Bed(t, database, change...)}
	return b, b.tokenOf("platform-admin")
}

// tokenOf makes a token for somebody.
func (b *bed) tokenOf(username string, scopes ...string) string {
	b.Helper()
	if len(scopes) == 0 {
		scopes = []string{"api"}
	}
	made := b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", b.UserID(username)),
		map[string]any{"name": "owner", "scopes": scopes, "expires_at": b.Clock.Now().AddDate(0, 0, 30).Format(time.DateOnly)})
	return made["token"].(string)
}

func secretOf(t *testing.T, token string) app.Bootstrap {
	t.Helper()
	secret, err := app.CleanToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return app.Bootstrap{Owner: secret}
}

// wanted is a bootstrap of one level.
func (b *bed) wanted(level, owner string) app.Bootstrap {
	w := secretOf(b.T, owner)
	w.URL, w.Level, w.Project = b.URL, level, "acme/platform"
	if level == "group" {
		w.Group = "acme"
	}
	return w
}

func yes(app.BootstrapPlan) (bool, error) { return true, nil }

// verbs are the steps of a plan: "+account +member +token +connection".
func verbs(steps []bootstrap.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Verb)+string(s.Action))
	}
	return strings.Join(out, " ")
}

const everything = "+account +member +token +connection"

// standing is what there is in GitLab in the end.
func (b *bed) standing(username string, tokens int) {
	b.Helper()
	id := b.UserID(username)
	var all []struct{ Username string }
	b.List("/api/v4/service_accounts?per_page=100", &all)
	if len(all) != 1 {
		b.Errorf("there are %d service accounts: %v", len(all), all)
	}
	var active []struct{ Name string }
	b.List(fmt.Sprintf("/api/v4/personal_access_tokens?user_id=%d&state=active", id), &active)
	if len(active) != tokens {
		b.Errorf("%d tokens are active, not %d: %v", len(active), tokens, active)
	}
	member := b.Admin(http.MethodGet, fmt.Sprintf("%s/members/%d", apptest.ProjectRoute, id), nil)
	if member["access_level"] != 40.0 {
		b.Errorf("the member is %v", member)
	}
}

// TestBootstrap sets up at each level, then again, which finds all there.
func TestBootstrap(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		for _, level := range []string{"group", "project", "instance"} {
			t.Run(level, func(t *testing.T) {
				b, owner := unset(t, database())
				if level == "instance" {
					owner = b.GitLab.AdminToken()
				}
				w := b.wanted(level, owner)
				b.Writes.Take()
				planned, err := b.App.BootstrapGitLab(t.Context(), w, func(app.BootstrapPlan) (bool, error) { return false, nil })
				if err != nil || verbs(planned.Plan.Steps) != everything || b.Writes.Take() != 0 {
					t.Fatalf("the plan is %s, and writes (%v)", verbs(planned.Plan.Steps), err)
				}
				done, err := b.App.BootstrapGitLab(t.Context(), w, yes)
				if err != nil || verbs(done.Done) != everything || done.Connected == nil || b.Writes.Take() != 3 {
					t.Fatalf("done: %s (%v)", verbs(done.Done), err)
				}
				b.standing("cxm-integration", 1)
				in := done.Connected.Integration
				if in.Account.Username != "cxm-integration" || in.Project.Path != "acme/platform" || in.Project.AccessLevel != 40 || !in.Account.Bot {
					t.Errorf("connected: %+v", in)
				}
				if left := done.Connected.Token.ExpiresAt.Sub(b.Clock.Now()); left < 364*24*time.Hour || left > 365*24*time.Hour {
					t.Errorf("the token works for %v", left)
				}
				again, err := b.App.BootstrapGitLab(t.Context(), w, yes)
				if err != nil || verbs(again.Plan.Steps) != "=account =member =token =connection" || b.Writes.Take() != 0 {
					t.Errorf("again: %s (%v)", verbs(again.Plan.Steps), err)
				}
				b.standing("cxm-integration", 1)
				b.AWS(apptest.Disk(1, "10"))
				b.Want("+")
			})
		}
	})
}

// TestBootstrapResumes has every request go wrong in every way, and runs the same
// again: there is one account, one token that works, and a connection.
func TestBootstrapResumes(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		levels := []string{"group", "project", "instance"}
		if database() != "" {
			levels = levels[:1] // what is written down is the same
		}
		for _, level := range levels {
			home := map[string]string{"group": "/api/v4/groups/*/service_accounts", "project": "/api/v4/projects/*/service_accounts", "instance": "/api/v4/service_accounts"}[level]
			tokens := home + "/*/personal_access_tokens"
			if level == "instance" {
				tokens = "/api/v4/users/*/personal_access_tokens"
			}
			for name, route := range map[string]string{"account": home, "member": "/api/v4/projects/*/members", "token": tokens} {
				for _, f := range []sandbox.Fault{{Cut: sandbox.CutBefore}, {Cut: sandbox.CutAfter}, {Cut: sandbox.CutHalf}, {Status: 502, Commit: true}, {Status: 502}, {Status: 403, Body: `{"message":"403 Forbidden"}`}} {
					t.Run(fmt.Sprintf("%s, %s: %s%d %v", level, name, f.Cut, f.Status, f.Commit), func(t *testing.T) {
						b, owner := unset(t, database())
						if level == "instance" {
							owner = b.GitLab.AdminToken()
						}
						f.Method, f.Path, f.Times = http.MethodPost, route, 1
						b.GitLab.Inject(f)
						b.resumes(b.wanted(level, owner))
					})
				}
			}
		}
	})
}

// resumes runs a bootstrap until it is done, twice at most.
func (b *bed) resumes(w app.Bootstrap) {
	b.Helper()
	first, err := b.App.BootstrapGitLab(b.Context(), w, yes)
	var trouble *issue.Trouble
	if err != nil && (!errors.As(err, &trouble) || !strings.Contains(err.Error(), "run the same again")) {
		b.Errorf("the error has no next step: %v", err)
	}
	if err == nil && len(first.Notes) == 0 {
		b.Error("nobody is told that an answer was lost")
	}
	last := first
	if err != nil {
		b.App.Close()
		b.App = b.Open(b.Dir) // as after a crash: only what was written down is left
		if last, err = b.App.BootstrapGitLab(b.Context(), w, yes); err != nil {
			b.Fatalf("the second time: %v", err)
		}
	}
	if last.Connected == nil {
		b.Fatalf("nothing was connected: %s", verbs(last.Done))
	}
	b.standing("cxm-integration", 1)
	b.AWS(apptest.Disk(1, "10"))
	b.Want("+")
}

// TestBootstrapAfterACrash stops for good after each request has been answered,
// with all that was in memory lost, and goes on in a new process.
func TestBootstrapAfterACrash(t *testing.T) {
	t.Parallel()
	for writes := range 4 {
		t.Run(fmt.Sprintf("after %d writes", writes), func(t *testing.T) {
			b, owner := unset(t, "")
			w := b.wanted("group", owner)
			// Whatever comes after so many writes finds GitLab gone.
			crashing := b.Open(b.Dir, func(c *app.Config) { c.Transport = &dying{left: writes} })
			if _, err := crashing.BootstrapGitLab(t.Context(), w, yes); err == nil {
				t.Fatal("it came to its end: the test proves nothing")
			}
			crashing.Close()
			done, err := b.App.BootstrapGitLab(t.Context(), w, yes)
			if err != nil || done.Connected == nil {
				t.Fatalf("going on: %v", err)
			}
			if lost := slices.ContainsFunc(done.Done, func(s bootstrap.Step) bool { return s.Action == bootstrap.RevokeToken }); lost != (writes == 3) {
				t.Errorf("done: %s", verbs(done.Done))
			}
			b.standing("cxm-integration", 1)
		})
	}
}

// dying lets so many writes through, and nothing after them; reads alone go on
// until the first write that it stops, or until the new token is used.
type dying struct{ left, users int }

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		if d.left--; d.left < 0 {
			return nil, errors.New("the process is gone")
		}
	}
	if strings.HasSuffix(r.URL.Path, "/user") {
		if d.users++; d.users > 2 { // the Owner is asked about twice; this is the new token
			d.left = -1
			return nil, errors.New("the process is gone")
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestBootstrapRoles raises a lower role and leaves a higher one.
func TestBootstrapRoles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		has  int
		want string
		ends float64
	}{{10, "~member", 40}, {40, "=member", 40}, {50, "=member", 50}} {
		b, owner := unset(t, "")
		made := b.Admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})
		b.Admin(http.MethodPost, apptest.ProjectRoute+"/members", map[string]any{"user_id": made["id"], "access_level": tt.has})
		done, err := b.App.BootstrapGitLab(t.Context(), b.wanted("group", owner), yes)
		if got := verbs(done.Plan.Steps); err != nil || got != "=account "+tt.want+" +token +connection" {
			t.Errorf("role %d: %s (%v)", tt.has, got, err)
		}
		if member := b.Admin(http.MethodGet, fmt.Sprintf("%s/members/%v", apptest.ProjectRoute, made["id"]), nil); member["access_level"] != tt.ends {
			t.Errorf("role %d became %v", tt.has, member["access_level"])
		}
	}
}

// TestBootstrapElsewhere joins a group and a second project, and connects another
// project with the same account: the tokens of the first stay.
func TestBootstrapElsewhere(t *testing.T) {
	t.Parallel()
	b, owner := unset(t, "")
	w := b.wanted("group", owner)
	if _, err := b.App.BootstrapGitLab(t.Context(), w, yes); err != nil {
		t.Fatal(err)
	}
	w.Project, w.Add = "acme/shop", []string{"acme"}
	done, err := b.App.BootstrapGitLab(t.Context(), w, yes)
	if err != nil || verbs(done.Plan.Steps) != "=account +member +token +connection" {
		t.Fatalf("%s (%v)", verbs(done.Plan.Steps), err)
	}
	b.standing("cxm-integration", 2)
	s, err := b.App.Status(t.Context())
	if err != nil || len(s.Integrations) != 2 {
		t.Errorf("%d integrations (%v)", len(s.Integrations), err)
	}
	w.Project, w.Add = "acme/platform", nil
	if again, err := b.App.BootstrapGitLab(t.Context(), w, yes); err != nil || len(again.Plan.Changes()) != 0 {
		t.Errorf("the first again: %s (%v)", verbs(again.Plan.Steps), err)
	}
}

// TestBootstrapRenews makes another token when the one that cxm holds was revoked.
func TestBootstrapRenews(t *testing.T) {
	t.Parallel()
	b, owner := unset(t, "")
	w := b.wanted("project", owner)
	first, err := b.App.BootstrapGitLab(t.Context(), w, yes)
	if err != nil {
		t.Fatal(err)
	}
	b.Admin(http.MethodDelete, fmt.Sprintf("/api/v4/personal_access_tokens/%d", first.Connected.Token.ID), nil)
	again, err := b.App.BootstrapGitLab(t.Context(), w, yes)
	if err != nil || verbs(again.Plan.Steps) != "=account =member +token ~connection" {
		t.Fatalf("%s (%v)", verbs(again.Plan.Steps), err)
	}
	b.standing("cxm-integration", 1)
	if again.Connected.Integration.ID != first.Connected.Integration.ID {
		t.Error("there is a second integration")
	}
}

// TestBootstrapDoesNotLeaveATokenBehind that GitLab does not let cxm connect with.
func TestBootstrapDoesNotLeaveATokenBehind(t *testing.T) {
	t.Parallel()
	b, owner := unset(t, "")
	project := b.Admin(http.MethodGet, apptest.ProjectRoute, nil)
	b.GitLab.Inject(sandbox.Fault{Method: "GET", Path: fmt.Sprintf("/api/v4/projects/%v", project["id"]), Times: 1, Status: 403, Body: `{"message":"403 Forbidden"}`})
	if done, err := b.App.BootstrapGitLab(t.Context(), b.wanted("group", owner), yes); err == nil || verbs(done.Done) != "+account +member +token" {
		t.Fatalf("done: %s (%v)", verbs(done.Done), err)
	}
	b.standing("cxm-integration", 0)
	done, err := b.App.BootstrapGitLab(t.Context(), b.wanted("group", owner), yes)
	if err != nil || verbs(done.Done) != "+token +connection" {
		t.Errorf("going on: %s (%v)", verbs(done.Done), err)
	}
	b.standing("cxm-integration", 1)
}

// TestBootstrapLeavesRotatedTokens: a token that another process rotates right now
// has the name of the one before, and is held by nobody yet.
func TestBootstrapLeavesRotatedTokens(t *testing.T) {
	t.Parallel()
	b, owner := unset(t, "")
	w := b.wanted("group", owner)
	first, err := b.App.BootstrapGitLab(t.Context(), w, yes)
	if err != nil {
		t.Fatal(err)
	}
	b.Admin(http.MethodPost, fmt.Sprintf("/api/v4/personal_access_tokens/%d/rotate", first.Connected.Token.ID), map[string]any{})
	again, err := b.App.BootstrapGitLab(t.Context(), w, yes)
	if err != nil || verbs(again.Plan.Steps) != "=account =member +token ~connection" {
		t.Fatalf("%s (%v)", verbs(again.Plan.Steps), err)
	}
	b.standing("cxm-integration", 2)
}

// TestBootstrapByAGroup: a role by a group above is enough when it is as high, and
// is raised in the project alone when it is not.
func TestBootstrapByAGroup(t *testing.T) {
	t.Parallel()
	for has, want := range map[int]string{30: "+member", 40: "=member", 50: "=member"} {
		b, owner := unset(t, "")
		made := b.Admin(http.MethodPost, "/api/v4/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})
		b.Admin(http.MethodPost, "/api/v4/groups/acme/members", map[string]any{"user_id": made["id"], "access_level": has})
		done, err := b.App.BootstrapGitLab(t.Context(), b.wanted("group", owner), yes)
		if got := verbs(done.Plan.Steps); err != nil || got != "=account "+want+" +token +connection" || done.Connected.Integration.Project.AccessLevel != max(has, 40) {
			t.Errorf("role %d: %s (%v)", has, got, err)
		}
	}
}

// TestBootstrapRefuses says no before anything is done, with what to do.
func TestBootstrapRefuses(t *testing.T) {
	t.Parallel()
	b, owner := unset(t, "")
	engineer := b.tokenOf("engineer")
	reading := b.tokenOf("platform-admin", "read_api")
	for name, tt := range map[string]struct {
		owner  string
		change func(*app.Bootstrap)
		words  string
	}{
		"not Owner of the group":    {engineer, func(w *app.Bootstrap) {}, "engineer is developer there. It takes the role owner"},
		"not Maintainer":            {engineer, func(w *app.Bootstrap) { w.Level, w.Group = "project", "" }, "It takes the role maintainer"},
		"not an administrator":      {owner, func(w *app.Bootstrap) { w.Level, w.Group = "instance", "" }, "platform-admin is not an administrator"},
		"scope too small":           {reading, func(w *app.Bootstrap) {}, "lacks the scope api"},
		"token unknown":             {"glpat-" + strings.Repeat("x", 20), func(w *app.Bootstrap) {}, "token of an Owner"},
		"user name of a person":     {owner, func(w *app.Bootstrap) { w.Username = "engineer" }, "belongs to a person"},
		"group that is not there":   {owner, func(w *app.Bootstrap) { w.Group = "nothing" }, "404 Group Not Found"},
		"project that is not there": {owner, func(w *app.Bootstrap) { w.Project = "acme/nothing" }, "404 Project Not Found"},
		"add what is not there":     {owner, func(w *app.Bootstrap) { w.Add = []string{"acme/nothing"} }, "404 Group Not Found"},
		"no project":                {owner, func(w *app.Bootstrap) { w.Project = "" }, "--project"},
		"group for a project":       {owner, func(w *app.Bootstrap) { w.Level = "project" }, "leave it out with --level project"},
		"no group":                  {owner, func(w *app.Bootstrap) { w.Group = "" }, "needs --group"},
		"level":                     {owner, func(w *app.Bootstrap) { w.Level = "planet" }, "group, project or instance"},
		"user name":                 {owner, func(w *app.Bootstrap) { w.Username = "two words" }, "--username"},
		"scopes":                    {owner, func(w *app.Bootstrap) { w.Scopes = []string{"read_api"} }, "without the scope api"},
		"days":                      {owner, func(w *app.Bootstrap) { w.Days = -1 }, "--expires-days"},
		"URL":                       {owner, func(w *app.Bootstrap) { w.URL = "ftp://gitlab.example.com" }, "scheme ftp"},
	} {
		t.Run(name, func(t *testing.T) {
			w := b.wanted("group", tt.owner)
			tt.change(&w)
			b.Writes.Take()
			_, err := b.App.BootstrapGitLab(t.Context(), w, yes)
			if err == nil || !strings.Contains(err.Error(), tt.words) || b.Writes.Take() != 0 {
				t.Errorf("the error is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), tt.owner) {
				t.Error("the error holds the token")
			}
		})
	}
}

// TestBootstrapSaysWhatGitLabRefuses, with the mend, and how a bot user is made
// where there are no service accounts.
func TestBootstrapSaysWhatGitLabRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault sandbox.Fault
		days  int
		words string
		guide bool
	}{
		"expiry too far": {days: 4000, words: "--expires-days"},
		"project locked": {fault: sandbox.Fault{Method: "POST", Path: "/api/v4/projects/*/members", Status: 405, Body: `{"message":"Members cannot be added because the group has locked project membership"}`}, words: "--add acme"},
		"no subscription": {fault: sandbox.Fault{Method: "POST", Path: "/api/v4/groups/*/service_accounts", Status: 400,
			Body: `{"message":"400 Bad request - This namespace either does not have an active subscription that can create service accounts, or the subscription has reached its service account creation limit."}`}, words: "no service accounts", guide: true},
		"an old instance":  {fault: sandbox.Fault{Path: "/api/v4/groups/*/service_accounts", Status: 404, Body: `{"error":"404 Not Found"}`}, words: "knows no service accounts", guide: true},
		"an older version": {fault: sandbox.Fault{Path: "/api/v4/version", Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"version":"15.11.0","revision":"x"}`}, words: "they came with 16.1", guide: true},
	} {
		t.Run(name, func(t *testing.T) {
			b, owner := unset(t, "")
			if tt.fault.Path != "" {
				b.GitLab.Inject(tt.fault)
			}
			w := b.wanted("group", owner)
			w.Days = tt.days
			done, err := b.App.BootstrapGitLab(t.Context(), w, yes)
			if err == nil || !strings.Contains(err.Error(), tt.words) || (len(done.Guide) > 0) != tt.guide {
				t.Errorf("guide %q, error %v", done.Guide, err)
			}
			if tt.guide && !strings.Contains(strings.Join(done.Guide, "\n"), b.URL+"/acme/platform/-/project_members") {
				t.Errorf("the guide names no page of the instance: %q", done.Guide)
			}
		})
	}
}

// TestBootstrapKeepsNoOwnerToken looks for the Owner's token, and for the value of
// the one that was made, in all that is left of a run that failed on its way.
func TestBootstrapKeepsNoOwnerToken(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b, owner := unset(t, database())
		var log bytes.Buffer
		a := b.Open(b.Dir, func(c *app.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		b.GitLab.Inject(sandbox.Fault{Method: "POST", Path: "/api/v4/groups/*/service_accounts/*/personal_access_tokens", Times: 1, Status: 403, Body: `{"message":"` + owner + ` is not allowed"}`})
		said := fmt.Sprintf("%+v", b.wanted("group", owner))
		for range 2 {
			done, err := a.BootstrapGitLab(t.Context(), b.wanted("group", owner), yes)
			said += fmt.Sprintf("%+v %#v %v", done, done, err)
		}
		backup := filepath.Join(t.TempDir(), "backup.db")
		if _, err := app.BackupDatabase(t.Context(), app.Config{DataDir: b.Dir, Database: b.Database}, backup); err != nil {
			t.Fatal(err)
		}
		held := map[string]string{"output": said, "log": log.String()}
		for _, root := range []string{b.Dir, backup} {
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					text, bad := os.ReadFile(path)
					held[path], err = string(text), bad
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(held) < 4 || !strings.Contains(held["log"], "service_accounts") {
			t.Fatalf("only %d places were looked at", len(held))
		}
		for where, text := range held {
			if strings.Contains(text, owner) || strings.Contains(text, strings.TrimPrefix(owner, "glpat-")) {
				t.Errorf("%s holds the Owner's token", where)
			}
			if strings.Contains(text, "glpat-") && !strings.Contains(text, "glpat-[") {
				t.Errorf("%s holds a token", where)
			}
		}
	})
}
