// Package audit is `cxm audit`: reading, checking, exporting and shortening the log
// of what was done.
//
// What always holds: a log that is not as it was written ends a check with an error
// that names the lines; what people and servers said is printed on one line; a
// table for spreadsheets holds no formulas.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/app/auditing"
	"cxm/internal/audit"
	"cxm/internal/cli/shell"
)

// New is `cxm audit`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Shows and checks the log of what was done: list, verify, export, prune",
		Long: `Shows and checks the audit log: every change of settings, every sign-in and every
write to GitLab, with who, why, before and after. Lines are only added. Each holds the
hash of the one before, and every hundredth at the latest is signed, so that a line that
was changed, removed or inserted is found.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(shell.ByServer(newList(o)), shell.ByServer(newVerify(o), "against"), shell.ByServer(newExport(o)), newPrune(o), newAccept(o))
	return cmd
}

// log is what is read of the audit log.
type log interface {
	io.Closer
	AuditLines(ctx context.Context, f auditing.Filter) ([]audit.Line, error)
	VerifyAudit(ctx context.Context, exports ...string) (audit.Report, error)
	ExportAudit(ctx context.Context, w io.Writer, format string, part auditing.Span) (audit.Head, error)
}

// with opens the program for a command.
func with[T io.Closer](o *shell.Options, f func(cmd *cobra.Command, a T) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a, err := shell.At[T](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		return f(cmd, a)
	}
}

func newList(o *shell.Options) *cobra.Command {
	var f auditing.Filter
	var object, since, until string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists lines of the log, the latest first",
		Example: `  cxm audit list
  cxm audit list --action token --since 2026-03-01
  cxm audit list --object issue/12 --output json`,
		Args: cobra.NoArgs,
		RunE: with(o, func(cmd *cobra.Command, a log) error {
			var err error
			if f.Kind, f.ID, err = parseObject(object); err != nil {
				return err
			}
			if f.Since, f.Until, err = span(since, until); err != nil {
				return err
			}
			lines, err := a.AuditLines(cmd.Context(), f)
			if err != nil {
				return err
			}
			if o.JSON() {
				return printJSON(cmd.OutOrStdout(), lines)
			}
			return printLines(cmd.OutOrStdout(), lines)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Actor, "actor", "", "only what this actor did: a name")
	flags.StringVar(&f.Action, "action", "", "only actions that begin so: token, issue.create")
	flags.StringVar(&object, "object", "", "only what was done to this: KIND/ID, such as issue/12 or integration/1")
	flags.StringVar(&since, "since", "", "not before this day or moment (2026-03-01, 2026-03-01T12:00:00Z)")
	flags.StringVar(&until, "until", "", "before this day or moment")
	flags.Int64Var(&f.Before, "before", 0, "only lines before this one: where the list before ended")
	flags.IntVar(&f.Most, "limit", 50, "how many, at most a thousand")
	return cmd
}

// parseObject reads KIND/ID.
func parseObject(text string) (kind, id string, err error) {
	if text == "" {
		return "", "", nil
	}
	kind, id, ok := strings.Cut(text, "/")
	if !ok || kind == "" {
		return "", "", fmt.Errorf("--object %q: write KIND/ID, such as issue/12 or integration/1", text)
	}
	return kind, id, nil
}

// span reads two moments; what is empty is the zero time.
func span(since, until string) (from, to time.Time, err error) {
	if from, err = moment("--since", since); err == nil {
		to, err = moment("--until", until)
	}
	return from, to, err
}

// moment reads a day, in UTC, or a moment.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q: write a day like 2026-03-01, or a moment like 2026-03-01T12:00:00Z", flag, text)
}

func printLines(w io.Writer, lines []audit.Line) error {
	if len(lines) == 0 {
		fmt.Fprintln(w, "There are no such lines.")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LINE\tWHEN (UTC)\tWHO\tWHAT\tTO WHAT\tWHY")
	for _, l := range lines {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Sequence, l.At.UTC().Format(time.DateTime), shell.OneLine(l.Actor.String()), shell.OneLine(l.Action),
			shell.OneLine(toWhat(l.Object)), shell.OneLine(l.Why))
	}
	return t.Flush()
}

func toWhat(o audit.Object) string {
	if o.ID == "" {
		return o.Kind
	}
	return strings.TrimSpace(o.Kind + "/" + o.ID + " " + o.Name)
}

func newVerify(o *shell.Options) *cobra.Command {
	var against []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Checks that no line was changed, removed or inserted",
		Long: `Checks every line, the hashes that join them, and the signatures over them, and names
what is wrong. It compares the log with its head beside the key, which each command
writes when it ends, and with earlier exports that are named: lines that were cut off at
the end are noticed by these alone.

