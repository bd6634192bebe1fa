// Package dial is how connections to one GitLab are made: to which addresses,
// through which proxy, and whose certificates are trusted.
//
// What always holds: an address is judged when it is dialled, after its name was
// resolved, so that a name which means something else a moment later does not
// help; a refusal is a *RefusedError below the *issue.Trouble, and nothing was
// sent; metadata services of clouds are never dialled.
package dial

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"cxm/internal/gitlab/rest"
)

// NoProxy as Options.Proxy leaves the environment's proxy out.
const NoProxy = "none"

// Options is how to connect to one instance.
type Options struct {
	URL         string            // of the instance, as integration.ParseURL gives it
	CA          string            // certificates in PEM that are trusted beside the system's; empty: none
	Proxy       string            // as ParseProxy gives it; empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment
	Reach       Reach             // which addresses may be dialled
	Environment *httpproxy.Config // stands in for the environment's proxy; nil: the environment
	Resolver    *net.Resolver     // nil: the system's
}

// New makes the transport for one instance. Time-outs are those of
// rest.NewTransport. It connects to nothing; the error says what is wrong with
// the certificates or the proxy.
func New(o Options) (*http.Transport, error) {
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the instance URL: %w", err)
	}
	t := rest.NewTransport()
	if o.CA != "" {
		pool, err := trusting(o.CA)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	via, own, err := o.proxy(base)
	if err != nil {
		return nil, err
	}
	w := way{reach: o.Reach, host: base.Hostname(), resolver: o.Resolver}
	t.Proxy = nil
	if via != nil {
		instance := w
		t.Proxy = func(*http.Request) (*url.URL, error) { return via, instance.unseen() }
		w.host = via.Hostname()
		w.trusted = !own
	}
	t.DialContext = w.dial
	return t, nil
}

// proxy is the proxy to take, nil: none, and whether it came with the
// integration, rather than from whoever runs this process.
func (o Options) proxy(base *url.URL) (via *url.URL, own bool, err error) {
	switch o.Proxy {
	case NoProxy:
		return nil, false, nil
	case "":
		env := o.Environment
		if env == nil {
			env = httpproxy.FromEnvironment()
		}
		via, err := env.ProxyFunc()(base)
		if err != nil {
			return nil, false, fmt.Errorf("reading the proxy of the environment (HTTPS_PROXY, HTTP_PROXY): it is no URL: write it as in http://proxy.example.com:3128")
		}
		return via, false, nil
	}
	text, err := ParseProxy(o.Proxy)
	if err != nil {
		return nil, false, err
	}
	via, err = url.Parse(text)
	return via, true, err
}

// ParseProxy reads the address of a proxy as people type it, or NoProxy. A
// password in it is refused: it would be kept in the clear.
func ParseProxy(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == NoProxy {
		return text, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return "", fmt.Errorf("the proxy cannot be read: write it as in http://proxy.example.com:3128, or %s", NoProxy)
	case u.User != nil:
		return "", fmt.Errorf("the proxy carries a user name or password, which cxm would keep in the clear: set HTTPS_PROXY in the environment of cxm instead")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
		return "", fmt.Errorf("the proxy has the scheme %.20s: http, https and socks5 are known", u.Scheme)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the proxy has a path: give its host and port only")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// way is how to one host.
type way struct {
	reach    Reach
	host     string
	trusted  bool // the environment's proxy: whoever set it may reach it anyway
	resolver *net.Resolver
}

// dial connects, if the address that the name turned out to have may be dialled.
func (w way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: w.resolver,
		Control: func(_, address string, _ syscall.RawConn) error { return w.judge(address) },
	}
	return d.DialContext(ctx, network, address)
}

func (w way) judge(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the address %.80q: %w", address, err)
	}
	reach := w.reach
	if w.trusted {
		reach.Allow.Hosts = []string{w.host}
	}
	return reach.judge(w.host, to.Addr())
}

// unseen judges a host that a proxy will resolve, as far as it can be judged by
// how it is written.
func (w way) unseen() error {
	addr, err := netip.ParseAddr(w.host)
	switch {
	case err != nil && (strings.EqualFold(w.host, "localhost") || strings.HasSuffix(strings.ToLower(w.host), ".localhost")):
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case err != nil && !metadataName(w.host):
		return nil
	}
	if err := w.reach.judge(w.host, addr); err != nil {
		return &net.OpError{Op: "dial", Net: "tcp", Err: err} // so it counts as never sent
	}
	return nil
}

// Barred says that the instance, as its name resolves now, is where o.Reach does
// not let anybody connect to. What cannot be found out is not barred.
func Barred(ctx context.Context, o Options) bool {
	base, err := url.Parse(o.URL)
	if err != nil {
		return false
	}
	w := way{reach: o.Reach, host: base.Hostname()}
	via, _, err := o.proxy(base)
	if err != nil || via != nil {
		return err == nil && w.unseen() != nil
	}
	resolver := o.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	addrs, err := resolver.LookupNetIP(ctx, "ip", w.host)
	for _, addr := range addrs {
		if o.Reach.judge(w.host, addr) == nil {
			return false
		}
	}
	return err == nil && len(addrs) > 0
}
