// Package client uses the REST API of a cxm that runs elsewhere. What it asks and what
// it is answered are the types of internal/api, and what it offers are the interfaces
// that internal/api serves, so that the two cannot drift apart.
//
// What always holds: the token goes to one address alone, and in the clear only to
// this machine unless somebody says so; a redirect takes it nowhere else; what changes
// something is sent again only under a key that has it carried out once; every error
// ends in the next step.
package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cxm/internal/credential"
)

// Options are what a Client needs.
type Options struct {
	URL          string            // of the server: https://cxm.example.com, with a path where it stands behind one
	Token        credential.Secret // an API token of that server's
	Tenant       string            // that is asked about; empty: that of the token
	CA           string            // certificates in PEM that are trusted beside the system's; empty: none
	InsecureHTTP bool              // allows an address without TLS that is not this machine's
	Timeout      time.Duration     // until an answer has come; optional: a minute
	Slow         time.Duration     // the same where GitLab is asked, or a run is waited for; optional: 16 minutes
	Agent        string            // User-Agent; optional: cxm
	Wait         Wait              // optional: as long as it says
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
}

// New makes a Client. It asks nothing yet.
func New(o Options) (*Client, error) {
	base, err := address(o.URL, o.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	if o.Token.Empty() {
		return nil, errors.New("there is no API token for the server: put one into a file and give --token FILE, or set CXM_TOKEN (`cxm api-token create` on the server makes one)")
	}
	if !strings.HasPrefix(o.Token.Reveal(), "cxm_") || strings.ContainsFunc(o.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token for the server is no API token of cxm, which is one word that begins with cxm_: copy it again whole, or make another one (`cxm api-token create` on the server)")
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Slow <= 0 {
		o.Slow = 16 * time.Minute // a run is waited for within 15
	}
	if o.Agent == "" {
		o.Agent = "cxm"
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	c := &Client{options: o, base: base}
	t, err := transport(o.CA)
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: t, CheckRedirect: c.follow}
	return c, nil
}

// URL is where the server is.
func (c *Client) URL() string { return c.base.String() }

// address reads the address of a server.
func address(text string, insecure bool) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%.100q is no address of a server: write it as in https://cxm.example.com", shown(text))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the address of the server is to be no more than its host, and perhaps a path, as in https://%s", u.Host)
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return nil, fmt.Errorf("http://%s would have the token read by whoever is on the way: use https://%s, or say --server-insecure-http where nobody is", u.Host, u.Host)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// shown is what somebody wrote, without what may be a password in it.
func shown(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return text[at+1:]
	}
	return text
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

func transport(ca string) (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if ca == "" {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("the file of --server-ca-file holds no certificate: give the one of the authority that signed the server's, in PEM")
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// follow lets a question follow a redirect within the server, and nothing else: the
// token stays at home.
func (c *Client) follow(req *http.Request, via []*http.Request) error {
	switch {
	case req.URL.Scheme != c.base.Scheme || !strings.EqualFold(req.URL.Host, c.base.Host):
		return &AstrayError{To: req.URL.Scheme + "://" + req.URL.Host}
	case via[0].Method != http.MethodGet:
		return &AstrayError{To: req.URL.String()}
	case len(via) > 3:
		return errors.New("the server sends from one address to the next: look at the proxy before it")
	}
	return nil
}

// AstrayError says that the server sent somewhere else, where nothing was asked.
type AstrayError struct{ To string }

// Error names where, and the mend.
func (e *AstrayError) Error() string {
	return fmt.Sprintf("the server sends to %s, where the token was not sent: if cxm is there, give that address as --server", e.To)
}
