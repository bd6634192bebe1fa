package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/chaos/gate"
	"cxm/internal/chaos/oracle"
	"cxm/internal/sandbox"
)

// options say how long and how much.
type options struct {
	Seed     uint64
	Days     int
	Subjects int
	Limit    time.Duration // days that have not begun by then are left out
	Database string        // postgres:// URL; empty: SQLite
	Log      io.Writer     // of what happens; io.Discard: nothing
	Keep     string        // the data directory, kept for a look; empty: one that is removed
}

// driver owns the sandbox and everything that is not cxm: the world that is
// reported, the people, the faults, and what must come of them.
type driver struct {
	options
	gitlab *sandbox.Server
	gate   *gate.Gate
	url    string
	dir    string
	began  time.Time // on the machine's clock

	mu    sync.Mutex
	ahead time.Duration // of the simulated clock

	subjects []*oracle.Subject
	pending  []*oracle.Report
	starts   []time.Time // of the rounds, on the simulated clock
	issues   map[int64]*kept
	own      map[string]int64 // the issue last seen about cxm itself, by what it is about
	clones   map[int64]sandbox.IssueRecord
	projects map[string]int64
	bot      int64
	children map[string]order
	tally    map[string]int
	wrong    []string
	last     outcome // of the last Apply
}

// now is the simulated clock: the machine's, put forward.
func (d *driver) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead)
}

func (d *driver) forward(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ahead += by
}

// stream is a source of choices for one purpose in one round. Each purpose has
// its own, so that what one does with chance leaves the others' choices alone.
func (d *driver) stream(purpose string, numbers ...int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, purpose, numbers)
	return rand.New(rand.NewPCG(d.Seed, h.Sum64()))
}

// run plays the whole story and returns the verdict.
func run(ctx context.Context, o options) (verdict, error) {
	d := &driver{
		options: o, began: time.Now(), issues: map[int64]*kept{}, own: map[string]int64{}, clones: map[int64]sandbox.IssueRecord{},
		projects: map[string]int64{}, children: map[string]order{}, tally: map[string]int{},
	}
	d.subjects = oracle.NewSubjects(d.stream("subjects"), o.Subjects)
	var err error
	if d.dir = o.Keep; d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "cxm-chaos-"); err != nil {
			return verdict{}, err
		}
		defer os.RemoveAll(d.dir)
	}
	if d.gitlab, err = sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo, Clock: d.now, Limits: sandbox.Limits{TrimTexts: true}}); err != nil {
		return verdict{}, err
	}
	d.gate = gate.New(d.gitlab)
	server := httptest.NewServer(d.gate)
	defer server.Close()
	d.url = server.URL
	if err := d.connect(ctx); err != nil {
		return verdict{}, fmt.Errorf("connecting: %w", err)
	}
	for day := range o.Days {
		if time.Since(d.began) > o.Limit {
			d.tally["days left out for want of time"] = o.Days - day
			break
		}
		if err := d.day(ctx, day); err != nil {
			return verdict{}, fmt.Errorf("day %d: %w", day, err)
		}
	}
	if err := d.rest(ctx); err != nil {
		return verdict{}, fmt.Errorf("coming to rest: %w", err)
	}
	return d.judge(), nil
}

// connect makes the projects and the service account, and connects cxm.
func (d *driver) connect(ctx context.Context) error {
	var group, account, token struct {
		ID    int64
		Token string
	}
	if err := d.admin(http.MethodGet, "/groups/acme", nil, &group); err != nil {
		return err
	}
	if err := d.admin(http.MethodPost, "/projects", map[string]any{"name": "Vault", "path": "vault", "namespace_id": group.ID, "visibility": "private"}, nil); err != nil {
		return err
	}
	if err := d.admin(http.MethodPost, "/groups/acme/service_accounts", map[string]any{"username": botName}, &account); err != nil {
		return err
	}
	d.bot = account.ID
	for _, name := range []string{"platform", "shop", "vault"} {
		var p struct{ ID int64 }
		if err := d.admin(http.MethodGet, "/projects/acme%2F"+name, nil, &p); err != nil {
			return err
		}
		d.projects[name] = p.ID
		if name != "vault" {
			if err := d.join(name); err != nil {
				return err
			}
		}
	}
	err := d.admin(http.MethodPost, fmt.Sprintf("/groups/acme/service_accounts/%d/personal_access_tokens", account.ID),
		map[string]any{"name": "cxm", "scopes": []string{"api"}, "expires_at": d.now().AddDate(0, 0, 360).Format(time.DateOnly)}, &token)
	if err != nil {
		return err
	}
	secret, err := app.CleanToken(token.Token)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, order{DataDir: d.dir, Database: d.Database}.config(&bomb{}))
	if err != nil {
		return err
	}
	_, err = a.ConnectGitLab(ctx, app.Connect{URL: d.url, Token: secret, Project: "acme/platform"})
	return errors.Join(err, a.Close())
}

// botName is the service account's user name.
const botName = "cxm-integration"

func (d *driver) join(project string) error {
	return d.admin(http.MethodPost, "/projects/acme%2F"+project+"/members", map[string]any{"user_id": d.bot, "access_level": 40}, nil)
}

// admin asks the sandbox as its administrator.
func (d *driver) admin(method, path string, body, answer any) error {
	return d.as("", method, path, body, answer)
}

// as asks the sandbox as a user, "" for its administrator, past the gate.
func (d *driver) as(user, method, path string, body, answer any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, d.url+"/api/v4"+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", d.gitlab.AdminToken())
	if user != "" {
		req.Header.Set("Sudo", user)
	}
	got := httptest.NewRecorder()
	d.gitlab.ServeHTTP(got, req)
	if got.Code >= 300 {
		return fmt.Errorf("%s %s answered %d: %s", method, path, got.Code, strings.TrimSpace(got.Body.String()))
	}
	if answer == nil || got.Body.Len() == 0 {
		return nil
	}
	return json.Unmarshal(got.Body.Bytes(), answer)
}

// fail notes that something is not as it must be.
func (d *driver) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.wrong = append(d.wrong, text)
	d.logf("WRONG %s", text)
}

func (d *driver) logf(format string, args ...any) {
	fmt.Fprintf(d.Log, "%7.1fs round %d: %s\n", time.Since(d.began).Seconds(), len(d.starts)-1, fmt.Sprintf(format, args...))
}
