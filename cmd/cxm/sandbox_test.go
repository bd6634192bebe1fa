package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestSandboxServes starts the sandbox as the command line does, asks it as a
// client would, and ends it.
func TestSandboxServes(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	cmd := newRoot()
	cmd.SetArgs([]string{"sandbox", "--listen", "127.0.0.1:0", "--seed", "empty", "--admin-token", "sandbox-admin-token"})
	cmd.SetOut(w)
	cmd.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	url := line[strings.Index(line, "http"):]
	got, err := send(strings.TrimSpace(url), "sandbox-admin-token", http.MethodGet, "/api/v4/user", "")
	if err != nil || !strings.Contains(string(got), `"username":"root"`) {
		t.Errorf("GET /user answered %s, %v", got, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the sandbox ended with %v", err)
	}
}
