package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

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
