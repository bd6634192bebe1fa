package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"path"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/money"
	"cxm/internal/plan"
	"cxm/internal/sandbox"
	"cxm/internal/source"
)

//go:embed story/*.json story/*.yaml
var files embed.FS

const project = "acme/platform"

// story is the demo in the telling.
type story struct {
	Options
	clock  *clock
	calls  *calls
	gitlab *sandbox.Server
	app    *app.App
	url    string
	step   int
}

// want is what a plan must hold to be as told.
type want struct{ create, update, closed, reopen int }

// tell plays the four days in order.
func (s *story) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		s.connect, s.dayOne, s.dayOneAgain, s.dayTwo, s.dayTwoEvening, s.dayThree, s.dayFour, s.summary,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// head begins a numbered step of the story.
func (s *story) head(format string, args ...any) {
	s.step++
	fmt.Fprintf(s.Out, "\n%2d. %s\n", s.step, fmt.Sprintf(format, args...))
}

// line says something within a step.
func (s *story) line(format string, args ...any) {
	fmt.Fprintf(s.Out, "    %s\n", fmt.Sprintf(format, args...))
}

func (s *story) connect(ctx context.Context) error {
	fmt.Fprintln(s.Out, "cxm demo: four days, a sandbox GitLab, real files, nothing kept.")
	s.head("A GitLab runs, and a service account is made in it")
	s.line("GitLab:   %s", s.url)
	token, err := s.serviceAccount(ctx)
	if err != nil {
		return err
	}
	s.line("Account:  cxm-integration, a service account of the group acme, Maintainer in %s", project)
	s.head("cxm connects with the account's token")
	s.line("$ cxm connect gitlab --url %s --project %s --token-file token", s.url, project)
	secret, err := app.CleanToken(token)
	if err != nil {
		return err
	}
	c, err := s.app.ConnectGitLab(ctx, app.Connect{URL: s.url, Token: secret, Project: project})
	if err != nil {
		return err
	}
	if !c.Integration.Account.Bot {
		return fmt.Errorf("GitLab says that %s is no bot", c.Integration.Account.Username)
	}
	s.line("Connected to GitLab %s as %s; the token is sealed and expires on %s.", c.Integration.Version, c.Integration.Account.Username, c.Token.ExpiresAt.Format(time.DateOnly))
	s.calls.take()
	return nil
}

func (s *story) dayOne(ctx context.Context) error {
	s.head("Day 1: findings of three kinds arrive")
	if err := s.dayOneFiles(ctx, 4, 1, 1); err != nil {
		return err
	}
	s.head("The plan: what would happen, and why")
	s.line("$ cxm plan")
	if err := s.plan(ctx, want{create: 6}); err != nil {
		return err
	}
	s.head("The plan is carried out")
	s.line("$ cxm apply")
	return s.apply(ctx, want{create: 6}, 6)
}

