package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/integration/check"
)

func newConnect(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "connect", Short: "Connects cxm to a tracker", Args: cobra.NoArgs}
	cmd.AddCommand(newConnectGitLab(o))
	return cmd
}

// connecting is what `connect gitlab` was given.
type connecting struct {
	url, tokenFile, project string
	way                     wayFlags
	given                   givenFlags
	one                     oauthFlags
}

func newConnectGitLab(o *options) *cobra.Command {
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
	c.way.add(cmd)
	c.given.add(cmd)
	c.one.add(cmd)
	return cmd
}

// noToken refuses arguments, since the only one people would give is the token.
func noToken(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("connect gitlab takes no arguments: give the token by --token-file, CXM_GITLAB_TOKEN or standard input, where other users of the machine cannot see it")
	}
	return nil
}

// tokenLimit is far beyond any token; what is longer is the wrong file.
const tokenLimit = 64 << 10

// readToken takes the token from the file, else from the environment, else from
// standard input, asking for it without echo on a terminal.
func readToken(cmd *cobra.Command, file string) (string, error) {
	ask := newAsker(cmd)
	switch env := os.Getenv("CXM_GITLAB_TOKEN"); {
	case file == "-":
	case file != "":
		return readTokenFile(file)
	case env != "":
		return env, nil
	case ask != nil:
		return ask.secret("Personal Access Token (not shown): ")
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), tokenLimit))
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = errors.New("no token: give --token-file FILE, set CXM_GITLAB_TOKEN, or write it to standard input")
	}
	return string(text), err
}

func readTokenFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, tokenLimit))
	return string(text), err
}

func (c *connecting) run(cmd *cobra.Command, o *options) error {
	ask := newAsker(cmd)
	want, err := c.collect(cmd, ask)
	if err != nil {
		return err
	}
	a, err := o.open(cmd)
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
		if err := showTest(cmd, a, want); err != nil {
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
	if o.json() {
		return printJSON(cmd.OutOrStdout(), connectedJSON(done))
	}
	printConnected(cmd.OutOrStdout(), cmd.ErrOrStderr(), done)
	return nil
}

// collect gathers what a connection needs, asking for it where somebody is there.
func (c *connecting) collect(cmd *cobra.Command, ask *asker) (want app.Connect, err error) {
	if ask == nil && (c.url == "" || c.project == "") {
		return want, c.missing()
	}
	want.URL, want.Project = c.url, c.project
	if want.URL == "" {
		if want.URL, err = ask.line("GitLab Instance URL [gitlab.com]: "); err != nil {
			return want, err
		}
		if want.URL == "" {
			want.URL = "gitlab.com"
		}
	}
	if want.URL, err = app.InstanceURL(want.URL); err != nil { // before anybody looks for a token
		return want, err
	}
	if want.Network, err = c.way.network(); err != nil {
		return want, err
	}
	want.Issues = c.given.given(cmd)
	if err = c.one.check(want.URL); err != nil || c.one.on {
		return want, err
	}
	text, err := readToken(cmd, c.tokenFile)
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

// showTest shows the checks of a connection as they are known, and ends there when
// one failed.
func showTest(cmd *cobra.Command, a *app.App, want app.Connect) error {
	x := app.Exam{URL: want.URL, Token: want.Token, Project: want.Project, Network: want.Network, ReadOnly: true}
	out := cmd.ErrOrStderr()
	r := report{out: out, width: screen(out), color: colored(out), brief: true} // nothing is connected yet
	results, err := a.Test(cmd.Context(), x, r.tell)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	if check.Worst(results) == check.Failed {
		return errors.New("the connection does not work yet, so nothing was stored: do what is said above, and run the same again")
	}
	return nil
}
