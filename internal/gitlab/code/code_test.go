package code_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cxm/internal/gitlab/code"
	"cxm/internal/gitlab/people"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/rule/owner"
	"cxm/internal/sandbox"
)

// world is a sandbox in which a service account may read the code of acme/platform.
type world struct {
	*testing.T
	gitlab  *sandbox.Server
	url     string
	bot     float64
	project int64
	code    *code.Client
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
	w.bot = w.admin(http.MethodPost, "/groups/acme/service_accounts", map[string]any{"username": "cxm-integration"})["id"].(float64)
	w.admin(http.MethodPost, "/groups/acme/members", map[string]any{"user_id": w.bot, "access_level": 20})
	token := w.admin(http.MethodPost, fmt.Sprintf("/groups/acme/service_accounts/%v/personal_access_tokens", w.bot), map[string]any{"name": "cxm", "scopes": []string{"api"}})["token"].(string)
	w.project = int64(w.admin(http.MethodGet, "/projects/acme%2Fplatform", nil)["id"].(float64))
	w.code = client(t, server.URL, token)
	return w
}

func client(t *testing.T, url, token string) *code.Client {
	t.Helper()
	c, err := rest.New(rest.Options{URL: url, Token: func() string { return token }})
	if err != nil {
		t.Fatal(err)
	}
	return code.New(c, people.New(c))
}

