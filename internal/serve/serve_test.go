package serve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// logged is a log that tests read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// listen serves until the test ends.
func listen(t *testing.T, o Options) *Server {
	t.Helper()
	o.Name, o.Setting = "public", "--listen"
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	s, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	return s
}

func text(pattern, answer string) Mount {
	return Mount{Pattern: pattern, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })}
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func get(t *testing.T, s *Server, path string, change ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestSlow: whoever sends slowly loses the connection: the header, the body, and
// between requests.
func TestSlow(t *testing.T) {
	t.Parallel()
	s := listen(t, Options{
		HeaderTimeout: 150 * time.Millisecond, IdleTimeout: 150 * time.Millisecond, Limits: Limits{Read: 300 * time.Millisecond},
		Mounts: []Mount{{Pattern: "POST /", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				Problem(w, r, http.StatusRequestTimeout, "too slow")
			}
		})}},
	})
	patient := listen(t, Options{HeaderTimeout: 150 * time.Millisecond, Limits: Limits{Read: time.Minute}})
	for name, c := range map[string]struct {
		s          *Server
		send, want string
	}{
		"header":  {patient, "POST / HTTP/1.1\r\nHost: x\r\nA: b", ""},
		"nothing": {patient, "", ""},
		"body":    {s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfour", "HTTP/1.1 408"},
		"idle":    {s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nfour", "HTTP/1.1 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, c.s)
			io.WriteString(conn, c.send)
			got, err := io.ReadAll(conn) // until the server closes it
			if err != nil || !strings.HasPrefix(string(got), c.want) || c.want == "" && strings.Contains(string(got), " 200 ") {
				t.Errorf("%v: %q", err, got)
			}
		})
	}
}

// TestLarge: headers and bodies have bounds, and a mount may have its own.
func TestLarge(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	s := listen(t, Options{HeaderBytes: 4 << 10, Limits: Limits{Body: 100}, Mounts: []Mount{
		{Pattern: "POST /small", Handler: echo},
		{Pattern: "POST /large", Handler: echo, Limits: Limits{Body: 1000}},
		{Pattern: "POST /own", Handler: echo, Limits: Limits{Body: -1}},
	}})
	huge, head := dial(t, s), "POST /small HTTP/1.1\r\nHost: x\r\nA: "
	io.WriteString(huge, head+strings.Repeat("x", 8<<10-len(head))) // net/http allows 4 KiB more; not a byte is left unread, which would reset the connection
	if got, err := io.ReadAll(huge); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 431") {
		t.Errorf("a huge header is answered %q: %v", got, err)
	}
	for path, status := range map[string]int{"/small": 413, "/large": 200, "/own": 200} {
		body := strings.Repeat("x", 500)
		resp, answer := get(t, s, path, func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
		})
		if resp.StatusCode != status || status == 200 && answer != body {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	conn := dial(t, s) // of a length that is not said
	io.WriteString(conn, "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"+strings.Repeat("x", 255)+"\r\n0\r\n\r\n")
	if got, _ := io.ReadAll(conn); strings.Contains(string(got), strings.Repeat("x", 101)) {
		t.Errorf("%d bytes passed", len(got))
	}
}

// TestManyOfOneAddress: one address has no more than its share, and gets it back.
func TestManyOfOneAddress(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	s := listen(t, Options{ConnectionsPerAddress: 2, Metrics: m, Mounts: []Mount{text("GET /", "hello")}})
	first, second := dial(t, s), dial(t, s)
	ask(t, first, "200")
	ask(t, second, "200")
	third := dial(t, s)
	if got, err := io.ReadAll(third); len(got) > 0 {
		t.Errorf("%v: %q", err, got)
	}
	families, err := registry.Gather()
	if shown := fmt.Sprint(families); err != nil || !strings.Contains(shown, "cxm_http_connections_refused_total") || !strings.Contains(shown, "counter:{value:1") {
		t.Errorf("%v: %s", err, shown)
	}
	first.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		c := dial(t, s)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && strings.Contains(line, "200") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a connection that is closed is not given to another")
		}
	}
	spared := listen(t, Options{ConnectionsPerAddress: 1, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Mounts: []Mount{text("GET /", "hello")}})
	for range 3 {
		ask(t, dial(t, spared), "200")
	}
}

