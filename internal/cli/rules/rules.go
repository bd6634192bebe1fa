// Package rules is the commands about the rules: which events become issues, where,
// for whom, how many, and what they look like.
//
// What always holds: what a command says of rules it says of the whole file, with
// the place of everything that is wrong; nothing but apply, rollback and accept
// changes the rules, and each shows what follows from it first.
package rules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/app/learning"
	"cxm/internal/app/ruling"
	"cxm/internal/cli/shell"
	"cxm/internal/rule/rulebook"
	"cxm/internal/store/rules"
)

// most is how large a rules file may be.
const most = 4 << 20

// New is `cxm rules`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Says which events become issues, where, for whom and how many",
		Long: `The rules are a file: conditions over findings, routes to projects, groups,
owners, labels, templates, budgets. Keep it in Git, and check it there: validate
and test need no server and no database. Without rules cxm makes one issue for
each resource in the integration's project.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newValidate(o), newSchema(), newTest(o), newRender(o), newPreview(o), newApply(o), newExport(o), newHistory(o), newRollback(o),
		newSuggestions(o), newAccept(o), newDismiss(o))
	return cmd
}

// read reads a rules file; - is standard input.
func read(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading the rules (-f): %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the rules from %s: %w", file, err)
	case len(text) > most:
		return nil, fmt.Errorf("%s is larger than 4 MiB: that is no rules file", file)
	}
	return text, nil
}

// fileFlag adds -f.
func fileFlag(cmd *cobra.Command, file *string, what string) {
	cmd.Flags().StringVarP(file, "file", "f", "", what)
}

// book is the rules in force, and what others would do.
type book interface {
	io.Closer
	Rules(context.Context) (app.Revision, error)
	PreviewRules(ctx context.Context, integration int64, file string, text []byte) (app.Preview, error)
}

// shelf is the rules as they were.
type shelf interface {
	book
	RulesRevision(ctx context.Context, number int64) (app.Revision, error)
	RulesHistory(ctx context.Context, most int) ([]app.Revision, error)
}

// writer changes the rules.
type writer interface {
	book
	ApplyRules(ctx context.Context, file string, text []byte, c rules.Change) (app.Revision, error)
	RollbackRules(ctx context.Context, number int64, c rules.Change) (app.Revision, error)
	AcceptSuggestion(ctx context.Context, s learning.Suggestion, author, note string) (app.Revision, error)
}

func newValidate(o *shell.Options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "validate -f FILE", Short: "Checks a rules file and runs its tests", Args: cobra.NoArgs,
		Long: `Checks a rules file: every problem with its line and column, and what to do about
it. Then runs the tests in it. It needs no server. Exit code 1: something is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := read(cmd, file)
			if err != nil {
				return err
			}
			book, err := ruling.Compile(file, text)
			if err != nil {
				return refused(cmd, o, err)
			}
			failed := book.Check()
			if o.JSON() {
				err = shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"rules": len(book.Rules()), "tests": book.Tests(), "failures": append([]rulebook.Failure{}, failed...)})
			} else {
				for _, f := range failed {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s:%d: test %q fails: %s\n", file, f.Line, f.Test, f.Message)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d rules; %d of %d tests pass.\n", len(book.Rules()), book.Tests()-len(failed), book.Tests())
			}
			if err == nil && len(failed) > 0 {
				return shell.ExitCode(1)
			}
			return err
		},
	}
	fileFlag(cmd, &file, "the rules file; - is standard input")
	_ = cmd.MarkFlagRequired("file") // it is there
	return shell.ByItself(cmd)
}

// refused prints the problems of a file, one a line.
func refused(cmd *cobra.Command, o *shell.Options, err error) error {
	var problems rulebook.Problems
	if !errors.As(err, &problems) || !o.JSON() {
		return err
	}
	if err := shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"problems": problems}); err != nil {
		return err
	}
	return shell.ExitCode(1)
}

