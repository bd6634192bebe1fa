package demo

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/plan"
	"cxm/internal/source"
	"cxm/internal/store/rules"
)

// teams take part later: the project of the first is made then.
func teams() []string { return []string{"data", "shop"} }

// dayThree gives two teams their own projects, and each its budget: two new issues
// a day, the most valuable first.
func (s *story) dayThree(ctx context.Context) error {
	s.clock.forward(16 * time.Hour)
	s.head("Day 3: two more teams take part, each with a project and a budget of 2 new issues a day")
	if err := s.admit(ctx, teams()...); err != nil {
		return err
	}
	text, err := files.ReadFile(path.Join("story", "rules.yaml"))
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(strings.TrimRight(string(text), "\n"), "\n") {
		s.line("  | %s", line)
	}
	s.line("$ cxm rules apply -f rules.yaml")
	if _, err := s.app.ApplyRules(ctx, "rules.yaml", text, rules.Change{Author: "platform-admin", Note: "two teams"}); err != nil {
		return err
	}
	if err := s.ingest(ctx, source.CostOptimizationHub, "day3-aws.json", 7); err != nil {
		return err
	}
	return s.budgeted(ctx, 4, 3)
}

// dayFour lets go what waited.
func (s *story) dayFour(ctx context.Context) error {
	s.clock.forward(24 * time.Hour)
	s.head("Day 4: a new day, and what waited goes")
	return s.budgeted(ctx, 3, 0)
}

// budgeted carries a plan out, and says what became of the budgets.
func (s *story) budgeted(ctx context.Context, made, waits int) error {
	s.line("$ cxm apply")
	s.calls.take()
	planned, report, err := s.app.Apply(ctx, 0, func(app.Planned) (bool, error) { return true, nil }, s.Progress)
	if err != nil {
		return err
	}
	for _, step := range planned.Plan.Steps {
		if step.Verb == plan.Create {
			s.line("  + create %s", step.Title)
			s.line("           in %s, since %s", step.Want.Route.Path, step.Want.Route.Reason)
		}
	}
	if got := planned.Plan.Count(plan.Create); got != made || !report.Whole() {
		return fmt.Errorf("%d issues were created, not %d; stopped because: %q", got, made, report.Halted)
	}
	s.line("$ cxm backlog")
	_, backlog, err := s.app.Backlog(ctx, 0)
	if err != nil {
		return err
	}
	left := 0
	for _, b := range backlog {
		left += len(b.Lines)
		s.line("  team %s: %d wait, which would save %s a month", b.Team, len(b.Lines), b.Savings.Show())
		for _, l := range b.Lines {
			s.line("    %s", l.Title)
			s.line("      %s", l.Why)
		}
	}
	if left == 0 {
		s.line("  nothing waits")
	}
	if left != waits {
		return fmt.Errorf("%d issues wait under a budget, not %d", left, waits)
	}
	return nil
}
