package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
)

// TestMain is also what a replica runs: the test starts itself again.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CXM_TEST_REPLICA"); dir != "" {
		if err := serveReplica(dir, os.Getenv("CXM_TEST_DATABASE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(databases.Main(m))
}

// serveReplica works the queue until it is told to stop, or killed.
func serveReplica(dir, database string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	a, err := app.Open(ctx, app.Config{
		DataDir: dir, Database: database, Settle: time.Second, Workers: 8, JobTimeout: 4 * time.Second, Rescue: 6 * time.Second,
		Brakes: &plan.Brakes{CloseShare: 20, CloseFloor: 10, Creates: 500, Admit: true},
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, app.WorkOptions{Every: time.Second}, 5*time.Second)
}

// replica starts a process that serves the bed's database.
func (b *bed) replica() *exec.Cmd {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "CXM_TEST_REPLICA="+b.dir, "CXM_TEST_DATABASE="+b.database)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return cmd
}

// await waits until the sandbox has heard at least n creates.
func (b *bed) await(n int) {
	b.Helper()
	for deadline := time.Now().Add(60 * time.Second); b.posts() < n; {
		if time.Now().After(deadline) {
			b.Fatalf("%d creates after a minute, want %d", b.posts(), n)
		}
		pause(b.Context(), 5*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// TestReplicas lets three processes share one plan on PostgreSQL, and kills two
// of them while their creates are in flight: nothing is lost, nothing is made
// twice, and the run is finished.
func TestReplicas(t *testing.T) {
	t.Parallel()
	b := newBedOn(t, databases.PostgreSQL(t))
	b.gitlab.Inject(sandbox.Fault{Path: issuesRoute, Delay: 30 * time.Millisecond})
	const findings = 150
	b.aws(disks(0, findings)...)
	replicas := []*exec.Cmd{b.replica(), b.replica(), b.replica()}
	for i, after := range []int{30, 75} {
		b.await(after)
		if err := replicas[i].Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = replicas[i].Wait() // killed
		replicas[i] = b.replica()
	}
	b.await(findings)
	b.finished()
	for _, r := range replicas {
		if err := r.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := r.Wait(); err != nil {
			t.Errorf("a replica that was told to stop: %v", err)
		}
	}
	seen := map[string]int{}
	for _, i := range b.allIssues() {
		if i.State == "opened" {
			_, rest, _ := strings.Cut(i.Description, " g=")
			seen[rest[:32]]++
		}
	}
	for group, n := range seen {
		if n > 1 {
			t.Errorf("group %s has %d open issues", group, n)
		}
	}
	if len(seen) != findings {
		t.Errorf("%d of %d findings have an open issue", len(seen), findings)
	}
	b.want("")
}

// finished waits until no run is under way.
func (b *bed) finished() {
	b.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; {
		runs, err := b.app.Runs(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		if len(runs) == 1 && !runs[0].FinishedAt.IsZero() {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the last run is %+v", runs)
		}
		pause(b.Context(), 100*time.Millisecond)
	}
}

// allIssues lists the project's issues, page by page.
func (b *bed) allIssues() []issueView {
	b.Helper()
	var out []issueView
	for page := 1; ; page++ {
		some := b.issuesPage("acme%2Fplatform", page)
		if out = append(out, some...); len(some) < 100 {
			return out
		}
	}
}