It ends with code 1 when the log is not as it was written.`,
		Example: `  cxm audit verify
  cxm audit verify --against /backup/audit-2026-03.jsonl`,
		Args: cobra.NoArgs,
		RunE: with(o, func(cmd *cobra.Command, a log) error {
			r, err := a.VerifyAudit(cmd.Context(), against...)
			if err != nil {
				return err
			}
			if o.JSON() {
				err = shell.PrintJSON(cmd.OutOrStdout(), r)
			} else {
				printReport(cmd.OutOrStdout(), r)
			}
			if err == nil && len(r.Faults) > 0 {
				err = errors.New("the audit log is not as it was written: keep the database as it is and compare it with a backup; after restoring one, `cxm audit accept` says so in the log")
			}
			return err
		}),
	}
	cmd.Flags().StringArrayVar(&against, "against", nil, "a file of an earlier export (jsonl); may be repeated")
	return cmd
}

func printReport(w io.Writer, r audit.Report) {
	for _, f := range r.Faults {
		fmt.Fprintf(w, "! %s.\n", upper(f.Text))
	}
	switch {
	case len(r.Faults) > 0:
	case r.Lines == 0:
		fmt.Fprintln(w, "The log is empty.")
	default:
		fmt.Fprintf(w, "The lines %d to %d are as they were written. %d signatures agree; the last one is over line %d.\n", r.First, r.Last, r.Anchors, r.Anchored)
	}
	if r.Sealed > 0 {
		fmt.Fprintf(w, "Retention removed the lines up to %d; a signed seal stands for them.\n", r.Sealed)
	}
	if r.Unanchored > 0 {
		fmt.Fprintf(w, "The last %d lines are not signed yet.\n", r.Unanchored)
	}
	for _, each := range r.Remarks {
		fmt.Fprintln(w, each)
	}
	fmt.Fprintf(w, "The last line is %d, its hash %s.\n", r.Last, r.Hash)
}

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func newPrune(o *shell.Options) *cobra.Command {
	var before, why string
	var yes bool
	cmd := &cobra.Command{
		Use:   "prune --before DAY",
		Short: "Removes old lines, and leaves a signed seal",
		Long: `Removes the lines from the first on that are older than a day, and leaves a signed
seal that says how many there were, and with which hash the last one ended: the chain
goes on from there. The log is checked first; nothing is removed from one that is not as
it was written. Export the lines before, if they are to be kept elsewhere.`,
		Example: `  cxm audit export --format jsonl --to 2025-01-01 > audit-2024.jsonl
  cxm audit prune --before 2025-01-01 --why "kept for a year"`,
		Args: cobra.NoArgs,
		RunE: with(o, func(cmd *cobra.Command, a *app.App) error {
			day, err := moment("--before", before)
			if err == nil && day.IsZero() {
				err = errors.New("--before is missing: name the day before which lines are removed, such as 2025-01-01")
			}
			if err != nil {
				return err
			}
			return prune(cmd, o, a, day, why, yes)
		}),
	}
	cmd.Flags().StringVar(&before, "before", "", "the day before which lines are removed (2025-01-01)")
	cmd.Flags().StringVar(&why, "why", "", "the reason, for the log")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func prune(cmd *cobra.Command, o *shell.Options, a *app.App, before time.Time, why string, yes bool) error {
	out := cmd.OutOrStdout()
	old, err := a.OldAudit(cmd.Context(), before)
	if err != nil {
		return err
	}
	if old.To == 0 && !o.JSON() {
		fmt.Fprintf(out, "No line is older than %s: nothing was removed.\n", before.Format(time.DateOnly))
		return nil
	}
	if !yes && !o.JSON() {
		fmt.Fprintf(out, "The lines %d to %d go: from %s to %s.\n", old.From, old.To, old.FirstAt.Format(time.DateOnly), old.LastAt.Format(time.DateOnly))
	}
	ok, err := o.Confirm(cmd, yes, "nobody is asked without a terminal: give --yes to remove the lines")
	if err != nil || !ok {
		return err
	}
	done, err := a.PruneAudit(cmd.Context(), before, why)
	if err != nil {
		return err
	}
	if o.JSON() {
		return shell.PrintJSON(out, map[string]any{"lines": done.Lines, "from": done.Seal.From, "to": done.Seal.To, "last_hash": done.Seal.Last.String()})
	}
	fmt.Fprintf(out, "%d lines were removed: %d to %d. A signed seal stands for them.\n", done.Lines, done.Seal.From, done.Seal.To)
	return nil
}

func newAccept(o *shell.Options) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "accept --why REASON",
		Short: "Takes the log as it is, after a backup was restored",
		Long: `After a backup was restored, the head of the log beside the key knows lines that the
log lacks, and cxm audit verify says so each time. This takes the log as it is, and adds a
line that says who did, why, and which head was given up.`,
		Args: cobra.NoArgs,
		RunE: with(o, func(cmd *cobra.Command, a *app.App) error {
			if why == "" {
				return errors.New("--why is missing: say why the log is shorter or another than it was, such as \"restored the backup of 2026-03-01\"")
			}
			before, after, err := a.AcceptAudit(cmd.Context(), why)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"before": before.Sequence, "after": after.Sequence, "hash": after.Hash.String()})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The log is taken as it is. Its head was line %d (%s), and is line %d (%s) from now on.\n", before.Sequence, before.Hash, after.Sequence, after.Hash)
			return nil
		}),
	}
	cmd.Flags().StringVar(&why, "why", "", "the reason, for the log")
	return cmd
}
