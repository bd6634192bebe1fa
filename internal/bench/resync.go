package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"cxm/internal/credential"
	"cxm/internal/finding"
	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/rule"
	"cxm/internal/source"
	"cxm/internal/store"
)

// How many findings the re-syncs hold.
const (
	someFindings = 100_000
	manyFindings = 1_000_000
)

// resynced is what the child process measured, in seconds and bytes. Work is
// processor time: what else the machine does adds nothing to it.
type resynced struct {
	Decode     float64 // reading the file into findings, nothing else
	Sync       float64 // reading, storing and planning the same file
	DecodeWork float64
	SyncWork   float64
	Full       float64 // a plan that looks at every group again; 0: not measured
	Calls      float64 // to the tracker
	Steps      float64 // planned
	Changed    float64 // findings that say something else than before
	Peak       float64 // resident memory, before the full plan
}

// scope is a database and the file that was taken in, with how many findings.
type scope struct {
	dir      string
	findings int
}

func newScope(findings int) (scope, error) {
	dir, err := os.MkdirTemp("", "cxm-bench-")
	return scope{dir, findings}, err
}

func (s scope) close()           { _ = os.RemoveAll(s.dir) } // a scratch folder
func (s scope) database() string { return filepath.Join(s.dir, "cxm.db") }
func (s scope) file() string     { return filepath.Join(s.dir, "findings.json") }

// resync prepares a database in which every finding has its issue, and measures
// in a process of its own what taking the same file in again costs, and a file
// in which one in a hundred changed.
func resync(ctx context.Context) ([]figure, error) {
	s, err := newScope(someFindings)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.write(0); err != nil {
		return nil, err
	}
	if err := prepare(ctx, s, true); err != nil {
		return nil, fmt.Errorf("preparing the re-sync: %w", err)
	}
	r, err := s.measure(ctx, 3, "full")
	if err != nil {
		return nil, err
	}
	changed, err := s.change(ctx, 100)
	if err != nil {
		return nil, err
	}
	return append(unchanged("100,000", r, 200),
		told("a plan over all 100,000 groups / decoding", round(r.Full/r.Decode), "times"),
		told("1 % of 100,000 changed: work per changed / decoding one", perChanged(s, r, changed), "times"),
	), nil
}

// million is resync with ten times as many. Its findings have groups but no
// issues: making those would take longer than everything else, and nothing that
// is measured here reads one.
func million(ctx context.Context) ([]figure, error) {
	s, err := newScope(manyFindings)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.write(0); err != nil {
		return nil, err
	}
	if err := prepare(ctx, s, false); err != nil {
		return nil, fmt.Errorf("preparing the re-sync: %w", err)
	}
	r, err := s.measure(ctx, 2, "")
	if err != nil {
		return nil, err
	}
	one, err := s.change(ctx, 100)
	if err != nil {
		return nil, err
	}
	four, err := s.change(ctx, 25)
	if err != nil {
		return nil, err
	}
	const megabytes = 300e6 / mib
	return append(unchanged("1,000,000", r, round(megabytes)),
		told("1 % of 1,000,000 changed: work per changed / decoding one", perChanged(s, r, one), "times"),
		told("4 % of 1,000,000 changed: work per changed / decoding one", perChanged(s, r, four), "times"),
		atMost("4 % of 1,000,000 changed: more work than unchanged / that of 1 %", round((four.SyncWork-r.SyncWork)/(one.SyncWork-r.SyncWork)), "times", 6), // in proportion it is 4
		told("1 % of 1,000,000 changed: peak memory, with the plan", round(one.Peak/mib), "MiB"),
	), nil
}

const mib = 1 << 20

// unchanged are the figures of a re-sync in which nothing changed.
func unchanged(size string, r resynced, memory float64) []figure {
	name := "re-sync of " + size + " unchanged: "
	return []figure{
		exact(name+"calls", r.Calls, "calls", 0),
		exact(name+"steps", r.Steps, "steps", 0),
		atMost(name+"time / decoding", round(r.Sync/r.Decode), "times", 2),
		told(name+"processor time / decoding's", round(r.SyncWork/r.DecodeWork), "times"),
		told(name+"decoding alone", round(r.Decode), "seconds"),
		atMost(name+"peak memory", round(r.Peak/mib), "MiB", memory),
	}
}

// perChanged is what a changed finding costs beside what an unchanged one does,
// as so many times what it costs to decode one.
func perChanged(s scope, same, changed resynced) float64 {
	return round((changed.SyncWork - same.SyncWork) / changed.Changed / (same.DecodeWork / float64(s.findings)))
}

// change writes the file anew with one finding of every so many changed, and
// measures taking that in.
func (s scope) change(ctx context.Context, every int) (resynced, error) {
	if err := s.write(every); err != nil {
		return resynced{}, err
	}
	return s.measure(ctx, 1, "")
}

