package probe

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"html"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"

	"cxm/internal/integration/check"
)

// travel goes the way to the instance step by step, as the transport would, and
// says whether there is a connection to be had. A transport that is not
// net/http's is asked for the page at once.
func (p *prober) travel(ctx context.Context, u *url.URL) bool {
	t, ok := p.target.Transport.(*http.Transport)
	if !ok {
		return true
	}
	dial := t.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: timeout}).DialContext
	}
	proxy, err := proxyOf(ctx, t, u)
	if err != nil {
		p.TCP = check.TCP{Asked: true, Address: address(u), Fault: dialFault(err), Words: plain(err.Error())}
		return false
	}
	if proxy != nil {
		return p.dialProxy(ctx, dial, proxy)
	}
	if !p.resolve(ctx, u.Hostname()) {
		return false
	}
	conn := p.connect(ctx, dial, address(u))
	if conn == nil {
		return false
	}
	defer conn.Close()
	return u.Scheme != "https" || p.handshake(ctx, conn, t.TLSClientConfig, u.Hostname())
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// proxyOf is the proxy for the instance; nil: none. The error is that of a
// transport that will not go there.
func proxyOf(ctx context.Context, t *http.Transport, u *url.URL) (*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil || t.Proxy == nil {
		return nil, err
	}
	return t.Proxy(req)
}

func (p *prober) dialProxy(ctx context.Context, dial dialer, proxy *url.URL) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.Proxy = check.Proxy{Address: proxy.Scheme + "://" + proxy.Host, Asked: true}
	conn, err := dial(ctx, "tcp", address(proxy))
	if err != nil {
		p.Proxy.Fault, p.Proxy.Words = dialFault(err), plain(err.Error())
		return false
	}
	_ = conn.Close()
	return true
}

func (p *prober) resolve(ctx context.Context, host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.DNS = check.DNS{Asked: true, Host: host}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		p.DNS.Fault, p.DNS.Words = check.Other, plain(err.Error())
		if dns := (*net.DNSError)(nil); errors.As(err, &dns) && dns.IsNotFound {
			p.DNS.Fault = check.NoSuchHost
		}
		return false
	}
	for _, addr := range found {
		p.DNS.Addresses = append(p.DNS.Addresses, addr.Unmap().String())
	}
	return true
}

func (p *prober) connect(ctx context.Context, dial dialer, at string) net.Conn {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.TCP = check.TCP{Asked: true, Address: at}
	conn, err := dial(ctx, "tcp", at)
	if err != nil {
		p.TCP.Fault, p.TCP.Words = dialFault(err), plain(err.Error())
		if g := guarded(nil); errors.As(err, &g) {
			p.TCP.Mend = plain(g.Mend())
		}
		return nil
	}
	return conn
}

// guarded is the refusal of cxm's own guard, before anything was dialled.
type guarded interface {
	error
	Mend() string
}

// dialFault names why a connection never came to be.
func dialFault(err error) check.Fault {
	var timed interface{ Timeout() bool }
	var own guarded
	switch {
	case errors.As(err, &own):
		return check.NotAllowed
	case errors.Is(err, syscall.ECONNREFUSED):
		return check.Refused
	case errors.As(err, &timed) && timed.Timeout():
		return check.NoAnswer
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return check.Unreachable
	}
	return check.Other
}

func (p *prober) handshake(ctx context.Context, conn net.Conn, config *tls.Config, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if config != nil {
		c = config.Clone()
	}
	c.ServerName = cmp.Or(c.ServerName, host)
	p.TLS.Asked = true
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		p.tlsTrouble(err)
		return false
	}
	state := secure.ConnectionState()
	p.TLS.Version = tls.VersionName(state.Version)
	p.certificate(state.PeerCertificates)
	return true
}

func (p *prober) certificate(chain []*x509.Certificate) {
	if len(chain) == 0 {
		return
	}
	c := chain[0]
	p.TLS.Subject, p.TLS.Issuer, p.TLS.Names = plain(c.Subject.String()), plain(c.Issuer.String()), c.DNSNames
	for _, ip := range c.IPAddresses {
		p.TLS.Names = append(p.TLS.Names, ip.String())
	}
	if len(p.TLS.Names) == 0 && p.TLS.Subject != "" {
		p.TLS.Names = []string{p.TLS.Subject}
	}
	p.TLS.NotBefore, p.TLS.NotAfter = c.NotBefore, c.NotAfter
}

// tlsTrouble names the fault of a handshake.
func (p *prober) tlsTrouble(err error) {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	p.TLS.Asked, p.TLS.Fault, p.TLS.Words = true, check.Other, plain(err.Error())
	switch {
	case errors.As(err, &verify):
		p.certificate(verify.UnverifiedCertificates)
		p.TLS.Fault = certificateFault(err, verify.UnverifiedCertificates, p.Now)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		p.TLS.Fault = check.NoTLS
	}
}

func certificateFault(err error, chain []*x509.Certificate, now time.Time) check.Fault {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore):
		return check.NotYetValid
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return check.Expired
	case errors.As(err, &name):
		return check.WrongName
	case errors.As(err, &unknown) && len(chain) == 1 && bytes.Equal(chain[0].RawIssuer, chain[0].RawSubject):
		return check.SelfSigned
	case errors.As(err, &unknown):
		return check.UnknownCA
	}
	return check.Other
}

// wordsLimit is how much of an answer is read that may not be GitLab's.
const wordsLimit = 64 << 10

// page asks the instance for its version without a token: GitLab alone refuses
// that in its own words.
func (p *prober) page(ctx context.Context) {
	p.Page.Asked = true
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Base+"/api/v4/version", nil)
	if err != nil {
		p.Page.Words = plain(err.Error())
		return
	}
	req.Header.Set("User-Agent", "cxm")
	req.Header.Set("Accept", "application/json")
	resp, err := p.target.Transport.RoundTrip(req) // not a Client: a redirect is an answer here
	if err != nil {
		p.noPage(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, wordsLimit)) // what was read is all that can be told
	p.readPage(resp, body)
}

// noPage takes in why there was no answer. What a proxy hides from the steps
// before shows here.
func (p *prober) noPage(err error) {
	p.Page.Words = plain(err.Error())
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &verify) || errors.As(err, &record) {
		p.tlsTrouble(err)
	}
	if p.Proxy.Address != "" && strings.Contains(err.Error(), "proxyconnect") {
		p.Proxy.Fault, p.Proxy.Words = dialFault(err), p.Page.Words
	}
}

var titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

func (p *prober) readPage(resp *http.Response, body []byte) {
	g := &p.Page
	g.Status = resp.StatusCode
	g.Type, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if to, err := resp.Location(); err == nil && resp.StatusCode >= 300 && resp.StatusCode < 400 {
		g.Location = plain(to.Scheme + "://" + to.Host)
	}
	var words struct{ Message, Error, Version any }
	g.JSON = json.Unmarshal(body, &words) == nil && strings.Contains(g.Type, "json")
	if g.JSON {
		for _, each := range []any{words.Message, words.Error} {
			if text, ok := each.(string); ok {
				g.Message = cmp.Or(g.Message, plain(text))
			}
		}
	}
	if title := titleTag.FindSubmatch(body); title != nil {
		g.Title = plain(html.UnescapeString(string(title[1])))
	}
	limited := resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("RateLimit-Name") != ""
	g.GitLab = g.JSON && g.Status == http.StatusUnauthorized && strings.Contains(g.Message, "401 Unauthorized") || limited
	p.hear(resp.Header)
}

// plain makes one line of printable text, cut.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}
