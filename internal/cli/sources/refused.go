package sources

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/cli/shell"
)

// newRefused is `cxm source refused`.
func newRefused(o *shell.Options) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use:   "refused",
		Short: "Lists deliveries that were accepted and could not be taken in",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withApp(cmd, o, func(a sourcer) error {
				all, err := a.RefusedDeliveries(cmd.Context(), most)
				if err != nil {
					return err
				}
				w := cmd.OutOrStdout()
				if o.JSON() {
					out := []refusedJSON{}
					for _, d := range all {
						out = append(out, refusedJSON{ID: d.ID, Type: d.Type, Scope: d.Scope, ReceivedAt: d.ReceivedAt, Why: d.Why})
					}
					return shell.PrintJSON(w, out)
				}
				if len(all) == 0 {
					fmt.Fprintln(w, "No delivery was refused.")
				}
				for _, d := range all {
					fmt.Fprintf(w, "Delivery %d of %s, scope %s, at %s\n  %s\n", d.ID, d.Type, d.Scope, ago(d.ReceivedAt), shell.OneLine(d.Why))
				}
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&most, "limit", 20, "how many at most, the latest first")
	return cmd
}

// refusedJSON is a refused delivery as --output json prints it.
type refusedJSON struct {
	ID         int64     `json:"id"`
	Type       string    `json:"type"`
	Scope      string    `json:"scope"`
	ReceivedAt time.Time `json:"received_at"`
	Why        string    `json:"why"`
}

// newDiscard is `cxm source discard`.
func newDiscard(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "discard DELIVERY",
		Short: "Forgets a delivery that was refused",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id <= 0 {
				return fmt.Errorf("%q is no delivery: give its number as `cxm source refused` shows it", args[0])
			}
			return withApp(cmd, o, func(a sourcer) error {
				if err := a.DiscardDelivery(cmd.Context(), id); err != nil {
					return err
				}
				if o.JSON() {
					return shell.PrintJSON(cmd.OutOrStdout(), map[string]int64{"discarded": id})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Delivery %d is forgotten.\n", id)
				return nil
			})
		},
	}
}