// measure runs the child.
func (s scope) measure(ctx context.Context, rounds int, full string) (resynced, error) {
	var r resynced
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "-resync", s.dir, strconv.Itoa(s.findings), strconv.Itoa(rounds), full)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("measuring the re-sync: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

// write writes the file, with another saving for one finding of every so many (0:
// for none).
func (s scope) write(every int) error {
	f, err := os.Create(s.file())
	if err != nil {
		return err
	}
	defer f.Close() // once more is no harm
	w := bufio.NewWriter(f)
	w.WriteString(`{"items":[`)
	for i := range s.findings {
		savings := 5 + float64(i%1000)/100
		if every > 0 && i%every == 0 {
			savings += 1000 / float64(every)
		}
		if i > 0 {
			w.WriteByte(',')
		}
		text, err := json.Marshal(item(i, savings))
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

// Those sees nothing.
func (m *memoryTracker) Those(context.Context, int64, []int64) ([]issue.Observed, error) {
	return nil, nil
}

// Takes says that every project takes issues.
func (m *memoryTracker) Takes(context.Context, int64) error { return nil }

// Move is not called.
func (m *memoryTracker) Move(context.Context, int64, int64, int64, func() error) (issue.Observed, error) {
	return issue.Observed{}, errors.New("nothing is to be moved")
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

// prepare takes the file in, and makes an issue of every finding or settles the
// groups as they are.
func prepare(ctx context.Context, sc scope, issues bool) error {
	db, err := store.Open(ctx, store.Options{Path: sc.database()})
	if err != nil {
		return err
	}
	defer db.Close()
	s := db.Tenant("default")
	in := integration.Integration{Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: "acme/platform"}}
	if _, err := s.AddIntegration(ctx, in, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil }); err != nil {
		return err
	}
	if _, err := pull(ctx, s, sc.file()); err != nil {
		return err
	}
	if !issues {
		return settle(ctx, s)
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
	if err == nil && report.Run.Done != sc.findings {
		err = fmt.Errorf("%d issues made of %d", report.Run.Done, sc.findings)
	}
	return err
}

// settle says of every group that nothing is left to do.
func settle(ctx context.Context, s *store.Store) error {
	versions := map[rule.GroupKey]int64{}
	return errors.Join(s.Groups(ctx, true, func(g rule.Group, _ []issue.Tracked) error {
		versions[g.Key] = g.Version
		return nil
	}), s.Settle(ctx, 0, versions))
}

func engine(ctx context.Context, s *store.Store, t reconcile.Tracker) (*reconcile.Engine, error) {
	all, err := s.Integrations(ctx)
	if err != nil || len(all) != 1 {
		return nil, fmt.Errorf("%d integrations: %w", len(all), err)
	}
	return reconcile.New(reconcile.Config{
		Integration: all[0], Installation: strings.Repeat("0", 16), Tracker: t, Finder: &memoryTracker{}, Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Watch: s, Policy: plan.DefaultPolicy(),
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
// memory is that of the re-sync. Of several rounds the least counts, since what
// else the machine does can only add to it.
func resyncChild(ctx context.Context, args []string) error {
	var s scope
	var err error
	s.dir = args[0]
	if s.findings, err = strconv.Atoi(args[1]); err != nil {
		return err
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Path: s.database()})
	if err != nil {
		return err
	}
	defer db.Close()
	tracker := &memoryTracker{}
	e, err := engine(ctx, db.Tenant("default"), tracker)
	if err != nil {
		return err
	}
	var r resynced
	for i := range rounds {
		was := r
		if err := s.round(ctx, db.Tenant("default"), e, &r); err != nil {
			return err
		}
		if i > 0 {
			r.Decode, r.Sync = min(was.Decode, r.Decode), min(was.Sync, r.Sync)
			r.DecodeWork, r.SyncWork = min(was.DecodeWork, r.DecodeWork), min(was.SyncWork, r.SyncWork)
		}
	}
	r.Calls = float64(tracker.calls.Load())
	if r.Peak, err = peak(); err != nil {
		return err
	}
	if args[3] != "" {
		if r.Full, _, err = timed(func() error { _, err := e.Plan(ctx, true); return err }); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// round decodes the file, then takes it in and plans.
func (s scope) round(ctx context.Context, st *store.Store, e *reconcile.Engine, r *resynced) (err error) {
	if r.Decode, r.DecodeWork, err = timed(s.decode); err != nil {
		return err
	}
	r.Sync, r.SyncWork, err = timed(func() error {
		got, err := pull(ctx, st, s.file())
		if err != nil || got.Unchanged+got.Changed != s.findings {
			return fmt.Errorf("%d unchanged and %d changed of %d: %w", got.Unchanged, got.Changed, s.findings, err)
		}
		p, err := e.Plan(ctx, false)
		r.Changed, r.Steps = float64(got.Changed), float64(len(p.Steps))
		return err
	})
	return err
}

// timed measures f in seconds, on the clock and on the processors.
func timed(f func() error) (wall, work float64, err error) {
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := f(); err != nil {
		return 0, 0, err
	}
	wall = time.Since(begin).Seconds()
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	nanos := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	return wall, float64(nanos) / 1e9, err
}

// decode reads the file into findings and does nothing with them.
func (s scope) decode() error {
	f, err := os.Open(s.file())
	if err != nil {
		return err
	}
	defer f.Close()
	n := 0
	_, err = source.Read(source.CostOptimizationHub, []source.Input{{Name: s.file(), Reader: f}}, source.Options{Now: time.Now()}, func(*finding.Finding) error { n++; return nil })
	if err == nil && n != s.findings {
		err = fmt.Errorf("%d findings read of %d", n, s.findings)
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
