package sourcing_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/sourcing"
	"cxm/internal/source"
)

// The environment of a child process.
const (
	childDir      = "CXM_SOURCING_DIR"
	childDatabase = "CXM_SOURCING_DATABASE"
)

// child is the process that TestMain becomes: it takes deliveries until it is killed.
func child() int {
	a, err := app.Open(context.Background(), app.Config{DataDir: os.Getenv(childDir), Database: os.Getenv(childDatabase)})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	r, err := a.Reception(context.Background())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(httptest.NewServer(r).URL)
	r.Run(context.Background())
	return 1
}

func serve(t *testing.T, r *sourcing.Reception) (url string) {
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// TestNothingAcceptedIsLost kills the process that accepts, in the middle of it:
// whatever was answered with a 2xx is taken in afterwards, once.
func TestNothingAcceptedIsLost(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := databases.Bed(t, database())
		token := add(t, b.App, scanner("one"))
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childDir+"="+b.Dir, childDatabase+"="+b.Database)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || !strings.HasPrefix(url, "http") {
			t.Fatalf("the child says %q (%v)", url, err)
		}
		accepted := bombard(t, strings.TrimSpace(url), token, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it was killed
		if err := b.App.TakeIn(t.Context(), source.CloudEvents, "one"); err != nil {
			t.Fatal(err)
		}
		got := known(t, b.App)
		for _, i := range accepted {
			if got[fmt.Sprintf("disk-%d", i)] == "" {
				t.Errorf("event %d was accepted and is lost", i)
			}
		}
		if len(accepted) < enough || len(got) < len(accepted) {
			t.Errorf("%d were accepted, %d are known", len(accepted), len(got))
		}
	})
}

// enough is how many are accepted before the process is killed.
const enough = 100

// bombard posts events until they fail, and lists those that were accepted.
func bombard(t *testing.T, url, token string, kill func()) []int {
	var accepted []int
	var mu sync.Mutex
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				i := int(next.Add(1))
				status, _, err := post(t.Context(), url+"/v1/events", token, "application/cloudevents+json", opened(i))
				if err != nil {
					return
				}
				if status != http.StatusAccepted {
					t.Errorf("answered %d", status)
					return
				}
				mu.Lock()
				if accepted = append(accepted, i); len(accepted) == enough {
					go kill()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return accepted
}
