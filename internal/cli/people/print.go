package people

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/cli/shell"
	"cxm/internal/signin"
)

// personDocument is one person as --output json prints them.
type personDocument struct {
	ID           int64          `json:"id"`
	Email        string         `json:"email"`
	Name         string         `json:"name"`
	Roles        []signin.Grant `json:"roles"`
	Installation bool           `json:"installation"`
	Password     bool           `json:"has_password"`
	CreatedAt    time.Time      `json:"created_at"`
	DisabledAt   *time.Time     `json:"disabled_at"`  // null: not disabled
	SignedInAt   *time.Time     `json:"signed_in_at"` // null: never
}

func toJSON(p signin.Person) personDocument {
	return personDocument{
		ID: p.ID, Email: p.Email, Name: p.Name, Roles: append([]signin.Grant{}, p.Grants...), Installation: p.Installation,
		Password: !p.Password.Empty(), CreatedAt: p.CreatedAt, DisabledAt: maybe(p.DisabledAt), SignedInAt: maybe(p.SignedInAt),
	}
}

// maybe is nil for the zero time.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// sessionDocument is one session as --output json prints it.
type sessionDocument struct {
	ID      int64     `json:"id"`
	Method  string    `json:"method"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
	BegunAt time.Time `json:"begun_at"`
	SeenAt  time.Time `json:"seen_at"`
	EndsAt  time.Time `json:"ends_at"`
}

// roles says what somebody is, for people.
func roles(p signin.Person, tenant string) string {
	var out []string
	for _, g := range p.Grants {
		text := string(g.Role)
		if g.Tenant != tenant {
			text += " in " + g.Tenant
		}
		if g.Origin != "" {
			text += " (by " + g.Origin + ")"
		}
		out = append(out, text)
	}
	if p.Installation {
		out = append(out, "looks after the installation")
	}
	if len(out) == 0 {
		return "without a role"
	}
	return strings.Join(out, ", ")
}

func printPeople(cmd *cobra.Command, o *shell.Options, tenant string, all []signin.Person) error {
	if o.JSON() {
		out := []personDocument{}
		for _, p := range all {
			out = append(out, toJSON(p))
		}
		return shell.PrintJSON(cmd.OutOrStdout(), out)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "There is nobody yet: run `cxm setup-link`, or `cxm people add`.")
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, p := range all {
		last := "never signed in"
		if !p.SignedInAt.IsZero() {
			last = "signed in " + p.SignedInAt.Format(time.DateOnly)
		}
		if !p.DisabledAt.IsZero() {
			last = "disabled since " + p.DisabledAt.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", p.ID, shell.OneLine(p.Email), shell.OneLine(p.Name), shell.OneLine(roles(p, tenant)), last)
	}
	return w.Flush()
}

// link is a link that works once.
type link struct {
	For    string    `json:"for,omitempty"`
	Path   string    `json:"-"`
	URL    string    `json:"link"`
	EndsAt time.Time `json:"expires_at"`
}

// printLink prints a link: itself as data, what it is for beside.
func printLink(cmd *cobra.Command, o *shell.Options, l link, url string) error {
	if url == "" {
		c, err := o.Load()
		if err != nil {
			return err
		}
		url = c.Server.PublicURL
	}
	l.URL = strings.TrimRight(url, "/") + l.Path
	if o.JSON() {
		return shell.PrintJSON(cmd.OutOrStdout(), l)
	}
	where := ""
	if url == "" {
		where = " behind the address of the service"
	}
	what := "Whoever opens this link" + where + " becomes the admin. It works once, until " + l.EndsAt.Format(time.RFC3339) + ":"
	if l.For != "" {
		what = "Send this link to " + shell.OneLine(l.For) + ": opened" + where + " it lets them choose a password. It works once, until " + l.EndsAt.Format(time.RFC3339) + ":"
	}
	fmt.Fprintln(cmd.ErrOrStderr(), what)
	_, err := fmt.Fprintln(cmd.OutOrStdout(), l.URL)
	return err
}
