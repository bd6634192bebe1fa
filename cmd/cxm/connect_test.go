package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"cxm/internal/app"
	"cxm/internal/sandbox"
)

// front puts TLS with a certificate of a private authority before the sandbox
// ($TLS_URL, the authority in ca.pem), and a proxy beside it ($PROXY_URL) that
// takes tunnels and writes each into the file tunnels.
func front(ts *testscript.TestScript, _ bool, _ []string) {
	s := httptest.NewTLSServer(ts.Value(gitlabKey{}).(*sandbox.Server))
	ts.Defer(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
	ts.Setenv("TLS_URL", s.URL)
	heard := ts.MkAbs("tunnels")
	ts.Check(os.WriteFile(heard, nil, 0o600))
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tunnel(w, r, heard) }))
	ts.Defer(p.Close)
	ts.Setenv("PROXY_URL", p.URL)
}

func tunnel(w http.ResponseWriter, r *http.Request, heard string) {
	to, err := net.Dial("tcp", r.Host)
	if r.Method != http.MethodConnect || err != nil {
		http.Error(w, "no tunnel", http.StatusBadGateway)
		return
	}
	if f, err := os.OpenFile(heard, os.O_APPEND|os.O_WRONLY, 0); err == nil {
		fmt.Fprintln(f, r.Host)
		f.Close()
	}
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { io.Copy(to, from); to.Close() }()
	io.Copy(from, to)
	from.Close()
}

// visited is a sandbox with many projects, as the service account sees it.
func visited(t *testing.T, projects int) (*sandbox.Server, *app.Visit) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	token, err := serviceAccount(server.URL, s.AdminToken())
	if err != nil {
		t.Fatal(err)
	}
	do := func(path, body string) []byte {
		got, err := send(server.URL, s.AdminToken(), http.MethodPost, "/api/v4"+path, body)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	do("/groups/acme/members", `{"username":"cxm-integration","access_level":40}`)
	group, err := send(server.URL, s.AdminToken(), http.MethodGet, "/api/v4/groups/acme", "")
	if err != nil {
		t.Fatal(err)
	}
	var id int
	fmt.Sscanf(string(group), `{"id":%d`, &id)
	for i := range projects {
		do("/projects", fmt.Sprintf(`{"name":"service-%03d","namespace_id":%d}`, i, id))
	}
	a, err := app.Open(t.Context(), app.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	secret, err := app.CleanToken(token)
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
			got, err := chooseProject(t.Context(), &asker{ctx: t.Context(), in: bufio.NewReader(strings.NewReader(c.typed)), out: &out}, v)
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
	if _, err := chooseProject(t.Context(), &asker{ctx: t.Context(), in: bufio.NewReader(strings.NewReader("")), out: io.Discard}, v); !errors.Is(err, errNoAnswer) {
		t.Errorf("nobody answers: %v", err)
	}
}

// A question ends when the program is told to stop, although nobody answers.
func TestAskedUntilStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	var shown atomic.Bool
	a := &asker{ctx: ctx, in: bufio.NewReader(r), out: seen(func() {
		if shown.CompareAndSwap(false, true) {
			stop()
		}
	})}
	if _, err := a.line("Who? "); !errors.Is(err, errNoAnswer) {
		t.Errorf("%v", err)
	}
}

// seen calls a function for whatever is written.
type seen func()

func (s seen) Write(p []byte) (int, error) {
	s()
	return len(p), nil
}

// cxm serve connects to the internet only, unless it is allowed more.
func TestServeReachesTheInternetOnly(t *testing.T) {
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r)
		called <- struct{}{}
	}))
	defer server.Close()
	token, err := serviceAccount(server.URL, s.AdminToken())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	connect := newRoot()
	connect.SetArgs([]string{"connect", "gitlab", "--data-dir", dir, "--url", server.URL, "--project", "acme/platform", "--token-file", file})
	connect.SetOut(io.Discard)
	if err := connect.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for allow, want := range map[string]string{"": "refused", "127.0.0.0/8": "called"} {
		for len(called) > 0 {
			<-called
		}
		ctx, stop := context.WithCancel(t.Context())
		refused := make(chan struct{}, 1000)
		cmd := newRoot()
		cmd.SetArgs([]string{"serve", "--data-dir", dir, "--grace", "5s", "--every", "1s", "--allow-private", allow})
		cmd.SetErr(said{"CXM_ALLOW_PRIVATE", refused})
		ended := make(chan error, 1)
		go func() { ended <- cmd.ExecuteContext(ctx) }()
		got := ""
		select {
		case <-called:
			got = "called"
		case <-refused:
			got = "refused"
		case err := <-ended:
			t.Fatalf("serving ends with %v", err)
		}
		stop()
		if err := <-ended; err != nil || got != want {
			t.Errorf("allowed %q: GitLab was %s, want %s; %v", allow, got, want, err)
		}
	}
}

// said tells when words are written.
type said struct {
	words string
	told  chan struct{}
}

func (s said) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.words) {
		s.told <- struct{}{}
	}
	return len(p), nil
}
