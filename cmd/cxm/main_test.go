package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"cxm/internal/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cxm": main})
}

// TestScripts runs every command as a person would. Each script has a sandbox
// GitLab of its own ($GITLAB_URL, the service account's token in the file
// token), a data directory of its own, and the commands
//
//	person METHOD PATH [BODY]   what somebody does in GitLab, as its administrator;
//	                            {closed} in the path is the number of a closed issue
//	utf16 FILE                  writes a file again in UTF-16
//	nul FILE                    puts a NUL byte into a file
//	alter FILE OLD NEW          puts bytes in the place of as many others in a file
//	front                       puts TLS before the sandbox, and a proxy beside it
//	lines FILE LINE...          writes lines; @NAME is what the file NAME holds
//	long FILE                   makes a file with one line of 100 MB
//	remote                      serves the API on the data directory ($SERVER, tokens in files)
//	same ARG...                 runs cxm here and on the server: both say the same
//	astray                      a server ($ASTRAY) that sends to another one ($ELSEWHERE), which writes what it hears
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"person": person, "utf16": toUTF16, "nul": withNUL, "alter": alter, "long": longLine, "lines": lines, "front": front,
			"remote": serving, "same": same, "astray": astray,
		},
	})
}

// alter changes a file as somebody does who goes around cxm.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || len(args[1]) != len(args[2]) {
		ts.Fatalf("usage: alter FILE OLD NEW, both of the same length")
	}
	file := ts.MkAbs(args[0])
	before, err := os.ReadFile(file)
	ts.Check(err)
	after := bytes.ReplaceAll(before, []byte(args[1]), []byte(args[2]))
	if bytes.Equal(before, after) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, after, 0o600))
}

// gorace is for the programs that scripts run. By default one with the race detector
// waits for a second before it ends, for what other goroutines still do: hundreds of
// seconds for hundreds of commands.
const gorace = "atexit_sleep_ms=50"

type gitlabKey struct{}

func setup(env *testscript.Env) error {
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		return err
	}
	server := httptest.NewServer(s)
	env.Defer(server.Close)
	env.Values[gitlabKey{}] = s
	env.Setenv("GITLAB_URL", server.URL)
	env.Setenv("ADMIN_TOKEN", s.AdminToken())
	env.Setenv("CXM_DATA_DIR", filepath.Join(env.WorkDir, "data"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", gorace)
	env.Setenv("CXM_ADMIT_NEW_SOURCES", "true")
	token, err := serviceAccount(server.URL, s.AdminToken())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "token"), []byte(token+"\n"), 0o600)
}

func serviceAccount(url, admin string) (string, error) {
	var account struct{ ID int64 }
	got, err := send(url, admin, http.MethodPost, "/api/v4/groups/acme/service_accounts", `{"username":"cxm-integration"}`)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(got, &account); err != nil {
		return "", err
	}
	member := fmt.Sprintf(`{"user_id":%d,"access_level":40}`, account.ID)
	if _, err := send(url, admin, http.MethodPost, "/api/v4/projects/acme%2Fplatform/members", member); err != nil {
		return "", err
	}
	var token struct{ Token string }
	body := fmt.Sprintf(`{"name":"cxm","scopes":["api","self_rotate"],"expires_at":%q}`, time.Now().AddDate(0, 0, 90).Format(time.DateOnly))
	if got, err = send(url, admin, http.MethodPost, fmt.Sprintf("/api/v4/groups/acme/service_accounts/%d/personal_access_tokens", account.ID), body); err != nil {
		return "", err
	}
	return token.Token, json.Unmarshal(got, &token)
}

func send(url, token, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s answered %d: %s", method, path, resp.StatusCode, got)
	}
	return got, err
}

func person(ts *testscript.TestScript, neg bool, args []string) {
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	s := ts.Value(gitlabKey{}).(*sandbox.Server)
	path := args[1]
	if before, after, named := strings.Cut(path, "{closed}"); named {
		path = before + closed(ts, s) + after
	}
	got, err := send(ts.Getenv("GITLAB_URL"), s.AdminToken(), args[0], path, body)
	if (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
	_, err = ts.Stdout().Write(got)
	ts.Check(err)
}

// closed is the number of a closed issue: which got which depends on who was first.
func closed(ts *testscript.TestScript, s *sandbox.Server) string {
	got, err := send(ts.Getenv("GITLAB_URL"), s.AdminToken(), http.MethodGet, "/api/v4/projects/acme%2Fplatform/issues?state=closed", "")
	ts.Check(err)
	var all []struct {
		IID int64 `json:"iid"`
	}
	ts.Check(json.Unmarshal(got, &all))
	if len(all) == 0 {
		ts.Fatalf("no issue is closed")
	}
	return strconv.FormatInt(all[0].IID, 10)
}

func toUTF16(ts *testscript.TestScript, _ bool, args []string) {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(ts.ReadFile(args[0]))) {
		out = append(out, byte(u), byte(u>>8))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}

func withNUL(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.ReadFile(args[0]))
	text[len(text)/2] = 0
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

func longLine(ts *testscript.TestScript, _ bool, args []string) {
	text := append([]byte(`{"items":[{"accountId":"`), bytes.Repeat([]byte("1"), 100<<20)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(text, `"}]}`...), 0o600))
}

func lines(ts *testscript.TestScript, _ bool, args []string) {
	var text []byte
	for _, line := range args[1:] {
		if name, ok := strings.CutPrefix(line, "@"); ok {
			line = strings.TrimSpace(ts.ReadFile(name))
		}
		text = append(text, line+"\n"...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}
