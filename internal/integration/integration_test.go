package integration_test

import (
	"net/url"
	"strings"
	"testing"

	"cxm/internal/integration"
)

func TestParseURL(t *testing.T) {
	good := map[string]string{
		"gitlab.com":                        "https://gitlab.com",
		" https://GitLab.example.com/ ":     "https://gitlab.example.com",
		"gitlab.example.com:8443":           "https://gitlab.example.com:8443",
		"https://example.com/gitlab/":       "https://example.com/gitlab",
		"http://gitlab.internal":            "http://gitlab.internal",
		"127.0.0.1:8929":                    "http://127.0.0.1:8929",
		"localhost:8929":                    "http://localhost:8929",
		"[::1]:8929":                        "http://[::1]:8929",
		"https://gitlab.example.com//////":  "https://gitlab.example.com",
		"https://example.com/Tools/GitLab/": "https://example.com/Tools/GitLab",
	}
	for text, want := range good {
		if got, err := integration.ParseURL(text); err != nil || got != want {
			t.Errorf("ParseURL(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	bad := map[string]string{
		"": "empty", "   ": "empty", "ftp://gitlab.com": "scheme ftp", "https://": "no usable host",
		"https://user:secret-word@gitlab.com": "user name or password", "https://gitlab.com?x=1": "query", "https://gitlab.com#x": "fragment",
		"https://gitlab.com/api/v4": "address of the API", "https://git lab.com": "cannot be read", "https://gitlab.com:port": "cannot be read",
	}
	for text, want := range bad {
		got, err := integration.ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseURL(%q) = %q, %v; want an error about %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret-word") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// FuzzParseURL: what is accepted is an address without secrets, and is accepted
// again as it is.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"gitlab.com", "https://a:b@c", "http://[::1]:80/x/", "https://h/%2f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := integration.ParseURL(text)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Host == "" || u.RawQuery != "" || strings.HasSuffix(got, "/") {
			t.Errorf("ParseURL(%q) = %q", text, got)
		}
		if again, err := integration.ParseURL(got); err != nil || again != got {
			t.Errorf("ParseURL(%q) = %q, %v; want it unchanged", got, again, err)
		}
	})
}
