package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/sandbox"
)

// visited is a sandbox with many projects, as the service account sees it.
func visited(t *testing.T, projects int) (*sandbox.Server, *app.Visit) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	do := func(method, path, body string, into any) {
		req := httptest.NewRequestWithContext(t.Context(), method, server.URL+"/api/v4"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("PRIVATE-TOKEN", s.AdminToken())
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, req)
		if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil || answer.Code >= 300 {
			t.Fatalf("%s %s answered %d: %s, %v", method, path, answer.Code, answer.Body, err)
		}
	}
	var account, group struct{ ID int64 }
	var token struct{ Token string }
	do(http.MethodPost, "/groups/acme/service_accounts", `{"username":"cxm-integration"}`, &account)
	do(http.MethodPost, "/groups/acme/members", `{"username":"cxm-integration","access_level":40}`, new(any))
	expires := time.Now().AddDate(0, 0, 90).Format(time.DateOnly)
	do(http.MethodPost, fmt.Sprintf("/groups/acme/service_accounts/%d/personal_access_tokens", account.ID),
		fmt.Sprintf(`{"name":"cxm","scopes":["api","self_rotate"],"expires_at":%q}`, expires), &token)
	do(http.MethodGet, "/groups/acme", "", &group)
	for i := range projects {
		do(http.MethodPost, "/projects", fmt.Sprintf(`{"name":"service-%03d","namespace_id":%d}`, i, group.ID), new(any))
	}
	a, err := app.Open(t.Context(), app.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	secret, err := app.CleanToken(token.Token)
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.Visit(t.Context(), app.Connect{URL: server.URL, Token: secret})
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

// Of very many repositories no more are fetched than are looked at.
func TestChooseFromMany(t *testing.T) {
	s, v := visited(t, 230)
	for name, c := range map[string]struct {
		typed string
		want  string // in what is shown last
		calls int
	}{
		"the first":        {"acme\n1\n3\n", "3  acme/service-00", 1},
		"by searching":     {"acme\n1\nservice-219\n1\n", "1  acme/service-219", 2},
		"by going on":      {"acme\n1\n" + strings.Repeat("\n", 17) + "205\n", "205  acme/service-", 3},
		"to the end":       {"acme\n1\n" + strings.Repeat("\n", 30) + "1\n", "That was all", 3},
		"past the end":     {"acme\n1\n999\n1\n", "There is no number 999", 1},
		"all again":        {"acme\n1\nservice-219\n*\n2\n", "2  acme/", 3},
		"all repositories": {"0\n2\n", "2  acme/", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s.ResetCalls()
			got, err := chooseProject(t.Context(), shell.NewAsker(t.Context(), strings.NewReader(c.typed), &out), v)
			if err != nil || !strings.Contains(out.String(), c.want) || got == "" {
				t.Errorf("%q, %v:\n%s", got, err, out.String())
			}
			calls := 0
			for _, call := range s.Calls() {
				if call.Path == "/api/v4/projects" {
					calls++
				}
			}
			if calls != c.calls {
				t.Errorf("%d calls for lists of projects, want %d", calls, c.calls)
			}
		})
	}
	if _, err := chooseProject(t.Context(), shell.NewAsker(t.Context(), strings.NewReader(""), io.Discard), v); !errors.Is(err, shell.ErrNoAnswer) {
		t.Errorf("nobody answers: %v", err)
	}
}
