// Package integration is one connection to one tracker: where it is, as whom
// cxm acts there, and where issues go by default.
//
// What always holds: a project is known by its numeric id (paths are for
// people and change); an integration never holds a token, only credential does.
package integration

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Provider names the kind of tracker.
type Provider string

// GitLab is the only provider so far; a second one is an adapter.
const GitLab Provider = "gitlab"

// Integration is one connection.
type Integration struct {
	ID         int64
	Provider   Provider
	URL        string // normalised: scheme, host, optional port and relative root; no slash at the end
	Version    string // the instance's, such as "19.3.0-ee"; empty: it does not say
	Account    Account
	Project    Project // where issues are created by default
	CreatedAt  time.Time
	VerifiedAt time.Time // when the tracker last confirmed token and project
}

// Account is whom cxm acts as.
type Account struct {
	ID       int64
	Username string
	Name     string
	Bot      bool // GitLab says so of service accounts and access-token bots; not of a dedicated bot user
}

// Project is where issues go.
type Project struct {
	ID          int64
	Path        string // with namespace, as the tracker spells it
	WebURL      string
	AccessLevel int // GitLab access level of the account in it: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner; 0: unknown
}

// ParseURL reads a GitLab Instance URL as people type it: "gitlab.com",
// "https://gitlab.example.com/", with a port, with a relative URL root. Without
// a scheme it is https, or http for a loopback address. The error names what
// is wrong with it.
func ParseURL(text string) (string, error) {
	trimmed := strings.TrimSpace(text)
	if strings.Trim(trimmed, "/") == "" {
		return "", fmt.Errorf("the GitLab instance URL is empty: give a host such as gitlab.com")
	}
	if !strings.Contains(trimmed, "://") {
		trimmed = defaultScheme(trimmed) + "://" + trimmed
	}
	u, err := url.Parse(trimmed)
	switch {
	case err != nil || strings.ContainsFunc(trimmed, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "", fmt.Errorf("the GitLab instance URL %.80q cannot be read: give a host such as gitlab.com", text)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("the GitLab instance URL %.80q has the scheme %s: use https (or http inside a trusted network)", text, u.Scheme)
	case u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " _@") || strings.HasSuffix(u.Host, ":"):
		return "", fmt.Errorf("the GitLab instance URL %.80q has no usable host: give a host such as gitlab.com", text)
	case u.User != nil:
		return "", fmt.Errorf("the GitLab instance URL carries a user name or password: take it out, the token is given separately")
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the GitLab instance URL %.80q has a query or a fragment: give only the address of the instance", text)
	case strings.Contains(u.Path, "/api/"):
		return "", fmt.Errorf("the GitLab instance URL %.80q is the address of the API: give the address people open in a browser", text)
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// defaultScheme is https but for loopback, where test servers speak http.
func defaultScheme(hostPort string) string {
	host := hostPort
	if i := strings.IndexAny(host, "/"); i >= 0 {
		host = host[:i]
	}
	if strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "[::1]") {
		return "http"
	}
	return "https"
}
