package work

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/source"
)

// sourceFlags are the flags of the commands that read files.
type sourceFlags struct {
	kind     string
	currency string
	instance string
	all      bool
}

func (s *sourceFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.kind, "source", "", "source type of the files (required)")
	cmd.Flags().StringVar(&s.currency, "currency", "", "currency of amounts that come without one (default USD)")
	cmd.Flags().StringVar(&s.instance, "instance", "", "name of the tool's instance, where its files do not say")
	cmd.Flags().BoolVar(&s.all, "include-all", false, "aws-cost-optimization-hub: the listing was made with --include-all-recommendations")
	_ = cmd.MarkFlagRequired("source")
	_ = cmd.RegisterFlagCompletionFunc("source", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, t := range source.Types() {
			names = append(names, string(t))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// delivery opens the files; done closes them.
func (s *sourceFlags) delivery(cmd *cobra.Command, scope string, files []string) (d app.Delivery, done func(), err error) {
	t, err := source.ParseType(s.kind)
	if err != nil {
		return d, nil, err
	}
	inputs, done, err := openAll(cmd.InOrStdin(), files)
	if err != nil {
		return d, nil, err
	}
	return app.Delivery{Type: t, Scope: scope, Inputs: inputs, Options: source.Options{
		Currency: s.currency, Instance: s.instance, IncludeAll: s.all,
	}}, done, nil
}

func openAll(stdin io.Reader, names []string) ([]source.Input, func(), error) {
	var inputs []source.Input
	var open []*os.File
	done := func() {
		for _, f := range open {
			_ = f.Close() // it was only read
		}
	}
	for _, name := range names {
		shown, f, err := name, (*os.File)(nil), error(nil)
		if name == "-" {
			shown = "standard input"
			f, err = spool(stdin)
		} else {
			f, err = os.Open(name)
		}
		if err != nil {
			done()
			return nil, nil, err
		}
		open = append(open, f)
		inputs = append(inputs, source.Input{Name: shown, Reader: f})
	}
	return inputs, done, nil
}

// spool reads a stream into a file without a name. A pull holds the database's
// writer, and a stream may stall for as long as its other end likes.
func spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "cxm-")
	if err != nil {
		return nil, fmt.Errorf("keeping standard input: %w", err)
	}
	_, err = io.Copy(f, r)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping standard input: %w", err), f.Close())
	}
	return f, nil
}

// NewInspect is `cxm inspect`: what cxm reads in files, storing nothing.
func NewInspect(o *shell.Options) *cobra.Command {
	var s sourceFlags
	cmd := &cobra.Command{
		Use:   "inspect --source TYPE FILE...",
		Short: "Reads findings and shows them normalised, storing nothing",
		Long: `Reads files of findings and shows what cxm understands, without storing anything.
Several files are the pages of one snapshot; - is standard input.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			d, done, err := s.delivery(cmd, "", files)
			if err != nil {
				return err
			}
			defer done()
			seen, err := app.Inspect(d)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), seen)
			}
			return printInspected(cmd.OutOrStdout(), seen)
		},
	}
	s.add(cmd)
	return shell.ByItself(cmd)
}

func printInspected(w io.Writer, seen app.Inspected) error {
	for _, f := range seen.Findings {
		amount := "-"
		if f.EstimatedMonthlySavings.Valid {
			amount = money.Show(f.EstimatedMonthlySavings.Decimal, f.BillingCurrency) + "/month"
		}
		fmt.Fprintf(w, "%s  %-8s %-7s %-13s %18s  %s\n", f.FindingKey.Short(), f.Detection, f.Kind, f.SeverityID, amount, shell.OneLine(f.Title))
	}
	for _, s := range seen.Skipped {
		fmt.Fprintf(w, "skipped %s %s: %s\n", s.File, s.Record, s.Reason)
	}
	complete := "complete"
	if !seen.Complete {
		complete = fmt.Sprintf("not complete (%s)", seen.Reasons)
	}
	_, err := fmt.Fprintf(w, "%d findings, %s a month; %s.\n", len(seen.Findings), seen.Totals.Show(), complete)
	return err
}

// NewIngest is `cxm ingest`: files are taken in whole, or not at all.
func NewIngest(o *shell.Options) *cobra.Command {
	var s sourceFlags
	var scope string
	var later bool
	cmd := &cobra.Command{
		Use:   "ingest --source TYPE FILE...",
		Short: "Takes findings in and stores them durably",
		Long: `Reads files of findings and stores them: all of them, or nothing when one of them
is not right. Several files are the pages of one snapshot; - is standard input.

A snapshot covers a scope. What a complete snapshot of the same scope no longer
holds twice in a row is proved absent; give different accounts, subscriptions or
clusters that are listed separately a --scope each.

With --later the files are only kept; the next cxm run, or a cxm serve, takes them
in, in the order in which they came.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			d, done, err := s.delivery(cmd, scope, files)
			if err != nil {
				return err
			}
			defer done()
			if later {
				return accept(cmd, o, d)
			}
			return ingest(cmd, o, d)
		},
	}
	s.add(cmd)
	cmd.Flags().StringVar(&scope, "scope", "default", "the part of the world that the files cover")
	cmd.Flags().BoolVar(&later, "later", false, "keep the files for the queue to take in")
	return cmd
}

