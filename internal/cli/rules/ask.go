package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/app/ruling"
	"cxm/internal/cli/shell"
	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/plan"
)

// explainer says what rules do with findings.
type explainer struct {
	explain func(finding.Finding) (ruling.Explained, error)
	close   func() error
}

// newExplainer asks the rules of a file, or those in force. Those of a file need no
// server, unless an integration is named, whose GitLab is then asked whose code is.
func newExplainer(cmd *cobra.Command, o *shell.Options, file string) (*explainer, error) {
	var b *ruling.Compiled
	if file != "" {
		text, err := read(cmd, file)
		if err != nil {
			return nil, err
		}
		if b, err = ruling.Compile(file, text); err != nil {
			return nil, err
		}
		if o.Integration == 0 {
			return &explainer{b.Explain, func() error { return nil }}, nil
		}
	}
	a, err := o.Open(cmd)
	if err != nil {
		return nil, err
	}
	if b == nil {
		if b, err = a.Book(cmd.Context()); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return &explainer{func(f finding.Finding) (ruling.Explained, error) {
		return a.ExplainRules(cmd.Context(), o.Integration, b, f)
	}, a.Close}, nil
}

// findings reads findings as `cxm inspect --output json` prints them: one, a list,
// or its whole output.
func findings(cmd *cobra.Command, file string) ([]finding.Finding, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading findings: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("reading findings from %s: %w", file, err)
	}
	var all []finding.Finding
	var whole struct{ Findings []finding.Finding }
	var one finding.Finding
	switch trimmed := bytes.TrimSpace(text); {
	case len(trimmed) > 0 && trimmed[0] == '[':
		err = json.Unmarshal(text, &all)
	case json.Unmarshal(text, &whole) == nil && len(whole.Findings) > 0:
		all = whole.Findings
	default:
		err = json.Unmarshal(text, &one)
		all = []finding.Finding{one}
	}
	if err != nil {
		return nil, fmt.Errorf("%s holds no findings as `cxm inspect --output json` prints them: %w", file, err)
	}
	for i, f := range all {
		if f.Kind == "" || f.SourceSystem == "" {
			return nil, fmt.Errorf("finding %d of %s lacks Kind or SourceSystem: print some with `cxm inspect --output json`", i+1, file)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no finding", file)
	}
	return all, nil
}

func newTest(o *shell.Options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "test FINDING.json", Short: "Says which rule takes a finding, and why no earlier one does", Args: cobra.ExactArgs(1),
		Long: `Asks rules about findings, as cxm inspect --output json prints them: which rule
takes each, which part of the condition kept the earlier ones from it, where its
issue would go, whose it is and how that is known, and its title. With -f it needs
no server; then code is not asked whose it is, unless --integration says where.`,
		Example: "  cxm inspect --source alertmanager alert.json --output json | cxm rules test -f rules.yaml -",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := newExplainer(cmd, o, file)
			if err != nil {
				return refused(cmd, o, err)
			}
			defer func() { _ = asked.close() }() // it was only read
			all, err := findings(cmd, args[0])
			if err != nil {
				return err
			}
			var out []tested
			for i, f := range all {
				e, err := asked.explain(f)
				if err != nil {
					return err
				}
				if out = append(out, testedJSON(f, e)); !o.JSON() {
					if i > 0 {
						fmt.Fprintln(cmd.OutOrStdout())
					}
					printTested(cmd.OutOrStdout(), f, e)
				}
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), out)
			}
			return nil
		},
	}
	fileFlag(cmd, &file, "a rules file (default: the rules in force)")
	o.AddIntegration(cmd)
	return cmd
}

type tested struct {
	FindingKey  finding.Key `json:"finding_key,omitzero"`
	Title       string      `json:"title"`
	Rules       []verdict   `json:"rules"`
	Rule        string      `json:"rule"`
	Ignored     bool        `json:"ignored"`
	Group       string      `json:"group"`
	Reason      string      `json:"reason"`
	Also        []string    `json:"also,omitzero"`
	Parents     []string    `json:"parents,omitempty"` // groups whose issues list this one
	Project     string      `json:"project,omitzero"`
	Integration string      `json:"integration,omitzero"`
	Owner       *owned      `json:"owner,omitzero"`
	IssueTitle  string      `json:"issue_title,omitzero"`
	Labels      []string    `json:"labels,omitzero"`
	LabelsLeft  []string    `json:"labels_left_out,omitzero"`
}

