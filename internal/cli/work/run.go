package work

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/remote"
	"cxm/internal/cli/shell"
	"cxm/internal/plan"
)

// NewRun is `cxm run`: the queue is worked until it is empty. It ends with exit code 1
// when something was not done, or waits for a person.
func NewRun(o *shell.Options) *cobra.Command {
	cmd := shell.ByServer(&cobra.Command{
		Use:   "run",
		Short: "Works the queue until it is empty",
		Long: `Looks at GitLab, plans what changed, and works the jobs that follow until none is
due. Several may run at once: they share the work. What a brake holds waits for
cxm approve, and so do the first issues of a source that is new; what failed is
planned again by the next run.

With --server the server plans, and its own queue takes the steps; the command waits
until that has ended.`,
		Args: cobra.NoArgs,
	})
	addBounds(cmd, o)
	o.Bind(cmd, "work.settle", "brakes.admit_new_sources")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		far, err := o.Remote(cmd)
		if err != nil {
			return err
		}
		if far != nil {
			return runThere(cmd, o, far)
		}
		a, err := at[*app.App](cmd, o, func(c *app.Config) { c.Logger = shell.Logger(cmd.ErrOrStderr(), slog.LevelWarn) })
		if err != nil {
			return err
		}
		defer a.Close()
		began := time.Now()
		worked, err := a.Run(cmd.Context())
		runs, told := runsSince(cmd, a, began)
		if err = errors.Join(err, told); err != nil {
			return err
		}
		if o.JSON() {
			err = shell.PrintJSON(cmd.OutOrStdout(), workedJSON(worked, runs))
		} else {
			printWorked(cmd.OutOrStdout(), cmd.ErrOrStderr(), worked, runs)
		}
		if err == nil && !well(worked, runs) {
			return shell.ExitCode(1)
		}
		return err
	}
	return cmd
}

// runThere has a server's queue do what is to be done there.
func runThere(cmd *cobra.Command, o *shell.Options, far *remote.Server) error {
	begun, err := far.Begin(cmd.Context())
	if err != nil {
		return err
	}
	var runs []plan.Run
	whole := true
	for _, b := range begun {
		for _, r := range []plan.Run{b.Run, b.Waits} {
			if r.ID != 0 {
				runs = append(runs, r)
			}
		}
		for _, remark := range b.Remarks {
			fmt.Fprintln(cmd.ErrOrStderr(), shell.OneLine(remark))
		}
		if b.Busy {
			fmt.Fprintln(cmd.ErrOrStderr(), "An earlier run is under way on the server, and nothing was begun: run the same again when it has ended (cxm runs).")
		}
		whole = whole && !b.Busy && len(b.Remarks) == 0
	}
	if o.JSON() {
		err = shell.PrintJSON(cmd.OutOrStdout(), workedJSON(app.Worked{}, runs))
	} else {
		printRuns(cmd.OutOrStdout(), cmd.ErrOrStderr(), runs)
		fmt.Fprintln(cmd.OutOrStdout(), "The server's queue did what was due.")
	}
	if err == nil && (!whole || !well(app.Worked{}, runs)) {
		return shell.ExitCode(1)
	}
	return err
}

// runsSince lists the runs that began since, the first one first.
func runsSince(cmd *cobra.Command, a *app.App, since time.Time) ([]plan.Run, error) {
	last, err := a.Runs(cmd.Context(), 50)
	var out []plan.Run
	for _, r := range last {
		if !r.StartedAt.Before(since.Truncate(time.Microsecond)) || r.State == plan.Waiting {
			out = append([]plan.Run{r}, out...)
		}
	}
	return out, err
}

// well says that everything that was due was done.
func well(w app.Worked, runs []plan.Run) bool {
	for _, r := range runs {
		if r.State == plan.Waiting || r.Failed > 0 {
			return false
		}
	}
	return w.Discarded+w.Cancelled+w.Left == 0
}

func printRuns(out, errs io.Writer, runs []plan.Run) {
	for _, r := range runs {
		if r.State == plan.Waiting {
			fmt.Fprintf(errs, "Run %d waits, since %s. Look at it with `cxm runs %d`; if it is right, run `cxm approve %d`.\n", r.ID, r.Why, r.ID, r.ID)
			continue
		}
		fmt.Fprintf(out, "Run %d: %d of %d steps done; %d failed, %d skipped, %d in doubt.\n", r.ID, r.Done, r.Steps, r.Failed, r.Skipped, r.InDoubt)
		if r.Failed > 0 {
			fmt.Fprintf(errs, "What failed and why: cxm runs %d\n", r.ID)
		}
	}
}

func printWorked(out, errs io.Writer, w app.Worked, runs []plan.Run) {
	printRuns(out, errs, runs)
	for _, f := range w.Failures {
		fmt.Fprintf(errs, "A %s job was given up after %d attempts: %s\n", f.Kind, f.Attempts, shell.OneLine(f.Error))
	}
	fmt.Fprintf(out, "Worked %d jobs.", w.Completed)
	if w.Left > 0 {
		fmt.Fprintf(out, " %d wait, the first until %s.", w.Left, w.Next.Format(time.RFC3339))
	}
	fmt.Fprintln(out)
}

// workedDocument is what `cxm run --output json` prints.
type workedDocument struct {
	Completed int        `json:"completed"` // jobs
	Discarded int        `json:"discarded"`
	Left      int        `json:"left"`
	Next      *time.Time `json:"next"` // when the first of those left is due; null: none waits
	Runs      []RunJSON  `json:"runs"`
}

func workedJSON(w app.Worked, runs []plan.Run) workedDocument {
	out := workedDocument{Completed: w.Completed, Discarded: w.Discarded + w.Cancelled, Left: w.Left, Runs: []RunJSON{}}
	if !w.Next.IsZero() {
		out.Next = &w.Next
	}
	for _, r := range runs {
		out.Runs = append(out.Runs, NewRunJSON(r))
	}
	return out
}
