// Package findings is the commands about single findings: what is known of one, and
// what people decide about it.
package findings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app/deciding"
	"cxm/internal/cli/shell"
	"cxm/internal/finding"
	"cxm/internal/store/decisions"
)

// decider knows findings, and takes in what people decide about them.
type decider interface {
	io.Closer
	FindingNamed(ctx context.Context, asked string) (deciding.Decided, error)
	DecideFinding(ctx context.Context, asked string, what finding.Decided) (deciding.Decided, error)
	FindingDecisions(ctx context.Context, key finding.Key, before int64, most int) ([]decisions.Decision, error)
	StandingDecisions(ctx context.Context, of finding.Decision, before int64, most int) ([]decisions.Standing, error)
}

// most is how many decisions are read at a time.
const most = 500

// New is `cxm finding`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "finding", Short: "Shows a finding, and records what you decide about it", Args: cobra.NoArgs,
		Long: `A finding is named by its key or how that begins: issues show eight characters of
it, and cxm doctor --why RESOURCE tells those of a resource.

A decision is about one finding and stands until somebody decides otherwise:
accepted (it is to be done), snoozed until a day, exception (it is not to be done,
for a reason, until a day or for good), undecided (what was decided is taken back).
What is snoozed or excepted gets no issue; an open one says so, and stays open for
people to close. Nothing is sent to GitLab before the next plan.`,
	}
	for _, each := range []*cobra.Command{newShow(o), newDecide(o), newDecisions(o)} {
		cmd.AddCommand(shell.ByServer(each))
	}
	return cmd
}

// with runs something on the program, or on the server.
func with(cmd *cobra.Command, o *shell.Options, do func(decider) error) error {
	a, err := shell.At[decider](cmd, o)
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close())
}

func newShow(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use: "show KEY", Short: "Shows a finding and what was decided about it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, o, func(a decider) error {
				found, err := a.FindingNamed(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				history, err := a.FindingDecisions(cmd.Context(), found.Finding.FindingKey, 0, most)
				if err != nil {
					return fmt.Errorf("reading what was decided: %w", err)
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), shownJSON(found, history))
				}
				printShown(cmd.OutOrStdout(), found, history)
				return nil
			})
		},
	}
}

func printShown(w io.Writer, f deciding.Decided, history []decisions.Decision) {
	fmt.Fprintf(w, "%s (%s)\n", shell.OneLine(f.Finding.Title), f.Finding.FindingKey.Short())
	fmt.Fprintf(w, "  key       %s\n", f.Finding.FindingKey)
	if f.Finding.ResourceID != "" {
		fmt.Fprintf(w, "  resource  %s\n", shell.OneLine(f.Finding.ResourceID))
	}
	fmt.Fprintf(w, "  it is     %s\n", f.Detection)
	for i, d := range history {
		name := "before"
		if i == 0 {
			name = "decided"
		}
		fmt.Fprintf(w, "  %-8s  %s  %s\n", name, d.At.UTC().Format("2006-01-02 15:04"), shell.OneLine(d.Says()))
	}
	if len(history) == 0 {
		fmt.Fprintln(w, "  decided   nothing so far")
	}
	fmt.Fprintf(w, "  Why it has an issue, or none: cxm doctor --why %s\n", f.Finding.FindingKey.Short())
}

