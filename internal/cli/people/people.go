// Package people is the commands about who uses cxm: people, their roles and
// sessions, API tokens, and the link that sets cxm up.
//
// What always holds: who runs them is whoever runs commands where cxm keeps its data,
// and is named in what is recorded; a password is never an argument; a link or a
// token is printed once, alone on its line.
package people

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// New is `cxm people`.
func New(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Says who may sign in, and what they may do",
		Long: `Adds people, gives them roles, keeps them out. A viewer looks, a member works with
cxm, an admin changes how it works; docs/roles.md says it in full. People sign in
with a password that they choose by a link, or by a provider (docs/signin.md).`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAdd(o), newList(o), newRole(o), newDisable(o, true), newDisable(o, false), newResetLink(o), newPassword(o), newSessions(o), newSignOut(o))
	return cmd
}

// run gives a command its app.
func run(o *shell.Options, cmd *cobra.Command, do func(cmd *cobra.Command, a *app.App, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := o.Open(cmd)
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd, a, args)
	}
	return cmd
}

// by is who runs the command.
func by() signin.Who { return signin.Operator(shell.Who("") + " (command line)") }

// about gives a command the app and the person whom its first argument names.
func about(o *shell.Options, cmd *cobra.Command, do func(cmd *cobra.Command, a *app.App, p signin.Person, args []string) error) *cobra.Command {
	return run(o, cmd, func(cmd *cobra.Command, a *app.App, args []string) error {
		p, err := a.People.Find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return do(cmd, a, p, args)
	})
}

func newAdd(o *shell.Options) *cobra.Command {
	var name, as, url string
	cmd := at(o, &cobra.Command{
		Use:   "add ADDRESS",
		Short: "Gives somebody a role, and prints a link to choose a password",
		Long: `Gives somebody a role in the tenant, adding them where they are new. Who is new gets
a link by which they choose a password within an hour: send it to them. Who signs in
by a provider needs neither: the provider's groups say who they are.`,
		Example: "  cxm people add engineer@example.com --role member --url https://cxm.example.com",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a office, args []string) error {
		r, err := role.Parse(as)
		if err != nil {
			return fmt.Errorf("--role: %w", err)
		}
		p, added, err := a.People.Add(cmd.Context(), by(), desk.Newcomer{Email: args[0], Name: name, Tenant: a.Tenant, Role: r})
		if err != nil {
			return err
		}
		if !added {
			return tell(cmd, o, p, "%s was there already; their role is %s now.", p.Label(), r)
		}
		return giveLink(cmd, o, a, p, url)
	})
	cmd.Flags().StringVar(&as, "role", "", "viewer, member or admin")
	cmd.Flags().StringVar(&name, "name", "", "what they are called (default: the address)")
	addURL(cmd, &url)
	_ = cmd.MarkFlagRequired("role") // it is there
	return cmd
}

func addURL(cmd *cobra.Command, url *string) {
	cmd.Flags().StringVar(url, "url", "", "address of the service, to make the link whole (default: server.public_url of the configuration)")
}

// tell says what became of a person.
func tell(cmd *cobra.Command, o *shell.Options, p signin.Person, format string, args ...any) error {
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), toJSON(p))
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), shell.OneLine(fmt.Sprintf(format, args...))+"\n")
	return err
}

// giveLink makes and prints a link to choose a password.
func giveLink(cmd *cobra.Command, o *shell.Options, a office, p signin.Person, url string) error {
	value, l, err := a.People.ResetLink(cmd.Context(), by(), p.ID)
	if err != nil {
		return err
	}
	return printLink(cmd, o, link{For: p.Label(), Path: signin.LinkReset.Path(value), EndsAt: l.EndsAt}, url)
}

func newList(o *shell.Options) *cobra.Command {
	var all bool
	cmd := at(o, &cobra.Command{
		Use:   "list",
		Short: "Lists the people of the tenant",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, a office, _ []string) error {
		tenant := a.Tenant
		if all {
			tenant = ""
		}
		var out []signin.Person
		for after := int64(0); ; {
			some, err := a.People.List(cmd.Context(), by(), tenant, after, 200)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				return printPeople(cmd, o, a.Tenant, out)
			}
			out, after = append(out, some...), some[len(some)-1].ID
		}
	})
	cmd.Flags().BoolVar(&all, "all", false, "those of all tenants")
	return cmd
}

