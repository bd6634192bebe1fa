package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is cxm, as it is started.
type program struct {
	path string
	env  []string // beside that of this process, which gives it no variable of cxm's
}

// build makes the program from the module that this is run in.
func build(ctx context.Context, dir string) (program, error) {
	p := program{path: filepath.Join(dir, "cxm")}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", p.path, "./cmd/cxm")
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("building cxm: %w: %s: run this in the folder of go.mod, or name a cxm with -program", err, out)
	}
	return p, nil
}

// place is one installation of cxm: a data directory, a database, and the file that
// says so, which keeps it from everything else on the machine.
type place struct {
	program
	dir, database string // database: postgres:// URL; empty: SQLite in dir
	file          string
}

// newPlace makes the data directory dir. A cxm that stops there still takes requests
// for as long as drain.
func newPlace(p program, dir, database string, drain time.Duration) (*place, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("data_dir: %q\nlog:\n  format: json\n  access: false\nserver:\n  drain: %s\n", dir, drain)
	if database != "" {
		text += fmt.Sprintf("database:\n  url: %q\n", database)
	}
	at := &place{program: p, dir: dir, database: database, file: filepath.Join(dir, "cxm.yaml")}
	return at, os.WriteFile(at.file, []byte(text), 0o600)
}

func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, append([]string{"--config", p.file}, args...)...)
	for _, each := range os.Environ() {
		if !strings.HasPrefix(each, "CXM_") {
			cmd.Env = append(cmd.Env, each)
		}
	}
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// run runs a command to its end, and returns what it printed.
func (p *place) run(ctx context.Context, args ...string) ([]byte, error) {
	var errs bytes.Buffer
	cmd := p.command(ctx, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cxm %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out, nil
}

// sourceName is the source that events are sent as, and its scope.
const sourceName = "load"

// addSource makes the source, and returns its token.
func (p *place) addSource(ctx context.Context) (token string, err error) {
	out, err := p.run(ctx, "source", "add", sourceName, "--type", "cloudevents", "--rate", "1000000", "--output", "json")
	if err != nil {
		return "", err
	}
	var made struct{ Token string }
	if err := json.Unmarshal(out, &made); err != nil || made.Token == "" {
		return "", fmt.Errorf("the source has no token: %s (%w)", out, err)
	}
	return made.Token, nil
}

// server is a running `cxm serve`.
type server struct {
	cmd   *exec.Cmd
	log   *serverLog
	url   string
	ended chan struct{}
	err   error // how it ended, once it has
	peak  int64 // bytes of memory, once it was told to end; 0: not known
}

// serve starts cxm, and returns once it is ready.
func (p *place) serve(ctx context.Context) (*server, error) {
	s := &server{cmd: p.command(ctx, "serve", "--listen", "127.0.0.1:0"), log: newServerLog(), ended: make(chan struct{})}
	s.cmd.Stderr, s.cmd.Stdout = s.log, s.log
	if _, err := s.cmd.StdinPipe(); err != nil { // it is never written to, and ends with this process
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	select {
	case s.url = <-s.log.address:
	case <-s.ended:
		return nil, fmt.Errorf("cxm ended at once: %w: %s", s.err, s.log.tail())
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return s, until(ctx, "cxm is ready", func() (bool, error) { return ready(ctx, s.url), s.gone() })
}

// gone is an error when the server ended.
func (s *server) gone() error {
	select {
	case <-s.ended:
		return fmt.Errorf("cxm ended by itself: %w: %s", s.err, s.log.tail())
	default:
		return nil
	}
}

// ready asks a server whether it is.
func ready(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// kill ends it as a crash does, wherever it is.
func (s *server) kill() error {
	if err := s.gone(); err != nil {
		return err
	}
	s.peak = peak(s.cmd.Process.Pid)
	err := s.cmd.Process.Kill()
	<-s.ended
	return err
}

// stop tells it to stop, and waits until it has.
func (s *server) stop() error {
	if err := s.gone(); err != nil {
		return err
	}
	s.peak = peak(s.cmd.Process.Pid)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-s.ended
	if s.err != nil {
		return fmt.Errorf("cxm did not stop as it should: %w: %s", s.err, s.log.tail())
	}
	return nil
}

// peak is the most memory a process had, in bytes; 0: this system does not say.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	return n << 10
}

// until waits until something holds. It is looked at every few milliseconds.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, context.Cause(ctx))
		}
	}
}
