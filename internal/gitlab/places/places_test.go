package places_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cxm/internal/gitlab/places"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// world is a sandbox in which a service account is a member of the group acme.
type world struct {
	*testing.T
	gitlab *sandbox.Server
	url    string
	bot    float64
	places *places.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w := &world{T: t, gitlab: s, url: server.URL}
	w.bot = w.admin(http.MethodPost, "/groups/acme/service_accounts", `{"username":"cxm-integration"}`)["id"].(float64)
	token := w.admin(http.MethodPost, fmt.Sprintf("/groups/acme/service_accounts/%v/personal_access_tokens", w.bot), `{"name":"cxm","scopes":["api"]}`)["token"].(string)
	c, err := rest.New(rest.Options{URL: server.URL, Token: func() string { return token }})
	if err != nil {
		t.Fatal(err)
	}
	w.places = places.New(c)
	return w
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
	if err := json.Unmarshal(got, &out); err != nil || resp.StatusCode >= 300 {
		w.Fatalf("%s %s answered %d: %s", method, path, resp.StatusCode, got)
	}
	return out
}

func (w *world) project(namespace any, name string) float64 {
	w.Helper()
	return w.admin(http.MethodPost, "/projects", fmt.Sprintf(`{"name":%q,"namespace_id":%v}`, name, namespace))["id"].(float64)
}

func (w *world) member(where string, level int) {
	w.Helper()
	w.admin(http.MethodPost, where+"/members", fmt.Sprintf(`{"user_id":%v,"access_level":%d}`, w.bot, level))
}

// all is the whole list, and how many calls it took.
func all[T any](t *testing.T, w *world, p *places.Pages[T]) (out []T, calls int) {
	t.Helper()
	before := len(w.gitlab.Calls())
	for more := true; more; {
		var some []T
		var err error
		if some, more, err = p.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		out = append(out, some...)
	}
	return out, len(w.gitlab.Calls()) - before
}

func TestProjects(t *testing.T) {
	w := newWorld(t)
	w.member("/groups/acme", 30)
	group := w.admin(http.MethodGet, "/groups/acme", "")["id"]
	other := w.admin(http.MethodPost, "/groups", `{"name":"Acme Two","path":"acme-two"}`)["id"]
	archived, off, gone := w.project(group, "old"), w.project(group, "quiet"), w.project(group, "leaving")
	w.admin(http.MethodPost, fmt.Sprintf("/projects/%v/archive", archived), "")
	w.admin(http.MethodPut, fmt.Sprintf("/projects/%v", off), `{"issues_access_level":"disabled"}`)
	w.admin(http.MethodDelete, fmt.Sprintf("/projects/%v", gone), "")
	low := w.project(other, "low")
	w.member(fmt.Sprintf("/projects/%v", low), 10)
	w.project(other, "hidden")

	found, _ := all(t, w, w.places.Projects("", ""))
	unfit := map[string]string{}
	for _, p := range found {
		unfit[p.Path] = p.Unfit
	}
	for path, want := range map[string]string{
		"acme/platform": "", "acme/old": "archived", "acme/quiet": "issues are disabled", "acme/leaving": "marked for deletion",
		"acme-two/low": "the role is too low: guest, and it takes planner or more",
	} {
		if got, there := unfit[path]; !there || got != want {
			t.Errorf("%s: %q (%v), want %q", path, got, there, want)
		}
	}
	if _, there := unfit["acme-two/hidden"]; there {
		t.Error("a project that the account is no member of is there")
	}
	for _, p := range found {
		if p.Path == "acme/platform" && (p.ID == 0 || p.AccessLevel != 30 || !strings.HasSuffix(p.WebURL, "/acme/platform")) {
			t.Errorf("%+v", p)
		}
	}
	paths := func(within, search string) []string {
		var out []string
		found, _ := all(t, w, w.places.Projects(within, search))
		for _, p := range found {
			out = append(out, p.Path)
		}
		slices.Sort(out)
		return out
	}
	if got := paths("acme", "qui"); !slices.Equal(got, []string{"acme/quiet"}) {
		t.Error(got)
	}
	if got := paths("acme", "low"); len(got) != 0 {
		t.Error(got)
	}
	if got := paths("acme-two", ""); !slices.Equal(got, []string{"acme-two/low"}) {
		t.Error(got)
	}
	if got := paths("ACME", ""); slices.Contains(got, "acme-two/low") || !slices.Contains(got, "acme/platform") {
		t.Error(got)
	}
	if got := paths("", "nothing of that name"); len(got) != 0 {
		t.Error(got)
	}
}