func (w *world) admin(method, path string, body map[string]any) map[string]any {
	w.Helper()
	raw, _ := json.Marshal(body)
	req, _ := http.NewRequestWithContext(w.Context(), method, w.url+"/api/v4"+path, bytes.NewReader(raw))
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

// commit writes a file as somebody; the verb is create or update.
func (w *world) commit(verb, path, content, name, email string) {
	w.Helper()
	w.admin(http.MethodPost, fmt.Sprintf("/projects/%d/repository/commits", w.project), map[string]any{
		"branch": "main", "commit_message": verb + " " + path, "author_name": name, "author_email": email,
		"actions": []any{map[string]any{"action": verb, "file_path": path, "content": content}},
	})
}

func (w *world) repository() *code.Repository {
	w.Helper()
	r, err := w.code.Repository(w.Context(), w.project)
	if err != nil || r == nil {
		w.Fatalf("%v, %v", r, err)
	}
	return r
}

func (w *world) calls(steps func()) int {
	before := len(w.gitlab.Calls())
	steps()
	return len(w.gitlab.Calls()) - before
}

func TestCodeOwners(t *testing.T) {
	w := newWorld(t)
	if got, err := w.repository().CodeOwners(t.Context()); got != nil || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, where := range []string{".gitlab/CODEOWNERS", "docs/CODEOWNERS", "CODEOWNERS"} {
		w.commit("create", where, "* @acme/"+strings.Map(func(c rune) rune {
			if c == '/' {
				return '-'
			}
			return c
		}, strings.TrimPrefix(where, ".")), "Engineer", "engineer@example.com")
		got, err := w.repository().CodeOwners(t.Context())
		if err != nil || got == nil || got.Path != where {
			t.Fatalf("%s: %+v, %v", where, got, err)
		}
	}
	// One call says that nothing changed, and everything is known.
	if n := w.calls(func() {
		if got, err := w.repository().CodeOwners(t.Context()); err != nil || got.Path != "CODEOWNERS" {
			t.Errorf("%+v, %v", got, err)
		}
	}); n != 1 {
		t.Errorf("%d calls for what was known", n)
	}
	if unknown := w.gitlab.Unknown(); len(unknown) != 0 {
		t.Errorf("requests to routes that GitLab does not have: %+v", unknown)
	}
}

func TestEvidence(t *testing.T) {
	w := newWorld(t)
	w.admin(http.MethodPost, "/users", map[string]any{"username": "dba", "name": "DBA", "email": "dba@example.com", "public_email": "dba@example.com", "force_random_password": true, "skip_confirmation": true})
	w.commit("create", "CODEOWNERS", "* @platform-admin\n[Database]\n/infra/ @acme/database\n", "Engineer", "engineer@example.com")
	w.commit("create", "infra/db ä.tf", "1", "DBA", "dba@example.com")
	w.commit("update", "infra/db ä.tf", "2", "Somebody", "somebody@example.com")
	w.commit("update", "infra/db ä.tf", "3", "DBA", "DBA@example.com")
	w.commit("update", "infra/db ä.tf", "4", "renovate[bot]", "renovate@example.com")
	w.commit("update", "infra/db ä.tf", "5", "cxm", "project_1_bot_0a1b@noreply.example.com")
	w.commit("create", "infra/other.tf", "1", "Other", "other@example.com")
	r := w.repository()
	var got owner.Evidence
	read := func() {
		var err error
		if got, err = r.Evidence(t.Context(), owner.Evidence{Tags: map[string]string{"env": "prod"}}, "infra/db ä.tf"); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.calls(read); n != 4 {
		t.Errorf("%d calls, want the file, the commits and two people", n)
	}
	if n := w.calls(read); n != 0 {
		t.Errorf("%d calls for what was known", n)
	}
	want := []owner.Author{
		{Username: "dba", Name: "DBA", Email: "DBA@example.com", Commits: 2, Of: 3}, {Name: "Somebody", Email: "somebody@example.com", Commits: 1, Of: 3},
	}
	if diff := cmp.Diff(want, got.Authors, cmpopts.IgnoreFields(owner.Author{}, "Last")); diff != "" || got.Authors[0].Last.IsZero() {
		t.Errorf("authors (-want +got):\n%s", diff)
	}
	decided := owner.New(owner.Settings{}).Decide(got)
	if decided.Name != "@acme/database" || decided.Why != "CODEOWNERS of infra/db ä.tf line 3, section [Database]" || decided.Confidence != owner.SureFile {
		t.Errorf("%+v", decided)
	}
	if text, there, err := r.File(t.Context(), "infra/db ä.tf"); string(text) != "5" || !there || err != nil {
		t.Errorf("%q, %v, %v", text, there, err)
	}
	if _, there, err := r.File(t.Context(), "infra/none.tf"); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	if got, err := r.Authors(t.Context(), "infra/none.tf"); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	// Everything is of one commit, whatever was pushed meanwhile.
	w.commit("update", "CODEOWNERS", "* @later", "Engineer", "engineer@example.com")
	if text, _, err := r.File(t.Context(), "CODEOWNERS"); strings.Contains(string(text), "@later") || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if next := w.repository(); next.Head() == r.Head() || next == r {
		t.Error("a new commit is not seen")
	}
}

// Many ask at once, and GitLab is asked once.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.commit("create", "CODEOWNERS", "* @acme/all", "Engineer", "engineer@example.com")
	r := w.repository()
	n := w.calls(func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := r.Evidence(t.Context(), owner.Evidence{}, "README.md"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	if n > 3 {
		t.Errorf("%d calls", n)
	}
}

func TestNothingToRead(t *testing.T) {
	w := newWorld(t)
	empty := w.admin(http.MethodPost, "/projects", map[string]any{"name": "empty", "namespace_id": w.admin(http.MethodGet, "/groups/acme", nil)["id"]})
	if r, err := w.code.Repository(t.Context(), int64(empty["id"].(float64))); r != nil || err != nil {
		t.Errorf("an empty repository: %+v, %v", r, err)
	}
	if _, err := w.code.Repository(t.Context(), 999); !rest.Is(err, issue.NotFound) {
		t.Errorf("no such project: %v", err)
	}
	w.admin(http.MethodPut, fmt.Sprintf("/groups/acme/members/%v", w.bot), map[string]any{"access_level": 10})
	if _, err := w.code.Repository(t.Context(), w.project); !rest.Is(err, issue.Forbidden) {
		t.Errorf("a role that may not read code: %v", err)
	}
}

// Merges count for nobody, a giant is not read, and what GitLab does not send is
// not taken for an answer.
func TestOddAnswers(t *testing.T) {
	sha := strings.Repeat("a", 40)
	commit := func(email, parents string) string {
		return fmt.Sprintf(`{"id":%q,"parent_ids":[%s],"author_name":"N","author_email":%q,"authored_date":"2026-01-02T03:04:05.000+01:00"}`, sha, parents, email)
	}
	var list string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		switch {
		case strings.Contains(r.URL.Path, "/raw"):
			for range 5 {
				_, _ = rw.Write(bytes.Repeat([]byte("x"), 1<<20))
			}
		case strings.Contains(r.URL.Path, "/users"):
			_, _ = io.WriteString(rw, "[]")
		default:
			_, _ = io.WriteString(rw, list)
		}
	}))
	t.Cleanup(server.Close)
	c := client(t, server.URL, "glpat-"+strings.Repeat("0", 20))
	merge := commit("merger@example.com", `"b","c"`)
	list = "[" + strings.Repeat(merge+",", 10) + strings.Repeat(commit("b@example.com", `"b"`)+",", 5) + strings.Repeat(commit("a@example.com", `"b"`)+",", 30) + merge + "]"
	r, err := c.Repository(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Authors(t.Context(), "x")
	if err != nil || len(got) != 2 || got[0].Email != "a@example.com" || got[0].Commits != 15 || got[1].Commits != 5 || got[0].Of != 20 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := r.File(t.Context(), "x"); !rest.Is(err, issue.Invalid) || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("a giant: %v", err)
	}
	if _, err := r.CodeOwners(t.Context()); !rest.Is(err, issue.Invalid) {
		t.Errorf("a giant: %v", err)
	}
	for _, list = range []string{`{}`, `null`, `[null]`, `[{"id":"x"}]`, `<html>`} {
		if _, err := c.Repository(t.Context(), 1); !rest.Is(err, issue.Unavailable) {
			t.Errorf("%s: %v", list, err)
		}
	}
}

