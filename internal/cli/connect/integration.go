package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/care"
	"cxm/internal/cli/shell"
)

// connector knows the connections.
type connector interface {
	io.Closer
	Details(context.Context) ([]app.Detail, error)
	Detail(ctx context.Context, id int64) (app.Detail, error)
	Gone(context.Context) ([]app.Gone, error)
	ender
}

// ender changes and ends connections.
type ender interface {
	EditIntegration(ctx context.Context, id int64, e app.Edit) (app.Edited, error)
	Leaving(ctx context.Context, id int64) (app.Leaving, error)
	Disconnect(ctx context.Context, id int64, revoke bool) (app.Disconnected, error)
}

// NewIntegration is `cxm integration`: the connections there are and may be.
func NewIntegration(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{Use: "integration", Short: "Shows and changes the connections to trackers", Args: cobra.NoArgs}
	cmd.AddCommand(shell.ByItself(newCatalog(o)))
	for _, each := range []*cobra.Command{newIntegrationList(o), newIntegrationShow(o), newIntegrationTest(o), newIntegrationEdit(o), newDisconnect(o)} {
		cmd.AddCommand(shell.ByServer(each))
	}
	return cmd
}

func newCatalog(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "catalog",
		Short: "Lists what cxm can be connected to, and what each needs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), catalogJSON())
			}
			printCatalog(cmd.OutOrStdout())
			return nil
		},
	}
}

func newIntegrationList(o *shell.Options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Lists the connections",
		Args:  cobra.NoArgs,
		RunE: opened(o, func(cmd *cobra.Command, a connector) error {
			details, err := a.Details(cmd.Context())
			if err != nil {
				return err
			}
			var gone []app.Gone
			if all {
				if gone, err = a.Gone(cmd.Context()); err != nil {
					return err
				}
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), listJSON(details, gone))
			}
			printIntegrations(cmd.OutOrStdout(), details, gone)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were disconnected")
	return cmd
}

func newIntegrationShow(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Shows all that is known of a connection",
		Args:  cobra.NoArgs,
		RunE: opened(o, func(cmd *cobra.Command, a connector) error {
			d, err := a.Detail(cmd.Context(), o.Integration)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), newDetailJSON(d))
			}
			printDetail(cmd.OutOrStdout(), d)
			return nil
		}),
	}
	o.AddIntegration(cmd)
	return cmd
}

func newIntegrationTest(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Tests a connection from end to end; the same as cxm doctor",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return care.Examine(cmd, o, app.Exam{Integration: o.Integration})
		},
	}
	o.AddIntegration(cmd)
	return cmd
}

// opened opens cxm for a command that needs nothing else.
func opened(o *shell.Options, run func(*cobra.Command, connector) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a, err := shell.At[connector](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		return run(cmd, a)
	}
}

func newIntegrationEdit(o *shell.Options) *cobra.Command {
	var e app.Edit
	var way shell.Way
	var given givenFlags
	cmd := &cobra.Command{
		Use:   "edit",
		Short: "Changes a connection, once GitLab confirms it",
		Long: `Changes what is given, and leaves the rest as it is. Each change is verified with
GitLab before it is kept.

With --url the same instance is at a new address: the token is sent there to find
out whether it belongs to the same account, so give only an address that is yours.
With --project issues go to another project; what happens to those that are there
is said with --on-route-change, and shown by cxm plan before it is done. An empty
--ca-file or --proxy takes it away again.`,
		Example: `  cxm integration edit --project acme/finops --on-route-change close-and-link
  cxm integration edit --url https://git.example.com --ca-file new-ca.pem`,
		Args: cobra.NoArgs,
		RunE: opened(o, func(cmd *cobra.Command, a connector) error {
			n, err := way.Network()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("ca-file") {
				e.CA = &n.CA
			}
			if cmd.Flags().Changed("proxy") {
				e.Proxy = &n.Proxy
			}
			e.Issues = given.given(cmd)
			return edit(cmd, o, a, e)
		}),
	}
	cmd.Flags().StringVar(&e.URL, "url", "", "the instance's new address")
	cmd.Flags().StringVar(&e.Project, "project", "", "where issues go from now on: path with namespace, or numeric id")
	cmd.Flags().StringVar(&e.OnChange, "on-route-change", "", "what happens to issues when the project changes: move, close-and-link or stay")
	_ = cmd.RegisterFlagCompletionFunc("on-route-change", cobra.FixedCompletions([]string{"move", "close-and-link", "stay"}, cobra.ShellCompDirectiveNoFileComp))
	way.Add(cmd)
	given.add(cmd)
	o.AddIntegration(cmd)
	return cmd
}

func edit(cmd *cobra.Command, o *shell.Options, a connector, e app.Edit) error {
	out, err := a.EditIntegration(cmd.Context(), o.Integration, e)
	if out.Integration.ID == 0 {
		return err
	}
	if o.JSON() {
		return errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), editedJSON(out)))
	}
	for _, change := range out.Changed {
		fmt.Fprintf(cmd.OutOrStdout(), "Changed: %s.\n", change)
	}
	for _, remark := range out.Remarks {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning:", remark)
	}
	if len(out.Changed) == 0 && err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), "Everything was so already.")
	}
	return err
}

func newDisconnect(o *shell.Options) *cobra.Command {
	var revoke, yes bool
	cmd := &cobra.Command{
		Use:   "disconnect",
		Short: "Forgets the token of a connection, and stops looking after its issues",
		Long: `Forgets the token, deletes cxm's webhooks, and ends what is planned. Issues stay as
they are, and the journal is kept. Connecting the same project again goes on where
this left off: issues that are there are found, and none is made twice.

With --revoke-token GitLab revokes the token too; when that fails nothing is
disconnected.`,
		Args: cobra.NoArgs,
		RunE: opened(o, func(cmd *cobra.Command, a connector) error { return disconnect(cmd, o, a, revoke, yes) }),
	}
	cmd.Flags().BoolVar(&revoke, "revoke-token", false, "have GitLab revoke the token as well")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	o.AddIntegration(cmd)
	return cmd
}

func disconnect(cmd *cobra.Command, o *shell.Options, a connector, revoke, yes bool) error {
	l, err := a.Leaving(cmd.Context(), o.Integration)
	if err != nil {
		return err
	}
	if !o.JSON() {
		printLeaving(cmd.OutOrStdout(), l, revoke)
	}
	ok, err := o.Confirm(cmd, yes, "disconnect cannot ask here whether you mean it: add --yes")
	if err != nil || !ok {
		return err
	}
	done, err := a.Disconnect(cmd.Context(), l.Integration.ID, revoke)
	for _, remark := range done.Remarks {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning:", shell.OneLine(remark))
	}
	if err != nil {
		return err
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), disconnectedJSON(done))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Disconnected from %s in %s.", done.Integration.Project.Path, done.Integration.URL)
	if done.Revoked {
		fmt.Fprint(cmd.OutOrStdout(), " GitLab has revoked the token.")
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\nTo go on later: `cxm connect gitlab --url %s --project %s`.\n", strings.TrimPrefix(done.Integration.URL, "https://"), done.Integration.Project.Path)
	return nil
}
