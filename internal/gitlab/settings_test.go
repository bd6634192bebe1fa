package gitlab_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// day is a day with a clock, which GitLab is not to hear of.
func day() time.Time { return time.Date(2099, 3, 31, 23, 30, 0, 0, time.FixedZone("", 5*3600)) }

func (w *world) user(name string) int64 {
	w.t.Helper()
	return id(w.admin("POST", "/users", map[string]any{"username": name, "name": name, "email": name + "@example.com", "force_random_password": true, "skip_confirmation": true}))
}

// member is a user of the group acme.
func (w *world) member(name string) int64 {
	w.t.Helper()
	who := w.user(name)
	w.admin("POST", "/groups/acme/members", map[string]any{"user_id": who, "access_level": 30})
	return who
}

func (w *world) milestone(where, title string) int64 {
	w.t.Helper()
	return id(w.admin("POST", where+"/milestones", map[string]any{"title": title}))
}

// Everything that an issue can be given arrives, and a licence keeps all of it.
func TestSettings(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	sent := issue.Settings{
		Assignees: []int64{w.member("first"), w.member("second")}, MilestoneID: w.milestone("/groups/acme", "quarter"),
		DueDate: day(), Weight: 3, Type: issue.Incident, Confidential: true,
	}
	made := must[issue.Observed](t)(w.client().Create(t.Context(), w.project, issue.Draft{Title: "x", Description: "y", Settings: sent, Assignee: w.bot}))
	want := sent
	want.DueDate = time.Date(2099, 3, 31, 0, 0, 0, 0, time.UTC)
	if diff := cmp.Diff(&want, made.Settings); diff != "" {
		t.Errorf("kept (-sent +kept):\n%s", diff)
	}
	if lost := issue.Unkept(sent, made); lost != nil {
		t.Errorf("told to be lost: %q", lost)
	}
	shown := w.admin("GET", w.issuePath(made.IID), nil)
	if shown["due_date"] != "2099-03-31" || shown["issue_type"] != "incident" || shown["weight"] != 3.0 || len(shown["assignees"].([]any)) != 2 {
		t.Errorf("GitLab has %v", shown)
	}
}

// What GitLab drops without a word is told, and the issue is there all the same.
func TestUnkeptSettings(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	first, second, stranger := w.member("first"), w.member("second"), w.user("stranger")
	other := id(w.admin("POST", "/groups", map[string]any{"name": "Other", "path": "other"}))
	w.admin("PUT", "/namespaces/acme", map[string]any{"plan": "free"})
	for name, c := range map[string]struct {
		sent issue.Settings
		want []string
	}{
		"the Free tier keeps one assignee": {issue.Settings{Assignees: []int64{first, second}}, []string{fmt.Sprintf("users %d:", second), "Free"}},
		"a stranger":                       {issue.Settings{Assignees: []int64{stranger}}, []string{fmt.Sprintf("users %d:", stranger), "may not see"}},
		"the Free tier has no weights":     {issue.Settings{Weight: 5}, []string{"weight 5", "Premium"}},
		"another group's milestone":        {issue.Settings{MilestoneID: w.milestone(fmt.Sprintf("/groups/%d", other), "theirs")}, []string{"milestone", "neither of the project"}},
		"nothing is lost":                  {issue.Settings{Assignees: []int64{first}, DueDate: day(), Type: issue.Task}, nil},
	} {
		made, err := w.client().Create(t.Context(), w.project, issue.Draft{Title: name, Description: "y", Settings: c.sent})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		told := strings.Join(issue.Unkept(c.sent, made), "\n")
		for _, word := range c.want {
			if !strings.Contains(told, word) {
				t.Errorf("%s: told %q, without %q", name, told, word)
			}
		}
		if c.want == nil && told != "" {
			t.Errorf("%s: told %q", name, told)
		}
	}
}

// A draft that asks for no settings sends what it sent before there were any, and
// a change never sends one.
func TestNoSettings(t *testing.T) {
	var bodies []string
	url := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		sendIssue(rw, 201, 1)
	})
	c := client(t, url)
	for _, d := range []issue.Draft{
		{Title: "x", Description: "y", Labels: []string{"cxm"}},
		{Title: "x", Description: "y", Labels: []string{"cxm"}, Settings: issue.Settings{Type: issue.Plain}},
		{Title: "x", Description: "y", Labels: []string{"cxm"}, Assignee: 4},
	} {
		if made := must[issue.Observed](t)(c.Create(t.Context(), 7, d)); made.Settings != nil || issue.Unkept(d.Settings, made) != nil {
			t.Errorf("settings of none: %+v", made.Settings)
		}
	}
	must[issue.Observed](t)(c.Change(t.Context(), 7, 1, issue.Change{Title: new("z")}))
	plain := `{"title":"x","description":"y","labels":"cxm"}`
	want := []string{plain, plain, `{"title":"x","description":"y","assignee_ids":[4],"labels":"cxm"}`, `{"title":"z"}`}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	_, err := c.Create(t.Context(), 7, issue.Draft{Title: "x", Settings: issue.Settings{Type: "epic"}})
	if wantKind(t, err, issue.Invalid); len(bodies) != len(want) {
		t.Errorf("sent %q", bodies[len(want):])
	}
}
