package integration

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// ParseURL reads a GitLab Instance URL as people type it: "gitlab.com",
// "https://gitlab.example.com/", with a port, with a relative URL root, with an
// international host name, with an IPv6 address. Without a scheme it is https, or
// http for a loopback address. What comes back has a lower-case ASCII host, no
// port that its scheme implies, and no slash at the end. The error names what is
// wrong, and never repeats a password.
func ParseURL(text string) (string, error) {
	trimmed := strings.TrimSpace(text)
	if strings.Trim(trimmed, "/") == "" {
		return "", errors.New("the GitLab instance URL is empty: give a host such as gitlab.com")
	}
	if why := misread(trimmed); why != "" {
		return "", fault(text, why)
	}
	if !strings.Contains(trimmed, "://") {
		trimmed = schemed(trimmed)
	}
	u, err := url.Parse(trimmed)
	if err != nil {
		return "", fault(text, "cannot be read"+unreadable(trimmed))
	}
	if u.User != nil {
		return "", errors.New("the GitLab instance URL carries a user name or password: take it out, the token is given separately")
	}
	host, why := hostOf(u)
	if why == "" {
		why = astray(u, host)
	}
	if why != "" {
		return "", fault(text, why)
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.Path, "/"), nil
}

func fault(text, why string) error {
	if strings.Contains(text, "@") { // it may hold a password
		return errors.New("the GitLab instance URL " + why)
	}
	return fmt.Errorf("the GitLab instance URL %.80q %s", strings.TrimSpace(text), why)
}

// misread is what is wrong with a text before it can be taken for a URL.
func misread(text string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "cannot be read: it holds white space or a control character; give a host such as gitlab.com"
	case strings.ContainsAny(text, "\"'`<>"):
		return "cannot be read: it holds quotes or brackets; give a host such as gitlab.com"
	case strings.Contains(text, `\`):
		return `has a \: write / instead`
	case !strings.Contains(text, "://") && (strings.HasPrefix(lower, "http:/") || strings.HasPrefix(lower, "https:/") ||
		strings.HasPrefix(lower, "http//") || strings.HasPrefix(lower, "https//")):
		return "has a scheme that is not written whole: write https:// in front of the host"
	case strings.HasPrefix(lower, "git@"), strings.HasPrefix(lower, "ssh://"), strings.HasPrefix(lower, "git://"):
		return "is an address for git: give the address people open in a browser, such as gitlab.com"
	}
	return ""
}

// schemed puts the scheme in front of what has none, and brackets around an IPv6
// address without them.
func schemed(text string) string {
	authority, path, cut := strings.Cut(text, "/")
	if cut {
		path = "/" + path
	}
	if addr, err := netip.ParseAddr(authority); err == nil && addr.Is6() {
		authority = "[" + authority + "]"
	}
	host := authority
	if name, _, err := net.SplitHostPort(authority); err == nil {
		host = name
	}
	if loopback(strings.Trim(host, "[]")) {
		return "http://" + authority + path
	}
	return "https://" + authority + path
}

// Loopback says that the host of a URL, as ParseURL returns it, is this machine.
func Loopback(base string) bool {
	u, err := url.Parse(base)
	return err == nil && loopback(u.Hostname())
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// unreadable guesses why net/url does not read it.
func unreadable(text string) string {
	_, rest, _ := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if strings.Count(authority, ":") > 1 && !strings.Contains(authority, "[") {
		return ": write an IPv6 address in brackets, as in https://[2001:db8::1]:8443"
	}
	return ": give a host such as gitlab.com"
}

// hostOf is the host with the port it needs, as it is kept, or what is wrong with it.
func hostOf(u *url.URL) (host, why string) {
	if u.Scheme != "https" && u.Scheme != "http" {
		return "", "has the scheme " + u.Scheme + ": use https (or http inside a trusted network)"
	}
	if u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || u.Opaque != "" {
		return "", "has no usable host: give a host such as gitlab.com"
	}
	if host, why = named(strings.TrimSuffix(u.Hostname(), ".")); why != "" {
		return "", why
	}
	port := u.Port()
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return "", "has the port " + port + ": ports are 1 to 65535"
	}
	if port = strings.TrimLeft(port, "0"); port == "" || port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		return host, ""
	}
	return host + ":" + port, ""
}

// named is an address, or a host name in ASCII, as a URL holds it.
func named(host string) (as, why string) {
	if addr, err := netip.ParseAddr(host); err == nil {
		switch addr = addr.Unmap(); {
		case addr.Zone() != "":
			return "", "has an IPv6 address with a zone, which means something on this machine alone: give a host name"
		case addr.Is6():
			return "[" + addr.String() + "]", ""
		}
		return addr.String(), ""
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; number(last) {
		return "", "has a host that is neither a name nor an IPv4 address: write all four numbers, as in 192.0.2.1"
	}
	ascii, err := strict().ToASCII(host)
	again, twice := strict().ToASCII(ascii)
	if err != nil || twice != nil || again != ascii || ascii == "" || strings.HasSuffix(ascii, ".") {
		return "", fmt.Sprintf("has no usable host: %.60q is no host name (letters, digits, hyphens and dots)", host)
	}
	if _, err := netip.ParseAddr(ascii); err == nil || number(ascii[strings.LastIndexByte(ascii, '.')+1:]) {
		return "", "has a host that only looks like a name: write the address in plain digits"
	}
	return ascii, ""
}

// strict reads international host names as browsers do (UTS 46), and holds names
// to what DNS allows.
func strict() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false))
}

// number says that some resolvers would take the label for part of an address.
func number(label string) bool {
	_, err := strconv.ParseUint(label, 0, 64)
	return err == nil || label != "" && strings.Trim(label, "0123456789") == ""
}

// astray is what is wrong with a URL that has a host: most of all, that it is the
// address of something in GitLab rather than GitLab's own.
func astray(u *url.URL, host string) string {
	root := strings.TrimRight(u.Path, "/")
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a query or a fragment: give only the address of the instance"
	case strings.Contains(root+"/", "/api/"):
		return "is the address of the API: give the address people open in a browser"
	case strings.Contains(root+"/", "/-/"), strings.HasSuffix(root, "/users/sign_in"):
		return "is the address of a page in GitLab: give only that of the instance"
	case strings.HasSuffix(root, ".git"):
		return "is the address of a repository: give only that of the instance, and the project with --project"
	case host == "gitlab.com" && root != "":
		return "goes on behind the host, and GitLab.com has nothing there but projects: give gitlab.com, and the project with --project"
	case u.RawPath != "" || strings.ContainsFunc(root, odd):
		return "has a path with characters that no relative root has: letters, digits, - _ . ~ and / are allowed"
	case strings.Contains(root, "//") || strings.Contains(root+"/", "/./") || strings.Contains(root+"/", "/../"):
		return "has a path with an empty, . or .. part: give the relative root as it is, such as /gitlab"
	}
	return ""
}

func odd(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/", r)
}
