package connect

import (
	"fmt"
	"io"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/integration"
)

func printConnected(out, errs io.Writer, c app.Connected) {
	in := c.Integration
	fmt.Fprintf(out, "Connected to %s", in.URL)
	if in.Version != "" {
		fmt.Fprintf(out, " (GitLab %s)", in.Version)
	}
	fmt.Fprintf(out, "\n  as       %s, %s\n  project  %s (id %d), access level %d\n  token    %s, scopes %s\n",
		in.Account.Username, kindOf(in.Account), in.Project.Path, in.Project.ID, in.Project.AccessLevel, expiry(c.Token.ExpiresAt), strings.Join(c.Token.Scopes, ", "))
	if !c.Issues.None() {
		fmt.Fprintf(out, "  issues   get %s\n", givenWords(c.Issues))
	}
	for _, w := range c.Warnings {
		fmt.Fprintln(errs, "Warning:", w)
	}
	if c.Private != "" {
		fmt.Fprintf(out, "This is not an address of the internet: to let `cxm serve` connect to it too, set CXM_ALLOW_PRIVATE=%s for it.\n", c.Private)
	}
	fmt.Fprintf(out, "Next: `cxm ingest --source TYPE FILE`, then `cxm plan`.\n")
}

func kindOf(a integration.Account) string {
	if a.Bot {
		return "a service account or bot"
	}
	return "a user"
}

// givenWords is what issues are given, for people.
func givenWords(d integration.Defaults) string {
	var parts []string
	if len(d.Labels) > 0 {
		parts = append(parts, "the labels "+strings.Join(d.Labels, ", "))
	}
	if d.AssigneeID != 0 {
		parts = append(parts, "the assignee "+d.Assignee)
	}
	if d.Confidential {
		parts = append(parts, "confidentiality")
	}
	if len(parts) == 0 {
		return "nothing special"
	}
	return strings.Join(parts, "; ")
}

func expiry(at time.Time) string {
	if at.IsZero() {
		return "no expiry known"
	}
	return "expires on " + at.Format(time.DateOnly)
}

// accountJSON is whom cxm acts as.
type accountJSON struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Bot      bool   `json:"bot"`
}

// projectJSON is where issues go.
type projectJSON struct {
	ID          int64  `json:"id"`
	Path        string `json:"path"`
	WebURL      string `json:"web_url"`
	AccessLevel int    `json:"access_level"`
}

// issuesJSON is what issues are given when they are made.
type issuesJSON struct {
	Labels       []string `json:"labels"`
	Assignee     *string  `json:"assignee"`
	Confidential bool     `json:"confidential"`
}

func newIssuesJSON(d integration.Defaults) issuesJSON {
	out := issuesJSON{Labels: append([]string{}, d.Labels...), Confidential: d.Confidential}
	if d.AssigneeID != 0 {
		out.Assignee = &d.Assignee
	}
	return out
}

// day is a date of JSON; nil where there is none.
func day(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	text := at.Format(time.DateOnly)
	return &text
}

// connectedJSON is what --output json prints of a connection.
func connectedJSON(c app.Connected) any {
	in := c.Integration
	return struct {
		ID        int64       `json:"id"`
		URL       string      `json:"url"`
		Version   string      `json:"version"`
		Account   accountJSON `json:"account"`
		Project   projectJSON `json:"project"`
		Issues    issuesJSON  `json:"new_issues"`
		ExpiresAt *string     `json:"token_expires_at"`
		Scopes    []string    `json:"token_scopes"`
		Private   string      `json:"private_host"` // to be named in CXM_ALLOW_PRIVATE for cxm serve; empty: no need
		Warnings  []string    `json:"warnings"`
	}{in.ID, in.URL, in.Version, accountJSON{in.Account.ID, in.Account.Username, in.Account.Bot},
		projectJSON{in.Project.ID, in.Project.Path, in.Project.WebURL, in.Project.AccessLevel},
		newIssuesJSON(c.Issues), day(c.Token.ExpiresAt), c.Token.Scopes, c.Private, c.Warnings}
}
