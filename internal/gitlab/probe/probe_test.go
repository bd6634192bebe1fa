package probe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxm/internal/credential"
	"cxm/internal/gitlab/dial"
	"cxm/internal/gitlab/probe"
	"cxm/internal/gitlab/rest"
	"cxm/internal/integration/check"
	"cxm/internal/sandbox"
)

// gitlab is a sandbox with a token.
func gitlab(t *testing.T) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedDemo})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// collect looks at a connection as the sandbox's administrator.
func collect(t *testing.T, s *sandbox.Server, url string, transport http.RoundTripper) *check.Evidence {
	t.Helper()
	return probe.Collect(t.Context(), probe.Target{
		URL: url, Token: credential.NewSecret(s.AdminToken()), Project: "acme/platform", Transport: transport,
		Client: func(base string, token credential.Secret) (*rest.Client, error) {
			return rest.New(rest.Options{URL: base, Token: token.Reveal, Transport: transport})
		},
	}, func(check.Stage, *check.Evidence) {})
}

// paper is a certificate and who signed it.
type paper struct {
	names       []string
	from, until time.Duration // from now
	authority   bool          // signed by another certificate, and not by itself
}

// make makes the certificate, with the authority's.
func (p paper) make(t *testing.T) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gitlab.example.com"}, DNSNames: p.names,
		NotBefore: now.Add(p.from), NotAfter: now.Add(p.until), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if len(p.names) == 0 {
		leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	parent := leaf
	if p.authority {
		parent = root
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca
}

// TestCertificates names the fault of each certificate; one whose authority is
// known is good.
func TestCertificates(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		paper paper
		trust bool
		want  check.Fault
	}{
		"good":              {paper{nil, -day, day, true}, true, ""},
		"unknown authority": {paper{nil, -day, day, true}, false, check.UnknownCA},
		"self-signed":       {paper{nil, -day, day, false}, false, check.SelfSigned},
		"expired":           {paper{nil, -2 * day, -day, true}, true, check.Expired},
		"not yet valid":     {paper{nil, day, 2 * day, true}, true, check.NotYetValid},
		"wrong name":        {paper{[]string{"other.example.com"}, -day, day, true}, true, check.WrongName},
	} {
		t.Run(name, func(t *testing.T) {
			certificate, ca := c.paper.make(t)
			s := gitlab(t)
			server := httptest.NewUnstartedServer(s)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			defer server.Close()
			transport := rest.NewTransport()
			transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
			if c.trust {
				transport.TLSClientConfig.RootCAs.AddCert(ca)
			}
			e := collect(t, s, server.URL, transport)
			if e.TLS.Fault != c.want || !e.TLS.Asked || e.TLS.NotAfter.IsZero() {
				t.Errorf("%+v, want the fault %q", e.TLS, c.want)
			}
			if whole := e.Find.OK(); whole != (c.want == "") {
				t.Errorf("the project was found: %t", whole)
			}
			if c.want == check.WrongName && !strings.Contains(strings.Join(e.TLS.Names, " "), "other.example.com") {
				t.Errorf("the names are %v", e.TLS.Names)
			}
		})
	}
}

func TestNoTLS(t *testing.T) {
	s := gitlab(t)
	server := httptest.NewServer(s)
	defer server.Close()
	if e := collect(t, s, "https"+strings.TrimPrefix(server.URL, "http"), rest.NewTransport()); e.TLS.Fault != check.NoTLS {
		t.Errorf("%+v", e.TLS)
	}
}

// TestGuardedAddress: what cxm's own guard refuses is told with its mend.
func TestGuardedAddress(t *testing.T) {
	s := gitlab(t)
	for url, mend := range map[string]string{"http://127.0.0.1:8929": "CXM_ALLOW_PRIVATE", "http://169.254.169.254": "nothing allows it"} {
		transport, err := dial.New(dial.Options{URL: url, Proxy: dial.NoProxy, Reach: dial.Reach{Public: true}})
		if err != nil {
			t.Fatal(err)
		}
		if e := collect(t, s, url, transport); e.TCP.Fault != check.NotAllowed || !strings.Contains(e.TCP.Mend, mend) || e.Page.Asked {
			t.Errorf("%s: %+v", url, e.TCP)
		}
	}
}