// accept keeps a delivery for the queue.
func accept(cmd *cobra.Command, o *shell.Options, d app.Delivery) error {
	a, err := o.Open(cmd)
	if err != nil {
		return err
	}
	defer a.Close()
	id, err := a.Accept(cmd.Context(), d)
	if err != nil {
		return err
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"delivery": id, "source": d.Type, "scope": d.Scope})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Kept as delivery %d of %s, scope %s: cxm run takes it in.\n", id, d.Type, d.Scope)
	return nil
}

func ingest(cmd *cobra.Command, o *shell.Options, d app.Delivery) error {
	a, err := o.Open(cmd)
	if err != nil {
		return err
	}
	defer a.Close()
	pull, summary, err := a.Ingest(cmd.Context(), d)
	if err != nil {
		return err
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), pullJSON(pull, summary))
	}
	printPull(cmd.OutOrStdout(), cmd.ErrOrStderr(), pull, summary)
	return nil
}

func printPull(out, errs io.Writer, p finding.Pull, s source.Summary) {
	fmt.Fprintf(out, "%s, scope %s: %d new, %d changed, %d unchanged, %d absent", p.Source, p.Scope, p.New, p.Changed, p.Unchanged, p.Absent)
	if p.Missing > 0 {
		fmt.Fprintf(out, ", %d missing but not proved absent yet", p.Missing)
	}
	fmt.Fprintln(out, ".")
	for _, skip := range s.Skipped {
		fmt.Fprintf(errs, "Skipped %s %s: %s\n", skip.File, skip.Record, skip.Reason)
	}
	for _, reason := range p.Reasons {
		fmt.Fprintln(errs, "Note:", reason)
	}
}

// pullJSON is what --output json prints of an ingest.
func pullJSON(p finding.Pull, s source.Summary) any {
	skipped, reasons := s.Skipped, p.Reasons
	if skipped == nil {
		skipped = []source.Skip{}
	}
	if reasons == nil {
		reasons = []string{}
	}
	return struct {
		Source    string        `json:"source"`
		Scope     string        `json:"scope"`
		Complete  bool          `json:"complete"`
		Reasons   []string      `json:"reasons"`
		New       int           `json:"new"`
		Changed   int           `json:"changed"`
		Unchanged int           `json:"unchanged"`
		Absent    int           `json:"absent"`
		Missing   int           `json:"missing"`
		Skipped   []source.Skip `json:"skipped"`
	}{p.Source, p.Scope, p.Complete, reasons, p.New, p.Changed, p.Unchanged, p.Absent, p.Missing, skipped}
}
