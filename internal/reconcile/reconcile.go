// Package reconcile is the loop that keeps issues true: pull findings, look at
// the tracker, plan, apply.
//
// What always holds: every step is in the journal before it is taken; a create
// whose answer was lost is looked up before anything is sent again; absence
// closes only when a complete snapshot proves it; an issue that people changed
// since the plan is left for the next plan; nothing here opens an issue for a
// group that has one.
package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"cxm/internal/integration"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/reconcile/breaker"
	"cxm/internal/rule"
	"cxm/internal/rule/attention"
)

// Tracker is where issues live. Errors are *issue.Trouble.
type Tracker interface {
	// Look lists every issue of the project that changed at or after since.
	Look(ctx context.Context, project int64, since time.Time) (issue.Sweep, error)
	// Newest is when the project's issues last changed; zero: it has none.
	Newest(ctx context.Context, project int64) (time.Time, error)
	// Create makes an issue, with one request at most whose answer may be lost.
	Create(ctx context.Context, project int64, d issue.Draft) (issue.Observed, error)
	// Change writes to an issue, with one request.
	Change(ctx context.Context, project, iid int64, c issue.Change) (issue.Observed, error)
	// Move moves an issue to another project, with one request whose answer may be
	// lost, and returns it as it is there. Sending is called right before it leaves.
	Move(ctx context.Context, project, iid, to int64, sending func() error) (issue.Observed, error)
}

// Finder finds issues that a look did not list. Errors are *issue.Trouble.
type Finder interface {
	// Search finds issues anywhere whose description holds the word.
	Search(ctx context.Context, word string) ([]issue.Observed, error)
	// Those lists the issues of the project with these numbers, those that can be
	// seen, however long ago they changed.
	Those(ctx context.Context, project int64, iids []int64) ([]issue.Observed, error)
	// Takes says why no issue can be put into the project now; nil: one can.
	Takes(ctx context.Context, project int64) error
}

// Findings is where findings are kept.
type Findings interface {
	// Groups streams groups in the order of their keys with every issue they
	// have had; without all only those that changed since they were settled.
	Groups(ctx context.Context, all bool, yield func(rule.Group, []issue.Tracked) error) error
	// Group is one group with every issue it has had.
	Group(ctx context.Context, key rule.GroupKey) (rule.Group, []issue.Tracked, error)
	// CountGroups counts all groups and those that changed.
	CountGroups(ctx context.Context) (total, dirty int, err error)
	// Settle marks groups as done with by an integration, unless they changed since
	// the version.
	Settle(ctx context.Context, integrationID int64, versions map[rule.GroupKey]int64) error
	// Projects lists the projects that hold issues of the integration's groups.
	Projects(ctx context.Context, integrationID int64) ([]int64, error)
}

// Journal is what was attempted, why, and what became of it.
type Journal interface {
	// BeginRun commits a run with the steps that are planned or wait.
	BeginRun(ctx context.Context, r plan.Run, steps []plan.Entry) (plan.Run, []plan.Entry, error)
	// FinishRun commits how a run ended, and why what was planned was not taken.
	FinishRun(ctx context.Context, r plan.Run, why string) error
	// Intend commits a step about an issue there is before it is taken. An entry
	// with an ID was planned.
	Intend(ctx context.Context, e plan.Entry, t issue.Tracked) (plan.Entry, issue.Tracked, error)
	// IntendNew commits the intent to create an issue, or with an ID to send it
	// again, if what it asks for allows that now.
	IntendNew(ctx context.Context, e plan.Entry, t issue.Tracked, ask attention.Ask) (plan.Entry, issue.Tracked, error)
	// Record commits what became of a step and, unless it is 0, the version of
	// the group at which nothing is left to do.
	Record(ctx context.Context, e plan.Entry, t issue.Tracked, settled int64) error
}

// Runs is what was planned before.
type Runs interface {
	// Run is a run with its journal.
	Run(ctx context.Context, id int64) (plan.Run, []plan.Entry, error)
	// OpenRuns lists the runs that wait or are under way, the oldest first.
	OpenRuns(ctx context.Context, integrationID int64) ([]plan.Run, error)
	// Entry is one step of a run.
	Entry(ctx context.Context, id int64) (plan.Entry, error)
	// EndRun finishes a shared run all of whose steps have an outcome, and says
	// whether it is finished.
	EndRun(ctx context.Context, id int64, at time.Time) (bool, error)
	// ApproveRun lets a run go that waits; of two who try, one fails.
	ApproveRun(ctx context.Context, seen plan.Run, by string, at time.Time) error
}

