package shell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/api/client"
	"cxm/internal/app"
	"cxm/internal/cli/remote"
	"cxm/internal/config"
	"cxm/internal/credential"
)

// What a command has to do with a server that --server names. A command of which
// nothing is said works on the data of this machine alone, and is refused.
const (
	onServer = "cxm.server"
	asks     = "asks"   // it asks the server
	itself   = "itself" // it needs no data, neither here nor there
	local    = "cxm.local"
)

// ByServer marks a command that asks the server where one is named. Its flags here are
// about this machine: they are refused then, by their names.
func ByServer(cmd *cobra.Command, here ...string) *cobra.Command {
	annotate(cmd, onServer, asks)
	annotate(cmd, local, strings.Join(here, " "))
	return cmd
}

// ByItself marks a command that needs no data, and so no server either.
func ByItself(cmd *cobra.Command) *cobra.Command {
	annotate(cmd, onServer, itself)
	return cmd
}

func annotate(cmd *cobra.Command, key, value string) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[key] = value
}

// server is the address of the server that is asked; empty: the data of this machine
// is. A configuration that cannot be read is told by the command that needs it.
func (o *Options) server() string {
	if l, err := o.Load(); err == nil {
		return l.Remote.Server
	}
	return o.given["remote.server"]
}

// reaches refuses a command that would look at this machine where a server is named.
func (o *Options) reaches(cmd *cobra.Command) error {
	server := o.server()
	if server == "" {
		if o.tokenFile != "" {
			return errors.New("--token is the API token for a server: name the server with --server, or give the token for GitLab with --token-file")
		}
		return nil
	}
	switch cmd.Annotations[onServer] {
	case itself:
		return nil
	case asks:
		return o.local(cmd)
	}
	if builtIn(cmd) {
		return nil
	}
	return fmt.Errorf("`%s` works on the data of the machine that it runs on, and not on a server: leave --server out (or unset CXM_SERVER), or run it on the machine of %s", cmd.CommandPath(), server)
}

// builtIn says that a command is one of cobra's own.
func builtIn(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if name := c.Name(); name == "help" || name == "completion" || strings.HasPrefix(name, cobra.ShellCompRequestCmd) {
			return true
		}
	}
	return false
}

// local refuses flags that are about this machine.
func (o *Options) local(cmd *cobra.Command) error {
	for key := range o.given {
		if f, ok := config.Lookup(key); ok && key != "tenant" && !strings.HasPrefix(key, "remote.") {
			return fmt.Errorf("--%s is about the data of this machine, and the server has a configuration of its own: leave --%s or --server out", f.Flag, f.Flag)
		}
	}
	for name := range strings.FieldsSeq(cmd.Annotations[local]) {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s does not count on a server, which knows by the token who asks: leave it out, or run the command on the server", name)
		}
	}
	return nil
}

// Remote is the server that the command asks; nil: the data of this machine.
func (o *Options) Remote(cmd *cobra.Command) (*remote.Server, error) {
	l, err := o.Load()
	if err != nil || l.Remote.Server == "" {
		return nil, err
	}
	c := client.Options{URL: l.Remote.Server, Token: l.Remote.Token, InsecureHTTP: l.Remote.InsecureHTTP}
	if l.Origin("tenant").From != config.FromDefault {
		c.Tenant = l.Tenant
	}
	if c.Token, err = o.serverToken(cmd, l); err != nil {
		return nil, err
	}
	if l.Remote.CAFile != "" {
		text, err := os.ReadFile(l.Remote.CAFile)
		if err != nil {
			return nil, l.Wrong("remote.ca_file", err)
		}
		c.CA = string(text)
	}
	return remote.Open(c)
}

// serverToken is the token for the server: from the file that --token names, else from
// the configuration.
func (o *Options) serverToken(cmd *cobra.Command, l *config.Loaded) (credential.Secret, error) {
	switch {
	case strings.HasPrefix(o.tokenFile, "cxm_"):
		return credential.Secret{}, errors.New("--token names a file, and this looks like the token itself, which other users of this machine see as an argument, and the shell keeps: revoke it (`cxm api-token revoke`), make another one, and give it in a file, by standard input (--token -) or in CXM_TOKEN")
	case o.tokenFile == "-":
		text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), TokenLimit))
		return credential.NewSecret(strings.TrimSpace(string(text))), err
	case o.tokenFile != "":
		text, err := ReadTokenFile(o.tokenFile)
		return credential.NewSecret(strings.TrimSpace(text)), err
	}
	return l.Remote.Token, nil
}

// At is what a command asks, as the T that it declares: the program on the data of
// this machine, or the server where one is named. change is made to the program's
// configuration first. The caller closes it.
func At[T io.Closer](cmd *cobra.Command, o *Options, change ...func(*app.Config)) (T, error) {
	var none T
	far, err := o.Remote(cmd)
	if err != nil {
		return none, err
	}
	var here io.Closer = far
	if far == nil {
		if here, err = o.Open(cmd, change...); err != nil {
			return none, err
		}
	}
	out, ok := here.(T)
	if !ok {
		return none, errors.Join(fmt.Errorf("`%s` is nothing that the API offers: run it on the server", cmd.CommandPath()), here.Close())
	}
	return out, nil
}
