// Package work is the commands that do what cxm is for: inspect and ingest take
// findings in; plan, apply, approve, reject and undo change GitLab, or say what would change;
// run and serve do it unwatched; runs shows what was done.
//
// What always holds: apply and undo show what they would do and ask first, unless told
// --yes; what was not done wholly ends with exit code 1.
package work

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/money"
	"cxm/internal/plan"
)

// planner plans, and carries plans out.
type planner interface {
	io.Closer
	Plan(ctx context.Context, integration int64) (app.Planned, error)
	Apply(ctx context.Context, integration int64, ask func(app.Planned) (bool, error), progress func(app.Progress)) (app.Planned, app.Report, error)
}

// changed is the exit code of a plan that has changes, with --detailed-exitcode.
const changed shell.ExitCode = 2

// NewPlan is `cxm plan`: what apply would do, and why. It changes nothing in GitLab;
// with --detailed-exitcode it ends with 2 when there is something to do.
func NewPlan(o *shell.Options) *cobra.Command {
	var detailed bool
	cmd := shell.ByServer(&cobra.Command{
		Use:   "plan",
		Short: "Shows what apply would do, and why",
		Long: `Looks at GitLab and shows every step that apply would take, with its reason.
It uses a client that refuses every write.

  + create   ~ update   - close   ^ reopen   > move to another project   = nothing`,
		Args: cobra.NoArgs,
	})
	addBounds(cmd, o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := at[planner](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		p, err := a.Plan(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		if o.JSON() {
			err = shell.PrintJSON(cmd.OutOrStdout(), planJSON(p))
		} else {
			err = printPlan(cmd.OutOrStdout(), p)
		}
		if err == nil && detailed && len(p.Plan.Changes())+len(p.Plan.Held.Steps) > 0 {
			return changed
		}
		return err
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when the plan has changes")
	o.AddIntegration(cmd)
	return cmd
}

// fewNothings is how many steps that do nothing are printed to a person; JSON
// has them all.
const fewNothings = 20

func printPlan(w io.Writer, p app.Planned) error {
	changes := p.Plan.Changes()
	if len(changes) > 0 {
		fmt.Fprintf(w, "cxm will do this in %s:\n\n", p.Integration.Project.Path)
	}
	nothings := 0
	for _, s := range p.Plan.Steps {
		if s.Verb == plan.Nothing {
			if nothings++; nothings > fewNothings {
				continue
			}
		}
		fmt.Fprintf(w, "  %s %-7s %s%s\n            %s\n", s.Verb, s.Verb.Word(), number(s), shell.OneLine(s.Title), shell.OneLine(s.Reason))
	}
	if nothings > fewNothings {
		fmt.Fprintf(w, "  = and %d more that need nothing (--output json has them all)\n", nothings-fewNothings)
	}
	if len(p.Plan.Steps) > 0 {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, sentence(p.Plan))
	printHeld(w, p)
	return err
}

// printHeld says what waits for a person, and why.
func printHeld(w io.Writer, p app.Planned) {
	held := p.Plan.Held
	if len(held.Steps) == 0 {
		return
	}
	fmt.Fprintf(w, "\nHeld, since %s:\n\n", held.Reason())
	for i, s := range held.Steps {
		if i == fewNothings {
			fmt.Fprintf(w, "  and %d more (--output json has them all)\n", len(held.Steps)-i)
			break
		}
		fmt.Fprintf(w, "  %s %-7s %s%s\n            %s\n", s.Verb, s.Verb.Word(), number(s), shell.OneLine(s.Title), shell.OneLine(s.Reason))
	}
	if p.Waits.ID != 0 {
		fmt.Fprintf(w, "\nThis waits as run %d: if it is right, run `cxm approve %d`, else `cxm reject %d`.\n", p.Waits.ID, p.Waits.ID, p.Waits.ID)
		return
	}
	if r := p.Rejected; r.ID != 0 {
		fmt.Fprintf(w, "\n%s said no to this as run %d: %s. It waits again when something about it changes; `cxm approve %d` lets it go after all.\n", shell.OneLine(r.RejectedBy), r.ID, shell.OneLine(r.Rejection), r.ID)
		return
	}
	fmt.Fprintln(w, "\nApply will keep this as a run that waits for `cxm approve`.")
}

// number is the issue a step is about, for people.
func number(s plan.Step) string {
	if s.Have == nil || s.Have.Observed.IID == 0 {
		return ""
	}
	return fmt.Sprintf("#%d ", s.Have.Observed.IID)
}

// sentence sums a plan up.
func sentence(p plan.Plan) string {
	text := deeds(p)
	if p.Capped > 0 {
		text += fmt.Sprintf(" %d wait for room under the caps.", p.Capped)
	}
	return text
}

// deeds says what a plan does.
func deeds(p plan.Plan) string {
	if len(p.Changes()) == 0 && len(p.Held.Steps) > 0 {
		return "Nothing to do but what is held."
	}
	if len(p.Changes()) == 0 {
		return fmt.Sprintf("Nothing to do: %d issues say what they should, or wait for a person.", p.Count(plan.Nothing)+p.Unchanged-p.Capped)
	}
	moves := ""
	if n := p.Count(plan.Move); n > 0 {
		moves = fmt.Sprintf(", %d to move", n)
	}
	text := fmt.Sprintf("Plan: %d to create, %d to update, %d to close, %d to reopen%s; %d need nothing.",
		p.Count(plan.Create), p.Count(plan.Update), p.Count(plan.Close), p.Count(plan.Reopen), moves, p.Count(plan.Nothing)+p.Unchanged-p.Capped)
	if totals := worth(p); len(totals) > 0 {
		text += " New issues would save " + totals.Show() + " a month."
	}
	return text
}

// worth is what the issues to be created would save a month.
func worth(p plan.Plan) money.Totals {
	totals := money.Totals{}
	for _, s := range p.Steps {
		if s.Verb == plan.Create {
			totals.Add(s.Counts())
		}
	}
	return totals
}

// NewApply is `cxm apply`: a plan, a question, and the plan carried out. It ends with
// exit code 1 when not all of it was done.
func NewApply(o *shell.Options) *cobra.Command {
	var yes bool
	cmd := shell.ByServer(&cobra.Command{
		Use:   "apply",
		Short: "Plans, asks, and carries the plan out",
		Long: `Looks at GitLab, shows the plan, asks, and carries it out step for step. Every step
is in the journal before it is taken. When GitLab's answer to a create is lost,
cxm looks the issue up before it tries again.`,
		Args: cobra.NoArgs,
	})
	addBounds(cmd, o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := at[planner](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		return apply(cmd, o, a, yes)
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	o.Bind(cmd, "work.settle")
	o.AddIntegration(cmd)
	return cmd
}

func apply(cmd *cobra.Command, o *shell.Options, a planner, yes bool) error {
	bar := NewProgress(cmd.ErrOrStderr())
	planned, report, err := a.Apply(cmd.Context(), o.Integration, func(p app.Planned) (bool, error) {
		return ask(cmd, o, p, yes)
	}, bar.Step)
	bar.done()
	if err != nil && report.Run.ID == 0 {
		return err
	}
	if o.JSON() {
		err = errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), applyJSON(planned, report)))
	} else {
		printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), planned, report)
	}
	return whole(report, err)
}

// ask shows the plan and asks the person, unless they said yes beforehand.
func ask(cmd *cobra.Command, o *shell.Options, p app.Planned, yes bool) (bool, error) {
	if !o.JSON() {
		if err := printPlan(cmd.OutOrStdout(), p); err != nil {
			return false, err
		}
	}
	return o.Confirm(cmd, yes, "apply would change GitLab and cannot ask here: look at `cxm plan`, then run `cxm apply --yes`")
}
