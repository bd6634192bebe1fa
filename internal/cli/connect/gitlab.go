package connect

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/integration/access"
	"cxm/internal/plan"
)

// NewGitLab is `cxm gitlab`: what cxm makes in GitLab to work with, when it is told to.
func NewGitLab(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gitlab",
		Short: "Sets up in GitLab what cxm works with: bootstrap",
	}
	cmd.AddCommand(newBootstrap(o))
	return cmd
}

// bootstrapFlags are the flags of cxm gitlab bootstrap.
type bootstrapFlags struct {
	app.Bootstrap
	file, role string
	only, yes  bool
	way        shell.Way
}

func newBootstrap(o *shell.Options) *cobra.Command {
	f := &bootstrapFlags{}
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Makes a service account with a token, and connects with it",
		Long: `Makes a service account in GitLab, makes it a member where issues go, makes a
token for it, and connects. It shows first what it is about to do, and asks.

It acts with the token of an Owner (of a project: a Maintainer; of an instance: an
administrator), with the scope api. That token is used for this and never stored:
revoke it afterwards. It comes from --owner-token-file, CXM_GITLAB_OWNER_TOKEN or
standard input.

After a failure, run the same again: what is there already is found, and no second
account is made. docs/gitlab-setup.md has the same steps for people who click.

  + make   ~ change   - revoke   = there already`,
		Example: `  cxm gitlab bootstrap --owner-token-file owner --group acme --project acme/platform --plan
  cxm gitlab bootstrap --owner-token-file owner --project acme/platform --role planner --scopes api,self_rotate
  cxm gitlab bootstrap --url gitlab.example.com --level instance --project acme/platform --add acme/shop`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 { // the only one people would give is the token: it is not repeated
				return errors.New("bootstrap takes no arguments: give the Owner's token by --owner-token-file, CXM_GITLAB_OWNER_TOKEN or standard input, where other users of the machine cannot see it")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return bootstrap(cmd, o, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.URL, "url", "gitlab.com", "GitLab Instance URL, with or without scheme")
	flags.StringVar(&f.file, "owner-token-file", "", "file that holds the Owner's token; - is standard input")
	f.way.Add(cmd)
	flags.StringVar(&f.Level, "level", "", "where the service account belongs: group, project or instance (default group with --group, else project)")
	flags.StringVar(&f.Group, "group", "", "group in which the service account is made")
	flags.StringVar(&f.Project, "project", "", "project where issues go; with --level project the service account's own")
	flags.StringSliceVar(&f.Add, "add", nil, "groups and projects that the service account joins (default the project)")
	flags.StringVar(&f.Name, "name", "cxm integration", "name of the service account")
	flags.StringVar(&f.Username, "username", "cxm-integration", "user name of the service account")
	flags.StringVar(&f.role, "role", "maintainer", "role in what it joins: planner is enough for issues, developer for merge requests too")
	flags.StringSliceVar(&f.Scopes, "scopes", app.BootstrapScopes(), "scopes of the token")
	flags.IntVar(&f.Days, "expires-days", 365, "days until the token expires")
	flags.BoolVar(&f.only, "plan", false, "only show what would be done")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return cmd
}

func bootstrap(cmd *cobra.Command, o *shell.Options, f *bootstrapFlags) error {
	var err error
	if f.Role, err = access.ParseRole(f.role); err != nil {
		return fmt.Errorf("--role: %w", err)
	}
	if f.Network, err = f.way.Network(); err != nil {
		return err
	}
	text, err := readOwnerToken(cmd, f.file)
	if err != nil {
		return err
	}
	if f.Owner, err = app.CleanToken(text); err != nil {
		return fmt.Errorf("the Owner's token: %w", err)
	}
	a, err := o.Open(cmd)
	if err != nil {
		return err
	}
	defer a.Close()
	done, err := a.BootstrapGitLab(cmd.Context(), f.Bootstrap, func(p app.BootstrapPlan) (bool, error) {
		return askBootstrap(cmd, o, f, p)
	})
	if o.JSON() && (err == nil || len(done.Plan.Steps) > 0) {
		err = errors.Join(err, shell.PrintJSON(cmd.OutOrStdout(), bootstrapJSON(done)))
	} else if !o.JSON() {
		printBootstrapped(cmd.OutOrStdout(), cmd.ErrOrStderr(), done)
	}
	return err
}

// readOwnerToken takes the Owner's token from the file, else from the environment,
// else from standard input, asking for it without echo on a terminal.
func readOwnerToken(cmd *cobra.Command, file string) (string, error) {
	switch env := os.Getenv("CXM_GITLAB_OWNER_TOKEN"); {
	case file != "" && file != "-":
		return shell.ReadTokenFile(file)
	case env != "" && file == "":
		return env, nil
	case shell.Terminal(cmd.InOrStdin()):
		fmt.Fprint(cmd.ErrOrStderr(), "Token of the Owner (not shown, not stored): ")
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(text), err
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), shell.TokenLimit))
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = errors.New("no token of an Owner: give --owner-token-file FILE, set CXM_GITLAB_OWNER_TOKEN, or write it to standard input")
	}
	return string(text), err
}