func TestFolder(t *testing.T) {
	w := newWorld(t)
	w.commit("create", "envs/prod/a b.tf", "1", "Engineer", "engineer@example.com")
	w.commit("create", "envs/prod/deep/c.tf", "1", "Engineer", "engineer@example.com")
	r := w.repository()
	if got, there, calls, err := r.Folder(t.Context(), "envs/prod"); err != nil || !there || calls != 1 || !cmp.Equal(got, []string{"envs/prod/a b.tf"}) {
		t.Errorf("%q, %v, %d calls, %v", got, there, calls, err)
	}
	if got, there, _, err := r.Folder(t.Context(), "."); err != nil || !there || !slices.Contains(got, "README.md") {
		t.Errorf("%q, %v, %v", got, there, err)
	}
	if got, there, _, err := r.Folder(t.Context(), "none"); err != nil || there || len(got) > 0 {
		t.Errorf("%q, %v, %v", got, there, err)
	}
	var actions []any
	for i := range 150 {
		actions = append(actions, map[string]any{"action": "create", "file_path": fmt.Sprintf("many/%d.tf", i), "content": "1"})
	}
	w.admin(http.MethodPost, fmt.Sprintf("/projects/%d/repository/commits", w.project), map[string]any{"branch": "main", "commit_message": "many", "actions": actions})
	if got, _, calls, err := w.repository().Folder(t.Context(), "many"); err != nil || len(got) != 150 || calls != 2 {
		t.Errorf("%d files with %d calls, %v", len(got), calls, err)
	}
	w.admin(http.MethodPut, fmt.Sprintf("/groups/acme/members/%v", w.bot), map[string]any{"access_level": 10})
	if _, _, _, err := r.Folder(t.Context(), "envs/prod"); !rest.Is(err, issue.Forbidden) {
		t.Errorf("a role that may not read code: %v", err)
	}
}
