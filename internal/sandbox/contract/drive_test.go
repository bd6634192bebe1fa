package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cxm/internal/sandbox"
)

// exchange is one call of the story and its answer.
type exchange struct {
	// route is method and pattern, as the server names them.
	method, path, route string
	status              int
	// query and body hold the names of the parameters sent.
	query, body map[string]bool
	// answer is the decoded JSON, nil if there was none.
	answer any
	// schema is asked for beyond the table; "" for none.
	schema string
}

func (x exchange) String() string { return fmt.Sprintf("%s %s (%d)", x.method, x.path, x.status) }

// driver calls the sandbox as one user and keeps every exchange.
type driver struct {
	t      *testing.T
	server *sandbox.Server
	url    string
	token  string
	log    *[]exchange
}

// drive starts a sandbox that has only an administrator.
func drive(t *testing.T) driver {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Seed: sandbox.SeedEmpty})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	return driver{t, server, front.URL, server.AdminToken(), &[]exchange{}}
}

// as calls with another token.
func (d driver) as(token string) driver {
	d.token = token
	return d
}

// params are what a call sends in its body.
type params map[string]any

// entity is a JSON object of an answer.
type entity map[string]any

func (e entity) int(key string) int64 {
	n, _ := e[key].(json.Number)
	i, _ := n.Int64()
	return i
}

func (e entity) str(key string) string {
	s, _ := e[key].(string)
	return s
}

// one calls, wants a status, and returns the object answered.
func (d driver) one(want int, method, path string, body params) entity {
	d.t.Helper()
	x := d.call(want, method, path, body)
	object, _ := x.answer.(map[string]any)
	return object
}

// list calls, wants 200, and returns the list answered.
func (d driver) list(path string) []entity {
	d.t.Helper()
	x := d.call(http.StatusOK, http.MethodGet, path, nil)
	items, ok := x.answer.([]any)
	if !ok {
		d.t.Errorf("%v: no list", x)
	}
	var out []entity
	for _, item := range items {
		object, _ := item.(map[string]any)
		out = append(out, object)
	}
	return out
}

// held calls, wants 200, and holds the answer to one schema more than the
// table has for the route.
func (d driver) held(schema, path string) {
	d.t.Helper()
	d.call(http.StatusOK, http.MethodGet, path, nil)
	(*d.log)[len(*d.log)-1].schema = schema
}

// call makes one exchange.
func (d driver) call(want int, method, path string, body params) exchange {
	d.t.Helper()
	x := exchange{method: method, path: path, query: map[string]bool{}, body: map[string]bool{}}
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+"/api/v4"+path, d.encode(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for name := range req.URL.Query() {
		x.query[name] = true
	}
	for name := range body {
		x.body[name] = true
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if d.token != "" {
		req.Header.Set("PRIVATE-TOKEN", d.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	x.status = res.StatusCode
	if method != http.MethodHead && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if x.answer, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
			d.t.Errorf("%v: no JSON: %v: %q", x, err, text)
		}
	}
	calls := d.server.Calls()
	x.route = routeOf(calls[len(calls)-1])
	if x.status != want {
		d.t.Fatalf("%v, want %d: %s", x, want, text)
	}
	*d.log = append(*d.log, x)
	return x
}

func (d driver) encode(body params) io.Reader {
	if body == nil {
		return nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	return bytes.NewReader(raw)
}

// routeOf is a call's route as the table writes it: "GET /projects/{id}".
func routeOf(c sandbox.Call) string {
	return c.Method + " " + strings.TrimPrefix(c.Route, "/api/v4")
}

// routes are the server's own, as the table writes them.
func (d driver) routes() []string {
	var out []string
	for _, route := range d.server.Routes() {
		method, path, _ := strings.Cut(route, " ")
		out = append(out, method+" "+strings.TrimPrefix(path, "/api/v4"))
	}
	return out
}
