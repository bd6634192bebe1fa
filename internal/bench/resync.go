package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/source"
	"cxm/internal/store"
)

// findings is how many a re-sync holds.
const findings = 100_000

// resynced is what the child process measured, in seconds and bytes.
type resynced struct {
	Decode float64 // reading the file into findings, nothing else
	Sync   float64 // reading, storing and planning the same file
	Full   float64 // a plan that looks at every group again
	Calls  float64 // to the tracker
	Steps  float64 // planned
	Peak   float64 // resident memory
}

// resync prepares a database in which every finding has its issue, and measures
// in a process of its own what taking the same file in again costs.
func resync(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "cxm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "findings.json")
	if err := writeFindings(file); err != nil {
		return nil, err
	}
	if err := prepare(ctx, filepath.Join(dir, "cxm.db"), file); err != nil {
		return nil, fmt.Errorf("preparing the re-sync: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-resync", filepath.Join(dir, "cxm.db"), file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("measuring the re-sync: %w", err)
	}
	var r resynced
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, err
	}
	const mib = 1 << 20
	return []figure{
		exact("re-sync of 100,000 unchanged: calls", r.Calls, "calls", 0),
		exact("re-sync of 100,000 unchanged: steps", r.Steps, "steps", 0),
		atMost("re-sync of 100,000 unchanged: time / decoding", round(r.Sync/r.Decode), "times", 3),
		told("re-sync of 100,000 unchanged: decoding alone", round(r.Decode), "seconds"),
		told("a plan over all 100,000 groups / decoding", round(r.Full/r.Decode), "times"),
		atMost("re-sync of 100,000 unchanged: peak memory", round(r.Peak/mib), "MiB", 200),
	}, nil
}

func writeFindings(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	w.WriteString(`{"items":[`)
	for i := range findings {
		if i > 0 {
			w.WriteByte(',')
		}
		text, err := json.Marshal(item(i, 5+float64(i%1000)/100))
		if err != nil {
			return err
		}
		w.Write(text)
	}
	w.WriteString(`]}`)
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// memoryTracker answers every create at once. It stands in for GitLab only
// while the database is prepared; no figure is taken of it.
type memoryTracker struct{ made, calls atomic.Int64 }

// Look sees nothing new.
func (m *memoryTracker) Look(context.Context, int64, time.Time) (issue.Sweep, error) {
	m.calls.Add(1)
	return issue.Sweep{AsOf: time.Now()}, nil
}

// Newest says that there are no issues yet.
func (m *memoryTracker) Newest(context.Context, int64) (time.Time, error) {
	m.calls.Add(1)
	return time.Time{}, nil
}

// Search finds nothing.
func (m *memoryTracker) Search(context.Context, string) ([]issue.Observed, error) {
	m.calls.Add(1)
	return nil, nil
}

// Create makes an issue.
func (m *memoryTracker) Create(_ context.Context, project int64, d issue.Draft) (issue.Observed, error) {
	m.calls.Add(1)
	if err := d.Sending(); err != nil {
		return issue.Observed{}, err
	}
	n, now := m.made.Add(1), time.Now()
	return issue.Observed{ID: n, IID: n, ProjectID: project, Title: d.Title, Description: d.Description, Labels: d.Labels, State: issue.Opened, CreatedAt: now, UpdatedAt: now}, nil
}

// Change is not asked for.
func (m *memoryTracker) Change(context.Context, int64, int64, issue.Change) (issue.Observed, error) {
	m.calls.Add(1)
	return issue.Observed{}, fmt.Errorf("an unchanged finding was changed")
}

func prepare(ctx context.Context, database, file string) error {
	db, err := store.Open(ctx, store.Options{Path: database})
	if err != nil {
		return err
	}
	defer db.Close()
	s := db.Tenant("default")
	in := integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: "acme/platform"}}
	if _, err := s.AddIntegration(ctx, in, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil }); err != nil {
		return err
	}
	if _, err := pull(ctx, s, file); err != nil {
		return err
	}
	e, err := engine(ctx, s, &memoryTracker{})
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, false)
	if err != nil {
		return err
	}
	report, err := e.Apply(ctx, p)
	if err == nil && report.Run.Done != findings {
		err = fmt.Errorf("%d issues made of %d", report.Run.Done, findings)
	}
	return err
}

func engine(ctx context.Context, s *store.Store, t reconcile.Tracker) (*reconcile.Engine, error) {
	all, err := s.Integrations(ctx)
	if err != nil || len(all) != 1 {
		return nil, fmt.Errorf("%d integrations: %w", len(all), err)
	}
	return reconcile.New(reconcile.Config{
		Integration: all[0], Installation: strings.Repeat("0", 16), Tracker: t, Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Policy: plan.DefaultPolicy(),
	})
}

func pull(ctx context.Context, s *store.Store, file string) (finding.Pull, error) {
	f, err := os.Open(file)
	if err != nil {
		return finding.Pull{}, err
	}
	defer f.Close()
	p, _, err := reconcile.Puller{Intake: s, Proof: 2, Clock: time.Now}.Pull(ctx, reconcile.Delivery{
		Type: source.CostOptimizationHub, Inputs: []source.Input{{Name: file, Reader: f}},
	})
	return p, err
}

// resyncChild measures and prints. It is a process of its own so that its peak
// memory is that of the re-sync.
func resyncChild(ctx context.Context, database, file string) error {
	db, err := store.Open(ctx, store.Options{Path: database})
	if err != nil {
		return err
	}
	defer db.Close()
	s, tracker := db.Tenant("default"), &memoryTracker{}
	e, err := engine(ctx, s, tracker)
	if err != nil {
		return err
	}
	var r resynced
	begin := time.Now()
	if err := decode(file); err != nil {
		return err
	}
	r.Decode = time.Since(begin).Seconds()
	begin = time.Now()
	got, err := pull(ctx, s, file)
	if err != nil || got.Unchanged != findings {
		return fmt.Errorf("%d unchanged of %d: %w", got.Unchanged, findings, err)
	}
	p, err := e.Plan(ctx, false)
	if err != nil {
		return err
	}
	r.Sync, r.Steps, r.Calls = time.Since(begin).Seconds(), float64(len(p.Steps)), float64(tracker.calls.Load())
	if r.Peak, err = peak(); err != nil {
		return err
	}
	begin = time.Now()
	if _, err := e.Plan(ctx, true); err != nil {
		return err
	}
	r.Full = time.Since(begin).Seconds()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// decode reads the file into findings and does nothing with them.
func decode(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	n := 0
	_, err = source.Read(source.CostOptimizationHub, []source.Input{{Name: file, Reader: f}}, source.Options{Now: time.Now()}, func(*finding.Finding) error { n++; return nil })
	if err == nil && n != findings {
		err = fmt.Errorf("%d findings read of %d", n, findings)
	}
	return err
}

// peak is the most resident memory the process ever had, in bytes, as the
// kernel counts it.
func peak() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("peak memory is read from /proc, which this system lacks: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("the kernel does not tell peak memory")
}
