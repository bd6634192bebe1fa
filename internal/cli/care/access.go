package care

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration/access"
)

// reviewer knows what accounts reach.
type reviewer interface {
	io.Closer
	Access(ctx context.Context, integration int64) (app.Access, error)
	ReviewAccess(ctx context.Context, integration int64, by, note string) (app.AccessReview, error)
	AccessReviews(ctx context.Context, integration int64, most int) ([]app.AccessReview, error)
	owners
}

// owners are who looks after accounts.
type owners interface {
	AccessOwners(ctx context.Context, integration int64) ([]string, error)
	SetAccessOwners(ctx context.Context, integration int64, addresses []string) (owners, weak []string, err error)
}

// NewAccess is `cxm access`: what the account reaches, and who looks after it.
func NewAccess(o *shell.Options) *cobra.Command {
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
func within(o *shell.Options, cmd *cobra.Command, do func(cmd *cobra.Command, a reviewer, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := shell.At[reviewer](cmd, o)
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd, a, args)
	}
	o.AddIntegration(cmd)
	return shell.ByServer(cmd, "by")
}

func newAccessShow(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Shows what the account reaches, and what is too much or too little",
		Long: `Asks GitLab which groups and projects the account reaches and with which role.
Too little is an error (and the exit code is 1), too much a warning.`,
		Args: cobra.NoArgs,
	}
	return within(o, cmd, func(cmd *cobra.Command, a reviewer, _ []string) error {
		got, err := a.Access(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		if o.JSON() {
			err = shell.PrintJSON(cmd.OutOrStdout(), accessJSON(got))
		} else {
			err = printAccess(cmd.OutOrStdout(), got)
		}
		if err == nil && faulty(got.Remarks) {
			return shell.ExitCode(1)
		}
		return err
	})
}

// faulty says that something is an error.
func faulty(remarks []access.Remark) bool {
	return len(remarks) > 0 && remarks[0].Severity == access.Fault
}

func newAccessReview(o *shell.Options) *cobra.Command {
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
	return within(o, cmd, func(cmd *cobra.Command, a reviewer, _ []string) error {
		r, err := a.ReviewAccess(cmd.Context(), o.Integration, shell.Who(by), note)
		if r.ID == 0 && err != nil {
			return err
		}
		if o.JSON() {
			return errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), reviewJSON(r)))
		}
		printReach(cmd.OutOrStdout(), r.Reach, r.Remarks)
		fmt.Fprintf(cmd.OutOrStdout(), "Recorded as review %d, by %s. The next one is due on %s.\n", r.ID, r.By, access.Due(r.At, r.At).Format(time.DateOnly))
		return err
	})
}

func newAccessOwners(o *shell.Options) *cobra.Command {
	cmd := within(o, &cobra.Command{
		Use:   "owners",
		Short: "Shows who looks after the account; owners set says it",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, a reviewer, _ []string) error {
		owners, err := a.AccessOwners(cmd.Context(), o.Integration)
		if err != nil {
			return err
		}
		return tellOwners(cmd, o, owners, nil)
	})
	cmd.AddCommand(within(o, &cobra.Command{
		Use:   "set ADDRESS...",
		Short: "Records who looks after the account, in place of those before",
		Long: `Records who looks after the account: addresses of teams, never of one person alone,
so that somebody is there when a person leaves.`,
		Example: "  cxm access owners set platform-team@example.com finops@example.com",
		Args:    cobra.MinimumNArgs(1),
	}, func(cmd *cobra.Command, a reviewer, args []string) error {
		owners, weak, err := a.SetAccessOwners(cmd.Context(), o.Integration, args)
		if err != nil {
			return err
		}
		return tellOwners(cmd, o, owners, weak)
	}))
	return cmd
}

func tellOwners(cmd *cobra.Command, o *shell.Options, owners, weak []string) error {
	for _, w := range weak {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning:", w)
	}
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), map[string][]string{"owners": append([]string{}, owners...), "warnings": append([]string{}, weak...)})
	}
	if len(owners) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nobody is recorded who looks after the account: run `cxm access owners set team@example.com`.")
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "The account is looked after by %s.\n", strings.Join(owners, ", "))
	return err
}

func newAccessHistory(o *shell.Options) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Lists the reviews, the latest first",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().IntVar(&most, "limit", 20, "how many are listed")
	return within(o, cmd, func(cmd *cobra.Command, a reviewer, _ []string) error {
		if most < 1 {
			return fmt.Errorf("--limit %d: use a number from 1", most)
		}
		all, err := a.AccessReviews(cmd.Context(), o.Integration, most)
		if err != nil {
			return err
		}
		if o.JSON() {
			out := []reviewDocument{}
			for _, r := range all {
				out = append(out, reviewJSON(r))
			}
			return shell.PrintJSON(cmd.OutOrStdout(), out)
		}
		return printReviews(cmd.OutOrStdout(), all)
	})
}
