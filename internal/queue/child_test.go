package queue

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/riverqueue/river"
)

// The environment of a child process: the database it works on, and whether it
// gets stuck in some jobs (any value).
const (
	childURL   = "CXM_QUEUE_CHILD"
	childStuck = "CXM_QUEUE_STUCK"
)

const (
	childConcurrency = 4
	// A job that is alive is done long before; one that is dead is rescued soon.
	childTimeout = 8 * time.Second
	childRescue  = 9 * time.Second
)

// child is the process that TestMain becomes: it works until its standard input
// ends.
func child() int {
	b, closeAll, err := openBed(os.Getenv(childURL))
	if err != nil {
		return complain(err)
	}
	defer closeAll()
	q, err := Open(context.Background(), Options{
		Handle: b.Handle, Workers: b.recording(os.Getenv(childStuck) != ""), Prompt: true,
		Concurrency: childConcurrency, JobTimeout: childTimeout, Rescue: childRescue,
	})
	if err != nil {
		return complain(err)
	}
	if err := q.Start(context.Background()); err != nil {
		return complain(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return complain(err)
	}
	if err := q.Stop(context.Background()); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// recording writes down that a job began in this process. A stuck one never
// returns from every tenth job.
func (b *bed) recording(stuck bool) *river.Workers {
	return doing(func(ctx context.Context, j *river.Job[task]) error {
		what := "did"
		if stuck && j.Args.N%10 == 3 {
			what = "stuck"
		}
		if _, err := b.sql.ExecContext(ctx, "insert into ours values ($1, $2, $3)", j.Args.N, os.Getpid(), what); err != nil {
			return err
		}
		if what == "stuck" {
			select {}
		}
		return nil
	})
}

// process is a child that runs.
type process struct {
	*exec.Cmd
	in io.WriteCloser
}

// spawn starts a child on the database of b; what is left of it ends with t.
func spawn(t *testing.T, b *bed, stuck bool) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childURL+"="+b.url)
	if stuck {
		cmd.Env = append(cmd.Env, childStuck+"=yes")
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: cmd, in: in}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			p.kill(t)
		}
	})
	return p
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.Wait() // it says that it was killed
}

// finish asks the child to stop, and waits for it.
func (p *process) finish(t *testing.T) {
	t.Helper()
	if err := p.in.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
