package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cxm/internal/api"
	"cxm/internal/api/door"
	"cxm/internal/app/apptest"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// refuse expects a refusal that says something.
func (b *bed) refuse(g got, status int, says string) {
	b.Helper()
	if g.status != status || !strings.Contains(g.says(), says) {
		b.Errorf("it answers %d %q, not %d with %q", g.status, g.says(), status, says)
	}
}

func TestWhoAsks(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		for _, token := range []string{"", "cxm_wrong", b.admin + "x", b.admin[:len(b.admin)-1] + "_", "cxmw_" + b.admin[4:], signin.Mint(signin.ValueToken).Reveal(), signin.Mint(signin.ValueSession).Reveal()} {
			g := b.ask(token, "GET", "/v1/status", nil)
			b.refuse(g, 401, "header.Authorization")
			if g.header.Get("WWW-Authenticate") == "" {
				t.Error("it does not say how to get in")
			}
		}
		b.refuse(b.ask("", "GET", "/v1/status", nil, "Authorization: Basic "+b.admin), 401, "Bearer")
		me := into[api.Me](b, b.do(200, "GET", "/v1/me", nil))
		if me.Tenant != "default" || me.Label != "admin@example.com" || len(me.Permissions) < 10 {
			t.Errorf("%+v", me)
		}
		b.do(200, "GET", "/v1/me", nil, "Cxm-Tenant: default")
		b.refuse(b.ask(b.admin, "GET", "/v1/me", nil, "Cxm-Tenant: acme"), 404, "header.Cxm-Tenant")
		id := int64(0)
		for _, token := range into[api.Page[api.Token]](b, b.do(200, "GET", "/v1/tokens", nil)).Items {
			id = token.ID
		}
		b.do(204, "DELETE", fmt.Sprint("/v1/tokens/", id), nil)
		b.refuse(b.ask(b.admin, "GET", "/v1/me", nil), 401, "revoked")
	})
}

// TestBodies: what is not as it should be is refused, with its place, and does
// nothing.
func TestBodies(t *testing.T) {
	b := newBed(t, "")
	for body, want := range map[string]string{
		`{"text":"a","text":"b"}`:         "400 body.text",
		`{"text":"a"`:                     "400 body",
		`{"text":"a"} {}`:                 "400 body",
		`{"text":"a",}`:                   "400 body",
		"{\"text\":\"\xff\"}":             "400 body",
		strings.Repeat(`{"a":`, 40) + "1": "400 body.a.a",
		strings.Repeat("[", 100000):       "400 body",
		`{"text":1}`:                      "422 body.text",
		`{}`:                              "422 body",
		`{"text":"a","extra":{"deep":1}}`: "422 body.extra",
		`[]`:                              "422 body",
		`null`:                            "422 body",
		`{"text":"` + strings.Repeat("x", 1<<20) + `"}`:     "413 ",
		`{"text":"` + strings.Repeat("x", 1_000_001) + `"}`: "422 body.text",
		`{"text":1e999999}`: "400 body",
	} {
		g := b.ask(b.admin, "POST", "/v1/rules/validate", body)
		var status int
		var at string
		fmt.Sscan(want, &status, &at)
		if b.refuse(g, status, at); strings.Contains(string(g.body), "xxxx") {
			t.Error("what was sent is repeated")
		}
	}
	for _, kind := range []string{"text/plain", "application/json; charset=latin1", "application/yaml", "", "application/problem+json"} {
		b.refuse(b.ask(b.admin, "POST", "/v1/rules/validate", `{"text":"a"}`, "Content-Type: "+kind), 415, "header.Content-Type")
	}
	b.refuse(b.ask(b.admin, "POST", "/v1/rules/validate", `{"text":"a"}`, "Content-Encoding: gzip"), 415, "header.Content-Encoding")
	b.refuse(b.ask(b.admin, "GET", "/v1/findings?limit=0", nil), 422, "query.limit")
	b.refuse(b.ask(b.admin, "GET", "/v1/findings?limit=501", nil), 422, "query.limit")
	b.refuse(b.ask(b.admin, "GET", "/v1/findings?kidn=cost", nil), 422, "query.kidn")
	b.refuse(b.ask(b.admin, "GET", "/v1/runs/one", nil), 422, "path.id")
	g := b.ask(b.admin, "PATCH", "/v1/findings", `{}`)
	if b.refuse(g, 405, "GET"); g.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %s", g.header.Get("Allow"))
	}
}

