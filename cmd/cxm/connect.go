package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cxm/internal/app"
)

func newConnect(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "connect", Short: "Connects cxm to a tracker", Args: cobra.NoArgs}
	cmd.AddCommand(newConnectGitLab(o))
	return cmd
}

func newConnectGitLab(o *options) *cobra.Command {
	var url, tokenFile, project string
	cmd := &cobra.Command{
		Use:   "gitlab",
		Short: "Verifies a GitLab connection and stores it",
		Long: `Verifies a GitLab instance, a token and a project, and stores them; the token is
sealed. Connecting the same project again replaces the token.

The token comes from --token-file, from CXM_GITLAB_TOKEN, or from standard input,
never from an argument: arguments are seen by every user of the machine.`,
		Example: "  cxm connect gitlab --url gitlab.com --token-file token --project acme/platform",
		Args:    noToken,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := readToken(cmd, tokenFile)
			if err != nil {
				return err
			}
			return connect(cmd, o, url, text, project)
		},
	}
	cmd.Flags().StringVar(&url, "url", "gitlab.com", "GitLab Instance URL, with or without scheme")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file that holds the token; - is standard input")
	cmd.Flags().StringVar(&project, "project", "", "project where issues are created: path with namespace, or numeric id")
	_ = cmd.MarkFlagRequired("project")
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
	switch env := os.Getenv("CXM_GITLAB_TOKEN"); {
	case file == "-":
	case file != "":
		return readTokenFile(file)
	case env != "":
		return env, nil
	case terminal(cmd.InOrStdin()):
		fmt.Fprint(cmd.ErrOrStderr(), "Token (not shown): ")
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(text), err
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

func connect(cmd *cobra.Command, o *options, url, text, project string) error {
	token, err := app.CleanToken(text)
	if err != nil {
		return err
	}
	a, err := o.open(cmd)
	if err != nil {
		return err
	}
	defer a.Close()
	c, err := a.ConnectGitLab(cmd.Context(), app.Connect{URL: url, Token: token, Project: project})
	if err != nil {
		return err
	}
	if o.json() {
		return printJSON(cmd.OutOrStdout(), connectedJSON(c))
	}
	printConnected(cmd.OutOrStdout(), cmd.ErrOrStderr(), c)
	return nil
}

func printConnected(out, errs io.Writer, c app.Connected) {
	in := c.Integration
	fmt.Fprintf(out, "Connected to %s", in.URL)
	if in.Version != "" {
		fmt.Fprintf(out, " (GitLab %s)", in.Version)
	}
	kind := "a user"
	if in.Account.Bot {
		kind = "a service account or bot"
	}
	fmt.Fprintf(out, "\n  as       %s, %s\n  project  %s (id %d), access level %d\n  token    %s, scopes %s\n",
		in.Account.Username, kind, in.Project.Path, in.Project.ID, in.Project.AccessLevel, expiry(c.Token.ExpiresAt), strings.Join(c.Token.Scopes, ", "))
	for _, w := range c.Warnings {
		fmt.Fprintln(errs, "Warning:", w)
	}
	fmt.Fprintf(out, "Next: `cxm ingest --source TYPE FILE`, then `cxm plan`.\n")
}

func expiry(at time.Time) string {
	if at.IsZero() {
		return "no expiry known"
	}
	return "expires on " + at.Format(time.DateOnly)
}

// connectedJSON is what --output json prints of a connection.
func connectedJSON(c app.Connected) any {
	type account struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Bot      bool   `json:"bot"`
	}
	type project struct {
		ID          int64  `json:"id"`
		Path        string `json:"path"`
		WebURL      string `json:"web_url"`
		AccessLevel int    `json:"access_level"`
	}
	var expires *string
	if at := c.Token.ExpiresAt; !at.IsZero() {
		day := at.Format(time.DateOnly)
		expires = &day
	}
	in := c.Integration
	return struct {
		ID        int64    `json:"id"`
		URL       string   `json:"url"`
		Version   string   `json:"version"`
		Account   account  `json:"account"`
		Project   project  `json:"project"`
		ExpiresAt *string  `json:"token_expires_at"`
		Scopes    []string `json:"token_scopes"`
		Warnings  []string `json:"warnings"`
	}{in.ID, in.URL, in.Version, account{in.Account.ID, in.Account.Username, in.Account.Bot},
		project{in.Project.ID, in.Project.Path, in.Project.WebURL, in.Project.AccessLevel}, expires, c.Token.Scopes, c.Warnings}
}
