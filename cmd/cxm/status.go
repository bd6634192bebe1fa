package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/care"
	"cxm/internal/cli/remote"
	"cxm/internal/cli/shell"
	"cxm/internal/cli/work"
	"cxm/internal/finding"
	"cxm/internal/money"
)

// teller says how cxm is.
type teller interface {
	io.Closer
	Status(context.Context) (app.Status, error)
}

// Both tell it.
var (
	_ teller = (*app.App)(nil)
	_ teller = (*remote.Server)(nil)
)

func newStatus(o *shell.Options) *cobra.Command {
	return shell.ByServer(&cobra.Command{
		Use:   "status",
		Short: "Shows what there is: issues, findings, money, the last pulls and run",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := shell.At[teller](cmd, o)
			if err != nil {
				return err
			}
			defer a.Close()
			s, err := a.Status(cmd.Context())
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), statusJSON(s, time.Now()))
			}
			printStatus(cmd.OutOrStdout(), s)
			return nil
		},
	})
}

func printStatus(w io.Writer, s app.Status) {
	if len(s.Integrations) == 0 {
		fmt.Fprintln(w, "GitLab:", app.ErrNotConnected)
	}
	for _, in := range s.Integrations {
		fmt.Fprintf(w, "GitLab:    %s in %s as %s (integration %d)\n", in.Project.Path, in.URL, in.Account.Username, in.ID)
	}
	fmt.Fprintf(w, "Issues:    %d open, %d closed", s.Open, s.Closed)
	if s.InDoubt > 0 {
		fmt.Fprintf(w, ", %d in doubt", s.InDoubt)
	}
	if s.Unseen > 0 {
		fmt.Fprintf(w, ", %d that GitLab does not show any more", s.Unseen)
	}
	fmt.Fprintf(w, "\nFindings:  %d cost, %d system, %d custom present; %d absent\n",
		s.Present[finding.Cost], s.Present[finding.System], s.Present[finding.Custom], s.Absent)
	fmt.Fprintf(w, "Savings:   %s a month", s.Savings.Show())
	if s.Unknown > 0 {
		fmt.Fprintf(w, ", not known for %d", s.Unknown)
	}
	fmt.Fprintln(w)
	for _, p := range s.Pulls {
		complete := "complete"
		if !p.Complete {
			complete = "not complete"
		}
		fmt.Fprintf(w, "Last pull: %s, scope %s, %s, %s\n", p.Source, p.Scope, p.ReceivedAt.Format(time.RFC3339), complete)
	}
	printCare(w, s)
	if r := s.LastRun; r.ID != 0 {
		fmt.Fprintf(w, "Last run:  %d of %d steps done, %d failed, %d skipped, %s\n", r.Done, r.Steps, r.Failed, r.Skipped, r.StartedAt.Format(time.RFC3339))
	}
}

// printCare shows what waits for somebody, or is wrong.
func printCare(w io.Writer, s app.Status) {
	if s.Deliveries+s.Refused > 0 {
		fmt.Fprintf(w, "Accepted:  %d deliveries wait for cxm run, %d are refused\n", s.Deliveries, s.Refused)
	}
	for _, r := range s.Waiting {
		fmt.Fprintf(w, "Waits:     run %d, since %s: cxm approve %d\n", r.ID, r.Why, r.ID)
	}
	for _, why := range s.Broken {
		fmt.Fprintf(w, "Broken:    %s\n", shell.OneLine(why))
	}
	for _, h := range s.Webhooks {
		if h.Trouble != "" {
			fmt.Fprintf(w, "Webhook:   %d (%s %s): %s\n", h.ID, h.Level, h.Target, shell.OneLine(h.Trouble))
		}
	}
	for _, t := range s.Tokens {
		if text := tokenLine(t, time.Now()); text != "" {
			fmt.Fprintf(w, "Token:     %s\n", text)
		}
	}
	for _, r := range s.Reviews {
		fmt.Fprintf(w, "Review:    of what %s may do is due since %s: cxm access review --integration %d\n", r.Integration.Account.Username, r.Since.Format(time.DateOnly), r.Integration.ID)
	}
}

