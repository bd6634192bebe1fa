package dial

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func allowed(t *testing.T, text string) Allowed {
	t.Helper()
	a, err := ParseAllowed(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Which addresses a person's own command reaches, which a server, and which
// nobody does.
func TestReach(t *testing.T) {
	const here, internet, never, asked = "here", "internet", "never", "asked"
	for addr, want := range map[string]string{
		"192.30.252.1": internet, "2606:4700::1": internet, "1.1.1.1": internet,
		"127.0.0.1": here, "127.255.255.254": here, "::1": here, "::ffff:127.0.0.1": here,
		"10.0.0.1": here, "172.16.0.1": here, "172.31.255.255": here, "192.168.1.1": here, "100.64.0.1": here, "fd12:3456::1": here, "::ffff:10.0.0.1": here,
		"172.32.0.1": internet, "100.128.0.1": internet,
		"0.0.0.0": asked, "::": asked, "169.254.1.1": asked, "fe80::1": asked, "fe80::1%eth0": asked, "224.0.0.1": asked, "ff02::1": asked,
		"255.255.255.255": asked, "240.0.0.1": asked, "192.0.2.1": asked, "198.18.0.1": asked, "2001:db8::1": asked, "2002:a00:1::": asked, "64:ff9b::a00:1": asked, "64:ff9b::101:101": asked, "::127.0.0.1": asked,
		"169.254.169.254": never, "::ffff:169.254.169.254": never, "169.254.170.2": never, "169.254.170.23": never, "fd00:ec2::254": never, "fd00:ec2::23": never,
		"fd20:ce::254": never, "100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never, "fe80::a9fe:a9fe": never, "fe80::a9fe:a9fe%eth0": never,
		"64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::1": never,
	} {
		everything := allowed(t, "0.0.0.0/0, ::/0, gitlab.example.com")
		for name, c := range map[string]struct {
			reach Reach
			may   bool
		}{
			"a command":                   {Reach{}, want == here || want == internet},
			"a server":                    {Reach{Public: true}, want == internet},
			"a server allowed everything": {Reach{Public: true, Allow: everything}, want != never},
			"a command allowed the host":  {Reach{Allow: allowed(t, "GitLab.example.com.")}, want != never},
			"a server allowed another":    {Reach{Public: true, Allow: allowed(t, "example.com,203.0.113.0/24")}, want == internet},
		} {
			err := c.reach.judge("gitlab.example.com", netip.MustParseAddr(addr))
			var refused *RefusedError
			if (err == nil) != c.may || err != nil && (!errors.As(err, &refused) || refused.Never != (want == never) || !strings.Contains(err.Error(), "gitlab.example.com")) {
				t.Errorf("%s, %s: %v", name, addr, err)
			}
		}
	}
}

// Behind NAT64 an address is judged by what the gateway takes it for.
func TestReachBehindNAT64(t *testing.T) {
	r := Reach{Public: true, Allow: allowed(t, "64:ff9b::/96")}
	for addr, may := range map[string]bool{"64:ff9b::101:101": true, "64:ff9b::a00:1": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false} {
		if err := r.judge("gitlab.example.com", netip.MustParseAddr(addr)); (err == nil) != may {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestMetadataNames(t *testing.T) {
	for _, host := range []string{"metadata.google.internal", "Metadata.Google.Internal.", "instance-data"} {
		var refused *RefusedError
		if err := (Reach{Allow: allowed(t, "metadata.google.internal,0.0.0.0/0")}).judge(host, netip.MustParseAddr("1.1.1.1")); !errors.As(err, &refused) || !refused.Never {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestParseAllowed(t *testing.T) {
	got := allowed(t, " 10.1.2.3/8, 192.0.2.7,fd00::/8\t[2001:db8::1] GitLab.Internal., ::ffff:10.0.0.1 bücher.example ")
	var all []string
	for _, p := range got.Prefixes {
		all = append(all, p.String())
	}
	if got := strings.Join(append(all, got.Hosts...), " "); got != "10.0.0.0/8 192.0.2.7/32 fd00::/8 2001:db8::1/128 10.0.0.1/32 gitlab.internal bücher.example" {
		t.Error(got)
	}
	if a := allowed(t, " ,"); len(a.Prefixes)+len(a.Hosts) != 0 {
		t.Error(a)
	}
	for _, bad := range []string{"10.0.0.0/33", "10.0.0", "https://gitlab.internal", "gitlab.internal:443", "*.internal", "user@host", "300.1.1.1", "fe80::1%eth0", "%"} {
		if got, err := ParseAllowed("gitlab.internal," + bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}
