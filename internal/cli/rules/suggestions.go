package rules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/app/learning"
	"cxm/internal/cli/shell"
)

// learner makes suggestions.
type learner interface {
	io.Closer
	Suggestions(ctx context.Context, all bool) ([]learning.Suggestion, error)
	Suggestion(ctx context.Context, number int64) (learning.Suggestion, error)
	DismissSuggestion(ctx context.Context, number int64, author, reason string) (learning.Suggestion, error)
}

func newSuggestions(o *shell.Options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "suggestions", Short: "Lists what people's corrections in GitLab speak for", Args: cobra.NoArgs,
		Long: `Lists what people's corrections in GitLab speak for: whom they gave issues to that
cxm had given to somebody else, or to nobody, and where they moved issues to. Each
says why, how many issues speak for it, how sure it is, and what accepting it adds
to the rules. What the rules in force do already is not suggested. Nothing follows
from a suggestion before you accept it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[learner](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			list, err := a.Suggestions(cmd.Context(), all)
			switch {
			case err != nil:
				return fmt.Errorf("finding out what people's corrections speak for: %w", err)
			case o.JSON():
				out := []suggestion{}
				for _, s := range list {
					out = append(out, suggestionJSON(s))
				}
				return shell.PrintJSON(cmd.OutOrStdout(), out)
			case len(list) == 0:
				fmt.Fprintln(cmd.OutOrStdout(), "There is nothing to suggest. It takes at least two issues that people gave or moved alike, and none that they treated otherwise.")
			}
			for i, s := range list {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				printSuggestion(cmd.OutOrStdout(), s)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that were dismissed, too")
	return shell.ByServer(cmd)
}

func printSuggestion(w io.Writer, s learning.Suggestion) {
	fmt.Fprintf(w, "%4d  %s  (%d issues, %d of 100 sure)\n      %s\n", s.Number, shell.OneLine(s.Says()), s.Seen, s.Confidence, shell.OneLine(s.Why))
	for _, url := range s.Issues {
		fmt.Fprintf(w, "      %s\n", shell.OneLine(url))
	}
	if n := s.Seen - len(s.Issues); n > 0 {
		fmt.Fprintf(w, "      and %d more\n", n)
	}
	if s.Dismissed {
		fmt.Fprintf(w, "      Dismissed on %s by %s: %s\n", s.At.Format(time.DateOnly), shell.OneLine(s.Author), shell.OneLine(s.Reason))
	}
	if s.Trouble != "" {
		fmt.Fprintf(w, "      It cannot be accepted as it is: %s.\n", shell.OneLine(s.Trouble))
	}
	if s.Adds == "" {
		return
	}
	fmt.Fprintf(w, "      `cxm rules accept %d` adds to the rules:\n", s.Number)
	for line := range strings.SplitSeq(strings.TrimRight(s.Adds, "\n"), "\n") {
		fmt.Fprintf(w, "        %s\n", shell.OneLine(line))
	}
}

// suggestion is one as JSON.
type suggestion struct {
	Number      int64      `json:"number"`
	Integration int64      `json:"integration"`
	Says        string     `json:"says"`
	When        trait      `json:"when"`
	Owner       string     `json:"owner,omitzero"`
	Project     int64      `json:"project,omitzero"`
	Path        string     `json:"path,omitzero"`
	Why         string     `json:"why"`
	Issues      int        `json:"issues"`
	Confidence  int        `json:"confidence"`
	Examples    []string   `json:"examples"`
	Adds        string     `json:"adds"`
	Trouble     string     `json:"trouble,omitzero"`
	Dismissed   bool       `json:"dismissed,omitzero"`
	Reason      string     `json:"reason,omitzero"`
	Author      string     `json:"author,omitzero"`
	At          *time.Time `json:"dismissed_at,omitzero"`
}

// trait is what the findings have in common.
type trait struct {
	Tag     string `json:"tag,omitzero"`
	Value   string `json:"value,omitzero"`
	Account string `json:"account,omitzero"`
}

func suggestionJSON(s learning.Suggestion) suggestion {
	return suggestion{
		Number: s.Number, Integration: s.Integration.ID, Says: s.Says(), When: trait(s.When), Owner: s.Owner, Project: s.Project, Path: s.Path,
		Why: s.Why, Issues: s.Seen, Confidence: s.Confidence, Examples: append([]string{}, s.Issues...), Adds: s.Adds, Trouble: s.Trouble,
		Dismissed: s.Dismissed, Reason: s.Reason, Author: s.Author, At: moment(s.At),
	}
}

// numbered is the number of a suggestion that a person wrote.
func numbered(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%.40q is not the number of a suggestion: see `cxm rules suggestions`", text)
	}
	return n, nil
}

func newAccept(o *shell.Options) *cobra.Command {
	var c change
	var dry bool
	cmd := &cobra.Command{
		Use: "accept NUMBER", Short: "Puts a suggestion into the rules", Args: cobra.ExactArgs(1),
		Long: `Puts a suggestion into the rules: every byte of the rules in force stays, and what
the suggestion adds comes in between, as a new revision. Without a rules file one is
made of the built-in rules. All is checked, shown and asked as by cxm rules apply;
cxm rules export prints the file for your repository.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := numbered(args[0])
			if err != nil {
				return err
			}
			s, err := suggested(cmd, o, number)
			switch {
			case err != nil:
				return err
			case s.Trouble != "":
				return fmt.Errorf("suggestion %d cannot be accepted as it is: %s", number, s.Trouble)
			case dry:
				return dryAccept(cmd, o, s)
			}
			if !c.yes {
				printSuggestion(cmd.ErrOrStderr(), s)
			}
			return c.carry(cmd, o, fmt.Sprintf("suggestion %d", number), s.Text, func(a writer, _ int64) (app.Revision, error) {
				return a.AcceptSuggestion(cmd.Context(), s, shell.Who(c.as), c.note)
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show the rules that it makes, and what they would change")
	return shell.ByServer(cmd, "as")
}

// suggested is the suggestion of a number; what is asked next is about its
// integration.
func suggested(cmd *cobra.Command, o *shell.Options, number int64) (learning.Suggestion, error) {
	a, err := shell.At[learner](cmd, o)
	if err != nil {
		return learning.Suggestion{}, err
	}
	defer a.Close()
	s, err := a.Suggestion(cmd.Context(), number)
	if err == nil {
		o.Integration = s.Integration.ID
	}
	return s, err
}

// dryAccept shows the rules, and what would change.
func dryAccept(cmd *cobra.Command, o *shell.Options, s learning.Suggestion) error {
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"suggestion": suggestionJSON(s), "text": string(s.Text)})
	}
	a, err := shell.At[book](cmd, o)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := show(cmd, o, a, fmt.Sprintf("suggestion %d", s.Number), s.Text); err != nil {
		return err
	}
	if _, err = cmd.OutOrStdout().Write(s.Text); err == nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "These are the rules that it makes. Nothing was changed.")
	}
	return err
}

func newDismiss(o *shell.Options) *cobra.Command {
	var reason, as string
	cmd := &cobra.Command{
		Use: "dismiss NUMBER --reason TEXT", Short: "Says that a suggestion is not wanted", Args: cobra.ExactArgs(1),
		Long: `Says that a suggestion is not wanted, and why. It comes back only when twice as many
issues speak for it. cxm rules suggestions --all lists what was dismissed, and
cxm rules accept takes it all the same.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := numbered(args[0])
			if err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return errors.New("say why it is not wanted, for whoever wonders later: --reason TEXT")
			}
			a, err := shell.At[learner](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			s, err := a.DismissSuggestion(cmd.Context(), number, shell.Who(as), strings.TrimSpace(reason))
			switch {
			case err != nil:
				return err
			case o.JSON():
				return shell.PrintJSON(cmd.OutOrStdout(), suggestionJSON(s))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Suggestion %d is dismissed. It comes back when %d issues speak for it.\n", number, 2*s.Seen)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why it is not wanted")
	cmd.Flags().StringVar(&as, "as", "", "who says so (default: who runs the command)")
	return shell.ByServer(cmd, "as")
}
