package work

import (
	"bytes"
	"net"
	"regexp"
	"testing"

	"cxm/internal/signin"
)

// TestWelcome prints an address that can be opened, wherever the service listens.
func TestWelcome(t *testing.T) {
	for _, c := range []struct {
		public string
		tls    bool
		at     net.Addr
		want   string
	}{
		{"", false, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, "http://127.0.0.1:8080"},
		{"", true, &net.TCPAddr{IP: net.IPv6loopback, Port: 8443}, "https://[::1]:8443"},
		{"", false, &net.TCPAddr{IP: net.IPv6unspecified, Port: 80}, "http://localhost:80"},
		{"https://cxm.example.com/", false, &net.TCPAddr{IP: net.IPv4zero, Port: 8080}, "https://cxm.example.com"},
		{"", false, &net.UnixAddr{Name: "/run/cxm.sock"}, ""},
	} {
		var out bytes.Buffer
		h := &host{to: &out, public: c.public, tls: c.tls}
		h.listening(c.at)
		h.welcome(signin.Mint(signin.ValueLink))
		if !regexp.MustCompile(`\n  ` + regexp.QuoteMeta(c.want) + `/setup\?link=cxml_[0-9A-Za-z]{49}\n`).MatchString(out.String()) {
			t.Errorf("%v: %s", c, &out)
		}
	}
}
