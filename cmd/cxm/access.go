package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/integration/access"
)

func newAccess(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Looks at what cxm may do in GitLab: show, review, owners, history",
		Long: `Looks at what the account that cxm acts as reaches in GitLab, compares it with
what cxm needs, and records who looks after it and who looked at it when. A review
is due every quarter.`,
	}
	cmd.AddCommand(newAccessShow(o), newAccessReview(o), newAccessOwners(o), newAccessHistory(o))
	return cmd
}

// within opens the app for a command that is about one integration.
func (o *options) within(cmd *cobra.Command, do func(cmd *cobra.Command, a *app.App, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := o.open(cmd)
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd, a, args)
	}
	o.addIntegration(cmd)
	return cmd
}

func newAccessShow(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Shows what the account reaches, and what is too much or too little",
		Long: `Asks GitLab which groups and projects the account reaches and with which role.
Too little is an error (and the exit code is 1), too much a warning.`,
		Args: cobra.NoArgs,
	}
	return o.within(cmd, func(cmd *cobra.Command, a *app.App, _ []string) error {
		got, err := a.Access(cmd.Context(), o.integration)
		if err != nil {
			return err
		}
		if o.json() {
			err = printJSON(cmd.OutOrStdout(), accessJSON(got))
		} else {
			err = printAccess(cmd.OutOrStdout(), got)
		}
		if err == nil && faulty(got.Remarks) {
			return exitCode(1)
		}
		return err
	})
}

// faulty says that something is an error.
func faulty(remarks []access.Remark) bool {
	return len(remarks) > 0 && remarks[0].Severity == access.Fault
}

func newAccessReview(o *options) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Records that somebody looked at what the account reaches",
		Long: `Shows what the account reaches now, and records it together with who looked at it
and when. The next review is due a quarter later.`,
		Example: `  cxm access review --by finops@example.com --note "the group acme/labs was left"`,
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&by, "by", "", "who looked at it (default: the user of this machine)")
	cmd.Flags().StringVar(&note, "note", "", "what was decided")
	return o.within(cmd, func(cmd *cobra.Command, a *app.App, _ []string) error {
		r, err := a.ReviewAccess(cmd.Context(), o.integration, who(by), note)
		if r.ID == 0 && err != nil {
			return err
		}
		if o.json() {
			return errors.Join(err, printJSON(cmd.OutOrStdout(), reviewJSON(r)))
		}
		printReach(cmd.OutOrStdout(), r.Reach, r.Remarks)
		fmt.Fprintf(cmd.OutOrStdout(), "Recorded as review %d, by %s. The next one is due on %s.\n", r.ID, r.By, access.Due(r.At, r.At).Format(time.DateOnly))
		return err
	})
}

func newAccessOwners(o *options) *cobra.Command {
	cmd := o.within(&cobra.Command{
		Use:   "owners",
		Short: "Shows who looks after the account; owners set says it",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, a *app.App, _ []string) error {
		owners, err := a.AccessOwners(cmd.Context(), o.integration)
		if err != nil {
			return err
		}
		return o.tellOwners(cmd, owners, nil)
	})
	cmd.AddCommand(o.within(&cobra.Command{
		Use:   "set ADDRESS...",
		Short: "Records who looks after the account, in place of those before",
		Long: `Records who looks after the account: addresses of teams, never of one person alone,
so that somebody is there when a person leaves.`,
		Example: "  cxm access owners set platform-team@example.com finops@example.com",
		Args:    cobra.MinimumNArgs(1),
	}, func(cmd *cobra.Command, a *app.App, args []string) error {
		owners, weak, err := a.SetAccessOwners(cmd.Context(), o.integration, args)
		if err != nil {
			return err
		}
		return o.tellOwners(cmd, owners, weak)
	}))
	return cmd
}

func (o *options) tellOwners(cmd *cobra.Command, owners, weak []string) error {
	for _, w := range weak {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning:", w)
	}
	if o.json() {
		return printJSON(cmd.OutOrStdout(), map[string][]string{"owners": append([]string{}, owners...), "warnings": append([]string{}, weak...)})
	}
	if len(owners) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nobody is recorded who looks after the account: run `cxm access owners set team@example.com`.")
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "The account is looked after by %s.\n", strings.Join(owners, ", "))
	return err
}

func newAccessHistory(o *options) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Lists the reviews, the latest first",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().IntVar(&most, "limit", 20, "how many are listed")
	return o.within(cmd, func(cmd *cobra.Command, a *app.App, _ []string) error {
		if most < 1 {
			return fmt.Errorf("--limit %d: use a number from 1", most)
		}
		all, err := a.AccessReviews(cmd.Context(), o.integration, most)
		if err != nil {
			return err
		}
		if o.json() {
			out := []reviewDocument{}
			for _, r := range all {
				out = append(out, reviewJSON(r))
			}
			return printJSON(cmd.OutOrStdout(), out)
		}
		return printReviews(cmd.OutOrStdout(), all)
	})
}