// TestMany: beyond the connections there may be in all, others wait for their turn.
func TestMany(t *testing.T) {
	t.Parallel()
	s := listen(t, Options{Connections: 1, Mounts: []Mount{text("GET /", "hello")}})
	first, second := dial(t, s), dial(t, s)
	ask(t, first, "200")
	io.WriteString(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	second.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the second is answered at once: %v", err)
	}
	first.Close()
	second.SetReadDeadline(time.Now().Add(20 * time.Second))
	if line, err := bufio.NewReader(second).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("%v: %q", err, line)
	}
}

func ask(t *testing.T, c net.Conn, want string) {
	t.Helper()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, want) {
		t.Fatalf("%v: %q", err, line)
	}
}

// TestShutdown: a request that runs is answered, no other is taken; one that does
// not end is broken off.
func TestShutdown(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	s := listen(t, Options{Mounts: []Mount{{Pattern: "GET /", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		select {
		case <-finish:
		case <-r.Context().Done():
		}
		io.WriteString(w, "done")
	})}}})
	under := make(chan string, 1)
	go func() {
		_, body := get(t, s, "/")
		under <- body
	}()
	<-begun
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	for { // until the listener is closed
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(finish)
	if body := <-under; body != "done" {
		t.Errorf("the request under way got %q", body)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := <-s.Ended(); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("it ended with %v", err)
	}
	finish = make(chan struct{})
	stuck := listen(t, Options{Mounts: []Mount{{Pattern: "GET /", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
	})}}})
	conn := dial(t, stuck)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := stuck.Close(ctx); err == nil || !strings.Contains(err.Error(), "ending the listener") {
		t.Errorf("%v", err)
	}
}

// TestPanic: a panic is a 500 with the id under which the log has it; an answer
// that had begun is broken off; other requests go on.
func TestPanic(t *testing.T) {
	t.Parallel()
	log := &logged{}
	s := listen(t, Options{Logger: log.logger(), Mounts: []Mount{
		text("GET /well", "hello"),
		{Pattern: "GET /early", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			panic("a mistake")
		})},
		{Pattern: "GET /late", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			panic("another mistake")
		})},
	}})
	resp, body := get(t, s, "/early", func(r *http.Request) { r.Header.Set("X-Request-ID", "request-4711") })
	var problem struct {
		Status  int
		Request string
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil || resp.StatusCode != http.StatusInternalServerError || problem.Request != "request-4711" || strings.Contains(body, "mistake") {
		t.Errorf("%v %s %s", err, resp.Status, body)
	}
	if text := log.String(); !strings.Contains(text, `"request":"request-4711"`) || !strings.Contains(text, "a mistake") || !strings.Contains(text, "serve_test.go") {
		t.Errorf("the log lacks the panic: %s", text)
	}
	conn := dial(t, s)
	io.WriteString(conn, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
	if got, _ := io.ReadAll(conn); !strings.Contains(string(got), "some") || strings.HasSuffix(string(got), "0\r\n\r\n") {
		t.Errorf("half an answer ends as if it was whole: %q", got)
	}
	if _, body := get(t, s, "/well"); body != "hello" {
		t.Error(body)
	}
}

// TestVisit: every request has an id and a client; neither can be made up by
// somebody who is no trusted proxy.
func TestVisit(t *testing.T) {
	t.Parallel()
	show := Mount{Pattern: "GET /", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := From(r.Context())
		fmt.Fprintf(w, "%s %s %t", v.ID, v.Client, v.Secure)
	})}
	open := listen(t, Options{Mounts: []Mount{show}})
	proxied := listen(t, Options{Mounts: []Mount{show}, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}})
	for name, c := range map[string]struct {
		s                    *Server
		id, forwarded, proto string
		want                 string // of the answer; the id is # when it was made
	}{
		"plain":                    {open, "", "", "", "# 127.0.0.1 false"},
		"an id":                    {open, "abc-DEF_0.9", "", "", "abc-DEF_0.9 127.0.0.1 false"},
		"an id with a line break":  {open, "abcdefgh ijkl", "", "", "# 127.0.0.1 false"},
		"an id that is short":      {open, "abc", "", "", "# 127.0.0.1 false"},
		"an id that is long":       {open, strings.Repeat("a", 65), "", "", "# 127.0.0.1 false"},
		"a stranger's header":      {open, "", "192.0.2.1", "https", "# 127.0.0.1 false"},
		"a proxy's":                {proxied, "", "192.0.2.1", "https", "# 192.0.2.1 true"},
		"several, the last counts": {proxied, "", "203.0.113.9, 192.0.2.1, 10.1.2.3", "http", "# 192.0.2.1 false"},
		"of IPv6 with a port":      {proxied, "", "[2001:db8::1]:443", "", "# 2001:db8::1 false"},
		"nonsense":                 {proxied, "", "192.0.2.1, unknown", "", "# 127.0.0.1 false"},
		"proxies alone":            {proxied, "", "10.1.2.3", "", "# 10.1.2.3 false"},
	} {
		resp, body := get(t, c.s, "/", func(r *http.Request) {
			for header, value := range map[string]string{"X-Request-ID": c.id, "X-Forwarded-For": c.forwarded, "X-Forwarded-Proto": c.proto} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
		})
		id, rest, _ := strings.Cut(body, " ")
		if id != c.id && sane(id) {
			body = "# " + rest
		}
		if body != c.want || resp.Header.Get("X-Request-ID") != id {
			t.Errorf("%s: %s, with the id %s", name, body, resp.Header.Get("X-Request-ID"))
		}
		if secure := strings.HasSuffix(c.want, "true"); (resp.Header.Get("Strict-Transport-Security") != "") != secure {
			t.Errorf("%s: HSTS is %q", name, resp.Header.Get("Strict-Transport-Security"))
		}
	}
}

