package serve

import (
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// perAddress closes connections of one address beyond a number at once, so that
// one client does not take all of them.
type perAddress struct {
	net.Listener
	most    int
	spared  []netip.Prefix // proxies, behind which there are many clients
	refused prometheus.Counter

	mu   sync.Mutex
	open map[netip.Prefix]int // guarded by mu
}

// Accept implements net.Listener.
func (l *perAddress) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, ok := l.enter(c.RemoteAddr())
		if ok {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		l.refused.Inc()
		_ = c.Close() // it was of no use yet
	}
}

// enter counts a connection, unless there are too many of its address. What has no
// address, such as a Unix socket, is not counted.
func (l *perAddress) enter(remote net.Addr) (netip.Prefix, bool) {
	addr := addrOf(remote.String())
	from := network(addr)
	if !addr.IsValid() || contains(l.spared, addr) {
		return netip.Prefix{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.most {
		return from, false
	}
	l.open[from]++
	return from, true
}

func (l *perAddress) leave(from netip.Prefix) {
	if !from.IsValid() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] <= 0 {
		delete(l.open, from)
	}
}

// counted tells once that it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

// addrOf is the address of host:port; invalid: it is none.
func addrOf(text string) netip.Addr {
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// network is what one client has to itself: an address of IPv4, 64 bits of IPv6.
func network(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func contains(all []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(addr) })
}