// askBootstrap shows the plan and asks, unless only the plan is wanted or they
// said yes beforehand.
func askBootstrap(cmd *cobra.Command, o *shell.Options, f *bootstrapFlags, p app.BootstrapPlan) (bool, error) {
	if !o.JSON() {
		if err := printBootstrapPlan(cmd.OutOrStdout(), p); err != nil {
			return false, err
		}
	}
	switch {
	case f.only:
		return false, nil
	case len(p.Changes()) == 0:
		return true, nil
	}
	return o.Confirm(cmd, f.yes, "bootstrap would change GitLab and cannot ask here: look at it with --plan, then use --yes")
}

func printBootstrapPlan(out io.Writer, p app.BootstrapPlan) error {
	version := ""
	if p.Version != "" {
		version = " (GitLab " + p.Version + ")"
	}
	fmt.Fprintf(out, "In %s%s, with the token of %s:\n\n", p.URL, version, p.As)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range p.Steps {
		fmt.Fprintf(w, "  %s %s\t%s\n", s.Verb, s.Action, shell.OneLine(s.Title))
		fmt.Fprintf(w, "  \t  %s\n", shell.OneLine(s.Reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	n := len(p.Changes())
	if n == 0 {
		_, err := fmt.Fprintln(out, "\nNothing to do: all of it is there already.")
		return err
	}
	_, err := fmt.Fprintf(out, "\nPlan: %d to do, %d there already.\n", n, len(p.Steps)-n)
	return err
}

// printBootstrapped says what was done, also when it came to no end.
func printBootstrapped(out, errs io.Writer, b app.Bootstrapped) {
	for i, s := range b.Done {
		if i == 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "Done: %s %s, %s\n", s.Verb, s.Action, shell.OneLine(s.Title))
	}
	for _, n := range b.Notes {
		fmt.Fprintln(errs, "Note:", n)
	}
	if len(b.Guide) > 0 {
		fmt.Fprintln(errs, "A bot user does the same work, and is made by hand:")
	}
	for i, line := range b.Guide {
		fmt.Fprintf(errs, "  %d. %s\n", i+1, line)
	}
	if b.Connected == nil {
		return
	}
	fmt.Fprintln(out)
	printConnected(out, errs, *b.Connected)
	fmt.Fprintf(out, "The Owner's token was not stored. If it was made for this, revoke it: %s/-/user_settings/personal_access_tokens\n", b.Plan.URL)
	fmt.Fprintln(out, "Then say who looks after the account: `cxm access owners set team@example.com`.")
}

// bootstrapStepJSON is one step of a bootstrap as --output json prints it.
type bootstrapStepJSON struct {
	Verb   plan.Verb           `json:"verb"`   // + ~ - =
	Action app.BootstrapAction `json:"action"` // account, member, revoke, token, connection
	Title  string              `json:"title"`
	Reason string              `json:"reason"`
}

// bootstrapDocument is what `cxm gitlab bootstrap --output json` prints.
type bootstrapDocument struct {
	URL       string              `json:"url"`
	Version   string              `json:"version"`
	As        string              `json:"as"` // the owner of the token
	Username  string              `json:"username"`
	Steps     []bootstrapStepJSON `json:"steps"`
	Done      []bootstrapStepJSON `json:"done"`
	Notes     []string            `json:"notes"`
	Connected any                 `json:"connected"` // null: nothing was connected anew
	Guide     []string            `json:"guide,omitempty"`
}

func bootstrapJSON(b app.Bootstrapped) bootstrapDocument {
	out := bootstrapDocument{
		URL: b.Plan.URL, Version: b.Plan.Version, As: b.Plan.As, Username: b.Plan.Username,
		Steps: []bootstrapStepJSON{}, Done: []bootstrapStepJSON{}, Notes: append([]string{}, b.Notes...), Guide: b.Guide,
	}
	for _, s := range b.Plan.Steps {
		out.Steps = append(out.Steps, bootstrapStepJSON{s.Verb, s.Action, s.Title, s.Reason})
	}
	for _, s := range b.Done {
		out.Done = append(out.Done, bootstrapStepJSON{s.Verb, s.Action, s.Title, s.Reason})
	}
	if b.Connected != nil {
		out.Connected = connectedJSON(*b.Connected)
	}
	return out
}
