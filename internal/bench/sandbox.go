package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	"cxm/internal/sandbox"
)

// startSandbox starts the sandbox in a process of its own, as a GitLab is one:
// in one process the two would share a garbage collector and a scheduler, and
// the figures would be of both.
func startSandbox(ctx context.Context, latency time.Duration) (url, token string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-sandbox", latency.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", "", nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, token, found := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || !found {
		return "", "", nil, fmt.Errorf("the sandbox did not say where it is: %w", err)
	}
	return url, token, func() {
		_ = in.Close() // its sign to end
		_ = cmd.Wait()
	}, nil
}

// sandboxChild serves a sandbox until its input ends.
func sandboxChild(latency string, until io.Reader, w io.Writer) error {
	d, err := time.ParseDuration(latency)
	if err != nil {
		return err
	}
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, Latency: d})
	if err != nil {
		return err
	}
	server := httptest.NewServer(s)
	defer server.Close()
	fmt.Fprintln(w, server.URL, s.AdminToken())
	_, err = io.Copy(io.Discard, until)
	return err
}