// TestCursors: a cursor is of its list alone, with the same filters.
func TestCursors(t *testing.T) {
	b := newBed(t, "")
	b.AWS(apptest.Disks(1, 5)...)
	next := *into[api.Page[api.Finding]](b, b.do(200, "GET", "/v1/findings?limit=2&kind=cost", nil)).Next
	b.do(200, "GET", "/v1/findings?limit=1&kind=cost&cursor="+next, nil)
	for _, at := range []string{
		"/v1/findings?cursor=" + next, "/v1/findings?kind=cost&order=worth&cursor=" + next, "/v1/groups?cursor=" + next, "/v1/findings?kind=cost&cursor=" + next[:len(next)-2],
		"/v1/findings?kind=cost&cursor=A" + next[1:], "/v1/findings?kind=cost&cursor=1", "/v1/findings?kind=cost&cursor=" + next + "AA",
	} {
		b.refuse(b.ask(b.admin, "GET", at, nil), 400, "query.cursor")
	}
}

// TestUnchanged: who has an answer is told so, also when it was compressed; what
// somebody changed meanwhile is not changed over them.
func TestUnchanged(t *testing.T) {
	b := newBed(t, "")
	b.AWS(apptest.Disks(1, 20)...)
	g := b.do(200, "GET", "/v1/findings", nil, "Accept-Encoding: identity")
	tag := g.header.Get("ETag")
	zipped := b.plainly("/v1/findings", "gzip", "")
	text, err := gzip.NewReader(bytes.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(text)
	if err != nil || !bytes.Equal(whole, g.body) || zipped.header.Get("ETag") == tag || !strings.Contains(strings.Join(zipped.header.Values("Vary"), " "), "Accept-Encoding") {
		t.Errorf("compressed it is %d bytes of %d (%v), with %v", len(whole), len(g.body), err, zipped.header)
	}
	for _, match := range []string{tag, zipped.header.Get("ETag"), `"x", ` + tag, "W/" + tag, "*"} {
		if g := b.do(304, "GET", "/v1/findings", nil, "If-None-Match: "+match); len(g.body) != 0 || g.header.Get("ETag") == "" {
			t.Errorf("304 with %q", g.body)
		}
	}
	b.do(200, "GET", "/v1/findings", nil, `If-None-Match: "other"`)
	if tag == "" || tag == b.do(200, "GET", "/v1/groups", nil).header.Get("ETag") || !strings.HasPrefix(tag, `"`) {
		t.Errorf("the ETag is %q", tag)
	}
	in := b.do(200, "GET", "/v1/integrations/1", nil).header.Get("ETag")
	stay := map[string]any{"on_route_change": "stay"}
	b.refuse(b.ask(b.admin, "PATCH", "/v1/integrations/1", stay), 428, "header.If-Match")
	b.refuse(b.ask(b.admin, "PATCH", "/v1/integrations/1", stay, `If-Match: "old"`), 412, "header.If-Match")
	if got := into[api.Integration](b, b.do(200, "PATCH", "/v1/integrations/1", stay, "If-Match: "+in)); got.OnRoute != "stay" {
		t.Errorf("%+v", got)
	}
	b.refuse(b.ask(b.admin, "PATCH", "/v1/integrations/1", map[string]any{"on_route_change": "move"}, "If-Match: "+in), 412, "header.If-Match")
}

// plainly asks without a client that undoes what the server does.
func (b *bed) plainly(path, encoding, token string) got {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	if token == "" {
		token = b.admin
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Encoding", encoding)
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	return got{answer.StatusCode, answer.Header, body}
}

// TestOnce: a request that is sent again with its key does nothing twice, and shows
// no secret again; a key is of one request.
func TestOnce(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		add := map[string]any{"name": "alerts", "type": "alertmanager"}
		key := "Idempotency-Key: 0199-" + t.Name()
		first := b.do(201, "POST", "/v1/sources", add, key)
		made := into[api.MadeSource](b, first)
		if made.Value == nil || len(*made.Value) < 20 || made.Before || first.header.Get("Location") != "/v1/sources/alerts" {
			t.Fatalf("%+v, %v", made, first.header)
		}
		again := b.do(201, "POST", "/v1/sources", add, key)
		repeated := into[api.MadeSource](b, again)
		if repeated.Value != nil || !repeated.Before || repeated.Source.Name != "alerts" || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != "/v1/sources/alerts" {
			t.Errorf("%+v, %v", repeated, again.header)
		}
		b.refuse(b.ask(b.admin, "POST", "/v1/sources", add), 409, "another source")
		b.refuse(b.ask(b.admin, "POST", "/v1/sources", map[string]any{"name": "other", "type": "alertmanager"}, key), 422, "header.Idempotency-Key")
		b.refuse(b.ask(b.admin, "POST", "/v1/sources", add, "Idempotency-Key: "+strings.Repeat("k", 256)), 400, "header.Idempotency-Key")
		other := b.token(b.App, "other@example.com", role.Admin, role.ScopeAdmin)
		b.refuse(b.ask(other, "POST", "/v1/sources", add, key), 409, "another source") // their own key
		failed := "Idempotency-Key: failed"
		b.refuse(b.ask(b.admin, "POST", "/v1/sources", map[string]any{"name": "new", "type": "none"}, failed), 422, "body.type")
		b.do(201, "POST", "/v1/sources", map[string]any{"name": "new", "type": "alertmanager"}, failed)
		b.Clock.Forward(25 * time.Hour)
		b.refuse(b.ask(b.admin, "POST", "/v1/sources", add, key), 409, "another source")
	})
}

