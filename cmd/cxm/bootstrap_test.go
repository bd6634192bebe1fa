package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cxm/internal/sandbox"
)

// TestBootstrapScripts runs the scripts about setting up: their sandbox GitLab has
// no service account yet. Files hold the tokens of an Owner of the group acme
// (owner), of a developer (engineer), and of the administrator (admin).
func TestBootstrapScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "setup"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup:               setupUnset,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"person": person},
	})
}

func setupUnset(env *testscript.Env) error {
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		return err
	}
	server := httptest.NewServer(s)
	env.Defer(server.Close)
	env.Values[gitlabKey{}] = s
	env.Setenv("GITLAB_URL", server.URL)
	env.Setenv("CXM_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", gorace)
	tokens := map[string]string{"admin": s.AdminToken()}
	for file, username := range map[string]string{"owner": "platform-admin", "engineer": "engineer"} {
		if tokens[file], err = tokenOf(server.URL, s.AdminToken(), username); err != nil {
			return err
		}
	}
	for file, token := range tokens {
		if err := os.WriteFile(filepath.Join(env.WorkDir, file), []byte(token+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// tokenOf makes a token for somebody.
func tokenOf(url, admin, username string) (string, error) {
	got, err := send(url, admin, http.MethodGet, "/api/v4/users?username="+username, "")
	if err != nil {
		return "", err
	}
	var found []struct{ ID int64 }
	if err := json.Unmarshal(got, &found); err != nil || len(found) != 1 {
		return "", fmt.Errorf("looking for %s: %s (%w)", username, got, err)
	}
	body := fmt.Sprintf(`{"name":"owner","scopes":["api"],"expires_at":%q}`, time.Now().AddDate(0, 0, 30).Format(time.DateOnly))
	if got, err = send(url, admin, http.MethodPost, fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", found[0].ID), body); err != nil {
		return "", err
	}
	var token struct{ Token string }
	return token.Token, json.Unmarshal(got, &token)
}