// Census is what there is to hold against brakes and caps, and to undo.
type Census interface {
	// CountOpen is how many issues of the integration are open.
	CountOpen(ctx context.Context, integrationID int64) (int, error)
	// LastHeld is the run that waited last, or waits; ID 0: none ever did.
	LastHeld(ctx context.Context, integrationID int64) (plan.Run, error)
	// Used is what windows of caps and budgets hold.
	Used(ctx context.Context, integrationID int64, windows []attention.Window) (map[attention.Window]int, error)
	// Lost lists the issues of a project that could not be seen when last asked for.
	Lost(ctx context.Context, integrationID, projectID int64) ([]issue.Tracked, error)
	// Issues are tracked issues by their rows.
	Issues(ctx context.Context, rows []int64) (map[int64]issue.Tracked, error)
}

// Newcomers is which sources are new.
type Newcomers interface {
	// Newcomers are the groups all of whose findings came from sources whose first
	// run nobody let go yet, with those sources.
	Newcomers(ctx context.Context) (map[rule.GroupKey][]plan.Newcomer, error)
	// Admit commits that the first run of the sources goes.
	Admit(ctx context.Context, scopes []int64, at time.Time) error
}

// Watch is what a look makes sure of.
type Watch interface {
	// Moving lists the issues of a project whose move to another one is in doubt.
	Moving(ctx context.Context, integrationID, projectID int64) ([]issue.Tracked, error)
	// Unchecked lists up to 100 open issues of a project, those first of which it
	// was made sure longest ago that they are there, if one of them was so before.
	Unchecked(ctx context.Context, integrationID, projectID int64, before time.Time) ([]issue.Tracked, error)
	// Checked commits when it was made sure of rows that they are there.
	Checked(ctx context.Context, rows []int64, at time.Time) error
}

// Memory is what cxm remembers of the tracker's issues.
type Memory interface {
	// Unsettled lists the creates whose outcome is not known.
	Unsettled(ctx context.Context, integrationID int64) ([]issue.Tracked, error)
	// Find lists the tracked issues with one of the numbers in the project, or
	// with one of the nonces anywhere.
	Find(ctx context.Context, integrationID, projectID int64, iids []int64, nonces []string) ([]issue.Tracked, error)
	// Adopt commits an issue of cxm that nothing is remembered of, as after a
	// restored backup.
	Adopt(ctx context.Context, t issue.Tracked) (issue.Tracked, error)
	// Observe commits what a look saw, and how far it looked.
	Observe(ctx context.Context, integrationID, projectID int64, seen []issue.Tracked, watermark time.Time) error
	// Watermark is how far the last look at the project got, on the tracker's
	// clock; zero: never looked.
	Watermark(ctx context.Context, integrationID, projectID int64) (time.Time, error)
}

// Config is what an Engine needs. Fields marked optional have the default that
// stands behind them.
type Config struct {
	Integration  integration.Integration
	Installation string // whose markers are ours
	Tracker      Tracker
	Finder       Finder
	Findings     Findings
	Journal      Journal
	Memory       Memory
	Runs         Runs
	Census       Census
	Watch        Watch
	Newcomers    Newcomers // optional: no source is new
	Breakers     Breakers  // optional: what one process learns stays with it
	Policy       plan.Policy
	Brakes       plan.Brakes          // the zero value holds every close
	Caps         plan.Caps            // the zero value caps nothing
	Campaigns    []attention.Campaign // those that run go before others; optional: none
	Ruler        Ruler                // what the rules say about the issue of a group; optional: the built-in ones
	Backlogs     Backlogs             // told of what waits under budgets; optional: nobody is

	Stale    func(error) bool                           // says that an error means "changed since it was read"; optional: never
	Clock    func() time.Time                           // optional: time.Now
	Nonce    func() string                              // optional: 26 random lower-case letters and digits
	Sleep    func(context.Context, time.Duration) error // optional: waits
	Workers  int                                        // writes in flight; optional: 16
	Settle   time.Duration                              // how long GitLab's silence about a create means nothing; optional: 30s
	Notice   func(breaker.Breaker)                      // called once when a target proved broken and is left alone for a while; optional
	Renamed  func(ctx context.Context, project int64)   // called when the integration's project has another path than is known; optional
	Progress func(Progress)                             // called after every step, never at the same time twice; optional
}

// Engine reconciles one integration. It is safe for concurrent use, but for
// Apply, Approve and Undo, of which one may run at a time.
type Engine struct {
	Config
	gate  *gate
	looks *looks
	doors *doors
	skew  *atomic.Int64 // the tracker's clock minus ours, as of the last look
}