func newSchema() *cobra.Command {
	return shell.ByItself(&cobra.Command{
		Use: "schema", Short: "Prints the JSON Schema of a rules file, for editors", Args: cobra.NoArgs,
		Long: `Prints the JSON Schema of a rules file. Write it next to the file and name it in
the file's first line, so that editors complete and check:

  # yaml-language-server: $schema=rules.schema.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(append(rulebook.Schema(), '\n'))
			return err
		},
	})
}

func newExport(o *shell.Options) *cobra.Command {
	var number int64
	cmd := &cobra.Command{
		Use: "export", Short: "Prints the rules in force, or an earlier revision", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[shelf](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			r, err := a.Rules(cmd.Context())
			if number != 0 {
				r, err = a.RulesRevision(cmd.Context(), number)
			}
			switch {
			case err != nil:
				return fmt.Errorf("reading the rules: %w", err)
			case r.Number == 0:
				return errors.New("no rules were applied yet, and the built-in ones hold: docs/rules.md says how to write some")
			case o.JSON():
				return shell.PrintJSON(cmd.OutOrStdout(), revisionJSON(r, true))
			}
			_, err = io.WriteString(cmd.OutOrStdout(), r.Text)
			return err
		},
	}
	cmd.Flags().Int64Var(&number, "revision", 0, "an earlier one (see cxm rules history)")
	return shell.ByServer(cmd)
}

func newHistory(o *shell.Options) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "history", Short: "Lists the revisions of the rules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[shelf](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.RulesHistory(cmd.Context(), limit)
			if err != nil {
				return err
			}
			if o.JSON() {
				out := []revision{}
				for _, r := range all {
					out = append(out, revisionJSON(r, false))
				}
				return shell.PrintJSON(cmd.OutOrStdout(), out)
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "No rules were applied yet: the built-in ones hold.")
			}
			for _, r := range all {
				fmt.Fprintf(cmd.OutOrStdout(), "%4d  %s  %s", r.Number, r.At.Format(time.DateTime), shell.OneLine(r.Author))
				if r.Of != 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "  (revision %d again)", r.Of)
				}
				fmt.Fprintln(cmd.OutOrStdout(), note(r.Note))
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	return shell.ByServer(cmd)
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return "  " + shell.OneLine(text)
}

type revision struct {
	Revision int64     `json:"revision"`
	Digest   string    `json:"digest"`
	Author   string    `json:"author"`
	Note     string    `json:"note,omitzero"`
	At       time.Time `json:"at"`
	Of       int64     `json:"restores,omitzero"`
	Text     string    `json:"text,omitzero"`
}

func revisionJSON(r app.Revision, text bool) revision {
	out := revision{Revision: r.Number, Digest: r.Digest, Author: r.Author, Note: r.Note, At: r.At, Of: r.Of}
	if text {
		out.Text = r.Text
	}
	return out
}

// change is who applies, and why.
type change struct {
	note, as string
	yes      bool
}

func (c *change) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.note, "note", "", "why, for the history")
	cmd.Flags().StringVar(&c.as, "as", "", "who applies it (default: who runs the command)")
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask")
}

func newApply(o *shell.Options) *cobra.Command {
	var file string
	var c change
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Puts rules in force", Args: cobra.NoArgs,
		Long: `Checks the rules, runs their tests, looks their projects up in GitLab, shows what
would change compared with the rules in force, asks, and keeps them as a new
revision. Nothing is written to GitLab here: the next cxm apply or cxm run brings
the issues in line, within brakes and budgets.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := read(cmd, file)
			if err != nil {
				return err
			}
			if _, err := ruling.Compile(file, text); err != nil {
				return refused(cmd, o, err)
			}
			return c.carry(cmd, o, file, text, func(a writer, expected int64) (app.Revision, error) {
				return a.ApplyRules(cmd.Context(), file, text, rules.Change{Author: shell.Who(c.as), Note: c.note, Expected: expected})
			})
		},
	}
	fileFlag(cmd, &file, "the rules file; - is standard input")
	_ = cmd.MarkFlagRequired("file") // it is there
	c.flags(cmd)
	o.AddIntegration(cmd)
	return shell.ByServer(cmd, "as")
}

func newRollback(o *shell.Options) *cobra.Command {
	var c change
	cmd := &cobra.Command{
		Use: "rollback REVISION", Short: "Puts an earlier revision in force again, as a new one", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var number int64
			if _, err := fmt.Sscanf(args[0], "%d", &number); err != nil || number < 1 {
				return fmt.Errorf("%.40q is not the number of a revision: see `cxm rules history`", args[0])
			}
			old, err := earlier(cmd, o, number)
			if err != nil {
				return err
			}
			return c.carry(cmd, o, fmt.Sprintf("revision %d", number), []byte(old.Text), func(a writer, expected int64) (app.Revision, error) {
				return a.RollbackRules(cmd.Context(), number, rules.Change{Author: shell.Who(c.as), Note: c.note, Expected: expected})
			})
		},
	}
	c.flags(cmd)
	o.AddIntegration(cmd)
	return shell.ByServer(cmd, "as")
}

// earlier is a revision of the rules.
func earlier(cmd *cobra.Command, o *shell.Options, number int64) (app.Revision, error) {
	a, err := shell.At[shelf](cmd, o)
	if err != nil {
		return app.Revision{}, err
	}
	defer a.Close()
	r, err := a.RulesRevision(cmd.Context(), number)
	if err != nil {
		err = fmt.Errorf("there is no revision %d: see `cxm rules history`: %w", number, err)
	}
	return r, err
}

// carry shows what would change, asks, and applies.
func (c *change) carry(cmd *cobra.Command, o *shell.Options, file string, text []byte, apply func(writer, int64) (app.Revision, error)) error {
	a, err := shell.At[writer](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	now, err := a.Rules(cmd.Context())
	if err != nil {
		return err
	}
	if !c.yes {
		if err := show(cmd, o, a, file, text); err != nil {
			return err
		}
	}
	if yes, err := o.Confirm(cmd, c.yes, "this would put rules in force and cannot ask here: look at what it would change, then use --yes"); err != nil || !yes {
		return err
	}
	r, err := apply(a, now.Number)
	switch {
	case err != nil:
		return err
	case o.JSON():
		return shell.PrintJSON(cmd.OutOrStdout(), revisionJSON(r, false))
	case r.Number == now.Number:
		fmt.Fprintf(cmd.OutOrStdout(), "These rules are in force already, as revision %d.\n", r.Number)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "Revision %d is in force. `cxm plan` shows what follows from it; `cxm apply` or `cxm run` does it.\n", r.Number)
	}
	return nil
}

// show is a preview before a question; without an integration there is nothing to
// compare.
func show(cmd *cobra.Command, o *shell.Options, a book, file string, text []byte) error {
	p, err := a.PreviewRules(cmd.Context(), o.Integration, file, text)
	if errors.Is(err, app.ErrNotConnected) {
		return nil
	}
	if err == nil {
		printPreview(cmd.ErrOrStderr(), p)
	}
	return err
}
