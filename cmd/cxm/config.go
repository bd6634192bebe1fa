package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/cli/shell"
	"cxm/internal/config"
)

func newConfig(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Checks and shows the configuration",
		Long: `Checks and shows the configuration: what the flags, the environment (CXM_…) and
the file say. A flag goes before the environment, that before the file, that before
the default. The file is that of --config, of CXM_CONFIG, or ` + config.DefaultFile + `.

The flags of cxm serve that are fields of the configuration work here too.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newConfigCheck(o), newConfigPrint(o))
	return cmd
}

// bindAll gives a command every flag of the configuration that not all have.
func bindAll(o *shell.Options, cmd *cobra.Command) {
	for _, f := range config.Fields() {
		if f.Flag != "" && f.Key != "data_dir" && f.Key != "database.url" && f.Key != "network.allow_private" {
			o.Bind(cmd, f.Key)
		}
	}
}

func newConfigCheck(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Says everything that is wrong with the configuration",
		Long: `Says everything that is wrong with the configuration, each with its place, and
ends with exit code 1 if anything is. Variables that begin with CXM_ and mean
nothing to cxm are named too. Nothing is opened or connected to.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := o.Load()
			for _, name := range config.Strangers(os.Environ(), l) {
				fmt.Fprintf(cmd.ErrOrStderr(), "The variable %s means nothing to cxm: see whether it is misspelt (docs/configuration.md lists all).\n", name)
			}
			if err == nil {
				_, bad := o.AppConfig(l)
				_, secrets := l.Providers(os.LookupEnv)
				err = errors.Join(bad, secrets)
			}
			if o.JSON() {
				return checkedJSON(cmd, l, err)
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "The configuration is right; "+fileOf(l)+".")
			}
			return err
		},
	}
	bindAll(o, cmd)
	return cmd
}

func fileOf(l *config.Loaded) string {
	if l.File == "" {
		return "no file was read"
	}
	return "the file is " + l.File
}

// checkedJSON prints what `cxm config check --output json` does.
func checkedJSON(cmd *cobra.Command, l *config.Loaded, wrong error) error {
	out := struct {
		File     string   `json:"file"` // empty: none was read
		Problems []string `json:"problems"`
	}{Problems: []string{}}
	if l != nil {
		out.File = l.File
	}
	if wrong != nil {
		out.Problems = strings.Split(wrong.Error(), "\n")
	}
	err := shell.PrintJSON(cmd.OutOrStdout(), out)
	if err == nil && wrong != nil {
		return shell.ExitCode(1)
	}
	return err
}

func newConfigPrint(o *shell.Options) *cobra.Command {
	var defaults bool
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Shows the configuration, and where each value comes from",
		Long: `Shows the configuration that holds, as a file, with where each value comes from.
Secrets are [redacted]. With --defaults it writes a file with every field, commented
out, to begin with.`,
		Example: `  cxm config print --defaults > cxm.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if defaults && o.JSON() {
				return errors.New("--defaults writes YAML: leave --output out")
			}
			if defaults {
				_, err := fmt.Fprint(cmd.OutOrStdout(), config.DefaultYAML())
				return err
			}
			l, err := o.Load()
			if err != nil {
				return err
			}
			if o.JSON() {
				return shell.PrintJSON(cmd.OutOrStdout(), map[string]any{"file": l.File, "fields": l.Lines()})
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), l.YAML())
			return err
		},
	}
	cmd.Flags().BoolVar(&defaults, "defaults", false, "write a file with the default of every field")
	bindAll(o, cmd)
	return cmd
}
