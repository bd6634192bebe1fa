package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/finding"
	"cxm/internal/money"
)

func newStatus(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Shows what there is: issues, findings, money, the last pulls and run",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.open(cmd)
			if err != nil {
				return err
			}
			defer a.Close()
			s, err := a.Status(cmd.Context())
			if err != nil {
				return err
			}
			if o.json() {
				return printJSON(cmd.OutOrStdout(), statusJSON(s))
			}
			printStatus(cmd.OutOrStdout(), s)
			return nil
		},
	}
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
	fmt.Fprintf(w, "Savings:   %s a month, not known for %d\n", s.Savings.Show(), s.Unknown)
	for _, p := range s.Pulls {
		complete := "complete"
		if !p.Complete {
			complete = "not complete"
		}
		fmt.Fprintf(w, "Last pull: %s, scope %s, %s, %s\n", p.Source, p.Scope, p.ReceivedAt.Format(time.RFC3339), complete)
	}
	if s.Deliveries+s.Refused > 0 {
		fmt.Fprintf(w, "Accepted:  %d deliveries wait for cxm run, %d are refused\n", s.Deliveries, s.Refused)
	}
	for _, r := range s.Waiting {
		fmt.Fprintf(w, "Waits:     run %d, since %s: cxm approve %d\n", r.ID, r.Why, r.ID)
	}
	for _, why := range s.Broken {
		fmt.Fprintf(w, "Broken:    %s\n", oneLine(why))
	}
	if r := s.LastRun; r.ID != 0 {
		fmt.Fprintf(w, "Last run:  %d of %d steps done, %d failed, %d skipped, %s\n", r.Done, r.Steps, r.Failed, r.Skipped, r.StartedAt.Format(time.RFC3339))
	}
}

// statusJSON is what --output json prints of the status.
func statusJSON(s app.Status) any {
	type integration struct {
		ID      int64  `json:"id"`
		URL     string `json:"url"`
		Project string `json:"project"`
		Account string `json:"account"`
	}
	type issues struct {
		Open    int `json:"open"`
		Closed  int `json:"closed"`
		InDoubt int `json:"in_doubt"`
		Unseen  int `json:"unseen"`
	}
	type findings struct {
		Present map[finding.Kind]int `json:"present"`
		Absent  int                  `json:"absent"`
	}
	type pull struct {
		Source     string    `json:"source"`
		Scope      string    `json:"scope"`
		ReceivedAt time.Time `json:"received_at"`
		Complete   bool      `json:"complete"`
	}
	type document struct {
		Integrations   []integration `json:"integrations"`
		Issues         issues        `json:"issues"`
		Findings       findings      `json:"findings"`
		Savings        money.Totals  `json:"savings"` // per month
		UnknownSavings int           `json:"unknown_savings"`
		Pulls          []pull        `json:"last_pulls"`
		Deliveries     int           `json:"deliveries"` // accepted, and not taken in yet
		Refused        int           `json:"refused"`    // deliveries that cannot be taken in
		Waiting        []runJSON     `json:"waiting"`    // for approval
		Broken         []string      `json:"broken"`
		LastRun        any           `json:"last_run"`
	}
	out := document{
		Integrations: []integration{}, Issues: issues{s.Open, s.Closed, s.InDoubt, s.Unseen},
		Findings: findings{s.Present, s.Absent}, Savings: s.Savings, UnknownSavings: s.Unknown, Pulls: []pull{},
		Deliveries: s.Deliveries, Refused: s.Refused, Waiting: []runJSON{}, Broken: append([]string{}, s.Broken...),
	}
	for _, in := range s.Integrations {
		out.Integrations = append(out.Integrations, integration{in.ID, in.URL, in.Project.Path, in.Account.Username})
	}
	for _, p := range s.Pulls {
		out.Pulls = append(out.Pulls, pull{p.Source, p.Scope, p.ReceivedAt, p.Complete})
	}
	for _, r := range s.Waiting {
		out.Waiting = append(out.Waiting, newRunJSON(r))
	}
	if r := s.LastRun; r.ID != 0 {
		out.LastRun = map[string]any{"id": r.ID, "started_at": r.StartedAt, "steps": r.Steps, "done": r.Done, "failed": r.Failed, "in_doubt": r.InDoubt, "skipped": r.Skipped}
	}
	return out
}