type verdict struct {
	Rule    string `json:"rule"`
	Asked   bool   `json:"asked"`
	Matched bool   `json:"matched"`
	Reason  string `json:"reason"`
}

func testedJSON(f finding.Finding, e ruling.Explained) tested {
	first := e.Assignments[0]
	out := tested{
		FindingKey: f.FindingKey, Title: f.Title, Rule: first.Rule, Ignored: first.Ignored, Group: string(first.Group), Reason: first.Reason,
		Project: where(e), Integration: e.Place.Integration, IssueTitle: e.Want.Title, Labels: e.Want.Labels, LabelsLeft: e.Left,
	}
	for _, v := range e.Verdicts {
		out.Rules = append(out.Rules, verdict{v.Rule, v.Asked, v.Matched, v.Reason})
	}
	for _, a := range e.Assignments[1:] {
		if a.Parent() {
			out.Parents = append(out.Parents, string(a.Group))
			continue
		}
		out.Also = append(out.Also, a.Rule)
	}
	out.Owner = ownedJSON(e.Owner)
	return out
}

// where is the project of a place.
func where(e ruling.Explained) string {
	if e.Place.Project != 0 {
		return fmt.Sprint(e.Place.Project)
	}
	return e.Place.Path
}

func printTested(w io.Writer, f finding.Finding, e ruling.Explained) {
	fmt.Fprintf(w, "%s\n", shell.OneLine(f.Title))
	for _, v := range e.Verdicts {
		mark := "  "
		switch {
		case v.Matched:
			mark = "+ "
		case v.Asked:
			mark = "- "
		}
		fmt.Fprintf(w, "  %s%s: %s\n", mark, v.Rule, shell.OneLine(v.Reason))
	}
	first := e.Assignments[0]
	if first.Ignored {
		fmt.Fprintf(w, "  No issue: %s.\n", shell.OneLine(first.Reason))
		return
	}
	fmt.Fprintf(w, "  Issue:   %s\n", shell.OneLine(e.Want.Title))
	to := where(e)
	if to == "" {
		to = "the integration's project"
	}
	fmt.Fprintf(w, "  Goes to: %s (%s)\n", shell.OneLine(to), shell.OneLine(e.Place.Reason))
	fmt.Fprintf(w, "  Group:   %s (%s)\n", first.Group.Short(), shell.OneLine(first.Reason))
	for _, a := range e.Assignments[1:] {
		if a.Parent() && a.Child == first.Group {
			fmt.Fprintf(w, "  Parent:  %s (%s)\n", a.Group.Short(), shell.OneLine(a.Reason))
		}
	}
	printOwner(w, e.Owner)
	fmt.Fprintf(w, "  Labels:  %s\n", shell.OneLine(strings.Join(e.Want.Labels, ", ")))
	for _, left := range e.Left {
		fmt.Fprintf(w, "           %s\n", shell.OneLine(left))
	}
	if e.Trouble != "" {
		fmt.Fprintf(w, "  The template came to nothing, and the built-in words stand in: %s\n", shell.OneLine(e.Trouble))
	}
}

func newRender(o *shell.Options) *cobra.Command {
	var file string
	var html bool
	cmd := &cobra.Command{
		Use: "render FINDING.json", Short: "Shows the issue of a finding, as Markdown or HTML", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := newExplainer(cmd, o, file)
			if err != nil {
				return refused(cmd, o, err)
			}
			defer func() { _ = asked.close() }() // it was only read
			all, err := findings(cmd, args[0])
			if err != nil {
				return err
			}
			e, err := asked.explain(all[0])
			switch {
			case err != nil:
				return err
			case e.Assignments[0].Ignored:
				return fmt.Errorf("no issue is made of it: %s", e.Assignments[0].Reason)
			case o.JSON():
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"title": e.Want.Title, "body": e.Want.Body, "labels": e.Want.Labels, "owner": ownedJSON(e.Owner), "trouble": e.Trouble})
			case html:
				return printHTML(cmd.OutOrStdout(), e.Want.Title, e.Want.Body)
			}
			printOwner(cmd.ErrOrStderr(), e.Owner)
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "# %s\n\n%s\n", e.Want.Title, e.Want.Body)
			if err == nil && e.Trouble != "" {
				err = errors.New("the template came to nothing, and the built-in words stand in: " + e.Trouble)
			}
			return err
		},
	}
	fileFlag(cmd, &file, "a rules file (default: the rules in force)")
	cmd.Flags().BoolVar(&html, "html", false, "as a page, about as GitLab shows it")
	o.AddIntegration(cmd)
	return cmd
}

