// Package connect is the commands that make, change and end a connection to a
// tracker: connect, integration, and gitlab bootstrap, which makes in GitLab what a
// connection needs.
//
// What always holds: nothing is stored before GitLab has confirmed it; a token comes
// from a file, the environment, standard input or a browser, never from an argument.
package connect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/care"
	"cxm/internal/cli/remote"
	"cxm/internal/cli/shell"
)

// New is `cxm connect`: a connection, tested before it is stored.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{Use: "connect", Short: "Connects cxm to a tracker", Args: cobra.NoArgs}
	cmd.AddCommand(newConnectGitLab(o))
	return cmd
}

// connecting is what `connect gitlab` was given.
type connecting struct {
	url, tokenFile, project string
	way                     shell.Way
	given                   givenFlags
	one                     oauthFlags
}

func newConnectGitLab(o *shell.Options) *cobra.Command {
	var c connecting
	cmd := &cobra.Command{
		Use:   "gitlab",
		Short: "Verifies a GitLab connection and stores it",
		Long: `Verifies a GitLab instance, a token and a project, and stores them; the token is
sealed. Connecting the same project again replaces the token; what is not given
again stays as it was.

On a terminal cxm asks for what is missing, shows how the test of the connection
goes, and offers the namespaces and repositories that the account can see.

The token comes from --token-file, from CXM_GITLAB_TOKEN, or from standard input,
never from an argument: arguments are seen by every user of the machine.`,
		Example: `  cxm connect gitlab
  cxm connect gitlab --url gitlab.com --token-file token --project acme/platform
  cxm connect gitlab --url gitlab.example.com --ca-file ca.pem --token-file token --project acme/platform --label finops`,
		Args: noToken,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd, o) },
	}
	f := cmd.Flags()
	f.StringVar(&c.url, "url", "", "GitLab Instance URL, with or without scheme: gitlab.com, or the address of your own")
	f.StringVar(&c.tokenFile, "token-file", "", "file that holds the token; - is standard input")
	f.StringVar(&c.project, "project", "", "project where issues are created: path with namespace, or numeric id")
	c.way.Add(cmd)
	c.given.add(cmd)
	c.one.add(cmd)
	return shell.ByServer(cmd, "oauth")
}

// noToken refuses arguments, since the only one people would give is the token.
func noToken(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("connect gitlab takes no arguments: give the token by --token-file, CXM_GITLAB_TOKEN or standard input, where other users of the machine cannot see it")
	}
	return nil
}

func (c *connecting) run(cmd *cobra.Command, o *shell.Options) error {
	ask := shell.AskerOf(cmd)
	want, err := c.collect(cmd, ask)
	if err != nil {
		return err
	}
	far, err := o.Remote(cmd)
	if err != nil {
		return err
	}
	if far != nil {
		return c.there(cmd, o, far, want)
	}
	a, err := o.Open(cmd)
	if err != nil {
		return err
	}
	defer a.Close()
	if c.one.on {
		if err := c.one.authorize(cmd, a, &want); err != nil {
			return err
		}
	}
	if ask != nil {
		if err := care.Try(cmd, a, want); err != nil {
			return err
		}
	}
	v, err := a.Visit(cmd.Context(), want)
	if err != nil {
		return err
	}
	if want.Project == "" {
		if want.Project, err = chooseProject(cmd.Context(), ask, v); err != nil {
			return err
		}
	}
	done, err := v.Connect(cmd.Context(), want.Project)
	if err != nil {
		return err
	}
	return tell(cmd, o, done)
}

// there has a server make the connection. Nobody chooses from its projects here: the
// project is named.
func (c *connecting) there(cmd *cobra.Command, o *shell.Options, far *remote.Server, want app.Connect) error {
	if want.Project == "" {
		return errors.New("--project is missing: name the project (path with namespace, or numeric id), since a server offers none to choose from")
	}
	done, err := far.ConnectGitLab(cmd.Context(), want)
	if err != nil {
		return err
	}
	return tell(cmd, o, done)
}

// tell prints a connection that was made.
func tell(cmd *cobra.Command, o *shell.Options, done app.Connected) error {
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), connectedJSON(done))
	}
	printConnected(cmd.OutOrStdout(), cmd.ErrOrStderr(), done)
	return nil
}

// collect gathers what a connection needs, asking for it where somebody is there.
func (c *connecting) collect(cmd *cobra.Command, ask *shell.Asker) (want app.Connect, err error) {
	if ask == nil && (c.url == "" || c.project == "") {
		return want, c.missing()
	}
	want.URL, want.Project = c.url, c.project
	if want.URL == "" {
		if want.URL, err = ask.Line("GitLab Instance URL [gitlab.com]: "); err != nil {
			return want, err
		}
		if want.URL == "" {
			want.URL = "gitlab.com"
		}
	}
	if want.URL, err = app.InstanceURL(want.URL); err != nil { // before anybody looks for a token
		return want, err
	}
	if want.Network, err = c.way.Network(); err != nil {
		return want, err
	}
	want.Issues = c.given.given(cmd)
	if err = c.one.check(want.URL); err != nil || c.one.on {
		return want, err
	}
	text, err := shell.ReadToken(cmd, c.tokenFile)
	if err != nil {
		return want, err
	}
	want.Token, err = app.CleanToken(text)
	return want, err
}

// missing names the flags that are needed where nobody can be asked.
func (c *connecting) missing() error {
	var flags []string
	if c.url == "" {
		flags = append(flags, "--url (gitlab.com, or the address of your own instance)")
	}
	if c.project == "" {
		flags = append(flags, "--project (path with namespace, or numeric id)")
	}
	return fmt.Errorf("%s missing: without a terminal cxm cannot ask for it, so give it on the command line", strings.Join(flags, " and "))
}