func newRole(o *shell.Options) *cobra.Command {
	var installation bool
	cmd := of(o, &cobra.Command{
		Use:   "role ADDRESS [viewer|member|admin|none]",
		Short: "Gives somebody another role, or none; their sessions end",
		Long: `Gives somebody another role in the tenant, or none. With --installation they look
after the installation, with --installation=false no more: that is apart from the
role in a tenant. What the groups of a provider give stays as the provider says.`,
		Example: "  cxm people role engineer@example.com admin\n  cxm people role platform-admin@example.com --installation",
		Args:    cobra.RangeArgs(1, 2),
	}, func(cmd *cobra.Command, a office, p signin.Person, args []string) error {
		set := cmd.Flags().Changed("installation")
		if len(args) == 1 && !set {
			return errors.New("say which role: viewer, member, admin or none, or --installation")
		}
		var err error
		if len(args) == 2 {
			var r role.Role
			if args[1] != "none" {
				if r, err = role.Parse(args[1]); err != nil {
					return err
				}
			}
			if p, err = a.People.SetRole(cmd.Context(), by(), p.ID, a.Tenant, r); err != nil {
				return err
			}
		}
		if set {
			if p, err = a.People.SetInstallation(cmd.Context(), by(), p.ID, installation); err != nil {
				return err
			}
		}
		return tell(cmd, o, p, "%s is now: %s. Their sessions have ended.", p.Label(), roles(p, a.Tenant))
	})
	cmd.Flags().BoolVar(&installation, "installation", false, "they look after the installation")
	return cmd
}

func newDisable(o *shell.Options, yes bool) *cobra.Command {
	use, short, said := "enable", "Lets somebody in again", "%s may sign in again."
	if yes {
		use, short, said = "disable", "Keeps somebody out: their sessions end, their API tokens do not count", "%s is kept out: their sessions have ended, and their API tokens do not count."
	}
	return about(o, &cobra.Command{Use: use + " ADDRESS", Short: short, Args: cobra.ExactArgs(1)}, func(cmd *cobra.Command, a *app.App, p signin.Person, _ []string) error {
		p, err := a.People.Disable(cmd.Context(), by(), p.ID, yes)
		if err != nil {
			return err
		}
		return tell(cmd, o, p, said, p.Label())
	})
}

func newResetLink(o *shell.Options) *cobra.Command {
	var url string
	cmd := of(o, &cobra.Command{
		Use:   "reset-link ADDRESS",
		Short: "Prints a link by which somebody chooses a new password",
		Long: `Prints a link by which somebody chooses a new password. It works once, for an hour,
and takes the place of those before.`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a office, p signin.Person, _ []string) error {
		return giveLink(cmd, o, a, p, url)
	})
	addURL(cmd, &url)
	return cmd
}

func newPassword(o *shell.Options) *cobra.Command {
	return about(o, &cobra.Command{
		Use:   "password ADDRESS",
		Short: "Gives somebody a password, asked for or read from standard input",
		Long: `Gives somebody a password. It is asked for, or read from standard input where nobody
is there to answer, and never an argument. A link is better where the person can be
reached (cxm people reset-link): then nobody else knows the password.`,
		Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a *app.App, p signin.Person, _ []string) error {
		text, err := shell.ReadPassword(cmd)
		if err != nil {
			return err
		}
		if err := a.People.SetPassword(cmd.Context(), by(), p.ID, app.Pasted(text)); err != nil {
			return err
		}
		return tell(cmd, o, p, "%s has a new password. Their sessions have ended.", p.Label())
	})
}

func newSessions(o *shell.Options) *cobra.Command {
	return about(o, &cobra.Command{
		Use: "sessions ADDRESS", Short: "Lists where somebody is signed in", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a *app.App, p signin.Person, _ []string) error {
		all, err := a.People.Sessions(cmd.Context(), by(), p.ID)
		if err != nil {
			return err
		}
		if o.JSON() {
			out := []sessionDocument{}
			for _, s := range all {
				out = append(out, sessionDocument{s.ID, s.Method, s.Address, s.Agent, s.BegunAt, s.SeenAt, s.EndsAt})
			}
			return shell.PrintJSON(cmd.OutOrStdout(), out)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is signed in nowhere.\n", shell.OneLine(p.Label()))
			return err
		}
		for _, s := range all {
			fmt.Fprintf(cmd.OutOrStdout(), "%d  by %s from %s since %s, used %s  %s\n", s.ID, shell.OneLine(s.Method), shell.OneLine(s.Address), s.BegunAt.Format(time.RFC3339), s.SeenAt.Format(time.RFC3339), shell.OneLine(s.Agent))
		}
		return nil
	})
}

func newSignOut(o *shell.Options) *cobra.Command {
	var session int64
	cmd := about(o, &cobra.Command{
		Use: "sign-out ADDRESS", Short: "Ends somebody's sessions", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a *app.App, p signin.Person, _ []string) error {
		if err := a.People.EndSession(cmd.Context(), by(), p.ID, session); err != nil {
			if errors.Is(err, signin.ErrNotKnown) {
				return fmt.Errorf("%s has no session %d: see `cxm people sessions`", p.Label(), session)
			}
			return err
		}
		return tell(cmd, o, p, "%s is signed out.", p.Label())
	})
	cmd.Flags().Int64Var(&session, "session", 0, "only this one (see cxm people sessions); default: all")
	return cmd
}
