package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

// Trials run a sandbox GitLab inside a program that serves people, one at a time. The
// zero value runs none; it is safe for concurrent use.
//
// What always holds: its findings are events of the trial's own, so that they are
// resolved when it ends, and no issue is made of them anywhere else; what a process
// left that died is ended by the next (Tidy).
type Trials struct {
	mu      sync.Mutex
	now     State
	changed chan struct{} // closed when now is another; guarded by mu, nil before the first
	stop    func()        // ends the sandbox; nil: none runs; guarded by mu
	app     *app.App      // that it is connected to; guarded by mu
}

// State is how far a trial is.
type State struct {
	Tenant      string // empty: there is none
	Running     bool   // it is being started
	Ready       bool
	Trouble     string // why it was not started
	Done        int    // steps: the sandbox, the account, the connection, the findings, the plan
	URL         string
	Integration int64
	Run         int64 // the first plan, which waits for a person or is under way; 0: none
}

// Errors about trials.
var (
	errTaken     = errors.New("a sandbox GitLab runs here already, and there is one at a time: end it first")
	errConnected = errors.New("a GitLab is connected already: the sandbox is for trying cxm before that")
	errNone      = errors.New("no sandbox GitLab runs here")
)

// Barred says that an error is about when there can be a trial, in words for people.
func Barred(err error) bool {
	return errors.Is(err, errTaken) || errors.Is(err, errConnected) || errors.Is(err, errNone)
}

// patience bounds the start of a trial.
const patience = 2 * time.Minute

// Now is how far the trial is, and what is closed once that is otherwise.
func (t *Trials) Now() (State, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.now, t.changed
}

func (t *Trials) change(f func(*State)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.now)
	if t.changed != nil {
		close(t.changed)
	}
	t.changed = make(chan struct{})
}

// Barred says why there can be no trial in the tenant of a; nil: there can.
func (t *Trials) Barred(ctx context.Context, a *app.App) error {
	if s, _ := t.Now(); s.Running || s.Ready {
		return errTaken
	}
	all, err := a.Store.Integrations(ctx)
	if err == nil && len(all) > 0 {
		err = errConnected
	}
	return err
}

// Begin starts a trial in the tenant of a, which goes on when ctx ends.
func (t *Trials) Begin(ctx context.Context, a *app.App) error {
	if err := t.Barred(ctx, a); err != nil {
		return err
	}
	taken := false
	t.change(func(s *State) {
		if taken = s.Running || s.Ready; !taken {
			*s = State{Tenant: a.Tenant, Running: true}
		}
	})
	if taken {
		return errTaken
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	go func() {
		defer cancel()
		if err := t.start(ctx, a); err != nil {
			a.Logger.Warn("the sandbox GitLab was not started", "error", err)
			err = errors.Join(err, t.undo(ctx, a))
			t.change(func(s *State) {
				*s = State{Tenant: a.Tenant, Trouble: "The sandbox GitLab was not started: " + err.Error()}
			})
			return
		}
		t.change(func(s *State) { s.Running, s.Ready = false, true })
	}()
	return nil
}

// start takes the steps of a trial.
func (t *Trials) start(ctx context.Context, a *app.App) error {
	s := &story{clock: &clock{}, app: a}
	if err := t.open(s); err != nil {
		return err
	}
	t.step(func(now *State) { now.URL = s.url })
	token, err := s.serviceAccount(ctx)
	if err != nil {
		return err
	}
	t.step(nil)
	secret, err := app.CleanToken(token)
	if err != nil {
		return err
	}
	if err := (left{URL: s.url, Tenant: a.Tenant}).write(a); err != nil {
		return err
	}
	c, err := a.ConnectGitLab(ctx, app.Connect{URL: s.url, Token: secret, Project: project})
	if err != nil {
		return err
	}
	t.step(func(now *State) { now.Integration = c.Integration.ID })
	if err := deliver(ctx, a, "observed"); err != nil {
		return err
	}
	t.step(nil)
	run, err := planned(ctx, a, c.Integration.ID)
	t.step(func(now *State) { now.Run = run })
	return err
}

// step says that one more is done.
func (t *Trials) step(more func(*State)) {
	t.change(func(s *State) {
		if s.Done++; more != nil {
			more(s)
		}
	})
}

// open starts the sandbox on a free port of this machine, and has the program reach it.
func (t *Trials) open(s *story) error {
	var err error
	if s.gitlab, err = sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("it cannot listen on this machine: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: s.gitlab, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.app.Logger.Handler(), slog.LevelWarn)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.app.Logger.Warn("the sandbox GitLab stopped", "error", err)
		}
	}()
	way := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", l.Addr().String()) // wherever it is asked to go
	}}
	end := s.app.Inside(s.url, way)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.app, t.stop = s.app, func() {
		end()
		way.CloseIdleConnections()
		_ = server.Close() // nobody waits for an answer
		<-done
		s.gitlab.Close()
	}
	return nil
}

