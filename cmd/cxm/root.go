package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"cxm/internal/cli/audit"
	"cxm/internal/cli/care"
	"cxm/internal/cli/code"
	"cxm/internal/cli/connect"
	"cxm/internal/cli/dev"
	"cxm/internal/cli/findings"
	"cxm/internal/cli/people"
	"cxm/internal/cli/rules"
	"cxm/internal/cli/shell"
	"cxm/internal/cli/sources"
	"cxm/internal/cli/tenant"
	"cxm/internal/cli/work"
)

func newRoot() *cobra.Command {
	o := &shell.Options{}
	cmd := &cobra.Command{
		Use:   "cxm",
		Short: "Turns what a cloud reports into GitLab issues that stay true",
		Long: `cxm takes in what a cloud and its tools report (cost-optimization opportunities,
system issues, events of your own) and keeps GitLab issues true to it: created
once, updated in place, closed when the thing is proved gone, reopened when it
is back.

cxm is independent of Cloud ex Machina and of GitLab Inc.`,
		Example: `  cxm connect gitlab --url gitlab.com --token-file token --project acme/platform
  cxm ingest --source aws-cost-optimization-hub recommendations.json
  cxm plan
  cxm apply`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return o.Check(cmd) },
	}
	o.AddFlags(cmd)
	cmd.AddCommand(
		connect.New(o), connect.NewIntegration(o), connect.NewGitLab(o),
		work.NewInspect(o), work.NewIngest(o), work.NewPlan(o), work.NewApply(o), work.NewApprove(o), work.NewReject(o), work.NewUndo(o),
		work.NewRuns(o), work.NewRun(o), work.NewServe(o, version), rules.New(o), code.New(o), rules.NewBacklog(o), rules.NewCampaigns(o),
		care.NewWebhook(o), sources.New(o), care.NewToken(o), care.NewSecrets(o), care.NewAccess(o), care.NewDoctor(o), care.NewNotify(o), audit.New(o), findings.New(o),
		people.New(o), people.NewToken(o), people.NewSetupLink(o),
		tenant.New(o), newStatus(o), newConfig(o), newDatabase(o), newDemo(), newSandbox(), shell.ByItself(newVersion(o)), dev.New(),
	)
	return cmd
}

func newVersion(o *shell.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]string{"version": version, "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "cxm %s (%s)\n", version, runtime.Version())
			return err
		},
	}
}
