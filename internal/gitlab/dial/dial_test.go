package dial_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/http/httpproxy"

	"cxm/internal/gitlab/dial"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// zone answers every question for an IPv4 address with the one it has now.
type zone struct {
	addr  atomic.Pointer[[4]byte]
	asked atomic.Int32
}

func (z *zone) set(a, b, c, d byte) { z.addr.Store(&[4]byte{a, b, c, d}) }

// resolver asks the zone, over a connection within the process.
func (z *zone) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go z.serve(conn)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (z *zone) serve(conn net.PacketConn) {
	for buf := make([]byte, 1500); ; {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			z.asked.Add(1)
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}, Body: &dnsmessage.AResource{A: *z.addr.Load()},
			}}
		}
		if out, err := m.Pack(); err == nil {
			conn.WriteTo(out, from)
		}
	}
}

// server counts its requests at an address of this machine.
func server(t *testing.T, address string, h http.HandlerFunc) (url string, hits *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	switch {
	case err != nil && runtime.GOOS == "linux": // which has all of 127.0.0.0/8
		t.Fatal(err)
	case err != nil:
		t.Skipf("this machine has no address %s: %v", address, err)
	}
	hits = &atomic.Int32{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		h(w, r)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, hits
}

func user(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"id":1,"username":"bot"}`)
}

// ask sends one request as cxm does.
func ask(t *testing.T, o dial.Options, method string) error {
	t.Helper()
	if o.Environment == nil {
		o.Environment = &httpproxy.Config{}
	}
	travel, err := dial.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(travel.CloseIdleConnections)
	c, err := rest.New(rest.Options{URL: o.URL, Token: func() string { return "some-token" }, Transport: travel})
	if err != nil {
		t.Fatal(err)
	}
	r := rest.Request{Doing: "asking who the token belongs to", Method: method, Route: "/user"}
	_, _, err = rest.Call(t.Context(), c, r, rest.Ask[map[string]any](c, method, "user", nil), func(m map[string]any) bool { return m["id"] != nil })
	return err
}

// refused fails unless nothing was sent, and the trouble says why and what to do.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	var trouble *issue.Trouble
	var why *dial.RefusedError
	if !errors.As(err, &trouble) || trouble.Kind != issue.Unsent || !errors.As(err, &why) || trouble.Mend != why.Mend() {
		t.Fatalf("got %v", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %q", err, word)
		}
	}
}

// What a name means is judged when it is dialled, not before: a name that meant
// an allowed address for the first request and means another for the second
// helps nobody.
func TestRebinding(t *testing.T) {
	good, goodHits := server(t, "127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		user(w, r)
	})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(good, "http://"))
	_, evilHits := server(t, "127.0.0.1:"+port, user)
	var z zone
	z.set(127, 0, 0, 2)
	allow, err := dial.ParseAllowed("127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	o := dial.Options{URL: "http://gitlab.example.com:" + port, Reach: dial.Reach{Public: true, Allow: allow}, Resolver: z.resolver(t)}
	if err := ask(t, o, http.MethodGet); err != nil || goodHits.Load() != 1 {
		t.Fatalf("the allowed address: %v", err)
	}
	z.set(127, 0, 0, 1)
	before := z.asked.Load()
	refused(t, ask(t, o, http.MethodPost), "gitlab.example.com (127.0.0.1)", "loopback", "CXM_ALLOW_PRIVATE")
	refused(t, ask(t, o, http.MethodGet))
	if evilHits.Load() != 0 || z.asked.Load() == before {
		t.Errorf("%d requests reached the other address; DNS was asked %d times", evilHits.Load(), z.asked.Load())
	}
	z.set(169, 254, 169, 254)
	refused(t, ask(t, dial.Options{URL: o.URL, Resolver: o.Resolver}, http.MethodGet), "metadata service", "nothing allows it")
}

// A command of a person reaches this machine, a server does not.
func TestLoopback(t *testing.T) {
	at, hits := server(t, "127.0.0.1:0", user)
	if err := ask(t, dial.Options{URL: at}, http.MethodGet); err != nil {
		t.Error(err)
	}
	refused(t, ask(t, dial.Options{URL: at, Reach: dial.Reach{Public: true}}, http.MethodPost), "127.0.0.1", "loopback")
	if hits.Load() != 1 {
		t.Errorf("%d requests", hits.Load())
	}
}

// proxy is a forward proxy on this machine that answers for everybody.
func proxy(t *testing.T) (string, *atomic.Int32) {
	return server(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "" {
			http.Error(w, "no proxy request", http.StatusBadRequest)
			return
		}
		user(w, r)
	})
}

func TestProxy(t *testing.T) {
	via, hits := proxy(t)
	env := &httpproxy.Config{HTTPProxy: via, NoProxy: "direct.example.com"}
	server := dial.Reach{Public: true}
	for name, c := range map[string]struct {
		o    dial.Options
		want string // of the refusal; empty: it arrives
	}{
		"the environment's, which may be anywhere": {dial.Options{URL: "http://gitlab.example.com", Environment: env, Reach: server}, ""},
		"the integration's":                        {dial.Options{URL: "http://gitlab.example.com", Proxy: via}, ""},
		"the integration's, on a server":           {dial.Options{URL: "http://gitlab.example.com", Proxy: via, Reach: server}, "loopback"},
		"to this machine":                          {dial.Options{URL: "http://localhost:1", Proxy: via, Reach: dial.Reach{Public: true, Allow: dial.Allowed{Hosts: []string{"127.0.0.1"}}}}, "loopback"},
		"to a private address":                     {dial.Options{URL: "http://10.0.0.5", Environment: env, Reach: server}, "private address"},
		"to a private address, by a person":        {dial.Options{URL: "http://10.0.0.5", Environment: env}, ""},
		"to metadata":                              {dial.Options{URL: "http://169.254.169.254", Environment: env}, "metadata"},
		"to metadata by name":                      {dial.Options{URL: "http://metadata.google.internal", Environment: env}, "metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			before := hits.Load()
			err := ask(t, c.o, http.MethodPost)
			if c.want != "" {
				refused(t, err, c.want)
				if hits.Load() != before {
					t.Error("the proxy heard of it")
				}
				return
			}
			if err != nil || hits.Load() != before+1 {
				t.Errorf("%v, %d requests", err, hits.Load()-before)
			}
		})
	}
	at, direct := straight(t)
	if err := ask(t, dial.Options{URL: at, Environment: env, Proxy: dial.NoProxy}, http.MethodGet); err != nil || direct.Load() != 1 {
		t.Errorf("without the environment's proxy: %v", err)
	}
}

func straight(t *testing.T) (string, *atomic.Int32) { return server(t, "127.0.0.1:0", user) }

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]string{
		"proxy.example.com:3128": "http://proxy.example.com:3128", " https://Proxy.example.com/ ": "https://proxy.example.com",
		"socks5://127.0.0.1:1080": "socks5://127.0.0.1:1080", "none": "none", "": "",
	} {
		if got, err := dial.ParseProxy(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"http://user:secret-word@proxy.example.com": "HTTPS_PROXY", "user:secret-word@proxy.example.com:3128": "HTTPS_PROXY", "ftp://proxy.example.com": "scheme ftp",
		"http://": "cannot be read", "http://proxy.example.com/x": "path", "http://a b": "cannot be read",
	} {
		if got, err := dial.ParseProxy(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// authority signs a certificate for 127.0.0.1, and is known to nobody.
func authority(t *testing.T, until time.Time) (ca string, server tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Private CA"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gitlab"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})), tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}
}

func TestPrivateCA(t *testing.T) {
	ca, certificate := authority(t, time.Now().Add(time.Hour))
	s := httptest.NewUnstartedServer(http.HandlerFunc(user))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that fail on purpose
	s.StartTLS()
	defer s.Close()
	var trouble *issue.Trouble
	if err := ask(t, dial.Options{URL: s.URL}, http.MethodPost); !errors.As(err, &trouble) || trouble.Kind != issue.Unsent || !strings.Contains(trouble.Mend, "--ca-file") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
	if err := ask(t, dial.Options{URL: s.URL, CA: ca}, http.MethodGet); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	other, _ := authority(t, time.Now().Add(time.Hour))
	if err := ask(t, dial.Options{URL: s.URL, CA: other}, http.MethodGet); err == nil {
		t.Error("another authority's certificate does as well")
	}
	if err := ask(t, dial.Options{URL: strings.Replace(s.URL, "127.0.0.1", "localhost", 1), CA: ca}, http.MethodGet); err == nil {
		t.Error("the certificate of another host does as well")
	}
}

// Through a proxy the tunnel is to GitLab, whose certificate counts.
func TestPrivateCAThroughAProxy(t *testing.T) {
	ca, certificate := authority(t, time.Now().Add(time.Hour))
	s := httptest.NewUnstartedServer(http.HandlerFunc(user))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.StartTLS()
	defer s.Close()
	tunnels := 0
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "tunnels only", http.StatusForbidden)
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		tunnels++
		from, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(to, from); to.Close() }()
		io.Copy(from, to)
		from.Close()
	}))
	defer p.Close()
	if err := ask(t, dial.Options{URL: s.URL, CA: ca, Proxy: p.URL}, http.MethodGet); err != nil || tunnels != 1 {
		t.Errorf("%d tunnels, %v", tunnels, err)
	}
}

func TestParseCA(t *testing.T) {
	good, certificate := authority(t, time.Now().Add(time.Hour))
	der, _ := pem.Decode([]byte(good))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	expired, _ := authority(t, time.Now().Add(-time.Hour))
	got, err := dial.ParseCA("the authority of example.com\n"+good+"\n"+good+"more words\n", time.Now())
	if err != nil || got != good+good {
		t.Errorf("%q, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "no certificate", "words": "no certificate", string(der.Bytes): "openssl x509", good + private: "private key", expired: "expired on",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})): "cannot be read",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST"})):             "certificate request",
		strings.Repeat("x", 2<<20): "right file",
	} {
		if got, err := dial.ParseCA(text, time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %q, %v", text, got, err)
		}
	}
	if _, err := dial.ParseCA(good, time.Now().Add(-72*time.Hour)); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("before it is valid: %v", err)
	}
}

// The token goes to no other host, whatever the way there.
func TestRedirectsStayHome(t *testing.T) {
	other, hits := server(t, "127.0.0.1:0", user)
	at, _ := server(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other+r.URL.Path, http.StatusFound)
	})
	if err := ask(t, dial.Options{URL: at}, http.MethodGet); err == nil || hits.Load() != 0 {
		t.Errorf("%d requests went elsewhere, %v", hits.Load(), err)
	}
}