// tokenLine is what a person should know of a token; empty: all is well.
func tokenLine(t app.TokenStatus, now time.Time) string {
	switch {
	case t.Token.State.Held():
		return shell.OneLine(t.WhyNot)
	case t.Token.Warning(now) == 0:
		return ""
	case t.WhyNot != "":
		return fmt.Sprintf("integration %d: it expires in %d days, and cxm cannot rotate it: %s", t.Integration.ID, t.Token.DaysLeft(now), shell.OneLine(t.WhyNot))
	}
	return fmt.Sprintf("integration %d: it expires in %d days; cxm rotates it on %s", t.Integration.ID, t.Token.DaysLeft(now), t.Next.Format(time.DateOnly))
}

// statusDocument is what --output json prints of the status.
type statusDocument struct {
	Integrations   []connectionJSON   `json:"integrations"`
	Issues         issueCountsJSON    `json:"issues"`
	Findings       findingsJSON       `json:"findings"`
	Savings        money.Totals       `json:"savings"` // per month
	UnknownSavings int                `json:"unknown_savings"`
	Pulls          []lastPullJSON     `json:"last_pulls"`
	Deliveries     int                `json:"deliveries"` // accepted, and not taken in yet
	Refused        int                `json:"refused"`    // deliveries that cannot be taken in
	Waiting        []work.RunJSON     `json:"waiting"`    // for approval
	Broken         []string           `json:"broken"`
	Webhooks       []care.WebhookJSON `json:"webhooks"`
	Tokens         []care.TokenJSON   `json:"tokens"`
	Reviews        []care.DueJSON     `json:"access_reviews_due"`
	LastRun        any                `json:"last_run"`
}

type connectionJSON struct {
	ID      int64  `json:"id"`
	URL     string `json:"url"`
	Project string `json:"project"`
	Account string `json:"account"`
}

type issueCountsJSON struct {
	Open    int `json:"open"`
	Closed  int `json:"closed"`
	InDoubt int `json:"in_doubt"`
	Unseen  int `json:"unseen"`
}

type findingsJSON struct {
	Present map[finding.Kind]int `json:"present"`
	Absent  int                  `json:"absent"`
}

type lastPullJSON struct {
	Source     string    `json:"source"`
	Scope      string    `json:"scope"`
	ReceivedAt time.Time `json:"received_at"`
	Complete   bool      `json:"complete"`
}

func statusJSON(s app.Status, now time.Time) statusDocument {
	out := statusDocument{
		Integrations: []connectionJSON{}, Issues: issueCountsJSON{s.Open, s.Closed, s.InDoubt, s.Unseen},
		Findings: findingsJSON{s.Present, s.Absent}, Savings: s.Savings, UnknownSavings: s.Unknown, Pulls: []lastPullJSON{},
		Deliveries: s.Deliveries, Refused: s.Refused, Waiting: []work.RunJSON{}, Broken: append([]string{}, s.Broken...),
		Webhooks: care.WebhooksJSON(s.Webhooks), Tokens: []care.TokenJSON{}, Reviews: []care.DueJSON{},
	}
	for _, in := range s.Integrations {
		out.Integrations = append(out.Integrations, connectionJSON{in.ID, in.URL, in.Project.Path, in.Account.Username})
	}
	for _, r := range s.Reviews {
		out.Reviews = append(out.Reviews, care.DueJSON{Integration: r.Integration.ID, Since: r.Since})
	}
	for _, t := range s.Tokens {
		out.Tokens = append(out.Tokens, care.NewTokenJSON(t, now))
	}
	for _, p := range s.Pulls {
		out.Pulls = append(out.Pulls, lastPullJSON{p.Source, p.Scope, p.ReceivedAt, p.Complete})
	}
	for _, r := range s.Waiting {
		out.Waiting = append(out.Waiting, work.NewRunJSON(r))
	}
	if r := s.LastRun; r.ID != 0 {
		out.LastRun = map[string]any{"id": r.ID, "started_at": r.StartedAt, "steps": r.Steps, "done": r.Done, "failed": r.Failed, "in_doubt": r.InDoubt, "skipped": r.Skipped}
	}
	return out
}
