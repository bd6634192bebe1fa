// Package code is the commands about the code behind resources: which states of
// Terraform say where a resource is declared.
//
// What always holds: nothing of a state is printed but what is kept of it, and no
// error holds anything of it.
package code

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// New is `cxm code`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "code",
		Short: "Says in which repository resources are declared: add, list, remove",
		Long: `Says in which repository resources are declared, so that the rules can find whose
they are by CODEOWNERS and by who changed the file (docs/rules.md, Ownership). A
resource that carries the tags of Yor needs none of this.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAdd(o), newList(o), newRemove(o))
	return cmd
}

func newAdd(o *shell.Options) *cobra.Command {
	var file, by string
	var g app.GivenCode
	cmd := &cobra.Command{
		Use:   "add --state FILE --repository PATH",
		Short: "Takes from a Terraform state where resources are declared",
		Long: `Reads a Terraform or OpenTofu state (version 4), or what terraform show -json
prints of a state or a plan, and keeps of it what resources are called in their
cloud, their addresses, the folders of their modules, and the tags of Yor. Nothing
else is kept: a state holds secrets. Only what is printed of a plan says where
modules are. Given again under the same name, it takes the place of what was there.`,
		Example: `  cxm code add --state terraform.tfstate --repository acme/infra --folder envs/prod
  terraform show -json plan.out | cxm code add --state - --repository acme/infra --folder envs/prod`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := read(cmd, file)
			if err != nil {
				return err
			}
			g.By = shell.Who(by)
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			added, err := a.AddCode(cmd.Context(), g, text)
			if err != nil {
				return err
			}
			return tellAdded(cmd, o, added)
		},
	}
	cmd.Flags().StringVar(&file, "state", "", "the state, or what terraform show -json prints; - is standard input")
	cmd.Flags().StringVar(&g.Repository, "repository", "", "where its code is: a path such as acme/infra, or an address")
	cmd.Flags().StringVar(&g.Folder, "folder", "", "the folder of the root module in it (default: the root of the repository)")
	cmd.Flags().StringVar(&g.Name, "name", "", "what to call it (default: the repository with the folder)")
	cmd.Flags().StringVar(&by, "as", "", "who gives it (default: who runs the command)")
	_ = cmd.MarkFlagRequired("state")      // it is there
	_ = cmd.MarkFlagRequired("repository") // it is there
	return cmd
}

// read reads a state; - is standard input.
func read(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading the state (--state): %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, app.MostOfState+1))
	if err != nil {
		return nil, fmt.Errorf("reading the state from %s: %w", file, err)
	}
	return text, nil
}

func tellAdded(cmd *cobra.Command, o *shell.Options, added app.AddedCode) error {
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), struct {
			document
			Unnamed int `json:"unnamed"`
		}{toDocument(added.Code), added.Unnamed})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: cxm knows where %d resources are declared, in %s. The next plan uses it.\n", shell.OneLine(added.Name), added.Resources, where(added.Code))
	if added.Unnamed > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%d more have no name in a cloud that is theirs alone, and cannot be found by it.\n", added.Unnamed)
	}
	return nil
}

// where is a state's root module for people.
func where(c app.Code) string {
	text := shell.OneLine(c.Repository)
	if c.Host != "" {
		text += " on " + shell.OneLine(c.Host)
	}
	if c.Folder != "." {
		text += ", folder " + shell.OneLine(c.Folder)
	}
	return text
}

type document struct {
	Name       string    `json:"name"`
	Host       string    `json:"host,omitzero"`
	Repository string    `json:"repository"`
	Folder     string    `json:"folder"`
	Resources  int       `json:"resources"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

func toDocument(c app.Code) document {
	return document{Name: c.Name, Host: c.Host, Repository: c.Repository, Folder: c.Folder, Resources: c.Resources, By: c.By, At: c.At}
}

func newList(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the states that were given", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Codes(cmd.Context())
			if err != nil {
				return err
			}
			if o.JSON() {
				out := []document{}
				for _, c := range all {
					out = append(out, toDocument(c))
				}
				return shell.PrintJSON(cmd.OutOrStdout(), out)
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "No state was given yet: run `cxm code add --state FILE --repository acme/infra`.")
			}
			for _, c := range all {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d resources in %s; given on %s by %s\n", shell.OneLine(c.Name), c.Resources, where(c), c.At.UTC().Format(time.DateOnly), shell.OneLine(c.By))
			}
			return nil
		},
	}
}

func newRemove(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forgets what was kept of a state", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.RemoveCode(cmd.Context(), args[0]); err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]string{"removed": args[0]})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is forgotten. The next plan does without it.\n", shell.OneLine(args[0]))
			return nil
		},
	}
}