// planned makes the first plan, and is the run that came of it.
func planned(ctx context.Context, a *app.App, integration int64) (int64, error) {
	s, err := a.Start(ctx, integration)
	if err != nil {
		return 0, err
	}
	for _, id := range []int64{s.Waits.ID, s.Run.ID} {
		if id != 0 {
			return id, nil
		}
	}
	open, err := a.Store.OpenRuns(ctx, integration) // the queue was first
	if err != nil || len(open) == 0 {
		return 0, err
	}
	return open[0].ID, nil
}

// End disconnects the sandbox, takes its findings back, and stops it.
func (t *Trials) End(ctx context.Context) error {
	t.mu.Lock()
	a, ready := t.app, t.now.Ready
	t.mu.Unlock()
	if a == nil || !ready {
		return errNone
	}
	if err := t.undo(ctx, a); err != nil {
		return err
	}
	t.change(func(s *State) { *s = State{} })
	return nil
}

// undo takes back what a trial did in the tenant, and stops the sandbox.
func (t *Trials) undo(ctx context.Context, a *app.App) error {
	if err := tidy(ctx, a); err != nil {
		return err
	}
	t.mu.Lock()
	stop := t.stop
	t.stop, t.app = nil, nil
	t.mu.Unlock()
	if stop != nil {
		stop()
	}
	return nil
}

// Tidy takes back what a process left that ended with a trial. It is called once, at the
// start of a program; of gives the program for a tenant.
func Tidy(ctx context.Context, a *app.App) error {
	l, ok, err := read(a)
	if err != nil || !ok {
		return err
	}
	of, err := a.Of(ctx, l.Tenant)
	if err != nil {
		return err
	}
	return tidy(ctx, of)
}

// tidy disconnects the sandbox that is written down, and resolves its findings.
func tidy(ctx context.Context, a *app.App) error {
	l, ok, err := read(a)
	if err != nil || !ok || l.Tenant != a.Tenant {
		return err
	}
	all, err := a.Store.Integrations(ctx)
	if err != nil {
		return err
	}
	for _, in := range all {
		if in.URL != l.URL {
			continue
		}
		if _, err := a.Disconnect(ctx, in.ID, false); err != nil {
			return err
		}
	}
	if err := deliver(ctx, a, "resolved"); err != nil {
		return err
	}
	return os.Remove(note(a))
}

// left is what is written down of a trial while it is there.
type left struct {
	Tenant string `json:"tenant"`
	URL    string `json:"url"`
}

func note(a *app.App) string { return filepath.Join(a.DataDir, "sandbox.json") }

func (l left) write(a *app.App) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := os.WriteFile(note(a), text, 0o600); err != nil {
		return fmt.Errorf("writing down that a sandbox runs: %w", err)
	}
	return nil
}

// read is what is written down; not ok: nothing is.
func read(a *app.App) (l left, ok bool, err error) {
	text, err := os.ReadFile(note(a))
	if errors.Is(err, os.ErrNotExist) {
		return l, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		return l, false, fmt.Errorf("reading what is written down of a sandbox: %w", err)
	}
	return l, true, nil
}

// trialSource names the events of a trial.
const trialSource = "/cxm/sandbox"

// deliver takes the findings of the story's first day in as events: observed, or
// resolved.
func deliver(ctx context.Context, a *app.App, how string) error {
	var events []map[string]any
	now := a.Clock().UTC()
	for _, f := range []struct {
		kind source.Type
		name string
	}{{source.CostOptimizationHub, "day1-aws.json"}, {source.Alertmanager, "day1-alert.json"}, {source.CloudEvents, "day1-event.json"}} {
		text, err := files.ReadFile(path.Join("story", f.name))
		if err != nil {
			return err
		}
		seen, err := app.Inspect(app.Delivery{Type: f.kind, Inputs: []source.Input{{Name: f.name, Reader: bytes.NewReader(text)}}})
		if err != nil {
			return err
		}
		for i, found := range seen.Findings {
			found.FindingKey = finding.NewKey("ce", trialSource, string(found.FindingKey))
			found.SourceUpdatedAt, found.Detection = now, "" // the type of the event says it
			events = append(events, map[string]any{
				"specversion": "1.0", "id": fmt.Sprintf("%s-%d-%s-%d", f.name, i, how, now.UnixNano()), "source": trialSource, "type": "cxm.sandbox.finding." + how + ".v1",
				"subject": found.ResourceID, "time": now.Format(time.RFC3339Nano), "data": found,
			})
		}
	}
	text, err := json.Marshal(events)
	if err != nil {
		return err
	}
	_, _, err = a.Ingest(ctx, app.Delivery{Type: source.CloudEvents, Scope: "sandbox", Inputs: []source.Input{{Name: "sandbox", Reader: bytes.NewReader(text)}}})
	return err
}
