// Package tenant is the commands about the tenants of an installation.
package tenant

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// lister knows the tenants of the installation.
type lister interface {
	io.Closer
	Tenants(context.Context) ([]app.Tenant, error)
	AddTenant(ctx context.Context, name, title string) error
	DisableTenant(ctx context.Context, name string, disabled bool) error
}

// New is `cxm tenant`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tenant", Short: "Lists, adds, disables and enables tenants", Args: cobra.NoArgs,
		Long: `A tenant is a company or a department that has cxm for itself: its integrations,
sources, rules, findings and audit log are nobody else's. Who needs only one needs
none of this: it is called default.

Every other command is about one tenant: the one that --tenant or CXM_TENANT names.`,
	}
	for _, each := range []*cobra.Command{newList(o), newAdd(o), newSwitch(o, "disable", true), newSwitch(o, "enable", false)} {
		cmd.AddCommand(shell.ByServer(each))
	}
	return cmd
}

// tenantJSON is one tenant, as --output json has it.
type tenantJSON struct {
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	MadeAt   *time.Time `json:"made_at"` // null: with the installation
	Disabled bool       `json:"disabled"`
}

func newList(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the tenants", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[lister](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Tenants(cmd.Context())
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), listJSON(all))
			}
			printList(cmd.OutOrStdout(), all)
			return nil
		},
	}
}

func listJSON(all []app.Tenant) []tenantJSON {
	out := []tenantJSON{}
	for _, t := range all {
		one := tenantJSON{Name: t.Name, Title: t.Title, Disabled: t.Disabled}
		if !t.MadeAt.IsZero() {
			one.MadeAt = &t.MadeAt
		}
		out = append(out, one)
	}
	return out
}

func printList(w io.Writer, all []app.Tenant) {
	for _, t := range all {
		fmt.Fprint(w, t.Name)
		if t.Title != "" {
			fmt.Fprintf(w, "  %s", shell.OneLine(t.Title))
		}
		if t.Disabled {
			fmt.Fprint(w, "  disabled")
		}
		fmt.Fprintln(w)
	}
}

func newAdd(o *shell.Options) *cobra.Command {
	var title string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Adds a tenant", Args: cobra.ExactArgs(1),
		Long: `Adds a tenant. Its name stands in commands and addresses and cannot be changed:
lower-case letters, digits and hyphens.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := shell.At[lister](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.AddTenant(cmd.Context(), args[0], title); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Added the tenant %s. Next: cxm connect gitlab --tenant %s, and cxm people add --tenant %s for who works in it.\n", args[0], args[0], args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&title, "title", "", "what people call it (default its name)")
	return cmd
}

func newSwitch(o *shell.Options, word string, disabled bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: word + " NAME", Short: "Lets cxm work for a tenant again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := shell.At[lister](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.DisableTenant(cmd.Context(), args[0], disabled); err != nil {
				return err
			}
			if disabled {
				fmt.Fprintf(cmd.OutOrStdout(), "Nothing is done for %s any more; all that it has stays. `cxm tenant enable %s` lets it go on.\n", args[0], args[0])
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cxm works for %s again.\n", args[0])
			return nil
		},
	}
	if disabled {
		cmd.Short = "Has cxm do nothing for a tenant; all that it has stays"
	}
	return cmd
}
