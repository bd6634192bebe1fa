package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"cxm/internal/app"
	"cxm/internal/source"
)

// childEnv holds what a child process is to do.
const childEnv = "CXM_SCENARIO_CHILD"

// task is what a child process does: take findings in, then apply, in a process
// of its own that may die on the way.
type task struct {
	DataDir, Database string
	Tenant            string
	Ahead             time.Duration // of this machine's clock
	Integration       int64
	Take              string      // a delivery to take in first; "" is none
	Kind              source.Type // of it
	Apply             bool
	Rotate            bool // the token, before anything else
	Rekey             bool // likewise
	Die               death
}

// death is where a process is killed, with SIGKILL, by itself, so that nothing
// of it runs any more: no deferred call, no commit, no answer.
type death struct {
	Method string // a request with this method: before it is sent or after its answer came
	After  bool
	Point  string // or a fail point of the store
	Nth    int64  // the first, the second, …
}

// start starts a child process on the bed's data.
func (b *bed) start(t task) *exec.Cmd {
	b.Helper()
	t.DataDir, t.Database, t.Ahead = b.dir, b.dsn, time.Duration(b.clock.ahead.Load()+b.skew.Load())
	text, err := json.Marshal(t)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if b.Failed() && out.Len() > 0 {
			b.Logf("a child process said: %s", out.String())
		}
	})
	return cmd
}

// dies runs a child process and fails unless it was killed where it should be.
func (b *bed) dies(t task) {
	b.Helper()
	err := b.start(t).Wait()
	if !killed(err) {
		b.Fatalf("the process was to be killed at %+v, and ended with %v", t.Die, err)
	}
}

// killed says that a process ended by SIGKILL.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// runChild is cxm in a process of its own.
func runChild(text string) int {
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err == nil {
		err = t.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (t task) run(ctx context.Context) error {
	reaper := &reaper{death: t.Die, next: http.DefaultTransport}
	c := app.Config{
		DataDir: t.DataDir, Database: t.Database, Tenant: t.Tenant, Settle: settle, Transport: reaper, Failpoint: reaper.point, Brakes: unwatched(),
		Clock: func() time.Time { return time.Now().Add(t.Ahead) },
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	if t.Rotate {
		_, err = a.RotateToken(ctx, t.Integration)
	}
	if err == nil && t.Rekey {
		_, err = a.Rekey(ctx, nil)
	}
	if err == nil && t.Take != "" {
		err = ingest(ctx, a, t.Kind, t.Take)
	}
	if err == nil && t.Apply {
		_, _, err = applyTo(ctx, a, t.Integration)
	}
	return errors.Join(err, a.Close())
}

// reaper kills its own process when the time has come.
type reaper struct {
	death
	next http.RoundTripper
	seen atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (r *reaper) RoundTrip(req *http.Request) (*http.Response, error) {
	due := req.Method == r.Method && r.seen.Add(1) == r.Nth
	if due && !r.After {
		kill()
	}
	resp, err := r.next.RoundTrip(req)
	if due {
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // the whole answer came
		}
		kill()
	}
	return resp, err
}

// point is called at every fail point of the store.
func (r *reaper) point(name string) {
	if name == r.Point && r.seen.Add(1) == r.Nth {
		kill()
	}
}

// kill ends this process as `kill -9` does, and does not return.
func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
