package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cxm/internal/app"
)

// options are the flags every command has.
type options struct {
	dataDir     string
	database    string
	output      string
	private     string // what may be connected to beside the internet
	integration int64
}

func newRoot() *cobra.Command {
	o := &options{}
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
		PersistentPreRunE: func(*cobra.Command, []string) error { return o.check() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&o.dataDir, "data-dir", "", "where cxm keeps its data (default $CXM_DATA_DIR, else cxm in the XDG data directory)")
	flags.StringVar(&o.database, "database", "", "URL of a PostgreSQL database (default $CXM_DATABASE_URL, else cxm.db in the data directory)")
	flags.StringVarP(&o.output, "output", "o", "text", "how data is printed: text or json")
	flags.StringVar(&o.private, "allow-private", "", "networks, addresses or host names that cxm may connect to although they are no part of the internet, separated by commas (default $CXM_ALLOW_PRIVATE)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(newConnect(o), newIntegration(o), newGitLab(o), newInspect(o), newIngest(o), newPlan(o), newApply(o), newApprove(o), newUndo(o), newRuns(o), newRun(o), newServe(o), newWebhook(o), newToken(o), newSecrets(o), newAccess(o), newStatus(o), newDoctor(o), newDatabase(o), newDemo(), newSandbox(), newVersion(o))
	return cmd
}

func (o *options) check() error {
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output %q: use text or json", o.output)
	}
	return nil
}

func (o *options) json() bool { return o.output == "json" }

// open opens the data directory the flags and the environment name.
func (o *options) open(cmd *cobra.Command, change ...func(*app.Config)) (*app.App, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	for _, f := range change {
		f(&c)
	}
	return app.Open(cmd.Context(), c)
}

// config is where the flags and the environment say that things are.
func (o *options) config() (app.Config, error) {
	c := app.Config{DataDir: o.dataDir, Database: cmp.Or(o.database, os.Getenv("CXM_DATABASE_URL")), Key: keyPlace()}
	var err error
	if c.Reach.Allow, err = app.ParseAllowed(cmp.Or(o.private, os.Getenv("CXM_ALLOW_PRIVATE"))); err != nil {
		return c, fmt.Errorf("--allow-private (CXM_ALLOW_PRIVATE): %w", err)
	}
	if c.DataDir != "" {
		return c, nil
	}
	c.DataDir, err = app.DataDir(os.Getenv)
	return c, err
}

// printJSON writes a value for programs: indented, one document.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// terminal says whether a person sits at the stream.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func newVersion(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.json() {
				return printJSON(cmd.OutOrStdout(), map[string]string{"version": version, "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "cxm %s (%s)\n", version, runtime.Version())
			return err
		},
	}
}