// TestUnderWay: of two requests with one key that come at once one is carried out,
// and the other told so.
func TestUnderWay(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		b.AWS(apptest.Disks(1, 4)...)
		var wg sync.WaitGroup
		answers := make(chan got, 6)
		for range cap(answers) {
			wg.Go(func() { answers <- b.ask(b.admin, "POST", "/v1/plans", map[string]any{}, "Idempotency-Key: k") })
		}
		wg.Wait()
		close(answers)
		carried := 0
		for g := range answers {
			switch {
			case g.status == 200 && g.header.Get("Idempotency-Replayed") == "":
				carried++
			case g.status != 200 && g.status != 409:
				t.Errorf("it answers %d %s", g.status, g.body)
			}
		}
		if carried != 1 {
			t.Errorf("%d were carried out", carried)
		}
		b.do(200, "POST", "/v1/plans", map[string]any{}, "Idempotency-Key: k")
	})
}

// TestRate: who asks too often is told to wait, and others are not.
func TestRate(t *testing.T) {
	b := newBed(t, "")
	now := b.Clock.Now()
	d := door.New(door.Options{
		Known: b.App.People.Authenticate, Serves: func(context.Context, string) (bool, error) { return true, nil }, Clock: func() time.Time { return now }, Rate: 60,
	})
	h := d.Wrap(door.Route{Method: "GET"}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, door.From(r.Context()).Tenant) }))
	mux := http.NewServeMux()
	mux.Handle("/v1/me", h)
	b.url = serveHandler(t, mux)
	b.judge.next, b.judge.t = http.DefaultTransport, quiet{t}
	for i := range 60 {
		if g := b.ask(b.admin, "GET", "/v1/me", nil); g.status != 200 || g.header.Get("RateLimit-Remaining") != fmt.Sprint(59-i) || g.header.Get("RateLimit-Limit") != "60" {
			t.Fatalf("%d: %d, %v", i, g.status, g.header)
		}
	}
	g := b.ask(b.admin, "GET", "/v1/me", nil)
	if g.status != 429 || g.header.Get("Retry-After") != "1" || g.header.Get("RateLimit-Remaining") != "0" {
		t.Fatalf("%d, %v", g.status, g.header)
	}
	if g := b.ask(b.token(b.App, "other@example.com", role.Viewer, role.ScopeRead), "GET", "/v1/me", nil); g.status != 200 {
		t.Errorf("somebody else: %d", g.status)
	}
	now = now.Add(time.Second)
	if g := b.ask(b.admin, "GET", "/v1/me", nil); g.status != 200 {
		t.Errorf("a second later: %d", g.status)
	}
}

