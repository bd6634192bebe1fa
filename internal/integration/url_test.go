package integration_test

import (
	"net/url"
	"strings"
	"testing"

	"cxm/internal/integration"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"gitlab.com":                              "https://gitlab.com",
		"https://gitlab.com/":                     "https://gitlab.com",
		" https://GitLab.example.com/ ":           "https://gitlab.example.com",
		"HTTPS://gitlab.example.com":              "https://gitlab.example.com",
		"gitlab.example.com:8443":                 "https://gitlab.example.com:8443",
		"https://gitlab.example.com:443":          "https://gitlab.example.com",
		"http://gitlab.example.com:080":           "http://gitlab.example.com",
		"https://gitlab.example.com:80":           "https://gitlab.example.com:80",
		"https://example.com/gitlab/":             "https://example.com/gitlab",
		"example.com/gitlab":                      "https://example.com/gitlab",
		"http://gitlab.internal":                  "http://gitlab.internal",
		"gitlab":                                  "https://gitlab",
		"gitlab.example.com.":                     "https://gitlab.example.com",
		"127.0.0.1:8929":                          "http://127.0.0.1:8929",
		"localhost:8929":                          "http://localhost:8929",
		"localhost":                               "http://localhost",
		"[::1]:8929":                              "http://[::1]:8929",
		"::1":                                     "http://[::1]",
		"https://127.0.0.1":                       "https://127.0.0.1",
		"2001:db8::1":                             "https://[2001:db8::1]",
		"[2001:DB8:0::1]:8443/gitlab":             "https://[2001:db8::1]:8443/gitlab",
		"[::ffff:192.0.2.1]":                      "https://192.0.2.1",
		"192.0.2.1":                               "https://192.0.2.1",
		"https://gitlab.example.com//////":        "https://gitlab.example.com",
		"https://example.com/Tools/GitLab/":       "https://example.com/Tools/GitLab",
		"gitlab.bücher.example":                   "https://gitlab.xn--bcher-kva.example",
		"https://GITLAB.BÜCHER.example:8443/x":    "https://gitlab.xn--bcher-kva.example:8443/x",
		"gitlab.xn--bcher-kva.example":            "https://gitlab.xn--bcher-kva.example",
		"ｇｉｔｌａｂ．com":                              "https://gitlab.com",
		"localhost.example.com":                   "https://localhost.example.com", // not this machine
		"127.0.0.1.example.com":                   "https://127.0.0.1.example.com",
		"https://example.com/api":                 "",
		"https://straße.example/%67itlab":         "",
		"https://gitlab.example.com/acme/../root": "",
	} {
		got, err := integration.ParseURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseURL(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", "   ": "empty", "///": "empty", "ftp://gitlab.com": "scheme ftp", "https://": "no usable host", "https://:8443": "no usable host",
		"https:/gitlab.com": "write https://", "https//gitlab.com": "write https://", "http:gitlab.com": "cannot be read",
		"https://user:secret-word@gitlab.com": "user name or password", "user:secret-word@gitlab.com": "user name or password",
		"https://user:secret-word@git lab.com": "white space", "https://us%zz:secret-word@gitlab.com": "cannot be read",
		"git@gitlab.com:acme/platform.git": "an address for git", "ssh://git@gitlab.com/acme": "an address for git",
		"https://gitlab.com?x=1": "query", "https://gitlab.com#x": "fragment", "https://gitlab.com?": "query",
		"https://gitlab.com/api/v4": "address of the API", "https://example.com/api": "address of the API",
		"https://gitlab.example.com/acme/platform/-/issues": "address of a page", "https://gitlab.example.com/users/sign_in": "address of a page",
		"https://gitlab.example.com/acme/platform.git": "address of a repository", "https://gitlab.com/acme/platform": "--project",
		"https://git lab.com": "white space", "https://gitlab.com:port": "cannot be read", "https://gitlab.com:0": "port 0", "gitlab.com:65536": "port 65536",
		"https://gitlab.com:": "no usable host", `"gitlab.com"`: "quotes", "<https://gitlab.com>": "brackets", `https:\\gitlab.com`: "write / instead",
		"https://2001:db8::1": "in brackets", "https://2001:db8::1/gitlab": "in brackets", "[fe80::1%25eth0]": "zone",
		"127.1": "all four numbers", "0x7f.1": "all four numbers", "2130706433": "all four numbers", "0177.0.0.01": "all four numbers", "https://gitlab.0x7f": "all four numbers",
		"１２７.１": "looks like a name", "git_lab.example.com": "no host name", "-gitlab.example.com": "no host name", "gitlab..example.com": "no host name",
		strings.Repeat("a", 64) + ".example.com": "no host name", "https://gitlab.example.com/a/../b": ".. part", "https://gitlab.example.com/a//b": "empty",
		"https://gitlab.example.com/%2e%2e/b": "no relative root", "https://gitlab.example.com/gît": "no relative root", "https://gitlab.example.com/a%2fb": "no relative root",
	} {
		got, err := integration.ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseURL(%q) = %q, %v; want an error about %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret-word") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for base, want := range map[string]bool{
		"http://127.0.0.1:8929": true, "http://localhost": true, "http://[::1]:1/x": true,
		"http://localhost.example.com": false, "http://127.0.0.1.example.com": false, "https://gitlab.com": false, "http://10.0.0.1": false,
	} {
		if got := integration.Loopback(base); got != want {
			t.Errorf("Loopback(%q) = %v", base, got)
		}
	}
}

// FuzzParseURL: what is accepted is an address without secrets, and is accepted
// again as it is.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"gitlab.com", "https://a:b@c", "http://[::1]:80/x/", "https://h/%2f", "bücher.example", "[::ffff:1.2.3.4]", "https://xn--a", "a.1", "h:443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := integration.ParseURL(text)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Host == "" || u.RawQuery != "" || strings.HasSuffix(got, "/") || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("ParseURL(%q) = %q", text, got)
		}
		if again, err := integration.ParseURL(got); err != nil || again != got {
			t.Errorf("ParseURL(%q) = %q, %v; want it unchanged", got, again, err)
		}
	})
}
