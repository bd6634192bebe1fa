package connect

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cxm/internal/app"
	"cxm/internal/integration"
)

func printCatalog(w io.Writer) {
	for i, p := range integration.Catalog() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s (%s)\n  %s\n", p.Name, p.ID, p.Description)
		for _, n := range p.Needs {
			optional := ""
			if !n.Required {
				optional = " (optional)"
			}
			fmt.Fprintf(w, "  needs %s%s: %s\n", n.Label, optional, n.Hint)
		}
		if p.Command == "" {
			fmt.Fprintf(w, "  not yet: %s\n", p.Missing)
			continue
		}
		fmt.Fprintf(w, "  connect: %s\n", p.Command)
	}
}

func printIntegrations(w io.Writer, details []app.Detail, gone []app.Gone) {
	if len(details) == 0 {
		fmt.Fprintln(w, app.ErrNotConnected)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range details {
		in := d.Integration
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d open\ttoken %s\n", in.ID, in.URL, in.Project.Path, in.Account.Username, d.Open, d.Token.State)
	}
	for _, g := range gone {
		fmt.Fprintf(t, "%d\t%s\t%s\tdisconnected %s\t\t\n", g.ID, g.URL, g.Path, g.Since.Format(time.DateOnly))
	}
	_ = t.Flush() // as for every other line that is printed
}

func printDetail(w io.Writer, d app.Detail) {
	in := d.Integration
	fmt.Fprintf(w, "Integration %d\n  instance   %s", in.ID, in.URL)
	if in.Version != "" {
		fmt.Fprintf(w, " (GitLab %s)", in.Version)
	}
	fmt.Fprintf(w, "\n  account    %s, %s\n  project    %s (id %d), access level %d\n", in.Account.Username, kindOf(in.Account), in.Project.Path, in.Project.ID, in.Project.AccessLevel)
	fmt.Fprintf(w, "  token      %s, %s, scopes %s\n", d.Token.State, expiry(d.Token.ExpiresAt), strings.Join(d.Token.Scopes, ", "))
	fmt.Fprintf(w, "  issues     %d open; new ones get %s\n", d.Open, givenWords(d.Issues))
	fmt.Fprintf(w, "  on change  of the project: %s\n", cmp.Or(in.OnRoute, "move"))
	if d.Network.CA != "" {
		fmt.Fprintf(w, "  trusts     a private authority (%d certificates)\n", strings.Count(d.Network.CA, "BEGIN CERTIFICATE"))
	}
	if d.Network.Proxy != "" {
		fmt.Fprintf(w, "  proxy      %s\n", d.Network.Proxy)
	}
	fmt.Fprintf(w, "  connected  %s, last verified %s\n", in.CreatedAt.Format(time.DateOnly), in.VerifiedAt.Format(time.RFC3339))
}

func printLeaving(w io.Writer, l app.Leaving, revoke bool) {
	in := l.Integration
	fmt.Fprintf(w, "Disconnecting from %s in %s (integration %d):\n", in.Project.Path, in.URL, in.ID)
	fmt.Fprintf(w, "  - cxm forgets the token%s.\n", map[bool]string{true: ", and GitLab revokes it", false: "; in GitLab it stays valid"}[revoke])
	fmt.Fprintf(w, "  = %d open issues stay as they are; nobody updates or closes them any more.\n", l.Open)
	if l.Runs > 0 {
		fmt.Fprintf(w, "  - %d runs that are under way or wait end here.\n", l.Runs)
	}
	if l.Webhooks > 0 {
		fmt.Fprintf(w, "  - %d webhooks are deleted in GitLab.\n", l.Webhooks)
	}
	fmt.Fprintln(w, "  = The journal is kept, and connecting the same project again goes on from here.")
}

// detailJSON is a connection for programs.
type detailJSON struct {
	ID            int64       `json:"id"`
	Provider      string      `json:"provider"`
	URL           string      `json:"url"`
	Version       string      `json:"version"`
	Account       accountJSON `json:"account"`
	Project       projectJSON `json:"project"`
	OnRouteChange string      `json:"on_route_change"`
	Issues        issuesJSON  `json:"new_issues"`
	Open          int         `json:"open_issues"`
	TokenState    string      `json:"token_state"`
	ExpiresAt     *string     `json:"token_expires_at"`
	Scopes        []string    `json:"token_scopes"`
	CA            string      `json:"ca"` // PEM
	Proxy         string      `json:"proxy"`
	CreatedAt     time.Time   `json:"created_at"`
	VerifiedAt    time.Time   `json:"verified_at"`
}

func newDetailJSON(d app.Detail) detailJSON {
	in := d.Integration
	return detailJSON{
		ID: in.ID, Provider: string(in.Provider), URL: in.URL, Version: in.Version,
		Account:       accountJSON{in.Account.ID, in.Account.Username, in.Account.Bot},
		Project:       projectJSON{in.Project.ID, in.Project.Path, in.Project.WebURL, in.Project.AccessLevel},
		OnRouteChange: cmp.Or(in.OnRoute, "move"), Issues: newIssuesJSON(d.Issues), Open: d.Open,
		TokenState: string(d.Token.State), ExpiresAt: day(d.Token.ExpiresAt), Scopes: append([]string{}, d.Token.Scopes...),
		CA: d.Network.CA, Proxy: d.Network.Proxy, CreatedAt: in.CreatedAt, VerifiedAt: in.VerifiedAt,
	}
}

// goneJSON is a connection that was.
type goneJSON struct {
	ID             int64     `json:"id"`
	URL            string    `json:"url"`
	Project        string    `json:"project"`
	DisconnectedAt time.Time `json:"disconnected_at"`
}

func listJSON(details []app.Detail, gone []app.Gone) any {
	out := struct {
		Integrations []detailJSON `json:"integrations"`
		Disconnected []goneJSON   `json:"disconnected"` // empty without --all
	}{[]detailJSON{}, []goneJSON{}}
	for _, d := range details {
		out.Integrations = append(out.Integrations, newDetailJSON(d))
	}
	for _, g := range gone {
		out.Disconnected = append(out.Disconnected, goneJSON{g.ID, g.URL, g.Path, g.Since})
	}
	return out
}

func editedJSON(e app.Edited) any {
	return struct {
		detailJSON
		Changed  []string `json:"changed"`
		Warnings []string `json:"warnings"`
	}{newDetailJSON(e.Detail), append([]string{}, e.Changed...), append([]string{}, e.Remarks...)}
}

func disconnectedJSON(d app.Disconnected) any {
	return struct {
		ID       int64    `json:"id"`
		URL      string   `json:"url"`
		Project  string   `json:"project"`
		Revoked  bool     `json:"token_revoked"`
		Steps    int64    `json:"steps_ended"` // that were planned, and are not taken
		Runs     int64    `json:"runs_ended"`
		Warnings []string `json:"warnings"`
	}{d.Integration.ID, d.Integration.URL, d.Integration.Project.Path, d.Revoked, d.Steps, d.Runs, append([]string{}, d.Remarks...)}
}

// productJSON is an entry of the catalogue.
type productJSON struct {
	ID          string     `json:"id"`
	Provider    string     `json:"provider"`
	Name        string     `json:"name"`
	Category    string     `json:"category"`
	Description string     `json:"description"`
	SignIn      string     `json:"sign_in"`
	Needs       []needJSON `json:"needs"`
	Available   bool       `json:"available"`
	Command     string     `json:"command"`
	Missing     string     `json:"missing"` // what it waits for; empty when it is available
}

type needJSON struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Hint     string `json:"hint"`
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
}

func catalogJSON() any {
	out := []productJSON{}
	for _, p := range integration.Catalog() {
		one := productJSON{
			ID: p.ID, Provider: string(p.Provider), Name: p.Name, Category: p.Category, Description: p.Description,
			SignIn: string(p.SignIn), Available: p.Command != "", Command: p.Command, Missing: p.Missing,
		}
		for _, n := range p.Needs {
			one.Needs = append(one.Needs, needJSON(n))
		}
		out = append(out, one)
	}
	return out
}