func newPreview(o *shell.Options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "preview -f FILE", Short: "Shows which issues would come, change, move and go under other rules", Args: cobra.NoArgs,
		Long: `Compares the rules of a file with those in force, over everything that is stored:
which issues would be created, changed, moved and closed, with totals for each
project. Nothing is written anywhere.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := read(cmd, file)
			if err != nil {
				return err
			}
			a, err := shell.At[book](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			p, err := a.PreviewRules(cmd.Context(), o.Integration, file, text)
			if err != nil {
				return refused(cmd, o, err)
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), previewJSON(p))
			}
			printPreview(cmd.OutOrStdout(), p)
			return nil
		},
	}
	fileFlag(cmd, &file, "the rules file; - is standard input")
	_ = cmd.MarkFlagRequired("file") // it is there
	o.AddIntegration(cmd)
	return shell.ByServer(cmd)
}

// few is how many steps are printed to a person; JSON has them all.
const few = 40

func printPreview(w io.Writer, p app.Preview) {
	if len(p.Steps)+len(p.Gone) == 0 {
		fmt.Fprintln(w, "Nothing would change.")
		return
	}
	for i, s := range p.Steps {
		if i == few {
			fmt.Fprintf(w, "  and %d more\n", len(p.Steps)-few)
			break
		}
		fmt.Fprintf(w, "  %s %s  %s\n      %s\n", s.Verb, shell.OneLine(s.Title), amount(s), shell.OneLine(s.Reason))
	}
	if len(p.Gone) > 0 {
		fmt.Fprintf(w, "  %d that the rules in force would write are not written.\n", len(p.Gone))
	}
	fmt.Fprintln(w)
	for _, t := range p.Totals {
		fmt.Fprintf(w, "%s: %s", t.Project, counts(t.Verbs))
		if len(t.Savings) > 0 {
			fmt.Fprintf(w, "; what is created would save %s a month", t.Savings.Show())
		}
		fmt.Fprintln(w, ".")
	}
	if p.Waits > 0 {
		fmt.Fprintf(w, "%d of them wait for their turn under a budget.\n", p.Waits)
	}
}

func amount(s plan.Step) string {
	if !s.Savings.Valid {
		return ""
	}
	return money.Show(s.Savings.Decimal, s.Currency) + "/month"
}

func counts(verbs map[plan.Verb]int) string {
	var parts []string
	for _, v := range []struct {
		verb  plan.Verb
		words string
	}{{plan.Create, "to create"}, {plan.Update, "to update"}, {plan.Move, "to move"}, {plan.Reopen, "to reopen"}, {plan.Close, "to close"}} {
		if n := verbs[v.verb]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v.words))
		}
	}
	return strings.Join(parts, ", ")
}

func previewJSON(p app.Preview) map[string]any {
	type step struct {
		Verb    string `json:"verb"`
		Title   string `json:"title"`
		Reason  string `json:"reason"`
		Group   string `json:"group"`
		Project int64  `json:"project"`
		Rule    string `json:"rule"`
	}
	list := func(steps []plan.Step) []step {
		out := []step{}
		for _, s := range steps {
			out = append(out, step{string(s.Verb), s.Title, s.Reason, string(s.Group), s.Into(p.Integration.Project.ID), s.Rule})
		}
		return out
	}
	totals := []map[string]any{}
	for _, t := range p.Totals {
		totals = append(totals, map[string]any{"project": t.Project, "steps": t.Verbs, "savings": t.Savings})
	}
	return map[string]any{"steps": list(p.Steps), "gone": list(p.Gone), "totals": totals, "waiting": p.Waits}
}
