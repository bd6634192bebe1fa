package audit

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"cxm/internal/app/auditing"
	"cxm/internal/audit"
	"cxm/internal/cli/shell"
)

func newExport(o *shell.Options) *cobra.Command {
	var format, since, until string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Writes the log as JSON Lines or CSV",
		Long: `Writes the log to standard output. JSON Lines hold everything that is needed to check
the log without cxm (docs/audit.md says how): the public keys, the lines in the bytes
that were hashed, the signatures, and the head at the end, which cxm audit verify
--against compares later. CSV is a table for people: a cell that a spreadsheet would take
for a formula begins with an apostrophe.`,
		Example: `  cxm audit export --format jsonl > audit.jsonl
  cxm audit export --format csv --from 2026-01-01 --to 2026-04-01 > audit.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(auditing.Formats(), format) {
				return fmt.Errorf("--format %q: use %s", format, strings.Join(auditing.Formats(), " or "))
			}
			return with(o, func(cmd *cobra.Command, a log) error {
				var part auditing.Span
				var err error
				if part.Since, part.Until, err = span(since, until); err != nil {
					return err
				}
				return export(cmd, a, format, part)
			})(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "jsonl", "jsonl or csv")
	flags.StringVar(&since, "from", "", "not before this day or moment (2026-03-01, 2026-03-01T12:00:00Z)")
	flags.StringVar(&until, "to", "", "before this day or moment")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(auditing.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// export writes the log, and says on standard error where it ends.
func export(cmd *cobra.Command, a log, format string, part auditing.Span) error {
	w := bufio.NewWriter(cmd.OutOrStdout())
	head, err := a.ExportAudit(cmd.Context(), w, format, part)
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "The log ends with line %d, whose hash is %s: note both where nobody changes them.\n", head.Sequence, head.Hash)
	return nil
}

// printJSON writes lines as one document, each as it is exported.
func printJSON(w io.Writer, lines []audit.Line) error {
	out := []jsontext.Value{}
	for _, l := range lines {
		text, err := l.Encode()
		if err != nil {
			return fmt.Errorf("line %d cannot be written: run `cxm audit verify`: %w", l.Sequence, err)
		}
		out = append(out, text)
	}
	return shell.PrintJSON(w, out)
}
