package sandbox_test

import (
	"strings"
	"testing"

	"cxm/internal/sandbox"
)

func TestPages(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	c.api(201, "POST", "/projects/1/issues", `{"title":"Resize <b>disk</b>","labels":"finops","description":"| a | b |\n|---|---|\n| 1 | <script>alert(1)</script> |\n\nsee #1 @engineer"}`)
	c.api(201, "POST", "/projects/1/issues/1/notes", `{"body":"**done** ~finops"}`)
	c.api(200, "PUT", "/projects/2", `{"path":"store"}`)
	for path, want := range map[string]struct {
		status int
		holds  string
	}{
		"/":                                          {200, "acme/platform"},
		"/acme/platform":                             {200, "Resize &lt;b&gt;disk"},
		"/acme/platform/-/issues?search=x":           {200, "No issues here"},
		"/acme/platform/-/issues/1":                  {200, "<table>"},
		"/acme/platform/-/work_items/1":              {200, "<strong>done</strong>"},
		"/ACME/platform/-/issues/1":                  {200, "<table>"},
		"/acme/platform/-/issues/9":                  {404, "404"},
		"/acme/platform/-/issues/x":                  {404, "404"},
		"/acme/nothing":                              {404, "404"},
		"/acme/shop":                                 {301, ""},
		"/uploads/-/system/user/avatar/1/avatar.svg": {200, "<svg"},
	} {
		r := c.as("").do("GET", path, "")
		if r.Status != want.status || !strings.Contains(r.Body, want.holds) {
			t.Errorf("%s: %d, want %d with %s: %s", path, r.Status, want.status, want.holds, r.Body)
		}
		if strings.Contains(r.Body, "<script") {
			t.Errorf("%s has a script", path)
		}
	}
	if r := c.do("GET", "/acme/shop/-/issues/1", ""); r.Header.Get("Location") != c.url+"/acme/store/-/issues/1" {
		t.Errorf("moved page leads to %q", r.Header.Get("Location"))
	}
	if n := len(s.Unknown()); n != 0 {
		t.Errorf("unknown routes: %v", s.Unknown())
	}
	if r := c.do("GET", "/acme/platform/-/merge_requests", ""); r.Status != 404 || r.Header.Get("X-Sandbox-Unknown-Route") != "1" {
		t.Errorf("a page that is not served: %d", r.Status)
	}
}

// TestWhatTextsRun asks what the sandbox noticed in texts.
func TestWhatTextsRun(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	c.api(201, "POST", "/projects/1/issues", `{"title":"x","description":"a\n\n/label ~bug\n/weight 3\n/nonsense\n\nhi @engineer and `+"`@root`"+` &#64;platform-admin"}`)
	c.api(200, "PUT", "/projects/1/issues/1", `{"description":"hi @engineer again and @newcomer"}`)
	var got []string
	for _, q := range s.QuickActions() {
		got = append(got, q.Project, q.Command)
		if q.User != "root" || q.IssueIID != 1 || !q.Applied || q.At.IsZero() {
			t.Errorf("%+v", q)
		}
	}
	if want := "acme/platform /label ~bug acme/platform /weight 3"; strings.Join(got, " ") != want {
		t.Errorf("ran %q, want %q", got, want)
	}
	got = nil
	for _, m := range s.Mentions() {
		got = append(got, m.Username)
	}
	if want := "engineer platform-admin newcomer"; strings.Join(got, " ") != want {
		t.Errorf("mentioned %q, want %q", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, o := range []sandbox.Options{{Edition: "pro"}, {Seed: "full"}} {
		if _, err := sandbox.New(o); err == nil || !strings.Contains(err.Error(), "use") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
