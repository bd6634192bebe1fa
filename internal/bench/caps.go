package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/credential"
	"cxm/internal/integration"
	"cxm/internal/plan"
	"cxm/internal/reconcile"
	"cxm/internal/store"
)

// How many findings meet the caps, and how.
const (
	cappedFindings = 50_000
	racingFindings = 2_000
	perHour        = 200
	capWorkers     = 16
)

func hourly() plan.Caps { return plan.Caps{PerHour: perHour} }

// caps measures a first run of many findings against a cap on new issues: by the
// sandbox's own record, after one run, after another process went on, and after
// one an hour later. Then every worker tries to break it at once.
func caps(ctx context.Context) ([]figure, error) {
	s, err := newScope(cappedFindings)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.write(0); err != nil {
		return nil, err
	}
	figures, err := firstRun(ctx, s)
	if err != nil {
		return nil, err
	}
	const name = "2,000 creates at once that the plan did not cap, 16 workers, "
	race, err := racing(ctx, name+"SQLite: created", "")
	if err != nil {
		return nil, err
	}
	more, err := onPostgres(name+"PostgreSQL: created", func(url string) ([]figure, error) {
		f, err := racing(ctx, name+"PostgreSQL: created", url)
		return []figure{f}, err
	})
	return append(append(figures, race), more...), err
}

// firstRun is the life of a new installation under its cap.
func firstRun(ctx context.Context, s scope) ([]figure, error) {
	b, err := newBed(ctx, 0, func(c *app.Config) { c.Caps, c.Workers = hourly(), capWorkers })
	if err != nil {
		return nil, err
	}
	defer b.close()
	f, err := os.Open(s.file())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := b.ingest(ctx, f); err != nil {
		return nil, err
	}
	decoding, decodingWork, err := timed(s.decode)
	if err != nil {
		return nil, err
	}
	planning, planningWork, err := timed(func() error { return b.planCapped(ctx) })
	if err != nil {
		return nil, err
	}
	const name = "50,000 findings, at most 200 issues an hour, 16 workers: "
	figures := []figure{
		told(name+"planning / decoding", round(planning/decoding), "times"),
		told(name+"planning's processor time / decoding's", round(planningWork/decodingWork), "times"),
	}
	for _, c := range []struct {
		what  string
		run   func() error
		bound float64
	}{
		{"created", func() error { return b.applyAll(ctx) }, perHour},
		{"created after another process worked the queue", func() error { return b.later(ctx, 0) }, perHour},
		{"created after one whose clock is an hour later", func() error { return b.later(ctx, 61*time.Minute) }, 2 * perHour},
	} {
		if err := c.run(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
		issues, _, err := b.made(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, exact(name+c.what, float64(issues), "issues", c.bound))
	}
	return figures, nil
}

// planCapped plans, with a look at an empty project, and fails unless the plan
// forgets nothing.
func (b *bed) planCapped(ctx context.Context) error {
	p, err := b.app.Plan(ctx, 0)
	if n := p.Plan.Count(plan.Create) + p.Plan.Capped; err == nil && n != cappedFindings {
		err = fmt.Errorf("%d creates are planned or wait, of %d", n, cappedFindings)
	}
	return err
}

// applyAll applies whatever is planned.
func (b *bed) applyAll(ctx context.Context) error {
	_, report, err := b.app.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, nil)
	if err == nil && !report.Whole() {
		err = fmt.Errorf("the apply was not whole: %+v", report)
	}
	return err
}

// later has a new process, whose clock is so much ahead, work the queue.
func (b *bed) later(ctx context.Context, ahead time.Duration) error {
	_, err := b.work(ctx, 1, work{Dir: b.dir, Ahead: ahead, Caps: hourly()})
	return err
}

// racing plans without the cap and applies with it, so that every step reaches
// the count and nothing else keeps it. The tracker is in memory and counts.
func racing(ctx context.Context, name, url string) (figure, error) {
	sc, err := newScope(racingFindings)
	if err != nil {
		return figure{}, err
	}
	defer sc.close()
	if err := sc.write(0); err != nil {
		return figure{}, err
	}
	where := store.Options{URL: url}
	if url == "" {
		where.Path = sc.database()
	}
	db, err := store.Open(ctx, where)
	if err != nil {
		return figure{}, err
	}
	defer db.Close()
	created, err := race(ctx, db.Tenant("default").Capped(hourly(), time.Now), sc)
	return exact(name, float64(created), "issues", perHour), err
}

// race says how many issues the tracker was asked to make.
func race(ctx context.Context, s *store.Store, sc scope) (int64, error) {
	in, err := s.AddIntegration(ctx, integration.Integration{
		Provider: integration.GitLab, URL: "https://gitlab.example.com", Project: integration.Project{ID: 7, Path: project},
	}, credential.Token{}, func(int64) ([]byte, error) { return []byte("sealed"), nil })
	if err != nil {
		return 0, err
	}
	if _, err := pull(ctx, s, sc.file()); err != nil {
		return 0, err
	}
	tracker := &memoryTracker{}
	e, err := reconcile.New(reconcile.Config{
		Integration: in, Installation: strings.Repeat("0", 16), Tracker: tracker, Finder: tracker,
		Findings: s, Journal: s, Memory: s, Runs: s, Census: s, Watch: s, Policy: plan.DefaultPolicy(), Workers: capWorkers,
		Stale: func(err error) bool { return errors.Is(err, store.ErrCapped) || errors.Is(err, store.ErrStale) },
	})
	if err != nil {
		return 0, err
	}
	p, err := e.Plan(ctx, false)
	if err != nil {
		return 0, err
	}
	if n := p.Count(plan.Create); n != racingFindings {
		return 0, fmt.Errorf("%d creates are planned of %d", n, racingFindings)
	}
	report, err := e.Apply(ctx, p)
	if err == nil && report.Run.Skipped != racingFindings-int(tracker.made.Load()) {
		err = fmt.Errorf("%d were made, and %d left out of %d", tracker.made.Load(), report.Run.Skipped, racingFindings)
	}
	return tracker.made.Load(), err
}
