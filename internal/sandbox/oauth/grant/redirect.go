package grant

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// redirectFault says what is wrong with a redirect URI, in doorkeeper's words.
func redirectFault(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return "must be a valid URI."
	case strings.Contains(uri, "#"):
		return "cannot contain a fragment."
	case u.Scheme == "" || u.Scheme == "localhost" || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return "must be an absolute URI."
	case slices.Contains([]string{"data", "vbscript", "javascript"}, strings.ToLower(u.Scheme)):
		return "is forbidden by the server."
	}
	return ""
}

// Returns says whether the application may be returned to at uri: one of its
// own, to the letter, but for the port of a loopback address (RFC 8252, section
// 7.3; doorkeeper's URIChecker, for which localhost is no such address).
func (a *Application) Returns(uri string) bool {
	return slices.ContainsFunc(a.Redirects, func(own string) bool { return sameRedirect(uri, own) })
}

func sameRedirect(uri, own string) bool {
	if uri == own {
		return true
	}
	u, err := url.Parse(uri)
	o, oerr := url.Parse(own)
	if err != nil || oerr != nil || !loopback(u) || !loopback(o) {
		return false
	}
	return u.Scheme == o.Scheme && u.User.String() == o.User.String() && u.Hostname() == o.Hostname() &&
		u.EscapedPath() == o.EscapedPath() && u.RawQuery == o.RawQuery && u.Fragment == o.Fragment
}

func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}
