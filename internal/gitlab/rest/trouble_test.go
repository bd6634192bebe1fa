package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"cxm/internal/issue"
)

// Every row of classify's table, with bodies as GitLab and what stands before
// it send them.
func TestClassify(t *testing.T) {
	const (
		get, post, put = http.MethodGet, http.MethodPost, http.MethodPut

		captcha = `{"needs_captcha_response":true,"spam_log_id":42,"message":{"error":"Your issue has been recognized as spam. Please, change the content or solve the reCAPTCHA to proceed."}}`
		page    = "<html><head><title>502 Bad\nGateway</title></head><body>nginx</body></html>"
	)
	plain, web := header("Content-Type", "text/plain"), header("Content-Type", "text/html; charset=utf-8")
	asJSON := header("Content-Type", "application/json")
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		name   string
		method string
		status int
		header http.Header
		body   string
		err    error
		left   bool

		want issue.TroubleKind
		said string
		mend string
	}{
		// no answer, never left
		{"refused", post, 0, nil, "", refused, false, issue.Unsent, "", "instance is up"},
		{"refused, reading", get, 0, nil, "", refused, false, issue.Unsent, "", "instance is up"},
		{"no such host", post, 0, nil, "", &net.DNSError{Err: "no such host", Name: "x.invalid", IsNotFound: true}, false, issue.Unsent, "", "host name"},
		{"unknown authority", post, 0, nil, "", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false, issue.Unsent, "", "root certificate"},
		{"wrong certificate", post, 0, nil, "", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, false, issue.Unsent, "", "host name in the instance URL"},
		{"certificate ran out", post, 0, nil, "", x509.CertificateInvalidError{Reason: x509.Expired}, false, issue.Unsent, "", "dates"},
		{"no TLS", post, 0, nil, "", errors.New("http: server gave HTTP response to HTTPS client"), false, issue.Unsent, "", "http://"},
		{"record", post, 0, nil, "", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, false, issue.Unsent, "", "TLS"},
		{"proxy", post, 0, nil, "", errors.New("proxyconnect tcp: EOF"), false, issue.Unsent, "", "HTTPS_PROXY"},
		{"given up", post, 0, nil, "", context.Canceled, false, issue.Unsent, "", "trying again is safe"},
		{"dry run", post, 0, nil, "", fmt.Errorf("Post: %w", ErrReadOnly), false, issue.Unsent, "", "cxm apply"},
		{"no token", post, 0, nil, "", errNoToken, false, issue.Unauthorized, "", "cxm connect"},
		{"bad token", get, 0, nil, "", errBadToken, false, issue.Unauthorized, "", "spaces"},
		// no answer, left
		{"cut", post, 0, nil, "", io.ErrUnexpectedEOF, true, issue.Doubtful, "", "looks before"},
		{"cut PUT", put, 0, nil, "", io.EOF, true, issue.Doubtful, "", "looks before"},
		{"cut, reading", get, 0, nil, "", io.EOF, true, issue.Unavailable, "", "later"},
		{"timeout", post, 0, nil, "", context.DeadlineExceeded, true, issue.Doubtful, "", "looks before"},
		{"timeout, reading", get, 0, nil, "", context.DeadlineExceeded, true, issue.Unavailable, "", "later"},
		// a good status with no answer
		{"200 HTML", put, 200, web, "", &json.SyntaxError{}, true, issue.Doubtful, "not what GitLab sends", "sign-in page"},
		{"201 empty", post, 201, asJSON, "", io.EOF, true, issue.Doubtful, "EOF", "looks before"},
		{"201 half", post, 201, asJSON, "", io.ErrUnexpectedEOF, true, issue.Doubtful, "EOF", "looks before"},
		{"201 without id", post, 201, asJSON, "", errGarbled, true, issue.Doubtful, "fields are missing", "looks before"},
		{"204", post, 204, nil, "", io.EOF, true, issue.Doubtful, "", "looks before"},
		{"too large", post, 201, asJSON, "", errTooLarge, true, issue.Doubtful, "larger than", "looks before"},
		{"200 HTML, reading", get, 200, web, "", &json.SyntaxError{}, true, issue.Unavailable, "", "sign-in page"},
		{"200 half, reading", get, 200, asJSON, "", io.ErrUnexpectedEOF, true, issue.Unavailable, "", "later"},
		// redirects
		{"301", get, 301, header("Location", "https://other.example.com/api/v4/projects/7?private_token=x"), "moved", nil, true, issue.Moved, "", "https://other.example.com:"},
		{"302 write", post, 302, header("Location", "https://gitlab.example.com/users/sign_in"), "", nil, true, issue.Moved, "", "https://gitlab.example.com"},
		{"307 write", post, 307, header("Location", "::"), "", nil, true, issue.Moved, "", "another address"},
		// 4xx
		{"400 words", post, 400, asJSON, `{"error":"title is missing"}`, nil, true, issue.Invalid, "title is missing", "same request will fail"},
		{"400 model", post, 400, asJSON, `{"message":{"title":["is too long (maximum is 255 characters)"],"base":["no"]}}`, nil, true, issue.Invalid, "no; title is too long (maximum is 255 characters)", ""},
		{"400 spam", post, 400, asJSON, `{"message":{"base":["Your issue has been recognized as spam. Please, change the content to proceed."]}}`, nil, true, issue.Invalid, "recognized as spam", "allow the account"},
		{"409 captcha", post, 409, asJSON, captcha, nil, true, issue.Invalid, "recognized as spam", "allow the account"},
		{"409 duplicate", post, 409, asJSON, `{"message":"Duplicated issue"}`, nil, true, issue.Invalid, "Duplicated issue", ""},
		{"409 lock, creating", post, 409, asJSON, `{"message":"409 Conflict: Resource lock"}`, nil, true, issue.Doubtful, "Resource lock", "looks before"},
		{"409 lock, changing", put, 409, asJSON, `{"message":"409 Conflict: Resource lock"}`, nil, true, issue.Limited, "Resource lock", "goes on by itself"},
		{"422 list", post, 422, asJSON, `{"message":["one","two"]}`, nil, true, issue.Invalid, "one, two", ""},
		{"401 unknown", get, 401, asJSON, `{"message":"401 Unauthorized"}`, nil, true, issue.Unauthorized, "401 Unauthorized", "pasted whole"},
		{"401 expired", get, 401, asJSON, `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`, nil, true, issue.Unauthorized, "invalid_token: Token is expired.", "has expired"},
		{"401 revoked", post, 401, asJSON, `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`, nil, true, issue.Unauthorized, "", "was revoked"},
		{"401 impersonation", post, 401, asJSON, `{"error":"invalid_token","error_description":"Token is an impersonation token but impersonation was disabled."}`, nil, true, issue.Unauthorized, "", "impersonation tokens"},
		{"401 dpop", post, 401, asJSON, `{"error":"dpop_error","error_description":"DPoP header is missing"}`, nil, true, issue.Unauthorized, "", "DPoP"},
		{"403 scope", post, 403, asJSON, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`, nil, true, issue.Forbidden, "scopes that would do: api", "scope api"},
		{"403 granular", post, 403, asJSON, `{"error":"insufficient_granular_scope","error_description":"Access denied","scope":""}`, nil, true, issue.Forbidden, "Access denied", "fine-grained"},
		{"403 blocked", get, 403, asJSON, `{"message":"403 Forbidden - Your account has been blocked."}`, nil, true, issue.Forbidden, "blocked", "unblock"},
		{"403 terms", get, 403, asJSON, `{"message":"403 Forbidden - You must accept the Terms of Service in order to perform this action."}`, nil, true, issue.Forbidden, "Terms", "Sign in as the account"},
		{"403 policy", post, 403, asJSON, `{"message":"403 Forbidden"}`, nil, true, issue.Forbidden, "403 Forbidden", "Planner or Reporter"},
		{"403 firewall", post, 403, web, "<html><title>Access denied</title>", nil, true, issue.Forbidden, `titled "Access denied"`, "firewall"},
		{"404", post, 404, asJSON, `{"message":"404 Project Not Found"}`, nil, true, issue.NotFound, "404 Project Not Found", "member"},
		{"404 route", get, 404, asJSON, `{"error":"404 Not Found"}`, nil, true, issue.NotFound, "", "relative root"},
		{"404 page", get, 404, web, "<!doctype html><p>", nil, true, issue.NotFound, "an HTML page", "relative root"},
		{"405 moved", post, 405, asJSON, `{"message":"Non GET methods are not allowed for moved projects"}`, nil, true, issue.Moved, "", "numeric id"},
		{"405 proxy", put, 405, plain, "no PUT here", nil, true, issue.Invalid, "no PUT here", "proxy"},
		{"407", post, 407, nil, "", nil, true, issue.Unsent, "", "HTTPS_PROXY"},
		{"408", post, 408, nil, "", nil, true, issue.Doubtful, "", "looks before"},
		{"412", post, 412, asJSON, `{"message":"412 Precondition Failed"}`, nil, true, issue.Invalid, "412", ""},
		{"413", post, 413, web, "<html><title>413 Request Entity Too Large</title>", nil, true, issue.Invalid, "413", "shorten"},
		{"414", get, 414, nil, "", nil, true, issue.Invalid, "", "shorten"},
		{"429 plain", post, 429, header("Retry-After", "30"), "Retry later\n", nil, true, issue.Limited, "Retry later", "by itself"},
		{"429 bare", post, 429, asJSON, `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`, nil, true, issue.Limited, "This endpoint has been requested", "by itself"},
		// 5xx
		{"500", post, 500, asJSON, `{"message":"500 Internal Server Error"}`, nil, true, issue.Doubtful, "500 Internal", "looks before"},
		{"502", post, 502, web, page, nil, true, issue.Doubtful, `titled "502 Bad Gateway"`, "looks before"},
		{"503", put, 503, header("Retry-After", "30"), `{"message":"This organization is currently in read-only mode."}`, nil, true, issue.Doubtful, "read-only", "looks before"},
		{"504", post, 504, nil, "", nil, true, issue.Doubtful, "", "looks before"},
		{"502, reading", get, 502, web, page, nil, true, issue.Unavailable, "", "later"},
		{"503, reading", get, 503, header("Retry-After", "30"), "", nil, true, issue.Unavailable, "", "later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := classify(outcome{
				doing: "doing it", method: tt.method, status: tt.status, header: tt.header, body: []byte(tt.body),
				err: tt.err, left: tt.left, now: time.Now(),
			})
			if got.Kind != tt.want {
				t.Errorf("kind %q, want %q", got.Kind, tt.want)
			}
			if !strings.Contains(got.Said, tt.said) {
				t.Errorf("said %q, want %q", got.Said, tt.said)
			}
			if got.Mend == "" || !strings.Contains(got.Mend, tt.mend) {
				t.Errorf("mend %q, want %q", got.Mend, tt.mend)
			}
			if got.Doing != "doing it" || got.Status != tt.status {
				t.Errorf("doing %q, status %d", got.Doing, got.Status)
			}
			if tt.status >= 300 && got.Err != nil {
				t.Errorf("an answer says it all, yet there is %v", got.Err)
			}
			if want := (tt.status == 429 || tt.status == 503) && tt.header.Get("Retry-After") != ""; want != (got.After == 30*time.Second) {
				t.Errorf("after %s", got.After)
			}
		})
	}
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// Whatever a server says comes out as one short printable line without tokens.
func FuzzSaid(f *testing.F) {
	f.Add([]byte(`{"message":{"a":[{"b":"glpat-0123456789abcdefghij"}]}}`), "tok-en")
	f.Add([]byte("<html><title>tok-en\x1b[31m\u202e</title>"), "tok-en")
	f.Add([]byte(`{"error":"x","error_description":"\u0000tok-en","scope":["a",1]}`), "tok-en")
	f.Fuzz(func(t *testing.T, body []byte, token string) {
		if len(token) < 4 || strings.ContainsAny(token, "[]") || strings.Contains("[token]", token) {
			t.Skip("no token looks like this")
		}
		got := classify(outcome{method: http.MethodPost, status: 400, body: body, token: token}).Said
		if n := len([]rune(got)); n > longest+1 {
			t.Errorf("%d characters", n)
		}
		if strings.Contains(got, token) {
			t.Errorf("%q holds the token %q", got, token)
		}
		for _, r := range got {
			if r != '…' && (r < ' ' || r == 0x7f || r == '\u202e') {
				t.Errorf("%q holds %U", got, r)
			}
		}
	})
}

// An answer without end is given up, not kept, and is no answer.
func TestAnEndlessAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"title":"`)
		for chunk := make([]byte, 1<<10); ; {
			if _, err := w.Write(append(chunk[:0], strings.Repeat("x", cap(chunk))...)); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL, Token: func() string { return "x" }})
	if err != nil {
		t.Fatal(err)
	}
	g := c.api.HTTPClient().Transport.(*guard)
	if g.most != answerLimit {
		t.Errorf("the limit is %d", g.most)
	}
	g.most = 1 << 20
	r := Request{Doing: "creating an issue in project 7", Method: http.MethodPost, Route: "/projects/:id/issues"}
	_, _, err = Call(t.Context(), c, r, Ask[map[string]any](c, r.Method, "projects/7/issues", map[string]string{"title": "x"}), func(map[string]any) bool { return true })
	var trouble *issue.Trouble
	if !errors.As(err, &trouble) || trouble.Kind != issue.Doubtful || !strings.Contains(trouble.Said, "larger than") {
		t.Errorf("got %v", err)
	}
}

// The last thing a request passes refuses what would leave the instance, even
// if everything before it let it through.
func TestTheGuardKeepsRequestsAtHome(t *testing.T) {
	base, err := url.Parse("https://gitlab.example.com/gitlab")
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{next: http.NewFileTransport(http.Dir(t.TempDir())), base: base, log: slog.New(slog.DiscardHandler), observe: func(Sent) {}}
	for target, home := range map[string]bool{
		"https://GitLab.example.com/x": true, "http://gitlab.example.com/x": false,
		"https://gitlab.example.com:8443/x": false, "https://gitlab.example.com.example.org/x": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if home != (err == nil) || !home && !errors.Is(err, errElsewhere) {
			t.Errorf("%s: %v", target, err)
		}
	}
}