func newDecide(o *shell.Options) *cobra.Command {
	var decision, reason, until string
	cmd := &cobra.Command{
		Use: "decide KEY...", Short: "Records what you decide about findings", Args: cobra.MinimumNArgs(1),
		Long: `Records what you decide about findings, each by itself: where one is refused, the
others before it are recorded. To decide the same again says that it still holds.`,
		Example: `  cxm finding decide 410989a0 --decision exception --reason "a test system" --until 2026-12-01
  cxm finding decide 410989a0 --decision snoozed --until 2026-06-01
  cxm finding decide 410989a0 --decision undecided`,
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := finding.ParseUntil(until)
			if err != nil {
				return fmt.Errorf("--until: %w", err)
			}
			what := finding.Decided{Decision: finding.Decision(decision), Reason: reason, Until: end}
			return with(cmd, o, func(a decider) error { return decide(cmd, o, a, args, what) })
		},
	}
	cmd.Flags().StringVar(&decision, "decision", "", "accepted, snoozed, exception, or undecided to take one back")
	cmd.Flags().StringVar(&reason, "reason", "", "why; an exception needs it. Everybody who sees the issue can read it")
	cmd.Flags().StringVar(&until, "until", "", "the day on whose beginning (UTC) it ends, such as 2026-06-01, or a moment; a snooze needs it")
	_ = cmd.MarkFlagRequired("decision")
	_ = cmd.RegisterFlagCompletionFunc("decision", cobra.FixedCompletions([]string{"accepted", "snoozed", "exception", "undecided"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func decide(cmd *cobra.Command, o *shell.Options, a decider, keys []string, what finding.Decided) error {
	out := []decidedJSON{}
	for _, key := range keys {
		got, err := a.DecideFinding(cmd.Context(), key, what)
		if fault, ok := errors.AsType[*finding.Fault](err); ok {
			return fmt.Errorf("--%s: %w", fault.Field, err)
		}
		if err != nil {
			return err
		}
		if out = append(out, toJSON(got.Finding, got.Decision)); !o.JSON() {
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is %s. %s\n", shell.OneLine(got.Finding.Title), got.Finding.FindingKey.Short(), shell.OneLine(got.Says()), follows(got.Decision))
		}
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), out)
	}
	return nil
}

// follows is what becomes of a finding by a decision.
func follows(d decisions.Decision) string {
	switch {
	case d.ID == 0:
		return "There was nothing to take back."
	case d.Decision == finding.Accepted:
		return "Its issue is made and kept as before."
	case d.Decision == finding.Undecided:
		return "From the next plan on it is as if nothing had been decided."
	}
	return "No issue is made of it; an open one says so with the next plan, and stays open."
}

func newDecisions(o *shell.Options) *cobra.Command {
	var of string
	var review bool
	cmd := &cobra.Command{
		Use: "decisions", Short: "Lists the decisions that stand, the latest first", Args: cobra.NoArgs,
		Long: `Lists the decisions that stand, the latest first. Those whose time has passed have
no effect any more. With --review: exceptions without an end that are older than
ninety days; to decide the same again says that one still holds.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch finding.Decision(of) {
			case "", finding.Accepted, finding.Snoozed, finding.Exception:
			default:
				return fmt.Errorf("--decision %q: use accepted, snoozed or exception", of)
			}
			return with(cmd, o, func(a decider) error {
				all, err := standing(cmd.Context(), a, finding.Decision(of), review)
				switch {
				case err != nil:
					return fmt.Errorf("reading the decisions: %w", err)
				case o.JSON():
					out := []decidedJSON{}
					for _, s := range all {
						out = append(out, toJSON(s.Finding, s.Decision))
					}
					return shell.PrintJSON(cmd.OutOrStdout(), out)
				}
				printDecisions(cmd.OutOrStdout(), all, time.Now())
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&of, "decision", "", "only accepted, snoozed or exception")
	cmd.Flags().BoolVar(&review, "review", false, "only what somebody should look at again")
	return cmd
}

// standing reads all decisions that stand.
func standing(ctx context.Context, a decider, of finding.Decision, review bool) ([]decisions.Standing, error) {
	if review {
		of = cmp.Or(of, finding.Exception)
	}
	var out []decisions.Standing
	for before := int64(0); ; {
		page, err := a.StandingDecisions(ctx, of, before, most)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			if !review || s.ReviewDue(time.Now()) {
				out = append(out, s)
			}
		}
		if len(page) < most {
			return out, nil
		}
		before = page[len(page)-1].ID
	}
}

func printDecisions(w io.Writer, all []decisions.Standing, now time.Time) {
	if len(all) == 0 {
		fmt.Fprintln(w, "There are none.")
	}
	for _, s := range all {
		note := ""
		switch {
		case s.Now(now) != s.Decided.Decision:
			note = " (that has passed)"
		case s.ReviewDue(now):
			note = " (look whether it still holds)"
		}
		fmt.Fprintf(w, "%s  %s\n          %s%s\n", s.Finding.FindingKey.Short(), shell.OneLine(s.Finding.Title), shell.OneLine(s.Says()), note)
	}
}

// decidedJSON is a decision as --output json has it.
type decidedJSON struct {
	Finding  finding.Key `json:"finding"`
	Title    string      `json:"title"`
	Decision string      `json:"decision"`
	InEffect bool        `json:"in_effect"`
	Reason   string      `json:"reason"`
	By       string      `json:"by"`
	At       *time.Time  `json:"at"`    // null: nothing was decided
	Until    *time.Time  `json:"until"` // null: it has no end
	Review   bool        `json:"review_due"`
}

func toJSON(f finding.Finding, d decisions.Decision) decidedJSON {
	now := time.Now()
	return decidedJSON{
		Finding: f.FindingKey, Title: f.Title, Decision: string(d.Decision), InEffect: d.Now(now) == d.Decision, Reason: d.Reason, By: d.By,
		At: moment(d.At), Until: moment(d.Until), Review: d.ReviewDue(now),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func shownJSON(f deciding.Decided, history []decisions.Decision) any {
	out := struct {
		Finding   finding.Key   `json:"finding"`
		Title     string        `json:"title"`
		Resource  string        `json:"resource"`
		Detection string        `json:"detection"`
		Decisions []decidedJSON `json:"decisions"` // the latest first; that stands
	}{f.Finding.FindingKey, f.Finding.Title, f.Finding.ResourceID, string(f.Detection), []decidedJSON{}}
	for _, d := range history {
		out.Decisions = append(out.Decisions, toJSON(f.Finding, d))
	}
	return out
}
