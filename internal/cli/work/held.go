package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/plan"
)

// holder lets runs go that are held, says no to them, and takes back what runs did.
type holder interface {
	io.Closer
	Approve(ctx context.Context, run int64, by string, progress func(app.Progress)) (app.Report, error)
	Reject(ctx context.Context, run int64, by, why string) error
	RunOf(ctx context.Context, id int64) (plan.Run, []plan.Entry, error)
	Undo(ctx context.Context, run int64, ask func(app.Undo) (bool, error), progress func(app.Progress)) (app.Undo, app.Report, error)
}

// NewApprove is `cxm approve`: a run that a brake held is carried out.
func NewApprove(o *shell.Options) *cobra.Command {
	var as string
	cmd := shell.ByServer(&cobra.Command{
		Use:   "approve RUN",
		Short: "Carries out a run that a brake held",
		Long: `A run that would close a large share of the open issues, or create very many,
waits for a person. cxm plan shows what waits and why; this carries it out. What
changed since is left to the next plan.`,
		Args: cobra.ExactArgs(1),
	}, "as")
	addBounds(cmd, o)
	cmd.Flags().StringVar(&as, "as", "", "who approves, for the journal (default: the user of this machine)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		run, err := runNumber(args[0])
		if err != nil {
			return err
		}
		a, err := at[holder](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		bar := NewProgress(cmd.ErrOrStderr())
		report, err := a.Approve(cmd.Context(), run, shell.Who(as), bar.Step)
		bar.done()
		if err != nil && report.Run.ID == 0 {
			return err
		}
		return tellRun(cmd, o, report, err)
	}
	return cmd
}

func runNumber(text string) (int64, error) {
	run, err := strconv.ParseInt(text, 10, 64)
	if err != nil || run <= 0 {
		return 0, fmt.Errorf("run %q: give the number of a run, as cxm runs lists them", text)
	}
	return run, nil
}

// NewReject is `cxm reject`: a run that a brake held is not wanted.
func NewReject(o *shell.Options) *cobra.Command {
	var reason, as string
	cmd := shell.ByServer(&cobra.Command{
		Use:   "reject RUN --reason TEXT",
		Short: "Says no to a run that a brake held",
		Long: `Nothing of the run is done, and the same steps for the same issues do not wait
again until something about them changes. Until something else has waited, cxm
approve lets the run go after all.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := runNumber(args[0])
			if err != nil {
				return err
			}
			if reason, err = plan.ReadRejection(reason); err != nil {
				return fmt.Errorf("--reason: %w", err)
			}
			a, err := shell.At[holder](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.Reject(cmd.Context(), run, shell.Who(as), reason); err != nil {
				return err
			}
			if !o.JSON() {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Run %d is rejected, and nothing of it was done. `cxm approve %d` lets it go after all, until something else waits.\n", run, run)
				return err
			}
			r, _, err := a.RunOf(cmd.Context(), run)
			if err != nil {
				return err
			}
			return shell.PrintJSON(cmd.OutOrStdout(), NewRunJSON(r))
		},
	}, "as")
	cmd.Flags().StringVar(&reason, "reason", "", "why; whoever sees the run can read it, and it is in the audit log")
	cmd.Flags().StringVar(&as, "as", "", "who rejects, for the journal (default: the user of this machine)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// NewUndo is `cxm undo`: what a run did is reverted where nobody touched it since.
func NewUndo(o *shell.Options) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "undo RUN",
		Short: "Reverts what a run did, where nobody has touched it since",
		Long: `Shows what would be reverted and what is left as it is, asks, and reverts: what
the run created is closed, what it closed is opened again, and texts, titles and
labels are as they were before. An issue that anybody touched since is left
alone. What was undone is not done again by the next run.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := runNumber(args[0])
			if err != nil {
				return err
			}
			a, err := shell.At[holder](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			return undo(cmd, o, a, run, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return shell.ByServer(cmd)
}

func undo(cmd *cobra.Command, o *shell.Options, a holder, run int64, yes bool) error {
	bar := NewProgress(cmd.ErrOrStderr())
	u, report, err := a.Undo(cmd.Context(), run, func(u app.Undo) (bool, error) {
		if !o.JSON() {
			printUndo(cmd.OutOrStdout(), u)
		}
		if len(u.Plan.Steps) == 0 {
			return false, nil
		}
		return o.Confirm(cmd, yes, "undo would change GitLab and cannot ask here: look at the run with `cxm runs RUN`, then use --yes")
	}, bar.Step)
	bar.done()
	if err != nil && report.Run.ID == 0 {
		return err
	}
	if o.JSON() {
		return whole(report, errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), undoJSON(u, report))))
	}
	if report.Run.ID != 0 {
		printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), app.Planned{}, report)
	}
	return whole(report, err)
}

