// Package shell holds what every command of cxm does alike: the flags that all of
// them have, opening the program that they name, asking a person, reading a token,
// and printing.
//
// What always holds: data goes to standard output, and everything else to standard
// error; nobody is asked where nobody can answer; a token is never an argument, and
// is not shown while it is typed; foreign text is printed on one line.
package shell

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cxm/internal/app"
	"cxm/internal/config"
	"cxm/internal/notify"
)

// Options are the flags every command has, once cobra has read them. There is one
// for a tree of commands: AddFlags fills it in, and Check looks at it before any
// command runs.
type Options struct {
	file        string            // of the configuration
	given       map[string]string // by the key of a field of the configuration: what a flag says
	output      string
	tokenFile   string // that holds the token for a server; - is standard input; empty: the configuration has it
	Integration int64  // of AddIntegration; 0: the only one there is
}

// AddFlags gives the root command the flags that every command has.
func (o *Options) AddFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&o.file, "config", "", "file of the configuration (default $CXM_CONFIG, else "+config.DefaultFile+" if it is there)")
	o.bind(flags, "data_dir", "tenant", "database.url", "network.allow_private", "remote.server", "remote.ca_file", "remote.insecure_http")
	flags.StringVar(&o.tokenFile, "token", "", "file that holds the API token for --server; - is standard input (default $CXM_TOKEN). The token itself is no argument: every user of the machine sees those")
	flags.StringVarP(&o.output, "output", "o", "text", "how data is printed: text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// Bind gives a command the flags of fields of the configuration, by their keys.
func (o *Options) Bind(cmd *cobra.Command, keys ...string) { o.bind(cmd.Flags(), keys...) }

func (o *Options) bind(flags *pflag.FlagSet, keys ...string) {
	for _, key := range keys {
		f, ok := config.Lookup(key)
		if !ok || f.Flag == "" {
			panic("shell: the configuration has no flag for " + key) // every test would fail
		}
		usage := f.Help + " ($" + f.Env + ")"
		if f.Unset != "" {
			usage = f.Help + " (default $" + f.Env + ", else " + f.Unset + ")"
		}
		made := flags.VarPF(&setting{field: f, options: o}, f.Flag, "", usage)
		if f.Kind() == "true or false" {
			made.NoOptDefVal = "true"
		}
	}
}

// setting is a flag of a field of the configuration.
type setting struct {
	field   config.Field
	options *Options
}

// String is the default, for help.
func (s *setting) String() string {
	if s.options == nil { // pflag asks a zero value what zero is
		return ""
	}
	return s.field.Default()
}

// Type names the value in help.
func (s *setting) Type() string {
	switch kind := s.field.Kind(); kind {
	case "number", "duration", "list":
		return kind
	case "true or false":
		return "bool"
	}
	return "string"
}

// Set notes what the flag says.
func (s *setting) Set(text string) error {
	if err := s.field.Check(text); err != nil {
		return err
	}
	if s.options.given == nil {
		s.options.given = map[string]string{}
	}
	s.options.given[s.field.Key] = text
	return nil
}

// Check refuses what the command cannot do.
func (o *Options) Check(cmd *cobra.Command) error {
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output %q: use text or json", o.output)
	}
	return o.reaches(cmd)
}

// JSON says that data is printed for programs.
func (o *Options) JSON() bool { return o.output == "json" }

// Open opens the data directory that the configuration names; change is made
// to the app's configuration first. The caller closes the app.
func (o *Options) Open(cmd *cobra.Command, change ...func(*app.Config)) (*app.App, error) {
	c, err := o.Config()
	if err == nil && o.server() != "" { // Check refused it before
		err = fmt.Errorf("`%s` opens the data of this machine, and not of a server: leave --server out", cmd.CommandPath())
	}
	if err != nil {
		return nil, err
	}
	for _, f := range change {
		f(&c)
	}
	return app.Open(cmd.Context(), c)
}

// Config is what the configuration says of where things are.
func (o *Options) Config() (app.Config, error) {
	l, err := o.Load()
	if err != nil {
		return app.Config{}, err
	}
	return o.AppConfig(l)
}

// Load reads the configuration: flags, environment and file. Its data directory is
// never empty.
func (o *Options) Load() (*config.Loaded, error) {
	l, err := config.Load(config.Sources{File: o.file, Usual: config.DefaultFile, Env: os.LookupEnv, Flags: o.given})
	if err != nil {
		return nil, err
	}
	if l.DataDir == "" {
		l.DataDir, err = app.DataDir(os.Getenv)
	}
	return l, err
}

// AppConfig is what the app needs of the configuration, as all commands do. The
// error is everything that is wrong, joined.
func (o *Options) AppConfig(l *config.Loaded) (app.Config, error) {
	c := app.Config{
		DataDir: l.DataDir, Tenant: l.Tenant, Database: l.Database.URL.Reveal(), Settle: l.Work.Settle, Workers: l.Work.Workers,
		Key: app.NewKeyPlace(l.Key.URI, l.Key.Text.Reveal(), os.Getenv),
	}
	var allowed, told error
	if c.Reach.Allow, allowed = app.ParseAllowed(strings.Join(l.Network.AllowPrivate, ",")); allowed != nil {
		allowed = l.Wrong("network.allow_private", allowed)
	}
	c.Notices, told = notices(l)
	return c, errors.Join(allowed, told)
}

// notices is where an operator is told things; nil: nowhere.
func notices(l *config.Loaded) (*notify.Sender, error) {
	if l.Notify.URL.Empty() {
		return nil, nil
	}
	if _, err := notify.New(l.Notify.URL.Reveal(), "", nil, time.Now); err != nil {
		return nil, l.Wrong("notify.url", err)
	}
	s, err := notify.New(l.Notify.URL.Reveal(), l.Notify.Secret.Reveal(), nil, time.Now)
	if err != nil {
		return nil, l.Wrong("notify.secret", err)
	}
	return s, nil
}

// AddIntegration gives a command the flag that says which integration it is about.
func (o *Options) AddIntegration(cmd *cobra.Command) {
	cmd.Flags().Int64Var(&o.Integration, "integration", 0, "which integration, when there are several (see cxm status)")
}