// TestTenants: a token is of one tenant, and what is of another is not there.
func TestTenants(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		b := newBed(t, database())
		root := b.root()
		b.refuse(b.ask(b.admin, "POST", "/v1/tenants", map[string]any{"name": "acme"}), 403, "installation")
		if g := b.ask(root, "POST", "/v1/tenants", map[string]any{"name": "acme", "title": "Acme"}); g.status != 201 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		b.refuse(b.ask(root, "POST", "/v1/tenants", map[string]any{"name": "acme"}), 409, "of that name")
		b.refuse(b.ask(root, "POST", "/v1/tenants", map[string]any{"name": "A b"}), 422, "body.name")
		b.refuse(b.ask(root, "GET", "/v1/findings", nil), 403, "no role in this tenant")
		other, err := b.App.Of(b.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		theirs := b.token(other, "acme-admin@example.com", role.Admin, role.ScopeAdmin)
		b.refuse(b.ask(theirs, "GET", "/v1/integrations", nil, "Cxm-Tenant: default"), 404, "header.Cxm-Tenant")
		if got := into[api.Page[api.Integration]](b, b.ask(theirs, "GET", "/v1/integrations", nil)); len(got.Items) != 0 {
			t.Errorf("%+v", got)
		}
		b.refuse(b.ask(theirs, "GET", "/v1/integrations/1", nil), 404, "no integration 1")
		if got := into[api.Page[api.TenantInfo]](b, b.ask(theirs, "GET", "/v1/tenants", nil)); len(got.Items) != 1 || got.Items[0].Name != "acme" || *got.Items[0].Role != role.Admin {
			t.Errorf("%+v", got)
		}
		if got := into[api.Page[api.TenantInfo]](b, b.ask(root, "GET", "/v1/tenants", nil)); len(got.Items) != 2 {
			t.Errorf("%+v", got)
		}
		if g := b.ask(root, "PATCH", "/v1/tenants/acme", map[string]any{"disabled": true}); g.status != 200 {
			t.Fatalf("%d %s", g.status, g.body)
		}
		b.refuse(b.ask(theirs, "GET", "/v1/integrations", nil), 403, "no role in any tenant")
		b.refuse(b.ask(root, "PATCH", "/v1/tenants/none", map[string]any{"disabled": true}), 404, "no tenant")
	})
}

// root is a token of somebody who sees to the installation, and to no tenant.
func (b *bed) root() string {
	b.Helper()
	token := b.token(b.App, "root@example.com", role.Viewer, role.ScopeInstallation, role.ScopeAdmin)
	by := signin.Operator("test")
	p, err := b.App.People.Find(b.Context(), "root@example.com")
	if err == nil {
		_, err = b.App.People.SetInstallation(b.Context(), by, p.ID, true)
	}
	if err == nil {
		_, err = b.App.People.SetRole(b.Context(), by, p.ID, b.App.Tenant, "")
	}
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// TestSeveralTenants: who works in several names one; a person who signed in is not
// bound to one as a token is.
func TestSeveralTenants(t *testing.T) {
	who := signin.Session{ID: 1}.Who(signin.Person{ID: 1, Grants: []signin.Grant{{Tenant: "acme", Role: role.Viewer}, {Tenant: "default", Role: role.Viewer}, {Tenant: "away", Role: role.Viewer}}})
	b := newBed(t, "")
	d := door.New(door.Options{
		Known: func(context.Context, credentialSecret) (signin.Who, error) { return who, nil }, Serves: func(_ context.Context, t string) (bool, error) { return t != "away", nil }, Clock: time.Now,
	})
	mux := http.NewServeMux()
	mux.Handle("/", d.Wrap(door.Route{Method: "GET", Needs: role.Read}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, door.From(r.Context()).Tenant) })))
	b.url, b.judge.t = serveHandler(t, mux), quiet{t}
	b.refuse(b.ask(b.admin, "GET", "/", nil), 400, "acme, default")
	if g := b.ask(b.admin, "GET", "/", nil, "Cxm-Tenant: acme"); g.status != 200 || string(g.body) != "acme" {
		t.Errorf("%d %s", g.status, g.body)
	}
	for _, name := range []string{"away", "nobody's", ""} {
		b.refuse(b.ask(b.admin, "GET", "/", nil, "Cxm-Tenant: "+name), 404, "header.Cxm-Tenant")
	}
	who.Person.Grants = who.Person.Grants[:1]
	if g := b.ask(b.admin, "GET", "/", nil); string(g.body) != "acme" {
		t.Errorf("the only one: %d %s", g.status, g.body)
	}
}
