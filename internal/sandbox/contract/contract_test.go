package contract_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestContract plays the story once and holds it to GitLab's two contracts.
func TestContract(t *testing.T) {
	d := drive(t)
	story(d)
	exchanges := *d.log

	t.Run("every route is driven", func(t *testing.T) {
		driven := map[string]bool{}
		for _, x := range exchanges {
			driven[x.route] = true
		}
		for _, route := range d.routes() {
			if !driven[route] {
				t.Errorf("%s: no exchange of the story has driven it; add one", route)
			}
		}
	})
	t.Run("the table is of this server", func(t *testing.T) {
		served := d.routes()
		for route := range answers() {
			asGet := strings.Replace(route, "HEAD ", "GET ", 1) // what answers GET answers HEAD
			if !slices.Contains(served, route) && !slices.Contains(served, asGet) {
				t.Errorf("%s: in the table of answers, but not served", route)
			}
		}
	})
	t.Run("no route is unknown", func(t *testing.T) {
		for _, c := range d.server.Unknown() {
			t.Errorf("%s %s: the story calls what the sandbox does not serve", c.Method, c.Path)
		}
	})
	t.Run("errors say why", func(t *testing.T) { errorsSayWhy(t, exchanges) })
	t.Run("schemas", func(t *testing.T) { heldToSchemas(t, exchanges) })
	t.Run("openapi", func(t *testing.T) {
		doc, err := newDocument(reference(t, "gitlab-openapi.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		t.Run("sent", func(t *testing.T) { heldToDocument(t, doc, exchanges) })
		t.Run("declared", func(t *testing.T) { declaredParameters(t, doc, d) })
	})
}

func errorsSayWhy(t *testing.T, exchanges []exchange) {
	for _, x := range exchanges {
		object, _ := x.answer.(map[string]any)
		if x.status >= http.StatusBadRequest && object["message"] == nil && object["error"] == nil {
			t.Errorf("%v: neither message nor error", x)
		}
	}
}

// heldToSchemas is GitLab's first contract: the JSON Schemas of its answers.
func heldToSchemas(t *testing.T, exchanges []exchange) {
	held := newSchemas(reference(t, "gitlab-schemas"))
	table, noted := answers(), map[string]bool{}
	for _, x := range exchanges {
		want, listed := table[x.route]
		if !listed {
			t.Errorf("%s: not in the table of answers; name its schema there, or none", x.route)
		}
		if x.status != http.StatusOK && x.status != http.StatusCreated || x.answer == nil {
			continue // an error, or a word that something will be done
		}
		for _, file := range []string{want, x.schema} {
			if file == none {
				continue
			}
			notes, err := held.check(file, x.answer)
			if err != nil {
				t.Errorf("%v: %v", x, err)
			}
			if notes != "" && !noted[x.route] {
				noted[x.route] = true
				t.Logf("note: %s answers with more keys than %s has", x.route, file)
			}
		}
	}
}

// heldToDocument is GitLab's second contract: the OpenAPI document. The path
// and the method must be in it, and every parameter the story sends declared.
func heldToDocument(t *testing.T, doc document, exchanges []exchange) {
	for _, x := range exchanges {
		method, path, _ := strings.Cut(x.route, " ")
		op, ok := doc[method+" "+nameless(path)]
		if !ok {
			if missingInDocument()[x.route] == "" {
				t.Errorf("%s: not in GitLab's OpenAPI document", x.route)
			}
			continue
		}
		for _, name := range op.undeclared(x) {
			if undeclaredInDocument(x.route, name) == "" {
				t.Errorf("%v: %s is not declared in GitLab's OpenAPI document", x, name)
			}
		}
	}
}

// declaredParameters holds what the sandbox declares, sent or not, to the
// document.
func declaredParameters(t *testing.T, doc document, d driver) {
	for _, route := range d.routes() {
		method, path, _ := strings.Cut(route, " ")
		op, ok := doc[method+" "+nameless(path)]
		if !ok {
			if missingInDocument()[route] == "" {
				t.Errorf("%s: not in GitLab's OpenAPI document", route)
			}
			continue
		}
		for _, p := range d.server.Params(method + " /api/v4" + path) {
			if !op.query[p] && !op.body[p] && undeclaredInDocument(route, p) == "" {
				t.Errorf("%s: takes %q, which is not declared in GitLab's OpenAPI document", route, p)
			}
		}
	}
}

// missingInDocument names the routes GitLab has and its document has not.
func missingInDocument() map[string]string {
	return map[string]string{
		"GET /": "clients probe the API's root, where GitLab answers 404 like everywhere else",
		"GET /groups/{id}/service_accounts/{user_id}": "new after 19.3; the 19.5 document has it",
	}
}

// undeclaredInDocument says why a parameter may be missing in the document; ""
// is no reason.
func undeclaredInDocument(route, parameter string) string {
	name := parameter[strings.LastIndexByte(parameter, ' ')+1:]
	for _, e := range exceptions() {
		if slices.Contains(e.names, name) && (e.route == route || e.route == "") {
			return e.why
		}
	}
	return ""
}

type exception struct {
	// route is "" for all.
	route string
	names []string
	why   string
}

// exceptions are the places where the document is wrong or incomplete, each
// with where GitLab itself says otherwise.
func exceptions() []exception {
	const issue = "/projects/{id}/issues/{issue_iid}"
	paged := []string{"page", "per_page"}
	return []exception{
		{"", []string{"pagination", "cursor"}, "doc/api/rest: keyset pagination; read beside an endpoint's own parameters"},
		{"GET " + issue + "/participants", paged, "lib/api/issues.rb answers paginate(…) without declaring it"},
		{"GET " + issue + "/closed_by", paged, "lib/api/issues.rb answers paginate(…) without declaring it"},
		{"GET " + issue + "/related_merge_requests", paged, "lib/api/issues.rb answers paginate(…) without declaring it"},
		{"POST " + issue + "/add_spent_time", []string{"summary"}, "lib/api/time_tracking_endpoints.rb reads it without declaring it; doc/api/issues.md has it"},
		{"DELETE /projects/{id}/labels", []string{"label_id"}, "lib/api/labels.rb: exactly one of label_id and name"},
		{"DELETE /groups/{id}/labels", []string{"label_id"}, "lib/api/group_labels.rb: exactly one of label_id and name"},
		{"DELETE /groups/{id}", []string{"permanently_remove", "full_path"}, "doc/api/groups.md, for a group already marked for deletion"},
		{"DELETE /projects/{id}", []string{"permanently_remove", "full_path"}, "doc/api/projects.md, for a project already marked for deletion"},
		{"HEAD /projects/{id}/repository/files/{file_path}", []string{"ref"}, "doc/api/repository_files.md: HEAD takes what GET takes"},
		{"POST /projects/{id}/repository/commits", commitParams(), "the document names the file of an upload alone; doc/api/commits.md"},
		{"PUT /namespaces/{id}", []string{"plan"}, "an administrator's, of the Enterprise Edition (ee/lib/ee/api/namespaces.rb)"},
		{"POST /groups/{id}/members", []string{"member_role_id"}, "doc/api/group_members.md; Ultimate"},
		{"POST /projects/{id}/members", []string{"member_role_id"}, "doc/api/project_members.md; Ultimate"},
	}
}

func commitParams() []string {
	return []string{"branch", "commit_message", "actions", "start_branch", "author_email", "author_name", "stats", "force", "allow_empty"}
}
