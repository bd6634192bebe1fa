package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cxm/internal/sandbox"
)

// client calls one sandbox as one user.
type client struct {
	t     *testing.T
	url   string
	token string
}

// result is an answer, read whole.
type result struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

func serve(t *testing.T, o sandbox.Options) (*sandbox.Server, client) {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, client{t: t, url: h.URL, token: s.AdminToken()}
}

// as is the same sandbox seen by another token.
func (c client) as(token string) client { c.token = token; return c }

// do sends a request. body is JSON text, or a form when it does not begin
// with a brace; "" sends none.
func (c client) do(method, path, body string, header ...string) result {
	c.t.Helper()
	var r io.Reader
	if body != "" {
		r = bytes.NewReader([]byte(body))
	}
	url := path
	if !strings.HasPrefix(path, "http") {
		url = c.url + path
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if body == "null" || strings.ContainsAny(body[:1], "{[") {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	if c.token != "" {
		req.Header.Set("PRIVATE-TOKEN", c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	hc := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := hc.Do(req)
	if err != nil {
		return result{t: c.t, Status: 0, Body: err.Error(), Header: http.Header{}}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return result{t: c.t, Status: 0, Body: string(b) + err.Error(), Header: res.Header}
	}
	return result{t: c.t, Status: res.StatusCode, Header: res.Header, Body: string(b)}
}

// api calls below /api/v4 and fails the test unless the status is as told.
func (c client) api(want int, method, path, body string, header ...string) result {
	c.t.Helper()
	r := c.do(method, "/api/v4"+path, body, header...)
	if r.Status != want {
		c.t.Fatalf("%s %s: status %d, want %d: %s", method, path, r.Status, want, r.Body)
	}
	return r
}

// get reads a value out of a JSON answer: "assignees.0.username".
func (r result) get(path string) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
		r.t.Fatalf("%v: %s", err, r.Body)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			n := int(key[0] - '0')
			if n >= len(at) {
				return nil
			}
			v = at[n]
		default:
			return nil
		}
	}
	return v
}

func (r result) str(path string) string { s, _ := r.get(path).(string); return s }

func (r result) num(path string) int { n, _ := r.get(path).(float64); return int(n) }
