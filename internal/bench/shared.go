package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"cxm/internal/app"
)

// What is shared, and how long GitLab takes for every answer.
const (
	sharedCreates  = 600
	sharedLatency  = 20 * time.Millisecond
	sharedInFlight = 16 // of one process
)

// sharedWork measures one plan that is worked through the queue: by one process
// on both databases, and by three on PostgreSQL. SQLite is for one machine, and
// is worked by one process here.
func sharedWork(ctx context.Context) ([]figure, error) {
	all, err := shared(ctx, "600 creates through the queue, SQLite, 1 process: ", "", 1)
	if err != nil {
		return nil, err
	}
	for _, c := range []struct {
		name      string
		processes int
	}{{"600 creates through the queue, PostgreSQL, 1 process", 1}, {"600 creates through the queue, PostgreSQL, 3 processes", 3}} {
		figures, err := onPostgres(c.name, func(url string) ([]figure, error) { return shared(ctx, c.name+": ", url, c.processes) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, figures...)
	}
	return all, nil
}

// shared has one plan worked by so many processes. The wall time is that from
// the plan to the last answer, as the journal has it: the start of processes is
// no part of it, nor how long they look for more.
func shared(ctx context.Context, name, database string, processes int) ([]figure, error) {
	b, err := newBed(ctx, sharedLatency, func(c *app.Config) { c.Database = database })
	if err != nil {
		return nil, err
	}
	defer b.close()
	if err := b.ingest(ctx, bytes.NewReader(snapshot(0, sharedCreates, 5))); err != nil {
		return nil, err
	}
	parts, err := b.work(ctx, processes, work{Dir: b.dir, Database: database})
	if err != nil {
		return nil, err
	}
	runs, err := b.app.Runs(ctx, 2)
	if err != nil || len(runs) != 1 || runs[0].Done != sharedCreates {
		return nil, fmt.Errorf("not one run that did everything: %+v: %w", runs, err)
	}
	issues, groups, err := b.made(ctx)
	if err != nil {
		return nil, err
	}
	const floor = sharedCreates * sharedLatency / sharedInFlight
	calls, least := sum(parts)
	figures := []figure{
		told(name+"wall / floor of one process with 16 in flight", round(float64(runs[0].FinishedAt.Sub(runs[0].StartedAt))/float64(floor)), "times"),
		exact(name+"calls per create", float64(calls)/sharedCreates, "calls", 1),
		exact(name+"findings with an issue", float64(groups), "findings", sharedCreates),
		exact(name+"duplicates", float64(issues-groups), "issues", 0),
	}
	if processes > 1 {
		figures = append(figures, told(name+"the least share of a process", round(float64(least)/float64(calls)*100), "%"))
	}
	return figures, nil
}

// sum is the calls of all processes, and of the one that made fewest.
func sum(parts []worked) (calls, least int64) {
	for i, p := range parts {
		calls += p.Step
		if i == 0 || p.Step < least {
			least = p.Step
		}
	}
	return calls, least
}