func (s *story) dayOneFiles(ctx context.Context, aws, alerts, events int) error {
	for _, f := range []struct {
		kind source.Type
		name string
		new  int
	}{
		{source.CostOptimizationHub, "day1-aws.json", aws},
		{source.Alertmanager, "day1-alert.json", alerts},
		{source.CloudEvents, "day1-event.json", events},
	} {
		if err := s.ingest(ctx, f.kind, f.name, f.new); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) dayOneAgain(ctx context.Context) error {
	s.head("Day 1 again: the same files, and nothing to do")
	if err := s.dayOneFiles(ctx, 0, 0, 0); err != nil {
		return err
	}
	s.line("$ cxm apply")
	return s.apply(ctx, want{}, 0)
}

func (s *story) dayTwo(ctx context.Context) error {
	s.clock.forward(24 * time.Hour)
	s.head("Day 2: a saving grew, an instance is gone, a gateway is new, the alert is resolved")
	if err := s.ingest(ctx, source.CostOptimizationHub, "day2-aws.json", 1); err != nil {
		return err
	}
	if err := s.ingest(ctx, source.Alertmanager, "day2-alert.json", 0); err != nil {
		return err
	}
	s.line("One snapshot without the instance proves nothing yet, so its issue waits:")
	s.line("$ cxm plan")
	if err := s.plan(ctx, want{create: 1, update: 1, closed: 1}); err != nil {
		return err
	}
	s.line("$ cxm apply")
	return s.apply(ctx, want{create: 1, update: 1, closed: 1}, 3)
}

func (s *story) dayTwoEvening(ctx context.Context) error {
	s.clock.forward(8 * time.Hour)
	s.head("Day 2, evening: a second complete snapshot without the instance is the proof")
	if err := s.ingest(ctx, source.CostOptimizationHub, "day2-aws.json", 0); err != nil {
		return err
	}
	s.line("$ cxm apply")
	return s.apply(ctx, want{closed: 1}, 1)
}

func (s *story) summary(ctx context.Context) error {
	st, err := s.app.Status(ctx)
	if err != nil {
		return err
	}
	if st.Open != 12 || st.Closed != 2 || st.Savings.Show() != "846.12 USD" {
		return fmt.Errorf("at the end %d issues are open, %d closed, %s can be saved; it should be 12, 2 and 846.12 USD", st.Open, st.Closed, st.Savings.Show())
	}
	if n := len(s.gitlab.Unknown()); n > 0 {
		return fmt.Errorf("cxm made %d calls that the sandbox does not know", n)
	}
	s.head("Summary")
	s.line("Issues:   %d open, %d closed", st.Open, st.Closed)
	s.line("Savings:  %s a month in the open issues", st.Savings.Show())
	s.line("Look:     %s/%s/-/issues", s.url, project)
	for _, team := range teams() {
		s.line("          %s/acme/%s/-/issues", s.url, team)
	}
	return nil
}

// ingest takes one file in and checks how many of its findings are new.
func (s *story) ingest(ctx context.Context, kind source.Type, name string, fresh int) error {
	text, err := files.ReadFile(path.Join("story", name))
	if err != nil {
		return err
	}
	p, _, err := s.app.Ingest(ctx, app.Delivery{Type: kind, Inputs: []source.Input{{Name: name, Reader: bytes.NewReader(text)}}})
	if err != nil {
		return err
	}
	s.line("$ cxm ingest --source %s %s", kind, name)
	counts := fmt.Sprintf("  %d new, %d changed, %d unchanged, %d absent", p.New, p.Changed, p.Unchanged, p.Absent)
	if p.Missing > 0 {
		counts += fmt.Sprintf(", %d missing but not proved absent yet", p.Missing)
	}
	s.line("%s", counts)
	if p.New != fresh {
		return fmt.Errorf("%s holds %d new findings, not %d", name, p.New, fresh)
	}
	return nil
}

// plan shows the plan and checks it.
func (s *story) plan(ctx context.Context, w want) error {
	p, err := s.app.Plan(ctx, 0)
	if err != nil {
		return err
	}
	s.show(p.Plan)
	return w.check(p.Plan)
}

// show prints the steps of a plan.
func (s *story) show(p plan.Plan) {
	for _, step := range p.Steps {
		amount := ""
		if now := money.Show(step.Savings.Decimal, step.Currency); step.Savings.Valid && !strings.Contains(step.Title, now) {
			amount = " [" + now + "/month now]"
		}
		if step.Verb == plan.Nothing {
			s.line("  = %s: %s", step.Title, step.Reason)
			continue
		}
		s.line("  %s %-6s %s%s", step.Verb, step.Verb.Word(), step.Title, amount)
		s.line("           because %s", step.Reason)
	}
}

func (w want) check(p plan.Plan) error {
	got := want{p.Count(plan.Create), p.Count(plan.Update), p.Count(plan.Close), p.Count(plan.Reopen)}
	if got != w {
		return fmt.Errorf("the plan has %d creates, %d updates, %d closes, %d reopens; it should have %d, %d, %d, %d",
			got.create, got.update, got.closed, got.reopen, w.create, w.update, w.closed, w.reopen)
	}
	return nil
}

// apply plans, checks the plan, carries it out, and checks the number of writes.
func (s *story) apply(ctx context.Context, w want, writes int) error {
	s.calls.take()
	progress := s.Progress
	if progress == nil {
		progress = func(app.Progress) {}
	}
	planned, report, err := s.app.Apply(ctx, 0, func(p app.Planned) (bool, error) { return true, w.check(p.Plan) }, progress)
	if err != nil {
		return err
	}
	reads, wrote := s.calls.take()
	if err := w.check(planned.Plan); err != nil {
		return err
	}
	if !report.Whole() || report.Run.Done != len(planned.Plan.Changes()) || wrote != writes {
		return fmt.Errorf("%d of %d steps were done with %d writes, not %d; stopped because: %q", report.Run.Done, len(planned.Plan.Changes()), wrote, writes, report.Halted)
	}
	if wrote == 0 {
		s.line("  nothing to do: 0 calls that write (%d that look)", reads)
		return nil
	}
	s.line("  %d of %d steps done with %d calls that write, one each", report.Run.Done, report.Run.Steps, wrote)
	return nil
}
