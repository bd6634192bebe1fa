// Package bootstrap sets up a service account in GitLab with all that it takes to
// work: its roles, its token, its connection.
//
// What always holds: nothing is done before somebody agreed to the plan; the token
// of who may do it is never stored; it can be run again after any failure.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cxm/internal/app/connecting"
	"cxm/internal/app/core"
	"cxm/internal/credential"
	"cxm/internal/gitlab/rest"
	"cxm/internal/gitlab/setup"
	"cxm/internal/integration"
	"cxm/internal/integration/access"
	"cxm/internal/store/reviews"
)

// Maker sets up service accounts for one data directory.
type Maker struct {
	*core.Core

	connector *connecting.Connector
}

// New makes one that connects with what it makes.
func New(c *core.Core, connector *connecting.Connector) *Maker {
	return &Maker{Core: c, connector: connector}
}

// Request is a service account to be set up, with all that it takes to work.
type Request struct {
	URL      string              // as people type it
	Owner    credential.Secret   // the token of somebody who may; used, never stored
	Level    string              // group, project or instance; optional: group when Group is given, else project
	Group    string              // path: the account's home with the level group
	Project  string              // path or id: where issues go, and the account's home with the level project; optional: the first project of Add
	Add      []string            // groups and projects that the account joins; optional: Project, which is joined in any case
	Name     string              // of the account, for people; optional: "cxm integration"
	Username string              // optional: cxm-integration
	Role     access.Role         // optional: maintainer
	Scopes   []string            // of the token; optional: Scopes
	Days     int                 // that the token works; optional: 365
	Network  integration.Network // as in Connect
}

// Scopes are the scopes that the guide asks for.
func Scopes() []string {
	return []string{"api", "read_user", "read_repository", "write_repository", "self_rotate"}
}

// Result is what became of it.
type Result struct {
	Plan      Plan
	Done      []Step                // in their order
	Notes     []string              // what was not as usual, for people
	Connected *connecting.Connected // nil: nothing was connected anew
	Guide     []string              // where there are no service accounts: how a bot user is made instead
}

// BootstrapGitLab looks, plans, asks, and sets up what lacks. When ask answers
// false nothing is done. It can be run again after any failure: what is there is
// found by the account's user name and by what is written down here, what GitLab
// may have carried out is looked up, and a token whose value was lost is revoked.
func (m *Maker) BootstrapGitLab(ctx context.Context, w Request, ask func(Plan) (bool, error)) (Result, error) {
	w, err := w.filled()
	if err != nil {
		return Result{}, err
	}
	b := &bootstrapper{maker: m, want: w, reviews: m.Reviews()}
	if err = b.look(ctx); err == nil {
		b.out.Plan.Steps = w.steps(b.settled)
		var yes bool
		if yes, err = ask(b.out.Plan); err == nil && yes {
			err = b.carry(ctx)
		}
	}
	if errors.Is(err, setup.ErrNoServiceAccounts) {
		b.out.Guide = BotUser(b.base, b.project.Path, w.Role, w.Scopes)
	}
	return b.out, err
}

// filled has the defaults in place. The error names what is missing.
func (w Request) filled() (Request, error) {
	if w.Level == "" {
		w.Level = string(setup.Project)
		if w.Group != "" {
			w.Level = string(setup.Group)
		}
	}
	if w.Name = strings.TrimSpace(w.Name); w.Name == "" {
		w.Name = "cxm integration"
	}
	if w.Username == "" {
		w.Username = "cxm-integration"
	}
	if w.Role == access.Unknown {
		w.Role = access.Maintainer
	}
	if len(w.Scopes) == 0 {
		w.Scopes = Scopes()
	}
	if w.Days == 0 {
		w.Days = 365
	}
	return w, w.check()
}

// userName is what GitLab takes for one.
var userName = regexp.MustCompile(`^[a-zA-Z0-9_.][a-zA-Z0-9_.-]{0,253}$`)

func (w Request) check() error {
	switch level := setup.Level(w.Level); {
	case level != setup.Group && level != setup.Project && level != setup.Instance:
		return fmt.Errorf("--level %q: use group, project or instance", w.Level)
	case level == setup.Group && w.Group == "":
		return errors.New("--level group needs --group: the group in which the service account is made")
	case level != setup.Group && w.Group != "":
		return fmt.Errorf("--group is the home of a service account of a group: leave it out with --level %s, or name the group with --add", w.Level)
	case w.Project == "" && len(w.Add) == 0:
		return errors.New("say in which project issues are created: --project group/project")
	case !userName.MatchString(w.Username):
		return fmt.Errorf("--username %q: use letters, digits, and - _ . between them", w.Username)
	case !slices.Contains(w.Scopes, "api"):
		return errors.New("--scopes: cxm cannot create issues without the scope api")
	case w.Days < 1:
		return fmt.Errorf("--expires-days %d: use a number of days from 1", w.Days)
	}
	return nil
}

// bootstrapper is one bootstrap under way.
type bootstrapper struct {
	maker   *Maker
	want    Request
	reviews *reviews.Store
	base    string
	owner   setup.User
	known   reviews.Bootstrap
	settled
	token credential.Secret // made just now
	out   Result
}

// client acts with the owner's token.
func (b *bootstrapper) client(ctx context.Context, readOnly bool) (*setup.Client, error) {
	given, err := b.maker.Network(b.want.Network)
	if err != nil {
		return nil, err
	}
	before, err := b.maker.Connections().Network(ctx, b.base)
	if err != nil {
		return nil, err
	}
	travel, err := b.maker.TravelBy(b.base, core.Over(given, before))
	if err != nil {
		return nil, err
	}
	c, err := b.maker.Rest(b.base, 0, readOnly, func(o *rest.Options) { o.Token, o.Transport = b.want.Owner.Reveal, travel })
	if err != nil {
		return nil, err
	}
	return setup.New(c), nil
}
