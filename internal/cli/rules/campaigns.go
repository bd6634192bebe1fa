package rules

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// NewCampaigns is `cxm campaigns`.
func NewCampaigns(o *shell.Options) *cobra.Command {
	return shell.ByServer(&cobra.Command{
		Use: "campaigns", Short: "Says how far the campaigns of the rules have come", Args: cobra.NoArgs,
		Long: `Says of each campaign in the rules how many of its issues are done, what they
save, how many are left, and whether it is on track. Done is what was proved gone
while the campaign ran. It asks nothing of GitLab and changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[waiter](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.Campaigns(cmd.Context())
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), campaignsJSON(all))
			}
			printCampaigns(cmd.OutOrStdout(), all)
			return nil
		},
	})
}

func printCampaigns(w io.Writer, all []app.Campaigning) {
	if len(all) == 0 {
		fmt.Fprintln(w, "The rules have no campaigns. See docs/rules.md for how to write one.")
	}
	for _, c := range all {
		fmt.Fprintf(w, "%s, %s to %s: %s.\n", shell.OneLine(c.Name), c.From, c.To, c.Words)
		if len(c.LeftSavings) > 0 {
			fmt.Fprintf(w, "  What is left would save %s a month.\n", c.LeftSavings.Show())
		}
	}
}

// campaignJSON is one campaign, as --output json has it.
type campaignJSON struct {
	Name        string            `json:"name"`
	From        string            `json:"from"`
	To          string            `json:"to"`
	State       string            `json:"state"`
	Done        int               `json:"done"` // issues
	Left        int               `json:"left"`
	DoneSavings map[string]string `json:"done_savings"` // per month, by currency
	LeftSavings map[string]string `json:"left_savings"`
	Percent     int               `json:"percent"` // of the goal
	Reached     bool              `json:"reached"`
	OnTrack     bool              `json:"on_track"`
	Words       string            `json:"words"`
}

func campaignsJSON(all []app.Campaigning) []campaignJSON {
	out := []campaignJSON{}
	for _, c := range all {
		one := campaignJSON{
			Name: c.Name, From: c.From.String(), To: c.To.String(), State: string(c.Progress.State), Done: c.Tally.Done, Left: c.Tally.Left,
			DoneSavings: map[string]string{}, LeftSavings: map[string]string{}, Percent: c.Percent, Reached: c.Reached, OnTrack: c.OnTrack, Words: c.Words,
		}
		for currency, amount := range c.DoneSavings {
			one.DoneSavings[currency] = amount.String()
		}
		for currency, amount := range c.LeftSavings {
			one.LeftSavings[currency] = amount.String()
		}
		out = append(out, one)
	}
	return out
}
