package edge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// listedOperation is an operation of docs/openapi.json.
type listedOperation struct {
	id, method, path string
	needs            role.Permission
	body             bool
}

// operations are all of the document.
func operations(t testing.TB) []listedOperation {
	t.Helper()
	text, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string          `json:"operationId"`
			Permission  role.Permission `json:"x-cxm-permission"`
			RequestBody any             `json:"requestBody"`
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var out []listedOperation
	for path, methods := range d.Paths {
		for method, op := range methods {
			out = append(out, listedOperation{op.OperationID, strings.ToUpper(method), path, op.Permission, op.RequestBody != nil})
		}
	}
	if len(out) < 60 {
		t.Fatalf("only %d operations", len(out))
	}
	return out
}

// call is a request for an operation, about nothing that there is.
func (o listedOperation) call(b *bed, token string, headers ...string) got {
	b.Helper()
	path := strings.NewReplacer("{id}", "999", "{number}", "999", "{name}", "none", "{key}", "none").Replace(o.path)
	var body any
	if o.body {
		body = "[]"
	}
	return b.ask(token, o.method, path, body, headers...)
}

// permissions that the document need not name: whoever is known may.
func free(id string) bool { return id == "me" || id == "tenants" }

// TestWalk asks every operation as everybody: who may do it is not kept out, and who
// may not is, as the table of roles says and nothing else.
func TestWalk(t *testing.T) {
	b := &bed{Bed: databases.Bed(t, "")}
	b.url, b.judge = serve(t, b.App), &judge{t: t, next: http.DefaultTransport, heard: map[string]bool{}}
	if err := b.App.AddTenant(t.Context(), "acme", ""); err != nil {
		t.Fatal(err)
	}
	other, err := b.App.Of(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	stranger := b.token(other, "stranger@example.com", role.Admin, role.Scopes()...)
	all := operations(t)
	for _, op := range all {
		if op.needs == "" && !free(op.id) {
			t.Errorf("%s needs no permission", op.id)
		}
		b.refuse(op.call(b, ""), 401, "Authorization")
		b.refuse(op.call(b, signin.Mint(signin.ValueToken).Reveal()), 401, "Authorization")
		if !strings.HasPrefix(op.path, "/v1/tenants") {
			b.refuse(op.call(b, stranger, "Cxm-Tenant: default"), 404, "Cxm-Tenant")
		}
	}
	for _, r := range []role.Role{role.Viewer, role.Member, role.Admin} {
		for _, s := range role.Scopes() {
			email := fmt.Sprintf("%s-%s@example.com", r, s)
			b.walk(all, email, b.token(b.App, email, r, s), []role.Role{r}, s)
		}
	}
	b.walk(all, "root", b.root(), []role.Role{role.Installation}, role.ScopeInstallation, role.ScopeAdmin)
}

func (b *bed) walk(all []listedOperation, who, token string, roles []role.Role, scopes ...role.Scope) {
	b.Helper()
	for _, op := range all {
		g := op.call(b, token)
		may := free(op.id)
		if !may {
			may, _ = role.Allowed(roles, role.Only(scopes...), op.needs)
		}
		if roles[0] == role.Installation && !strings.HasPrefix(op.path, "/v1/tenants") {
			may = op.id == "me"
		}
		kept := g.status == 403
		if kept && strings.HasPrefix(op.path, "/v1/sessions") {
			kept = !strings.Contains(g.says(), "sign in to see to yours") // a token is not who it belongs to
		}
		if may == kept {
			b.Errorf("%s: %s %s takes %s, and answers %d: %s", who, op.method, op.path, op.needs, g.status, g.body)
		}
	}
}
