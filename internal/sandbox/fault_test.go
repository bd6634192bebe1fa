package sandbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/sandbox"
)

const issuesPath = "/api/v4/projects/1/issues"

// titles gives the titles of the project's issues, newest first.
func (c client) titles() []string {
	c.t.Helper()
	var found []struct{ Title string }
	if err := json.Unmarshal([]byte(c.api(200, "GET", "/projects/1/issues?per_page=100", "").Body), &found); err != nil {
		c.t.Fatal(err)
	}
	out := []string{}
	for _, f := range found {
		out = append(out, f.Title)
	}
	return out
}

func TestFaults(t *testing.T) {
	bad := http.Header{"Content-Type": {"text/html"}}
	for _, tc := range []struct {
		name      string
		fault     sandbox.Fault
		status    int // 0: the connection broke
		body      string
		committed bool
	}{
		{"none", sandbox.Fault{Method: "DELETE", Status: 500}, 201, "", true},
		{"status instead of the handler", sandbox.Fault{Method: "POST", Path: "/api/v4/projects/*/issues", Status: 500, Body: "boom"}, 500, "boom", false},
		{"502 after commit", sandbox.Fault{Status: 502, Commit: true, Header: bad, Body: "<html>bad gateway</html>"}, 502, "<html>bad gateway</html>", true},
		{"201 with an empty body", sandbox.Fault{Path: issuesPath, Status: 201, Commit: true}, 201, "", true},
		{"cut before", sandbox.Fault{Cut: sandbox.CutBefore}, 0, "", false},
		{"cut after", sandbox.Fault{Cut: sandbox.CutAfter}, 0, "", true},
		{"half", sandbox.Fault{Cut: sandbox.CutHalf}, 0, "", true},
		{"path of another shape", sandbox.Fault{Path: "/api/v4/projects/*", Status: 500}, 201, "", true},
		{"after the first", sandbox.Fault{After: 1, Status: 500}, 201, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
			remove := s.Inject(tc.fault)
			r := c.do("POST", issuesPath, `{"title":"x"}`)
			remove()
			if r.Status != tc.status || tc.status != 201 && tc.body != "" && r.Body != tc.body {
				t.Errorf("answer %d %q, want %d %q", r.Status, r.Body, tc.status, tc.body)
			}
			if tc.name == "201 with an empty body" && r.Body != "" {
				t.Errorf("body %q", r.Body)
			}
			if got := len(c.titles()) == 1; got != tc.committed {
				t.Errorf("committed %v, want %v", got, tc.committed)
			}
			if calls := s.Calls(); len(calls) != 2 || tc.fault.Cut == sandbox.CutNone && calls[0].Status != tc.status || !calls[0].Writes() {
				t.Errorf("calls %+v", calls)
			}
		})
	}
}

func TestFaultsStrikeAsOftenAsTold(t *testing.T) {
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	s.Inject(sandbox.Fault{Method: "GET", Path: "/api/v4/user", After: 1, Times: 2, Status: 503})
	var got []int
	for range 5 {
		got = append(got, c.do("GET", "/api/v4/user", "").Status)
	}
	want := []int{200, 503, 503, 200, 200}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("statuses %v, want %v", got, want)
		}
	}
}

// TestControlOverHTTP drives faults, calls and limits as other programs do.
func TestControlOverHTTP(t *testing.T) {
	_, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	if r := c.as("").do("GET", "/-/sandbox/calls", ""); r.Status != 401 {
		t.Errorf("calls without a token: %d", r.Status)
	}
	if r := c.do("POST", "/-/sandbox/faults", `{"path":"/api/v4/user","status":418,"times":1}`); r.Status != 201 {
		t.Fatalf("inject: %d %s", r.Status, r.Body)
	}
	if r := c.do("POST", "/-/sandbox/faults", `{"paht":"/"}`); r.Status != 400 || !strings.Contains(r.Body, "paht") {
		t.Errorf("misspelt fault: %d %s", r.Status, r.Body)
	}
	c.api(418, "GET", "/user", "")
	c.api(200, "GET", "/user", "")
	c.api(404, "GET", "/nowhere", "")
	r := c.do("GET", "/-/sandbox/calls?format=text", "")
	if want := "418 GET /api/v4/user \n200 GET /api/v4/user root\n404 GET /api/v4/nowhere \n"; r.Body != want {
		t.Errorf("calls\n%s\nwant\n%s", r.Body, want)
	}
	if r := c.do("GET", "/-/sandbox/calls?unknown=true", ""); r.str("0.path") != "/api/v4/nowhere" {
		t.Errorf("unknown calls: %s", r.Body)
	}
	c.do("DELETE", "/-/sandbox/calls", "")
	if r := c.do("GET", "/-/sandbox/calls", ""); r.Body != "[]" {
		t.Errorf("after reset: %s", r.Body)
	}
	if r := c.do("PUT", "/-/sandbox/limits", `{"issues_create":1}`); r.num("issues_create") != 1 {
		t.Errorf("limits: %s", r.Body)
	}
}

// TestLatencyAndDelay holds the time a request takes to what was asked for.
func TestLatencyAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Options{Latency: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		s.Inject(sandbox.Fault{Path: "/api/v4/version", Delay: time.Second})
		for path, want := range map[string]time.Duration{"/api/v4/user": 20 * time.Millisecond, "/api/v4/version": 1020 * time.Millisecond} {
			began := time.Now()
			r := httptest.NewRequestWithContext(context.Background(), "GET", path, nil)
			r.Header.Set("PRIVATE-TOKEN", s.AdminToken())
			s.ServeHTTP(httptest.NewRecorder(), r)
			if got := time.Since(began); got != want {
				t.Errorf("%s took %v, want %v", path, got, want)
			}
		}
	})
}

// TestNumbersAreUniqueUnderLoad creates from many sides at once.
func TestNumbersAreUniqueUnderLoad(t *testing.T) {
	const workers, each = 8, 25
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if r := c.do("POST", issuesPath, `{"title":"x","labels":"a,b"}`); r.Status != 201 {
					t.Errorf("create: %d %s", r.Status, r.Body)
				}
				c.do("GET", issuesPath+"?per_page=5", "")
				s.Calls()
			}
		})
	}
	wg.Wait()
	r := c.api(200, "GET", "/projects/1/issues?sort=desc&per_page=1", "")
	if got := r.num("0.iid"); got != workers*each {
		t.Errorf("last iid %d, want %d", got, workers*each)
	}
}
