package care

import (
	"fmt"

	"github.com/spf13/cobra"

	"cxm/internal/cli/shell"
)

// NewNotify is `cxm notify`.
func NewNotify(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Tries where cxm tells of tokens that expire and access that is lost",
		Long: `cxm run and cxm serve tell an address of yours by webhook when a token expires
soon, when access to GitLab is lost, and when a project only fails. Set:

  CXM_NOTIFY_URL     where your chat or alerting system takes webhooks
  CXM_NOTIFY_SECRET  whsec_ and base64, to sign each delivery (optional)

A delivery is a CloudEvent in JSON, signed as Standard Webhooks says; its "text"
is what Slack and Mattermost show. The address is never an argument: everybody on
the machine could read it.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(&cobra.Command{
		Use: "test", Short: "Sends a notice now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.Open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			host, err := a.TestNotice(cmd.Context())
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]string{"sent_to": host})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "A notice was sent to %s: see whether it arrived.\n", host)
			return nil
		},
	})
	return cmd
}
