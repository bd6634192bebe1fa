package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/edge"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/desk"
	"cxm/internal/signin/role"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	os.Exit(databases.Main(m))
}

// document is docs/openapi.json, which TestDocument of internal/api holds to what is
// served.
var document = sync.OnceValues(func() (routers.Router, error) {
	text, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// judge lets no answer through that is not as the document says.
type judge struct {
	t     testing.TB
	next  http.RoundTripper
	mu    sync.Mutex
	heard map[string]bool // operations that answered well
}

func (j *judge) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := j.next.RoundTrip(req)
	if err != nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if why := j.judge(req, answer, body); why != nil {
		j.t.Errorf("%s %s answers %d, and not as the document says: %v\n%.600s", req.Method, req.URL.RequestURI(), answer.StatusCode, why, body)
	}
	return answer, nil
}

func (j *judge) judge(req *http.Request, answer *http.Response, body []byte) error {
	router, err := document()
	if err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		return problem(answer, body)
	}
	if strings.HasPrefix(req.URL.Path, "/v1/docs") || req.URL.Path == "/v1/openapi.json" {
		return nil // what describes the others
	}
	known := req.Clone(context.Background())
	known.URL.Host, known.URL.Scheme, known.Host = "", "", ""
	route, params, err := router.FindRoute(known)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusNotModified {
		return nil // it has no body, and no type
	}
	j.mu.Lock()
	j.heard[route.Operation.OperationID] = true
	j.mu.Unlock()
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: known, PathParams: params, Route: route},
		Status:                 answer.StatusCode, Header: answer.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	in.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(context.Background(), in)
}

// problem says why a refusal is none as RFC 9457 and the document have it.
func problem(answer *http.Response, body []byte) error {
	var p struct {
		Title, Detail string
		Status        int
		Errors        []struct{ Message, Location string }
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	switch {
	case answer.Header.Get("Content-Type") != "application/problem+json":
		return fmt.Errorf("it is %q", answer.Header.Get("Content-Type"))
	case d.Decode(&p) != nil || p.Status != answer.StatusCode || p.Title != http.StatusText(p.Status) || len(p.Detail) < 20:
		return fmt.Errorf("it is no problem: %+v", p)
	}
	for _, e := range p.Errors {
		if e.Message == "" || e.Location == "" {
			return fmt.Errorf("it names no place: %+v", p)
		}
	}
	return nil
}

// bed is cxm with its API, beside a sandbox GitLab.
type bed struct {
	*apptest.Bed
	url   string
	judge *judge
	admin string // a token of an admin's that may do everything
}

func newBed(t *testing.T, database string) *bed {
	t.Helper()
	b := &bed{Bed: databases.Connected(t, database)}
	b.url, b.judge = serve(t, b.App), &judge{t: t, next: http.DefaultTransport, heard: map[string]bool{}}
	b.admin = b.token(b.App, "admin@example.com", role.Admin, role.ScopeAdmin)
	return b
}

func serve(t *testing.T, a *app.App) string {
	t.Helper()
	h, err := edge.New(a)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// token is one of somebody who has a role in the program's tenant; of an empty role:
// in no tenant any more.
func (b *bed) token(a *app.App, email string, r role.Role, scopes ...role.Scope) string {
	b.Helper()
	by := signin.Operator("test")
	p, _, err := a.People.Add(b.Context(), by, desk.Newcomer{Email: email, Tenant: a.Tenant, Role: r})
	if err != nil {
		b.Fatal(err)
	}
	value, _, err := a.People.MintToken(b.Context(), by, desk.Asked{Tenant: a.Tenant, Person: p.ID, Name: "of " + email, Scopes: scopes})
	if err != nil {
		b.Fatal(err)
	}
	return value.Reveal()
}

// got is an answer.
type got struct {
	status int
	header http.Header
	body   []byte
}

// ask asks as who has a token, with headers "Name: value".
func (b *bed) ask(token, method, path string, body any, headers ...string) got {
	b.Helper()
	return b.askAt(b.url, token, method, path, body, headers...)
}

func (b *bed) askAt(url, token, method, path string, body any, headers ...string) got {
	b.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		text = string(raw)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, url+path, strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	answer, err := (&http.Client{Transport: b.judge, Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	out := got{status: answer.StatusCode, header: answer.Header}
	if out.body, err = io.ReadAll(answer.Body); err != nil {
		b.Fatal(err)
	}
	return out
}

// do asks as the admin, and expects a status.
func (b *bed) do(want int, method, path string, body any, headers ...string) got {
	b.Helper()
	g := b.ask(b.admin, method, path, body, headers...)
	if g.status != want {
		b.Fatalf("%s %s answers %d, not %d: %.600s", method, path, g.status, want, g.body)
	}
	return g
}

// into reads an answer.
func into[T any](b *bed, g got) T {
	b.Helper()
	var out T
	if err := json.Unmarshal(g.body, &out); err != nil {
		b.Fatalf("%v: %.300s", err, g.body)
	}
	return out
}

// says is the detail of a problem.
func (g got) says() string {
	var p struct {
		Detail string
		Errors []struct{ Message, Location string }
	}
	_ = json.Unmarshal(g.body, &p) // then it says nothing
	for _, e := range p.Errors {
		p.Detail += " " + path.Clean(e.Location)
	}
	return p.Detail
}

func serveHandler(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

type credentialSecret = credential.Secret

// quiet judges nothing, for handlers that the document does not describe.
type quiet struct{ testing.TB }

// Errorf does nothing.
func (quiet) Errorf(string, ...any) {}
