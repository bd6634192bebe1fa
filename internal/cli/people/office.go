package people

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/remote"
	"cxm/internal/cli/shell"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

// folk are people and their roles.
type folk interface {
	Find(ctx context.Context, text string) (signin.Person, error)
	List(ctx context.Context, by signin.Who, tenant string, after int64, most int) ([]signin.Person, error)
	Add(ctx context.Context, by signin.Who, n desk.Newcomer) (p signin.Person, added bool, err error)
	giver
}

// giver gives roles, and makes links.
type giver interface {
	SetRole(ctx context.Context, by signin.Who, id int64, tenant string, r role.Role) (signin.Person, error)
	SetInstallation(ctx context.Context, by signin.Who, id int64, yes bool) (signin.Person, error)
	ResetLink(ctx context.Context, by signin.Who, id int64) (credential.Secret, signin.Link, error)
}

// minter makes API tokens.
type minter interface {
	MintToken(ctx context.Context, by signin.Who, a desk.Asked) (credential.Secret, signin.Token, error)
	Tokens(ctx context.Context, by signin.Who, tenant string, after int64, most int) ([]signin.Token, error)
	RevokeToken(ctx context.Context, by signin.Who, tenant string, id int64) (signin.Token, error)
}

// register is who uses cxm, and with which tokens.
type register interface {
	folk
	minter
}

// office is where people are registered: on this machine, or on a server.
type office struct {
	People register
	Tenant string
	Clock  func() time.Time
}

// at gives a command its office: that of the server where one is named.
func at(o *shell.Options, cmd *cobra.Command, do func(cmd *cobra.Command, a office, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		far, err := o.Remote(cmd)
		if err != nil {
			return err
		}
		if far != nil {
			d, err := far.Desk(cmd.Context())
			if err != nil {
				return err
			}
			return do(cmd, office{d, d.Tenant(), time.Now}, args)
		}
		a, err := o.Open(cmd)
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd, office{a.People, a.Tenant, a.Clock}, args)
	}
	return shell.ByServer(cmd)
}

// of is at for a command whose first argument names a person.
func of(o *shell.Options, cmd *cobra.Command, do func(cmd *cobra.Command, a office, p signin.Person, args []string) error) *cobra.Command {
	return at(o, cmd, func(cmd *cobra.Command, a office, args []string) error {
		p, err := a.People.Find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return do(cmd, a, p, args)
	})
}

// There is such a register on this machine and on a server.
var (
	_ register = (*app.People)(nil)
	_ register = (*remote.Desk)(nil)
)