// forward is a proxy for http.
func forward(t *testing.T, count *atomic.Int32, answer func(http.ResponseWriter) bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		if answer(w) {
			return
		}
		resp, err := rest.NewTransport().RoundTrip(r.Clone(r.Context()))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestProxy(t *testing.T) {
	s := gitlab(t)
	server := httptest.NewServer(s)
	defer server.Close()
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		works  bool
	}{
		"lets through": {func(http.ResponseWriter) bool { return false }, true},
		"signs in":     {func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusProxyAuthRequired); return true }, false},
	} {
		var count atomic.Int32
		proxy := forward(t, &count, c.answer)
		transport, err := dial.New(dial.Options{URL: server.URL, Proxy: proxy.URL})
		if err != nil {
			t.Fatal(err)
		}
		e := collect(t, s, server.URL, transport)
		if e.Proxy.Address != proxy.URL || e.DNS.Asked || e.TCP.Asked || count.Load() == 0 || e.Find.OK() != c.works {
			t.Errorf("%s: %+v, asked for the name %t, dialled %t, project %s", name, e.Proxy, e.DNS.Asked, e.TCP.Asked, e.Find)
		}
		for _, r := range check.At(check.Reached, e) {
			if r.Name == "instance.proxy" && (r.Outcome == check.OK) != c.works {
				t.Errorf("%s: %s, %s", name, r.Outcome, r.Cause)
			}
		}
	}
}

// TestUnknownHost asks for a name that can never exist (RFC 2606).
func TestUnknownHost(t *testing.T) {
	e := collect(t, gitlab(t), "https://gitlab.example.invalid", rest.NewTransport())
	if !e.DNS.Asked || e.DNS.Fault == "" || e.TCP.Asked || e.Page.Asked {
		t.Errorf("%+v", e.DNS)
	}
}

// TestPages: what answers in GitLab's place is told from GitLab, whatever it is.
func TestPages(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
		want   bool
	}{
		"GitLab":         {401, "application/json", `{"message":"401 Unauthorized"}`, true},
		"another API":    {401, "application/json", `{"message":"Unauthorized"}`, false},
		"open API":       {200, "application/json", `{"version":"19.3.0"}`, false},
		"a page":         {200, "text/html", "<title>\x1b[31mWiki\n</title>" + long, false},
		"a page of 401":  {401, "text/html", `<title>401 Unauthorized</title>`, false},
		"nothing":        {200, "", "", false},
		"odd type":       {401, "a/b; c=d=e", `{"message":"401 Unauthorized"}`, false},
		"GitLab is down": {502, "text/html", "<title>GitLab is not responding</title>", false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer server.Close()
			e := collect(t, gitlab(t), server.URL, rest.NewTransport())
			if e.Page.GitLab != c.want || (asked > 1) != c.want || strings.ContainsAny(e.Page.Title, "\x1b\n") {
				t.Errorf("%+v after %d requests, want GitLab %t", e.Page, asked, c.want)
			}
		})
	}
}

// TestEndsWithTheContext: given up is given up, and every stage is told so far.
func TestEndsWithTheContext(t *testing.T) {
	s := gitlab(t)
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var stages []check.Stage
	e := probe.Collect(ctx, probe.Target{URL: server.URL, Token: credential.NewSecret(s.AdminToken())}, func(at check.Stage, _ *check.Evidence) {
		stages = append(stages, at)
		if at == check.Reached {
			cancel()
		}
	})
	if len(stages) != 2 || e.User.Sent {
		t.Errorf("stages %v, asked who it is: %t", stages, e.User.Sent)
	}
}