// A list is fetched as needed, and by keyset, so that it has no end.
func TestProjectsInPages(t *testing.T) {
	w := newWorld(t)
	w.member("/groups/acme", 40)
	group := w.admin(http.MethodGet, "/groups/acme", "")["id"]
	before, _ := all(t, w, w.places.Projects("", ""))
	for i := range 230 {
		w.project(group, fmt.Sprintf("service-%03d", i))
	}
	list := w.places.Projects("", "")
	calls := len(w.gitlab.Calls())
	first, more, err := list.Next(t.Context())
	if err != nil || !more || len(first) != 100 || len(w.gitlab.Calls()) != calls+1 {
		t.Fatalf("the first page: %d, %v, %v", len(first), more, err)
	}
	rest, _ := all(t, w, list)
	seen := map[int64]bool{}
	for _, p := range slices.Concat(first, rest) {
		if seen[p.ID] {
			t.Errorf("%s is there twice", p.Path)
		}
		seen[p.ID] = true
	}
	if len(seen) != len(before)+230 {
		t.Errorf("%d projects, want %d", len(seen), len(before)+230)
	}
	if again, more, err := list.Next(t.Context()); len(again) != 0 || more || err != nil {
		t.Errorf("behind the end: %v, %v, %v", again, more, err)
	}
	for _, c := range w.gitlab.Calls()[calls:] {
		if c.Path == "/api/v4/projects" && c.Query.Get("pagination") != "keyset" {
			t.Errorf("not by keyset: %v", c.Query)
		}
	}
}

func TestNamespaces(t *testing.T) {
	w := newWorld(t)
	w.member("/groups/acme", 30)
	for i := range 120 {
		id := w.admin(http.MethodPost, "/groups", fmt.Sprintf(`{"name":"Team %03d","path":"team-%03d"}`, i, i))["id"]
		w.member(fmt.Sprintf("/groups/%v", id), 15)
	}
	w.admin(http.MethodPost, "/groups", `{"name":"Team Hidden","path":"team-hidden"}`)
	found, calls := all(t, w, w.places.Namespaces("team"))
	if len(found) != 120 || calls != 2 {
		t.Errorf("%d namespaces with %d calls", len(found), calls)
	}
	found, _ = all(t, w, w.places.Namespaces("acme"))
	if len(found) != 1 || found[0].Path != "acme" || found[0].Own || found[0].ID == 0 || found[0].Name == "" {
		t.Errorf("%+v", found)
	}
}

func TestLabelsAndAssignees(t *testing.T) {
	w := newWorld(t)
	w.member("/groups/acme", 30)
	p := w.admin(http.MethodGet, "/projects/acme%2Fplatform", "")
	id := int64(p["id"].(float64))
	w.admin(http.MethodPost, "/projects/acme%2Fplatform/labels", `{"name":"team a::b & c","color":"#ff0000"}`)
	missing, err := w.places.Missing(t.Context(), id, []string{"team a::b & c", "team a", "none"})
	if err != nil || !slices.Equal(missing, []string{"team a", "none"}) {
		t.Errorf("%v, %v", missing, err)
	}
	if got, err := w.places.Assignee(t.Context(), id, " @cxm-integration "); err != nil || got != int64(w.bot) {
		t.Errorf("%d, %v", got, err)
	}
	w.admin(http.MethodPost, "/users", `{"username":"stranger","name":"Stranger","email":"stranger@example.com","password":"a-Long-passw0rd-`+fmt.Sprint(id)+`"}`)
	for name, want := range map[string]string{"stranger": "is no member", "nobody-of-that-name": "no such user", "": "no such user"} {
		var trouble *issue.Trouble
		if got, err := w.places.Assignee(t.Context(), id, name); !errors.As(err, &trouble) || !strings.Contains(trouble.Said, want) || trouble.Mend == "" {
			t.Errorf("%q: %d, %v", name, got, err)
		}
	}
}

// What is no list of projects is none, rather than the end.
func TestGarbage(t *testing.T) {
	for _, body := range []string{`null`, `{}`, `[null]`, `[{"id":0}]`, `<html>`, `[{"id":5,"path_with_namespace":"a/b"},{"id":5}]`} {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, body)
		}))
		c, err := rest.New(rest.Options{URL: s.URL, Token: func() string { return "some-token" }})
		if err != nil {
			t.Fatal(err)
		}
		if found, more, err := places.New(c).Projects("", "").Next(t.Context()); err == nil {
			t.Errorf("%s: %v, %v", body, found, more)
		}
		s.Close()
	}
}
