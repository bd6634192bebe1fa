package rules

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration"
	"cxm/internal/money"
	"cxm/internal/plan"
)

// waiter knows what waits, and what campaigns are for.
type waiter interface {
	io.Closer
	Backlog(ctx context.Context, integration int64) (integration.Integration, []plan.Backlog, error)
	Campaigns(context.Context) ([]app.Campaigning, error)
}

// NewBacklog is `cxm backlog`.
func NewBacklog(o *shell.Options) *cobra.Command {
	var all bool
	cmd := shell.ByServer(&cobra.Command{
		Use: "backlog", Short: "Lists what waits for its turn under a budget", Args: cobra.NoArgs,
		Long: `Lists the issues that wait for their turn under a budget, by project and team,
those that go first first: what they would save, why they wait, and when the next
can be made. It asks nothing of GitLab and changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[waiter](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			in, waiting, err := a.Backlog(cmd.Context(), o.Integration)
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), backlogJSON(waiting))
			}
			printBacklog(cmd.OutOrStdout(), waiting, all, func(project int64) string {
				if project == in.Project.ID {
					return in.Project.Path
				}
				return fmt.Sprintf("project %d", project)
			})
			return nil
		},
	})
	cmd.Flags().BoolVar(&all, "all", false, "every issue, not the first few of each")
	o.AddIntegration(cmd)
	return cmd
}

// shownLines is how many issues of one project and team are printed.
const shownLines = 10

func printBacklog(w io.Writer, waiting []plan.Backlog, all bool, name func(int64) string) {
	if len(waiting) == 0 {
		fmt.Fprintln(w, "Nothing waits under a budget.")
	}
	for i, b := range waiting {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s", name(b.Project))
		if b.Team != "" {
			fmt.Fprintf(w, ", team %s", shell.OneLine(b.Team))
		}
		fmt.Fprintf(w, ": %d wait", len(b.Lines))
		if len(b.Savings) > 0 {
			fmt.Fprintf(w, ", which would save %s a month", b.Savings.Show())
		}
		fmt.Fprintln(w, ".")
		for n, l := range b.Lines {
			if n == shownLines && !all {
				fmt.Fprintf(w, "  and %d more\n", len(b.Lines)-n)
				break
			}
			saves := ""
			if l.Savings.Valid {
				saves = "  " + money.Show(l.Savings.Decimal, l.Currency) + "/month"
			}
			fmt.Fprintf(w, "  %s%s\n      %s\n", shell.OneLine(l.Title), saves, shell.OneLine(l.Why))
		}
	}
}

func backlogJSON(waiting []plan.Backlog) []map[string]any {
	out := []map[string]any{}
	for _, b := range waiting {
		lines := []map[string]any{}
		for _, l := range b.Lines {
			lines = append(lines, map[string]any{"group": l.Group, "title": l.Title, "savings": l.Savings, "currency": l.Currency, "since": moment(l.Since), "why": l.Why, "next": moment(l.Next)})
		}
		out = append(out, map[string]any{"project": b.Project, "team": b.Team, "waiting": lines, "savings": b.Savings, "unknown": b.Unknown, "oldest": moment(b.Oldest), "next": moment(b.Next)})
	}
	return out
}

// moment is null when it is not known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