// TestHeaders: every answer is protected, also one that no mount gives; a mount may
// set a policy of its own.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := listen(t, Options{Mounts: []Mount{{Pattern: "GET /page", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	})}}})
	for path, policy := range map[string]string{"/nowhere": "default-src 'none'", "/page": "default-src 'self'"} {
		resp, _ := get(t, s, path)
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Content-Security-Policy": policy, "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := resp.Header.Get(header); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q", path, header, got)
			}
		}
	}
}

// TestWatched: requests are logged, counted and traced by their routes; nothing
// holds what stands in a path or a query, which may be a secret.
func TestWatched(t *testing.T) {
	t.Parallel()
	log, registry, spans := &logged{}, prometheus.NewRegistry(), tracetest.NewSpanRecorder()
	s := listen(t, Options{
		Logger: log.logger(), Access: true, Metrics: NewMetrics(registry), Tracer: sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test"),
		Mounts: []Mount{text("GET /hooks/{hook}", "hello")},
	})
	NewMetrics(registry) // a second server of the program has the same
	get(t, s, "/hooks/hush?token=hush")
	get(t, s, "/hush", func(r *http.Request) { r.Method = "HUSH" })
	waitFor(t, func() bool { return strings.Count(log.String(), `"msg":"request"`) == 2 && len(spans.Ended()) == 2 })
	for _, want := range []string{`"method":"GET","route":"/hooks/{hook}","status":200,"bytes":5`, `"method":"_OTHER","route":"none","status":404`, `"client":"127.0.0.1"`, `"trace":"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprint(families)
	for _, want := range []string{`value:"/hooks/{hook}"`, `value:"_OTHER"`, `value:"none"`} {
		if !strings.Contains(strings.ReplaceAll(shown, `\"`, `"`), want) {
			t.Errorf("the metrics lack %s: %s", want, shown)
		}
	}
	var traced string
	for _, span := range spans.Ended() {
		traced += fmt.Sprintf("%s %v\n", span.Name(), span.Attributes())
	}
	if !strings.Contains(traced, "GET /hooks/{hook} ") || !strings.Contains(traced, "_OTHER none ") {
		t.Errorf("the spans are %s", traced)
	}
	if all := log.String() + shown + traced; strings.Contains(strings.ToLower(all), "hush") {
		t.Errorf("a secret is told:\n%s", all)
	}
}

// TestForeignTrace: a trace goes on only when it comes through a trusted proxy.
func TestForeignTrace(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, trusted := range [][]netip.Prefix{nil, {netip.MustParsePrefix("127.0.0.1/32")}} {
		spans := tracetest.NewSpanRecorder()
		s := listen(t, Options{Trusted: trusted, Tracer: sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test"), Mounts: []Mount{text("GET /", "hello")}})
		get(t, s, "/", func(r *http.Request) { r.Header.Set("Traceparent", "00-"+id+"-00f067aa0ba902b7-01") })
		waitFor(t, func() bool { return len(spans.Ended()) == 1 })
		if goesOn := spans.Ended()[0].SpanContext().TraceID().String() == id; goesOn != (trusted != nil) {
			t.Errorf("trusted %v: %t", trusted, goesOn)
		}
	}
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
	}
}

// TestHealth: up is up; ready is when all parts are, and never again once it stops.
// Why not is in the log alone.
func TestHealth(t *testing.T) {
	t.Parallel()
	log := &logged{}
	var trouble error
	h := NewHealth(log.logger(), Part{"database", func(context.Context) error { return trouble }}, Part{"queue", func(context.Context) error { return nil }})
	s := listen(t, Options{Mounts: h.Mounts()})
	look := func(path string, status int, want string) {
		t.Helper()
		if resp, body := get(t, s, path); resp.StatusCode != status || strings.TrimSpace(body) != want {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	look("/healthz", 200, `{"status":"ok"}`)
	look("/readyz", 200, `{"status":"ok","parts":{"database":"ok","queue":"ok"}}`)
	trouble = errors.New("host db.example.com is away")
	look("/readyz", 503, `{"status":"not ready","parts":{"database":"not ready","queue":"ok"}}`)
	look("/healthz", 200, `{"status":"ok"}`)
	if !strings.Contains(log.String(), "db.example.com") {
		t.Error("the log does not say why")
	}
	trouble = nil
	h.Stop()
	look("/readyz", 503, `{"status":"stopping"}`)
	look("/healthz", 200, `{"status":"ok"}`)
}

// TestProfiles: profiles are shown, and the command line, which may hold a
// password, is not.
func TestProfiles(t *testing.T) {
	t.Parallel()
	s := listen(t, Options{Mounts: Profiles()})
	for path, status := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/profile?seconds=1": 200, "/debug/pprof/cmdline": 404} {
		if resp, _ := get(t, s, path); resp.StatusCode != status {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

// TestOptions: what cannot be served is an error that names the setting.
func TestOptions(t *testing.T) {
	t.Parallel()
	taken := listen(t, Options{})
	for want, o := range map[string]Options{
		"--listen " + taken.Addr().String(): {Address: taken.Addr().String()},
		"takes no sockets of systemd":       {Address: "systemd:cxm.socket"},
		"systemd passed no socket":          {Address: "systemd:cxm.socket", Sockets: &Sockets{}},
		"conflicts with pattern":            {Address: "127.0.0.1:0", Mounts: []Mount{text("/a", ""), text("/a", "")}},
		"--tls-certificate":                 {Address: "127.0.0.1:0", Certificate: "/absent.pem", Key: "/absent.pem"},
	} {
		o.Setting = "--listen"
		if s, err := Listen(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v", want, s, err)
		}
	}
}

// certificate writes a certificate for 127.0.0.1 with the serial number.
func certificate(t *testing.T, dir string, serial int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "cxm"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pool = x509.NewCertPool()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(block)
	for name, text := range map[string][]byte{cert: block, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pool
}

// serial is that of the certificate that a new connection is shown.
func serial(t *testing.T, s *Server, pool *x509.CertPool, most uint16) (int64, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: most})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

// TestCertificates: a certificate that changes on disk is used from then on, unless
// it cannot be; nothing below TLS 1.2 is spoken.
func TestCertificates(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &logged{}
	cert, key, pool := certificate(t, dir, 1)
	s := listen(t, Options{Certificate: cert, Key: key, Logger: log.logger(), Mounts: []Mount{text("GET /", "hello")}})
	if n, err := serial(t, s, pool, 0); n != 1 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	if _, err := serial(t, s, pool, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + s.Addr().String())
	if err != nil || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%v %+v", err, resp)
	}
	client.CloseIdleConnections()
	if err := os.WriteFile(key, []byte("nothing of the kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.certs.renew()
	if n, err := serial(t, s, pool, 0); n != 1 || err != nil {
		t.Errorf("with a key that is broken: %d %v", n, err)
	}
	if !strings.Contains(log.String(), "the one before goes on") {
		t.Errorf("nobody is told: %s", log)
	}
	_, _, pool = certificate(t, dir, 2)
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan struct{})
	go func() { defer close(watching); s.certs.watch(ctx, 5*time.Millisecond) }()
	waitFor(t, func() bool { n, _ := serial(t, s, pool, 0); return n == 2 })
	stop()
	<-watching
}
