package gitlab_test

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/limit"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// memory is a ledger for the processes of one test.
type memory struct {
	mu    sync.Mutex
	state map[string]string
}

func (m *memory) Turn(_ context.Context, bucket string, take func(string, time.Time) string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == nil {
		m.state = map[string]string{}
	}
	m.state[bucket] = take(m.state[bucket], time.Now())
	return nil
}

// sharing has a client be one of several processes of an account.
func sharing(ledger limit.Ledger, account int64, creates int) func(*rest.Options) {
	return func(o *rest.Options) {
		o.Ledger, o.Account, o.Limits.Creates = ledger, account, creates
	}
}

// createWith creates n issues with each of the clients, 16 at a time.
func createWith(t *testing.T, n int, clients ...*gitlab.Client) {
	t.Helper()
	var group sync.WaitGroup
	for _, c := range clients {
		group.Go(func() { createMany(t, c, n) })
	}
	group.Wait()
}

// Three processes of one account keep its limits together and never meet a 429.
func TestProcessesKeepAnAccountsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gl, ledger := &limiter{perMinute: 200}, &memory{}
		var clients []*gitlab.Client
		for range 3 {
			clients = append(clients, within(t, gl.ServeHTTP, sharing(ledger, 3, 200)))
		}
		began := time.Now()
		createWith(t, 300, clients...)
		if len(gl.refused) != 0 || gl.made != 900 {
			t.Errorf("%d made, refused %v", gl.made, gl.refused)
		}
		if took := time.Since(began); took > 6*time.Minute {
			t.Errorf("it took %s; the floor is 4 minutes", took)
		}
	})
}

// Where GitLab's limit is lower than what they think, they wait together and one
// of all probes.
func TestProcessesWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gl, ledger := &limiter{perMinute: 20}, &memory{}
		var clients []*gitlab.Client
		for range 3 {
			clients = append(clients, within(t, gl.ServeHTTP, sharing(ledger, 3, 60)))
		}
		createWith(t, 40, clients...)
		refused := 0
		for _, n := range gl.refused {
			refused += n
		}
		if gl.made != 120 || len(gl.refused) > 9 || refused > 9*16 {
			t.Errorf("%d made, refused %v", gl.made, gl.refused)
		}
	})
}

// A shut limit is asked once a window by all processes together.
func TestProcessesProbeOnceAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var seen counter
		ledger := &memory{}
		var group sync.WaitGroup
		for range 3 {
			c := within(t, func(w http.ResponseWriter, r *http.Request) {
				seen.add(r.Method)
				time.Sleep(time.Second)
				send(w, http.StatusTooManyRequests, "application/json", tooMany)
			}, sharing(ledger, 3, -1))
			for range 16 {
				group.Go(func() {
					if trouble := troubleOf(t, creating(ctx, c)); trouble.Kind != issue.Limited && trouble.Kind != issue.Unsent {
						t.Errorf("got %v", trouble)
					}
				})
			}
		}
		group.Wait()
		if n := seen.of(http.MethodPost); n < 48 || n > 48+10 {
			t.Errorf("%d requests, want the 48 in flight and at most 10 probes", n)
		}
	})
}

// What is kept in a ledger is told apart by instance, account, limit and
// project, the same in every process, and names none of them.
func TestNamesInTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memory{}
		use := func(url string, account, project int64) (more int) {
			before := len(ledger.state)
			c := within(t, func(w http.ResponseWriter, _ *http.Request) { sendIssue(w, http.StatusCreated, 1) },
				sharing(ledger, account, 0), func(o *rest.Options) { o.URL = url })
			if _, err := c.Create(t.Context(), project, draft); err != nil {
				t.Fatal(err)
			}
			return len(ledger.state) - before
		}
		const here, there = "https://gitlab.example.com", "https://gitlab.example.com/gitlab"
		for n, tt := range []struct {
			url              string
			account, project int64
			more             int // buckets
		}{
			{here, 0, 7, 0}, // an account that is not known shares with nobody
			{here, 3, 7, 2},
			{here, 3, 7, 0},
			{"https://GitLab.example.com/", 3, 7, 0},
			{here, 3, 8, 1},
			{here, 4, 7, 2},
			{there, 3, 7, 2},
		} {
			if more := use(tt.url, tt.account, tt.project); more != tt.more {
				t.Errorf("%d: %+v: %d more buckets", n, tt, more)
			}
		}
		for name := range ledger.state {
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(name) {
				t.Errorf("the name %q tells something", name)
			}
		}
	})
}
