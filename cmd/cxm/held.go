package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cxm/internal/app"
	"cxm/internal/plan"
)

// bounds are the flags of brakes and caps, which every command that plans has.
type bounds struct {
	brakes plan.Brakes
	caps   plan.Caps
}

// addBounds gives a command the flags, their defaults from the environment.
func addBounds(cmd *cobra.Command) *bounds {
	b := &bounds{brakes: plan.DefaultBrakes()}
	for _, each := range []struct {
		to        *int
		flag, env string
		usage     string
		atMost    int
	}{
		{&b.brakes.CloseShare, "close-share", "CXM_CLOSE_SHARE", "percent of the open issues that a run may close unasked; 100: any number", 100},
		{&b.brakes.CloseFloor, "close-floor", "CXM_CLOSE_FLOOR", "so many issues may be closed unasked whatever share that is", 0},
		{&b.brakes.Creates, "max-creates", "CXM_MAX_CREATES", "issues that a run may create unasked; 0: any number", 0},
		{&b.caps.PerHour, "cap-hour", "CXM_CAP_HOUR", "new issues in one project within an hour, the rest waits; 0: any number", 0},
		{&b.caps.Open, "cap-open", "CXM_CAP_OPEN", "issues open in one project before another is created; 0: any number", 0},
	} {
		cmd.Flags().Var(&bound{to: each.to, env: each.env, atMost: each.atMost}, each.flag, each.usage+" ($"+each.env+")")
	}
	return b
}

// bound is a number that is not negative, from its flag or else from the
// environment.
type bound struct {
	to     *int
	env    string
	atMost int // 0: no most
	given  bool
}

// String is the default, for help.
func (b *bound) String() string {
	if b.to == nil {
		return ""
	}
	return strconv.Itoa(*b.to)
}

// Type names the value in help.
func (b *bound) Type() string { return "number" }

// Set reads the flag.
func (b *bound) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || b.atMost > 0 && n > b.atMost {
		return fmt.Errorf("%q: use a whole number from 0%s", text, upTo(b.atMost))
	}
	*b.to, b.given = n, true
	return nil
}

func upTo(most int) string {
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(" to %d", most)
}

// open opens the app with the bounds of the flags and the environment.
func (b *bounds) open(cmd *cobra.Command, o *options, change ...func(*app.Config)) (*app.App, error) {
	if err := environment(cmd); err != nil {
		return nil, err
	}
	return o.open(cmd, append(change, func(c *app.Config) { c.Brakes, c.Caps = &b.brakes, b.caps })...)
}

// environment sets the bounds that have no flag but a variable.
func environment(cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		b, ok := f.Value.(*bound)
		text := ""
		if ok && !b.given {
			text = os.Getenv(b.env)
		}
		if text != "" {
			if bad := b.Set(text); bad != nil {
				err = errors.Join(err, fmt.Errorf("environment variable %s: %w", b.env, bad))
			}
		}
	})
	return err
}

func newApprove(o *options) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "approve RUN",
		Short: "Carries out a run that a brake held",
		Long: `A run that would close a large share of the open issues, or create very many,
waits for a person. cxm plan shows what waits and why; this carries it out. What
changed since is left to the next plan.`,
		Args: cobra.ExactArgs(1),
	}
	b := addBounds(cmd)
	cmd.Flags().StringVar(&as, "as", "", "who approves, for the journal (default: the user of this machine)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		run, err := runNumber(args[0])
		if err != nil {
			return err
		}
		a, err := b.open(cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		bar := newProgress(cmd.ErrOrStderr())
		report, err := a.Approve(cmd.Context(), run, who(as), bar.step)
		bar.done()
		if err != nil && report.Run.ID == 0 {
			return err
		}
		return o.tellRun(cmd, report, err)
	}
	return cmd
}

// who is the person at the keyboard.
func who(as string) string {
	if as != "" {
		return as
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func runNumber(text string) (int64, error) {
	run, err := strconv.ParseInt(text, 10, 64)
	if err != nil || run <= 0 {
		return 0, fmt.Errorf("run %q: give the number of a run, as cxm runs lists them", text)
	}
	return run, nil
}

func newUndo(o *options) *cobra.Command {
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
			a, err := o.open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			return undo(cmd, o, a, run, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func undo(cmd *cobra.Command, o *options, a *app.App, run int64, yes bool) error {
	bar := newProgress(cmd.ErrOrStderr())
	u, report, err := a.Undo(cmd.Context(), run, func(u app.Undo) (bool, error) {
		if !o.json() {
			printUndo(cmd.OutOrStdout(), u)
		}
		if len(u.Plan.Steps) == 0 {
			return false, nil
		}
		return o.confirm(cmd, yes, "undo would change GitLab and cannot ask here: look at the run with `cxm runs RUN`, then use --yes")
	}, bar.step)
	bar.done()
	if err != nil && report.Run.ID == 0 {
		return err
	}
	if o.json() {
		return whole(report, errors.Join(err, printJSON(cmd.OutOrStdout(), undoJSON(u, report))))
	}
	if report.Run.ID != 0 {
		printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), app.Planned{}, report)
	}
	return whole(report, err)
}

func printUndo(w io.Writer, u app.Undo) {
	for _, s := range u.Plan.Steps {
		fmt.Fprintf(w, "  %s %-7s %s%s\n            %s\n", s.Verb, s.Verb.Word(), number(s), oneLine(s.Title), oneLine(s.Reason))
	}
	for _, k := range u.Kept {
		fmt.Fprintf(w, "  = left    %s\n            the %s stays: %s\n", oneLine(k.Entry.Title), k.Entry.Verb.Word(), k.Why)
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
func (o *options) tellRun(cmd *cobra.Command, report app.Report, err error) error {
	if o.json() {
		return whole(report, errors.Join(err, printJSON(cmd.OutOrStdout(), applyJSON(app.Planned{}, report))))
	}
	printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), app.Planned{}, report)
	return whole(report, err)
}

// whole is exit code 1 for a run that did not do all it should.
func whole(report app.Report, err error) error {
	if err == nil && !report.Whole() {
		return exitCode(1)
	}
	return err
}
