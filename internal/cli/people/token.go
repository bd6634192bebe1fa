package people

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// NewSetupLink is `cxm setup-link`.
func NewSetupLink(o *shell.Options) *cobra.Command {
	var again bool
	var url string
	cmd := run(o, &cobra.Command{
		Use:   "setup-link",
		Short: "Prints a link by which the first admin is made",
		Long: `Prints a link by which whoever opens it becomes an admin of the installation and of
its first tenant. It works once, for a day, and takes the place of those before.
Where there is an admin already it takes --again, for when none can be reached.`,
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, a *app.App, _ []string) error {
		value, err := a.People.SetupLink(cmd.Context(), by(), again)
		if err != nil {
			return err
		}
		return printLink(cmd, o, link{Path: signin.LinkSetup.Path(value), EndsAt: a.Clock().Add(signin.LinkSetup.Lasts())}, url)
	})
	cmd.Flags().BoolVar(&again, "again", false, "although there is an admin, since none can be reached")
	addURL(cmd, &url)
	return cmd
}

// NewToken is `cxm api-token`.
func NewToken(o *shell.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "api-token",
		Short: "Makes and revokes tokens for cxm's own API: create, list, revoke",
		Long: `Makes and revokes tokens by which programs use cxm's own API. (The tokens that cxm
acts with in GitLab are those of cxm token.) A token may do what its scopes allow,
and only as far as the role of its owner goes; docs/roles.md has the table.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newCreate(o), newTokens(o), newRevoke(o))
	return cmd
}

func newCreate(o *shell.Options) *cobra.Command {
	var scopes []string
	var owner, as string
	var days int
	cmd := at(o, &cobra.Command{
		Use:   "create NAME",
		Short: "Makes an API token and prints it, once",
		Long: `Makes an API token and prints its value, which is shown only now: cxm keeps a hash.
It belongs to the tenant, with the role given by --role, or to the person given by
--person, with whatever role they have.`,
		Example: "  cxm api-token create pipeline --scope ingest --role member\n  cxm api-token create laptop --scope read --scope write --person engineer@example.com --days 30",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a office, args []string) error {
		ask := desk.Asked{Tenant: a.Tenant, Name: args[0], Days: days}
		var err error
		if ask.Scopes, err = role.ParseScopes(scopes); err != nil {
			return fmt.Errorf("--scope: %w", err)
		}
		switch {
		case (owner == "") == (as == ""):
			return errors.New("say whose the token is: --person ADDRESS, or --role for one of the tenant itself")
		case owner != "":
			p, err := a.People.Find(cmd.Context(), owner)
			if err != nil {
				return err
			}
			ask.Person = p.ID
		default:
			if ask.Role, err = role.Parse(as); err != nil {
				return fmt.Errorf("--role: %w", err)
			}
		}
		if cmd.Flags().Changed("days") && days == 0 {
			return errors.New("--days 0: use a number from 1 to 365")
		}
		value, t, err := a.People.MintToken(cmd.Context(), by(), ask)
		if err != nil {
			return err
		}
		if o.JSON() {
			doc := tokenJSON(t, a.Clock())
			doc.Value = value.Reveal()
			return shell.PrintJSON(cmd.OutOrStdout(), doc)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "API token %d, good until %s. Keep its value now, it is not shown again:\n", t.ID, t.EndsAt.Format(time.DateOnly))
		_, err = fmt.Fprintln(cmd.OutOrStdout(), value.Reveal())
		return err
	})
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it may be used for: read, write, ingest, audit, admin, installation; may be given several times")
	cmd.Flags().StringVar(&owner, "person", "", "whose it is")
	cmd.Flags().StringVar(&as, "role", "", "its role, as one of the tenant itself: viewer, member or admin")
	cmd.Flags().IntVar(&days, "days", signin.TokenDays, "how many days it is good for, up to 365")
	_ = cmd.MarkFlagRequired("scope") // it is there
	return cmd
}

func newTokens(o *shell.Options) *cobra.Command {
	return at(o, &cobra.Command{
		Use: "list", Short: "Lists the API tokens of the tenant, never their values", Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, a office, _ []string) error {
		out := []tokenDocument{}
		for after := int64(0); ; {
			some, err := a.People.Tokens(cmd.Context(), by(), a.Tenant, after, 200)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			for _, t := range some {
				out, after = append(out, tokenJSON(t, a.Clock())), t.ID
			}
		}
		if o.JSON() {
			return shell.PrintJSON(cmd.OutOrStdout(), out)
		}
		if len(out) == 0 {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "There is no API token yet: run `cxm api-token create`.")
			return err
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, t := range out {
			used := "never used"
			if t.UsedAt != nil {
				used = "used " + t.UsedAt.Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%d\t%s\t%s…\t%s\t%s\tuntil %s\t%s\n", t.ID, shell.OneLine(t.Name), t.Hint, strings.Join(t.Scopes, ","), t.State, t.EndsAt.Format(time.DateOnly), used)
		}
		return w.Flush()
	})
}

func newRevoke(o *shell.Options) *cobra.Command {
	return at(o, &cobra.Command{
		Use: "revoke ID", Short: "Ends an API token at once", Args: cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, a office, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || id < 1 {
			return fmt.Errorf("%q is no API token: give its number as `cxm api-token list` shows it", args[0])
		}
		t, err := a.People.RevokeToken(cmd.Context(), by(), a.Tenant, id)
		if err != nil {
			return err
		}
		if o.JSON() {
			return shell.PrintJSON(cmd.OutOrStdout(), map[string]int64{"revoked": id})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "API token %d (%s) does not count any more.\n", id, shell.OneLine(t.Name))
		return err
	})
}

// tokenDocument is one API token as --output json prints it.
type tokenDocument struct {
	ID     int64      `json:"id"`
	Name   string     `json:"name"`
	Hint   string     `json:"begins"`
	Person int64      `json:"person,omitempty"` // absent: the tenant's own
	Role   string     `json:"role,omitempty"`   // of the tenant's own
	Scopes []string   `json:"scopes"`
	State  string     `json:"state"` // active, expired or revoked
	MadeBy string     `json:"created_by"`
	MadeAt time.Time  `json:"created_at"`
	EndsAt time.Time  `json:"expires_at"`
	UsedAt *time.Time `json:"used_at"` // null: never
	Value  string     `json:"token,omitempty"`
}

func tokenJSON(t signin.Token, now time.Time) tokenDocument {
	out := tokenDocument{
		ID: t.ID, Name: t.Name, Hint: t.Hint, Person: t.Person, Role: string(t.Role), State: "active",
		MadeBy: t.MadeBy, MadeAt: t.MadeAt, EndsAt: t.EndsAt, UsedAt: maybe(t.UsedAt),
	}
	for _, s := range t.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	switch {
	case !t.RevokedAt.IsZero():
		out.State = "revoked"
	case !now.Before(t.EndsAt):
		out.State = "expired"
	}
	return out
}
