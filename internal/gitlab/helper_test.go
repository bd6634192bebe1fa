package gitlab_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"sync"
	"testing"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
)

// newToken makes a token of GitLab's shape that is no one's.
func newToken() string {
	raw := make([]byte, 10)
	for i := range raw {
		raw[i] = byte(rand.Uint32())
	}
	return "glpat-" + hex.EncodeToString(raw)
}

// client is a client of the server at url, with what the test changes about it.
func client(t testing.TB, url string, change ...func(*rest.Options)) *gitlab.Client {
	t.Helper()
	token := newToken()
	o := rest.Options{URL: url, Token: func() string { return token }}
	for _, f := range change {
		f(&o)
	}
	c, err := rest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return gitlab.New(c)
}

// serve starts a server for the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// inside is a transport that asks the handler without a network, so that it
// works in a synctest bubble. A handler that panics with http.ErrAbortHandler
// cuts the connection.
type inside struct{ http.Handler }

func (i inside) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.GetConn(req.URL.Host)
		trace.GotConn(httptrace.GotConnInfo{})
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			resp, err = nil, io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	rec, in := httptest.NewRecorder(), req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody // as a server sees it
	}
	in.RequestURI, in.Host = req.URL.RequestURI(), req.URL.Host
	i.ServeHTTP(rec, in)
	resp = rec.Result()
	resp.Request = req
	return resp, nil
}

// within makes a client of the handler, without a network.
func within(t testing.TB, h http.HandlerFunc, change ...func(*rest.Options)) *gitlab.Client {
	t.Helper()
	return client(t, "https://gitlab.example.com", append([]func(*rest.Options){func(o *rest.Options) {
		o.Transport = inside{h}
		o.Limits = rest.Limits{Requests: -1, Creates: -1, Notes: -1, Searches: -1}
	}}, change...)...)
}

// troubleOf is the trouble that err must be.
func troubleOf(t testing.TB, err error) *issue.Trouble {
	t.Helper()
	var trouble *issue.Trouble
	if !errors.As(err, &trouble) {
		t.Fatalf("got %T %v, want an *issue.Trouble", err, err)
	}
	return trouble
}

// wantKind checks what err means.
func wantKind(t testing.TB, err error, kind issue.TroubleKind) *issue.Trouble {
	t.Helper()
	trouble := troubleOf(t, err)
	if trouble.Kind != kind {
		t.Fatalf("got %q, want %q: %v", trouble.Kind, kind, err)
	}
	return trouble
}

func send(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may have hung up, which is its right
}

// sendIssue answers with an issue as GitLab shows one.
func sendIssue(w http.ResponseWriter, status int, iid int64) {
	send(w, status, "application/json", issueJSON(iid, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)))
}

func issueJSON(iid int64, updated time.Time) string {
	stamp := updated.UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf(`{"id":%d,"iid":%d,"project_id":7,"title":"t","description":"d","state":"opened","labels":["b","a"],`+
		`"author":{"id":3},"created_at":%q,"updated_at":%q,"web_url":"https://gitlab.example.com/acme/platform/-/work_items/%d"}`,
		1000+iid, iid, stamp, stamp, iid)
}

// counter counts requests by method.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[method]++
	return c.n[method]
}

func (c *counter) of(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[method]
}

var draft = issue.Draft{Title: "Stop the idle instance i-0abc", Description: "It has been idle for 30 days.", Labels: []string{"cxm", "cost"}}

// write is each way the client writes.
type write struct {
	name, method string
	do           func(context.Context, *gitlab.Client) error
}

func writes() []write {
	title := "A better title"
	return []write{
		{"create", http.MethodPost, func(ctx context.Context, c *gitlab.Client) error {
			_, err := c.Create(ctx, 7, draft)
			return err
		}},
		{"change", http.MethodPut, func(ctx context.Context, c *gitlab.Client) error {
			_, err := c.Change(ctx, 7, 1, issue.Change{Title: &title})
			return err
		}},
		{"move", http.MethodPost, func(ctx context.Context, c *gitlab.Client) error {
			_, err := c.Move(ctx, 7, 1, 8, nil)
			return err
		}},
		{"note", http.MethodPost, func(ctx context.Context, c *gitlab.Client) error {
			_, err := c.Note(ctx, 7, 1, "It is back.")
			return err
		}},
	}
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func itoa(n int) string { return strconv.Itoa(n) }
