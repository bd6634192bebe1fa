package gitlab_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// A server that carries a write out and then loses or garbles its answer sees
// exactly one request, and the caller is told that it does not know.
func TestALostAnswerIsNeverSentAgain(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { send(w, code, "text/html", "<html>sorry</html>") }
	}
	answer := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusCreated, contentType, body) }
	}
	for name, handler := range map[string]http.HandlerFunc{
		"500": status(500), "502": status(502), "503": status(503), "504": status(504), "408": status(408),
		"503 with Retry-After": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "1")
			status(503)(w, r)
		},
		"cut":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"HTML":      answer("text/html", "<html>Sign in</html>"),
		"empty":     answer("application/json", ""),
		"null":      answer("application/json", "null"),
		"a list":    answer("application/json", "[]"),
		"no id":     answer("application/json", `{"title":"t"}`),
		"half JSON": answer("application/json", issueJSON(1, time.Now())[:60]),
		"half a body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "400")
			send(w, http.StatusCreated, "application/json", issueJSON(1, time.Now())[:60])
		},
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	} {
		for _, write := range writes() {
			for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
				t.Run(name+" "+write.name+" "+proto, func(t *testing.T) {
					var seen counter
					c := overTLS(t, proto, func(w http.ResponseWriter, r *http.Request) {
						seen.add(r.Method)
						if r.Proto != proto {
							t.Errorf("spoke %s, want %s", r.Proto, proto)
						}
						handler(w, r)
					})
					wantKind(t, write.do(t.Context(), c), issue.Doubtful)
					if n := seen.of(write.method); n != 1 {
						t.Errorf("the server saw %d requests, want 1", n)
					}
				})
			}
		}
	}
}

// overTLS is a client of a TLS server that speaks the protocol.
func overTLS(t *testing.T, proto string, h http.HandlerFunc) *gitlab.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = proto == "HTTP/2.0"
	s.Config.ErrorLog = discard()
	s.StartTLS()
	t.Cleanup(s.Close)
	return client(t, s.URL, trusting(s))
}

func trusting(s *httptest.Server) func(*rest.Options) {
	return func(o *rest.Options) {
		travel := rest.NewTransport()
		travel.TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
		o.Transport = travel
	}
}

// net/http repeats requests by itself on HTTP/2 when the server resets the
// stream with PROTOCOL_ERROR or says good-bye, which proxies do after GitLab
// has committed. It must not do so with a write.
func TestHTTP2IsNotAllowedToRepeatAWrite(t *testing.T) {
	const reset, goAway = 0x3, 0x7
	for name, frame := range map[string][]byte{
		"stream reset": h2frame(reset, 1, binary.BigEndian.AppendUint32(nil, 1)),
		"good-bye":     h2frame(goAway, 0, make([]byte, 8)),
	} {
		for _, write := range writes() {
			t.Run(name+" "+write.name, func(t *testing.T) {
				s := httptest.NewUnstartedServer(nil)
				s.TLS = &tls.Config{NextProtos: []string{"h2"}}
				s.StartTLS() // for its certificate
				cert, roots := s.TLS.Certificates, trusting(s)
				s.Close()
				listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert, NextProtos: []string{"h2"}})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = listener.Close() }()
				var requests atomic.Int64
				go h2server(listener, frame, &requests)
				c := client(t, "https://"+listener.Addr().String(), roots)
				wantKind(t, write.do(t.Context(), c), issue.Doubtful)
				if n := requests.Load(); n != 1 {
					t.Errorf("the server saw %d requests, want 1", n)
				}
			})
		}
	}
}

// h2server speaks just enough HTTP/2 to take a whole request and answer it with
// one frame.
func h2server(listener net.Listener, answer []byte, requests *atomic.Int64) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
				return
			}
			_, _ = conn.Write(h2frame(0x4, 0, nil)) // settings
			head := make([]byte, 9)
			for {
				if _, err := io.ReadFull(conn, head); err != nil {
					return
				}
				length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
				if _, err := io.CopyN(io.Discard, conn, length); err != nil {
					return
				}
				if kind, flags := head[3], head[4]; (kind == 0x0 || kind == 0x1) && flags&0x1 != 0 { // data or headers that end the stream
					requests.Add(1)
					_, _ = conn.Write(answer)
				}
			}
		}()
	}
}

func h2frame(kind byte, stream uint32, payload []byte) []byte {
	out := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, 0}
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}

// A write that is given up while it is under way may have been carried out.
func TestGivingUpOnAWriteIsADoubt(t *testing.T) {
	for _, write := range writes() {
		t.Run(write.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var seen counter
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				seen.add(r.Method)
				cancel()
				<-r.Context().Done()
			})
			trouble := wantKind(t, write.do(ctx, client(t, url)), issue.Doubtful)
			if !strings.Contains(trouble.Error(), "canceled") || seen.of(write.method) != 1 {
				t.Errorf("%v after %d requests", trouble, seen.of(write.method))
			}
		})
	}
}

// What never left is safe to send again, and says so.
func TestUnsent(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	strange := httptest.NewUnstartedServer(http.NotFoundHandler())
	strange.Config.ErrorLog = discard()
	strange.StartTLS()
	t.Cleanup(strange.Close)
	plain := serve(t, http.NotFound)
	for name, url := range map[string]string{
		"refused": closed.URL, "no such host": "https://gitlab.invalid",
		"unknown authority": strange.URL, "no TLS": strings.Replace(plain, "http:", "https:", 1),
	} {
		for _, write := range writes() {
			t.Run(name+" "+write.name, func(t *testing.T) {
				trouble := wantKind(t, write.do(t.Context(), client(t, url)), issue.Unsent)
				if trouble.Mend == "" || trouble.Status != 0 {
					t.Errorf("got %+v", trouble)
				}
			})
		}
	}
	t.Run("given up before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, write := range writes() {
			wantKind(t, write.do(ctx, client(t, plain)), issue.Unsent)
		}
	})
}

