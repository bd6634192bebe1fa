// Package shell holds what every command of cxm does alike: the flags that all of
// them have, opening the program that they name, asking a person, reading a token,
// and printing.
//
// What always holds: data goes to standard output, and everything else to standard
// error; nobody is asked where nobody can answer; a token is never an argument, and
// is not shown while it is typed; foreign text is printed on one line.
package shell

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/notify"
)

// Options are the flags every command has, once cobra has read them. There is one
// for a tree of commands: AddFlags fills it in, and Check looks at it before any
// command runs.
type Options struct {
	dataDir     string
	database    string
	output      string
	private     string // what may be connected to beside the internet
	Integration int64  // of AddIntegration; 0: the only one there is
}

// AddFlags gives the root command the flags that every command has.
func (o *Options) AddFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&o.dataDir, "data-dir", "", "where cxm keeps its data (default $CXM_DATA_DIR, else cxm in the XDG data directory)")
	flags.StringVar(&o.database, "database", "", "URL of a PostgreSQL database (default $CXM_DATABASE_URL, else cxm.db in the data directory)")
	flags.StringVarP(&o.output, "output", "o", "text", "how data is printed: text or json")
	flags.StringVar(&o.private, "allow-private", "", "networks, addresses or host names that cxm may connect to although they are no part of the internet, separated by commas (default $CXM_ALLOW_PRIVATE)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// Check refuses what no command can do.
func (o *Options) Check() error {
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output %q: use text or json", o.output)
	}
	return nil
}

// JSON says that data is printed for programs.
func (o *Options) JSON() bool { return o.output == "json" }

// Open opens the data directory the flags and the environment name; change is made
// to the configuration first. The caller closes the app.
func (o *Options) Open(cmd *cobra.Command, change ...func(*app.Config)) (*app.App, error) {
	c, err := o.Config()
	if err != nil {
		return nil, err
	}
	for _, f := range change {
		f(&c)
	}
	return app.Open(cmd.Context(), c)
}

// Config is where the flags and the environment say that things are; a flag wins.
func (o *Options) Config() (app.Config, error) {
	c := app.Config{DataDir: o.dataDir, Database: cmp.Or(o.database, os.Getenv("CXM_DATABASE_URL")), Key: keyPlace()}
	var err error
	if c.Notices, err = notices(); err != nil {
		return c, err
	}
	if c.Reach.Allow, err = app.ParseAllowed(cmp.Or(o.private, os.Getenv("CXM_ALLOW_PRIVATE"))); err != nil {
		return c, fmt.Errorf("--allow-private (CXM_ALLOW_PRIVATE): %w", err)
	}
	if c.DataDir != "" {
		return c, nil
	}
	c.DataDir, err = app.DataDir(os.Getenv)
	return c, err
}

// keyPlace is where the environment says that the key is.
func keyPlace() app.KeyPlace {
	return app.NewKeyPlace(os.Getenv("CXM_KEY_URI"), os.Getenv("CXM_KEY"), os.Getenv)
}

// AddIntegration gives a command the flag that says which integration it is about.
func (o *Options) AddIntegration(cmd *cobra.Command) {
	cmd.Flags().Int64Var(&o.Integration, "integration", 0, "which integration, when there are several (see cxm status)")
}

// notices is where an operator is told things. Address and secret are never
// arguments, which everybody on the machine could read.
func notices() (*notify.Sender, error) {
	address := os.Getenv("CXM_NOTIFY_URL")
	if address == "" {
		return nil, nil
	}
	return notify.New(address, os.Getenv("CXM_NOTIFY_SECRET"), nil, time.Now)
}
