package people_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cxm/internal/gitlab/people"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// world is a sandbox in which a service account is a member of the group acme.
type world struct {
	*testing.T
	gitlab  *sandbox.Server
	url     string
	token   string
	now     time.Time
	project int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w := &world{T: t, gitlab: s, url: server.URL, now: time.Now()}
	bot := w.admin(http.MethodPost, "/groups/acme/service_accounts", `{"username":"cxm-integration"}`)["id"]
	w.admin(http.MethodPost, "/groups/acme/members", fmt.Sprintf(`{"user_id":%v,"access_level":20}`, bot))
	w.token = w.admin(http.MethodPost, fmt.Sprintf("/groups/acme/service_accounts/%v/personal_access_tokens", bot), `{"name":"cxm","scopes":["api"]}`)["token"].(string)
	w.project = id(w.admin(http.MethodGet, "/projects/acme%2Fplatform", ""))
	return w
}

func id(object map[string]any) int64 { return int64(object["id"].(float64)) }

func (w *world) client() *people.Client {
	w.Helper()
	c, err := rest.New(rest.Options{URL: w.url, Token: func() string { return w.token }, Clock: func() time.Time { return w.now }})
	if err != nil {
		w.Fatal(err)
	}
	return people.New(c)
}

func (w *world) admin(method, path, body string) map[string]any {
	w.Helper()
	req, _ := http.NewRequestWithContext(w.Context(), method, w.url+"/api/v4"+path, bytes.NewReader([]byte(body)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", w.gitlab.AdminToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	var out map[string]any
	if resp.StatusCode >= 300 {
		w.Fatalf("%s %s answered %d: %s", method, path, resp.StatusCode, got)
	}
	_ = json.Unmarshal(got, &out) // a list, or nothing
	return out
}

func (w *world) user(name, more string) int64 {
	w.Helper()
	return id(w.admin(http.MethodPost, "/users", fmt.Sprintf(`{"username":%q,"name":%q,"email":"%s@example.com","force_random_password":true,"skip_confirmation":true%s}`, name, name, name, more)))
}

// calls counts those that the steps make.
func (w *world) calls(steps func()) int {
	before := len(w.gitlab.Calls())
	steps()
	return len(w.gitlab.Calls()) - before
}

func TestAssignees(t *testing.T) {
	w := newWorld(t)
	first, second, blocked := w.user("first", ""), w.user("second", ""), w.user("blocked", "")
	w.admin(http.MethodPost, fmt.Sprintf("/users/%d/block", blocked), "")
	c := w.client()
	names := []string{"@first", " SECOND ", "first", "blocked", "nobody-of-that-name", "@acme/payments", "who@example.com", "", strings.Repeat("x", 300)}
	want := []string{"@blocked is blocked", "no user @nobody-of-that-name", "is a group", "no user name", "empty", "too long"}
	check := func() {
		ids, unresolved, err := c.Assignees(t.Context(), names)
		if err != nil || !slices.Equal(ids, []int64{first, second}) || len(unresolved) != len(want) {
			t.Fatalf("%v, %q, %v", ids, unresolved, err)
		}
		for i, why := range unresolved {
			if !strings.Contains(why, want[i]) || strings.Contains(why, "example.com") {
				t.Errorf("%q, want %q", why, want[i])
			}
		}
	}
	if n := w.calls(check); n != 4 {
		t.Errorf("%d calls, want one for each name that may be one", n)
	}
	if n := w.calls(check); n != 0 {
		t.Errorf("%d calls for what was known", n)
	}
	w.now = w.now.Add(20 * time.Minute)
	if n := w.calls(check); n != 2 {
		t.Errorf("%d calls after 20 minutes, want one for each that was not there", n)
	}
	w.now = w.now.Add(time.Hour)
	if n := w.calls(check); n != 4 {
		t.Errorf("%d calls after an hour", n)
	}
}

func TestEmail(t *testing.T) {
	w := newWorld(t)
	public := w.user("public", `,"public_email":"public@example.com"`)
	private, gone := w.user("private", ""), w.user("gone", "")
	w.admin(http.MethodPost, fmt.Sprintf("/users/%d/block", gone), "")
	w.admin(http.MethodPost, "/users", `{"username":"helper","name":"for private@example.com","email":"helper@example.com","force_random_password":true,"skip_confirmation":true}`)
	c := w.client()
	for address, want := range map[string]int64{
		"Public@Example.com": public, "private@example.com": 0, "public": 0, "public@example": 0, "": 0, "@": 0, "a b@example.com": 0,
		fmt.Sprintf("%d-private@users.noreply.gitlab.example.com", private): private,
		fmt.Sprintf("%d-gone@users.noreply.gitlab.example.com", gone):       0,
		"999999-none@users.noreply.gitlab.example.com":                      0,
		fmt.Sprintf("%d-private@example.com", private):                      0,
	} {
		got, err := c.Email(t.Context(), address)
		if err != nil || got.ID != want || (got.Username == "") != (want == 0) {
			t.Errorf("%s: %+v, %v, want %d", address, got, err, want)
		}
	}
	if n := w.calls(func() { _, _ = c.Email(t.Context(), "public@example.COM") }); n != 0 {
		t.Errorf("%d calls for what was known", n)
	}
}

func TestMilestone(t *testing.T) {
	w := newWorld(t)
	own := id(w.admin(http.MethodPost, fmt.Sprintf("/projects/%d/milestones", w.project), `{"title":"sprint 12"}`))
	group := id(w.admin(http.MethodPost, "/groups/acme/milestones", `{"title":"quarter, 1"}`))
	closed := id(w.admin(http.MethodPost, "/groups/acme/milestones", `{"title":"past"}`))
	w.admin(http.MethodPut, fmt.Sprintf("/groups/acme/milestones/%d", closed), `{"state_event":"close"}`)
	c := w.client()
	for title, want := range map[string]struct {
		id  int64
		why string
	}{
		"sprint 12": {own, ""}, " quarter, 1 ": {group, ""}, "past": {0, "is closed"}, "sprint 1": {0, "neither the project nor a group"},
		"": {0, "empty"}, strings.Repeat("x", 300): {0, "too long"},
	} {
		got, why, err := c.Milestone(t.Context(), w.project, title)
		if err != nil || got != want.id || !strings.Contains(why, want.why) || (why == "") != (want.id != 0) {
			t.Errorf("%.20s: %d, %q, %v", title, got, why, err)
		}
	}
	if n := w.calls(func() { _, _, _ = c.Milestone(t.Context(), w.project, "sprint 12") }); n != 0 {
		t.Errorf("%d calls for what was known", n)
	}
	if got, why, err := c.Milestone(t.Context(), 999, "sprint 12"); err != nil || got != 0 || !strings.Contains(why, "does not say") {
		t.Errorf("a project that cannot be seen: %d, %q, %v", got, why, err)
	}
}

// What GitLab says when it cannot be asked is an error, and is asked again.
func TestNotAsked(t *testing.T) {
	w := newWorld(t)
	good := w.token
	w.token = "glpat-" + strings.Repeat("0", 20)
	c := w.client()
	if _, _, err := c.Assignees(t.Context(), []string{"engineer"}); !rest.Is(err, issue.Unauthorized) {
		t.Errorf("%v", err)
	}
	if _, _, err := c.Milestone(t.Context(), w.project, "x"); !rest.Is(err, issue.Unauthorized) {
		t.Errorf("%v", err)
	}
	if _, err := c.Email(t.Context(), "who@example.com"); !rest.Is(err, issue.Unauthorized) || strings.Contains(err.Error(), "example.com") {
		t.Errorf("%v", err)
	}
	w.token = good
	if ids, unresolved, err := c.Assignees(t.Context(), []string{"engineer"}); err != nil || len(ids) != 1 || unresolved != nil {
		t.Errorf("%v, %v, %v", ids, unresolved, err)
	}
}