// New checks the configuration and fills in what is optional.
func New(c Config) (*Engine, error) {
	if c.Tracker == nil || c.Finder == nil || c.Findings == nil || c.Journal == nil || c.Memory == nil || c.Runs == nil || c.Census == nil || c.Watch == nil {
		return nil, errors.New("reconcile: tracker, finder, findings, journal, memory, runs, census and watch are all needed")
	}
	if c.Integration.ID == 0 || c.Integration.Project.ID == 0 || c.Installation == "" {
		return nil, errors.New("reconcile: the integration must be stored and have a project: run `cxm connect gitlab` first")
	}
	if c.Stale == nil {
		c.Stale = func(error) bool { return false }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Nonce == nil {
		c.Nonce = func() string { return strings.ToLower(rand.Text()) }
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Workers <= 0 {
		c.Workers = 16
	}
	if c.Settle <= 0 {
		c.Settle = 30 * time.Second
	}
	if c.Notice == nil {
		c.Notice = func(breaker.Breaker) {}
	}
	if c.Renamed == nil {
		c.Renamed = func(context.Context, int64) {}
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	return &Engine{
		Config: c, skew: &atomic.Int64{}, looks: &looks{at: map[int64]time.Time{}}, doors: &doors{known: map[int64]door{}},
		gate: &gate{integration: c.Integration.ID, kept: c.Breakers, clock: c.Clock, stale: c.Stale, notice: c.Notice},
	}, nil
}

// sleep waits for d or for the context to end.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// now is the tracker's clock, as well as it is known.
func (e *Engine) now() time.Time { return e.Clock().Add(time.Duration(e.skew.Load())) }

// Plan decides about every group (all), or only about those that changed since
// they were settled, and holds what goes beyond the brakes. It writes nothing but,
// through Backlogs, what waits.
func (e *Engine) Plan(ctx context.Context, all bool) (plan.Plan, error) {
	p, err := e.decideAll(ctx, all)
	if err == nil {
		p, err = e.told(ctx, p)
	}
	if err != nil {
		return plan.Plan{}, err
	}
	open, err := e.Census.CountOpen(ctx, e.Integration.ID)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("planning: %w", err)
	}
	return plan.Parents(plan.Brake(p, e.Brakes, open), nil), nil
}

// decideAll plans within the caps, brakes apart.
func (e *Engine) decideAll(ctx context.Context, all bool) (plan.Plan, error) {
	total, _, err := e.Findings.CountGroups(ctx)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("planning: %w", err)
	}
	fresh, err := e.newcomers(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	var steps []plan.Step
	seen := 0
	err = e.Findings.Groups(ctx, all, func(g rule.Group, have []issue.Tracked) error {
		seen++
		steps = append(steps, marked(e.decide(ctx, g, have), fresh[g.Key])...)
		return nil
	})
	if err != nil {
		return plan.Plan{}, fmt.Errorf("planning: %w", err)
	}
	return e.cap(ctx, plan.New(steps, total-seen), nil)
}

// Limits are what plans are held to now.
func (e *Engine) Limits() plan.Limits {
	return plan.Limits{Now: e.Clock(), Home: e.Integration.Project.ID, Caps: e.Caps, Campaigns: e.Campaigns}
}

// cap leaves for later what caps and budgets have no room for, and what would list
// nothing without that. Coming says which issues are made besides the plan.
func (e *Engine) cap(ctx context.Context, p plan.Plan, coming func(rule.GroupKey) bool) (plan.Plan, error) {
	limits := e.Limits()
	windows := limits.Windows(p)
	var used map[attention.Window]int
	if len(windows) > 0 {
		var err error
		if used, err = e.Census.Used(ctx, e.Integration.ID, windows); err != nil {
			return plan.Plan{}, fmt.Errorf("planning: %w", err)
		}
	}
	return plan.Parents(plan.Cap(p, limits, used), coming), nil
}

func (e *Engine) decide(ctx context.Context, g rule.Group, have []issue.Tracked) []plan.Step {
	if b, ok := g.Backlog(); ok && b.Integration != e.Integration.ID {
		return nil // nor is it settled: that is the other integration's to do
	}
	var ours []issue.Tracked
	for _, t := range have {
		if t.Integration == e.Integration.ID {
			ours = append(ours, t)
		}
	}
	g = g.AsOf(e.Clock()) // the end of a decision is no time of the tracker's
	r := e.ruling(ctx, g)
	if r.Away != "" && g.Ignored == "" {
		g.Ignored = r.Away
	}
	if g.Parent {
		r = e.overOthers(r, ours)
	}
	c := plan.Case{Now: e.now(), Have: ours, Astray: r.Astray}
	c.Shut = e.shut(ctx, r.Route.Project, ours)
	steps := r.heard(g.Rule, decide(r.Policy, c, g, r))
	if g.Parent {
		steps = e.beneath(g, steps)
	}
	return steps
}

// Progress is how far an Apply has come.
type Progress struct {
	Done, Total int
	Step        plan.Step
	Outcome     plan.Outcome
	Waiting     time.Duration // not zero: nothing was done, GitLab's silence is waited out
}
