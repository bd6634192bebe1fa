package dial

import (
	"fmt"
	"net/netip"
	"strings"

	"code.dny.dev/ssrf"
)

// Reach is which addresses may be dialled. The zero value is that of a command
// that a person runs on a machine of their own: the internet, this machine and
// its private networks. Metadata services of clouds are never reached
// (docs/decisions/0009-reach.md).
type Reach struct {
	Public bool    // only the internet, beside what is allowed: for a server, which connects for others
	Allow  Allowed // on top of that
}

// Allowed is what an administrator allows beside the internet.
type Allowed struct {
	Prefixes []netip.Prefix // of addresses
	Hosts    []string       // whatever their address, in lower case
}

// ParseAllowed reads a list of CIDRs, addresses and host names, separated by
// commas or spaces.
func ParseAllowed(text string) (Allowed, error) {
	var out Allowed
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if prefix, err := netip.ParsePrefix(part); err == nil {
			out.Prefixes = append(out.Prefixes, prefix.Masked())
			continue
		}
		if addr, err := netip.ParseAddr(strings.Trim(part, "[]")); err == nil && addr.Zone() == "" {
			out.Prefixes = append(out.Prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		if strings.ContainsAny(part, "/:@*%[]") || !strings.ContainsFunc(part, letter) {
			return Allowed{}, fmt.Errorf("%.60q is no network, address or host name: write them as in 10.0.0.0/8, 192.0.2.7 or gitlab.internal, separated by commas", part)
		}
		out.Hosts = append(out.Hosts, strings.TrimSuffix(strings.ToLower(part), "."))
	}
	return out, nil
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f }

// RefusedError says that an address is not dialled.
type RefusedError struct {
	Host  string // as the instance URL, or the proxy's, has it
	Addr  netip.Addr
	What  string // the address is, for people: "a private address"
	Never bool   // no configuration allows it
}

// Error names the host, its address and what that is.
func (e *RefusedError) Error() string {
	who := e.Host
	if e.Addr.IsValid() && e.Addr.String() != e.Host {
		who += " (" + e.Addr.String() + ")"
	}
	return "cxm does not connect to " + who + ", which is " + e.What
}

// Mend is the next step for the person.
func (e *RefusedError) Mend() string {
	if e.Never {
		return "Such services give away a machine's own credentials, so nothing allows it: check the instance URL, and who answers for its name in DNS"
	}
	return "If it is your GitLab, allow it: name the host, its address or its network in CXM_ALLOW_PRIVATE or --allow-private, such as " + e.Host
}

// judge says whether the address of a host may be dialled; nil: it may.
func (r Reach) judge(host string, addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if metadata(addr) || metadataName(host) {
		return &RefusedError{Host: host, Addr: addr, What: "a metadata service of a cloud", Never: true}
	}
	if r.allows(host) {
		return nil
	}
	if r.guardian().SafeAddr(addr) != nil {
		return &RefusedError{Host: host, Addr: addr, What: kind(addr)}
	}
	if inner, ok := embedded(addr); ok {
		return r.judge(host, inner)
	}
	return nil
}

func (r Reach) allows(host string) bool {
	for _, each := range r.Allow.Hosts {
		if strings.EqualFold(each, strings.TrimSuffix(host, ".")) {
			return true
		}
	}
	return false
}

// guardian knows every special range that the IANA lists.
func (r Reach) guardian() *ssrf.Guardian {
	allowed := r.Allow.Prefixes
	if !r.Public {
		allowed = append(local(), allowed...)
	}
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
}

// local is this machine and private networks: RFC 1918, RFC 6598 (which VPNs use
// too) and RFC 4193. What is link-local is none of them.
func local() []netip.Prefix {
	return prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
}

// metadata says that clouds serve credentials to their machines there.
func metadata(addr netip.Addr) bool {
	for _, p := range prefixes(
		"169.254.169.254/32",                    // AWS, Azure, Google, Oracle, DigitalOcean and most others
		"169.254.170.2/32",                      // AWS: tasks of ECS
		"169.254.170.23/32", "fd00:ec2::23/128", // AWS: pods of EKS
		"fd00:ec2::254/128",      // AWS
		"fd20:ce::254/128",       // Google
		"fd00:c1::a9fe:a9fe/128", // Oracle
		"100.100.100.200/32",     // Alibaba
		"168.63.129.16/32",       // Azure: the host of a machine
		"192.0.0.192/32",         // Oracle, classic
		"fe80::a9fe:a9fe/128",    // OpenStack
	) {
		if p.Contains(addr) {
			return true
		}
	}
	if inner, ok := embedded(addr); ok {
		return metadata(inner)
	}
	return false
}

// embedded is the IPv4 address that a gateway takes an IPv6 address for: NAT64
// (RFC 6052) and 6to4 (RFC 3056).
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case !addr.Is6():
		return netip.Addr{}, false
	case prefixes("64:ff9b::/96")[0].Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case prefixes("2002::/16")[0].Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// metadataName says that a name is one by which clouds know the service, which a
// proxy would resolve out of cxm's sight.
func metadataName(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	switch host {
	case "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal", "metadata.platformequinix.com":
		return true
	}
	return false
}

// kind is what a refused address is, for people.
func kind(addr netip.Addr) string {
	switch {
	case addr.IsLoopback():
		return "this machine (a loopback address)"
	case addr.IsLinkLocalUnicast(), addr.IsLinkLocalMulticast():
		return "a link-local address"
	case addr.IsPrivate(), prefixes("100.64.0.0/10")[0].Contains(addr):
		return "a private address"
	case addr.IsUnspecified():
		return "no address of anything"
	case addr.IsMulticast():
		return "a multicast address"
	}
	return "an address reserved for special use"
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}