func printUndo(w io.Writer, u app.Undo) {
	for _, s := range u.Plan.Steps {
		fmt.Fprintf(w, "  %s %-7s %s%s\n            %s\n", s.Verb, s.Verb.Word(), number(s), shell.OneLine(s.Title), shell.OneLine(s.Reason))
	}
	for _, k := range u.Kept {
		fmt.Fprintf(w, "  = left    %s\n            the %s stays: %s\n", shell.OneLine(k.Entry.Title), k.Entry.Verb.Word(), k.Why)
	}
	fmt.Fprintf(w, "Undoing run %d: %d steps to revert, %d left as they are.\n", u.Run, len(u.Plan.Steps), len(u.Kept))
}

// undoDocument is what `cxm undo --output json` prints.
type undoDocument struct {
	Undoes   int64         `json:"undoes"`
	Run      int64         `json:"run"` // that reverted it; 0: there was nothing to revert
	Steps    []stepJSON    `json:"steps"`
	Kept     []keptJSON    `json:"kept"`
	Done     int           `json:"done"`
	Failed   int           `json:"failed"`
	Skipped  int           `json:"skipped"`
	InDoubt  int           `json:"in_doubt"`
	Failures []failureJSON `json:"failures"`
	Halted   string        `json:"halted,omitempty"`
}

type keptJSON struct {
	Action string `json:"action"`
	Title  string `json:"title"`
	URL    string `json:"url,omitempty"`
	Why    string `json:"why"`
}

func undoJSON(u app.Undo, r app.Report) undoDocument {
	home := u.Integration.Project.ID
	out := undoDocument{
		Undoes: u.Run, Run: r.Run.ID, Steps: []stepJSON{}, Kept: []keptJSON{}, Failures: []failureJSON{},
		Done: r.Run.Done, Failed: r.Run.Failed, Skipped: r.Run.Skipped, InDoubt: r.InDoubt, Halted: r.Halted,
	}
	for _, s := range u.Plan.Steps {
		out.Steps = append(out.Steps, newStepJSON(s, home))
	}
	for _, k := range u.Kept {
		out.Kept = append(out.Kept, keptJSON{k.Entry.Verb.Word(), k.Entry.Title, k.Entry.WebURL, k.Why})
	}
	for _, f := range r.Failures {
		out.Failures = append(out.Failures, failureJSON{newStepJSON(f.Step, home), string(f.Outcome), f.Trouble.Error()})
	}
	return out
}

// tellRun prints what became of a run that was approved.
func tellRun(cmd *cobra.Command, o *shell.Options, report app.Report, err error) error {
	if o.JSON() {
		return whole(report, errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), applyJSON(app.Planned{}, report))))
	}
	printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), app.Planned{}, report)
	return whole(report, err)
}

// whole is exit code 1 for a run that did not do all it should.
func whole(report app.Report, err error) error {
	if err == nil && !report.Whole() {
		return shell.ExitCode(1)
	}
	return err
}