// A custom transport that tells nothing of its connections is not believed to
// have sent nothing.
func TestASilentTransportIsADoubt(t *testing.T) {
	c := within(t, nil, func(o *rest.Options) {
		o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe })
	})
	for _, write := range writes() {
		wantKind(t, write.do(t.Context(), c), issue.Doubtful)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Reads are tried again a few times while the instance stumbles, with growing
// waits, and never after another answer.
func TestReadsAreTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bad   http.HandlerFunc
		times int // it is sent when it never gets better
	}{
		{"502", func(w http.ResponseWriter, _ *http.Request) { send(w, 502, "text/html", "<html>") }, 4},
		{"500", func(w http.ResponseWriter, _ *http.Request) { send(w, 500, "application/json", `{}`) }, 4},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4},
		{"half", func(w http.ResponseWriter, _ *http.Request) { send(w, 200, "application/json", `{"id":1`) }, 4},
		{"503 and soon", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "10")
			send(w, 503, "application/json", `{}`)
		}, 4},
		{"503 and late", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "600")
			send(w, 503, "application/json", `{}`)
		}, 1},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { send(w, 200, "text/html", "<html>") }, 1},
		{"404", func(w http.ResponseWriter, _ *http.Request) { send(w, 404, "application/json", `{}`) }, 1},
	} {
		for better := range 5 {
			t.Run(tt.name+" better after "+strconv.Itoa(better), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var seen counter
					c := within(t, func(w http.ResponseWriter, r *http.Request) {
						if seen.add(r.Method) > better {
							sendIssue(w, http.StatusOK, 1)
							return
						}
						tt.bad(w, r)
					})
					began := time.Now()
					_, err := c.One(t.Context(), 7, 1)
					if good := better < tt.times; good != (err == nil) {
						t.Errorf("got %v after %d requests", err, seen.of(http.MethodGet))
					}
					if n, want := seen.of(http.MethodGet), min(better+1, tt.times); n != want {
						t.Errorf("%d requests, want %d", n, want)
					}
					if took := time.Since(began); took > 35*time.Second || better > 1 && tt.times > 1 && took < 500*time.Millisecond {
						t.Errorf("it took %s", took)
					}
				})
			})
		}
	}
}

// A read's retries end where its context does, without waiting for it.
func TestReadsRespectTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c := within(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 502, "text/html", "<html>") })
		began := time.Now()
		_, err := c.One(ctx, 7, 1)
		wantKind(t, err, issue.Unavailable)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
	})
}

// A dry run refuses writes before they are sent, whatever the transport.
func TestReadOnly(t *testing.T) {
	var seen counter
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.add(r.Method)
		sendIssue(w, http.StatusOK, 1)
	})
	c := client(t, url, func(o *rest.Options) { o.ReadOnly = true })
	for _, write := range writes() {
		trouble := wantKind(t, write.do(t.Context(), c), issue.Unsent)
		if !bytes.Contains([]byte(trouble.Error()), []byte(rest.ErrReadOnly.Error())) {
			t.Errorf("%v does not say why", trouble)
		}
	}
	if _, err := c.One(t.Context(), 7, 1); err != nil {
		t.Errorf("reading in a dry run: %v", err)
	}
	if seen.of(http.MethodPost)+seen.of(http.MethodPut) != 0 || seen.of(http.MethodGet) != 1 {
		t.Errorf("the server saw %v", seen.n)
	}
}

// Sending is told of every attempt right before it, after the wait for limits,
// and can stop it; a dry run attempts nothing.
func TestSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen counter
		c := within(t, func(w http.ResponseWriter, r *http.Request) {
			if seen.add(r.Method) < 3 {
				w.Header().Set("Retry-After", "30")
				send(w, http.StatusTooManyRequests, "text/plain", "Retry later\n")
				return
			}
			sendIssue(w, http.StatusCreated, 1)
		})
		var told []time.Duration
		began := time.Now()
		d := draft
		d.Sending = func() error {
			if len(told) != seen.of(http.MethodPost) {
				t.Errorf("told for the %dth time after %d requests", len(told)+1, seen.of(http.MethodPost))
			}
			told = append(told, time.Since(began))
			return nil
		}
		if _, err := c.Create(t.Context(), 7, d); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, 30 * time.Second, time.Minute}; !slices.Equal(told, want) {
			t.Errorf("told at %v, want %v", told, want)
		}
		full := errors.New("the disk is full")
		d.Sending = func() error { return full }
		_, err := c.Create(t.Context(), 7, d)
		if wantKind(t, err, issue.Unsent); !errors.Is(err, full) || seen.of(http.MethodPost) != 3 {
			t.Errorf("%v after %d requests", err, seen.of(http.MethodPost))
		}
		dry := within(t, nil, func(o *rest.Options) { o.ReadOnly = true })
		if _, err := dry.Create(t.Context(), 7, d); !errors.Is(err, rest.ErrReadOnly) {
			t.Errorf("a dry run: %v", err)
		}
	})
}
